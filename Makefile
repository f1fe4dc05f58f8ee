# `make` lists what there is. Plain make and sh; the only thing needed beforehand is Python 3.11 or newer.
.POSIX:

PYTHON = python3
VENV = .venv
BIN = $(VENV)/bin
SYSTEM_PACKAGES = ffmpeg chromium libportaudio2 libjack-jackd2-0 \
	libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0 \
	jackd2 liblo-tools puredata-core supercollider-language ardour libopus0 systemd
PEER_PACKAGES = supercollider-server csound
# What a module was compiled to is kept, whatever the shell has set: tests start hundreds of processes, and each would
# compile the package anew. What Schemathesis brings for pytest is not used, and takes seconds to load in each worker.
PYTEST = PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest -p no:schemathesis
# On two cores, as live tests wait for their time to pass; in the order of tests/conftest.py, the longest first.
THREE_AT_ONCE = -n 3 --dist loadfile --no-loadscope-reorder
DEMO = settle --wearable assets/recording --minutes 8 --seed 1

help: ## list what make can do (default)
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' Makefile

demo: $(VENV)/core-installed ## eight minutes of music steered by a real recording, in demo/
	$(BIN)/synth render $(DEMO) --out demo --overwrite
	@echo "Listen to demo/mix.flac, and open demo/report.html in a browser."

test: $(BIN)/python ## all of the below: check, and every test
	@$(MAKE) -j 2 $(VENV)/test-installed system-packages
	PYTHONDONTWRITEBYTECODE= $(BIN)/python tests/ready.py & readying=$$!; $(MAKE) check || { kill $$readying; exit 1; }; wait $$readying
	$(MAKE) test-jit
	$(MAKE) test-python
	$(MAKE) test-install

check: $(VENV)/test-installed ## lint, format and types
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

test-jit: $(VENV)/test-installed system-packages ## the tests with compiled kernels
	$(PYTEST) $(THREE_AT_ONCE)

test-python: $(VENV)/test-installed ## the kernels' tests once more as plain Python
	NUMBA_DISABLE_JIT=1 $(PYTEST) -n 2 --dist worksteal tests/dsp

test-install: $(VENV)/test-installed ## the wheel in fresh environments, on each Python 3.11 to 3.13 found
	$(PYTEST) -n 4 --dist load -m install tests/test_install.py # as many as to begin with each Python at once

bench: ## bench-session, bench-blocks and peers: what it costs, and what others cost
	$(MAKE) bench-session
	$(MAKE) bench-blocks
	$(MAKE) peers

bench-session: $(VENV)/test-installed ## speed and memory of whole sessions, starting and compiling
	$(BIN)/python bench/session.py

bench-blocks: $(VENV)/test-installed ## a live session block by block: deadlines, parts, voices, sessions a core
	$(BIN)/python bench/blocks.py

bench-memory: $(VENV)/test-installed ## eight hours of a session, left alone and with hands and sensors: does memory grow
	$(BIN)/python bench/memory.py
	$(BIN)/python bench/memory.py --touched

bench-estimator: $(VENV)/test-installed ## what a listener costs; LISTENERS=FOLDER: and how well people are told
	$(BIN)/python bench/estimator_cost.py
	[ -z "$(LISTENERS)" ] || $(BIN)/python bench/estimator.py "$(LISTENERS)"

bench-composer: $(VENV)/test-installed ## an hour of every preset's notes against its targets; random requests; the map of moods
	$(BIN)/python bench/composer.py
	$(BIN)/python bench/turns.py
	$(BIN)/python bench/music_map.py

bench-sound: $(VENV)/test-installed ## an hour of every preset heard stem by stem: clicks, drift, spectrum, mono; and the mix plan
	$(BIN)/python bench/hour.py
	$(BIN)/python bench/mix.py

bench-live: $(VENV)/test-installed system-packages ## an hour live under JACK, how soon a hand is heard, OSC bursts and junk, clocks
	$(BIN)/python bench/onstage.py
	$(BIN)/python bench/osc.py
	$(BIN)/python bench/clock.py

bench-serve: $(VENV)/test-installed system-packages ## the service: sessions a machine, killed and started, press to sound in the page
	$(BIN)/python bench/serve.py
	$(BIN)/python bench/serve.py --sessions 50 --opus
	$(BIN)/python bench/restart.py
	$(BIN)/python bench/page.py

palette: $(VENV)/core-installed ## every instrument alone, in palette/
	$(BIN)/python examples/palette.py palette

closed-loop: $(VENV)/test-installed ## policies on simulated listeners, in worlds that differ; every figure is simulated
	$(BIN)/python bench/closed_loop.py

fuzz: $(VENV)/test-installed ## a million and more damaged inputs at every parser
	$(BIN)/python bench/fuzz.py

hazards: $(VENV)/test-installed ## 10,000 random sessions against every limit, the sound of 200 of them measured
	$(BIN)/python bench/hazards.py

peers: $(VENV)/test-installed peer-programs ## the same work in scsynth, Csound, Faust and pyo
	$(BIN)/python bench/peers.py

warmup: $(VENV)/core-installed ## compile the kernels once
	$(BIN)/synth warmup

venv: $(VENV)/test-installed ## .venv with everything that development needs

clean: ## remove what was built or rendered here
	rm -rf build dist demo .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find synth tests bench examples -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/core-installed: pyproject.toml $(BIN)/python
	$(BIN)/python -m pip install --quiet --editable .
	@touch $@

# Modules are compiled when they are first imported: most of what comes along never is.
$(VENV)/test-installed: pyproject.toml $(BIN)/python
	$(BIN)/python -m pip install --quiet --no-compile --editable '.[all,test,bench,dev]'
	@touch $@ $(VENV)/core-installed

$(BIN)/python:
	@find_python() { \
		for python in $(PYTHON) python3.13 python3.12 python3.11; do \
			if $$python -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
				echo $$python; return; \
			fi; \
		done; \
	}; \
	python=$$(find_python); \
	if [ -z "$$python" ] && [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		apt-get update -qq && apt-get install -qq -y python3-venv; \
		python=$$(find_python); \
	fi; \
	if [ -z "$$python" ]; then \
		echo "Python 3.11 or newer with its venv module is needed (on Debian: apt install python3-venv);" \
			"name one with: make PYTHON=/path/to/python3" >&2; \
		exit 1; \
	fi; \
	echo "setting up $(VENV) with $$($$python --version)"; \
	$$python -m venv $(VENV)

system-packages:
	@command -v dpkg-query >/dev/null 2>&1 || \
		{ echo "the tests also need: $(SYSTEM_PACKAGES) (or what they are called on this system)"; exit 0; }; \
	missing=; \
	for package in $(SYSTEM_PACKAGES); do \
		dpkg-query --show --showformat '$${Status}' $$package 2>/dev/null | grep -q 'ok installed' || \
			missing="$$missing $$package"; \
	done; \
	[ -n "$$missing" ] || exit 0; \
	if [ "$$(id -u)" = 0 ]; then \
		apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends $$missing; \
	else \
		echo "the tests also need:$$missing (apt install$$missing)"; \
	fi

peer-programs: $(VENV)/test-installed # what cannot be had is told by bench/peers.py; DawDreamer is GPL: for this alone
	-@if [ "$$(id -u)" = 0 ] && ! { command -v scsynth && command -v csound; } >/dev/null; then \
		apt-get update -qq && \
			DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends $(PEER_PACKAGES); \
	fi
	-@$(BIN)/python -c 'import sys, importlib.util as u; sys.exit(not u.find_spec("dawdreamer"))' || \
		$(BIN)/python -m pip install --quiet dawdreamer

.PHONY: help demo test check test-jit test-python test-install bench bench-session bench-blocks bench-memory bench-estimator bench-composer bench-sound bench-live bench-serve palette closed-loop fuzz hazards peers warmup venv clean \
	system-packages peer-programs
