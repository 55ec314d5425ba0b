# SPDX-License-Identifier: EUPL-1.2
"""Attacks by somebody who can write the log's database and its exports, but has no log key (promise P7).

Each changes the past in one way; the verifier must notice and, where it can be known, name the entry.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import Engine

from audit.checkpoint import Checkpoint, log_key, sign_checkpoint
from audit.checks import inspect_log, verify_consistency, verify_log, verify_receipt
from audit.compactrange import CompactRange, extend
from audit.errors import (
    ConsistencyInvalid,
    EntryBroken,
    InclusionInvalid,
    LogInconsistent,
    SignatureInvalid,
    TamperEvidence,
)
from audit.export import export_log
from audit.merkle import leaf_hash
from audit.policy import Policy
from audit.proof import TlogProof
from audit.reader import LogReader
from tests.unit.audit.samples import (
    ORIGIN,
    InsecureLogSigner,
    append,
    database,
    sqlite_url,
    writer,
)

SIZE = 300
"""One full tile and 44 entries that are in none yet: both ways to store hashes."""
VKEY = log_key(ORIGIN, InsecureLogSigner()).to_text()


@dataclass
class Scene:
    """A log of 300 entries with details, its receipts, and the attacker's hand in its database."""

    engine: Engine
    directory: Path
    receipts: list[str]
    hand: sqlite3.Connection

    def exported(self) -> Path:
        """Export what the database holds now."""
        target = self.directory / "export"
        shutil.rmtree(target, ignore_errors=True)
        export_log(self.engine, target)
        return target

    def tamper(self, statement: str, *values: object) -> None:
        """Run the attacker's statement."""
        self.hand.execute(statement, values)
        self.hand.commit()

    def leaf(self, index: int) -> bytes:
        """Read a leaf."""
        query = "SELECT leaf FROM audit_entry WHERE idx = ?"
        return bytes(self.hand.execute(query, (index,)).fetchone()[0])

    def entry_id(self, index: int) -> str:
        """Tell the id that the receipt of an entry names."""
        return str(verify_receipt(self.receipts[index], VKEY).leaf["id"])


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    """An honest log, made once: its database file and its receipts in order."""
    directory = tmp_path_factory.mktemp("honest")
    with database(sqlite_url(directory)) as engine, writer(engine) as log:
        receipts = append(log, 10) + append(log, SIZE - 10)
    receipts.sort(key=lambda text: verify_receipt(text, VKEY).index)
    return directory / "log.db", receipts


@pytest.fixture
def scene(honest: tuple[Path, list[str]], tmp_path: Path) -> Generator[Scene]:
    """A copy of the honest log; the attacker has removed the triggers."""
    shutil.copyfile(honest[0], tmp_path / "log.db")
    with database(sqlite_url(tmp_path)) as engine:
        hand = sqlite3.connect(tmp_path / "log.db")
        triggers = "SELECT name FROM sqlite_master WHERE type = 'trigger'"
        for (name,) in hand.execute(triggers).fetchall():
            hand.execute(f"DROP TRIGGER {name}")
        hand.commit()
        yield Scene(engine, tmp_path, honest[1], hand)
        hand.close()


def broken_entry(scene: Scene) -> EntryBroken:
    """Export and verify; give what the verifier says about the first broken entry."""
    with pytest.raises(EntryBroken) as found:
        verify_log(scene.exported(), VKEY)
    return found.value


def test_the_honest_log_verifies(scene: Scene) -> None:
    """Without an attack all entries and details hold, so the attacks below are what is seen."""
    report = verify_log(scene.exported(), VKEY)
    assert (report.checkpoint.size, report.details, report.broken) == (SIZE, SIZE, 0)


@pytest.mark.parametrize("index", [0, 17, 255, 256, 299])
@pytest.mark.parametrize("place", [0, 0.3, 0.6, -1])
def test_one_byte_of_one_leaf_is_edited(scene: Scene, index: int, place: float) -> None:
    """Wherever the byte is, index and id of the entry are named, in full tiles and in the newest one."""
    leaf = bytearray(scene.leaf(index))
    at = int(place * len(leaf)) if place >= 0 else len(leaf) - 1
    leaf[at] ^= 1
    scene.tamper("UPDATE audit_entry SET leaf = ? WHERE idx = ?", bytes(leaf), index)
    broken = broken_entry(scene)
    assert (broken.index, broken.entry_id) == (index, scene.entry_id(index))
    assert f"ntry {index} (id {scene.entry_id(index)}) was changed" in str(broken)


def test_the_first_of_several_edited_leaves_is_named_first(scene: Scene) -> None:
    """All of them are found, in order."""
    for index in (290, 30, 31):
        scene.tamper("UPDATE audit_entry SET leaf = leaf || x'20' WHERE idx = ?", index)
    report = inspect_log(scene.exported(), VKEY)
    assert [finding.index for finding in report.findings] == [30, 31, 290]


def test_a_leaf_and_its_hash_are_edited_together(scene: Scene) -> None:
    """In a full tile the old hash is still in the tile, so the entry is named."""
    leaf = scene.leaf(40).replace(b'"permit"', b'"deny"')
    statement = "UPDATE audit_entry SET leaf = ?, leaf_hash = ? WHERE idx = 40"
    scene.tamper(statement, leaf, leaf_hash(leaf))
    assert broken_entry(scene).index == 40


def test_a_leaf_is_edited_with_every_unsigned_hash_about_it(scene: Scene) -> None:
    """When entry and tile agree and only the signature does not, the peaks narrow it down to the tile."""
    leaf = scene.leaf(40).replace(b'"permit"', b'"deny"')
    scene.tamper(
        "UPDATE audit_entry SET leaf = ?, leaf_hash = ? WHERE idx = 40", leaf, leaf_hash(leaf)
    )
    (tile,) = scene.hand.execute("SELECT hashes FROM audit_tile").fetchone()
    hashes = [tile[i : i + 32] for i in range(0, len(tile), 32)]
    hashes[40] = leaf_hash(leaf)
    root = extend(CompactRange.empty(), hashes).root
    scene.tamper("UPDATE audit_tile SET hashes = ?, hash = ?", b"".join(hashes), root)
    broken = broken_entry(scene)
    assert broken.index == 0
    assert "entries 0 to 255" in str(broken)


def test_a_whole_history_is_rewritten_without_the_key(scene: Scene) -> None:
    """Even with head and peaks recomputed, the signed root does not come out."""
    leaf = scene.leaf(299).replace(b'"permit"', b'"deny"')
    scene.tamper(
        "UPDATE audit_entry SET leaf = ?, leaf_hash = ? WHERE idx = 299", leaf, leaf_hash(leaf)
    )
    rows = scene.hand.execute("SELECT leaf_hash FROM audit_entry ORDER BY idx").fetchall()
    grown = extend(CompactRange.empty(), [row[0] for row in rows])
    statement = "UPDATE audit_head SET root = ?, compact_range = ?"
    scene.tamper(statement, grown.root, grown.range.to_bytes())
    with pytest.raises(TamperEvidence, match="rewritten"):
        verify_log(scene.exported(), VKEY)
    with pytest.raises(LogInconsistent, match="does not continue"), writer(scene.engine):
        pass


@pytest.mark.parametrize("index", [3, 280])
def test_a_row_is_deleted(scene: Scene, index: int) -> None:
    """The missing entry is named by its index, and the gateway refuses to start."""
    scene.tamper("DELETE FROM audit_entry WHERE idx = ?", index)
    broken = broken_entry(scene)
    assert broken.index == index
    assert "missing" in str(broken)
    with pytest.raises(LogInconsistent, match="removed"), writer(scene.engine):
        pass


@pytest.mark.parametrize(("one", "other"), [(5, 9), (260, 297)])
def test_two_rows_are_swapped_with_all_their_columns(scene: Scene, one: int, other: int) -> None:
    """Both places are named, also where no tile is stored yet: each leaf says where it belongs."""
    for old, new in ((one, -1), (other, one), (-1, other)):
        scene.tamper("UPDATE audit_entry SET idx = ? WHERE idx = ?", new, old)
    report = inspect_log(scene.exported(), VKEY)
    assert [finding.index for finding in report.findings] == [one, other]


def test_an_edited_detail_is_found(scene: Scene) -> None:
    """The commitment in the leaf does not fit any more, and the entry and controller are named."""
    scene.tamper("UPDATE audit_detail SET stored = zeroblob(300) WHERE idx = 7")
    broken = broken_entry(scene)
    assert (broken.index, broken.entry_id) == (7, scene.entry_id(7))
    assert "detail of jc.hannover" in str(broken)


def test_a_removed_detail_is_not_taken_for_an_erased_one(scene: Scene) -> None:
    """Only a destroyed key explains a missing detail."""
    scene.tamper("DELETE FROM audit_detail WHERE idx = 7")
    assert "is missing" in str(broken_entry(scene))
    scene.tamper("UPDATE audit_key SET wrapped = NULL, destroyed_at = 1")
    report = verify_log(scene.exported(), VKEY)
    assert (report.erased, report.details) == (1, SIZE - 1)


def test_a_detail_is_put_in_the_place_of_another(scene: Scene) -> None:
    """A detail belongs to one entry; a copy elsewhere is seen, and a foreign one too."""
    row = scene.hand.execute("SELECT salt, stored FROM audit_detail WHERE idx = 1").fetchone()
    scene.tamper("UPDATE audit_detail SET salt = ?, stored = ? WHERE idx = 2", *row)
    scene.tamper(
        "INSERT INTO audit_detail SELECT log_id, 4, 'bamf', key_id, salt, stored FROM audit_detail WHERE idx = 3"
    )
    report = inspect_log(scene.exported(), VKEY)
    assert [finding.index for finding in report.findings] == [2, 4]
    assert "added later" in report.findings[1].sentence


def test_a_truncated_log_still_misses_its_newest_entries(scene: Scene) -> None:
    """Rows cut off behind the signed checkpoint are named as missing."""
    scene.tamper("DELETE FROM audit_entry WHERE idx >= 290")
    assert broken_entry(scene).index == 290


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


def test_the_hash_files_of_an_export_are_edited(scene: Scene) -> None:
    """Damage beside the entries is told apart from damage to them."""
    export = scene.exported()
    tile = export / "tile" / "0" / "000"
    tile.write_bytes(bytes(32) + tile.read_bytes()[32:])
    with pytest.raises(TamperEvidence, match="entry is intact"):
        verify_log(export, VKEY)


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
