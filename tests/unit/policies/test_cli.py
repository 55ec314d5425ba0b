# SPDX-License-Identifier: EUPL-1.2
"""`lotse policy status`, `decide` and `explain`: what a person sees of the rules."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from typer.testing import CliRunner

from policies.catalogue import Catalogue
from policies.cli import app
from policies.commands.explain_words import WORDS
from policies.commands.progress import with_progress
from policies.decide import load_decider
from policies.errors import EngineFailed
from policies.explain import LANGUAGES, Language
from policies.golden_cases import expected_form
from policies.json_schema import load_schema, problems
from tests.contract.rule_engines import golden_cases
from tests.support.opa_server import OpaServer

RUN = CliRunner()
DECIDER = load_decider()
OUTCOMES = {case.id: case.expected for case in golden_cases()}
CASE = {
    "from": "JC",
    "to": "ABH",
    "purpose": "P02",
    "trigger": "on_request",
    "fields": ["benefit_granted", "net_income"],
    "declared": {"decision": "grant_25b", "azr_insufficient": True, "subject_count": 1},
    "at": "2026-11-22T10:00:00Z",
}


@pytest.fixture(autouse=True)
def one_decider(monkeypatch: pytest.MonkeyPatch) -> None:
    """The rules load once for all commands of this file."""
    monkeypatch.setattr("policies.commands.options.load_decider", lambda: DECIDER)


def _decide(document: Any, *more: str) -> Any:
    return RUN.invoke(app, ["decide", "-", *more], input=json.dumps(document).encode())


def test_status_names_digest_engine_and_unsigned_rules() -> None:
    """Everything a DPO needs to compare two installations."""
    done = RUN.invoke(app, ["status", "--json", "--day", "2026-11-22"])
    document = json.loads(done.stdout)
    assert document["bundle"] == DECIDER.bundle_digest
    assert document["not_signed_off"] == list(Catalogue.load().rules)
    assert document["lapsed"] == []


def test_status_shows_rules_past_their_dates() -> None:
    """In a later year the table says so, and still that nobody signed."""
    done = RUN.invoke(app, ["status", "--day", "2031-01-01"], env={"COLUMNS": "200"})
    assert done.exit_code == 0
    assert done.stdout.count("past its dates; not signed off") == len(Catalogue.load().rules)
    assert RUN.invoke(app, ["status"]).exit_code == 0
    assert RUN.invoke(app, ["status", "--day", "tomorrow"]).exit_code == 2


def test_decide_gives_back_an_object_for_an_object(tmp_path: Path) -> None:
    """From a file as from standard input, with everything the answer's schema names."""
    file = tmp_path / "case.json"
    file.write_text(json.dumps(CASE), encoding="utf-8")
    done = RUN.invoke(app, ["decide", str(file)])
    assert (done.exit_code, done.stderr) == (0, "")
    document = json.loads(done.stdout)
    assert list(problems(load_schema("answer"), document)) == []
    assert document["outcome"] == "HOLD_HUMAN"
    assert document["fields"]["net_income"]["outcome"] == "REDIRECT_SUBJECT"
    assert "AufenthG § 87 I" in document["fields"]["benefit_granted"]["norm"]
    assert [duty["id"] for duty in document["obligations"]] == [
        "bound_to_purpose",
        "inform_person",
        "destroy_irrelevant",
    ]
    assert document["policy"]["bundle"] == DECIDER.bundle_digest
    assert json.loads(_decide(CASE).stdout) == document


def test_decide_answers_every_golden_case_as_reviewed() -> None:
    """An array of all of them comes back in the same order, one line each."""
    done = _decide([case.document for case in golden_cases()])
    answers = json.loads(done.stdout)
    assert done.exit_code == 0
    assert len(done.stdout.splitlines()) == len(answers) + 2
    for case, answer in zip(golden_cases(), answers, strict=True):
        short = {
            "outcome": answer["outcome"],
            "fields": {
                name: {key: field[key] for key in ("outcome", "rule", "reason")}
                for name, field in answer["fields"].items()
            },
        }
        assert short == case.expected, case.id


def test_decide_gives_an_empty_array_for_an_empty_array() -> None:
    """Nothing asked, nothing answered."""
    assert _decide([]).stdout == "[]\n"


def test_decide_answers_the_others_when_one_case_is_wrong() -> None:
    """The element says where and what; standard error too; the exit code is 1."""
    done = _decide([CASE, CASE | {"from": "JCC"}, CASE | {"declared": {"azr_chekked": True}}, 7])
    good, *wrong = json.loads(done.stdout)
    assert good == json.loads(_decide(CASE).stdout)
    assert [element["error"]["where"] for element in wrong] == [
        "cases[1].from",
        "cases[2].declared.azr_chekked",
        "cases[3]",
    ]
    assert "did you mean 'azr_checked'?" in wrong[1]["error"]["problem"]
    assert len(done.stderr.splitlines()) == 3
    assert "cases[1].from: the catalogue has no code 'JCC'; did you mean 'JC'?" in done.stderr
    assert done.exit_code == 1


def test_decide_says_the_same_about_a_single_case() -> None:
    """An object comes back even when it says only what is wrong."""
    done = _decide({})
    assert json.loads(done.stdout) == {
        "error": {"where": "case.from", "problem": "this must be given"}
    }
    assert (done.exit_code, done.stderr) == (1, "lotse policy: case.from: this must be given\n")


def test_decide_takes_the_instant_for_cases_that_name_none() -> None:
    """A rule past its last day holds what it would release; a case's own instant stands."""
    timeless = {
        "from": "ABH",
        "to": "BA",
        "purpose": "P07",
        "trigger": "on_request",
        "fields": ["family_name"],
    }
    asked = [timeless, timeless | {"at": "2026-11-22T10:00:00Z"}]
    late = json.loads(_decide(asked, "--at", "2040-01-01T00:00:00+01:00").stdout)
    assert [answer["outcome"] for answer in late] == ["HOLD_HUMAN", "ALLOW_MIN"]
    assert late[0]["fields"]["family_name"]["reason"] == "rule_lapsed"


@pytest.mark.parametrize("wrong", ["tomorrow", "2026-11-22", "2026-11-22T10:00:00", ""])
def test_an_instant_needs_its_offset(wrong: str) -> None:
    """Anything else is a wrong option, exit 2."""
    assert _decide(CASE, "--at", wrong).exit_code == 2


@pytest.mark.parametrize(
    "more",
    [
        ["--engine", "opa"],
        ["--engine", "opa", "--opa-url", "http://127.0.0.1:1"],
        ["--engine", "opa", "--opa-url", "http://127.0.0.1:1", "--opa-token-file", "/nowhere"],
        ["--engine", "oracle"],
    ],
)
def test_an_engine_that_cannot_be_asked_is_a_wrong_option(more: list[str]) -> None:
    """Nothing is decided by another engine instead."""
    done = _decide(CASE, *more)
    assert (done.exit_code, done.stdout) == (2, "")


def test_a_server_that_does_not_answer_decides_nothing(tmp_path: Path) -> None:
    """Exit 3, and not one answer on standard output."""
    token = tmp_path / "token"
    token.write_text("invented", encoding="ascii")
    server = ["--engine", "opa", "--opa-url", "http://127.0.0.1:1", "--opa-token-file", str(token)]
    done = _decide([CASE, CASE], *server)
    assert (done.exit_code, done.stdout) == (3, "")
    assert "nothing was decided" in done.stderr


def test_a_server_gives_the_same_answers(opa_server: OpaServer) -> None:
    """Only the name of the engine differs."""
    cases = [case.document for case in golden_cases() if case.about.startswith("U")]
    where = ["--opa-url", opa_server.url, "--opa-token-file", str(opa_server.token_file)]
    done = _decide(cases, "--engine", "opa", *where)
    assert (done.exit_code, done.stderr) == (0, "")
    theirs, ours = json.loads(done.stdout), json.loads(_decide(cases).stdout)
    assert {answer["policy"].pop("engine").split("/")[0] for answer in theirs} == {"opa-server"}
    assert {answer["policy"].pop("engine").split("/")[0] for answer in ours} == {"opa-wasm"}
    assert theirs == ours


class InsecureFailingEngine:
    """An engine that breaks on every question."""

    name, bundle_digest = "failing", DECIDER.bundle_digest

    def evaluate(self, canonical_json: bytes) -> Any:  # noqa: ARG002 - the protocol names it
        """Fail."""
        raise EngineFailed("trapped")


def test_explain_says_that_nothing_was_decided(monkeypatch: pytest.MonkeyPatch) -> None:
    """A broken engine is no answer."""
    monkeypatch.setattr(DECIDER, "_engine", InsecureFailingEngine())
    monkeypatch.setattr(DECIDER, "_memo", type(DECIDER._memo)())
    done = RUN.invoke(app, ["explain", "U03.gateway"])
    assert (done.exit_code, done.stdout) == (3, "")
    assert "nothing was decided: rule engine failed: trapped" in done.stderr


def test_explain_shows_a_golden_case_as_a_table() -> None:
    """Field, outcome, rule, norm, why, what to do; duties below; nobody signed, and it says so."""
    done = RUN.invoke(app, ["explain", "U03.gateway", "--lang", "en"])
    text = " ".join(done.stdout.replace("│", " ").split())
    assert done.exit_code == 0
    for heading in WORDS["en"].columns:
        assert heading in text
    for part in ("HOLD_HUMAN", "R04", "not signed off", "REDIRECT_SUBJECT", "benefit_granted"):
        assert part in text, part
    assert "Obligations: - Use for the named purpose only." in text
    assert "R07" in text.split("Rules that decided")[1]


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("audience", ["clerk", "applicant", "dpo"])
def test_explain_speaks_to_each_reader_in_each_language(audience: str, lang: Language) -> None:
    """Every field has its reason and a way on; the table and the JSON say the same."""
    asked = ["explain", "U03.gateway", "--audience", audience, "--lang", lang]
    told = json.loads(RUN.invoke(app, [*asked, "--json"]).stdout)
    table = RUN.invoke(app, asked).stdout
    assert told["outcome"] == "HOLD_HUMAN"
    for field in told["fields"].values():
        assert field["why"]
        assert field["what_you_can_do"]
        assert field["sign_off"]["head_of_unit"] == "not signed off"
        assert field["said"].split()[0] in table
    assert WORDS[lang].not_signed_off.split()[0] in table


def test_explain_reads_a_file_and_says_when_nothing_is_sent(tmp_path: Path) -> None:
    """A refusal has no duties."""
    file = tmp_path / "case.json"
    file.write_text(json.dumps(CASE | {"fields": ["net_income"]}), encoding="utf-8")
    done = RUN.invoke(app, ["explain", str(file), "--lang", "en"])
    assert done.exit_code == 0
    assert "No obligations: nothing is sent." in done.stdout


@pytest.mark.parametrize(
    ("asked", "code", "said"),
    [
        (["U03"], 2, "U03.gateway, U03.holder_before"),
        (["U03.gatewax"], 2, "U03.gateway"),
        (["nowhere.json"], 2, "nowhere.json cannot be read"),
        (["U03.gateway", "--audience", "press"], 2, ""),
        (["U03.gateway", "--lang", "fr"], 2, ""),
    ],
)
def test_explain_names_what_it_does_not_find(asked: list[str], code: int, said: str) -> None:
    """A name near a golden case is proposed; a wrong option is no answer."""
    done = RUN.invoke(app, ["explain", *asked])
    assert (done.exit_code, done.stdout) == (code, "")
    assert said in done.stderr


def test_explain_takes_one_case() -> None:
    """An array is for decide; a case that cannot be read is exit 1."""
    many = RUN.invoke(app, ["explain", "-"], input=json.dumps([CASE]).encode())
    assert (many.exit_code, many.stdout) == (2, "")
    assert "decide takes many" in many.stderr
    wrong = RUN.invoke(app, ["explain", "-"], input=b"{}")
    assert (wrong.exit_code, wrong.stderr) == (1, "lotse policy: case.from: this must be given\n")


def _clock(*seconds: float) -> Iterator[float]:
    yield from seconds


@pytest.mark.parametrize(("terminal", "seconds"), [(True, 9.0), (True, 0.1), (False, 9.0)])
def test_progress_is_for_people_who_wait(terminal: bool, seconds: float) -> None:  # noqa: FBT001 - pytest passes it
    """A bar comes only on a terminal and only after two seconds; the items come in any case."""
    out = io.StringIO()
    console = Console(file=out, force_terminal=terminal, width=80)
    ticks = _clock(0.0, *[seconds] * 3)
    items = with_progress("abc", 3, "deciding", console=console, clock=lambda: next(ticks))
    assert list(items) == ["a", "b", "c"]
    assert ("deciding" in out.getvalue()) == (terminal and seconds > 2)


def test_golden_answers_are_what_the_files_say() -> None:
    """The expectation above comes from the reviewed files and not from the engine."""
    case = next(case for case in golden_cases() if case.id == "U03.gateway")
    decision = DECIDER.decide(case.question(DECIDER.catalogue))
    assert expected_form(decision) == OUTCOMES["U03.gateway"]
