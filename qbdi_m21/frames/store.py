"""Note tables and frames on disk: Parquet, .npz and CSV, exact and whole.

A Parquet or .npz file holds everything; a CSV file has the columns for eyes and spreadsheets
(:mod:`qbdi_m21.frames.csv_table`). Columns that follow from others (spelling, measure, beat,
weight, element id, times as floats) are written for the reader's sake and left unread.
"""

from __future__ import annotations

import json
import os
import tokenize
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from qbdi_m21.errors import FramesError, ParameterError
from qbdi_m21.files import write_aside
from qbdi_m21.frames.csv_table import FRACTIONS, read_csv, readable_columns, write_csv
from qbdi_m21.frames.grid import Bar, Grid, Step
from qbdi_m21.frames.ratios import read_exact
from qbdi_m21.frames.roll import Frames
from qbdi_m21.frames.table import COLUMNS, NoteTable, Tempo, make_note_table

#: Raised when the columns change; corpus tools make files of another format again.
FORMAT = '2'

TABLE_SUFFIXES = ('.parquet', '.npz', '.csv')

#: Most bytes that the arrays of a file may have when unpacked.
MAX_BYTES = 2**32

_META = b'qbdi_m21'

#: What a damaged file raises: numpy's and zipfile's readers, and values of another kind.
_READ_ERRORS = (OSError, KeyError, TypeError, ValueError, AttributeError, EOFError, ArithmeticError,
                RuntimeError, MemoryError, SyntaxError, tokenize.TokenError,
                zipfile.BadZipFile, zlib.error)


def save_table(table: NoteTable, path: str | os.PathLike[str], *, work: str = '') -> None:
    """Write a note table; the suffix (.parquet, .npz, .csv) chooses the format.

    Parameters
    ----------
    table : NoteTable
    path : path
        Written whole or not at all; the same table gives the same bytes.
    work : str
        Name of what it was made from; kept in Parquet and .npz files.
    """
    target = _checked(path)
    with write_aside(target) as aside:
        if target.suffix.lower() == '.csv':
            write_csv(table, aside)
        elif target.suffix.lower() == '.npz':
            columns = {name: getattr(table, name) for name in COLUMNS}
            with aside.open('wb') as file:      # numpy would add a suffix to a name in capitals
                np.savez_compressed(file, meta=np.array(json.dumps(_meta(table, work))), **columns)
        else:
            import pyarrow as pa
            import pyarrow.parquet as pq
            columns = readable_columns(table)
            for name in FRACTIONS:
                value = getattr(table, name)
                columns[f'{name}_num'], columns[f'{name}_den'] = value[:, 0], value[:, 1]
            arrow = pa.table({name: pa.array(v.tolist() if v.dtype.kind == 'U' else v)
                              for name, v in columns.items()})
            meta = {_META: json.dumps(_meta(table, work)).encode()}
            pq.write_table(arrow.replace_schema_metadata(meta), aside, compression='zstd')


def load_table(path: str | os.PathLike[str]) -> NoteTable:
    """Return the note table of a file that :func:`save_table` wrote, or of any CSV of notes.

    Parameters
    ----------
    path : path
        Ends in .parquet, .npz or .csv. A CSV file needs the columns ``onset``, ``duration``
        and ``pitch`` (quarter lengths as numbers or ``7/3``, and MIDI numbers); others are
        read where they are there.

    Raises
    ------
    FramesError
        If the file is no note table, lacks a column or holds wrong values.
    """
    source = _checked(path)
    if not source.is_file():
        raise FramesError(f'no such file: {source}')
    try:
        if source.suffix.lower() == '.csv':
            return read_csv(source)
        packed = source.suffix.lower() == '.npz'
        meta, columns = _read_npz(source) if packed else _read_parquet(source)
        return _table_of(meta, columns)
    except FramesError as error:
        raise FramesError(f'{source}: {error}') from error
    except _READ_ERRORS as error:
        raise FramesError(f'{source} is not a note table ({type(error).__name__}: {error}); '
                          'expected one that save_table or `qbdi-m21 convert` wrote') from error


def table_work(path: str | os.PathLike[str]) -> str | None:
    """Return the work that a Parquet note table names; None where it is none of this format."""
    import pyarrow as pa
    import pyarrow.parquet as pq
    try:
        meta = json.loads(pq.read_schema(path).metadata[_META])
        return str(meta['work']) if meta['format'] == FORMAT else None
    except (pa.ArrowException, OSError, KeyError, TypeError, ValueError):
        return None


def save_frames(frames: Frames, path: str | os.PathLike[str]) -> None:
    """Write frames as .npz: planes, grid and pitch range.

    Parameters
    ----------
    frames : Frames
    path : path
        Ends in .npz. Written whole or not at all; the same frames give the same bytes.
    """
    target = Path(path)
    if target.suffix.lower() != '.npz':
        raise ParameterError(f'{target} ends in {target.suffix!r}; expected .npz')
    meta = {'format': FORMAT, 'kind': 'frames', 'pitch_low': frames.pitch_low,
            'step': str(frames.grid.step_ql), 'bars': [bar.to_json() for bar in frames.grid.bars]}
    planes: dict[str, Any] = {'sounding': frames.sounding, 'onset': frames.onset}
    if frames.velocity is not None:
        planes['velocity'] = frames.velocity
    with write_aside(target) as aside, aside.open('wb') as file:
        np.savez_compressed(file, meta=np.array(json.dumps(meta)), **planes)


def load_frames(path: str | os.PathLike[str]) -> Frames:
    """Return the frames of a file that :func:`save_frames` wrote.

    Parameters
    ----------
    path : path

    Raises
    ------
    FramesError
        If the file holds no frames.
    """
    try:
        meta, planes = _read_npz(Path(path), kind='frames')
        step: Step = meta['step'] if meta['step'] in ('beat', 'bar') else read_exact(meta['step'])
        grid = Grid(tuple(Bar.from_json(bar) for bar in meta['bars']), step)
        return Frames(grid=grid, pitch_low=int(meta['pitch_low']), **planes)
    except FramesError as error:
        raise FramesError(f'{path}: {error}') from error
    except _READ_ERRORS as error:
        raise FramesError(f'{path} holds no frames ({type(error).__name__}: {error}); expected '
                          'a file that save_frames wrote') from error


def npz_kind(path: str | os.PathLike[str]) -> str:
    """Return 'table' or 'frames', or an empty string for an .npz file of another kind."""
    try:
        # opened here: numpy leaves a file open that is no whole archive
        with open(path, 'rb') as file, np.load(file, allow_pickle=False) as archive:
            return str(json.loads(str(archive['meta']))['kind'])
    except _READ_ERRORS:
        return ''


def _checked(path: str | os.PathLike[str]) -> Path:
    target = Path(path)
    if target.suffix.lower() not in TABLE_SUFFIXES:
        raise ParameterError(f'{target} ends in {target.suffix!r}; expected '
                             f'{", ".join(TABLE_SUFFIXES)}')
    return target


def _meta(table: NoteTable, work: str) -> dict[str, Any]:
    return {'format': FORMAT, 'kind': 'table', 'work': work,
            'part_names': list(table.part_names), 'sources': list(table.sources),
            'bars': [bar.to_json() for bar in table.bars],
            'tempi': [{**asdict(t), 'onset_ql': str(t.onset_ql)} for t in table.tempi]}


def _table_of(meta: Mapping[str, Any], columns: Mapping[str, npt.NDArray[Any]]) -> NoteTable:
    missing = [name for name in COLUMNS if name not in columns]
    if missing:
        raise FramesError(f'the columns {", ".join(missing)} are missing; expected '
                          f'{", ".join(COLUMNS)}')
    return make_note_table(
        tuple(Bar.from_json(bar) for bar in meta['bars']),
        **{name: columns[name] for name in COLUMNS}, part_names=meta['part_names'],
        tempi=[Tempo(read_exact(t['onset_ql']), float(t['quarters_per_minute']))
               for t in meta['tempi']], sources=[int(bar) for bar in meta['sources']])


def _read_npz(path: Path, kind: str = 'table') -> tuple[dict[str, Any], dict[str, Any]]:
    with zipfile.ZipFile(path) as archive:
        size = sum(member.file_size for member in archive.infolist())
    if size > MAX_BYTES:
        raise FramesError(f'it unpacks to {size} bytes; expected {MAX_BYTES} at most')
    with np.load(path, allow_pickle=False) as arrays:
        if 'meta' not in arrays:
            raise FramesError(f'it is no {kind} of this package; expected an array `meta`')
        meta = json.loads(str(arrays['meta']))
        _check_meta(meta, kind)
        return meta, {name: arrays[name] for name in arrays.files if name != 'meta'}


def _read_parquet(path: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    import pyarrow as pa
    import pyarrow.parquet as pq
    try:
        arrow = pq.read_table(path)
        columns = {name: arrow[name].to_numpy() for name in arrow.column_names}
    except pa.ArrowException as error:
        raise FramesError(f'not a whole Parquet file ({error})') from error
    meta = json.loads((arrow.schema.metadata or {}).get(_META, b'{}'))
    _check_meta(meta, 'table')
    for name in FRACTIONS:
        if f'{name}_num' in columns and f'{name}_den' in columns:
            columns[name] = np.stack([columns[f'{name}_num'], columns[f'{name}_den']], axis=1)
    return meta, columns


def _check_meta(meta: dict[str, Any], kind: str) -> None:
    if meta.get('kind') != kind:
        raise FramesError(f'it holds {meta.get("kind", "no data of this package")!r}; '
                          f'expected {kind!r}')
    if meta['format'] != FORMAT:
        raise FramesError(f'it has format {meta["format"]}; expected {FORMAT}: make it again')
