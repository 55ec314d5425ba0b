# SPDX-License-Identifier: EUPL-1.2

# Counselling.
# R20 needs no guard: a pull of counselling content is answered as for an unknown person.
# It is taken at step 4, see route.rego.
package lotse.exchange

import future.keywords.not

# METADATA
# title: R18 the counsellor asks for the state of the benefit case
# description: GDPR 6 I a; SGB X § 67b II, § 78 I 2.
# scope: rule
# custom:
#   rules: [R18]
grants.R18.consent_given := covered_by("consent") if undertaking_78

undertaking_78 if input.agreement.undertaking_78 == true

objections.R18 contains "undertaking_78_missing" if not undertaking_78

objections.R18 contains shortfall("consent")

# METADATA
# title: R21 the client releases papers for the right-to-stay application
# description: StGB § 203 I. A push that client or counsellor started; single use; item by item.
# scope: rule
# custom:
#   rules: [R21]
grants.R21.release_given := covered_by("release_203") if initiated_by_client

initiated_by_client if input.declared.initiated_by in {"client", "counsellor"}

objections.R21 contains "initiator_missing" if not initiated_by_client

objections.R21 contains shortfall("release_203")

# METADATA
# title: R22 the counsellor asks for the state of the procedure
# description: Power of attorney (VwVfG § 14), which is preferred, or consent; the ground is recorded.
# scope: rule
# custom:
#   rules: [R22]
grants.R22.mandate_given := covered_by("mandate")

grants.R22.consent_given := covered_by("consent") - covered_by("mandate")

objections.R22 contains shortfall("mandate")

objections.R22 contains shortfall("consent")
