# SPDX-License-Identifier: EUPL-1.2

# Residence, benefits, labour.
package lotse.exchange

import future.keywords.not

# METADATA
# title: R01 social agencies take status and work permission from the AZR
# description: |
#   AZRG § 18b I, § 22; SGB X § 67a II 2 Nr. 2 a.
#   Nobody fetches AZR data for another (AZRG § 11 II), so a request to the AZR is always redirected.
# scope: document
# custom:
#   rules: [R01]
azr_reason := {"azr_proxy_forbidden"} if input.from_kind == "AZR"

else := {"azr_not_exhausted"}

azr_checked if input.declared.azr_checked == true

# METADATA
# title: R02 status or ancillary provision that is not (yet) in the AZR
# description: NDSG § 5; SGB X § 67a II 2 Nr. 2 b.
# scope: rule
# custom:
#   rules: [R02]
grants.R02.statute := taken.R02 if {
	azr_checked
	azr_reason_named
}

azr_reason_named if data.catalogue.reason_codes[input.declared.reason_code] == true

objections.R02 contains "azr_not_exhausted" if not azr_checked

objections.R02 contains "reason_code_missing" if {
	azr_checked
	not azr_reason_named
}

# METADATA
# title: R03 the person lets a social agency fetch the proof
# description: SGB X § 67f. The choice is not a consent; handing in the proof always stays possible.
# scope: rule
# custom:
#   rules: [R03]
grants.R03.choice_given := covered_by("choice") if procedure_electronic

procedure_electronic if input.declared.procedure_electronic == true

objections.R03 contains "procedure_not_electronic" if not procedure_electronic

objections.R03 contains shortfall("choice")

# METADATA
# title: R04 the foreigners' authority asks whether benefits are or were granted
# description: |
#   AufenthG § 87 I; SGB X § 71 II 1 Nr. 1 a.
#   The decision is named, the AZR does not suffice, and a clerk of the source releases.
# scope: rule
# custom:
#   rules: [R04]
grants.R04.statute := taken.R04 if {
	decision_named
	azr_insufficient
}

decision_named if data.catalogue.decisions[input.declared.decision] == true

azr_insufficient if input.declared.azr_insufficient == true

objections.R04 contains "decision_missing" if not decision_named

objections.R04 contains "azr_not_exhausted" if not azr_insufficient

# METADATA
# title: R05 report of benefits of own motion
# description: |
#   AufenthG § 87 II 1 Nr. 2a, II 3.
#   Only what is not in the AZR, and only titles of sections 3 and 4 or the cases of Nr. 2a.
# scope: rule
# custom:
#   rules: [R05]
grants.R05.statute := taken.R05 if {
	benefit_not_in_azr
	report_covered
}

benefit_not_in_azr if input.declared.benefit_in_azr == false

benefit_in_azr if input.declared.benefit_in_azr == true

report_covered if input.declared.title_section in {3, 4}

report_covered if input.declared.case_2a == true

objections.R05 contains "section_not_covered" if not report_covered

objections.R05 contains "benefit_already_in_azr" if benefit_in_azr

objections.R05 contains "benefit_in_azr_unknown" if {
	not benefit_in_azr
	not benefit_not_in_azr
}
