# SPDX-License-Identifier: EUPL-1.2
"""Makes a source adapter from the table ``[source]`` of a connector's settings.

::

    [source]
    type = "sql"                       # sql | rest | files, the same as in the mapping
    mapping = "abh.toml"
    timeout_seconds = 3.0              # optional

    url = "postgresql+psycopg://lotse@db/fach"    # sql and rest
    password_file = "db-password"                 # sql, optional
    token_file = "jc-token"                       # rest, optional
    ca_file = "house-ca.pem"                      # rest, optional
    folder = "/srv/beratung"                      # files
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from adapters.errors import SettingsError
from adapters.fieldmap import load_mapping
from adapters.sources.base import SourceAdapter
from adapters.sources.files import FilesBackend
from adapters.sources.mapped import Backend, MappedSource
from adapters.sources.mapping import SourceMapping
from adapters.sources.rest import RestBackend
from adapters.sources.sql import SqlBackend

DEFAULT_TIMEOUT_SECONDS: Final = 3.0
MAX_TIMEOUT_SECONDS: Final = 60.0

_SHARED: Final = frozenset({"type", "mapping", "timeout_seconds"})
_OWN: Final[Mapping[str, tuple[frozenset[str], frozenset[str]]]] = {
    # type: (required keys, optional keys)
    "sql": (frozenset({"url"}), frozenset({"password_file"})),
    "rest": (frozenset({"url"}), frozenset({"token_file", "ca_file"})),
    "files": (frozenset({"folder"}), frozenset()),
}


def build_source(settings: Mapping[str, object], *, base: Path = Path()) -> SourceAdapter:
    """Make the adapter that the settings describe; relative paths are relative to `base`.

    Nothing is connected yet: `SourceAdapter.check` tells whether the source answers.

    Raises:
        SettingsError: a key is unknown, missing or of the wrong kind, or a named file cannot be read.
        MappingError: the mapping file cannot be used.
    """
    kind = settings.get("type")
    if not isinstance(kind, str) or kind not in _OWN:
        raise SettingsError(f"source.type: must be one of {', '.join(sorted(_OWN))}")
    required, optional = _OWN[kind]
    if unknown := settings.keys() - _SHARED - required - optional:
        raise SettingsError(f"source: unknown key {', '.join(sorted(unknown))}")
    if missing := (required | {"mapping"}) - settings.keys():
        raise SettingsError(f"source: {', '.join(sorted(missing))} is needed")
    timeout = _timeout(settings.get("timeout_seconds", DEFAULT_TIMEOUT_SECONDS))
    mapping = load_mapping(base / _text(settings, "mapping"))
    if mapping.kind != kind:
        raise SettingsError(f"source.type: the mapping is for {mapping.kind}")
    return MappedSource(
        mapping, _backend(kind, mapping, settings, base, timeout), timeout_seconds=timeout
    )


def _backend(
    kind: str, mapping: SourceMapping, settings: Mapping[str, object], base: Path, timeout: float
) -> Backend:
    if kind == "sql":
        password = _secret(settings, "password_file", base)
        return SqlBackend(
            mapping, _text(settings, "url"), timeout_seconds=timeout, password=password
        )
    if kind == "rest":
        return RestBackend(
            mapping,
            _text(settings, "url"),
            token=_secret(settings, "token_file", base),
            timeout_seconds=timeout,
            tls=_certificates(settings, base),
        )
    return FilesBackend(mapping, base / _text(settings, "folder"), timeout_seconds=timeout)


def _timeout(value: object) -> float:
    if (
        isinstance(value, bool)
        or not isinstance(value, int | float)
        or not 0 < value <= MAX_TIMEOUT_SECONDS
    ):
        raise SettingsError(f"source.timeout_seconds: more than 0, at most {MAX_TIMEOUT_SECONDS}")
    return float(value)


def _text(settings: Mapping[str, object], key: str) -> str:
    value = settings[key]
    if not isinstance(value, str) or not value:
        raise SettingsError(f"source.{key}: must be a text")
    return value


def _secret(settings: Mapping[str, object], key: str, base: Path) -> str | None:
    if key not in settings:
        return None
    try:
        return (base / _text(settings, key)).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        raise SettingsError(f"source.{key}: the file cannot be read") from None


def _certificates(settings: Mapping[str, object], base: Path) -> ssl.SSLContext | None:
    if "ca_file" not in settings:
        return None
    try:
        return ssl.create_default_context(cafile=base / _text(settings, "ca_file"))
    except (OSError, ssl.SSLError):
        raise SettingsError("source.ca_file: the file cannot be read") from None
