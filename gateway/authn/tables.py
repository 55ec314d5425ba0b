# SPDX-License-Identifier: EUPL-1.2
"""The sign-in's table in the gateway's database: which assertions were used."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, String, Table

from gateway.store.tables import metadata

used_jti = Table(
    "used_jti",
    metadata,
    Column("jti", String(64), primary_key=True, comment="SHA-256 over agency and jti, hex"),
    Column("expires_at", BigInteger, nullable=False, comment="forgotten afterwards"),
)
Index("used_jti_by_expiry", used_jti.c.expires_at)
