# SPDX-License-Identifier: EUPL-1.2

# Which rule speaks for which field.
# Steps 3 to 8 of the evaluation order as set algebra:
# what a step takes is gone for the steps after it.
package lotse.exchange

import future.keywords.not

# Rules that fit sender, recipient, purpose and trigger.
applicable contains rule if {
	some rule, facts in data.catalogue.rules
	facts.from[input.from_kind]
	facts.to[input.to_kind]
	facts.purposes[input.purpose]
	facts.triggers[input.trigger]
}

# R41 (information block), R45 (identifiers) and R73 (default) fit almost every request;
# they say nothing about whether there is a rule for this one.
route_rules := applicable - {"R41", "R45", "R73"}

fields_of(rule) := object.keys(data.catalogue.rules[rule].fields)

claimed[rule] := asked & fields_of(rule) if {
	some rule in (route_rules - set_aside)
}

# METADATA
# title: R45 an identifier is refused unless a rule for this route lists it
# scope: rule
# custom:
#   rules: [R45]
claimed["R45"] := (asked & fields_of("R45")) - union({fields_of(rule) | some rule in route_rules})

# METADATA
# title: R01 gives way to R02 once the asking agency says that it has looked into the AZR
# scope: rule
# custom:
#   rules: [R01]
set_aside contains "R01" if {
	input.from_kind == "ABH"
	azr_checked
}

# METADATA
# title: R41 a hit on an information block silences the whole answer
# description: |
#   The register's address fields by R41, every other field of the same request by R40,
#   so that nothing can be told from a partial answer.
# scope: rule
# custom:
#   rules: [R40, R41]
blocked := asked if {
	input.holder.info_block == true
	"R41" in applicable
}

else := set()

blocked_groups contains {
	"fields": blocked & fields_of("R41"),
	"verdict": refusal("R41", "NEUTRAL", {"block_neutral"}),
}

blocked_groups contains {
	"fields": blocked - fields_of("R41"),
	"verdict": refusal("R40", "NEUTRAL", {"block_neutral"}),
}

# METADATA
# title: R20 what came under secrecy or was entrusted stays, whatever any other rule says
# description: |
#   Only the person's own release opens it: R21 asks for one by itself,
#   and entrusted data need a release under § 65 SGB VIII.
# scope: rule
# custom:
#   rules: [R20]
tagged_203 := ((left_4 & {field | some field in input.holder.secret_203}) - silenced) - released_by_r21

tagged_65 := (((left_4 & {field | some field in input.holder.entrusted_65}) - silenced) - tagged_203) - covered_by("release_65")

released_by_r21 := fields_of("R21") if "R21" in applicable

else := set()

silenced := object.get(claimed, "R20", set())

tagged_groups contains {"fields": tagged_203, "verdict": secrecy}

tagged_groups contains {"fields": tagged_65, "verdict": refusal("R73", "DENY", {"entrusted_65"})}

secrecy := refusal("R20", "NEUTRAL", {"secret_203"}) if {
	data.catalogue.rules.R20.from[input.from_kind]
	data.catalogue.rules.R20.triggers[input.trigger]
}

else := refusal("R73", "DENY", {"secret_203"})

left_4 := asked - blocked

left_5 := ((left_4 - silenced) - tagged_203) - tagged_65

left_6 := left_5 - claimed_at(5)

left_7 := left_6 - claimed_at(6)

left_8 := left_7 - claimed_at(7)

unlisted := left_8 - claimed_at(8)

claimed_at(step) := union({claimed[rule] |
	some rule in object.keys(claimed)
	data.catalogue.rules[rule].step == step
})

taken[rule] := fields if {
	some rule, claim in claimed
	fields := claim & left_at(data.catalogue.rules[rule].step)
	count(fields) > 0
}

left_at(step) := left_4 if step == 4

left_at(step) := left_5 if step == 5

left_at(step) := left_6 if step == 6

left_at(step) := left_7 if step == 7

left_at(step) := left_8 if step == 8

# METADATA
# title: R73 what no rule lists is denied
# scope: document
# custom:
#   rules: [R73]
default_reason := "not_in_rule" if count(route_rules) > 0

else := "purpose_missing" if not purpose_offered

else := "no_rule"

purpose_offered if data.catalogue.purposes[input.purpose] == true
