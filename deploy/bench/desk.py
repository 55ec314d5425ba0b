# SPDX-License-Identifier: EUPL-1.2
"""The asking agency: signs enquiries beforehand, as its connector would at the time."""

from __future__ import annotations

import hashlib
import http.client
import json
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

from deploy.bench.place import (
    ABH,
    DECLARED,
    FIELDS,
    ISSUER,
    JC,
    PURPOSE,
    file_number,
    recipient_key,
)
from deploy.bench.processes import LOOPBACK
from gateway.authn.metadata import ASSERTION_TYPE, TOKEN_PATH
from keys import messages, pseudonyms
from keys.detail import seal_detail
from keys.model import BlindIndex, FileNumber
from keys.providers.base import KeyUse
from keys.strict_json import b64u

if TYPE_CHECKING:
    from deploy.bench.place import Place
    from keys.model import AgencyId
    from keys.providers.file import FileKeyring

STATEMENT_SECONDS: Final = 290
"""Just below the longest life the gateway accepts: a run plays statements of up to this age."""
DETAILS: Final = 16
"""Sealed details that are made once and taken in turn; the gateway cannot tell."""


class Unexpected(Exception):
    """The gateway did not do what the preparation needs."""


@dataclass(slots=True)
class Desk:
    """One agency, with its keys and a clock."""

    id: AgencyId
    keys: FileKeyring
    kem_kid: str = field(init=False)
    _details: list[tuple[str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Seal the details."""
        audit_key = recipient_key(self.keys, KeyUse.AUDIT)
        self.kem_kid = self.keys.kids(KeyUse.KEM)[0]
        for _ in range(DETAILS):
            said = {"role": "asker", "purpose": PURPOSE, "fields": list(FIELDS)}
            sealed = seal_detail(
                said, controller=self.id, corr=secrets.token_hex(16), audit_key=audit_key
            )
            self._details.append((b64u(sealed), hashlib.sha256(sealed).hexdigest()))

    def enquiry(self, person: str, number: int, now: int) -> bytes:
        """Make the body of one pull of ten fields; `number` only chooses the detail."""
        detail, detail_hash = self._details[number % DETAILS]
        nonce = secrets.token_bytes(16)
        index, subject = self._subject(person)
        statement = messages.sign_statement(
            messages.Statement(
                issuer=self.id,
                direction="pull",
                source=ABH,
                recipient=JC,
                purpose=PURPOSE,
                trigger="on_request",
                fields=FIELDS,
                declared=dict(DECLARED),
                recipient_kid=self.keys.kids(KeyUse.KEM)[0],
                nonce=nonce,
                subject=messages.subject_commitment(nonce, index),
                detail=detail_hash,
                issued_at=now,
                expires_at=now + STATEMENT_SECONDS,
            ),
            self.keys.signer(KeyUse.SIG),
        )
        body = {"statement": statement, "subject": subject, "detail": detail}
        return json.dumps(body).encode("ascii")

    def sign_in(self, port: int, now: int) -> str:
        """Change a client assertion for an access token."""
        assertion = messages.client_assertion(
            self.id, ISSUER, self.keys.signer(KeyUse.AUTH), now, secrets.token_hex(16)
        )
        form = {
            "grant_type": "client_credentials",
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": assertion,
        }
        sent = urlencode(form).encode("ascii")
        kind = "application/x-www-form-urlencoded"
        return str(post(port, TOKEN_PATH, sent, content_type=kind)["access_token"])

    def half(self, person: str, lookup: bytes, secret: bytes) -> bytes:
        """Make this agency's half of the code ceremony for a person."""
        number = FileNumber(file_number(person, self.id))
        _, subject = self._subject(person)
        reference = pseudonyms.seal_reference(number, self.id, recipient_key(self.keys, KeyUse.KEM))
        check = pseudonyms.link_check(secret, person, "1990-01-01")
        half = {"lookup": b64u(lookup), **subject, "ref": b64u(reference), "check": b64u(check)}
        return json.dumps(half).encode("ascii")

    def _subject(self, person: str) -> tuple[BlindIndex, dict[str, str]]:
        key = self.keys.hmac_key(KeyUse.INDEX)
        number = FileNumber(file_number(person, self.id))
        index = pseudonyms.blind_index(key, self.id, number)
        unlock = pseudonyms.unlock_value(key, self.id, number)
        return index, {"index": b64u(index), "unlock": b64u(unlock)}


def post(
    port: int, path: str, body: bytes, token: str = "", *, content_type: str = "application/json"
) -> dict[str, Any]:
    """Call the gateway once, outside the measurement.

    Raises:
        Unexpected: the answer is not a success.
    """
    headers = {"Content-Type": content_type}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=30)
    try:
        connection.request("POST", path, body, headers)
        response = connection.getresponse()
        answer = json.loads(response.read())
    finally:
        connection.close()
    if response.status >= http.HTTPStatus.BAD_REQUEST or not isinstance(answer, dict):
        raise Unexpected(f"{path}: {response.status}")
    return answer


def link(place: Place, port: int, persons: tuple[str, ...], now: int) -> None:
    """Hold the code ceremony for the invented persons that are to be linked."""
    one, other = (Desk(agency, place.keys(agency)) for agency in (ABH, JC))
    tokens = {desk.id: desk.sign_in(port, now) for desk in (one, other)}
    for person in persons:
        lookup, secret = secrets.token_bytes(5), secrets.token_bytes(10)
        post(port, "/v1/links/codes", one.half(person, lookup, secret), tokens[one.id])
        post(port, "/v1/links", other.half(person, lookup, secret), tokens[other.id])
