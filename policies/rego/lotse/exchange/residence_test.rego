# SPDX-License-Identifier: EUPL-1.2
package lotse.exchange_test

import future.keywords.not

test_r01_azr_comes_first if {
	answers({"fields": ["permit_type", "work_permission"]}) == {
		"permit_type": "REDIRECT_AZR R01 azr_not_exhausted",
		"work_permission": "REDIRECT_AZR R01 azr_not_exhausted",
	}
}

test_r01_nobody_fetches_azr_data_for_another if {
	answers({"from_kind": "AZR", "declared": {"azr_checked": true, "reason_code": "azr_pending"}}) == {"permit_type": "REDIRECT_AZR R01 azr_proxy_forbidden"}
}

test_r01_other_fields_are_not_released_beside_it if {
	answers({"fields": ["permit_issued"]}) == {"permit_issued": "DENY R02 azr_not_exhausted"}
}

test_r01_false_is_not_checked if {
	answers({"declared": {"azr_checked": false, "reason_code": "azr_pending"}}) == {"permit_type": "REDIRECT_AZR R01 azr_not_exhausted"}
}

test_r02_releases_after_the_azr if {
	every reason in ["azr_pending", "azr_contradicts", "text_of_ancillary_provision", "fiction_certificate"] {
		answers({
			"fields": ["deportation_ban", "permit_issued", "permit_type"],
			"declared": {"azr_checked": true, "reason_code": reason},
		}) == {
			"deportation_ban": "DENY R73 not_in_rule",
			"permit_issued": "ALLOW_MIN R02 statute",
			"permit_type": "ALLOW_MIN R02 statute",
		}
	}
}

test_r02_needs_a_reason if {
	answers({"declared": {"azr_checked": true}}) == {"permit_type": "DENY R02 reason_code_missing"}
	answers({"declared": {"azr_checked": true, "reason_code": "because"}}) == {"permit_type": "DENY R02 reason_code_missing"}
}

test_r02_social_office_too if {
	answers({"to_kind": "SOZ", "purpose": "P09"}) == {"permit_type": "DENY R02 azr_not_exhausted"}
}

test_r02_past_its_date_needs_a_clerk if {
	lapsed := {"declared": {"azr_checked": true, "reason_code": "azr_pending"}, "lapsed": ["R02"]}
	answers(lapsed) == {"permit_type": "HOLD_HUMAN R02 rule_lapsed"}
	answers(object.union(lapsed, {"holder": {"released_by_source": true}})) == {"permit_type": "ALLOW_MIN R02 human_released statute"}
}

test_r03_choice if {
	chosen := {"trigger": "subject_choice", "fields": ["birth_date", "permit_type"], "declared": {"procedure_electronic": true}}
	answers(object.union(chosen, {"permission": {"choice": in_force(["permit_type"])}})) == {
		"birth_date": "NEED_CHOICE R03 choice_scope",
		"permit_type": "ALLOW_MIN R03 choice_given",
	}
	answers(chosen).permit_type == "NEED_CHOICE R03 choice_missing"
	answers(object.union(chosen, {"permission": {"choice": {"state": "withdrawn", "fields": ["permit_type"]}}})).permit_type == "NEED_CHOICE R03 choice_revoked"
}

test_r03_needs_an_electronic_procedure if {
	answers({"trigger": "subject_choice", "permission": {"choice": in_force(["permit_type"])}}) == {"permit_type": "DENY R03 procedure_not_electronic"}
}

benefits := {
	"from_kind": "JC",
	"to_kind": "ABH",
	"purpose": "P02",
	"fields": ["benefit_granted", "net_income"],
	"declared": {"decision": "s25b_1_first_grant", "azr_insufficient": true},
}

test_r04_waits_for_a_clerk if {
	answers(benefits) == {
		"benefit_granted": "HOLD_HUMAN R04 human_release_pending",
		"net_income": "REDIRECT_SUBJECT R07 outside_closed_list",
	}
}

test_r04_released_by_a_clerk if {
	answers(object.union(benefits, {"holder": {"released_by_source": true}})) == {
		"benefit_granted": "ALLOW_MIN R04 human_released statute",
		"net_income": "REDIRECT_SUBJECT R07 outside_closed_list",
	}
}

test_r04_names_everything_that_is_missing if {
	answers(object.union(object.remove(benefits, ["declared"]), {"declared": {}})).benefit_granted == "DENY R04 decision_missing azr_not_exhausted"
	answers(object.union(benefits, {"declared": {"decision": "whatever"}})).benefit_granted == "DENY R04 decision_missing"
	answers(object.union(benefits, {"declared": {"azr_insufficient": false}})).benefit_granted == "DENY R04 azr_not_exhausted"
}

test_r07_no_permission_opens_it if {
	every type in ["consent", "explicit_consent", "mandate", "choice", "release_203"] {
		answers(object.union(benefits, {"permission": {type: in_force(["net_income"])}})).net_income == "REDIRECT_SUBJECT R07 outside_closed_list"
	}
}

report := {
	"from_kind": "JC",
	"to_kind": "ABH",
	"purpose": "P01",
	"trigger": "spontaneous",
	"fields": ["benefit_begin"],
	"declared": {"title_section": 4, "benefit_in_azr": false},
}

test_r05_sections_three_and_four if {
	every section in [3, 4] {
		answers(object.union(report, {"declared": {"title_section": section}})) == {"benefit_begin": "HOLD_HUMAN R05 human_release_pending"}
	}
	every section in [5, 6, 7, "4"] {
		answers(object.union(report, {"declared": {"title_section": section}})) == {"benefit_begin": "DENY R05 section_not_covered"}
	}
}

test_r05_case_of_number_2a if {
	answers(object.union(report, {"declared": {"title_section": 5, "case_2a": true}})) == {"benefit_begin": "HOLD_HUMAN R05 human_release_pending"}
}

test_r05_nothing_that_the_azr_has if {
	answers(object.union(report, {"declared": {"benefit_in_azr": true}})) == {"benefit_begin": "DENY R05 benefit_already_in_azr"}
	answers({
		"from_kind": "JC", "to_kind": "ABH", "purpose": "P01", "trigger": "spontaneous",
		"fields": ["benefit_begin"], "declared": {"title_section": 4},
	}) == {"benefit_begin": "DENY R05 benefit_in_azr_unknown"}
}
