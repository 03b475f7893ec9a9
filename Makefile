# All commands for development. CI calls the same targets.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
DATA ?= .vigil/demo

.PHONY: demo up test slow-test fuzz-api cloud-test check format bench docs pictures site web lock clean install

install: $(STAMP)

$(STAMP): requirements/dev.lock pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --require-hashes -r requirements/dev.lock
	$(BIN)/pip install --quiet --no-deps --no-build-isolation --editable .
	touch $(STAMP)

demo: $(STAMP)  ## optimise a simulated cloud and show how
	$(BIN)/vigil demo --data $(DATA)

up: $(STAMP)  ## run all roles on this machine
	$(BIN)/vigil up

test: $(STAMP)  ## all tests except slow and cloud tests
	$(BIN)/pytest -m "not slow and not cloud" -n 2 --dist worksteal -q

slow-test: $(STAMP)  ## crash, load and fuzz tests
	$(BIN)/pytest -m slow -q

fuzz-api: $(STAMP)  ## thousands of requests generated from docs/openapi.json; also part of slow-test
	$(BIN)/pytest -m slow tests/fuzz -q -s

cloud-test: $(STAMP)  ## tests with the cloud of clouds.yaml that VIGIL_TEST_CLOUD names
	$(BIN)/pytest -m cloud -q

check: $(STAMP)  ## lint, format, types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(STAMP)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(STAMP)  ## measure the figures of docs/benchmarks.md
	$(BIN)/python -m tests.benchmarks

docs: $(STAMP)  ## generate the committed pages and plots
	$(BIN)/python -m interfaces.docs
	$(BIN)/python -m tests.scenarios.plots

pictures: $(STAMP)  ## draw docs/pictures and copy the explanation in the README, from a run of the demo
	$(BIN)/python -m interfaces.demo.pictures

site: $(STAMP)  ## build the documentation as a web site: build/site
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet

web:  ## build the web view; needs Node.js
	cd interfaces/web && npm ci --ignore-scripts --no-audit --no-fund && npm run check && npm run build

lock: $(STAMP)  ## renew the locked dependencies
	$(BIN)/uv pip compile pyproject.toml --extra notifications --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header --upgrade -q -o requirements/runtime.lock
	$(BIN)/uv pip compile pyproject.toml --extra notifications --group dev --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header --upgrade -q -o requirements/dev.lock

clean:
	rm -rf $(VENV) .vigil build *.egg-info .mypy_cache .ruff_cache .pytest_cache
