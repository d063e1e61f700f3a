# The two commands of the README are `make demo` and `make test`; both make their own environment first.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
PROVIDER ?= axelglobe

export PREFECT_SERVER_ANALYTICS_ENABLED = false
export DO_NOT_TRACK = 1

.PHONY: demo up test test-fast lint types lock clean

demo: $(STAMP) ## one order from start to finish against a simulated provider
	$(BIN)/python -m demo --provider $(PROVIDER)

up: $(STAMP) ## the same, kept running for you to explore; Ctrl-C ends it
	$(BIN)/python -m demo --provider $(PROVIDER) --keep

test: $(STAMP) lint types ## everything
	$(BIN)/python -m pytest -n 2 --dist loadgroup

test-fast: $(STAMP) ## what needs no Prefect server
	$(BIN)/python -m pytest -n 2 -m "not server"

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(STAMP)
	$(BIN)/mypy

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "tasking-flows needs Python 3.11 or newer; name one: make PYTHON=/path/to/python3.12 $(MAKECMDGOALS)"; exit 2; }
	$(PYTHON) -m venv $(VENV)
	PIP_CONSTRAINT=constraints.txt $(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[simulator,postgres,dev]'
	@touch $@

lock: ## renew constraints.txt (for maintainers; needs uv)
	uv pip compile --universal --python-version 3.11 --all-extras --no-header --no-annotate \
		--no-emit-index-url --no-emit-find-links pyproject.toml build-requirements.txt -o constraints.txt

clean:
	rm -rf $(VENV)
