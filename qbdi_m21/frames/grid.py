"""Bars and grids: exact musical time in quarter lengths, and its frames.

A *bar* is one measure of the score as it sounds: a pickup is a short bar. A *grid* cuts
every bar into frames of one step, counted from where its meter begins (of a pickup, before its
first note), so that barlines always fall between frames and frames on beats, also where a
bar's length is no multiple of the step: its first or last frame is then shorter.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import pairwise
from typing import Any, Literal, TypeAlias

import numpy as np

from qbdi_m21.errors import FramesError, ParameterError
from qbdi_m21.frames.ratios import IntArray, exact, on_common, read_exact, reduced, to_ratios

#: Length of a frame in quarter lengths; or one frame a beat, or a bar.
Step: TypeAlias = Fraction | Literal['beat', 'bar']

#: Most sharps or flats of a key signature.
MAX_SHARPS = 14

_METER = re.compile(r'[1-9]\d{0,3}/[1-9]\d{0,3}')

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

    def __post_init__(self) -> None:
        if not (self.start_ql >= 0 and self.length_ql > 0 and self.beat_ql > 0
                and self.lead_ql >= 0):
            raise FramesError(
                f'bar {self.number} starts at {self.start_ql}, is {self.length_ql} long, has beats '
                f'of {self.beat_ql} and misses {self.lead_ql} quarters in front; expected a length '
                'and a beat above 0, and nothing below 0')
        if not _METER.fullmatch(str(self.meter)) or not (
                isinstance(self.sharps, int) and abs(self.sharps) <= MAX_SHARPS):
            raise FramesError(f'bar {self.number} has the meter {self.meter!r} and {self.sharps!r} '
                              f'sharps; expected one such as 6/8, and up to {MAX_SHARPS}')

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
            k: read_exact(str(v)) if k.endswith('_ql') else v for k, v in data.items()}
        return cls(**fields)


@dataclass(frozen=True)
class Grid:
    """Frames of one step over a sequence of bars.

    Parameters
    ----------
    bars : tuple of Bar
        In order and without gaps.
    step_ql : Fraction, 'beat' or 'bar'
        Length of one frame, in quarter lengths, > 0; or each bar's own beat or length.
    """

    bars: tuple[Bar, ...]
    step_ql: Step = Fraction(1, 4)

    def __post_init__(self) -> None:
        if self.step_ql not in ('beat', 'bar') and (isinstance(self.step_ql, str)
                                                    or self.step_ql <= 0):
            raise ParameterError(f"step is {self.step_ql}; expected a positive length in quarters, "
                                 "'beat' or 'bar'")
        for before, after in pairwise(self.bars):
            if before.end_ql != after.start_ql:
                raise FramesError(
                    f'bar {before.number} ends at {before.end_ql} but bar {after.number} starts '
                    f'at {after.start_ql} quarters; bars must follow each other')

    @cached_property
    def bar_steps(self) -> tuple[Fraction, ...]:
        """Length of a frame in each bar, in quarter lengths."""
        if self.step_ql == 'beat':
            return tuple(bar.beat_ql for bar in self.bars)
        if self.step_ql == 'bar':
            return tuple(bar.lead_ql + bar.length_ql for bar in self.bars)
        return (self.step_ql,) * len(self.bars)

    @cached_property
    def bar_phases(self) -> tuple[Fraction, ...]:
        """How much of each bar's first frame lies before the bar, in quarter lengths."""
        return tuple(bar.lead_ql % step if bar.lead_ql else bar.lead_ql
                     for bar, step in zip(self.bars, self.bar_steps, strict=True))

    @cached_property
    def bar_frames(self) -> IntArray:
        """Number of frames of each bar, shape (B,); a short frame counts as one."""
        _, (lengths, steps, phases) = on_common(self._lengths, self._steps, self._phases)
        return np.asarray(-((lengths + phases) // -steps), dtype=np.int64)

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

    @cached_property
    def _starts(self) -> IntArray:
        return to_ratios([bar.start_ql for bar in self.bars])

    @cached_property
    def _lengths(self) -> IntArray:
        return to_ratios([bar.length_ql for bar in self.bars])

    @cached_property
    def _steps(self) -> IntArray:
        return to_ratios(self.bar_steps)

    @cached_property
    def _phases(self) -> IntArray:
        return to_ratios(self.bar_phases)

    def bars_at(self, offset: IntArray) -> IntArray:
        """Return the index of the bar that holds each offset (the last bar beyond the end).

        Parameters
        ----------
        offset : ndarray of int64, shape (N, 2)
            Numerators and denominators of quarter lengths.
        """
        _, (starts, offsets) = on_common(self._starts, offset)
        index = np.searchsorted(starts, offsets, side='right') - 1
        return np.clip(index, 0, max(len(self.bars) - 1, 0)).astype(np.int64)

    def frames_at(self, offset: IntArray) -> tuple[IntArray, IntArray]:
        """Return the grid point nearest to each offset, and how far away it is.

        Parameters
        ----------
        offset : ndarray of int64, shape (N, 2)
            Numerators and denominators of quarter lengths.

        Returns
        -------
        (ndarray of int64, shape (N,), ndarray of int64, shape (N, 2))
            Grid points from 0 to T, since a note may end at T; half-way goes to the earlier.
            Distances are exact quarter lengths.
        """
        if not len(offset):
            return np.zeros(0, dtype=np.int64), np.zeros((0, 2), dtype=np.int64)
        index = self.bars_at(offset)
        common, (at, starts, phases, steps, lengths) = on_common(
            offset, self._starts, self._phases, self._steps, self._lengths)
        phase, step = phases[index], steps[index]
        # from where the bar's first frame would begin if it were whole
        stop = lengths[index] + phase
        place = np.minimum(at - starts[index] + phase, stop)
        below = place // step
        left = np.maximum(below * step, phase)
        right = np.minimum((below + 1) * step, stop)
        up = (right - place < place - left) & (place < stop)
        at_stop = place == stop
        frame = np.where(at_stop, self.bar_frames[index], below + up)
        nearest = np.where(at_stop, stop, np.where(up, right, left))
        away = abs(at - starts[index] + phase - nearest)
        return (self.bar_starts[index] + frame).astype(np.int64), reduced(away, common)

    def frames_holding(self, offset: IntArray, index: IntArray) -> IntArray:
        """Return the frame in which each offset of known bars lies, shape (N,)."""
        _, (at, starts, phases, steps) = on_common(offset, self._starts, self._phases,
                                                   self._steps)
        inside = (at - starts[index] + phases[index]) // steps[index]
        return np.asarray(self.bar_starts[index] + inside, dtype=np.int64)

    def beats_at(self, offset: IntArray, index: IntArray | None = None) -> IntArray:
        """Return the exact beat of each offset, from 1 as music21 counts, shape (N, 2)."""
        index = self.bars_at(offset) if index is None else index
        _, (at, starts, leads, beats) = on_common(
            offset, self._starts, to_ratios([bar.lead_ql for bar in self.bars]),
            to_ratios([bar.beat_ql for bar in self.bars]))
        beat = beats[index]
        place = at - starts[index] + leads[index] + beat
        shared = np.gcd(place, beat)
        return np.stack([place // shared, beat // shared], axis=1).astype(np.int64)

    def bar_at_offset(self, offset_ql: Fraction) -> int:
        """Return the index of the bar that holds an offset (the last bar beyond the end)."""
        return int(self.bars_at(to_ratios([offset_ql]))[0])

    def frame_at_offset(self, offset_ql: Fraction) -> int:
        """Return the grid point nearest to an offset; half-way goes to the earlier one."""
        return int(self.frames_at(to_ratios([offset_ql]))[0][0])

    def frame_bars(self) -> IntArray:
        """Return the index of the bar that holds each frame, shape (T,)."""
        return np.repeat(np.arange(len(self.bars)), self.bar_frames)

    def bar_at_frame(self, frame: int) -> int:
        """Return the index of the bar that holds a frame."""
        index = int(np.searchsorted(self.bar_starts, frame, side='right')) - 1
        return min(max(index, 0), len(self.bars) - 1)

    def offset_at_frame(self, frame: int) -> Fraction:
        """Return the offset of a grid point 0..T, in quarter lengths."""
        if frame >= self.num_frames:
            return self.end_ql
        index = self.bar_at_frame(frame)
        inside = frame - int(self.bar_starts[index])
        steps = inside * self.bar_steps[index] - self.bar_phases[index] if inside else 0
        return self.bars[index].start_ql + steps

    @cached_property
    def offsets(self) -> IntArray:
        """Exact offset of every grid point 0..T, shape (T + 1, 2)."""
        frames, bar = np.arange(self.num_frames), self.frame_bars()
        common, (starts, steps, phases, end) = on_common(
            self._starts, self._steps, self._phases, to_ratios([self.end_ql]))
        inside = np.maximum((frames - self.bar_starts[bar]) * steps[bar] - phases[bar], 0)
        return reduced(np.concatenate([starts[bar] + inside, end]), common)

    def beat_at_offset(self, offset_ql: Fraction) -> tuple[int, Fraction]:
        """Return (measure number, beat) of an offset; beats count from 1 as music21's do."""
        bar = self.bars[self.bar_at_offset(offset_ql)]
        return bar.number, 1 + (offset_ql - bar.start_ql + bar.lead_ql) / bar.beat_ql

    def offset_at_beat(self, measure: int, beat: float | Fraction = 1) -> Fraction:
        """Return the offset of a beat of a measure, in quarter lengths.

        Parameters
        ----------
        measure : int
            Printed number. Where several bars have it (the halves of one that a repeat sign
            cuts), the first that holds the beat.
        beat : number
            From 1; of a pickup, counted as if its bar were full.

        Raises
        ------
        ParameterError
            If no measure of that number holds the beat.
        """
        for bar in self.bars:
            inside = (exact(beat) - 1) * bar.beat_ql - bar.lead_ql
            if bar.number == measure and 0 <= inside < bar.length_ql:
                return bar.start_ql + inside
        numbers = [bar.number for bar in self.bars] or [0]
        raise ParameterError(f'no beat {beat} in a measure {measure}; measures run from '
                             f'{min(numbers)} to {max(numbers)}')

    def with_step(self, step_ql: Step) -> Grid:
        """Return a grid over the same bars with another step."""
        return Grid(self.bars, step_ql)
