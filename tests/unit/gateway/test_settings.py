# SPDX-License-Identifier: EUPL-1.2
"""One file, no surprises, and no switch that turns a promise off (P9)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from gateway.settings import Settings, SettingsError, load_settings, settings_from
from tests.support.releases import PINNED

GOOD: dict[str, Any] = {
    "profile": "production",
    "issuer": "https://lotse.example",
    "database_url": "postgresql+psycopg://lotse:canary-password@db/lotse",
    "keyring_file": "gateway.keyring",
    "passphrase_file": "/run/secrets/passphrase",
    "registry_root_file": "root.jwk",
    "agency_list_file": "agencies.json",
    "log_origin": "lotse.example/2026",
    "policy": PINNED,
    "connectors": {"abh.hannover": "https://connector.abh.example"},
}
TABLES = ("connectors", "policy")


def _refused(base: Path, **changes: Any) -> str:
    table = {k: v for k, v in {**GOOD, **changes}.items() if v is not ...}
    with pytest.raises(SettingsError) as refused:
        settings_from(table, base=base)
    return str(refused.value)


def test_a_file_becomes_frozen_settings(tmp_path: Path) -> None:
    """Paths begin at the file, defaults are those of the design, nothing can be changed later."""
    file = tmp_path / "gateway.toml"
    lines = [f'{key} = "{value}"' for key, value in GOOD.items() if key not in TABLES]
    lines += ["[connectors]", '"abh.hannover" = "https://connector.abh.example"']
    lines += ["[policy]", f'directory = "{PINNED["directory"]}"', "[[policy.keys]]"]
    lines += [f'{name} = "{value}"' for name, value in PINNED["keys"][0].items()]
    file.write_text("\n".join(lines), encoding="utf-8")
    settings = load_settings(file)
    assert settings.keyring_file == tmp_path / "gateway.keyring"
    assert settings.passphrase_file == Path("/run/secrets/passphrase")
    assert settings.holder_seconds == 10
    assert settings.policy is not None
    assert settings.policy.directory == tmp_path / "policy"
    assert settings.policy.release_keys.kids == ("policy#release-1",)
    assert settings.connectors == {"abh.hannover": "https://connector.abh.example"}
    with pytest.raises(ValidationError):
        setattr(settings, "issuer", "https://other.example")  # noqa: B010 - mypy refuses it, too


def test_no_setting_switches_a_promise_off() -> None:
    """Every setting there is stands in this list: a new one is a decision about P9."""
    assert set(Settings.model_fields) == {
        "profile",
        "issuer",
        "host",
        "port",
        "database_url",
        "keyring_file",
        "passphrase_file",
        "registry_root_file",
        "agency_list_file",
        "log_origin",
        "node",
        "connectors",
        "holder_seconds",
        "keep_decisions_months",
        "shadow",
        "rule_engine",
        "opa",
        "authzen",
        "policy",
        "insecure_demo_person",
    }


def test_the_production_profile_decides_by_signed_releases_only(tmp_path: Path) -> None:
    """Without pinned keys it does not start, and says what is missing; the demo may do without."""
    message = _refused(tmp_path, policy=...)
    assert "signed releases" in message
    assert "[policy]" in message
    assert "P9" in message
    demo = {key: value for key, value in GOOD.items() if key != "policy"} | {"profile": "demo"}
    assert settings_from(demo, base=tmp_path).policy is None


def test_every_switch_is_a_stand_in_and_off() -> None:
    """The only booleans are stand-ins, named so, and off unless the file says otherwise."""
    switches = {n: f.default for n, f in Settings.model_fields.items() if f.annotation is bool}
    assert switches == {"insecure_demo_person": False}
    assert all(name.startswith("insecure_") for name in switches)


def test_the_production_profile_refuses_the_stand_in(tmp_path: Path) -> None:
    """A clear sentence with the key and the promise; the demo profile takes it."""
    message = _refused(tmp_path, insecure_demo_person=True)
    assert "insecure_demo_person" in message
    assert "production" in message
    assert "P9" in message
    demo = settings_from({**GOOD, "profile": "demo", "insecure_demo_person": True}, base=tmp_path)
    assert demo.insecure_demo_person


@pytest.mark.parametrize(
    "key", ["polizy", "unsigned_policy", "disable_log", "verify_tls", "Issuer"]
)
def test_an_unknown_key_is_named(tmp_path: Path, key: str) -> None:
    """A typing error or a hoped-for switch stops the start and says which key it was."""
    assert f"unknown key: {key}" in _refused(tmp_path, **{key: False})


@pytest.mark.parametrize("key", [k for k in GOOD if k not in TABLES])
def test_a_missing_key_is_named(tmp_path: Path, key: str) -> None:
    """What has no default must be said."""
    assert f"missing key: {key}" in _refused(tmp_path, **{key: ...})


@pytest.mark.parametrize(
    "changes",
    [
        {"profile": "development"},
        {"issuer": "http://lotse.example"},
        {"issuer": "http://127.0.0.1:8400"},
        {"issuer": "https://lotse.example/"},
        {"issuer": "https://lotse.example/path"},
        {"issuer": "https://user:pw@lotse.example"},
        {"issuer": "https://lotse.example?x=1"},
        {"issuer": "lotse.example"},
        {"connectors": {"abh.hannover": "http://connector.abh.example"}},
        {"connectors": {"abh.hannover": "file:///etc/passwd"}},
        {"connectors": {"ABH Hannover": "https://connector.abh.example"}},
        {"database_url": "mysql://db/lotse"},
        {"database_url": ""},
        {"keyring_file": ""},
        {"keyring_file": 7},
        {"log_origin": "Lotse Log"},
        {"log_origin": "lotse.example\n"},
        {"node": "n 1"},
        {"port": "8400"},
        {"port": 70_000},
        {"port": True},
        {"holder_seconds": 61},
        {"holder_seconds": 0},
        {"insecure_demo_person": "yes"},
        {"policy": False},
        {"policy": {**PINNED, "directory": ""}},
        {"policy": {**PINNED, "keys": []}},
        {"policy": {**PINNED, "keys": PINNED["keys"] * 2}},
        {"policy": {**PINNED, "keys": [{**PINNED["keys"][0], "kid": "policy#list-1"}]}},
        {"policy": {**PINNED, "keys": [{**PINNED["keys"][0], "x": PINNED["keys"][0]["y"]}]}},
        {"policy": {**PINNED, "keys": [{**PINNED["keys"][0], "d": "secret"}]}},
        {"policy": {**PINNED, "unsigned": True}},
    ],
)
def test_a_value_out_of_its_range_is_refused(tmp_path: Path, changes: dict[str, Any]) -> None:
    """No coercion, no unprotected address, no time beyond what the design allows."""
    message = _refused(tmp_path, **changes)
    assert next(iter(changes)) in message
    assert "canary" not in message


def test_plain_connections_stay_on_this_machine(tmp_path: Path) -> None:
    """The demo may speak plain HTTP on loopback and nowhere else."""
    local = {
        **GOOD,
        "profile": "demo",
        "issuer": "http://127.0.0.1:8400",
        "connectors": {"abh.hannover": "http://[::1]:8401", "jc.hannover": "http://localhost:1"},
    }
    assert settings_from(local, base=tmp_path).issuer == "http://127.0.0.1:8400"
    for host in ("192.0.2.1", "localhost.example", "127.0.0.1.example"):
        assert "issuer" in _refused(tmp_path, profile="demo", issuer=f"http://{host}")


def test_a_password_in_the_database_address_is_never_shown(tmp_path: Path) -> None:
    """Neither the printed settings nor a complaint about them has it."""
    assert "canary" not in repr(settings_from(GOOD, base=tmp_path))
    assert "canary" not in _refused(tmp_path, database_url="mysql://u:canary@db/x")


@pytest.mark.parametrize("content", [b"\xff\xfe", b"profile = ", b"a = 1\na = 2", b"#" * 70_000])
def test_what_is_no_settings_file_is_refused(tmp_path: Path, content: bytes) -> None:
    """Broken, doubled and oversized files stop the start with a sentence."""
    file = tmp_path / "gateway.toml"
    file.write_bytes(content)
    with pytest.raises(SettingsError, match="settings file"):
        load_settings(file)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    """There are no hidden defaults to run on."""
    with pytest.raises(SettingsError, match="cannot be read"):
        load_settings(tmp_path / "nowhere.toml")


def test_the_environment_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the file says is what runs; a variable with the same name is not read."""
    for key in ("PROFILE", "profile", "LOTSE_PROFILE", "GATEWAY_PROFILE"):
        monkeypatch.setenv(key, "demo")
    assert settings_from(GOOD, base=tmp_path).profile == "production"
