# SPDX-License-Identifier: EUPL-1.2
"""The command ``lotse``."""

from __future__ import annotations

from importlib.metadata import EntryPoint, EntryPoints, PackageNotFoundError

import pytest
import typer
from typer.testing import CliRunner

from keys import cli

invented = typer.Typer()


@invented.command("greet")
def greet() -> None:
    """Say hello."""
    typer.echo("hello")


@invented.command("other")
def other() -> None:
    """So that there is more than one command."""


not_a_command = object()


def installed(monkeypatch: pytest.MonkeyPatch, **targets: str) -> None:
    """Let these parts be installed."""
    points = EntryPoints(
        EntryPoint(name=name, value=value, group=cli.GROUP) for name, value in targets.items()
    )
    monkeypatch.setattr(cli, "entry_points", lambda *, group: points.select(group=group))


def run(*arguments: str, wanted: str | None = None) -> tuple[int, str]:
    result = CliRunner().invoke(cli.build_app(wanted), list(arguments))
    return result.exit_code, result.output


def test_version_says_what_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """``lotse version`` works without any part."""
    installed(monkeypatch)
    code, output = run("version")
    assert (code, output) == (0, f"lotse {cli.lotse_version()}\n")


def test_parts_are_found_through_their_entry_points(monkeypatch: pytest.MonkeyPatch) -> None:
    """A sub-command is there because its part is installed, under the entry point's name."""
    installed(monkeypatch, greeting=f"{__name__}:invented")
    assert run("greeting", "greet") == (0, "hello\n")
    assert run("missing")[0] == 2


def test_a_part_that_cannot_be_loaded_does_not_stop_the_others(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is named on the error output, and everything else works."""
    installed(
        monkeypatch,
        broken="no.such.module:app",
        greeting=f"{__name__}:invented",
        wrong=f"{__name__}:not_a_command",
    )
    assert run("greeting", "greet") == (0, "hello\n")
    errors = capsys.readouterr().err
    assert "lotse broken: not available (no)" in errors
    assert "lotse wrong: not a command" in errors


def test_only_the_wanted_part_is_loaded(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A part that is not asked for costs nothing, and its faults do not show."""
    installed(monkeypatch, broken="no.such.module:app", greeting=f"{__name__}:invented")
    assert run("greeting", "greet", wanted="greeting") == (0, "hello\n")
    assert capsys.readouterr().err == ""


def test_main_runs_what_was_typed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The console script reads its own arguments."""
    installed(monkeypatch, greeting=f"{__name__}:invented")
    monkeypatch.setattr("sys.argv", ["lotse", "greeting", "greet"])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 0
    assert capsys.readouterr().out == "hello\n"


def test_without_arguments_the_help_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """Someone who types ``lotse`` sees what there is."""
    installed(monkeypatch, greeting=f"{__name__}:invented")
    output = run()[1]
    assert "greeting" in output
    assert "version" in output


def test_a_missing_installation_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """From a source tree the version is unknown, which is no error."""

    def missing(_: str) -> str:
        raise PackageNotFoundError

    monkeypatch.setattr(cli, "version", missing)
    assert "not installed" in cli.lotse_version()
