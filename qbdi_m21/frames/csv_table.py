"""Note tables as comma-separated values: to read in a spreadsheet, and to bring notes from one.

Times are exact: ``7/3``. A CSV file has no place for tempi, for the names of silent parts and for
bars in which no note starts; such bars are filled in again with the meter of the bar before, up
to the end of the last note.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from qbdi_m21.errors import FramesError
from qbdi_m21.frames.grid import Bar
from qbdi_m21.frames.ratios import IntArray, read_exact, to_ratios
from qbdi_m21.frames.table import COLUMNS, NoteTable, make_note_table

FRACTIONS = ('onset', 'duration')

#: Longest piece, in quarters, and most silent bars one after the other.
MAX_QL, MAX_BARS = 200_000, 100_000

#: What a CSV file says of the bar in which a note starts, and what it says where it is silent.
_BAR_COLUMNS = ('start_ql', 'length_ql', 'lead_ql', 'beat_ql', 'meter', 'sharps')

_TEXT = (*FRACTIONS, 'part_name', *(f'bar_{name}' for name in _BAR_COLUMNS if name != 'sharps'))


def readable_columns(table: NoteTable) -> dict[str, npt.NDArray[Any]]:
    """Return all columns but the exact times, those that people read first."""
    first: dict[str, npt.NDArray[Any]] = {
        'onset_ql': table.onset_ql, 'duration_ql': table.duration_ql, 'pitch': table.pitch,
        'spelling': table.spelling, 'part': table.part, 'staff': table.staff,
        'voice': table.voice, 'measure': table.measure,
        'beat': table.beat[:, 0] / table.beat[:, 1], 'weight': table.weight,
        'grace': table.grace, 'velocity': table.velocity, 'element_id': table.element_id}
    return {**first, **{name: getattr(table, name) for name in COLUMNS
                        if name not in first and name not in FRACTIONS}}


def write_csv(table: NoteTable, path: Path) -> None:
    """Write a table as CSV, with a header line."""
    import pyarrow as pa
    from pyarrow import csv
    columns: dict[str, list[Any]] = {
        name: [str(Fraction(n, d)) for n, d in getattr(table, name).tolist()]
        for name in FRACTIONS}
    columns.update({name: values.tolist() for name, values in readable_columns(table).items()})
    columns['part_name'] = [table.part_names[part] for part in table.part.tolist()]
    for name in _BAR_COLUMNS:
        values = [getattr(table.bars[bar], name) for bar in table.bar.tolist()]
        columns[f'bar_{name}'] = values if name == 'sharps' else [str(v) for v in values]
    csv.write_csv(pa.table(columns), path, csv.WriteOptions(quoting_style='needed'))


def read_csv(path: Path) -> NoteTable:
    """Return the table of a CSV file with the columns onset, duration and pitch at least.

    Raises
    ------
    FramesError
        If a column is missing or holds what it should not, with the row.
    """
    import pyarrow as pa
    from pyarrow import csv
    try:
        arrow = csv.read_csv(path, convert_options=csv.ConvertOptions(
            column_types=dict.fromkeys(_TEXT, pa.string()), strings_can_be_null=False))
    except pa.ArrowException as error:
        raise FramesError(f'not a table of comma-separated values ({error})') from error
    held: dict[str, list[Any]] = {
        name: arrow[name].to_pylist() for name in arrow.column_names}
    missing = [name for name in (*FRACTIONS, 'pitch') if name not in held]
    if missing:
        raise FramesError(f'the columns {", ".join(missing)} are missing; it has '
                          f'{", ".join(held) or "none"}, expected onset, duration and pitch')
    onset, duration = (_fractions(held[name], name) for name in FRACTIONS)
    end = max((a + b for a, b in zip(onset, duration, strict=True)), default=Fraction(0))
    bars = _bars(held, end)
    columns: dict[str, Any] = {name: _whole(held[name], name) for name in COLUMNS
                               if name in held and name not in FRACTIONS}
    if 'bar_start_ql' not in held:
        columns.pop('bar', None)
    table = make_note_table(bars, onset=to_ratios(onset), duration=to_ratios(duration), **columns)
    names = dict(zip(held.get('part', []), held.get('part_name', []), strict=False))
    return replace(table, part_names=tuple(
        names.get(part, '') for part in range(len(table.part_names))))


def _fractions(values: list[Any], name: str) -> list[Fraction]:
    result = []
    for row, value in enumerate(values):
        try:
            result.append(read_exact(str(value)))
        except FramesError as error:
            raise FramesError(f'the column {name} holds {value!r} in row {row + 1}; expected a '
                              'number of quarters such as 0.5 or 7/3') from error
        if abs(result[-1]) > MAX_QL:
            raise FramesError(f'the column {name} holds {value!r} in row {row + 1}; expected no '
                              f'more than {MAX_QL} quarters')
    return result


def _whole(values: list[Any], name: str) -> IntArray:
    for row, value in enumerate(values):
        if not isinstance(value, int) and not (isinstance(value, float) and value.is_integer()):
            raise FramesError(f'the column {name} holds {value!r} in row {row + 1}; expected a '
                              'whole number')
    return np.array(values, dtype=np.int64)


def _bars(held: Mapping[str, list[Any]], end: Fraction) -> tuple[Bar, ...]:
    """Return the bars that a file tells of, those between them filled in; else bars of 4/4."""
    known: dict[int, Bar] = {}
    if {'bar', 'measure', *(f'bar_{name}' for name in _BAR_COLUMNS)} <= set(held):
        places: dict[int, int] = {}
        for row, bar in enumerate(held['bar']):
            places.setdefault(int(bar), row)
        for bar, row in places.items():
            known[bar] = Bar.from_json({'number': int(held['measure'][row]), **{
                name: held[f'bar_{name}'][row] for name in _BAR_COLUMNS}})
    bars: list[Bar] = []
    before = Bar(0, Fraction(0), Fraction(4))
    for index in sorted(known):
        missing = index - len(bars)
        gap = known[index].start_ql - (bars[-1].end_ql if bars else 0)
        if gap < 0 or (gap and not missing) or (missing and gap <= 0) or missing > MAX_BARS:
            raise FramesError(f'the bar {index} starts at {known[index].start_ql} quarters, '
                              f'{gap} after what lies before; expected bars without gaps')
        pattern = before if bars else known[index]
        for k in range(missing):
            start = bars[-1].end_ql if bars else Fraction(0)
            bars.append(Bar(known[index].number - missing + k, start, gap / missing,
                            pattern.meter, pattern.beat_ql, Fraction(0), pattern.sharps))
        bars.append(known[index])
        before = known[index]
    while not bars or bars[-1].end_ql < end:
        over, under = (int(n) for n in before.meter.split('/'))
        bars.append(Bar(bars[-1].number + 1 if bars else 1, bars[-1].end_ql if bars else
                        Fraction(0), Fraction(4 * over, under), before.meter, before.beat_ql,
                        Fraction(0), before.sharps))
    return tuple(bars)
