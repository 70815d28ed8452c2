# `make help` lists all targets.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
RUN ?=
CASE ?= cases/h4_duel.py
PIP := $(BIN)/python -m pip --disable-pip-version-check
# one more than there are cores, for some tests wait for queues
WORKERS ?= $(shell expr $$(env -u OMP_NUM_THREADS nproc) + 1)
GROUPS ?=
EXTRAS ?=
ROWS ?=
PEERS ?=
PARTS ?=

.PHONY: help install run test check style imports types pages bench results docs screenshots matrix dist clean

help:
	@echo "For users:"
	@echo "  make run      install, then run $(CASE); RUN=folder ARGS='--bond 1.5' are passed on"
	@echo "  make install  install into $(VENV); EXTRAS=basis-library,qiskit adds extras, PYTHON=python3.12 chooses one"
	@echo "  make clean    remove $(VENV) and built files (runs/ stays)"
	@echo "For developers:"
	@echo "  make test     the whole test suite; ARGS='tests/engines -x' is passed on to pytest"
	@echo "  make check    style, imports, types, pages: what a change must pass beside the tests"
	@echo "  make style    ruff: style, docstrings, format"
	@echo "  make imports  import-linter: imports go down"
	@echo "  make types    basedpyright"
	@echo "  make pages    the documentation, in which a warning is an error"
	@echo "  make docs     the documentation, into site/"
	@echo "  make screenshots  pictures of the documentation again; PARTS='plots run start'"
	@echo "  make bench    timings beside PennyLane lightning and PySCF; GROUPS='sector dense' PEERS=1"
	@echo "  make results  the campaigns of \"What we found\" that are not done, and its pages (half an hour to two hours)"
	@echo "  make matrix   some tests on Python 3.11 to 3.13, with newest and oldest packages; ROWS=oldest"
	@echo "  make dist     wheel and source distribution, into dist/"

$(VENV)/.made:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "qvar needs Python 3.11 or newer; say: make PYTHON=python3.11 ...")'
	$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.installed: $(VENV)/.made pyproject.toml constraints.txt
	PIP_CONSTRAINT=constraints.txt $(PIP) install --quiet --editable .
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	PIP_CONSTRAINT=constraints.txt $(PIP) install --quiet --editable '.[dev]'
	@touch $@

$(VENV)/.installed-bench: $(VENV)/.installed-dev
	PIP_CONSTRAINT=constraints.txt $(PIP) install --quiet --editable '.[bench]'
	@touch $@

install: $(VENV)/.installed
ifneq ($(EXTRAS),)
	PIP_CONSTRAINT=constraints.txt $(PIP) install --quiet --editable '.[$(EXTRAS)]'
endif

run: $(VENV)/.installed
	$(BIN)/qvar run $(CASE) $(if $(RUN),--out $(RUN)) $(ARGS)

test: $(VENV)/.installed-dev
	$(BIN)/python -m pytest -n $(WORKERS) $(ARGS)

check: style imports types pages

style: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

imports: $(VENV)/.installed-dev
	$(BIN)/lint-imports

types: $(VENV)/.installed-dev
	$(BIN)/basedpyright

pages: $(VENV)/.installed-dev
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

bench: $(VENV)/$(if $(PEERS),.installed-bench,.installed-dev)
	$(BIN)/python tests/benchmarks $(GROUPS) $(ARGS)

results: $(VENV)/.installed-dev
	PYTHONPATH=docs $(BIN)/python -m findings $(ARGS)

docs: $(VENV)/.installed-dev
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

screenshots: $(VENV)/.installed-dev
	PATH=$(CURDIR)/$(BIN):$$PATH $(BIN)/python docs/screenshots.py $(PARTS)

matrix:
	$(PYTHON) tests/matrix.py $(ROWS)

dist: $(VENV)/.installed-dev
	$(BIN)/python -m hatchling build

clean:
	rm -rf $(VENV) site build dist .pytest_cache .ruff_cache .jax_cache
