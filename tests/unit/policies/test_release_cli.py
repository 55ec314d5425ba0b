# SPDX-License-Identifier: EUPL-1.2
"""The commands about releases, from the key to the emergency, as an operator types them."""

from __future__ import annotations

import json
import re
import time
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from keys.releases import open_desk
from policies.bundle import Bundle
from policies.cli import app
from policies.release.make import Terms, make_release
from tests.support.releases import DAY, few_golden, next_version

GATEWAY = """
profile = "production"
issuer = "https://lotse.example"
database_url = "sqlite:////var/lib/lotse/gateway.sqlite"
keyring_file = "keyring"
passphrase_file = "passphrase"
registry_root_file = "root.json"
agency_list_file = "agencies.json"
log_origin = "lotse.example/2026"
[policy]
directory = "policy"
"""
CONNECTOR = """
[agency]
id = "jc.example"
[storage]
directory = "store"
[keys]
keyring = "keyring"
passphrase_file = "passphrase"
[gateway]
url = "https://lotse.example"
issuer = "https://lotse.example"
[registry.root_jwk]
kty = "EC"
[policy]
directory = "policy"
"""


@dataclass
class Desk:
    """A release desk and an operator's machine."""

    folder: Path
    config: Path = field(init=False)
    pinned: str = ""

    def run(self, *words: str) -> tuple[int, str]:
        """Type a command; exit code, and what was printed without its line breaks."""
        done = CliRunner().invoke(app, list(words))
        return done.exit_code, re.sub(r"\s+", " ", done.output)

    def keys(self) -> list[str]:
        """The options that name the desk's keyring."""
        return [
            "--keyring",
            str(self.folder / "release-keyring"),
            "--passphrase-file",
            str(self.folder / "line"),
        ]

    def release(self, name: str, sequence: int, *more: str) -> Path:
        """Sign a release with the command."""
        file = self.folder / f"{name}.tar.gz"
        code, said = self.run(
            "release", str(file), "--sequence", str(sequence), *self.keys(), *more
        )
        assert code == 0, said
        return file

    def other(self, name: str, sequence: int, bundle: Bundle) -> Path:
        """Sign other content, which this installation does not ship."""
        desk = open_desk(self.folder / "release-keyring", self.folder / "line")
        now = int(time.time())
        made = make_release(bundle, few_golden(), Terms(sequence, now - DAY, now + DAY), desk)
        file = self.folder / f"{name}.tar.gz"
        file.write_bytes(made.file)
        (self.folder / f"{name}.jws").write_bytes(made.token)
        return file

    def status(self) -> dict[str, Any]:
        """What is in force at the machine."""
        code, said = self.run("status", "--config", str(self.config), "--json")
        assert code == 0, said
        found: dict[str, Any] = json.loads(said)
        return found


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """A desk with a key, and a gateway that pins it."""
    made = Desk(tmp_path)
    (tmp_path / "line").write_text("a line that opens the keyring", encoding="utf-8")
    code, said = made.run("init-release-key", *made.keys(), "--pem", str(tmp_path / "key.pem"))
    assert code == 0, said
    shown = CliRunner().invoke(app, ["init-release-key", *made.keys(), "--show"]).output
    made.pinned = shown
    made.config = tmp_path / "settings.toml"
    made.config.write_text(GATEWAY + shown, encoding="utf-8")
    return made


def test_from_the_first_release_to_the_emergency_and_back(desk: Desk) -> None:
    """Activate, go on, refuse the older, go back, deny everything, go on again."""
    assert "PUBLIC KEY" in (desk.folder / "key.pem").read_text(encoding="ascii")
    config = ["--config", str(desk.config)]
    first = desk.other("first", 1, next_version("2026.1.0"))
    second = desk.release("second", 2)
    assert desk.run("activate", *config, str(first))[0] == 0
    code, said = desk.run("activate", *config, str(second))
    assert (code, "sequence 2" in said) == (0, True)
    assert desk.status()["in_force"].startswith("0000002-")

    code, said = desk.run("activate", *config, str(first))
    assert code == 1
    assert "Refused; nothing changed." in said
    assert "lotse policy rollback" in said
    assert "[older]" in said

    code, said = desk.run("rollback", *config)
    assert (code, "[nothing_ready]" in said) == (1, True)
    undo = desk.release("undo", 3, "--content", str(first))
    code, said = desk.run("rollback", *config, str(undo))
    assert code == 0, said
    assert desk.status()["kept"][0]["oldest"] == 3
    assert desk.status()["kept"][0]["bundle"] == next_version("2026.1.0").digest

    ready = desk.folder / "policy" / "ready"
    for end in (".tar.gz", ".jws"):
        deny = desk.folder / f"deny-all{end}"
        if end == ".tar.gz":
            desk.release("deny-all", 1, "--deny-all", "--days", "3650")
        (ready / deny.name).write_bytes(deny.read_bytes())
    assert [one["denies_all"] for one in desk.status()["ready"]] == [True]
    code, said = desk.run("deny-all", *config)
    assert code == 0, said
    assert "denies everything" in said
    found = desk.status()
    assert (found["denies_all"], found["floor"]) == (True, 3)
    assert "denies everything (emergency)" in desk.run("status", *config)[1]

    assert desk.run("activate", *config, str(undo))[0] == 0
    assert desk.status()["denies_all"] is False


def test_a_connector_takes_the_same_commands(desk: Desk) -> None:
    """Another settings file, the same words."""
    desk.config.write_text(CONNECTOR + desk.pinned, encoding="utf-8")
    file = desk.other("first", 1, next_version("2026.1.0"))
    code, said = desk.run("activate", "--config", str(desk.config), str(file))
    assert code == 0, said
    assert desk.status()["in_force"].startswith("0000001-")


def test_a_release_stands_beside_the_one_before_unless_it_says_otherwise(desk: Desk) -> None:
    """What the desk decides is in the statement, and the status shows it."""
    config = ["--config", str(desk.config)]
    desk.run("activate", *config, str(desk.other("beside", 5, Bundle.load())))
    assert desk.status()["kept"][0]["oldest"] == 4
    desk.run("activate", *config, str(desk.release("alone", 6, "--alone")))
    assert desk.status()["kept"][0]["oldest"] == 6


def test_a_release_for_later_and_one_of_the_past_are_refused(desk: Desk) -> None:
    """The days on the command line are the days of the release."""
    config = ["--config", str(desk.config)]
    small = ["--content", str(desk.other("small", 1, Bundle.load()))]
    later = desk.release("later", 1, "--valid-from", "2090-01-01", "--days", "10", *small)
    over = desk.release("over", 2, "--valid-from", "2001-01-01", "--days", "10", *small)
    assert "[not_yet_valid]" in desk.run("activate", *config, str(later))[1]
    assert "[expired]" in desk.run("activate", *config, str(over))[1]
    waiting = list((desk.folder / "policy" / "events").iterdir())
    assert len(waiting) == 2, "both wait to be put on record by the running process"
    code, said = desk.run("status", *config)
    assert code == 0
    assert "[nothing_active]" in said


def test_what_cannot_be_used_is_said(desk: Desk, tmp_path: Path) -> None:
    """Settings of nobody, without the table, with a mistake; a wrong passphrase; a wrong day."""
    other = tmp_path / "other.toml"
    other.write_text('name = "nobody\'s"', encoding="utf-8")
    code, said = desk.run("activate", "--config", str(other), "x.tar.gz")
    assert (code, "neither a gateway's nor a connector's" in said) == (2, True)
    without = tomllib.loads(desk.config.read_text(encoding="utf-8"))
    assert "policy" in without
    text = desk.config.read_text(encoding="utf-8")
    other.write_text(text.replace("[policy]", "[polizy]").replace("policy.keys", "polizy.keys"))
    code, said = desk.run("activate", "--config", str(other), "x.tar.gz")
    assert code == 2
    assert "polizy" in said
    (tmp_path / "line").write_text("another line", encoding="utf-8")
    code, said = desk.run("release", str(tmp_path / "x.tar.gz"), "--sequence", "1", *desk.keys())
    assert (code, "cannot be used" in said) == (2, True)
    assert not (tmp_path / "x.tar.gz").exists()
    code, said = desk.run("release", "x.zip", "--sequence", "1", *desk.keys())
    assert (code, ".tar.gz" in said) == (2, True)


def test_content_that_this_desk_did_not_sign_is_not_signed_again(desk: Desk) -> None:
    """A file from elsewhere does not become a release by asking for an older one."""
    second = Desk(desk.folder / "second")
    second.folder.mkdir()
    (second.folder / "line").write_text("a line that opens the keyring", encoding="utf-8")
    assert second.run("init-release-key", *second.keys())[0] == 0
    foreign = second.release("foreign", 1)
    code, said = desk.run(
        "release",
        str(desk.folder / "again.tar.gz"),
        "--sequence",
        "2",
        "--content",
        str(foreign),
        *desk.keys(),
    )
    assert (code, "[opa_signature]" in said) == (1, True)
