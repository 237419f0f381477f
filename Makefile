# Two commands do everything on a machine with Python 3.11+ and make: `make demo` and `make test`.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.DEFAULT_GOAL := help
.PHONY: help demo test test-all test-quick test-lab bench lint format docs clean

help:  ## print these targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

$(VENV)/installed-run: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("emobatch needs Python 3.11 or newer: make PYTHON=python3.12 ...") if sys.version_info < (3, 11) else None'
	@echo "Installing into $(VENV), which takes a minute"
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable .
	touch $@

$(VENV)/installed-dev: $(VENV)/installed-run
	$(BIN)/python -m pip install --quiet --editable '.[train,mtcnn,pretrained,s3]' --group dev
	touch $@

demo: $(VENV)/installed-run  ## install, run a short built-in clip, print the path of its report
	$(BIN)/emobatch demo --out out/demo

test: lint  ## install everything; lint, types and tests on all cores
	$(BIN)/python -m pytest -n logical --dist loadfile

test-all: lint  ## the same with the tests that are slow
	$(BIN)/python -m pytest -n logical --dist loadfile -m 'not lab'

test-quick: $(VENV)/installed-dev  ## tests without training and browser
	$(BIN)/python -m pytest -m 'not training and not browser and not slow and not lab'

test-lab: $(VENV)/installed-dev  ## networks of the literature at their full size; takes minutes and some GB
	$(BIN)/python -m pytest -m lab

bench: $(VENV)/installed-dev  ## speed against a bare decoder: make bench FOOTAGE=folder WORK=folder
	$(BIN)/python -m benchmarks.speed $(FOOTAGE) $(WORK)

lint: $(VENV)/installed-dev  ## ruff and mypy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(VENV)/installed-dev  ## mend the layout of the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

docs: $(VENV)/installed-run  ## print the tables of docs/data-dictionary.md as the schema has them
	@$(BIN)/python -m analytics.schema

clean:  ## remove the environment and all outputs
	rm -rf $(VENV) out .pytest_cache .mypy_cache .ruff_cache
