"""What a study has to compute: each work with each combination of parameters."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from corpus_tools.engine import Failure
from corpus_tools.ingest import IngestReport, read_rows
from corpus_tools.manifest import check_columns
from corpus_tools.measures import call_measure, load_measure
from corpus_tools.rows import Row
from corpus_tools.store import Store
from corpus_tools.study import Study, digest
from qbdi_m21.errors import ParameterError
from qbdi_m21.frames.store import load_table
from qbdi_m21.notation.reading import CORPUS_PREFIX
from qbdi_m21.sources import split_number

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Unit:
    """A work and parameters.

    Attributes
    ----------
    key : str
        By the notes, the parameters and the seed.
    work : str
    table : str or None
        Path of the note table; None where the work could not be read.
    parameters : dict
    seed : int
        Of the notes, whatever their name and parameters: these are compared with the same noise.
    """

    key: str
    work: str
    table: str | None
    parameters: dict[str, Any]
    seed: int


@dataclass(frozen=True)
class Job:
    """Some measures of a unit."""

    unit: Unit
    folder: str
    #: Of each measure: cell, target, options and prefix.
    measures: tuple[tuple[str, str, dict[str, Any], str], ...]


def plan(study: Study, store: Store, report: IngestReport,
         manifest: pd.DataFrame) -> tuple[list[Unit], pd.DataFrame]:
    """Return the units of a study, and a table of them with what the manifest tells."""
    import pandas as pd
    rows = {(key, row['number']): row for key, own in read_rows(store).items() for row in own}
    if study.columns != Study.columns:
        check_columns(manifest, study.columns)
    about = [column for column in study.columns if column in manifest.columns]
    both = set(study.parameters) & set(about)
    if both:
        raise ParameterError(f'{", ".join(sorted(both))} is a column of the works and a parameter; '
                             'leave it out of `columns`')
    models = study.model_digests()
    units: list[Unit] = []
    told: list[Row] = []
    for record in manifest.to_dict('records'):
        work = record['work']
        row = _row_of(work, report, rows)
        table = row.get('table')
        for chosen in study.combinations():
            key = digest([table or work, chosen, study.seed, models.get(chosen.get('model', ''))])
            units.append(Unit(
                key, work, str(store.table_path(table).absolute()) if table else None, chosen,
                int(digest([study.seed, table or work])[:8], 16)))
            told.append({'unit': len(told), 'key': key, 'work': work,
                         **{c: record[c] for c in about}, **chosen,
                         'table': table, 'stage': row.get('stage'), 'error': row.get('error'),
                         'message': row.get('message')})
    frame = pd.DataFrame(told)
    for name in study.parameters:
        if frame[name].map(type).nunique() > 1:     # 'full' and 256
            frame[name] = frame[name].astype(str)
    return units, frame


def _row_of(work: str, report: IngestReport, rows: dict[tuple[str, int], Row]) -> Row:
    """Return what ingest tells of a work."""
    file, own = split_number(work)
    if file not in report.keys:
        failure = report.failed.get(file, Failure('open', 'CorpusError', 'it was not read'))
        return {'stage': failure.stage, 'error': failure.error, 'message': failure.message}
    number = own or 0
    key = report.keys[file]
    found = rows.get((key, number))
    whole = rows.get((key, 0))
    if found is None and whole is not None and (number == 1 or not whole.get('table')):
        found = whole       # the only score of its file, or a file that cannot be read
    if found is None:
        return {'stage': 'read', 'error': 'CorpusError',
                'message': f'{file} holds no score {number}' if number else
                f'{file} is a book of several scores; name them one by one, {file}#1'}
    return found


def jobs(study: Study, units: list[Unit], done: set[tuple[str, str]]) -> Iterator[Job]:
    """Yield what is left to do of each unit."""
    cells = study.cells()
    seen: set[str] = set()      # works of one content are one unit
    for unit in units:
        if unit.table is None or unit.key in seen:
            continue
        seen.add(unit.key)
        left = tuple((cell, spec.target, dict(spec.options), spec.prefix)
                     for cell, spec in zip(cells, study.measures, strict=True)
                     if (unit.key, cell) not in done)
        if left:
            yield Job(unit, str(Path(study.folder).absolute()), left)


def run_job(job: Job) -> list[Row]:
    """Measure a work; return a row for each measure, whatever becomes of the others."""
    import time

    from corpus_tools.engine.worker import peak_mib
    unit = job.unit
    try:
        table = load_table(str(unit.table))
    except Exception as error:
        return [_failed(job, one[0], Failure.of('load', error)) for one in job.measures]
    work = unit.work if unit.work.startswith(CORPUS_PREFIX) else str(Path(unit.work).absolute())
    rows = []
    for cell, target, options, prefix in job.measures:
        started = time.perf_counter()
        try:
            given = {**unit.parameters, **options, 'seed': unit.seed, 'work': work}
            with warnings.catch_warnings():
                warnings.simplefilter('ignore')
                values = call_measure(load_measure(target, job.folder), table, given)
            row = {**_about(job, cell), **{prefix + name: v for name, v in values.items()}}
        except MemoryError as error:
            row = _failed(job, cell, Failure.of('limit', error))
        except Exception as error:      # measures are anybody's
            row = _failed(job, cell, Failure.of(target, error))
        rows.append({**row, 'seconds': round(time.perf_counter() - started, 4),
                     'peak_mib': round(peak_mib(), 1)})
    return rows


def failed_rows(job: Job, failure: Failure) -> list[Row]:
    """Return the rows of a job whose process was ended."""
    return [_failed(job, one[0], failure) for one in job.measures]


def _about(job: Job, cell: str) -> Row:
    return {'key': job.unit.key, 'cell': cell, 'work': job.unit.work, 'stage': None,
            'error': None, 'message': None, 'seconds': None, 'peak_mib': None}


def _failed(job: Job, cell: str, failure: Failure) -> Row:
    return {**_about(job, cell), 'stage': failure.stage, 'error': failure.error,
            'message': failure.message}
