# SPDX-License-Identifier: EUPL-1.2
"""What other rules would change, as it may be shown: codes, and no count below five."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from policies.cells import publish, shown, shown_json, sum_of
from policies.replay import WIDENING, Change, place_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.table import Table

    from policies.cells import Row
    from policies.replay import Cell
    from policies.strict import JsonValue

WORDS: Final[Mapping[Change, str]] = {
    Change.DENY_TO_ALLOW: "refused today, would be released",
    Change.ALLOW_TO_DENY: "released today, would be refused",
    Change.HOLD_TO_ALLOW: "waits for a clerk today, would be released",
    Change.DENY_TO_HOLD: "refused today, would wait for a clerk",
    Change.ALLOW_TO_HOLD: "released today, would wait for a clerk",
    Change.HOLD_TO_DENY: "waits for a clerk today, would be refused",
    Change.NOT_DECIDED: "could not be decided",
    Change.REFUSED_OTHERWISE: "refused, with another outcome",
    Change.REASON_ONLY: "the same, by another rule or for another reason",
    Change.DUTY_GAINED: "an obligation would come with it",
    Change.DUTY_LOST: "an obligation would fall away",
}

_COLUMNS: Final = ("change", "from", "to", "purpose", "field_or_obligation", "count")


@dataclass(frozen=True, slots=True)
class Report:
    """Counts by change, agencies, purpose and field."""

    today: str
    """Digest of the rules in force."""
    candidate: str
    decisions: int
    counts: Mapping[Cell, int]
    unreadable: int = 0
    """Records, or decisions, that nothing can be said about."""

    @property
    def rows(self) -> list[Row[Cell]]:
        """What is shown."""
        return publish(self.counts, place_of)

    @property
    def widens(self) -> bool:
        """Whether any field would be open more than today."""
        return any(cell.change in WIDENING for cell, count in self.counts.items() if count > 0)

    @property
    def changes(self) -> bool:
        """Whether anything would change at all."""
        return any(count > 0 for count in self.counts.values())

    def to_json(self) -> dict[str, JsonValue]:
        """For programs; a count is null where it is too small to be told."""
        rows: list[JsonValue] = [
            {
                "change": row.about.change.value,
                "from": row.about.from_kind,
                "to": row.about.to_kind,
                "purpose": row.about.purpose,
                "field_or_obligation": row.about.what,
                "count": row.count,
            }
            for row in self.rows
        ]
        return {
            "today": self.today,
            "candidate": self.candidate,
            "decisions": shown_json(self.decisions),
            "unreadable": shown_json(self.unreadable),
            "widens": self.widens,
            "changes": rows,
        }

    def to_csv(self) -> str:
        """For spreadsheets; every text is a code, which no spreadsheet takes for a formula."""
        target = io.StringIO()
        writer = csv.writer(target, lineterminator="\n")
        writer.writerow(_COLUMNS)
        writer.writerows((row.about.change.value, *row.about[1:], row.text) for row in self.rows)
        return target.getvalue()

    def table(self) -> Table:
        """For people."""
        from rich.table import Table  # late: the gateway counts for such reports and shows none

        table = Table("change", "from", "to", "purpose", "field or obligation", "exchanges")
        for row in self.rows:
            cell = row.about
            style = "bold red" if cell.change in WIDENING else None
            table.add_row(WORDS[cell.change], *cell[1:], row.text, style=style)
        return table

    def sentence(self) -> str:
        """The whole in one line: ``340 decisions · field answers that would change: 12 …``."""
        total = sum_of([row for row in self.rows if not _is_duty(row.about)])
        wider = sum_of([row for row in self.rows if row.about.change in WIDENING])
        parts = [
            f"{shown(self.decisions)} decisions",
            f"answers that would change: {total.text}",
            f"of these wider: {wider.text}",
        ]
        if self.unreadable:
            parts.append(f"not readable: {shown(self.unreadable)}")
        return " · ".join(parts)


def _is_duty(cell: Cell) -> bool:
    return cell.change in {Change.DUTY_GAINED, Change.DUTY_LOST}
