# SPDX-License-Identifier: EUPL-1.2
"""HTML that escapes by default: a string becomes text, and only an element is markup."""

from __future__ import annotations

from html import escape
from typing import Final

from typing_extensions import override

from policies.records import Text


class Markup(str):
    """Text that is HTML already; what is added to it is escaped unless it is markup too."""

    __slots__ = ()

    @override
    def __add__(self, other: str) -> Markup:
        return Markup(str.__add__(self, other if isinstance(other, Markup) else escape(other)))


_VOID: Final = frozenset({"meta", "input", "col"})


def element(name: str, /, *children: str, **attributes: str | bool) -> Markup:
    """Return an element; ``class_`` and ``data_x`` become ``class`` and ``data-x``."""
    pairs = []
    for key, value in attributes.items():
        known = key.rstrip("_").replace("_", "-")
        if value is True:
            pairs.append(f" {known}")
        elif value is not False:
            pairs.append(f' {known}="{escape(str(value))}"')
    inside = "".join(c if isinstance(c, Markup) else escape(c) for c in children)
    end = "" if name in _VOID else f"{inside}</{name}>"
    return Markup(f"<{name}{''.join(pairs)}>{end}")


def raw(name: str, content: str) -> Markup:
    """Return a style or script element, whose content HTML does not escape.

    Raises:
        ValueError: the content would end the element.
    """
    if "</" in content or "<!--" in content:
        raise ValueError(f"the content would end its {name} element")
    return Markup(f"<{name}>{content}</{name}>")


def both(text: Text) -> Markup:
    """Return a text in German and in English, each marked with its language."""
    if text.de == text.en:
        return Markup(escape(text.de))
    return element("span", text.de, lang="de") + element("span", text.en, lang="en")


def listed(items: list[Markup]) -> Markup:
    """Return a list; one item stands alone, none is a dash."""
    if len(items) <= 1:
        return items[0] if items else Markup("–")
    return element("ul", *(element("li", item) for item in items))
