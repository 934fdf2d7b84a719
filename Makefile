# Every target sets up the environment that it needs; a new machine needs Python (3.11 or newer) and make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

CHECKS := check-ruff check-types check-imports check-spelling check-unused

.PHONY: run test soak check $(CHECKS) lock samples docs clean

run: $(READY)
	$(BIN)/icepipe run configs/arctic.yaml

test: $(READY)
	$(BIN)/python -m pytest -q -n auto

soak: $(READY)
	$(BIN)/python -m pytest -q -n auto -m soak -rP

# Takes less than a minute; `make -j check` runs the checks in parallel.
check: $(CHECKS)

check-ruff: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

check-types: $(READY)
	$(BIN)/mypy

check-imports: $(READY)
	$(BIN)/lint-imports

check-spelling: $(READY)
	$(BIN)/codespell pipeline benchmarks tests docs data configs deploy README.md CHANGELOG.md CONTRIBUTING.md

check-unused: $(READY)
	$(BIN)/vulture

samples: $(READY)
	$(BIN)/python data/samples/make.py

docs: $(READY)
	$(BIN)/icepipe schema --markdown > docs/reference/config.md
	$(BIN)/icepipe schema --rules > docs/reference/rules.md
	$(BIN)/icepipe schema --flags > docs/reference/flags.md

lock: $(READY)
	UV_CUSTOM_COMPILE_COMMAND="make lock" $(BIN)/uv pip compile --universal --python-version 3.11 --all-extras --upgrade pyproject.toml -o requirements.lock

$(READY): pyproject.toml requirements.lock
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	$(BIN)/uv pip sync --quiet --compile-bytecode --python $(BIN)/python requirements.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --editable .
	$(BIN)/python -m compileall -q pipeline
	touch $(READY)

clean:
	rm -rf $(VENV) out .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
