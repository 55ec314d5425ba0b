# SPDX-License-Identifier: EUPL-1.2

# Step 4: secrecy travels with the data, whatever any other rule says.
package lotse.exchange

import future.keywords.not

# METADATA
# title: R20 a pull of counselling content is answered as for an unknown person
# description: StGB § 203 I Nr. 6; AufenthG § 88 II, IV. Even the fact of counselling is secret.
# scope: document
silenced := object.get(claimed, "R20", set())

# METADATA
# title: R64 what came under secrecy stays, unless the person released exactly this field
# description: |
#   AufenthG § 88 II; SGB X § 76. A rule that asks for a release by itself is left to do so.
# scope: document
tagged_203 := (((left_4 & marked("secret_203")) - silenced) - released_by_client) - asks_release

# METADATA
# description: |
#   Fields with a mark of the holder. Towards the person and from the person there is no secret
#   that protects the person.
marked(tag) := {field | some field in input.holder[tag]} if not person_takes_part

else := set()

# METADATA
# description: The person herself sends or receives.
# scope: document
person_takes_part if from_person

person_takes_part if input.to_kind == "PERS"

# METADATA
# description: A release serves what the client sends, and opens no pull (R20).
# scope: document
default released_by_client := set()

released_by_client := covered_by("release_203") if not pulled_from_counselling

# METADATA
# description: Fields of rules that ask for a release by themselves.
asks_release := union({fields |
	some rule, fields in claimed
	data.catalogue.rules[rule].asks_release == true
})

# METADATA
# title: R60 what was entrusted to the youth office stays
# description: SGB VIII § 65. Only R60 itself can ask the person who entrusted it.
# scope: document
tagged_65 := (((left_4 & marked("entrusted_65")) - silenced) - tagged_203) - object.get(claimed, "R60", set())

# METADATA
# description: Towards a pull from counselling, the refusal says no more than for an unknown person.
secrecy := refusal("R20", "NEUTRAL", {"secret_203"}) if pulled_from_counselling

else := refusal("R64", "DENY", {"secret_203"})

# METADATA
# description: R20 names this sender and this trigger.
pulled_from_counselling if {
	data.catalogue.rules.R20.from[input.from_kind]
	data.catalogue.rules.R20.triggers[input.trigger]
}
