# Everything that people and CI run. `make help` lists it.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
DATA ?=
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help
.PHONY: help demo test lint format bench evasion quality fuzz schemas tables clean

help:  ## List the tasks
	@grep -hE '^[a-z]+:.*  ## ' $(MAKEFILE_LIST) | awk -F ':.*  ## ' '{printf "%-9s %s\n", $$1, $$2}'

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

demo: $(BIN)/python  ## Install into .venv and check three prompts
	$(BIN)/python -m pip install --quiet .
	$(BIN)/promptward demo

test: $(BIN)/python  ## Install the test extras, run cargo test and pytest
	$(BIN)/python -m pip install --quiet '.[test]'
	cargo test --quiet --locked
	$(BIN)/python -m pytest --quiet

lint: $(BIN)/python  ## rustfmt, clippy, ruff, mypy, schemas up to date
	$(BIN)/python -m pip install --quiet '.[test,lint]'
	cargo fmt --all --check
	cargo clippy --quiet --locked --workspace --all-targets -- -D warnings
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/python scripts/generate_schemas.py --check

format: $(BIN)/python  ## Format Rust and Python
	$(BIN)/python -m pip install --quiet '.[lint]'
	cargo fmt --all
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

bench: $(BIN)/python  ## Criterion and pytest-benchmark over the same corpus files
	$(BIN)/python -m pip install --quiet '.[test]'
	cargo bench --locked --package promptward-core
	$(BIN)/python -m pytest --benchmark-enable benches/test_speed.py

evasion: $(BIN)/python  ## Share of attacks still found under each disguise and encoding (DATA=folder of JSONL, else the rules' examples)
	$(BIN)/python -m pip install --quiet .
	$(BIN)/python benches/evasion.py $(DATA)

quality: $(BIN)/python  ## Recall and false alarms of the rules on labelled JSONL (DATA=folder)
	$(BIN)/python -m pip install --quiet .
	$(BIN)/python benches/quality.py $(DATA)

schemas: $(BIN)/python  ## Write the published JSON Schemas anew
	$(BIN)/python -m pip install --quiet .
	$(BIN)/python scripts/generate_schemas.py

tables:  ## Write the Unicode folding table anew
	cargo run --quiet --release --locked --package promptward-tables > unicode.tsv.new
	mv unicode.tsv.new python/promptward/data/unicode.tsv

fuzz:  ## Each fuzz target for a minute (needs a nightly toolchain and cargo-fuzz)
	for target in $$(cargo +nightly fuzz list); do cargo +nightly fuzz run $$target -- -max_total_time=60 -max_len=4096 || exit 1; done

clean:  ## Remove what builds leave
	rm -rf target fuzz/target $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache
