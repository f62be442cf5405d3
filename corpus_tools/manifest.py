"""The works of a study: a table that people can read, edit and keep under version control."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from corpus_tools.headers import read_headers
from qbdi_m21.errors import CorpusError, ParameterError, ScoreError
from qbdi_m21.files import write_aside
from qbdi_m21.model.split import split_groups, work_title
from qbdi_m21.notation.reading import CORPUS_PREFIX
from qbdi_m21.sources import corpus_headers, corpus_path, expand_sources, split_number

if TYPE_CHECKING:
    import pandas as pd

#: Columns of a manifest, in order; others may follow.
COLUMNS = ('work', 'title', 'composer', 'genre', 'century', 'source', 'licence', 'sha256', 'bytes',
           'duplicate_of', 'split')

SPLITS = ('train', 'validation', 'test')

@dataclass(frozen=True)
class Manifest:
    """Works and what is known of them.

    Attributes
    ----------
    table : DataFrame
        A row a work, with at least the column ``work``; :data:`COLUMNS` where it was built.
        Scores of a book (an Opus) are works of their own, ``FILE#1``, ``FILE#2``, ...
    """

    table: pd.DataFrame

    def __len__(self) -> int:
        return len(self.table)

    @property
    def works(self) -> tuple[str, ...]:
        """The names of the works."""
        return tuple(self.table['work'])

    @property
    def files(self) -> tuple[str, ...]:
        """The files and corpus names that hold the works, each once."""
        return tuple(dict.fromkeys(file_of(work) for work in self.works))

    def select(self, **wanted: str) -> Manifest:
        """Return the works whose columns have these values.

        Raises
        ------
        CorpusError
            If there is no such column, or no work is left.
        """
        table = self.table
        for column, value in wanted.items():
            check_columns(table, [column])
            table = table[table[column].astype(str) == value]
        if table.empty:
            raise CorpusError('no work has ' + ', '.join(f'{k} {v}' for k, v in wanted.items()))
        return Manifest(table.reset_index(drop=True))

    def write(self, path: str | os.PathLike[str]) -> None:
        """Write a CSV file; files below its folder are named from there on."""
        target = Path(path)
        table = self.table.copy()
        for column in ('work', 'duplicate_of'):
            if column in table:
                table[column] = [_relative(str(name), target.parent) for name in table[column]]
        with write_aside(target) as aside:
            aside.write_text(table.to_csv(index=False, lineterminator='\n'), encoding='utf-8')


def file_of(work: str) -> str:
    """Return the file or corpus name that holds a work: that of a book without ``#3``."""
    return split_number(work)[0]


def check_columns(table: pd.DataFrame, columns: Iterable[str]) -> None:
    """Raise CorpusError if a table lacks a column."""
    missing = [column for column in columns if column not in table.columns]
    if missing:
        raise CorpusError(f'there is no column {", ".join(missing)}; expected one of '
                          f'{", ".join(map(str, table.columns))}')


def read_manifest(path: str | os.PathLike[str]) -> Manifest:
    """Return the manifest of a CSV file.

    Raises
    ------
    CorpusError
        If it cannot be read, has no column ``work``, or names a work twice.
    """
    import pandas as pd
    source = Path(path)
    try:
        table = pd.read_csv(source, dtype=str, keep_default_na=False)
    except (OSError, ValueError) as error:
        raise CorpusError(f'{source} cannot be read as a manifest ({error}); expected a CSV file '
                          'with a column `work`') from error
    check_columns(table, ['work'])
    twice = table['work'][table['work'].duplicated()]
    if len(twice):
        raise CorpusError(f'{source} names {len(twice)} works twice: {twice.iloc[0]}, ...')
    if table.empty:
        raise CorpusError(f'{source} names no work')
    for column in ('work', 'duplicate_of'):
        if column in table:
            table[column] = [_absolute(name, source.parent) for name in table[column]]
    if 'bytes' in table:
        table['bytes'] = pd.to_numeric(table['bytes'], errors='coerce').astype('Int64')
    return Manifest(table)


def build_manifest(sources: Iterable[str], *, search: str | None = None,
                   held_out: tuple[float, float] | None = None, split_by: str = 'title',
                   seed: int = 0) -> Manifest:
    """Return the works that sources name, with what their files state.

    Parameters
    ----------
    sources : iterable of str
        Those of :func:`qbdi_m21.sources.expand_sources`, and manifests (.csv).
    search : str, optional
        Only works whose title, composer, genre or name hold this, in any case; or those with
        it in one column (``composer:bach``).
    held_out : (float, float), optional
        Shares of works for validation and test, in the column ``split``.
    split_by : {'title', 'work'}
        'title' keeps together works of one title (:func:`qbdi_m21.model.split.work_title`) and
        duplicates.
    seed : int
        Of the split.
    """
    import pandas as pd
    given = list(sources)
    tables = [read_manifest(source).table for source in given if _is_manifest(source)]
    others = [source for source in given if not _is_manifest(source)]
    if others or not tables:
        rows = list(_rows(expand_sources(others, tables=False)))
        tables.append(pd.DataFrame(rows, columns=list(COLUMNS)))
    table = pd.concat([one.astype(object) for one in tables], ignore_index=True).fillna('')
    table = _filled(table.drop_duplicates('work', ignore_index=True))
    table['duplicate_of'] = _duplicates(table)
    if search is not None:
        table = _search(table, search)
    if held_out is not None:
        table['split'] = _split(table, held_out, split_by, seed)
    return Manifest(table)


def _filled(table: pd.DataFrame) -> pd.DataFrame:
    """Fill in what files state where a row does not; a file that is not there states nothing."""
    import pandas as pd
    known = table['sha256'] if 'sha256' in table else pd.Series('', index=table.index)
    lacking = [work for work, content in zip(table['work'], known, strict=True) if not content]
    stated = {row['work']: row for row in _rows(lacking)}
    order = [*COLUMNS, *(str(name) for name in table if name not in COLUMNS)]
    given: list[dict[Any, Any]] = table.to_dict('records')
    rows = [{name: row.get(name) or stated.get(row['work'], {}).get(name, '') for name in order}
            for row in given]
    return pd.DataFrame(rows, columns=order)


def _is_manifest(source: str) -> bool:
    return source.lower().endswith('.csv')


def _rows(works: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Yield what is known of works; of a book that is named without a number, of each score."""
    known = _known_folders()
    in_corpus = [file_of(work) for work in works if work.startswith(CORPUS_PREFIX)]
    bundle = corpus_headers(in_corpus) if in_corpus else {}
    read: dict[str, tuple[dict[str, Any], list[dict[str, str]]]] = {}
    for work in works:
        file = file_of(work)
        if file not in read:
            read[file] = _about(file, bundle, known)
        about, headers = read[file]
        numbers: Iterable[int] = range(1, len(headers) + 1)
        if file != work:
            numbers = [split_number(work)[1] or 0]
        for number in numbers:
            name = work if file != work or len(headers) == 1 else f'{file}#{number}'
            header = headers[number - 1] if 0 < number <= len(headers) else {}
            yield {**dict.fromkeys(COLUMNS, ''), **about, **header, 'work': name}


def _about(file: str, bundle: dict[str, list[dict[str, str]]],
           known: list[tuple[str, dict[str, str]]]) -> tuple[dict[str, Any],
                                                             list[dict[str, str]]]:
    """Return what is known of a file, and the header of each of its scores."""
    if file.startswith(CORPUS_PREFIX):
        try:
            path, name = corpus_path(file), file.removeprefix(CORPUS_PREFIX)
        except ScoreError:
            return {}, [{}]
        headers = bundle.get(name) or read_headers(path)
        about: dict[str, Any] = {'source': "music21's corpus", **next(
            (row for prefix, row in known if name.startswith(prefix)), {})}
    else:
        path, about = Path(file), {'source': Path(file).name}
        headers = read_headers(path)
    try:
        content = path.read_bytes()
    except OSError:     # ingest tells what is wrong with it
        return about, headers
    return {**about, 'sha256': hashlib.sha256(content).hexdigest(), 'bytes': len(content)}, headers


def _known_folders() -> list[tuple[str, dict[str, str]]]:
    """Return what is known of folders of music21's corpus, longer names first."""
    import pandas as pd
    with resources.files('corpus_tools').joinpath('recipes/folders.csv').open('rb') as file:
        table = pd.read_csv(file, dtype=str, keep_default_na=False)
    rows = [(str(row.pop('folder')), {str(name): str(value) for name, value in row.items()})
            for row in table.to_dict('records')]
    return sorted(rows, key=lambda row: -len(row[0]))


def _duplicates(table: pd.DataFrame) -> list[str]:
    """Return for each work the first one of the same content, and the same place in its book."""
    first: dict[tuple[str, int | None], str] = {}
    found = []
    for work, content in zip(table['work'], table['sha256'], strict=True):
        original = first.setdefault((content, split_number(work)[1]), work)
        found.append('' if original == work or not content else original)
    return found


def _search(table: pd.DataFrame, search: str) -> pd.DataFrame:
    column, colon, text = search.partition(':')
    if colon and column in table.columns:
        columns = [column]
    else:
        columns, text = ['work', 'title', 'composer', 'genre'], search
    check_columns(table, columns)
    hits = np.zeros(len(table), dtype=bool)
    for name in columns:
        hits |= table[name].astype(str).str.contains(text, case=False, regex=False).to_numpy()
    if not hits.any():
        raise CorpusError(f'no work has {text!r} in {", ".join(columns)}')
    return table[hits].reset_index(drop=True)


def _split(table: pd.DataFrame, held_out: tuple[float, float], split_by: str,
           seed: int) -> list[str]:
    if split_by not in ('title', 'work'):
        raise ParameterError(f'split_by is {split_by!r}; expected title or work')
    originals = [copy or work for work, copy in zip(
        table['work'], table['duplicate_of'] if 'duplicate_of' in table else table['work'],
        strict=True)]
    titles = [work_title(name) if split_by == 'title' else name for name in originals]
    _, groups = np.unique(titles, return_inverse=True)
    return [SPLITS[place] for place in split_groups(groups.astype(np.int64), held_out, seed)]


def _relative(name: str, folder: Path) -> str:
    if not name or name.startswith(CORPUS_PREFIX):
        return name
    path = Path(os.path.abspath(name))
    base = Path(os.path.abspath(folder))
    return path.relative_to(base).as_posix() if path.is_relative_to(base) else str(path)


def _absolute(name: str, folder: Path) -> str:
    return name if not name or name.startswith(CORPUS_PREFIX) else str(folder / name)
