# Two commands for users: make demo, make test. Each creates .venv by itself and is quick when it is there.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DONE := $(VENV)/.installed

.PHONY: demo test lint types unit browser test-slow test-real docs bench clean

demo: $(DONE)
	$(BIN)/groundglass demo -o demo

test: lint types unit

$(DONE): pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt torch
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[dev]"
	touch $(DONE)

lint: $(DONE)
	$(BIN)/ruff check
	$(BIN)/ruff format --check

types: $(DONE)
	$(BIN)/mypy

# A process for each core, and one thread for each process: trainings of tests are too small to share.
unit: $(DONE) browser
	OMP_NUM_THREADS=1 $(BIN)/pytest -n auto --dist loadfile --cov --cov-report=term

# The page people click in is tested in Debian's Chromium; where it cannot be installed those tests are skipped.
browser:
	@command -v chromium > /dev/null || { test "$$(id -u)" = 0 && apt-get update -qq && apt-get install -y -qq chromium; } \
		> /dev/null 2>&1 || echo "no chromium here: the browser tests are skipped"

test-slow: $(DONE)
	$(BIN)/pytest -m slow

# Needs the folder of the public datasets: make test-real GROUNDGLASS_DATA=/path/to/data
test-real: $(DONE)
	GROUNDGLASS_DATA=$(GROUNDGLASS_DATA) $(BIN)/pytest -m real_data

docs: $(DONE)
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[docs]"
	$(BIN)/mkdocs build --strict

# Needs medseg100 (COVID-SemiSeg): make bench MEDSEG100=/path/to/medseg100
bench: $(DONE)
	$(BIN)/groundglass bench table2 --root $(MEDSEG100)
	$(BIN)/groundglass bench table7 --root $(MEDSEG100)
	$(BIN)/groundglass bench throughput
	$(BIN)/groundglass bench lcfcn-loss

clean:
	rm -rf $(VENV) demo runs .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage
