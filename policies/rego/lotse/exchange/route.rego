# SPDX-License-Identifier: EUPL-1.2

# Which rule speaks for which field.
# Steps 3 to 8 of the evaluation order as set algebra:
# what a step takes is gone for the steps after it.
package lotse.exchange

import future.keywords.not

# METADATA
# description: Rules that fit sender, recipient, purpose and trigger, and whose occasion is given.
applicable contains rule if {
	some rule, facts in data.catalogue.rules
	facts.from[input.from_kind]
	facts.to[input.to_kind]
	facts.purposes[input.purpose]
	facts.triggers[input.trigger]
	count(object.keys(facts.when) - met) == 0
}

# METADATA
# description: |
#   Block (R41), identifiers (R45), travelling secrecy (R64), recipients abroad (R69) and the default
#   (R73) fit almost every request; they say nothing about whether there is a rule for this one.
route_rules := applicable - {"R41", "R45", "R64", "R69", "R73"}

# METADATA
# description: The closed list of fields of a rule.
fields_of(rule) := object.keys(data.catalogue.rules[rule].fields)

# METADATA
# description: What a rule would take, were it alone.
# scope: document
claimed[rule] := asked & fields_of(rule) if some rule in route_rules

# METADATA
# title: R45 an identifier is refused unless a rule for this route lists it
# scope: rule
claimed["R45"] := (asked & fields_of("R45")) - union({fields_of(rule) | some rule in route_rules})

# METADATA
# title: R69 nothing at all goes abroad, whatever the fields
# scope: rule
claimed["R69"] := asked if "R69" in applicable

# METADATA
# title: R41 a hit on an information block silences the whole answer
# description: |
#   BMG § 34a V, § 51 II. The address fields by R41, every other field of the same request too,
#   so that nothing can be told from a partial answer.
# scope: document
default blocked := set()

blocked := asked if {
	input.holder.info_block == true
	"R41" in applicable
}

# METADATA
# description: Which rule speaks for the fields that are silent only because others are.
# scope: document
default block_rule := "R41"

block_rule := "R40" if "R40" in applicable

# METADATA
# description: Left over for step 4, secrecy.
left_4 := asked - blocked

# METADATA
# description: Left over for step 5, prohibitions.
left_5 := ((left_4 - silenced) - tagged_203) - tagged_65

# METADATA
# description: Left over for step 6, AZR first.
left_6 := left_5 - claimed_at(5)

# METADATA
# description: Left over for step 7, statute.
left_7 := left_6 - claimed_at(6)

# METADATA
# description: Left over for step 8, choice and permission.
left_8 := left_7 - claimed_at(7)

# METADATA
# description: What no rule of any step lists.
unlisted := left_8 - claimed_at(8)

# METADATA
# description: Everything that the rules of a step would take.
claimed_at(step) := union({fields |
	some rule, fields in claimed
	data.catalogue.rules[rule].step == step
})

# METADATA
# description: What a rule does take, which is its fields without those of earlier steps.
taken[rule] := fields if {
	some rule, claim in claimed
	fields := claim & left_at(data.catalogue.rules[rule].step)
	count(fields) > 0
}

# METADATA
# description: The same by number.
# scope: document
left_at(4) := left_4

left_at(5) := left_5

left_at(6) := left_6

left_at(7) := left_7

left_at(8) := left_8

# METADATA
# title: R73 what no rule lists is denied
# scope: document
default default_reason := "no_rule"

default_reason := "not_in_rule" if count(route_rules) > 0

default_reason := "purpose_missing" if {
	count(route_rules) == 0
	not purpose_offered
}

# METADATA
# description: Exchange for this purpose is offered at all.
purpose_offered if data.catalogue.purposes[input.purpose] == true
