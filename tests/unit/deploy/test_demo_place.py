# SPDX-License-Identifier: EUPL-1.2
"""The demo writes only where it may, alone, and resets only what it made."""

from __future__ import annotations

import socket
import tomllib
from pathlib import Path

import pytest

from deploy.demo import toml
from deploy.demo.place import PlaceRefused, occupied
from deploy.demo.ports import choose, usual_ports


def test_a_second_run_is_refused_while_the_first_holds_the_place(tmp_path: Path) -> None:
    """The message names the process that runs; after the first run the place is free again."""
    root = tmp_path / "demo"
    with occupied(root, fresh=False), pytest.raises(PlaceRefused, match="another demo"):
        occupied(root, fresh=False).__enter__()
    with occupied(root, fresh=False) as place:
        assert place.root == root


@pytest.mark.parametrize("fresh", [False, True])
def test_a_directory_with_other_files_is_left_alone(tmp_path: Path, *, fresh: bool) -> None:
    """Nothing is written or deleted where the demo did not begin."""
    (tmp_path / "thesis.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(PlaceRefused, match="did not make"):
        occupied(tmp_path, fresh=fresh).__enter__()
    assert [entry.name for entry in tmp_path.iterdir()] == ["thesis.txt"]


def test_fresh_deletes_what_the_demo_made(tmp_path: Path) -> None:
    """Without --fresh files stay, with it they go."""
    root = tmp_path / "demo"
    with occupied(root, fresh=False) as place:
        place.gateway.mkdir()
        (place.gateway / "key").touch()
    with occupied(root, fresh=False) as place:
        assert (place.gateway / "key").exists()
    with occupied(root, fresh=True) as place:
        assert not place.gateway.exists()


def test_the_place_is_closed_to_others(tmp_path: Path) -> None:
    """Nobody else can look into the demo's directory."""
    with occupied(tmp_path / "demo", fresh=False) as place:
        assert place.root.stat().st_mode & 0o077 == 0


def test_a_taken_port_moves_and_no_port_is_given_twice() -> None:
    """The role whose port is taken gets another one and is named."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        wanted = {"one": taken.getsockname()[1], "two": 0, "three": 0}
        ports = choose(wanted)
    assert "one" in ports.moved
    assert ports.chosen["one"] != wanted["one"]
    assert len(set(ports.chosen.values())) == 3


def test_usual_ports_differ() -> None:
    """No two roles want the same port."""
    wanted = usual_ports()
    assert len(set(wanted.values())) == len(wanted)


def test_settings_read_back_as_written() -> None:
    """What the demo writes as TOML is read as the same values."""
    table: dict[str, toml.Value] = {
        "name": 'a "quoted" Ä\\ value',
        "port": 8400,
        "demo": True,
        "connectors": {"abh.hannover": "http://127.0.0.1:1"},
        "registry": {"root_jwk": {"kty": "EC"}},
        "tokens": [{"name": "system", "sha256": "00"}, {"name": "clerk", "sha256": "11"}],
    }
    assert tomllib.loads(toml.dumps(table)) == table
