# SPDX-License-Identifier: EUPL-1.2
"""The messages that the invented parties send each other."""

from __future__ import annotations

import hashlib
from dataclasses import replace

from keys.messages import DecidedField, DecisionToken, Order, Release, Statement
from keys.providers.base import KeyUse
from tests.unit.keys.parties import ASKER, CATALOGUE, EXCHANGE, HOLDER, NOW, Parties, first


def statement(parties: Parties, **changes: object) -> Statement:
    """The asker's request for two fields, with changes."""
    made = Statement(
        issuer=ASKER,
        direction="pull",
        source=HOLDER,
        recipient=ASKER,
        purpose="P04",
        trigger="application",
        fields=("birth_date", "residence_status"),
        declared={"pending": True, "months": 3, "decision": "alg2"},
        recipient_kid=first(parties.asker, KeyUse.KEM),
        nonce=bytes(16),
        subject=hashlib.sha256(b"subject").digest(),
        detail=hashlib.sha256(b"detail").hexdigest(),
        issued_at=NOW,
        expires_at=NOW + 300,
    )
    return replace(made, **changes)  # type: ignore[arg-type]  # the callers name real members


def decision(**changes: object) -> DecisionToken:
    """The gateway's decision on that request, with changes."""
    made = DecisionToken(
        exchange=EXCHANGE,
        statement=hashlib.sha256(b"statement").digest(),
        source=HOLDER,
        recipient=ASKER,
        purpose="P04",
        trigger="application",
        fields=(
            DecidedField("birth_date", "ALLOW_MIN", "R02", ("SGB_X_67d",), ("allowed",)),
            DecidedField("residence_status", "DENY", "R73", (), ("no_rule",)),
        ),
        input={"purpose": "P04", "fields": ["birth_date", "residence_status"]},
        input_digest=hashlib.sha256(b"input").hexdigest(),
        bundle=hashlib.sha256(b"bundle").hexdigest(),
        catalogue=CATALOGUE,
        subject=bytes(range(16)),
        issued_at=NOW,
        expires_at=NOW + 900,
    )
    return replace(made, **changes)  # type: ignore[arg-type]  # the callers name real members


def order(parties: Parties, **changes: object) -> Order:
    """The gateway's order, with changes."""
    made = Order(
        order="b3JkZXItb3JkZXItb3JkZXI",
        exchange=EXCHANGE,
        holder=HOLDER,
        statement="header.payload.signature",
        decision="header.payload.signature",
        recipient_kid=first(parties.asker, KeyUse.KEM),
        reference=bytes(145),
        receipt="c2sp.org/tlog-proof@v1\n",
        issued_at=NOW,
        expires_at=NOW + 300,
    )
    return replace(made, **changes)  # type: ignore[arg-type]  # the callers name real members


def release(**changes: object) -> Release:
    """The holder's release of a held order, with changes."""
    made = Release(
        issuer=HOLDER,
        exchange=EXCHANGE,
        statement=hashlib.sha256(b"statement").digest(),
        by_head=False,
        subject=hashlib.sha256(b"subject").digest(),
        detail=hashlib.sha256(b"detail").hexdigest(),
        nonce=bytes(16),
        issued_at=NOW,
        expires_at=NOW + 300,
    )
    return replace(made, **changes)  # type: ignore[arg-type]  # the callers name real members
