# SPDX-License-Identifier: EUPL-1.2

# R47 to R59, R61 to R63, R68, R70 to R72: recognition, education, youth, health, rights.
package lotse.exchange_test

import future.keywords.not

# BQFG § 5, § 12.
application := but(route("PERS", "ANERK", "P13", "push"), {"fields": ["qualification_docs"]})

test_r47_the_person_files_the_application if {
	answer(application) == "ALLOW_MIN R47 own_submission"
	consented := but(application, {"permission": {"consent": in_force(["qualification_docs"])}})
	answer(consented) == "ALLOW_MIN R47 consent_given"
}

test_r47_somebody_else_files_it_with_consent if {
	desk := but(application, {"from_kind": "WZ"})
	consent := {"permission": {"consent": in_force(["qualification_docs"])}}
	answer(desk) == "NEED_CONSENT R47 consent_missing"
	answer(but(desk, consent)) == "ALLOW_MIN R47 consent_given"
	counsellor := but(application, {
		"from_kind": "MBE",
		"fields": ["occupation", "phone_email"],
		"permission": {"consent": in_force(["occupation"])},
	})
	answers(counsellor) == {
		"occupation": "NEED_RELEASE_203 R47 release_missing",
		"phone_email": "NEED_CONSENT R47 consent_scope release_missing",
	}
	answers(but(counsellor, {"permission": {"release_203": in_force(["appointment"])}})) == {
		"occupation": "ALLOW_MIN R47 consent_given",
		"phone_email": "NEED_CONSENT R47 consent_scope release_scope",
	}
	answers(but(counsellor, {"permission": {"release_203": in_force(["phone_email"])}})) == {
		"occupation": "ALLOW_MIN R47 consent_given",
		"phone_email": "ALLOW_MIN R47 release_given",
	}
}

# AufenthG § 81a II Nr. 3.
test_r48_fast_track_needs_a_mandate if {
	request := but(route("ABH", "ANERK", "P21", "push"), {"fields": ["employer"]})
	answer(request) == "DENY R48 mandate_missing"
	answer(but(request, {"permission": {"consent": in_force(["employer"])}})) == "DENY R48 mandate_missing"
	answer(but(request, {"permission": {"mandate": in_force(["employer"])}})) == "ALLOW_MIN R48 mandate_given"
}

# AufenthG § 87 I.
test_r49_recognition_for_a_pending_decision if {
	request := but(route("ANERK", "ABH", "P01", "on_request"), {"fields": ["recognition_status"]})
	answer(request) == "DENY R49 decision_missing"
	answer(but(request, {"declared": {"decision": "grant_18a"}})) == "HOLD_HUMAN R49 human_release_pending"
}

# GDPR Art. 6 I a; SGB X § 67a II; AZRG § 18b I Nr. 9.
test_r50_recognition_for_the_jobcenter if {
	request := but(route("ANERK", "JC", "P05", "on_request"), {"fields": ["recognition_status"]})
	checked := but(request, {"declared": {"azr_checked": true}})
	answer(request) == "DENY R50 azr_not_exhausted"
	answer(checked) == "NEED_CONSENT R50 consent_missing"
	answer(but(checked, {"permission": {"consent": in_force(["recognition_status"])}})) == "ALLOW_MIN R50 consent_given"
}

# NDSG § 5; BQFG § 5 I, § 12 I; SGB X § 67b, § 69.
test_r51_r57_what_is_not_necessary_comes_from_the_person if {
	every rule, request in {
		"R51": but(route("ABH", "ANERK", "P13", "on_request"), {"fields": ["photo"]}),
		"R57": but(route("JC", "SCHULE", "P19", "on_request"), {"fields": ["benefit_granted"]}),
	} {
		refused := concat(" ", ["REDIRECT_SUBJECT", rule, "not_necessary"])
		answer(request) == refused
		answer(but(request, {"permission": all_allowed(request.fields)})) == refused
	}
}

# AufenthG § 87 I, II.
test_r52_schools_are_exempt if {
	request := but(route("SCHULE", "ABH", "P02", "on_request"), {"fields": ["school_attendance"]})
	answer(request) == "DENY R52 school_exempt"
	answer(but(request, {
		"permission": all_allowed(["school_attendance"]),
		"holder": {"released_by_source": true},
	})) == "DENY R52 school_exempt"
}

# AufenthG § 60c V, § 16g IV.
training := but(route("AUSB", "ABH", "P01", "spontaneous"), {
	"fields": ["training_contract"],
	"declared": {"title": "16g", "event": "training_ended_early"},
})

test_r53_early_end_of_training if {
	every title in ["16g", "60c"] {
		answer(but(training, {"declared": {"title": title}})) == "HOLD_HUMAN R53 human_release_pending"
	}
	answer(but(training, {"declared": {"title": "16a"}})) == "DENY R53 section_not_covered"
	answer(but(training, {"declared": {"event": "absence"}})) == "DENY R53 event_missing"
	answer(but(training, {"holder": {"released_by_source": true}})) == "ALLOW_MIN R53 human_released statute"
}

# SGB III § 31a I.
test_r54_only_where_state_law_orders_it if {
	request := but(route("SCHULE", "BA", "P20", "batch"), {"fields": ["school_degree"]})
	answer(request) == "DENY R54 state_law_missing"
	every changes in [{"agreement": {"state_law_basis": true}}, {"declared": {"state_law_basis": true}}] {
		answer(but(request, changes)) == "HOLD_HUMAN R54 human_release_pending"
	}
}

# SGB III § 9b; SGB VIII § 64, § 65.
test_r55_the_youth_office_asks_the_person if {
	request := but(route("JC", "JA", "P20", "on_request"), {"fields": ["occupation"]})
	answer(request) == "ALLOW_MIN R55 statute"
	youth := but(request, {"from_kind": "JA", "to_kind": "JC"})
	answer(youth) == "NEED_CONSENT R55 consent_missing"
	answer(but(youth, {"permission": {"consent": in_force(["occupation"])}})) == "ALLOW_MIN R55 consent_given"
	answer(but(youth, {
		"permission": all_allowed(["occupation"]),
		"holder": {"entrusted_65": ["occupation"]},
	})) == "DENY R60 entrusted_65"
}

test_r55_only_what_rests_on_law_lapses if {
	request := but(route("JC", "JA", "P20", "on_request"), {"fields": ["occupation"], "lapsed": ["R55"]})
	answer(request) == "HOLD_HUMAN R55 rule_lapsed"
	answer(but(request, {"holder": {"released_by_source": true}})) == "ALLOW_MIN R55 human_released statute"
	consented := {"permission": {"consent": in_force(["occupation"])}}
	answer(object.union_n([request, consented, {"from_kind": "JA", "to_kind": "JC"}])) == "ALLOW_MIN R55 consent_given"
}

# NSchG § 31 VI.
test_r56_register_to_school if {
	answer(but(route("MELDE", "SCHULE", "P19", "batch"), {"fields": ["sex"]})) == "ALLOW_MIN R56 statute"
}

# AufenthG § 82 I; SGB I § 60.
test_r58_own_evidence_by_choice_or_upload if {
	request := but(route("PERS", "ABH", "P02", "push"), {"fields": ["language_level", "school_degree"]})
	answers(but(request, {"permission": {"choice": in_force(["school_degree"])}})) == {
		"language_level": "NEED_CHOICE R58 choice_scope",
		"school_degree": "ALLOW_MIN R58 choice_given",
	}
	answers(but(request, {"declared": {"uploaded_by_subject": true}})) == {
		"language_level": "ALLOW_MIN R58 own_submission",
		"school_degree": "ALLOW_MIN R58 own_submission",
	}
	answers(request).school_degree == "NEED_CHOICE R58 choice_missing"
}

test_r58_what_the_person_sends_is_no_secret_and_does_not_lapse if {
	request := but(route("PERS", "ABH", "P02", "push"), {
		"fields": ["language_level"],
		"declared": {"uploaded_by_subject": true},
		"holder": {"secret_203": ["language_level"], "entrusted_65": ["language_level"]},
		"lapsed": ["R58"],
	})
	answer(request) == "ALLOW_MIN R58 own_submission"
}

# SGB X § 71 II 1 Nr. 1 d.
test_r59_the_head_of_the_youth_office_releases if {
	request := but(route("JA", "ABH", "P01", "on_request"), {
		"fields": ["expulsion_interest"],
		"declared": {"expulsion_ground_present": true},
	})
	answer(request) == "HOLD_HUMAN R59 head_release_pending"
	answer(but(request, {"holder": {"released_by_source": true}})) == "HOLD_HUMAN R59 head_release_pending"
	answer(but(request, {"holder": {"released_by_head": true}})) == "ALLOW_MIN R59 human_released statute"
	answer(without(request, "declared")) == "DENY R59 expulsion_ground_missing"
}

test_r59_past_its_date_the_head_is_the_one_who_looks if {
	request := but(route("JA", "ABH", "P01", "on_request"), {
		"fields": ["expulsion_interest"],
		"declared": {"expulsion_ground_present": true},
		"lapsed": ["R59"],
	})
	answer(request) == "HOLD_HUMAN R59 rule_lapsed head_release_pending"
	answer(but(request, {"holder": {"released_by_head": true}})) == "ALLOW_MIN R59 human_released statute"
}

# SGB VIII § 64 IId.
test_r61_only_the_result_of_the_age_assessment if {
	request := but(route("JA", "BAMF_A", "P14", "on_request"), {"fields": ["age_assessment_result"]})
	answer(request) == "DENY R61 content_missing"
	answer(but(request, {"declared": {"content": "result_only"}})) == "HOLD_HUMAN R61 human_release_pending"
}

# SGB VIII § 8a; KKG § 4.
test_r62_child_protection if {
	request := but(route("SCHULE", "JA", "P18", "spontaneous"), {"fields": ["address_street"]})
	answer(request) == "HOLD_HUMAN R62 human_release_pending"
	answer(but(request, {"holder": {"released_by_source": true}})) == "ALLOW_MIN R62 human_released statute"
}

# StGB § 203 I Nr. 1; GDPR Art. 9 II a.
test_r63_release_and_explicit_consent if {
	request := but(route("GES", "ABH", "P02", "push"), {"fields": ["medical_certificate"]})
	released_203 := {"permission": {"release_203": in_force(["medical_certificate"])}}
	consented := {"permission": {"explicit_consent": in_force(["medical_certificate"])}}
	answer(request) == "NEED_RELEASE_203 R63 release_missing"
	answer(but(request, consented)) == "NEED_RELEASE_203 R63 release_missing"
	answer(but(request, released_203)) == "NEED_EXPLICIT_A9 R63 explicit_consent_missing"
	answer(object.union_n([request, released_203, consented])) == "ALLOW_MIN R63 release_given"
}

# AufenthG § 87 IV.
test_r68_justice_is_out_of_scope if {
	answer(but(route("JUST", "ABH", "P01", "spontaneous"), {"fields": ["conviction"]})) == "OUT_OF_SCOPE R68 out_of_scope"
}

# GDPR Art. 12 to 22.
test_r70_rights_of_the_person if {
	request := but(route("ABH", "PERS", "P23", "on_request"), {"fields": ["procedure_state"]})
	answer(request) == "DENY R70 not_authenticated"
	known := but(request, {"declared": {"subject_authenticated": true}})
	answer(known) == "ALLOW_MIN R70 statute"
	answer(but(known, {"holder": {"secret_203": ["procedure_state"]}})) == "ALLOW_MIN R70 statute"
}

# GDPR Art. 39, 58.
test_r71_officers_read_what_concerns_their_agency if {
	request := but(route("GW", "JC", "P24", "on_request"), {
		"fields": ["procedure_state"],
		"declared": {"role": "dpo", "event_party": "own_agency"},
	})
	answer(request) == "ALLOW_MIN R71 statute"
	answer(but(request, {"declared": {"role": "clerk"}})) == "DENY R71 not_the_officer"
	answer(but(request, {"declared": {"event_party": "other"}})) == "DENY R71 not_the_officer"
}

# GDPR Art. 5 I b.
test_r72_no_analytics if {
	request := but(route("JC", "GW", "P25", "batch"), {"fields": ["procedure_state"]})
	answer(request) == "DENY R72 no_analytics"
	answer(but(request, {"permission": all_allowed(["procedure_state"])})) == "DENY R72 no_analytics"
}
