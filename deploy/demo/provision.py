# SPDX-License-Identifier: EUPL-1.2
"""Writes what every process of the demo needs: keys, the signed agency list, settings, own systems.

Keys are made once and kept; settings and the agencies' own systems are written anew at every
start, because ports may have moved and "yesterday" has.
"""

from __future__ import annotations

import contextlib
import hashlib
import secrets
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from audit.checkpoint import log_key
from deploy.demo import toml
from deploy.demo.cast import FLOWS, MEMBERS, RUNNING
from deploy.demo.place import private
from deploy.demo.systems import set_up
from keys.keylist import (
    Agency,
    Agreement,
    GatewayEntry,
    ListedKey,
    build_agency_list,
    certify_list_key,
    sign_agency_list,
)
from keys.providers.base import KeyUse
from keys.providers.file import FileKeyring
from keys.strict_json import dumps

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date
    from pathlib import Path

    from deploy.demo.cast import Member
    from deploy.demo.place import Place
    from deploy.demo.ports import Ports
    from keys.jwk import PublicJwk

LOG_ORIGIN: Final = "demo.lotse.example/2026"
AGENCY_USES: Final = (KeyUse.SIG, KeyUse.KEM, KeyUse.AUDIT, KeyUse.AUTH, KeyUse.INDEX)
LISTED_USES: Final = (KeyUse.SIG, KeyUse.KEM, KeyUse.AUDIT, KeyUse.AUTH)
GATEWAY_USES: Final = (KeyUse.LINK, KeyUse.ORDER, KeyUse.TOKEN, KeyUse.LOG, KeyUse.WRAP)
DAY: Final = 86_400
AGREED_AT: Final = 1_767_225_600
"""2026-01-01T00:00:00Z, the first day of the invented agreements."""
AGREED_DAYS: Final = 3_653
LIST_DAYS: Final = 7
"""An agency list is in force for at most a week."""
CLOCK_SKEW: Final = 60
ROLES: Final = ("system", "clerk")
"""Callers of a connector's local API, each with a token of its own."""


@dataclass(frozen=True, slots=True)
class Registry:
    """The offline body: root and list key."""

    root_jwk: PublicJwk
    root: FileKeyring
    list: FileKeyring


def keyring(directory: Path, owner: str, uses: tuple[KeyUse, ...], now: int) -> FileKeyring:
    """Open the keyring in a directory; make it, with one key per use, if it is not there."""
    private(directory)
    path, secret = directory / "keyring.json", directory / "passphrase"
    if path.exists() and secret.exists():
        kept = FileKeyring.open(path, secret.read_text(encoding="ascii").strip())
        if all(kept.kids(use) for use in uses):
            return kept
        path.unlink()  # the demo was killed while it made the keys
    passphrase = secrets.token_urlsafe(24)
    write_secret(secret, passphrase)
    path.unlink(missing_ok=True)
    made = FileKeyring.create(path, passphrase, owner)
    for use in uses:
        made.new_key(use, now)
    return made


def write_secret(path: Path, text: str) -> None:
    """Write one line that only the owner can read."""
    path.touch(mode=0o600)
    path.chmod(0o600)
    path.write_text(text + "\n", encoding="ascii")


def provision(
    place: Place, ports: Ports, *, now: int, today: date, say: Callable[[str], None]
) -> None:
    """Write everything. Processes that run already are not touched."""
    private(place.root / "agencies")
    for member in MEMBERS:
        private(place.agency(member.id))
    private(place.registry)
    say("keys of registry, gateway and agencies (Argon2id: a moment)")
    root_jwk = publish_list(place, issuer=ports.url("gateway"), now=now)
    say("settings and the agencies' own systems")
    _gateway_settings(place, ports, root_jwk)
    shutil.rmtree(place.recorded, ignore_errors=True)
    private(place.recorded)
    for member in RUNNING:
        set_up(member, place.source(member.id), today)
        _connector_settings(member, place, ports, root_jwk)


def _registry(place: Place, now: int) -> Registry:
    root = keyring(place.registry / "root", "registry", (KeyUse.ROOT,), now)
    listed = keyring(place.registry / "list", "registry", (KeyUse.LIST,), now)
    return Registry(root.public_jwk(root.kids(KeyUse.ROOT)[0]), root, listed)


def publish_list(place: Place, *, issuer: str, now: int) -> PublicJwk:
    """Sign the agency list with the next serial and lay it where the gateway reads it.

    Keys that are not there yet are made. Gives the registry's root key, which connectors pin.
    """
    registry = _registry(place, now)
    gateway_keys = keyring(place.gateway, "gateway", GATEWAY_USES, now)
    agency_keys = {
        member.id: keyring(place.connector(member.id), member.id, AGENCY_USES, now)
        for member in MEMBERS
    }
    counter = place.registry / "serial"
    serial = 1
    with contextlib.suppress(FileNotFoundError):
        serial = int(counter.read_text(encoding="ascii")) + 1
    begin = now - CLOCK_SKEW
    vkey = log_key(LOG_ORIGIN, gateway_keys.log_signer()).to_text()
    payload = build_agency_list(
        serial=serial,
        issued_at=begin,
        expires_at=begin + LIST_DAYS * DAY,
        gateway=GatewayEntry(issuer, _listed(gateway_keys, (KeyUse.ORDER, KeyUse.TOKEN)), vkey),
        agencies=[
            Agency(
                member.id, member.kind, member.name, _listed(agency_keys[member.id], LISTED_USES)
            )
            for member in MEMBERS
        ],
        agreements=[
            Agreement(
                f"v-{number:02d}",
                flow.source,
                flow.recipient,
                flow.purposes,
                flow.undertaking_78,
                approval_79=False,
                pilot_agreed=False,
                state_law_basis=False,
                recipient_abroad=False,
                # The same in every list: kept answers are checked against it again.
                valid_from=AGREED_AT,
                valid_until=AGREED_AT + AGREED_DAYS * DAY,
            )
            for number, flow in enumerate(FLOWS, start=1)
        ],
    )
    certificate = certify_list_key(
        registry.list.public_jwk(registry.list.kids(KeyUse.LIST)[0]),
        issued_at=begin,
        expires_at=begin + 365 * DAY,
        root=registry.root.signer(KeyUse.ROOT),
    )
    document = sign_agency_list(
        payload, signer=registry.list.signer(KeyUse.LIST), certificate=certificate
    )
    counter.write_text(str(serial), encoding="ascii")
    place.agency_list.write_bytes(document)
    place.log_key.write_text(vkey + "\n", encoding="utf-8")
    fresh = place.gateway / "agencies.json.new"
    fresh.write_bytes(document)
    fresh.replace(place.gateway / "agencies.json")
    return registry.root_jwk


def _listed(ring: FileKeyring, uses: tuple[KeyUse, ...]) -> tuple[ListedKey, ...]:
    return tuple(
        ListedKey(kid, use.value, ring.public_jwk(kid)) for use in uses for kid in ring.kids(use)
    )


def _gateway_settings(place: Place, ports: Ports, root: PublicJwk) -> None:
    (place.gateway / "root.json").write_bytes(dumps(dict(root)))
    settings: dict[str, toml.Value] = {
        "profile": "demo",
        "issuer": ports.url("gateway"),
        "port": ports.chosen["gateway"],
        "database_url": f"sqlite:///{place.gateway / 'gateway.sqlite'}",
        "keyring_file": "keyring.json",
        "passphrase_file": "passphrase",
        "registry_root_file": "root.json",
        "agency_list_file": "agencies.json",
        "log_origin": LOG_ORIGIN,
        "insecure_demo_person": True,
        "connectors": {member.id: ports.url(f"gateway>{member.id}") for member in RUNNING},
    }
    (place.gateway / "gateway.toml").write_text(toml.dumps(settings), encoding="utf-8")


def _connector_settings(member: Member, place: Place, ports: Ports, root: PublicJwk) -> None:
    directory = place.connector(member.id)
    settings: dict[str, toml.Value] = {
        "tokens": [
            {"name": role, "role": role, "sha256": _token_hash(directory, role)} for role in ROLES
        ],
        "agency": {"id": member.id, "language": "de"},
        "listen": {"port": ports.chosen[member.id]},
        "storage": {"directory": "store"},
        "keys": {"keyring": "keyring.json", "passphrase_file": "passphrase"},
        "gateway": {"url": ports.url(f"{member.id}>gateway"), "issuer": ports.url("gateway")},
        "registry": {"root_jwk": dict(root)},
        "holding": {"decoy_number": member.decoy_number},
        "source": _source_settings(member, place, ports),
    }
    (directory / "connector.toml").write_text(toml.dumps(settings), encoding="utf-8")


def _source_settings(member: Member, place: Place, ports: Ports) -> dict[str, toml.Value]:
    system = place.source(member.id)
    settings: dict[str, toml.Value] = {
        "type": member.source or "",
        "mapping": str(system / "mapping.toml"),
    }
    if member.source == "sql":
        settings["url"] = f"sqlite:///{system / 'system.sqlite'}"
    elif member.source == "rest":
        settings["url"] = ports.url(f"{member.id} system")
        settings["token_file"] = str(system / "token")
    else:
        settings["folder"] = str(system / "akten-ordner")
    return settings


def _token_hash(directory: Path, role: str) -> str:
    """Keep the caller's token where the caller finds it; the connector is told only its hash."""
    path = directory / f"{role}.token"
    if not path.exists():
        write_secret(path, secrets.token_urlsafe(32))
    token = path.read_text(encoding="ascii").strip()
    return hashlib.sha256(token.encode("ascii")).hexdigest()
