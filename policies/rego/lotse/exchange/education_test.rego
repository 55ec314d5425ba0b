# SPDX-License-Identifier: EUPL-1.2
package lotse.exchange_test

import future.keywords.not

test_r52_school_despite_consent if {
	answers({
		"from_kind": "SCHULE", "to_kind": "ABH", "purpose": "P02", "fields": ["school_attendance"],
		"permission": {"consent": in_force(["school_attendance"])},
		"holder": {"released_by_source": true},
	}) == {"school_attendance": "DENY R52 school_exempt"}
}

ended := {
	"from_kind": "AUSB",
	"to_kind": "ABH",
	"purpose": "P01",
	"trigger": "spontaneous",
	"fields": ["school_success_years", "training_contract"],
	"declared": {"title": "s16g", "event": "training_ended_early"},
}

test_r53_narrow_duty_to_report if {
	answers(ended) == {
		"school_success_years": "DENY R73 not_in_rule",
		"training_contract": "HOLD_HUMAN R53 human_release_pending",
	}
	answers(object.union(ended, {"from_kind": "SCHULE"})) == {
		"school_success_years": "DENY R52 school_exempt",
		"training_contract": "HOLD_HUMAN R53 human_release_pending",
	}
}

test_r53_other_titles_and_events if {
	answers(object.union(ended, {"declared": {"title": "other"}})).training_contract == "DENY R53 section_not_covered"
	answers(object.union(ended, {"declared": {"event": "absence"}})).training_contract == "DENY R53 event_missing"
}

evidence := {
	"from_kind": "PERS",
	"to_kind": "ABH",
	"purpose": "P02",
	"trigger": "push",
	"fields": ["language_level", "school_degree"],
}

test_r58_chosen_or_uploaded if {
	answers(object.union(evidence, {"permission": {"choice": in_force(["school_degree"])}})) == {
		"language_level": "NEED_CHOICE R58 choice_scope",
		"school_degree": "ALLOW_MIN R58 choice_given",
	}
	answers(object.union(evidence, {"declared": {"uploaded_by_subject": true}})) == {
		"language_level": "ALLOW_MIN R58 choice_given",
		"school_degree": "ALLOW_MIN R58 choice_given",
	}
	answers(evidence).school_degree == "NEED_CHOICE R58 choice_missing"
}
