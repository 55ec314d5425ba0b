# SPDX-License-Identifier: EUPL-1.2
"""The example settings and units under ``deploy`` fit the programs that read them."""

from __future__ import annotations

import re
import tomllib
from configparser import RawConfigParser
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from adapters.connector import settings as connector
from adapters.connector.errors import SettingsRejected
from gateway import settings as gateway
from gateway.authzen.mapping import AuthzenMapping
from keys.cli import build_app
from tests.support import tree

if TYPE_CHECKING:
    from pathlib import Path

    from pydantic import BaseModel

COMMENTED = re.compile(r"^# (\[\w+\]|\w+ = .+)$", re.MULTILINE)
"""A line that would be a setting without its ``#``."""

NOT_A_DEFAULT = {"ca_file"}
"""Shown in a comment although it has no default."""

UNITS = ("lotse-gateway.service", "lotse-connector.service")


def _example(name: str) -> str:
    return (tree.ROOT / "deploy" / name).read_text(encoding="utf-8")


def _all_lines(name: str) -> dict[str, Any]:
    return tomllib.loads(COMMENTED.sub(r"\1", _example(name)))


def _sections(model: type[BaseModel]) -> dict[str, type[BaseModel]]:
    return {
        name: field.annotation
        for name, field in model.model_fields.items()
        if isinstance(field.annotation, type) and hasattr(field.annotation, "model_fields")
    }


def test_the_gateways_example_is_a_production_file(tmp_path: Path) -> None:
    """It loads as it stands, in the strict profile, without any stand-in."""
    (tmp_path / "lotse.toml").write_text(_example("lotse.example.toml"), encoding="utf-8")
    loaded = gateway.load_settings(tmp_path / "lotse.toml")
    assert loaded.profile == "production"
    assert loaded.insecure_demo_person is False


def test_the_gateways_example_names_every_setting_with_its_default(tmp_path: Path) -> None:
    """With every comment taken for a setting: nothing is missing, and nothing changes."""
    table = _all_lines("lotse.example.toml")
    assert table.keys() == gateway.Settings.model_fields.keys()
    assert table.pop("opa").keys() == gateway.OpaSettings.model_fields.keys()
    assert table.pop("shadow").keys() == gateway.ShadowSettings.model_fields.keys()
    assert table["authzen"].keys() == AuthzenMapping.model_fields.keys()
    assert table["policy"].keys() == gateway.PolicySettings.model_fields.keys()
    del table["policy"]["opa_file"]
    (tmp_path / "lotse.toml").write_text(_example("lotse.example.toml"), encoding="utf-8")
    as_it_stands = gateway.load_settings(tmp_path / "lotse.toml")
    assert gateway.settings_from(table, base=tmp_path) == as_it_stands


def test_the_connectors_example_loads(tmp_path: Path) -> None:
    """It loads as it stands, and its callers are one system and the clerks."""
    (tmp_path / "connector.toml").write_text(_example("connector.example.toml"), encoding="utf-8")
    loaded = connector.load_settings(tmp_path / "connector.toml")
    assert {token.role for token in loaded.tokens} == set(connector.Role)
    assert loaded.gateway.url.startswith("https://")


def test_the_connectors_example_names_every_setting_with_its_default() -> None:
    """With every comment taken for a setting: no member is missing, and defaults are the real ones."""
    table = _all_lines("connector.example.toml")
    assert table.keys() == connector.Settings.model_fields.keys() - {"base"}
    assert table["opa"].keys() == connector.OpaSettings.model_fields.keys()
    assert table["policy"].keys() == connector.PolicySettings.model_fields.keys()
    for name, section in _sections(connector.Settings).items():
        assert table[name].keys() == section.model_fields.keys(), name
        commented = set(COMMENTED.findall(_example("connector.example.toml")))
        for key, field in section.model_fields.items():
            shown = any(line.startswith(f"{key} = ") for line in commented)
            if shown and key not in NOT_A_DEFAULT and not field.is_required():
                assert table[name][key] == field.default, key


def test_the_gateways_example_of_an_opa_server_can_be_used(tmp_path: Path) -> None:
    """Taken out of its comment and chosen, it loads; either half alone stops the start."""
    table = _all_lines("lotse.example.toml") | {"rule_engine": "opa"}
    chosen = gateway.settings_from(table, base=tmp_path)
    assert chosen.opa is not None
    assert chosen.opa.token_file == tmp_path / "opa-token"
    opa = table.pop("opa")
    with pytest.raises(gateway.SettingsError, match="belong together"):
        gateway.settings_from(table, base=tmp_path)
    with pytest.raises(gateway.SettingsError, match="belong together"):
        gateway.settings_from(table | {"rule_engine": "embedded", "opa": opa}, base=tmp_path)


@pytest.mark.parametrize("name", ["lotse.example.toml", "connector.example.toml"])
def test_the_examples_know_no_switch_that_does_not_exist(name: str, tmp_path: Path) -> None:
    """A hoped-for key stops the start, so a stale example would be noticed."""
    text = 'off_switch = "policy"\n' + _example(name)
    (tmp_path / name).write_text(text, encoding="utf-8")
    load = gateway.load_settings if name.startswith("lotse") else connector.load_settings
    with pytest.raises((gateway.SettingsError, SettingsRejected), match="off_switch"):
        load(tmp_path / name)


@pytest.mark.parametrize("name", UNITS)
def test_a_unit_starts_a_command_that_exists_and_keeps_starting_it(name: str) -> None:
    """ExecStart names a sub-command with its option; a crash is followed by a start."""
    unit = RawConfigParser(strict=False)
    unit.read_string(_example(f"systemd/{name}"))
    program, *words = unit["Service"]["ExecStart"].split()
    assert program.endswith("/lotse")
    assert unit["Service"]["Restart"] == "always"
    assert unit["Unit"]["StartLimitIntervalSec"] == "0"
    option = words.index("--config")
    shown = CliRunner().invoke(build_app(words[0]), [*words[:option], "--help"])
    assert shown.exit_code == 0
    assert "--config" in re.sub(r"\x1b\[[0-9;]*m", "", shown.output)
