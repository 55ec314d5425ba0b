# SPDX-License-Identifier: EUPL-1.2
"""Finds the OPA binary that the Rego tests compare with. `scripts/opa.sh` prepares it."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

OPA_VERSION = "1.21.3"
"""The version whose semantics we compare with (the first with GHSA-g2pf-6v5v-qcc8 repaired)."""

ROOT = Path(__file__).resolve().parents[2]


def find_opa() -> Path | None:
    """The first OPA of the pinned version: `LOTSE_OPA`, then `PATH`, then `.cache/bin`."""
    for candidate in (
        os.environ.get("LOTSE_OPA"),
        shutil.which("opa"),
        str(ROOT / ".cache" / "bin" / "opa"),
    ):
        if candidate and os.access(candidate, os.X_OK) and _version(candidate) == OPA_VERSION:
            return Path(candidate)
    return None


def _version(binary: str) -> str | None:
    done = subprocess.run(
        [binary, "version"], capture_output=True, text=True, timeout=30, check=False
    )
    for line in done.stdout.splitlines():
        name, _, value = line.partition(":")
        if name == "Version":
            return value.strip()
    return None


@pytest.fixture(scope="session")
def opa() -> Path:
    """The pinned OPA binary; skips with the reason where there is none (a failure in CI)."""
    found = find_opa()
    if found is None:
        pytest.skip(f"no OPA {OPA_VERSION}: set LOTSE_OPA, or install Go and run scripts/opa.sh")
    return found
