# SPDX-License-Identifier: EUPL-1.2
package lotse.exchange_test

import future.keywords.not

import data.lotse.exchange

test_r73_no_rule_no_data if {
	answers({"from_kind": "BAMF_A", "fields": ["family_name"]}) == {"family_name": "DENY R73 no_rule"}
	answers({"from_kind": "NOBODY", "fields": ["family_name"]}) == {"family_name": "DENY R73 no_rule"}
	answers({"fields": ["no_such_field"]}) == {"no_such_field": "DENY R73 not_in_rule"}
}

test_no_agreement_no_data if {
	open := {"declared": {"azr_checked": true, "reason_code": "azr_pending"}, "agreement": {"in_force": false}}
	answers(open) == {"permit_type": "DENY R73 no_agreement"}
}

test_no_agreement_comes_before_everything if {
	answers(object.union(register, {"agreement": {"in_force": false}, "holder": {"info_block": true}})).family_name == "DENY R73 no_agreement"
}

test_a_missing_key_refuses_everything if {
	every key in ["from_kind", "to_kind", "purpose", "trigger", "declared", "agreement", "permission", "holder", "lapsed"] {
		decided := exchange.decision with input as object.remove(released_input, [key])
		decided.fields.permit_type.outcome == "DENY"
		decided.fields.permit_type.reason == "input_incomplete"
	}
}

test_a_mistyped_key_refuses_everything if {
	every changes in [
		{"agreement": {"in_force": "yes"}},
		{"holder": {"info_block": 0}},
		{"permission": {"choice": {"state": 1, "fields": []}}},
		{"permission": {"choice": "in_force"}},
		{"lapsed": {}},
		{"declared": []},
	] {
		answers(object.union(released_input, changes)).permit_type == "DENY R73 input_incomplete"
	}
}

test_no_fields_no_answer if {
	decided := exchange.decision with input as object.remove(released_input, ["fields"])
	decided == {"fields": {}}
}

released_input := object.union(base, {"declared": {"azr_checked": true, "reason_code": "azr_pending"}})

test_released_input_is_released if {
	answers(released_input) == {"permit_type": "ALLOW_MIN R02 statute"}
}

test_a_rule_without_guard_grants_nothing if {
	# A rule that stands in the data but not in Rego must not release anything.
	added := object.union(data.catalogue.rules, {"R99": object.union(data.catalogue.rules.R40, {
		"from": {"BAMF_A": true},
		"fields": {"asylum_status": true},
	})})
	decided := answers({"from_kind": "BAMF_A", "fields": ["asylum_status"]}) with data.catalogue.rules as added
	decided == {"asylum_status": "DENY R99 condition_missing"}
}
