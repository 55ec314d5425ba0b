# SPDX-License-Identifier: EUPL-1.2
package lotse.exchange_test

import future.keywords.not

register := {
	"from_kind": "MELDE",
	"to_kind": "JC",
	"purpose": "P04",
	"fields": ["address_street", "family_name", "info_block", "tax_idnr"],
}

test_r40_r45_without_a_block if {
	answers(register) == {
		"address_street": "ALLOW_MIN R40 statute",
		"family_name": "ALLOW_MIN R40 statute",
		"info_block": "DENY R73 not_in_rule",
		"tax_idnr": "DENY R45 identifier_as_key",
	}
}

test_r41_silences_the_whole_answer if {
	answers(object.union(register, {"holder": {"info_block": true}})) == {
		"address_street": "NEUTRAL R41 block_neutral",
		"family_name": "NEUTRAL R40 block_neutral",
		"info_block": "NEUTRAL R41 block_neutral",
		"tax_idnr": "NEUTRAL R40 block_neutral",
	}
}

test_r41_no_clerk_and_no_consent_opens_it if {
	opened := {
		"holder": {"info_block": true, "released_by_source": true},
		"permission": {"consent": in_force(register.fields)},
	}
	answers(object.union(register, opened)).address_street == "NEUTRAL R41 block_neutral"
}

test_r45_every_route if {
	every route in [{"from_kind": "JC", "to_kind": "ABH"}, {"from_kind": "PERS", "to_kind": "WZ"}] {
		answers(object.union(route, {"fields": ["azr_number"]})) == {"azr_number": "DENY R45 identifier_as_key"}
	}
}

test_r45_unless_the_rule_lists_it if {
	listed := object.union(data.catalogue.rules, {"R40": {"fields": {"tax_idnr": true}}})
	decided := answers(register) with data.catalogue.rules as listed
	decided.tax_idnr == "ALLOW_MIN R40 statute"
}
