# SPDX-License-Identifier: EUPL-1.2

# Conditions: residence, benefits, labour, recognition.
# Each condition of the catalogue is defined once and positively: it is met only if the input says
# so. Where the law says "not", the opposite is a helper of its own that must be stated; what is
# missing meets nothing that a transfer needs, and excludes nothing that a prohibition covers.
package lotse.exchange

import future.keywords.not

# METADATA
# title: R01, R02 the AZR comes first
# description: |
#   AZRG § 18b I, § 22; SGB X § 67a II 2 Nr. 2 a.
#   Nobody fetches AZR data for another (AZRG § 11 II), so a request to the AZR is always redirected.
# scope: rule
met contains "azr_unqueried" if input.from_kind == "AZR"

met contains "azr_unqueried" if {
	not azr_unavailable
	not azr_checked
}

met contains "azr_checked" if azr_checked

met contains "azr_reason_named" if data.catalogue.reason_codes[input.declared.reason_code] == true

# METADATA
# description: The asking agency states that the AZR cannot be reached.
azr_unavailable if input.declared.azr_available == false

# METADATA
# description: The asking agency states that it queried the AZR before.
azr_checked if input.declared.azr_checked == true

# METADATA
# title: R03 retrieval of a proof by the person's choice
# description: SGB X § 67f. The choice is not a consent; handing in the proof always stays possible.
# scope: rule
met contains "procedure_electronic" if input.declared.procedure_electronic == true

met contains "retrieval_confirmed" if input.permission.retrieval_confirmed == true

# METADATA
# title: R04 single case, with the pending decision named
# description: AufenthG § 87 I, AVV 87.1.3.2; SGB X § 71 II 1 Nr. 1 a.
# scope: rule
met contains "single_subject" if input.declared.subject_count == 1

met contains "decision_named" if data.catalogue.decisions[input.declared.decision] == true

met contains "azr_insufficient" if input.declared.azr_insufficient == true

# METADATA
# title: R05 report of benefits of own motion
# description: |
#   AufenthG § 87 II 1 Nr. 2a, II 3.
#   Only what is not in the AZR, and only titles of sections 3 and 4 or the cases of Nr. 2a.
# scope: rule
met contains "benefit_azr_stated" if is_boolean(input.declared.benefit_in_azr)

met contains "benefit_not_in_azr" if not benefit_in_azr

# METADATA
# description: The benefit is stated to be in the AZR already.
benefit_in_azr if input.declared.benefit_in_azr == true

met contains "section_covered" if input.declared.title_section in {3, 4}

met contains "section_covered" if input.declared.case_2a == true

# METADATA
# title: R10 automated retrieval only with approval
# description: SGB X § 79 I, II. Only between bodies of SGB I § 35.
# scope: rule
met contains "automated_pull_approved" if not automated

met contains "automated_pull_approved" if input.agreement.approval_79 == true

# METADATA
# description: No clerk asks; a machine does.
automated if input.trigger == "automated"

# METADATA
# title: R12, R38 the AZR number travels under its own conditions
# description: AZRG § 10 IV 2 Nr. 3 and 4.
# scope: rule
met contains "pension_no_unknown" if input.declared.pension_no_known == false

met contains "basic_identity_included" if {
	count({"family_name", "given_names", "birth_date"} - asked) == 0
}

met contains "basic_identity_included" if input.declared.basic_identity_included == true

met contains "no_settlement_permit" if input.declared.settlement_permit == false

# METADATA
# title: R29, R35 identifiers that only some senders may add
# description: AZRG § 10 IV 2; DeuFöV § 26 I Nr. 5.
# scope: rule
met contains "sender_is_abh" if input.from_kind == "ABH"

met contains "sender_may_use_customer_number" if input.from_kind in {"JC", "JC_Z", "BA"}

# METADATA
# title: R14 matching between two different kinds of agency
# description: AsylbLG § 11 III.
# scope: rule
met contains "kinds_differ" if input.from_kind != input.to_kind

# METADATA
# title: R17 only the decision itself
# description: SGB X § 71 II 1 Nr. 1 b.
# scope: rule
met contains "ba_decision_only" if {
	input.declared.content in {"granted", "refused", "revoked", "restricted"}
}

# METADATA
# title: R46 the existing channel comes first
# description: AufenthV § 76a.
# scope: rule
met contains "xauslaender_unavailable_or_pilot" if {
	input.declared.channel_xauslaender_unavailable == true
}

met contains "xauslaender_unavailable_or_pilot" if input.agreement.pilot_agreed == true

# METADATA
# title: R65, R66 a naturalisation procedure is pending
# description: StAG § 31, § 32 I.
# scope: rule
met contains "naturalisation_pending" if input.declared.naturalisation_pending == true
