"""Note tables to frames and back: exact on the grid, and what the grid moves is told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from qbdi_m21.errors import ParameterError, PitchClippedWarning, QuantizationWarning, warn
from qbdi_m21.frames.grid import Grid, Step
from qbdi_m21.frames.ratios import IntArray, on_common, reduced, to_ratios
from qbdi_m21.frames.roll import PITCH_RANGE, Frames, check_pitch_range, note_starts
from qbdi_m21.frames.table import COLUMNS, NoteTable, Tempo, make_note_table

#: How a step may be given: a length in quarters, or a word.
StepLike: TypeAlias = float | str | Fraction

#: Most cells of a plane: a gigabyte.
MAX_CELLS = 2**30

#: Shortest step that `step='auto'` takes: it holds triplets and 64ths.
FINEST_STEP = Fraction(1, 48)

#: What an onset may be early or late without anyone's intent, in quarters: in files whose onsets
#: are exact, and in those of players (10 and 30 ms at 120 a minute).
TOLERANCES = (Fraction(1, 48), Fraction(1, 16))

#: Share of the notes that may be farther from the grid.
MISPLACED_SHARE = 0.005

#: No grid is finer than MIDI files usually are.
SHORTEST_STEP = Fraction(1, 960)

_STEPS = tuple(sorted((Fraction(n, d) for n, d in (
    (1, 1), (1, 2), (1, 3), (1, 4), (1, 5), (1, 6), (1, 8), (1, 12), (1, 16), (1, 20), (1, 24),
    (1, 32), (1, 48))), reverse=True))


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


def parse_step(step: StepLike, table: NoteTable) -> Step:
    """Return a step as grids take it: ``'auto'`` looked up for a table, numbers as Fractions.

    Raises
    ------
    ParameterError
        If it is neither a positive length nor 'beat', 'bar' or 'auto'.
    """
    if step == 'auto':
        return coarsest_step(table)
    if step in ('beat', 'bar'):
        return step         # type: ignore[return-value]
    try:
        length = Fraction(step)
        if isinstance(step, float):         # 0.333 is a third
            length = length.limit_denominator(96)
    except (ValueError, TypeError, OverflowError, ZeroDivisionError):
        length = Fraction(0)
    if length < SHORTEST_STEP:
        raise ParameterError(f"step is {step!r}; expected a positive length in quarters such as "
                             f"0.25 or '1/6', at least {SHORTEST_STEP}, or 'beat', 'bar' or 'auto'")
    return length


def coarsest_step(table: NoteTable, finest: Fraction = FINEST_STEP) -> Fraction:
    """Return the longest step that moves no note, or none by much.

    Parameters
    ----------
    table : NoteTable
        Grace notes do not count.
    finest : Fraction
        No step shorter than this. Where it would take one, players and files are a little
        early or late: the longest of the usual divisions of a quarter is taken that moves
        nearly all onsets by less than the first of `TOLERANCES`, or if there is none, by less
        than the second; ends, which players cut short, may move by an eighth of a quarter.
    """
    played = table.select(~table.grace & (table.duration[:, 0] > 0))
    if not len(played):
        return Fraction(1)
    times = np.unique(np.concatenate([played.onset, played.end]), axis=0)
    grid = Grid(table.bars)
    bar = grid.bars_at(times)
    common, (at, starts, leads, ends) = on_common(
        times, to_ratios([b.start_ql for b in table.bars]),
        to_ratios([b.lead_ql for b in table.bars]), to_ratios([grid.end_ql]))
    # what begins with its bar is on any grid, in a pickup too
    places = (at - starts[bar] + leads[bar])[(at < ends[0]) & (at > starts[bar])]
    divisor = int(np.gcd.reduce(places)) if len(places) else 0
    step = Fraction(divisor, common) if divisor else max(b.length_ql for b in table.bars)
    if step >= finest:
        return step
    few = MISPLACED_SHARE * len(played)
    for tolerance in TOLERANCES:
        # on a step not much longer than the tolerance everything is in place
        for tried in (s for s in _STEPS if s >= max(finest, 4 * tolerance)):
            if _misplaced(played, Grid(table.bars, tried), tolerance) <= few:
                return tried
    return max(finest, 2 * TOLERANCES[-1])


def _misplaced(table: NoteTable, grid: Grid, tolerance: Fraction) -> int:
    """Return how many notes a grid moves by more than the tolerance (ends, the longest one)."""
    away = grid.frames_at(np.concatenate([table.onset, table.end]))[1]
    far = away[:, 0] / away[:, 1]
    return int(np.count_nonzero((far[:len(table)] > float(tolerance))
                                | (far[len(table):] > float(2 * TOLERANCES[-1]))))


def _quantise(table: NoteTable, grid: Grid) -> tuple[IntArray, IntArray, npt.NDArray[np.bool_],
                                                     float]:
    """Return start and end frames, which notes move, and how far at most (quarter lengths)."""
    frame, ratios = grid.frames_at(np.concatenate([table.onset, table.end]))
    count = len(table)
    # each note keeps a frame; one that starts at the very end keeps the last
    start = np.minimum(frame[:count], grid.num_frames - 1)
    end = np.maximum(frame[count:], start + 1)
    distance = ratios[:, 0] / ratios[:, 1]
    if (start != frame[:count]).any() or (end != frame[count:]).any():
        common, (times, offsets) = on_common(np.concatenate([table.onset, table.end]),
                                             grid.offsets)
        moves = abs(offsets[np.concatenate([start, end])] - times) / common
        distance = moves.astype(np.float64)
    away = np.where(table.grace, 0.0, np.maximum(distance[:count], distance[count:]))
    return start, end, away > 0, float(away.max(initial=0.0))


def table_to_frames(
    table: NoteTable, *, step: StepLike = Fraction(1, 4),
    pitch_range: tuple[int, int] = PITCH_RANGE, outside: Literal['drop', 'fold'] = 'drop',
    velocity: bool = False,
) -> Frames:
    """Return the frames of a note table, all parts merged.

    Parameters
    ----------
    table : NoteTable
        Grace notes are left out. For one part, give ``table.select(table.part == 0)``.
    step : number, str or Fraction
        Frame length in quarter lengths (0.25, ``'1/6'``); 'beat' or 'bar' for a frame each;
        'auto' for the longest that moves no note (:func:`coarsest_step`).
    pitch_range : (int, int)
        Lowest MIDI number, and one past the highest.
    outside : 'drop' or 'fold'
        What becomes of notes outside the range: left out, or moved by octaves into it.
    velocity : bool
        Give the frames a velocity plane.

    Returns
    -------
    Frames
        Onsets and ends go to the nearest grid point of their bar; a note keeps at least one
        frame. Two notes of one pitch at a time merge, both onsets kept.

    Warns
    -----
    QuantizationWarning, PitchClippedWarning
        How many notes moved and how far; how many lie outside the range.

    Notes
    -----
    Source: Dubnov 2019, section 3 (a sixteenth grid; 16 frames are a 4/4 bar).
    """
    check_pitch_range(pitch_range)
    grid = Grid(table.bars, parse_step(step, table))
    played = table.select(~table.grace)
    pitch, kept = _into_range(played.pitch, pitch_range, outside)
    if not kept.all():
        played, pitch = played.select(kept), pitch[kept]
    column = pitch - pitch_range[0]
    shape = grid.num_frames, pitch_range[1] - pitch_range[0]
    if shape[0] * shape[1] > MAX_CELLS:
        raise ParameterError(f'the frames would have {shape[0]} x {shape[1]} cells; expected '
                             f'{MAX_CELLS} at most: give a longer step or a shorter piece')
    start, end, moved, furthest = _quantise(played, grid)
    _warn_of_moves(table, grid, moved, furthest)
    sounding, onset = np.zeros(shape, dtype=np.bool_), np.zeros(shape, dtype=np.bool_)
    onset[start, column] = True
    order, end = _without_overlaps(start, end, column, grid.num_frames)
    # one row for each frame that each note sounds in
    start, column = start[order], column[order]
    lengths = end - start
    first = np.cumsum(lengths) - lengths
    rows = np.arange(int(lengths.sum())) + np.repeat(start - first, lengths)
    columns = np.repeat(column, lengths)
    sounding[rows, columns] = True
    strength = None
    if velocity:
        strength = np.zeros(shape, dtype=np.uint8)
        strength[rows, columns] = np.repeat(played.velocity[order], lengths)
    return Frames(sounding, onset, grid, pitch_range[0], strength)


def _without_overlaps(start: IntArray, end: IntArray, column: IntArray,
                      num_frames: int) -> tuple[IntArray, IntArray]:
    """Return notes by pitch and start, and ends that stop at the next onset of the pitch.

    A note that begins within a longer one lasts as long as that: so frames have it.
    """
    order = np.lexsort((start, column))
    base = column[order] * (num_frames + 1)
    longest = np.maximum.accumulate(base + end[order]) - base
    follows = np.full(len(order), num_frames, dtype=np.int64)
    same = column[order][1:] == column[order][:-1]
    follows[:-1][same] = start[order][1:][same]
    return order, np.minimum(longest, follows)


def quantize(table: NoteTable, step: StepLike) -> NoteTable:
    """Return a table whose notes are moved to the nearest points of a grid.

    Parts, voices and all else stay; a note keeps one step at least, a grace note none. As notes
    may move to another bar, element ids count anew.

    Parameters
    ----------
    table : NoteTable
    step : number, str or Fraction
        See :func:`table_to_frames`.

    Warns
    -----
    QuantizationWarning
        How many notes moved and how far.
    """
    grid = Grid(table.bars, parse_step(step, table))
    start, end, moved, furthest = _quantise(table, grid)
    _warn_of_moves(table, grid, moved, furthest)
    common, (offsets,) = on_common(grid.offsets)
    held = np.where(table.grace, 0, offsets[end] - offsets[start])
    columns = {name: getattr(table, name) for name in COLUMNS
               if name not in ('onset', 'duration', 'bar', 'notehead')}
    return make_note_table(
        table.bars, onset=grid.offsets[start], duration=reduced(held, common),
        bar=grid.frame_bars()[start], **columns,
        part_names=table.part_names, tempi=table.tempi)


def _warn_of_moves(table: NoteTable, grid: Grid, moved: npt.NDArray[np.bool_],
                   furthest: float) -> None:
    if moved.any():
        warn(
            f'{np.count_nonzero(moved)} of {len(table)} notes moved to the grid of '
            f'{_described(grid.step_ql)}, by {furthest:.3g} quarter at most',
            QuantizationWarning)


def _described(step: Step) -> str:
    return f'a frame a {step}' if isinstance(step, str) else f'{step} quarter'


def _into_range(pitch: IntArray, pitch_range: tuple[int, int],
                outside: str) -> tuple[IntArray, npt.NDArray[np.bool_]]:
    """Return the pitches, folded if asked for, and which of them are within the range."""
    low, high = pitch_range
    if outside not in ('drop', 'fold'):
        raise ParameterError(f"outside is {outside!r}; expected 'drop' or 'fold'")
    within = (pitch >= low) & (pitch < high)
    if within.all():
        return pitch, within
    count = f'{np.count_nonzero(~within)} of {len(pitch)} notes lie outside MIDI {low}..{high - 1}'
    if outside == 'drop':
        warn(f'{count} and were left out', PitchClippedWarning)
        return pitch, within
    if high - low < 12:
        raise ParameterError(f'pitch_range is {pitch_range}; folding needs an octave at least')
    warn(f'{count} and were moved by octaves', PitchClippedWarning)
    up = -((pitch - low) // 12) * 12
    down = -((pitch - high) // 12 + 1) * 12
    folded = pitch + np.where(pitch < low, up, np.where(pitch >= high, down, 0))
    return folded, np.ones_like(within)


def frames_to_notes(frames: Frames) -> GridNotes:
    """Return the notes of frames; undoes :func:`table_to_frames` on the grid.

    A note lasts from its onset, or from a cell that starts to sound without one, to the next
    onset of its pitch or to silence.
    """
    sounding, starts = frames.sounding, note_starts(frames)
    after_starts = np.ones_like(sounding)
    after_starts[:-1] = starts[1:] | ~sounding[1:]
    ends = sounding & after_starts
    # column-major order pairs the i-th start of a pitch with its i-th end
    pitch, start = np.nonzero(starts.T)
    _, last = np.nonzero(ends.T)
    order = np.lexsort((pitch, start))
    return GridNotes(start[order].astype(np.int64), last[order].astype(np.int64) + 1,
                     pitch[order].astype(np.int64) + frames.pitch_low)


def frames_to_table(frames: Frames, *, part_names: Sequence[str] = ('',),
                    tempi: Sequence[Tempo] = ()) -> NoteTable:
    """Return the notes of frames as a note table of one part.

    Parameters
    ----------
    frames : Frames
    part_names, tempi : sequence
        Of the table.

    Returns
    -------
    NoteTable
        Spelled by local key and key signature. :func:`table_to_frames` gives the same frames
        back, where no cell starts to sound without an onset; else with that onset.
    """
    notes, grid = frames_to_notes(frames), frames.grid
    common, (offsets,) = on_common(grid.offsets)
    held = offsets[notes.end_frames] - offsets[notes.start_frames]
    velocity: Any = 0 if frames.velocity is None else frames.velocity[
        notes.start_frames, notes.pitch - frames.pitch_low]
    return make_note_table(
        grid.bars, onset=grid.offsets[notes.start_frames], duration=reduced(held, common),
        pitch=notes.pitch, velocity=velocity, part_names=part_names, tempi=tempi,
        bar=grid.frame_bars()[notes.start_frames])
