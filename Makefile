# Two commands: `make run` shows it working, `make test` is the gate. Both make what they need by themselves.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
QUIX ?= build/quix-streams
# Processes that run tests side by side, each with a broker of its own; WORKERS=0 is one after the other (for --pdb).
WORKERS ?= 2
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check

.DEFAULT_GOAL := help
.PHONY: help run test docs fuzz chaos soak bench quality

help: ## Print this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

run: $(VENV)/.installed ## Install, then process a live feed on the embedded broker (options: make run ARGS="--for 60")
	$(BIN)/fraudwatch demo $(ARGS)

test: $(VENV)/.installed-test ## Install, then lint, types and tests; the real broker too where Java and Maven are
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest --numprocesses $(WORKERS) --dist loadfile $(ARGS)

docs: $(VENV)/.installed ## Write the pages of docs/ that are made from the code: commands, configuration, features
	$(BIN)/fraudwatch docs docs

fuzz: $(VENV)/.installed-test ## Fuzz for long: make fuzz RUNS=1000000 (options: TARGETS="cash log" SEED=2)
	$(BIN)/python tests/fuzz/run.py $(TARGETS) $(if $(RUNS),--runs $(RUNS)) --seed $(or $(SEED),1) --corpus build/fuzz-corpus

chaos: ## Hit workers and broker, and prove that nothing is lost: make chaos (options: SEED=1 ROUNDS=20 FAULTS=12 JSON=1)
	@$(MAKE) --no-print-directory $(VENV)/.installed-test >&2
	@$(BIN)/python tests/chaos/run.py --seed $(or $(SEED),1) --rounds $(or $(ROUNDS),20) \
		$(if $(FAULTS),--faults $(FAULTS)) $(if $(JSON),--json)

soak: ## Hold one worker under a constant load: make soak MINUTES=60 (options: RATE=2000 JSON=1)
	@$(MAKE) --no-print-directory $(VENV)/.installed-test >&2
	@$(BIN)/python tests/soak/run.py --minutes $(or $(MINUTES),30) $(if $(RATE),--rate $(RATE)) $(if $(JSON),--json)

bench: ## Measure on a quiet machine, for an hour: make bench (options: ONLY="scorers memory" JSON=1 QUICK=1)
	@$(MAKE) --no-print-directory $(VENV)/.installed-test $(QUIX)/.installed >&2
	@$(BIN)/python tests/benchmarks/run.py --quix-python $(QUIX)/bin/python \
		$(if $(ONLY),--only "$(ONLY)") $(if $(JSON),--json) $(if $(QUICK),--quick)

quality: ## Hold the gates on the labelled streams of FRAUDWATCH_DATA, minutes: make quality (options: ONLY=identity JSON=1)
	@$(MAKE) --no-print-directory $(VENV)/.installed-test >&2
	@$(BIN)/python tests/quality/run.py $(if $(ONLY),--only "$(ONLY)") $(if $(JSON),--json)

# The stamps make a second run start at once. The package is installed editable: only pyproject.toml matters.
$(VENV)/.installed: pyproject.toml $(BIN)/python
	@echo "Installing fraudwatch into $(VENV), once; this takes a minute or two."
	@$(PIP) --editable .
	@touch $@

$(VENV)/.installed-test: $(VENV)/.installed
	@echo "Installing what the tests need into $(VENV), once."
	@$(PIP) --editable '.[test]'
	@touch $@

# Quix Streams wants a confluent-kafka of its own. All else it shares with $(VENV): what is compared runs on the same
# NumPy, PyOD and msgspec. Where it cannot be had the benchmark says so, leaves it out, and it is tried again next time.
$(QUIX)/.installed: $(VENV)/.installed-test
	@echo "Installing Quix Streams into $(QUIX), once, for the benchmark."
	@$(BIN)/python -m venv --clear $(QUIX)
	@$(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))' > \
		$$($(QUIX)/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/shared.pth
	@$(QUIX)/bin/python -m pip install --quiet --disable-pip-version-check 'quixstreams>=3.20,<4' && touch $@ || \
		echo "Quix Streams could not be installed."

# Without a prerequisite: a virtual environment is made only when there is none, or when its Python is gone.
$(BIN)/python:
	@command -v $(PYTHON) > /dev/null || \
		{ echo "fraudwatch needs Python 3.11 or later, and there is no $(PYTHON) here. Name one: make PYTHON=/path/to/python3.11 …" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "fraudwatch needs Python 3.11 or later, and $(PYTHON) is $$($(PYTHON) --version 2>&1). Name another: make PYTHON=python3.11 …" >&2; exit 1; }
	@$(PYTHON) -m venv --clear $(VENV) || \
		{ rm -rf $(VENV); echo "No virtual environment could be made. On Debian and Ubuntu: apt install python3-venv" >&2; exit 1; }
