# SPDX-License-Identifier: EUPL-1.2
"""Attacks on what is kept of decisions: who is in it, and what an edited row can do."""

from __future__ import annotations

import asyncio
import dataclasses
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, select, text, update
from typer.testing import CliRunner

from gateway.store.database import open_engine
from gateway.store.tables import decided_input, exchange, permission, shadow_count
from policies.catalogue import Catalogue
from policies.cli import app
from policies.codes import OVERALL_ORDER, PERMISSION_STATES, PERMISSION_TYPES, TRIGGERS
from tests.support.lookback import (
    compared,
    decider_of,
    settings_file,
    shadowed,
    statutory,
    stored,
    widened,
    written,
)
from tests.support.middle import ABH, JC, KINDS, MBE, Gate
from tests.support.scenes import (
    AZR,
    PENDING,
    STATE,
    STATUS,
    ask_by_choice,
    ask_by_consent,
    ask_held,
    ask_status,
    choice_of_proof,
    consent_to_counsellor,
    entries,
    let_go,
    one_gate,
    release_of_paper,
    send_paper,
)
from tests.support.seen import world

RUN = CliRunner()


# --- nobody is in it (P1, P5) --------------------------------------------------------------------


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for name, member in value.items():
            yield name
            yield from _texts(member)
    elif isinstance(value, list):
        for member in value:
            yield from _texts(member)
    elif isinstance(value, str):
        yield value


def _all_codes() -> set[str]:
    """Every word that the rules know."""
    catalogue = Catalogue.load()
    words = {
        *("from_kind", "to_kind", "purpose", "trigger", "fields", "declared", "agreement"),
        *("permission", "holder", "lapsed", "state", "outcome", "rule", "reasons"),
        *dataclasses.asdict(statutory(STATUS).agreement),
        *dataclasses.asdict(statutory(STATUS).holder),
        *(*PERMISSION_TYPES, "retrieval_confirmed", *PERMISSION_STATES, *TRIGGERS),
        *(outcome.value for outcome in OVERALL_ORDER),
        *(*catalogue.agencies, *catalogue.fields, *catalogue.purposes, *catalogue.rules),
        *(*catalogue.reasons, *catalogue.declared),
    }
    for code in catalogue.declared.values():
        words.update(str(value) for value in code.values)
    return words


async def _life(gate: Gate) -> None:
    """Exchanges of every kind, with names, file numbers, cases and clerks around them."""
    token = await gate.person(ABH, "A1")
    await choice_of_proof(gate, token)
    await consent_to_counsellor(gate, token)
    await release_of_paper(gate, token)
    await ask_status(gate)
    await ask_by_choice(gate)
    await ask_by_consent(gate)
    await send_paper(gate)
    held = (await ask_held(gate)).json()["exchange"]
    assert (await let_go(gate, JC, held, "J1")).status_code == 200


async def test_every_word_in_the_table_is_a_code_of_the_rules(tmp_path: Path) -> None:
    """Attack: read the table for a name, a number, an agency, a handle, a time. There is none."""
    async with one_gate(tmp_path) as gate:
        await _life(gate)
        found = await written(gate)
        assert len(found) >= 6
        known = _all_codes()
        for one in found:
            words = {
                *_texts(json.loads(one.source)),
                *_texts(json.loads(str(one.to_row()["result"]))),
            }
            assert words - known == set()
            assert one.day.isoformat() == "2026-11-05"


async def test_nothing_in_the_table_leads_to_another_table(tmp_path: Path) -> None:
    """Attack: join it with exchanges, permissions or the log. No id, handle or digest is in both."""
    async with one_gate(tmp_path) as gate:
        await _life(gate)
        rows = [one.to_row() for one in await written(gate)]
        mine = {str(value) for row in rows for name, value in row.items() if name != "bundle"}
        kept_text = "\n".join(sorted(mine))
        engine = open_engine(gate.middle.database_url)
        with engine.connect() as connection:
            others = [
                str(value)
                for table in (exchange, permission)
                for row in connection.execute(select(table)).mappings()
                for name, value in row.items()
                if name in {"id", "statement_hash", "consent_index", "spent_by", "created_at"}
            ]
        engine.dispose()
        handles = {
            str(leaf[name])
            for leaf in entries(gate.middle)
            for name in ("corr", "stmt", "dec", "perm", "id", "rnd", "ts")
            if leaf.get(name)
        }
        assert handles
        assert len(others) > 10
        assert not [one for one in (*others, *handles) if one != "None" and one in kept_text]
        assert not [agency for agency in KINDS if agency in kept_text]


async def _asked_by_law(gate: Gate) -> None:
    await gate.ask(JC, ABH, "J1", "P04", [STATUS], declared={"azr_checked": True})
    await gate.ask(ABH, JC, "A1", "P01", ["benefit_granted"], declared=PENDING)
    await gate.ask(ABH, MBE, "A1", "P02", ["counselling_fact"])
    await gate.ask(MBE, JC, "M1", "P03", [STATE])


async def test_known_and_unknown_people_leave_the_same_rows(tmp_path: Path) -> None:
    """Attack (P5): compare the table after enquiries about somebody linked and about a stranger."""
    tables = []
    for linked in (True, False):
        async with world(tmp_path / str(linked), linked=linked) as gate:
            await _asked_by_law(gate)
            tables.append([one.to_row() for one in await written(gate)])
    assert tables[0]
    assert tables[0] == tables[1]


async def test_order_and_number_of_rows_do_not_tell_who_asked_when(tmp_path: Path) -> None:
    """Attack: read the rows in the order in which they were written. It is that of their hashes."""
    async with one_gate(tmp_path) as gate:
        for field in (STATUS, "birth_date", "permit_type", "family_name", "work_permission"):
            await gate.ask(JC, ABH, "J1", "P04", [field], declared={"azr_checked": True})
        await written(gate)
        engine = open_engine(gate.middle.database_url)
        with engine.connect() as connection:
            rows = connection.execute(text("SELECT key FROM decided_input ORDER BY rowid"))
            keys = list(rows.scalars())
        engine.dispose()
        assert len(keys) == 5
        assert keys == sorted(keys)


# --- a poisoned table ----------------------------------------------------------------------------


POISONS: dict[str, Callable[[dict[str, Any]], None]] = {
    "a terminal's escape": lambda row: row.update(engine="\x1b]0;owned\x07"),
    "a formula": lambda row: row.update(question='{"purpose":"=cmd|calc"}'),
    "a person": lambda row: row.update(question='{"name":"Musterperson"}'),
    "a huge number": lambda row: row.update(times=2**62),
    "a release that never was": lambda row: row.update(
        result=row["result"].replace("DENY", "ALLOW_MIN")
    ),
    "another engine": lambda row: row.update(engine="trusted/9"),
}


@pytest.mark.parametrize("poison", POISONS)
async def test_a_row_that_somebody_edited_is_left_out_and_told(tmp_path: Path, poison: str) -> None:
    """Attack: edit a stored decision. It is not asked, not shown, and the command says so."""
    async with one_gate(tmp_path) as gate:
        await gate.ask(JC, ABH, "J1", "P04", [STATUS, "azr_number"])
        (good,) = await written(gate)
        row: dict[str, Any] = dict(good.to_row())
        POISONS[poison](row)
        engine = open_engine(gate.middle.database_url)
        with engine.begin() as connection:
            connection.execute(update(decided_input).values(**row))
        engine.dispose()
        file = str(settings_file(gate.middle))
        for options in ([], ["--candidate", "shipped", "--fail-on", "widening"]):
            done = await asyncio.to_thread(RUN.invoke, app, ["replay", "--config", file, *options])
            assert done.exit_code == 1, done.output
            assert "1 rows were not written by a gateway" in done.stderr
            shown = done.stdout + done.stderr
            assert not [bad for bad in ("\x1b]", "=cmd", "Musterperson", "trusted") if bad in shown]


async def test_a_whole_invented_record_does_not_pass_for_a_past_decision(tmp_path: Path) -> None:
    """Attack: write a record with a fitting name that says something was released. Level 4 sees it."""
    async with one_gate(tmp_path) as gate:
        await ask_status(gate)
        await written(gate)
        truth = stored(statutory("azr_number"))
        (denied,) = truth.result
        lie = dataclasses.replace(
            truth, result=(dataclasses.replace(denied, outcome="ALLOW_MIN", reasons=("statute",)),)
        )
        engine = open_engine(gate.middle.database_url)
        with engine.begin() as connection:
            connection.execute(insert(decided_input).values(**lie.to_row()))
        engine.dispose()
        file = str(settings_file(gate.middle))
        done = await asyncio.to_thread(RUN.invoke, app, ["replay", "--config", file, "--json"])
        told = json.loads(done.stdout)
        assert done.exit_code == 1
        assert (told["identical"], told["decisions"], told["on_record"]) == (1, 2, 1)
        (difference,) = told["differences"]
        assert (difference["field"], difference["was"][0], difference["now"][0]) == (
            *("azr_number", "ALLOW_MIN", "DENY"),
        )


async def test_an_edited_count_of_the_shadow_is_left_out(tmp_path: Path) -> None:
    """Attack: hide a widening by turning its row into another change."""
    async with shadowed(tmp_path, lambda: decider_of(widened().digest)) as gate:
        await gate.ask(JC, ABH, "J1", "P04", ["azr_number"], declared=AZR)
        await compared(gate, 1)
        engine = open_engine(gate.middle.database_url)
        with engine.begin() as connection:
            connection.execute(
                update(shadow_count)
                .where(shadow_count.c.counted == "deny_to_allow")
                .values(counted="reason_only")
            )
            hidden = connection.execute(
                select(shadow_count).where(shadow_count.c.counted == "reason_only")
            ).all()
        engine.dispose()
        file = str(settings_file(gate.middle))
        done = await asyncio.to_thread(RUN.invoke, app, ["shadow", "--config", file, "--json"])
        assert hidden
        assert json.loads(done.stdout)["unreadable_rows"] == len(hidden)
