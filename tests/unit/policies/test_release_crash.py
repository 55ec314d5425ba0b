# SPDX-License-Identifier: EUPL-1.2
"""What a crash leaves of the folder of releases, and to whom its files belong."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from policies.bundle import Bundle
from policies.release.activate import activate
from policies.release.store import Refusal, ReleaseStore
from tests.support import tree
from tests.support.releases import NOW, ReleaseHouse

DIGEST = "ab" * 32


@pytest.fixture
def house(tmp_path: Path) -> ReleaseHouse:
    """The release desk."""
    return ReleaseHouse(tmp_path / "desk")


@pytest.fixture
def store(tmp_path: Path, house: ReleaseHouse) -> ReleaseStore:
    """A machine without any release."""
    return ReleaseStore(tmp_path / "policy", house.key.verifier)


def test_what_root_makes_in_an_emergency_the_service_can_read(
    store: ReleaseStore, house: ReleaseHouse, tmp_path: Path
) -> None:
    """Everything belongs to whoever owns the folder above, and others may not write it."""
    if os.geteuid() == 0:
        os.chown(tmp_path, 4711, 4712)
    activate(store, house.lay(house.make(1)), NOW)
    store.refuse(Refusal("older", DIGEST, NOW))
    owner = tmp_path.stat()
    made = [tmp_path / "policy", *(tmp_path / "policy").rglob("*")]
    assert len(made) == 9
    assert {(path.stat().st_uid, path.stat().st_gid) for path in made} == {
        (owner.st_uid, owner.st_gid)
    }
    assert [path for path in made if path.stat().st_mode & 0o022] == []


STOPPING = """
import os, sys
from pathlib import Path
from keys.releases import ReleaseKeys
from policies.release import disk
from policies.release.store import ReleaseStore

folder, file, kid, x, y, stop_at = sys.argv[1:]
steps = iter(range(int(stop_at), -1, -1))

def stopping(act):
    def step(*args, **kwargs):
        if next(steps) == 0:
            os._exit(9)
        return act(*args, **kwargs)
    return step

jwk = {"kty": "EC", "crv": "P-256", "x": x, "y": y}
store = ReleaseStore(Path(folder), ReleaseKeys([(kid, jwk)]))
brought = store.read(Path(file))
os.fsync = stopping(os.fsync)
Path.replace = stopping(Path.replace)
Path.unlink = stopping(Path.unlink)
store.put_in_force(brought)
"""


def test_a_process_killed_at_any_step_leaves_the_old_or_the_new(
    store: ReleaseStore, house: ReleaseHouse, tmp_path: Path
) -> None:
    """Before each write, rename, sync and removal: the next start finds one whole state."""
    for sequence in (1, 2, 3):
        activate(store, house.lay(house.make(sequence), str(sequence)), NOW)
    seen: list[tuple[int, bool]] = []
    stop_at = 0
    while not seen or seen[-1][0] != 0:
        sequence = 4 + stop_at
        file = house.lay(house.make(sequence), "next")
        before = store.state()
        jwk = house.key.jwk
        arguments = [str(tmp_path / "policy"), str(file), house.key.kid, jwk["x"], jwk["y"]]
        done = subprocess.run(
            [sys.executable, "-c", STOPPING, *arguments, str(stop_at)],
            cwd=tree.ROOT,
            check=False,
            timeout=60,
        )
        after = store.state()
        active = after.active
        assert active is not None
        assert active.sequence in (before.kept[0].sequence, sequence)
        assert store.load(active).bundle == Bundle.load()
        seen.append((done.returncode, active.sequence == sequence))
        stop_at += 1
    codes = [code for code, _new in seen]
    assert set(codes[:-1]) == {9}
    # Three files, each written, renamed and synced: nothing counts before the state's own rename.
    assert [new for _code, new in seen] == sorted(new for _code, new in seen)
    assert len([new for _code, new in seen if not new]) >= 8
    activate(store, house.lay(house.make(1_000), "last"), NOW)
    left = {path.name for path in (tmp_path / "policy").rglob("*.new-*")}
    assert left == set()
