# SPDX-License-Identifier: EUPL-1.2
"""The rules that every file of this repository keeps; CONTRIBUTING.md explains them."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from itertools import pairwise

import pytest

from tests.support import tree

MAX_LINES = 300

LONG_FILES: dict[str, str] = {}
"""Files over 300 lines that are meant to be so, each with its reason."""

# Written in pieces, so that this file passes its own test.
FORBIDDEN_TEXTS = {
    "a path of one machine": re.compile(
        r"(?<![\w.])/(?:wo" + r"rk|ro" + r"ot|ho" + r"me/\w+|tmp/lo" + r"tse|opt/wh" + r"eels)/"
    ),
    "the address of a package registry": re.compile(
        r"pypi\.(?:org|python)|pythonhosted\.|npm" + r"js\.|proxy\.gol" + r"ang|index-u" + r"rl *="
    ),
    "a private key": re.compile("BEGIN (?:EC |RSA |ENCRYPTED |)PRIVATE" + " KEY"),
}

VAGUE_NAMES = {"utils", "util", "helpers", "helper", "common", "manager", "misc"}

CHECKING_NAME = re.compile(r"^_?(?:assert|check|expect|must|refuse|reject)")


def _pyproject() -> dict[str, object]:
    return tomllib.loads((tree.ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def _pins(lock: str) -> dict[str, str]:
    text = (tree.ROOT / lock).read_text(encoding="utf-8")
    return dict(re.findall(r"^([a-z0-9][a-z0-9._-]*)==(\S+)", text, re.MULTILINE))


def test_every_python_file_names_its_licence_first() -> None:
    """The first line of each .py file is the SPDX line."""
    expected = "# SPDX-License-Identifier: EUPL-1.2"
    missing = [
        tree.name_of(path)
        for path in tree.with_suffix(".py")
        if not path.read_text(encoding="utf-8").startswith(f"{expected}\n")
    ]
    assert missing == []


def test_files_can_be_read_in_one_sitting() -> None:
    """No code file is longer than 300 lines unless the table says why, and the table is not stale."""
    long = {
        tree.name_of(path)
        for path in tree.with_suffix(".py", ".rego", ".sh")
        if len(path.read_text(encoding="utf-8").splitlines()) > MAX_LINES
    }
    assert long - LONG_FILES.keys() == set(), "split these"
    assert LONG_FILES.keys() - long == set(), "these are short again: remove them from the table"


@pytest.mark.parametrize("what", FORBIDDEN_TEXTS)
def test_no_file_names(what: str) -> None:
    """Nothing that holds only on one machine, and no secret, is in any text file."""
    found = []
    for path in tree.files():
        if path.suffix in {".wasm", ".png", ".db", ".ico"}:
            continue
        for number, line in enumerate(
            path.read_text(encoding="utf-8", errors="replace").splitlines(), start=1
        ):
            if FORBIDDEN_TEXTS[what].search(line):
                found.append(f"{tree.name_of(path)}:{number}")
    assert found == []


def test_the_search_for_forbidden_texts_finds_them() -> None:
    """The patterns above match what they are for, so an empty result means something."""
    samples = {
        "a path of one machine": "see /" + "root/notes",
        "the address of a package registry": "https://pypi" + ".org/simple",
        "a private key": "-----BEGIN PRIVATE" + " KEY-----",
    }
    for what, sample in samples.items():
        assert FORBIDDEN_TEXTS[what].search(sample), what


def test_no_module_has_a_vague_name() -> None:
    """A module is named after what it holds."""
    vague = [tree.name_of(path) for path in tree.with_suffix(".py") if path.stem in VAGUE_NAMES]
    assert vague == []


def _can_fail(function: ast.AST, module: ast.Module, seen: frozenset[str] = frozenset()) -> bool:
    """Whether a test checks anything: an assertion that is not constant, directly or in what it calls."""
    local = tree.functions(module)
    for node in ast.walk(function):
        if isinstance(node, ast.Assert) and not isinstance(node.test, ast.Constant | ast.Tuple):
            return True
        if not isinstance(node, ast.Call):
            continue
        called = node.func.attr if isinstance(node.func, ast.Attribute) else ""
        called = node.func.id if isinstance(node.func, ast.Name) else called
        if called in {"raises", "fail", "warns"} or CHECKING_NAME.match(called):
            return True
        if (
            called in local
            and called not in seen
            and _can_fail(local[called], module, seen | {called})
        ):
            return True
    return False


def test_every_test_says_what_it_proves() -> None:
    """Each test function has a docstring."""
    silent = [name for name, _, function in tree.all_tests() if not ast.get_docstring(function)]
    assert silent == []


def test_every_test_can_fail() -> None:
    """Each test function asserts something, itself or through a function beside it."""
    toothless = [
        name for name, module, function in tree.all_tests() if not _can_fail(function, module)
    ]
    assert toothless == []


@pytest.mark.parametrize(
    ("body", "can_fail"),
    [
        ("pass", False),
        ("assert True", False),
        ("assert (1 == 2, 'always true')", False),
        ("print('ran')", False),
        ("assert answer() == 1", True),
        ("check_it()", True),
        ("local()", True),
        ("quiet()", False),
    ],
)
def test_the_search_for_toothless_tests_finds_them(body: str, can_fail: bool) -> None:  # noqa: FBT001 - pytest passes it
    """A planted test without an assertion is seen, one with an assertion is not."""
    source = f"def local():\n assert x == 1\ndef quiet():\n pass\ndef test_it():\n {body}\n"
    module = ast.parse(source)
    assert _can_fail(tree.functions(module)["test_it"], module) is can_fail


EXCEPTION = re.compile(r"#\s*(?:noqa|type:\s*ignore)\b.*$")
EXCEPTION_WITH_REASON = re.compile(
    r"# noqa: [A-Z]+\d+(?:, ?[A-Z]+\d+)* [-–] \w|# type: ignore\[[a-z, -]+\]  # \w"
)


def test_every_exception_to_a_rule_has_a_reason() -> None:
    """Each `noqa: X - why`, `type: ignore[x]  # why` and each ignored ruff rule says why."""
    found = []
    for path in tree.with_suffix(".py"):
        if path.name == "test_house_rules.py":
            continue
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
            comment = EXCEPTION.search(line)
            if comment and not EXCEPTION_WITH_REASON.match(comment.group()):
                found.append(f"{tree.name_of(path)}:{number}")
    text = (tree.ROOT / "pyproject.toml").read_text(encoding="utf-8")
    found += [
        line for line in text.splitlines() if re.match(r'  "[A-Z]+\d+",', line) and "#" not in line
    ]
    assert found == []


def test_both_lock_files_agree() -> None:
    """What is tested is what runs: each runtime pin stands in the dev lock with the same version."""
    runtime, dev = _pins("requirements.lock"), _pins("requirements-dev.lock")
    assert runtime
    assert {name: dev.get(name) for name in runtime} == runtime


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-dev.lock"])
def test_every_locked_package_has_hashes(lock: str) -> None:
    """A lock file holds pins with SHA-256 hashes and nothing else that pip would obey."""
    lines = (tree.ROOT / lock).read_text(encoding="utf-8").splitlines()
    obeyed = [line for line in lines if line and not line.lstrip().startswith("#")]
    for line, after in pairwise(obeyed):
        if "==" in line:
            assert "--hash=sha256:" in after, line
    allowed = re.compile(r"[a-z0-9][a-z0-9._-]*==\S+ \\$|    --hash=sha256:[0-9a-f]{64}(?: \\)?$")
    assert [line for line in obeyed if not allowed.match(line)] == []


IMPORT_NAMES = {"opa-python-client": "opa_client", "psycopg": "psycopg", "pyjwt": "jwt"}
"""Distributions whose import name is not their own."""


def test_the_auditors_contract_names_every_dependency() -> None:
    """The import contract of `audit.verify` forbids each runtime dependency but `cryptography`."""
    project = _pyproject()["project"]
    assert isinstance(project, dict)
    declared = {re.split(r"[\[>=]", line)[0] for line in project["dependencies"]} - {"cryptography"}
    text = (tree.ROOT / "pyproject.toml").read_text(encoding="utf-8")
    contract = text.split('source_modules = ["audit.verify"]')[1].split("]")[0]
    forbidden = set(re.findall(r'"([\w.]+)"', contract))
    assert {IMPORT_NAMES.get(name, name) for name in declared} == forbidden


def test_the_verifier_loads_nothing_but_cryptography() -> None:
    """Importing `audit.verify` in a new process loads the standard library, cryptography and itself."""
    program = (
        "import sys; before = set(sys.modules); import audit.verify; "
        "print(*sorted({name.split('.')[0] for name in set(sys.modules) - before}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tree.ROOT, capture_output=True, text=True, check=True
    )
    loaded = set(done.stdout.split()) - set(sys.stdlib_module_names)
    # cffi and its compiled part belong to cryptography.
    assert loaded - {"audit", "cryptography", "cffi", "_cffi_backend", "_openssl"} == set()
    assert "audit" in loaded
