# SPDX-License-Identifier: EUPL-1.2
"""Attacks by somebody who can write the log's database and its exports, but has no log key (promise P7).

Each changes the past in one way; the verifier must notice and, where it can be known, name the entry.
"""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

import pytest

from audit.checks import inspect_log, verify_log
from audit.compactrange import CompactRange, extend
from audit.errors import (
    EntryBroken,
    LogInconsistent,
    TamperEvidence,
)
from audit.merkle import leaf_hash
from tests.attacks.log_scene import SIZE, VKEY, Scene, build_honest_log, open_scene
from tests.unit.audit.samples import (
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


def test_the_hash_files_of_an_export_are_edited(scene: Scene) -> None:
    """Damage beside the entries is told apart from damage to them."""
    export = scene.exported()
    tile = export / "tile" / "0" / "000"
    tile.write_bytes(bytes(32) + tile.read_bytes()[32:])
    with pytest.raises(TamperEvidence, match="entry is intact"):
        verify_log(export, VKEY)
