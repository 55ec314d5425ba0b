# SPDX-License-Identifier: EUPL-1.2
"""The signed agency list: whose key is whose, and who has agreed what with whom.

If a connector took the keys of others from the gateway on trust, the gateway could put its own
key in and read everything. So: the offline registry root certifies a list key, the list key
signs the list, connectors pin the root, and a list is accepted only while it is in force and
never with a lower serial than the last one.

Document: ``{"cert": "<JWS>", "list": "<JWS>"}``; the certificate has the type
``lotse-listkey+jws`` and is signed by the root, the list ``lotse-agencies+jws`` by the list key.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from keys.agencies import AgencyList, recipient_keys, verify_keys
from keys.agencylist import (
    LIST_VERSION,
    Agency,
    Agreement,
    GatewayEntry,
    ListedKey,
    read_agency,
    read_agreement,
    read_gateway,
    read_jwk,
    write_list,
)
from keys.errors import MalformedError, RollbackDetected, UnknownKey
from keys.jwk import PublicJwk, parse_p256, thumbprint
from keys.jws import Signer, VerifyKey, sign_jws, verify_jws
from keys.model import Kid, kid_owner, kid_use
from keys.reading import Members
from keys.strict_json import dumps, loads
from keys.timing import check_in_force

__all__ = [
    "Agency",
    "AgencyList",
    "Agreement",
    "GatewayEntry",
    "ListedKey",
    "RegistryRoot",
    "build_agency_list",
    "certify_list_key",
    "sign_agency_list",
    "verify_agency_list",
]

CERT_TYP: Final = "lotse-listkey+jws"
LIST_TYP: Final = "lotse-agencies+jws"

CERT_LIFETIME_SECONDS: Final = 400 * 86_400
"""A list key is certified once a year; the rest is overlap."""

MAX_DOCUMENT_BYTES: Final = 8 * 1_048_576
_MAX_CERT_BYTES: Final = 4_096
_LIST_MEMBERS: Final = ("v", "serial", "iat", "exp", "gateway", "agencies", "agreements")


@dataclass(frozen=True, slots=True)
class RegistryRoot:
    """The pinned public key of the offline registry root.

    Raises:
        MalformedError: ``jwk``.
    """

    jwk: PublicJwk

    def __post_init__(self) -> None:
        """Check that it is a key."""
        parse_p256(self.jwk)

    @staticmethod
    def fingerprint(jwk: PublicJwk) -> str:
        """Return what is read aloud and written down: the JWK thumbprint (RFC 7638)."""
        return thumbprint(jwk)

    def find(self, kid: Kid) -> VerifyKey:
        """Return the pinned key, whatever number it is called by."""
        if kid_use(kid) != "root":
            raise UnknownKey("kid")
        return VerifyKey(kid, self.jwk)


def certify_list_key(jwk: PublicJwk, *, issued_at: int, expires_at: int, root: Signer) -> str:
    """Certify a list key with the registry root; done offline, once a year."""
    payload = dumps({"v": 1, "jwk": dict(jwk), "iat": issued_at, "exp": expires_at})
    return sign_jws(payload, typ=CERT_TYP, signer=root)


def build_agency_list(
    *,
    serial: int,
    issued_at: int,
    expires_at: int,
    gateway: GatewayEntry,
    agencies: Sequence[Agency],
    agreements: Sequence[Agreement] = (),
) -> bytes:
    """Write the list's payload, after the same checks that the reader makes.

    Raises:
        MalformedError: the list contradicts itself.
        NotInForce: ``lifetime``: it would be in force for more than a week.
    """
    payload = dumps(
        write_list(
            serial=serial,
            issued_at=issued_at,
            expires_at=expires_at,
            gateway=gateway,
            agencies=agencies,
            agreements=agreements,
        )
    )
    _read_list(payload, digest="", now=issued_at)
    return payload


def sign_agency_list(payload: bytes, *, signer: Signer, certificate: str) -> bytes:
    """Sign the payload with the list key and join the root's certificate to it."""
    return dumps({"cert": certificate, "list": sign_jws(payload, typ=LIST_TYP, signer=signer)})


def verify_agency_list(
    document: bytes, *, root_jwk: PublicJwk, now: int, min_serial: int
) -> AgencyList:
    """Verify a list against the pinned root.

    ``min_serial`` is the serial of the last accepted list, 0 when there is none yet.

    Raises:
        MalformedError: not a list, or a list that contradicts itself.
        UnknownKey, SignatureInvalid: not certified by the pinned root, or not signed by the key
            that the root certified.
        NotInForce: certificate or list is expired, from the future, or valid for too long.
        RollbackDetected: ``serial``: older than the last accepted one.
    """
    outer = Members(loads(document, max_bytes=MAX_DOCUMENT_BYTES), ("cert", "list"))
    certificate = verify_jws(
        outer.long_text("cert", _MAX_CERT_BYTES),
        typ=CERT_TYP,
        key=RegistryRoot(root_jwk).find,
        max_bytes=_MAX_CERT_BYTES,
    )
    claims = Members(
        loads(certificate.payload, max_bytes=_MAX_CERT_BYTES), ("v", "jwk", "iat", "exp")
    )
    claims.version()
    check_in_force(
        issued_at=claims.integer("iat"),
        expires_at=claims.integer("exp"),
        now=now,
        max_lifetime=CERT_LIFETIME_SECONDS,
    )
    list_jwk = read_jwk(claims.object("jwk"))

    def list_key(kid: Kid) -> VerifyKey:
        if kid_use(kid) != "list":
            raise UnknownKey("kid")
        return VerifyKey(kid, list_jwk)

    signed = verify_jws(
        outer.long_text("list", MAX_DOCUMENT_BYTES),
        typ=LIST_TYP,
        key=list_key,
        max_bytes=MAX_DOCUMENT_BYTES,
    )
    agency_list = _read_list(signed.payload, digest=signed.digest.hex(), now=now)
    if agency_list.serial < min_serial:
        raise RollbackDetected("serial")
    return agency_list


def _read_list(payload: bytes, *, digest: str, now: int) -> AgencyList:
    claims = Members(loads(payload, max_bytes=MAX_DOCUMENT_BYTES), _LIST_MEMBERS)
    claims.version(expected=LIST_VERSION)
    gateway = read_gateway(claims.object("gateway"))
    agencies = tuple(read_agency(item) for item in claims.items("agencies"))
    agreements = tuple(read_agreement(item) for item in claims.items("agreements"))
    by_id = {agency.id: agency for agency in agencies}
    if len(by_id) != len(agencies):
        raise MalformedError("agencies")
    if any(kid_owner(key.kid) in by_id for key in gateway.keys):
        raise MalformedError("gateway")
    for agreement in agreements:
        if not {agreement.source, agreement.recipient} <= by_id.keys():
            raise MalformedError("agreements")
    _check_keys_differ([*gateway.keys, *(key for agency in agencies for key in agency.keys)])
    agency_list = AgencyList(
        serial=claims.integer("serial", low=1),
        issued_at=claims.integer("iat"),
        expires_at=claims.integer("exp"),
        digest=digest,
        gateway=gateway,
        agencies=agencies,
        agreements=agreements,
        _by_id=by_id,
        _verify=verify_keys(gateway, agencies),
        _seal=recipient_keys(agencies),
    )
    agency_list.check_fresh(now)
    return agency_list


def _check_keys_differ(keys: list[ListedKey]) -> None:
    """One key, one use, one owner: a key listed twice would blur what a signature means."""
    if len({key.kid for key in keys}) != len(keys):
        raise MalformedError("kid")
    if len({thumbprint(key.jwk) for key in keys}) != len(keys):
        raise MalformedError("jwk")
