# SPDX-License-Identifier: EUPL-1.2
"""The fixture `town`; imported by every test run, so it loads the town only when one is asked for."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.town import Town


@pytest.fixture(scope="session")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """A town that is laid out once; each test wakes it up from the same past."""
    from tests.support.town import Town

    made = Town(tmp_path_factory.mktemp("town"), int(time.time()))
    yield made
    made.close()
