# The two commands of the README are `make demo` and `make test`; both make their own environment first, in .venv.
PROVIDER ?=
N ?= 60
SEED ?= 1
VENV := .venv
# programs are called as modules: that works under any path, however long
RUN := $(VENV)/bin/python -m
STAMP := $(VENV)/.installed

export PREFECT_SERVER_ANALYTICS_ENABLED = false
export DO_NOT_TRACK = 1
unexport PYTHONPATH PYTHONHOME PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help demo up test test-fast test-newest audit chaos chaos-points lint types reference lock clean

help: ## this list
	@echo "tasking-flows; each target makes what it needs in $(VENV) first (Python 3.11 to 3.13, about a minute, once)"
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1|\2/p' Makefile | while IFS='|' read -r what why; do \
		printf '%-18s %s\n' "$$what" "$$why"; done
	@echo "To choose the Python: make PYTHON=/path/to/python3.12 demo"

demo: $(STAMP) ## one order from plan to catalog against a simulated provider; about a minute
	@$(RUN) demo $(PROVIDER:%=--provider %)

up: $(STAMP) ## the same set-up, kept running for you to explore; Ctrl-C ends it
	@$(RUN) demo $(PROVIDER:%=--provider %) --keep

test: $(STAMP) lint types ## everything: style, types and all tests
	$(RUN) pytest -n 3 --dist loadfile --no-loadscope-reorder

test-fast: $(STAMP) ## the unit tests: what is tested without Prefect, without servers and without the simulator; seconds
	$(RUN) pytest -n 2 -p no:schemathesis --hypothesis-profile fast tests/unit

test-newest: ## all tests without servers, on the newest version of every dependency, without the lock, in an environment of its own
	@rm -rf $(VENV)-newest && "$$(.ci/find-python $(PYTHON))" -m venv $(VENV)-newest
	@$(VENV)-newest/bin/python -m pip install --quiet --disable-pip-version-check --no-input -e '.[simulator,postgres,dev]'
	$(VENV)-newest/bin/python -m pytest -n 2 -p no:schemathesis --hypothesis-profile fast tests/unit tests/integration

audit: $(STAMP) ## known vulnerabilities and licences of what is locked (for maintainers; asks the network)
	@"$$(.ci/find-python $(PYTHON))" -m venv $(VENV)-audit
	@$(VENV)-audit/bin/python -m pip install --quiet --disable-pip-version-check --no-input -r audit-requirements.txt
	$(VENV)-audit/bin/python -m pip_audit --strict --requirement constraints.txt --no-deps --disable-pip
	$(VENV)-audit/bin/python -m piplicenses --python $(VENV)/bin/python --order license --format markdown

chaos: $(STAMP) ## N orders (60), each struck by faults while servers die; SEED=1 repeats a run
	$(RUN) chaos random --orders $(N) --seed $(SEED) $(CHAOS)

chaos-points: $(STAMP) ## an order for each point of an order's life and each way to be struck there; of several captures some; hours
	$(RUN) chaos points $(CHAOS)

# Without the cache: a cached answer does not know of a module that came later, and sorts its import wrong.
lint: $(STAMP) ## style
	$(RUN) ruff check --no-cache .
	$(RUN) ruff format --check .

types: $(STAMP) ## types
	$(RUN) mypy

reference: $(STAMP) ## renew the parts of the reference pages that are made from the code
	$(VENV)/bin/python docs/reference/generate.py

# Constraints hold for what is installed and for what builds it (the second name is that of newer pips).
$(STAMP): pyproject.toml constraints.txt .ci/find-python
	@python=$$(.ci/find-python $(PYTHON)) && \
	echo "Making the environment in $(VENV) with $$("$$python" --version); about a minute" && \
	"$$python" -m venv $(VENV)
	@PIP_CONSTRAINT=constraints.txt PIP_BUILD_CONSTRAINT=constraints.txt PIP_USER=0 \
		$(RUN) pip install --quiet --disable-pip-version-check --no-input -e '.[simulator,postgres,dev]'
	@touch $@

lock: ## renew constraints.txt (for maintainers; needs uv)
	uv pip compile --universal --python-version 3.11 --all-extras --no-header --no-annotate \
		pyproject.toml build-requirements.txt -o constraints.txt

clean: ## remove the environment and the demo's images
	rm -rf $(VENV) $(VENV)-newest $(VENV)-audit archive/demo
