# SPDX-License-Identifier: EUPL-1.2
"""What can be said in place of an OPA server's answer, and how each lie is called when it is refused."""

from __future__ import annotations

import gzip
import json
from typing import Any

from policies.engine.opa import DEADLINE_SECONDS, MAX_ANSWER_BYTES
from tests.support.lying_opa import DIGEST, HONEST, Lie, Line, answer, denied, http, provenance


def _silence(line: Line) -> None:
    line.wait(30)


def _half_an_answer(line: Line) -> None:
    line.send(HONEST[:-10])
    line.wait(30)


def _drop_by_drop(line: Line) -> None:
    for byte in HONEST:
        line.send(bytes([byte]))
        line.wait(0.01)


def _late(line: Line) -> None:
    line.wait(DEADLINE_SECONDS * 1.5)
    line.send(HONEST)


def _cut_off(line: Line) -> None:
    line.send(HONEST[:-10])
    line.hang_up()


def _hang_up(line: Line) -> None:
    line.hang_up()


def _endless(line: Line) -> None:
    line.send(
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    while True:
        line.send(b"10000\r\n" + b" " * 65_536 + b"\r\n")


def _revision(digest: str) -> bytes:
    return http(answer(provenance=provenance(bundles={"lotse": {"revision": digest}})))


def _verdict(**changes: Any) -> bytes:
    return http(answer({"fields": {"family_name": denied("family_name")["family_name"] | changes}}))


def _twice(member: str) -> bytes:
    body = answer()
    return http(body[:-1] + f', "{member}": ' + json.dumps(json.loads(body)[member]) + "}")


RELEASED = {
    "family_name": {
        "outcome": "ALLOW_MIN",
        "rule": "R02",
        "reason": "statute",
        "reasons": ["statute"],
    }
}

LIES: dict[str, tuple[Lie, str]] = {
    "another revision": (_revision("e" * 64), "other_revision"),
    "an empty revision": (_revision(""), "other_revision"),
    "the revision in capitals": (_revision("D" * 64), "other_revision"),
    "no provenance": (http(json.dumps({"result": {"fields": RELEASED}})), "no_provenance"),
    "provenance is null": (http(answer(provenance=None)), "no_provenance"),
    "provenance without bundles": (
        http(answer(provenance={"version": "1.21.3"})),
        "no_bundle",
    ),
    "the revision of the old kind": (
        http(answer(provenance={"version": "1.21.3", "revision": DIGEST})),
        "no_provenance",
    ),
    "a bundle of another name": (
        http(answer(provenance=provenance(bundles={"other": {"revision": DIGEST}}))),
        "other_bundle",
    ),
    "a second bundle": (
        http(
            answer(
                provenance=provenance(
                    bundles={"lotse": {"revision": DIGEST}, "more": {"revision": "1"}}
                )
            )
        ),
        "other_bundle",
    ),
    "a revision that is no text": (
        http(answer(provenance=provenance(bundles={"lotse": {"revision": [DIGEST]}}))),
        "no_provenance",
    ),
    "bundles that are a list": (
        http(answer(provenance=provenance(bundles=[DIGEST]))),
        "no_provenance",
    ),
    "an OPA that accepts unsigned bundles": (
        http(answer(provenance=provenance(version="1.21.2"))),
        "old_engine",
    ),
    "a version that is none": (http(answer(provenance=provenance(version="new"))), "old_engine"),
    "undefined": (http(json.dumps({"provenance": provenance()})), "undefined"),
    "nothing at all": (http("{}"), "no_provenance"),
    "a result that is null": (
        http(answer().replace('"result": {', '"result": null, "x": {')),
        "extra_member",
    ),
    "a result that is true": (http(answer(result=True)), "malformed"),
    "an extra member": (http(answer(decision_id="1")), "extra_member"),
    "an extra member in the decision": (
        http(answer({"fields": denied("family_name"), "allow": True})),
        "malformed",
    ),
    "an extra member in a verdict": (_verdict(norm="x"), "malformed"),
    "an outcome that is a list": (_verdict(outcome=["ALLOW_MIN"]), "malformed"),
    "a reason that is not the first": (_verdict(reason="statute"), "malformed"),
    "the result twice": (_twice("result"), "duplicate_key"),
    "a verdict twice": (
        http(answer().replace('"outcome"', '"outcome": "ALLOW_MIN", "outcome"')),
        "duplicate_key",
    ),
    "not a number": (_verdict(outcome=float("nan")), "not_json"),
    "a fraction": (_verdict(outcome=1.5), "not_json"),
    "half a document": (http(answer()[:-3]), "not_json"),
    "a list": (http("[" + answer() + "]"), "not_an_object"),
    "very deep": (http('{"result":' * 20_000 + "1" + "}" * 20_000), "not_json"),
    "UTF-16": (http(answer().encode("utf-16")), "not_json"),
    "a redirect": (
        http(answer(), "Location: /elsewhere", status="307 Temporary Redirect"),
        "other_status",
    ),
    "a page": (http("<html>login</html>", kind="text/html"), "other_content"),
    "a decision that calls itself a page": (http(answer(), kind="text/html"), "other_content"),
    "an evaluation error": (http("{}", status="500 Internal Server Error"), "evaluation_error"),
    "unavailable": (http(answer(), status="503 Service Unavailable"), "other_status"),
    "created": (http(answer(), status="201 Created"), "other_status"),
    "refused": (http(answer(), status="401 Unauthorized"), "token_refused"),
    "forbidden": (http(answer(), status="403 Forbidden"), "token_refused"),
    "compressed": (
        http(gzip.compress(answer().encode()), "Content-Encoding: gzip"),
        "other_content",
    ),
    "a bomb": (
        http(gzip.compress(b" " * 50_000_000), "Content-Encoding: gzip"),
        "other_content",
    ),
    "huge": (http(" " * (MAX_ANSWER_BYTES + 1)), "too_large"),
    "endless": (_endless, "too_large"),
    "not HTTP": (b"SSH-2.0-OpenSSH_9.2\r\n" * 40, "no_answer"),
    "nothing, and it hangs up": (_hang_up, "unreachable"),
    "cut off": (_cut_off, "no_answer"),
    "silence": (_silence, "no_answer_in_time"),
    "half an answer, then silence": (_half_an_answer, "no_answer_in_time"),
    "drop by drop": (_drop_by_drop, "no_answer_in_time"),
    "too late": (_late, "no_answer_in_time"),
}
