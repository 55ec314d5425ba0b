# SPDX-License-Identifier: EUPL-1.2
"""Reads from a folder: CSV tables, or folders with one JSON record per file, for agencies without a system.

File names come from the mapping or from the listing of a folder, never from a file number:
the number is compared with what stands inside the records.
Every look-up reads the same files whether or not the person exists, and notices a second record with the same number.
That is made for hundreds of records; an agency with many thousands has a database.
"""

from __future__ import annotations

import asyncio
import csv
import os
import stat
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Final

from adapters.errors import MappingError, SourceBroken, SourceUnavailable
from adapters.sources.mapped import Fetched, Wanted
from adapters.sources.mapping import SourceMapping
from adapters.sources.rows import cut, member, objects
from adapters.sources.values import Row
from keys.errors import StrictJsonError
from keys.strict_json import loads

MAX_RECORD_BYTES: Final = 1_048_576
MAX_TABLE_BYTES: Final = 16_777_216
MAX_RECORDS: Final = 20_000

_ENCODINGS: Final[Mapping[str, str]] = {"utf-8": "utf-8-sig", "cp1252": "cp1252"}
"""Excel writes UTF-8 with a byte order mark, older programs write Windows-1252."""

_Records = Sequence[Mapping[str, object]]


class FilesBackend:
    """Fetches rows from a folder.

    Args:
        mapping: a mapping of kind ``files``.
        folder: everything lies below it; links are not followed.
        timeout_seconds: a look-up that takes longer ends.

    Raises:
        MappingError: a name of the mapping leads out of the folder, or the CSV settings cannot be used.
    """

    def __init__(self, mapping: SourceMapping, folder: Path, *, timeout_seconds: float) -> None:
        self._mapping = mapping
        self._folder = folder
        self._timeout_seconds = timeout_seconds
        self._find_place = f"{mapping.file} [find]"
        encoding = mapping.csv.get("encoding", "utf-8")
        self._delimiter = mapping.csv.get("delimiter", ";")
        if encoding not in _ENCODINGS or self._delimiter not in {";", ",", "\t", "|"}:
            raise MappingError(
                f"{mapping.file} [csv]: encoding is utf-8 or cp1252, delimiter one of ; , | or a tab"
            )
        self._encoding = _ENCODINGS[encoding]
        _check_name(mapping.find, self._find_place)
        # Threads of its own: a network folder that hangs must not take the connector's.
        self._threads = ThreadPoolExecutor(2, thread_name_prefix="lotse-source")
        for category in mapping.categories.values():
            _check_name(category.options, category.place)

    async def fetch(self, number: str, wanted: Sequence[Wanted]) -> Fetched:
        """Read the files that hold the columns and pick the person's rows (see `Backend`)."""
        work = partial(self._fetch, number, wanted)
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    async def probe(self, wanted: Sequence[Wanted]) -> None:
        """Read every file (see `Backend`)."""
        await self.fetch("", wanted)

    async def close(self) -> None:
        """Stop the threads; no file stays open between two look-ups."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _fetch(self, number: str, wanted: Sequence[Wanted]) -> Fetched:
        reader = _Reader(
            self._folder, self._delimiter, self._encoding, time.monotonic() + self._timeout_seconds
        )
        find = self._mapping.find
        place = self._find_place
        found = [
            member(record, find["key"], place)
            for record in reader.records(find, place)
            if number and _same(member(record, find["number"], place), number)
        ]
        keys = {str(key) for key in found if key is not None}
        # Two files with one number are two persons until somebody has cleaned up, also if the key is the number.
        key = keys.pop() if len(found) == 1 and keys else None
        rows: dict[str, Sequence[Row]] = {}
        for one in wanted:
            options, where = one.category.options, one.category.place
            mine: list[Mapping[str, object]] = []
            for record in reader.records(options, where, columns=(*one.columns, options["key"])):
                if key is not None and _same(member(record, options["key"], where), key):
                    mine += objects(record, options.get("items", ""), where)
            rows[one.category.name] = cut(mine, one)
        if key is None:
            return Fetched(min(2, len(found)), {})
        return Fetched(1, rows)


class _Reader:
    """Reads each file at most once during one look-up."""

    def __init__(self, folder: Path, delimiter: str, encoding: str, deadline: float) -> None:
        self._folder = folder
        self._delimiter = delimiter
        self._encoding = encoding
        self._deadline = deadline
        self._read: dict[str, _Records] = {}

    def records(
        self, options: Mapping[str, str], place: str, *, columns: Sequence[str] = ()
    ) -> _Records:
        name = options["csv"] if "csv" in options else options["json"]
        if name not in self._read:
            self._read[name] = (
                self._table(name, place) if "csv" in options else self._documents(name, place)
            )
        records = self._read[name]
        if "csv" in options and records and (missing := set(columns) - records[0].keys()):
            raise SourceBroken(f"{place}: the table has no column {', '.join(sorted(missing))}")
        return records

    def _table(self, name: str, place: str) -> _Records:
        data = self._bytes(self._folder / name, MAX_TABLE_BYTES, place)
        try:
            lines = data.decode(self._encoding).splitlines(keepends=True)
        except UnicodeDecodeError:
            raise SourceBroken(
                f"{place}: the table is not in the encoding of the mapping"
            ) from None
        rows: list[Mapping[str, object]] = []
        header: list[str] | None = None
        reader = csv.reader(lines, delimiter=self._delimiter, strict=True)
        try:
            for row in reader:
                self._in_time()
                if header is None:
                    header = row
                    if len(set(header)) != len(header):
                        raise SourceBroken(f"{place}: the table names a column twice")
                elif len(row) != len(header):
                    raise SourceBroken(
                        f"{place}: line {reader.line_num} of the table has another number of columns"
                    )
                elif len(rows) >= MAX_RECORDS:
                    raise SourceBroken(f"{place}: more than {MAX_RECORDS} rows")
                else:
                    rows.append(dict(zip(header, row, strict=True)))
        except csv.Error:
            raise SourceBroken(f"{place}: line {reader.line_num} of the table is not CSV") from None
        if header is None:
            raise SourceBroken(f"{place}: the table has no header line")
        return rows

    def _documents(self, name: str, place: str) -> _Records:
        try:
            names = sorted(
                entry.name
                for entry in os.scandir(self._folder / name)
                if entry.name.endswith(".json")
            )
        except OSError:
            raise SourceUnavailable("the folder cannot be read") from None
        if len(names) > MAX_RECORDS:
            raise SourceBroken(f"{place}: more than {MAX_RECORDS} records")
        records: list[Mapping[str, object]] = []
        for position, file in enumerate(names, start=1):
            self._in_time()
            # File names often hold a name or a number of a person, so messages count instead.
            here = f"{place}: record {position} of {len(names)} by name"
            try:
                record = loads(
                    self._bytes(self._folder / name / file, MAX_RECORD_BYTES, here),
                    max_bytes=MAX_RECORD_BYTES,
                )
            except StrictJsonError as error:
                raise SourceBroken(f"{here} is not acceptable JSON ({error.code})") from None
            if not isinstance(record, dict):
                raise SourceBroken(f"{here} is not an object")
            records.append(record)
        return records

    def _bytes(self, path: Path, limit: int, place: str) -> bytes:
        try:
            # Not blocking, so that a named pipe put there does not hold the look-up.
            descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            if path.is_symlink():
                raise SourceBroken(f"{place}: not a plain file") from None
            raise SourceUnavailable(
                f"{place}: the file cannot be read ({error.strerror})"
            ) from None
        try:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise SourceBroken(f"{place}: not a plain file")
            with os.fdopen(descriptor, "rb", closefd=False) as file:
                data = file.read(limit + 1)
        except OSError:
            raise SourceUnavailable(f"{place}: the file cannot be read") from None
        finally:
            os.close(descriptor)
        if len(data) > limit:
            raise SourceBroken(f"{place}: larger than {limit} bytes")
        return data

    def _in_time(self) -> None:
        if time.monotonic() > self._deadline:
            raise SourceUnavailable("the folder takes too long to read")


def _same(value: object, text: str) -> bool:
    return isinstance(value, str | int) and not isinstance(value, bool) and str(value) == text


def _check_name(options: Mapping[str, str], place: str) -> None:
    name = PurePosixPath(options["csv"] if "csv" in options else options["json"])
    if name.is_absolute() or ".." in name.parts or "\x00" in str(name):
        raise MappingError(f"{place}: csv and json name something below the folder")
    if "csv" in options and "items" in options:
        raise MappingError(f"{place}: items is for JSON records")
