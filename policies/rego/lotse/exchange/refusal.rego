# SPDX-License-Identifier: EUPL-1.2

# Why a field is not released, and what would help.
package lotse.exchange

import future.keywords.not

# METADATA
# description: A verdict; its first reason is the one that is shown.
refusal(rule, outcome, reasons) := {
	"outcome": outcome,
	"rule": rule,
	"reason": in_order[0],
	"reasons": in_order,
} if {
	in_order := ordered(reasons)
}

# METADATA
# description: The order of reasons is the order of the reviewed list, not of the alphabet.
ordered(reasons) := [reason |
	some rank in sort([rank | some reason in reasons; rank := data.catalogue.reason_rank[reason]])
	reason := data.catalogue.reason_order[rank]
]

# METADATA
# description: The reasons of conditions that are not met.
reasons_of(conditions) := {reason_of(condition) | some condition in conditions}

# METADATA
# description: A release that lacks says whether it is missing, withdrawn or expired.
# scope: document
reason_of("counselling_release") := shortfall("release_203")

reason_of(condition) := data.catalogue.conditions[condition].reason if condition != "counselling_release"

# METADATA
# title: What stands in the way denies, before anything is asked of the person
# description: Nobody is asked for a permission that could not help.
# scope: document
refused_groups contains {"fields": fields, "verdict": refusal(rule, "DENY", reasons_of(unmet(rule)))} if {
	some rule in open_rules
	count(unmet(rule)) > 0
	fields := refused_fields(rule)
}

refused_groups contains {"fields": {field}, "verdict": refusal(rule, "DENY", reasons_of(missing))} if {
	some rule in open_rules
	count(unmet(rule)) == 0
	some field in (barred[rule] & refused_fields(rule))
	missing := object.keys(data.catalogue.rules[rule].field_needs[field]) - met
}

# What the person could allow.
# The first ground of the rule is the one that is asked for, permission by permission: the first
# that does not cover a field is named, with the shortfall of every alternative.
refused_groups contains {"fields": fields, "verdict": refusal(rule, permission["else"], reasons)} if {
	some rule in askable_rules
	ground := data.catalogue.rules[rule].grounds[0]
	some position, permission in ground.covers
	fields := (askable_fields(rule) & covered_before(ground.covers, position)) - covered_by(permission.type)
	reasons := {shortfall(permission.type)} | alternatives(rule)
}

refused_groups contains {"fields": fields, "verdict": refusal(rule, outcome, reasons_of(missing))} if {
	some rule in askable_rules
	ground := data.catalogue.rules[rule].grounds[0]
	missing := object.keys(ground.needs) - met
	outcome := min({data.catalogue.conditions[condition].outcome | some condition in missing})
	fields := askable_fields(rule) - uncovered(ground.covers, askable_fields(rule))
}

# METADATA
# description: Rules in whose way nothing stands but a permission of the person.
askable_rules contains rule if {
	some rule in open_rules
	count(unmet(rule)) == 0
}

# METADATA
# description: What the person could be asked for under this rule.
askable_fields(rule) := refused_fields(rule) - barred[rule]

# METADATA
# description: Fields that every permission before this one covers.
covered_before(covers, position) := asked - union({(asked - covered_by(permission.type)) |
	some earlier, permission in covers
	earlier < position
})

# METADATA
# description: Why the other grounds of the rule carry nothing either.
alternatives(rule) := {shortfall(ground.covers[0].type) |
	some position, ground in data.catalogue.rules[rule].grounds
	position > 0
	count(ground.covers) > 0
	count(object.keys(ground.needs) - met) == 0
}
