# Needs python3 (3.11 or later) with pip, and make. Takes uv from the PATH, else keeps one in .uv/.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
# What `make quick` runs, and what of it belongs to a pack or a planner alone.
QUICK  := $(addprefix tests/,core trust ledger governance data identity exchange campaign services app)
UV     := $(shell command -v uv 2>/dev/null || echo .uv/bin/uv)

# Hundreds of processes are started: where compiled modules are not kept, each would compile all of them again.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: assure sbom demo test random quick lint types contracts check setup setup-dev setup-fusion test-fusion \
  setup-materials-ml test-materials-ml setup-queueserver test-queueserver lock clean help

help: ## Say what each target does
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

demo: $(VENV)/$(if $(findstring --beam,$(ARGS)),.ready-beam,.ready) ## Run a federation and its campaign (arguments: make demo ARGS=--quick, --hpc or --beam)
	$(BIN)/yosegi demo $(ARGS)

test: $(VENV)/.ready-dev ## Run the tests on all cores (arguments: make test ARGS='-k ledger')
	$(BIN)/pytest -n auto --dist loadfile --no-loadscope-reorder $(ARGS)

random: $(VENV)/.ready-dev ## Run the tests in another order each time (the same again: ARGS=--randomly-seed=N)
	$(BIN)/pytest -n auto --dist loadfile -p randomly $(ARGS)

quick: $(VENV)/.ready-dev ## Run what guards daily work: no other process, no browser, nothing slow, no pack
	$(BIN)/pytest -n logical --dist loadfile -m 'not processes and not browser and not slow' $(QUICK) $(ARGS)

assure: $(VENV)/.ready-assure ## What is too long for the tests: guards taken away, mutants, fuzzers (all of it: ARGS=--full)
	cd tests && nice ../$(BIN)/python -m assure $(ARGS)

sbom: .uv/bin/uv ## The software bill of materials (CycloneDX) of what running needs: docs/security/sbom.cdx.json
	$(UV) venv -q --allow-existing .sbom && $(UV) pip install -q --python .sbom/bin/python -r requirements/sbom.txt
	rm -rf .sbom/run && $(UV) venv -q .sbom/run && $(UV) pip install -q --python .sbom/run/bin/python -r requirements/run.txt
	.sbom/bin/cyclonedx-py environment .sbom/run --pyproject pyproject.toml --mc-type application --output-reproducible \
	  --of JSON -o docs/security/sbom.cdx.json

check: lint types contracts ## Everything a change must pass besides the tests

lint: $(VENV)/.ready-dev ## Style
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.ready-dev ## Types, strictly
	$(BIN)/mypy

contracts: $(VENV)/.ready-dev ## Which room may import which
	$(BIN)/lint-imports

lock: .uv/bin/uv ## Choose the versions that the other targets install
	$(UV) pip compile -q --universal --no-annotate --no-header --no-emit-index-url --python-version 3.11 --extra labs pyproject.toml -o requirements/run.txt
	$(UV) pip compile -q --universal --no-annotate --no-header --no-emit-index-url --python-version 3.11 --extra labs --extra quantum --extra quantum-pulse --extra bio --extra hep --extra materials --extra accelerator --extra bluesky --extra sila --group dev pyproject.toml -o requirements/dev.txt
	$(UV) pip compile -q --universal --no-annotate --no-header --no-emit-index-url --python-version 3.11 --group assure -c requirements/dev.txt -o requirements/assure.txt
	$(UV) pip compile -q --universal --no-annotate --no-header --no-emit-index-url --python-version 3.11 --group sbom -o requirements/sbom.txt
	$(UV) pip compile -q --universal --no-annotate --no-header --no-emit-index-url --python-version 3.11 --extra fusion --group own-test pyproject.toml -o requirements/fusion.txt
	$(UV) pip compile -q --universal --no-annotate --no-header --no-emit-index-url --python-version 3.11 --extra materials-ml --group own-test --no-emit-package triton pyproject.toml -o requirements/materials-ml.txt
	$(UV) pip compile -q --universal --no-annotate --no-header --no-emit-index-url --python-version 3.11 --extra bluesky --extra queueserver --group own-test --group queueserver-test -c requirements/dev.txt pyproject.toml -o requirements/queueserver.txt

setup: $(VENV)/.ready ## Install what running needs
setup-dev: $(VENV)/.ready-dev ## Install what testing needs

.uv/bin/uv:
	@command -v uv >/dev/null || { $(PYTHON) -m venv .uv && .uv/bin/pip install -q --disable-pip-version-check uv; }

$(VENV)/bin/python: | .uv/bin/uv
	$(UV) venv -q --python $(PYTHON) $(VENV)

$(VENV)/.ready: requirements/run.txt pyproject.toml | $(VENV)/bin/python
	$(UV) pip install -q --python $(BIN)/python -r requirements/run.txt
	$(UV) pip install -q --python $(BIN)/python --no-deps -e .
	@touch $@

$(VENV)/.ready-beam: requirements/dev.txt pyproject.toml | $(VENV)/.ready
	$(UV) pip install -q --python $(BIN)/python -c requirements/dev.txt -e '.[accelerator]'
	@touch $@

$(VENV)/.ready-dev: requirements/dev.txt pyproject.toml | $(VENV)/bin/python
	$(UV) pip install -q --python $(BIN)/python -r requirements/dev.txt
	$(UV) pip install -q --python $(BIN)/python --no-deps -e .
	@touch $@ $(VENV)/.ready $(VENV)/.ready-beam

$(VENV)/.ready-assure: requirements/assure.txt | $(VENV)/.ready-dev
	$(UV) pip install -q --python $(BIN)/python -r requirements/assure.txt
	@touch $@

FUSION := .venv-fusion

setup-fusion: $(FUSION)/.ready ## Install torax and JAX (1 GB) beside the rest, in .venv-fusion
test-fusion: $(FUSION)/.ready ## Run the tests of the fusion pack there (arguments: make test-fusion ARGS='-k balance')
	JAX_COMPILATION_CACHE_DIR=$(CURDIR)/$(FUSION)/jax-cache $(FUSION)/bin/pytest tests/packs/fusion $(ARGS)

$(FUSION)/.ready: requirements/fusion.txt pyproject.toml | .uv/bin/uv
	$(UV) venv -q --allow-existing --python $(PYTHON) $(FUSION)
	$(UV) pip install -q --python $(FUSION)/bin/python -r requirements/fusion.txt
	$(UV) pip install -q --python $(FUSION)/bin/python --no-deps -e .
	@touch $@

MATERIALS_ML := .venv-materials-ml

setup-materials-ml: $(MATERIALS_ML)/.ready ## Install CHGNet and torch (4.7 GB) beside the rest, in .venv-materials-ml
test-materials-ml: $(MATERIALS_ML)/.ready ## Run the tests of relaxations there (arguments: make test-materials-ml ARGS='-k published')
	$(MATERIALS_ML)/bin/pytest tests/packs/materials_ml $(ARGS)

# All versions are in the file; torch's wheel asks for triton (1 GB), which compiles for a GPU alone and is left out.
$(MATERIALS_ML)/.ready: requirements/materials-ml.txt pyproject.toml | .uv/bin/uv
	$(UV) venv -q --allow-existing --python $(PYTHON) $(MATERIALS_ML)
	$(UV) pip install -q --python $(MATERIALS_ML)/bin/python --no-deps -r requirements/materials-ml.txt
	$(UV) pip install -q --python $(MATERIALS_ML)/bin/python --no-deps -e .
	@touch $@

QUEUESERVER := .venv-queueserver

setup-queueserver: $(QUEUESERVER)/.ready ## Install a Bluesky queue server (0.4 GB) beside the rest, in .venv-queueserver
test-queueserver: $(QUEUESERVER)/.ready ## Run the tests of a beamline's queue there; needs redis-server
	$(QUEUESERVER)/bin/pytest tests/packs/queue_server -W "ignore:Unclosed:ResourceWarning" $(ARGS)

$(QUEUESERVER)/.ready: requirements/queueserver.txt pyproject.toml | .uv/bin/uv
	$(UV) venv -q --allow-existing --python $(PYTHON) $(QUEUESERVER)
	$(UV) pip install -q --python $(QUEUESERVER)/bin/python -r requirements/queueserver.txt
	$(UV) pip install -q --python $(QUEUESERVER)/bin/python --no-deps -e .
	@touch $@

clean: ## Remove what the other targets made
	rm -rf $(VENV) $(FUSION) $(MATERIALS_ML) $(QUEUESERVER) .uv .sbom .assure demo-federation demo-federation-hpc demo-federation-beam .mypy_cache .ruff_cache .pytest_cache .hypothesis
