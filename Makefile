# Everything one does with a checkout. `make help` lists the targets.

PYTHON ?= python3
VENV ?= .venv
PYTEST_ARGS ?=
BENCH ?=

BIN := $(VENV)/bin
# uv is faster where it is there; venv and pip do the same where it is not.
UV := $(shell command -v uv 2>/dev/null)
# Trust the certificates that the machine trusts, as pip does; older versions know the second name.
export UV_SYSTEM_CERTS ?= true
export UV_NATIVE_TLS ?= true
ifneq ($(UV),)
INSTALL := $(UV) pip install --quiet --python $(BIN)/python
INSTALL_SELF := $(INSTALL) --offline
else
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check
INSTALL_SELF := $(INSTALL) --no-index
endif

.DEFAULT_GOAL := help
# The steps write into one environment.
.NOTPARALLEL:
.PHONY: help run test bench check format lock messages screenshots venv clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: $(VENV)/.run $(VENV)/.self ## start a server with a demonstration world
	$(BIN)/rostra demo

test: venv ## run the tests (PYTEST_ARGS="-n 2 tests/unit")
	$(BIN)/pytest $(PYTEST_ARGS)

bench: venv ## run the benchmarks (BENCH="names and options")
	$(BIN)/python -m bench $(BENCH)

check: venv ## lint, formatting, types and the rules of who may import whom
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: venv ## format the code and mend what ruff can mend
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

# dev.txt comes first and binds the two others, so that a package has one version in all three.
# UPGRADE=1 takes the newest versions; otherwise what is locked stays unless pyproject.toml moves it.
LOCK := UV_CUSTOM_COMPILE_COMMAND="make lock" $(BIN)/uv pip compile --quiet pyproject.toml \
	--universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	$(if $(UPGRADE),--upgrade)
lock: venv ## write requirements/*.txt anew from pyproject.toml (UPGRADE=1 takes newer versions)
	$(LOCK) --group build --group test --group dev --group bench -o requirements/dev.txt
	$(LOCK) --group build --group test -c requirements/dev.txt -o requirements/test.txt
	$(LOCK) --group build -c requirements/dev.txt -o requirements/run.txt

# What people read: texts of the pages, and what errors say to them. The command line is English.
LOCALE := src/rostra/language/locale
READ := $(addprefix src/rostra/,app.py api/extension/report_pages.py api/extension/templates \
  api/oauth domain language outside services storage web)
SAY := mark told mistake OAuthError:2 Invalid Malformed Unauthenticated Forbidden NotFound Gone \
  Conflict Undecided TooLarge TooMany Unavailable NotOffered Unreachable
messages: venv ## gather the texts to be translated, and bring the catalogues up to date
	$(BIN)/pybabel --quiet extract -F babel.cfg --no-location --sort-output $(addprefix -k ,$(SAY)) \
	  --project Rostra -o $(LOCALE)/rostra.pot $(READ)
	$(BIN)/pybabel --quiet update --ignore-pot-creation-date --no-fuzzy-matching -N \
	  -i $(LOCALE)/rostra.pot -d $(LOCALE) -D rostra

screenshots: venv ## take pictures of every page (OUT=folder)
	$(BIN)/python -m bench.screenshots $(or $(OUT),screenshots)

venv: $(VENV)/.dev $(VENV)/.self ## make the environment with all that developing needs

clean: ## remove the environment and what builds and tools leave behind
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find src tests bench -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true

# The files whose names begin with a dot are stamps: a step is taken again when what it reads changes.
$(VENV)/.made:
	@command -v $(PYTHON) >/dev/null || { \
	  echo "Rostra needs Python 3.11 or newer: apt-get install python3 python3-venv" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "Rostra needs Python 3.11 or newer, and $(PYTHON) is older;" \
	    "name another: make PYTHON=python3.11 ..." >&2; exit 1; }
ifneq ($(UV),)
	$(UV) venv --quiet --clear --python "$$($(PYTHON) -c 'import sys; print(sys.executable)')" $(VENV)
else
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo "Python's venv module is not complete here: apt-get install python3-venv" >&2; exit 1; }
	$(PYTHON) -m venv --clear $(VENV)
endif
	@touch $@

$(VENV)/.run: requirements/run.txt | $(VENV)/.made
	$(INSTALL) --require-hashes -r requirements/run.txt
	@touch $@

$(VENV)/.dev: requirements/dev.txt | $(VENV)/.run
	$(INSTALL) --require-hashes -r requirements/dev.txt
	@touch $@

# Rostra itself, in place; the build backend is among the locked packages.
$(VENV)/.self: pyproject.toml src/rostra/__init__.py | $(VENV)/.run
	$(INSTALL_SELF) --no-deps --no-build-isolation --editable .
	@touch $@
