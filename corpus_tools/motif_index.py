"""The motifs of many works in one table: incipits, shared motifs, and where a theme occurs."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from corpus_tools.engine import Engine, LocalEngine, Task
from qbdi_m21.analysis.motifs.find import find_motifs
from qbdi_m21.analysis.motifs.places import rows_of
from qbdi_m21.analysis.motifs.repetitions import move_bits
from qbdi_m21.analysis.motifs.theme import theme_moves
from qbdi_m21.analysis.motifs.voices import TICKS, voices_of
from qbdi_m21.errors import CorpusError, ParameterError, QbdiError, QbdiWarning
from qbdi_m21.files import write_aside
from qbdi_m21.frames.encode import Source
from qbdi_m21.sources import read_tables

if TYPE_CHECKING:
    import pandas as pd

    from qbdi_m21.frames.table import NoteTable

#: Columns of an index.
COLUMNS = ('work', 'label', 'measure', 'beat', 'part', 'num_notes', 'occurrences', 'length_ql',
           'salience', 'pitch', 'intervals', 'times')


def index_motifs(works: Sequence[str], path: str | os.PathLike[str], *, jobs: int = 1,
                 engine: Engine | None = None,
                 progress: Callable[[str], object] | None = None, **options: Any
                 ) -> dict[str, str]:
    """Find the motifs of works and write them into one Parquet file, a row for each.

    Parameters
    ----------
    works : sequence of str
        Note tables, score files or ``corpus:`` names.
    path : path
        Ends in .parquet.
    jobs : int
        Processes.
    engine : Engine, optional
        Instead of `jobs`.
    progress : callable, optional
        Called with each work as it ends.
    **options
        Of :func:`qbdi_m21.find_motifs`.

    Returns
    -------
    dict of str to str
        Works that could not be read, and why.

    Notes
    -----
    `intervals` are steps on the staff from note to note, `times` quarter lengths between their
    onsets, of the motif's first form; `measure`, `beat`, `part` and `pitch` (MIDI) say where and
    on what it begins.
    """
    if Path(path).suffix.lower() != '.parquet':
        raise ParameterError(f'{path} ends in {Path(path).suffix!r}; expected .parquet')
    import pandas as pd
    rows: list[dict[str, Any]] = []
    failed: dict[str, str] = {}

    runner = engine or LocalEngine(jobs)
    tasks = (Task(work, (work, options)) for work in works)
    for outcome in runner.run(_index_one, tasks):
        if outcome.failure is None:
            rows.extend(outcome.value[0])
            failed.update(outcome.value[1])
        else:
            failed[outcome.key] = f'{outcome.failure.error}: {outcome.failure.message}'
        if progress is not None:
            progress(outcome.key)
    table = pd.DataFrame(rows, columns=list(COLUMNS)).sort_values(['work', 'label'])
    with write_aside(path) as aside:
        table.to_parquet(aside, index=False)
    return dict(sorted(failed.items()))


def _index_one(job: tuple[str, dict[str, Any]]) -> tuple[list[dict[str, Any]], dict[str, str]]:
    work, options = job
    rows: list[dict[str, Any]] = []
    failed: dict[str, str] = {}
    with warnings.catch_warnings():
        warnings.simplefilter('ignore', QbdiWarning)
        try:
            tables = read_tables(work)
        except QbdiError as error:
            return rows, {work: str(error)}
        for name, table in tables.items():
            try:
                rows += _rows(name, table(), options)
            except QbdiError as error:
                failed[name] = str(error)
    return rows, failed


def _rows(work: str, table: NoteTable, options: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the rows of one work's motifs; of a passage of the whole texture, its upper line."""
    found = []
    for motif in find_motifs(table, **options):
        first = motif.first_form
        notes = table.select(np.array(rows_of(table, first)))
        line = max(voices_of(notes), key=lambda voice: len(voice.rows), default=None)
        if line is None:
            continue
        onset = [notes.onset_at(k) for k in line.rows.tolist()]
        found.append({
            'work': work, 'label': motif.label, 'measure': first.measure,
            'beat': float(first.beat), 'part': -1 if first.part is None else first.part,
            'num_notes': len(line.rows), 'occurrences': len(motif.occurrences),
            'length_ql': float(motif.length_ql), 'salience': round(motif.salience, 6),
            'pitch': int(line.pitch[0]),
            'intervals': ' '.join(f'{step:+d}' for step in np.diff(line.degree).tolist()),
            'times': ' '.join(str(b - a) for a, b in pairwise(onset))})
    return found


def read_index(path: str | os.PathLike[str]) -> pd.DataFrame:
    """Return the index of a Parquet file.

    Raises
    ------
    CorpusError
        If it is none.
    """
    import pandas as pd
    try:
        table = pd.read_parquet(path)
    except (ValueError, OSError) as error:
        raise CorpusError(f'{path} cannot be read as Parquet: {error}') from error
    missing = set(COLUMNS) - set(table.columns)
    if missing:
        raise CorpusError(f'{path} is no index of motifs: it has no column '
                          f'{", ".join(sorted(missing))}; make one with `corpus-tools motifs`')
    return table


def shared_motifs(index: pd.DataFrame, *, min_notes: int = 4, min_works: int = 2,
                  rhythm: bool = True) -> pd.DataFrame:
    """Return the motifs that several works have, those of most works first.

    Parameters
    ----------
    index : DataFrame
    min_notes, min_works : int
    rhythm : bool
        Motifs are the same by intervals and times; else by intervals alone.

    Returns
    -------
    DataFrame
        ``intervals`` (and ``times``), ``num_notes``, ``num_works``, ``places``: work, measure and
        beat of each, with commas between.
    """
    import pandas as pd
    keys = ['intervals', 'times'] if rhythm else ['intervals']
    long_enough = index[index['num_notes'] >= min_notes]
    rows = []
    for key, group in long_enough.groupby(keys, sort=True):
        works = group['work'].nunique()
        if works >= min_works:
            places = [f'{row.work} m.{row.measure}.{row.beat:g}' for row in group.itertuples()]
            rows.append({**dict(zip(keys, key, strict=True)),
                         'num_notes': int(group['num_notes'].iloc[0]), 'num_works': works,
                         'places': ', '.join(places)})
    table = pd.DataFrame(rows, columns=[*keys, 'num_notes', 'num_works', 'places'])
    return table.sort_values(['num_works', 'num_notes', *keys], ascending=[False, False]
                             + [True] * len(keys), ignore_index=True)


def search_index(index: pd.DataFrame, theme: Source, *, min_similarity: float = 0.6
                 ) -> pd.DataFrame:
    """Return the motifs of an index that are like a theme, the most similar first.

    Parameters
    ----------
    index : DataFrame
    theme : music21 Stream, NoteTable, Frames or Music
        Its upper line is looked for.
    min_similarity : float
        Share of bits in common, as of :func:`qbdi_m21.find_theme`, by how common intervals and
        times are in the index.

    Returns
    -------
    DataFrame
        Rows of the index with a column ``similarity``.
    """
    from qbdi_m21.oracle.alignment import similarity
    wanted = theme_moves(theme)
    held = [_moves(str(row.intervals), str(row.times)) for row in index.itertuples()]
    known = np.concatenate([wanted, *held])
    bits = move_bits(wanted, known)
    alike = [float(similarity(wanted, bits, moves, move_bits(moves, known))) if len(moves) else 0.0
             for moves in held]
    found = index.assign(similarity=np.round(alike, 6))
    found = found[found['similarity'] >= min_similarity]
    return found.sort_values(['similarity', 'work', 'label'], ascending=[False, True, True],
                             ignore_index=True)


def _moves(intervals: str, times: str) -> np.ndarray[Any, np.dtype[np.int64]]:
    pairs: Iterable[tuple[str, str]] = zip(intervals.split(), times.split(), strict=True)
    return np.array([(int(step), round(Fraction(time) * TICKS)) for step, time in pairs],
                    dtype=np.int64).reshape(-1, 2)
