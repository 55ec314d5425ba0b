# SPDX-License-Identifier: EUPL-1.2
"""Source adapters: how a connector reads the agency's own system, one protocol for all of them."""
