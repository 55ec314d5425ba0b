# SPDX-License-Identifier: EUPL-1.2
"""The gateway's decision, signed together with the input it was made from.

Both agencies can evaluate the same rules on the same input again, and the envelope is bound to
the hash of this token, so that no sealed field can be moved under another decision.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from keys.errors import MalformedError
from keys.jws import Signer, VerifyKey, sign_jws, verify_jws
from keys.model import EXCHANGE_ID, IDENTIFIER, AgencyId, ExchangeId, Kid
from keys.reading import HEX32, Members
from keys.strict_json import JsonLike, b64u, dumps, loads
from keys.timing import check_in_force

DECISION_TYP: Final = "lotse-decision+jws"
DECISION_MAX_BYTES: Final = 131_072
DECISION_LIFETIME_SECONDS: Final = 28 * 86_400
"""At most as long as a held order may rest with the holder's clerk."""

SUBJECT_BYTES: Final = 16

_MEMBERS: Final = (
    "v", "exchange", "statement", "from", "to", "purpose", "trigger", "fields", "input",
    "input_digest", "bundle", "catalogue", "subject", "iat", "exp",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class DecidedField:
    """The outcome for one field, in codes of the rule set."""

    field: str
    outcome: str
    rule: str
    norms: tuple[str, ...]
    reasons: tuple[str, ...]
    """At least one; the first is the one that is shown."""

    @property
    def reason(self) -> str:
        """Return the reason that is shown."""
        return self.reasons[0]


@dataclass(frozen=True, slots=True)
class DecisionToken:
    """A decision for one exchange."""

    exchange: ExchangeId

    statement: bytes
    """SHA-256 of the statement token's ASCII bytes; 32 bytes."""

    source: AgencyId
    """``from``."""

    recipient: AgencyId
    """``to``."""

    purpose: str

    trigger: str

    fields: tuple[DecidedField, ...]
    """Sorted by field name, each once."""

    input: Mapping[str, JsonLike]
    """The decision's input as JSON."""

    input_digest: str
    """Digest of the canonical input, hex."""

    bundle: str
    """Digest of the rule bundle, hex."""

    catalogue: str

    subject: bytes
    """Random handle, 16 bytes; base64url of it is the envelope's ``subject``."""

    issued_at: int

    expires_at: int

    @property
    def subject_handle(self) -> str:
        """Return the handle in the form the envelope's context wants."""
        return b64u(self.subject)


def sign_decision(decision: DecisionToken, signer: Signer) -> str:
    """Sign a decision with the gateway's order key."""
    payload = dumps(
        {
            "v": 1,
            "exchange": decision.exchange,
            "statement": b64u(decision.statement),
            "from": decision.source,
            "to": decision.recipient,
            "purpose": decision.purpose,
            "trigger": decision.trigger,
            "fields": [
                {
                    "f": f.field,
                    "o": f.outcome,
                    "r": f.rule,
                    "n": list(f.norms),
                    "c": list(f.reasons),
                }
                for f in sorted(decision.fields, key=lambda f: f.field)
            ],
            "input": dict(decision.input),
            "input_digest": decision.input_digest,
            "bundle": decision.bundle,
            "catalogue": decision.catalogue,
            "subject": b64u(decision.subject),
            "iat": decision.issued_at,
            "exp": decision.expires_at,
        }
    )
    return sign_jws(payload, typ=DECISION_TYP, signer=signer)


def read_decision(
    unverified_jws: str, *, key: VerifyKey | Callable[[Kid], VerifyKey], now: int
) -> DecisionToken:
    """Verify a decision token and read it.

    Raises:
        MalformedError: not a decision token.
        UnknownKey, SignatureInvalid: not signed by the key.
        NotInForce: expired, from the future, or valid for too long.
    """
    verified = verify_jws(unverified_jws, typ=DECISION_TYP, key=key, max_bytes=DECISION_MAX_BYTES)
    claims = Members(loads(verified.payload, max_bytes=DECISION_MAX_BYTES), _MEMBERS)
    claims.version()
    decision = DecisionToken(
        exchange=ExchangeId(claims.text("exchange", EXCHANGE_ID)),
        statement=claims.binary("statement", 32),
        source=AgencyId(claims.text("from", IDENTIFIER)),
        recipient=AgencyId(claims.text("to", IDENTIFIER)),
        purpose=claims.text("purpose"),
        trigger=claims.text("trigger"),
        fields=_fields(claims),
        input=claims.object("input"),
        input_digest=claims.text("input_digest", HEX32),
        bundle=claims.text("bundle", HEX32),
        catalogue=claims.text("catalogue", IDENTIFIER),
        subject=claims.binary("subject", SUBJECT_BYTES),
        issued_at=claims.integer("iat"),
        expires_at=claims.integer("exp"),
    )
    check_in_force(
        issued_at=decision.issued_at,
        expires_at=decision.expires_at,
        now=now,
        max_lifetime=DECISION_LIFETIME_SECONDS,
    )
    return decision


def _fields(claims: Members) -> tuple[DecidedField, ...]:
    fields: list[DecidedField] = []
    for item in claims.items("fields"):
        members = Members(item, ("f", "o", "r", "n", "c"))
        fields.append(
            DecidedField(
                field=members.text("f", IDENTIFIER),
                outcome=members.text("o"),
                rule=members.text("r"),
                norms=members.texts("n"),
                reasons=_reasons(members),
            )
        )
    if any(a.field >= b.field for a, b in itertools.pairwise(fields)):
        raise MalformedError("fields")
    return tuple(fields)


def _reasons(members: Members) -> tuple[str, ...]:
    reasons = members.texts("c")
    if not reasons:
        raise MalformedError("c")
    return reasons
