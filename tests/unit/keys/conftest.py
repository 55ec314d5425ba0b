# SPDX-License-Identifier: EUPL-1.2
"""Invented parties, made once for each test module: making keys is the slow part."""

from __future__ import annotations

import pytest

from tests.unit.keys.parties import Parties


@pytest.fixture(scope="module")
def parties() -> Parties:
    """Two agencies in an exchange, one that is not part of it, gateway and registry."""
    return Parties()
