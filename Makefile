# Everything a fresh machine needs is a target here. PYTHON chooses the interpreter: make setup PYTHON=python3.12
PYTHON ?= python3
LOCK_FLAGS ?=

BIN := .venv/bin
ROOMS := activities client domain providers sandbox storage telemetry web worker workflows

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup demo demo-crash test tools check up bench lock clean FORCE

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' Makefile

setup: .venv/installed ## make .venv with the locked packages and Outrider, and obtain the Temporal CLI
	@$(BIN)/python -m client.temporal_cli

demo: .venv/installed ## a whole campaign on this machine, from a goal to delivered mail; nothing leaves it
	@$(BIN)/python -m sandbox.demo

demo-crash: .venv/installed ## kill the worker with -9 in the middle of sending, and count what came of it
	@$(BIN)/python -m sandbox.demo_crash

test: check tools ## everything CI runs: the checks, then all tests against the installed Outrider
	@$(BIN)/pytest

tools: .venv/installed ## build the collector, Jaeger and promtool that tests run: with Go, once, about 7 minutes
	@$(BIN)/python tests/support/go_tools.py

check: setup ## style, types and the direction of imports
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy
	@$(BIN)/lint-imports

up: setup ## start the local stack: Temporal, worker, web and inbox
	@$(BIN)/outrider up

bench: setup ## measure what benchmarks/RESULTS.md says
	@$(BIN)/python benchmarks/run.py

lock: .venv/packages ## write both locks anew from pyproject.toml (newest versions: LOCK_FLAGS=--upgrade)
	@$(BIN)/uv pip compile --quiet --universal --generate-hashes --all-extras --group dev --no-header $(LOCK_FLAGS) \
		pyproject.toml --output-file requirements.lock
	@echo 'hatchling>=1.27' | $(BIN)/uv pip compile --quiet --universal --generate-hashes --all-extras --no-header \
		--constraint requirements.lock pyproject.toml - --output-file deploy/requirements.lock

clean: ## remove the environment and caches in this directory; data (.outrider) and the Temporal CLI stay
	@rm -rf .venv .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache dist
	@find $(ROOMS) benchmarks tests -name __pycache__ -prune -exec rm -rf {} + 2>/dev/null || true

# The packages follow the lock.
.venv/packages: requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo 'Outrider needs Python 3.11 or newer, and $(PYTHON) is not. Name one that is: make setup PYTHON=python3.12' >&2; \
		exit 2; }
	@echo 'Installing the Python packages of requirements.lock into .venv: up to a minute, about 400 MB.'
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps --requirement $<
	@touch $@

# Outrider itself is installed as everybody else gets it: a wheel, no link to this directory.
.venv/installed: .venv/packages .venv/sources
	@echo 'Installing Outrider into .venv.'
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --force-reinstall .
	@touch $@

# A check sum for every source file. It changes when one is edited, added, moved or deleted, and only then.
.venv/sources: FORCE | .venv/packages
	@find $(ROOMS) pyproject.toml README.md LICENSE -type f ! -name '*.pyc' -exec cksum {} + | LC_ALL=C sort > $@.new
	@if cmp -s $@.new $@; then rm $@.new; else mv $@.new $@; fi
