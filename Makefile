# Two commands are enough: `make train` and `make test`. Both set up .venv first; a second call installs nothing.
#   make train ARGS="model=lstm optimizer=adam"

VENV      := .venv
BIN       := $(VENV)/bin
INSTALLED := $(VENV)/.installed
READY     := $(VENV)/.ready
PIP       := $(BIN)/python -m pip install --quiet --disable-pip-version-check
ARGS      ?=
# The first interpreter that TensorFlow has wheels for; `make PYTHON=/path/to/python setup` chooses another.
PYTHON    ?= $(shell for p in python3 python3.13 python3.12 python3.11 python; do \
	"$$p" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' >/dev/null 2>&1 && echo "$$p" && break; done)

.PHONY: help setup train test test-slow bench tracking-server lint format clean
.DEFAULT_GOAL := help

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

setup: $(READY) ## create .venv and install the pinned requirements

# pip compiles what it installs to bytecode; without that, importing TensorFlow takes 20 s instead of 8.
$(INSTALLED): requirements.txt
	@[ -n "$(PYTHON)" ] || { echo "make: no Python 3.11, 3.12 or 3.13 found; name one: make PYTHON=/path/to/python setup" >&2; exit 1; }
	@echo "Setting up $(VENV), once: some minutes, 3 GB."
	$(PYTHON) -m venv --clear $(VENV)
	$(PIP) --compile -r requirements.txt
	@touch $@

# The package itself, in place: seconds, so that an edit of pyproject.toml costs no new environment.
$(READY): $(INSTALLED) pyproject.toml
	$(PIP) --no-deps --no-build-isolation -e .
	@touch $@

train: $(READY) ## train a model; ARGS="model=lstm optimizer=adam" passes choices on
	@$(BIN)/python train.py $(ARGS)

test: $(READY) ## run the test suite; ARGS="tests/test_run.py -k name" narrows it
	@$(BIN)/python -m pytest --numprocesses=auto --maxprocesses=4 --dist=worksteal $(ARGS)

test-slow: $(READY) ## train the recipes in full, and hold them to their headers, an hour and more; ARGS="-k mnist" narrows it
	@$(BIN)/python -m pytest -m full -v $(ARGS)

bench: $(READY) ## measure beside stock Keras and PyTorch, an hour and more; ARGS="lstm --repeats 3" narrows it
	@$(BIN)/python -c 'import importlib.util as u, sys; sys.exit(u.find_spec("torch") is None)' \
		|| { echo "Installing PyTorch, once."; $(PIP) --no-build-isolation -e '.[bench]'; }
	@$(BIN)/python -m benchmarks $(ARGS)

tracking-server: $(READY) ## run a tracking server on PostgreSQL; ARGS="backup=monday.tar" backs it up
	@$(BIN)/python -m zoo server $(ARGS)

lint: $(READY) ## ruff, mypy and the import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

format: $(READY) ## let ruff format and mend what it can
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean: ## remove .venv and caches; runs, data and the database stay
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache build dist
