# SPDX-License-Identifier: EUPL-1.2
"""The asking side: steps 1 and 11 of an exchange.

1. *Ask*: check the codes, sign the statement, seal the own detail, sign in, send.
11. *Believe or not*: verify decision, envelope, withheld fields, both receipts and the log; then
    open, give plain values with provenance to the local system, and keep the receipts.

An enquiry is written down before it leaves. Nothing is ever sent later without being asked to.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import structlog

from adapters.connector import results
from adapters.connector.answers import CheckedAnswer, Frame, check_answer
from adapters.connector.checks import Check
from adapters.connector.decision_check import check_same_rules
from adapters.connector.errors import (
    CheckFailed,
    GatewayRefused,
    GatewaySilent,
    GatewayUnreachable,
    ProblemError,
    UnknownKey,
)
from adapters.connector.problems import (
    ANSWER_GONE,
    GATEWAY_BUSY,
    GATEWAY_REFUSED,
    GATEWAY_SILENT,
    GATEWAY_UNREACHABLE,
    GATEWAY_UNTRUE,
    RULES_UNAVAILABLE,
)
from adapters.connector.starting import check_codes, start
from adapters.connector.store import enquiries as enquiry_store
from adapters.connector.store.enquiries import Enquiry, EnquiryState
from keys.strict_json import dumps, loads
from policies.errors import PolicyUnavailable

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from adapters.connector.office import Office
    from adapters.connector.starting import Started, Wish
    from keys.model import ExchangeId
    from keys.strict_json import JsonLike, JsonValue

log = structlog.get_logger("connector")

MAX_KEPT_BYTES: Final = 2_097_152
SERVER_SIDE: Final = 500


class Asking:
    """Sends enquiries and believes answers, or does not."""

    def __init__(self, office: Office) -> None:
        """Take the office's parts."""
        self._office = office

    async def ask(self, wish: Wish) -> dict[str, JsonLike]:
        """Carry out one enquiry; a refusal or a hold is a result like a release.

        Raises:
            ProblemError: nothing was received; `enquiry` names the kept draft.
        """
        enquiry, started = await self.begin(wish)
        answer = await self.send(enquiry, self._office.client.exchange(started.body))
        checked = await self.believe(answer, enquiry)
        await self._keep(enquiry, checked, answer)
        return await self._tell(enquiry.id, checked, self._office.clock())

    async def look(self, enquiry_id: str) -> Enquiry | None:
        """Find an own enquiry or delivery."""
        return await self._office.store.run(
            lambda connection: enquiry_store.find(connection, enquiry_id)
        )

    async def tell_again(self, enquiry: Enquiry) -> dict[str, JsonLike]:
        """Open a kept answer again, after checking it again.

        Raises:
            ProblemError: ANSWER_GONE: kept no longer, or sealed to a key that is gone.
        """
        if enquiry.answer is None or enquiry.answered_at is None:
            raise ProblemError(ANSWER_GONE, enquiry=enquiry.id)
        kept = loads(enquiry.answer, max_bytes=MAX_KEPT_BYTES)
        try:
            checked = check_answer(
                kept if isinstance(kept, dict) else {},
                await self._frame(enquiry.statement, now=enquiry.answered_at, late=True),
            )
            return await self._tell(enquiry.id, checked, enquiry.answered_at)
        except CheckFailed as error:
            raise ProblemError(ANSWER_GONE, enquiry=enquiry.id) from error

    # --- shared with deliveries and the mailbox -----------------------------------------------

    async def begin(self, wish: Wish) -> tuple[Enquiry, Started]:
        """Step 1: check, sign, and write down before anything leaves.

        Raises:
            ProblemError: a code is not in the catalogue, or there is no valid agency list.
        """
        office = self._office
        agencies = await office.agencies.current()
        file_number = check_codes(wish, office, agencies)
        now = office.clock()
        started = start(wish, file_number, office, agencies, now=now)
        enquiry = Enquiry(
            id=office.evidence.new_id(),
            direction=wish.direction,
            state=EnquiryState.SENT,
            exchange=None,
            other=wish.other,
            purpose=wish.purpose,
            request=wish.to_bytes(),
            statement=started.statement,
            statement_hash=started.statement_hash,
            made_at=now,
        )
        await office.store.run(lambda connection: enquiry_store.add(connection, enquiry))
        return enquiry, started

    async def send(
        self, enquiry: Enquiry, call: Awaitable[dict[str, JsonValue]]
    ) -> dict[str, JsonValue]:
        """Wait for the gateway; whatever goes wrong is written down and said.

        Raises:
            ProblemError: unreachable (a draft stays), silent, refused, or not readable.
        """
        try:
            return await call
        except GatewayUnreachable as error:
            await self._move(enquiry, EnquiryState.DRAFT)
            raise ProblemError(GATEWAY_UNREACHABLE, enquiry=enquiry.id) from error
        except GatewaySilent as error:
            raise ProblemError(GATEWAY_SILENT, enquiry=enquiry.id) from error
        except GatewayRefused as error:
            await self._move(enquiry, EnquiryState.FAILED)
            row = GATEWAY_BUSY if error.status >= SERVER_SIDE else GATEWAY_REFUSED
            raise ProblemError(row, enquiry=enquiry.id, gateway_problem=error.code) from error
        except CheckFailed as error:
            await self._move(enquiry, EnquiryState.UNTRUE)
            raise ProblemError(GATEWAY_UNTRUE, check=error.check, enquiry=enquiry.id) from error

    async def believe(
        self, unverified: dict[str, JsonValue], enquiry: Enquiry, *, late: bool = False
    ) -> CheckedAnswer:
        """Step 11, all checks, with evidence kept when one fails.

        Raises:
            ProblemError: GATEWAY_UNTRUE with the check's name; nothing was used.
        """
        try:
            checked = await self.check(
                unverified, enquiry.statement, exchange=enquiry.exchange, late=late
            )
        except CheckFailed as error:
            await self._move(enquiry, EnquiryState.UNTRUE)
            await self.keep_evidence(error.check, unverified)
            raise ProblemError(GATEWAY_UNTRUE, check=error.check, enquiry=enquiry.id) from error
        return checked

    async def check(
        self,
        unverified: dict[str, JsonValue],
        statement: str | None,
        *,
        exchange: ExchangeId | None,
        late: bool,
    ) -> CheckedAnswer:
        """Check an answer, its log and its first use.

        Raises:
            CheckFailed: names the check.
            ProblemError: the rules or the log's consistency could not be checked.
        """
        office = self._office
        frame = await self._frame(statement, now=office.clock(), late=late)
        try:
            checked = check_answer(unverified, frame)
        except UnknownKey:
            known = frame.agencies.serial
            await office.agencies.newer()
            frame = await self._frame(statement, now=office.clock(), late=late)
            if frame.agencies.serial == known:
                raise
            checked = check_answer(unverified, frame)
        if exchange is not None and checked.exchange != exchange:
            raise CheckFailed(Check.EXCHANGE)
        try:
            decision = checked.decision
            await office.rules.run(lambda: check_same_rules(decision))
        except PolicyUnavailable as error:
            raise ProblemError(RULES_UNAVAILABLE) from error
        for receipt in checked.receipts:
            await office.observe(receipt)
        manifest = checked.manifest
        if manifest is not None:
            first = await office.store.run(
                lambda connection: enquiry_store.note_envelope(
                    connection,
                    source=checked.statement.source,
                    manifest_hash=manifest.manifest_hash,
                    exchange=checked.exchange,
                    now=office.clock(),
                )
            )
            if not first:
                raise CheckFailed(Check.REPLAY)
        return checked

    async def accept(
        self, enquiry: Enquiry, checked: CheckedAnswer, answer: dict[str, JsonValue]
    ) -> dict[str, JsonLike]:
        """Keep an answer that arrived later, and tell it."""
        await self._keep(enquiry, checked, answer)
        return await self._tell(enquiry.id, checked, self._office.clock())

    async def tell_values(self, checked: CheckedAnswer, received_at: int) -> dict[str, JsonLike]:
        """Open and explain; also writes the receipts as files for reconciliation.

        Raises:
            CheckFailed: ENVELOPE: it does not open.
        """
        office = self._office
        values = results.open_values(checked, office.keys.kem)
        paths: list[str] = []
        for number, receipt in enumerate(checked.receipts, start=1):
            path = office.receipts / f"{checked.exchange}.{number}.tlog-proof"
            if not path.exists():
                path.write_text(receipt.text, encoding="utf-8")
            paths.append(str(path))
        return results.result(
            checked,
            values,
            received_at=received_at,
            receipts=paths,
            lang=office.settings.agency.language,
        )

    async def keep_evidence(self, check: Check, unverified: dict[str, JsonValue]) -> None:
        """Keep what did not hold: signed and sealed text, as it came."""
        exchange = unverified.get("exchange")
        plain = isinstance(exchange, str) and len(exchange) <= 26  # noqa: PLR2004 - a ULID
        await self._office.evidence.keep(
            check, exchange=str(exchange) if plain else None, artefact=dumps(unverified)
        )

    # --- inside ---------------------------------------------------------------------------------

    async def _frame(self, statement: str | None, *, now: int, late: bool) -> Frame:
        office = self._office
        return Frame(
            me=office.me,
            agencies=await office.agencies.current(),
            rules=office.rules.known,
            now=now,
            statement=statement,
            late=late,
        )

    async def _tell(
        self, enquiry_id: str, checked: CheckedAnswer, received_at: int
    ) -> dict[str, JsonLike]:
        try:
            told = await self.tell_values(checked, received_at)
        except CheckFailed as error:
            raise ProblemError(GATEWAY_UNTRUE, check=error.check, enquiry=enquiry_id) from error
        return {"id": enquiry_id, **told}

    async def _keep(
        self, enquiry: Enquiry, checked: CheckedAnswer, answer: dict[str, JsonValue]
    ) -> None:
        state = EnquiryState(checked.status)
        now = self._office.clock()
        await self._office.store.run(
            lambda connection: enquiry_store.move(
                connection,
                enquiry.id,
                state,
                exchange=checked.exchange,
                answer=dumps(answer),
                at=now,
            )
        )
        log.info("enquiry:answered", exchange=checked.exchange, outcome=checked.status)

    async def _move(self, enquiry: Enquiry, state: EnquiryState) -> None:
        await self._office.store.run(
            lambda connection: enquiry_store.move(connection, enquiry.id, state)
        )
