# SPDX-License-Identifier: EUPL-1.2
package lotse.exchange_test

import future.keywords.not

import data.lotse.exchange

released := but(base, {"declared": {"azr_checked": true, "reason_code": "azr_pending"}})

test_the_complete_input_is_released if {
	answer(released) == "ALLOW_MIN R02 statute"
}

test_a_missing_key_refuses_everything if {
	every path in [
		"from_kind", "to_kind", "purpose", "trigger", "declared", "agreement", "permission", "holder", "lapsed",
		"agreement/in_force", "agreement/undertaking_78", "agreement/approval_79", "agreement/pilot_agreed",
		"agreement/state_law_basis", "agreement/recipient_abroad",
		"permission/consent", "permission/explicit_consent", "permission/release_203", "permission/release_65",
		"permission/mandate", "permission/choice", "permission/retrieval_confirmed",
		"permission/consent/state", "permission/choice/fields",
		"holder/info_block", "holder/released_by_source", "holder/released_by_head", "holder/secret_203",
		"holder/entrusted_65",
	] {
		decided := exchange.decision with input as without(released, path)
		spoken(decided.fields) == {"permit_type": "DENY R73 input_incomplete"}
	}
}

test_a_mistyped_key_refuses_everything if {
	every changes in [
		{"from_kind": 1},
		{"to_kind": null},
		{"purpose": ["P04"]},
		{"trigger": true},
		{"declared": []},
		{"lapsed": {}},
		{"agreement": {"in_force": "yes"}},
		{"agreement": {"recipient_abroad": null}},
		{"permission": {"choice": {"state": 1}}},
		{"permission": {"choice": {"fields": {}}}},
		{"permission": {"choice": "in_force"}},
		{"permission": {"retrieval_confirmed": "true"}},
		{"holder": {"info_block": 0}},
		{"holder": {"released_by_head": 1}},
		{"holder": {"secret_203": "permit_type"}},
	] {
		answer(but(released, changes)) == "DENY R73 input_incomplete"
	}
}

test_without_fields_there_is_no_answer if {
	decided := exchange.decision with input as object.remove(released, ["fields"])
	decided == {"fields": {}}
	answers(but(released, {"fields": []})) == {}
}

test_no_agreement_no_data if {
	answer(but(released, {"agreement": {"in_force": false}})) == "DENY R73 no_agreement"
}

test_no_agreement_is_said_before_an_information_block if {
	blocked := but(route("MELDE", "JC", "P04", "on_request"), {
		"fields": ["family_name"],
		"holder": {"info_block": true},
	})
	answer(but(blocked, {"agreement": {"in_force": false}})) == "DENY R73 no_agreement"
}

# GDPR Art. 6: what no rule lists has no basis.
test_r73_no_rule_no_data if {
	answer({"from_kind": "BAMF_A"}) == "DENY R73 no_rule"
	answer({"from_kind": "NOBODY"}) == "DENY R73 no_rule"
	answer({"trigger": "telepathy"}) == "DENY R73 no_rule"
	answer({"fields": ["no_such_field"]}) == "DENY R73 not_in_rule"
}

# GDPR Art. 5 I b: P90 and P91 are purposes that nobody may pursue here.
test_r73_a_purpose_nobody_may_pursue if {
	answer({"purpose": "P99"}) == "DENY R73 purpose_missing"
	answer({"purpose": "P91"}) == "DENY R73 purpose_missing"
}

test_r73_no_permission_opens_what_no_rule_lists if {
	answer({"from_kind": "BAMF_A", "permission": all_allowed(["permit_type"])}) == "DENY R73 no_rule"
}

test_steps_take_fields_from_one_another if {
	request := but(route("JC", "ABH", "P02", "on_request"), {
		"fields": ["benefit_granted", "bg_number", "net_income", "photo", "medical_certificate"],
		"declared": {"subject_count": 1, "decision": "grant_25b", "azr_insufficient": true},
	})
	answers(request) == {
		"benefit_granted": "HOLD_HUMAN R04 human_release_pending",
		"bg_number": "DENY R45 identifier_as_key",
		"medical_certificate": "DENY R08 art9_no_basis",
		"net_income": "REDIRECT_SUBJECT R07 outside_closed_list",
		"photo": "DENY R73 not_in_rule",
	}
}

# Two rules of one step for one field: what goes at once is not held, what is held is not refused.
twin(changes) := but(data.catalogue.rules, {"R99": but(data.catalogue.rules.R02, changes)})

test_what_one_rule_releases_another_does_not_refuse if {
	demanding := twin({"needs": {"azr_insufficient": true}})
	decided := answer(released) with data.catalogue.rules as demanding
	decided == "ALLOW_MIN R02 statute"
}

test_what_a_later_rule_releases_an_earlier_does_not_refuse if {
	rules := but(twin({}), {"R02": {"needs": {"azr_insufficient": true}}})
	decided := answer(released) with data.catalogue.rules as rules
	decided == "ALLOW_MIN R99 statute"
}

test_what_one_rule_releases_another_does_not_hold if {
	decided := answer(released) with data.catalogue.rules as twin({"release": "source"})
	decided == "ALLOW_MIN R02 statute"
}

test_the_first_of_two_rules_answers if {
	refused := answer({"declared": {"azr_checked": true}}) with data.catalogue.rules as twin({})
	refused == "DENY R02 reason_code_missing"
	answered := answer(released) with data.catalogue.rules as twin({})
	answered == "ALLOW_MIN R02 statute"
	waiting := answer(but(released, {"lapsed": ["R02", "R99"]})) with data.catalogue.rules as twin({})
	waiting == "HOLD_HUMAN R02 rule_lapsed"
}

test_the_first_of_two_prohibitions_answers if {
	rules := but(data.catalogue.rules, {"R99": data.catalogue.rules.R08})
	request := but(route("JC", "ABH", "P02", "on_request"), {"fields": ["medical_certificate"]})
	decided := answer(request) with data.catalogue.rules as rules
	decided == "DENY R08 art9_no_basis"
}

# A rule that names a condition nobody defined releases nothing.
test_a_condition_without_a_definition_is_never_met if {
	rules := but(data.catalogue.rules, {"R02": {"needs": {"moon_is_full": true}}})
	decided := answers(released) with data.catalogue.rules as rules
	decided == {}
}

# A lapsed rule of statute waits for a clerk, a prohibition stays.
test_a_lapsed_rule_waits_for_a_clerk if {
	lapsed := but(released, {"lapsed": ["R02"]})
	answer(lapsed) == "HOLD_HUMAN R02 rule_lapsed"
	answer(but(lapsed, {"holder": {"released_by_head": true}})) == "HOLD_HUMAN R02 rule_lapsed"
	answer(but(lapsed, {"holder": {"released_by_source": true}})) == "ALLOW_MIN R02 human_released statute"
}

test_a_lapsed_prohibition_stays if {
	request := but(route("JC", "ABH", "P02", "on_request"), {"fields": ["net_income"], "lapsed": ["R07"]})
	answer(request) == "REDIRECT_SUBJECT R07 outside_closed_list"
}
