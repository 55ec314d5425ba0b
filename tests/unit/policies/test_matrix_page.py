# SPDX-License-Identifier: EUPL-1.2
"""The page of the matrix: alone, accessible, in two languages, and never markup from data."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import replace
from html.parser import HTMLParser
from types import MappingProxyType

import pytest
from typing_extensions import override

from policies.catalogue import Catalogue
from policies.decide import load_decider
from policies.matrix.markup import Markup, both, element, listed, raw
from policies.matrix.page import page_bytes
from policies.matrix.rows import Row, grouped, rule_rows
from policies.matrix.table import csv_bytes
from policies.model import RuleId
from policies.records import Text
from policies.rules import SignOff

DECIDER = load_decider()
CATALOGUE = DECIDER.catalogue
CHOSEN = ("R04", "R07", "R12", "R22", "R60")
HOSTILE = "<script>alert(1)</script>\"'&=1"


def _rows(names: tuple[str, ...] = CHOSEN) -> list[Row]:
    return [row for name in names for row in rule_rows(CATALOGUE.rules[RuleId(name)], DECIDER)]


class Page(HTMLParser):
    """Every element with its attributes and, for each text, the elements around it."""

    def __init__(self, content: bytes) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[tuple[tuple[str, ...], str]] = []
        self._open: list[str] = []
        self.feed(content.decode())
        assert self._open == [], "an element is not closed"

    @override
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element."""
        self.elements.append((tag, dict(attrs)))
        if tag not in {"meta", "input"}:
            self._open.append(tag)

    @override
    def handle_endtag(self, tag: str) -> None:
        """Elements close in the order in which they were opened."""
        assert self._open.pop() == tag

    @override
    def handle_data(self, data: str) -> None:
        """Note a text."""
        self.texts.append((tuple(self._open), data))

    def named(self, tag: str) -> list[dict[str, str | None]]:
        """Return the attributes of every element of this name."""
        return [attributes for name, attributes in self.elements if name == tag]


CONTENT = page_bytes(grouped(_rows()), CATALOGUE, DECIDER.bundle_digest)
PAGE = Page(CONTENT)
TEXT = CONTENT.decode()


def test_nothing_is_loaded_from_anywhere() -> None:
    """No address leads out of the page, and its own policy forbids it besides."""
    addresses = [
        value
        for _, attributes in PAGE.elements
        for name, value in attributes.items()
        if name in {"src", "href", "action", "srcset", "style"}
    ]
    assert addresses == ["#matrix"]
    assert not {"link", "img", "iframe", "object", "base"} & {name for name, _ in PAGE.elements}
    assert "url(" not in TEXT
    assert "@import" not in TEXT


def test_the_policy_names_this_style_and_this_script() -> None:
    """Any other style or script, even one that got into a label, is not run."""
    (policy,) = [m["content"] for m in PAGE.named("meta") if "http-equiv" in m]
    for tag in ("style", "script"):
        (content,) = re.findall(rf"<{tag}>(.*?)</{tag}>", TEXT, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in str(policy)
    assert str(policy).startswith("default-src 'none'; ")


def test_the_table_can_be_read_without_seeing_it() -> None:
    """Caption, heads of rows and columns, languages, names of the filters, keyboard."""
    assert PAGE.named("html") == [{"lang": "de"}]
    assert len(PAGE.named("caption")) == len(PAGE.named("main")) == len(PAGE.named("h1")) == 1
    heads = PAGE.named("th")
    rows = [head for head in heads if head["scope"] == "row"]
    columns = [head for head in heads if head["scope"] == "col"]
    assert (len(rows), len(columns)) == (len(grouped(_rows())), 13)
    assert len(PAGE.named("td")) == 12 * len(rows)
    (frame,) = [div for div in PAGE.named("div") if div.get("role") == "region"]
    assert (frame["tabindex"], frame["aria-labelledby"]) == ("0", "caption")
    inside = [around for around, _ in PAGE.texts if "select" in around]
    assert all("label" in around for around in inside)
    assert [p for p in PAGE.named("p") if p.get("role") == "status"]
    assert {span["lang"] for span in PAGE.named("span") if "lang" in span} == {"de", "en"}


def test_without_a_script_every_row_is_there_and_no_filter_is() -> None:
    """The filters are hidden until the script that obeys them runs; no row is."""
    (form,) = PAGE.named("form")
    assert "hidden" in form
    assert not [row for row in PAGE.named("tr") if "hidden" in row]


def test_each_filter_reads_an_attribute_of_the_rows() -> None:
    """A filter by a name that the rows do not carry would show nothing or everything."""
    carried = [set(row) for row in PAGE.named("tr") if "data-rule" in row]
    for select in PAGE.named("select"):
        assert all(f"data-{select['name']}" in attributes for attributes in carried)
    codes = {str(option["value"]) for option in PAGE.named("option")}
    assert {"JC", "ABH", "P01", "net_income", "R07", "HOLD_HUMAN", ""} <= codes
    assert "*" not in codes


@pytest.mark.parametrize(
    "said",
    [
        "Testsystem. Keine Rechtsberatung.",
        "Test system. No legal advice.",
        "every rule needs the sign-off of the data protection officers",
        "R73 refuses everything that no row names.",
        "73 Regeln, 0 freigezeichnet",
        "nicht freigezeichnet",
        "Die anfragende Stelle hat das AZR vorher abgefragt.",
        "a clerk of the source, each case",
        "DSGVO Art.",
    ],
)
def test_the_page_says(said: str) -> None:
    """What a reader must not miss stands in it, in words."""
    assert said in " ".join(TEXT.split())


def _with_hostile_texts() -> Catalogue:
    kinds = {
        code: replace(agency, label=Text(HOSTILE, HOSTILE))
        for code, agency in CATALOGUE.agencies.items()
    }
    fields = {
        code: replace(field, label=Text(HOSTILE, f"{HOSTILE}x"))
        for code, field in CATALOGUE.fields.items()
    }
    return replace(CATALOGUE, agencies=MappingProxyType(kinds), fields=MappingProxyType(fields))


def test_a_text_of_the_data_never_becomes_markup() -> None:
    """Labels, titles, signatures: what looks like an element is shown as it is written."""
    signed = SignOff(f"=cmd|{HOSTILE}", f"@{HOSTILE}")
    rows = [
        replace(row, rule=replace(row.rule, title=Text(HOSTILE, HOSTILE), sign_off=signed))
        for row in grouped(_rows())
    ]
    page = Page(page_bytes(rows, _with_hostile_texts(), DECIDER.bundle_digest))
    assert len(page.named("script")) == 1
    shown = [text for around, text in page.texts if "td" in around and "<script>alert" in text]
    assert len(shown) > len(rows)
    table = csv_bytes(rows, CATALOGUE).decode()
    assert "'=cmd|" in table
    assert "'@<script>" in table
    assert ",=cmd" not in table


def _luminance(colour: str) -> float:
    """Relative luminance (WCAG 2.2, definition)."""
    digits = colour.lstrip("#") if len(colour) > 4 else "".join(c * 2 for c in colour.lstrip("#"))
    parts = [int(digits[place : place + 2], 16) / 255 for place in (0, 2, 4)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize(
    ("front", "back", "least"),
    [
        ("--ink", "#fff", 4.5),
        ("--ink", "--soft", 4.5),
        ("--ink", "#fdf3f3", 4.5),
        ("--strong", "#fff", 4.5),
        ("--line", "#fff", 3.0),
    ],
)
def test_colours_keep_their_distance(front: str, back: str, least: float) -> None:
    """Text and lines can be told from what is behind them (WCAG 2.2, 1.4.3 and 1.4.11)."""
    named = dict(re.findall(r"(--[a-z]+): (#[0-9a-f]{3,6})", TEXT))
    assert back in TEXT
    one, other = (_luminance(named.get(colour, colour)) + 0.05 for colour in (front, back))
    assert max(one, other) / min(one, other) >= least


def test_markup_escapes_unless_it_is_told_not_to() -> None:
    """A plain string is text, also when it is added to markup or stands in an attribute."""
    assert element("p", "<b>", class_='"', hidden=True) == '<p class="&quot;" hidden>&lt;b&gt;</p>'
    assert Markup("<b>") + "<i>" + Markup("</b>") == "<b>&lt;i&gt;</b>"
    assert element("input", checked=False) == "<input>"
    assert both(Text("a", "a")) == "a"
    assert both(Text("<", ">")) == '<span lang="de">&lt;</span><span lang="en">&gt;</span>'
    assert listed([]) == "–"


@pytest.mark.parametrize("content", ["x</style>", "<!--"])
def test_style_and_script_cannot_end_their_element(content: str) -> None:
    """The only content that is not escaped is checked instead."""
    with pytest.raises(ValueError, match="would end"):
        raw("style", content)
