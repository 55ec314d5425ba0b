# SPDX-License-Identifier: EUPL-1.2
"""Remembers used assertions in the shared database, so that no replica accepts one twice."""

from __future__ import annotations

import contextlib
import hashlib
from typing import TYPE_CHECKING, Final

from sqlalchemy import delete, insert
from sqlalchemy.exc import IntegrityError, OperationalError

from gateway.authn.errors import AssertionSpent
from gateway.authn.tables import used_jti

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from gateway.authn.assertion import VerifiedAssertion


FORGET_SECONDS: Final = 60
"""How often a process looks for rows whose assertion has expired."""


class UsedAssertions:
    """The single-use check of a client assertion; blocking, so called in a thread."""

    def __init__(self, engine: Engine) -> None:
        """Take the engine of the gateway's database."""
        self._engine = engine
        self._forget_at = 0

    def spend(self, assertion: VerifiedAssertion, *, now: int) -> None:
        """Use `assertion` up; durable and visible to every replica on return.

        The primary key decides between two replicas at the same instant. The stored key covers
        the agency, so that no agency can use up the ids of another, and hides what the agency
        chose as its id.

        Raises:
            AssertionSpent: it was used before.
        """
        key = hashlib.sha256(f"{assertion.agency}\n{assertion.jti}".encode()).hexdigest()
        try:
            with self._engine.begin() as connection:
                connection.execute(
                    insert(used_jti).values(jti=key, expires_at=assertion.keep_until)
                )
        except IntegrityError:
            raise AssertionSpent from None
        if now >= self._forget_at:
            self._forget_at = now + FORGET_SECONDS
            self._forget(now)

    def _forget(self, now: int) -> None:
        """Remove rows whose assertion could not be accepted any more."""
        # Two replicas may be at it together and one of them lose: a minute later is soon enough.
        with contextlib.suppress(OperationalError), self._engine.begin() as connection:
            connection.execute(delete(used_jti).where(used_jti.c.expires_at < now))
