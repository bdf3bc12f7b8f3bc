# Everything a developer does, by one word. `make` alone lists the words.

PYTHON ?= python3
VENV ?= .venv
# Two processes at once; `make test WORKERS=0` runs in one, where a debugger works.
WORKERS ?= 2
# More words for pytest: make test ARGS="-k callback -x"
ARGS ?=

BIN := $(abspath $(VENV))/bin
PIP_INSTALL := $(BIN)/python -m pip install --quiet --quiet --disable-pip-version-check
DJANGO := PYTHONPATH=$(CURDIR) DJANGO_SETTINGS_MODULE=tests.settings $(BIN)/python -m django
PYTEST := $(BIN)/pytest -n $(WORKERS) --dist load --maxschedchunk 1
MAKEMESSAGES := $(DJANGO) makemessages --add-location=file --no-wrap

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help demo install test test-postgres test-mariadb coverage check lint format types imports \
        migrations messages translations wheel clean

help: ## List these words
	@sed -n 's/^\([a-z-]*\):.*## /\1|/p' $(MAKEFILE_LIST) | while IFS='|' read -r word what; do \
		printf '  make %-14s %s\n' "$$word" "$$what"; done

demo: $(VENV)/.simulator ## Start the demonstration shop, its admin and a simulated bank
	@$(BIN)/python sandbox/demo.py $(ARGS)

install: $(VENV)/.dev ## Prepare .venv for development

test: $(VENV)/.test ## Run the tests on SQLite, those in a real browser too (ARGS=--exhaustive: every case)
	@PAYPARTS_TEST_DB=sqlite $(PYTEST) $(ARGS)

test-postgres: $(VENV)/.databases ## Run the tests on PostgreSQL (PGHOST, PGUSER ... say where)
	@PAYPARTS_TEST_DB=postgres $(PYTEST) -m "not browser" $(ARGS)

test-mariadb: $(VENV)/.databases ## Run the tests on MariaDB (MARIADB_HOST, MARIADB_USER ... say where)
	@PAYPARTS_TEST_DB=mariadb $(PYTEST) -m "not browser" $(ARGS)

coverage: $(VENV)/.test ## Run the tests and say which lines and branches none of them reached
	@PAYPARTS_TEST_DB=sqlite $(PYTEST) --cov --cov-report=term $(ARGS)

check: lint types imports migrations translations wheel test ## Run every check that needs no database server

lint: $(VENV)/.dev ## Check the style
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .

format: $(VENV)/.dev ## Put the style right where a tool can
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

types: $(VENV)/.dev ## Check the types
	@$(BIN)/mypy

imports: $(VENV)/.dev ## Check that imports go down the layers
	@$(BIN)/lint-imports --no-logo

migrations: $(VENV)/.test ## Check that no model has changed without its migration
	@$(DJANGO) makemigrations --check --dry-run

messages: $(VENV)/.test ## Collect the strings to translate, and compile the translations
	@mkdir -p wagtail_payparts/locale sandbox/locale
	@cd wagtail_payparts && $(MAKEMESSAGES) --locale=uk --locale=en --locale=ru && $(DJANGO) compilemessages
	@cd sandbox && $(MAKEMESSAGES) --locale=uk && $(DJANGO) compilemessages

translations: $(VENV)/.test ## Check that the translations are complete and compiled
	@$(BIN)/python .ci/check_translations.py

wheel: $(VENV)/.dev ## Build the wheel, install it into an empty environment and try it there
	@$(BIN)/python .ci/check_wheel.py

clean: ## Remove what these words have made
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .coverage*
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# .venv/.NAME stands for the extra NAME of pyproject.toml, installed; once older than that file it is done again.

$(VENV)/.python:
	@command -v $(PYTHON) >/dev/null || { echo "Python 3.10 or newer is needed, and there is no $(PYTHON)." \
		"Install it, or name one: make PYTHON=/path/to/python3.12 ..." >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || { echo "Python 3.10 or newer is needed," \
		"and $(PYTHON) is $$($(PYTHON) -V 2>&1). Name another one: make PYTHON=/path/to/python3.12 ..." >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "$(PYTHON) has no venv module." \
		"On Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; }
	@echo "Preparing $(VENV) ..."
	@$(PYTHON) -m venv --clear $(VENV)
	@touch $@

$(VENV)/.%: pyproject.toml setup.py | $(VENV)/.python
	@echo "Installing wagtail-payparts[$*] into $(VENV) ..."
	@$(PIP_INSTALL) --editable '.[$*]'
	@touch $@ $(includes_$*:%=$(VENV)/.%)

includes_test := simulator
includes_dev := simulator test
includes_databases := simulator test
