# SPDX-License-Identifier: EUPL-1.2

# Shape of the input.
# A missing or mistyped key must never open anything.
# Everything the rules read is demanded here, positively, key by key.
package lotse.exchange

import future.keywords.not

# METADATA
# description: Every key that a rule reads is there and has its type.
well_formed if {
	route_is_well_formed
	agreement_is_well_formed
	holder_is_well_formed
	is_object(input.declared)
	is_array(input.lapsed)
	is_boolean(input.permission.retrieval_confirmed)
	count(malformed_permissions) == 0
}

# METADATA
# description: Who, whom, what for, on what occasion, which fields.
route_is_well_formed if {
	is_string(input.from_kind)
	is_string(input.to_kind)
	is_string(input.purpose)
	is_string(input.trigger)
	is_array(input.fields)
}

# METADATA
# description: Facts of the agreement; each is stated.
agreement_is_well_formed if {
	is_boolean(input.agreement.in_force)
	is_boolean(input.agreement.undertaking_78)
	is_boolean(input.agreement.approval_79)
	is_boolean(input.agreement.pilot_agreed)
	is_boolean(input.agreement.state_law_basis)
	is_boolean(input.agreement.recipient_abroad)
}

# METADATA
# description: What the holder knows; each is stated.
holder_is_well_formed if {
	info_block_is_well_formed
	is_boolean(input.holder.released_by_source)
	is_boolean(input.holder.released_by_head)
	is_array(input.holder.secret_203)
	is_array(input.holder.entrusted_65)
}

# METADATA
# description: Null says that nobody has looked; it opens nothing that needs a look.
# scope: document
info_block_is_well_formed if is_boolean(input.holder.info_block)

info_block_is_well_formed if is_null(input.holder.info_block)

# METADATA
# description: Types of permission without a state or a list of fields.
malformed_permissions contains type if {
	some type, _ in data.catalogue.permission_types
	not permission_is_well_formed(type)
}

# METADATA
# description: A state and a list of fields.
permission_is_well_formed(type) if {
	is_string(input.permission[type].state)
	is_array(input.permission[type].fields)
}
