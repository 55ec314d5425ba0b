# SPDX-License-Identifier: EUPL-1.2
"""What the gateway writes into the log: one method per event, codes and fresh handles only.

A handle is made for one exchange from the link key and never repeats.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from audit.entry import Direction, Entry, PendingEntry, SealedDetail, new_entry
from audit.vocabulary import EntryKind, Outcome
from gateway.model import State
from keys import linkrows
from keys.model import ExchangeId

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from gateway.opened import Opened
    from gateway.permission_model import PermissionId
    from gateway.statements import Asked
    from keys.model import AgencyId
    from keys.providers.base import HmacKey

UNDECIDED = "policy_unavailable"
"""Reason in an entry about an enquiry that no rule has answered."""


class Entries:
    """Makes entries for one gateway process."""

    def __init__(self, node: str, link_key: HmacKey, now_us: Callable[[], int]) -> None:
        """Take the process's name, the link key for handles, and a clock in microseconds."""
        self._node = node
        self._key = link_key
        self._now_us = now_us

    def intent(self, opened: Opened, detail: bytes, *, by: AgencyId) -> PendingEntry:
        """Step 5: what was asked and decided, before anything is fetched."""
        outcome = {State.ORDERED: Outcome.PERMIT, State.HELD: Outcome.HOLD}.get(
            opened.state, Outcome.DENY
        )
        names = [one.field for one in opened.decision.decision.fields]
        entry = self._about(EntryKind.ACCESS_REQUESTED, outcome, opened, names)
        return PendingEntry(entry, (self._detail(opened, by, detail),))

    def undecided(
        self,
        exchange: ExchangeId,
        asked: Asked,
        *,
        by: AgencyId,
        bundle: str | None,
        retention: str,
        detail: bytes,
    ) -> PendingEntry:
        """Step 4 failed: what was asked, and that the rules could not be evaluated."""
        entry = new_entry(
            EntryKind.ACCESS_REQUESTED,
            Outcome.ERROR,
            now_us=self._now_us(),
            node=self._node,
            corr=exchange,
            direction=Direction(asked.holder, asked.recipient, asked.issuer),
            purpose=asked.purpose,
            reasons=(UNDECIDED,),
            fields=asked.fields,
            policy=bundle,
            statement=asked.digest.hex(),
        )
        return PendingEntry(entry, (SealedDetail(by, retention, detail),))

    def held(self, opened: Opened, detail: bytes) -> PendingEntry:
        """The holder's clerk has the order; no data rests anywhere."""
        names = [one.field for one in opened.decision.decision.held]
        entry = self._about(EntryKind.EXCHANGE_HELD, Outcome.HOLD, opened, names)
        return PendingEntry(entry, (self._detail(opened, opened.asked.holder, detail),))

    def disclosure(
        self, opened: Opened, passed: Iterable[str], detail: bytes, ended: str | None
    ) -> PendingEntry:
        """Step 10: what left the middle, or that the guard withheld it."""
        outcome = Outcome.PERMIT if ended is None else Outcome.WITHHELD
        extra = () if ended is None else (f"permission_{ended}",)
        entry = self._about(EntryKind.DISCLOSE, outcome, opened, sorted(passed), extra)
        return PendingEntry(entry, (self._detail(opened, opened.asked.holder, detail),))

    def recalled(self, opened: Opened, ended: str) -> PendingEntry:
        """A released answer was stopped before it left: a permission had ended meanwhile."""
        entry = self._about(
            EntryKind.EXCHANGE_ABORTED, Outcome.WITHHELD, opened, (), (f"permission_{ended}",)
        )
        return PendingEntry(entry)

    def aborted(self, opened: Opened, reason: str) -> PendingEntry:
        """An intent that did not finish."""
        entry = self._about(EntryKind.EXCHANGE_ABORTED, Outcome.ERROR, opened, (), (reason,))
        return PendingEntry(entry)

    def expired(self, opened: Opened, detail: bytes | None) -> PendingEntry:
        """A held order that nobody decided, or sealed fields that nobody fetched."""
        entry = self._about(EntryKind.EXCHANGE_EXPIRED, Outcome.WITHHELD, opened, ())
        holder = opened.asked.holder
        return PendingEntry(
            entry, () if detail is None else (self._detail(opened, holder, detail),)
        )

    def permission(
        self,
        kind: EntryKind,
        permission: PermissionId,
        holder: AgencyId,
        recipient: AgencyId,
        purpose: str,
    ) -> Entry:
        """The person gave or withdrew a permission; the handle differs between the two."""
        return new_entry(
            kind,
            Outcome.PERMIT,
            now_us=self._now_us(),
            node=self._node,
            direction=Direction(holder, recipient, "person"),
            purpose=purpose,
            permission=self._handle(permission, kind.value),
        )

    def link(self, kind: EntryKind, outcome: Outcome, by: AgencyId, other: str) -> PendingEntry:
        """A link between two agencies' files was made, or its check failed."""
        return PendingEntry(
            new_entry(
                kind,
                outcome,
                now_us=self._now_us(),
                node=self._node,
                direction=Direction(other, by, by),
            )
        )

    def document(self, kind: EntryKind, document: bytes) -> PendingEntry:
        """A document came into force: agency list, rule bundle."""
        return PendingEntry(
            new_entry(
                kind,
                Outcome.PERMIT,
                now_us=self._now_us(),
                node=self._node,
                document=hashlib.sha256(document).hexdigest(),
            )
        )

    def policy(
        self,
        bundle: str | None,
        *,
        kind: EntryKind = EntryKind.POLICY_ACTIVATED,
        outcome: Outcome = Outcome.PERMIT,
        release: str | None = None,
        reasons: tuple[str, ...] = (),
    ) -> PendingEntry:
        """Rules came into force, came back, were refused, or ended.

        `bundle` is their SHA-256 in hex, `release` that of the signed statement they came with.
        """
        return PendingEntry(
            new_entry(
                kind,
                outcome,
                now_us=self._now_us(),
                node=self._node,
                policy=bundle,
                document=release,
                reasons=reasons,
            )
        )

    def _about(
        self,
        kind: EntryKind,
        outcome: Outcome,
        opened: Opened,
        fields: Iterable[str],
        extra_reasons: tuple[str, ...] = (),
    ) -> Entry:
        asked = opened.asked
        decision = opened.decision.decision
        return new_entry(
            kind,
            outcome,
            now_us=self._now_us(),
            node=self._node,
            corr=opened.exchange,
            direction=Direction(asked.holder, asked.recipient, asked.issuer),
            purpose=asked.purpose,
            rules=decision.rules,
            reasons=decision.reasons + extra_reasons,
            fields=tuple(fields),
            policy=decision.bundle,
            statement=asked.digest.hex(),
            decision=opened.decision.digest.hex(),
            permission=self._handle(opened.relied_on[0], opened.exchange)
            if opened.relied_on
            else None,
        )

    def _detail(self, opened: Opened, controller: AgencyId, sealed: bytes) -> SealedDetail:
        return SealedDetail(controller, opened.decision.decision.retention, sealed)

    def _handle(self, permission: PermissionId, once: str) -> str:
        return linkrows.exchange_handle(
            self._key, permission.encode("ascii"), ExchangeId(once)
        ).hex()
