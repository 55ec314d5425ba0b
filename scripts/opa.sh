#!/usr/bin/env bash
# SPDX-License-Identifier: EUPL-1.2
# Prints the path of an OPA binary of the pinned version; builds it with Go when there is none.
# Exit status 3: none, and none can be built here.
set -euo pipefail
cd "$(dirname "$0")/.."

version=1.21.3 # the first with GHSA-g2pf-6v5v-qcc8 repaired; also in tests/support/opa.py
built=.cache/bin/opa

# Not in a pipe: grep would leave at the first line, and OPA would end with an error while it still writes.
is_pinned() { [ -x "$1" ] && grep -qx "Version: $version" <<<"$("$1" version 2>/dev/null)"; }

for candidate in "${LOTSE_OPA:-}" "$(command -v opa || true)" "$PWD/$built"; do
  if [ -n "$candidate" ] && is_pinned "$candidate"; then
    printf '%s\n' "$candidate"
    exit 0
  fi
done

if ! command -v go >/dev/null; then
  echo "opa: no OPA $version (LOTSE_OPA, PATH, $built), and no Go to build it with" >&2
  exit 3
fi
echo "opa: building OPA $version with Go; this takes some minutes, once" >&2
mkdir -p .cache/bin
# Go checks the module against the public checksum database.
if ! GOBIN="$PWD/.cache/bin" GOFLAGS="-buildvcs=false -trimpath" CGO_ENABLED=0 \
  go install "github.com/open-policy-agent/opa@v$version" >.cache/opa-build.log 2>&1; then
  tail -n 5 .cache/opa-build.log >&2
  echo "opa: Go could not build OPA $version; see .cache/opa-build.log" >&2
  exit 3
fi
is_pinned "$built" || { echo "opa: the built binary is not $version" >&2; exit 3; }
printf '%s\n' "$PWD/$built"
