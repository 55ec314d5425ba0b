# SPDX-License-Identifier: EUPL-1.2
"""Speaks to a connector as an agency's own system and its clerk do, and to the gateway as a person.

Nothing else of Lotse is used here: what a scene observes is what came back over HTTP.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import httpx

from adapters.simulated.people import number
from deploy.demo.cast import MEMBER
from gateway.permission_model import TemplateId
from gateway.templates import load_templates
from keys.pseudonyms import LinkCode
from keys.strict_json import b64u

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from keys.model import AgencyId

TIMEOUT: Final = httpx.Timeout(25.0, connect=3.0)


class Problem(Exception):
    """An answer that is a problem document (RFC 9457)."""

    def __init__(self, status: int, code: str, detail: str) -> None:
        """Keep status, closed code and the codes beside it."""
        super().__init__(f"problem {code}{detail} ({status})")
        self.status = status
        self.code = code


@dataclass(frozen=True, slots=True)
class Told:
    """What the connector told the agency's own system."""

    body: Mapping[str, Any]

    @property
    def id(self) -> str:
        """The connector's own id of the enquiry or delivery."""
        return str(self.body.get("id", ""))

    @property
    def exchange(self) -> str:
        """The exchange's id."""
        return str(self.body.get("exchange", ""))

    @property
    def outcome(self) -> str:
        """Where it stands."""
        return str(self.body.get("outcome", ""))

    @property
    def values(self) -> dict[str, Any]:
        """Field to plain value."""
        return {name: item["value"] for name, item in self.body["fields"].items()}

    @property
    def rules(self) -> dict[str, str]:
        """Released field to the rule behind it."""
        return {name: item["provenance"]["rule"] for name, item in self.body["fields"].items()}

    @property
    def withheld(self) -> dict[str, dict[str, Any]]:
        """Withheld field to outcome, rule, reason, sentence and next step."""
        return {item["field"]: item for item in self.body["withheld"]}

    @property
    def receipts(self) -> list[str]:
        """Files that the connector wrote: one receipt each."""
        return [str(path) for path in self.body.get("receipts", [])]

    @property
    def log_index(self) -> int | None:
        """Index of the newest entry."""
        return self.body.get("log_index")


@dataclass(slots=True)
class Office:
    """One agency's own system and its clerk's desk."""

    id: AgencyId
    url: str
    directory: Path
    """The connector's; the tokens of its callers lie there."""
    _client: httpx.Client = field(init=False)
    _count: int = 0

    def __post_init__(self) -> None:
        """Open connections as they are needed."""
        self._client = httpx.Client(base_url=self.url, timeout=TIMEOUT, trust_env=False)

    def close(self) -> None:
        """Give connections back."""
        self._client.close()

    def ask(
        self,
        person: str,
        holding: AgencyId,
        purpose: str,
        fields: Sequence[str],
        *,
        declared: Mapping[str, object] | None = None,
    ) -> Told:
        """POST /enquiries about an invented person, under this agency's own file number."""
        body = {"holding": holding, **self._start(person, purpose, fields, declared)}
        return Told(self._call("POST", "/enquiries", body))

    def look(self, enquiry: str) -> Told:
        """GET /enquiries/{id}: fetches what has arrived for it."""
        return Told(self._call("GET", f"/enquiries/{enquiry}"))

    def deliver(
        self,
        person: str,
        to: AgencyId,
        purpose: str,
        fields: Sequence[str],
        *,
        trigger: str = "push",
        declared: Mapping[str, object] | None = None,
    ) -> Told:
        """POST /deliveries."""
        start = self._start(person, purpose, fields, declared)
        return Told(self._call("POST", "/deliveries", {"to": to, "trigger": trigger, **start}))

    def delivered(self, exchange: str) -> Told | None:
        """GET /deliveries: what arrived under this exchange, if it did."""
        listed = self._call("GET", "/deliveries")["deliveries"]
        return next((Told(item) for item in listed if item["exchange"] == exchange), None)

    def release(self, exchange: str) -> None:
        """GET /held and POST /held/{id}/release, as the clerk."""
        listed = self._call("GET", "/held", role="clerk")["held"]
        waiting = [item["id"] for item in listed if item.get("exchange") == exchange]
        if not waiting:
            raise Problem(404, "nothing-held", "")
        body = {"clerk": MEMBER[self.id].clerk, "reason_code": "duty_to_answer"}
        self._call("POST", f"/held/{waiting[0]}/release", body, role="clerk")

    def link_code(self, person: str) -> str:
        """POST /link-codes: a code for the person's file here."""
        body = {"file_number": number(person, self.id)}
        return str(self._call("POST", "/link-codes", body)["code"])

    def link(self, code: str, person: str) -> None:
        """POST /links: connect the file here with the one the code was made for."""
        self._call("POST", "/links", {"code": code, "file_number": number(person, self.id)})

    def _start(
        self,
        person: str,
        purpose: str,
        fields: Sequence[str],
        declared: Mapping[str, object] | None,
    ) -> dict[str, object]:
        self._count += 1
        member = MEMBER[self.id]
        return {
            "file_number": number(person, self.id),
            "purpose": purpose,
            "fields": list(fields),
            "case_ref": f"{member.case_ref}{self._count:03d}",
            "unit": "Team 4",
            "clerk": member.clerk,
            "declared": dict(declared or {}),
        }

    def _call(
        self, method: str, path: str, body: object = None, *, role: str = "system"
    ) -> dict[str, Any]:
        token = (self.directory / f"{role}.token").read_text(encoding="ascii").strip()
        return _json(
            self._client.request(
                method, path, json=body, headers={"Authorization": f"Bearer {token}"}
            )
        )


@dataclass(slots=True)
class Person:
    """An invented person, signed in through the demo's stand-in for the portal."""

    url: str
    code: str
    """A code that an agency handed over at the counter."""
    _client: httpx.Client = field(init=False)

    def __post_init__(self) -> None:
        """Sign in."""
        self._client = httpx.Client(base_url=self.url, timeout=TIMEOUT, trust_env=False)
        lookup = b64u(LinkCode.parse(self.code).lookup)
        signed_in = _json(self._client.post("/insecure/persons", json={"lookup": lookup}))
        self._client.headers["Authorization"] = f"Bearer {signed_in['access_token']}"

    def give(
        self, template: str, source: AgencyId, recipient: AgencyId, fields: Sequence[str]
    ) -> str:
        """Allow it for thirty days; gives the permission's id."""
        offered = load_templates()[TemplateId(template)]
        body = {
            "template": template,
            "from_agency": source,
            "to_agency": recipient,
            "fields": list(fields),
            "valid_days": 30,
            "language": "de",
            "notice_sha256": offered.notice_digest("de"),
            # Where retrieval is chosen, the person has seen and confirmed what is retrieved.
            "preview_confirmed": offered.mode is not None,
        }
        return str(_json(self._client.post("/v1/permissions", json=body))["id"])

    def withdraw(self, permission: str) -> None:
        """Take it back."""
        _json(self._client.post(f"/v1/permissions/{permission}/withdraw"))

    def withdraw_everything(self) -> None:
        """Take back what an earlier run of the demo may have left."""
        for item in _json(self._client.get("/v1/permissions"))["permissions"]:
            if item["state"] in ("given", "renewed"):
                self.withdraw(item["id"])

    def close(self) -> None:
        """Give connections back."""
        self._client.close()


def _json(response: httpx.Response) -> dict[str, Any]:
    try:
        body = response.json()
    except ValueError:
        raise Problem(response.status_code, "no-json", "") from None
    if not response.is_success or not isinstance(body, dict):
        told = body if isinstance(body, dict) else {}
        code = str(told.get("type", "")).rpartition("/")[2] or "unnamed"
        beside = [str(told[name]) for name in ("check", "gateway_problem") if name in told]
        detail = f" [{', '.join(beside)}]" if beside else ""
        raise Problem(response.status_code, code, detail)
    return body
