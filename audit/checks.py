# SPDX-License-Identifier: EUPL-1.2
"""Check receipts, checkpoints and whole logs, trusting nobody but the keys one brings along.

Pure functions of what they are given, but for `verify_log`, which reads the files of an export.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from audit.checkpoint import Checkpoint
from audit.errors import (
    ConsistencyInvalid,
    EntryBroken,
    InclusionInvalid,
    TamperEvidence,
    UnusableInput,
)
from audit.exportfiles import ExportFiles
from audit.fullcheck import FullCheck, LogReport, Progress
from audit.merkle import EMPTY_ROOT, leaf_hash, verify_continuation, verify_inclusion
from audit.policy import Policy
from audit.proof import TlogProof

MAX_LEAF_BYTES = 8192
"""The log takes no larger entry."""


@dataclass(frozen=True, slots=True)
class VerifiedReceipt:
    """An entry that is in the log, by the word of the trusted key alone."""

    leaf: dict[str, Any]
    index: int
    size: int
    root: bytes
    origin: str
    checkpoint: Checkpoint


def verify_receipt(unverified_text: str, trust: str | Policy) -> VerifiedReceipt:
    """Check a receipt; `trust` is the log's verifier key, or a policy.

    Raises:
        UnusableInput: not a receipt with a leaf, or not a key.
        SignatureInvalid: the checkpoint is not signed by a trusted log, or by too few witnesses.
        InclusionInvalid: the leaf is not the entry that the checkpoint covers.
    """
    policy = Policy.for_log(trust) if isinstance(trust, str) else trust
    proof = TlogProof.from_text(unverified_text)
    checkpoint = policy.open(proof.checkpoint)
    if proof.extra is None or len(proof.extra) > MAX_LEAF_BYTES:
        raise UnusableInput("the receipt carries no entry")
    verify_inclusion(
        proof.index, checkpoint.size, leaf_hash(proof.extra), proof.path, checkpoint.root
    )
    leaf = _read_leaf(proof.extra)
    if leaf.get("idx") != proof.index:
        raise InclusionInvalid(f"the entry says that it has another index than {proof.index}")
    return VerifiedReceipt(
        leaf, proof.index, checkpoint.size, checkpoint.root, checkpoint.origin, checkpoint
    )


def _read_leaf(leaf: bytes) -> dict[str, Any]:
    """Read the JSON of a leaf, which its hash has proven to be what the log holds."""
    try:
        value = json.loads(leaf, object_pairs_hook=_unique)
    except (ValueError, RecursionError) as error:
        raise UnusableInput("the entry in the receipt is not JSON") from error
    if not isinstance(value, dict):
        raise UnusableInput("the entry in the receipt is not a JSON object")
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("a name occurs twice")
    return value


def verify_consistency(old: Checkpoint, new: Checkpoint, proof: Sequence[bytes]) -> None:
    """Check that one verified checkpoint continues another one of the same log.

    Raises:
        UnusableInput: the checkpoints belong to different logs.
        ConsistencyInvalid: the log was truncated, rolled back, rewritten or forked.
    """
    if old.origin != new.origin:
        raise UnusableInput("the checkpoints belong to different logs")
    if old.size > new.size:
        raise ConsistencyInvalid(
            f"the log had {old.size} entries and now has {new.size}: it was truncated or rolled back"
        )
    if old.size == new.size and old.root != new.root:
        raise ConsistencyInvalid(
            f"the log signed two different histories of {old.size} entries: it was forked"
        )
    if old.size == 0:
        if old.root != EMPTY_ROOT:
            raise ConsistencyInvalid("the older checkpoint claims content for an empty log")
        return
    verify_continuation(old.size, new.size, old.root, new.root, proof)


def verify_log(
    directory: Path,
    trust: str | Policy,
    *,
    seen: Sequence[Checkpoint] = (),
    progress: Progress | None = None,
) -> LogReport:
    """Check a whole export: checkpoint, every entry, tile and detail.

    `seen` are checkpoints from elsewhere (a receipt, a witness) that the log must contain.

    Raises:
        UnusableInput: files are missing or cannot be read.
        SignatureInvalid: the checkpoint is not trusted.
        EntryBroken: names the first entry that is not what was signed.
        TamperEvidence: the log as a whole is not what was signed.
    """
    report = inspect_log(directory, trust, seen=seen, progress=progress)
    if report.findings:
        first = report.findings[0]
        if first.index is None:
            raise TamperEvidence(first.sentence)
        raise EntryBroken(first.sentence, index=first.index, entry_id=first.entry_id)
    return report


def inspect_log(
    directory: Path,
    trust: str | Policy,
    *,
    seen: Sequence[Checkpoint] = (),
    progress: Progress | None = None,
) -> LogReport:
    """Check like `verify_log`, but return what was found instead of raising it."""
    policy = Policy.for_log(trust) if isinstance(trust, str) else trust
    files = ExportFiles(directory)
    checkpoint = policy.open(files.checkpoint())
    if any(known.origin != checkpoint.origin for known in seen):
        raise UnusableInput("a remembered checkpoint belongs to another log")
    return FullCheck(files, checkpoint, seen).run(progress)
