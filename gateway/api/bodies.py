# SPDX-License-Identifier: EUPL-1.2
"""Shapes of request bodies: strict, closed, bounded. The only place where pydantic is used.

``strict`` refuses ``true`` for 1 and ``"5"`` for 5; ``extra=forbid`` refuses what is not named.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from gateway.links import LinkHalf, Subject
from gateway.model import Enquiry
from keys.detail import MIN_BYTES
from keys.errors import KeysError
from keys.model import BlindIndex, UnlockValue
from keys.strict_json import unb64u

STATEMENT_MAX = 16_384
"""Characters of a signed message; fifty fields with all declared codes take under five thousand."""
DETAIL_MIN = -(-MIN_BYTES * 4 // 3)
"""Shorter than any sealed detail can be, in base64url: the evidence would be missing."""
DETAIL_MAX = 65_536
"""Characters of a sealed detail in base64url."""
BYTES_32 = 43
"""32 bytes in base64url without padding."""
REFERENCE_CHARACTERS = 194
"""145 bytes (HPKE P-256 encapsulation 65, padded file number 64, tag 16) in base64url."""
LOOKUP_CHARACTERS = 7
"""Five bytes: the look-up half of a link code (40 bits)."""


def _canonical(text: str) -> str:
    try:
        unb64u(text)
    except KeysError:
        message = "not canonical base64url"
        raise ValueError(message) from None
    return text


Base64Url = Annotated[str, AfterValidator(_canonical)]
Jws = Annotated[
    str,
    StringConstraints(
        pattern=r"^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$", max_length=STATEMENT_MAX
    ),
]
Bytes32 = Annotated[Base64Url, Field(min_length=BYTES_32, max_length=BYTES_32)]
Detail = Annotated[Base64Url, Field(min_length=DETAIL_MIN, max_length=DETAIL_MAX)]
Lookup = Annotated[Base64Url, Field(min_length=LOOKUP_CHARACTERS, max_length=LOOKUP_CHARACTERS)]
Code = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
AgencyName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")]
Fields = Annotated[list[Code], Field(min_length=1, max_length=50)]
"""At most fifty fields: bounds the cost of one decision."""


class Body(BaseModel):
    """Base of every body."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class SubjectBody(Body):
    """How the caller names its own file: derived with its own key, for one request."""

    index: Bytes32
    unlock: Bytes32

    def to_subject(self) -> Subject:
        """Give the core's value."""
        return Subject(BlindIndex(unb64u(self.index)), UnlockValue(unb64u(self.unlock)))


class EnquiryBody(Body):
    """POST /v1/exchanges and POST /v1/deliveries."""

    statement: Jws
    subject: SubjectBody
    detail: Detail

    def to_enquiry(self) -> Enquiry:
        """Give the core's value; still unverified."""
        return Enquiry(self.statement, self.subject.to_subject(), unb64u(self.detail))


class ReleaseBody(Body):
    """POST /v1/exchanges/{id}/release: the holder's clerk has decided."""

    release: Jws
    subject: SubjectBody
    detail: Detail

    def to_enquiry(self) -> Enquiry:
        """Give the core's value; still unverified."""
        return Enquiry(self.release, self.subject.to_subject(), unb64u(self.detail))


class SealedItemBody(Body):
    """One sealed field."""

    n: Code
    c: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]+$")]


class EnvelopeBody(Body):
    """A GFE1 envelope: signed manifest and sealed fields."""

    m: Jws
    f: Annotated[list[SealedItemBody], Field(max_length=50)]


class ResultBody(Body):
    """PUT /v1/deliveries/{id}/result: what the holder sealed."""

    envelope: EnvelopeBody
    detail: Detail


class CheckBody(Body):
    """POST /v1/exchanges/check: what the rules say, without any person."""

    other: AgencyName
    direction: Literal["pull", "push"]
    purpose: Code
    trigger: Code
    fields: Fields
    declared: dict[Code, bool | int | Code] = {}


class LinkBody(Body):
    """POST /v1/links/codes and POST /v1/links: one agency's half of a link."""

    lookup: Lookup
    index: Bytes32
    unlock: Bytes32
    ref: Annotated[
        Base64Url, Field(min_length=REFERENCE_CHARACTERS, max_length=REFERENCE_CHARACTERS)
    ]
    check: Bytes32

    def to_half(self) -> LinkHalf:
        """Give the core's value."""
        subject = Subject(BlindIndex(unb64u(self.index)), UnlockValue(unb64u(self.unlock)))
        return LinkHalf(subject, unb64u(self.ref), unb64u(self.check))


class WishBody(Body):
    """POST /v1/permissions: what the person ticked."""

    template: Code
    from_agency: AgencyName
    to_agency: AgencyName
    fields: Fields
    valid_days: Annotated[int, Field(ge=1, le=3660)]
    language: Annotated[str, StringConstraints(pattern=r"^[a-z]{2}(-[A-Za-z0-9-]{1,16})?$")]
    notice_sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
    preview_confirmed: bool = False
    """Of a choice of retrieval: the person has seen and confirmed what would be retrieved."""


class SignInBody(Body):
    """POST /insecure/persons: the demo's stand-in for the portal's sign-in."""

    lookup: Lookup
