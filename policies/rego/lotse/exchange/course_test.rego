# SPDX-License-Identifier: EUPL-1.2

# R29 to R39, R42 to R44: language courses and registers.
package lotse.exchange_test

import future.keywords.not

# AufenthG § 88a I 1; AZRG § 10 IV 2.
test_r29_only_the_foreigners_authority_adds_the_azr_number if {
	request := but(route("JC", "BAMF_I", "P10", "on_request"), {"fields": ["azr_number", "ik_entitlement"]})
	answers(request) == {
		"azr_number": "DENY R29 identifier_as_key",
		"ik_entitlement": "ALLOW_MIN R29 statute",
	}
	answers(but(request, {"from_kind": "ABH"})).azr_number == "ALLOW_MIN R29 statute"
}

# AufenthG § 88a I 1; IntV § 8 II.
test_r30_provider_to_bamf if {
	answer(but(route("KURS", "BAMF_I", "P10", "automated"), {"fields": ["ik_result"]})) == "ALLOW_MIN R30 statute"
}

# AufenthG § 88a I 2; IntV § 8 III 1.
absence := but(route("KURS", "JC", "P11", "spontaneous"), {
	"fields": ["ik_absence_hours"],
	"declared": {"participant_obliged": true, "obliging_body": "JC"},
})

test_r31_only_who_was_obliged_and_only_to_who_obliged if {
	answer(absence) == "HOLD_HUMAN R31 human_release_pending"
	answer(but(absence, {"holder": {"released_by_source": true}})) == "ALLOW_MIN R31 human_released statute"
	answer(but(absence, {"to_kind": "ABH"})) == "DENY R31 not_the_obliging_body"
	entitled := but(absence, {"fields": ["ik_entitlement"], "declared": {"participant_obliged": false}})
	answer(entitled) == "DENY R31 participant_not_obliged"
}

test_r32_no_report_about_a_volunteer if {
	volunteer := but(absence, {"holder": {"released_by_source": true}, "permission": all_allowed(["ik_absence_hours"])})
	answer(but(volunteer, {"declared": {"participant_obliged": false}})) == "DENY R32 voluntary_participant"
	answer(without(volunteer, "declared")) == "DENY R32 voluntary_participant"
}

# AufenthG § 88a I 3.
course := but(route("BAMF_I", "ABH", "P01", "on_request"), {
	"fields": ["language_level"],
	"declared": {"procedure": "extension"},
})

test_r33_closed_list_of_procedures if {
	every procedure in ["eu_long_term", "extension", "settlement"] {
		answer(but(course, {"declared": {"procedure": procedure}})) == "ALLOW_MIN R33 statute"
	}
	answer(but(course, {"declared": {"procedure": "first_grant"}})) == "DENY R33 procedure_not_listed"
	answer(without(course, "declared")) == "DENY R33 procedure_not_listed"
	answer(but(route("BAMF_I", "JC", "P05", "on_request"), {"fields": ["language_level"]})) == "ALLOW_MIN R33 statute"
}

test_r33_automated_only_by_a_named_clerk if {
	automated := but(course, {"trigger": "automated"})
	answer(automated) == "DENY R33 clerk_not_authorised"
	answer(but(automated, {"declared": {"clerk_authorised": true}})) == "ALLOW_MIN R33 statute"
}

# AufenthG § 88a I 3 does not name the first grant, except out of § 104c.
test_r34_a_first_grant_asks_the_person if {
	request := but(course, {"purpose": "P02", "declared": {"procedure": "first_grant"}})
	answer(request) == "REDIRECT_SUBJECT R34 first_grant_not_listed"
	answer(but(request, {"permission": all_allowed(["language_level"])})) == "REDIRECT_SUBJECT R34 first_grant_not_listed"
	answer(but(request, {"declared": {"current_title": "25b"}})) == "REDIRECT_SUBJECT R34 first_grant_not_listed"
	answer(but(request, {"declared": {"current_title": "104c"}})) == "DENY R73 no_rule"
	answer(but(request, {"declared": {"procedure": "extension"}})) == "DENY R73 no_rule"
}

# AufenthG § 88a III 1; DeuFöV § 26 I Nr. 5.
test_r35_customer_number_of_the_employment_agency if {
	request := but(route("ABH", "BAMF_I", "P12", "on_request"), {"fields": ["ba_customer_no", "bsk_participation"]})
	answers(request) == {
		"ba_customer_no": "DENY R35 identifier_as_key",
		"bsk_participation": "ALLOW_MIN R35 statute",
	}
	every sender in ["BA", "JC", "JC_Z"] {
		answers(but(request, {"from_kind": sender})).ba_customer_no == "ALLOW_MIN R35 statute"
	}
}

# AufenthG § 88a III 2.
test_r36_vocational_language_but_not_for_a_title if {
	request := but(route("BAMF_I", "JC", "P06", "on_request"), {"fields": ["bsk_participation"]})
	answer(request) == "ALLOW_MIN R36 statute"
	answer(but(request, {"to_kind": "ABH", "purpose": "P01"})) == "DENY R73 not_in_rule"
}

# AZRG § 10, § 22.
test_r37_everybody_asks_the_azr_directly if {
	request := but(route("AZR", "SOZ", "P09", "on_request"), {"fields": ["birth_date"]})
	answer(request) == "REDIRECT_AZR R37 azr_proxy_forbidden"
}

# AufenthG § 90a; AZRG § 10 IV 2 Nr. 4.
test_r38_azr_number_only_without_a_settlement_permit if {
	request := but(route("ABH", "MELDE", "P14", "spontaneous"), {
		"fields": ["azr_number", "birth_name"],
		"declared": {"settlement_permit": false},
	})
	answers(request) == {"azr_number": "ALLOW_MIN R38 statute", "birth_name": "ALLOW_MIN R38 statute"}
	every unclear in [but(request, {"declared": {"settlement_permit": true}}), without(request, "declared")] {
		answers(unclear) == {"azr_number": "DENY R38 identifier_condition", "birth_name": "ALLOW_MIN R38 statute"}
	}
}

# AufenthV § 71 II, § 72.
test_r39_register_to_foreigners_authority if {
	answer(but(route("MELDE", "ABH", "P14", "automated"), {"fields": ["move_in_date"]})) == "ALLOW_MIN R39 statute"
}

# SGB X § 71 I 4; BMG § 6 II.
test_r42_a_clerk_tells_of_a_wrong_address if {
	request := but(route("JC", "MELDE", "P14", "spontaneous"), {"fields": ["address_street"]})
	answer(request) == "HOLD_HUMAN R42 human_release_pending"
	answer(but(request, {"holder": {"released_by_source": true}})) == "ALLOW_MIN R42 human_released statute"
}

# BMG § 44; AZRG § 25, § 27.
test_r43_no_register_for_private_bodies if {
	request := but(route("MELDE", "MBE", "P03", "on_request"), {
		"fields": ["address_street"],
		"permission": all_allowed(["address_street"]),
	})
	answer(request) == "DENY R43 no_register_for_private"
}

# AufenthG § 90b.
test_r44_no_mass_comparison if {
	answer(but(route("ABH", "MELDE", "P14", "batch"), {"fields": ["birth_date"]})) == "OUT_OF_SCOPE R44 out_of_scope"
}
