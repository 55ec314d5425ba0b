# SPDX-License-Identifier: EUPL-1.2
"""`lotse-verify` as somebody types it: exit status, plain sentences, JSON, progress, no other library."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
import sys
from base64 import b64encode
from pathlib import Path

import pytest
from typer.testing import CliRunner

from audit import cli, verify
from audit.checkpoint import log_key
from audit.checks import verify_receipt
from audit.reader import LogReader
from tests.support.processes import ROOT
from tests.unit.audit.samples import (
    ORIGIN,
    InsecureLogSigner,
    append,
    database,
    sqlite_url,
    writer,
)

VKEY = log_key(ORIGIN, InsecureLogSigner()).to_text()


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with a log of 20 entries, its first and last receipt, a proof and an export."""
    directory = tmp_path_factory.mktemp("log")
    with database(sqlite_url(directory)) as engine:
        with writer(engine) as opened:
            texts = append(opened, 5) + append(opened, 15)
        texts.sort(key=lambda text: verify_receipt(text, VKEY).index)
        sizes = [verify_receipt(text, VKEY).size for text in (texts[0], texts[-1])]
        proof = LogReader(engine).consistency(*sizes)
    (directory / "first.tlog-proof").write_text(texts[0], encoding="utf-8")
    (directory / "last.tlog-proof").write_text(texts[-1], encoding="utf-8")
    coded = [b64encode(item).decode() for item in proof]
    (directory / "proof.txt").write_text("\n".join(coded), encoding="ascii")
    (directory / "proof.json").write_text(json.dumps({"proof": coded}), encoding="ascii")
    (directory / "policy").write_text(f"log {VKEY}\nquorum none\n", encoding="utf-8")
    url = sqlite_url(directory)
    done = CliRunner().invoke(cli.app, ["export", str(directory / "export"), "--database-url", url])
    assert done.exit_code == 0, done.output
    assert "20 entries" in done.output
    return directory


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    """Run the command in this process."""
    status = verify.main([str(argument) for argument in arguments])
    said = capsys.readouterr()
    return status, said.out, said.err


def test_a_receipt_that_holds(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit 0 and one sentence, with a key and with a policy file."""
    for trust in (("--log-key", VKEY), ("--policy", log / "policy")):
        status, out, err = run(capsys, "receipt", log / "first.tlog-proof", *trust)
        assert (status, err) == (0, "")
        assert out.startswith("The receipt holds: entry 0 (access.requested, permit, 2026-")


def test_a_receipt_under_another_key(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit 1."""
    other = log_key(ORIGIN, InsecureLogSigner(3)).to_text()
    status, out, err = run(capsys, "receipt", log / "first.tlog-proof", "--log-key", other)
    assert (status, out) == (1, "")
    assert err == "Does not hold: no trusted key signed this note.\n"


def test_what_cannot_be_checked(
    log: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit 2: no file, no receipt, no key, a directory that is no export, binary rubbish."""
    (tmp_path / "rubbish").write_bytes(b"\xff\xfe")
    receipt = log / "first.tlog-proof"
    cases: list[tuple[object, ...]] = [
        ("receipt", tmp_path / "missing", "--log-key", VKEY),
        ("receipt", log / "policy", "--log-key", VKEY),
        ("receipt", tmp_path / "rubbish", "--log-key", VKEY),
        ("receipt", receipt, "--log-key", "not a key"),
        ("receipt", receipt),
        ("receipt", receipt, "--policy", receipt),
        ("log", tmp_path),
        ("log", tmp_path, "--log-key", VKEY),
        ("consistency", receipt, log / "last.tlog-proof", "--log-key", VKEY),
    ]
    for case in cases:
        status, out, err = run(capsys, *case)
        assert (status, out) == (2, ""), case
        assert err.startswith("Cannot be checked: ")


def test_a_whole_log_that_holds(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit 0; it contains what was seen before; without a key of one's own there is a warning."""
    status, out, _ = run(
        capsys, "log", log / "export", "--log-key", VKEY, "--seen", log / "first.tlog-proof"
    )
    assert status == 0
    assert f"The log {ORIGIN} holds: all 20 entries are what was signed, 20 details match" in out
    status, out, _ = run(capsys, "log", log / "export")
    assert status == 0
    assert out.startswith("Warning: the key was taken from the export itself")


def test_one_changed_byte_in_the_database_is_named(
    log: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit 1 and the index and id of the entry, as a sentence and as JSON."""
    shutil.copyfile(log / "log.db", tmp_path / "log.db")
    with sqlite3.connect(tmp_path / "log.db") as hand:
        hand.execute("DROP TRIGGER audit_entry_no_update")
        (leaf,) = hand.execute("SELECT leaf FROM audit_entry WHERE idx = 12").fetchone()
        entry_id = json.loads(leaf)["id"]
        edited = leaf.replace(b'"P04"', b'"P05"')
        hand.execute("UPDATE audit_entry SET leaf = ? WHERE idx = 12", (edited,))
    hand.close()
    target = tmp_path / "export"
    CliRunner().invoke(cli.app, ["export", str(target), "--database-url", sqlite_url(tmp_path)])
    status, _, err = run(capsys, "log", target, "--log-key", VKEY)
    assert status == 1
    assert err == f"Does not hold: Entry 12 (id {entry_id}) was changed after it was signed.\n"
    status, out, _ = run(capsys, "log", target, "--log-key", VKEY, "--json")
    said = json.loads(out)
    assert (status, said["verdict"]) == (1, "tampered")
    assert (said["findings"][0]["index"], said["findings"][0]["id"]) == (12, entry_id)


def test_consistency(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A proof from the gateway or the export itself shows that the log only grew; backwards it does not."""
    first, last = log / "first.tlog-proof", log / "last.tlog-proof"
    trust = ("--log-key", VKEY)
    for way in (
        (last, "--proof", log / "proof.txt"),
        (last, "--proof", log / "proof.json"),
        (log / "export",),
    ):
        status, out, _ = run(capsys, "consistency", first, *way, *trust)
        assert status == 0
        assert "continues" in out
    status, _, err = run(capsys, "consistency", last, first, *trust)
    assert status == 1
    assert "truncated or rolled back" in err


def test_json_of_a_receipt(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Programs get the leaf and the place."""
    status, out, _ = run(capsys, "receipt", log / "first.tlog-proof", "--log-key", VKEY, "--json")
    said = json.loads(out)
    assert (status, said["verdict"], said["index"]) == (0, "holds", 0)
    assert said["leaf"]["purpose"] == "P04"


def test_a_long_check_says_how_far_it_is(
    log: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """After two seconds there is progress on standard error; here the patience is set to nothing."""
    monkeypatch.setattr(verify, "PROGRESS_AFTER_SECONDS", 0.0)
    monkeypatch.setattr(verify, "PROGRESS_EVERY_SECONDS", 0.0)
    status, _, err = run(capsys, "log", log / "export", "--log-key", VKEY)
    assert status == 0
    assert err == "Checked 20 of 20 entries (100 %).\n"


def test_the_verifier_runs_where_nothing_but_cryptography_is_installed(log: Path) -> None:
    """With every other library blocked at import, receipt and log are still checked."""
    program = """
import sys
class Blocker:
    def find_spec(self, name, path=None, target=None):
        top = name.partition(".")[0]
        allowed = {"audit", "cryptography", "cffi", "_cffi_backend", "_openssl"} | set(sys.stdlib_module_names)
        if top not in allowed:
            raise ImportError("blocked: " + name)
        return None
sys.meta_path.insert(0, Blocker())
from audit.verify import main
key, directory = sys.argv[1:]
first = main(["receipt", directory + "/first.tlog-proof", "--log-key", key])
second = main(["log", directory + "/export", "--log-key", key])
sys.exit(first or second)
"""
    command = [sys.executable, "-c", program, VKEY, str(log)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("holds") == 2


def test_export_into_a_used_directory_is_refused(log: Path) -> None:
    """Nothing is overwritten; a database that cannot be read is reported without its URL."""
    used = CliRunner().invoke(cli.app, ["export", str(log), "--database-url", sqlite_url(log)])
    assert used.exit_code == 2
    secret = "postgresql://lotse:sesame@127.0.0.1:1/none"
    gone = CliRunner().invoke(cli.app, ["export", str(log / "other"), "--database-url", secret])
    assert gone.exit_code == 2
    assert "sesame" not in gone.output
