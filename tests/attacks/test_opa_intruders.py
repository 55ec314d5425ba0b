# SPDX-License-Identifier: EUPL-1.2
"""Intruders at the shipped OPA server: with or without the token, only the decision can be had."""

from __future__ import annotations

import pytest

from tests.support.opa_server import DEPLOY, OpaServer, call, unit_command

ASK = b'{"input":{"fields":["family_name"]}}'
DECISION = "/v1/data/lotse/exchange/decision?provenance=true&strict-builtin-errors=true"

INTRUSIONS: dict[str, tuple[str, str, bytes | None]] = {
    "bring in a policy": ("PUT", "/v1/policies/more", b"package more\n\nallow := true\n"),
    "replace the rules": (
        "PUT",
        "/v1/policies/lotse/exchange/decision.rego",
        b"package lotse.exchange\n\ndecision := {}\n",
    ),
    "replace the guard": (
        "PUT",
        "/v1/policies/authz.rego",
        b"package system.authz\n\nallow := true\n",
    ),
    "delete the guard": ("DELETE", "/v1/policies/authz.rego", None),
    "read the rules": ("GET", "/v1/policies", None),
    "bring in facts": ("PUT", "/v1/data/catalogue/rules", b"{}"),
    "become a caller": ("PUT", "/v1/data/opa_callers/me", b'"x"'),
    "change facts": ("PATCH", "/v1/data/catalogue", b'[{"op":"remove","path":"/rules"}]'),
    "delete facts": ("DELETE", "/v1/data/catalogue", None),
    "read the facts": ("GET", "/v1/data", None),
    "read the callers": ("GET", "/v1/data/opa_callers", None),
    "an invented query": ("POST", "/v1/query", b'{"query":"data = x"}'),
    "an invented query by GET": ("GET", "/v1/query?q=data%20%3D%20x", None),
    "evaluate in part": ("POST", "/v1/compile", b'{"query":"data.lotse.exchange.decision = x"}'),
    "read the measurements": ("GET", "/metrics", None),
    "read the configuration": ("GET", "/v1/config", None),
    "read the status": ("GET", "/v1/status", None),
    "the default decision": ("POST", "/", b"{}"),
    "a rule below the decision": ("POST", "/v1/data/lotse/exchange/answers", ASK),
    "the decision by GET": ("GET", DECISION, None),
    "explained": ("POST", DECISION + "&explain=full", ASK),
    "lax": ("POST", "/v1/data/lotse/exchange/decision?provenance=true", ASK),
    "another spelling": ("POST", DECISION.replace("/exchange/", "%2Fexchange%2F"), ASK),
    "profiles": ("GET", "/debug/pprof/", None),
}


@pytest.mark.parametrize("what", INTRUSIONS)
def test_not_even_a_caller_can(what: str, opa_server: OpaServer) -> None:
    """With the right token: refused, and the decision afterwards is what it was."""
    method, path, body = INTRUSIONS[what]
    for token in (opa_server.token, None):
        assert call(opa_server, method, path, body, token) in {400, 401, 403, 404, 405}
    assert call(opa_server, "POST", DECISION, ASK, opa_server.token) == 200


@pytest.mark.parametrize("token", [None, "", "x" * 64, "gateway"])
def test_without_the_token_there_is_no_decision(token: str | None, opa_server: OpaServer) -> None:
    """No token, an empty one, a wrong one, a caller's name."""
    assert call(opa_server, "POST", DECISION, ASK, token) == 401


def test_health_needs_no_token(opa_server: OpaServer) -> None:
    """Monitoring holds no secret."""
    assert call(opa_server, "GET", "/health?bundles", None, None) == 200


def test_a_body_that_is_too_large_is_not_read(opa_server: OpaServer) -> None:
    """The largest question has 32 KiB; a flood ends at twice that."""
    flood = b'{"input":{"fields":["' + b"x" * 100_000 + b'"]}}'
    assert call(opa_server, "POST", DECISION, flood, opa_server.token) == 400


def test_the_unit_leaves_no_door_open() -> None:
    """The shipped command listens on loopback, authenticates, asks authz.rego, pins the release key."""
    command = unit_command()
    line = " ".join(command)
    assert "--addr 127.0.0.1:8181" in line
    assert "--authentication=token" in command
    assert "--authorization=basic" in command
    assert "--set-file keys.lotse-release.key=" in line
    assert "--skip-version-check" in command
    assert not {"--skip-verify", "--pprof", "--h2c", "--watch"} & set(command)
    configured = (DEPLOY / "opa" / "opa.yaml").read_text(encoding="utf-8")
    assert "\n      keyid: lotse-release\n" in configured
    assert "\ndecision_logs:" not in configured
