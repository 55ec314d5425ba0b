# SPDX-License-Identifier: EUPL-1.2
"""Secrets, signatures and sealed values: nothing else in Lotse touches key material."""
