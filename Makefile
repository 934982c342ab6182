# Everything starts here; `make` alone lists what there is. Needs Python 3.11 or newer.
# Paths are relative, so that the folder may be called anything.

.DEFAULT_GOAL := help
.PHONY: help demo test check bench soak openapi lock clean

PYTHON :=
ALL :=
MINUTES := 2
BUILD_TOOLS := hatchling editables
COMPILE := .venv/bin/python -m uv pip compile --quiet --universal --python-version 3.11 \
	--generate-hashes --no-header --no-annotate --no-emit-index-url --no-emit-find-links

# An installed environment holds the name of its folder, so a moved one is made anew.
HERE := $(shell pwd | cksum | cut -d ' ' -f 1)
RUN := .venv/.run-$(HERE)
DEV := .venv/.dev-$(HERE)

help: ## List the commands
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-9s%s\n", $$1, $$2}' Makefile

demo: $(RUN) ## Start the API with an invented neighbourhood on http://127.0.0.1:8000
	@.venv/bin/neighborhood-api demo

test: $(DEV) ## Run the tests (ALL=1: with the slow ones, as before every landing)
	@PYTHONDONTWRITEBYTECODE= .venv/bin/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder \
		$(if $(ALL),,-m 'not slow')

check: $(DEV) ## Check style, types, imports, the API description and the migrations
	.venv/bin/ruff check
	.venv/bin/ruff format --check
	.venv/bin/mypy src tests soak
	.venv/bin/lint-imports
	.venv/bin/neighborhood-api export-openapi --check openapi/openapi.json
	.venv/bin/neighborhood-api export-events --check docs/events.md
	DATABASE_URL= .venv/bin/neighborhood-api migrate --check

bench: $(DEV) ## Measure requests, the worklist, the statistics and bookings
	@.venv/bin/python -m benchmarks

soak: $(DEV) ## Kill the processes again and again, and see that nothing is lost (MINUTES=10)
	@.venv/bin/python -m soak --minutes $(MINUTES) $(NAME)

openapi: $(RUN) ## Write openapi/openapi.json and docs/events.md anew from the code
	@.venv/bin/neighborhood-api export-openapi openapi/openapi.json
	@.venv/bin/neighborhood-api export-events docs/events.md

lock: $(DEV) ## Write the lock files anew from pyproject.toml (UPGRADE=1: newest versions)
	@.venv/bin/python -m pip --disable-pip-version-check -qq install uv
	@$(COMPILE) $(if $(UPGRADE),--upgrade) pyproject.toml --group dev -o requirements-dev.lock
	@echo $(BUILD_TOOLS) | tr ' ' '\n' | $(COMPILE) $(if $(UPGRADE),--upgrade) \
		pyproject.toml - -c requirements-dev.lock -o requirements.lock

clean: ## Remove the environment and all caches; the data in .data stays
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find src tests migrations benchmarks soak -name __pycache__ -prune -exec rm -rf {} + 2>/dev/null || true

$(RUN): requirements.lock pyproject.toml
	@PYTHON='$(PYTHON)' sh scripts/install.sh requirements.lock
	@touch $(RUN)

$(DEV): requirements-dev.lock pyproject.toml
	@PYTHON='$(PYTHON)' sh scripts/install.sh requirements-dev.lock
	@touch $(DEV) $(RUN)
