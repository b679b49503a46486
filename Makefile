# Trestle. `make up` starts it, `make test` tests it; both set up what they need. `make help` lists the rest.

MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := help

# Any Python from 3.11 to 3.14 will do; PYTHON=… chooses another.
supported = $(shell $(1) -c 'import sys; print("yes" if (3, 11) <= sys.version_info < (3, 15) else "no")' 2>/dev/null)
PYTHON ?= $(firstword $(foreach python,python3 python3.14 python3.13 python3.12 python3.11,$(if $(filter yes,$(call supported,$(python))),$(python))))

VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
LOCKS := deploy/requirements
CODE := trestle backend executor web

# Tests wait a lot: for processes to start, for leases to end. Files are shared out among one worker more than there are cores, each with
# servers of its own; tests/order.py says who takes which.
PARALLEL := --numprocesses auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder

# uv uses this Python, and never fetches another one.
export UV_PYTHON_DOWNLOADS := never
export PYTHONDONTWRITEBYTECODE :=

.PHONY: help up seed test check format bench chaos migrate revision node build lock chromium clean

help: ## list these targets
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

up: build ## start everything on this machine; Ctrl-C stops it, the data stays
	@$(BIN)/python -m trestle up

seed: $(INSTALLED) ## put sample workflows into a running Trestle, to be triggered at once
	@$(BIN)/python -m trestle seed

test: build chromium ## run every test, with real servers, processes and a real browser
	@$(BIN)/python -m pytest $(PARALLEL) $(ARGS)

check: $(INSTALLED) ## formatting, lint, types and the import arrows
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy $(CODE) tests
	@$(BIN)/lint-imports

format: $(INSTALLED) ## put the code into its form, and mend what ruff can mend
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

bench: $(INSTALLED) ## measure throughput, latency, memory and start-up on this machine
	@$(BIN)/python -m tests.bench $(ARGS)

chaos: $(INSTALLED) ## break it on purpose, and count what that costs (ARGS="storm --seed 7" runs a part)
	@$(BIN)/python -m tests.chaos $(ARGS)

migrate: $(INSTALLED) ## bring the database's tables up to date (DATABASE_URL, else the embedded database)
	@$(BIN)/python -m trestle migrate

revision: $(INSTALLED) ## write a migration from what changed in the models: make revision MESSAGE="add a column"
	@test -n "$(MESSAGE)" || { echo 'Say what changes: make revision MESSAGE="add a column"' >&2; exit 2; }
	@$(BIN)/python -m trestle migrate --revision "$(MESSAGE)"

node: $(INSTALLED) ## write the file of a new node: make node NAME=text.shout
	@test -n "$(NAME)" || { echo 'Give it a name: make node NAME=text.shout' >&2; exit 2; }
	@$(BIN)/python -m trestle node "$(NAME)"

build: $(INSTALLED) ## build the front end, when it has changed
	@$(BIN)/python -m web.build

lock: $(INSTALLED) ## choose the newest allowed versions again and write every lock file
	@$(BIN)/python deploy/lock.py

chromium: ## find Chromium for the browser tests, or install it
	@sh tests/chromium.sh

clean: ## remove what was built and cached; data in .trestle stays
	rm -rf $(VENV) .build .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache artifacts
	find $(CODE) alembic tests -name __pycache__ -prune -exec rm -rf {} +

# The environment: made once, renewed when a lock changes. uv is hash-pinned like everything else, and then installs the rest in seconds.
$(INSTALLED): requirements.lock $(LOCKS)/uv.lock
	@test -n "$(PYTHON)" || { echo "Python 3.11, 3.12, 3.13 or 3.14 is needed, and none was found: install one, or name it with PYTHON=…" >&2; exit 1; }
	@echo "Setting up Python packages (a minute at the first time)"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); \
		echo "Python's venv module is incomplete: on Debian and Ubuntu, install the package python3-venv" >&2; exit 1; }
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(BIN)/python -m ensurepip >/dev/null
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement $(LOCKS)/uv.lock
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes --requirement requirements.lock
	@touch $(INSTALLED)
