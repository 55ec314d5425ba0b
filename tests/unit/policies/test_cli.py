# SPDX-License-Identifier: EUPL-1.2
"""`lotse policy`: what a person sees of the rules."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from typer.testing import CliRunner

from policies.catalogue import Catalogue
from policies.check import check
from policies.cli import app
from policies.decide import Decider, load_decider
from policies.engine.base import Answer
from policies.engine.embedded import EmbeddedEngine
from policies.errors import EngineFailed

RUN = CliRunner()
ASK = ["explain", "--from", "ABH", "--to", "JC", "--purpose", "P04", "--field", "permit_type"]


def test_status_names_digest_engine_and_unsigned_rules() -> None:
    """Everything a DPO needs to compare two installations."""
    done = RUN.invoke(app, ["status", "--json", "--day", "2026-11-22"])
    document = json.loads(done.stdout)
    assert document["bundle"] == load_decider().bundle_digest
    assert document["not_signed_off"] == list(Catalogue.load().rules)
    assert document["lapsed"] == []


def test_status_shows_rules_past_their_dates() -> None:
    """In a later year the table says so."""
    done = RUN.invoke(app, ["status", "--day", "2031-01-01"])
    assert done.exit_code == 0
    assert "past its dates" in " ".join(done.stdout.split())
    assert RUN.invoke(app, ["status"]).exit_code == 0


def test_check_passes_on_the_shipped_rules() -> None:
    """All golden cases come out as reviewed."""
    done = RUN.invoke(app, ["check"])
    assert done.exit_code == 0
    findings = json.loads(RUN.invoke(app, ["check", "--json"]).stdout)
    assert done.stdout == f"{len(findings)} of {len(findings)} as reviewed\n"
    assert all(finding["ok"] for finding in findings)


class InsecureGenerousEngine:
    """Turns every refusal of the school into a release, and breaks for the register."""

    def __init__(self) -> None:
        self.inner = EmbeddedEngine.load()
        self.name, self.bundle_digest = self.inner.name, self.inner.bundle_digest

    def evaluate(self, canonical_json: bytes) -> list[Answer]:
        """Pass on, with the two changes."""
        answers = self.inner.evaluate(canonical_json)
        if b'"from_kind":"MELDE"' in canonical_json:
            raise EngineFailed("trapped")
        return [
            Answer(**{**a, "outcome": "ALLOW_MIN"}) if a["rule"] == "R52" else a for a in answers
        ]


def test_check_sees_changed_rules(monkeypatch: pytest.MonkeyPatch) -> None:
    """A rule that releases too much, or an engine that fails, is named and exits 1."""
    changed = Decider(InsecureGenerousEngine(), Catalogue.load())
    failed = {finding.name for finding in check(changed) if not finding.ok}
    assert failed == {"U09.1", "U10.2", "U14.1", "U14.2"}
    monkeypatch.setattr("policies.cli.load_decider", lambda: changed)
    done = RUN.invoke(app, ["check"])
    assert done.exit_code == 1
    assert "NOT AS REVIEWED U09.1" in done.stdout


def test_check_sees_a_document_that_is_not_derived() -> None:
    """Catalogue and engine document must belong together."""
    catalogue = replace(Catalogue.load(), version="2026.11.2")
    findings = {f.name: f.ok for f in check(Decider(EmbeddedEngine.load(), catalogue))}
    assert not findings["data document"]


def test_explain_asks_the_rules_without_any_person() -> None:
    """One line per field with outcome, rule and sentence."""
    done = RUN.invoke(app, [*ASK, "--json", "--lang", "en", "--day", "2026-11-22"])
    document = json.loads(done.stdout)
    assert (document["overall"], document["rule"]) == ("REDIRECT_AZR", "R01")
    assert document["fields"][0]["text"].startswith("The Central Register of Foreigners")


def test_explain_takes_declared_codes_and_permissions() -> None:
    """What would happen if the AZR had been checked; if a mandate were in force."""
    told = ["--declare", "azr_checked=true", "--declare", "reason_code=azr_pending"]
    done = RUN.invoke(app, [*ASK, *told, "--day", "2026-11-22"])
    assert done.stdout.startswith("ALLOW_MIN by R02\n")
    push = [
        "explain",
        "--from",
        "JC",
        "--to",
        "ABH",
        "--purpose",
        "P01",
        "--trigger",
        "spontaneous",
    ]
    push += ["--field", "benefit_begin", "--declare", "title_section=5"]
    push += ["--declare", "benefit_in_azr=false", "--audience", "dpo"]
    assert RUN.invoke(app, push).stdout.startswith("DENY by R05\n")
    state = ["explain", "--from", "ABH", "--to", "MBE", "--purpose", "P03"]
    state += ["--field", "procedure_state", "--permission", "mandate=procedure_state"]
    assert RUN.invoke(app, state).stdout.startswith("ALLOW_MIN by R22\n")


@pytest.mark.parametrize(
    "wrong",
    [
        ["--declare", "title_section=4"],
        ["--declare", "azr_checked=1"],
        ["--field", "no_such_field"],
        ["--trigger", "sometime"],
        ["--permission", "blessing=permit_type"],
        ["--audience", "press"],
        ["--lang", "fr"],
        ["--day", "tomorrow"],
    ],
)
def test_explain_refuses_what_the_catalogue_does_not_know(wrong: list[str]) -> None:
    """A typing mistake is an error with exit 2, not an answer."""
    assert RUN.invoke(app, [*ASK, *wrong]).exit_code == 2
