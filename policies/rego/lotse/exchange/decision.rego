# SPDX-License-Identifier: EUPL-1.2

# METADATA
# title: One answer per asked field
# description: |
#   The entry point. Every step of the evaluation order takes the fields it decides out of those
#   that the steps before it left over, so that an earlier step can never be overruled by a later one.
#   Steps 1 and 2 (who asks, is the request well formed) are done by the caller and by shape.rego;
#   3 information block, 4 provenance, 5 prohibitions, 6 AZR first, 7 statute, 8 choice and
#   permission; 9 what no rule lists falls to R73; 10 the log is the caller's.
# scope: package
# custom:
#   rules: [R73]
package lotse.exchange

import future.keywords.not

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

# A field that two groups claim with different verdicts is an evaluation error, which denies.
answers[field] := group.verdict if {
	some group in groups
	some field in group.fields
}

groups contains {"fields": asked, "verdict": refusal("R73", "DENY", {"no_agreement"})} if not agreed

groups contains group if {
	agreed
	some group in blocked_groups
}

groups contains group if {
	agreed
	some group in tagged_groups
}

groups contains {"fields": taken[rule], "verdict": refusal(rule, outcome, reasons)} if {
	agreed
	some rule in flat_rules
	outcome := data.catalogue.rules[rule].outcome
	reasons := flat_reasons(rule)
}

groups contains {"fields": fields, "verdict": transfer(rule, reason)} if {
	agreed
	some rule in open_rules
	some reason, allowed in grants[rule]
	fields := allowed & taken[rule]
	count(fields) > 0
}

groups contains {"fields": fields, "verdict": refusal(rule, refused_outcome(rule), unmet(rule))} if {
	agreed
	some rule in open_rules
	fields := taken[rule] - granted(rule)
	count(fields) > 0
}

groups contains {"fields": unlisted, "verdict": refusal("R73", "DENY", {default_reason})} if {
	agreed
	count(unlisted) > 0
}

agreed if input.agreement.in_force == true

# METADATA
# title: Rules that refuse whenever they apply
# description: |
#   Prohibitions need no guard and no consent opens them:
#   R07 income, sanctions, plans; R20 counselling content; R45 identifiers; R52 school.
#   R01 (AZR first) refuses in the same way.
# scope: document
# custom:
#   rules: [R01, R07, R20, R45, R52]
flat_rules contains rule if {
	some rule, _ in taken
	data.catalogue.rules[rule].step < 7
}

# Rules that release once their conditions are met.
open_rules contains rule if {
	some rule, _ in taken
	data.catalogue.rules[rule].step >= 7
}

flat_reasons(rule) := azr_reason if rule == "R01"

flat_reasons(rule) := {data.catalogue.rules[rule].refused_reason} if rule != "R01"

# Everything a rule grants on whatever ground.
granted(rule) := union({fields | some fields in grants[rule]})

# METADATA
# title: A lawful transfer
# description: |
#   Released at once only where no person has to look; a clerk of the source can always release.
#   A rule past its dates needs the clerk as well.
# scope: document
transfer(rule, reason) := {
	"outcome": "ALLOW_MIN",
	"rule": rule,
	"reason": reason,
	"reasons": [reason],
} if {
	rule in automatic_rules
}

else := {
	"outcome": "ALLOW_MIN",
	"rule": rule,
	"reason": "human_released",
	"reasons": ["human_released", reason],
} if {
	input.holder.released_by_source == true
}

else := {
	"outcome": "HOLD_HUMAN",
	"rule": rule,
	"reason": reasons[0],
	"reasons": reasons,
} if {
	reasons := ordered(hold_reasons(rule))
}

automatic_rules contains rule if {
	some rule in open_rules
	data.catalogue.rules[rule].human == false
	not rule in suspended_rules
}

# Only rules that rest on statute lapse; what the person allowed stays the person's.
suspended_rules contains rule if {
	some rule in input.lapsed
	data.catalogue.rules[rule].consent_free == true
}

hold_reasons(rule) := {"rule_lapsed"} if rule in suspended_rules

else := {"human_release_pending"}

refusal(rule, outcome, reasons) := {
	"outcome": outcome,
	"rule": rule,
	"reason": in_order[0],
	"reasons": in_order,
} if {
	in_order := ordered(reasons)
}

# The order of reasons is the order of the reviewed list, not of the alphabet.
ordered(reasons) := [data.catalogue.reason_order[rank] |
	some rank in sort([rank | some reason in reasons; rank := data.catalogue.reason_rank[reason]])
]

# Where no permission could help, none is asked for: only what stands in the way is named.
unmet(rule) := hard(rule) if count(hard(rule)) > 0

else := objections[rule] if count(objections[rule]) > 0

else := {"condition_missing"}

hard(rule) := objections[rule] & object.keys(data.catalogue.hard_reasons)

# A rule that asks for something of the person says so only when nothing else is in the way.
refused_outcome(rule) := "DENY" if count(hard(rule)) > 0

else := data.catalogue.rules[rule].refused_outcome
