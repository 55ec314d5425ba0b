# SPDX-License-Identifier: EUPL-1.2
"""What happened: an append-only, provable log in the C2SP tlog formats.

`audit.log` writes, `audit.reader` and `audit.export` read, `audit.verify` checks.
This file imports nothing, so that `audit.verify` runs with the standard library and `cryptography` alone.
"""
