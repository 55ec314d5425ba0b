# SPDX-License-Identifier: EUPL-1.2
"""The gateway's HTTP routes: bytes in, values to the core, values out as JSON."""
