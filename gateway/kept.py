# SPDX-License-Identifier: EUPL-1.2
"""Decisions are kept for looking back: equal ones of a day as one row, in codes, for some months.

An exchange leaves a count in memory, which takes microseconds and cannot fail it; a thread writes
the counts every second, and at the end. The log and the exchange's own row are the evidence of a
decision and are durable before anything happens; this is for asking again (``lotse policy
replay``), and a process that is killed loses its last second of it.
"""

from __future__ import annotations

import datetime as dt
import threading
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

from sqlalchemy import delete, text

from gateway.logs import get_logger, where
from gateway.shadow import Shadow, open_candidate
from gateway.store.tables import decided_input, shadow_count
from policies.stored import StoredDecision, first_day_kept

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Engine, Table

    from gateway.rules import GatewayRules
    from gateway.settings import Settings
    from policies.decide import Decider
    from policies.decision import Decision
    from policies.model import DecisionInput

FLUSH_SECONDS: Final = 1.0
MAX_WAITING: Final = 10_000
"""Different questions that wait to be written; while the database is away no more are taken."""
STOP_SECONDS: Final = 5.0
DAY_SECONDS: Final = 86_400

_Key = tuple[int, str, str, int]


@dataclass(slots=True)
class _Noted:
    """Equal decisions since the last write."""

    question: DecisionInput
    decision: Decision
    times: int = 0


class KeptDecisions:
    """Counts decisions in memory and writes the counts."""

    def __init__(
        self,
        engine: Engine,
        clock: Callable[[], int],
        *,
        months: int,
        engine_name: Callable[[], str],
        shadow: Shadow | None = None,
    ) -> None:
        """Take the database, a clock in epoch seconds, how long to keep, and who evaluates."""
        self._engine = engine
        self._clock = clock
        self._months = months
        self._engine_name = engine_name
        self._shadow = shadow
        self._lock = threading.Lock()
        self._waiting: dict[_Key, _Noted] = {}
        self._lost = 0
        self._erased_on = -1
        self._failing = False
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="lotse-kept", daemon=True)

    def start(self) -> None:
        """Begin to write and to erase."""
        if self._shadow is not None:
            self._shadow.start()
        self._thread.start()

    def note(self, question: DecisionInput, decision: Decision) -> None:
        """Count a decision that is on record; never raises, never waits for the database."""
        try:
            self._count(question, decision)
            if self._shadow is not None:
                self._shadow.consider(question, decision)
        except Exception as error:  # noqa: BLE001 - the exchange must go on
            get_logger().error("kept.failed", error_type=type(error), where=where(error))

    def _count(self, question: DecisionInput, decision: Decision) -> None:
        day = self._clock() // DAY_SECONDS
        key = (day, decision.bundle, decision.input_digest, 0)
        with self._lock:
            noted = self._waiting.get(key)
            if noted is not None and noted.decision != decision:
                # Equal questions have equal answers. If an engine ever says otherwise, it shows.
                key = (*key[:3], hash(decision.fields))
                noted = self._waiting.get(key)
            if noted is None:
                if len(self._waiting) >= MAX_WAITING:
                    self._lost += 1
                    return
                noted = self._waiting[key] = _Noted(question, decision)
            noted.times += 1

    def flush(self) -> int:
        """Write what was counted; give the number of rows, 0 also if the database is away."""
        with self._lock:
            taken, self._waiting = self._waiting, {}
            lost, self._lost = self._lost, 0
        counts = None if self._shadow is None else self._shadow.take()
        try:
            decided = self._rows(taken)
            shadowed = [about.to_row(times) for about, times in (counts or {}).items()]
            if decided or shadowed:
                self._write(decided, shadowed)
        except Exception as error:  # noqa: BLE001 - tried again in a second; exchanges go on
            self._put_back(taken, lost)
            if self._shadow is not None and counts is not None:
                self._shadow.put_back(counts)
            if not self._failing:
                get_logger().error("kept.failed", error_type=type(error), where=where(error))
            self._failing = True
            return 0
        self._failing = False
        if lost:
            get_logger().error("kept.lost", count=lost)
        return len(decided) + len(shadowed)

    def erase(self) -> int:
        """Delete what is older than may be kept; give the number of rows."""
        day = dt.datetime.fromtimestamp(self._clock(), tz=dt.UTC).date()
        first = first_day_kept(day, self._months).isoformat()
        with self._engine.begin() as connection:
            erased = [
                connection.execute(delete(table).where(table.c.day < first)).rowcount
                for table in (decided_input, shadow_count)
            ]
        return sum(erased)

    def close(self) -> None:
        """Write the rest and end."""
        self._stop.set()
        self._thread.join(STOP_SECONDS)
        if self._shadow is not None:
            self._shadow.close()
        self.flush()

    def _run(self) -> None:
        while not self._stop.is_set():
            self._erase_once_a_day()
            self._stop.wait(FLUSH_SECONDS)
            self.flush()

    def _erase_once_a_day(self) -> None:
        day = self._clock() // DAY_SECONDS
        if day == self._erased_on:
            return
        try:
            erased = self.erase()
        except Exception as error:  # noqa: BLE001 - tried again in a second
            if not self._failing:
                get_logger().error("erase.failed", error_type=type(error), where=where(error))
            self._failing = True
            return
        self._erased_on = day
        if erased:
            get_logger().info("kept.erased", count=erased)

    def _rows(self, taken: dict[_Key, _Noted]) -> list[dict[str, str | int]]:
        # The name is not cheap: it is looked up once for all of them.
        name = self._engine_name() if taken else ""
        rows = [
            StoredDecision.of(
                noted.question,
                noted.decision,
                engine=name,
                day=dt.date(1970, 1, 1) + dt.timedelta(days=key[0]),
                times=noted.times,
            ).to_row()
            for key, noted in taken.items()
        ]
        # By their hashed names: the order says nothing, and replicas do not wait for each other.
        return sorted(rows, key=lambda row: row["key"])

    def _write(
        self, decided: list[dict[str, str | int]], shadowed: list[dict[str, str | int]]
    ) -> None:
        with self._engine.begin() as connection:
            if decided:
                connection.execute(_ADD_DECIDED, decided)
            if shadowed:
                connection.execute(_ADD_SHADOWED, sorted(shadowed, key=lambda row: row["key"]))

    def _put_back(self, taken: dict[_Key, _Noted], lost: int) -> None:
        with self._lock:
            self._lost += lost
            for key, noted in taken.items():
                known = self._waiting.setdefault(key, noted)
                if known is not noted:
                    known.times += noted.times


def open_kept(
    settings: Settings,
    engine: Engine,
    clock: Callable[[], int],
    rules: GatewayRules,
    candidate: Callable[[], Decider] | None = None,
) -> KeptDecisions:
    """Make it as the settings want it; `candidate` opens what stands in for the one they name."""
    shadow = None
    if settings.shadow is not None:
        shadow = Shadow(
            candidate or partial(open_candidate, settings),
            rules.catalogue_of,
            clock,
        )
    return KeptDecisions(
        engine,
        clock,
        months=settings.keep_decisions_months,
        engine_name=rules.engine_name,
        shadow=shadow,
    )


def _adding(table: Table) -> str:
    """Give the statement that adds to a row, or makes it; the same text for both databases."""
    names = [column.name for column in table.columns]
    values = ", ".join(f":{name}" for name in names)
    return (
        f"INSERT INTO {table.name} ({', '.join(names)}) VALUES ({values}) "  # noqa: S608 - names of our own table
        f"ON CONFLICT (key) DO UPDATE SET times = {table.name}.times + excluded.times"
    )


_ADD_DECIDED: Final = text(_adding(decided_input))
_ADD_SHADOWED: Final = text(_adding(shadow_count))
