# SPDX-License-Identifier: EUPL-1.2
"""A real OPA server for as long as a comparison takes.

It listens on the loopback interface with a token of its own, loads the bundle as a release would
carry it, and is gone afterwards. Production runs its own server, see ``deploy/opa``.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from policies.build import PACKAGE
from policies.bundle import Bundle
from policies.engine.opa import BUNDLE, OpaAddress, OpaEngine
from policies.errors import EngineFailed
from policies.release.archive import pack
from policies.release.layout import lay_out

OLDEST: Final = (1, 21, 3)
"""Oldest OPA that is believed: the first with GHSA-g2pf-6v5v-qcc8 repaired."""

_START_SECONDS: Final = 30.0
_DEADLINE_SECONDS: Final = 10.0
"""For one answer: a comparison waits longer than an exchange may."""

_AUTHORISATION: Final = """package system.authz

import future.keywords.not

default allow := false

allow if input.identity == "{token}"
"""


def find_opa() -> Path | None:
    """Return an OPA that is new enough: ``LOTSE_OPA``, then ``PATH``, then what was built here."""
    built = PACKAGE.parent / ".cache" / "bin" / "opa"
    for candidate in (os.environ.get("LOTSE_OPA"), shutil.which("opa"), str(built)):
        if candidate and os.access(candidate, os.X_OK) and _version(candidate) >= OLDEST:
            return Path(candidate)
    return None


@contextmanager
def opa_beside(binary: Path, bundle: Bundle) -> Iterator[OpaEngine]:
    """Run an OPA server over a bundle and give the engine that asks it.

    Raises:
        EngineFailed: the server did not come up.
    """
    token = secrets.token_hex(16)
    with tempfile.TemporaryDirectory() as scratch:
        place = Path(scratch)
        (place / "release.tar.gz").write_bytes(pack(lay_out(bundle, {})))
        (place / "authz.rego").write_text(_AUTHORISATION.format(token=token), encoding="ascii")
        config = {"bundles": {BUNDLE: {"resource": f"file://{place}/release.tar.gz"}}}
        (place / "opa.json").write_text(json.dumps(config), encoding="ascii")
        port = _free_port()
        command = [str(binary), "run", "--server", "--addr", f"127.0.0.1:{port}"]
        command += ["--config-file", "opa.json", "--authentication=token", "--authorization=basic"]
        command += ["--disable-telemetry", "--log-level", "error", "authz.rego"]
        process = subprocess.Popen(  # noqa: S603 - the OPA that was found, fixed arguments
            command, cwd=place, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        address = OpaAddress(f"http://127.0.0.1:{port}", token)
        engine = OpaEngine(address, bundle.digest, deadline_seconds=_DEADLINE_SECONDS)
        try:
            if not engine.ready(_START_SECONDS):
                raise EngineFailed("unreachable")
            yield engine
        finally:
            engine.close()
            process.terminate()
            process.wait()


def _version(binary: str) -> tuple[int, ...]:
    done = subprocess.run(  # noqa: S603 - asks a found OPA for its version
        [binary, "version"], capture_output=True, text=True, timeout=30, check=False
    )
    for line in done.stdout.splitlines():
        name, _, value = line.partition(": ")
        if name == "Version" and value.replace(".", "").isdigit():
            return tuple(int(part) for part in value.split("."))
    return ()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
