# Everything that people and the CI run. `make` alone lists the targets.
#
#   PYTHON=python3.12   the Python to use (3.11 or later)
#   VENV=.venv          the folder of the virtual environment
#   ARGS="--data DIR"   more options for the sandbox, pytest or the benchmark
#   JOBS=3              how many processes run the tests: one more than cores, because some tests mostly wait
#   EVENTS=100000       how many events the benchmark's audit log has

VENV ?= .venv
JOBS ?= 3
EVENTS ?= 100000
ARGS ?=
PYTHON ?= $(shell for python in python3.11 python3; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$python; break; }; done)
UV ?= $(firstword $(wildcard $(VENV)/bin/uv) uv)

BIN := $(VENV)/bin
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check
# The lock files are complete, so pip resolves nothing: a release of tomorrow cannot get in, however old pip is.
LOCKED := $(INSTALL) --require-hashes --no-deps --requirement
CHECK := $(BIN)/python -m pip check --disable-pip-version-check || { \
	echo 'make: the packages in $(VENV) do not fit together. Run `make clean`, then try again.' >&2; exit 1; }
# A stamp for each lock file: make installs it again only after the file has changed.
RUN := $(VENV)/.run-installed
DEV := $(VENV)/.dev-installed
LOCK := pip compile --upgrade --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --no-header

# the tests start hundreds of processes of ours: where each compiles everything anew, they take minutes longer
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help venv sandbox test lint format bench bench-full bench-audit bench-lanes test-deps contract lock clean

help:  ## print this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

venv: $(DEV)  ## create the virtual environment with everything the tests need

sandbox: $(RUN)  ## run Nomatron with a simulated Slack and a simulated Nomad; open the address it prints
	@$(BIN)/nomatron sandbox $(ARGS)

test: lint  ## run what the CI runs, with fewer random calls: lint, types, import contracts, tests, minimum coverage
	$(BIN)/coverage erase
	$(BIN)/pytest -n $(JOBS) --dist loadfile --no-loadscope-reorder --durations=20 --durations-min=1 --cov --cov-report= $(ARGS)
	$(BIN)/coverage report --include='bot/domain/*,bot/operations/*' --fail-under=100
	$(BIN)/coverage report --fail-under=90

lint: $(DEV)  ## run only ruff, mypy and the import contracts
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy --explicit-package-bases bot handlers jobspec sandbox store tests bench
	$(BIN)/lint-imports

format: $(DEV)  ## format the code and fix what ruff can fix
	$(BIN)/ruff check --fix-only
	$(BIN)/ruff format

contract: $(DEV)  ## test how Nomad behaves, on the simulated Nomad or on the agent at NOMATRON_TEST_NOMAD
	$(BIN)/pytest tests/contract/nomad -n $(JOBS) $(if $(NOMATRON_TEST_NOMAD),-m nomad) $(ARGS)

bench: $(DEV)  ## measure clicks, claims, rollouts, messages and idleness, small; three minutes
	@$(BIN)/python -m bench $(ARGS)

bench-full: $(DEV)  ## the same at the sizes of the goals, for a quiet machine; a quarter of an hour; ARGS=--page keeps it
	@$(BIN)/python -m bench --full $(ARGS)

bench-audit: $(DEV)  ## time queries of a long audit log; EVENTS=1000000 for the goals in bench/README.md
	@$(BIN)/python -m bench.audit --events $(EVENTS) $(ARGS)

bench-lanes: $(DEV)  ## time what a healthy cluster and people wait for the trouble of others; some minutes
	@$(BIN)/python -m bench.lanes $(ARGS)

test-deps:  ## install chromium, chromium-driver and PostgreSQL (Debian, Ubuntu); tests that need them skip otherwise
	@if command -v chromium >/dev/null && command -v chromedriver >/dev/null && \
		ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1; then \
		echo 'chromium, chromium-driver and postgresql are already installed'; exit 0; fi; \
	command -v apt-get >/dev/null || { \
		echo 'make test-deps: this system has no apt-get. Install chromium, chromedriver and PostgreSQL with its own tools.' >&2; exit 1; }; \
	root=; if [ "$$(id -u)" != 0 ]; then command -v sudo >/dev/null || { \
		echo 'make test-deps: only root can install packages. Run it as root, or install sudo.' >&2; exit 1; }; root=sudo; fi; \
	$$root apt-get update && $$root env DEBIAN_FRONTEND=noninteractive \
		apt-get install --yes --no-install-recommends chromium chromium-driver postgresql

lock:  ## update both lock files to the newest releases (needs uv)
	@command -v $(UV) >/dev/null || { echo 'make lock: uv is not installed. Run `$(BIN)/pip install uv`.' >&2; exit 1; }
	echo 'setuptools>=77' | $(UV) $(LOCK) --output-file requirements.lock pyproject.toml -
	$(UV) $(LOCK) --output-file requirements-dev.lock --extra dev --constraint requirements.lock pyproject.toml

clean:  ## delete the virtual environment, caches and build output
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage .coverage.* htmlcov *.egg-info build

$(VENV)/bin/python:
	@test -n '$(PYTHON)' || { echo 'make: Nomatron needs Python 3.11 or later, and found none. Install it, or name it: make PYTHON=/path/to/python' >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
		package=$$($(PYTHON) -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])'); \
		echo "make: $(PYTHON) cannot create a virtual environment. On Debian and Ubuntu, run: apt-get install $$package" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(RUN): requirements.lock pyproject.toml | $(VENV)/bin/python
	$(LOCKED) requirements.lock
	$(INSTALL) --no-deps --no-build-isolation --editable .
	@# what the tests need may still be of an older lock: then the rule below updates it and checks
	@test -e $(DEV) || $(CHECK)
	@touch $@

$(DEV): requirements-dev.lock $(RUN)
	$(LOCKED) requirements-dev.lock
	@$(CHECK)
	@touch $@
