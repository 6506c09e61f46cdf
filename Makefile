# Everything a person or the CI runs. `make` alone lists the targets.
#
#   PYTHON=python3.12   another interpreter (3.11 or later)
#   VENV=.venv          where the virtual environment goes
#   ARGS="--data DIR"   words passed on to the sandbox, to pytest or to the bench
#   JOBS=2              processes for the tests
#   EVENTS=100000       how long a log the bench makes

VENV ?= .venv
JOBS ?= 2
EVENTS ?= 100000
ARGS ?=
PYTHON ?= $(shell for python in python3.11 python3; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$python; break; }; done)
UV ?= $(firstword $(wildcard $(VENV)/bin/uv) uv)

BIN := $(VENV)/bin
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check
# A stamp for each lock file: what is installed is what the file says, and is not asked for again.
RUN := $(VENV)/.run-installed
DEV := $(VENV)/.dev-installed
LOCK := pip compile --upgrade --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --no-header

.DEFAULT_GOAL := help
.PHONY: help venv sandbox test lint format bench test-deps contract lock clean

help:  ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

venv: $(DEV)  ## the virtual environment, with all that tests need

sandbox: $(RUN)  ## Nomatron with a simulated Slack and a simulated Nomad: open the address it prints
	@$(BIN)/nomatron sandbox $(ARGS)

test: lint  ## what the CI runs: lint, types, import contracts, tests, coverage floors
	$(BIN)/coverage erase
	$(BIN)/pytest -n $(JOBS) --dist worksteal --cov --cov-report= $(ARGS)
	$(BIN)/coverage report --include='bot/domain/*,bot/operations/*' --fail-under=100
	$(BIN)/coverage report --fail-under=90

lint: $(DEV)  ## ruff, mypy and the import contracts alone
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy --explicit-package-bases bot handlers jobspec sandbox store tests bench
	$(BIN)/lint-imports

format: $(DEV)  ## mend what ruff can mend
	$(BIN)/ruff check --fix-only
	$(BIN)/ruff format

contract: $(DEV)  ## what Nomad does, checked on the simulated one (or on the agent named by NOMATRON_TEST_NOMAD)
	$(BIN)/python -m tests.nomad_contract $(ARGS)

bench: $(DEV)  ## how the audit log fares when it is long; EVENTS=1000000 for the goals of bench/README.md
	@$(BIN)/python -m bench.audit --events $(EVENTS) $(ARGS)

test-deps:  ## Debian's chromium, chromium-driver and PostgreSQL, for the tests that skip without (needs root or sudo)
	@if command -v chromium >/dev/null && command -v chromedriver >/dev/null && \
		ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1; then \
		echo 'chromium, chromium-driver and postgresql are there'; exit 0; fi; \
	command -v apt-get >/dev/null || { \
		echo 'make test-deps: no apt-get here; install chromium, its chromedriver and PostgreSQL in the way of this system' >&2; exit 1; }; \
	root=; if [ "$$(id -u)" != 0 ]; then command -v sudo >/dev/null || { \
		echo 'make test-deps: run it as root, or install sudo' >&2; exit 1; }; root=sudo; fi; \
	$$root apt-get update && $$root env DEBIAN_FRONTEND=noninteractive \
		apt-get install --yes --no-install-recommends chromium chromium-driver postgresql

lock:  ## resolve both lock files anew (needs uv; installing them does not)
	@command -v $(UV) >/dev/null || { echo 'make lock: needs uv; `$(BIN)/pip install uv`' >&2; exit 1; }
	echo 'setuptools>=65' | $(UV) $(LOCK) --output-file requirements.lock pyproject.toml -
	$(UV) $(LOCK) --output-file requirements-dev.lock --extra dev --constraint requirements.lock pyproject.toml

clean:  ## take away what these targets made
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage .coverage.* htmlcov *.egg-info build

$(VENV)/bin/python:
	@test -n '$(PYTHON)' || { echo 'make: Nomatron needs Python 3.11 or later as python3.11 or python3 (or PYTHON=...)' >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
		package=$$($(PYTHON) -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])'); \
		echo "make: $(PYTHON) cannot make a virtual environment; on Debian and Ubuntu: apt-get install $$package" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(RUN): requirements.lock pyproject.toml | $(VENV)/bin/python
	$(INSTALL) --require-hashes --no-deps --requirement requirements.lock
	$(INSTALL) --no-deps --no-build-isolation --editable .
	@touch $@

$(DEV): requirements-dev.lock $(RUN)
	$(INSTALL) --require-hashes --no-deps --requirement requirements-dev.lock
	@touch $@
