# SPDX-License-Identifier: EUPL-1.2
"""Calls the gateway: signs in with ``private_key_jwt`` (RFC 7523), keeps the token, sends, reads strictly."""

from __future__ import annotations

import base64
import re
import ssl
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

from adapters import http
from adapters.connector.checks import Check
from adapters.connector.errors import (
    CheckFailed,
    GatewayRefused,
    GatewaySilent,
    GatewayUnreachable,
)
from keys.errors import KeysError
from keys.keylist import MAX_DOCUMENT_BYTES
from keys.messages import client_assertion
from keys.strict_json import b64u, dumps, loads

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import httpx

    from adapters.connector.settings import GatewaySettings
    from keys.jws import Signer
    from keys.model import AgencyId, ExchangeId
    from keys.strict_json import JsonLike, JsonValue

ASSERTION_TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
"""RFC 7521 section 4.2, RFC 7523 section 2.2."""
RENEW_BEFORE_SECONDS: Final = 30
"""A token this close to its end is not used any more."""
MAX_TOKEN_LIFE_SECONDS: Final = 300
MAX_PROOF_HASHES: Final = 64

_CODE: Final = re.compile(r"[a-z0-9]+(-[a-z0-9]+){0,9}")
_OK: Final = frozenset({200, 201})
_UNAUTHORISED: Final = 401


class GatewayClient:
    """One agency's way to the gateway."""

    def __init__(
        self,
        settings: GatewaySettings,
        agency: AgencyId,
        signer: Signer,
        *,
        clock: Callable[[], int],
        randomness: Callable[[int], bytes],
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        """Take the address, who signs in and with which key (use AUTH)."""
        verify: ssl.SSLContext | bool = True
        if settings.ca_file is not None:
            verify = ssl.create_default_context(cafile=settings.ca_file)
        self._client = http.new_client(
            settings.url,
            connect_seconds=settings.connect_seconds,
            answer_seconds=settings.answer_seconds,
            verify=verify,
            transport=transport,
        )
        self._issuer = settings.issuer
        self._agency = agency
        self._signer = signer
        self._clock = clock
        self._randomness = randomness
        self._token: str | None = None
        self._token_until = 0

    async def close(self) -> None:
        """Give connections back."""
        await self._client.aclose()

    # --- calls ----------------------------------------------------------------------------
    # All raise GatewayUnreachable, GatewaySilent, GatewayRefused, CheckFailed(SHAPE).

    async def agency_list(self) -> bytes:
        """Fetch the signed agency list; whoever reads it verifies it."""
        reply = await self._send("GET", "/v1/agencies", max_bytes=MAX_DOCUMENT_BYTES)
        if reply.status not in _OK:
            raise _refusal(reply)
        return reply.unverified_body

    async def exchange(self, body: Mapping[str, JsonLike]) -> dict[str, JsonValue]:
        """Send an enquiry (step 1) and wait for what step 11 answers."""
        return await self._call("POST", "/v1/exchanges", body)

    async def exchange_status(self, exchange: ExchangeId) -> dict[str, JsonValue]:
        """Ask where an exchange stands."""
        return await self._call("GET", f"/v1/exchanges/{exchange}")

    async def deliver(self, body: Mapping[str, JsonLike]) -> dict[str, JsonValue]:
        """Announce a delivery of our own (push)."""
        return await self._call("POST", "/v1/deliveries", body)

    async def put_result(self, exchange: ExchangeId, body: bytes) -> dict[str, JsonValue]:
        """Hand in the sealed result of a push or of a released order: exactly these bytes."""
        return await self._call("PUT", f"/v1/deliveries/{exchange}/result", raw=body)

    async def release(self, exchange: ExchangeId, body: bytes) -> dict[str, JsonValue]:
        """Tell that a person decided about a held order: exactly these bytes."""
        return await self._call("POST", f"/v1/exchanges/{exchange}/release", raw=body)

    async def mailbox(self) -> dict[str, JsonValue]:
        """List what waits for this agency."""
        return await self._call("GET", "/v1/mailbox")

    async def pick_up(self, exchange: ExchangeId) -> dict[str, JsonValue]:
        """Take one result out; the gateway records the release before it answers."""
        return await self._call("POST", f"/v1/mailbox/{exchange}/pickup")

    async def acknowledge(self, exchange: ExchangeId) -> None:
        """Say that the result is safe here."""
        reply = await self._authorised("DELETE", f"/v1/mailbox/{exchange}", None)
        if not 200 <= reply.status < 300:  # noqa: PLR2004 - any success
            raise _refusal(reply)

    async def link_code(self, body: Mapping[str, JsonLike]) -> None:
        """Register our half of a link under a fresh code."""
        await self._done("/v1/links/codes", body)

    async def link(self, body: Mapping[str, JsonLike]) -> None:
        """Complete a link with the other half's code."""
        await self._done("/v1/links", body)

    async def consistency(self, old: int, new: int) -> tuple[bytes, ...]:
        """Fetch the proof that the log of `new` entries continues the one of `old`.

        Hashes are in standard base64, as everywhere in the log's formats (C2SP).
        """
        answer = await self._call("GET", "/v1/log/consistency", params={"old": old, "new": new})
        proof = answer.get("proof")
        if set(answer) != {"proof"} or not isinstance(proof, list):
            raise CheckFailed(Check.SHAPE)
        if len(proof) > MAX_PROOF_HASHES:
            raise CheckFailed(Check.SHAPE)
        try:
            return tuple(base64.b64decode(str(item), validate=True) for item in proof)
        except ValueError:
            raise CheckFailed(Check.SHAPE) from None

    # --- underneath -------------------------------------------------------------------------

    async def _done(self, path: str, body: Mapping[str, JsonLike]) -> None:
        reply = await self._authorised("POST", path, dumps(body))
        if not 200 <= reply.status < 300:  # noqa: PLR2004 - any success
            raise _refusal(reply)

    async def _call(
        self,
        method: str,
        path: str,
        body: Mapping[str, JsonLike] | None = None,
        *,
        raw: bytes | None = None,
        params: Mapping[str, int] | None = None,
    ) -> dict[str, JsonValue]:
        content = dumps(body) if body is not None else raw
        reply = await self._authorised(method, path, content, params)
        if reply.status not in _OK:
            raise _refusal(reply)
        return _object(reply.unverified_body)

    async def _authorised(
        self,
        method: str,
        path: str,
        content: bytes | None,
        params: Mapping[str, int] | None = None,
    ) -> http.Reply:
        for attempt in (1, 2):
            token = await self._access_token()
            reply = await self._send(method, path, content, token=token, params=params)
            if reply.status != _UNAUTHORISED or attempt == 2:  # noqa: PLR2004 - the second and last
                return reply
            # A 401 means the call was not looked at: the gateway restarted or changed its key.
            self._token = None
        raise GatewaySilent

    async def _send(
        self,
        method: str,
        path: str,
        content: bytes | None = None,
        *,
        token: str | None = None,
        params: Mapping[str, int] | None = None,
        max_bytes: int = http.MAX_ANSWER_BYTES,
    ) -> http.Reply:
        headers = {"Accept": "application/json"}
        if content is not None:
            headers["Content-Type"] = "application/json"
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        query = None if params is None else {name: str(value) for name, value in params.items()}
        try:
            return await http.call(
                self._client,
                method,
                path,
                content=content,
                headers=headers,
                params=query,
                max_bytes=max_bytes,
            )
        except http.NotConnected as error:
            raise GatewayUnreachable from error
        except http.NoAnswer as error:
            raise GatewaySilent from error

    async def _access_token(self) -> str:
        now = self._clock()
        if self._token is not None and now < self._token_until:
            return self._token
        assertion = client_assertion(
            self._agency, self._issuer, self._signer, now, b64u(self._randomness(16))
        )
        form = urlencode(
            {
                "grant_type": "client_credentials",
                "client_assertion_type": ASSERTION_TYPE,
                "client_assertion": assertion,
            }
        )
        try:
            reply = await http.call(
                self._client,
                "POST",
                "/oauth/token",
                content=form.encode("ascii"),
                headers={"Content-Type": "application/x-www-form-urlencoded"},
            )
        except (http.NotConnected, http.NoAnswer) as error:
            raise GatewayUnreachable from error  # nothing of the enquiry left this agency
        if reply.status not in _OK:
            raise _refusal(reply)
        answer = _object(reply.unverified_body)
        token, life = answer.get("access_token"), answer.get("expires_in")
        if not isinstance(token, str) or type(life) is not int or not token.isascii():
            raise CheckFailed(Check.SHAPE)
        self._token = token
        self._token_until = now + min(life, MAX_TOKEN_LIFE_SECONDS) - RENEW_BEFORE_SECONDS
        return token


def _object(unverified_body: bytes) -> dict[str, JsonValue]:
    try:
        value = loads(unverified_body, max_bytes=http.MAX_ANSWER_BYTES)
    except KeysError:
        raise CheckFailed(Check.SHAPE) from None
    if not isinstance(value, dict):
        raise CheckFailed(Check.SHAPE)
    return value


def _refusal(reply: http.Reply) -> GatewayRefused:
    """Keep the status and, if it is a plain code word, the last part of the problem's type."""
    code = "unnamed"
    try:
        value = loads(reply.unverified_body, max_bytes=http.MAX_ANSWER_BYTES)
    except KeysError:
        value = None
    if isinstance(value, dict):
        name = value.get("type") or value.get("error")  # RFC 9457, or RFC 6749 section 5.2
        if isinstance(name, str):
            last = name.rpartition("/")[2].replace("_", "-")
            if _CODE.fullmatch(last) is not None and len(last) <= 64:  # noqa: PLR2004 - no longer than any code
                code = last
    return GatewayRefused(reply.status, code)
