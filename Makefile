# Everything that people and CI run. `make help` lists it.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help
.PHONY: help demo test lint format bench bench-save evasion quality fuzz schemas tables clean

help:  ## List the tasks
	@grep -hE '^[a-z-]+:.*  ## ' $(MAKEFILE_LIST) | awk -F ':.*  ## ' '{printf "%-10s %s\n", $$1, $$2}'

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

# pip builds the core through our build backend; cargo and pip both skip what is up to date.
.PHONY: install
install: $(BIN)/python
	$(BIN)/python -m pip install --quiet .

demo: install  ## Install into .venv and check three prompts
	$(BIN)/python -m promptward.cli demo

test: $(BIN)/python  ## Install the test extras, run cargo test and pytest
	$(BIN)/python -m pip install --quiet '.[test]'
	cargo test --quiet --locked
	$(BIN)/python -m pytest -q

lint: $(BIN)/python  ## rustfmt, clippy, ruff, mypy
	$(BIN)/python -m pip install --quiet '.[lint]'
	cargo fmt --all --check
	cargo clippy --quiet --locked --workspace --all-targets -- -D warnings
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

clean:  ## Remove what builds leave
	rm -rf target $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache
