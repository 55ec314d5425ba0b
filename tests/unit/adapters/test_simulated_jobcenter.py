# SPDX-License-Identifier: EUPL-1.2
"""The job centre's web service as a process: token, addresses, a port in use, Ctrl-C."""

from __future__ import annotations

import stat
import sys
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from tests.support.processes import Process, Processes, free_port


@dataclass(frozen=True, slots=True)
class Service:
    """A running job centre."""

    process: Process
    command: list[str]
    token: Path
    client: httpx.Client


@pytest.fixture
def service(tmp_path: Path, processes: Processes) -> Generator[Service]:
    """One job centre on a free port."""
    port, token = free_port(), tmp_path / "token"
    command = [sys.executable, "-m", "adapters.simulated.jobcenter", "--port", str(port)]
    command += ["--data", str(tmp_path / "jc.json"), "--token-file", str(token)]
    command += ["--today", "2026-11-22"]
    process = processes.start(command, name="jobcenter")
    base = f"http://127.0.0.1:{port}"
    process.wait_healthy(f"{base}/status")
    headers = {"Authorization": f"Bearer {token.read_text().strip()}"}
    with httpx.Client(base_url=base, headers=headers) as client:
        yield Service(process, command, token, client)


def test_search_and_parts(service: Service) -> None:
    """A number finds a case, a case has its parts."""
    found = service.client.get("/api/v1/faelle", params={"bgNummer": "23702BG0529164"}).json()
    (hit,) = found["treffer"]
    part = service.client.get(f"/api/v1/faelle/{hit['id']}/leistung").json()
    assert part["bewilligt"] is True
    assert len(service.client.get(f"/api/v1/faelle/{hit['id']}/einkommen").json()["netto"]) == 12


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/api",
        "/api/v1/faelle/F-4200",
        "/api/v1/faelle/F-4200/bgNummer",
        "/api/v1/faelle/none/leistung",
        "/api/v1/faelle/F-4200/leistung/x",
        "/api/v1/faelle/F-4200%2Fleistung",
        "/..%2f..%2fetc%2fpasswd",
    ],
)
def test_other_addresses_do_not_exist(service: Service, path: str) -> None:
    """404 in JSON, whatever is asked for."""
    answer = service.client.get(path)
    assert answer.status_code == 404
    assert answer.headers["Content-Type"].startswith("application/json")


@pytest.mark.parametrize("header", [None, "", "Bearer x", "Bearer", "Basic x", "bearer {token}"])
def test_without_the_token_nothing(service: Service, header: str | None) -> None:
    """Every address below /api asks for the token; /status does not."""
    sent = (
        {}
        if header is None
        else {"Authorization": header.format(token=service.token.read_text().strip())}
    )
    base = service.client.base_url
    answer = httpx.get(f"{base}/api/v1/faelle?bgNummer=23702BG0529164", headers=sent)
    assert answer.status_code == 401
    assert "treffer" not in answer.text
    assert httpx.get(f"{base}/status").status_code == 200


def test_the_token_file_is_private(service: Service) -> None:
    """Created with mode 0600."""
    assert stat.S_IMODE(service.token.stat().st_mode) == 0o600


def test_a_port_in_use_is_said_plainly(service: Service, processes: Processes) -> None:
    """The second one ends with a sentence that says what to do."""
    second = processes.start(service.command, name="second")
    assert second.wait() == 2
    assert "is in use; choose another with --port" in second.output()
    assert "Traceback" not in second.output()


def test_ctrl_c_ends_it_quietly(service: Service) -> None:
    """Exit status 0, no stack, and nothing about any case in its output."""
    service.client.get("/api/v1/faelle", params={"bgNummer": "23702BG0529164"})
    service.process.interrupt()
    assert service.process.wait() == 0
    assert "Traceback" not in service.process.output()
    assert "23702BG" not in service.process.output()


def test_a_damaged_data_file_is_said_plainly(tmp_path: Path, processes: Processes) -> None:
    """Not a stack, a sentence."""
    (tmp_path / "jc.json").write_text("{", encoding="utf-8")
    command = [
        sys.executable,
        "-m",
        "adapters.simulated.jobcenter",
        "--port",
        "0",
        "--today",
        "2026-11-22",
    ]
    files = ["--data", str(tmp_path / "jc.json"), "--token-file", str(tmp_path / "token")]
    process = processes.start([*command, *files], name="damaged")
    assert process.wait() == 2
    assert "not a data file" in process.output()
