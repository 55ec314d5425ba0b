# SPDX-License-Identifier: EUPL-1.2
"""Measure the rule engines on a rule set of full size.

``python -m policies.bench --opa PATH [--rules 73] [--rounds 2000]``

The shipped rules are copied, generated rules are added until there are as many as asked for,
OPA compiles the lot, and one decision is timed for 10 and for 40 fields, without the memo.
``regopy`` is measured too when it can be imported; it is not a dependency.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from policies.build import PACKAGE, compile_rules
from policies.bundle import DOCUMENT_FILE, WASM_FILE, Bundle
from policies.catalogue import Catalogue
from policies.engine.embedded import EmbeddedEngine
from policies.inputs import AgreementFacts, DecisionInput

SIZES: Final = (10, 40)

_GENERATED: Final = """
grants.{rule}.statute := taken.{rule} if {{
	input.declared.code_{number} == true
	azr_insufficient
}}

objections.{rule} contains "decision_missing" if not has_code_{number}

objections.{rule} contains "azr_not_exhausted" if not azr_insufficient

has_code_{number} if input.declared.code_{number} == true
"""


def full_size(folder: Path, rules: int) -> bytes:
    """Write rules and data of full size below ``folder``; return the data document."""
    shutil.copytree(PACKAGE / "rego" / "lotse", folder / "lotse")
    for test in folder.rglob("*_test.rego"):
        test.unlink()
    document = json.loads((PACKAGE / DOCUMENT_FILE).read_bytes())
    known = document["catalogue"]["rules"]
    samples = [known[name] for name in sorted(known) if known[name]["step"] in {7, 8}]
    lines = ["package lotse.exchange", "", "import future.keywords.not"]
    for number in range(rules - len(known)):
        rule = f"R{100 + number}"
        # Every fifth generated rule fits the measured request as far as its fields allow.
        twin = known["R02"] if number % 5 == 0 else samples[number % len(samples)]
        known[rule] = twin | {"step": 7 if number % 5 else 8, "human": bool(number % 2)}
        lines.append(_GENERATED.format(rule=rule, number=number))
    content = json.dumps(document, sort_keys=True).encode("ascii")
    (folder / "data.json").write_bytes(content)
    (folder / "lotse/exchange/generated.rego").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return content


def question(size: int) -> bytes:
    """Return the canonical input of a job centre that asks for ``size`` fields."""
    catalogue = Catalogue.load()
    listed = list(catalogue.rule("R02").fields)
    others = [name for name in catalogue.fields if name not in listed]
    wanted = (listed[: size - 3] + others)[:size]
    return DecisionInput(
        from_kind=catalogue.agency("ABH").id,
        to_kind=catalogue.agency("JC").id,
        purpose=catalogue.purpose("P04").id,
        trigger="on_request",
        fields=tuple(wanted),
        declared={"azr_checked": True, "reason_code": "azr_contradicts"},
        agreement=AgreementFacts(in_force=True),
    ).canonical()


def timed(
    call: Callable[[bytes], object], source: bytes, rounds: int
) -> tuple[float, float, float]:
    """Return median, 99th percentile and mean CPU time, in milliseconds.

    CPU time is the figure to compare: the others also count what else the machine does.
    """
    for _ in range(min(100, rounds)):
        call(source)
    samples = []
    cpu = time.process_time()
    for _ in range(rounds):
        start = time.perf_counter()
        call(source)
        samples.append((time.perf_counter() - start) * 1000)
    cpu = time.process_time() - cpu
    samples.sort()
    return samples[rounds // 2], samples[int(rounds * 0.99)], cpu * 1000 / rounds


def regopy_call(folder: Path) -> Callable[[bytes], object] | None:
    """Return a call into regopy's bundle path, or None when it is not installed."""
    try:
        regopy: Any = importlib.import_module("regopy")
    except ImportError:
        return None
    interpreter = regopy.Interpreter()
    interpreter.strict_built_in_errors = True
    try:
        for file in sorted(folder.rglob("*.rego")):
            interpreter.add_module(file.name, file.read_text(encoding="utf-8"))
        interpreter.add_data_json((folder / "data.json").read_text(encoding="utf-8"))
    except regopy.RegoError:
        return None
    bundle = interpreter.build(None, ["lotse/exchange/decision"])
    if not bundle.ok():
        return None

    def call(source: bytes) -> object:
        interpreter.set_input_term(source.decode("ascii"))
        return str(interpreter.query_bundle_entrypoint(bundle, "lotse/exchange/decision"))

    return call


def main(arguments: list[str] | None = None) -> int:
    """Print one line per engine and size; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m policies.bench", description=__doc__)
    parser.add_argument("--opa", default=os.environ.get("LOTSE_OPA", "opa"))
    parser.add_argument("--rules", type=int, default=73)
    parser.add_argument("--rounds", type=int, default=2000)
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        document = full_size(folder, options.rules)
        module = compile_rules(options.opa, folder)
        start = time.perf_counter()
        engine = EmbeddedEngine(Bundle.of({WASM_FILE: module, DOCUMENT_FILE: document}))
        sys.stdout.write(f"wasm: {len(module)} bytes, start {time.perf_counter() - start:.2f} s\n")
        calls: dict[str, Callable[[bytes], object] | None] = {
            engine.name: engine.evaluate,
            "regopy": regopy_call(folder),
        }
        for name, call in calls.items():
            if call is None:
                sys.stdout.write(f"{name}: not installed or does not load the rules\n")
                continue
            for size in SIZES:
                median, tail, cpu = timed(call, question(size), options.rounds)
                sys.stdout.write(
                    f"{name}: {size} fields p50 {median:.2f} ms p99 {tail:.2f} ms"
                    f" CPU {cpu:.2f} ms\n"
                )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
