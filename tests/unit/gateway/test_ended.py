# SPDX-License-Identifier: EUPL-1.2
"""Which released field hangs on a permission: the ground says so, not the rule."""

from __future__ import annotations

import pytest

from gateway.ended import ended_fields, rests_on
from policies.catalogue import Catalogue
from policies.decision import Decision, FieldDecision
from policies.document import shortfalls
from policies.model import FieldId, Outcome, ReasonCode, RuleId

CATALOGUE = Catalogue.load()


def _released(field: str, rule: str, *reasons: str) -> FieldDecision:
    codes = tuple(ReasonCode(reason) for reason in reasons)
    norms = CATALOGUE.rule(rule).norms
    return FieldDecision(FieldId(field), Outcome.ALLOW_MIN, RuleId(rule), norms, codes[0], codes)


def _decision(*fields: FieldDecision) -> Decision:
    return Decision(fields, Outcome.ALLOW_MIN, fields[0].rule, "0" * 64, "0" * 64, "")


@pytest.mark.parametrize(
    ("rule", "reasons", "types"),
    [
        ("R02", ("statute",), ()),
        ("R03", ("choice_given",), ("choice",)),
        ("R22", ("mandate_given",), ("mandate",)),
        ("R22", ("consent_given",), ("consent",)),
        ("R47", ("consent_given",), ("consent",)),
        ("R47", ("own_submission",), ()),
        ("R48", ("mandate_given",), ("mandate",)),
        ("R55", ("consent_given",), ("consent",)),
        ("R55", ("statute",), ()),
        ("R58", ("own_submission",), ()),
        ("R59", ("human_released", "statute"), ()),
        ("R63", ("release_given",), ("release_203", "explicit_consent")),
    ],
)
def test_a_field_hangs_on_what_its_ground_names(
    rule: str, reasons: tuple[str, ...], types: tuple[str, ...]
) -> None:
    """A rule may know several grounds; only one of them carried this field."""
    assert rests_on(CATALOGUE, _released("family_name", rule, *reasons)) == types


def test_an_unknown_ground_is_the_persons() -> None:
    """A reason that no ground has: guarded, not let through."""
    assert rests_on(CATALOGUE, _released("family_name", "R55", "no_data")) == ("consent",)


@pytest.mark.parametrize("ended", ["withdrawn", "expired", "used"])
def test_every_ground_of_every_rule_can_end(ended: str) -> None:
    """Outcome, rule and reason are codes of the catalogue, and never those of a release."""
    for rule in CATALOGUE.rules.values():
        for ground in rule.grounds:
            if ground.covers:
                one = _released(rule.fields[0], rule.id, ground.reason)
                (told,) = ended_fields(CATALOGUE, _decision(one), ended)
                assert told.outcome not in {Outcome.ALLOW_MIN, Outcome.HOLD_HUMAN}
                assert told.reasons == (shortfalls(ground.covers[0])[ended],)
                CATALOGUE.reason(told.reasons[0])


def test_what_leaves_with_it_stays_with_it() -> None:
    """A field under the law alone is told with the reason that held the whole envelope back."""
    both = _decision(
        _released("birth_date", "R02", "statute"), _released("family_name", "R03", "choice_given")
    )
    told = {one.field: (one.outcome, one.reasons) for one in ended_fields(CATALOGUE, both, "used")}
    assert told == {
        "birth_date": (Outcome.DENY, ("choice_used",)),
        "family_name": (Outcome.NEED_CHOICE, ("choice_used",)),
    }
