# SPDX-License-Identifier: EUPL-1.2
"""What the gateway's journeys and attacks share: enquiries that the rules let pass, and looks inside.

All people are invented. Person one has file A1 at the foreigners' authority, J1 at the job centre
and M1 at the counsellors; the three are linked. Person two (A2, J2, M2) is linked to nobody.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import secrets
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy import Table, func, select

from audit.reader import LogReader
from audit.store import metadata as audit_metadata
from gateway.authn.tables import used_jti
from gateway.recovery import Recovery
from gateway.steps import Step
from gateway.store.database import open_engine
from gateway.store.tables import decided_input, metadata, shadow_count
from keys import messages
from keys.model import AgencyId, BlindIndex, ExchangeId
from keys.providers.base import KeyUse
from keys.strict_json import b64u
from tests.support.middle import ABH, JC, MBE, ORIGIN, Gate, Middle

AZR: Mapping[str, bool | int | str] = {"azr_checked": True, "reason_code": "azr_pending"}
"""Makes R02 release: the job centre has looked into the AZR before."""
CHOICE: Mapping[str, bool | int | str] = {"procedure_electronic": True}
"""With the person's choice it makes R03 release, once."""
PENDING: Mapping[str, bool | int | str] = {
    "decision": "grant_25b",
    "azr_insufficient": True,
    "subject_count": 1,
}
"""Makes R04 hold: a clerk of the job centre decides."""
CLIENT: Mapping[str, bool | int | str] = {"initiated_by": "client"}
"""With the release from secrecy it makes R21 release a push, once."""
STATUS = "residence_status"
STATE = "procedure_state"
PAPER = "language_level"

RECORDS: dict[str, dict[str, Any]] = {
    "A1": {STATUS: "canary-status-a1", STATE: "canary-state-a1", "birth_date": "1990-01-01"},
    "A2": {STATUS: "canary-status-a2", STATE: "canary-state-a2", "birth_date": "1991-01-01"},
    "J1": {"benefit_granted": True, "family_name": "Canary", STATE: "canary-state-j1"},
    "M1": {PAPER: "B1"},
    "Y1": {"expulsion_interest": False},
}


@asynccontextmanager
async def one_gate(
    folder: Path, database_url: str | None = None, **stock: Any
) -> AsyncIterator[Gate]:
    """One gateway with person one linked, and records at the simulated holders."""
    middle = Middle.build(folder, database_url)
    middle.holder.records.update(RECORDS)
    async with middle.running(**no_pause(stock)) as gate:
        await link_person_one(gate)
        yield gate


def no_pause(stock: dict[str, Any]) -> dict[str, Any]:
    """Leave out the half second that a withdrawal waits, where no answer is on its way out."""

    async def at_once(_seconds: float) -> None:
        await asyncio.sleep(0)

    return {"pause": at_once, **stock}


async def link_person_one(gate: Gate) -> None:
    """Link the three files of person one."""
    assert (await gate.link(ABH, "A1", JC, "J1")).status_code == 201
    assert (await gate.link(ABH, "A1", MBE, "M1")).status_code == 201


async def allowed(
    gate: Gate, token: str, template: str, source: AgencyId, to: AgencyId, *fields: str
) -> str:
    """Give a permission and return its id."""
    answer = await gate.allow(token, template, source, to, fields)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


async def consent_to_counsellor(gate: Gate, token: str) -> str:
    """The counsellor may see how the benefit case stands, again and again."""
    return await allowed(gate, token, "benefit-state-to-counselling", JC, MBE, STATE)


async def choice_of_proof(gate: Gate, token: str) -> str:
    """The job centre may fetch the proof of residence, once."""
    return await allowed(gate, token, "fetch-residence-proof", ABH, JC, STATUS)


async def release_of_paper(gate: Gate, token: str) -> str:
    """The counsellors may send the language certificate, once."""
    return await allowed(gate, token, "papers-for-right-to-stay", MBE, ABH, PAPER)


async def ask_status(gate: Gate, number: str = "J1", **more: Any) -> httpx.Response:
    """Ask for the residence status under the law (R02)."""
    more.setdefault("declared", AZR)
    return await gate.ask(JC, ABH, number, "P04", [STATUS], **more)


async def ask_by_choice(gate: Gate, number: str = "J1") -> httpx.Response:
    """Ask for the residence status under the person's choice (R03)."""
    return await gate.ask(
        JC, ABH, number, "P04", [STATUS], trigger="subject_choice", declared=CHOICE
    )


async def ask_by_consent(gate: Gate, number: str = "M1") -> httpx.Response:
    """Ask for the state of the benefit case under the person's consent (R18)."""
    return await gate.ask(MBE, JC, number, "P03", [STATE])


async def ask_held(gate: Gate, number: str = "A1") -> httpx.Response:
    """Ask what a clerk of the job centre has to decide (R04)."""
    return await gate.ask(
        ABH, JC, number, "P01", ["benefit_granted", "family_name"], declared=PENDING
    )


async def send_paper(gate: Gate, number: str = "M1") -> httpx.Response:
    """Send the language certificate under the person's release from secrecy (R21)."""
    return await gate.deliver(MBE, ABH, number, "P02", [PAPER], trigger="push", declared=CLIENT)


async def paper_waits(gate: Gate) -> str:
    """Bring a sealed paper into the foreigners' authority's mailbox; gives the exchange."""
    started = (await send_paper(gate)).json()
    assert started["status"] == "ordered", started
    handed = await gate.hand_in(MBE, started["exchange"], started["order"])
    assert handed.json()["status"] == "waiting"
    return str(started["exchange"])


async def pick_up(gate: Gate, exchange: str, who: AgencyId = ABH) -> httpx.Response:
    """Fetch from the mailbox."""
    return await gate.call(who, "POST", f"/v1/mailbox/{exchange}/pickup")


async def state_of(gate: Gate, exchange: str, who: AgencyId) -> str:
    """Where an exchange stands, as a party sees it."""
    return str((await gate.call(who, "GET", f"/v1/exchanges/{exchange}")).json()["status"])


async def sweep(gate: Gate) -> int:
    """Put in order what is due, as every gateway does every few seconds."""
    parts = gate.app.state.parts
    return await Recovery(parts.core, parts.deliveries._mailboxes, parts.reader).sweep()


def entries(middle: Middle, exchange: str | None = None) -> list[dict[str, Any]]:
    """The log's leaves, oldest first; those of one exchange if it is named."""
    engine = open_engine(middle.database_url)
    try:
        found = LogReader(engine, ORIGIN).find(corr=exchange, limit=1000)
        return [json.loads(one.leaf) for one in found]
    finally:
        engine.dispose()


def told(middle: Middle, exchange: str) -> list[tuple[str, str]]:
    """Kind and outcome of an exchange's entries, oldest first."""
    return [(leaf["kind"], leaf["outcome"]) for leaf in entries(middle, exchange)]


def tables() -> list[Table]:
    """Every table of the gateway's database, the log's included."""
    return [*metadata.sorted_tables, *audit_metadata.sorted_tables]


WRITTEN_LATER = frozenset({decided_input.name, shadow_count.name})
"""Tables that a thread writes by the clock, whatever a call does meanwhile."""


def row_counts(middle: Middle, *, leave_out: Iterable[str] = (used_jti.name,)) -> Counter[str]:
    """How many rows stand in each table; used sign-ins are left out unless told otherwise."""
    engine = open_engine(middle.database_url)
    try:
        with engine.connect() as connection:
            return Counter(
                {
                    table.name: connection.execute(
                        select(func.count()).select_from(table)
                    ).scalar_one()
                    for table in tables()
                    if table.name not in {*leave_out, *WRITTEN_LATER}
                }
            )
    finally:
        engine.dispose()


def everything_stored(middle: Middle) -> bytes:
    """Every value of every row as bytes: what somebody with the database reads."""
    engine = open_engine(middle.database_url)
    try:
        with engine.connect() as connection:
            values = (
                value
                for table in tables()
                for row in connection.execute(select(table)).all()
                for value in row
            )
            return b"\n".join(
                value if isinstance(value, bytes) else str(value).encode() for value in values
            )
    finally:
        engine.dispose()


class StopAfter:
    """An observer that stops every exchange after one step until it may go on."""

    def __init__(self, step: Step) -> None:
        self._step = step
        self.reached = asyncio.Event()
        self.go_on = asyncio.Event()
        self.seen: list[tuple[Step, ExchangeId]] = []

    async def done(self, step: Step, exchange: ExchangeId) -> None:
        """Wait at the chosen step."""
        self.seen.append((step, exchange))
        if step is self._step:
            self.reached.set()
            await self.go_on.wait()


def release_body(
    gate: Gate, holder: AgencyId, exchange: str, number: str, /, **changes: Any
) -> dict[str, Any]:
    """What a holder's connector sends after its clerk let a held order go."""
    middle = gate.middle
    office = middle.offices[holder]
    nonce = secrets.token_bytes(16)
    index, subject = office.subject(number)
    detail = office.detail(exchange, role="holder", clerk="canary-clerk")
    statement = entries(middle, exchange)[0]["stmt"]
    facts: dict[str, Any] = {
        "issuer": holder,
        "exchange": ExchangeId(exchange),
        "statement": bytes.fromhex(statement),
        "by_head": False,
        "subject": messages.subject_commitment(nonce, BlindIndex(index)),
        "detail": hashlib.sha256(detail).hexdigest(),
        "nonce": nonce,
        "issued_at": middle.clock(),
        "expires_at": middle.clock() + 120,
    }
    signer = changes.pop("signer", None) or office.keys.signer(KeyUse.SIG)
    facts.update(changes)
    signed = messages.sign_release(messages.Release(**facts), signer)
    return {"release": signed, "subject": subject, "detail": b64u(detail)}


async def let_go(
    gate: Gate, holder: AgencyId, exchange: str, number: str, /, **changes: Any
) -> httpx.Response:
    """The holder's clerk lets a held order go."""
    body = release_body(gate, holder, exchange, number, **changes)
    return await gate.call(holder, "POST", f"/v1/exchanges/{exchange}/release", body)
