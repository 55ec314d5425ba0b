# SPDX-License-Identifier: EUPL-1.2
"""The middle: decides, records, relays sealed fields; never able to read one."""
