# What one does with flsec. `make help`, or `make` alone, lists it.
#
# Every target that needs the environment (.venv) makes it first, and makes it
# anew only when requirements.txt changed.

SHELL := /bin/bash
.DEFAULT_GOAL := help
# The environment comes first, whatever -j says.
.NOTPARALLEL:

BIN := .venv/bin
TOOLS := .tools
EXP ?= quickstart
ARGS ?=
RUN ?= $(patsubst %/,%,$(firstword $(shell ls -td runs/*/ 2>/dev/null)))
PORT ?= 6006
BENCHMARK ?=
# Of `make reproduce`: see `flsec list experiments`.
PAPER ?=
TABLE ?=
PROFILE ?= full
# Processes of `make test`, 2 GB each; 0 runs the tests in one, for a debugger.
WORKERS ?= 2
PARALLEL = -n $(WORKERS) --dist loadgroup --no-loadscope-reorder
CODE := flsec tests benchmarks scripts examples .ci
ADD := $(BIN)/python -m pip --disable-pip-version-check -qq install --no-deps \
  --require-hashes --only-binary :all: -r

CONFIG = $(firstword $(filter %.yaml,$(wildcard \
  experiments/$(EXP).yaml experiments/$(EXP) $(EXP))))
EXPERIMENTS = $(patsubst experiments/%.yaml,%,$(sort \
  $(shell find experiments -name '*.yaml' ! -name catalogue.yaml)))
BENCHMARKS = $(patsubst benchmarks/%.py,%,$(sort \
  $(shell grep -l 'if __name__' benchmarks/[a-z]*.py)))

export PYTHON
# A folder shared/data beside the checkout holds data sets for several of them.
ifneq ($(wildcard ../shared/data),)
export FLSEC_DATA_DIR ?= $(abspath ../shared/data)
endif

.PHONY: help
help: ## List the targets
	@echo 'make TARGET [VARIABLE=value ...]'
	@echo
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-14s %s\n", $$1, $$2}' \
	  $(firstword $(MAKEFILE_LIST))
	@echo
	@echo 'ARGS="..." goes to the command that a target runs, as in'
	@echo '  make experiment EXP=quickstart ARGS="--set=server.aggregator=krum"'
	@echo 'PYTHON=... names the Python (3.9 to 3.11) of a new environment.'

.PHONY: setup
setup: environment ## Make the environment in .venv, if it is not there
	@echo "The environment is ready: .venv, $$($(BIN)/python --version)."

.PHONY: setup-gpu
setup-gpu: environment ## Add the CUDA libraries for NVIDIA GPUs to it
	@$(ADD) requirements-gpu.txt
	@$(BIN)/flsec doctor

.PHONY: setup-cluster setup-loggers
setup-cluster: environment ## Add Dask, for sweeps on many machines, to it
	@$(ADD) requirements-cluster.txt

setup-loggers: environment ## Add Weights & Biases and MLflow to it
	@$(ADD) requirements-loggers.txt

.PHONY: experiment
experiment: known-experiment environment ## Run experiments/EXP.yaml (default: quickstart)
	@$(BIN)/flsec run --config=$(CONFIG) $(ARGS)

.PHONY: reproduce
reproduce: environment ## Run TABLE of PAPER, ours beside the print (PROFILE=small)
	@$(BIN)/flsec reproduce $(PAPER) $(TABLE) --size=$(PROFILE) $(ARGS)

.PHONY: list
list: environment ## List attacks, rules, pruners, data sets, ...
	@$(BIN)/flsec list $(ARGS)

.PHONY: report
report: environment ## Write the report of RUN (default: the newest in runs/)
	@$(BIN)/flsec report $(RUN) $(ARGS)

.PHONY: tensorboard
tensorboard: environment ## Show runs/ in TensorBoard at PORT (default: 6006)
	@$(BIN)/tensorboard --logdir runs --port $(PORT) $(ARGS)

.PHONY: doctor
doctor: environment ## Check Python, packages, devices, data and disk
	@$(BIN)/flsec doctor $(ARGS)

.PHONY: test
test: environment ## Run the tests, all but the slow ones, in WORKERS processes
	@$(BIN)/python -m pytest -q $(PARALLEL) $(ARGS)

.PHONY: test-slow
test-slow: environment ## Run the slow tests
	@$(BIN)/python -m pytest -q $(PARALLEL) -m slow $(ARGS)

.PHONY: faults
faults: environment ## Try odd inputs (ARGS="--minutes=30 --kills=100 --disks=20")
	@$(BIN)/python tests/faults/campaign.py $(ARGS)

.PHONY: long-runs
long-runs: environment ## Look for what grows in 1,000 rounds and in 100 cells
	@$(BIN)/python tests/faults/long_runs.py $(ARGS)

.PHONY: mutants
mutants: environment ## Put 200 faults into rules, attacks, ... for tests to notice
	@$(BIN)/python tests/faults/mutants.py $(ARGS)

.PHONY: check
check: environment ## Check format and style, as CI does
	@$(BIN)/ruff format --quiet --diff $(CODE)
	@$(BIN)/ruff check --quiet $(CODE)
	@echo 'Format and style are fine.'

.PHONY: types
types: tools ## Check the types of what programs see of flsec
	@PYTHONPATH=$(TOOLS) $(BIN)/python -m mypy --cache-dir $(TOOLS)/.mypy_cache

.PHONY: docs
docs: tools ## Make the API reference in build/docs from the docstrings
	@PYTHONPATH=$(TOOLS) TF_CPP_MIN_LOG_LEVEL=3 $(BIN)/python \
	  scripts/make_reference.py build/docs

.PHONY: format
format: environment ## Format the code
	@$(BIN)/ruff format $(CODE)
	@$(BIN)/ruff check --fix $(CODE)

.PHONY: benchmark
benchmark: known-benchmark environment ## Time a round, or run benchmarks/BENCHMARK.py
	@$(BIN)/python -m benchmarks$(addprefix .,$(BENCHMARK)) $(ARGS)

.PHONY: results
results: environment ## Run what docs/results.md tells of, and write its tables
	@$(BIN)/python scripts/results.py $(ARGS)

.PHONY: dist
dist: environment ## Build wheel and sdist into dist/, the same bytes every time
	@$(BIN)/python scripts/make_dist.py

.PHONY: check-install
check-install: environment ## Run BUILD.md's recipes from empty environments
	@$(BIN)/python scripts/check_install.py $(ARGS)

.PHONY: lock
lock: ## Renew the locks from requirements*.in (needs uv and network)
	@command -v uv >/dev/null || { echo 'Install uv first: pipx install uv' >&2; exit 1; }
	uv pip compile --quiet --universal --python-version 3.9 --generate-hashes \
	  --override requirements-override.txt --custom-compile-command 'make lock' \
	  requirements.in -o requirements.txt $(ARGS)
	uv pip compile --quiet --universal --python-version 3.9 --generate-hashes \
	  --custom-compile-command 'make lock' \
	  requirements-gpu.in -o requirements-gpu.txt $(ARGS)
	uv pip compile --quiet --universal --python-version 3.9 --generate-hashes \
	  --custom-compile-command 'make lock' \
	  requirements-tools.in -o requirements-tools.txt $(ARGS)
	for name in cluster loggers; do \
	  uv pip compile --quiet --universal --python-version 3.9 \
	    --generate-hashes --constraint requirements.txt \
	    --custom-compile-command 'make lock' \
	    requirements-$$name.in -o requirements-$$name.txt $(ARGS) || exit; \
	done

# Beside the environment: they want newer packages than TFF takes.
.PHONY: tools
tools: environment
	@cmp -s requirements-tools.txt $(TOOLS)/made-from || { rm -rf $(TOOLS) && \
	  mkdir $(TOOLS) && \
	  $(BIN)/python -m pip --disable-pip-version-check -qq install --no-deps \
	  --require-hashes --only-binary :all: --target $(TOOLS) \
	  -r requirements-tools.txt && \
	  cp requirements-tools.txt $(TOOLS)/made-from; }

.PHONY: clean
clean: ## Remove what tools leave behind; runs, data and .venv stay
	@rm -rf build dist *.egg-info .pytest_cache .ruff_cache
	@find . \( -path ./.venv -o -path ./runs -o -path ./data \) -prune -o \
	  -name __pycache__ -prune -exec rm -rf {} +

.PHONY: clean-all
clean-all: clean ## Remove the environment, too; runs and data stay
	@rm -rf .venv $(TOOLS)

.PHONY: environment
environment:
	@scripts/make_environment.sh

# Refused before the environment is made.
.PHONY: known-experiment known-benchmark
known-experiment:
	@$(if $(CONFIG),:,echo 'There is no experiments/$(EXP).yaml. EXP is one of:' \
	  '$(EXPERIMENTS)' >&2; exit 2)

known-benchmark:
	@$(if $(filter-out $(BENCHMARKS),$(BENCHMARK)),echo 'There is no benchmark' \
	  '$(BENCHMARK). BENCHMARK is one of: $(BENCHMARKS)' >&2; exit 2,:)
