# SPDX-License-Identifier: EUPL-1.2
"""Attacks on the line to a real OPA server: killed, frozen, old rules, forged rules, leaks."""

from __future__ import annotations

import json
import shutil
import threading
import time
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from policies.bundle import Bundle
from policies.engine.opa import DEADLINE_SECONDS, OpaAddress, OpaEngine
from policies.errors import EngineFailed
from tests.support.opa_server import OpaServer, call, eventually
from tests.support.releases import SigningKey, next_version

QUESTION = b'{"fields":["family_name"]}'
IN_TOTAL = 0.3
"""Seconds within which a refusal must be there, whatever the server does."""


@contextmanager
def quick_engine(server: OpaServer) -> Generator[OpaEngine]:
    """An engine with the deadline of the product."""
    engine = OpaEngine(server.address, Bundle.load().digest)
    try:
        yield engine
    finally:
        engine.close()


def _refused(engine: OpaEngine) -> tuple[str, float]:
    started = time.monotonic()
    with pytest.raises(EngineFailed) as refusal:
        engine.evaluate(QUESTION)
    return refusal.value.code, time.monotonic() - started


def test_an_engine_with_a_wrong_token_decides_nothing(opa_server: OpaServer) -> None:
    """The server refuses; the engine says why and does not take the refusal for a decision."""
    engine = OpaEngine(OpaAddress(opa_server.url, "y" * 64), Bundle.load().digest)
    try:
        assert not engine.ready(0.5)
        assert _refused(engine)[0] == "token_refused"
    finally:
        engine.close()


def test_the_engine_names_the_servers_version(opa_server: OpaServer) -> None:
    """The log shows which OPA decided."""
    with quick_engine(opa_server) as engine:
        assert engine.ready(10)
        assert engine.name == "opa-server/1.21.3"


def test_killed_in_mid_flight_and_back_without_a_restart_of_ours(own_opa: OpaServer) -> None:
    """Eight threads ask when the server dies: each is refused in time; it comes back, they go on."""
    own_opa.start()
    with quick_engine(own_opa) as engine, ThreadPoolExecutor(8) as callers:
        assert engine.ready(10)
        stop = threading.Event()

        def ask() -> list[str]:
            refusals = []
            while not stop.is_set():
                try:
                    engine.evaluate(QUESTION)
                except EngineFailed as error:
                    refusals.append(error.code)
                    time.sleep(0.01)
            return refusals

        asking = [callers.submit(ask) for _ in range(8)]
        time.sleep(0.2)
        own_opa.kill()
        taken = [_refused(engine)[1] for _ in range(5)]
        time.sleep(0.5)
        stop.set()
        codes = {code for one in asking for code in one.result(5)}
        assert min(taken) < IN_TOTAL
        assert max(taken) < 5 * IN_TOTAL
        assert codes
        assert codes <= {"unreachable", "no_answer", "no_answer_in_time"}
        own_opa.start()
        assert engine.ready(10)
        assert eventually(engine, QUESTION)[0]["outcome"] == "DENY"


def test_a_frozen_server_costs_one_deadline_and_then_nothing(own_opa: OpaServer) -> None:
    """It takes connections and never answers: refused in time, then at once; thawed, it decides."""
    own_opa.start()
    with quick_engine(own_opa) as engine:
        assert engine.ready(10)
        own_opa.freeze()
        code, first = _refused(engine)
        assert code == "no_answer_in_time"
        assert DEADLINE_SECONDS <= first < 5 * IN_TOTAL
        assert min(_refused(engine)[1] for _ in range(5)) < 0.01
        own_opa.thaw()
        assert engine.ready(10)
        assert eventually(engine, QUESTION)[0]["outcome"] == "DENY"


def test_nobody_listens_at_the_start(own_opa: OpaServer) -> None:
    """Start order does not matter: refused at once, and it decides when the server is there."""
    own_opa.start()
    own_opa.kill()
    with quick_engine(own_opa) as engine:
        assert not engine.ready(0.2)
        assert min(_refused(engine)[1] for _ in range(3)) < 0.05
        own_opa.start()
        assert engine.ready(10)


def test_an_older_release_is_not_believed(own_opa: OpaServer) -> None:
    """Validly signed, so OPA takes it (it knows no sequence): its revision shows, nothing is decided."""
    own_opa.lay(next_version("2020.1.0"))
    own_opa.start()
    with quick_engine(own_opa) as engine:
        assert not engine.ready(0.5)
        assert _refused(engine)[0] == "other_revision"
        own_opa.kill()
        own_opa.lay()
        own_opa.start()
        assert engine.ready(10)


def _forged(server: OpaServer) -> None:
    server.lay(key=SigningKey())


def _changed_after_signing(server: OpaServer) -> None:
    """One byte of a rule, in a file whose blocks are stored as they are."""
    server.lay()
    release = server.folder / "release.tar.gz"
    content = release.read_bytes()
    assert b"no_agreement" in content
    release.write_bytes(content.replace(b"no_agreement", b"no_agreemenT", 1))


def _unsigned(server: OpaServer) -> None:
    server.folder.mkdir(parents=True)
    bundle = server.folder / "plain"
    (bundle / "lotse").mkdir(parents=True)
    (bundle / "lotse" / "x.rego").write_text(
        'package lotse.exchange\n\ndecision := {"fields": {}}\n'
    )
    manifest = {"revision": Bundle.load().digest, "roots": ["lotse"]}
    (bundle / ".manifest").write_text(json.dumps(manifest))
    shutil.make_archive(str(server.folder / "release"), "gztar", bundle)


@pytest.mark.parametrize("lay", [_forged, _changed_after_signing, _unsigned])
def test_a_release_that_the_pinned_key_did_not_sign_is_never_in_force(
    lay: Callable[[OpaServer], None], own_opa: OpaServer
) -> None:
    """OPA refuses it in spite of the right revision; without any bundle nothing is decided."""
    lay(own_opa)
    own_opa.start(well=False)
    assert call(own_opa, "GET", "/health?bundles", None, None) == 500
    with quick_engine(own_opa) as engine:
        assert not engine.ready(0.5)
        assert _refused(engine)[0] == "no_bundle"


def _open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def test_a_closed_engine_leaves_no_thread_and_no_connection(opa_server: OpaServer) -> None:
    """Twenty engines come and go; two of them in the middle of a call."""
    _open_files()
    files, threads = _open_files(), threading.active_count()
    for number in range(20):
        engine = opa_server.engine()
        engine.evaluate(QUESTION)
        if number % 10 == 0:
            late = threading.Thread(target=lambda: _until_refused(engine))  # noqa: B023 - joined below
            late.start()
            engine.close()
            late.join(5)
        engine.close()
    assert threading.active_count() == threads
    assert _open_files() == files


def _until_refused(engine: OpaEngine) -> None:
    try:
        while True:
            engine.evaluate(QUESTION)
    except EngineFailed as error:
        assert error.code == "closed"  # noqa: PT017 - the loop ends by this error only


def test_fifty_calls_use_one_connection(own_opa: OpaServer) -> None:
    """The client is made once and kept."""
    own_opa.start()
    with closing(own_opa.engine()) as engine:
        before = _open_files()
        for _ in range(50):
            engine.evaluate(QUESTION)
        assert _open_files() == before
