# SPDX-License-Identifier: EUPL-1.2
"""``lotse policy decide``: one case or an array of cases in, answers of the same shape out."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from policies.answer import answer
from policies.case import read_case
from policies.case_file import CaseFileUnreadable, read_case_file
from policies.commands.options import (
    CANNOT_DECIDE,
    CANNOT_READ,
    At,
    Engine,
    OpaCa,
    OpaToken,
    OpaUrl,
    give_up,
    instant,
    open_decider,
)
from policies.commands.progress import with_progress
from policies.errors import CaseInvalid, PolicyError

if TYPE_CHECKING:
    import datetime as dt

    from policies.decide import Decider
    from policies.strict import JsonValue

File = Annotated[str, typer.Argument(help="File with a case or an array of cases; - reads stdin.")]


def decide_command(
    file: File,
    *,
    at: At = None,
    engine: Engine = "embedded",
    opa_url: OpaUrl = "",
    opa_token_file: OpaToken = None,
    opa_ca_file: OpaCa = None,
) -> None:
    """Decide cases from a file; exit 1 if one cannot be read, 2 if the file cannot."""
    now = instant(at)
    try:
        document = read_case_file(file)
        with open_decider(engine, opa_url, opa_token_file, opa_ca_file) as decider:
            answers, unreadable = _answers(document, decider, now)
    except CaseFileUnreadable as error:
        give_up(error, CANNOT_READ)
    except PolicyError as error:
        give_up(f"nothing was decided: {error}", CANNOT_DECIDE)
    _write(answers)
    for wrong in unreadable:
        typer.echo(f"lotse policy: {wrong}", err=True)
    raise typer.Exit(1 if unreadable else 0)


def _answers(
    document: JsonValue, decider: Decider, now: dt.datetime
) -> tuple[JsonValue, list[CaseInvalid]]:
    """Answer every case that can be read; the shape is that of the document."""
    unreadable: list[CaseInvalid] = []

    def one(case: JsonValue, where: str) -> JsonValue:
        try:
            question = read_case(case, decider.catalogue, now=now, where=where).question
        except CaseInvalid as error:
            unreadable.append(error)
            return {"error": {"where": error.where, "problem": error.problem}}
        return answer(decider.decide(question), decider)

    if not isinstance(document, list):
        return one(document, "case"), unreadable
    cases = with_progress(enumerate(document), len(document), "deciding")
    return [one(case, f"cases[{number}]") for number, case in cases], unreadable


def _write(answers: JsonValue) -> None:
    """Write UTF-8, whatever the terminal's encoding is; in an array, one line per answer."""
    if isinstance(answers, list):
        lines = ",\n".join(json.dumps(one, ensure_ascii=False) for one in answers)
        text = f"[\n{lines}\n]" if answers else "[]"
    else:
        text = json.dumps(answers, ensure_ascii=False, indent=1)
    sys.stdout.flush()
    sys.stdout.buffer.write(f"{text}\n".encode())
    sys.stdout.buffer.flush()
