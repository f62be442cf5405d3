"""Frames: the sounding and onset planes of a score, and notes back from them."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from qbdi_m21.errors import FramesError, ParameterError, PitchClippedWarning, QuantizationWarning
from qbdi_m21.frames.grid import Grid
from qbdi_m21.frames.notes import NoteTable

BoolArray = npt.NDArray[np.bool_]
IntArray = npt.NDArray[np.int64]

#: MIDI range of the paper's frames: 78 pitches, 24 (C1) to 101 (F7).
PITCH_RANGE = (24, 102)


@dataclass(frozen=True)
class Frames:
    """A score as two boolean planes over one grid.

    Attributes
    ----------
    sounding, onset : ndarray of bool, shape (T, P)
        A pitch sounds in a frame; a note of that pitch starts in a frame. An onset always
        sounds. A sounding cell that starts without an onset continues the frame before.
    grid : Grid
        The bars and the step; T = ``grid.num_frames``.
    pitch_low : int
        MIDI number of the first column.
    """

    sounding: BoolArray
    onset: BoolArray
    grid: Grid
    pitch_low: int = PITCH_RANGE[0]

    def __post_init__(self) -> None:
        if self.sounding.shape != self.onset.shape or self.sounding.ndim != 2:
            raise FramesError(f'planes have shapes {self.sounding.shape} and {self.onset.shape}; '
                              'expected two equal (T, P)')
        if len(self.sounding) != self.grid.num_frames:
            raise FramesError(f'{len(self.sounding)} frames given for a grid of '
                              f'{self.grid.num_frames}')
        if np.any(self.onset & ~self.sounding):
            raise FramesError('an onset cell does not sound; set sounding wherever onset is set')

    @property
    def num_pitches(self) -> int:
        """Number of pitch columns P."""
        return int(self.sounding.shape[1])


@dataclass(frozen=True)
class GridNotes:
    """Notes on a grid, sorted by (start, pitch).

    Attributes
    ----------
    start_frames, end_frames : ndarray of int64, shape (N,)
        Half-open span of each note, in frames.
    pitch : ndarray of int64, shape (N,)
        MIDI numbers.
    """

    start_frames: IntArray
    end_frames: IntArray
    pitch: IntArray

    def __len__(self) -> int:
        return len(self.pitch)


def check_pitch_range(pitch_range: tuple[int, int]) -> None:
    """Raise ParameterError unless the range is (low, high) with 0 <= low < high <= 128."""
    low, high = pitch_range
    if not 0 <= low < high <= 128:
        raise ParameterError(f'pitch_range is {pitch_range}; expected (low, high), the high end '
                             'left out, within 0..128')


def table_to_frames(
    table: NoteTable, *, step: float | Fraction = Fraction(1, 4),
    pitch_range: tuple[int, int] = PITCH_RANGE,
) -> Frames:
    """Return the frames of a note table, all parts merged.

    Parameters
    ----------
    table : NoteTable
        Grace notes are left out.
    step : float or Fraction
        Frame length in quarter lengths.
    pitch_range : (int, int)
        Lowest MIDI number, and one past the highest.

    Returns
    -------
    Frames
        Onsets and ends go to the nearest grid point of their bar; a note keeps at least one
        frame. Two parts on one pitch merge, both onsets kept.

    Warns
    -----
    QuantizationWarning, PitchClippedWarning
        How many notes moved and how far; how many lie outside the range and are left out.

    Notes
    -----
    Source: Dubnov 2019, section 3 (a sixteenth grid; 16 frames are a 4/4 bar).
    """
    check_pitch_range(pitch_range)
    grid = Grid(table.bars, Fraction(step).limit_denominator(960))
    low, high = pitch_range
    sounding = np.zeros((grid.num_frames, high - low), dtype=np.bool_)
    onset = np.zeros_like(sounding)
    moved, furthest, clipped = 0, Fraction(0), 0
    at: dict[Fraction, tuple[int, Fraction]] = {}

    def nearest(offset: Fraction) -> tuple[int, Fraction]:
        if offset not in at:
            frame = grid.frame_at_offset(offset)
            at[offset] = frame, abs(grid.offset_at_frame(frame) - offset)
        return at[offset]

    for row in np.flatnonzero(~table.grace).tolist():
        pitch = int(table.pitch[row])
        if not low <= pitch < high:
            clipped += 1
            continue
        start, early = nearest(table.onset_at(row))
        end, late = nearest(table.end_at(row))
        if early or late:
            moved += 1
            furthest = max(furthest, early, late)
        start = min(start, grid.num_frames - 1)
        sounding[start:max(end, start + 1), pitch - low] = True
        onset[start, pitch - low] = True
    if moved:
        warnings.warn(f'{moved} of {len(table)} notes moved to the grid of {grid.step_ql} quarter, '
                      f'by {float(furthest):.3g} quarter at most', QuantizationWarning,
                      stacklevel=3)
    if clipped:
        warnings.warn(f'{clipped} of {len(table)} notes lie outside MIDI {low}..{high - 1} and '
                      'were left out', PitchClippedWarning, stacklevel=3)
    return Frames(sounding, onset, grid, low)


def frames_to_notes(frames: Frames) -> GridNotes:
    """Return the notes of frames; undoes :func:`table_to_frames` on the grid.

    A note lasts from its onset, or from a cell that starts to sound without one, to the next
    onset of its pitch or to silence.
    """
    sounding = frames.sounding
    before = np.zeros_like(sounding)
    before[1:] = sounding[:-1]
    starts = sounding & (frames.onset | ~before)
    after_starts = np.ones_like(sounding)
    after_starts[:-1] = starts[1:] | ~sounding[1:]
    ends = sounding & after_starts
    # column-major order pairs the i-th start of a pitch with its i-th end
    pitch, start = np.nonzero(starts.T)
    _, last = np.nonzero(ends.T)
    order = np.lexsort((pitch, start))
    return GridNotes(start[order].astype(np.int64), last[order].astype(np.int64) + 1,
                     pitch[order].astype(np.int64) + frames.pitch_low)
