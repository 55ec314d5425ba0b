# SPDX-License-Identifier: EUPL-1.2

# Which rule speaks for which field.
# Steps 3 to 8 of the evaluation order as set algebra:
# what a step takes is gone for the steps after it.
package lotse.exchange

import future.keywords.not

# Rules that fit sender, recipient, purpose and trigger, and whose occasion is given.
applicable contains rule if {
	some rule, facts in data.catalogue.rules
	facts.from[input.from_kind]
	facts.to[input.to_kind]
	facts.purposes[input.purpose]
	facts.triggers[input.trigger]
	count(object.keys(facts.when) - met) == 0
}

# Block (R41), identifiers (R45), travelling secrecy (R64), recipients abroad (R69) and the default
# (R73) fit almost every request; they say nothing about whether there is a rule for this one.
route_rules := applicable - {"R41", "R45", "R64", "R69", "R73"}

fields_of(rule) := object.keys(data.catalogue.rules[rule].fields)

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
blocked := asked if {
	input.holder.info_block == true
	"R41" in applicable
}

else := set()

block_rule := "R40" if "R40" in applicable

else := "R41"

left_4 := asked - blocked

left_5 := ((left_4 - silenced) - tagged_203) - tagged_65

left_6 := left_5 - claimed_at(5)

left_7 := left_6 - claimed_at(6)

left_8 := left_7 - claimed_at(7)

unlisted := left_8 - claimed_at(8)

claimed_at(step) := union({claimed[rule] |
	some rule, _ in claimed
	data.catalogue.rules[rule].step == step
})

taken[rule] := fields if {
	some rule, claim in claimed
	fields := claim & left_at(data.catalogue.rules[rule].step)
	count(fields) > 0
}

left_at(4) := left_4

left_at(5) := left_5

left_at(6) := left_6

left_at(7) := left_7

left_at(8) := left_8

# METADATA
# title: R73 what no rule lists is denied
# scope: document
default_reason := "not_in_rule" if count(route_rules) > 0

else := "purpose_missing" if not purpose_offered

else := "no_rule"

purpose_offered if data.catalogue.purposes[input.purpose] == true
