# SPDX-License-Identifier: EUPL-1.2
"""Which accident of the core or a library is told as which problem; all others are ``internal``."""

from __future__ import annotations

from typing import Final

from audit.errors import EntryNotFound, LogInconsistent, LogUnavailable
from gateway import errors
from keys.errors import MalformedError, NotInForce, RollbackDetected, UnknownKey
from policies.errors import DeclaredInvalid, InputInvalid, PolicyUnavailable, UnknownCode

ROWS: Final[tuple[tuple[type[Exception], str], ...]] = (
    (errors.StatementRefused, "statement-invalid"),
    (errors.Replayed, "replayed"),
    (errors.UnknownAgency, "unknown-agency"),
    (errors.NotAParty, "not-found"),
    (errors.ExchangeClosed, "exchange-closed"),
    (errors.HolderUnreachable, "holder-unreachable"),
    (errors.HolderRefused, "holder-rejected"),
    (errors.HolderUntrue, "holder-rejected"),
    (errors.LinkCodeUnknown, "link-code-unknown"),
    (errors.LinkCheckFailed, "link-check-failed"),
    (errors.PermissionNotOffered, "permission-not-allowed"),
    (errors.PermissionUnknown, "permission-unknown"),
    (PolicyUnavailable, "policy-unavailable"),
    (InputInvalid, "invalid-request"),
    (DeclaredInvalid, "invalid-request"),
    (UnknownCode, "invalid-request"),
    (LogUnavailable, "log-unavailable"),
    (LogInconsistent, "log-unavailable"),
    (EntryNotFound, "not-found"),
    # The core turns what `keys` says of signed messages into its own errors. What is left comes
    # from the wire form of a body, and from the agency list.
    (MalformedError, "invalid-request"),
    (UnknownKey, "unknown-agency"),
    (NotInForce, "agency-list-expired"),
    (RollbackDetected, "agency-list-expired"),
)
"""Type to code; the first that fits counts."""

_OWN_REASONS: Final = (
    errors.StatementRefused,
    errors.HolderUntrue,
    DeclaredInvalid,
    InputInvalid,
    MalformedError,
)
"""Errors whose ``code`` this code base wrote; a holder's own code is not repeated."""


def row_of(error: Exception) -> tuple[str, str | None] | None:
    """Give (problem code, reason) for `error`, or None when it has no row."""
    for kind, code in ROWS:
        if isinstance(error, kind):
            reason = getattr(error, "code", None) if isinstance(error, _OWN_REASONS) else None
            return code, reason if isinstance(reason, str) else None
    return None
