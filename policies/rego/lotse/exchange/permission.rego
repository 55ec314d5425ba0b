# SPDX-License-Identifier: EUPL-1.2

# Permissions of the person.
# The gateway looks them up for exactly the two agency instances and reduces each type to a
# state and the fields it names; a permission that is not in force covers nothing.
package lotse.exchange

import future.keywords.not

# METADATA
# description: The permission of this type is in force.
in_force(type) if input.permission[type].state == "in_force"

# METADATA
# description: The fields that a permission of this type covers.
covered_by(type) := {field | some field in input.permission[type].fields} if {
	in_force(type)
}

else := set()

# METADATA
# description: Why a permission does not carry a field - missing, gone, or too narrow.
shortfall(type) := data.catalogue.permission_types[type].reasons[input.permission[type].state]
