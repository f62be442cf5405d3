"""A folder that holds what a corpus gives: note tables, what became of each work, studies.

::

    store.json                  its format
    tables/5f/5f0c….parquet     a note table, named by content and reader
    ingest/000001.parquet       a row a score: where its table is, or why there is none
    studies/NAME/               units, rows and runs of a study
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from pathlib import Path
from typing import Any

from corpus_tools.rows import INGEST_TYPES, RowLog
from qbdi_m21.errors import CorpusError, ParameterError
from qbdi_m21.files import write_aside
from qbdi_m21.frames.store import FORMAT as TABLE_FORMAT
from qbdi_m21.frames.store import table_work

#: Raised when the layout changes.
FORMAT = 1

#: Raised when the same file gives other notes than before.
READER = 1

_NAME = re.compile(r'[\w.-]+')


class Store:
    """A store on disk.

    Parameters
    ----------
    folder : path
    create : bool
        Make it if it is missing.

    Raises
    ------
    CorpusError
        If the folder is no store, or one that a newer version wrote.
    """

    def __init__(self, folder: str | os.PathLike[str], *, create: bool = True) -> None:
        self.folder = Path(folder)
        marker = self.folder / 'store.json'
        if not marker.is_file():
            if not create:
                raise CorpusError(f'{self.folder} is no store; make one with `corpus-tools ingest '
                                  'SOURCES -o FOLDER`')
            if self.folder.exists() and not self.folder.is_dir():
                raise CorpusError(f'{self.folder} is a file; expected a folder')
            # files with a dot are those that a kill can leave, or another run writes just now
            others = [path for path in self.folder.iterdir() if path.name[0] != '.'] if (
                self.folder.is_dir()) else []
            if others and not marker.is_file():
                raise CorpusError(f'{self.folder} holds other files; expected a store, or a new or '
                                  'empty folder')
            self.folder.mkdir(parents=True, exist_ok=True)
            # two at once write the same
            with write_aside(marker) as aside:
                aside.write_text(json.dumps({'kind': 'qbdi_m21 store', 'format': FORMAT}) + '\n',
                                 encoding='utf-8')
        _check(marker)

    @property
    def ingest(self) -> RowLog:
        """What became of each work."""
        return RowLog(self.folder / 'ingest', types=INGEST_TYPES)

    def study_folder(self, name: str) -> Path:
        """Return where the results of a study are."""
        if not _NAME.fullmatch(name):
            raise ParameterError(f'the study is called {name!r}; expected letters, digits, _, . '
                                 'and -')
        return self.folder / 'studies' / name

    def table_path(self, table: str) -> Path:
        """Return the file of a note table."""
        return self.folder / 'tables' / table[:2] / f'{table}.parquet'

    def has_table(self, table: str) -> bool:
        """Return whether a note table is there, whole and of this format."""
        return table_work(self.table_path(table)) is not None


def _check(marker: Path) -> None:
    try:
        about: dict[str, Any] = json.loads(marker.read_text('utf-8'))
        version = int(about['format'])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CorpusError(f'{marker} cannot be read ({error}); expected the file of a store') \
            from error
    if version > FORMAT:
        raise CorpusError(f'{marker.parent} was written by a newer version (format {version}); '
                          f'this one reads format {FORMAT}: upgrade qbdi-m21, or use another store')


def source_key(content: str, suffix: str) -> str:
    """Return the key of what is read from a file: by its content, its kind and the reader.

    Parameters
    ----------
    content : str
        SHA-256 of the file.
    suffix : str
        Of the file: how it is read.
    """
    # importlib.metadata: importing music21 takes longer than a whole call with nothing to do
    from importlib.metadata import version
    reader = f'{READER} {TABLE_FORMAT} {version("music21")} {suffix.lower()}'
    return hashlib.sha256(f'{content} {reader}'.encode()).hexdigest()[:32]
