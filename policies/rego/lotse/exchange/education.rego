# SPDX-License-Identifier: EUPL-1.2

# Education and the person's own evidence.
# R52 (school to foreigners' authority) is a prohibition without a guard.
package lotse.exchange

import future.keywords.not

# METADATA
# title: R53 a training body reports the early end of vocational training
# description: AufenthG § 60c V, § 16g IV. Only for holders of these titles, only this event.
# scope: rule
# custom:
#   rules: [R53]
grants.R53.statute := taken.R53 if {
	title_reportable
	training_ended_early
}

title_reportable if input.declared.title in {"s60c", "s16g"}

training_ended_early if input.declared.event == "training_ended_early"

objections.R53 contains "section_not_covered" if not title_reportable

objections.R53 contains "event_missing" if not training_ended_early

# METADATA
# title: R58 the person submits own evidence
# description: AufenthG § 82 I; SGB I § 60. The person chose it or uploaded it.
# scope: rule
# custom:
#   rules: [R58]
grants.R58.choice_given := evidence_chosen

evidence_chosen := taken.R58 if input.declared.uploaded_by_subject == true

else := covered_by("choice")

objections.R58 contains shortfall("choice")
