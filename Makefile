# Everything runs in .venv, which the first target that needs it makes.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export TF_CPP_MIN_LOG_LEVEL ?= 3

.PHONY: demo test lint models chorales quartets reels docs bench clean

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

# The shipped models again, from music21's corpus alone: parse, make the training set, train.
# An interrupted run goes on where it stopped.
models: chorales quartets reels

UPDATES = 5000
chorales: METER = 4/4
chorales: TITLE = 4/4 chorales of Bach
quartets: METER = any
quartets: UPDATES = 6000
quartets: TITLE = string quartets of Haydn, Mozart and Beethoven
reels: METER = 2/2
reels: TITLE = reels of O'Neill's Music of Ireland

chorales quartets reels: $(VENV)/installed
	mkdir -p work
	$(BIN)/corpus-tools ingest @corpus_tools/recipes/$@.txt -o work/$@ --jobs 2
	$(BIN)/corpus-tools dataset work/$@ -o work/$@.npz --meter $(METER) --seed 0
	$(BIN)/qbdi-m21 train work/$@.npz -o qbdi_m21/model/pretrained/$@.keras --preset default \
	  --updates $(UPDATES) --seed 0 --compact --name $@ --title "$(TITLE)"

docs: $(VENV)/installed
	$(BIN)/pip install --quiet --editable '.[docs]'
	$(BIN)/sphinx-build -W docs docs/_build

bench: $(VENV)/installed
	$(BIN)/python benchmarks/command.py
	$(BIN)/python benchmarks/frames.py
	$(BIN)/python benchmarks/spelling.py
	$(BIN)/python benchmarks/serving.py
	$(BIN)/python benchmarks/training.py
	$(BIN)/python benchmarks/sweep.py
	$(BIN)/python benchmarks/oracle.py
	$(BIN)/python benchmarks/studies.py --tables 10000

clean:
	rm -rf $(VENV) demo work build *.egg-info
