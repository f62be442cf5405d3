"""Ingest: every work of a corpus parsed once, into note tables, and a row for what became of it."""

from __future__ import annotations

import errno
import hashlib
import os
import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from corpus_tools.engine import Engine, Failure, Limits, LocalEngine, Outcome, Task
from corpus_tools.manifest import file_of
from corpus_tools.rows import Row
from corpus_tools.store import Store, source_key
from qbdi_m21.errors import CorpusError, QbdiError, ScoreError
from qbdi_m21.frames.store import save_table
from qbdi_m21.notation.reading import CORPUS_PREFIX
from qbdi_m21.sources import corpus_path, read_tables

if TYPE_CHECKING:
    from qbdi_m21.frames.table import NoteTable

#: What the system raises where no more can be written: no fault of a work.
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT)

#: Of a row that tells that.
DISK = 'disk'


@dataclass(frozen=True)
class IngestReport:
    """What became of each work: written now, there already, or failed with its reason.

    The scores of a book (an Opus) are works of their own: ``NAME#1``, ``NAME#2``, ...

    Attributes
    ----------
    written : tuple of str
    kept : tuple of str
        Files that were read before.
    failed : dict of str to Failure
        Failures of an earlier call too, which are tried again only if asked for.
    duplicates : dict of str to str
        Files with the content of another one, and that one; they share its tables.
    keys : dict of str to str
        For each file, what its rows and tables are called by.
    """

    written: tuple[str, ...]
    kept: tuple[str, ...]
    failed: dict[str, Failure]
    duplicates: dict[str, str]
    keys: dict[str, str]


@dataclass(frozen=True)
class Source:
    """A file to read: its name, where it lies, and the key of what is read from it."""

    work: str
    path: str
    key: str
    size: int


def ingest(works: Iterable[str], folder: str | os.PathLike[str], *, jobs: int = 1,
           limits: Limits | None = None, engine: Engine | None = None, retry: bool = False,
           progress: Callable[[int, int], object] | None = None) -> IngestReport:
    """Parse works into note tables; what was read before is kept.

    Parameters
    ----------
    works : iterable of str
        Files or ``corpus:`` names; a score of a book (``NAME#3``) means the whole book.
    folder : path
        A :class:`Store`; made if missing. Interrupting loses nothing: a further call goes on
        where this one stopped, and reads only files whose content, or whose reader, is new.
    jobs : int
        Processes.
    limits : Limits, optional
        Of time and memory for each file; 300 s and 4 GiB by default.
    engine : Engine, optional
        Instead of `jobs` and `limits`.
    retry : bool
        Read again what failed before.
    progress : callable, optional
        Called as ``progress(done, all)``, counting files.

    Returns
    -------
    IngestReport
        A file that cannot be read is reported and does not stop the others.

    Raises
    ------
    CorpusError
        If the disk is full; what is finished is kept.
    """
    store = Store(folder)
    runner = engine or LocalEngine(jobs, limits)
    failed: dict[str, Failure] = {}
    sources = _sources(dict.fromkeys(file_of(work) for work in works), failed)
    first: dict[str, Source] = {}
    duplicates = {source.work: first[source.key].work for source in sources
                  if first.setdefault(source.key, source) is not source}
    log = store.ingest
    with log.writing():
        rows = read_rows(store)
        known = {key: own for key, own in rows.items() if _is_whole(store, own, retry)}
        todo = [source for key, source in first.items() if key not in known]
        # the longest first, so that no process is left with one at the end
        todo.sort(key=lambda source: -source.size)
        kept = tuple(source.work for source in first.values() if source.key in known)
        for key in known.keys() & first.keys():
            failed |= _failures(known[key])
        written: list[str] = []
        done, total = len(kept), len(first)
        if progress is not None:
            progress(done, total)
        tasks = (Task(source.key, (source, str(store.folder.absolute()))) for source in todo)
        names = {source.key: source.work for source in todo}
        for outcome in runner.run(read_source, tasks):
            own = _rows_of(outcome, names[outcome.key])
            log.append(own)
            written += [row['work'] for row in own if row['table'] is not None]
            failed |= _failures(own)
            done += 1
            if progress is not None:
                progress(done, total)
    return IngestReport(tuple(sorted(written)), kept, dict(sorted(failed.items())), duplicates,
                        {source.work: source.key for source in sources})


def _sources(works: Iterable[str], failed: dict[str, Failure]) -> list[Source]:
    """Return what is to be read; what cannot even be opened fails."""
    found = []
    for work in works:
        if not _is_text(work):
            told = work.encode('utf-8', 'backslashreplace').decode()
            failed[told] = Failure('open', 'UnicodeEncodeError', 'its name is no text in UTF-8; '
                                   'rename the file')
            continue
        try:
            path = corpus_path(work) if work.startswith(CORPUS_PREFIX) else Path(work)
            content = path.read_bytes()
        except (QbdiError, OSError) as error:
            failed[work] = Failure.of('open', error)
            continue
        key = source_key(hashlib.sha256(content).hexdigest(), path.suffix)
        name = work if work.startswith(CORPUS_PREFIX) else str(path.absolute())
        found.append(Source(work, name, key, len(content)))
    return found


def _is_text(name: str) -> bool:
    try:
        name.encode('utf-8')
    except UnicodeEncodeError:
        return False
    return True


def read_rows(store: Store) -> dict[str, list[Row]]:
    """Return the last rows of each file that was read, by its key."""
    found: dict[str, list[Row]] = {}
    for rows in store.ingest.batches():
        batch: dict[str, list[Row]] = {}
        for row in rows:
            batch.setdefault(row['key'], []).append(row)
        found |= batch
    return found


def _is_whole(store: Store, rows: list[Row], retry: bool) -> bool:
    """Return whether what rows tell is there, and need not be tried again."""
    return all(store.has_table(row['table']) if row.get('table') else not retry for row in rows)


def _failures(rows: Sequence[Row]) -> dict[str, Failure]:
    return {row['work']: Failure(row['stage'], row['error'], row['message'])
            for row in rows if row.get('stage')}


def _rows_of(outcome: Outcome, work: str) -> list[Row]:
    """Return the rows of one file."""
    failure = outcome.failure
    if failure is not None:
        rows: list[Row] = [{'work': work, 'number': 0, 'table': None, **_told(failure)}]
    else:
        rows = outcome.value
    if rows[0].get('stage') == DISK:
        raise CorpusError(f'{rows[0]["message"]}; make room and run again: what is finished is '
                          'kept')
    spent = {'seconds': round(outcome.seconds, 3) if failure is None else None,
             'peak_mib': round(outcome.peak_mib, 1) if failure is None else None}
    return [{'key': outcome.key, **row, **spent} for row in rows]


def _told(failure: Failure) -> Row:
    return asdict(failure)


def read_source(job: tuple[Source, str]) -> list[Row]:
    """Write the note tables of one file; return a row for each of its scores."""
    source, folder = job
    store = Store(folder)
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        try:
            tables = read_tables(source.path, source.work, cached=False)
        except Exception as error:      # music21 and its parsers raise anything
            return [_failed(source.work, 0, _stage('read', error), error)]
        rows = []
        books = len(tables) > 1
        for number, (name, make) in enumerate(tables.items(), 1):
            place = number if books else 0
            stage = 'notes'
            try:
                table = make()
                stage = 'write'
                rows.append(_written(store, source.key, name, place, table))
            except Exception as error:
                rows.append(_failed(name, place, _stage(stage, error), error))
                if rows[-1]['stage'] == DISK:
                    return rows[-1:]
        return rows


def _stage(stage: str, error: Exception) -> str:
    if isinstance(error, OSError) and error.errno in _NO_ROOM:
        return DISK
    return 'limit' if isinstance(error, MemoryError) else stage


def _failed(work: str, number: int, stage: str, error: Exception) -> Row:
    cause = error.__cause__ if isinstance(error, QbdiError) and error.__cause__ else error
    if isinstance(cause, MemoryError):
        stage = 'limit'
    elif stage == 'notes' and type(error) is ScoreError:
        stage = 'read'      # MIDI files are read where their notes are asked for
    return {'work': work, 'number': number, 'table': None, **_told(Failure.of(stage, error)),
            'error': type(cause).__name__}


def _written(store: Store, key: str, work: str, number: int, table: NoteTable) -> Row:
    name = f'{key}-{number}' if number else key
    path = store.table_path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    save_table(table, path, work=work)
    return {'work': work, 'number': number, 'table': name, 'num_notes': len(table),
            'num_bars': len(table.bars), 'num_parts': len(table.part_names),
            'length_ql': float(table.bars[-1].end_ql),
            'meter': ' '.join(dict.fromkeys(bar.meter for bar in table.bars))}
