# Two commands: `make run` and `make test`. Everything else is in the README.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
RUNTIME := $(VENV)/.runtime-ready
DEV := $(VENV)/.dev-ready

.PHONY: run test check bench demo lint types imports openapi docs lock clean

run: $(RUNTIME)
	@$(if $(HOST),BALLAST_HOST=$(HOST)) $(if $(PORT),BALLAST_PORT=$(PORT)) $(BIN)/python -m app.cli serve

test: $(DEV)
	$(BIN)/python -m pytest -n 2 --dist loadgroup $(PYTEST)

check: lint types imports openapi test

lint: $(DEV)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(DEV)
	$(BIN)/mypy

imports: $(DEV)
	$(BIN)/lint-imports

openapi: $(DEV)
	$(BIN)/python -m app.reference_docs --check

docs: $(DEV)
	$(BIN)/python -m app.reference_docs

bench: $(DEV)
	$(BIN)/python -m pytest tests/performance -q -s --benchmark-columns=median,rounds --timeout=900 -m bench -p no:randomly $(PYTEST)

demo: $(RUNTIME)
	@$(BIN)/python -m app.demo

# Lock files: exact versions with hashes; `make lock` after changing pyproject.toml.
lock: $(VENV)/.uv-ready
	$(BIN)/uv pip compile pyproject.toml --universal --generate-hashes --no-emit-index-url --no-header -q -o requirements/runtime.txt
	$(BIN)/uv pip compile pyproject.toml --universal --generate-hashes --no-emit-index-url --no-header -q --extra dask -c requirements/runtime.txt -o requirements/dask.txt
	$(BIN)/uv pip compile pyproject.toml --universal --generate-hashes --no-emit-index-url --no-header -q --extra dask --group dev -c requirements/runtime.txt -o requirements/dev.txt

$(VENV)/bin/python:
	@command -v uv >/dev/null 2>&1 && uv venv -q --python $(PYTHON) $(VENV) || $(PYTHON) -m venv $(VENV)

$(VENV)/.uv-ready: | $(VENV)/bin/python
	$(BIN)/python -m pip install -q uv
	@touch $@

# uv installs several times faster; pip does the same job where uv is not there.
define install
	@if command -v uv >/dev/null 2>&1; then uv pip install -q --python $(BIN)/python --require-hashes -r $(1); \
	else $(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r $(1); fi
endef

$(RUNTIME): requirements/runtime.txt | $(VENV)/bin/python
	$(call install,requirements/runtime.txt)
	@touch $@

$(DEV): requirements/dev.txt | $(VENV)/bin/python
	$(call install,requirements/dev.txt)
	@touch $@ $(RUNTIME)

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
