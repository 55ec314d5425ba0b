# SPDX-License-Identifier: EUPL-1.2
"""What somebody has who took over the middle: its disk, its keys, its memory, its lines.

Left out of memory are program files that are mapped read-only: they are the same for everybody.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Final

from sqlalchemy import select

from audit.errors import AuditError
from deploy.demo import evidence
from deploy.demo.hunt import without_empty_pages
from gateway.settings import load_settings
from gateway.store.database import open_engine
from gateway.store.tables import link_code, mailbox, outbox

if TYPE_CHECKING:
    from pathlib import Path

    from deploy.demo.place import Place

_REGION: Final = re.compile(r"([0-9a-f]+)-([0-9a-f]+) (\S{4}) \S+ \S+ (\d+)\s*(\S*)")
_NOT_MEMORY: Final = ("[vvar]", "[vvar_vclock]", "[vsyscall]")
CHUNK: Final = 16_777_216


class MemoryUnreadable(OSError):
    """This machine does not let the demo read the memory of its own gateway."""


def disk(directory: Path) -> list[bytes]:
    """Read every file below a directory."""
    return [path.read_bytes() for path in sorted(directory.rglob("*")) if path.is_file()]


def opened_with_keys(place: Place) -> list[bytes]:
    """Open everything in the gateway's database that the gateway's own keys open."""
    wrapper = evidence.gateway_keyring(place).wrap_key()
    settings = load_settings(place.gateway / "gateway.toml")
    engine = open_engine(settings.database_url)
    opened: list[bytes] = []
    try:
        with engine.connect() as connection:
            waiting = connection.execute(select(mailbox.c.exchange, mailbox.c.payload))
            opened += [wrapper.unwrap(row[1], row[0].encode("ascii")) for row in waiting]
            open_orders = connection.execute(select(outbox.c.exchange, outbox.c.sealed_references))
            opened += [wrapper.unwrap(row[1], row[0].encode("ascii")) for row in open_orders]
            codes = connection.execute(select(link_code.c.key, link_code.c.sealed))
            opened += [wrapper.unwrap(row[1], row[0]) for row in codes]
    finally:
        engine.dispose()
    return opened + _details(place)


def _details(place: Place) -> list[bytes]:
    """Take the gateway's layer off every detail; what is left is sealed to the agencies."""
    details = []
    with evidence.log_reader(place) as reader:
        after = -1
        while found := reader.find(after=after, limit=1000):
            after = found[-1].index
            for entry in found:
                for one in json.loads(entry.leaf).get("details", []):
                    try:
                        details.append(reader.detail(entry.index, one["c"]).ciphertext)
                    except AuditError:
                        continue  # a sabotaged log
    return details


def memory(pid: int) -> list[bytes]:
    """Read the memory of a process as its owner can.

    Raises:
        MemoryUnreadable: the kernel refuses (kernel.yama.ptrace_scope, a container's profile).
    """
    kept: list[bytes] = []
    try:
        with open(f"/proc/{pid}/maps", encoding="ascii", errors="replace") as maps:  # noqa: PTH123 - not a file of ours
            regions = [match for line in maps if (match := _REGION.match(line))]
        with open(f"/proc/{pid}/mem", "rb", buffering=0) as process:  # noqa: PTH123 - as above
            for region in regions:
                begin, end = int(region[1], 16), int(region[2], 16)
                program_file = region[4] != "0" and "w" not in region[3]
                if "r" not in region[3] or program_file or region[5] in _NOT_MEMORY:
                    continue
                for position in range(begin, end, CHUNK):
                    process.seek(position)
                    kept.append(without_empty_pages(process.read(min(CHUNK, end - position))))
    except OSError as error:
        raise MemoryUnreadable(
            f"/proc/{pid}/mem cannot be read here ({error.strerror}); "
            "allow it with kernel.yama.ptrace_scope=0 or 1"
        ) from error
    return kept
