# SPDX-License-Identifier: EUPL-1.2
"""Alembic environment of the gateway's database."""
