"""What an experiment has found so far, on disk, each thing under the settings that decided it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import qbdi_m21
from corpus_tools.reproduce.experiment import Experiment
from corpus_tools.study import digest
from qbdi_m21.files import write_aside

#: Settings that decide all that is found.
ALWAYS = ('corpus', 'corpus_works', 'meter', 'reading', 'seed')


class Kept:
    """Findings of an experiment, as JSON files in a folder.

    Parameters
    ----------
    experiment : Experiment
    folder : Path
    """

    def __init__(self, experiment: Experiment, folder: Path) -> None:
        self.folder = folder
        self._settings = experiment.to_json()

    def mark(self, uses: tuple[str, ...]) -> str:
        """Return what changes when one of these settings does, or the toolkit's version."""
        return digest({name: self._settings[name] for name in (*ALWAYS, *uses)}
                      | {'qbdi_m21': qbdi_m21.__version__})

    def get(self, name: str, uses: tuple[str, ...], make: Callable[[], Any]) -> Any:
        """Return what `make` gives, or what it gave before with the same settings.

        Parameters
        ----------
        name : str
            Of the file, without suffix; may name a folder.
        uses : tuple of str
            Which settings decide it, besides `ALWAYS`.
        make : callable
            Returns plain values.
        """
        path, mark = self.folder / f'{name}.json', self.mark(uses)
        try:
            held = json.loads(path.read_text('utf-8'))
            if held['settings'] == mark:
                return held['found']
        except (OSError, ValueError, KeyError, TypeError):
            pass
        found = make()
        path.parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps({'settings': mark, 'found': found}, indent=1, default=str)
        with write_aside(path) as aside:
            aside.write_text(text + '\n', encoding='utf-8')
        # as a later call reads it
        return json.loads(text)['found']
