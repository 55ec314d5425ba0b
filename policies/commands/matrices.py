# SPDX-License-Identifier: EUPL-1.2
"""``lotse policy matrix``: the whole decision matrix as CSV and as a page, or a comparison."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from policies.build import PACKAGE
from policies.commands.options import CANNOT_DECIDE, CANNOT_READ, give_up
from policies.commands.progress import with_progress
from policies.decide import load_decider
from policies.errors import PolicyError
from policies.matrix.page import page_bytes
from policies.matrix.rows import grouped, rule_rows
from policies.matrix.table import MATRIX_FILE, csv_bytes, routes_bytes

if TYPE_CHECKING:
    from policies.decide import Decider
    from policies.matrix.rows import Row

Out = Annotated[
    Path | None,
    typer.Option(help="Folder for matrix.csv, routes.csv and matrix.html; made if missing."),
]
Check = Annotated[
    bool, typer.Option("--check", help="Only compare: exit 1 if MATRIX.csv is not up to date.")
]
Lang = Annotated[Literal["de", "en"], typer.Option(help="Words in the CSV; the page has both.")]


def matrix_command(*, out: Out = None, check: Check = False, lang: Lang = "de") -> None:
    """Print the matrix as CSV, or write CSV and page into a folder."""
    if check and out is not None:
        raise typer.BadParameter("either --out or --check")
    try:
        decider = load_decider()
        rows = _rows(decider)
    except PolicyError as error:
        give_up(f"nothing was written: {error}", CANNOT_DECIDE)
    if check:
        _compare(PACKAGE / MATRIX_FILE, csv_bytes(rows, decider.catalogue))
        return
    table = csv_bytes(rows, decider.catalogue, lang)
    if out is None:
        typer.echo(table, nl=False)
        return
    page = page_bytes(grouped(rows), decider.catalogue, decider.bundle_digest)
    files = {"matrix.csv": table, "routes.csv": routes_bytes(rows), "matrix.html": page}
    _write({out / name: content for name, content in files.items()})


def _rows(decider: Decider) -> list[Row]:
    rules = decider.catalogue.rules
    asked = with_progress(rules.values(), len(rules), "asking about every route")
    return [row for rule in asked for row in rule_rows(rule, decider)]


def _compare(kept: Path, expected: bytes) -> None:
    """Say which line differs first.

    Raises:
        typer.Exit: with 1 if anything differs.
    """
    try:
        known = kept.read_bytes()
    except OSError as error:
        give_up(f"{kept.name} cannot be read: {error.strerror}", CANNOT_READ)
    if known == expected:
        typer.echo(f"{kept.name} is what the rules give")
        return
    lines = zip(known.splitlines(), expected.splitlines(), strict=False)
    same = next((n for n, (old, new) in enumerate(lines, start=1) if old != new), None)
    where = f"line {same} is the first that differs" if same else "it is shorter or longer"
    give_up(
        f"{kept.name} is not what the rules give: {where}; `lotse policy matrix` prints that", 1
    )


def _write(files: dict[Path, bytes]) -> None:
    try:
        for path, content in files.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
            typer.echo(f"{path}: {len(content)} bytes")
    except OSError as error:
        give_up(f"{error.filename} cannot be written: {error.strerror}", CANNOT_READ)
