# SPDX-License-Identifier: EUPL-1.2
"""Makes ``gfe1.json``: ``python -m tests.vectors.make_gfe1``.

Everything that does not depend on fresh randomness comes out the same on every run. The sealed
content key (HPKE) and the signature (ECDSA) are random; one sample of each is kept in the file and
stays as long as it is valid, so that running this again changes nothing.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

from keys.context import ExchangeContext, ctx_hash
from keys.envelope import Envelope, Expect, item_digest, open_, seal, verify_manifest
from keys.errors import KeysError
from keys.jws import VerifyKey
from keys.manifest import read_manifest
from keys.model import AgencyId, ExchangeId, Kid
from keys.providers.base import KeyState, KeyUse
from keys.providers.memory import InsecureMemoryKeyring
from keys.providers.software import KeyEntry
from keys.strict_json import JsonValue
from keys.suites import P256, RecipientKey

PATH = Path(__file__).parent / "gfe1.json"

SOURCE = AgencyId("abh.hannover")
RECIPIENT = AgencyId("jobcenter.hannover")
ISSUED_AT = 1_800_000_000

VALUES: dict[str, JsonValue] = {
    "birth_date": {"year": 1990, "month": 2, "day": None},
    "children_count": 3,
    "family_name": "Müller-Łukasz",
    "nationalities": ["SY", "DE"],
    "phone": None,
    "work_permitted": True,
}
PAD_BYTES = {
    "birth_date": 64,
    "children_count": 32,
    "family_name": 128,
    "nationalities": 64,
    "phone": 32,
    "work_permitted": 32,
}


def invented_secret(label: str) -> bytes:
    """A secret that everyone can compute: for vectors only."""
    return hashlib.sha256(b"lotse test vector: " + label.encode()).digest()


CEK = invented_secret("cek")


def keyring(owner: AgencyId, use: KeyUse) -> InsecureMemoryKeyring:
    """A keyring with one invented key."""
    kid = Kid(f"{owner}#{use.value}-1")
    entry = KeyEntry(kid, KeyState.ACTIVE, ISSUED_AT, invented_secret(kid))
    return InsecureMemoryKeyring(owner, {kid: entry})


def context() -> ExchangeContext:
    """The invented exchange."""
    return ExchangeContext(
        source=SOURCE,
        recipient=RECIPIENT,
        exchange=ExchangeId("01JD0000000000000000000000"),
        decision_token_hash=hashlib.sha256(b"invented decision token").digest(),
        purpose="p04",
        subject="c3ViamVjdC1oYW5kbGUhIQ",
        catalogue="2026.11.1",
        issued_at=ISSUED_AT,
        expires_at=ISSUED_AT + 900,
        message_id=bytes(range(16)),
        suite=P256,
    )


def expect() -> Expect:
    """What fits that context."""
    ctx = context()
    return Expect(
        source=ctx.source,
        recipient=ctx.recipient,
        exchange=ctx.exchange,
        decision_token_hash=ctx.decision_token_hash,
        purpose=ctx.purpose,
        catalogue=ctx.catalogue,
        subject=ctx.subject,
    )


def source_key() -> VerifyKey:
    """The source's public key."""
    ring = keyring(SOURCE, KeyUse.SIG)
    return VerifyKey(ring.kids(KeyUse.SIG)[0], ring.public_jwk(ring.kids(KeyUse.SIG)[0]))


def sealed_again() -> Envelope:
    """The envelope, with a fresh sealed key and signature."""
    ring = keyring(RECIPIENT, KeyUse.KEM)
    kid = ring.kids(KeyUse.KEM)[0]
    return seal(
        context(),
        VALUES,
        pad_bytes=PAD_BYTES,
        recipient=RecipientKey(kid, ring.public_jwk(kid)),
        signer=keyring(SOURCE, KeyUse.SIG).signer(KeyUse.SIG),
        cek=CEK,
    )


def opened(env: Envelope) -> dict[str, JsonValue]:
    """Check and open an envelope as the recipient would."""
    vm = verify_manifest(env, key=source_key(), expect=expect(), now=ISSUED_AT)
    return open_(vm, opener=keyring(RECIPIENT, KeyUse.KEM).opener(KeyUse.KEM))


def document(env: Envelope) -> dict[str, object]:
    """The vector file for this envelope."""
    ctx = context()
    manifest = read_manifest(env.manifest, key=source_key(), expect=expect(), now=ISSUED_AT)
    return {
        "what": "GFE1 golden vector; all persons and keys are invented; binary values are hex",
        "suite": ctx.suite,
        "secrets": {
            "cek": CEK.hex(),
            "source_signing_scalar": invented_secret(f"{SOURCE}#sig-1").hex(),
            "recipient_kem_scalar": invented_secret(f"{RECIPIENT}#kem-1").hex(),
        },
        "context": {
            "mid": ctx.message_id.hex(),
            "src": ctx.source,
            "rcp": ctx.recipient,
            "dec": ctx.exchange,
            "dth": ctx.decision_token_hash.hex(),
            "pur": ctx.purpose,
            "sub": ctx.subject,
            "cat": ctx.catalogue,
            "iat": ctx.issued_at,
            "exp": ctx.expires_at,
        },
        "values": VALUES,
        "pad_bytes": PAD_BYTES,
        "ctx_hash": ctx_hash(ctx).hex(),
        "commitment": manifest.commitment.hex(),
        "items": {
            item.name: {"ciphertext": item.ciphertext.hex(), "digest": item_digest(item).hex()}
            for item in env.items
        },
        "sample": {"envelope": env.to_wire()},
    }


def kept_sample(old: Mapping[str, object]) -> Envelope | None:
    """The sample in an existing file, if it still opens to the same values."""
    sample = old.get("sample")
    try:
        env = Envelope.from_wire(sample["envelope"] if isinstance(sample, dict) else None)
        return env if opened(env) == VALUES else None
    except KeysError:
        return None


def main() -> None:
    """Write the file, keeping a sample that is still valid."""
    old = json.loads(PATH.read_bytes()) if PATH.exists() else {}
    env = kept_sample(old) or sealed_again()
    PATH.write_text(json.dumps(document(env), indent=1, ensure_ascii=False) + "\n", "utf-8")


if __name__ == "__main__":
    main()
