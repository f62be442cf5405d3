"""Running a study: what is new is computed, what is finished is kept."""

from __future__ import annotations

import datetime
import json
import platform
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from corpus_tools.engine import Engine, LocalEngine, Task
from corpus_tools.ingest import ingest
from corpus_tools.rows import TYPES, Row, RowLog
from corpus_tools.store import Store
from corpus_tools.study import Study
from corpus_tools.units import Job, failed_rows, jobs, plan, run_job
from qbdi_m21.errors import ParameterError
from qbdi_m21.files import write_aside

if TYPE_CHECKING:
    import pandas as pd

#: Packages whose versions a run keeps.
_PACKAGES = ('qbdi-m21', 'music21', 'numpy', 'scipy', 'numba', 'pyarrow', 'duckdb')

_ABOUT = tuple(TYPES)


@dataclass(frozen=True)
class RunReport:
    """What a run did.

    Attributes
    ----------
    units : int
        Works times combinations of parameters.
    computed, kept : int
        Measures of units, computed now and before.
    failed : dict of str to int
        Failures of all runs that still stand, by class: ``'limit: TimeoutError'``.
    """

    units: int
    computed: int
    kept: int
    failed: dict[str, int]


def study_log(store: Store, name: str) -> RowLog:
    """Return the rows of a study."""
    return RowLog(store.study_folder(name) / 'rows')


def run_study(study: Study, *, engine: Engine | None = None, retry: bool = False,
              progress: Callable[[str, int, int], object] | None = None) -> RunReport:
    """Read the works that are new, and measure what is not measured yet.

    Parameters
    ----------
    study : Study
    engine : Engine, optional
        A :class:`~corpus_tools.engine.LocalEngine` of one process by default.
    retry : bool
        Try again what failed, in reading and measuring.
    progress : callable, optional
        Called as ``progress(stage, done, all)``, with the stages 'ingest' and 'study'.

    Returns
    -------
    RunReport

    Raises
    ------
    CorpusError
        If there is no work, the store is none, or the disk is full.
    ParameterError
        If two measures give a column of one name.
    """
    store = Store(study.store)
    runner = engine or LocalEngine()
    folder = store.study_folder(study.name)
    manifest = study.manifest()

    def tell(stage: str) -> Callable[[int, int], None]:
        def show(done: int, total: int) -> None:
            if progress is not None:
                progress(stage, done, total)
        return show

    report = ingest(manifest.files, store.folder, engine=runner, retry=retry,
                    progress=tell('ingest'))
    log = study_log(store, study.name)
    with log.writing():
        units, table = plan(study, store, report, manifest.table)
        _write_units(table, study, folder)
        done = _finished(log, retry)
        run = _note_run(study, folder, runner)
        cells = study.cells()
        wanted = {(unit.key, cell) for unit in units if unit.table for cell in cells}
        kept = len(wanted & done)
        keeper = _Keeper(log, run, _columns_of(log, cells, table.columns))
        count = kept
        show = tell('study')
        show(count, len(wanted))
        # a measure that never ends must not cost the others their values: where a process was
        # ended with several measures left, each is tried by itself
        todo: Iterable[Job] | None = jobs(study, units, done)
        while todo is not None:
            singles: list[Job] = []
            for outcome, job in _outcomes(runner, todo):
                rows = outcome.value
                if outcome.failure is not None:
                    if len(job.measures) > 1:
                        singles += [Job(job.unit, job.folder, (one,)) for one in job.measures]
                        continue
                    rows = failed_rows(job, outcome.failure)
                keeper.keep(rows)
                count += len(rows)
                show(count, len(wanted))
            todo = singles or None
    from corpus_tools.results import open_results
    with open_results(study) as results:
        failed = Counter({f'{stage}: {error}': number for stage, error, number in results.execute(
            'SELECT stage, error, count(*) FROM failures GROUP BY ALL').fetchall()})
    return RunReport(len(units), count - kept, kept, dict(sorted(failed.items())))


def _outcomes(engine: Engine, todo: Iterable[Job]) -> Any:
    """Yield outcomes with their jobs; only those under way are held."""
    under_way: dict[str, Job] = {}

    def tasks() -> Any:
        for number, job in enumerate(todo):
            under_way[str(number)] = job
            yield Task(str(number), job)

    for outcome in engine.run(run_job, tasks()):
        yield outcome, under_way.pop(outcome.key)


class _Keeper:
    """Keeps rows, and sees to it that no two measures share a column."""

    def __init__(self, log: RowLog, run: str, columns: dict[str, str]) -> None:
        self._log = log
        self._run = run
        self._columns = columns

    def keep(self, rows: list[Row]) -> None:
        """Keep the rows of one job, all or none."""
        for row in rows:
            for name in row.keys() - set(_ABOUT):
                owner = self._columns.setdefault(name, row['cell'])
                if owner != row['cell']:
                    raise ParameterError(
                        f'the column {name!r} is given by two measures, or is one of the works; '
                        'give a measure a prefix')
        self._log.append([{**row, 'run': self._run} for row in rows])


def _columns_of(log: RowLog, cells: list[str], taken: Iterable[str]) -> dict[str, str]:
    """Return which cell each column is of; columns of the units are of none."""
    owners = {name: '' for name in taken if name not in _ABOUT}
    for rows in log.batches():
        for row in rows:
            if row['cell'] in cells:
                for name, value in row.items():
                    if value is not None and name not in _ABOUT:
                        owners.setdefault(name, row['cell'])
    return owners


def _finished(log: RowLog, retry: bool) -> set[tuple[str, str]]:
    """Return the cells that need not be computed."""
    return {(row['key'], row['cell']) for rows in log.batches(['key', 'cell', 'stage'])
            for row in rows if not retry or row['stage'] is None}


def _write_units(table: pd.DataFrame, study: Study, folder: Path) -> None:
    taken = set(study.parameters) & {'unit', 'key', 'work', 'table', 'stage', 'error', 'message'}
    if taken:
        raise ParameterError(f'a parameter cannot be called {", ".join(sorted(taken))}')
    folder.mkdir(parents=True, exist_ok=True)
    with write_aside(folder / 'units.parquet') as aside:
        table.to_parquet(aside, index=False)
    about = {**study.to_json(), 'cells': study.cells()}
    with write_aside(folder / 'study.json') as aside:
        aside.write_text(json.dumps(about, indent=1, ensure_ascii=False) + '\n', encoding='utf-8')


def _note_run(study: Study, folder: Path, engine: Engine) -> str:
    """Write down what this run is made with; return its name."""
    from importlib.metadata import PackageNotFoundError, version
    versions = {'python': platform.python_version()}
    for name in _PACKAGES:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            versions[name] = ''
    runs = folder / 'runs'
    runs.mkdir(exist_ok=True)
    name = f'{1 + max((int(path.stem) for path in runs.glob("*.json")), default=0):06d}'
    about = {'run': name, 'started': datetime.datetime.now(datetime.UTC).isoformat(),
             'engine': type(engine).__name__, 'limits': str(getattr(engine, 'limits', '')),
             'jobs': getattr(engine, 'jobs', None), 'seed': study.seed,
             'models': study.model_digests(),
             'measures': dict(zip([f'{one.prefix}{one.target}' for one in study.measures],
                                  study.cells(), strict=True)),
             'parameters': {key: list(values) for key, values in study.parameters.items()},
             'versions': versions}
    with write_aside(runs / f'{name}.json') as aside:
        aside.write_text(json.dumps(about, ensure_ascii=False) + '\n', encoding='utf-8')
    return name
