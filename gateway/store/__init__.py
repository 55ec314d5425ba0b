# SPDX-License-Identifier: EUPL-1.2
"""Tables, engine and migrations of the gateway's database."""
