# SPDX-License-Identifier: EUPL-1.2
"""The rows of the matrix: routes that are answered alike share one row.

A row names lists of senders, recipients, purposes and triggers, and every mixture of them is meant.
Where another rule decides in all three cases, the row of that rule says so, and this one is left out.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from policies.codes import FieldId
from policies.errors import CatalogueInvalid
from policies.matrix.routes import ANY, Verdicts, ask, dimensions
from policies.references import DEFAULT_RULE

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from policies.catalogue import Catalogue
    from policies.decide import Decider
    from policies.matrix.routes import RuleAnswers
    from policies.rules import Rule

Codes = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Row:
    """What a rule does with fields on some routes."""

    rule: Rule
    from_kinds: Codes
    """Sorted; ``*`` for every kind."""
    to_kinds: Codes
    purposes: Codes
    triggers: Codes
    fields: Codes
    """One field; several once rows are grouped; ``*`` for the default rule."""
    verdicts: Verdicts

    @property
    def route(self) -> tuple[Codes, Codes, Codes, Codes]:
        """Senders, recipients, purposes and triggers."""
        return self.from_kinds, self.to_kinds, self.purposes, self.triggers

    @property
    def decided_by_its_rule(self) -> bool:
        """True when the rule itself decides in one of the three cases."""
        return self.rule.id in {verdict.rule for verdict in self.verdicts.all}


def rule_rows(rule: Rule, decider: Decider) -> list[Row]:
    """Ask the engine about a rule; return one row for each field and group of routes, sorted.

    Raises:
        CatalogueInvalid: a rule that fits nearly everything is not answered alike everywhere.
    """
    answers = ask(rule, decider)
    rows = [
        row for field in answers.fields for row in _field_rows(answers, field, decider.catalogue)
    ]
    if rule.id == DEFAULT_RULE:
        # The fields stand for all that no rule names.
        return [replace(rows[0], fields=(ANY,))] if len({r.verdicts for r in rows}) == 1 else rows
    own = [row for row in rows if row.decided_by_its_rule]
    return sorted(own, key=lambda row: (row.fields, row.route))


def grouped(rows: list[Row]) -> list[Row]:
    """Put fields that share everything into one row, in the order of their first field."""
    together: dict[tuple[object, ...], Row] = {}
    for row in rows:
        needs = row.rule.field_needs.get(FieldId(row.fields[0]), ())
        key = (row.rule.id, row.route, row.verdicts, needs)
        known = together.get(key)
        together[key] = replace(row, fields=known.fields + row.fields) if known else row
    return list(together.values())


def _field_rows(answers: RuleAnswers, field: str, catalogue: Catalogue) -> Iterator[Row]:
    rule, names = answers.rule, dimensions(answers.rule, catalogue)
    by_verdicts: dict[Verdicts, set[Codes]] = {}
    for route, by_field in answers.routes.items():
        by_verdicts.setdefault(by_field[field], set()).add(tuple(route))
    if answers.sampled:
        everywhere = {tuple(map(tuple, names))}
        groups = [(_alike(rule, list(by_verdicts)), everywhere)]
    else:
        groups = [(verdicts, set(products(routes))) for verdicts, routes in by_verdicts.items()]
    for verdicts, lists in groups:
        for route_lists in lists:
            from_kinds, to_kinds, purposes, triggers = _with_wildcards(route_lists, names, rule)
            yield Row(rule, from_kinds, to_kinds, purposes, triggers, (field,), verdicts)


def _alike(rule: Rule, found: list[Verdicts]) -> Verdicts:
    """Return what is said everywhere; only the reasons may differ, all of them are named."""
    three = []
    for verdicts in zip(*(one.all for one in found), strict=True):
        reasons = sorted({verdict.reason for verdict in verdicts})
        if len({(verdict.outcome, verdict.rule) for verdict in verdicts}) != 1:
            raise CatalogueInvalid(f"{rule.id} is not answered alike everywhere; name its routes")
        three.append(verdicts[0]._replace(reason=" / ".join(reasons)))
    return Verdicts(*three)


def _with_wildcards(
    lists: tuple[Codes, ...], names: tuple[list[str], ...], rule: Rule
) -> Iterator[Codes]:
    """Write ``*`` where the rule does and the row means all of it."""
    named = (rule.from_kinds, rule.to_kinds, rule.purposes, rule.triggers)
    for codes, known, as_written in zip(lists, names, named, strict=True):
        yield (ANY,) if ANY in as_written and list(codes) == known else codes


def products(tuples: Collection[Codes]) -> Iterator[tuple[Codes, ...]]:
    """Cut a set of equally long tuples into few products of sorted lists; together they are the set."""
    if () in tuples:
        yield ()
        return
    rests: dict[str, set[Codes]] = {}
    for head, *rest in tuples:
        rests.setdefault(head, set()).add(tuple(rest))
    heads: dict[frozenset[Codes], list[str]] = {}
    for head in sorted(rests):
        heads.setdefault(frozenset(rests[head]), []).append(head)
    for rest_set, alike in heads.items():
        for inner in products(rest_set):
            yield (tuple(alike), *inner)
