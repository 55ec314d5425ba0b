# SPDX-License-Identifier: EUPL-1.2

# R18, R19, R21 to R28: counselling and the welcome desk.
package lotse.exchange_test

import future.keywords.not

# SGB X § 67b II, § 78 I 2.
case_state := but(route("JC", "MBE", "P03", "on_request"), {
	"fields": ["benefit_granted", "procedure_state"],
	"agreement": {"undertaking_78": true},
	"permission": {"consent": in_force(["procedure_state"])},
})

test_r18_consent_field_by_field if {
	answers(case_state) == {
		"benefit_granted": "NEED_CONSENT R18 consent_scope",
		"procedure_state": "ALLOW_MIN R18 consent_given",
	}
}

test_r18_nobody_is_asked_before_the_undertaking if {
	answers(but(case_state, {"agreement": {"undertaking_78": false}})) == {
		"benefit_granted": "DENY R18 undertaking_78_missing",
		"procedure_state": "DENY R18 undertaking_78_missing",
	}
}

test_r18_names_what_happened_to_the_consent if {
	every state, reason in {"none": "missing", "withdrawn": "revoked", "expired": "expired", "used": "used"} {
		changed := answers(but(case_state, {"permission": {"consent": {"state": state}}}))
		changed.procedure_state == concat("", ["NEED_CONSENT R18 consent_", reason])
	}
}

test_r18_what_the_person_allowed_does_not_lapse if {
	answers(but(case_state, {"lapsed": ["R18"]})).procedure_state == "ALLOW_MIN R18 consent_given"
}

# StGB § 203 I.
papers := {
	"fields": ["language_level"],
	"declared": {"initiated_by": "client"},
	"permission": {"release_203": in_force(["language_level"])},
}

test_r19_r21_papers_item_by_item if {
	every rule, fit in {"R19": route("MBE", "JC", "P04", "push"), "R21": route("MBE", "ABH", "P02", "push")} {
		request := but(fit, papers)
		given := concat(" ", ["ALLOW_MIN", rule, "release_given"])
		answer(request) == given
		answer(but(request, {"declared": {"initiated_by": "counsellor"}})) == given
		answer(but(request, {"declared": {"initiated_by": "agency"}})) == concat(" ", ["DENY", rule, "initiator_missing"])
		narrow := but(request, {"permission": {"release_203": in_force(["appointment"])}})
		answer(narrow) == concat(" ", ["NEED_RELEASE_203", rule, "release_scope"])
	}
}

test_r21_names_what_happened_to_the_release if {
	every state, reason in {"none": "missing", "withdrawn": "revoked", "expired": "expired", "used": "used"} {
		request := but(but(route("MBE", "ABH", "P02", "push"), papers), {"permission": {"release_203": {"state": state}}})
		answer(request) == concat("", ["NEED_RELEASE_203 R21 release_", reason])
	}
}

# VwVfG § 14; GDPR Art. 6 I a.
file_state := but(route("ABH", "MBE", "P03", "on_request"), {"fields": ["missing_documents", "procedure_state"]})

test_r22_mandate_before_consent if {
	answers(but(file_state, {"permission": {
		"mandate": in_force(["procedure_state"]),
		"consent": in_force(file_state.fields),
	}})) == {
		"missing_documents": "ALLOW_MIN R22 consent_given",
		"procedure_state": "ALLOW_MIN R22 mandate_given",
	}
}

test_r22_names_both_ways if {
	answers(file_state).procedure_state == "NEED_CONSENT R22 mandate_missing consent_missing"
	withdrawn := but(file_state, {"permission": {"consent": {"state": "withdrawn"}}})
	answers(withdrawn).procedure_state == "NEED_CONSENT R22 consent_revoked mandate_missing"
}

# AufenthG § 88a II.
counts := but(route("MBE", "BAMF_I", "P25", "batch"), {
	"fields": ["counselling_fact"],
	"declared": {"granularity": "aggregate", "cell_size": 5},
})

test_r23_counts_of_five_and_more if {
	answer(counts) == "ALLOW_MIN R23 statute"
	every size in [4, 0, "5", null] {
		answer(but(counts, {"declared": {"cell_size": size}})) == "DENY R23 cell_too_small"
	}
	answer(but(counts, {"declared": {"granularity": "person"}})) == "DENY R23 granularity_missing"
}

test_r24_no_persons if {
	request := but(counts, {"trigger": "on_request", "declared": {"granularity": "person"}})
	answer(request) == "DENY R24 person_level_refused"
	answer(without(request, "declared/granularity")) == "DENY R24 person_level_refused"
	answer(but(request, {"permission": all_allowed(["counselling_fact"])})) == "DENY R24 person_level_refused"
	answer(but(request, {"declared": {"granularity": "aggregate"}})) == "DENY R73 no_rule"
}

# StGB § 203 I.
test_r25_hand_over_between_services if {
	request := but(route("MBE", "JMD", "P03", "push"), {"fields": ["counselling_notes"]})
	answer(request) == "NEED_RELEASE_203 R25 release_missing"
	answer(but(request, {"permission": {"release_203": in_force(["counselling_notes"])}})) == "ALLOW_MIN R25 release_given"
}

# GDPR Art. 6 I a.
test_r26_the_welcome_desk_books_with_consent if {
	request := but(route("WZ", "MBE", "P22", "push"), {"fields": ["appointment"]})
	answer(request) == "NEED_CONSENT R26 consent_missing"
	answer(but(request, {"permission": {"consent": in_force(["appointment"])}})) == "ALLOW_MIN R26 consent_given"
}

# GDPR Art. 6 I a; StGB § 203.
test_r27_counselling_needs_a_release_as_well if {
	request := but(route("JMD", "WZ", "P22", "push"), {
		"fields": ["appointment"],
		"permission": {"consent": in_force(["appointment"])},
	})
	answer(request) == "NEED_RELEASE_203 R27 release_missing"
	answer(but(request, {"permission": {"release_203": {"state": "expired"}}})) == "NEED_RELEASE_203 R27 release_expired"
	answer(but(request, {"permission": {"release_203": in_force([])}})) == "NEED_RELEASE_203 R27 release_scope"
	answer(but(request, {"permission": {"release_203": in_force(["phone_email"])}})) == "ALLOW_MIN R27 consent_given"
	answer(but(request, {"from_kind": "JC"})) == "ALLOW_MIN R27 consent_given"
	answer(but(request, {"permission": {"consent": nothing}})) == "NEED_CONSENT R27 consent_missing"
}

# AufenthG § 87 II 1 Nr. 1.
test_r28_the_welcome_desk_does_not_report if {
	request := but(route("WZ", "ABH", "P90", "spontaneous"), {"fields": ["residence_status"]})
	answer(request) == "OUT_OF_SCOPE R28 out_of_scope"
}
