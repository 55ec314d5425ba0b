# SPDX-License-Identifier: EUPL-1.2
"""Where private keys live. Code outside sees handles that sign, open or authenticate."""
