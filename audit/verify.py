# SPDX-License-Identifier: EUPL-1.2
"""`lotse-verify`: check receipts, checkpoints and whole logs offline, without trusting who runs the log.

Needs the standard library and `cryptography`, and so does everything it imports.
Exit status: 0 it holds, 1 evidence of tampering, 2 the input cannot be used.
"""

import argparse
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from audit.base64s import decode_hash
from audit.checkpoint import Checkpoint
from audit.checks import (
    VerifiedReceipt,
    inspect_log,
    verify_consistency,
    verify_log,
    verify_receipt,
)
from audit.errors import AuditError, TamperEvidence, UnusableInput
from audit.exportfiles import ExportFiles, read_text
from audit.fullcheck import Finding, LogReport
from audit.policy import Policy
from audit.proof import MAGIC, TlogProof

__all__ = [
    "LogReport",
    "VerifiedReceipt",
    "inspect_log",
    "main",
    "verify_consistency",
    "verify_log",
    "verify_receipt",
]

HOLDS, TAMPERED, UNUSABLE = 0, 1, 2
PROGRESS_AFTER_SECONDS = 2.0
PROGRESS_EVERY_SECONDS = 1.0
LISTED_FINDINGS = 10
"""On the terminal; `--json` lists up to a hundred."""


@dataclass(slots=True)
class Answer:
    """What the command says: sentences for people, members for programs."""

    status: int
    sentences: list[str]
    members: dict[str, object] = field(default_factory=dict)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    arguments = _parser().parse_args(argv)
    try:
        answer: Answer = arguments.run(arguments)
    except TamperEvidence as error:
        answer = Answer(TAMPERED, [f"Does not hold: {error}."])
    except AuditError as error:
        answer = Answer(UNUSABLE, [f"Cannot be checked: {error}."])
    if arguments.json:
        verdict = {HOLDS: "holds", TAMPERED: "tampered", UNUSABLE: "unusable"}[answer.status]
        said = {"verdict": verdict, "sentences": answer.sentences, **answer.members}
        print(json.dumps(said, indent=2, sort_keys=True))
    else:
        print("\n".join(answer.sentences), file=sys.stderr if answer.status else sys.stdout)
    return answer.status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="lotse-verify",
        description="Checks the log of a Lotse gateway offline. "
        "Exit status: 0 it holds, 1 evidence of tampering, 2 the input cannot be used.",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    trust = argparse.ArgumentParser(add_help=False)
    which = trust.add_mutually_exclusive_group()
    which.add_argument("--log-key", metavar="VKEY", help="verifier key of the log: name+id+base64")
    which.add_argument(
        "--policy",
        metavar="FILE",
        type=Path,
        help="trusted logs and witnesses (c2sp.org/tlog-policy)",
    )
    trust.add_argument("--json", action="store_true", help="answer as JSON on standard output")

    receipt = commands.add_parser("receipt", parents=[trust], help="check one receipt")
    receipt.add_argument("file", metavar="FILE", type=Path)
    receipt.set_defaults(run=_receipt)

    log = commands.add_parser("log", parents=[trust], help="check a whole exported log")
    log.add_argument("directory", metavar="DIR", type=Path)
    log.add_argument(
        "--seen",
        metavar="FILE",
        type=Path,
        action="append",
        default=[],
        help="a receipt or checkpoint from elsewhere that the log must contain; may be repeated",
    )
    log.set_defaults(run=_log)

    consistency = commands.add_parser(
        "consistency", parents=[trust], help="check that a newer log continues an older one"
    )
    consistency.add_argument("old", metavar="OLD", type=Path, help="checkpoint or receipt")
    consistency.add_argument(
        "new", metavar="NEW", type=Path, help="checkpoint, receipt or exported log"
    )
    consistency.add_argument(
        "--proof",
        metavar="FILE",
        type=Path,
        help='consistency proof: base64 lines, or JSON {"proof": [...]}',
    )
    consistency.set_defaults(run=_consistency)
    return parser


def _policy(arguments: argparse.Namespace) -> Policy:
    """Return whom to trust; it must come from outside of what is checked."""
    if arguments.policy is not None:
        return Policy.parse(read_text(arguments.policy))
    if arguments.log_key is not None:
        return Policy.for_log(arguments.log_key)
    raise UnusableInput("say whom to trust with --log-key or --policy")


def _receipt(arguments: argparse.Namespace) -> Answer:
    found = verify_receipt(read_text(arguments.file), _policy(arguments))
    leaf = found.leaf
    sentence = (
        f"The receipt holds: entry {found.index} ({leaf.get('kind')}, {leaf.get('outcome')}, "
        f"{leaf.get('ts')}) is in the log {found.origin} of {found.size} entries."
    )
    members = {
        "index": found.index,
        "leaf": leaf,
        "origin": found.origin,
        "root": found.root.hex(),
        "size": found.size,
    }
    return Answer(HOLDS, [sentence], members)


def _log(arguments: argparse.Namespace) -> Answer:
    sentences = []
    if arguments.policy is None and arguments.log_key is None:
        policy = Policy.parse(ExportFiles(arguments.directory).policy())
        sentences.append(
            "Warning: the key was taken from the export itself; bring your own with --log-key or --policy."
        )
    else:
        policy = _policy(arguments)
    seen = [_signed(path, policy) for path in arguments.seen]
    report = inspect_log(arguments.directory, policy, seen=seen, progress=_Progress())
    checkpoint = report.checkpoint
    members: dict[str, object] = {
        "broken": report.broken,
        "details": report.details,
        "erased": report.erased,
        "findings": [_finding(item) for item in report.findings],
        "origin": checkpoint.origin,
        "root": checkpoint.root.hex(),
        "size": checkpoint.size,
    }
    if not report.findings:
        sentences.append(
            f"The log {checkpoint.origin} holds: all {checkpoint.size} entries are what was signed, "
            f"{report.details} details match, {report.erased} were erased with their keys."
        )
        return Answer(HOLDS, sentences, members)
    listed = report.findings[:LISTED_FINDINGS]
    sentences.append(f"Does not hold: {listed[0].sentence}")
    sentences += [f"Also: {item.sentence}" for item in listed[1:]]
    if report.broken > len(listed):
        sentences.append(f"And {report.broken - len(listed)} more.")
    return Answer(TAMPERED, sentences, members)


def _finding(finding: Finding) -> dict[str, object]:
    return {"id": finding.entry_id, "index": finding.index, "sentence": finding.sentence}


def _consistency(arguments: argparse.Namespace) -> Answer:
    policy = _policy(arguments)
    old = _signed(arguments.old, policy)
    if arguments.new.is_dir():
        answer = inspect_log(arguments.new, policy, seen=[old], progress=_Progress())
        new = answer.checkpoint
        if answer.findings:
            raise TamperEvidence(answer.findings[0].sentence.rstrip("."))
    else:
        new = _signed(arguments.new, policy)
        proof = [] if arguments.proof is None else _proof(read_text(arguments.proof))
        if arguments.proof is None and 0 < old.size < new.size and old.origin == new.origin:
            raise UnusableInput(
                "for logs of different size bring a proof with --proof, or the exported log"
            )
        verify_consistency(old, new, proof)
    sentence = (
        f"The log {new.origin} of {new.size} entries continues the one of {old.size} entries."
    )
    return Answer(HOLDS, [sentence], {"new": new.size, "old": old.size, "origin": new.origin})


def _signed(path: Path, policy: Policy) -> Checkpoint:
    """Read and verify the checkpoint in a file: bare, or in a receipt."""
    text = read_text(path)
    if text.startswith(MAGIC):
        text = TlogProof.from_text(text).checkpoint
    return policy.open(text)


def _proof(text: str) -> list[bytes]:
    """Read a consistency proof."""
    lines: object = text.split()
    if text.lstrip().startswith("{"):
        try:
            value = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise UnusableInput("the proof is not JSON") from error
        lines = value.get("proof") if isinstance(value, dict) else None
    if not isinstance(lines, list) or not all(isinstance(line, str) for line in lines):
        raise UnusableInput("the proof is not a list of base64 hashes")
    return [decode_hash(line, "a hash of the proof") for line in lines]


class _Progress:
    """Says on standard error how far a long check is."""

    def __init__(self) -> None:
        self._start = self._last = time.monotonic()

    def __call__(self, done: int, total: int) -> None:
        """Report, at most once a second, and not for short checks."""
        now = time.monotonic()
        if now - self._start < PROGRESS_AFTER_SECONDS or now - self._last < PROGRESS_EVERY_SECONDS:
            return
        self._last = now
        print(f"Checked {done:,} of {total:,} entries ({done * 100 // total} %).", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
