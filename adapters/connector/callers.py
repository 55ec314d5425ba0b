# SPDX-License-Identifier: EUPL-1.2
"""Who speaks to the local API: bearer tokens of which only the SHA-256 is configured."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Final

from fastapi import Depends, Request

from adapters.connector.errors import ProblemError
from adapters.connector.problems import NOT_FOR_ROLE, SIGN_IN
from adapters.connector.settings import Role

if TYPE_CHECKING:
    from collections.abc import Sequence

    from adapters.connector.settings import TokenSettings

MAX_TOKEN_CHARACTERS: Final = 512


@dataclass(frozen=True, slots=True)
class LocalCaller:
    """A configured caller."""

    name: str
    role: Role

    @property
    def is_head(self) -> bool:
        """True for the head of the agency."""
        return self.role is Role.HEAD


class LocalCallers:
    """Recognises callers by their token."""

    def __init__(self, tokens: Sequence[TokenSettings]) -> None:
        """Take the configured hashes."""
        self._known = tuple(
            (bytes.fromhex(token.sha256), LocalCaller(token.name, token.role)) for token in tokens
        )

    def recognise(self, header: str | None) -> LocalCaller:
        """Find the caller; every configured hash is compared, in constant time.

        Raises:
            ProblemError: SIGN_IN.
        """
        scheme, _, token = (header or "").partition(" ")
        if scheme.lower() != "bearer" or not 0 < len(token) <= MAX_TOKEN_CHARACTERS:
            raise ProblemError(SIGN_IN)
        digest = hashlib.sha256(token.encode("utf-8", errors="replace")).digest()
        found: LocalCaller | None = None
        for known, caller in self._known:
            if hmac.compare_digest(known, digest):
                found = caller
        if found is None:
            raise ProblemError(SIGN_IN)
        return found


def _anyone(request: Request) -> LocalCaller:
    callers: LocalCallers = request.app.state.callers
    return callers.recognise(request.headers.get("authorization"))


def _person(request: Request) -> LocalCaller:
    caller = _anyone(request)
    if caller.role is Role.SYSTEM:
        raise ProblemError(NOT_FOR_ROLE)
    return caller


Anyone = Annotated[LocalCaller, Depends(_anyone)]
"""A system or a clerk of this agency."""
Official = Annotated[LocalCaller, Depends(_person)]
"""A clerk or the head of this agency: a decision about a person's data is made by a person."""
