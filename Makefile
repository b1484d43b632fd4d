# The front door: `make run` and `make test` set everything up by themselves.

PYTHON   ?= python3
BIN      := .venv/bin
FIRMWARE ?= cdc
ENGINE   ?= auto
EDITIONS := $(patsubst firmware/sources-%.toml,%,$(wildcard firmware/sources-*.toml))
JOBS     ?= $(shell nproc 2>/dev/null || echo 2)

.DEFAULT_GOAL := help
.PHONY: help run test firmware lint bench clean setup mutants coverage-page not-modelled dist setup-renode test-quick docs sanitize editions examples museum controller-coverage

help: ## what there is to make
	@sed -nE 's/^([a-z-]+):.*## (.*)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 22
	@echo
	@echo "  FIRMWARE=cdc|uart|uart-cdc|FILE.uf2   ENGINE=auto|embedded|renode   (now: $(FIRMWARE), $(ENGINE))"

run: firmware setup ## boot a Pico, plug the cable in, use it, show what happened
	@$(BIN)/renode-pico demo --firmware "$(FIRMWARE)" --engine "$(ENGINE)"

test: firmware setup editions examples ## lint, types and every suite on every engine there is; ends with the matrix
	@$(BIN)/python tools/test.py --jobs $(JOBS)

test-quick: setup ## what one runs after each change: style, unit tests, a dozen on the embedded engine
	@$(PYTHON) firmware/build.py --jobs $(JOBS) --variants cdc uart && $(BIN)/python tools/test.py --jobs $(JOBS) --quick

firmware: ## build MicroPython for the Pico (cached by a hash of its inputs)
	@$(PYTHON) firmware/build.py --jobs $(JOBS)

editions: ## build the other versions of MicroPython that the suites run on; what cannot be had is left out
	@for edition in $(EDITIONS); do $(PYTHON) firmware/build.py --jobs $(JOBS) --edition $$edition || \
	echo "MicroPython $$edition is left out: its suites are skipped"; done

examples: firmware ## build other people's programs: tests of the pico-sdk's, and TinyUSB's examples
	@$(PYTHON) firmware/sdk_tests.py --jobs $(JOBS) || echo "the pico-sdk's own tests are left out: they are skipped"
	@$(PYTHON) firmware/examples.py --jobs $(JOBS) || echo "TinyUSB's examples are left out: they are skipped"

docs: setup ## the documentation as a site, in site/
	@$(BIN)/python -m mkdocs build --strict && echo "file://$(CURDIR)/site/index.html"

dist: setup firmware ## wheel and source distribution, into dist/, checked
	@rm -rf dist && RENODE_PICO_DIST=1 $(BIN)/python -m build --no-isolation && $(BIN)/twine check --strict dist/*

setup-renode: setup ## get Renode for this checkout and this user; FROM=FILE|URL takes another archive
	@$(BIN)/renode-pico setup renode $(if $(FROM),--from "$(FROM)")

lint: setup ## ruff and mypy
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy

bench: setup firmware ## measure, as ratios beside other emulators
	@$(BIN)/python bench/bench.py

sanitize: setup ## the core in C with random input under AddressSanitizer and UBSan
	@$(BIN)/python tools/sanitize.py

museum: setup firmware ## published faults of silicon and drivers: each fails as published, and is mended
	@$(BIN)/python tools/museum.py

mutants: setup firmware ## break the models on purpose; the suites must notice
	@$(BIN)/python tests/mutants/run.py

coverage-page: setup ## docs/api-coverage.md and tests/proven.txt anew, from the last `make test`
	@$(BIN)/python tools/matrix.py results --accept >/dev/null; $(BIN)/python tools/api_coverage.py

controller-coverage: setup ## docs/controller-coverage.md anew, from the vectors of the USB controller
	@$(BIN)/python tools/controller_coverage.py

not-modelled: setup firmware ## docs/not-modelled.md anew, from what the models list themselves
	@$(BIN)/python tools/not_modelled.py

clean: ## remove everything that was made, firmware included
	@if [ -L firmware/build/elsewhere ]; then rm -rf "$$(readlink firmware/build/elsewhere)"; fi
	rm -rf .venv build dist site results firmware/build .mypy_cache .ruff_cache .pytest_cache

setup:
	@$(PYTHON) tools/setup.py
