# SPDX-License-Identifier: EUPL-1.2
"""Compares two runs of the town as somebody would who wants to know whom they were about.

Everything that the middle, the asker or a listener can see becomes a flat table: place to token.
What is random in every exchange (ids, signatures, hashes, ciphertext) counts by its kind and its
length; everything else counts word for word. Two runs are silent about the difference between
their persons if their tables are equal. `leaks` names each place where they are not.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Engine, select

from audit import store as audit_store
from audit.reader import LogReader
from deploy.demo.cast import JC, MELDE
from deploy.demo.office import Told
from gateway.authn.tables import used_jti
from gateway.store import tables
from tests.support.tap import Message
from tests.support.town_life import Life

TABLES: Final = (
    tables.exchange,
    tables.outbox,
    tables.mailbox,
    tables.permission,
    tables.permission_event,
    tables.link_agency,
    tables.link_person,
    tables.link_account,
    tables.link_code,
    used_jti,
    audit_store.entry,
    audit_store.detail,
    audit_store.key,
    audit_store.tile,
)
"""Everything the gateway stores, apart from the head's stored note, which lags behind by chance."""
ULID: Final = re.compile(r"\b[0-7][0-9A-HJKMNP-TV-Z]{25}\b")
JWS: Final = re.compile(r"eyJ[\w-]+\.eyJ[\w-]+\.[\w-]+")
OPAQUE: Final = re.compile(r"(?=[A-Za-z0-9+/_=-]*[A-Z0-9])[A-Za-z0-9+/_=-]{20,}")
"""Codes are lower case without digits; what has 20 characters and more than that is random."""
VERBATIM: Final = frozenset({"bundle", "policy", "input_digest"})
"""Digests that are the same for the same question, whoever it is about."""
NEW_EACH_TIME: Final = frozenset({"id", "exchange", "receipts"})
ADDRESS: Final = ("address_street", "address_postcode_town")
LINKED, UNLINKED, BLOCKED, EMPTY = "nasrin", "zofia", "leyla", "kwabena"
"""Persons whom the job centre may ask the register about (R40), each in another relation to it."""
CLOCK_HEADERS: Final = frozenset({"date"})

Table = dict[str, str]
"""Place to token."""


@dataclass
class Run:
    """What one run showed to outsiders, and what the asker was told."""

    table: Table
    told: Told

    @property
    def local(self) -> dict[str, Any]:
        """The local answer without ids and file names, which are new in every answer."""
        return {
            name: value for name, value in self.told.body.items() if name not in NEW_EACH_TIME
        } | {"receipts": len(self.told.receipts)}


def run(life: Life, told: Told) -> Run:
    """Take down everything that can be seen now."""
    return Run(observe(life, told.exchange), told)


def ask_register(life: Life, person: str) -> Told:
    """The job centre asks the register for an address (R40, R41)."""
    return life.office(JC).ask(person, MELDE, "P04", ADDRESS)


def observe(life: Life, exchange: str) -> Table:
    """Write down everything that messages, log and store show after an exchange."""
    messages = list(life.tap.messages)
    table: Table = {"messages": str(len(messages))}
    for number, message in enumerate(messages, start=1):
        table.update(_message(number, message))
    with life.engine() as engine:
        table.update(_log(life.reader(engine), exchange))
        table.update(_store(engine))
    return table


def leaks(one: Table, other: Table) -> list[str]:
    """Name every place where two runs differ, with both tokens; none: silence."""
    places = [*one, *(new for new in other if new not in one)]
    return [
        f"{place}: {one.get(place, 'nothing')} / {other.get(place, 'nothing')}"
        for place in places
        if one.get(place) != other.get(place)
    ]


def flat(value: Any, where: str) -> Iterator[tuple[str, str]]:
    """Take a JSON value apart, signed and proven parts included."""
    match value:
        case dict():
            yield f"{where} members", ",".join(value)
            for name, item in value.items():
                if name in VERBATIM:
                    yield f"{where}.{name}", str(item)
                else:
                    yield from flat(item, f"{where}.{name}")
        case list():
            yield f"{where} items", str(len(value))
            for number, item in enumerate(value):
                yield from flat(item, f"{where}[{number}]")
        case str():
            yield from _text(value, where)
        case bytes():
            yield where, f"<{len(value)} bytes>"
        case _:
            yield where, repr(value)


def masked(text: str) -> str:
    """Replace what is random by its length."""
    text = ULID.sub("<id>", text)
    return OPAQUE.sub(lambda found: f"<{len(found[0])}>", text)


def _text(text: str, where: str) -> Iterator[tuple[str, str]]:
    yield f"{where} length", str(len(text))
    if JWS.fullmatch(text):
        head, payload, signature = text.split(".")
        yield from flat(json.loads(_unb64(head)), f"{where} header")
        yield from flat(json.loads(_unb64(payload)), f"{where} payload")
        yield f"{where} signature", str(len(signature))
        return
    if text.startswith(("{", "[")):
        yield from flat(json.loads(text), where)
        return
    for number, line in enumerate(text.split("\n")):
        at = where if "\n" not in text else f"{where} line {number}"
        leaf = _leaf(line)
        if leaf is not None:
            yield from flat(leaf, f"{at} leaf")
        else:
            yield at, masked(line)


def _leaf(line: str) -> Any:
    """Read the log's leaf in a receipt's ``extra`` line; None: it is another line."""
    try:
        return json.loads(_unb64(line.rpartition(" ")[2])) if len(line) > 100 else None
    except (ValueError, binascii.Error):
        return None


def _unb64(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_" if _url(text) else None)


def _url(text: str) -> bool:
    return "-" in text or "_" in text


def _message(number: int, message: Message) -> Iterator[tuple[str, str]]:
    where = f"{number} {message.route} {message.kind}"
    yield f"{where} line", masked(f"{message.method} {message.path} {message.status}")
    yield f"{where} header names", ",".join(name for name, _ in message.headers)
    for name, value in message.headers:
        if name not in CLOCK_HEADERS:
            bearer = value.removeprefix("Bearer ")
            yield from flat(bearer, f"{where} header {name}")
    yield f"{where} body size", str(len(message.body))
    if message.body.startswith(b"{"):
        yield from flat(json.loads(message.body), f"{where} body")
    elif message.body:
        yield f"{where} body", masked(message.body.decode())


def _log(reader: LogReader, exchange: str) -> Iterator[tuple[str, str]]:
    found = reader.find(limit=1000)
    yield "log size", str(len(found))
    about = [one for one in found if json.loads(one.leaf).get("corr") == exchange]
    yield "log entries of the exchange", str(len(about))
    for number, entry in enumerate(about):
        leaf: Mapping[str, Any] = json.loads(entry.leaf)
        where = f"log entry {number} {leaf['kind']}"
        yield f"{where} size", str(len(entry.leaf))
        yield from flat(leaf, where)
        for one in leaf["details"]:
            sealed = reader.detail(entry.index, one["c"]).ciphertext
            yield f"{where} detail of {one['c']} size", str(len(sealed))


def _store(engine: Engine) -> Iterator[tuple[str, str]]:
    with engine.connect() as connection:
        for table in TABLES:
            rows = connection.execute(select(table)).mappings().all()
            yield f"table {table.name} rows", str(len(rows))
            # The keys are random, so that only the set of row shapes can be compared.
            shapes = sorted(
                repr(sorted(flat(dict(row), ""), key=lambda item: item[0])) for row in rows
            )
            for number, shape in enumerate(shapes):
                yield f"table {table.name} row {number}", shape
