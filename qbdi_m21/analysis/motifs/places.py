"""Places of motifs: from rows of a note table to results in measures, beats and elements."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from qbdi_m21.analysis.motifs.result import Motif, Occurrence
from qbdi_m21.analysis.motifs.voices import IntArray
from qbdi_m21.frames.grid import Grid
from qbdi_m21.frames.table import NoteTable


@dataclass(frozen=True, eq=False)
class Place:
    """An occurrence as rows of the table."""

    rows: IntArray
    distance: float = 0.0
    exact: bool = True
    span: tuple[Fraction, Fraction] | None = None
    part: int | None = None


@dataclass(frozen=True, eq=False)
class Found:
    """A motif before it is told in measures and beats.

    `density` is what a move of it says against what one of the piece says on average.
    """

    places: list[Place]
    value: float
    density: float = 1.0

    @property
    def likeness(self) -> float:
        """How well the repetitions are told by the first form, 0 to 1: a half-shared one, not."""
        told = sorted(max(0.0, 1 - 2 * place.distance) for place in self.places)
        return float(np.mean(told[:-1]))

    @property
    def gain(self) -> int:
        """Notes that the repetitions explain: all but one occurrence's."""
        return round((len(self.places) - 1) * float(np.mean([len(p.rows) for p in self.places])))


def rows_within(table: NoteTable, start: Fraction, end: Fraction) -> IntArray:
    """Return the rows of the notes that start in a span."""
    onset = table.onset_ql
    return np.flatnonzero((onset >= float(start)) & (onset < float(end)))


def rows_of(table: NoteTable, occurrence: Occurrence) -> list[int]:
    """Return the rows of an occurrence's notes."""
    wanted = set(occurrence.notes)
    ids = set(occurrence.element_ids)
    near = rows_within(table, occurrence.start_ql, occurrence.end_ql).tolist()
    return [k for k in near if (table.onset_at(k), int(table.pitch[k])) in wanted
            and str(table.select(np.array([k])).element_id[0]) in ids]


def element_ids_within(table: NoteTable, start: Fraction, end: Fraction,
                       pitch_classes: Sequence[int] | None = None) -> tuple[str, ...]:
    """Return the ids of the notes that start in a span, of some pitch classes or of all."""
    rows = rows_within(table, start, end)
    if pitch_classes is not None:
        rows = rows[np.isin(table.pitch[rows] % 12, pitch_classes)]
    return tuple(table.select(rows).element_id.tolist())


def tell(label: str, found: Found, best: float, table: NoteTable, side: str,
         p_value: float | None, told: bool) -> Motif:
    """Return a motif as notes, measures and beats."""
    grid = Grid(table.bars)
    first = min(found.places, key=lambda place: place.distance)
    # a passage of the whole texture is not transposed
    pitch = None if first.span else int(table.pitch[first.rows[0]])
    occurrences, compact = [], []
    covered: set[int] = set()
    for place in found.places:
        occurrences.append(occurrence(place, pitch, grid, table, told))
        covered.update(place.rows.tolist())
        compact.append(_compactness(place, table))
    size = max(len(first.rows), 1)
    form = occurrences[found.places.index(first)]
    return Motif(label, tuple(occurrences), form.end_ql - form.start_ql, found.gain, side,
                 len(covered) / len(table), float(np.mean(compact)),
                 len(covered) / (size + len(found.places) - 1),
                 found.value / best if best else 0.0, p_value)


def occurrence(place: Place, first_pitch: int | None, grid: Grid, table: NoteTable,
               told: bool) -> Occurrence:
    """Return a place in measures and beats.

    Parameters
    ----------
    first_pitch : int or None
        MIDI number from which the transposition is counted; None for none.
    told : bool
        Whether the table's notes are those of a score, and not of frames.
    """
    rows = place.rows
    start, end = place.span or (table.onset_at(int(rows[0])), table.end_at(int(rows[-1])))
    moved = 0 if first_pitch is None else int(table.pitch[rows[0]]) - first_pitch
    return Occurrence(
        start, end, grid.bar_at_offset(start), *grid.beat_at_offset(start),
        *grid.beat_at_offset(end), tuple(table.select(rows).element_id.tolist()) if told else (),
        place.part, moved, place.exact, place.distance,
        tuple((table.onset_at(k), int(table.pitch[k])) for k in rows.tolist()) if told else ())


def _compactness(place: Place, table: NoteTable) -> float:
    if not len(place.rows):
        return 0.0
    onset, pitch = table.onset_ql, table.pitch
    own = onset[place.rows]
    inside = (onset >= own.min()) & (onset <= own.max())
    inside &= (pitch >= pitch[place.rows].min()) & (pitch <= pitch[place.rows].max())
    return len(place.rows) / int(inside.sum())
