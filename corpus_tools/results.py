"""Results of a study as tables: DuckDB views over its Parquet files, pandas, CSV, a data package.

Views: ``results`` (a row a unit: work, what the manifest tells, parameters, every measured
column; NULL where it failed), ``failures`` (a row a failure that stands), ``units``, ``rows``
(every measure of every unit, with seconds and memory) and ``runs`` (versions, parameters, seed).
"""

from __future__ import annotations

import contextlib
import json
import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from corpus_tools.rows import TYPES, RowLog, to_table
from corpus_tools.store import Store
from corpus_tools.study import Study
from qbdi_m21.errors import CorpusError, ParameterError, SourceWarning, warn
from qbdi_m21.files import write_aside

if TYPE_CHECKING:
    import duckdb
    import pandas as pd

#: Columns of rows that are no measures.
ABOUT = (*TYPES, 'filename')

_FIELD_TYPES = {'BIGINT': 'integer', 'INTEGER': 'integer', 'DOUBLE': 'number',
                'BOOLEAN': 'boolean', 'VARCHAR': 'string'}


@dataclass(frozen=True)
class StudyStatus:
    """How far a study is.

    Attributes
    ----------
    units, cells : int
        Works times parameters; times measures, of each content that could be read.
    done : int
        Cells with values.
    failed : dict of str to int
        Failures that stand, by stage and class.
    """

    units: int
    cells: int
    done: int
    failed: dict[str, int]

    @property
    def pending(self) -> int:
        """Cells that no run has come to."""
        return self.cells - self.done - sum(
            count for name, count in self.failed.items() if not name.startswith('ingest '))


@contextlib.contextmanager
def open_results(study: Study) -> Iterator[duckdb.DuckDBPyConnection]:
    """Give a DuckDB connection with the views of a study.

    Raises
    ------
    CorpusError
        If the study was not run yet.
    """
    import duckdb
    folder = _study_folder(study)
    kept = json.loads((folder / 'study.json').read_text('utf-8'))
    cells = kept.pop('cells')
    if kept != json.loads(json.dumps(study.to_json())) or cells != study.cells():
        warn(f'the study {study.name!r} has changed since it was run: these are the results of '
             'what it was then; run it again', SourceWarning)
    with duckdb.connect() as connection:
        try:
            _make_views(connection, folder, cells)
        except duckdb.Error as error:
            raise CorpusError(f'the results in {folder} cannot be read ({error}); delete the file '
                              'that is damaged, and run again') from error
        yield connection


def _study_folder(study: Study) -> Path:
    folder = Store(study.store, create=False).study_folder(study.name)
    if not (folder / 'units.parquet').is_file():
        raise CorpusError(f'the study {study.name!r} was not run yet; `corpus-tools run` it first')
    return folder


def _make_views(connection: duckdb.DuckDBPyConnection, folder: Path, cells: list[str]) -> None:
    connection.execute(f'CREATE VIEW units AS FROM read_parquet({_text(folder / "units.parquet")})')
    connection.execute(
        f'CREATE VIEW runs AS FROM read_json({_text(folder / "runs" / "*.json")}, '
        "format = 'newline_delimited')")
    # what earlier declarations measured must not decide names and types of columns
    log = RowLog(folder / 'rows')
    sources = ['SELECT ' + ', '.join(
        f'NULL::{"DOUBLE" if name in ("seconds", "peak_mib") else "VARCHAR"} AS {name}'
        for name in ABOUT) + ' WHERE false']
    parts = log.parts_with(cells)
    if parts:
        sources.append(f'SELECT * FROM read_parquet([{", ".join(map(_text, parts))}], '
                       'union_by_name = true, filename = true)')
    under_way = log.unsealed()
    if under_way:
        connection.register('under_way', to_table(under_way))
        sources.append("SELECT *, 'under way' AS filename FROM under_way")
    connection.execute('CREATE VIEW rows AS ' + ' UNION ALL BY NAME '.join(sources))
    present = [name for name, *_ in connection.execute('DESCRIBE rows').fetchall()]
    current = ', '.join(f"'{cell}'" for cell in cells)
    measured = ''.join(f', any_value({_name(column)}) AS {_name(column)}'
                       for column in _measured(connection, present, current))
    connection.execute(
        'CREATE VIEW results AS SELECT units.* EXCLUDE (unit, key, "table", stage, error, '
        'message), "table" AS content, found.* EXCLUDE (key) FROM units LEFT JOIN (SELECT key, '
        f'sum(seconds) FILTER (stage IS NULL) AS seconds{measured} FROM rows '
        f'WHERE cell IN ({current}) GROUP BY key) AS found USING (key) '
        'ORDER BY unit')
    connection.execute(
        'CREATE VIEW failures AS SELECT work, stage::VARCHAR AS stage, error::VARCHAR AS error, '
        'message::VARCHAR AS message, NULL::VARCHAR AS key FROM units '
        'WHERE "table" IS NULL UNION ALL SELECT work, stage, error, message, key FROM rows '
        f'WHERE cell IN ({current}) AND key IN (SELECT key FROM units) '
        'QUALIFY row_number() OVER (PARTITION BY key, cell ORDER BY filename DESC) = 1 '
        'AND stage IS NOT NULL')


def _measured(connection: duckdb.DuckDBPyConnection, present: list[str],
              current: str) -> list[str]:
    """Return the columns in which a measure of today has a value."""
    columns = [name for name in present if name not in ABOUT]
    if not columns:
        return []
    counts = connection.execute('SELECT ' + ', '.join(f'count({_name(name)})' for name in columns)
                                + f' FROM rows WHERE cell IN ({current})').fetchone() or ()
    return [name for name, count in zip(columns, counts, strict=True) if count]


def _text(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"


def _name(column: str) -> str:
    return '"' + column.replace('"', '""') + '"'


def read_results(study: Study) -> pd.DataFrame:
    """Return the results of a study, a row a unit; missing where it failed or is not done."""
    with open_results(study) as connection:
        found: pd.DataFrame = connection.sql('FROM results').df()
        return found


def query_results(study: Study, sql: str) -> pd.DataFrame:
    """Return what an SQL query gives over the views of a study.

    Raises
    ------
    ParameterError
        If DuckDB refuses it.
    """
    import duckdb
    with open_results(study) as connection:
        try:
            found = connection.sql(sql)
            if found is None:
                raise ParameterError('the query gives no table; expected a SELECT')
            table: pd.DataFrame = found.df()
            return table
        except duckdb.Error as error:
            raise ParameterError(f'DuckDB refuses the query: {error}') from error


def study_status(study: Study) -> StudyStatus:
    """Return how far a study is, also while it runs."""
    folder = _study_folder(study)
    with open_results(study) as connection:
        units, readable = connection.execute(
            'SELECT count(*), count(DISTINCT key) FILTER ("table" IS NOT NULL) FROM units'
        ).fetchone() or (0, 0)
        cells = json.loads((folder / 'study.json').read_text('utf-8'))['cells']
        current = ', '.join(f"'{cell}'" for cell in cells)
        done = (connection.execute(
            'SELECT count(*) FROM (SELECT DISTINCT key, cell FROM rows WHERE stage IS NULL '
            f'AND cell IN ({current}) AND key IN (SELECT key FROM units))').fetchone() or (0,))[0]
        failed: Counter[str] = Counter()
        for read, stage, error, count in connection.execute(
                'SELECT key IS NULL, stage, error, count(*) FROM failures GROUP BY ALL').fetchall():
            failed[f'{"ingest " if read else ""}{stage}: {error}'] += count
    return StudyStatus(units, readable * len(cells), done, dict(sorted(failed.items())))


def export_results(study: Study, folder: str | os.PathLike[str]) -> tuple[Path, ...]:
    """Write results and failures as CSV files with a frictionless data-package descriptor.

    Parameters
    ----------
    study : Study
    folder : path
        Made if missing.

    Notes
    -----
    Seconds are left out, so that a study that is computed again gives the same bytes. Source of
    the descriptor: https://specs.frictionlessdata.io (data package, table schema).
    """
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    written = []
    resources: list[dict[str, Any]] = []
    with open_results(study) as connection:
        for name, sql in (
                ('results', 'SELECT * EXCLUDE (seconds, content) FROM results'),
                ('failures', 'SELECT * EXCLUDE (key) FROM failures ORDER BY ALL')):
            fields = [{'name': column, 'type': _FIELD_TYPES.get(str(kind), 'any')}
                      for column, kind, *_ in connection.execute(f'DESCRIBE {sql}').fetchall()]
            path = target / f'{name}.csv'
            with write_aside(path) as aside:
                text = connection.sql(sql).df().to_csv(
                    index=False, lineterminator='\n', float_format='%.9g')
                aside.write_text(text, encoding='utf-8')
            resources.append({
                'name': name, 'path': path.name, 'profile': 'tabular-data-resource',
                'format': 'csv', 'mediatype': 'text/csv', 'encoding': 'utf-8',
                'schema': {'fields': fields, 'missingValues': ['']}})
            written.append(path)
    package = {'profile': 'tabular-data-package', 'name': study.name.lower(),
               'title': study.title or study.name, 'resources': resources,
               'study': study.to_json()}
    with write_aside(target / 'datapackage.json') as aside:
        aside.write_text(json.dumps(package, indent=1, ensure_ascii=False, default=str) + '\n',
                         encoding='utf-8')
    return *written, target / 'datapackage.json'
