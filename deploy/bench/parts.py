# SPDX-License-Identifier: EUPL-1.2
"""What single parts cost by themselves, in this process: signatures, envelope, log."""

from __future__ import annotations

import secrets
import threading
import time
from typing import TYPE_CHECKING, Final

from audit.entry import Direction, PendingEntry, SealedDetail, new_entry
from audit.log import LogWriter
from audit.vocabulary import EntryKind, Outcome
from deploy.bench.desk import Desk
from deploy.bench.figures import quantile
from deploy.bench.holder import InsecureHolder
from deploy.bench.meter import LOG_THREAD, by_thread
from deploy.bench.place import (
    ABH,
    FIELDS,
    JC,
    LOG_ORIGIN,
    PURPOSE,
    recipient_key,
    verify_key,
)
from deploy.bench.processes import Child, pin, when_closed
from gateway.store.database import migrate, open_engine
from keys import messages
from keys.envelope import Expect, verify_manifest
from keys.jws import sign_jws
from keys.model import new_exchange_id
from keys.providers.base import KeyUse
from keys.pseudonyms import decoy_reference
from keys.strict_json import loads
from policies.catalogue import Catalogue

if TYPE_CHECKING:
    from collections.abc import Callable
    from multiprocessing.connection import Connection

    from audit.append import Work
    from deploy.bench.place import Place

ROUNDS: Final = 300
SETTLE: Final = 20
"""Calls before the ones that count."""
CALLERS: Final = (1, 8, 64)
"""How many works the log gets at once."""
MICROSECONDS: Final = 1e6
REFERENCE_ROUNDS: Final = 600


def part_costs(place: Place) -> dict[str, tuple[float, float]]:
    """Give (median, lowest tenth) in microseconds of CPU, by part."""
    return {name: _cost(call) for name, call in _calls(place).items()}


def _cost(call: Callable[[], object], rounds: int = ROUNDS) -> tuple[float, float]:
    spent = []
    for _ in range(SETTLE + rounds):
        begun = time.thread_time_ns()
        call()
        spent.append((time.thread_time_ns() - begun) / 1000)
    return quantile(spent[SETTLE:], 0.5), quantile(spent[SETTLE:], 0.1)


def slowdown(first: set[int], beside: set[int]) -> tuple[float, float]:
    """Give how much a fixed piece of work slows down on the gateway's core, against its best.

    First as things are: 1.0 says that nobody else is there. Then with the core beside it busy: 1.0
    says that they are two cores, and up to 2 that they are two threads of one, so that CPU times
    of a run are larger by about this factor than on a core of its own.
    """
    pin(first)
    try:
        alone = _reference()
        with Child("busy", keep_busy, beside) as child:
            child.hear()
            busy = _reference()
    finally:
        pin(beside)
    best = min(alone)
    return quantile(alone, 0.5) / best, quantile(busy, 0.5) / best


def _reference() -> list[int]:
    spent = []
    for _ in range(REFERENCE_ROUNDS):
        begun = time.thread_time_ns()
        table: dict[int, int] = {}
        for number in range(5000):
            table[number & 1023] = number
        spent.append(time.thread_time_ns() - begun)
    return spent


def keep_busy(pipe: Connection, core: set[int]) -> None:
    """Work on nothing until the pipe is closed."""
    pin(core)
    ended = threading.Event()
    when_closed(pipe, ended.set)
    pipe.send("busy")
    table: dict[int, int] = {}
    while not ended.is_set():
        for number in range(5000):
            table[number & 1023] = number


def _calls(place: Place) -> dict[str, Callable[[], object]]:
    now = int(time.time())
    gateway, abh = place.keys("gateway"), place.keys(ABH)
    desk = Desk(JC, place.keys(JC))
    catalogue = Catalogue.load()
    body = desk.enquiry("linked", 0, now)
    read = loads(body, max_bytes=len(body))
    statement = str(read["statement"]) if isinstance(read, dict) else ""
    asking, holding = verify_key(desk.keys, KeyUse.SIG), verify_key(abh, KeyUse.SIG)
    order_signer, kem = gateway.signer(KeyUse.ORDER), recipient_key(abh, KeyUse.KEM)
    exchange = new_exchange_id(now * 1000, secrets.token_bytes(10))
    digest = secrets.token_bytes(32)
    envelope = InsecureHolder(place).sealed(exchange, digest, "bench", catalogue.version)
    expected = Expect(
        source=ABH,
        recipient=JC,
        exchange=exchange,
        decision_token_hash=digest,
        purpose=PURPOSE.lower(),
        catalogue=catalogue.version,
    )
    return {
        "statement: verify and read": lambda: messages.read_statement(
            statement, key=asking, now=now
        ),
        "sign 3 kB (ES256)": lambda: sign_jws(bytes(3000), typ="bench+jws", signer=order_signer),
        "envelope check, ten fields": lambda: verify_manifest(
            envelope, key=holding, expect=expected, now=now
        ),
        "decoy reference (HPKE)": lambda: decoy_reference(ABH, kem),
        "strict reading of the request": lambda: loads(body, max_bytes=len(body)),
    }


def log_costs(place: Place, database_url: str) -> dict[int, tuple[float, float]]:
    """Give (CPU microseconds, wall microseconds) per entry by works at once: medians.

    Only the writer's own thread is counted: lock, leaf, tree, insert, commit, sign, receipt.
    """
    keys = place.keys("gateway")
    engine = open_engine(database_url)
    migrate(engine)
    writer = LogWriter(
        engine, keys.log_signer(), LOG_ORIGIN, keys.wrap_key(), lambda: int(time.time())
    )
    costs = {}
    for callers in CALLERS:
        cpu, wall = [], []
        for _ in range(SETTLE + max(40, ROUNDS // callers)):
            entries = [log_entry() for _ in range(callers)]
            begun = (_writer_ns(), time.perf_counter_ns())
            futures = [writer.submit(writing(entry)) for entry in entries]
            for future in futures:
                future.result()
            cpu.append((_writer_ns() - begun[0]) / callers / 1000)
            wall.append((time.perf_counter_ns() - begun[1]) / callers / 1000)
        costs[callers] = (quantile(cpu[SETTLE:], 0.5), quantile(wall[SETTLE:], 0.5))
    writer.close()
    engine.dispose()
    return costs


def writing(entry: PendingEntry) -> Work:
    """Make the work that appends just this."""
    return lambda _connection: entry


def _writer_ns() -> int:
    return by_thread().get(LOG_THREAD, 0)


def log_entry() -> PendingEntry:
    """Make one entry of the size an exchange's have, with one detail."""
    entry = new_entry(
        EntryKind.ACCESS_REQUESTED,
        Outcome.PERMIT,
        now_us=int(time.time() * MICROSECONDS),
        node="bench",
        corr=secrets.token_hex(16),
        direction=Direction(ABH, JC, JC),
        purpose=PURPOSE,
        rules=("R02",),
        reasons=("statute",),
        fields=FIELDS,
        policy="0" * 64,
        statement="1" * 64,
        decision="2" * 64,
    )
    return PendingEntry(entry, (SealedDetail(JC, "months12", secrets.token_bytes(2200)),))
