# SPDX-License-Identifier: EUPL-1.2
"""The documents speak of things that exist: symbols, tests, targets, dependencies."""

from __future__ import annotations

import importlib
import re
import tomllib

import pytest

from tests.support import tree
from tests.support.opa import OPA_VERSION

SYMBOL_LINE = re.compile(r"^- `([a-z_]+(?:\.\w+)+)(?:\(\))?` — \S")
TEST_REFERENCE = re.compile(r"tests/[\w/]+\.py(?:::\w+)?")
PROMISES = tuple(f"P{number}" for number in range(1, 11))


def _text(name: str) -> str:
    return (tree.ROOT / name).read_text(encoding="utf-8")


def _resolves(dotted: str) -> bool:
    """Whether `package.module.Class.member` can be imported and looked up."""
    parts = dotted.split(".")
    for length in range(len(parts), 0, -1):
        try:
            found: object = importlib.import_module(".".join(parts[:length]))
        except ModuleNotFoundError:
            continue
        for name in parts[length:]:
            annotations = getattr(found, "__annotations__", {})
            if not hasattr(found, name):
                return name == parts[-1] and name in annotations
            found = getattr(found, name)
        return True
    return False


def test_every_symbol_of_one_request_exists() -> None:
    """docs/one-request.md lists its symbols as "- `dotted.name` — text"; each resolves."""
    symbols = [
        match.group(1)
        for line in _text("docs/one-request.md").splitlines()
        if (match := SYMBOL_LINE.match(line))
    ]
    assert len(symbols) >= 11, "one symbol at least for each of the eleven steps"
    assert [symbol for symbol in symbols if not _resolves(symbol)] == []


@pytest.mark.parametrize(
    ("dotted", "exists"),
    [
        ("tests.support.clock.Clock.advance", True),
        ("tests.support.postgres.Cluster.port", True),
        ("tests.support.clock.Clock.rewind", False),
        ("tests.support.nothing", False),
        ("nowhere.at.all", False),
    ],
)
def test_the_symbol_check_finds_what_is_missing(dotted: str, exists: bool) -> None:  # noqa: FBT001 - pytest passes it
    """A symbol that was renamed or removed is noticed."""
    assert _resolves(dotted) is exists


def _existing_tests() -> set[str]:
    names = {name for name, _, _ in tree.all_tests()}
    return names | {name.split("::")[0] for name in names}


def test_every_test_that_a_document_names_exists() -> None:
    """A reference to a test in any document leads to a test function or file."""
    existing = _existing_tests()
    missing = [
        f"{tree.name_of(path)}: {reference}"
        for path in tree.with_suffix(".md")
        for reference in TEST_REFERENCE.findall(path.read_text(encoding="utf-8"))
        if reference not in existing and not (tree.ROOT / reference).is_file()
    ]
    assert missing == []


@pytest.mark.parametrize("promise", PROMISES)
def test_every_promise_has_a_row_that_names_its_tests(promise: str) -> None:
    """docs/promises.md has one row per promise; the row names existing tests."""
    rows = [
        line
        for line in _text("docs/promises.md").splitlines()
        if re.match(rf"\|\s*\**{promise}\b", line)
    ]
    assert len(rows) == 1, rows
    named = set(TEST_REFERENCE.findall(rows[0]))
    assert named, f"{promise} has no test"
    assert named <= _existing_tests()


def test_decision_records_are_short_numbered_and_decided() -> None:
    """Each ADR has fewer than 60 lines, a number of its own and a status."""
    records = sorted(path for path in tree.with_suffix(".md") if path.parent.name == "adr")
    numbers = [path.name[:4] for path in records]
    assert records
    assert numbers == [f"{number:04}" for number in range(1, len(records) + 1)]
    for path in records:
        text = path.read_text(encoding="utf-8")
        assert len(text.splitlines()) < 60, path.name
        assert re.search(
            r"^- Status: (?:accepted|proposed|superseded by \d{4})$", text, re.MULTILINE
        ), path.name


def test_every_dependency_has_its_reason() -> None:
    """docs/dependencies.md has a row for each declared dependency and for nothing else."""
    project = tomllib.loads(_text("pyproject.toml"))["project"]
    lines = project["dependencies"] + project["optional-dependencies"]["dev"]
    declared = {re.split(r"[\[>=]", line)[0] for line in lines} | {"hatchling"}
    explained = set(re.findall(r"^\| `([\w-]+)` \|", _text("docs/dependencies.md"), re.MULTILINE))
    assert explained == declared


def test_programs_that_are_built_here_have_one_version() -> None:
    """What scripts build is what the document and the tests name."""
    for program in ("OPA", "Regal"):
        script = _text(f"scripts/{program.lower()}.sh")
        pinned = re.search(r"^version=([\d.]+)", script, re.MULTILINE)
        assert pinned
        assert f"| {program} {pinned[1]} |" in _text("docs/dependencies.md")
    assert f"version={OPA_VERSION} " in _text("scripts/opa.sh")


def test_every_make_target_that_a_document_names_exists() -> None:
    """`make something` in a document is a target of the Makefile."""
    targets = set(re.findall(r"^([a-z][a-z-]*):", _text("Makefile"), re.MULTILINE))
    missing = [
        f"{tree.name_of(path)}: make {target}"
        for path in tree.with_suffix(".md")
        for target in re.findall(r"`make ([a-z-]+)", path.read_text(encoding="utf-8"))
        if target not in targets
    ]
    assert missing == []
    assert "demo" in targets


def test_links_between_documents_lead_somewhere() -> None:
    """A relative link in a Markdown file points to a file or directory that exists."""
    broken = [
        f"{tree.name_of(path)}: {target}"
        for path in tree.with_suffix(".md")
        for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", path.read_text(encoding="utf-8"))
        if "://" not in target and not (path.parent / target).exists()
    ]
    assert broken == []
