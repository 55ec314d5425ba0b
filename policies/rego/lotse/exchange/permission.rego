# SPDX-License-Identifier: EUPL-1.2

# Permissions of the person.
# The gateway looks them up for exactly the two agency instances and reduces each type to a
# state and the fields it names; a permission that is not in force covers nothing.
package lotse.exchange

import future.keywords.not

covered_by(type) := {field | some field in input.permission[type].fields} if {
	input.permission[type].state == "in_force"
}

else := set()

# Why a permission does not carry a field: it is missing, gone, or too narrow.
shortfall(type) := data.catalogue.permission_types[type][input.permission[type].state]
