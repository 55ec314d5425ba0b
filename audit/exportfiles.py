# SPDX-License-Identifier: EUPL-1.2
"""Read the files of an exported log; nothing in them is trusted yet. Layout: see `audit.export`."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from audit.base64s import HASH_BYTES, decode
from audit.errors import UnusableInput
from audit.tiles import TILE_WIDTH, TileRef, bundle_path, decode_bundle

MAX_FILE_BYTES = 64 * 1024 * 1024
"""No file of an export is larger: 256 entries with 64 KiB of details each would be a quarter of it."""


def read_bytes(path: Path) -> bytes:
    """Return the content of a file.

    Raises:
        UnusableInput: it is missing, not readable or too large.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise UnusableInput(f"{path} cannot be read: {error.strerror}") from error
    if len(data) > MAX_FILE_BYTES:
        raise UnusableInput(f"{path} is too large")
    return data


def read_text(path: Path) -> str:
    """Return the content of a UTF-8 file.

    Raises:
        UnusableInput: it is missing, not readable or not UTF-8.
    """
    try:
        return read_bytes(path).decode()
    except UnicodeDecodeError as error:
        raise UnusableInput(f"{path} is not a text file") from error


@dataclass(frozen=True, slots=True)
class ExportedDetail:
    """One line of a details file."""

    index: int
    controller: str
    key_id: str
    salt: bytes
    stored: bytes


class ExportFiles:
    """The files of one export directory."""

    def __init__(self, directory: Path) -> None:
        """Read from `directory`."""
        self._directory = directory

    def checkpoint(self) -> str:
        """Return the signed checkpoint, not verified.

        Raises:
            UnusableInput: there is none; the export was not finished.
        """
        path = self._directory / "checkpoint"
        if not path.exists():
            raise UnusableInput(
                f"{self._directory} holds no finished export: there is no checkpoint"
            )
        return read_text(path)

    def policy(self) -> str:
        """Return the policy that the exporting side wrote."""
        return read_text(self._directory / "log.policy")

    def leaves(self, number: int, width: int) -> list[bytes]:
        """Return the entries of one bundle; an empty one stands for an entry that is missing."""
        leaves = decode_bundle(read_bytes(self._directory / bundle_path(number, width)))
        if len(leaves) != width:
            raise UnusableInput(f"bundle {number} has {len(leaves)} entries instead of {width}")
        return leaves

    def tile(self, ref: TileRef) -> bytes:
        """Return the hashes of one tile."""
        data = read_bytes(self._directory / ref.path)
        if len(data) != ref.width * HASH_BYTES:
            raise UnusableInput(f"{ref.path} does not hold {ref.width} hashes")
        return data

    def entry_id(self, index: int, size: int) -> str | None:
        """Return the id of an entry as the database had it, to name the entry; None where it is not known."""
        number, offset = divmod(index, TILE_WIDTH)
        width = min(TILE_WIDTH, size - number * TILE_WIDTH)
        try:
            ids = read_text(self._directory / bundle_path(number, width, "ids")).split("\n")
        except UnusableInput:
            return None
        known = ids[offset] if offset < len(ids) else ""
        return known if known.isalnum() else None

    def details(self, number: int, width: int) -> list[ExportedDetail]:
        """Return the details of one bundle; none where there is no file."""
        path = self._directory / bundle_path(number, width, "details")
        return [_detail(value) for value in _json_lines(path)] if path.exists() else []

    def erased(self) -> frozenset[tuple[str, str, str]]:
        """Return (controller, retention class, month) of every key that was destroyed."""
        path = self._directory / "erased"
        return frozenset(
            (str(value.get("c")), str(value.get("ret")), str(value.get("period")))
            for value in _json_lines(path)
        )

    def peaks(self) -> bytes:
        """Return the compact range; empty where there is none."""
        try:
            return read_bytes(self._directory / "peaks")
        except UnusableInput:
            return b""


def _json_lines(path: Path) -> list[dict[str, Any]]:
    """Read one JSON object per line."""
    values = []
    for line in read_text(path).splitlines():
        try:
            value = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise UnusableInput(f"{path} has a line that is not JSON") from error
        if not isinstance(value, dict):
            raise UnusableInput(f"{path} has a line that is not an object")
        values.append(value)
    return values


def _detail(value: dict[str, Any]) -> ExportedDetail:
    index, controller, key = value.get("idx"), value.get("c"), value.get("key")
    salt, stored = value.get("salt"), value.get("stored")
    if not (
        isinstance(index, int)
        and isinstance(controller, str)
        and isinstance(key, str)
        and isinstance(salt, str)
        and isinstance(stored, str)
    ):
        raise UnusableInput("a details file has a line with other members")
    return ExportedDetail(
        index, controller, key, decode(salt, "a salt"), decode(stored, "a detail")
    )
