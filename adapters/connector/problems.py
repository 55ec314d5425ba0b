# SPDX-License-Identifier: EUPL-1.2
"""All problems the connector answers with (RFC 9457), in one table.

Every row says what happened (`title`), what that means (`meaning`) and what to do (`todo`).
A problem never repeats what was sent. Outward members besides those of RFC 9457 are closed codes:
`todo`, `check`, `enquiry` (our own id), `gateway_problem`, `places` (names of our own schema).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from starlette.responses import Response

if TYPE_CHECKING:
    from adapters.connector.errors import ProblemError

MEDIA_TYPE: Final = "application/problem+json"
WITHOUT_LOTSE: Final = (
    "Until then, ask in the lawful way without Lotse: a written request to the other agency."
)


@dataclass(frozen=True, slots=True)
class Problem:
    """One row."""

    code: str
    """Last part of `type`; a plain word, never renamed."""
    status: int
    """HTTP status."""
    title: str
    """What happened."""
    meaning: str
    """What it means."""
    todo: str
    """What to do."""

    @property
    def type(self) -> str:
        """Relative URI of the page that explains this problem."""
        return f"/problems/{self.code}"


def _row(code: str, status: int, title: str, meaning: str, todo: str) -> Problem:
    return Problem(code=code, status=status, title=title, meaning=meaning, todo=todo)


# --- what the caller sent -------------------------------------------------------------------
BODY_UNREADABLE = _row(
    "body-unreadable", 400, "The body is not acceptable JSON.",
    "Duplicate names, numbers without a value, broken characters, deep nesting or a foreign encoding are refused because two readers could understand them differently. Nothing was done.",
    "Send UTF-8 JSON with each name once.",
)  # fmt: skip
BODY_TOO_LARGE = _row(
    "body-too-large", 413, "The body is larger than one mebibyte.",
    "Nothing was read and nothing was done.", "Send one enquiry at a time.",
)  # fmt: skip
BODY_TYPE = _row(
    "body-type", 415, "The body is not declared as application/json.",
    "Nothing was read and nothing was done.", "Set Content-Type: application/json.",
)  # fmt: skip
BODY_INVALID = _row(
    "body-invalid", 422, "The body does not have the form this address expects.",
    "A member is missing, unknown or of the wrong type; values are never converted. Nothing was done.",
    "Compare with /openapi.json; `places` names the members in question.",
)  # fmt: skip
SIGN_IN = _row(
    "sign-in", 401, "No valid access token of this connector came with the request.",
    "Only systems and desks entered in the connector's configuration may use it. Nothing was done.",
    "Send Authorization: Bearer with a token whose SHA-256 stands in the configuration.",
)  # fmt: skip
NOT_FOR_ROLE = _row(
    "not-for-role", 403, "This token may not do that.",
    "Releasing and refusing is the decision of a person, which a system's token cannot make; some requests wait for the head of the agency, whom a clerk's token does not stand for. Nothing was done.",
    "Use a token with the role clerk, or with the role head where `release_by` in the list of held requests says so.",
)  # fmt: skip
NOT_FOUND = _row(
    "not-found", 404, "There is nothing here under this address.",
    "It never existed, or its time has passed.", "Check the id.",
)  # fmt: skip
METHOD = _row(
    "method-not-allowed", 405, "This address does not know the method.",
    "Nothing was done.", "Compare with /openapi.json.",
)  # fmt: skip
NOT_IN_CATALOGUE = _row(
    "not-in-catalogue", 422, "A code in the enquiry is not in the catalogue.",
    "Agencies, purposes, fields and declared facts are closed lists. Nothing was sent.",
    "Take the codes from the gateway's /v1/catalogue; `places` names the member in question.",
)  # fmt: skip
FILE_UNKNOWN = _row(
    "file-unknown", 404, "This agency's own system has no single file under this number.",
    "For the link check, name and birth date must come from exactly one file. Nothing was sent.",
    "Check the file number.",
)  # fmt: skip
ANSWER_GONE = _row(
    "answer-gone", 410, "The answer is not kept any more.",
    "Answers stay sealed here and are deleted after a few days, or when the key they were sealed to is gone.",
    "Ask again if the facts are still needed.",
)  # fmt: skip
ALREADY_SETTLED = _row(
    "already-settled", 409, "This held request has been settled, or its 28 days are over.",
    "A release or refusal counts once.", "Nothing; the other agency sees the result.",
)  # fmt: skip
LINK_CHECK = _row(
    "link-check", 409, "The link was not made.",
    "The code is used up or too old, or name and birth date differ between the two agencies. The gateway knows neither.",
    "Check the person's identity, then have a new code made.",
)  # fmt: skip

# --- the gateway ----------------------------------------------------------------------------
GATEWAY_UNREACHABLE = _row(
    "gateway-unreachable", 503, "The gateway cannot be reached.",
    "Nothing was sent. A new enquiry is kept here as a draft; nothing will be sent later without being asked to.",
    f"Ask again when the connection stands. {WITHOUT_LOTSE}",
)  # fmt: skip
GATEWAY_SILENT = _row(
    "gateway-silent", 504, "The gateway did not answer in time.",
    "The enquiry went out; whether it was recorded is not known. No data arrived.",
    f"Look at the enquiry again later, or ask anew. {WITHOUT_LOTSE}",
)  # fmt: skip
GATEWAY_REFUSED = _row(
    "gateway-refused", 502, "The gateway did not accept the request.",
    "This is not a decision about the enquiry. `gateway_problem` names the gateway's reason. No data arrived.",
    f"Show the code to whoever runs the connector. {WITHOUT_LOTSE}",
)  # fmt: skip
GATEWAY_BUSY = _row(
    "gateway-busy", 503, "The exchange could not be carried out just now.",
    "The gateway or the other agency is not ready. `gateway_problem` names which. No data arrived.",
    f"Ask again later. {WITHOUT_LOTSE}",
)  # fmt: skip
GATEWAY_UNTRUE = _row(
    "gateway-untrue", 502, "What arrived through the gateway does not hold.",
    "The check named in `check` failed. No data was used; the evidence is kept here.",
    f"Tell the data protection officer and whoever runs the gateway. {WITHOUT_LOTSE}",
)  # fmt: skip
AGENCY_LIST = _row(
    "agency-list-unavailable", 503, "There is no valid agency list.",
    "Without the signed list no key can be trusted, so nothing is sent and nothing answered.",
    "Check the connection to the gateway and the pinned root; whoever signs the list may have to issue a new one.",
)  # fmt: skip
RULES_UNAVAILABLE = _row(
    "policy-unavailable", 503, "The rules cannot be evaluated.",
    "Without a decision there is no data.", "Tell whoever runs the connector.",
)  # fmt: skip

# --- the holding side, answered to the gateway ------------------------------------------------
ORDER_REFUSED = _row(
    "order-refused", 403, "The order does not hold.",
    "The check named in `check` failed. Nothing was fetched.",
    "The evidence is kept at the holding agency.",
)  # fmt: skip
SOURCE_UNAVAILABLE = _row(
    "source-unavailable", 503, "The holding agency's own system does not answer.",
    "No data was read. This says nothing about any person.", "Try again later.",
)  # fmt: skip
LOG_UNCHECKED = _row(
    "log-unchecked", 503, "The log's consistency could not be checked.",
    "Without that check nothing is fetched.", "Try again later.",
)  # fmt: skip
ACCIDENT = _row(
    "accident", 500, "Something went wrong in the connector.",
    "No data was released.", "Tell whoever runs the connector the request id.",
)  # fmt: skip

TABLE: Final = tuple(row for row in list(globals().values()) if isinstance(row, Problem))


def body(
    problem: Problem, *, extensions: dict[str, object] | None = None, request_id: str | None = None
) -> bytes:
    """Serialise a row as RFC 9457 JSON."""
    members: dict[str, object] = {
        "type": problem.type,
        "title": problem.title,
        "status": problem.status,
        "detail": problem.meaning,
        "todo": problem.todo,
    }
    members.update(extensions or {})
    if request_id is not None:
        members["request_id"] = request_id
    return json.dumps(members, ensure_ascii=True, sort_keys=True).encode("ascii")


def response(error: ProblemError) -> Response:
    """Turn a raised problem into its answer."""
    extensions: dict[str, object] = {}
    if error.check is not None:
        extensions["check"] = error.check.value
    if error.enquiry is not None:
        extensions["enquiry"] = error.enquiry
    if error.gateway_problem is not None:
        extensions["gateway_problem"] = error.gateway_problem
    if error.places:
        extensions["places"] = list(error.places)
    return plain_response(error.problem, extensions=extensions)


def plain_response(
    problem: Problem,
    *,
    extensions: dict[str, object] | None = None,
    request_id: str | None = None,
) -> Response:
    """Answer with a row that no exception carried."""
    headers = {"Cache-Control": "no-store"}
    if problem.status == SIGN_IN.status:
        headers["WWW-Authenticate"] = "Bearer"
    return Response(
        content=body(problem, extensions=extensions, request_id=request_id),
        status_code=problem.status,
        media_type=MEDIA_TYPE,
        headers=headers,
    )


def reject_body(status: int, code: str) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
    """Answer for a body that was refused before any route saw it (see `keys.asgi`)."""
    del code  # which of the traps it was helps nobody who sends honest JSON
    problem = {413: BODY_TOO_LARGE, 415: BODY_TYPE}.get(status, BODY_UNREADABLE)
    headers = [(b"content-type", MEDIA_TYPE.encode()), (b"cache-control", b"no-store")]
    return problem.status, headers, body(problem)
