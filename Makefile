# Everything runs in .venv, which the first target that needs it makes.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export TF_CPP_MIN_LOG_LEVEL ?= 3

.PHONY: demo test lint chorales docs bench clean

$(VENV)/installed: setup.cfg pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --editable '.[test]'
	touch $@

# The main job on a quartet's minuet: not the style that the model has learned.
demo: $(VENV)/installed
	mkdir -p demo
	$(BIN)/qbdi-m21 improvise corpus:haydn/opus74no1/movement3 --rate 256 --seed 0 \
	  -o demo/improvisation.musicxml --json demo/findings.json
	@echo "Open demo/improvisation.musicxml in MuseScore, Sibelius or any other notation program."

lint: $(VENV)/installed
	$(BIN)/ruff check .
	$(BIN)/mypy

# MuseScore is installed where apt and the rights are there; its tests skip visibly elsewhere.
test: lint
	sh tests/install_musescore.sh
	$(BIN)/python -m pytest --numprocesses auto --dist worksteal

# The shipped model again, from music21's corpus alone (about 25 minutes on 2 cores).
chorales: $(VENV)/installed
	mkdir -p work
	$(BIN)/corpus-tools ingest @corpus_tools/recipes/chorales.txt -o work/chorales --jobs 2
	$(BIN)/corpus-tools dataset work/chorales -o work/chorales.npz --meter 4/4 --seed 0
	$(BIN)/qbdi-m21 train work/chorales.npz -o qbdi_m21/model/pretrained/chorales.keras \
	  --preset dubnov2019 --updates 60000 --transpose 6 --seed 0 --compact \
	  --name chorales --title "4/4 chorales of music21's corpus"

docs: $(VENV)/installed
	$(BIN)/pip install --quiet --editable '.[docs]'
	$(BIN)/sphinx-build -W docs docs/_build

bench: $(VENV)/installed
	$(BIN)/python benchmarks/command.py
	$(BIN)/python benchmarks/frames.py
	$(BIN)/python benchmarks/spelling.py

clean:
	rm -rf $(VENV) demo work build *.egg-info
