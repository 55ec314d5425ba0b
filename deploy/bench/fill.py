# SPDX-License-Identifier: EUPL-1.2
"""Fills a database before the measurement: persons, permissions, log entries.

The cost of an exchange must not grow with them. Rows are written as the gateway
writes them, under its own keys, only many at a time.
"""

from __future__ import annotations

import itertools
import json
import secrets
import time
import uuid
from typing import TYPE_CHECKING, Final, TypeVar

from sqlalchemy import insert

from audit.log import LogWriter
from deploy.bench.parts import log_entry, writing
from deploy.bench.place import ABH, FIELDS, JC, LOG_ORIGIN, PURPOSE
from gateway.app import open_keyring
from gateway.store.database import migrate, open_engine
from gateway.store.tables import link_agency, link_person, permission
from keys import linkrows
from keys.model import BlindIndex, UnlockValue
from keys.providers.base import KeyUse
from keys.strict_json import b64u

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from sqlalchemy import Connection

    from gateway.settings import Settings
    from keys.model import SubjectId
    from keys.providers.base import HmacKey

T = TypeVar("T")

PERSONS: Final = 50_000
"""Each with a file at both agencies: two rows of either kind."""
PERMISSIONS: Final = 100_000
ENTRIES: Final = 200_000
BATCH: Final = 2_000
LOG_BATCH: Final = 512
YEAR_SECONDS: Final = 365 * 86_400


def fill_up(settings: Settings, say: Callable[[str], None]) -> None:
    """Write everything; takes a minute or two."""
    keyring = open_keyring(settings)
    engine = open_engine(settings.database_url)
    migrate(engine)
    link_key = keyring.hmac_key(KeyUse.LINK)
    say(f"filling: {PERSONS} persons, {PERMISSIONS} permissions")
    people = [linkrows.new_subject_id() for _ in range(PERSONS)]
    each = PERMISSIONS // PERSONS
    for some in _batches(people, BATCH):
        with engine.begin() as connection:
            _links(connection, link_key, some)
            _permissions(connection, link_key, some, each)
    say(f"filling: {ENTRIES} log entries")
    writer = LogWriter(
        engine, keyring.log_signer(), LOG_ORIGIN, keyring.wrap_key(), lambda: int(time.time())
    )
    for numbers in _batches(range(ENTRIES), LOG_BATCH):
        for future in [writer.submit(writing(log_entry())) for _ in numbers]:
            future.result()
    writer.close()
    engine.dispose()


def _batches(items: Iterable[T], size: int) -> Iterator[list[T]]:
    iterator = iter(items)
    while batch := list(itertools.islice(iterator, size)):
        yield batch


def _links(connection: Connection, key: HmacKey, people: list[SubjectId]) -> None:
    first, second = [], []
    for person in people:
        for agency in (ABH, JC):
            index, unlock = secrets.token_bytes(32), secrets.token_bytes(32)
            t1_key = linkrows.t1_key(key, agency, BlindIndex(index))
            sealed = linkrows.seal_t1(key, UnlockValue(unlock), person)
            first.append({"key": t1_key, "sealed": sealed})
            row = linkrows.LinkRow(secrets.token_bytes(145), t1_key)
            second.append(
                {
                    "key": linkrows.t2_key(key, person, agency),
                    "sealed": linkrows.seal_t2(key, person, agency, row),
                }
            )
    connection.execute(insert(link_agency), first)
    connection.execute(insert(link_person), second)


def _permissions(connection: Connection, key: HmacKey, people: list[SubjectId], each: int) -> None:
    now = int(time.time())
    rows = [
        {
            "id": str(uuid.uuid4()),
            "consent_index": b64u(linkrows.consent_index(key, person)),
            "type": "consent",
            "from_agency": ABH,
            "to_agency": JC,
            "purpose": PURPOSE,
            "fields": json.dumps(FIELDS),
            "single_use": False,
            "preview_confirmed": False,
            "state": "given",
            "spent_by": None,
            "valid_from": now - 1,
            "valid_until": now + YEAR_SECONDS,
            "record": "{}",
        }
        for person in people
        for _ in range(each)
    ]
    connection.execute(insert(permission), rows)
