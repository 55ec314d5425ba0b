# SPDX-License-Identifier: EUPL-1.2
"""A keyring in one file, protected by a passphrase.

The passphrase gives a master key (Argon2id); from it come one key that encrypts every entry
(AES-256-GCM, bound to name, use, state and time) and one that authenticates the whole index with
its serial. The file is replaced atomically and readable by its owner only.

What it does not stop: whoever can replace the file by an older copy of itself brings back the
older keys. ``open`` takes the lowest serial to accept for those who keep that number elsewhere.
"""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from keys.context import pae
from keys.errors import (
    KeyringConflict,
    KeyringError,
    MalformedError,
    PassphraseWrong,
    RollbackDetected,
    UnknownKey,
)
from keys.model import IDENTIFIER, KID, Kid, kid_owner, parse_agency_id
from keys.providers.base import KeyState, KeyUse
from keys.providers.protection import (
    CEILING_MEMORY_KIB,
    CEILING_PASSES,
    FLOOR_MEMORY_KIB,
    FLOOR_PASSES,
    PRODUCTION_COST,
    SALT_BYTES,
    Argon2Cost,
    InsecureTestCost,
    Protection,
    locked,
    protect,
    read_document,
    replace_file,
)
from keys.providers.software import KeyEntry, SoftwareKeys, new_secret
from keys.reading import CODE, Members
from keys.strict_json import JsonValue, b64u, dumps
from keys.suites import P256

__all__ = ["Argon2Cost", "FileKeyring", "InsecureTestCost"]

FORMAT: Final = "lotse-keyring-v1"
NONCE_BYTES: Final = 12


@dataclass(slots=True)
class FileKeyring(SoftwareKeys):
    """Keys of one owner in one file; made by :meth:`create` and :meth:`open`."""

    path: Path = field(kw_only=True)
    serial: int = field(kw_only=True)
    """Rises with every change."""

    _protection: Protection = field(kw_only=True, repr=False, compare=False)

    @classmethod
    def create(
        cls,
        path: Path,
        passphrase: str,
        owner: str,
        *,
        cost: Argon2Cost | InsecureTestCost = PRODUCTION_COST,
    ) -> Self:
        """Make an empty keyring; an existing file is never overwritten.

        Raises:
            KeyringError: ``exists`` or ``empty_passphrase``.
            MalformedError: ``agency_id``: the owner cannot stand in a key's name.
        """
        parse_agency_id(owner)
        protection = protect(
            passphrase, secrets.token_bytes(SALT_BYTES), cost.memory_kib, cost.passes
        )
        keyring = cls(owner, path=path, serial=0, _protection=protection)
        with locked(path):
            if path.exists():
                raise KeyringError("exists")
            keyring._write()
        return keyring

    @classmethod
    def open(
        cls,
        path: Path,
        passphrase: str,
        *,
        min_serial: int = 0,
        insecure_test_cost: bool = False,
    ) -> Self:
        """Read a keyring.

        Raises:
            KeyringError: ``missing``, ``readable_by_others``, ``form`` or ``insecure_cost``.
            PassphraseWrong: wrong passphrase, or the file was changed.
            RollbackDetected: ``serial``: older than ``min_serial``.
        """
        document = read_document(path)
        members = _members(document)
        kdf = Members(members.object("kdf"), ("alg", "memory_kib", "passes", "lanes", "salt"))
        try:
            if kdf.text("alg") != "argon2id" or kdf.integer("lanes") != 1:
                raise KeyringError("form")
            memory_kib = kdf.integer("memory_kib", 8, CEILING_MEMORY_KIB)
            passes = kdf.integer("passes", 1, CEILING_PASSES)
            salt = kdf.binary("salt", SALT_BYTES)
        except MalformedError:
            raise KeyringError("form") from None
        below = memory_kib < FLOOR_MEMORY_KIB or passes < FLOOR_PASSES
        if below and not insecure_test_cost:
            raise KeyringError("insecure_cost")
        protection = protect(passphrase, salt, memory_kib, passes)
        keyring = cls("", path=path, serial=0, _protection=protection)
        keyring._load(document)
        if keyring.serial < min_serial:
            raise RollbackDetected("serial")
        return keyring

    def new_key(self, use: KeyUse, now: int, *, suite: str = P256) -> Kid:
        """Make a key, write it durably, and return its name.

        Raises:
            KeyringConflict: another process changed the file; open it again.
        """
        with locked(self.path):
            self._check_unchanged()
            kid = self.next_kid(use)
            self.entries[kid] = KeyEntry(kid, KeyState.ACTIVE, now, new_secret(use, suite))
            self._write()
        return kid

    def set_state(self, kid: Kid, state: KeyState) -> None:
        """Move a key to another state, durably.

        Raises:
            UnknownKey: ``kid``.
            KeyringConflict: another process changed the file; open it again.
        """
        with locked(self.path):
            self._check_unchanged()
            if kid not in self.entries:
                raise UnknownKey("kid")
            entry = self.entries[kid]
            self.entries[kid] = KeyEntry(kid, state, entry.created_at, entry.secret)
            self._write()

    def _check_unchanged(self) -> None:
        if _members(read_document(self.path)).integer("serial") != self.serial:
            raise KeyringConflict("serial")

    def _load(self, document: dict[str, JsonValue]) -> None:
        mac = _members(document).binary("mac", 32)
        unsigned = {name: value for name, value in document.items() if name != "mac"}
        if not hmac.compare_digest(mac, self._mac(unsigned)):
            raise PassphraseWrong("passphrase")
        # From here on the file is our own work.
        members = _members(document)
        self.owner = members.text("owner", IDENTIFIER)
        self.serial = members.integer("serial")
        for item in members.items("entries"):
            entry = self._open_entry(item)
            self.entries[entry.kid] = entry

    def _open_entry(self, item: JsonValue) -> KeyEntry:
        members = Members(item, ("kid", "state", "created_at", "nonce", "ct"))
        kid = Kid(members.text("kid", KID))
        state = KeyState(members.text("state"))
        created_at = members.integer("created_at")
        if kid_owner(kid) != self.owner:
            raise KeyringError("entry")
        try:
            secret = AESGCM(self._protection.entry_key).decrypt(
                members.binary("nonce", NONCE_BYTES),
                members.binary("ct"),
                pae("lotse-keyring-entry-v1", kid, state.value, created_at),
            )
        except InvalidTag:
            raise PassphraseWrong("entry") from None
        return KeyEntry(kid, state, created_at, secret)

    def _mac(self, unsigned: dict[str, JsonValue]) -> bytes:
        data = pae("lotse-keyring-index-v1", dumps(unsigned))
        return hmac.digest(self._protection.index_key, data, "sha256")

    def _write(self) -> None:
        entries: list[JsonValue] = []
        for kid, entry in sorted(self.entries.items()):
            nonce = secrets.token_bytes(NONCE_BYTES)
            sealed = AESGCM(self._protection.entry_key).encrypt(
                nonce,
                entry.secret,
                pae("lotse-keyring-entry-v1", kid, entry.state.value, entry.created_at),
            )
            entries.append(
                {
                    "kid": kid,
                    "state": entry.state.value,
                    "created_at": entry.created_at,
                    "nonce": b64u(nonce),
                    "ct": b64u(sealed),
                }
            )
        document: dict[str, JsonValue] = {
            "format": FORMAT,
            "owner": self.owner,
            "serial": self.serial + 1,
            "kdf": {
                "alg": "argon2id",
                "memory_kib": self._protection.memory_kib,
                "passes": self._protection.passes,
                "lanes": 1,
                "salt": b64u(self._protection.salt),
            },
            "entries": entries,
        }
        document["mac"] = b64u(self._mac(document))
        replace_file(self.path, dumps(document) + b"\n")
        self.serial += 1


def _members(document: dict[str, JsonValue]) -> Members:
    try:
        members = Members(document, ("format", "owner", "serial", "kdf", "entries", "mac"))
        if members.text("format", CODE) != FORMAT:
            raise KeyringError("form")
    except MalformedError:
        raise KeyringError("form") from None
    return members
