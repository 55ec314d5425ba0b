# SPDX-License-Identifier: EUPL-1.2

# Registers.
# R41 (information block) and R45 (identifiers) are taken at steps 3 and 5, see route.rego.
package lotse.exchange

import future.keywords.not

# METADATA
# title: R40 residents' register to another public body
# description: BMG § 34 I. With an information block route.rego has already silenced the answer.
# scope: rule
# custom:
#   rules: [R40]
grants.R40.statute := taken.R40 if input.holder.info_block == false
