#!/usr/bin/env bash
# SPDX-License-Identifier: EUPL-1.2
# Writes requirements.lock and requirements-dev.lock from pyproject.toml. Versions that are locked stay;
#   scripts/lock.sh --upgrade   takes the newest of everything
#   scripts/lock.sh --upgrade-package NAME
# No address of any package index goes into the files.
set -euo pipefail
cd "$(dirname "$0")/.."
export CUSTOM_COMPILE_COMMAND="make lock"

compile() {
  .venv/bin/pip-compile --quiet --generate-hashes --allow-unsafe --strip-extras --no-emit-options \
    --no-emit-index-url --no-emit-find-links --no-emit-trusted-host --build-deps-for editable "$@" pyproject.toml
}
compile "$@" --output-file requirements.lock
compile "$@" --extra dev --constraint requirements.lock --output-file requirements-dev.lock
