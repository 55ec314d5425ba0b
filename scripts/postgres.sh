#!/usr/bin/env bash
# SPDX-License-Identifier: EUPL-1.2
# Makes sure that PostgreSQL's programs are there for the tests, which start a temporary server themselves.
# Never fails: without it the tests skip and say why, and in CI a skip is a failure.
set -euo pipefail
cd "$(dirname "$0")/.."

for server in /usr/lib/postgresql/*/bin/postgres "$(command -v postgres || true)"; do
  if [ -x "$server" ]; then
    exit 0
  fi
done
if ! command -v apt-get >/dev/null || [ "$(id -u)" != 0 ]; then
  echo "postgres: not installed; its tests will skip. On Debian: sudo apt-get install postgresql" >&2
  exit 0
fi
echo "postgres: installing the Debian package postgresql" >&2
mkdir -p .cache
# Only the programs are wanted, not a server that starts with the machine.
if [ ! -e /etc/postgresql-common/createcluster.conf ]; then
  mkdir -p /etc/postgresql-common
  echo "create_main_cluster = false" >/etc/postgresql-common/createcluster.conf
fi
export DEBIAN_FRONTEND=noninteractive
{ apt-get install -y --no-install-recommends postgresql ||
  { apt-get update && apt-get install -y --no-install-recommends postgresql; }; } >.cache/postgres-install.log 2>&1 ||
  echo "postgres: apt-get could not install it (see .cache/postgres-install.log); its tests will skip" >&2
