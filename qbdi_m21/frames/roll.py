"""Frames: the sounding and onset planes of a piece over a grid."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from qbdi_m21.errors import FramesError, ParameterError, PitchClippedWarning, warn
from qbdi_m21.frames.grid import Bar, Grid

AnyArray = npt.NDArray[Any]
BoolArray = npt.NDArray[np.bool_]

#: MIDI range of the paper's frames: 78 pitches, 24 (C1) to 101 (F7).
PITCH_RANGE = (24, 102)


def check_pitch_range(pitch_range: tuple[int, int]) -> None:
    """Raise ParameterError unless the range is (low, high) with 0 <= low < high <= 128."""
    whole = isinstance(pitch_range, tuple | list) and len(pitch_range) == 2 and all(
        isinstance(end, int | np.integer) for end in pitch_range)
    if not whole or not 0 <= pitch_range[0] < pitch_range[1] <= 128:
        raise ParameterError(f'pitch_range is {pitch_range}; expected (low, high), the high end '
                             'left out, within 0..128')


@dataclass(frozen=True)
class Frames:
    """A piece, or one part of it, as two boolean planes over one grid.

    Attributes
    ----------
    sounding, onset : ndarray of bool, shape (T, P)
        A pitch sounds in a frame; a note of that pitch starts in a frame. An onset always
        sounds. A sounding cell that starts without an onset continues the frame before.
    grid : Grid
        The bars and the step; T = ``grid.num_frames``.
    pitch_low : int
        MIDI number of the first column.
    velocity : ndarray of uint8, shape (T, P), optional
        MIDI velocity of the note that sounds; 0 in silence and where the source states none.
    """

    sounding: BoolArray
    onset: BoolArray
    grid: Grid
    pitch_low: int = PITCH_RANGE[0]
    velocity: npt.NDArray[np.uint8] | None = None

    def __post_init__(self) -> None:
        for plane in (self.sounding, self.onset):
            if not isinstance(plane, np.ndarray) or plane.dtype != np.bool_:
                raise FramesError(f'a plane is {getattr(plane, "dtype", type(plane).__name__)}; '
                                  'expected a numpy array of bool')
        if self.sounding.shape != self.onset.shape or self.sounding.ndim != 2:
            raise FramesError(f'planes have shapes {self.sounding.shape} and {self.onset.shape}; '
                              'expected two equal (T, P)')
        if len(self.sounding) != self.grid.num_frames:
            raise FramesError(f'{len(self.sounding)} frames given for a grid of '
                              f'{self.grid.num_frames}')
        if np.any(self.onset & ~self.sounding):
            raise FramesError('an onset cell does not sound; set sounding wherever onset is set')
        if not 0 <= self.pitch_low <= 128 - self.num_pitches:
            raise FramesError(f'the columns are MIDI {self.pitch_low} to '
                              f'{self.pitch_range[1] - 1}; expected them within 0..127')
        if self.velocity is not None and self.velocity.shape != self.sounding.shape:
            raise FramesError(f'the velocity plane has shape {self.velocity.shape}; expected '
                              f'{self.sounding.shape}')

    @property
    def num_pitches(self) -> int:
        """Number of pitch columns P."""
        return int(self.sounding.shape[1])

    @property
    def pitch_range(self) -> tuple[int, int]:
        """MIDI number of the first column, and one past that of the last."""
        return self.pitch_low, self.pitch_low + self.num_pitches

    def transpose(self, semitones: int) -> Frames:
        """Return the frames moved by semitones within the same pitch range.

        Warns
        -----
        PitchClippedWarning
            If notes leave the range.
        """
        source = np.arange(self.num_pitches) - semitones
        inside = (source >= 0) & (source < self.num_pitches)
        gone = np.setdiff1d(np.arange(self.num_pitches), source[inside])
        lost = int(np.count_nonzero(_starts(self.sounding, self.onset)[:, gone]))
        if lost:
            warn(f'{lost} notes leave MIDI {self.pitch_low}..{self.pitch_range[1] - 1} '
                 'and were left out', PitchClippedWarning)

        def moved(plane: AnyArray) -> AnyArray:
            return np.where(inside, plane[:, np.clip(source, 0, self.num_pitches - 1)],
                            plane.dtype.type(0))

        return self._map(moved, self.grid)

    def slice_bars(self, start: int, stop: int) -> Frames:
        """Return bars `start` to `stop` (indices, the last one left out), from time 0.

        A note that is held into the first bar starts there without an onset.
        """
        bars = self.grid.bars
        if not 0 <= start < stop <= len(bars):
            raise ParameterError(f'bars {start}..{stop} were asked for; expected a range within '
                                 f'0..{len(bars)}')
        first, last = self.grid.bar_starts[start], self.grid.bar_starts[stop]
        grid = Grid(_in_sequence(bars[start:stop]), self.grid.step_ql)
        return self._map(lambda plane: plane[first:last], grid)

    def pad_bars(self, before: int = 0, after: int = 0) -> Frames:
        """Return the frames with bars of silence before and after, as long as their neighbours."""
        if before < 0 or after < 0 or not self.grid.bars:
            raise ParameterError(f'padding with {before} and {after} bars; expected 0 or more, '
                                 'around at least one')
        bars = self.grid.bars
        head = (replace(bars[0], length_ql=bars[0].length_ql + bars[0].lead_ql,
                        lead_ql=Fraction(0)),) * before
        grid = Grid(_in_sequence((*head, *bars, *(bars[-1:] * after))), self.grid.step_ql)
        extra = int(grid.bar_starts[before]), int(
            grid.num_frames - grid.bar_starts[before + len(bars)])
        return self._map(lambda plane: np.pad(plane, (extra, (0, 0))), grid)

    @classmethod
    def concatenate(cls, pieces: Sequence[Frames]) -> Frames:
        """Return pieces of one step and pitch range, one after the other."""
        if not pieces:
            raise ParameterError('no frames to concatenate; expected at least one')
        kinds = {(p.grid.step_ql, p.pitch_range, p.velocity is None) for p in pieces}
        if len(kinds) > 1:
            raise FramesError('the frames differ in step, pitch range or having a velocity plane: '
                              f'{sorted(map(str, kinds))}; expected one kind')
        bars = _in_sequence([bar for piece in pieces for bar in piece.grid.bars])
        velocities = [p.velocity for p in pieces if p.velocity is not None]
        return cls(np.concatenate([p.sounding for p in pieces]),
                   np.concatenate([p.onset for p in pieces]), Grid(bars, pieces[0].grid.step_ql),
                   pieces[0].pitch_low, np.concatenate(velocities) if velocities else None)

    def _map(self, change: Callable[[AnyArray], AnyArray], grid: Grid) -> Frames:
        """Return frames of which each plane is changed."""
        velocity = None if self.velocity is None else change(self.velocity)
        return Frames(change(self.sounding), change(self.onset), grid, self.pitch_low, velocity)


def _starts(sounding: BoolArray, onset: BoolArray) -> BoolArray:
    """Return the cells in which a note starts: onsets, and sound after silence."""
    before = np.zeros_like(sounding)
    before[1:] = sounding[:-1]
    return sounding & (onset | ~before)


def _in_sequence(bars: Sequence[Bar]) -> tuple[Bar, ...]:
    """Return bars that follow each other from time 0."""
    position, result = Fraction(0), []
    for bar in bars:
        result.append(replace(bar, start_ql=position))
        position = result[-1].end_ql
    return tuple(result)


def note_starts(frames: Frames) -> BoolArray:
    """Return the cells in which notes of frames start, shape (T, P)."""
    return _starts(frames.sounding, frames.onset)
