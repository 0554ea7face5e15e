# Each target is the only command needed on a fresh machine with Python 3.11 or later.

# The newest pins wait in requirements/; a stamp remembers which of them are installed.
RUN := .venv/.installed-run
TEST := .venv/.installed-test
PINS := .venv/bin/python requirements/installer.txt pyproject.toml scripts/install

# Containers often forbid it; then each of the hundreds of processes that the suite starts would
# compile every module that it imports, for a hundred seconds in all.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help demo test check coverage lock clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "  make %-8s %s\n", $$1, $$2}' Makefile

demo: $(RUN) ## See it work: 1,000 photos on the sandbox, then a search; no keys needed
	@scripts/demo

test: $(TEST) ## Install everything the tests need, check the code, run the whole suite
	@scripts/browser || true
	@scripts/check-and-test

check: $(TEST) ## Format, lint, types and floors only
	@scripts/check

coverage: $(TEST) ## The suite once more, with the coverage of the package
	@scripts/coverage

lock: $(TEST) ## Pin again what pyproject.toml asks for; with UPGRADE=1 to the newest
	@scripts/lock $(if $(UPGRADE),--upgrade)

clean: ## Forget the environment and the caches; keep .ingestor, which may hold paid results
	rm -rf .venv .coverage .coverage.* .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache build htmlcov src/*.egg-info

$(RUN): requirements/run.txt $(PINS)
	@scripts/install run
	@touch $@

$(TEST): requirements/test.txt $(PINS)
	@scripts/install test
	@touch $(RUN) $@

# Nothing to do, but where it is missing, or its Python is gone, everything below it is stale.
.venv/bin/python: ;
