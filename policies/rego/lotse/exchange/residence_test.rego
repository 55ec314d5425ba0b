# SPDX-License-Identifier: EUPL-1.2

# R01 to R17, R46, R65 to R67: residence, benefits, work, naturalisation.
package lotse.exchange_test

import future.keywords.not

# AZRG § 18b I, § 22; SGB X § 67a II 2 Nr. 2 a.
test_r01_the_azr_comes_first if {
	answers({"fields": ["permit_type", "permit_issued"]}) == {
		"permit_issued": "DENY R02 azr_not_exhausted reason_code_missing",
		"permit_type": "REDIRECT_AZR R01 azr_not_exhausted",
	}
	answer({"declared": {"azr_checked": false}}) == "REDIRECT_AZR R01 azr_not_exhausted"
	answer({"declared": {"azr_checked": "true"}}) == "REDIRECT_AZR R01 azr_not_exhausted"
	answer({"declared": {"azr_available": null}}) == "REDIRECT_AZR R01 azr_not_exhausted"
}

test_r01_not_when_the_azr_is_down if {
	answer({"declared": {"azr_available": false}}) == "DENY R02 azr_not_exhausted reason_code_missing"
}

# AZRG § 11 II.
test_r01_nobody_fetches_azr_data_for_another if {
	request := {"from_kind": "AZR", "declared": {"azr_checked": true, "azr_available": false}}
	answer(request) == "REDIRECT_AZR R01 azr_proxy_forbidden"
}

# NDSG § 5; SGB X § 67a II 2 Nr. 2 b.
test_r02_what_the_azr_does_not_say if {
	every reason in ["azr_contradicts", "azr_pending", "fiction_certificate", "text_of_ancillary_provision"] {
		answer({"declared": {"azr_checked": true, "reason_code": reason}}) == "ALLOW_MIN R02 statute"
	}
	every declared in [{"azr_checked": true}, {"azr_checked": true, "reason_code": "curiosity"}] {
		answer({"declared": declared}) == "DENY R02 reason_code_missing"
	}
}

# SGB X § 67f.
chosen := but(route("ABH", "JC", "P04", "subject_choice"), {
	"declared": {"procedure_electronic": true},
	"permission": {"choice": in_force(["permit_type"]), "retrieval_confirmed": true},
})

test_r03_retrieval_by_choice if {
	answer(chosen) == "ALLOW_MIN R03 choice_given"
	answer(but(chosen, {"permission": {"retrieval_confirmed": false}})) == "NEED_CHOICE R03 preview_missing"
	answer(but(chosen, {"declared": {"procedure_electronic": false}})) == "DENY R03 procedure_not_electronic"
	answers(but(chosen, {"fields": ["birth_date", "permit_type"]})) == {
		"birth_date": "NEED_CHOICE R03 choice_scope",
		"permit_type": "ALLOW_MIN R03 choice_given",
	}
}

test_r03_names_what_happened_to_the_choice if {
	every state, reason in {"none": "missing", "withdrawn": "revoked", "expired": "expired", "used": "used"} {
		changed := but(chosen, {"permission": {"choice": {"state": state}}})
		answer(changed) == concat("", ["NEED_CHOICE R03 choice_", reason])
	}
}

# AufenthG § 87 I, AVV 87.1.3.2; SGB X § 71 II 1 Nr. 1 a.
benefits := but(route("JC", "ABH", "P02", "on_request"), {
	"fields": ["benefit_granted"],
	"declared": {"subject_count": 1, "decision": "grant_25b", "azr_insufficient": true},
})

test_r04_a_clerk_releases_each_case if {
	answer(benefits) == "HOLD_HUMAN R04 human_release_pending"
	answer(but(benefits, {"holder": {"released_by_source": true}})) == "ALLOW_MIN R04 human_released statute"
	answer(but(benefits, {"holder": {"released_by_head": true}})) == "HOLD_HUMAN R04 human_release_pending"
}

test_r04_one_person_one_decision_after_the_azr if {
	every declared, reason in {
		{"subject_count": 2}: "more_than_one_subject",
		{"subject_count": "1"}: "more_than_one_subject",
		{"decision": ""}: "decision_missing",
		{"decision": "whatever"}: "decision_missing",
		{"azr_insufficient": false}: "azr_not_exhausted",
	} {
		answer(but(benefits, {"declared": declared})) == concat(" ", ["DENY R04", reason])
	}
	answer(without(benefits, "declared")) == "DENY R04 decision_missing more_than_one_subject azr_not_exhausted"
}

# AufenthG § 87 II 1 Nr. 2a, II 3.
report := but(route("JC", "ABH", "P01", "spontaneous"), {
	"fields": ["benefit_begin"],
	"declared": {"title_section": 4, "benefit_in_azr": false},
})

test_r05_sections_three_and_four_or_number_2a if {
	every section in [3, 4] {
		answer(but(report, {"declared": {"title_section": section}})) == "HOLD_HUMAN R05 human_release_pending"
	}
	every section in [5, 7, "4", null] {
		answer(but(report, {"declared": {"title_section": section}})) == "DENY R05 section_not_covered"
	}
	answer(but(report, {"declared": {"title_section": 5, "case_2a": true}})) == "HOLD_HUMAN R05 human_release_pending"
}

test_r05_nothing_that_the_azr_has if {
	answer(but(report, {"declared": {"benefit_in_azr": true}})) == "DENY R05 benefit_already_in_azr"
	answer(without(report, "declared/benefit_in_azr")) == "DENY R05 benefit_in_azr_unknown"
}

# AZRG § 6; SGB X § 71 II 1 Nr. 4: the agencies write to the AZR themselves.
test_r06_the_azr_has_its_own_channel if {
	request := but(route("JC", "AZR", "P14", "automated"), {"fields": ["benefit_begin"]})
	answer(request) == "REDIRECT_AZR R06 azr_proxy_forbidden"
}

# SGB X § 71 II 1 Nr. 1, § 67d I: a closed list; the person brings the rest.
test_r07_income_and_plans_come_from_the_person if {
	request := but(benefits, {"fields": ["net_income"]})
	answer(request) == "REDIRECT_SUBJECT R07 outside_closed_list"
	answer(but(request, {"permission": all_allowed(["net_income"])})) == "REDIRECT_SUBJECT R07 outside_closed_list"
}

# SGB X § 71 II 2, § 76; GDPR Art. 9.
test_r08_no_health_data if {
	request := but(benefits, {"fields": ["medical_certificate"], "permission": all_allowed(["medical_certificate"])})
	answer(request) == "DENY R08 art9_no_basis"
}

# AsylG § 8 Ic.
test_r09_journeys_home_are_out_of_scope if {
	answer(but(route("JC", "BAMF_A", "P14", "spontaneous"), {"fields": ["birth_date"]})) == "OUT_OF_SCOPE R09 out_of_scope"
}

# SGB II § 50 I; SGB X § 79.
test_r10_automated_only_with_approval if {
	request := but(route("BA", "JC", "P05", "automated"), {"fields": ["occupation"]})
	answer(request) == "DENY R10 automated_pull_79"
	answer(but(request, {"agreement": {"approval_79": true}})) == "ALLOW_MIN R10 statute"
	answer(but(request, {"trigger": "on_request"})) == "ALLOW_MIN R10 statute"
}

# SGB X § 69 I Nr. 1.
test_r11_change_between_benefit_offices if {
	answer(but(route("SOZ", "JC", "P04", "on_request"), {"fields": ["benefit_end"]})) == "ALLOW_MIN R11 statute"
}

# SGB X § 67a II 2 Nr. 2 b; AZRG § 10 IV 2 Nr. 3.
recognised := but(route("ASYLB", "JC", "P04", "on_request"), {
	"fields": ["azr_number", "benefit_end"],
	"declared": {"azr_checked": true, "pension_no_known": false, "basic_identity_included": true},
})

test_r12_azr_number_under_its_own_condition if {
	released_fields := {"azr_number": "ALLOW_MIN R12 statute", "benefit_end": "ALLOW_MIN R12 statute"}
	refused_number := {"azr_number": "DENY R12 identifier_condition", "benefit_end": "ALLOW_MIN R12 statute"}
	answers(recognised) == released_fields
	answers(but(recognised, {"declared": {"pension_no_known": true}})) == refused_number
	answers(without(recognised, "declared/pension_no_known")) == refused_number
	answers(but(recognised, {"declared": {"basic_identity_included": false}})) == refused_number
}

test_r12_basic_identity_may_be_in_the_enquiry if {
	identity := ["azr_number", "birth_date", "family_name", "given_names"]
	asked := but(recognised, {"fields": identity, "declared": {"basic_identity_included": false}})
	answers(asked) == {field: "ALLOW_MIN R12 statute" | some field in identity}
}

test_r12_after_the_azr if {
	answers(but(recognised, {"declared": {"azr_checked": false}})) == {
		"azr_number": "DENY R12 azr_not_exhausted",
		"benefit_end": "DENY R12 azr_not_exhausted",
	}
}

# SGB X § 71 IIa.
test_r13_a_clerk_releases_each_case if {
	request := but(route("JC", "ASYLB", "P08", "on_request"), {"fields": ["benefit_end"]})
	answer(request) == "HOLD_HUMAN R13 human_release_pending"
	answer(but(request, {"holder": {"released_by_source": true}})) == "ALLOW_MIN R13 human_released statute"
}

# AsylbLG § 11 III.
test_r14_between_two_kinds if {
	request := but(route("ABH", "ASYLB", "P08", "batch"), {"fields": ["stay_periods"]})
	answer(request) == "ALLOW_MIN R14 statute"
	answer(but(request, {"from_kind": "ASYLB"})) == "DENY R73 no_rule"
}

# AufenthG § 90 III; AsylG § 8 IIa.
test_r15_measures_and_work_consents if {
	answer(but(route("ABH", "ASYLB", "P08", "spontaneous"), {"fields": ["ba_decision"]})) == "ALLOW_MIN R15 statute"
}

# AufenthG § 39, § 72 VII.
test_r16_consent_to_employment if {
	answer(but(route("ABH", "BA", "P07", "on_request"), {"fields": ["employer"]})) == "ALLOW_MIN R16 statute"
}

# SGB X § 71 II 1 Nr. 1 b.
test_r17_only_the_decision_itself if {
	request := but(route("BA", "ABH", "P07", "on_request"), {"fields": ["ba_decision"]})
	answer(request) == "DENY R17 content_missing"
	every content in ["granted", "refused", "restricted", "revoked"] {
		answer(but(request, {"declared": {"content": content}})) == "ALLOW_MIN R17 statute"
	}
	answer(but(request, {"declared": {"content": "result_only"}})) == "DENY R17 content_missing"
}

# AufenthV § 76a.
test_r46_the_existing_channel_comes_first if {
	request := but(route("ABH", "LAB", "P01", "on_request"), {"fields": ["abh_file_ref", "azr_number"]})
	every changes in [{"agreement": {"pilot_agreed": true}}, {"declared": {"channel_xauslaender_unavailable": true}}] {
		answers(but(request, changes)) == {
			"abh_file_ref": "ALLOW_MIN R46 statute",
			"azr_number": "ALLOW_MIN R46 statute",
		}
	}
	answers(request).abh_file_ref == "DENY R46 other_channel_first"
}

# StAG § 31, § 32 I.
test_r65_naturalisation_is_pending if {
	request := but(route("ABH", "STAANG", "P15", "on_request"), {"fields": ["stay_periods"]})
	answer(request) == "DENY R65 naturalisation_not_pending"
	answer(but(request, {"declared": {"naturalisation_pending": true}})) == "ALLOW_MIN R65 statute"
}

test_r66_benefits_for_naturalisation if {
	request := but(route("JC", "STAANG", "P15", "on_request"), {"fields": ["benefit_begin"]})
	declared := {"naturalisation_pending": true, "azr_checked": true}
	answer(request) == "DENY R66 azr_not_exhausted naturalisation_not_pending"
	answer(but(request, {"declared": declared})) == "HOLD_HUMAN R66 human_release_pending"
	released_case := but(request, {"declared": declared, "holder": {"released_by_source": true}})
	answer(released_case) == "ALLOW_MIN R66 human_released statute"
}

# AZRG § 19 S. 3: with consent the authority looks into the AZR itself.
test_r67_consent_leads_to_the_azr if {
	request := but(route("AZR", "STAANG", "P16", "on_request"), {"fields": ["permit_type"]})
	answer(request) == "NEED_CONSENT R67 consent_missing"
	answer(but(request, {"permission": {"consent": in_force(["permit_type"])}})) == "REDIRECT_AZR R67 azr_proxy_forbidden"
}
