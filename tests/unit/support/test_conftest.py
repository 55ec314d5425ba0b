# SPDX-License-Identifier: EUPL-1.2
"""The suite itself cannot pass by leaving tests out."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import part_of
from tests.support.tree import ROOT

SKIPPING = {
    "in the test": "import pytest\ndef test_it():\n    pytest.skip('the reason')\n",
    "by a mark": "import pytest\n@pytest.mark.skip(reason='the reason')\ndef test_it(): ...\n",
    "a whole module": "import pytest\npytest.skip('the reason', allow_module_level=True)\n",
}


def _run_skipping_tests(directory: Path, ci: str) -> subprocess.CompletedProcess[str]:
    for number, source in enumerate(SKIPPING.values()):
        (directory / f"test_skip_{number}.py").write_text(source, encoding="utf-8")
    return subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-p", "tests.conftest", "-c", os.devnull),
            *("-rs", "--continue-on-collection-errors", "."),
        ],
        cwd=directory,
        env={**os.environ, "LOTSE_CI": ci, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_skip_is_a_failure_in_ci(tmp_path: Path) -> None:
    """With LOTSE_CI=1 each way to skip fails the run and still shows its reason."""
    done = _run_skipping_tests(tmp_path, ci="1")
    # A mark skips during set-up, a module during collection: pytest calls both errors.
    assert "1 failed, 2 errors" in done.stdout
    assert "LOTSE_CI=1 allows no skip" in done.stdout
    assert done.stdout.count("the reason") >= len(SKIPPING)


def test_a_skip_is_allowed_and_listed_elsewhere(tmp_path: Path) -> None:
    """Without LOTSE_CI the same run does not fail, and the reasons are listed."""
    done = _run_skipping_tests(tmp_path, ci="")
    assert done.returncode == 0, done.stdout
    assert "3 skipped" in done.stdout
    assert "the reason" in done.stdout


@pytest.mark.parametrize(
    ("nodeid", "part"),
    [
        ("tests/unit/keys/test_envelope.py::test_it", "unit"),
        ("tests/attacks/test_replay.py::test_it[1]", "attacks"),
        ("tests/test_loose.py::test_it", "other"),
    ],
)
def test_time_is_counted_for_the_right_part(nodeid: str, part: str) -> None:
    """The directory below tests names the part."""
    assert part_of(nodeid) == part
