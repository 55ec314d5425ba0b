# SPDX-License-Identifier: EUPL-1.2
"""Reads the repository as text and as syntax, for the tests that check it against its own rules."""

from __future__ import annotations

import ast
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

PACKAGES = ("adapters", "audit", "deploy", "gateway", "keys", "policies")

_IGNORED_WITHOUT_GIT = {".git", ".venv", ".cache", "__pycache__", "node_modules"}


@cache
def files() -> tuple[Path, ...]:
    """Every file that belongs to the repository: tracked, or new and not ignored."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if listed.returncode == 0:
        names = {name for name in listed.stdout.split("\0") if name}
        found = [ROOT / name for name in names]
    else:  # an unpacked archive has no git
        found = [
            path for path in ROOT.rglob("*") if not _IGNORED_WITHOUT_GIT.intersection(path.parts)
        ]
    return tuple(sorted(path for path in found if path.is_file()))


def name_of(path: Path) -> str:
    """Path relative to the repository, with slashes."""
    return path.relative_to(ROOT).as_posix()


def with_suffix(*suffixes: str) -> Iterator[Path]:
    """The files that end with one of `suffixes`."""
    return (path for path in files() if path.suffix in suffixes)


@cache
def syntax(path: Path) -> ast.Module:
    """The parsed module."""
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def functions(module: ast.Module) -> dict[str, ast.FunctionDef | ast.AsyncFunctionDef]:
    """The functions at the top of a module, by name."""
    return {
        node.name: node
        for node in module.body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }


def all_tests() -> Iterator[tuple[str, ast.Module, ast.FunctionDef | ast.AsyncFunctionDef]]:
    """Every test as (`tests/…/test_x.py::test_y`, its module, its function)."""
    for path in with_suffix(".py"):
        if name_of(path).startswith("tests/") and path.name.startswith("test_"):
            module = syntax(path)
            for name, function in functions(module).items():
                if name.startswith("test_"):
                    yield f"{name_of(path)}::{name}", module, function
