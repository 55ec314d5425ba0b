# SPDX-License-Identifier: EUPL-1.2
"""The one artefact of a person's will: template, record, event.

Names and cardinalities follow ISO/IEC TS 27560 as the DPV guide "consent-27560" relays them; the
mapping stands in ``docs/permissions.md``. A record holds names of fields, never a value.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, NewType

if TYPE_CHECKING:
    from keys.model import AgencyId
    from keys.strict_json import JsonValue
    from policies.model import FieldId, Kind, PurposeId

PermissionId = NewType("PermissionId", str)
"""UUIDv4: unlike version 7 it does not tell when it was made."""
TemplateId = NewType("TemplateId", str)

SCHEMA_VERSION = "https://w3id.org/dpv/schema/dpv-27560#record-eu-gdpr"
"""Schema name of the record (w3c/dpv, guides/consent-27560)."""


class PermissionType(StrEnum):
    """What the person's act is in law."""

    CONSENT = "consent"
    """Art. 6 I a GDPR."""
    EXPLICIT_CONSENT = "explicit_consent"
    """Art. 9 II a GDPR."""
    RELEASE_203 = "release_203"
    """Release from professional secrecy, section 203 StGB."""
    RELEASE_65 = "release_65"
    """Release of entrusted data, section 65 SGB VIII."""
    MANDATE = "mandate"
    """Power of attorney, section 14 VwVfG, section 13 SGB X."""
    CHOICE = "choice"
    """Choice of retrieval, section 67f SGB X; not a consent."""


class PermissionState(StrEnum):
    """State after the newest event; only `GIVEN` and `RENEWED` allow anything."""

    REQUESTED = "requested"
    DEFERRED = "deferred"
    GIVEN = "given"
    RENEWED = "renewed"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"
    REVOKED = "revoked"
    EXPIRED = "expired"
    INVALIDATED = "invalidated"
    UNKNOWN = "unknown"


IN_FORCE = frozenset({PermissionState.GIVEN, PermissionState.RENEWED})
"""DPV: only these stand under ``ConsentStatusValidForProcessing``; all else denies."""


class Method(StrEnum):
    """How the person expressed it (``dpv:hasIndicationMethod``)."""

    WEB = "web"
    WEB_ASSISTED = "web-assisted"
    PAPER_SCAN = "paper-scan"
    PHONE = "phone"


@dataclass(frozen=True, slots=True)
class Template:
    """What may be asked of a person: approved by two people, never edited, only superseded."""

    id: TemplateId
    version: int
    type: PermissionType
    mode: str | None
    """What is chosen, where `type` is a choice: ``retrieve``, with a preview (SGB X § 67f)."""
    purpose: PurposeId
    from_kinds: frozenset[Kind]
    to_kinds: frozenset[Kind]
    fields: frozenset[FieldId]
    special_fields: frozenset[FieldId]
    """Art. 9 fields: each is ticked by itself."""
    legal_basis: str
    max_days: int
    single_use: bool
    retention_at_recipient: str
    alternative: dict[str, str]
    """Language to text: the honest other way."""
    consequence: dict[str, str]
    """Language to text: what a refusal means."""
    notices: dict[str, str]
    """Language to the text shown."""
    status: str
    """`draft` until a person has reviewed the texts."""
    approvals: tuple[str, ...]
    """Who approved it; fewer than two: shown as not approved."""
    digest: str
    """SHA-256 of the stored template, hex."""

    def notice_digest(self, language: str) -> str | None:
        """Give SHA-256 in hex of the text shown in `language`; None: there is no such text."""
        notice = self.notices.get(language)
        return None if notice is None else hashlib.sha256(notice.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Wish:
    """What the person ticked: it may narrow a template and never widen it."""

    template: TemplateId
    from_agency: AgencyId
    to_agency: AgencyId
    fields: frozenset[FieldId]
    valid_days: int
    language: str
    """Language in which the notice was shown."""
    notice_digest: str
    """SHA-256 of the text that was shown, hex."""
    preview_confirmed: bool
    """The person saw what would be retrieved, from whom and for whom, and confirmed it."""
    method: Method
    assisted: bool


def make_record(
    permission: PermissionId, subject: str, wish: Wish, template: Template, now: int
) -> dict[str, JsonValue]:
    """Write the immutable head of a permission.

    `subject` is a pseudonym of this portal; `now` is in epoch seconds.
    """
    until = now + wish.valid_days * 86_400
    choice: dict[str, JsonValue] = {}
    if template.mode is not None:
        choice["choice"] = {"mode": template.mode, "preview_confirmed": wish.preview_confirmed}
    return {
        "schema_version": SCHEMA_VERSION,
        "record_id": permission,
        "type": template.type.value,
        "subject_ref": subject,
        "template_ref": {"id": template.id, "version": template.version},
        "template_hash": template.digest,
        "notice": {
            "id": template.id,
            "lang": wish.language,
            "sha256": wish.notice_digest,
            "shown_at": now,
            "translation_status": template.status,
        },
        "processes": [
            {
                "purpose_code": template.purpose,
                "legal_basis": template.legal_basis,
                "attributes": [
                    {"id": field, "optional": True, "special": field in template.special_fields}
                    for field in sorted(wish.fields)
                ],
                "source": wish.from_agency,
                "recipient": [wish.to_agency],
                "mode": "one_time" if template.single_use else "standing",
                **choice,
                "storage": {
                    "location": wish.to_agency,
                    "duration": template.retention_at_recipient,
                    "deletion": "recipient",
                },
            }
        ],
        "controllers": [wish.from_agency, wish.to_agency],
        "jurisdiction": "loc:DE-NI",
        "withdrawal": [{"url": "/permissions", "counter": wish.to_agency}],
        "rights": ["eu-gdpr:A7-3", "eu-gdpr:A13", "eu-gdpr:A15", "eu-gdpr:A17", "eu-gdpr:A77"],
        "authority": "legal-de:DPA-DE-NI",
        "alternative_path": template.alternative.get(wish.language, template.alternative["de"]),
        "consequence_of_refusal": template.consequence.get(
            wish.language, template.consequence["de"]
        ),
        "valid_from": now,
        "valid_until": until,
    }


def make_event(
    sequence: int, state: PermissionState, wish: Wish | None, method: Method, now: int
) -> dict[str, JsonValue]:
    """Write one append-only event; `sequence` starts at 1."""
    event: dict[str, JsonValue] = {
        "seq": sequence,
        "state": state.value,
        "event_type": "dpv:ExplicitlyExpressedConsent",
        "time": now,
        "by": {"role": "subject"},
        "method": method.value,
    }
    if wish is not None:
        event["ui"] = {
            "notice_sha256": wish.notice_digest,
            "lang": wish.language,
            "choices_default": "none",
        }
        granted: list[JsonValue] = [*sorted(wish.fields)]
        event["granted_attributes"] = granted
        event["valid_until"] = now + wish.valid_days * 86_400
        event["assisted"] = wish.assisted
    return event
