# SPDX-License-Identifier: EUPL-1.2
"""Receipts under the pinned log key, and the memory that makes a forked or rolled-back log visible.

Every checkpoint that arrives, in any receipt, must fit the last one seen: the same size has the
same root, a larger tree continues ours, a smaller one is a beginning of ours (promise P7).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from adapters.connector.checks import Check
from adapters.connector.errors import CheckFailed
from adapters.connector.store import watch
from adapters.connector.store.watch import SeenCheckpoint
from audit.checkpoint import open_checkpoint
from audit.errors import AuditError
from audit.merkle import leaf_hash, verify_continuation, verify_inclusion
from audit.note import VerifierKey
from audit.proof import TlogProof
from keys.errors import KeysError
from keys.strict_json import loads

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from adapters.connector.store.database import Store
    from keys.strict_json import JsonValue

MAX_LEAF_BYTES = 8_192
"""Largest leaf (audit.entry)."""


@dataclass(frozen=True, slots=True)
class CheckedReceipt:
    """A receipt that verifies under the pinned log key; its log may still be forked."""

    text: str
    leaf: Mapping[str, JsonValue]
    index: int
    log_key: str
    checkpoint: SeenCheckpoint

    @property
    def kind(self) -> str:
        """What the entry says happened."""
        return str(self.leaf.get("kind"))


def check_receipt(unverified_text: str, log_key: str) -> CheckedReceipt:
    """Verify one receipt: signature of the checkpoint, and that the leaf leads to its root.

    Raises:
        CheckFailed: RECEIPT.
    """
    try:
        proof = TlogProof.from_text(unverified_text)
        seen = open_checkpoint(proof.checkpoint, [VerifierKey.parse(log_key)])
        if proof.extra is None:
            raise CheckFailed(Check.RECEIPT)
        verify_inclusion(proof.index, seen.size, leaf_hash(proof.extra), proof.path, seen.root)
        leaf = loads(proof.extra, max_bytes=MAX_LEAF_BYTES)
    except (AuditError, KeysError, ValueError):
        raise CheckFailed(Check.RECEIPT) from None
    if not isinstance(leaf, dict) or leaf.get("idx") != proof.index:
        raise CheckFailed(Check.RECEIPT)
    return CheckedReceipt(
        text=unverified_text,
        leaf=leaf,
        index=proof.index,
        log_key=log_key,
        checkpoint=SeenCheckpoint(size=seen.size, root=seen.root, note=proof.checkpoint),
    )


@dataclass(frozen=True, slots=True)
class LeafMustSay:
    """What the entry of this exchange must contain; None means that it is not compared."""

    kind: str
    outcomes: frozenset[str]
    exchange: str
    source: str
    recipient: str
    by: str
    purpose: str
    statement_hash: bytes
    decision_hash: bytes | None
    bundle: str | None
    fields: tuple[str, ...] | None


def check_leaf(receipt: CheckedReceipt, must: LeafMustSay) -> None:
    """Compare the entry with what arrived beside it.

    Raises:
        CheckFailed: RECEIPT_LEAF.
    """
    leaf = receipt.leaf
    expected: dict[str, object] = {
        "kind": must.kind,
        "corr": must.exchange,
        "dir": {"by": must.by, "from": must.source, "to": must.recipient},
        "purpose": must.purpose,
        "stmt": must.statement_hash.hex(),
    }
    if must.decision_hash is not None:
        expected["dec"] = must.decision_hash.hex()
    if must.bundle is not None:
        expected["policy"] = must.bundle
    if must.fields is not None:
        expected["fields"] = sorted(must.fields)
    if any(leaf.get(name) != value for name, value in expected.items()):
        raise CheckFailed(Check.RECEIPT_LEAF)
    if leaf.get("outcome") not in must.outcomes:
        raise CheckFailed(Check.RECEIPT_LEAF)


class LogWatch:
    """Remembers the last checkpoint of each log and demands that the log only grows."""

    def __init__(
        self, store: Store, fetch_proof: Callable[[int, int], Awaitable[tuple[bytes, ...]]]
    ) -> None:
        """Take the memory and the way to a consistency proof (old size, new size)."""
        self._store = store
        self._fetch_proof = fetch_proof

    async def observe(self, receipt: CheckedReceipt) -> None:
        """Compare a receipt's checkpoint with the last one seen, and move forward.

        Raises:
            CheckFailed: LOG_CONSISTENCY: the log was forked, rolled back or rewritten.
            GatewayUnreachable, GatewaySilent, GatewayRefused: no proof could be had; not checked.
        """
        new = receipt.checkpoint
        while True:
            last = await self._store.run(
                lambda connection: watch.last_checkpoint(connection, receipt.log_key)
            )
            if last is not None:
                await self._compare(last, new)
                if new.size <= last.size:
                    return
            if await self._move(receipt.log_key, last, new):
                return
            # Another exchange moved it meanwhile: compare with that one too.

    async def _move(self, log_key: str, old: SeenCheckpoint | None, new: SeenCheckpoint) -> bool:
        return await self._store.run(
            lambda connection: watch.move_checkpoint(connection, log_key, old, new)
        )

    async def _compare(self, last: SeenCheckpoint, new: SeenCheckpoint) -> None:
        if new.size == last.size:
            if new.root != last.root:
                raise CheckFailed(Check.LOG_CONSISTENCY)
            return
        old, grown = (last, new) if last.size < new.size else (new, last)
        if old.size == 0:
            return
        proof = await self._fetch_proof(old.size, grown.size)
        try:
            verify_continuation(old.size, grown.size, old.root, grown.root, proof)
        except AuditError:
            raise CheckFailed(Check.LOG_CONSISTENCY) from None
