# SPDX-License-Identifier: EUPL-1.2
"""What can be read back from the log, on every database it runs on."""

from __future__ import annotations

import threading
from collections.abc import Generator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from audit import store
from audit.checkpoint import open_checkpoint
from audit.checks import verify_consistency, verify_receipt
from audit.commitment import commit
from audit.errors import (
    DetailErased,
    EntryNotFound,
)
from audit.merkle import leaf_hash
from audit.note import VerifierKey
from audit.reader import LogReader
from audit.tiles import decode_bundle
from tests.contract.log_databases import KINDS, empty_database
from tests.unit.audit.samples import (
    ORIGIN,
    InsecureLogSigner,
    InsecureWrapper,
    append,
    pending,
    work,
    writer,
)


@pytest.fixture(params=KINDS)
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Generator[Engine]:
    """An empty database of each kind."""
    yield from empty_database(request, tmp_path)


def reading(engine: Engine) -> LogReader:
    """Read the log of the tests with all its keys."""
    return LogReader(engine, ORIGIN, InsecureLogSigner(), InsecureWrapper())


def test_details_come_back_for_their_controller_and_match_the_leaf(engine: Engine) -> None:
    """What was sealed is returned unchanged, and the commitment in the leaf covers what is stored."""
    item = pending(details=("jc.hannover", "abh.hannover"))
    with writer(engine) as log:
        text_ = log.submit(work(item)).result(20).entries[0].to_text()
        receipt = verify_receipt(text_, log.vkey)
    reader = reading(engine)
    found = {detail.controller: reader.detail(0, detail.controller) for detail in item.details}
    with pytest.raises(EntryNotFound):
        reader.detail(0, "bamf.nuernberg")
    assert [one["c"] for one in receipt.leaf["details"]] == ["abh.hannover", "jc.hannover"]
    for detail in item.details:
        assert found[detail.controller].ciphertext == detail.ciphertext
    for one in receipt.leaf["details"]:
        stored = found[one["c"]]
        assert commit(stored.salt, stored.stored) == one["h"]
        assert stored.ciphertext not in stored.stored


def test_destroying_a_key_erases_its_details_and_no_other(engine: Engine) -> None:
    """After the key is gone its details cannot be read; new ones get a new key; the log still holds."""
    with writer(engine) as log:
        append(log, 1, ("jc.hannover", "abh.hannover"))
        with engine.begin() as connection:
            mine = store.key.c.controller == "jc.hannover"
            connection.execute(store.key.update().where(mine).values(wrapped=None, destroyed_at=1))
            connection.execute(store.head.update().values(key_epoch=1))
        append(log, 1, ("jc.hannover", "abh.hannover"))
        reader = reading(engine)
        with pytest.raises(DetailErased):
            reader.detail(0, "jc.hannover")
        assert len(reader.detail(0, "abh.hannover").ciphertext) == 256
        assert len(reader.detail(1, "jc.hannover").ciphertext) == 256
        again = reader.receipts("01JABCDEFGHJKMNPQRSTVWXYZ0")
    assert [verify_receipt(one.to_text(), log.vkey).index for one in again] == [0, 1]


def test_tiles_bundles_and_proofs_of_a_grown_log_fit_together(engine: Engine) -> None:
    """Across full and partial tiles, every sampled checkpoint continues the earlier ones."""
    with writer(engine) as log:
        texts = append(log, 3, ()) + append(log, 300, ()) + append(log, 250, ())
        key = VerifierKey.parse(log.vkey)
        newest = open_checkpoint(log.checkpoint, [key])
        reader = reading(engine)
        leaves = [
            leaf
            for number, width in ((0, 256), (1, 256), (2, 41))
            for leaf in decode_bundle(reader.entries(number, width))
        ]
        tiles = reader.tile(0, 0) + reader.tile(0, 1) + reader.tile(0, 2, 41)
        assert b"".join(leaf_hash(leaf) for leaf in leaves) == tiles
        assert len(reader.tile(1, 0, 2)) == 64
        for number in (0, 2, 100, 302, 303, 552):
            old = verify_receipt(texts[number], log.vkey).checkpoint
            verify_consistency(old, newest, reader.consistency(old.size, newest.size))
        fresh = reader.receipt(verify_receipt(texts[7], log.vkey).leaf["id"])
        assert verify_receipt(fresh.to_text(), log.vkey).size == 553
        for level, position, width in ((0, 2, 42), (1, 0, 3), (3, 0, 1)):
            with pytest.raises(EntryNotFound):
                reader.tile(level, position, width)
        with pytest.raises(EntryNotFound):
            reader.consistency(1, 554)


def test_find_returns_an_agencys_entries_in_order(engine: Engine) -> None:
    """Search by agency, exchange, kind and place."""
    with writer(engine) as log:
        append(log, 4, ())
        log.submit(work(pending(corr="01JZZZZZZZZZZZZZZZZZZZZZZZ"))).result(20)
    reader = reading(engine)
    assert [one.index for one in reader.find(agency="abh.hannover", after=1)] == [2, 3, 4]
    assert [one.index for one in reader.find(corr="01JZZZZZZZZZZZZZZZZZZZZZZZ")] == [4]
    assert reader.find(kind="disclose") == ()
    assert len(reader.find(limit=2)) == 2


def test_a_reader_without_the_key_gets_a_stored_checkpoint(engine: Engine) -> None:
    """After close the newest checkpoint is in the database and verifies."""
    with writer(engine) as log:
        append(log, 5)
        key = VerifierKey.parse(log.vkey)
    assert open_checkpoint(LogReader(engine).checkpoint(), [key]).size == 5
    assert LogReader(engine).vkey() == key.to_text()


def test_the_stored_checkpoint_follows_within_a_moment(engine: Engine) -> None:
    """A running writer that falls idle stores the newest checkpoint by itself."""
    with writer(engine) as log:
        append(log, 3)
        waiting = threading.Event()
        sizes = []
        for _ in range(100):
            sizes.append(
                open_checkpoint(LogReader(engine).checkpoint(), [VerifierKey.parse(log.vkey)]).size
            )
            if sizes[-1] == 3:
                break
            waiting.wait(0.05)
    assert sizes[-1] == 3


def test_two_logs_in_one_database_do_not_mix(engine: Engine) -> None:
    """Each year has its own log; indexes start at zero."""
    with writer(engine) as log:
        append(log, 2)
    with writer(engine, origin="audit.lotse.example/gw-test/2027") as log:
        assert verify_receipt(append(log, 1)[0], log.vkey).index == 0
    with pytest.raises(EntryNotFound):
        LogReader(engine).size()
    assert LogReader(engine, ORIGIN).size() == 2
