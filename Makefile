# Everything a user or CI runs. Needs make and Python 3.11; all else goes into .venv.
#
#   make demo    recordings -> teacher -> student -> TFLite files, verified, with a report
#   make test    the tests
#   make help    the rest

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.SUFFIXES:

VENV := .venv
BIN := $(VENV)/bin
UV := $(BIN)/uv
OUT ?= build/demo
WATCH_OUT ?= $(OUT)
PYTHON ?= $(shell for p in python3.11 python3; do \
	"$$p" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' >/dev/null 2>&1 && echo "$$p" && break; done)

# --require-hashes: what is installed is what was locked. --compile-bytecode: without it torch and tensorflow are
# compiled in every process where PYTHONDONTWRITEBYTECODE is set, which doubles the time they take to import.
INSTALL := $(UV) pip install --quiet --python $(BIN)/python
LOCKED := $(INSTALL) --require-hashes --compile-bytecode -r
ITSELF := $(INSTALL) --no-deps --no-build-isolation --editable .
LITERT = $(shell $(BIN)/python -c \
	"from importlib.util import find_spec; print(find_spec('ai_edge_litert').submodule_search_locations[0])")/libLiteRt.so
# Each step runs again if anything that it reads has changed since it last passed.
ONCE = $(BIN)/python android_demo/tools/once.py
FACTORY = factory exporters pyproject.toml requirements
MADE = android_demo/target
STORE = $(MADE)/store/maven-repository
# What was published is taken from its folder; all else from the user's repository first, which Maven filled before.
SAMPLE = rm -rf android_demo/sample/target/m2/dev && cd android_demo/sample && \
	mvn --batch-mode --quiet --settings settings.xml -Dmaven.repo.local=target/m2 verify && touch target/passed
COMPILE := $(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
	--custom-compile-command "make lock"

.PHONY: help demo test check mutants models android lint format types imports lock clean environment
.NOTPARALLEL:

help: ## Show this list
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## (.*)/  make \1\t\2/' | expand -t 22

demo: $(VENV)/.run ## Train, export and verify the demonstration model; OUT=folder says where
	$(BIN)/factory build demo --out "$(OUT)"

test: $(VENV)/.dev ## Run the tests; ARGS="-k name" narrows them
	$(BIN)/pytest $(ARGS)

check: lint types imports test ## All that CI checks

mutants: $(VENV)/.dev ## Break the code in small ways and show that the tests notice; ARGS="word" narrows them
	$(BIN)/python -m tests.mutants $(ARGS)

models: $(VENV)/.dev ## Write the store that ships in the wheel, from the builds in BUILDS="build/demo build/motionsense"
	$(BIN)/python -m tests.embedded_store $(BUILDS)

# Needs a JDK 17, Maven 3.8, g++, zipalign and apksigner; no Android SDK. The first run downloads about 800 MB.
android: $(VENV)/.dev ## Compile, test and pack the Android apps of the build in OUT; WATCH_OUT=folder names the watch's
	@for out in "$(OUT)" "$(WATCH_OUT)"; do test -f "$$out/android/pack.json" || { echo "error: $$out has no folder" \
		"android: factory build demo --out $$out --target android writes one" >&2; exit 1; }; done
	rm -rf android_demo/assets android_demo/wear/assets $(MADE)/store
	cp -R "$(OUT)/android" android_demo/assets && cp -R "$(WATCH_OUT)/android" android_demo/wear/assets
	$(ONCE) step publish --reads "$(OUT)" $(FACTORY) --writes $(MADE)/models -- bash -c 'rm -rf $(MADE)/models && \
		$(BIN)/factory publish "$(OUT)" --to $(MADE)/models --maven --accept-terms'
	cp -R $(MADE)/models $(MADE)/store
	$(BIN)/python android_demo/tools/aar.py models --repository $(STORE) --target android_demo/recognizer/target
	$(BIN)/python android_demo/tools/shim.py --out android_demo/executorch/host/target/libsmldist_executorch.so
	$(ONCE) step logits --reads "$(OUT)" $(FACTORY) tests/replay android_demo/sensing/src/test/resources \
		--writes android_demo/replay/target/expected.json -- \
		$(BIN)/python -m tests.replay.logits "$(OUT)" android_demo/replay/target/expected.json
	cp "$(OUT)/golden.npz" android_demo/replay/target/golden.npz
	$(ONCE) reactor android_demo --reads android_demo/assets android_demo/tools docs/targets docs/use-a-model.md "$(LITERT)" \
		android_demo/recognizer/target/model android_demo/recognizer/target/model-executorch \
		android_demo/replay/target/expected.json android_demo/replay/target/golden.npz \
		android_demo/executorch/host/target/libsmldist_executorch.so -- \
		mvn --batch-mode --quiet --threads 2 verify -Dsmldist.once -Dsmldist.litert.library="$(LITERT)"
	$(BIN)/python android_demo/tools/publish.py --to $(STORE)
	@if [ -d $(MADE)/store/demo ]; then $(ONCE) step sample --reads android_demo/sample $(STORE) \
		--writes android_demo/sample/target/passed -- bash -c '$(SAMPLE)'; else \
		echo "sample: not run, it is an app of the model demo"; fi
	$(BIN)/pytest -q tests/unit/android_demo

lint: $(VENV)/.dev ## Check format and style
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

format: $(VENV)/.dev ## Format, and mend what can be mended
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

types: $(VENV)/.dev ## Check types, strictly
	$(BIN)/mypy

imports: $(VENV)/.dev ## Check who imports whom
	$(BIN)/lint-imports

environment: $(VENV)/.dev ## Create .venv with everything, and run nothing

lock: $(UV) ## Resolve all dependencies anew and record their hashes
	$(COMPILE) --upgrade requirements/bootstrap.in -o requirements/bootstrap.lock
	$(COMPILE) --upgrade pyproject.toml --extra demo --extra tflite --extra executorch --extra jetson -o requirements/run.lock
	$(COMPILE) --upgrade pyproject.toml --extra dev -c requirements/run.lock -o requirements/dev.lock
	for lock in bootstrap run dev; do \
		sed -i.old '1i # Written by: make lock' requirements/$$lock.lock && rm requirements/$$lock.lock.old; done

clean: ## Remove .venv and caches; what was built stays
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache

$(UV): requirements/bootstrap.lock
	@test -n "$(PYTHON)" || { echo "error: no Python 3.11 found: install it (Debian 12: apt-get install python3.11" \
		"python3.11-venv), or say where it is: make PYTHON=/path/to/python3.11" >&2; exit 1; }
	$(PYTHON) -m venv --clear $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/bootstrap.lock

# The locks agree with each other, so that .dev after .run adds tools and changes nothing.
$(VENV)/.run: $(UV) requirements/run.lock pyproject.toml
	@echo "installing the locked environment (about 7 GB on Linux, a few minutes)"
	$(LOCKED) requirements/run.lock
	$(ITSELF)
	@touch $@

$(VENV)/.dev: $(UV) requirements/dev.lock pyproject.toml
	@echo "installing the locked environment with the test tools (about 7 GB on Linux, a few minutes)"
	$(LOCKED) requirements/dev.lock
	$(ITSELF)
	@touch $@ $(VENV)/.run
