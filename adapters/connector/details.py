# SPDX-License-Identifier: EUPL-1.2
"""Details: what names a file, a clerk or a case, sealed to this agency's own audit key.

They travel with an exchange into the log's keeping; only this agency's officer can open them.
All details of one kind have the same size, whoever they are about (promise P5).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from keys.detail import seal_detail
from keys.strict_json import dumps

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keys.model import AgencyId, ExchangeId, FileNumber
    from keys.strict_json import JsonLike
    from keys.suites import RecipientKey
    from policies.decision import Decision

BEFORE_EXCHANGE: Final = "before-exchange"
"""Binds a detail that is sealed before the gateway has given the exchange its id.

The signed statement carries the detail's hash and the log entry the statement's, so the detail
cannot be moved to another exchange all the same.
"""

BASE_BYTES: Final = 1_792
"""Room for file number, unit, clerk, case reference and codes at their longest."""
BYTES_PER_FIELD: Final = 256
"""Room for one field with outcome, rule and reasons, and for its name among those read."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts at this agency; never leaves it readable."""

    unit: str | None = field(default=None, repr=False)
    clerk: str | None = field(default=None, repr=False)
    case_ref: str | None = field(default=None, repr=False)


def asking_detail(
    *,
    role: str,
    file_number: FileNumber,
    actor: Actor,
    purpose: str,
    fields: tuple[str, ...],
    declared: Mapping[str, bool | int | str],
    at: int,
) -> dict[str, JsonLike]:
    """Say for the own officer what was asked (or delivered), for which file, by whom and why.

    `role` is ``asker`` or ``sender``.
    """
    return {
        "v": 1,
        "role": role,
        "file_number": file_number,
        "case_ref": actor.case_ref,
        "unit": actor.unit,
        "clerk": actor.clerk,
        "purpose": purpose,
        "fields": list(fields),
        "declared": dict(declared),
        "at": at,
    }


@dataclass(frozen=True, slots=True)
class Finding:
    """What the holding side found; the true reason behind a silent answer."""

    file_number: FileNumber | None = field(repr=False)
    """None: no file here belongs to the reference."""
    found: bool
    ambiguous: bool
    info_block: bool | None
    """None: this agency's own system does not say where a block would stand."""
    fields_read: tuple[str, ...]


def holding_detail(
    *,
    exchange: ExchangeId,
    decision: Decision,
    finding: Finding,
    clerk: str | None,
    choice: str | None,
    reason_code: str | None,
    at: int,
) -> dict[str, JsonLike]:
    """Say for the own officer what was really decided, read and handed out."""
    return {
        "v": 1,
        "role": "holder",
        "exchange": exchange,
        "outcome": decision.overall.value,
        "rules": list(decision.rules),
        "reasons": list(decision.reasons),
        "fields": [
            {"f": one.field, "o": one.outcome.value, "r": one.rule, "c": one.reason}
            for one in decision.fields
        ],
        "file_number": finding.file_number,
        "found": finding.found,
        "ambiguous": finding.ambiguous,
        "info_block": finding.info_block,
        "clerk": clerk,
        "choice": choice,
        "reason_code": reason_code,
        "fields_read": list(finding.fields_read),
        "at": at,
    }


def seal(
    detail: Mapping[str, JsonLike],
    *,
    agency: AgencyId,
    corr: str,
    audit_key: RecipientKey,
    fields: int,
) -> bytes:
    """Seal a detail to the agency's own audit key; `corr` is the exchange id where there is one.

    Its size follows from the number of asked fields alone: reasons and rules have names of
    different lengths, and a length must not tell which one it was (promise P5).
    """
    room = BASE_BYTES + BYTES_PER_FIELD * fields
    missing = room - len(dumps({**detail, "pad": ""}))
    return seal_detail(
        {**detail, "pad": " " * max(missing, 0)},
        controller=agency,
        corr=corr,
        audit_key=audit_key,
    )
