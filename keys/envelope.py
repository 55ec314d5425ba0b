# SPDX-License-Identifier: EUPL-1.2
"""GFE1: one envelope per answer and recipient, of which the gateway may only remove fields.

What is sealed, and to what it is bound::

    ctx_hash  = SHA-256(PAE("gfe1/ctx", suite, mid, src, rcp, dec, dth, pur, sub, cat, iat, exp))
    ek        = HPKE(recipient, CEK, info = PAE("gfe1/cek", ctx_hash, rkid))
    fk, nonce = HKDF-Expand-SHA256(CEK, PAE("gfe1/fk", ctx_hash, field), 44)       32 + 12 bytes
    commit    = HKDF-Expand-SHA256(CEK, PAE("gfe1/commit", ctx_hash), 32)
    pt        = type tag (1 byte) || value as UTF-8 JSON || 0x80 || 0x00 …         to its bucket
    ct        = AES-256-GCM(fk, nonce, pt, aad = PAE("gfe1/field", ctx_hash, field))
    digest    = SHA-256(PAE("gfe1/dg", field, ct))

The manifest (a JWS) carries the context, ``ek``, ``commit`` and the sorted digests. Removing a
field leaves everything else verifiable; adding, renaming, swapping or moving one does not verify.
A CEK serves one envelope only: nonces are derived from it, so using it twice would repeat them.
The commitment makes the opening unique, which AES-GCM alone does not.

The types keep the order: only :func:`verify_manifest` makes a :class:`VerifiedManifest`, and only
that can be stripped or opened.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from keys.context import ExchangeContext, ctx_hash, pae
from keys.errors import KeysError, MalformedError, OpenFailed, SealRefused
from keys.jws import Signer, VerifyKey, sign_jws, token_hash
from keys.manifest import (
    GFE1_TYP,
    MAX_FIELDS,
    Expect,
    Manifest,
    read_manifest,
    write_manifest,
)
from keys.model import IDENTIFIER, Kid, kid_owner
from keys.padding import pad, unpad
from keys.reading import Members
from keys.strict_json import JsonValue, b64u
from keys.suites import KemOpener, RecipientKey
from keys.values import read_value, write_value

__all__ = [
    "Envelope",
    "Expect",
    "SealedItem",
    "VerifiedManifest",
    "open_",
    "seal",
    "strip",
    "verify_manifest",
]

CEK_BYTES: Final = 32
_KEY_BYTES: Final = 32
_NONCE_BYTES: Final = 12
_TAG_BYTES: Final = 16


@dataclass(frozen=True, slots=True)
class SealedItem:
    """One sealed field."""

    name: str
    ciphertext: bytes


@dataclass(frozen=True, slots=True)
class Envelope:
    """Sealed fields and their signed manifest; nothing in it has been checked yet."""

    manifest: str
    items: tuple[SealedItem, ...]

    def to_wire(self) -> dict[str, JsonValue]:
        """Write as JSON members."""
        return {
            "m": self.manifest,
            "f": [{"n": item.name, "c": b64u(item.ciphertext)} for item in self.items],
        }

    @classmethod
    def from_wire(cls, unverified_value: JsonValue) -> Envelope:
        """Read the shape; signature and context are :func:`verify_manifest`'s.

        Raises:
            MalformedError: naming the member.
        """
        members = Members(unverified_value, ("m", "f"))
        items: list[SealedItem] = []
        for unverified_item in members.items("f"):
            item = Members(unverified_item, ("n", "c"))
            items.append(SealedItem(name=item.text("n", IDENTIFIER), ciphertext=item.binary("c")))
        if len(items) > MAX_FIELDS:
            raise MalformedError("f")
        return cls(manifest=members.long_text("m", 1_048_576), items=tuple(items))


_FROM_VERIFICATION: Final = object()


@dataclass(frozen=True, slots=True)
class VerifiedManifest:
    """An envelope whose signature, context, expiry and every item have been checked."""

    envelope: Envelope
    manifest: Manifest
    _made_by: object = field(repr=False, compare=False)

    def __post_init__(self) -> None:
        """Refuse to exist without the check."""
        if self._made_by is not _FROM_VERIFICATION:
            msg = "a VerifiedManifest comes from verify_manifest"
            raise TypeError(msg)

    @property
    def context(self) -> ExchangeContext:
        """Return the context the source signed."""
        return self.manifest.context

    @property
    def manifest_hash(self) -> bytes:
        """Return SHA-256 of the manifest token; the envelope's name in the log."""
        return token_hash(self.envelope.manifest)

    @property
    def names(self) -> frozenset[str]:
        """Return the fields that are still in the envelope."""
        return frozenset(item.name for item in self.envelope.items)

    @property
    def removed(self) -> int:
        """Return how many fields were removed on the way; which ones cannot be told."""
        return len(self.manifest.digests) - len(self.envelope.items)


def seal(
    ctx: ExchangeContext,
    values: Mapping[str, JsonValue],
    *,
    pad_bytes: Mapping[str, int],
    recipient: RecipientKey,
    signer: Signer,
    cek: bytes | None = None,
) -> Envelope:
    """Seal every value to the recipient and sign the manifest.

    A value that is unknown or withheld is sealed as ``None``: it looks like any other.
    ``pad_bytes`` gives each field's bucket. ``cek`` is for test vectors only: a key that is used
    twice repeats nonces.

    Raises:
        SealRefused: ``recipient_key`` or ``signer`` belong to another agency, ``suite`` is not
            the key's, ``no_fields``, ``bucket`` is missing, or a ``value`` cannot be sent.
    """
    if kid_owner(recipient.kid) != ctx.recipient:
        raise SealRefused("recipient_key")
    if kid_owner(signer.kid) != ctx.source:
        raise SealRefused("signer")
    if recipient.suite != ctx.suite:
        raise SealRefused("suite")
    if not 0 < len(values) <= MAX_FIELDS:
        raise SealRefused("no_fields")
    key = secrets.token_bytes(CEK_BYTES) if cek is None else cek
    bound = ctx_hash(ctx)
    items: list[SealedItem] = []
    for name in sorted(values):
        if IDENTIFIER.fullmatch(name) is None:
            raise SealRefused("field")
        if name not in pad_bytes:
            raise SealRefused("bucket")  # a default would silently show the length
        plaintext = pad(write_value(values[name]), pad_bytes[name])
        field_key, nonce = _field_key(key, bound, name)
        aad = pae("gfe1/field", bound, name)
        items.append(SealedItem(name, AESGCM(field_key).encrypt(nonce, plaintext, aad)))
    manifest = Manifest(
        context=ctx,
        kid=signer.kid,
        recipient_kid=recipient.kid,
        sealed_key=recipient.seal(key, pae("gfe1/cek", bound, recipient.kid)),
        commitment=_commitment(key, bound),
        digests=frozenset(item_digest(item) for item in items),
    )
    token = sign_jws(write_manifest(manifest), typ=GFE1_TYP, signer=signer)
    return Envelope(manifest=token, items=tuple(items))


def verify_manifest(
    env: Envelope,
    *,
    key: VerifyKey | Callable[[Kid], VerifyKey],
    expect: Expect,
    now: int,
) -> VerifiedManifest:
    """Check signature, context, expiry and every item; nothing is decrypted.

    ``key`` must be the source's signing key from the signed agency list. Refusing an envelope
    that was seen before is the caller's part (source and message id, until it expires).

    Raises:
        MalformedError: not a manifest, or an item that the manifest does not name.
        UnknownKey, SignatureInvalid: not signed by the key.
        ContextMismatch: for another exchange, decision, purpose, catalogue or party.
        NotInForce: expired, from the future, or valid for too long.
    """
    manifest = read_manifest(env.manifest, key=key, expect=expect, now=now)
    names: set[str] = set()
    for item in env.items:
        if item.name in names:
            raise MalformedError("duplicate_item")
        if item_digest(item) not in manifest.digests:
            raise MalformedError("item_digest")
        names.add(item.name)
    return VerifiedManifest(env, manifest, _FROM_VERIFICATION)


def strip(vm: VerifiedManifest, allowed: frozenset[str]) -> tuple[VerifiedManifest, frozenset[str]]:
    """Remove what is not allowed; return what is left and the names that were dropped."""
    kept = tuple(item for item in vm.envelope.items if item.name in allowed)
    return replace(vm, envelope=replace(vm.envelope, items=kept)), vm.names - allowed


def open_(vm: VerifiedManifest, *, opener: KemOpener) -> dict[str, JsonValue]:
    """Open every field that is left, or none.

    Raises:
        UnknownKey: sealed to a key that the opener does not have.
        OpenFailed: anything else; deliberately one reason.
    """
    bound = ctx_hash(vm.context)
    recipient_kid = vm.manifest.recipient_kid
    key = opener.open(
        recipient_kid,
        vm.context.suite,
        vm.manifest.sealed_key,
        pae("gfe1/cek", bound, recipient_kid),
    )
    if len(key) != CEK_BYTES or not hmac.compare_digest(
        _commitment(key, bound), vm.manifest.commitment
    ):
        raise OpenFailed("open")
    values: dict[str, JsonValue] = {}
    for item in vm.envelope.items:
        field_key, nonce = _field_key(key, bound, item.name)
        aad = pae("gfe1/field", bound, item.name)
        try:
            plaintext = AESGCM(field_key).decrypt(nonce, item.ciphertext, aad)
            values[item.name] = read_value(unpad(plaintext))
        except (InvalidTag, ValueError, KeysError):
            raise OpenFailed("open") from None
    return values


def item_digest(item: SealedItem) -> bytes:
    """Return the digest by which the manifest names an item."""
    return hashlib.sha256(pae("gfe1/dg", item.name, item.ciphertext)).digest()


def _expand(key: bytes, info: bytes, length: int) -> bytes:
    return HKDFExpand(hashes.SHA256(), length, info).derive(key)


def _field_key(key: bytes, bound: bytes, name: str) -> tuple[bytes, bytes]:
    material = _expand(key, pae("gfe1/fk", bound, name), _KEY_BYTES + _NONCE_BYTES)
    return material[:_KEY_BYTES], material[_KEY_BYTES:]


def _commitment(key: bytes, bound: bytes) -> bytes:
    return _expand(key, pae("gfe1/commit", bound), 32)
