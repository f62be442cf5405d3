"""Bars and grids: exact musical time in quarter lengths, and its frames.

A *bar* is one measure of the score as it sounds: a pickup is a short bar. A *grid* cuts
every bar into frames of one step, counted from the bar's own start, so that barlines always
fall between frames, also where a bar's length is no multiple of the step.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from qbdi_m21.errors import FramesError, ParameterError

IntArray = npt.NDArray[np.int64]

#: Files round tuplets: a bar may miss its meter by less than this, in quarter lengths.
ROUNDING_QL = Fraction(1, 16)


@dataclass(frozen=True)
class Bar:
    """One measure as it sounds.

    Attributes
    ----------
    number : int
        Measure number of the score; 0 for most pickups at its start.
    start_ql, length_ql : Fraction
        Start from the beginning of the score and sounding length, in quarter lengths.
    meter : str
        Time signature in force, as ``'6/8'``.
    beat_ql : Fraction
        Length of one beat of that meter.
    lead_ql : Fraction
        What is missing at the front of a pickup: a one-beat pickup to 4/4 has 3.
    sharps : int
        Key signature in force at sounding pitch (negative for flats).
    """

    number: int
    start_ql: Fraction
    length_ql: Fraction
    meter: str = '4/4'
    beat_ql: Fraction = Fraction(1)
    lead_ql: Fraction = Fraction(0)
    sharps: int = 0

    @property
    def end_ql(self) -> Fraction:
        """End from the beginning of the score, in quarter lengths."""
        return self.start_ql + self.length_ql

    @property
    def is_full(self) -> bool:
        """Whether the bar is as long as its meter asks, or longer."""
        over, under = (int(n) for n in self.meter.split('/'))
        return not self.lead_ql and self.length_ql + ROUNDING_QL >= Fraction(4 * over, under)

    def to_json(self) -> dict[str, Any]:
        """Return a mapping of plain strings and numbers; Fractions as ``'3/2'``."""
        return {
            'number': self.number, 'start_ql': str(self.start_ql),
            'length_ql': str(self.length_ql), 'meter': self.meter,
            'beat_ql': str(self.beat_ql), 'lead_ql': str(self.lead_ql), 'sharps': self.sharps,
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Bar:
        """Undo :meth:`to_json`."""
        fields: dict[str, Any] = {
            k: Fraction(v) if k.endswith('_ql') else v for k, v in data.items()}
        return cls(**fields)


@dataclass(frozen=True)
class Grid:
    """Frames of one step over a sequence of bars.

    Parameters
    ----------
    bars : tuple of Bar
        In order and without gaps.
    step_ql : Fraction
        Length of one frame, in quarter lengths; > 0.
    """

    bars: tuple[Bar, ...]
    step_ql: Fraction = Fraction(1, 4)

    def __post_init__(self) -> None:
        if self.step_ql <= 0:
            raise ParameterError(f'step is {self.step_ql}; expected a positive length in quarters')
        for before, after in pairwise(self.bars):
            if before.end_ql != after.start_ql:
                raise FramesError(
                    f'bar {before.number} ends at {before.end_ql} but bar {after.number} starts '
                    f'at {after.start_ql} quarters; bars must follow each other')

    @cached_property
    def bar_frames(self) -> IntArray:
        """Number of frames of each bar, shape (B,); a last short frame counts as one."""
        return np.array([-(-bar.length_ql // self.step_ql) for bar in self.bars], dtype=np.int64)

    @cached_property
    def bar_starts(self) -> IntArray:
        """First frame of each bar and the total number of frames, shape (B + 1,)."""
        return np.concatenate([[0], np.cumsum(self.bar_frames)]).astype(np.int64)

    @property
    def num_frames(self) -> int:
        """Number of frames T of the whole grid."""
        return int(self.bar_starts[-1])

    @property
    def end_ql(self) -> Fraction:
        """End of the last bar, in quarter lengths."""
        return self.bars[-1].end_ql if self.bars else Fraction(0)

    def bar_at_offset(self, offset_ql: Fraction) -> int:
        """Return the index of the bar that holds an offset (the last bar beyond the end)."""
        starts = self._bar_start_floats
        index = int(np.searchsorted(starts, float(offset_ql), side='right')) - 1
        index = min(max(index, 0), len(self.bars) - 1)
        # floats decide only the neighbourhood; the exact comparison decides the bar
        while index + 1 < len(self.bars) and self.bars[index + 1].start_ql <= offset_ql:
            index += 1
        while index > 0 and self.bars[index].start_ql > offset_ql:
            index -= 1
        return index

    @cached_property
    def _bar_start_floats(self) -> npt.NDArray[np.float64]:
        return np.array([float(bar.start_ql) for bar in self.bars])

    def frame_at_offset(self, offset_ql: Fraction) -> int:
        """Return the grid point nearest to an offset; half-way goes to the earlier one.

        Grid points run from 0 to T: a note may end at T.
        """
        index = self.bar_at_offset(offset_ql)
        bar, first = self.bars[index], int(self.bar_starts[index])
        if offset_ql >= bar.end_ql:
            return int(self.bar_starts[index + 1])
        steps = (offset_ql - bar.start_ql) / self.step_ql
        frame = first + int(-((-2 * steps + 1) // 2))        # ceil(steps - 1/2)
        stop = int(self.bar_starts[index + 1])
        # a last short frame ends on the barline, nearer than a whole step
        if frame == stop - 1 and bar.end_ql - offset_ql < abs(
                offset_ql - self.offset_at_frame(frame)):
            return stop
        return min(frame, stop)

    def bar_at_frame(self, frame: int) -> int:
        """Return the index of the bar that holds a frame."""
        index = int(np.searchsorted(self.bar_starts, frame, side='right')) - 1
        return min(max(index, 0), len(self.bars) - 1)

    def offset_at_frame(self, frame: int) -> Fraction:
        """Return the offset of a grid point 0..T, in quarter lengths."""
        if frame >= self.num_frames:
            return self.end_ql
        index = self.bar_at_frame(frame)
        return self.bars[index].start_ql + (frame - int(self.bar_starts[index])) * self.step_ql

    def beat_at_offset(self, offset_ql: Fraction) -> tuple[int, Fraction]:
        """Return (measure number, beat) of an offset; beats count from 1 as music21's do."""
        bar = self.bars[self.bar_at_offset(offset_ql)]
        return bar.number, 1 + (offset_ql - bar.start_ql + bar.lead_ql) / bar.beat_ql

    def with_step(self, step_ql: Fraction) -> Grid:
        """Return a grid over the same bars with another step."""
        return Grid(self.bars, step_ql)
