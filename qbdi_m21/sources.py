"""Which works sources name, and their note tables: files, folders, music21's corpus, lists."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

from qbdi_m21.errors import CorpusError, SourceWarning, warn
from qbdi_m21.frames.midi import read_midi
from qbdi_m21.frames.notes import extract_notes
from qbdi_m21.frames.store import load_table, table_work
from qbdi_m21.frames.table import NoteTable
from qbdi_m21.notation.reading import (
    CORPUS_PREFIX,
    MIDI_SUFFIXES,
    exact_work,
    load_score,
    load_scores,
)

#: Suffixes of the score files that a folder contributes.
SCORE_SUFFIXES = ('.musicxml', '.xml', '.mxl', '.mid', '.midi', '.abc', '.krn', '.mei')

#: Suffix of the note tables that are sources.
TABLE_SUFFIX = '.parquet'

#: A folder of music21's corpus, or all of it: every work below it.
_CORPUS_FOLDER = re.compile(r'corpus:(?:(?P<folder>[^*]+)/)?\*$')

#: One score of a book (an Opus).
_OF_BOOK = re.compile(r'(?P<file>.+)#(?P<number>\d+)')

#: Of a list; not the number of a score of a book (NAME#3).
_COMMENT = re.compile(r'(?:^|\s)#.*')

#: What a folder has that is a store of corpus tools, and where its note tables are.
_STORE, _STORE_TABLES = 'store.json', 'tables'


def expand_sources(sources: Iterable[str], *, tables: bool = True) -> tuple[str, ...]:
    """Return the single works that sources name, sorted, each once.

    Parameters
    ----------
    sources : iterable of str
        Score files, note tables (``.parquet``), folders, ``corpus:NAME`` works, scores of a book
        (``NAME#3``),
        ``corpus:FOLDER/*`` for every work of a folder of music21's corpus, ``corpus:*`` for all
        of it, and text files ``@LIST`` with one source a line.
    tables : bool
        Folders give their note tables too, not their scores only.

    Raises
    ------
    CorpusError
        If a source names nothing.
    """
    return tuple(sorted({work for _, work in _expand_all(sources, tables=tables)}))


def named_works(sources: Iterable[str]) -> dict[str, str]:
    """Return single works by their names, each once.

    Parameters
    ----------
    sources : iterable of str
        Those of :func:`expand_sources`.

    Returns
    -------
    dict of str to str
        A file of a folder is named from the folder on, and one given by its absolute path with
        its last folder only: names go into model cards, which are for others to read. A second
        file of a name has its whole path instead.

    Raises
    ------
    CorpusError
        If a source names nothing.
    ScoreError
        If a work is not in music21's corpus.
    """
    named: dict[str, str] = {}
    seen: set[str] = set()
    for name, work in _expand_all(sources, tables=True):
        if work.startswith(CORPUS_PREFIX):
            path = exact_work(work.removeprefix(CORPUS_PREFIX).strip())
            name = work = CORPUS_PREFIX + path.removesuffix(Path(path).suffix)
        real = work if work.startswith(CORPUS_PREFIX) else os.path.realpath(work)
        if real not in seen:
            seen.add(real)
            named[real if name in named else name] = work
    return named


def read_lines(path: Path) -> list[str]:
    """Return the lines of a list of works; CorpusError if it is missing or no text."""
    if not path.is_file():
        raise CorpusError(f'no such list of works: {path}')
    try:
        return path.read_text('utf-8').splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise CorpusError(f'the list of works {path} cannot be read ({error}); expected text in '
                          'UTF-8, one work a line') from error


def split_number(work: str) -> tuple[str, int | None]:
    """Return the file or corpus name of a work, and its number in a book: ``NAME#3``."""
    book = _OF_BOOK.fullmatch(work)
    if book is None or (not work.startswith(CORPUS_PREFIX) and Path(work).is_file()):
        return work, None
    return book['file'], int(book['number'])


def read_tables(work: str, name: str | None = None, *, cached: bool = True
                ) -> dict[str, Callable[[], NoteTable]]:
    """Return what makes the note tables of a work, by their names: one may fail alone.

    Parameters
    ----------
    work : str
        A file or a ``corpus:`` name.
    name : str, optional
        Instead of `work`. The scores of a book (an Opus) are ``NAME#1``, ``NAME#2``, ...; a
        note table that knows its work has the name of that.
    cached : bool
        As of :func:`~qbdi_m21.notation.reading.load_scores`.

    Raises
    ------
    QbdiError
        If the work cannot be read at all.
    """
    called = name or work
    file, number = split_number(work)
    if number is not None:
        return {called: lambda: extract_notes(load_score(file, number=number))}
    suffix = work.lower()
    if suffix.endswith(MIDI_SUFFIXES):
        return {called: partial(read_midi, work)}
    if suffix.endswith(TABLE_SUFFIX):
        return {table_work(work) or called: partial(load_table, work)}
    scores = load_scores(work, cached=cached)
    if len(scores) == 1:
        return {called: partial(extract_notes, scores[0])}
    return {f'{called}#{k}': partial(extract_notes, score) for k, score in enumerate(scores, 1)}


def _expand_all(sources: Iterable[str], *, tables: bool) -> list[tuple[str, str]]:
    """Return (name, work) of each single work, in the order given."""
    works = [work for source in sources for work in _expand(source, tables=tables)]
    if not works:
        raise CorpusError('no work given; name files, folders, corpus:NAME or corpus:FOLDER/*')
    return works


def _expand(source: str, lists: tuple[Path, ...] = (), *, tables: bool) -> list[tuple[str, str]]:
    if source.startswith('@'):
        path = Path(source[1:])
        lines = [_COMMENT.sub('', line).strip() for line in read_lines(path)]
        if path.resolve() in lists:
            raise CorpusError(f'the list of works {path} names itself')
        lists = (*lists, path.resolve())
        return [work for line in lines if line for work in _expand(line, lists, tables=tables)]
    match = _CORPUS_FOLDER.match(source)
    if match:
        return [(work, work) for work in _corpus_folder(match['folder'])]
    if source.startswith(CORPUS_PREFIX):
        return [(source, source)]
    path = Path(source)
    if path.is_dir():
        return _folder_works(path, (*SCORE_SUFFIXES, TABLE_SUFFIX) if tables else SCORE_SUFFIXES)
    if not Path(split_number(source)[0]).is_file():
        raise CorpusError(f'no such file or folder: {path}')
    return [(f'{path.parent.name}/{path.name}' if path.is_absolute() else path.as_posix(),
             str(path))]


def _folder_works(folder: Path, suffixes: tuple[str, ...]) -> list[tuple[str, str]]:
    if TABLE_SUFFIX in suffixes and (folder / _STORE).is_file():
        folder = folder / _STORE_TABLES     # other Parquet files of a store are no note tables
    closed: list[str] = []
    found = []
    for place, _, names in os.walk(folder, onerror=lambda error: closed.append(str(error))):
        for name in names:
            path = Path(place, name)
            if path.suffix.lower() in suffixes:
                if path.is_file():
                    found.append(path)
                elif path.is_symlink():
                    closed.append(f'{path} leads nowhere')
    found.sort()
    for told in closed:
        warn(f'left out: {told}', SourceWarning)
    if not found:
        raise CorpusError(f'{folder} holds no score file ({", ".join(suffixes)})')
    name = folder.resolve().name
    return [(f'{name}/{path.relative_to(folder).as_posix()}', str(path)) for path in found]


def corpus_path(work: str) -> Path:
    """Return the file of a ``corpus:`` work; ScoreError if there is none."""
    from music21 import common
    return Path(common.getCorpusFilePath()) / exact_work(work.removeprefix(CORPUS_PREFIX).strip())


def corpus_headers(works: Iterable[str]) -> dict[str, list[dict[str, str]]]:
    """Return title, composer and licence of works of music21's corpus, by their names.

    A book (an Opus) has an entry for each of its scores, in order. Nothing is parsed.
    """
    wanted = {work.removeprefix(CORPUS_PREFIX) for work in works}
    from music21 import corpus
    found: dict[str, dict[int, dict[str, str]]] = {}
    bundle = corpus.corpora.CoreCorpus().metadataBundle
    # iterating over the bundle itself takes time with the square of its size: ten seconds
    for entry in bundle._metadataEntries.values():
        name = str(entry.sourcePath)
        name = name.removesuffix(Path(name).suffix)
        if name not in wanted:
            continue
        data = entry.metadata
        header = {} if data is None else {
            'title': data.title or '', 'composer': data.composer or '',
            'licence': str(data.copyright or '')}
        found.setdefault(name, {})[int(entry.number or 0)] = {
            key: text for key, text in header.items() if text}
    for entries in found.values():
        if len(entries) > 1:
            entries.pop(0, None)        # of the book itself
    return {name: [header for _, header in sorted(entries.items())]
            for name, entries in found.items()}


def _corpus_folder(folder: str | None) -> list[str]:
    from music21 import common, corpus
    root = common.getCorpusFilePath()
    inside = f'{folder.strip("/")}/' if folder else ''
    works = []
    for path in corpus.getCorePaths():
        name = path.relative_to(root).as_posix()
        if name.startswith(inside) and path.suffix in SCORE_SUFFIXES:
            works.append(CORPUS_PREFIX + name.removesuffix(path.suffix))
    if not works:
        raise CorpusError(f"music21's corpus has no folder {folder!r}")
    return works
