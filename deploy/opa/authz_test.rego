# SPDX-License-Identifier: EUPL-1.2

package system.authz_test

import data.system.authz

token := "0123456789abcdef0123456789abcdef"

callers := {"gateway": crypto.sha256(token)}

question := {
	"method": "POST",
	"path": ["v1", "data", "lotse", "exchange", "decision"],
	"params": {"provenance": ["true"], "strict-builtin-errors": ["true"]},
	"identity": token,
}

health := {"method": "GET", "path": ["health"], "params": {}}

test_a_known_caller_may_ask_for_the_decision if authz.allow with input as question
	with data.opa_callers as callers

test_anybody_may_ask_for_health if {
	authz.allow with input as health with data.opa_callers as callers
	authz.allow with input as object.union(health, {"params": {"bundles": [""]}})
}

test_without_callers_nobody_may_ask if {
	not authz.allow with input as question
	not authz.allow with input as question with data.opa_callers as {}
}

test_nothing_else_may_be_done[note] if {
	some note, changed in {
		"put a policy": {"method": "PUT", "path": ["v1", "policies", "lotse", "exchange"]},
		"delete a policy": {"method": "DELETE", "path": ["v1", "policies", "authz.rego"]},
		"list policies": {"method": "GET", "path": ["v1", "policies"]},
		"put data": {"method": "PUT", "path": ["v1", "data", "catalogue"]},
		"patch data": {"method": "PATCH", "path": ["v1", "data", "opa_callers"]},
		"delete data": {"method": "DELETE", "path": ["v1", "data", "catalogue"]},
		"read data": {"method": "GET", "path": ["v1", "data"]},
		"read the callers": {"method": "POST", "path": ["v1", "data", "opa_callers"]},
		"read the decision by GET": {"method": "GET"},
		"a part of the rules": {"path": ["v1", "data", "lotse", "exchange", "answers"]},
		"all of the rules": {"path": ["v1", "data", "lotse", "exchange"]},
		"more than the decision": {"path": ["v1", "data", "lotse", "exchange", "decision", "fields"]},
		"the old interface": {"path": ["v0", "data", "lotse", "exchange", "decision"]},
		"an invented query": {"path": ["v1", "query"]},
		"a query by GET": {"method": "GET", "path": ["v1", "query"]},
		"partial evaluation": {"path": ["v1", "compile"]},
		"filters": {"path": ["v1", "compile", "lotse", "exchange", "decision"]},
		"metrics": {"method": "GET", "path": ["metrics"]},
		"configuration": {"method": "GET", "path": ["v1", "config"]},
		"status": {"method": "GET", "path": ["v1", "status"]},
		"the default decision": {"path": [""]},
		"profiles": {"method": "GET", "path": ["debug", "pprof"]},
	}
	refused := object.union(question, changed)
	not authz.allow with input as refused with data.opa_callers as callers
}

test_the_decision_is_asked_for_in_one_way_only[note] if {
	some note, params in {
		"no parameters": {},
		"no provenance": {"strict-builtin-errors": ["true"]},
		"lax": {"provenance": ["true"]},
		"lax in words": {"provenance": ["true"], "strict-builtin-errors": ["false"]},
		"both": {"provenance": ["true"], "strict-builtin-errors": ["true", "false"]},
		"explained": object.union(question.params, {"explain": ["full"]}),
		"measured": object.union(question.params, {"instrument": ["true"]}),
	}
	asked := object.union(object.remove(question, {"params"}), {"params": params})
	not authz.allow with input as asked with data.opa_callers as callers
}

test_only_a_known_token_counts[note] if {
	some note, identity in {
		"another": "fedcba9876543210fedcba9876543210",
		"none": "",
		"short": "gateway",
		"the hash itself": callers.gateway,
		"a number": 7,
		"a list": [token],
		"true": true,
	}
	asked := object.union(question, {"identity": identity})
	not authz.allow with input as asked with data.opa_callers as callers
}

test_an_absent_token_does_not_count if {
	not authz.allow with input as object.remove(question, {"identity"}) with data.opa_callers as callers
}

# Whoever writes an empty or a plain text into callers.json opens nothing.
test_a_careless_list_of_callers_opens_nothing[note] if {
	some note, careless in {
		"plain token": {"gateway": token},
		"hash of nothing": {"gateway": crypto.sha256("")},
		"true": {"gateway": true},
		"null": {"gateway": null},
		"a text": token,
		"a list of plain tokens": [token],
	}
	not authz.allow with input as question with data.opa_callers as careless
	not authz.allow with input as object.union(question, {"identity": ""}) with data.opa_callers as careless
}

test_health_shows_no_more_than_health[note] if {
	some note, changed in {
		"plugins": {"params": {"plugins": [""]}},
		"exclude": {"params": {"bundles": [""], "exclude-plugin": ["bundle"]}},
		"custom": {"path": ["health", "live"]},
		"post": {"method": "POST"},
	}
	not authz.allow with input as object.union(health, changed) with data.opa_callers as callers
}
