# Each target makes the virtual environment when it is missing or older than pyproject.toml and constraints.txt.
PYTHON ?= python3
WORKERS ?= 2
ARGS ?=

venv := .venv
ready := $(venv)/.ready
docs_ready := $(venv)/.docs
python := $(venv)/bin/python
# Each worker begins with its share of the files in their order: most fixtures of a module are made once.
spread := -n $(WORKERS) --dist worksteal

# Tests and validation start processes, each of which would compile all that it imports.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help validate test test-slow coverage lint format docs bench environment browser clean

help:  ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo
	@echo 'ARGS="..." is passed on: make validate ARGS="--preset full", make test ARGS="-k mnist".'
	@echo 'SGDSDE_DATA_DIR names a folder that holds mnist/; without it MNIST is downloaded once.'

validate: $(ready)  ## the main job: measure every claim and write the report to report/index.html
	$(python) -m validation $(ARGS)

test: $(ready)  ## run the tests
	$(python) -m pytest $(spread) $(ARGS)

test-slow: $(ready)  ## run the tests that take long
	$(python) -m pytest $(spread) -m slow $(ARGS)

coverage: $(ready)  ## run the tests in one process, and list the lines of the library that they do not
	$(venv)/bin/coverage run -m pytest $(ARGS)
	$(venv)/bin/coverage report

lint: $(ready)  ## check style, types and who imports whom
	$(venv)/bin/ruff check .
	$(venv)/bin/ruff format --check .
	$(venv)/bin/mypy
	$(venv)/bin/lint-imports

format: $(ready)  ## rewrite the files in the house style
	$(venv)/bin/ruff check --fix .
	$(venv)/bin/ruff format .

docs: $(docs_ready)  ## make the documentation site in docs/_build/html; ARGS="-t quick" runs no examples
	$(python) -m sphinx --fail-on-warning --keep-going --nitpicky $(ARGS) docs docs/_build/html

bench: $(ready)  ## measure speed against others, and the time before the first step
	$(python) -m bench $(ARGS)

environment: $(ready)  ## make the virtual environment only

$(ready): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo 'Python 3.11 or newer is needed; name one: make PYTHON=/path/to/python3.12' >&2; exit 2; }
	@echo 'Making $(venv) (once; one to three minutes) ...'
	@$(PYTHON) -m venv $(venv)
	@PIP_CONSTRAINT=constraints.txt PIP_BUILD_CONSTRAINT=constraints.txt \
		$(python) -m pip install --quiet --no-compile --disable-pip-version-check --editable '.[dev]'
	@touch $@

$(docs_ready): $(ready)
	@PIP_CONSTRAINT=constraints.txt PIP_BUILD_CONSTRAINT=constraints.txt \
		$(python) -m pip install --quiet --no-compile --disable-pip-version-check --editable '.[docs]'
	@touch $@

browser: $(ready)  ## install what the tests of the page need, on Debian: its Chromium, and Playwright
	apt-get install --yes --no-install-recommends chromium
	PIP_CONSTRAINT=constraints.txt $(python) -m pip install --quiet --disable-pip-version-check 'playwright>=1.40'

clean:  ## remove the virtual environment, the report, the site and what the tools left
	rm -rf $(venv) docs/_build docs/_examples docs/api docs/claims docs/examples report build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .coverage
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
