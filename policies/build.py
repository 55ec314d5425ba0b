# SPDX-License-Identifier: EUPL-1.2
"""Compile the rules: ``python -m policies.build [--opa PATH] [--check]``.

Writes ``policies/rego/data.json`` and the schemas of a case and its answer (derived from
``policies/data``) and ``policies/rego/exchange.wasm``; the same sources and the same OPA give the
same bytes.
With ``--check`` nothing is written and a difference is an error (exit 1).
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Final

from policies.bundle import DOCUMENT_FILE, WASM_FILE
from policies.case_schema import schema_files
from policies.catalogue import Catalogue
from policies.document import document_bytes
from policies.engine.base import ENTRYPOINT

PACKAGE: Final = Path(__file__).parent


def compile_rules(opa: str, rego: Path) -> bytes:
    """Return the module that OPA makes of the rules below ``rego``.

    OPA writes source positions into the module; it therefore runs inside the folder, so that
    no path of this machine becomes part of the result.

    Raises:
        subprocess.CalledProcessError: OPA refused the rules.
    """
    with tempfile.TemporaryDirectory() as scratch:
        bundle = Path(scratch) / "bundle.tar.gz"
        command = [opa, "build", "-t", "wasm", "-e", ENTRYPOINT]
        command += ["--ignore", "*_test.rego", "-o", str(bundle), "lotse", "data.json"]
        subprocess.run(command, cwd=rego, check=True)  # noqa: S603 - the given OPA, fixed arguments
        with tarfile.open(bundle) as archive:
            member = archive.extractfile("/policy.wasm")
            if member is None:
                raise FileNotFoundError("/policy.wasm")
            return member.read()


def derived_files(catalogue: Catalogue) -> dict[str, bytes]:
    """Return every file of the package that is derived from the catalogue alone, by its path."""
    schemas = schema_files(catalogue)
    files = {f"schemas/{name}": content for name, content in schemas.items()}
    return {DOCUMENT_FILE: document_bytes(catalogue), **files}


def main(arguments: list[str] | None = None) -> int:
    """Build or check; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m policies.build", description=__doc__)
    parser.add_argument(
        "--opa",
        default=os.environ.get("LOTSE_OPA", "opa"),
        help="path of the OPA executable; default LOTSE_OPA, then PATH",
    )
    parser.add_argument("--check", action="store_true", help="compare, write nothing")
    options = parser.parse_args(arguments)
    module_target = PACKAGE / WASM_FILE
    for name, content in derived_files(Catalogue.load()).items():
        target = PACKAGE / name
        if not options.check:
            target.write_bytes(content)
        elif target.read_bytes() != content:
            sys.stderr.write(f"{name} is not what the catalogue gives\n")
            return 1
    module = compile_rules(options.opa, PACKAGE / "rego")
    if not options.check:
        module_target.write_bytes(module)
    elif module_target.read_bytes() != module:
        sys.stderr.write(f"{WASM_FILE} is not what the rules give\n")
        return 1
    sys.stdout.write(f"{'checked' if options.check else 'built'}: {len(module)} bytes\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
