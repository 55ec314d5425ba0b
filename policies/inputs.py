# SPDX-License-Identifier: EUPL-1.2
"""What goes into a decision.

Everything here is a code, a boolean or an integer.
No field value, no name, no file number and no time ever enters a decision;
time is reduced to booleans and to ``lapsed`` before the call.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from policies.codes import (
    PERMISSION_TYPES,
    Declared,
    FieldId,
    Kind,
    PermissionState,
    PurposeId,
    RuleId,
    Trigger,
)
from policies.errors import InputInvalid
from policies.strict import JsonValue, Reader


@dataclass(frozen=True, slots=True)
class AgreementFacts:
    """What the agreement between the two instances says; from the signed agency list."""

    in_force: bool = False
    undertaking_78: bool = False
    """The recipient has signed the undertaking of SGB X § 78 I 2."""
    approval_79: bool = False
    """Automated retrieval is approved under SGB X § 79."""
    pilot_agreed: bool = False
    """Both agencies agreed on a pilot beside XAusländer (R46)."""
    state_law_basis: bool = False
    """The agreement names the state law that orders the report (R54)."""
    recipient_abroad: bool = False
    """The recipient is outside Germany (R69)."""

    def to_json(self) -> dict[str, JsonValue]:
        """Return the facts by name."""
        return {
            "in_force": self.in_force,
            "undertaking_78": self.undertaking_78,
            "approval_79": self.approval_79,
            "pilot_agreed": self.pilot_agreed,
            "state_law_basis": self.state_law_basis,
            "recipient_abroad": self.recipient_abroad,
        }


@dataclass(frozen=True, slots=True)
class PermissionFact:
    """One permission of the person, reduced to a state and the fields it names."""

    state: PermissionState = "none"
    fields: tuple[FieldId, ...] = ()

    def __post_init__(self) -> None:
        """Sort and deduplicate, so that equal facts are equal bytes."""
        object.__setattr__(self, "fields", tuple(sorted(set(self.fields))))

    def to_json(self) -> dict[str, JsonValue]:
        """Return ``{"state", "fields"}``."""
        return {"state": self.state, "fields": list(self.fields)}


@dataclass(frozen=True, slots=True)
class PermissionFacts:
    """The six types of permission, looked up for exactly these two agency instances."""

    consent: PermissionFact = PermissionFact()
    explicit_consent: PermissionFact = PermissionFact()
    release_203: PermissionFact = PermissionFact()
    release_65: PermissionFact = PermissionFact()
    mandate: PermissionFact = PermissionFact()
    choice: PermissionFact = PermissionFact()
    retrieval_confirmed: bool = False
    """The person chose retrieval and confirmed the preview (SGB X § 67f)."""

    def to_json(self) -> dict[str, JsonValue]:
        """Return one object per type, and whether a retrieval was confirmed."""
        return {
            "consent": self.consent.to_json(),
            "explicit_consent": self.explicit_consent.to_json(),
            "release_203": self.release_203.to_json(),
            "release_65": self.release_65.to_json(),
            "mandate": self.mandate.to_json(),
            "choice": self.choice.to_json(),
            "retrieval_confirmed": self.retrieval_confirmed,
        }


@dataclass(frozen=True, slots=True)
class HolderFacts:
    """What only the holding agency knows; the gateway always leaves the defaults."""

    info_block: bool | None = False
    """An information block (BMG § 51) stands against the person; None: nobody has looked."""
    released_by_source: bool = False
    """A clerk of the source has released this very exchange."""
    released_by_head: bool = False
    """The head of the source has released this very exchange (R59)."""
    secret_203: tuple[FieldId, ...] = ()
    """Fields whose content came to the holder under secrecy (§ 203 StGB, SGB X § 76)."""
    entrusted_65: tuple[FieldId, ...] = ()
    """Fields whose content was entrusted to the youth office (§ 65 SGB VIII)."""

    def __post_init__(self) -> None:
        """Sort and deduplicate, so that equal facts are equal bytes."""
        object.__setattr__(self, "secret_203", tuple(sorted(set(self.secret_203))))
        object.__setattr__(self, "entrusted_65", tuple(sorted(set(self.entrusted_65))))

    def to_json(self) -> dict[str, JsonValue]:
        """Return the facts by name."""
        return {
            "info_block": self.info_block,
            "released_by_source": self.released_by_source,
            "released_by_head": self.released_by_head,
            "secret_203": list(self.secret_203),
            "entrusted_65": list(self.entrusted_65),
        }


@dataclass(frozen=True, slots=True)
class DecisionInput:
    """Everything a decision depends on; equal inputs have equal decisions."""

    from_kind: Kind
    to_kind: Kind
    purpose: PurposeId
    trigger: Trigger
    fields: tuple[FieldId, ...]
    declared: Mapping[str, Declared] = field(default_factory=dict)
    agreement: AgreementFacts = AgreementFacts()
    permission: PermissionFacts = PermissionFacts()
    holder: HolderFacts = HolderFacts()
    lapsed: tuple[RuleId, ...] = ()
    """Rules outside their dates on this day; see ``policies.decide.rules_of_the_day``."""

    def __post_init__(self) -> None:
        """Sort, deduplicate and freeze, so that equal inputs are equal bytes."""
        object.__setattr__(self, "fields", tuple(sorted(set(self.fields))))
        object.__setattr__(self, "lapsed", tuple(sorted(set(self.lapsed))))
        object.__setattr__(self, "declared", MappingProxyType(dict(self.declared)))

    def to_json(self) -> dict[str, JsonValue]:
        """Return the plain JSON object that the engine reads and the decision token carries."""
        return {
            "from_kind": self.from_kind,
            "to_kind": self.to_kind,
            "purpose": self.purpose,
            "trigger": self.trigger,
            "fields": list(self.fields),
            "declared": dict(self.declared),
            "agreement": self.agreement.to_json(),
            "permission": self.permission.to_json(),
            "holder": self.holder.to_json(),
            "lapsed": list(self.lapsed),
        }

    @classmethod
    def from_json(cls, unverified_value: JsonValue) -> DecisionInput:
        """Read an input that came over the wire; exactly the known keys, exactly their types.

        Raises:
            InputInvalid: a key is missing, unknown or of another type.
        """
        top = Reader.of(unverified_value)
        agreement, permission, holder = (
            top.obj("agreement"),
            top.obj("permission"),
            top.obj("holder"),
        )
        facts = {name: _permission_fact(permission.obj(name)) for name in PERMISSION_TYPES}
        retrieval_confirmed = permission.flag("retrieval_confirmed")
        permission.done()
        result = cls(
            from_kind=Kind(top.text("from_kind")),
            to_kind=Kind(top.text("to_kind")),
            purpose=PurposeId(top.text("purpose")),
            trigger=_trigger(top.text("trigger")),
            fields=tuple(FieldId(f) for f in top.texts("fields")),
            declared=top.codes("declared"),
            agreement=AgreementFacts(
                in_force=agreement.flag("in_force"),
                undertaking_78=agreement.flag("undertaking_78"),
                approval_79=agreement.flag("approval_79"),
                pilot_agreed=agreement.flag("pilot_agreed"),
                state_law_basis=agreement.flag("state_law_basis"),
                recipient_abroad=agreement.flag("recipient_abroad"),
            ),
            permission=PermissionFacts(**facts, retrieval_confirmed=retrieval_confirmed),
            holder=HolderFacts(
                info_block=holder.flag_or_none("info_block"),
                released_by_source=holder.flag("released_by_source"),
                released_by_head=holder.flag("released_by_head"),
                secret_203=tuple(FieldId(f) for f in holder.texts("secret_203")),
                entrusted_65=tuple(FieldId(f) for f in holder.texts("entrusted_65")),
            ),
            lapsed=tuple(RuleId(r) for r in top.texts("lapsed")),
        )
        agreement.done()
        holder.done()
        top.done()
        return result

    def canonical(self) -> bytes:
        """Return the one byte string for this input: sorted keys, ASCII, no spaces."""
        return canonical(self.to_json())

    def digest(self) -> str:
        """Return the SHA-256 of ``canonical`` in hex."""
        return hashlib.sha256(self.canonical()).hexdigest()


def canonical(value: JsonValue) -> bytes:
    """Serialise with sorted keys, ASCII only, without spaces and without floats' NaN."""
    return json.dumps(
        value, sort_keys=True, ensure_ascii=True, allow_nan=False, separators=(",", ":")
    ).encode("ascii")


def _permission_fact(reader: Reader) -> PermissionFact:
    state = reader.text("state")
    fields = tuple(FieldId(f) for f in reader.texts("fields"))
    reader.done()
    match state:
        case "none" | "in_force" | "expired" | "withdrawn" | "used":
            return PermissionFact(state, fields)
        case _:
            raise InputInvalid("unknown_state")


def _trigger(value: str) -> Trigger:
    match value:
        case "on_request" | "automated" | "subject_choice" | "push" | "spontaneous" | "batch":
            return value
        case _:
            raise InputInvalid("unknown_trigger")
