# SPDX-License-Identifier: EUPL-1.2
"""Every problem of the connector has a page that says what its row says."""

from __future__ import annotations

import pytest

from adapters.connector.problems import TABLE, Problem
from gateway.problem_types import TABLE as GATEWAY_TABLE
from tests.support.tree import ROOT

PAGES = ROOT / "docs" / "problems"
OWN = [row for row in TABLE if row.code not in GATEWAY_TABLE]


@pytest.mark.parametrize("row", OWN, ids=lambda row: row.code)
def test_the_page_says_what_the_row_says(row: Problem) -> None:
    """Title, status, meaning and what to do stand on the page, sentence by sentence."""
    page = (PAGES / f"{row.code}.md").read_text(encoding="utf-8")
    flat = " ".join(page.split())
    assert page.startswith(f"# {row.title.rstrip('.')}\n")
    assert f"- status: {row.status}\n" in page
    assert row.meaning in flat
    assert row.todo in flat


@pytest.mark.parametrize(
    "row", [row for row in TABLE if row.code in GATEWAY_TABLE], ids=lambda row: row.code
)
def test_a_code_that_both_use_means_the_same(row: Problem) -> None:
    """One page serves both, so the status must be the same on both sides."""
    assert row.status == GATEWAY_TABLE[row.code].status
