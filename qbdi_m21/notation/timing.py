"""Where notes stand on paper: bars of lengths that notation has, and places that it reaches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from qbdi_m21.errors import QuantizationWarning, warn
from qbdi_m21.frames.grid import Bar, Grid
from qbdi_m21.frames.ratios import IntArray, on_common, reduced, to_ratios
from qbdi_m21.frames.table import NoteTable
from qbdi_m21.notation.rhythm import SHORTEST, TICKS, Ruler, is_reached, ruler_of
from qbdi_m21.notation.tuplets import SHORTEST_SPAN

#: Bars of odd lengths, and what stands in their broken beats, are whole numbers of these.
SIXTEENTH_QL = Fraction(1, 16)

#: Files round tuplets to their ticks: this near to a simple place, in quarters, it is meant.
_ROUNDED_QL = Fraction(1, 400)

_SIMPLE = (1, 2, 4, 3, 8, 6, 16, 12, 5, 10, 7, 9, 14, 15, 11, 13, 24, 32)


@dataclass(frozen=True)
class EngravedBar:
    """One bar as it is written.

    Attributes
    ----------
    bar : Bar
    ruler : Ruler
        Of its meter.
    low, high : int
        Where it starts and ends, in ticks from where its meter begins.
    start : int
        Ticks from the beginning of the score.
    """

    bar: Bar
    ruler: Ruler
    low: int
    high: int
    start: int

    @property
    def is_whole(self) -> bool:
        """Whether it is exactly as long as its meter asks."""
        return not self.low and self.high == self.ruler.sizes[0]


def engraved_bars(bars: Sequence[Bar]) -> list[EngravedBar]:
    """Return bars whose lengths are written with plain and dotted notes."""
    found: list[EngravedBar] = []
    start = 0
    for bar in bars:
        low = _ticks(_notatable(bar.lead_ql))
        high = low + max(_ticks(_notatable(bar.length_ql)), SHORTEST_SPAN)
        found.append(EngravedBar(bar, ruler_of(bar.meter, bar.beat_ql), low, high, start))
        start += high - low
    return found


def _notatable(length: Fraction) -> Fraction:
    if 64 % length.denominator:
        return round(length / SIXTEENTH_QL) * SIXTEENTH_QL
    return length


def _ticks(length: Fraction) -> int:
    return int(length * TICKS)


@dataclass(frozen=True)
class PlacedNotes:
    """Start and end of each row of a table, in ticks from the beginning of the score.

    `bar` is the index of the bar in which each starts. `moved` tells by row how far it is from
    where the table has it, in quarter lengths.
    """

    start: IntArray
    end: IntArray
    bar: IntArray
    moved: dict[int, float]


def place_notes(table: NoteTable, bars: Sequence[EngravedBar]) -> PlacedNotes:
    """Return where the notes of a table are written."""
    count = len(table)
    grid = Grid(table.bars)
    times = np.concatenate([table.onset, table.end])
    index = grid.bars_at(times)
    # a grace note stands in its own bar, though it may lean on the first note of the next
    index[:count] = np.where(table.grace, table.bar, index[:count])
    common, (at, starts, leads) = on_common(
        times, to_ratios([bar.start_ql for bar in table.bars]),
        to_ratios([bar.lead_ql for bar in table.bars]))
    places = reduced(at - starts[index] + leads[index], common)
    kinds, kind_of_bar = _kinds(bars)
    keys = np.column_stack([kind_of_bar[index], places])
    unique, inverse = np.unique(keys, axis=0, return_inverse=True)
    found = [_placed(Fraction(num, den), kinds[kind]) for kind, num, den in unique.tolist()]
    ticks = np.array([tick for tick, _ in found], dtype=np.int64)[inverse.reshape(-1)]
    away = np.array([distance for _, distance in found], dtype=np.float64)[inverse.reshape(-1)]
    zero = np.array([bar.start - bar.low for bar in bars], dtype=np.int64)
    ticks += zero[index]
    start, end = ticks[:count].copy(), ticks[count:].copy()
    _keep_some_length(start, end, table.grace, bars[-1])
    away = np.maximum(away[:count], np.where(table.grace, 0.0, away[count:]))
    moved = np.flatnonzero(away)
    return PlacedNotes(start, end, index[:count],
                       dict(zip(moved.tolist(), away[moved].tolist(), strict=True)))


def _kinds(bars: Sequence[EngravedBar]) -> tuple[list[EngravedBar], IntArray]:
    """Return one bar of each meter and extent, and which of them each bar is like."""
    kinds: dict[tuple[str, Fraction, int, int], int] = {}
    examples: list[EngravedBar] = []
    which = []
    for bar in bars:
        key = bar.bar.meter, bar.bar.beat_ql, bar.low, bar.high
        if key not in kinds:
            kinds[key] = len(examples)
            examples.append(bar)
        which.append(kinds[key])
    return examples, np.array(which, dtype=np.int64)


def _placed(place: Fraction, bar: EngravedBar) -> tuple[int, float]:
    """Return the tick at which a place of a bar's meter is written, and how far it moves."""
    end = bar.bar.lead_ql + bar.bar.length_ql
    if place >= end or place <= bar.bar.lead_ql:
        # a bar's own start and end move with its barlines
        return (bar.high if place >= end else bar.low), 0.0
    near = place if is_reached(place) else nearest_place(place)
    tick = _ticks(near)
    if tick % SHORTEST and not _in_whole_block(tick, bar):
        near = round(place / SIXTEENTH_QL) * SIXTEENTH_QL
        tick = _ticks(near)
    return min(max(tick, bar.low), bar.high), float(abs(near - place))


def _in_whole_block(tick: int, bar: EngravedBar) -> bool:
    """Return whether a beat or a part of one around a place lies inside the bar."""
    for size in bar.ruler.sizes:
        if SHORTEST_SPAN <= size <= bar.ruler.beat:
            left = tick - tick % size
            if bar.low <= left and left + size <= bar.high:
                return True
    return False


def nearest_place(place: Fraction) -> Fraction:
    """Return a place near another that notation reaches, in quarter lengths.

    It is the simplest that a rounded file may have meant, else the nearest 64th note or
    32nd of a triplet.
    """
    for parts in _SIMPLE:
        near = Fraction(round(place * parts), parts)
        if abs(near - place) <= _ROUNDED_QL:
            return near
    return min((Fraction(round(place * parts), parts) for parts in (16, 12)),
               key=lambda near: abs(near - place))


def _keep_some_length(start: IntArray, end: IntArray, grace: npt.NDArray[np.bool_],
                      last: EngravedBar) -> None:
    """Give notes that would vanish the length of a 64th."""
    stop = last.start + last.high - last.low
    vanished = (end <= start) & ~grace
    start[vanished] = np.minimum(start[vanished], stop - SHORTEST_SPAN)
    end[vanished] = start[vanished] + SHORTEST_SPAN


def warn_of_moves(moved: Mapping[int, float], count: int) -> None:
    """Warn of the notes that are not written where they were, if any."""
    if moved:
        warn(f'{len(moved)} of {count} notes moved to places that notation reaches, by '
             f'{max(moved.values()):.3g} quarter at most', QuantizationWarning)
