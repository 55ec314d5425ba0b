# SPDX-License-Identifier: EUPL-1.2
"""Everything that can be seen of one call, with contents replaced by their sizes, for comparison."""

from __future__ import annotations

import base64
import dataclasses
import json
import re
import sqlite3
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio
import httpx
from sqlalchemy import Pool, event, select

from gateway.store.database import open_engine
from keys.model import AgencyId
from tests.support.middle import ABH, JC, MBE, Gate, Middle
from tests.support.scenes import (
    RECORDS,
    WRITTEN_LATER,
    no_pause,
    tables,
)

Use = Callable[[Gate], Awaitable[httpx.Response]]


CHANGING_HEADERS = {"x-request-id", "date"}


@dataclass
class Seen:
    """Everything that somebody could compare, with contents replaced by their sizes."""

    status: int = 0
    headers: list[tuple[str, int]] = field(default_factory=list)
    body: Any = None
    orders: list[Any] = field(default_factory=list)
    leaves: list[Any] = field(default_factory=list)
    rows: list[Any] = field(default_factory=list)
    statements: list[str] = field(default_factory=list)


def shape(value: Any) -> Any:
    """Replace contents by sizes: closed codes stay, texts become their length, JWS are opened."""
    if isinstance(value, dict):
        return {name: shape(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [shape(inner) for inner in value]
    if isinstance(value, str):
        if value.count(".") == 2 and value.startswith("ey"):
            return ["jws", len(value), shape(claims_of(value))]
        if value.startswith("c2sp.org/tlog-proof"):
            return ["receipt", [len(line) for line in value.splitlines()]]
        return value if len(value) < 20 else len(value)
    return value


def claims_of(jws: str) -> Any:
    payload = jws.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))


def differences(one: Seen, other: Seen) -> list[str]:
    """Name every member in which two observations differ."""
    return [
        f"{member.name}: {getattr(one, member.name)} != {getattr(other, member.name)}"
        for member in dataclasses.fields(Seen)
        if getattr(one, member.name) != getattr(other, member.name)
    ]


async def observe(gate: Gate, use: Use, *agencies: AgencyId) -> Seen:
    """Carry out one call and note everything about it."""
    middle = gate.middle
    for agency in agencies:
        await gate.token(agency)  # so that signing in is not among the statements
    reader = gate.app.state.parts.reader
    size, orders = reader.size(), len(middle.holder.orders)
    before = _sizes(middle)
    seen = Seen()
    STATEMENTS.start()
    response = await use(gate)
    seen.statements = STATEMENTS.stop()
    seen.status = response.status_code
    seen.headers = sorted(
        (name, len(value))
        for name, value in response.headers.items()
        if name not in CHANGING_HEADERS
    )
    seen.body = shape(response.json())
    seen.orders = [shape(order.token) for order in middle.holder.orders[orders:]]
    seen.leaves = [
        [len(one.leaf), shape(json.loads(one.leaf))] for one in reader.find(after=size - 1)
    ]
    seen.rows = sorted((Counter(_sizes(middle)) - Counter(before)).elements())
    return seen


class Statements:
    """Notes what SQLite is asked to do, below every library, with the values taken out."""

    def __init__(self) -> None:
        self._seen: list[str] | None = None

    def attach(self, connection: sqlite3.Connection, _record: object) -> None:
        """Listen to a new connection."""
        connection.set_trace_callback(self._note)

    def start(self) -> None:
        """Begin."""
        self._seen = []

    def stop(self) -> list[str]:
        """End, and give the statements in an order of their own."""
        seen, self._seen = self._seen or [], None
        return sorted(seen)

    def _note(self, statement: str) -> None:
        background = statement.startswith(BRACKETS) or any(one in statement for one in BACKGROUND)
        if self._seen is not None and not background:
            self._seen.append(LITERAL.sub("?", statement))


STATEMENTS = Statements()


LITERAL = re.compile(r"[xX]?'(?:[^']|'')*'|\b\d+\b")


BRACKETS = ("BEGIN", "COMMIT", "ROLLBACK", "PRAGMA")


BACKGROUND = (
    *("exchange.closes_at <", "outbox.delivered IS", "mailbox.disclosed IS", "note_size"),
    *WRITTEN_LATER,
)
"""What the sweeper, the log's writer and the keeper of decisions do beside any call."""


def _sizes(middle: Middle) -> list[str]:
    """Every row of every table as sizes."""
    engine = open_engine(middle.database_url)
    with engine.connect() as connection:
        found = [
            f"{table.name} {[_size(value) for value in row]}"
            for table in tables()
            if table.name not in {"used_jti", "audit_head", *WRITTEN_LATER}
            for row in connection.execute(select(table)).all()
        ]
    engine.dispose()
    return found


def _size(value: Any) -> Any:
    return len(value) if isinstance(value, str | bytes) else type(value).__name__


@asynccontextmanager
async def world(folder: Path, *, linked: bool, **stock: Any) -> AsyncIterator[Gate]:
    """A gateway with two linked pairs; the enquiries are about files J1, A1 and M1 either way."""
    await anyio.Path(folder).mkdir()
    middle = Middle.build(folder)
    middle.holder.records.update(RECORDS)
    one = "1" if linked else "3"
    event.listen(Pool, "connect", STATEMENTS.attach)
    try:
        async with middle.running(**no_pause(stock)) as gate:
            await gate.link(ABH, f"A{one}", JC, f"J{one}")
            await gate.link(ABH, f"A{one}", MBE, f"M{one}")
            yield gate
    finally:
        event.remove(Pool, "connect", STATEMENTS.attach)
