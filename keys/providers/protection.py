# SPDX-License-Identifier: EUPL-1.2
"""How a keyring file is protected: the cost of its passphrase, its mode, its replacement."""

from __future__ import annotations

import fcntl
import os
import secrets
import stat
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from keys.context import pae
from keys.errors import KeyringError, MalformedError
from keys.strict_json import JsonValue, loads

MAX_FILE_BYTES: Final = 1_048_576
SALT_BYTES: Final = 16

FLOOR_MEMORY_KIB: Final = 65_536
"""64 MiB: RFC 9106, 4, second recommended option."""

FLOOR_PASSES: Final = 3
"""RFC 9106, 4, second recommended option."""

CEILING_MEMORY_KIB: Final = 4_194_304
CEILING_PASSES: Final = 64
_NOBODY_ELSE: Final = stat.S_IRWXG | stat.S_IRWXO


@dataclass(frozen=True, slots=True)
class Argon2Cost:
    """Cost of one guess at the passphrase; can be raised, never lowered.

    Raises:
        ValueError: below the floor.
    """

    memory_kib: int = FLOOR_MEMORY_KIB
    passes: int = FLOOR_PASSES

    def __post_init__(self) -> None:
        """Keep the floor."""
        if self.memory_kib < FLOOR_MEMORY_KIB or self.passes < FLOOR_PASSES:
            msg = "the cost of the keyring's passphrase cannot be lowered"
            raise ValueError(msg)


PRODUCTION_COST: Final = Argon2Cost()
"""The floor itself."""


@dataclass(frozen=True, slots=True)
class InsecureTestCost:
    """Next to no cost. A keyring made with it opens only for a caller that asks for it."""

    memory_kib: int = 64
    passes: int = 1


@dataclass(frozen=True, slots=True)
class Protection:
    """The keys that protect one keyring file, and how they were derived."""

    salt: bytes
    memory_kib: int
    passes: int
    entry_key: bytes = field(repr=False, compare=False)
    index_key: bytes = field(repr=False, compare=False)


def protect(passphrase: str, salt: bytes, memory_kib: int, passes: int) -> Protection:
    """Derive the protecting keys; costs what Argon2id is told to cost.

    Raises:
        KeyringError: ``empty_passphrase``.
    """
    if not passphrase:
        raise KeyringError("empty_passphrase")
    master = Argon2id(
        salt=salt, length=32, iterations=passes, lanes=1, memory_cost=memory_kib
    ).derive(unicodedata.normalize("NFC", passphrase).encode("utf-8"))

    def expand(label: str) -> bytes:
        return HKDFExpand(hashes.SHA256(), 32, pae(label)).derive(master)

    return Protection(
        salt=salt,
        memory_kib=memory_kib,
        passes=passes,
        entry_key=expand("lotse-keyring-entry-v1"),
        index_key=expand("lotse-keyring-index-v1"),
    )


def read_document(path: Path) -> dict[str, JsonValue]:
    """Read a keyring file that only its owner can read.

    Raises:
        KeyringError: ``missing``, ``readable_by_others`` or ``form``.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        raise KeyringError("missing") from None
    with os.fdopen(descriptor, "rb") as file:
        if os.fstat(descriptor).st_mode & _NOBODY_ELSE:
            raise KeyringError("readable_by_others")
        data = file.read(MAX_FILE_BYTES + 1)
    try:
        document = loads(data, max_bytes=MAX_FILE_BYTES)
    except MalformedError:
        raise KeyringError("form") from None
    if not isinstance(document, dict):
        raise KeyringError("form")
    return document


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Let one process at a time change the keyring."""
    lock = os.open(
        path.with_name(path.name + ".lock"), os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600
    )
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def replace_file(path: Path, data: bytes) -> None:
    """Put the new bytes in place so that a crash leaves either the old file or the new one."""
    fresh = path.with_name(f"{path.name}.new-{secrets.token_hex(8)}")
    descriptor = os.open(fresh, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
    except BaseException:
        fresh.unlink(missing_ok=True)
        raise
    directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
