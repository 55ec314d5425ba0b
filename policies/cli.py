# SPDX-License-Identifier: EUPL-1.2
"""``lotse policy``: look at the rules, check them, ask them, without starting anything."""

from __future__ import annotations

import json
import time
from datetime import UTC, date, datetime
from typing import Annotated, get_args

import typer
from rich.console import Console
from rich.table import Table

from policies.catalogue import Catalogue
from policies.check import check as findings_of
from policies.codes import PERMISSION_TYPES, SENDER_TRIGGERS
from policies.decide import load_decider, rules_of_the_day
from policies.errors import PolicyError
from policies.explain import Audience, Language, explain
from policies.model import (
    DecisionInput,
    Declared,
    FieldId,
    PermissionFact,
    PermissionFacts,
)
from policies.strict import JsonValue

app = typer.Typer(help="Look at the rules, check them, ask them.", no_args_is_help=True)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
Day = Annotated[str | None, typer.Option(help="Day as YYYY-MM-DD; today when left out.")]


def _day(text: str | None) -> date:
    if text is None:
        return datetime.fromtimestamp(time.time(), tz=UTC).date()
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter("a day looks like 2026-11-22") from None


@app.command()
def status(*, day: Day = None, as_json: AsJson = False) -> None:
    """Show versions, digest and which rules are unsigned or past their dates."""
    decider = load_decider()
    catalogue = decider.catalogue
    unsigned = [rule.id for rule in catalogue.rules.values() if not rule.signed_off]
    lapsed = rules_of_the_day(catalogue, _day(day))
    document: dict[str, JsonValue] = {
        "catalogue": catalogue.version,
        "as_of": catalogue.as_of.isoformat(),
        "bundle": decider.bundle_digest,
        "engine": decider.engine_name,
        "rules": list(catalogue.rules),
        "not_signed_off": list(unsigned),
        "lapsed": list(lapsed),
    }
    if as_json:
        print(json.dumps(document))
        return
    print(f"catalogue {catalogue.version}, law as of {catalogue.as_of}")
    print(f"bundle {decider.bundle_digest}")
    print(f"engine {decider.engine_name}")
    table = Table("rule", "mode", "valid until", "state", "title")
    for rule in catalogue.rules.values():
        state = (
            "past its dates"
            if rule.id in lapsed
            else rule.sign_off.head_of_unit or "not signed off"
        )
        table.add_row(rule.id, rule.mode, rule.valid_to.isoformat(), state, rule.title.en)
    Console().print(table)


@app.command()
def check(*, as_json: AsJson = False) -> None:
    """Decide every golden case with the shipped rules; exit 1 if one comes out otherwise."""
    findings = list(findings_of(load_decider()))
    failed = [finding for finding in findings if not finding.ok]
    if as_json:
        print(json.dumps([{"name": f.name, "ok": f.ok, "note": f.note} for f in findings]))
    else:
        for finding in failed:
            print(f"NOT AS REVIEWED {finding.name}: {finding.note}")
        print(f"{len(findings) - len(failed)} of {len(findings)} as reviewed")
    raise typer.Exit(1 if failed else 0)


@app.command(name="explain")
def explain_command(
    *,
    from_kind: Annotated[str, typer.Option("--from", help="Kind of the holding agency.")],
    to_kind: Annotated[str, typer.Option("--to", help="Kind of the recipient.")],
    purpose: Annotated[str, typer.Option(help="Purpose, such as P04.")],
    field: Annotated[list[str], typer.Option(help="A field; may be repeated.")],
    trigger: Annotated[str, typer.Option(help="What sets the transfer off.")] = "on_request",
    declare: Annotated[list[str] | None, typer.Option(help="code=value; repeatable.")] = None,
    permission: Annotated[list[str] | None, typer.Option(help="type=field,field in force.")] = None,
    audience: Annotated[str, typer.Option(help="clerk, applicant or dpo.")] = "clerk",
    lang: Annotated[str, typer.Option(help="de or en.")] = "de",
    day: Day = None,
    as_json: AsJson = False,
) -> None:
    """Ask the rules about a kind of exchange, without any person, and explain each field."""
    decider = load_decider()
    face, language = _face(audience), _language(lang)
    try:
        question = _question(
            decider.catalogue,
            from_kind=from_kind,
            to_kind=to_kind,
            purpose=purpose,
            trigger=trigger,
            fields=field,
            declare=declare,
            permission=permission,
            day=day,
        )
        decision = decider.decide(question)
    except PolicyError as error:
        raise typer.BadParameter(str(error)) from None
    rows: list[JsonValue] = []
    table = Table("field", "outcome", "rule", "reason", "sentence", "next step")
    for answer in decision.fields:
        sentence = explain(answer, face, language, catalogue=decider.catalogue)
        rows.append(answer.to_json() | {"text": sentence.text, "next": sentence.next_step})
        table.add_row(
            answer.field,
            answer.outcome.value,
            answer.rule,
            answer.reason,
            sentence.text,
            sentence.next_step,
        )
    if as_json:
        print(
            json.dumps({"overall": decision.overall.value, "rule": decision.rule, "fields": rows})
        )
        return
    print(f"{decision.overall.value} by {decision.rule}")
    Console().print(table)


def _question(
    catalogue: Catalogue,
    *,
    from_kind: str,
    to_kind: str,
    purpose: str,
    trigger: str,
    fields: list[str],
    declare: list[str] | None,
    permission: list[str] | None,
    day: str | None,
) -> DecisionInput:
    declared = dict(_declaration(text) for text in declare or [])
    caller = from_kind if trigger in SENDER_TRIGGERS else to_kind
    catalogue.validate_declared(trigger, declared, kind=caller)
    facts = {"in_force": True, "undertaking_78": True, "approval_79": False}
    nothing = DecisionInput(
        catalogue.agency(from_kind).id,
        catalogue.agency(to_kind).id,
        catalogue.purpose(purpose).id,
        "on_request",
        tuple(catalogue.field(name).id for name in fields),
        declared,
        permission=PermissionFacts(
            **dict(_permission(text) for text in permission or []), retrieval_confirmed=False
        ),
        lapsed=rules_of_the_day(catalogue, _day(day)),
    )
    return DecisionInput.from_json(
        nothing.to_json() | {"trigger": trigger, "agreement": dict(facts)}
    )


def _declaration(text: str) -> tuple[str, Declared]:
    name, _, value = text.partition("=")
    if value in {"true", "false"}:
        return name, value == "true"
    return name, int(value) if value.isascii() and value.isdigit() else value


def _permission(text: str) -> tuple[str, PermissionFact]:
    name, _, fields = text.partition("=")
    if name not in PERMISSION_TYPES:
        raise typer.BadParameter(f"a permission is one of {', '.join(PERMISSION_TYPES)}")
    return name, PermissionFact("in_force", tuple(FieldId(f) for f in fields.split(",") if f))


def _face(text: str) -> Audience:
    for known in get_args(Audience):
        if text == known:
            face: Audience = known
            return face
    raise typer.BadParameter("an audience is clerk, applicant or dpo")


def _language(text: str) -> Language:
    for known in get_args(Language):
        if text == known:
            language: Language = known
            return language
    raise typer.BadParameter("a language is de or en")
