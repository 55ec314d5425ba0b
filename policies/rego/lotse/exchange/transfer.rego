# SPDX-License-Identifier: EUPL-1.2

# Steps 7 and 8: rules that release once their conditions are met.
package lotse.exchange

import future.keywords.not

# METADATA
# description: Rules of the last two steps that have taken a field.
open_rules contains rule if {
	some rule, _ in taken
	data.catalogue.rules[rule].step >= 7
}

# METADATA
# description: Conditions of the whole rule that nobody has met; one of them denies.
unmet(rule) := object.keys(data.catalogue.rules[rule].needs) - met

# METADATA
# description: Fields that have conditions of their own, one of which is not met.
barred[rule] := fields if {
	some rule in open_rules
	fields := {field |
		some field, conditions in data.catalogue.rules[rule].field_needs
		field in taken[rule]
		count(object.keys(conditions) - met) > 0
	}
}

# METADATA
# title: On which ground which field may go
# description: |
#   The grounds of a rule are alternatives. Each names the permissions that must all cover a
#   field, none for statute, and what else must be met.
# scope: document
ground_fields[rule][position] := fields if {
	some rule in open_rules
	count(unmet(rule)) == 0
	some position, ground in data.catalogue.rules[rule].grounds
	count(object.keys(ground.needs) - met) == 0
	fields := (taken[rule] - barred[rule]) - uncovered(ground.covers, taken[rule])
}

# METADATA
# description: Fields that one of these permissions does not cover.
uncovered(covers, fields) := union({(fields - covered_by(permission.type)) |
	some permission in covers
})

# METADATA
# description: What a rule releases or holds, on whatever ground.
granted[rule] := union({fields | some fields in ground_fields[rule]}) if some rule in open_rules

# METADATA
# description: Each field stands under the first ground that carries it.
carried(rule, position) := ground_fields[rule][position] - union({fields |
	some earlier, fields in ground_fields[rule]
	earlier < position
})

# METADATA
# title: A lawful transfer
# description: |
#   At once only where no person has to look; the clerk or the head of the source can release.
#   A rule past its dates needs the clerk as well.
# scope: document
at_once contains rule if {
	some rule in open_rules
	count(waiting_for(rule)) == 0
}

# METADATA
# description: Who still has to look, as reasons.
waiting_for(rule) := release_pending(rule) | lapse_pending(rule)

# METADATA
# description: The rule lets a clerk or the head of the source decide each case, and nobody has.
release_pending(rule) := {"human_release_pending"} if {
	data.catalogue.rules[rule].release == "source"
	not released(rule)
}

else := {"head_release_pending"} if {
	data.catalogue.rules[rule].release == "head"
	not released(rule)
}

else := set()

# METADATA
# description: The rule is past its dates, and nobody has looked.
lapse_pending(rule) := {"rule_lapsed"} if {
	rule in suspended_rules
	not released(rule)
}

else := set()

# METADATA
# description: The person whose look the rule demands has released; the head's is a person's look too.
# scope: document
released(rule) if {
	released_by_head
	data.catalogue.rules[rule].release == "head"
}

released(rule) if {
	released_by_source
	data.catalogue.rules[rule].release != "head"
}

# METADATA
# description: A clerk of the source has released this very exchange.
released_by_source if input.holder.released_by_source == true

# METADATA
# description: The head of the source has released this very exchange.
released_by_head if input.holder.released_by_head == true

# METADATA
# title: A rule past its dates
# description: |
#   Only what rests on the law alone lapses; what the person allowed stays the person's.
#   At the person herself there is no clerk who could look.
# scope: document
suspended_rules contains rule if {
	some rule in input.lapsed
	rests_on_law(rule)
	not from_person
}

# METADATA
# description: A ground that lapses with the rule is open to this request.
rests_on_law(rule) if {
	some ground in data.catalogue.rules[rule].grounds
	ground.lapses == true
	count(object.keys(ground.needs) - met) == 0
}

# METADATA
# description: The person hands in what is her own.
from_person if input.from_kind == "PERS"

# METADATA
# description: Within a step, what goes at once is not held.
released_fields := union({fields | some rule in at_once; fields := granted[rule]})

# METADATA
# description: What is held is not refused.
held_fields := union({fields | some rule in open_rules; fields := granted[rule]}) - released_fields

# METADATA
# description: A field that several rules carry stands under the first of them.
first_of(rule, candidates, fields) := (fields & granted[rule]) - union({gone |
	some other in candidates
	other < rule
	gone := granted[other]
})

# METADATA
# description: What nobody releases or holds is refused by the first rule that took it.
refused_fields(rule) := ((taken[rule] - released_fields) - held_fields) - union({gone |
	some other in open_rules
	other < rule
	gone := taken[other]
})
