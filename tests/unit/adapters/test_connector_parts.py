# SPDX-License-Identifier: EUPL-1.2
"""Settings, command line, store, log lines and the problem table of the connector."""

from __future__ import annotations

import asyncio
import json
import secrets
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from adapters.cli import app
from adapters.connector import problems
from adapters.connector.checks import Check
from adapters.connector.errors import CheckFailed, SettingsRejected
from adapters.connector.evidence import MOST_PER_CHECK, Evidence
from adapters.connector.fetching import decoy_number
from adapters.connector.logs import keep_allowed
from adapters.connector.logwatch import LogWatch, check_receipt
from adapters.connector.settings import load_settings, parse_settings
from adapters.connector.store import orders, watch
from adapters.connector.store.database import Store, open_engine
from adapters.connector.store.orders import OrderMarks, Taking
from audit.entry import new_entry
from audit.vocabulary import EntryKind, Outcome
from keys.model import ExchangeId
from keys.providers.base import KeyUse
from keys.providers.memory import InsecureMemoryKeyring
from tests.support.simulated_log import SimulatedLog

EXCHANGE = ExchangeId("01ARZ3NDEKTSV4RRFFQ69G5FAV")
TOML = """
[agency]
id = "jc.hannover"

[storage]
directory = "data"

[keys]
keyring = "keys/keyring.json"
passphrase_file = "passphrase"

[gateway]
url = "https://lotse.example"
issuer = "https://lotse.example"

[registry.root_jwk]
kty = "EC"
crv = "P-256"
x = "x"
y = "y"

[[tokens]]
name = "fach"
role = "system"
sha256 = "0000000000000000000000000000000000000000000000000000000000000000"
"""


def test_paths_are_relative_to_the_file(tmp_path: Path) -> None:
    """A configuration folder can be moved as a whole."""
    (tmp_path / "c.toml").write_text(TOML)
    settings = load_settings(tmp_path / "c.toml")
    assert settings.storage.directory == tmp_path / "data"
    assert settings.keys.keyring == tmp_path / "keys" / "keyring.json"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("[storage]", "[agency2]\nx=1\n[storage]"),
        ('id = "jc.hannover"', 'id = "JC Hannover"'),
        ('id = "jc.hannover"', "id = 5"),
        ("https://lotse.example", "file:///etc"),
        ('url = "https://lotse.example"', 'url = "http://lotse.example"'),
        ('role = "system"', 'role = "admin"'),
        ("0000000000", "plain-token"),
        ("[agency]", 'base = "/"\n[agency]'),
        ("[storage]", "[holding]\nheld_days = 29\n[storage]"),
        ("[storage]", "[policy]\nenabled = false\n[storage]"),
        ("[agency]", "[agency"),
    ],
)
def test_bad_settings_are_refused(tmp_path: Path, old: str, new: str) -> None:
    """Unknown members, wrong types, more than 28 days and off switches do not start."""
    (tmp_path / "c.toml").write_text(TOML.replace(old, new))
    with pytest.raises(SettingsRejected):
        load_settings(tmp_path / "c.toml")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    """The message says which file."""
    with pytest.raises(SettingsRejected, match=r"nothing\.toml"):
        load_settings(tmp_path / "nothing.toml")


def test_keys_are_made_once_and_shown(tmp_path: Path) -> None:
    """init-keys writes four public keys; a second run refuses; show-keys gives fingerprints."""
    config = tmp_path / "c.toml"
    config.write_text(TOML)
    passphrase = tmp_path / "passphrase"
    passphrase.write_text("a long invented passphrase\n")
    passphrase.chmod(0o600)
    run = CliRunner()
    out = tmp_path / "public.json"
    made = run.invoke(app, ["init-keys", "--config", str(config), "--output", str(out)])
    assert made.exit_code == 0, made.output
    public = json.loads(out.read_text())
    assert public["id"] == "jc.hannover"
    assert [key["use"] for key in public["keys"]] == ["sig", "kem", "audit", "auth"]
    assert all(set(key["jwk"]) == {"kty", "crv", "x", "y"} for key in public["keys"])
    again = run.invoke(app, ["init-keys", "--config", str(config)])
    assert again.exit_code == 2
    shown = run.invoke(app, ["show-keys", "--config", str(config)])
    assert len(shown.output.splitlines()) == 4
    passphrase.chmod(0o644)
    assert run.invoke(app, ["show-keys", "--config", str(config)]).exit_code == 2


def test_serve_says_what_is_wrong_with_the_settings(tmp_path: Path) -> None:
    """A wrong file ends with exit code 2 and a sentence, not with a stack of calls."""
    config = tmp_path / "c.toml"
    config.write_text("x = 1")
    result = CliRunner().invoke(app, ["serve", "--config", str(config)])
    assert result.exit_code == 2
    assert "Traceback" not in result.output


def test_problem_codes_are_unique_and_say_three_things() -> None:
    """What happened, what it means, what to do; one code each."""
    codes = [row.code for row in problems.TABLE]
    assert len(set(codes)) == len(codes) > 20
    assert all(row.title and row.meaning and row.todo for row in problems.TABLE)


@given(st.dictionaries(st.text(max_size=12), st.text(max_size=40) | st.integers()))
def test_log_lines_have_only_known_members(event: dict[str, Any]) -> None:
    """Members that are not on the list never reach the log, whatever they are called."""
    kept = keep_allowed(None, "info", {**event, "event": "x", "file_number": "4711"})
    assert "file_number" not in kept
    assert set(kept) <= {
        "check", "code", "event", "exchange", "level", "method", "outcome", "problem",
        "request_id", "route", "serial", "status", "timestamp", "error",
    }  # fmt: skip


def test_log_values_are_plain_codes() -> None:
    """Free text under an allowed name is dropped too."""
    assert "outcome" not in keep_allowed(None, "info", {"event": "x", "outcome": "Müller\n1990"})


@given(st.text(alphabet="AB#-/ ", min_size=1, max_size=64), st.binary(min_size=32, max_size=32))
def test_decoy_numbers_have_the_agencys_form(pattern: str, noise: bytes) -> None:
    """Only # changes, and always into a digit."""
    made = decoy_number(pattern, lambda _n: noise)
    assert len(made) == len(pattern)
    pairs = zip(pattern, made, strict=True)
    assert all(b.isdigit() if a == "#" else a == b for a, b in pairs)


def _marks(order: str = "o" * 16, content: bytes = b"1", statement: bytes = b"s") -> OrderMarks:
    return OrderMarks(order, content, statement, EXCHANGE, 1_000)


def test_an_order_is_taken_once(tmp_path: Path) -> None:
    """Same order: same bytes. Same statement, exchange or id with other content: replayed."""
    store = Store(open_engine(tmp_path / "s"))
    assert store.now(lambda c: orders.take(c, _marks(), 1)) == (Taking.NEW, None)
    assert store.now(lambda c: orders.take(c, _marks(), 1)) == (Taking.NEW, None)
    assert store.now(lambda c: orders.keep_answer(c, "o" * 16, b"first")) == b"first"
    assert store.now(lambda c: orders.keep_answer(c, "o" * 16, b"second")) == b"first"
    assert store.now(lambda c: orders.take(c, _marks(), 1)) == (Taking.REPEATED, b"first")
    for other in (_marks(content=b"2"), _marks(order="p" * 16, content=b"2")):
        taken = store.now(partial(orders.take, marks=other, now=1))
        assert taken == (Taking.REPLAYED, None)
    store.close()


def test_a_store_of_another_version_is_refused(tmp_path: Path) -> None:
    """An older connector does not write into a newer one's file."""
    engine = open_engine(tmp_path / "s")
    Store(engine)
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE schema_version SET version = 99")
    with pytest.raises(SettingsRejected):
        Store(engine)
    engine.dispose()


def test_the_newest_list_and_checkpoint_are_remembered(tmp_path: Path) -> None:
    """A lower serial does not replace a higher one; a checkpoint moves only from what was seen."""
    store = Store(open_engine(tmp_path / "s"))
    assert store.now(lambda c: watch.remember_list(c, 7, b"seven"))
    assert not store.now(lambda c: watch.remember_list(c, 6, b"six"))
    kept = store.now(watch.newest_list)
    assert kept is not None
    assert kept.document == b"seven"
    one, two = (watch.SeenCheckpoint(n, bytes([n]) * 32, "note") for n in (1, 2))
    assert store.now(lambda c: watch.move_checkpoint(c, "k", None, one))
    assert not store.now(lambda c: watch.move_checkpoint(c, "k", None, two))
    assert store.now(lambda c: watch.move_checkpoint(c, "k", one, two))
    assert not store.now(lambda c: watch.move_checkpoint(c, "k", one, two))
    store.close()


def test_evidence_cannot_fill_the_disk(tmp_path: Path) -> None:
    """Nonsense that anybody can send is kept a thousand times, not for ever."""
    engine = open_engine(tmp_path / "s")
    store = Store(engine)
    kept = Evidence(store, lambda: 1_000, secrets.token_bytes)
    with engine.begin() as connection:
        for number in range(MOST_PER_CHECK):
            watch.keep_evidence(
                connection,
                evidence_id=str(number),
                at=1,
                check=Check.SHAPE,
                exchange=None,
                artefact=b"",
            )
    asyncio.run(kept.keep(Check.SHAPE, exchange=None, artefact=b"x"))
    asyncio.run(kept.keep(Check.REPLAY, exchange=None, artefact=b"x"))
    assert store.now(lambda c: watch.evidence_count(c, Check.SHAPE)) == MOST_PER_CHECK
    assert store.now(lambda c: watch.evidence_count(c, Check.REPLAY)) == 1
    store.close()


def _log() -> SimulatedLog:
    ring = InsecureMemoryKeyring("gateway")
    ring.new_key(KeyUse.LOG, 0)
    return SimulatedLog("log.test/2026", ring.log_signer())


def _append(log: SimulatedLog) -> str:
    entry = new_entry(EntryKind.SELFTEST, Outcome.PERMIT, now_us=1_000_000, node="n")
    return log.append(entry).to_text()


def test_checkpoints_may_come_in_any_order_but_must_fit(tmp_path: Path) -> None:
    """Older receipts that are a beginning of what was seen are fine; a fork never is."""
    store = Store(open_engine(tmp_path / "s"))
    log = _log()
    texts = [_append(log) for _ in range(9)]

    async def proof(old: int, new: int) -> tuple[bytes, ...]:
        return tuple(log.consistency(old, new))

    watcher = LogWatch(store, proof)

    async def observe(text: str) -> None:
        await watcher.observe(check_receipt(text, log.vkey))

    async def story() -> None:
        for index in (4, 1, 8, 0, 8, 3):
            await observe(texts[index])
        log.leaves[2] = b'{"idx":2}'
        _append(log)
        with pytest.raises(CheckFailed) as caught:
            await observe(log.receipt(9).to_text())
        assert caught.value.check is Check.LOG_CONSISTENCY

    asyncio.run(story())
    last = store.now(lambda c: watch.last_checkpoint(c, log.vkey))
    assert last is not None
    assert last.size == 9
    store.close()


@given(st.integers(min_value=0), st.sampled_from(["A", "\n", "é", ""]))
def test_no_changed_receipt_verifies(position: int, sign: str) -> None:
    """One changed, added or removed character makes a receipt worthless, and never an accident."""
    log = _log()
    text = [_append(log) for _ in range(3)][1]
    at = position % len(text)
    changed = text[:at] + sign + text[at + 1 :]
    if changed != text:
        with pytest.raises(CheckFailed):
            check_receipt(changed, log.vkey)


def test_settings_need_nothing_but_what_is_shown() -> None:
    """The example in these tests is complete: no hidden member is needed."""
    settings = parse_settings(
        {
            "agency": {"id": "a.b"},
            "storage": {"directory": "d"},
            "keys": {"keyring": "k", "passphrase_file": "p"},
            "gateway": {"url": "https://g", "issuer": "https://g"},
            "registry": {"root_jwk": {}},
        },
        beside=Path("/x"),
    )
    assert settings.holding.held_days == 28
    assert settings.source is None
