# SPDX-License-Identifier: EUPL-1.2

# What the tests start from: a complete input with nothing declared and nothing allowed.
package lotse.exchange_test

import future.keywords.not

import data.lotse.exchange

nothing := {"state": "none", "fields": []}

base := {
	"from_kind": "ABH",
	"to_kind": "JC",
	"purpose": "P04",
	"trigger": "on_request",
	"fields": ["permit_type"],
	"declared": {},
	"agreement": {
		"in_force": true,
		"undertaking_78": false,
		"approval_79": false,
		"pilot_agreed": false,
		"state_law_basis": false,
		"recipient_abroad": false,
	},
	"permission": {
		"consent": nothing,
		"explicit_consent": nothing,
		"release_203": nothing,
		"release_65": nothing,
		"mandate": nothing,
		"choice": nothing,
		"retrieval_confirmed": false,
	},
	"holder": {
		"info_block": false,
		"released_by_source": false,
		"released_by_head": false,
		"secret_203": [],
		"entrusted_65": [],
	},
	"lapsed": [],
}

route(from_kind, to_kind, purpose, trigger) := {
	"from_kind": from_kind,
	"to_kind": to_kind,
	"purpose": purpose,
	"trigger": trigger,
}

in_force(fields) := {"state": "in_force", "fields": fields}

# Everything that a person can allow at all, for these fields.
all_allowed(fields) := {
	"consent": in_force(fields),
	"explicit_consent": in_force(fields),
	"release_203": in_force(fields),
	"release_65": in_force(fields),
	"mandate": in_force(fields),
	"choice": in_force(fields),
	"retrieval_confirmed": true,
}

but(request, changes) := object.union(request, changes)

without(request, path) := json.remove(request, [path])

# The answers as field -> "OUTCOME RULE reason reason".
answers(request) := spoken(decided.fields) if {
	decided := exchange.decision with input as but(base, request)
}

spoken(verdicts) := {field: concat(" ", array.concat([verdict.outcome, verdict.rule], verdict.reasons)) |
	some field, verdict in verdicts
}

# The answer for a request that names one field.
answer(request) := text if some text in answers(request)
