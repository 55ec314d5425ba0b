# SPDX-License-Identifier: EUPL-1.2
"""B, C: an operator who changes the log, and somebody who took over the whole middle."""

from __future__ import annotations

import base64
import contextlib
import gzip
import json
import secrets
import shutil
import socket
import sqlite3
import time
import zlib
from typing import TYPE_CHECKING, Final

from adapters.simulated.people import PEOPLE, canaries, variants
from deploy.demo import evidence, middle
from deploy.demo.cast import ABH, JC, MELDE, MEMBER, RUNNING
from deploy.demo.hunt import Hunt
from deploy.demo.office import Problem
from deploy.demo.place import private
from deploy.demo.ports import HOST
from deploy.demo.scenes.model import Scene

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator
    from pathlib import Path

    from deploy.demo.scenes.model import Account, Stage

REGISTER_FIELDS: Final = ("family_name", "given_names", "birth_date", "address_street")
STORED_WITHIN_SECONDS: Final = 5.0
"""The gateway stores a signed checkpoint a moment after the newest entry."""


# --- B -----------------------------------------------------------------------------------------


def _edited_log(stage: Stage, account: Account) -> None:
    place = stage.place
    shutil.rmtree(place.root / "scene-b", ignore_errors=True)
    folder = private(place.root / "scene-b")
    copy = folder / "copy.sqlite"
    _copy_database(place.gateway / "gateway.sqlite", copy)
    account.saw(f"original: {_verdict(stage, copy, folder / 'original')}")
    index = _edit_one_byte(copy)
    account.log_index = index
    said = _verdict(stage, copy, folder / "edited")
    account.saw("one byte edited: " + said.replace(f"entry {index}", "the edited entry"))


def _copy_database(database: Path, copy: Path) -> None:
    with (
        contextlib.closing(sqlite3.connect(database)) as original,
        contextlib.closing(sqlite3.connect(copy)) as target,
    ):
        deadline = time.monotonic() + STORED_WITHIN_SECONDS
        while time.monotonic() < deadline:
            size, noted = original.execute("SELECT size, note_size FROM audit_head").fetchone()
            if size == noted:
                break
            time.sleep(0.1)
        original.backup(target)


def _edit_one_byte(database: Path) -> int:
    """Do what the operator can do: drop the trigger and change a purpose in an old entry."""
    with contextlib.closing(sqlite3.connect(database)) as connection:
        connection.execute("DROP TRIGGER IF EXISTS audit_entry_no_update")
        index, leaf = connection.execute(
            "SELECT idx, leaf FROM audit_entry WHERE kind = 'access.requested' ORDER BY idx LIMIT 1"
        ).fetchone()
        edited = bytes(leaf).replace(b'"purpose":"P0', b'"purpose":"P1', 1)
        connection.execute("UPDATE audit_entry SET leaf = ? WHERE idx = ?", (edited, index))
        connection.commit()
    return int(index)


def _verdict(stage: Stage, database: Path, directory: Path) -> str:
    exported = evidence.export_log(stage.place, database, directory)
    if exported.status != 0:
        return f"export failed: {exported.text[:200]}"
    checked = evidence.verify(stage.place, "log", str(directory))
    findings = checked.said.get("findings", [])
    named = sorted({f"entry {item['index']}" for item in findings if item["index"] is not None})
    what = f", names {', '.join(named)}" if named else ""
    return f"lotse-verify exits {checked.status}{what}"


# --- C -----------------------------------------------------------------------------------------


def _everything_searched(stage: Stage, account: Account) -> None:
    _busy(stage, account)
    wanted = set(_texts())
    planted = {
        place: f"Kanarie-{secrets.token_hex(9)}-ä" for place in ("disk", "memory", "traffic")
    }
    hidden = {
        way: f"Kanarie-{secrets.token_hex(9)}-ä"
        for way in ("utf-16", "base64", "hex", "json", "zlib", "gzip")
    }
    hunt = Hunt(wanted | set(planted.values()) | set(hidden.values()))
    with _planted(stage, planted, hidden):
        views = {
            "disk": middle.disk(stage.place.gateway),
            "keys": middle.opened_with_keys(stage.place),
            "traffic": middle.disk(stage.place.recorded),
            "memory": middle.memory(stage.supervisor.pid("gateway")),
        }
    found = {view: hunt.found_in(pieces) for view, pieces in views.items()}
    leaks = {view: texts & wanted for view, texts in found.items() if texts & wanted}
    account.saw("in the middle: " + (_leaked(leaks) if leaks else "nothing about anybody"))
    seen = [place for place, text in planted.items() if text in found[place]]
    account.saw(f"planted in {', '.join(planted)}: found in {', '.join(seen) or 'none'}")
    ways = [way for way, text in hidden.items() if text in found["disk"]]
    account.saw(f"planted as {', '.join(hidden)}: found {', '.join(ways) or 'none'}")
    account.saw(f"at the agencies: {_at_the_agencies(stage, hunt)}")


def _leaked(leaks: dict[str, set[str]]) -> str:
    return "; ".join(
        f"{view}: {len(texts)} texts, for example {min(texts)!r}" for view, texts in leaks.items()
    )


def _texts() -> Iterator[str]:
    for member in RUNNING:
        yield from canaries(member.id)
        yield from variants(member.id)
        yield member.clerk
        yield member.case_ref


def _busy(stage: Stage, account: Account) -> None:
    """Let the middle handle as many of the twelve people as it can, right before the search."""
    office = stage.office(JC)
    for person in PEOPLE:
        if person.jc_hannover is None:
            continue
        if person.melde is not None:
            # Where name or birth date differ the link is refused; the enquiry is made all the same.
            with contextlib.suppress(Problem):
                office.link(stage.office(MELDE).link_code(person.key), person.key)
        account.receipts += office.ask(person.key, MELDE, "P04", REGISTER_FIELDS).receipts
    # Something of every kind is left lying in the middle: a code, a held order, a sealed delivery.
    stage.office(ABH).link_code("mariam")
    declared: dict[str, object] = {"decision": "grant_25b", "azr_insufficient": True}
    stage.office(ABH).ask("tewolde", JC, "P02", ("benefit_granted",), declared=declared)
    declared = {"title_section": 4, "benefit_in_azr": False}
    left = office.deliver(
        "dragana", ABH, "P01", REGISTER_FIELDS[:3], trigger="spontaneous", declared=declared
    )
    office.release(left.exchange)


@contextlib.contextmanager
def _planted(stage: Stage, planted: dict[str, str], hidden: dict[str, str]) -> Generator[None]:
    folder = private(stage.place.gateway / "planted-by-scene-c")
    (folder / "disk").write_text(planted["disk"], encoding="utf-8")
    for way, text in hidden.items():
        (folder / way).write_bytes(_hide(way, text))
    # A request that stays unfinished: its beginning lies in the gateway's memory while we look.
    body = f'{{"lookup": "{planted["memory"]}", "more": "{planted["traffic"]}"'.encode()
    head = (
        "POST /insecure/persons HTTP/1.1\r\nHost: demo\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body) + 100}\r\n\r\n"
    ).encode("ascii")
    line = socket.create_connection((HOST, stage.ports.chosen["person>gateway"]), timeout=3)
    try:
        line.sendall(head + body)
        time.sleep(0.3)
        yield
    finally:
        line.close()
        shutil.rmtree(folder)


def _hide(way: str, text: str) -> bytes:
    plain = text.encode("utf-8")
    match way:
        case "utf-16":
            return text.encode("utf-16")
        case "base64":
            return base64.b64encode(b"?" + plain + b"tail")
        case "hex":
            return plain.hex().encode("ascii")
        case "json":
            return json.dumps({"name": text}).encode("ascii")
        case "zlib":
            return b"before" + zlib.compress(b"so " + plain) + b"behind"
        case _:
            return gzip.compress(text.encode("utf-16-le"))


def _at_the_agencies(stage: Stage, hunt: Hunt) -> str:
    missing: list[str] = []
    for member in RUNNING:
        found = hunt.found_in(middle.disk(stage.place.agency(member.id)))
        missing += [f"{member.id}: {text!r}" for text in canaries(member.id) if text not in found]
    for agency in (ABH, JC):
        found = hunt.found_in(middle.disk(stage.place.connector(agency)))
        member = MEMBER[agency]
        missing += [
            f"{agency}: {text!r}" for text in (member.clerk, member.case_ref) if text not in found
        ]
    return f"{len(missing)} missing, for example {missing[0]}" if missing else "everything"


SCENES: Final = (
    Scene(
        "B",
        "The operator edits one byte of a log entry",
        "somebody with write access to the gateway's database",
        (
            "original: lotse-verify exits 0",
            "one byte edited: lotse-verify exits 1, names the edited entry",
        ),
        _edited_log,
        needs_receipts=False,
    ),
    Scene(
        "C",
        "Somebody takes over the middle and looks for the twelve people",
        "somebody with the gateway's disk, keys, memory and recorded traffic",
        (
            "in the middle: nothing about anybody",
            "planted in disk, memory, traffic: found in disk, memory, traffic",
            (
                "planted as utf-16, base64, hex, json, zlib, gzip: "
                "found utf-16, base64, hex, json, zlib, gzip"
            ),
            "at the agencies: everything",
        ),
        _everything_searched,
    ),
)
