# SPDX-License-Identifier: EUPL-1.2
"""What a scene is, how it writes down what it saw, and how it is compared with what was expected."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import httpx

from deploy.demo import evidence
from deploy.demo.office import Office, Person, Problem
from deploy.demo.supervisor import StartFailed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from concurrent.futures import Future
    from datetime import date

    from deploy.demo.office import Told
    from deploy.demo.place import Place
    from deploy.demo.ports import Ports
    from deploy.demo.supervisor import Supervisor
    from keys.model import AgencyId

SILENT: Final = "no_data"
"""The one reason behind every sealed null."""


@dataclass(slots=True)
class Stage:
    """What a scene can use."""

    place: Place
    ports: Ports
    supervisor: Supervisor
    today: date
    verifiers: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1))
    """Checks receipts beside the scenes."""
    _offices: dict[AgencyId, Office] = field(default_factory=dict)

    def office(self, agency: AgencyId) -> Office:
        """Give an agency's own system."""
        if agency not in self._offices:
            url, own = self.ports.url(agency), self.place.connector(agency)
            self._offices[agency] = Office(agency, url, own)
        return self._offices[agency]

    def person(self, person: str, at: AgencyId) -> Person:
        """Sign an invented person in, with a code from an agency's counter."""
        return Person(self.ports.url("person>gateway"), self.office(at).link_code(person))

    def close(self) -> None:
        """Give connections back; receipts are checked to the end."""
        self.verifiers.shutdown()
        for office in self._offices.values():
            office.close()


@dataclass(slots=True)
class Account:
    """What the asking side saw in one scene, line by line."""

    seen: list[str] = field(default_factory=list)
    released: set[str] = field(default_factory=set)
    withheld: dict[str, dict[str, Any]] = field(default_factory=dict)
    receipts: list[str] = field(default_factory=list)
    log_index: int | None = None

    def saw(self, line: str) -> None:
        """Write down one observation."""
        self.seen.append(line)

    def told(self, told: Told, label: str = "") -> Told:
        """Write down what a connector told its own system."""
        self.saw(f"{label}: {describe(told)}" if label else describe(told))
        self.keep(told)
        return told

    def keep(self, told: Told) -> None:
        """Take over fields, reasons and receipts without a line."""
        self.released |= told.values.keys()
        for name, item in told.withheld.items():
            if name not in self.released:
                self.withheld[name] = {
                    "outcome": item["outcome"],
                    "rule": item["rule"],
                    "reason": item["reason"],
                    "sentence": item["sentence"],
                    "next_step": item["next_step"],
                }
        for name in told.values:
            self.withheld.pop(name, None)
        self.receipts += [path for path in told.receipts if path not in self.receipts]
        if told.log_index is not None:
            self.log_index = told.log_index


@dataclass(frozen=True, slots=True)
class Scene:
    """One scene."""

    id: str
    title: str
    asked: str
    """Who asks whom for what, under which rule."""
    expected: tuple[str, ...]
    play: Callable[[Stage, Account], None]
    needs_receipts: bool = True
    """False: no exchange of its own, so there is no receipt to check."""


@dataclass(frozen=True, slots=True)
class Result:
    """What came out."""

    scene: Scene
    account: Account
    problem: str | None
    """What stopped the scene, if something did."""
    verified: Future[bool] | None = None
    """Whether all receipts hold; None: there was nothing to check them with."""

    @property
    def receipt_verified(self) -> bool:
        """Do all receipts hold? Waits for ``lotse-verify``."""
        if not self.scene.needs_receipts:
            return True
        return self.verified is not None and self.verified.result()

    @property
    def observed(self) -> str:
        """Everything that was seen, in one line."""
        lines = [*self.account.seen, *([self.problem] if self.problem else [])]
        return " / ".join(lines)

    @property
    def expected(self) -> str:
        """Everything that must be seen, in one line."""
        return " / ".join(self.scene.expected)

    @property
    def ok(self) -> bool:
        """Was exactly the expected seen, and do all receipts hold?"""
        return self.observed == self.expected and self.receipt_verified

    def to_json(self) -> dict[str, Any]:
        """Give the members that ``--json`` prints."""
        return {
            "scene": self.scene.id,
            "title": self.scene.title,
            "asked": self.scene.asked,
            "expected": self.expected,
            "observed": self.observed,
            "ok": self.ok,
            "released": sorted(self.account.released),
            "withheld": self.account.withheld,
            "log_index": self.account.log_index,
            "receipt_verified": self.receipt_verified,
        }


def play(scene: Scene, stage: Stage) -> Result:
    """Play one scene; whatever goes wrong is part of what was observed."""
    account = Account()
    problem: str | None = None
    try:
        scene.play(stage, account)
    except Problem as error:
        problem = str(error)
    except httpx.HTTPError as error:
        problem = f"no answer ({type(error).__name__})"
    except (StartFailed, LookupError, OSError, ValueError) as error:
        problem = f"{type(error).__name__}: {error}"
    except Exception as error:  # noqa: BLE001 - a sabotaged part may fail in any way; the next scene must still play
        problem = f"accident: {type(error).__name__}"
    # Beside the next scene: fifty verifiers one after the other would take a third of the run.
    verified = stage.verifiers.submit(evidence.verify_receipts, stage.place, account.receipts)
    return Result(scene, account, problem, verified)


def unplayed(scene: Scene, why: str) -> Result:
    """Say that a scene could not be played."""
    return Result(scene, Account(), f"not played: {why}")


def describe(told: Told) -> str:
    """Write what was told in one line: released by rule, then withheld by reason, then held."""
    parts: dict[str, list[str]] = {}
    for name, rule in told.rules.items():
        parts.setdefault(f"released {rule}", []).append(name)
    for name, item in told.withheld.items():
        parts.setdefault(_reason(item), []).append(name)
    held = [str(name) for name in told.body.get("held", [])]
    if held and told.outcome == "held":
        parts["held"] = held
    if told.outcome == "waiting":
        parts["sealed, waits for the recipient"] = []
    lines = [
        f"{head}: {', '.join(sorted(names))}" if names else head for head, names in parts.items()
    ]
    return "; ".join(sorted(lines, key=lambda line: (not line.startswith("released"), line)))


def _reason(item: Mapping[str, Any]) -> str:
    if item["reason"] == SILENT:
        return SILENT
    return f"{item['outcome']} {item['rule']} {item['reason']}"
