# SPDX-License-Identifier: EUPL-1.2
"""What a batch does between its questions, and what ends it as a whole."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from typing_extensions import override

from gateway.problems import problem_of
from keys.errors import NotInForce
from keys.model import AgencyId
from tests.support.connectors import shared_decider
from tests.support.evaluations import Face, FewAgencies, caller, reads


def _batch(**parts: Any) -> dict[str, Any]:
    return reads(
        subject={"type": "agency", "id": "JC"},
        resource={**reads()["resource"], "id": "abh.there"},
        **parts,
    )


class ExpiresAfter(FewAgencies):
    """A list whose time is over after so many looks."""

    looks = 1

    @override
    def agency(self, name: AgencyId) -> object | None:
        """Find an agency, while there is time."""
        self.looks -= 1
        if self.looks < 0:
            raise NotInForce("expired")
        return super().agency(name)


async def test_a_list_that_expires_ends_the_whole_batch() -> None:
    """Half an answer could be taken for a whole one: 503, as for every call without a list."""
    face = Face(shared_decider(), agencies=ExpiresAfter({"abh.there": "ABH"}))
    with pytest.raises(NotInForce) as raised:
        await face.evaluations().many(caller("JC"), _batch(evaluations=[{}, {}]))
    problem = problem_of(raised.value)
    assert problem is not None
    assert (problem.code, problem.type.status) == ("agency-list-expired", 503)


async def test_others_get_their_turn_between_two_questions() -> None:
    """A batch of fifty does not hold up calls that come meanwhile."""
    face = Face(shared_decider(), agencies=FewAgencies({"abh.there": "ABH"}))
    turns = 0

    async def somebody_else() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    other = asyncio.create_task(somebody_else())
    answer: Any = await face.evaluations().many(caller("JC"), _batch(evaluations=[{}] * 50))
    other.cancel()
    assert len(answer["evaluations"]) == 50
    assert turns >= 49


async def test_what_comes_after_the_end_is_not_decided() -> None:
    """A semantic that ends a batch spares the rest: the list would be over at the second look."""
    face = Face(shared_decider(), agencies=ExpiresAfter({"abh.there": "ABH"}))
    options = {"evaluations_semantic": "deny_on_first_deny"}
    body = _batch(evaluations=[{}, {}, {}], options=options)
    answer: Any = await face.evaluations().many(caller("JC"), body)
    assert [one["decision"] for one in answer["evaluations"]] == [False]
