# SPDX-License-Identifier: EUPL-1.2
"""Declared facts under which rules speak: what a transfer needs, what a prohibition needs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from policies.model import Declared

FAVOURABLE: Final[dict[str, Declared]] = {
    "azr_checked": True,
    "reason_code": "azr_pending",
    "azr_insufficient": True,
    "decision": "grant_25b",
    "subject_count": 1,
    "procedure_electronic": True,
    "pension_no_known": False,
    "title_section": 4,
    "benefit_in_azr": False,
    "participant_obliged": True,
    "procedure": "extension",
    "clerk_authorised": True,
    "granularity": "aggregate",
    "cell_size": 5,
    "content": "granted",
    "settlement_permit": False,
    "channel_xauslaender_unavailable": True,
    "initiated_by": "client",
    "title": "16g",
    "event": "training_ended_early",
    "state_law_basis": True,
    "uploaded_by_subject": True,
    "expulsion_ground_present": True,
    "naturalisation_pending": True,
    "subject_authenticated": True,
    "role": "dpo",
    "event_party": "own_agency",
}
"""For each declared code a value that meets what some rule asks; ``obliging_body`` is the recipient."""

RESULT_ONLY: Final[dict[str, Declared]] = {**FAVOURABLE, "content": "result_only"}
"""The same for the one rule that lets only a result through."""

PROHIBITING: Final[dict[str, Declared]] = {
    "procedure": "first_grant",
    "granularity": "person",
    "participant_obliged": False,
}
"""Facts under which prohibitions with a condition apply."""
