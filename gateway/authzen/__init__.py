# SPDX-License-Identifier: EUPL-1.2
"""The standard face: OpenID AuthZEN Authorization API 1.0 over the same decision.

It answers questions about the rules, between agencies. No person occurs in one, nothing is looked
up about anybody, and nothing is released: see ``docs/authzen.md``.
"""
