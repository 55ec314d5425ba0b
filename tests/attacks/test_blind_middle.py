# SPDX-License-Identifier: EUPL-1.2
"""Attack: take over the middle, then look for people in it (promise P1).

A real gateway process carries a town's exchanges of every kind. Then somebody with its disk, its
keys, its memory, its logs and a recording of every line searches for names, birth dates, file
numbers, addresses, notes, clerks and case references, in every encoding that the demo's search
knows. The same search finds what is planted, and finds everything at the agencies.
"""

from __future__ import annotations

import base64
import gzip
import json
import socket
import sys
import time
import zlib
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import httpx
import pytest

from adapters.simulated.people import PEOPLE, canaries, variants
from deploy.demo import middle
from deploy.demo.cast import ABH, JC, MBE, MELDE, MEMBER
from deploy.demo.hunt import Hunt, ways
from deploy.demo.office import Person, Problem
from deploy.demo.place import private
from deploy.demo.ports import HOST
from deploy.demo.supervisor import LOTSE
from tests.support.processes import Process

if TYPE_CHECKING:
    from tests.support.town import Town
    from tests.support.town_life import Life

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

AGENCIES: Final = (ABH, JC, MBE, MELDE)
ADDRESS: Final = ("address_postcode_town", "address_street", "birth_date", "family_name")
AZR: Final = {"azr_checked": True, "reason_code": "azr_contradicts"}
PENDING: Final = {"decision": "grant_25b", "azr_insufficient": True}
SECTION_4: Final = {"title_section": 4, "benefit_in_azr": False}
REPORT: Final = ("benefit_begin", "benefit_type", "birth_date", "family_name", "given_names")
PAPERS: Final = ("employment_since", "language_level", "weekly_hours")
STATE: Final = ("benefit_granted", "procedure_state")


@pytest.fixture(scope="module")
def seized(town: Town, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Seized]:
    """A busy town whose gateway is a process, seized while it still runs."""
    log = tmp_path_factory.mktemp("gateway") / "process.log"
    with town.awake(clock=lambda: int(time.time()), gateway=None) as life:
        directory = life.place.gateway
        process = Process(
            [*LOTSE, "gateway", "serve", "--config", "gateway.toml"], log=log, cwd=directory
        )
        try:
            process.wait_healthy(f"{life.ports.url('gateway')}/health", seconds=30)
            live(life)
            mistakes(life)
            yield seize(life, process)
        finally:
            process.kill()


def live(life: Life) -> None:
    """Exchanges of every kind about as many people as there are; something of each stays lying."""
    abh, jc, mbe = life.office(ABH), life.office(JC), life.office(MBE)
    for one in PEOPLE:
        if one.jc_hannover is not None:
            if one.melde is not None:
                with suppress(Problem):
                    jc.link(life.office(MELDE).link_code(one.key), one.key)
            jc.ask(one.key, MELDE, "P04", ADDRESS)
            jc.ask(one.key, ABH, "P04", ("permit_type", "residence_status"), declared=AZR)
    abh.ask("mariam", MBE, "P02", ("counselling_fact", "counselling_notes"))
    person = Person(life.ports.url("person>gateway"), mbe.link_code("mariam"))
    person.give("benefit-state-to-counselling", JC, MBE, STATE)
    assert set(mbe.ask("mariam", JC, "P03", STATE).values) == set(STATE)
    person.give("papers-for-right-to-stay", MBE, ABH, PAPERS)
    person.close()
    sent = mbe.deliver("mariam", ABH, "P02", PAPERS, declared={"initiated_by": "client"})
    arrived = abh.delivered(sent.exchange)
    assert arrived is not None
    assert set(arrived.values) == set(PAPERS)
    settled = abh.ask("tewolde", JC, "P02", ("benefit_granted",), declared=PENDING)
    jc.release(settled.exchange)
    assert abh.look(settled.id).values == {"benefit_granted": True}
    # Left lying: a held order, a sealed result in a mailbox, a code for a link.
    abh.ask("tewolde", JC, "P02", ("benefit_granted",), declared=PENDING)
    left = jc.deliver("dragana", ABH, "P01", REPORT, trigger="spontaneous", declared=SECTION_4)
    jc.release(left.exchange)
    mbe.link_code("oleksandr")


def mistakes(life: Life) -> None:
    """Agencies make mistakes: a name where none belongs. The gateway must not keep or repeat it."""
    gateway = life.ports.url("person>gateway")
    with httpx.Client(base_url=gateway, trust_env=False, timeout=10) as client:
        told = [
            client.post("/v1/exchanges", json={"statement": MISTAKE, MISTAKE: MISTAKE}),
            client.get(f"/v1/exchanges/{MISTAKE}"),
            client.get("/v1/mailbox", headers={"Authorization": f"Bearer {MISTAKE}"}),
            client.post("/oauth/token", data={"client_assertion": MISTAKE}),
            client.post("/insecure/persons", json={"lookup": MISTAKE}),
        ]
    assert all(400 <= one.status_code < 500 for one in told)
    assert not [one for one in told if MISTAKE in one.text]


MISTAKE: Final = "Irrlaeufer-Waldemar-7d1f0c52"
"""A name that was sent unsealed. Nobody of the town: what was never sealed may stay in memory."""


@dataclass(frozen=True)
class Seized:
    """Everything that somebody has who took over the middle, as it was at one moment."""

    life: Life
    pieces: Mapping[str, list[bytes]]
    planted: Mapping[str, str]
    """View to the text that was planted in it."""
    hidden: Mapping[str, str]
    """Encoding to the text that was planted on the disk in it."""


VIEWS: Final = ("disk", "keys", "log", "memory", "traffic")
ENCODINGS: Final = ("utf-16", "base64", "hex", "json", "zlib", "gzip")


def planted_text(name: str) -> str:
    """A text that exists nowhere but where it was planted."""
    return f"Kanarie-{name}-9f27c1d0-ä"


def seize(life: Life, process: Process) -> Seized:
    """Copy everything, with a canary in each view."""
    planted = {view: planted_text(view) for view in VIEWS}
    hidden = {way: planted_text(f"verborgen-{way}") for way in ENCODINGS}
    folder = private(life.place.gateway / "planted")
    (folder / "disk").write_text(planted["disk"], encoding="utf-8")
    for way, text in hidden.items():
        (folder / way).write_bytes(hide(way, text))
    with process.log.open("a", encoding="utf-8") as log:
        log.write(planted["log"])
    with unfinished(life, planted["memory"], planted["traffic"]):
        # The mistakes above were sent unsealed, over a line of their own: they are no exchange.
        lines = [bytes(line) for line in life.tap.raw if MISTAKE.encode() not in line]
        pieces = {
            "disk": middle.disk(life.place.gateway),
            "keys": [*middle.opened_with_keys(life.place), planted["keys"].encode()],
            "log": [process.log.read_bytes()],
            "memory": middle.memory(process.pid),
            "traffic": lines,
        }
    return Seized(life, pieces, planted, hidden)


@contextmanager
def unfinished(life: Life, *texts: str) -> Iterator[None]:
    """A request whose beginning lies on the line and in memory while somebody looks."""
    body = f'{{"lookup": "{" and ".join(texts)}"'.encode()
    head = (
        "POST /insecure/persons HTTP/1.1\r\nHost: town\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body) + 100}\r\n\r\n"
    ).encode("ascii")
    port = life.ports.chosen["person>gateway"]
    with closing(socket.create_connection((HOST, port), timeout=3)) as line:
        line.sendall(head + body)
        time.sleep(0.3)
        yield


def hide(way: str, text: str) -> bytes:
    """Write a text in an encoding, inside something else."""
    plain = text.encode()
    match way:
        case "utf-16":
            return text.encode("utf-16")
        case "base64":
            return base64.b64encode(b"?" + plain + b"tail")
        case "hex":
            return plain.hex().encode()
        case "json":
            return json.dumps({"name": text}).encode()
        case "zlib":
            return b"before" + zlib.compress(b"so " + plain) + b"behind"
        case _:
            return gzip.compress(text.encode("utf-16-le"))


def about_people() -> set[str]:
    """Everything that would betray somebody."""
    texts = {MEMBER[agency].clerk for agency in AGENCIES}
    texts |= {MEMBER[agency].case_ref for agency in AGENCIES}
    for agency in AGENCIES:
        texts |= {*canaries(agency), *variants(agency)}
    return texts


@pytest.fixture(scope="module")
def found(seized: Seized) -> Mapping[str, set[str]]:
    """Search once, for everything, in every view."""
    hunt = Hunt(about_people() | set(seized.planted.values()) | set(seized.hidden.values()))
    return {view: hunt.found_in(pieces) for view, pieces in seized.pieces.items()}


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="memory is read through /proc")
@pytest.mark.parametrize("view", VIEWS)
def test_nobody_is_found_in_the_middle(found: Mapping[str, set[str]], view: str) -> None:
    """Attack: search disk, opened stores, operating log, memory, lines. Nothing about anybody."""
    assert found[view] & about_people() == set()


@pytest.mark.parametrize("view", VIEWS)
def test_what_is_planted_is_found(seized: Seized, found: Mapping[str, set[str]], view: str) -> None:
    """The control: each view was really searched, since its own canary turned up in it."""
    assert seized.planted[view] in found[view]


@pytest.mark.parametrize("way", ENCODINGS)
def test_what_is_planted_in_disguise_is_found(
    seized: Seized, found: Mapping[str, set[str]], way: str
) -> None:
    """The control: a text that is encoded or packed is found as well."""
    assert seized.hidden[way] in found["disk"]


def test_each_view_holds_something(seized: Seized) -> None:
    """The control: there was something to search; orders, entries and mailboxes were seized."""
    sizes = {view: sum(map(len, pieces)) for view, pieces in seized.pieces.items()}
    assert sizes["disk"] > 200_000
    assert sizes["traffic"] > 200_000
    assert sizes["memory"] > 10_000_000
    assert sizes["keys"] > 50_000
    carried = b"".join(seized.pieces["traffic"])
    for member in (b'{"order":"', b'"envelope":{', b'"statement":"', b'"receipts":["'):
        assert carried.count(member) > 10


def test_what_is_kept_of_decisions_was_searched(seized: Seized) -> None:
    """The control: the disk that was searched holds the questions that the rules were asked."""
    disk = b"".join(seized.pieces["disk"])
    assert disk.count(b'{"agreement":{"approval_79":') >= 3


def test_everything_is_found_at_the_agencies(seized: Seized) -> None:
    """The control: the same search finds every canary of every agency where it belongs."""
    hunt = Hunt(about_people())
    missing = {}
    for agency in AGENCIES:
        there = hunt.found_in(middle.disk(seized.life.place.agency(agency)))
        missing[agency] = set(canaries(agency)) - there
    assert missing == {agency: set() for agency in AGENCIES}


def test_clerks_and_cases_are_found_at_their_connector(seized: Seized) -> None:
    """The control: who asked, and for which case, lies readable at the asker, nowhere else."""
    for agency in (ABH, JC, MBE):
        member = MEMBER[agency]
        hunt = Hunt({member.clerk, member.case_ref})
        there = hunt.found_in(middle.disk(seized.life.place.connector(agency)))
        assert there == {member.clerk, member.case_ref}


def test_the_operating_log_names_nobody_who_was_sent_by_mistake(seized: Seized) -> None:
    """Attack: put a name into an id, a token, a body. The operating log keeps none of it."""
    assert not [piece for piece in seized.pieces["log"] if MISTAKE.encode() in piece]
    assert not [
        piece for piece in seized.pieces["disk"] if any(way in piece for way in ways(MISTAKE))
    ]
