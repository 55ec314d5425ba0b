# SPDX-License-Identifier: EUPL-1.2
"""Who calls: client assertions in, short access tokens out, checked again at every call."""
