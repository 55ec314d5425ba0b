# SPDX-License-Identifier: EUPL-1.2
"""Runs the migrations of the gateway's database on the connection it is given."""

from alembic import context

from audit.store import metadata as audit_metadata
from gateway.authn.tables import used_jti
from gateway.store.tables import metadata

tables_of_sign_in = (used_jti,)  # imported so that its table is known here
connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=[metadata, audit_metadata])
with context.begin_transaction():
    context.run_migrations()
