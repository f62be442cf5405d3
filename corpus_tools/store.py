"""Note tables on disk: one Parquet file a work, exact and whole."""

from __future__ import annotations

import hashlib
import json
import os
import re
from dataclasses import fields
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from qbdi_m21.errors import CorpusError
from qbdi_m21.files import write_aside
from qbdi_m21.frames.grid import Bar
from qbdi_m21.frames.notes import NoteTable

#: Raised when the columns change; files of another version are made again.
FORMAT = '1'
_META = b'qbdi_m21'
_FRACTIONS = ('onset', 'duration')


def table_path(folder: str | os.PathLike[str], work: str) -> Path:
    """Return the file of a work's note table: readable, unique by a hash of the name."""
    readable = re.sub(r'[^A-Za-z0-9.]+', '-', work).strip('-')[-60:]
    return Path(folder) / f'{readable}-{hashlib.sha256(work.encode()).hexdigest()[:8]}.parquet'


def write_table(table: NoteTable, work: str, path: str | os.PathLike[str]) -> None:
    """Write a note table; fractions of a quarter keep numerator and denominator."""
    columns = {}
    for field in fields(NoteTable):
        value = getattr(table, field.name)
        if field.name in _FRACTIONS:
            columns[f'{field.name}_num'], columns[f'{field.name}_den'] = value[:, 0], value[:, 1]
        elif field.name != 'bars':
            columns[field.name] = value
    meta = {'format': FORMAT, 'work': work, 'bars': [bar.to_json() for bar in table.bars]}
    arrow = pa.table({k: pa.array(v.tolist() if v.dtype.kind == 'U' else v)
                      for k, v in columns.items()})
    arrow = arrow.replace_schema_metadata({_META: json.dumps(meta).encode()})
    with write_aside(path) as aside:
        pq.write_table(arrow, aside, compression='zstd')


def read_table(path: str | os.PathLike[str]) -> tuple[str, NoteTable]:
    """Return (work, note table) of a file that :func:`write_table` wrote.

    Raises
    ------
    CorpusError
        If the file is no note table of this format.
    """
    try:
        arrow = pq.read_table(path)
        meta = json.loads(arrow.schema.metadata[_META])
        if meta['format'] != FORMAT:
            raise CorpusError(f'{path} has format {meta["format"]}; expected {FORMAT}: ingest the '
                              'work again')
        columns = {}
        for field in fields(NoteTable):
            if field.name in _FRACTIONS:
                columns[field.name] = np.stack(
                    [arrow[f'{field.name}_{k}'].to_numpy() for k in ('num', 'den')], axis=1)
            elif field.name != 'bars':
                values = arrow[field.name].to_numpy()
                columns[field.name] = values.astype(np.str_) if values.dtype == object else values
        return meta['work'], NoteTable(**columns, bars=tuple(
            Bar.from_json(bar) for bar in meta['bars']))
    except (pa.ArrowException, OSError, KeyError, TypeError, ValueError) as error:
        raise CorpusError(f'{path} is not a note table ({error}); ingest the work again'
                          ) from error
