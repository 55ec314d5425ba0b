# SPDX-License-Identifier: EUPL-1.2
"""A log in memory with real checkpoints and proofs, which a test can fork, roll back or rewrite."""

from __future__ import annotations

import base64
from collections.abc import Sequence

from audit.checkpoint import Checkpoint, log_key, sign_checkpoint
from audit.entry import Entry
from audit.merkle import (
    complete_root,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    range_root,
)
from audit.proof import Receipt
from keys.providers.base import LogSigner


class SimulatedLog:
    """Appends leaves and proves them; keeps no promise that a test does not want kept."""

    def __init__(self, origin: str, signer: LogSigner) -> None:
        """Begin empty."""
        self.origin = origin
        self.signer = signer
        self.leaves: list[bytes] = []

    @property
    def vkey(self) -> str:
        """The verifier key for the agency list."""
        return log_key(self.origin, self.signer).to_text()

    def append(self, entry: Entry) -> Receipt:
        """Append one entry and give its receipt."""
        self.leaves.append(entry.leaf(len(self.leaves)))
        return self.receipt(len(self.leaves) - 1)

    def receipt(self, index: int) -> Receipt:
        """Prove an entry in the tree as it is now."""
        size = len(self.leaves)
        return Receipt(
            leaf=self.leaves[index],
            index=index,
            path=inclusion_proof(index, size, self._node),
            checkpoint=sign_checkpoint(
                Checkpoint(self.origin, size, range_root(0, size, self._node)), self.signer
            ),
        )

    def consistency(self, old: int, new: int) -> Sequence[bytes]:
        """Prove that the tree of `new` entries continues that of `old`, as far as it does."""
        return consistency_proof(old, min(new, len(self.leaves)), self._node)

    def prove(self, old: int, new: int) -> list[str]:
        """Give that proof as it travels: standard base64."""
        return [base64.b64encode(part).decode() for part in self.consistency(old, new)]

    def _node(self, level: int, number: int) -> bytes:
        hashes = [leaf_hash(leaf) for leaf in self.leaves]
        return complete_root(hashes[number << level : (number + 1) << level])
