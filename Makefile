# Two commands do everything: `make demo` and `make test`. Both set up what they need in .venv.
PYTHON ?= python3
SCENES_PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo test test-training lint benchmark scenes clean

demo: $(VENV)/.demo
	$(BIN)/cyclorama demo demo-output

test: $(VENV)/.dev
	$(BIN)/python -m pytest

# The training package's tests need PyTorch; `make test` runs them too where it is installed.
test-training: $(VENV)/.train
	$(BIN)/python -m pytest tests/test_training.py tests/test_network.py tests/test_compose.py tests/test_readers.py tests/test_evaluate.py tests/test_suspects.py tests/test_extras.py tests/test_props.py tests/test_classics*.py tests/test_refine*.py

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

benchmark: $(VENV)/.dev
	$(BIN)/python benchmarks/stages.py

# Slow: path tracing. Not needed to use the scenes, which are in the repository.
scenes: $(VENV)/scenes/.ready
	cd scenes && ../$(VENV)/scenes/bin/python -m cyclorama_scenes.render cyclorama_scenes
	cd scenes && ../$(VENV)/scenes/bin/python -m cyclorama_scenes.measure
	cd scenes && ../$(VENV)/scenes/bin/python -m cyclorama_scenes.sheet ../docs/scenes.jpg

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.demo: $(BIN)/python pyproject.toml
	$(BIN)/python -m pip install --quiet -e '.[demo]'
	touch $@

$(VENV)/.dev: $(BIN)/python pyproject.toml
	$(BIN)/python -m pip install --quiet -e '.[demo,dev]'
	touch $@

$(VENV)/.train: $(BIN)/python pyproject.toml
	$(BIN)/python -m pip install --quiet -e '.[demo,dev,train]'
	touch $@

$(VENV)/scenes/.ready: scenes/requirements.txt
	$(SCENES_PYTHON) -m venv $(VENV)/scenes
	$(VENV)/scenes/bin/python -m pip install --quiet -r scenes/requirements.txt
	touch $@

clean:
	rm -rf $(VENV) demo-output build dist
