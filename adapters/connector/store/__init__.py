# SPDX-License-Identifier: EUPL-1.2
"""The connector's own SQLite file: what must be remembered to be safe, and nothing that is a value.

Sealed answers are kept sealed; plain values are never written here.
"""
