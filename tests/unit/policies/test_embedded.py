# SPDX-License-Identifier: EUPL-1.2
"""The embedded engine: what it refuses to load, how it fails, what it costs in memory."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from itertools import islice
from pathlib import Path

import pytest
import wasmtime

from policies.build import PACKAGE, compile_rules, main
from policies.bundle import DOCUMENT_FILE, WASM_FILE, Bundle
from policies.catalogue import Catalogue
from policies.engine.embedded import _FUEL, EmbeddedEngine
from policies.errors import BundleInvalid, EngineFailed
from policies.generate import Inventor
from policies.model import AgreementFacts, DecisionInput, Kind, PurposeId

TEN_FIELDS = DecisionInput(
    from_kind=Kind("ABH"),
    to_kind=Kind("JC"),
    purpose=PurposeId("P04"),
    trigger="on_request",
    fields=Catalogue.load().rule("R02").fields[:10],
    declared={"azr_checked": True, "reason_code": "azr_contradicts"},
    agreement=AgreementFacts(in_force=True),
)
SOURCE = TEN_FIELDS.canonical()

_MODULE = """
(module
 (import "{importing}" "memory" (memory 2))
 (global (export "opa_wasm_abi_version") i32 (i32.const {major}))
 (global (export "opa_wasm_abi_minor_version") i32 (i32.const 3))
 (data (i32.const 1024) "{builtins}\\00")
 (data (i32.const 1100) "{{\\22{entrypoint}\\22:0}}\\00")
 (data (i32.const 2048) "{result}\\00")
 (func (export "opa_malloc") (param i32) (result i32) i32.const 8192)
 (func (export "opa_free") (param i32))
 (func (export "opa_json_parse") (param i32 i32) (result i32) i32.const {parsed})
 (func (export "opa_json_dump") (param i32) (result i32) local.get 0)
 (func (export "builtins") (result i32) i32.const 1024)
 (func (export "entrypoints") (result i32) i32.const 1100)
 (func (export "opa_heap_ptr_get") (result i32) i32.const 65536)
 (func (export "{evaluating}") (param i32 i32 i32 i32 i32 i32 i32) (result i32) {body}))
"""
_SOUND = {
    "importing": "env",
    "major": "1",
    "builtins": "{}",
    "entrypoint": "lotse/exchange/decision",
    "result": "[]",
    "parsed": "1",
    "evaluating": "opa_eval",
    "body": "i32.const 2048",
}


def _engine(**changes: str) -> EmbeddedEngine:
    module = wasmtime.wat2wasm(_MODULE.format(**(_SOUND | changes)))
    return EmbeddedEngine(Bundle.of({WASM_FILE: bytes(module), DOCUMENT_FILE: b"{}"}))


@pytest.mark.parametrize(
    "changes",
    [
        {"builtins": "{\\22http.send\\22:1}"},
        {"entrypoint": "lotse/exchange/other"},
        {"major": "2"},
        {"importing": "wasi"},
        {"parsed": "0"},
        {"evaluating": "eval_something_else"},
    ],
    ids=str,
)
def test_a_module_that_is_not_ours_does_not_load(changes: dict[str, str]) -> None:
    """Foreign built-ins, entry points, ABIs, imports and data errors stop the start."""
    with pytest.raises(BundleInvalid):
        _engine(**changes)


def test_bytes_that_are_no_module_do_not_load() -> None:
    """Damage to the compiled file stops the start."""
    with pytest.raises(BundleInvalid):
        EmbeddedEngine(Bundle.of({WASM_FILE: b"\0asm", DOCUMENT_FILE: b"{}"}))


@pytest.mark.parametrize(
    "result",
    [
        "",
        "[]",
        "{}",
        "null",
        "not json",
        "[{},{}]",
        "[{'result':{}}]",
        "[{'result':{'fields':[]}}]",
        "[{'result':{'fields':{},'allow':true}}]",
        "[{'result':{'fields':{}},'more':1}]",
        "[{'result':{'fields':{'a':'ALLOW_MIN'}}}]",
        "[{'result':{'fields':{'a':{'outcome':'ALLOW_MIN','rule':'R02'}}}}]",
        "[{'result':{'fields':{'a':{'outcome':'X','rule':'R','reason':'r','reasons':['s']}}}}]",
        "[{'result':{'fields':{'a':{'outcome':'X','rule':'R','reason':'r','reasons':['r',1]}}}}]",
        "[{'result':{'fields':{'a':{'outcome':'X','rule':'R','reason':'r','reasons':['r'],'x':1}}}}]",
    ],
)
def test_undefined_and_malformed_results_fail(result: str) -> None:
    """Everything but exactly one well-formed decision is a failure, never an empty permission."""
    engine = _engine(result=result.replace("'", "\\22"))
    with pytest.raises(EngineFailed):
        engine.evaluate(SOURCE)


@pytest.mark.parametrize(
    "body",
    ["unreachable", "(loop (br 0)) unreachable", "i32.const 0", "i32.const -1", "i32.const 131071"],
)
def test_traps_endless_loops_and_wild_addresses_fail(body: str) -> None:
    """A module that traps, never ends or points outside its memory gives no decision."""
    engine = _engine(body=body)
    for _ in range(2):
        if body == "i32.const 131071":
            with pytest.raises(EngineFailed):
                engine.evaluate(SOURCE)
            continue
        with pytest.raises(EngineFailed) as failed:
            engine.evaluate(SOURCE)
        assert failed.value.code == "trapped"


@pytest.mark.parametrize(
    "rule",
    [
        'decision := http.send({"method": "get", "url": input.url})',
        "decision := opa.runtime()",
        "decision := time.now_ns()",
        'decision := {"fields": {}} if not json.match_schema(input, {})[0]',
    ],
)
def test_rules_with_a_built_in_of_the_host_do_not_load(
    opa: Path, tmp_path: Path, rule: str
) -> None:
    """A built-in that the module lacks is refused at load, never undefined at run time."""
    (tmp_path / "lotse").mkdir()
    (tmp_path / "lotse" / "rules.rego").write_text(f"package lotse.exchange\n\n{rule}\n")
    (tmp_path / "data.json").write_text("{}")
    module = compile_rules(str(opa), tmp_path)
    with pytest.raises(BundleInvalid):
        EmbeddedEngine(Bundle.of({WASM_FILE: module, DOCUMENT_FILE: b"{}"}))


def test_a_trapped_instance_is_never_used_again() -> None:
    """After a failed evaluation the next question gets a new instance and the right answer."""
    engine = EmbeddedEngine.load()
    expected = engine.evaluate(SOURCE)
    broken = engine._instance()
    broken._eval = None  # type: ignore[assignment]  # sabotage
    with pytest.raises(EngineFailed):
        engine.evaluate(SOURCE)
    assert engine.evaluate(SOURCE) == expected
    assert engine._instance() is not broken


_GROWTH = """
import aiohttp, sqlalchemy
from itertools import islice
from policies.catalogue import Catalogue
from policies.decide import Decider
from policies.engine.embedded import EmbeddedEngine
from policies.generate import Inventor
def resident():
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * 4096
catalogue = Catalogue.load()
decider = Decider(EmbeddedEngine.load(), catalogue, memo_size=256)
inventor = Inventor(catalogue, 1)
for _, question in islice(inventor.sweep(), 0, None, 3):
    decider.decide(question)
before = resident()
for question in inventor.questions(10000):
    decider.decide(question)
print(resident() - before)
"""


@pytest.mark.slow
def test_ten_thousand_decisions_do_not_grow_the_process() -> None:
    """Different questions under all rules, the memo full: less than 1 MB, beside SQLAlchemy and aiohttp."""
    done = subprocess.run(
        [sys.executable, "-c", _GROWTH],
        capture_output=True,
        text=True,
        check=True,
        timeout=200,
        cwd=PACKAGE.parent,
    )
    assert int(done.stdout) < 1024 * 1024


_NEGATION = """package lotse.exchange
{line}
decision := {{"fields": {{"a": verdict}}}}

verdict := {{"outcome": outcome, "rule": "R73", "reason": "no_rule", "reasons": ["no_rule"]}}

default outcome := "ALLOW_MIN"

outcome := "DENY" if not data.known[input.from.kind]
"""


@pytest.mark.parametrize(
    ("line", "outcome"), [("", "ALLOW_MIN"), ("import future.keywords.not", "DENY")]
)
def test_the_import_makes_negation_over_a_missing_key_refuse(
    opa: Path, tmp_path: Path, line: str, outcome: str
) -> None:
    """Without the import OPA releases when the key is missing; with it, it refuses."""
    (tmp_path / "lotse").mkdir()
    (tmp_path / "lotse" / "rules.rego").write_text(_NEGATION.format(line=line))
    (tmp_path / "data.json").write_text('{"known":{"ABH":true}}')
    module = compile_rules(str(opa), tmp_path)
    document = (tmp_path / "data.json").read_bytes()
    engine = EmbeddedEngine(Bundle.of({WASM_FILE: module, DOCUMENT_FILE: document}))
    assert [a["outcome"] for a in engine.evaluate(b'{"fields":["a"]}')] == [outcome]


def _instructions(engine: EmbeddedEngine, source: bytes) -> int:
    engine.evaluate(source)
    return _FUEL - engine._instance()._store.get_fuel()


def test_a_decision_takes_few_instructions() -> None:
    """Ten fields take at most two million; asking for everything there is, a tenth of the limit.

    Counted by the engine, so the same on every machine; `make bench` shows what it is in time.
    """
    engine = EmbeddedEngine.load()
    assert 0 < _instructions(engine, SOURCE) < 2_000_000
    widest = islice(Inventor(Catalogue.load(), 1).sweep(), 0, None, 7)
    assert max(_instructions(engine, asked.canonical()) for _, asked in widest) < _FUEL // 10


def test_the_shipped_module_is_what_opa_makes_of_the_rules(opa: Path) -> None:
    """The compiled file and the data document are rebuilt and compared byte by byte."""
    assert main(["--opa", str(opa), "--check"]) == 0


def test_the_check_sees_a_changed_module(
    opa: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One changed byte in the compiled file or the document fails the check."""
    monkeypatch.setattr("policies.build.PACKAGE", tmp_path)
    (tmp_path / "rego").mkdir()
    (tmp_path / "rego" / "lotse").symlink_to(PACKAGE / "rego" / "lotse")
    shutil.copytree(PACKAGE / "schemas", tmp_path / "schemas")
    document = (PACKAGE / DOCUMENT_FILE).read_bytes()
    (tmp_path / DOCUMENT_FILE).write_bytes(document.replace(b"R02", b"R99", 1))
    assert main(["--opa", str(opa), "--check"]) == 1
    (tmp_path / DOCUMENT_FILE).write_bytes(document)
    module = bytearray((PACKAGE / WASM_FILE).read_bytes())
    module[-1] ^= 1
    (tmp_path / WASM_FILE).write_bytes(module)
    assert main(["--opa", str(opa), "--check"]) == 1
    assert main(["--opa", str(opa)]) == 0
    assert (tmp_path / WASM_FILE).read_bytes() == (PACKAGE / WASM_FILE).read_bytes()


def test_the_rules_pass_their_own_tests_with_full_coverage(opa: Path) -> None:
    """`opa test` passes and every expression of every rule is exercised."""
    done = subprocess.run(
        [str(opa), "test", "--coverage", "--format", "json", "rego"],
        cwd=PACKAGE,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert json.loads(done.stdout)["coverage"] == 100
