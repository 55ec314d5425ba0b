# SPDX-License-Identifier: EUPL-1.2
"""Shapes of request bodies: strict, closed, bounded."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from adapters.connector.details import Actor
from adapters.connector.settings import AGENCY_PATTERN
from adapters.connector.starting import Wish
from keys.messages.order import ORDER_MAX_BYTES
from keys.model import AgencyId

Code = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}\z")]
Agency = Annotated[str, StringConstraints(pattern=AGENCY_PATTERN)]
Line = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f]{1,80}\z")]
"""One line of text that stays at this agency: names and references."""
FileNo = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f]{1,63}\z")]
Fields = Annotated[list[Code], Field(min_length=1, max_length=50)]
"""At most fifty fields: bounds the cost of one decision."""
Declared = Annotated[dict[Code, bool | int | Code], Field(max_length=64)]

MAX_CODE_CHARACTERS: Final = 64


class Body(BaseModel):
    """Base of every body."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, hide_input_in_errors=True)


class _Start(Body):
    file_number: FileNo
    """This agency's own file number; never leaves it readable."""
    purpose: Code
    fields: Fields
    case_ref: Line
    unit: Line
    clerk: Line
    declared: Declared = {}

    def _wish(self, direction: Literal["pull", "push"], other: str, trigger: str) -> Wish:
        return Wish(
            direction=direction,
            other=AgencyId(other),
            purpose=self.purpose,
            trigger=trigger,
            fields=tuple(sorted(set(self.fields))),
            declared=self.declared,
            file_number=self.file_number,
            actor=Actor(unit=self.unit, clerk=self.clerk, case_ref=self.case_ref),
        )


class EnquiryBody(_Start):
    """POST /enquiries."""

    holding: Agency
    trigger: Code = "on_request"

    def to_wish(self) -> Wish:
        """Give the core's value."""
        return self._wish("pull", self.holding, self.trigger)


class DeliveryBody(_Start):
    """POST /deliveries."""

    to: Agency
    trigger: Code = "push"

    def to_wish(self) -> Wish:
        """Give the core's value."""
        return self._wish("push", self.to, self.trigger)


class SettleBody(Body):
    """POST /held/{id}/release and /held/{id}/refuse."""

    clerk: Line
    reason_code: Code


class LinkCodeBody(Body):
    """POST /link-codes."""

    file_number: FileNo


class LinkBody(Body):
    """POST /links."""

    code: Annotated[str, Field(min_length=24, max_length=MAX_CODE_CHARACTERS)]
    file_number: FileNo


class OrderBody(Body):
    """POST /orders, from the gateway; everything in it is unverified."""

    order: Annotated[str, Field(min_length=16, max_length=ORDER_MAX_BYTES)]
