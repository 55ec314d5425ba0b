#!/usr/bin/env bash
# SPDX-License-Identifier: EUPL-1.2
# Prints the path of a Regal (linter for Rego) of the pinned version; builds it with Go when there is none.
# Exit status 3: none, and none can be built here.
set -euo pipefail
cd "$(dirname "$0")/.."

version=0.42.0
module=github.com/open-policy-agent/regal
built=.cache/bin/regal

# Not in a pipe, see scripts/opa.sh.
is_pinned() { [ -x "$1" ] && grep -qxE "Version: +$version" <<<"$("$1" version 2>/dev/null)"; }

for candidate in "${LOTSE_REGAL:-}" "$(command -v regal || true)" "$PWD/$built"; do
  if [ -n "$candidate" ] && is_pinned "$candidate"; then
    printf '%s\n' "$candidate"
    exit 0
  fi
done

if ! command -v go >/dev/null; then
  echo "regal: no Regal $version (LOTSE_REGAL, PATH, $built), and no Go to build it with" >&2
  exit 3
fi
echo "regal: building Regal $version with Go; this takes one to three minutes, once" >&2
mkdir -p .cache/bin .cache/regal-build
# A module of its own that requires exactly this version: `go install` would first ask for the list of
# all versions, which a mirror need not have. Go checks every module against the public checksum database.
printf 'module lotse.invalid/regal-build\n\ngo 1.26\n\nrequire %s v%s\n' "$module" "$version" \
  >.cache/regal-build/go.mod
# A library does not know its own version, so it is written in, as in the official builds.
if ! (
  cd .cache/regal-build
  GOWORK=off GOFLAGS="-buildvcs=false -trimpath -mod=mod" CGO_ENABLED=0 \
    go build -ldflags "-s -w -X $module/pkg/version.Version=$version" -o ../bin/regal "$module"
) >.cache/regal-build.log 2>&1; then
  tail -n 5 .cache/regal-build.log >&2
  echo "regal: Go could not build Regal $version; see .cache/regal-build.log" >&2
  exit 3
fi
is_pinned "$built" || { echo "regal: the built binary is not $version" >&2; exit 3; }
printf '%s\n' "$PWD/$built"
