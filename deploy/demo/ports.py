# SPDX-License-Identifier: EUPL-1.2
"""Ports on loopback: the usual ones, or others where those are taken."""

from __future__ import annotations

import contextlib
import socket
from dataclasses import dataclass
from typing import Final

from deploy.demo.cast import RUNNING

HOST: Final = "127.0.0.1"
GATEWAY_PORT: Final = 8400
CONNECTOR_PORT: Final = 8411
SYSTEM_PORT: Final = 8431
RECORDED_UP_PORT: Final = 8451
"""From here on: connectors reach the gateway through the recorder."""
RECORDED_DOWN_PORT: Final = 8461
"""From here on: the gateway reaches connectors through the recorder."""
RECORDED_PERSON_PORT: Final = 8450
"""The person's way to the gateway through the recorder."""


@dataclass(frozen=True, slots=True)
class Ports:
    """Role to port."""

    chosen: dict[str, int]
    moved: tuple[str, ...]
    """Roles whose usual port was taken."""

    def url(self, role: str) -> str:
        """Give the address of a role, without a slash at the end."""
        return f"http://{HOST}:{self.chosen[role]}"


def usual_ports() -> dict[str, int]:
    """Name every port the demo would like to have."""
    wanted = {"gateway": GATEWAY_PORT, "person>gateway": RECORDED_PERSON_PORT}
    for number, member in enumerate(RUNNING):
        wanted[member.id] = CONNECTOR_PORT + number
        wanted[f"{member.id}>gateway"] = RECORDED_UP_PORT + number
        wanted[f"gateway>{member.id}"] = RECORDED_DOWN_PORT + number
        if member.source == "rest":
            wanted[f"{member.id} system"] = SYSTEM_PORT + number
    return wanted


def choose(wanted: dict[str, int]) -> Ports:
    """Take each wanted port that is free, and any free one for the rest."""
    chosen: dict[str, int] = {}
    moved = []
    with contextlib.ExitStack() as probes:
        # The probes stay open until all are chosen, so that no port is given out twice.
        for role, port in wanted.items():
            try:
                chosen[role] = _probe(probes, port)
            except OSError:
                chosen[role] = _probe(probes, 0)
                moved.append(role)
    return Ports(chosen, tuple(moved))


def _probe(probes: contextlib.ExitStack, port: int) -> int:
    probe = probes.enter_context(socket.socket())
    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    probe.bind((HOST, port))
    number: int = probe.getsockname()[1]
    return number
