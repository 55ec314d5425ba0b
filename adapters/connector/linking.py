# SPDX-License-Identifier: EUPL-1.2
"""The link ceremony at the counter: two agencies learn that their files are about one person.

The person carries the code from one counter to the other. The gateway gets half of it, and values
that it can only compare; names and birth dates are never told.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters.connector.errors import (
    CheckFailed,
    GatewayRefused,
    GatewaySilent,
    GatewayUnreachable,
    ProblemError,
)
from adapters.connector.problems import (
    AGENCY_LIST,
    FILE_UNKNOWN,
    GATEWAY_REFUSED,
    GATEWAY_SILENT,
    GATEWAY_UNREACHABLE,
    GATEWAY_UNTRUE,
    LINK_CHECK,
    NOT_IN_CATALOGUE,
    SOURCE_UNAVAILABLE,
)
from adapters.errors import SourceError
from keys.errors import KeysError
from keys.pseudonyms import (
    LOOKUP_BYTES,
    SECRET_BYTES,
    LinkCode,
    blind_index,
    link_check,
    new_link_code,
    normalise_file_number,
    seal_reference,
    unlock_value,
)
from keys.strict_json import b64u

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from adapters.connector.office import Office
    from keys.strict_json import JsonLike

NOT_LINKED = frozenset({404, 409, 410})


class Linking:
    """Makes codes and uses them."""

    def __init__(self, office: Office) -> None:
        """Take the office's parts."""
        self._office = office

    async def new_code(self, file_number: str) -> str:
        """Register this file under a fresh code, and give the code for paper.

        Raises:
            ProblemError: no single file, or the gateway is not there.
        """
        code = new_link_code(self._office.randomness(LOOKUP_BYTES + SECRET_BYTES))
        half = await self._half(file_number, code)
        await self._call(self._office.client.link_code(half))
        return code.text

    async def use_code(self, text: str, file_number: str) -> None:
        """Link this file with the one the code was made for.

        Raises:
            ProblemError: no single file, a wrong or old code, other identity data.
        """
        try:
            code = LinkCode.parse(text)
        except KeysError:
            raise ProblemError(LINK_CHECK) from None
        await self._call(self._office.client.link(await self._half(file_number, code)))

    async def _half(self, text: str, code: LinkCode) -> dict[str, JsonLike]:
        office = self._office
        agencies = await office.agencies.current()
        try:
            file_number = normalise_file_number(text)
        except KeysError:
            raise ProblemError(NOT_IN_CATALOGUE, places=("file_number",)) from None
        if office.source is None:
            raise ProblemError(SOURCE_UNAVAILABLE)
        try:
            identity = await office.source.identity(file_number)
        except SourceError as error:
            raise ProblemError(SOURCE_UNAVAILABLE) from error
        if identity is None:
            raise ProblemError(FILE_UNKNOWN)
        try:
            check = link_check(code.secret, identity.family_name, identity.birth_date)
        except KeysError:
            raise ProblemError(FILE_UNKNOWN) from None
        try:
            reference = seal_reference(file_number, office.me, agencies.kem_key(office.me))
        except KeysError as error:
            raise ProblemError(AGENCY_LIST) from error
        return {
            "lookup": b64u(code.lookup),
            "index": b64u(blind_index(office.keys.index, office.me, file_number)),
            "unlock": b64u(unlock_value(office.keys.index, office.me, file_number)),
            "ref": b64u(reference),
            "check": b64u(check),
        }

    async def _call(self, call: Awaitable[None]) -> None:
        try:
            await call
        except GatewayUnreachable as error:
            raise ProblemError(GATEWAY_UNREACHABLE) from error
        except GatewaySilent as error:
            raise ProblemError(GATEWAY_SILENT) from error
        except GatewayRefused as error:
            row = LINK_CHECK if error.status in NOT_LINKED else GATEWAY_REFUSED
            raise ProblemError(row, gateway_problem=error.code) from error
        except CheckFailed as error:
            raise ProblemError(GATEWAY_UNTRUE, check=error.check) from error
