# Everything a user needs: `make run`, `make test`; for developers: `make check`, `make bench`, `make docs`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
RUN ?=
CASE ?= cases/h4_duel.py
PIP := $(BIN)/python -m pip --disable-pip-version-check
# one more than there are cores, for some tests wait for queues
WORKERS ?= $(shell expr $$(env -u OMP_NUM_THREADS nproc) + 1)
GROUPS ?=
PEERS ?=

.PHONY: help install run test check bench results docs clean

help:
	@echo "make run     install, then run $(CASE); RUN=folder ARGS='--bond 1.5' are passed on"
	@echo "make test    install, then the whole test suite"
	@echo "make check   linter, types, import floors, documentation"
	@echo "make bench   timings beside PennyLane lightning and PySCF (twenty minutes); GROUPS='sector dense' PEERS=1"
	@echo "make results run the campaigns of \"What we found\" that are not done, and write its pages (two hours)"
	@echo "make docs    build the documentation into site/"
	@echo "make clean   remove the environment and built files (runs/ stays)"

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

run: $(VENV)/.installed
	$(BIN)/qvar run $(CASE) $(if $(RUN),--out $(RUN)) $(ARGS)

test: $(VENV)/.installed-dev
	$(BIN)/python -m pytest -n $(WORKERS) $(ARGS)

check: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/basedpyright
	$(BIN)/lint-imports
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

bench: $(VENV)/$(if $(PEERS),.installed-bench,.installed-dev)
	$(BIN)/python tests/benchmarks $(GROUPS) $(ARGS)

results: $(VENV)/.installed-dev
	$(BIN)/python -m findings $(ARGS)

docs: $(VENV)/.installed-dev
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

clean:
	rm -rf $(VENV) site build dist .pytest_cache .ruff_cache .jax_cache
