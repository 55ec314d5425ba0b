# SPDX-License-Identifier: EUPL-1.2
"""Attacks that bring back an older log, show two different ones, or bend what was handed out (promise P7).

Some of them are done by the operator, who has the log key.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Generator
from pathlib import Path

import pytest

from audit.checkpoint import Checkpoint, log_key, sign_checkpoint
from audit.checks import verify_consistency, verify_log, verify_receipt
from audit.errors import (
    ConsistencyInvalid,
    InclusionInvalid,
    LogInconsistent,
    SignatureInvalid,
    TamperEvidence,
)
from audit.export import export_log
from audit.policy import Policy
from audit.proof import TlogProof
from audit.reader import LogReader
from tests.attacks.log_scene import SIZE, VKEY, Scene, build_honest_log, open_scene
from tests.unit.audit.samples import (
    ORIGIN,
    InsecureLogSigner,
    append,
    database,
    sqlite_url,
    writer,
)


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    """An honest log, made once."""
    return build_honest_log(tmp_path_factory.mktemp("honest"))


@pytest.fixture
def scene(honest: tuple[Path, list[str]], tmp_path: Path) -> Generator[Scene]:
    """A copy of the honest log, and the attacker's hand in it."""
    yield from open_scene(honest, tmp_path)


def test_a_log_is_rolled_back_to_an_older_checkpoint(scene: Scene) -> None:
    """An older database with an older, genuine checkpoint is whole in itself: who holds a receipt sees it."""
    older = scene.directory / "older.db"
    with sqlite3.connect(older) as copy:
        scene.hand.backup(copy)
    copy.close()
    with writer(scene.engine) as log:
        newest = append(log, 5)[-1]
        last_seen = log.checkpoint
    with sqlite3.connect(older) as copy:
        copy.backup(scene.hand)
    copy.close()
    export = scene.exported()
    assert verify_log(export, VKEY).checkpoint.size == SIZE
    seen = verify_receipt(newest, VKEY).checkpoint
    with pytest.raises(TamperEvidence, match="rolled back"):
        verify_log(export, VKEY, seen=[seen])
    with pytest.raises(ConsistencyInvalid, match="rolled back"):
        verify_consistency(seen, verify_receipt(scene.receipts[0], VKEY).checkpoint, [])
    with (
        pytest.raises(LogInconsistent, match="older copy"),
        writer(scene.engine, last_seen=last_seen),
    ):
        pass


def test_a_forked_log_shows_two_histories(scene: Scene) -> None:
    """The operator itself signs a second history: any two receipts from the two sides prove it."""
    other_place = scene.directory / "fork"
    other_place.mkdir()
    with database(sqlite_url(other_place)) as fork:
        with writer(fork) as log:
            texts = append(log, SIZE)
            longer = append(log, 1)[0]
        ours = Policy.for_log(VKEY).open(LogReader(scene.engine).checkpoint())
        same_size = max(
            (verify_receipt(text, VKEY).checkpoint for text in texts), key=lambda one: one.size
        )
        with pytest.raises(ConsistencyInvalid, match="forked"):
            verify_consistency(ours, same_size, [])
        grown = verify_receipt(longer, VKEY).checkpoint
        proof = LogReader(fork).consistency(ours.size, grown.size)
        with pytest.raises(ConsistencyInvalid):
            verify_consistency(ours, grown, proof)
        target = scene.directory / "fork-export"
        export_log(fork, target)
        with pytest.raises(TamperEvidence, match="rewritten or forked"):
            verify_log(target, VKEY, seen=[ours])


def test_a_replayed_checkpoint_does_not_cover_a_newer_receipt(scene: Scene) -> None:
    """An old signed checkpoint put under a new entry's path does not verify."""
    newest = TlogProof.from_text(scene.receipts[-1])
    oldest = TlogProof.from_text(scene.receipts[0])
    replayed = TlogProof(newest.index, newest.path, oldest.checkpoint, newest.extra)
    if Policy.for_log(VKEY).open(oldest.checkpoint) == Policy.for_log(VKEY).open(newest.checkpoint):
        pytest.fail("the sample has only one checkpoint")
    with pytest.raises(InclusionInvalid):
        verify_receipt(replayed.to_text(), VKEY)


def test_a_receipt_is_bent(scene: Scene) -> None:
    """Another leaf, another index, another path, another key, another origin: each is refused."""
    genuine = TlogProof.from_text(scene.receipts[20])
    leaf = genuine.extra or b""
    bent = [
        TlogProof(
            genuine.index, genuine.path, genuine.checkpoint, leaf.replace(b"permit", b"deny")
        ),
        TlogProof(genuine.index + 1, genuine.path, genuine.checkpoint, leaf),
        TlogProof(genuine.index, genuine.path[::-1], genuine.checkpoint, leaf),
        TlogProof(genuine.index, genuine.path[:-1], genuine.checkpoint, leaf),
    ]
    for wrong in bent:
        with pytest.raises(InclusionInvalid):
            verify_receipt(wrong.to_text(), VKEY)
    other_key = log_key(ORIGIN, InsecureLogSigner(9)).to_text()
    other_log = log_key("audit.lotse.example/elsewhere", InsecureLogSigner()).to_text()
    for key in (other_key, other_log):
        with pytest.raises(SignatureInvalid):
            verify_receipt(scene.receipts[20], key)


def test_a_checkpoint_of_another_log_signed_with_the_same_key_is_refused(scene: Scene) -> None:
    """The origin that was signed must be the name of the key."""
    stranger = Checkpoint("audit.lotse.example/elsewhere", 1, bytes(32))
    note = sign_checkpoint(stranger, InsecureLogSigner())
    with pytest.raises(SignatureInvalid):
        Policy.for_log(VKEY).open(note)
    renamed = note.replace("elsewhere", ORIGIN.removeprefix("audit.lotse.example/"))
    with pytest.raises(SignatureInvalid):
        Policy.for_log(VKEY).open(renamed)
    assert scene.receipts


def test_the_head_row_is_removed(scene: Scene) -> None:
    """A log whose head is gone is not quietly begun anew."""
    scene.tamper("DELETE FROM audit_head")
    with pytest.raises(LogInconsistent, match="head row was removed"), writer(scene.engine):
        pass


@pytest.mark.parametrize(
    ("statement", "complaint"),
    [
        ("UPDATE audit_head SET size = size - 1", "299 entries"),
        ("UPDATE audit_head SET compact_range = zeroblob(128)", "does not match"),
        ("UPDATE audit_head SET root = zeroblob(32)", "does not match"),
        ("DELETE FROM audit_tile", "full tiles"),
        ("UPDATE audit_entry SET leaf = x'7b7d' WHERE idx = 299", "entry 299 was changed"),
        ("UPDATE audit_head SET note = replace(note, '300', '301')", "not signed by its key"),
    ],
)
def test_the_gateway_does_not_start_on_a_log_that_does_not_fit(
    scene: Scene, statement: str, complaint: str
) -> None:
    """Each kind of damage near the head is named when the writer starts."""
    scene.tamper(statement)
    with pytest.raises(LogInconsistent, match=complaint), writer(scene.engine):
        pass
