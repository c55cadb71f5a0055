# Everything a newcomer needs: `make demo`, `make test`. Each target installs what it needs into .venv.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
CONSTRAINTS ?= --constraint constraints.txt# leave it empty for another torch: make CONSTRAINTS= demo
NPM := $(shell command -v npm)
FRONT := $(if $(NPM),node_modules/.installed)
NO_NPM = echo "no npm (Node.js 20 or newer): scripts, styles and templates of the page are not looked at"
GPU_PYTHON ?= python3# the one whose torch knows the GPU; nothing is installed
TWO := OMP_NUM_THREADS=1# two processes of one thread: more would wait for one another
INSTALL := $(BIN)/pip install --quiet --disable-pip-version-check $(CONSTRAINTS)

.PHONY: help demo test test-thorough test-ci test-all check format docs wheel try-wheel bench gpu clean
.DEFAULT_GOAL := help

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "%-15s%s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(VENV)/.core ## train on the digits that ship with Loupe and write a report
	$(BIN)/loupe train digits

test: $(VENV)/.dev $(FRONT) ## run the fast tests, on two processes
	$(TWO) $(BIN)/pytest -n 2 --dist loadgroup

test-thorough: $(VENV)/.dev $(FRONT) ## run what `test` leaves out: every network and recipe, processes, the browser
	$(TWO) $(BIN)/pytest -n 2 --dist loadgroup -m '(thorough or browser) and not slow and not gpu'

test-ci: $(VENV)/.dev $(FRONT) ## run both at once, as CI does: what several tests share is trained once
	$(TWO) $(BIN)/pytest -n 2 --dist loadgroup -m 'not slow and not gpu'

test-all: $(VENV)/.dev $(FRONT) ## run all tests, the slow ones too
	$(BIN)/pytest -m 'not gpu'

check: $(VENV)/.dev $(FRONT) ## check format, lint, types and the direction of imports
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	@$(if $(NPM),npm run --silent check,$(NO_NPM))

format: $(VENV)/.dev $(FRONT) ## bring the code into the house format
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
	@$(if $(NPM),npm run --silent format,$(NO_NPM))

docs: $(VENV)/.docs ## build the documentation into build/docs
	$(BIN)/sphinx-build -W --keep-going -q docs build/docs
	@echo "documentation: build/docs/index.html"

wheel: $(VENV)/.core ## build the wheel into dist/
	rm -f dist/loupe_bench-*.whl
	$(BIN)/pip wheel --quiet --disable-pip-version-check --no-deps --wheel-dir dist .

try-wheel: wheel ## install the wheel into an empty environment elsewhere, and train on the digits there
	tools/try_wheel.sh $(PYTHON) $(CONSTRAINTS)

bench: $(VENV)/.core ## measure an epoch against the usual way (needs LOUPE_DATA)
	$(BIN)/python bench/epoch_against_dataloader.py

gpu: ## carry out everything that waits for a GPU, in twelve minutes (needs LOUPE_DATA; see docs/benchmarks.md)
	$(GPU_PYTHON) bench/on_gpu.py --minutes 12 --out on-gpu

clean: ## remove the environment and everything built
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache node_modules

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Loupe needs Python 3.11 or newer; got $$($(PYTHON) --version). Next: make PYTHON=python3.12 demo"; exit 1; }
	$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); exit 1; }

# torch first and by itself: under the constraint, so that no other build of it is taken
$(VENV)/.core: $(VENV)/bin/python pyproject.toml constraints.txt
	@echo "installing Loupe into $(VENV) (torch is large: a minute or more)"
	$(INSTALL) torch
	$(INSTALL) --editable .
	@touch $@

$(VENV)/.dev: $(VENV)/.core
	$(INSTALL) --editable '.[dev]'
	@touch $@

$(VENV)/.docs: $(VENV)/.core
	$(INSTALL) --editable '.[docs]'
	@touch $@

node_modules/.installed: package.json package-lock.json
	@npm ci --silent --no-fund --no-audit && touch $@ \
	  || { rm -rf node_modules; echo "npm could not install what looks at the page's scripts: their tests are skipped"; }
