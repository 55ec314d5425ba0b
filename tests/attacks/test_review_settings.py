# SPDX-License-Identifier: EUPL-1.2
"""Settings that would quietly take a protection away (promise P9)."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.settings import SettingsError, settings_from
from tests.support.releases import PINNED

GATEWAY = {
    "profile": "production",
    "issuer": "https://lotse.example",
    "keyring_file": "gateway.keyring",
    "passphrase_file": "passphrase",
    "registry_root_file": "root.jwk",
    "agency_list_file": "agencies.json",
    "log_origin": "lotse.example/2026",
    "policy": PINNED,
}


@pytest.mark.parametrize(
    "url",
    [
        "sqlite:///",
        "sqlite:///:memory:",
        "sqlite:///file:log?mode=memory&cache=shared&uri=true",
        "sqlite:///gateway.db?nolock=1&uri=true",
    ],
)
def test_a_log_in_memory_that_no_crash_survives(tmp_path: Path, url: str) -> None:
    """A database without a file, or with options that change how it locks, is refused."""
    with pytest.raises(SettingsError, match="database_url must name a file"):
        settings_from({**GATEWAY, "database_url": url}, base=tmp_path)


def test_a_log_on_disk_is_taken(tmp_path: Path) -> None:
    """The refusals above are not about SQLite itself."""
    settings = settings_from({**GATEWAY, "database_url": "sqlite:////var/g.db"}, base=tmp_path)
    assert settings.database_url == "sqlite:////var/g.db"
