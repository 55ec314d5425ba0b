# SPDX-License-Identifier: EUPL-1.2
"""`lotse gateway check-config` says what is wrong with the OPA server, and what to do."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gateway.opa_check import server_trouble
from gateway.settings import OpaSettings, Settings
from policies.bundle import Bundle
from tests.support.lying_opa import LyingOpa, answer, http, provenance
from tests.support.middle import Middle
from tests.support.processes import free_port

OURS = {"lotse": {"revision": Bundle.load().digest}}


def _settings(folder: Path, url: str) -> Settings:
    token = folder / "token"
    token.write_text("t" * 40, encoding="ascii")
    plain = Middle.build(folder).settings()
    opa = OpaSettings(url=url, token_file=str(token))  # type: ignore[arg-type]  # as TOML gives it
    return plain.model_copy(update={"rule_engine": "opa", "opa": opa})


def _about(**changes: object) -> bytes:
    return http(answer(provenance=provenance(**{"bundles": OURS, **changes})))


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (_about(), None),
        (_about(bundles={}), "no rules in force"),
        (_about(bundles={"lotse": {"revision": "0" * 64}}), "lay the right release"),
        (_about(version="1.20.2"), "older than 1.21.3"),
        (http("{}", status="401 Unauthorized"), "callers.json"),
        (http(json.dumps([])), "not_an_object"),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, said: bytes, expected: str | None) -> None:
    """One sentence each; nothing where all is well."""
    with LyingOpa(lie=said, to_probes=said) as server:
        trouble = server_trouble(_settings(tmp_path, server.url))
    assert trouble is None if expected is None else expected in str(trouble)


def test_nobody_listens(tmp_path: Path) -> None:
    """The address is right, the server is not started."""
    trouble = server_trouble(_settings(tmp_path, f"http://127.0.0.1:{free_port()}"))
    assert "start it" in str(trouble)


def test_the_embedded_engine_has_no_server(tmp_path: Path) -> None:
    """Nothing is asked of anybody."""
    assert server_trouble(Middle.build(tmp_path).settings()) is None
