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

FORBIDDEN = re.compile(
    r"\b(?:time\.|http\.|net\.|opa\.|rego\.|rand\.|crypto\.|io\.jwt|json\.|graph|walk\(|print\(|"
    r"sprintf\(|concat\(|format_int\(|lower\(|upper\(|replace\(|split\(|substring\(|trim|"
    r"strings\.|regex\.|glob\.|to_number\(|base64|urlquery|hex\.|yaml\.|uuid\.|semver\.|with )"
)


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


@pytest.mark.parametrize("file", RULES, ids=lambda f: f.name)
def test_no_function_that_engines_read_differently(file: Path) -> None:
    """No clock, no network, no case folding, no string building, no override of input."""
    assert FORBIDDEN.findall(_code(file)) == []


def test_the_search_for_forbidden_functions_finds_them() -> None:
    """The pattern above matches what it is for."""
    for sample in ("time.now_ns()", 'sprintf("%s", [x])', "lower(x)", "opa.runtime()"):
        assert FORBIDDEN.search(sample), sample


@pytest.mark.parametrize("file", RULES + TESTS, ids=lambda f: f.name)
def test_files_end_with_a_line_end_and_name_their_licence(file: Path) -> None:
    """A comment without a line end after it is a parse error for one engine."""
    text = file.read_text(encoding="utf-8")
    assert text.endswith("\n")
    assert text.startswith("# SPDX-License-Identifier: EUPL-1.2\n")


def test_every_rule_has_metadata_and_a_test() -> None:
    """Rule ids in METADATA, in test names and in the catalogue are the same."""
    listed = re.findall(r"rules: \[([^\]]+)\]", "".join(f.read_text("utf-8") for f in RULES))
    described = {rule.strip() for group in listed for rule in group.split(",")}
    names = re.findall(
        r"^test_(\w+) if", "".join(f.read_text("utf-8") for f in TESTS), re.MULTILINE
    )
    tested = {f"R{number}" for name in names for number in re.findall(r"r(\d\d)_", f"{name}_")}
    assert described == set(Catalogue.load().rules)
    assert tested == set(Catalogue.load().rules)


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
