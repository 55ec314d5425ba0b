#!/usr/bin/env bash
# SPDX-License-Identifier: EUPL-1.2
# Checks the rules with OPA itself: strict compile, format, tests, and that the shipped build is up to date.
# Without OPA it says so and passes, but in CI (LOTSE_CI=1) that is a failure.
set -euo pipefail
cd "$(dirname "$0")/.."

if ! opa=$(scripts/opa.sh); then
  if [ "${LOTSE_CI:-}" = 1 ]; then
    echo "check: CI needs OPA" >&2
    exit 1
  fi
  echo "check: the Rego checks were left out" >&2
  exit 0
fi
export LOTSE_OPA=$opa
"$opa" check --strict --v1-compatible policies/rego
unformatted=$("$opa" fmt --list policies/rego)
if [ -n "$unformatted" ]; then
  printf 'not formatted (make fix): %s\n' "$unformatted" >&2
  exit 1
fi
"$opa" test --v1-compatible policies/rego
.venv/bin/python -m policies.build --check
