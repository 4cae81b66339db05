# Every target works from a fresh clone, with nothing but Python >= 3.11 and make. `make` alone lists them.
SHELL := /bin/sh
.DEFAULT_GOAL := help
.NOTPARALLEL:

PORT ?= 8000
EMPTY ?=
CLOCK ?=
N ?= 100000
NAME ?= all
ARGS ?=
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do "$$p" -c 'import sys; raise SystemExit(sys.version_info < (3, 11))' 2>/dev/null && { echo "$$p"; break; }; done)

# Modules are called through the interpreter: a script's first line cannot hold a path with spaces.
RUN_PY := .venv/bin/python
WITH_SERVERS := $(RUN_PY) -m config.runtime exec
TEST_SERVERS := $(WITH_SERVERS) --var var/test --

help: ## list the targets
	@echo "usage: make TARGET [NAME=value ...]"; echo
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)$$/  \1|\2/p' Makefile | while IFS='|' read -r name text; do printf '%-16s %s\n' "$$name" "$$text"; done

run: setup ## run everything: PORT=8000, EMPTY=1 (no demo members), CLOCK=2026-12-01T09:00+08:00 (shifted clock)
	@exec $(RUN_PY) -m config.runtime run --die-with-parent --port "$(PORT)" --clock "$(CLOCK)" $(if $(filter-out 0,$(EMPTY)),--empty)

test: setup-test ## the whole test suite on servers of its own (ARGS="tests/members -k renew" for a part)
	@$(TEST_SERVERS) $(RUN_PY) tests/run_suite.py $(ARGS)

test-dates: setup-test ## the suite at a month's last and first minute, on New Year's Eve, on 29 February (ARGS as above)
	@$(TEST_SERVERS) $(RUN_PY) -m tests.run_dates $(ARGS)

lint: setup-dev ## ruff, mypy, import contracts, templates, migrations, translations
	$(RUN_PY) -m ruff check .
	$(RUN_PY) -m ruff format --check .
	$(RUN_PY) -m mypy
	$(RUN_PY) -c 'import sys; from importlinter.cli import lint_imports_command; sys.exit(lint_imports_command())'
	$(RUN_PY) -m djlint templates --lint --quiet
	$(RUN_PY) tests/check_translations.py
	@$(TEST_SERVERS) $(RUN_PY) manage.py makemigrations --check --dry-run

messages: setup-dev ## extract the texts of code and templates into the catalogue (needs gettext), and compile it
	@$(RUN_PY) tests/check_translations.py --update

screenshots: setup-test ## every page x language x theme x width into var/screenshots, with accessibility findings
	@$(TEST_SERVERS) $(RUN_PY) tests/screenshots.py $(ARGS)

bench: setup ## benchmarks, one JSON object a line: N=1000000 members, NAME=import for one of them
	@$(WITH_SERVERS) -- $(RUN_PY) manage.py bench "$(NAME)" --members "$(N)" $(ARGS)

soak: setup-test ## the long form of the long tests
	@MOC_SOAK=1 $(TEST_SERVERS) $(RUN_PY) tests/run_suite.py $(ARGS)

check-install: need-python ## prove that a fresh clone runs: as root and as a new user, twice, after kill -9, Ctrl-C
	@exec "$(PYTHON)" tests/check_install.py $(ARGS)

clean: ## remove what the other targets made: .venv, var, caches
	@test ! -x $(RUN_PY) || $(RUN_PY) -m config.runtime clean
	rm -rf .venv var .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

lock: setup-dev ## resolve the dependencies of pyproject.toml again, with hashes
	$(RUN_PY) -m pip install --quiet pip-tools
	$(RUN_PY) -m piptools compile $(LOCK_OPTIONS) --output-file=requirements.lock pyproject.toml
	$(RUN_PY) -m piptools compile $(LOCK_OPTIONS) --extra=dev --constraint=requirements.lock --output-file=requirements-dev.lock pyproject.toml

LOCK_OPTIONS := --quiet --allow-unsafe --generate-hashes --no-emit-index-url --no-emit-find-links --no-emit-trusted-host --strip-extras

need-python:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is missing. Install it:"; echo "  sudo apt-get update && sudo apt-get install -y python3 python3-venv"; exit 1; }

setup: need-python ## only make .venv and install what running needs
	@"$(PYTHON)" config/runtime/bootstrap.py

setup-dev: need-python
	@"$(PYTHON)" config/runtime/bootstrap.py --dev

setup-test: need-python
	@"$(PYTHON)" config/runtime/bootstrap.py --dev --browser

.PHONY: help run test test-dates lint messages screenshots bench soak check-install clean lock need-python setup setup-dev setup-test
