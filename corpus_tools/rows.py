"""Rows that are safe as soon as they are finished, and end in Parquet files, a batch a file.

A batch that is being filled is a text file, a JSON array of rows a line: a process that is killed
loses at most the line that it was writing, and that row was not finished. A full batch becomes
a Parquet file of the same number, written aside and renamed, before its text file goes; where
both are there, the text file is left over from a kill and is dropped.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

import pyarrow as pa
import pyarrow.parquet as pq
from filelock import FileLock, Timeout

from corpus_tools.engine.task import check_starter
from qbdi_m21.errors import CorpusError, SourceWarning, warn
from qbdi_m21.files import write_aside

Row = dict[str, Any]

#: Rows of a Parquet file. DuckDB reads 100 such files in some hundredths of a second.
BATCH = 2000

#: Columns of our own: they keep their types where a batch has no value. Of the rows of studies,
#: and of those of ingest.
TYPES: Mapping[str, pa.DataType] = {
    'key': pa.string(), 'cell': pa.string(), 'work': pa.string(), 'run': pa.string(),
    'stage': pa.string(), 'error': pa.string(), 'message': pa.string(), 'seconds': pa.float64(),
    'peak_mib': pa.float64()}
INGEST_TYPES: Mapping[str, pa.DataType] = {
    **TYPES, 'number': pa.int64(), 'table': pa.string(), 'num_notes': pa.int64(),
    'num_bars': pa.int64(), 'num_parts': pa.int64(), 'length_ql': pa.float64(),
    'meter': pa.string()}


class RowLog:
    """The rows of a folder. Write within ``with log.writing():``, one process at a time.

    Parameters
    ----------
    folder : path
        Made when it is first written to.
    batch : int
        Rows of a Parquet file.
    types : dict
        Of the columns that are ours; others are as their values are.
    """

    def __init__(self, folder: str | os.PathLike[str], *, batch: int = BATCH,
                 types: Mapping[str, pa.DataType] = TYPES) -> None:
        self.folder = Path(folder)
        self.types = types
        self.batch = batch
        self._file: IO[str] | None = None
        self._number = 0
        self._held = 0

    @contextlib.contextmanager
    def writing(self) -> Iterator[RowLog]:
        """Take the folder; wait for another process that has it.

        Warns
        -----
        SourceWarning
            Where another process works on it.
        """
        check_starter()
        self.folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(self.folder / '.lock')
        try:
            lock.acquire(timeout=0)
        except Timeout:
            warn(f'another process works on {self.folder}; waiting until it ends', SourceWarning)
            lock.acquire()
        try:
            for left in sorted(self.folder.glob('*.jsonl')):
                self._seal(left)
            self._number = max((int(path.stem) for path in self.parts()), default=0)
            try:
                yield self
            finally:
                self._close()
        finally:
            lock.release()

    def append(self, rows: list[Row]) -> None:
        """Keep rows that belong together: all or none of them are there after a kill.

        Raises
        ------
        CorpusError
            If the disk is full; what was kept before stays.
        """
        if self._file is None:
            self._number += 1
            path = self.folder / f'{self._number:06d}.jsonl'
            self._file = path.open('w', encoding='utf-8', newline='\n')
        try:
            self._file.write(json.dumps(rows, ensure_ascii=False) + '\n')
            self._file.flush()
        except OSError as error:
            with contextlib.suppress(OSError):
                self._file.close()      # which tries to write what is left
            self._file = None
            raise CorpusError(f'cannot write in {self.folder}: {error.strerror}; make room and '
                              'run again: what is finished is kept') from error
        self._held += len(rows)
        if self._held >= self.batch:
            self._close()

    def parts(self) -> list[Path]:
        """Return the Parquet files, the oldest first."""
        return sorted(self.folder.glob('[0-9]*.parquet'))

    def batches(self, columns: Sequence[str] | None = None) -> Iterator[list[Row]]:
        """Yield the rows of each Parquet file; missing columns are None."""
        for path in self.parts():
            wanted = columns
            try:
                if columns is not None:
                    there = pq.read_schema(path).names
                    wanted = [name for name in columns if name in there]
                rows = pq.read_table(path, columns=wanted).to_pylist()
            except pa.ArrowException as error:
                raise CorpusError(f'{path} is damaged ({error}); delete it, and run again: what it '
                                  'held is computed anew') from error
            yield rows

    def parts_with(self, cells: Collection[str]) -> list[Path]:
        """Return the Parquet files that hold rows of some cells."""
        return [path for path, rows in zip(self.parts(), self.batches(['cell']), strict=True)
                if any(row.get('cell') in cells for row in rows)]

    def unsealed(self) -> list[Row]:
        """Return the rows of batches that are being filled, by this or another process."""
        return [row for path in sorted(self.folder.glob('*.jsonl'))
                if not path.with_suffix('.parquet').exists() for row in _read(path)]

    def _close(self) -> None:
        if self._file is not None:
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
            self._file, self._held = None, 0
            self._seal(self.folder / f'{self._number:06d}.jsonl')

    def _seal(self, path: Path) -> None:
        target = path.with_suffix('.parquet')
        rows = [] if target.exists() else _read(path)
        if rows:
            try:
                with write_aside(target) as aside:
                    pq.write_table(to_table(rows, self.types), aside, compression='zstd')
            except OSError as error:
                raise CorpusError(f'cannot write {target} ({error}); make room and run again: what '
                                  'is finished is kept') from error
        path.unlink()


def _read(path: Path) -> list[Row]:
    """Return the rows of a text file; a last line that is not whole was not finished."""
    rows: list[Row] = []
    try:
        lines = path.read_bytes().split(b'\n')
    except FileNotFoundError:       # its batch has just become Parquet
        return rows
    for line in lines[:-1]:
        with contextlib.suppress(ValueError):
            rows += json.loads(line)
    return rows


def to_table(rows: list[Row], types: Mapping[str, pa.DataType] = TYPES) -> pa.Table:
    """Return rows as typed columns; those without any value are left out."""
    columns = {}
    for name in dict.fromkeys(name for row in rows for name in row):
        values = [row.get(name) for row in rows]
        try:
            column = pa.array(values, type=types.get(name))
        except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError):     # numbers here, text there
            column = pa.array([None if v is None else str(v) for v in values])
        if not pa.types.is_null(column.type):
            columns[name] = column
    return pa.table(columns)
