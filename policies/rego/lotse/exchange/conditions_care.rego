# SPDX-License-Identifier: EUPL-1.2

# Conditions: counselling, courses, education, youth, registers, rights; see conditions.rego.
package lotse.exchange

import future.keywords.not

# METADATA
# title: R18 the recipient has undertaken to keep social data
# description: SGB X § 78 I 2.
# scope: rule
met contains "undertaking_78" if input.agreement.undertaking_78 == true

# METADATA
# title: R19, R21 started by client or counsellor
# description: StGB § 203 I. A push; no agency can pull it.
# scope: rule
met contains "initiated_by_client" if input.declared.initiated_by in {"client", "counsellor"}

# METADATA
# title: R27, R47 papers from counselling need a release from secrecy as well
# description: StGB § 203 I; GDPR 6 I a.
# scope: rule
met contains "counselling_release" if not from_counselling

met contains "counselling_release" if count(covered_by("release_203")) > 0

met contains "counselling_consent" if {
	from_counselling
	count(covered_by("consent")) > 0
}

# METADATA
# description: The sender is a counselling service under StGB § 203.
from_counselling if input.from_kind in {"JMD", "LMB", "MBE"}

# METADATA
# title: R23, R24 counts, or persons
# description: AufenthG § 88a II. The minimum of five is our own choice.
# scope: rule
met contains "aggregate" if aggregate

met contains "not_aggregate" if not aggregate

# METADATA
# description: Counts are stated to be asked for, not persons.
aggregate if input.declared.granularity == "aggregate"

met contains "cell_size_5" if {
	is_number(input.declared.cell_size)
	input.declared.cell_size >= 5
}

# METADATA
# title: R31, R32 obliged and voluntary participants
# description: AufenthG § 88a I 2; IntV § 8 III 1.
# scope: rule
met contains "participant_obliged" if obliged

met contains "not_obliged" if not obliged

# METADATA
# description: The participant is stated to be obliged to attend.
obliged if input.declared.participant_obliged == true

met contains "to_obliging_body" if input.declared.obliging_body == input.to_kind

# METADATA
# title: R33, R34 the closed purposes of course data
# description: AufenthG § 88a I 3 names extension, settlement and EU long-term, and no first grant.
# scope: rule
met contains "course_procedure_listed" if not title_decision

met contains "course_procedure_listed" if {
	input.declared.procedure in {"eu_long_term", "extension", "settlement"}
}

# METADATA
# description: The purpose is a decision about a residence title.
title_decision if input.purpose == "P01"

met contains "clerk_authorised" if not automated

met contains "clerk_authorised" if input.declared.clerk_authorised == true

met contains "first_grant" if input.declared.procedure == "first_grant"

met contains "not_104c" if not holder_of_104c

# METADATA
# description: The person is stated to hold the right of residence on probation.
holder_of_104c if input.declared.current_title == "104c"

# METADATA
# title: R40 residents' register to another public body
# description: BMG § 34 I, § 51 II. That there is no information block has to be stated.
# scope: rule
met contains "no_info_block" if input.holder.info_block == false

# METADATA
# title: R47, R55, R58 who sends, and who uploaded
# description: BQFG §§ 5, 12; AufenthG § 82 I; SGB II § 50 I.
# scope: rule
met contains "sender_is_person" if from_person

met contains "sender_not_youth_office" if not from_youth_office

# METADATA
# description: The youth office sends.
from_youth_office if input.from_kind == "JA"

met contains "uploaded_by_subject" if input.declared.uploaded_by_subject == true

# METADATA
# title: R53 early end of vocational training
# description: AufenthG § 60c V, § 16g IV. Only for holders of these titles, only this event.
# scope: rule
met contains "title_reportable" if input.declared.title in {"16g", "60c"}

met contains "training_ended_early" if input.declared.event == "training_ended_early"

# METADATA
# title: R54 only where state law orders it
# description: SGB III § 31a I. The agreement or the school names the state rule.
# scope: rule
met contains "state_law_basis" if input.agreement.state_law_basis == true

met contains "state_law_basis" if input.declared.state_law_basis == true

# METADATA
# title: R59, R60, R61 youth office
# description: SGB X § 71 II 1 Nr. 1 d; SGB VIII § 65, § 64 IId.
# scope: rule
met contains "expulsion_ground" if input.declared.expulsion_ground_present == true

met contains "recipient_not_foreigners_authority" if not to_foreigners_authority

# METADATA
# description: A foreigners' authority would receive.
to_foreigners_authority if input.to_kind in {"ABH", "LAB"}

met contains "result_only" if input.declared.content == "result_only"

# METADATA
# title: R69 recipients outside Germany
# description: SGB X § 77 III; GDPR 44-50. A fact of the agreement between the two instances.
# scope: rule
met contains "recipient_abroad" if input.agreement.recipient_abroad == true

# METADATA
# title: R70, R71 rights of the person, control by officers
# description: GDPR 12-22, 39, 58.
# scope: rule
met contains "subject_authenticated" if input.declared.subject_authenticated == true

met contains "officer_role" if input.declared.role == "dpo"

met contains "event_of_own_agency" if input.declared.event_party == "own_agency"
