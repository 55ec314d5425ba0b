# SPDX-License-Identifier: EUPL-1.2
"""A verified agency list, and what can be looked up in it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from keys.agencylist import Agency, Agreement, GatewayEntry
from keys.errors import UnknownKey
from keys.jws import VerifyKey
from keys.model import AgencyId, Kid, kid_number
from keys.suites import RecipientKey
from keys.timing import check_in_force

LIST_LIFETIME_SECONDS: Final = 7 * 86_400
"""A withdrawn key must be gone everywhere within a week, even where nobody fetches."""


@dataclass(frozen=True, slots=True)
class AgencyList:
    """A verified agency list; only :func:`keys.keylist.verify_agency_list` makes one."""

    serial: int
    issued_at: int
    expires_at: int

    digest: str
    """SHA-256 of the list token, hex; stands in the log."""

    gateway: GatewayEntry
    agencies: tuple[Agency, ...]
    agreements: tuple[Agreement, ...]
    _by_id: dict[AgencyId, Agency] = field(repr=False, compare=False)
    _verify: dict[tuple[str, str, Kid], VerifyKey] = field(repr=False, compare=False)
    _seal: dict[tuple[AgencyId, str], RecipientKey] = field(repr=False, compare=False)

    @property
    def issuer(self) -> str:
        """Return the gateway's issuer identifier."""
        return self.gateway.issuer

    @property
    def log_vkey(self) -> str:
        """Return the log's verifier key (C2SP signed-note)."""
        return self.gateway.log_vkey

    def check_fresh(self, now: int) -> None:
        """Return while the list may be used; after that nothing may be sealed or believed.

        Raises:
            NotInForce: ``expired``.
        """
        check_in_force(
            issued_at=self.issued_at,
            expires_at=self.expires_at,
            now=now,
            max_lifetime=LIST_LIFETIME_SECONDS,
        )

    def agency(self, agency: AgencyId) -> Agency | None:
        """Find an agency."""
        return self._by_id.get(agency)

    def signing_key(self, agency: AgencyId, kid: Kid) -> VerifyKey:
        """Return this agency's key for statements, manifests and releases.

        Raises:
            UnknownKey: ``kid``: not a signing key of this agency.
        """
        return self._verify_key(agency, "sig", kid)

    def auth_key(self, agency: AgencyId, kid: Kid) -> VerifyKey:
        """Return this agency's key for client assertions.

        Raises:
            UnknownKey: ``kid``: not an authentication key of this agency.
        """
        return self._verify_key(agency, "auth", kid)

    def gateway_key(self, use: str, kid: Kid) -> VerifyKey:
        """Return the gateway's key for ``order`` or ``token``.

        Raises:
            UnknownKey: ``kid``.
        """
        return self._verify_key("", use, kid)

    def kem_key(self, agency: AgencyId) -> RecipientKey:
        """Return the newest active key to seal fields to this agency.

        Raises:
            UnknownKey: ``agency``: it is not listed, or has no active key.
        """
        return self._recipient_key(agency, "kem")

    def audit_key(self, agency: AgencyId) -> RecipientKey:
        """Return the newest active key to seal details to this controller.

        Raises:
            UnknownKey: ``agency``: it is not listed, or has no active key.
        """
        return self._recipient_key(agency, "audit")

    def agreement(self, from_: AgencyId, to: AgencyId, purpose: str, now: int) -> Agreement | None:
        """Find the agreement in force for this flow and purpose."""
        for agreement in self.agreements:
            if (
                (agreement.source, agreement.recipient) == (from_, to)
                and purpose in agreement.purposes
                and agreement.valid_from <= now < agreement.valid_until
            ):
                return agreement
        return None

    def _verify_key(self, owner: str, use: str, kid: Kid) -> VerifyKey:
        key = self._verify.get((owner, use, kid))
        if key is None:
            raise UnknownKey("kid")
        return key

    def _recipient_key(self, agency: AgencyId, use: str) -> RecipientKey:
        key = self._seal.get((agency, use))
        if key is None:
            raise UnknownKey("agency")
        return key


def verify_keys(
    gateway: GatewayEntry, agencies: tuple[Agency, ...]
) -> dict[tuple[str, str, Kid], VerifyKey]:
    """Parse every key that checks a signature, by owner, use and name."""
    found = {("", key.use, key.kid): VerifyKey(key.kid, key.jwk) for key in gateway.keys}
    for agency in agencies:
        for key in agency.keys:
            if key.use in ("sig", "auth"):
                found[agency.id, key.use, key.kid] = VerifyKey(key.kid, key.jwk)
    return found


def recipient_keys(
    agencies: tuple[Agency, ...],
) -> dict[tuple[AgencyId, str], RecipientKey]:
    """Parse every key that is sealed to, and keep the newest active one of each use."""
    found: dict[tuple[AgencyId, str], RecipientKey] = {}
    for agency in agencies:
        for key in sorted(agency.keys, key=lambda key: kid_number(key.kid)):
            if key.use in ("kem", "audit"):
                recipient_key = RecipientKey(key.kid, key.jwk)  # also checks the ones not used
                if key.state == "active":
                    found[agency.id, key.use] = recipient_key
    return found
