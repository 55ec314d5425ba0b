# SPDX-License-Identifier: EUPL-1.2

# METADATA
# title: One answer per asked field
# description: |
#   The entry point. Every step of the evaluation order takes the fields it decides out of those
#   that the steps before it left over, so that an earlier step can never be overruled by a later one.
#   Steps 1 and 2 (who asks, is the request well formed) are done by the caller and by shape.rego;
#   3 information block, 4 secrecy, 5 prohibitions, 6 AZR first, 7 statute, 8 choice and
#   permission; 9 what no rule lists falls to R73; 10 the log is the caller's.
#   Which rule names whom, which fields, conditions, grounds and releases is data; what a condition
#   means stands in conditions.rego.
# scope: package
package lotse.exchange

import future.keywords.not

# METADATA
# description: What the request names.
asked := {field | some field in input.fields}

# METADATA
# title: The decision
# description: An input that is not well formed gets a refusal of everything it names.
# entrypoint: true
# scope: document
decision := {"fields": answers} if well_formed

decision := {"fields": {field: refusal("R73", "DENY", {"input_incomplete"}) | some field in asked}} if {
	not well_formed
}

# METADATA
# description: A field that two groups claim with different verdicts is an evaluation error, which denies.
answers[field] := group.verdict if {
	some group in groups
	some field in group.fields
}

# METADATA
# description: What every step says; without an agreement in force no step is reached.
# scope: document
groups contains {"fields": asked, "verdict": refusal("R73", "DENY", {"no_agreement"})} if not agreed

groups contains group if {
	agreed
	some group in (((block_groups | secrecy_groups) | flat_groups) | open_groups)
}

# METADATA
# description: Between these two instances there is an agreement, and it is in force.
agreed if input.agreement.in_force == true

# METADATA
# title: Steps 3 and 4
# scope: document
block_groups contains {
	"fields": blocked & fields_of("R41"),
	"verdict": refusal("R41", "NEUTRAL", {"block_neutral"}),
}

block_groups contains {
	"fields": blocked - fields_of("R41"),
	"verdict": refusal(block_rule, "NEUTRAL", {"block_neutral"}),
}

# METADATA
# description: Step 4, secrecy that came with the content.
# scope: document
secrecy_groups contains {"fields": tagged_203, "verdict": secrecy}

secrecy_groups contains {"fields": tagged_65, "verdict": refusal("R60", "DENY", {"entrusted_65"})}

# METADATA
# title: Steps 4 to 6, rules that refuse whenever they apply
# description: |
#   A prohibition needs no guard to be met and no consent opens it; AZR first refuses in the same way.
#   Where two rules of a step name a field, the first stands.
# scope: document
flat_groups contains {"fields": fields, "verdict": refusal(rule, facts.outcome, {flat_reason(facts)})} if {
	some rule in flat_rules
	facts := data.catalogue.rules[rule]
	fields := taken[rule] - union({gone |
		some other in flat_rules
		other < rule
		data.catalogue.rules[other].step == facts.step
		gone := taken[other]
	})
}

# METADATA
# description: Nobody fetches AZR data for another (AZRG § 11 II), whatever was queried before.
flat_reason(facts) := "azr_proxy_forbidden" if {
	input.from_kind == "AZR"
	facts.outcome == "REDIRECT_AZR"
}

else := facts.refused_reason

# METADATA
# description: Rules of the steps before statute that have taken a field.
flat_rules contains rule if {
	some rule, _ in taken
	data.catalogue.rules[rule].step < 7
}

# METADATA
# title: Steps 7 to 9
# scope: document
open_groups contains {"fields": fields, "verdict": transfer(rule, ground.reason)} if {
	some rule in at_once
	some position, ground in data.catalogue.rules[rule].grounds
	fields := first_of(rule, at_once, released_fields) & carried(rule, position)
}

open_groups contains {"fields": fields, "verdict": refusal(rule, "HOLD_HUMAN", waiting_for(rule))} if {
	some rule in (open_rules - at_once)
	fields := first_of(rule, open_rules - at_once, held_fields)
}

open_groups contains group if some group in refused_groups

open_groups contains {"fields": unlisted, "verdict": refusal("R73", "DENY", {default_reason})}

# METADATA
# title: What a rule does with a field whose conditions are met
# description: |
#   R67 sends the authority to the AZR; every other rule releases, and says so if a person did.
# scope: document
transfer(rule, reason) := refusal(rule, "REDIRECT_AZR", {data.catalogue.rules[rule].refused_reason}) if {
	data.catalogue.rules[rule].outcome == "REDIRECT_AZR"
}

else := refusal(rule, "ALLOW_MIN", {"human_released", reason}) if released_by_person(rule)

else := refusal(rule, "ALLOW_MIN", {reason})

# METADATA
# description: Somebody at the source has looked before it went.
# scope: document
released_by_person(rule) if data.catalogue.rules[rule].release != "none"

released_by_person(rule) if rule in suspended_rules
