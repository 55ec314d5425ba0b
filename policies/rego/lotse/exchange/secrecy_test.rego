# SPDX-License-Identifier: EUPL-1.2

# R20, R40, R41, R45, R60, R64, R69: what is silent, secret, entrusted, an identifier or abroad.
package lotse.exchange_test

import future.keywords.not

# StGB § 203 I Nr. 6; AufenthG § 88 II, IV.
pull := but(route("MBE", "ABH", "P02", "on_request"), {"fields": ["counselling_fact", "language_level"]})

test_r20_counselling_is_neutral_whatever_is_allowed if {
	silent := {"counselling_fact": "NEUTRAL R20 secret_203", "language_level": "DENY R73 not_in_rule"}
	answers(pull) == silent
	answers(but(pull, {"permission": all_allowed(pull.fields)})) == silent
}

test_r20_other_purposes_have_no_rule if {
	answers(but(pull, {"purpose": "P05"})).counselling_fact == "DENY R73 no_rule"
	answers(but(pull, {"purpose": "P90"})).counselling_fact == "NEUTRAL R20 secret_203"
}

test_r20_a_secret_field_of_counselling_is_silent_too if {
	silent := {"counselling_fact": "NEUTRAL R20 secret_203", "language_level": "NEUTRAL R20 secret_203"}
	secret_pull := but(pull, {"holder": {"secret_203": ["language_level"], "entrusted_65": pull.fields}})
	answers(secret_pull) == silent

	# A release serves what the client sends; it opens no pull.
	answers(but(secret_pull, {"permission": all_allowed(pull.fields)})) == silent
}

# BMG § 34a V, § 51 II.
register := but(route("MELDE", "JC", "P04", "on_request"), {
	"fields": ["address_street", "family_name", "info_block", "tax_idnr"],
})

test_r41_a_block_silences_the_whole_answer if {
	blocked := {
		"address_street": "NEUTRAL R41 block_neutral",
		"family_name": "NEUTRAL R40 block_neutral",
		"info_block": "NEUTRAL R41 block_neutral",
		"tax_idnr": "NEUTRAL R40 block_neutral",
	}
	answers(but(register, {"holder": {"info_block": true}})) == blocked
	answers(but(register, {
		"holder": {"info_block": true, "released_by_source": true, "released_by_head": true},
		"permission": all_allowed(register.fields),
	})) == blocked
}

test_r41_where_r40_does_not_fit_r41_speaks_alone if {
	request := but(route("MELDE", "ABH", "P14", "automated"), {"fields": ["family_name"], "holder": {"info_block": true}})
	answer(request) == "NEUTRAL R41 block_neutral"
}

test_r41_only_registers_have_blocks if {
	answer({"holder": {"info_block": true}}) == "REDIRECT_AZR R01 azr_not_exhausted"
}

# BMG § 34 I.
test_r40_only_when_no_block_is_stated if {
	answers(register) == {
		"address_street": "ALLOW_MIN R40 statute",
		"family_name": "ALLOW_MIN R40 statute",
		"info_block": "DENY R73 not_in_rule",
		"tax_idnr": "DENY R45 identifier_as_key",
	}
	answers(but(register, {"holder": {"info_block": null}})).family_name == "DENY R40 block_unknown"
}

# AZRG § 10 IV; IDNrG § 5 I.
test_r45_an_identifier_is_no_common_key if {
	every fit in [route("JC", "ABH", "P02", "on_request"), route("PERS", "WZ", "P22", "push")] {
		every field in ["azr_number", "ba_customer_no", "bg_number", "pension_no", "tax_idnr"] {
			request := but(fit, {"fields": [field], "permission": all_allowed([field])})
			answer(request) == "DENY R45 identifier_as_key"
		}
	}
}

test_r45_unless_a_rule_of_the_route_lists_it if {
	listed := but(data.catalogue.rules, {"R40": {"fields": {"tax_idnr": true}}})
	decided := answers(register) with data.catalogue.rules as listed
	decided.tax_idnr == "ALLOW_MIN R40 statute"
}

# AufenthG § 88 II; SGB X § 76 I.
secret := {
	"declared": {"azr_checked": true, "reason_code": "azr_pending"},
	"holder": {"secret_203": ["permit_type"]},
}

test_r64_secrecy_beats_a_statute if {
	answer(secret) == "DENY R64 secret_203"
	answer(but(secret, {"permission": {"consent": in_force(["permit_type"])}})) == "DENY R64 secret_203"
	answer(but(secret, {"permission": {"release_203": in_force(["work_area"])}})) == "DENY R64 secret_203"
	answer(but(secret, {"holder": {"released_by_source": true}})) == "DENY R64 secret_203"
}

test_r64_until_the_person_releases_this_field if {
	every state in ["none", "withdrawn", "expired", "used"] {
		gone := {"state": state, "fields": ["permit_type"]}
		answer(but(secret, {"permission": {"release_203": gone}})) == "DENY R64 secret_203"
	}
	answer(but(secret, {"permission": {"release_203": in_force(["permit_type"])}})) == "ALLOW_MIN R02 statute"
}

test_r64_leaves_the_question_to_a_rule_that_asks_for_a_release if {
	papers := but(route("MBE", "ABH", "P02", "push"), {
		"fields": ["language_level"],
		"declared": {"initiated_by": "client"},
		"holder": {"secret_203": ["language_level"]},
	})
	answer(papers) == "NEED_RELEASE_203 R21 release_missing"
}

# SGB VIII § 65.
entrusted := {
	"declared": {"azr_checked": true, "reason_code": "azr_pending"},
	"holder": {"entrusted_65": ["permit_type"]},
}

test_r60_what_was_entrusted_stays if {
	answer(entrusted) == "DENY R60 entrusted_65"
	answer(but(entrusted, {"permission": all_allowed(["permit_type"])})) == "DENY R60 entrusted_65"
}

test_r60_secrecy_is_named_before_trust if {
	answer(but(entrusted, {"holder": {"secret_203": ["permit_type"]}})) == "DENY R64 secret_203"
}

test_r60_who_entrusted_can_release if {
	request := but(route("JA", "GES", "P18", "push"), {
		"fields": ["entrusted_youth_data"],
		"holder": {"entrusted_65": ["entrusted_youth_data"]},
	})
	allowed := {"permission": {"release_65": in_force(["entrusted_youth_data"])}}
	answer(request) == "NEED_RELEASE_203 R60 release_missing"
	answer(but(request, allowed)) == "ALLOW_MIN R60 release_given"
	every authority in ["ABH", "LAB"] {
		answer(object.union_n([request, allowed, {"to_kind": authority}])) == "DENY R60 recipient_barred"
	}
}

# SGB X § 77 III; GDPR Art. 44 to 50.
test_r69_nothing_goes_abroad if {
	request := but(register, {
		"agreement": {"recipient_abroad": true},
		"permission": all_allowed(register.fields),
		"holder": {"released_by_source": true, "released_by_head": true},
	})
	answers(request) == {
		"address_street": "DENY R69 third_state",
		"family_name": "DENY R69 third_state",
		"info_block": "DENY R69 third_state",
		"tax_idnr": "DENY R45 identifier_as_key",
	}
}
