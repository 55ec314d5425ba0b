# SPDX-License-Identifier: EUPL-1.2
"""`lotse policy replay` and `shadow`: what they refuse, and what a candidate may be."""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from sqlalchemy import create_engine, text
from typer.testing import CliRunner

from gateway.store.database import migrate, open_engine
from policies.bundle import Bundle
from policies.candidate import read_candidate, read_rules
from policies.cli import app
from policies.commands.progress import with_progress
from policies.errors import ReleaseRefused
from tests.support.lookback import today, widened
from tests.support.releases import ReleaseHouse

RUN = CliRunner()
PACKAGE = Path(__file__).parents[3] / "policies"
SETTINGS = """
profile = "demo"
issuer = "https://lotse.example"
database_url = "sqlite:///{folder}/gateway.db"
keyring_file = "unused"
passphrase_file = "unused"
registry_root_file = "unused"
agency_list_file = "unused"
log_origin = "lotse.example/2026"
"""


def _settings(folder: Path) -> Path:
    file = folder / "lotse.toml"
    file.write_text(SETTINGS.format(folder=folder), encoding="utf-8")
    return file


def _empty(folder: Path) -> str:
    """A gateway's settings with a database in which nothing was decided yet."""
    file = _settings(folder)
    engine = open_engine(f"sqlite:///{folder / 'gateway.db'}")
    migrate(engine)
    engine.dispose()
    return str(file)


def test_nothing_decided_yet_is_nothing_different(tmp_path: Path) -> None:
    """An empty table: zero of zero, and a candidate changes nothing."""
    config = _empty(tmp_path)
    done = RUN.invoke(app, ["replay", "--config", config])
    assert (done.exit_code, done.stdout) == (0, "identical 0 of 0\n")
    done = RUN.invoke(app, ["replay", "--config", config, "--candidate", "shipped"])
    assert "0 decisions · answers that would change: 0" in done.stdout
    done = RUN.invoke(app, ["shadow", "--config", config])
    assert "Nothing was compared yet" in done.stdout


def test_the_settings_file_may_be_named_once_for_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the environment of a shell, or by standing where the command is called."""
    config = _empty(tmp_path)
    monkeypatch.setenv("LOTSE_CONFIG", config)
    assert RUN.invoke(app, ["replay"]).exit_code == 0
    monkeypatch.delenv("LOTSE_CONFIG")
    monkeypatch.chdir(tmp_path)
    assert RUN.invoke(app, ["replay"]).exit_code == 0


def _no_file(folder: Path) -> list[str]:
    return ["--config", str(folder / "nowhere.toml")]


def _a_connectors_file(folder: Path) -> list[str]:
    file = folder / "connector.toml"
    file.write_text('agency = "abh.hannover"\n', encoding="utf-8")
    return ["--config", str(file)]


def _no_database(folder: Path) -> list[str]:
    return ["--config", str(_settings(folder))]


def _an_early_database(folder: Path) -> list[str]:
    engine = create_engine(f"sqlite:///{folder / 'gateway.db'}")
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE exchange (id TEXT)"))
    engine.dispose()
    return ["--config", str(_settings(folder))]


UNUSABLE: dict[str, tuple[Callable[[Path], list[str]], str]] = {
    "no file": (_no_file, "name the gateway's file with --config"),
    "a connector's file": (_a_connectors_file, "name the gateway's file with --config"),
    "no database": (_no_database, "start the gateway once"),
    "a database of an earlier version": (_an_early_database, "start the gateway once"),
}


@pytest.mark.parametrize("what", UNUSABLE)
@pytest.mark.parametrize("command", ["replay", "shadow"])
def test_what_cannot_be_looked_at_is_said(tmp_path: Path, what: str, command: str) -> None:
    """What is wrong and what to do, exit code 2, and no database is made by looking."""
    options, sentence = UNUSABLE[what]
    done = RUN.invoke(app, [command, *options(tmp_path)])
    assert done.exit_code == 2
    assert sentence in done.stderr
    assert done.stdout == ""
    if what == "no database":
        assert not (tmp_path / "gateway.db").exists()


@pytest.mark.parametrize(
    "options",
    [
        ["--since", "yesterday"],
        ["--candidate", "shipped", "--as-of", "2026-13-01"],
        ["--csv"],
        ["--as-of", "2026-11-22"],
        ["--fail-on", "widening"],
        ["--fail-on", "anything", "--candidate", "shipped"],
    ],
)
def test_options_that_mean_nothing_are_refused(tmp_path: Path, options: list[str]) -> None:
    """Before anything is opened."""
    done = RUN.invoke(app, ["replay", "--config", _empty(tmp_path), *options])
    assert done.exit_code == 2


@pytest.mark.parametrize("option", ["--candidate", "--rules"])
def test_a_file_that_is_no_release_is_refused_in_words(tmp_path: Path, option: str) -> None:
    """What it means and what to do."""
    config, bad = _empty(tmp_path), tmp_path / "bad.tar.gz"
    for content in (b"", b"not a release"):
        bad.write_bytes(content)
        done = RUN.invoke(app, ["replay", "--config", config, option, str(bad)])
        assert done.exit_code == 2
        assert "Fetch it again from the release desk" in done.stderr
    done = RUN.invoke(app, ["replay", "--config", config, option, str(tmp_path / "none.tar.gz")])
    assert (done.exit_code, done.stdout) == (2, "")


def test_a_folder_with_changed_rules_is_a_candidate(tmp_path: Path) -> None:
    """A checkout's `policies`: what the engines read is derived from the reviewed files."""
    folder = tmp_path / "policies"
    for part in ("data", "rego"):
        shutil.copytree(PACKAGE / part, folder / part)
    same = read_candidate(folder)
    assert same.digest == Bundle.load().digest
    assert same.standing == "unsigned"
    rules = folder / "data" / "rules.json"
    document: dict[str, Any] = json.loads(rules.read_bytes())
    next(r for r in document["rules"] if r["id"] == "R02")["fields"].append("azr_number")
    rules.write_bytes(json.dumps(document, ensure_ascii=False).encode())
    changed = read_candidate(folder)
    assert "azr_number" in changed.catalogue.rule("R02").fields
    assert changed.digest == widened().digest


@pytest.mark.parametrize("missing", ["data/rules.json", "rego/exchange.wasm"])
def test_a_folder_that_lacks_something_is_refused(tmp_path: Path, missing: str) -> None:
    """Half a set of rules is none."""
    folder = tmp_path / "policies"
    for part in ("data", "rego"):
        shutil.copytree(PACKAGE / part, folder / part)
    (folder / missing).unlink()
    with pytest.raises(ReleaseRefused):
        read_candidate(folder)


def test_a_folder_that_contradicts_itself_is_refused(tmp_path: Path) -> None:
    """A rule that names a field which is not in the catalogue."""
    folder = tmp_path / "policies"
    for part in ("data", "rego"):
        shutil.copytree(PACKAGE / part, folder / part)
    rules = folder / "data" / "rules.json"
    document: dict[str, Any] = json.loads(rules.read_bytes())
    document["rules"][1]["fields"].append("shoe_size")
    rules.write_bytes(json.dumps(document, ensure_ascii=False).encode())
    with pytest.raises(ReleaseRefused) as refused:
        read_candidate(folder)
    assert refused.value.code == "catalogue"


def test_signed_and_unsigned_candidates_are_told_apart(tmp_path: Path) -> None:
    """The word of a pinned key counts only where keys are pinned."""
    house = ReleaseHouse(tmp_path)
    file = house.lay(house.make(2, widened()))
    assert read_candidate(file, house.key.verifier).standing == "signed"
    assert read_candidate(file).standing == "unsigned"
    assert read_candidate(Path("shipped")).standing == "shipped"
    assert read_rules(file).digest == widened().digest != today().bundle_digest


def test_a_long_replay_shows_how_far_it_is() -> None:
    """On a terminal, on standard error, from the third second on."""
    times = iter(range(0, 1000, 1))
    shown = Console(file=io.StringIO(), force_terminal=True, width=80)
    done = list(
        with_progress(range(50), 50, "asking again", console=shown, clock=lambda: next(times))
    )
    assert done == list(range(50))
    file = shown.file
    assert isinstance(file, io.StringIO)
    assert "asking again" in file.getvalue()
