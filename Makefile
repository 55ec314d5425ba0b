# SPDX-License-Identifier: EUPL-1.2
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

BIN := .venv/bin
PY := $(BIN)/python
# Extra arguments, for example: make test ARGS="tests/unit -k envelope"
ARGS ?=

.PHONY: help
help: ## list the targets
	@awk 'BEGIN { FS = ":.*## " } /^[a-z-]+:.*## / { printf "  %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: setup
setup: ## create .venv from requirements.lock (nothing to do the second time)
	@scripts/setup.sh

.PHONY: setup-dev
setup-dev: ## the same with the tools for changing Lotse
	@scripts/setup.sh --dev

.PHONY: demo
demo: setup ## play all scenes between real processes; fails if one result is not the expected one
	@$(BIN)/lotse demo --once $(ARGS)

.PHONY: test
test: setup-dev ## run all tests (prepares PostgreSQL and OPA where it can)
	@scripts/postgres.sh
	@if opa=$$(scripts/opa.sh); then export LOTSE_OPA=$$opa; else test "$${LOTSE_CI:-}" != 1; fi; \
	$(PY) -m pytest $(ARGS)

.PHONY: check check-format check-lint check-types check-imports check-spelling check-policies
check: check-format check-lint check-types check-imports check-spelling check-policies ## the gate: format, lint, types, import contracts, spelling, rules

check-format: setup-dev
	@echo "check: format" && $(BIN)/ruff format --quiet --check .

check-lint: setup-dev
	@echo "check: lint" && $(BIN)/ruff check --quiet .

check-types: setup-dev
	@echo "check: types" && $(BIN)/mypy

check-imports: setup-dev
	@echo "check: imports" && $(BIN)/lint-imports --cache-dir .cache/import-linter

check-spelling: setup-dev
	@echo "check: spelling" && git ls-files -z | xargs -0 $(BIN)/codespell

check-policies: setup-dev
	@echo "check: rules" && scripts/check-opa.sh

.PHONY: fix
fix: setup-dev ## format and repair what can be repaired by itself
	@$(BIN)/ruff format --quiet .
	@$(BIN)/ruff check --quiet --fix .
	@if opa=$$(scripts/opa.sh); then $$opa fmt --write policies/rego deploy/opa; fi

.PHONY: bench
bench: setup-dev ## measure: exchanges, single decisions in both engines, memory (4 minutes)
	@scripts/postgres.sh
	@if opa=$$(scripts/opa.sh); then export LOTSE_OPA=$$opa; fi; $(PY) -m deploy.bench $(ARGS)

.PHONY: bench-large
bench-large: setup-dev ## measure with many persons, permissions and log entries
	@scripts/postgres.sh
	@$(PY) -m deploy.bench --large $(ARGS)

.PHONY: soak
soak: setup-dev ## an hour of load: does memory, latency or the log drift?
	@scripts/postgres.sh
	@$(PY) -m deploy.bench --soak $(ARGS)

.PHONY: lock
lock: setup-dev ## write the lock files anew after a change in pyproject.toml
	@scripts/lock.sh $(ARGS)

.PHONY: clean
clean: ## remove caches and the environment, not the demo's data
	@rm -rf .venv .cache .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build dist
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
