# Two commands are enough on a fresh clone:
#   make quickstart   set up .venv, run the whole pipeline on simulated data, print the report's path
#   make test         set up .venv with the developer tools, run the tests
# Everything lives in .venv; nothing outside this folder is changed (but for pip's and numba's caches).

PYTHON ?= $(firstword $(foreach p,python3.11 python3.12 python3.13 python3,$(shell command -v $(p) 2>/dev/null)))
# modules are compiled when they are first imported (.ci/install leaves them as they are): that is kept
unexport PYTHONDONTWRITEBYTECODE
VENV   := .venv
PY     := $(VENV)/bin/python
# uv where it is installed, else pip
ADD    := .ci/install -c constraints.txt
# worker processes of pytest
JOBS   ?= 2
# where the quickstart writes its run folder
OUT    ?= runs/quickstart

.DEFAULT_GOAL := help
.PHONY: help quickstart test test-slow check docs docs-run bench bench-peers changelog release-check clean

help:
	@echo "make quickstart   train, test and explain a model on simulated data; ends with the path of a report"
	@echo "make test         run the tests (under 12 minutes on two cores)"
	@echo "make test-slow    run the tests marked slow as well"
	@echo "make check        ruff, mypy and the architecture test"
	@echo "make docs         build the site into docs/_build/html; docs-run executes the tutorials as well"
	@echo "make bench        run the benchmarks against their peers and print ratios"
	@echo "make bench-peers  set up the environments of the peers (5 GB in the benchmarks' cache folder)"
	@echo "make changelog    put the files of changes/ into CHANGELOG.md under the package's version"
	@echo "make release-check  what has to hold before a version is published (an hour)"
	@echo "make clean        remove .venv, caches and built files (runs/ stays)"

$(VENV)/bin/python:
	@test -n "$(PYTHON)" || { echo "error: no python3 found; install Python 3.11, 3.12 or 3.13, or call 'make PYTHON=/path/to/python $(MAKECMDGOALS)'"; exit 2; }
	@"$(PYTHON)" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2])' || { echo "error: $(PYTHON) is $$($(PYTHON) -V 2>&1), but Python 3.11 or newer is needed; call 'make PYTHON=/path/to/python3.11 $(MAKECMDGOALS)'"; exit 2; }
	@echo "[set-up] creating $(VENV) with $$($(PYTHON) -V 2>&1)"
	@"$(PYTHON)" -m venv $(VENV)

# The stamps make the second call instant; a changed pyproject or constraints file sets up again.
$(VENV)/.core: pyproject.toml constraints.txt | $(VENV)/bin/python
	@echo "[set-up] installing the package and its dependencies (1.8 GB; most of the time is torch: a minute or two by pip, seconds by uv once it has the wheels)"
	@$(ADD) -e .
	@touch $@

$(VENV)/.dev: $(VENV)/.core
	@echo "[set-up] adding the developer tools (half a minute)"
	@$(ADD) -e ".[dev]"
	@echo "[set-up] compiling the numba kernels once (about a minute)"
	@$(PY) -m eugene._warm
	@touch $@

quickstart: $(VENV)/.core
	@echo "[quickstart] simulate -> train -> test -> explain -> report (about a minute; the first time it also compiles its loops, half a minute)"
	@$(VENV)/bin/eugene quickstart --run_dir $(OUT) --overwrite

test: $(VENV)/.dev
	@echo "[test] running the tests on $(JOBS) processes"
	@OMP_NUM_THREADS=1 NUMBA_NUM_THREADS=2 $(PY) -m pytest -q -n $(JOBS) --dist loadfile -m "not slow and not gpu" --durations=15

test-slow: $(VENV)/.dev
	@$(PY) -m pytest -q -m "slow"

check: $(VENV)/.dev
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/ruff format --check .
	@$(VENV)/bin/mypy
	@$(PY) -m pytest -q tests/test_architecture.py

$(VENV)/.docs: $(VENV)/.core
	@echo "[set-up] adding what builds the site (half a minute)"
	@$(ADD) -e ".[docs]"
	@touch $@

# warnings are errors; they are all shown before it stops
SITE := $(PY) -m sphinx -b html -W --keep-going -q -j $(JOBS) docs docs/_build/html

docs: $(VENV)/.docs
	@echo "[docs] building the site (about two minutes)"
	@$(SITE)
	@echo "[docs] open docs/_build/html/index.html"

docs-run: $(VENV)/.docs
	@echo "[docs] executing the tutorials and building the site (half an hour on two cores)"
	@EUGENE_DOCS_RUN=1 $(SITE)
	@echo "[docs] open docs/_build/html/index.html"

bench: $(VENV)/.dev
	@$(PY) -m benchmarks

bench-peers: $(VENV)/.dev
	@$(PY) benchmarks/_peers.py

changelog:
	@"$(PYTHON)" .ci/changelog.py

release-check: $(VENV)/.dev $(VENV)/.docs
	@.ci/release

clean:
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
