"""What an experiment has found so far, on disk, each thing under the settings that decided it."""

from __future__ import annotations

import hashlib
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


def _content(source: str) -> str:
    """Return what changes when a file or a folder does; a corpus's name as it is."""
    path = Path(source)
    files = sorted(one for one in path.rglob('*') if one.is_file()) if path.is_dir() else [path]
    if not path.exists():
        return source
    found = hashlib.sha256()
    for one in files:
        found.update(one.relative_to(path).as_posix().encode() + one.read_bytes())
    return found.hexdigest()


class Kept:
    """Findings of an experiment, as JSON files in a folder.

    Parameters
    ----------
    experiment : Experiment
    folder : Path
    """

    def __init__(self, experiment: Experiment, folder: Path) -> None:
        self.folder = folder
        self._settings = experiment.to_json() | {'corpus': [
            _content(source) for source in experiment.corpus],
            'query': _content(experiment.query)}

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
        text = json.dumps({'settings': mark, 'found': found}, indent=1, default=str)
        with write_aside(path) as aside:
            aside.write_text(text + '\n', encoding='utf-8')
        # as a later call reads it
        return json.loads(text)['found']
