# SPDX-License-Identifier: EUPL-1.2
"""Accidents of the gateway's core. The edge turns each into one problem document.

::

    GatewayError
    ├── StatementRefused      the caller's statement does not fit its sender, list or time
    ├── Replayed              the statement was used before
    ├── UnknownAgency         the other side is not on the agency list
    ├── NotAParty             no such exchange for this caller (or none at all: the same)
    ├── ExchangeClosed        it ended before this call
    ├── HolderUnreachable     the holding connector did not answer in time
    ├── HolderRefused         the holding connector found the order wrong
    ├── HolderUntrue          what the holder sent fails verification
    ├── LinkCodeUnknown       no such code, used up or too old
    ├── LinkCheckFailed       both sides do not describe the same person
    ├── PermissionNotOffered  the wish is wider than the approved template
    └── PermissionUnknown     this person has no such permission
"""

from __future__ import annotations


class GatewayError(Exception):
    """Base of all accidents of the core. Never thrown directly; texts hold no input."""


class StatementRefused(GatewayError):
    """The caller's signed statement was refused; `code` names the check that failed."""

    def __init__(self, code: str) -> None:
        """Name the failed check by a closed code."""
        super().__init__(code)
        self.code = code


class Replayed(GatewayError):
    """This statement was used before; a new request needs a new statement."""


class UnknownAgency(GatewayError):
    """The other side is not on the signed agency list."""


class NotAParty(GatewayError):
    """There is no such exchange for this caller; foreign and unknown ids look alike."""


class ExchangeClosed(GatewayError):
    """The exchange ended before this call: withdrawn, expired, aborted or done."""


class HolderUnreachable(GatewayError):
    """The holding connector is down or too slow; nothing was released."""


class HolderRefused(GatewayError):
    """The holding connector refused the order; `code` is its problem's closed code."""

    def __init__(self, code: str) -> None:
        """Name the holder's problem by its closed code."""
        super().__init__(code)
        self.code = code


class HolderUntrue(GatewayError):
    """The holder's answer fails verification; `code` names the check."""

    def __init__(self, code: str) -> None:
        """Name the failed check by a closed code."""
        super().__init__(code)
        self.code = code


class LinkCodeUnknown(GatewayError):
    """The link code is unknown, used up or too old."""


class LinkCheckFailed(GatewayError):
    """Name or birth date differ between the two files, or one is linked to someone else."""


class PermissionNotOffered(GatewayError):
    """The person's wish is wider than the template that was approved."""


class PermissionUnknown(GatewayError):
    """The person who is signed in has no such permission."""
