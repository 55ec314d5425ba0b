# SPDX-License-Identifier: EUPL-1.2
"""Keys, signed agency list and settings for one measured gateway; everybody in it is invented."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from audit.checkpoint import log_key
from deploy.demo.provision import (
    AGENCY_USES,
    CLOCK_SKEW,
    DAY,
    GATEWAY_USES,
    LISTED_USES,
    keyring,
)
from gateway.settings import Settings
from keys.jws import VerifyKey
from keys.keylist import (
    Agency,
    Agreement,
    GatewayEntry,
    ListedKey,
    build_agency_list,
    certify_list_key,
    sign_agency_list,
)
from keys.model import AgencyId
from keys.providers.base import KeyUse
from keys.strict_json import dumps
from keys.suites import RecipientKey

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keys.providers.file import FileKeyring
    from keys.strict_json import JsonValue

ISSUER: Final = "https://bench.lotse.example"
LOG_ORIGIN: Final = "bench.lotse.example/2026"
ABH: Final = AgencyId("abh.bench")
JC: Final = AgencyId("jc.bench")
KINDS: Final = {ABH: "ABH", JC: "JC"}
LIST_DAYS: Final = 6

PURPOSE: Final = "P04"
FIELDS: Final = (
    "birth_date",
    "family_name",
    "given_names",
    "permit_type",
    "permit_valid_until",
    "procedure_state",
    "residence_status",
    "toleration_type",
    "work_permission",
    "work_permission_until",
)
"""Ten fields that rule R02 (AufenthG, job centre asks foreigners' authority) releases."""
DECLARED: Final[Mapping[str, bool | int | str]] = {
    "azr_checked": True,
    "reason_code": "azr_contradicts",
}

LINKED: Final = "linked"
EMPTY: Final = "empty"
UNLINKED: Final = "unlinked"
PERSONS: Final = (LINKED, EMPTY, UNLINKED)
"""A person with a file on both sides; one whose file has no values; one nobody has connected."""

VALUES: Final[Mapping[str, JsonValue]] = {
    "birth_date": {"year": 1990, "month": 1, "day": 1},
    "family_name": "Musterperson-Erfunden",
    "given_names": "Probe",
    "permit_type": {"code": "16", "list_urn": "urn:lotse:invented", "list_version": "1"},
    "permit_valid_until": {"year": 2027, "month": 5, "day": 31},
    "procedure_state": {"code": "open", "list_urn": "urn:lotse:invented", "list_version": "1"},
    "residence_status": {"code": "AE", "list_urn": "urn:lotse:invented", "list_version": "1"},
    "toleration_type": None,
    "work_permission": {"code": "yes", "list_urn": "urn:lotse:invented", "list_version": "1"},
    "work_permission_until": {"year": 2027, "month": 5, "day": 31},
}
"""What the holder's file of the invented linked person says."""


def file_number(person: str, agency: AgencyId) -> str:
    """Give an invented person's file number at an agency."""
    return f"{agency}/{person}"


@dataclass(frozen=True, slots=True)
class Place:
    """Where everything of one run lies."""

    root: Path

    def keys(self, owner: str) -> FileKeyring:
        """Open the keyring of the gateway or of an agency."""
        uses = GATEWAY_USES if owner == "gateway" else AGENCY_USES
        return keyring(self.root / owner, owner, uses, 0)

    def settings(self, database_url: str, holder_url: str) -> Settings:
        """Give the gateway's settings."""
        return Settings.model_validate(
            {
                "profile": "demo",
                "issuer": ISSUER,
                "database_url": database_url,
                "keyring_file": str(self.root / "gateway" / "keyring.json"),
                "passphrase_file": str(self.root / "gateway" / "passphrase"),
                "registry_root_file": str(self.root / "root.json"),
                "agency_list_file": str(self.root / "agencies.json"),
                "log_origin": LOG_ORIGIN,
                "connectors": {ABH: holder_url},
            }
        )


def recipient_key(ring: FileKeyring, use: KeyUse) -> RecipientKey:
    """Give the public half of a sealing key."""
    kid = ring.kids(use)[0]
    return RecipientKey(kid, ring.public_jwk(kid))


def verify_key(ring: FileKeyring, use: KeyUse) -> VerifyKey:
    """Give the public half of a signing key."""
    kid = ring.kids(use)[0]
    return VerifyKey(kid, ring.public_jwk(kid))


def provision(root: Path, now: int) -> Place:
    """Make keys and the signed list."""
    place = Place(root)
    gateway = place.keys("gateway")
    registry = keyring(root / "registry", "registry", (KeyUse.ROOT, KeyUse.LIST), now)
    begin = now - CLOCK_SKEW
    payload = build_agency_list(
        serial=1,
        issued_at=begin,
        expires_at=begin + LIST_DAYS * DAY,
        gateway=GatewayEntry(
            ISSUER,
            _listed(gateway, (KeyUse.ORDER, KeyUse.TOKEN)),
            log_key(LOG_ORIGIN, gateway.log_signer()).to_text(),
        ),
        agencies=[
            Agency(name, kind, f"{name} (erfunden)", _listed(place.keys(name), LISTED_USES))
            for name, kind in KINDS.items()
        ],
        agreements=[
            Agreement(
                "v-1",
                ABH,
                JC,
                (PURPOSE,),
                undertaking_78=False,
                approval_79=False,
                pilot_agreed=False,
                state_law_basis=False,
                recipient_abroad=False,
                valid_from=begin,
                valid_until=begin + LIST_DAYS * DAY,
            )
        ],
    )
    certificate = certify_list_key(
        registry.public_jwk(registry.kids(KeyUse.LIST)[0]),
        issued_at=begin,
        expires_at=begin + LIST_DAYS * DAY,
        root=registry.signer(KeyUse.ROOT),
    )
    document = sign_agency_list(
        payload, signer=registry.signer(KeyUse.LIST), certificate=certificate
    )
    root_jwk = registry.public_jwk(registry.kids(KeyUse.ROOT)[0])
    (root / "root.json").write_bytes(dumps(dict(root_jwk)))
    (root / "agencies.json").write_bytes(document)
    return place


def _listed(ring: FileKeyring, uses: tuple[KeyUse, ...]) -> tuple[ListedKey, ...]:
    return tuple(
        ListedKey(kid, use.value, ring.public_jwk(kid)) for use in uses for kid in ring.kids(use)
    )
