# SPDX-License-Identifier: EUPL-1.2
"""Two logs that do wrong, for ``lotse demo --once --break``; see ``deploy.demo.insecure``."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric import ed25519

from audit.checkpoint import peek_checkpoint, sign_checkpoint

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection

    from audit.entry import PendingEntry
    from audit.log import LogWriter
    from audit.proof import Receipt
    from audit.waiting import Appended

    Work = Callable[[Connection], PendingEntry | list[PendingEntry]]


class InsecureReceipts:
    """Hands out receipts that another key signed than the log's."""

    def __init__(self, honest: LogWriter) -> None:
        """Stand in front of the honest writer."""
        self._honest = honest
        self._key = ed25519.Ed25519PrivateKey.generate()
        self.submit = honest.submit

    async def append(self, work: Work) -> Appended:
        """Write honestly, prove dishonestly."""
        appended = await self._honest.append(work)
        return replace(appended, entries=tuple(self._forge(one) for one in appended.entries))

    def sign(self, data: bytes) -> bytes:
        """Sign with the wrong key."""
        return self._key.sign(data)

    def public_bytes(self) -> bytes:
        """Give the wrong key's public half."""
        return self._key.public_key().public_bytes_raw()

    def _forge(self, receipt: Receipt) -> Receipt:
        return replace(
            receipt, checkpoint=sign_checkpoint(peek_checkpoint(receipt.checkpoint), self)
        )


class InsecureForgetfulLog:
    """Rewrites in the database what it wrote before."""

    def __init__(self, honest: LogWriter) -> None:
        """Stand in front of the honest writer."""
        self._honest = honest
        self.submit = honest.submit

    async def append(self, work: Work) -> Appended:
        """Append the new entry and change the outcome of older ones."""

        def forgetful(connection: Connection) -> PendingEntry | list[PendingEntry]:
            done = work(connection)
            connection.exec_driver_sql("DROP TRIGGER IF EXISTS audit_entry_no_update")
            rows = connection.exec_driver_sql(
                "SELECT log_id, idx, leaf FROM audit_entry WHERE outcome = 'deny'"
            ).all()
            for row in rows:
                leaf = bytes(row.leaf).replace(b'"outcome":"deny"', b'"outcome":"hold"')
                connection.exec_driver_sql(
                    "UPDATE audit_entry SET leaf = ? WHERE log_id = ? AND idx = ?",
                    (leaf, row.log_id, row.idx),
                )
            return done

        return await self._honest.append(forgetful)
