# SPDX-License-Identifier: EUPL-1.2
"""The entries of the agency list, as values and as JSON; signatures are :mod:`keys.keylist`'s."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from keys.errors import MalformedError
from keys.jwk import PublicJwk
from keys.model import IDENTIFIER, KID, AgencyId, Kid, kid_owner, kid_use, parse_agency_id
from keys.reading import Members
from keys.strict_json import JsonLike, JsonValue

AgencyKeyUse = Literal["sig", "kem", "audit", "auth"]
KeyListState = Literal["active", "accept-only"]

AGENCY_USES: Final = ("sig", "kem", "audit", "auth")
GATEWAY_USES: Final = ("order", "token")
STATES: Final = ("active", "accept-only")

LIST_VERSION: Final = 2
"""Version 1 did not say whether a recipient is abroad. Silence about that must not read as "no"."""

MAX_NAME_CHARACTERS: Final = 200
MAX_ISSUER_CHARACTERS: Final = 512
MAX_VKEY_CHARACTERS: Final = 512
_KIND: Final = re.compile(r"[A-Z][A-Z0-9_]{0,31}")


@dataclass(frozen=True, slots=True)
class ListedKey:
    """A public key in the list."""

    kid: Kid

    use: str
    """``sig``, ``kem``, ``audit`` or ``auth`` of an agency; ``order`` or ``token`` of the gateway."""

    jwk: PublicJwk

    state: str = "active"
    """``active`` or ``accept-only``; nothing new is sealed to the second kind."""


@dataclass(frozen=True, slots=True)
class Agency:
    """One agency instance."""

    id: AgencyId

    kind: str
    """Its kind in the rules, for example ``ABH``."""

    name: str

    keys: tuple[ListedKey, ...]


@dataclass(frozen=True, slots=True)
class Agreement:
    """What two agencies have agreed for one direction of data."""

    id: str

    source: AgencyId
    """``from``."""

    recipient: AgencyId
    """``to``."""

    purposes: tuple[str, ...]

    undertaking_78: bool
    """The recipient has undertaken to keep to the purpose (§ 78 SGB X)."""

    approval_79: bool
    """The retrieval procedure is approved (§ 79 SGB X)."""

    pilot_agreed: bool
    """Both agreed on a pilot beside an existing channel (§ 76a AufenthV)."""

    state_law_basis: bool
    """The agreement names the state law that orders the report (§ 31a I SGB III)."""

    recipient_abroad: bool
    """The recipient is outside Germany (§ 77 III SGB X)."""

    valid_from: int

    valid_until: int


@dataclass(frozen=True, slots=True)
class GatewayEntry:
    """The gateway's public keys and names."""

    issuer: str

    keys: tuple[ListedKey, ...]

    log_vkey: str
    """The log's verifier key (C2SP signed-note)."""


def write_list(
    *,
    serial: int,
    issued_at: int,
    expires_at: int,
    gateway: GatewayEntry,
    agencies: Sequence[Agency],
    agreements: Sequence[Agreement],
) -> dict[str, JsonLike]:
    """Write the whole list as JSON members."""
    return {
        "v": LIST_VERSION,
        "serial": serial,
        "iat": issued_at,
        "exp": expires_at,
        "gateway": {
            "issuer": gateway.issuer,
            "keys": [{"kid": k.kid, "use": k.use, "jwk": dict(k.jwk)} for k in gateway.keys],
            "log_vkey": gateway.log_vkey,
        },
        "agencies": [
            {
                "id": agency.id,
                "kind": agency.kind,
                "name": agency.name,
                "keys": [
                    {"kid": k.kid, "use": k.use, "jwk": dict(k.jwk), "state": k.state}
                    for k in agency.keys
                ],
            }
            for agency in agencies
        ],
        "agreements": [
            {
                "id": agreement.id,
                "from": agreement.source,
                "to": agreement.recipient,
                "purposes": list(agreement.purposes),
                "undertaking_78": agreement.undertaking_78,
                "approval_79": agreement.approval_79,
                "pilot_agreed": agreement.pilot_agreed,
                "state_law_basis": agreement.state_law_basis,
                "recipient_abroad": agreement.recipient_abroad,
                "valid_from": agreement.valid_from,
                "valid_until": agreement.valid_until,
            }
            for agreement in agreements
        ],
    }


def read_gateway(value: JsonValue) -> GatewayEntry:
    """Read the gateway's entry.

    Raises:
        MalformedError: naming the member.
    """
    members = Members(value, ("issuer", "keys", "log_vkey"))
    keys: list[ListedKey] = []
    for item in members.items("keys"):
        key = Members(item, ("kid", "use", "jwk"))
        keys.append(_listed_key(key, GATEWAY_USES, "active"))
    return GatewayEntry(
        issuer=members.long_text("issuer", MAX_ISSUER_CHARACTERS),
        keys=tuple(keys),
        log_vkey=members.long_text("log_vkey", MAX_VKEY_CHARACTERS),
    )


def read_agency(value: JsonValue) -> Agency:
    """Read one agency; every key must carry its name.

    Raises:
        MalformedError: naming the member.
    """
    members = Members(value, ("id", "kind", "name", "keys"))
    agency = parse_agency_id(members.text("id", IDENTIFIER))
    keys: list[ListedKey] = []
    for item in members.items("keys"):
        key = Members(item, ("kid", "use", "jwk", "state"))
        state = key.text("state")
        if state not in STATES:
            raise MalformedError("state")
        keys.append(_listed_key(key, AGENCY_USES, state))
        if kid_owner(keys[-1].kid) != agency:
            raise MalformedError("kid")
    return Agency(
        id=agency,
        kind=members.text("kind", _KIND),
        name=members.long_text("name", MAX_NAME_CHARACTERS),
        keys=tuple(keys),
    )


def read_agreement(value: JsonValue) -> Agreement:
    """Read one agreement; a fact that is left out is not taken for "no" but refused.

    Raises:
        MalformedError: naming the member.
    """
    members = Members(
        value,
        (
            "id",
            "from",
            "to",
            "purposes",
            "undertaking_78",
            "approval_79",
            "pilot_agreed",
            "state_law_basis",
            "recipient_abroad",
            "valid_from",
            "valid_until",
        ),
    )
    return Agreement(
        id=members.text("id"),
        source=AgencyId(members.text("from", IDENTIFIER)),
        recipient=AgencyId(members.text("to", IDENTIFIER)),
        purposes=members.texts("purposes"),
        undertaking_78=members.boolean("undertaking_78"),
        approval_79=members.boolean("approval_79"),
        pilot_agreed=members.boolean("pilot_agreed"),
        state_law_basis=members.boolean("state_law_basis"),
        recipient_abroad=members.boolean("recipient_abroad"),
        valid_from=members.integer("valid_from"),
        valid_until=members.integer("valid_until"),
    )


def _listed_key(members: Members, uses: tuple[str, ...], state: str) -> ListedKey:
    kid = Kid(members.text("kid", KID))
    use = members.text("use")
    if use not in uses or kid_use(kid) != use:
        raise MalformedError("kid")
    return ListedKey(kid=kid, use=use, jwk=read_jwk(members.object("jwk")), state=state)


def read_jwk(members: dict[str, JsonValue]) -> dict[str, str]:
    """Read a JWK whose members are all strings; the key itself is checked where it is parsed.

    Raises:
        MalformedError: ``jwk``.
    """
    jwk: dict[str, str] = {}
    for name, value in members.items():
        if not isinstance(value, str):
            raise MalformedError("jwk")
        jwk[name] = value
    return jwk
