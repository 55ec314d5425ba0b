# SPDX-License-Identifier: EUPL-1.2
"""The signed messages that the two agencies and the gateway exchange.

======================  =============================  ==============================
message                 ``typ``                        signed by
======================  =============================  ==============================
:class:`Statement`      ``lotse-statement+jws``        the agency that starts
:class:`DecisionToken`  ``lotse-decision+jws``         the gateway's order key
:class:`Order`          ``lotse-order+jws``            the gateway's order key
:class:`Release`        ``lotse-release+jws``          the holding agency
client assertion        ``client-authentication+jwt``  the agency's authentication key
======================  =============================  ==============================
"""

from keys.messages.assertion import ClientAssertion, client_assertion, read_client_assertion
from keys.messages.decision import (
    DecidedField,
    DecisionToken,
    read_decision,
    sign_decision,
)
from keys.messages.order import (
    HELD_SECONDS,
    Order,
    Release,
    read_order,
    read_release,
    sign_order,
    sign_release,
)
from keys.messages.statement import (
    Statement,
    read_statement,
    sign_statement,
    subject_commitment,
    unverified_statement,
)

__all__ = [
    "HELD_SECONDS",
    "ClientAssertion",
    "DecidedField",
    "DecisionToken",
    "Order",
    "Release",
    "Statement",
    "client_assertion",
    "read_client_assertion",
    "read_decision",
    "read_order",
    "read_release",
    "read_statement",
    "sign_decision",
    "sign_order",
    "sign_release",
    "sign_statement",
    "subject_commitment",
    "unverified_statement",
]
