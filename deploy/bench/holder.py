# SPDX-License-Identifier: EUPL-1.2
"""A fast stand-in for the holding connector: checks nothing, but opens and seals really.

The envelope is bound to the decision token, so it cannot be made beforehand. It answers orders,
and the plain proxy's calls with an envelope of the same size and the same work.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import secrets
import time
from typing import TYPE_CHECKING, Any, Final, cast

import uvloop

from deploy.bench.place import (
    ABH,
    EMPTY,
    FIELDS,
    JC,
    PURPOSE,
    VALUES,
    file_number,
    recipient_key,
)
from deploy.bench.processes import LOOPBACK, pin, when_closed
from keys import pseudonyms
from keys.context import ExchangeContext
from keys.detail import seal_detail
from keys.envelope import seal
from keys.model import AgencyId, ExchangeId, new_exchange_id
from keys.providers.base import KeyUse
from keys.strict_json import b64u, unb64u
from policies.catalogue import Catalogue

if TYPE_CHECKING:
    from collections.abc import Mapping
    from multiprocessing.connection import Connection

    from deploy.bench.place import Place
    from keys.envelope import Envelope
    from keys.strict_json import JsonValue

PLAIN_PATH: Final = "/plain"
ENVELOPE_SECONDS: Final = 3 * 86_400
DETAILS: Final = 16
NULLS: Final = dict.fromkeys(FIELDS)


class InsecureHolder:
    """Seals ten fields for whoever asks; for measuring only."""

    def __init__(self, place: Place) -> None:
        """Open the keys."""
        keys = place.keys(ABH)
        self._signer = keys.signer(KeyUse.SIG)
        self._opener = keys.opener(KeyUse.KEM)
        self._recipient = recipient_key(place.keys(JC), KeyUse.KEM)
        catalogue = Catalogue.load()
        self._version = catalogue.version
        self._pads = catalogue.pad_bytes
        audit_key = recipient_key(keys, KeyUse.AUDIT)
        said = {"role": "holder", "fields": list(FIELDS)}
        self._details = [
            b64u(seal_detail(said, controller=ABH, corr=secrets.token_hex(16), audit_key=audit_key))
            for _ in range(DETAILS)
        ]
        self._decoy = pseudonyms.decoy_reference(ABH, recipient_key(keys, KeyUse.KEM))
        self._served = 0

    def answer(self, path: str, body: bytes) -> bytes:
        """Answer one call."""
        if path == PLAIN_PATH:
            exchange = new_exchange_id(int(time.time() * 1000), secrets.token_bytes(10))
            digest = hashlib.sha256(body).digest()
            return self._answer(exchange, digest, "plain", self._version, self._decoy)
        order = _unverified_payload(json.loads(body)["order"])
        decision = _unverified_payload(order["decision"])
        return self._answer(
            ExchangeId(order["exchange"]),
            hashlib.sha256(order["decision"].encode("ascii")).digest(),
            decision["subject"],
            decision["catalogue"],
            unb64u(order["ref"]),
        )

    def _answer(
        self, exchange: ExchangeId, digest: bytes, subject: str, catalogue: str, reference: bytes
    ) -> bytes:
        number = pseudonyms.open_reference(reference, ABH, self._opener)
        known = number is not None and number != file_number(EMPTY, ABH)
        values = VALUES if known else NULLS
        envelope = self.sealed(exchange, digest, subject, catalogue, values)
        self._served += 1
        detail = self._details[self._served % DETAILS]
        return json.dumps({"envelope": envelope.to_wire(), "detail": detail}).encode("ascii")

    def sealed(
        self,
        exchange: ExchangeId,
        digest: bytes,
        subject: str,
        catalogue: str,
        values: Mapping[str, JsonValue] = VALUES,
    ) -> Envelope:
        """Seal values for the job centre; `digest` is that of the decision token."""
        now = int(time.time())
        context = ExchangeContext(
            source=ABH,
            recipient=AgencyId(JC),
            exchange=exchange,
            decision_token_hash=digest,
            purpose=PURPOSE.lower(),
            subject=subject,
            catalogue=catalogue,
            issued_at=now,
            expires_at=now + ENVELOPE_SECONDS,
            message_id=secrets.token_bytes(16),
        )
        return seal(
            context,
            values,
            pad_bytes=self._pads,
            recipient=self._recipient,
            signer=self._signer,
        )


def _unverified_payload(jws: str) -> Any:
    return json.loads(unb64u(jws.split(".")[1]))


class _Http(asyncio.Protocol):
    """HTTP/1.1 as far as one client needs it: POST with a length, connections stay open."""

    def __init__(self, holder: InsecureHolder) -> None:
        self._holder = holder
        self._waiting = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(  # type: ignore[explicit-override]  # typing.override is 3.12
        self, transport: asyncio.BaseTransport
    ) -> None:
        # uvloop's transports are no subclasses of asyncio's.
        self._transport = cast("asyncio.Transport", transport)

    def data_received(  # type: ignore[explicit-override]  # typing.override is 3.12
        self, data: bytes
    ) -> None:
        self._waiting += data
        while self._transport is not None:
            end = self._waiting.find(b"\r\n\r\n")
            if end < 0:
                return
            head = self._waiting[:end].decode("latin-1")
            length = _content_length(head)
            total = end + 4 + length
            if len(self._waiting) < total:
                return
            body, self._waiting = self._waiting[end + 4 : total], self._waiting[total:]
            answer = self._holder.answer(head.split(" ", 2)[1], body)
            self._transport.write(
                b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: "
                + str(len(answer)).encode("ascii")
                + b"\r\n\r\n"
                + answer
            )


def _content_length(head: str) -> int:
    for line in head.split("\r\n")[1:]:
        name, _, value = line.partition(":")
        if name.lower() == "content-length":
            return int(value)
    return 0


def main(pipe: Connection, place: Place, core: set[int]) -> None:
    """Serve until the pipe is closed; says the port first."""
    pin(core)
    uvloop.run(_serve(pipe, InsecureHolder(place)))


async def _serve(pipe: Connection, holder: InsecureHolder) -> None:
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    server = await loop.create_server(lambda: _Http(holder), LOOPBACK, 0)
    pipe.send(server.sockets[0].getsockname()[1])

    def end() -> None:
        loop.call_soon_threadsafe(ended.set)

    when_closed(pipe, end)
    await ended.wait()
    server.close()
