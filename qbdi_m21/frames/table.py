"""NoteTable: the notes of a piece as columns, one row a sounding note.

The hub of the package: scores, MIDI files and frames are turned into note tables, and note
tables into frames, scores and files. Knows neither music21 nor any file format.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from qbdi_m21.errors import FramesError, ParameterError
from qbdi_m21.frames.grid import Bar, Grid
from qbdi_m21.frames.ratios import IntArray, on_common, ranks, reduced, to_ratios
from qbdi_m21.frames.spelling import note_name, spell_notes

#: Most parts of a table.
MAX_PARTS = 10_000

#: What is not a column of a table.
HEADINGS = ('bars', 'part_names', 'tempi', 'sources')


@dataclass(frozen=True)
class Tempo:
    """Speed from one moment on: quarter notes a minute."""

    onset_ql: Fraction
    quarters_per_minute: float


@dataclass(frozen=True)
class NoteTable:
    """Sounding notes, sorted by (onset, part, pitch, end); every column has N entries.

    Attributes
    ----------
    onset, duration : ndarray of int64, shape (N, 2)
        Numerator and denominator of exact quarter lengths, in lowest terms.
    pitch : ndarray of int64
        Sounding MIDI number (microtones go to the nearest semitone).
    fifths : ndarray of int64
        Spelling as a place on the line of fifths: F is -1, C 0, G 1, B flat -2.
    part, staff : ndarray of int64
        Index of the part in the score, from 0; number of the staff in its brace, from 1.
    voice : ndarray of int64
        Number of the voice in its measure, from 1; 0 where the measure has no voices.
    bar : ndarray of int64
        Index of the bar in which the note starts.
    notehead : ndarray of int64
        The how-manieth notehead of its part and bar, in reading order, from 0.
    grace : ndarray of bool
        Grace notes, which have no duration of their own.
    velocity : ndarray of int64
        MIDI velocity, 1 to 127; 0 where the source states none.
    bars : tuple of Bar
        The bars of the piece.
    part_names : tuple of str
        One a part; empty names where the source has none.
    tempi : tuple of Tempo
        In order of time; empty where the source has none.
    sources : tuple of int
        Where repeats are played out: for each bar, the index of the written one.
    """

    onset: IntArray
    duration: IntArray
    pitch: IntArray
    fifths: IntArray
    part: IntArray
    staff: IntArray
    voice: IntArray
    bar: IntArray
    notehead: IntArray
    grace: npt.NDArray[np.bool_]
    velocity: IntArray
    bars: tuple[Bar, ...]
    part_names: tuple[str, ...] = ()
    tempi: tuple[Tempo, ...] = ()
    sources: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        lengths = {name: len(getattr(self, name)) for name in COLUMNS}
        if len(set(lengths.values())) > 1:
            raise FramesError(f'note table columns have different lengths: {lengths}')

    def __len__(self) -> int:
        return len(self.pitch)

    @property
    def onset_ql(self) -> npt.NDArray[np.float64]:
        """Onsets in quarter lengths, as floats, shape (N,)."""
        return np.asarray(self.onset[:, 0] / self.onset[:, 1], dtype=np.float64)

    @property
    def duration_ql(self) -> npt.NDArray[np.float64]:
        """Durations in quarter lengths, as floats, shape (N,)."""
        return np.asarray(self.duration[:, 0] / self.duration[:, 1], dtype=np.float64)

    @property
    def end(self) -> IntArray:
        """Exact ends, shape (N, 2)."""
        common, (onset, duration) = on_common(self.onset, self.duration)
        return reduced(onset + duration, common)

    @property
    def measure(self) -> IntArray:
        """Measure number of each note, as printed, shape (N,)."""
        return np.array([bar.number for bar in self.bars], dtype=np.int64)[self.bar]

    @property
    def beat(self) -> IntArray:
        """Exact beat on which each note starts, from 1 as music21 counts, shape (N, 2)."""
        return Grid(self.bars).beats_at(self.onset, self.bar)

    @property
    def weight(self) -> npt.NDArray[np.float64]:
        """Metrical weight of each onset, shape (N,): music21's ``beatStrength``, 0 to 1."""
        from qbdi_m21.frames.measures import metrical_weights
        return metrical_weights(self.bars, self.onset, self.bar)

    @property
    def spelling(self) -> npt.NDArray[np.str_]:
        """Sounding pitch names as music21 writes them (``'B-4'``), shape (N,)."""
        return np.array([note_name(p, f) for p, f in zip(
            self.pitch.tolist(), self.fifths.tolist(), strict=True)], dtype=np.str_)

    @property
    def element_id(self) -> npt.NDArray[np.str_]:
        """Source element of each note, ``'P<part>M<bar>N<notehead>'``, shape (N,).

        All three count from 0. Stable for one score, its copies and its re-parsed files.
        Where repeats are played out, several rows name one element.
        """
        written = np.array(self.sources)[self.bar] if self.sources else self.bar
        return np.array([f'P{p}M{b}N{k}' for p, b, k in zip(
            self.part.tolist(), written.tolist(), self.notehead.tolist(), strict=True)],
            dtype=np.str_)

    def onset_at(self, row: int) -> Fraction:
        """Exact onset of one row, in quarter lengths."""
        return Fraction(int(self.onset[row, 0]), int(self.onset[row, 1]))

    def end_at(self, row: int) -> Fraction:
        """Exact end of one row, in quarter lengths."""
        return self.onset_at(row) + Fraction(int(self.duration[row, 0]),
                                             int(self.duration[row, 1]))

    def select(self, rows: npt.NDArray[Any]) -> NoteTable:
        """Return the table of some rows (indices or mask); all else stays."""
        return replace(self, **{name: getattr(self, name)[rows] for name in COLUMNS})

    def transpose(self, semitones: int) -> NoteTable:
        """Return the table moved by semitones, spelled in the key that this leads to.

        Raises
        ------
        FramesError
            If a note would leave MIDI 0..127.
        """
        if semitones != int(semitones):
            raise ParameterError(f'semitones is {semitones}; expected a whole number')
        pitch = self.pitch + int(semitones)
        if len(pitch) and not (pitch.min() >= 0 and pitch.max() <= 127):
            raise FramesError(f'transposing by {semitones} semitones takes notes to MIDI '
                              f'{pitch.min()}..{pitch.max()}; expected 0..127')
        sharps = [bar.sharps for bar in self.bars] or [0]
        # the way round the circle of fifths that keeps the signatures small
        turns = (-12, 0) if semitones % 12 else (0,)
        shift = min(((7 * semitones) % 12 + turn for turn in turns),
                    key=lambda fifths: max(abs(s + fifths) for s in sharps))
        bars = tuple(replace(bar, sharps=bar.sharps + shift) for bar in self.bars)
        return replace(self, pitch=pitch, fifths=self.fifths + shift, bars=bars)


#: The columns of a table, in the order of its files.
COLUMNS = tuple(f.name for f in fields(NoteTable) if f.name not in HEADINGS)


def make_note_table(
    bars: tuple[Bar, ...], *, onset: Iterable[Any] | IntArray, duration: Iterable[Any] | IntArray,
    pitch: npt.ArrayLike, part: npt.ArrayLike = 0, staff: npt.ArrayLike = 1,
    voice: npt.ArrayLike = 0, fifths: npt.ArrayLike | None = None,
    bar: npt.ArrayLike | None = None, notehead: npt.ArrayLike | None = None,
    grace: npt.ArrayLike = False, velocity: npt.ArrayLike = 0,
    part_names: Sequence[str] = (), tempi: Sequence[Tempo] = (), sources: Sequence[int] = (),
) -> NoteTable:
    """Return a note table from columns in any order.

    Parameters
    ----------
    bars : tuple of Bar
    onset, duration : sequence of numbers, or ndarray of int64 of shape (N, 2)
        Quarter lengths; numerators and denominators where two-dimensional.
    pitch : sequence of int
        MIDI numbers.
    part, staff, voice, grace, velocity : sequence or one value for all
    fifths : sequence of int, optional
        Spelled by local key and key signature where it is not given.
    bar : sequence of int, optional
        The bar in which each note stands; by default the one that holds its onset.
    notehead : sequence of int, optional
        By default counted in the order of the table.
    part_names, tempi, sources : sequence
        See :class:`NoteTable`.

    Raises
    ------
    FramesError
        If a column has another length, a duration is negative, a pitch is no MIDI number or
        an onset lies outside the bars.
    """
    starts, lengths = (_lowest_terms(to_ratios(times)) for times in (onset, duration))
    count = len(starts)
    columns = {'pitch': pitch, 'part': part, 'staff': staff, 'voice': voice,
               'velocity': velocity, 'fifths': 0 if fifths is None else fifths,
               'bar': 0 if bar is None else bar, 'notehead': 0 if notehead is None else notehead}
    whole = {name: _column(name, values, count) for name, values in columns.items()}
    if len(lengths) != count:
        raise FramesError(f'{count} onsets and {len(lengths)} durations given; expected as many')
    _check(starts, lengths, whole)
    if part_names and whole['part'].max(initial=0) >= len(part_names):
        raise FramesError(f'a note is of part {whole["part"].max()}; expected 0 to '
                          f'{len(part_names) - 1}, as there are {len(part_names)} part names')
    if bar is None:
        whole['bar'] = _bars_of(starts, bars)
    elif count and not (whole['bar'].min() >= 0 and whole['bar'].max() < len(bars)):
        raise FramesError(f'the column bar runs from {whole["bar"].min()} to {whole["bar"].max()}; '
                          f'expected 0 to {len(bars) - 1}')
    _, (at, held) = on_common(starts, lengths)
    order = np.lexsort((ranks(at + held), whole['pitch'], whole['part'], ranks(at)))
    whole = {name: values[order] for name, values in whole.items()}
    table = NoteTable(
        starts[order], lengths[order], **whole,
        grace=_column('grace', grace, count)[order].astype(np.bool_), bars=bars,
        part_names=tuple(part_names) or ('',) * (int(whole['part'].max(initial=-1)) + 1),
        tempi=tuple(tempi), sources=tuple(sources))
    if fifths is None:
        signatures = np.array([b.sharps for b in bars], dtype=np.int64)[table.bar]
        table = replace(table, fifths=spell_notes(table.pitch, table.onset_ql, signatures))
    return table if notehead is not None else replace(table, notehead=_counted(table))


def _column(name: str, values: npt.ArrayLike, count: int) -> IntArray:
    array = np.asarray(values)
    if array.size and array.dtype.kind not in 'biu' and not (
            array.dtype.kind == 'f' and all(v.is_integer() for v in array.ravel().tolist())):
        raise FramesError(f'the column {name} holds {array.dtype} values; expected whole numbers')
    if array.ndim == 0:
        return np.full(count, array, dtype=np.int64)
    if array.shape != (count,):
        raise FramesError(f'the column {name} has shape {array.shape}; expected ({count},)')
    return array.astype(np.int64)


def _lowest_terms(ratios: IntArray) -> IntArray:
    if (ratios[:, 1] < 1).any():
        raise FramesError('a denominator of an onset or a duration is below 1')
    return ratios // np.gcd(ratios[:, 0], ratios[:, 1])[:, None]


def _check(onset: IntArray, duration: IntArray, columns: dict[str, IntArray]) -> None:
    pitch, velocity, part = columns['pitch'], columns['velocity'], columns['part']
    for what, wrong in (
            ('a negative duration', duration[:, 0] < 0), ('a negative onset', onset[:, 0] < 0),
            ('a pitch outside MIDI 0..127', (pitch < 0) | (pitch > 127)),
            ('a velocity outside 0..127', (velocity < 0) | (velocity > 127)),
            (f'a part outside 0..{MAX_PARTS - 1}', (part < 0) | (part >= MAX_PARTS))):
        if wrong.any():
            row = int(np.flatnonzero(wrong)[0])
            raise FramesError(
                f'row {row + 1} has {what}: onset {Fraction(*onset[row].tolist())}, duration '
                f'{Fraction(*duration[row].tolist())}, pitch {pitch[row]}; expected none')


def _bars_of(onset: IntArray, bars: tuple[Bar, ...]) -> IntArray:
    if len(onset):
        last = max((Fraction(n, d) for n, d in np.unique(onset, axis=0).tolist()))
        end = bars[-1].end_ql if bars else Fraction(0)
        if last >= end:
            raise FramesError(f'a note starts at {last} quarters; expected it before the end of '
                              f'the bars at {end}')
    return Grid(bars).bars_at(onset)


def _counted(table: NoteTable) -> IntArray:
    """Return how many rows of a row's part and bar come before it."""
    order = np.lexsort((table.bar, table.part))
    part, bar = table.part[order], table.bar[order]
    first = np.ones(len(order), dtype=np.bool_)
    first[1:] = (part[1:] != part[:-1]) | (bar[1:] != bar[:-1])
    places = np.arange(len(order))
    counted = np.empty(len(order), dtype=np.int64)
    counted[order] = places - np.maximum.accumulate(np.where(first, places, 0))
    return counted
