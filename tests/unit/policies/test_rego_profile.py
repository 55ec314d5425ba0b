# SPDX-License-Identifier: EUPL-1.2
"""The rules keep to the part of Rego that every engine reads alike, and carry their metadata."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from policies.build import PACKAGE
from policies.bundle import Bundle, digest_of
from policies.catalogue import Catalogue
from policies.errors import BundleInvalid

FOLDER = PACKAGE / "rego" / "lotse" / "exchange"
RULES = sorted(f for f in FOLDER.glob("*.rego") if not f.name.endswith("_test.rego"))
TESTS = sorted(FOLDER.glob("*_test.rego"))

ALLOWED = {
    "count": "is a set empty",
    "is_array": "shape of the input",
    "is_boolean": "shape of the input",
    "is_null": "shape of the input",
    "is_number": "shape of the input",
    "is_object": "shape of the input",
    "is_string": "shape of the input",
    "min": "the first outcome by name, of one that is always the same",
    "object.get": "a rule that did not ask has taken nothing",
    "object.keys": "the codes of a map are a set",
    "set": "the empty set",
    "sort": "the order of reasons",
    "union": "set algebra",
}
"""The built-in functions that rules may use, each with what for.

Everything else is refused: clock, network, environment, chance and printing make a decision depend on
more than its input; case folding and string building differ between engines.
"""

CALL = re.compile(r"(?<![\w.\]\"])([a-z_][\w.]*)\(")
DEFINED = re.compile(r"^(?:default )?([a-z_]\w*)", re.MULTILINE)


def _code(file: Path) -> str:
    lines = file.read_text(encoding="utf-8").splitlines()
    return "\n".join(line for line in lines if not line.lstrip().startswith("#"))


@pytest.mark.parametrize("file", RULES + TESTS, ids=lambda f: f.name)
def test_negation_is_the_safe_one_in_every_file(file: Path) -> None:
    """`not` over a missing key fails open without this import (OPA issue 8387)."""
    assert "\nimport future.keywords.not\n" in file.read_text(encoding="utf-8")


@pytest.mark.parametrize("file", RULES, ids=lambda f: f.name)
def test_negation_stands_only_before_positive_helpers(file: Path) -> None:
    """`not` is followed by a rule of this package or a set membership, never by input or data."""
    negated = re.findall(r"\bnot ([a-z_.]+)", _code(file).replace("future.keywords.not", ""))
    assert [name for name in negated if name.startswith(("input", "data"))] == []


def _foreign_calls(code: str, own: set[str]) -> set[str]:
    """Names that are called, but neither defined in the package nor allowed."""
    without_text = re.sub(r'"[^"\n]*"|`[^`]*`', '""', code)
    return set(CALL.findall(without_text)) - own - set(ALLOWED)


def test_rules_call_nothing_but_what_is_listed() -> None:
    """No clock, no network, no case folding, no string building; and the list names no more than is used."""
    code = {file.name: _code(file) for file in RULES}
    own = {name for text in code.values() for name in DEFINED.findall(text)}
    foreign = {name: _foreign_calls(text, own) for name, text in code.items()}
    assert {name: calls for name, calls in foreign.items() if calls} == {}
    used = {call for text in code.values() for call in CALL.findall(text)}
    assert set(ALLOWED) <= used


@pytest.mark.parametrize(
    "call",
    [
        "time.now_ns()",
        'sprintf("%s", [x])',
        "lower(x)",
        "opa.runtime()",
        'http.send({"method": "get"})',
        'net.lookup_ip_addr("a.example")',
        'rand.intn("x", 2)',
        'print("x")',
        "a | upper(b)",
        "{x | some x in split(y)}",
        "not regex.match(a, b)",
    ],
)
def test_a_call_that_is_not_listed_is_found(call: str) -> None:
    """The search sees a call wherever it stands."""
    assert _foreign_calls(f"x := y if {{\n\t{call}\n}}", {"x"})


@pytest.mark.parametrize("file", RULES, ids=lambda f: f.name)
def test_rules_never_replace_their_input(file: Path) -> None:
    """`with` belongs into tests."""
    assert re.findall(r"\bwith\b", _code(file)) == []


@pytest.mark.parametrize("file", RULES + TESTS, ids=lambda f: f.name)
def test_files_end_with_a_line_end_and_name_their_licence(file: Path) -> None:
    """A comment without a line end after it is a parse error for one engine."""
    text = file.read_text(encoding="utf-8")
    assert text.endswith("\n")
    assert text.startswith("# SPDX-License-Identifier: EUPL-1.2\n")


def test_every_rule_of_the_catalogue_has_a_rego_test() -> None:
    """Test names begin with the rules they are about."""
    names = re.findall(
        r"^test_(\w+) if", "".join(f.read_text("utf-8") for f in TESTS), re.MULTILINE
    )
    tested = {f"R{number}" for name in names for number in re.findall(r"r(\d\d)_", f"{name}_")}
    assert tested == set(Catalogue.load().rules)


@pytest.mark.parametrize("file", RULES, ids=lambda f: f.name)
def test_every_definition_has_metadata(file: Path) -> None:
    """One description for each name, right above one of its definitions."""
    lines = file.read_text(encoding="utf-8").splitlines()
    described = set()
    for number, line in enumerate(lines):
        if line == "# METADATA":
            below = next(text for text in lines[number:] if not text.startswith("#"))
            described |= set(DEFINED.findall(below))
    defined = set(DEFINED.findall(_code(file))) - {"else", "import", "package"}
    assert defined - described == set()


def test_a_condition_stands_under_a_rule_that_has_it() -> None:
    """The heading above `met contains` names a rule of the catalogue with this condition."""
    rules = Catalogue.load().rules
    found = set()
    for file in RULES:
        heading: set[str] = set()
        for line in file.read_text(encoding="utf-8").splitlines():
            if line.startswith("# title:"):
                heading = set(re.findall(r"R\d\d", line))
            elif condition := re.match(r'met contains "(\w+)"', line):
                found.add(condition[1])
                having = {
                    rule.id for rule in rules.values() if condition[1] in rule.named_conditions
                }
                assert heading & having, f"{file.name}: {condition[1]} under {sorted(heading)}"
    assert found == set(Catalogue.load().conditions)


def test_data_and_rules_have_different_roots() -> None:
    """Data at the path of a rule would silently win in one engine."""
    roots = set(json.loads((PACKAGE / "rego" / "data.json").read_bytes()))
    packages = {re.search(r"^package (\w+)", _code(f), re.MULTILINE) for f in RULES}
    assert roots == {"catalogue"}
    assert {found.group(1) for found in packages if found} == {"lotse"}


def test_the_bundle_holds_rules_and_data_but_no_tests() -> None:
    """What decides is in the digest, what only checks is not."""
    names = set(Bundle.load().files)
    assert {f"rego/lotse/exchange/{f.name}" for f in RULES} <= names
    assert not [name for name in names if "_test" in name or "golden" in name]
    assert {"rego/exchange.wasm", "rego/data.json", "data/rules.json"} <= names


def test_every_byte_of_the_bundle_counts() -> None:
    """A changed byte, a renamed file and a missing file each give another digest."""
    files = dict(Bundle.load().files)
    assert digest_of(dict(reversed(files.items()))) == Bundle.load().digest
    for name, content in files.items():
        changed = files | {name: content[:-1] + bytes([content[-1] ^ 1])}
        without = {other: files[other] for other in files if other != name}
        renamed = without | {f"{name}x": content}
        digests = {digest_of(variant) for variant in (files, changed, without, renamed)}
        assert len(digests) == 4, name


def test_a_bundle_without_its_module_is_none() -> None:
    """There is nothing to decide with, and that is said at the start."""
    with pytest.raises(BundleInvalid):
        Bundle.of({"rego/data.json": b"{}"})
