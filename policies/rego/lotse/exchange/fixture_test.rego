# SPDX-License-Identifier: EUPL-1.2

# What the tests start from: a complete input with nothing declared and nothing allowed.
package lotse.exchange_test

import future.keywords.not

import data.lotse.exchange

nothing := {"state": "none", "fields": []}

in_force(fields) := {"state": "in_force", "fields": fields}

base := {
	"from_kind": "ABH",
	"to_kind": "JC",
	"purpose": "P04",
	"trigger": "on_request",
	"fields": ["permit_type"],
	"declared": {},
	"agreement": {"in_force": true, "undertaking_78": false, "approval_79": false},
	"permission": {
		"consent": nothing,
		"explicit_consent": nothing,
		"release_203": nothing,
		"release_65": nothing,
		"mandate": nothing,
		"choice": nothing,
	},
	"holder": {
		"info_block": false,
		"released_by_source": false,
		"secret_203": [],
		"entrusted_65": [],
	},
	"lapsed": [],
}

# The answers as field -> "OUTCOME RULE reason reason".
answers(changes) := {field: spoken(verdict) |
	decided := exchange.decision with input as object.union(base, changes)
	some field in object.keys(decided.fields)
	verdict := decided.fields[field]
}

spoken(verdict) := concat(" ", array.concat([verdict.outcome, verdict.rule], verdict.reasons))
