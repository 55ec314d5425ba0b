# SPDX-License-Identifier: EUPL-1.2
package lotse.exchange_test

import future.keywords.not

case_state := {
	"from_kind": "JC",
	"to_kind": "MBE",
	"purpose": "P03",
	"fields": ["benefit_granted", "procedure_state"],
	"agreement": {"undertaking_78": true},
	"permission": {"consent": in_force(["procedure_state"])},
}

test_r18_consent_by_field if {
	answers(case_state) == {
		"benefit_granted": "NEED_CONSENT R18 consent_scope",
		"procedure_state": "ALLOW_MIN R18 consent_given",
	}
}

test_r18_needs_the_undertaking if {
	answers(object.union(case_state, {"agreement": {"undertaking_78": false}})).procedure_state == "DENY R18 undertaking_78_missing"
}

test_r18_names_what_happened_to_the_consent if {
	every state, reason in {"none": "missing", "withdrawn": "revoked", "expired": "expired", "used": "used"} {
		changed := object.union(case_state, {"permission": {"consent": {"state": state, "fields": ["procedure_state"]}}})
		answers(changed).procedure_state == concat("", ["NEED_CONSENT R18 consent_", reason])
	}
}

test_r18_a_lapsed_rule_does_not_weaken_the_consent if {
	answers(object.union(case_state, {"lapsed": ["R18"]})).procedure_state == "ALLOW_MIN R18 consent_given"
}

query := {
	"from_kind": "MBE",
	"to_kind": "ABH",
	"purpose": "P02",
	"fields": ["counselling_fact", "counselling_notes", "language_level"],
}

test_r20_neutral_whatever_is_allowed if {
	expected := {
		"counselling_fact": "NEUTRAL R20 secret_203",
		"counselling_notes": "NEUTRAL R20 secret_203",
		"language_level": "DENY R73 not_in_rule",
	}
	answers(query) == expected
	every type in ["consent", "explicit_consent", "release_203", "mandate"] {
		answers(object.union(query, {"permission": {type: in_force(query.fields)}})) == expected
	}
}

test_r20_other_purposes_have_no_rule if {
	answers(object.union(query, {"purpose": "P05"})).counselling_fact == "DENY R73 no_rule"
	answers(object.union(query, {"purpose": "P99"})).counselling_fact == "DENY R73 purpose_missing"
	answers(object.union(query, {"purpose": "P90"})).counselling_fact == "NEUTRAL R20 secret_203"
}

papers := {
	"from_kind": "MBE",
	"to_kind": "ABH",
	"purpose": "P02",
	"trigger": "push",
	"fields": ["counselling_notes", "employment_since", "language_level"],
	"declared": {"initiated_by": "client"},
	"permission": {"release_203": in_force(["counselling_notes", "language_level"])},
}

test_r21_item_by_item if {
	expected := {
		"counselling_notes": "DENY R73 not_in_rule",
		"employment_since": "NEED_RELEASE_203 R21 release_scope",
		"language_level": "ALLOW_MIN R21 release_given",
	}
	answers(papers) == expected
	answers(object.union(papers, {"declared": {"initiated_by": "counsellor"}})) == expected
}

test_r21_only_when_client_or_counsellor_started if {
	answers(object.union(papers, {"declared": {"initiated_by": "agency"}})).language_level == "DENY R21 initiator_missing"
}

test_r21_names_what_happened_to_the_release if {
	every state, reason in {"none": "missing", "withdrawn": "revoked", "expired": "expired", "used": "used"} {
		changed := object.union(papers, {"permission": {"release_203": {"state": state, "fields": ["language_level"]}}})
		answers(changed).language_level == concat("", ["NEED_RELEASE_203 R21 release_", reason])
	}
}

test_r21_secrecy_of_the_holder_stays_for_the_rest if {
	answers(object.union(papers, {"holder": {"secret_203": ["counselling_notes", "language_level"]}})) == {
		"counselling_notes": "DENY R73 secret_203",
		"employment_since": "NEED_RELEASE_203 R21 release_scope",
		"language_level": "ALLOW_MIN R21 release_given",
	}
}

file_state := {
	"from_kind": "ABH",
	"to_kind": "MBE",
	"purpose": "P03",
	"fields": ["missing_documents", "procedure_state", "stay_periods"],
}

test_r22_mandate_before_consent if {
	answers(object.union(file_state, {"permission": {
		"mandate": in_force(["procedure_state"]),
		"consent": in_force(["missing_documents", "procedure_state"]),
	}})) == {
		"missing_documents": "ALLOW_MIN R22 consent_given",
		"procedure_state": "ALLOW_MIN R22 mandate_given",
		"stay_periods": "DENY R73 not_in_rule",
	}
}

test_r22_nothing_is_there if {
	answers(file_state).procedure_state == "NEED_CONSENT R22 mandate_missing consent_missing"
}

test_r22_withdrawn_and_too_narrow if {
	answers(object.union(file_state, {"permission": {"mandate": {"state": "withdrawn", "fields": ["procedure_state"]}}})).procedure_state == "NEED_CONSENT R22 consent_revoked consent_missing"
	answers(object.union(file_state, {"permission": {"mandate": in_force(["missing_documents"])}})).procedure_state == "NEED_CONSENT R22 consent_scope consent_missing"
}

test_secrecy_of_a_public_holder_beats_a_statute if {
	secret := {"declared": {"azr_checked": true, "reason_code": "azr_pending"}, "holder": {"secret_203": ["permit_type"]}}
	answers(secret) == {"permit_type": "DENY R73 secret_203"}
}

test_secrecy_of_a_counselling_service_is_neutral if {
	answers(object.union(query, {"holder": {"secret_203": ["language_level"]}})).language_level == "NEUTRAL R20 secret_203"
}

test_entrusted_data_need_their_own_release if {
	entrusted := {"declared": {"azr_checked": true, "reason_code": "azr_pending"}, "holder": {"entrusted_65": ["permit_type"]}}
	answers(entrusted) == {"permit_type": "DENY R73 entrusted_65"}
	answers(object.union(entrusted, {"permission": {"release_65": in_force(["permit_type"])}})) == {"permit_type": "ALLOW_MIN R02 statute"}
	answers(object.union(entrusted, {"permission": {"release_65": {"state": "used", "fields": ["permit_type"]}}})) == {"permit_type": "DENY R73 entrusted_65"}
}
