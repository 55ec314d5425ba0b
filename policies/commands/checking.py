# SPDX-License-Identifier: EUPL-1.2
"""``lotse policy check`` and ``lotse policy mutate``: are the rules as reviewed, and would we notice?"""

from __future__ import annotations

import json
import subprocess
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from policies.build import PACKAGE
from policies.bundle import Bundle
from policies.catalogue import Catalogue
from policies.check import check, compare
from policies.commands.options import CANNOT_DECIDE, AsJson, give_up
from policies.commands.progress import with_progress
from policies.decide import load_decider
from policies.engine.embedded import EmbeddedEngine
from policies.errors import EngineFailed
from policies.generate import Inventor
from policies.golden_cases import golden_cases
from policies.json_schema import data_problems
from policies.mutate import hunt, mutants

if TYPE_CHECKING:
    from policies.engine.base import RuleEngine

Cases = Annotated[int, typer.Option(min=0, help="How many invented cases.")]
Seed = Annotated[int, typer.Option(help="The same seed invents the same cases.")]
OneEngine = Annotated[
    bool, typer.Option("--one-engine", help="Without OPA: nothing is compared between engines.")
]

_SHOWN: Final = 20
"""Findings that are printed one by one."""

_BUILDER: Final = PACKAGE.parent / "scripts" / "opa.sh"
"""Builds OPA in a source checkout; an installed package has none."""


def check_command(
    *, cases: Cases = 1000, seed: Seed = 0, one_engine: OneEngine = False, as_json: AsJson = False
) -> None:
    """Run schemas, golden cases, both engines and invented cases; exit 1 on any difference."""
    decider, bundle = load_decider(), Bundle.load()
    wrong = [f"does not fit its schema: {line}" for line in data_problems()]
    findings = list(check(decider, bundle))
    wrong += [f"not as reviewed: {f.name}, {f.note}" for f in findings if not f.ok]
    inventor = Inventor(decider.catalogue, seed)
    questions = with_progress(inventor.questions(cases), cases, "invented cases")
    with ExitStack() as stack:
        engines: list[RuleEngine] = [EmbeddedEngine.load()]
        if not one_engine:
            engines.append(_opa(stack, bundle))
        compared = compare(decider, engines, questions, inventor)
        names = [engine.name for engine in engines]
    wrong += [f"engines differ: {source}" for source in compared.differences]
    wrong += [f"opens more: {source}" for source in compared.widenings]
    counts = {
        "rules": len(decider.catalogue.rules),
        "golden": len(golden_cases()),
        "generated": compared.cases,
        "differences": len(wrong) - len(compared.widenings),
        "widenings": len(compared.widenings),
    }
    if as_json:
        typer.echo(json.dumps({**counts, "engines": names, "wrong": wrong}))
    else:
        _tell(wrong)
        typer.echo(" · ".join(f"{number} {name}" for name, number in counts.items()))
        typer.echo(f"engines: {', '.join(names)}", err=True)
    raise typer.Exit(1 if wrong else 0)


def mutate_command(*, cases: Cases = 1000, seed: Seed = 0, as_json: AsJson = False) -> None:
    """Make small mistakes in the rules, one at a time; exit 1 if no case notices one."""
    catalogue = Catalogue.load()
    made = list(mutants(Bundle.load().document, catalogue))
    verdicts = hunt(EmbeddedEngine.load(), made, catalogue, cases=cases, seed=seed)
    alive = [
        f"{verdict.mutant.rule} {verdict.mutant.mistake}"
        for verdict in with_progress(verdicts, len(made), "mistakes")
        if verdict.noticed_by is None
    ]
    if as_json:
        killed = len(made) - len(alive)
        typer.echo(json.dumps({"mutants": len(made), "killed": killed, "alive": alive}))
    else:
        _tell([f"nobody notices: {line}" for line in alive])
        typer.echo(f"{len(made)} mutants · {len(made) - len(alive)} killed")
    raise typer.Exit(1 if alive else 0)


def _opa(stack: ExitStack, bundle: Bundle) -> RuleEngine:
    """Start the second engine; a source checkout builds it where there is none."""
    from policies.engine.opa_beside import find_opa, opa_beside

    binary = find_opa()
    if binary is None and _BUILDER.exists():
        subprocess.run([str(_BUILDER)], check=False, stdout=subprocess.DEVNULL)  # noqa: S603 - our own script
        binary = find_opa()
    if binary is None:
        give_up(
            "there is no OPA from 1.21.3 on to compare with. Set LOTSE_OPA or put opa on the PATH,"
            " or say --one-engine; then nothing is compared between engines.",
            CANNOT_DECIDE,
        )
    try:
        return stack.enter_context(opa_beside(Path(binary), bundle))
    except EngineFailed:
        give_up(
            f"{binary} does not start as a server; try it by hand: opa run --server", CANNOT_DECIDE
        )


def _tell(lines: list[str]) -> None:
    for line in lines[:_SHOWN]:
        typer.echo(line)
    if len(lines) > _SHOWN:
        typer.echo(f"and {len(lines) - _SHOWN} more")
