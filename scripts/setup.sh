#!/usr/bin/env bash
# SPDX-License-Identifier: EUPL-1.2
# Creates .venv from a hashed lock file and installs Lotse into it, editable.
#   scripts/setup.sh         what running Lotse needs (requirements.lock)
#   scripts/setup.sh --dev   what changing Lotse needs (requirements-dev.lock, which contains the former)
# A second run with the same lock file does nothing. PYTHON=/path/to/python chooses the interpreter.
set -euo pipefail
cd "$(dirname "$0")/.."

kind=runtime lock=requirements.lock
if [ "${1:-}" = "--dev" ]; then
  kind=dev lock=requirements-dev.lock
fi
stamp=.venv/.lotse-stamp
log=.cache/setup.log
mkdir -p .cache

say() { printf '%s\n' "$*" >&2; }
fail() { say "setup: $*"; exit 1; }

# The place is part of the stamp: a virtual environment does not survive being moved.
fingerprint() { cat "$1" pyproject.toml scripts/setup.sh <(pwd -P) | sha256sum | cut -d' ' -f1; }

is_done() {
  [ -x .venv/bin/python ] && [ -f "$stamp" ] && grep -qxF "$kind $(fingerprint "$lock")" "$stamp"
}

usable() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; }

find_python() {
  local candidate
  for candidate in ${PYTHON:+"$PYTHON"} python3.11 python3 python3.12 python3.13; do
    if command -v "$candidate" >/dev/null && usable "$candidate"; then
      command -v "$candidate"
      return
    fi
  done
  return 1
}

# Debian ships `venv` without `ensurepip`, which lives in a package of its own.
can_make_venv() { "$1" -c 'import ensurepip, venv' >/dev/null 2>&1; }

install_debian() {
  say "setup: installing the Debian packages $*"
  export DEBIAN_FRONTEND=noninteractive
  apt-get install -y --no-install-recommends "$@" >>"$log" 2>&1 ||
    { apt-get update >>"$log" 2>&1 && apt-get install -y --no-install-recommends "$@" >>"$log" 2>&1; }
}

need_debian() {
  local why=$1
  shift
  if command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
    install_debian "$@" || fail "$why, and apt-get could not install: $* (see $log)"
  else
    fail "$why. On Debian: sudo apt-get install $*"
  fi
}

# Turns pip's chatter into one line that counts; everything is in the log.
progress() {
  local total=$1 tty=0
  [ -t 2 ] && tty=1
  tee -a "$log" | awk -v total="$total" -v tty="$tty" '
    /^Collecting / { n++; if (tty) printf "\r  %d of %d  %-40.40s", n, total, $2; else if (n % 10 == 0) printf "  %d of %d\n", n, total; fflush() }
    /^Installing collected/ { if (tty) printf "\r  %-50s", "unpacking"; else print "  unpacking"; fflush() }
    END { if (tty) printf "\r%-60s\r", "" }' >&2
}

if is_done; then
  exit 0
fi

# Two runs at once (two terminals) take turns; the second then finds everything done.
exec 9>.cache/setup.lock
if command -v flock >/dev/null; then
  flock 9
  if is_done; then
    exit 0
  fi
fi

: >"$log"
python=$(find_python) || {
  need_debian "Lotse needs Python 3.11 or newer" python3 python3-venv
  python=$(find_python) || fail "the installed Python is older than 3.11"
}
can_make_venv "$python" || need_debian "Python has no ensurepip" python3-venv
can_make_venv "$python" || fail "$python cannot make virtual environments"

rm -f "$stamp"
if ! .venv/bin/python -m pip --version >/dev/null 2>&1; then
  say "setup: creating .venv with $("$python" --version)"
  rm -rf .venv
  "$python" -m venv .venv >>"$log" 2>&1 || { tail -n 5 "$log" >&2; fail "could not create .venv"; }
fi

say "setup: installing from $lock (every file is checked against its hash)"
total=$(grep -c '==' "$lock")
export PIP_DISABLE_PIP_VERSION_CHECK=1
if ! .venv/bin/python -m pip install --no-input --progress-bar off --require-hashes -r "$lock" 2>&1 | progress "$total"; then
  grep -E 'ERROR|error:' "$log" | tail -n 5 >&2 || true
  fail "pip could not install $lock; the whole output is in $log"
fi
.venv/bin/python -m pip install --no-input --quiet --no-deps --no-build-isolation --editable . >>"$log" 2>&1 ||
  { tail -n 5 "$log" >&2; fail "could not install Lotse itself; see $log"; }

{
  printf '%s %s\n' "$kind" "$(fingerprint "$lock")"
  # The dev lock contains the runtime lock, so it serves both.
  if [ "$kind" = dev ]; then
    printf 'runtime %s\n' "$(fingerprint requirements.lock)"
  fi
} >"$stamp"
say "setup: ready"
