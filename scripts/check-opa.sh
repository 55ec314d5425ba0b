#!/usr/bin/env bash
# SPDX-License-Identifier: EUPL-1.2
# Checks the rules with OPA itself (strict compile, format, tests that reach every expression, and that the
# shipped build is up to date) and with Regal, the linter for Rego.
# Without one of the two it says so and goes on, but in CI (LOTSE_CI=1) that is a failure.
set -euo pipefail
cd "$(dirname "$0")/.."

missing() { # TOOL WHAT-IS-LEFT-OUT
  if [ "${LOTSE_CI:-}" = 1 ]; then
    echo "check: CI needs $1" >&2
    exit 1
  fi
  echo "check: no $1, so $2 left out" >&2
}

not_covered() { # reads a coverage report, prints file:row of each gap
  .venv/bin/python -c '
import json, sys
for name, file in json.load(sys.stdin)["files"].items():
    for gap in file.get("not_covered", []):
        print("no Rego test reaches", "{}:{}".format(name, gap["start"]["row"]))' | sort -u
}

if opa=$(scripts/opa.sh); then
  export LOTSE_OPA=$opa
  for folder in policies/rego deploy/opa; do
    "$opa" check --strict --v1-compatible "$folder"
    unformatted=$("$opa" fmt --list "$folder")
    if [ -n "$unformatted" ]; then
      printf 'not formatted (make fix): %s\n' "$unformatted" >&2
      exit 1
    fi
    "$opa" test --v1-compatible --fail-on-empty "$folder"
    # The report counts the tests' own lines too; 100 of all is 100 of the shipped rules.
    if ! "$opa" test --v1-compatible --coverage --threshold 100 "$folder" >/dev/null; then
      "$opa" test --v1-compatible --coverage "$folder" | not_covered >&2
      exit 1
    fi
  done
  .venv/bin/python -m policies.build --check
else
  missing OPA "compile, format, tests and build of the rules were"
fi

.venv/bin/lotse policy matrix --check >/dev/null

if regal=$(scripts/regal.sh); then
  # The configuration, with a reason for each rule that is off, is .regal/config.yaml.
  "$regal" lint --config-file .regal/config.yaml --no-color policies/rego
  "$regal" lint --config-file deploy/opa/.regal/config.yaml --no-color deploy/opa
else
  missing Regal "the lint of the rules was"
fi
