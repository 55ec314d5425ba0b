# SPDX-License-Identifier: EUPL-1.2
"""Errors of the connector.

::

    AdaptersError
    └── ConnectorError
        ├── SettingsRejected      the configuration file cannot be used (also a SettingsError)
        ├── ProblemError          becomes one row of `problems.py`, for the local system or the gateway
        ├── CheckFailed           the gateway, or the other agency, sent something that does not hold
        ├── UnknownKey            a signature names a key that the pinned agency list does not have
        ├── GatewayUnreachable    nothing was sent
        ├── GatewaySilent         something was sent and no usable answer came
        └── GatewayRefused        the gateway answered with a problem

No message of these carries a value that somebody sent.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters.errors import AdaptersError, SettingsError

if TYPE_CHECKING:
    from adapters.connector.checks import Check
    from adapters.connector.problems import Problem


class ConnectorError(AdaptersError):
    """Base of everything the connector raises."""


class SettingsRejected(ConnectorError, SettingsError):
    """The configuration file cannot be used; the message names the line and what to write."""


class ProblemError(ConnectorError):
    """Ends a request with one row of the problem table."""

    def __init__(
        self,
        problem: Problem,
        *,
        check: Check | None = None,
        enquiry: str | None = None,
        gateway_problem: str | None = None,
        places: tuple[str, ...] = (),
    ) -> None:
        """Keep the row and the closed extensions that go out with it.

        `places` are names of members of our own schema, never what was sent in them.
        """
        super().__init__(problem.code)
        self.problem = problem
        self.check = check
        self.enquiry = enquiry
        self.gateway_problem = gateway_problem
        self.places = places


class CheckFailed(ConnectorError):
    """A named check on something that arrived failed; no data may follow from it."""

    def __init__(self, check: Check) -> None:
        """Keep which check it was."""
        super().__init__(check.value)
        self.check = check


class UnknownKey(CheckFailed):
    """The key named by a signature is not in the pinned list; a newer list may have it."""


class GatewayUnreachable(ConnectorError):
    """No connection to the gateway: nothing left this agency."""


class GatewaySilent(ConnectorError):
    """The request went out and no usable answer came back; what the gateway did is not known."""


class GatewayRefused(ConnectorError):
    """The gateway answered with a problem."""

    def __init__(self, status: int, code: str) -> None:
        """Keep the HTTP status and the problem code (checked to be a plain code word)."""
        super().__init__(f"{status} {code}")
        self.status = status
        self.code = code
