"""NoteTable: the notes of a score as columns, one row a sounding note.

One pass over the stream: ties are merged by (pitch, end = onset) within a part, chords give
one row a member, chord symbols and unpitched notes are not notes, pitches sound (transposing
instruments). No `chordify` and no `stripTies`, whose result is wrong where voices and partly
tied chords meet.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from music21 import chord, harmony, note, stream
from music21.common import opFrac

from qbdi_m21.errors import EmptyScoreError, FramesError
from qbdi_m21.frames.grid import Bar
from qbdi_m21.frames.measures import measured_parts, read_bars, sounding_intervals

IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True)
class NoteTable:
    """Sounding notes, sorted by (onset, part, pitch); every column has N entries.

    Attributes
    ----------
    onset, duration : ndarray of int64, shape (N, 2)
        Numerator and denominator of exact quarter lengths.
    pitch : ndarray of int64
        Sounding MIDI number (microtones rounded to the nearest semitone).
    spelling : ndarray of str
        Sounding pitch name, as ``'B-4'``.
    part : ndarray of int64
        Index of the part in the score.
    voice : ndarray of str
        Id of the voice in its measure; empty where the measure has none.
    bar : ndarray of int64
        Index of the bar in which the note starts.
    grace : ndarray of bool
        Grace notes, which have no duration of their own.
    element_id : ndarray of str
        ``'P<part>M<bar>N<k>'``: the k-th notehead of that part and bar in reading order;
        all three count from 0. Stable for one score, its copies and its re-parsed files.
    bars : tuple of Bar
        The bars of the score.
    """

    onset: IntArray
    duration: IntArray
    pitch: IntArray
    spelling: npt.NDArray[np.str_]
    part: IntArray
    voice: npt.NDArray[np.str_]
    bar: IntArray
    grace: npt.NDArray[np.bool_]
    element_id: npt.NDArray[np.str_]
    bars: tuple[Bar, ...]

    def __post_init__(self) -> None:
        lengths = {f.name: len(getattr(self, f.name)) for f in fields(self) if f.name != 'bars'}
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

    def onset_at(self, row: int) -> Fraction:
        """Exact onset of one row, in quarter lengths."""
        return Fraction(int(self.onset[row, 0]), int(self.onset[row, 1]))

    def end_at(self, row: int) -> Fraction:
        """Exact end of one row, in quarter lengths."""
        return self.onset_at(row) + Fraction(int(self.duration[row, 0]),
                                             int(self.duration[row, 1]))

    def select(self, rows: npt.NDArray[Any]) -> NoteTable:
        """Return the table of some rows (indices or mask); the bars stay."""
        columns = {f.name: getattr(self, f.name)[rows] for f in fields(self) if f.name != 'bars'}
        return NoteTable(**columns, bars=self.bars)


@dataclass(frozen=True)
class Row:
    """One row of a table."""

    onset: Fraction
    end: Fraction
    pitch: int
    spelling: str
    part: int
    voice: str
    bar: int
    grace: bool
    element_id: str


def make_note_table(rows: list[Row], bars: tuple[Bar, ...]) -> NoteTable:
    """Return the table of merged rows in its sorted order."""
    rows = sorted(rows, key=lambda r: (r.onset, r.part, r.pitch, r.end))

    def ratio(values: list[Fraction]) -> IntArray:
        pairs = [(v.numerator, v.denominator) for v in values]
        return np.array(pairs, dtype=np.int64).reshape(-1, 2)

    def text(values: list[str]) -> npt.NDArray[np.str_]:
        return np.array(values, dtype=np.str_)

    return NoteTable(
        onset=ratio([r.onset for r in rows]),
        duration=ratio([r.end - r.onset for r in rows]),
        pitch=np.array([r.pitch for r in rows], dtype=np.int64),
        spelling=text([r.spelling for r in rows]),
        part=np.array([r.part for r in rows], dtype=np.int64),
        voice=text([r.voice for r in rows]),
        bar=np.array([r.bar for r in rows], dtype=np.int64),
        grace=np.array([r.grace for r in rows], dtype=np.bool_),
        element_id=text([r.element_id for r in rows]),
        bars=bars,
    )


class Notehead(NamedTuple):
    """One printed notehead: where it stands, and `k`, its place among those of the bar."""

    bar: int
    voice: str
    onset: Fraction
    end: Fraction
    note: note.Note
    grace: bool
    k: int

    def element_id(self, part: int) -> str:
        """Return the id of the note that this head begins."""
        return f'P{part}M{self.bar}N{self.k}'


def noteheads(part: stream.Part, starts: Sequence[Fraction]) -> Iterator[Notehead]:
    """Walk the pitched noteheads of a measured part in reading order, voice by voice.

    Parameters
    ----------
    part : music21.stream.Part
    starts : sequence of Fraction
        Start of each bar from the beginning of the score, in quarter lengths.
    """
    for bar, measure in enumerate(part.getElementsByClass(stream.Measure)):
        k = 0
        layers = [(str(v.id), Fraction(opFrac(v.offset)), v) for v in measure.voices]
        for voice, shift, layer in [('', Fraction(0), measure), *layers]:
            for element in layer.notes:
                if isinstance(element, harmony.Harmony):
                    continue
                onset = starts[bar] + shift + Fraction(opFrac(element.offset))
                end = onset + Fraction(opFrac(element.quarterLength))
                heads = element.notes if isinstance(element, chord.ChordBase) else (element,)
                for head in heads:
                    if isinstance(head, note.Note):
                        yield Notehead(bar, voice, onset, end, head,
                                       bool(element.duration.isGrace), k)
                        k += 1


def tied_noteheads(part: stream.Part, starts: Sequence[Fraction]) -> list[list[Notehead]]:
    """Return the noteheads of each sounding note of a part: one, or several that are tied."""
    found: list[list[Notehead]] = []
    # several, since two voices may hold one pitch to the same moment
    open_ties: dict[tuple[float, Fraction], list[list[Notehead]]] = defaultdict(list)
    # in the order of time: a tie may lead from a lower voice to a higher one
    for head in sorted(noteheads(part, starts), key=lambda h: (h.bar, h.onset)):
        # a notehead's own tie: a chord's is its first tied member's
        kind = head.note.tie.type if head.note.tie is not None else ''
        held = open_ties.get((head.note.pitch.ps, head.onset))
        if held and kind in ('stop', 'continue'):
            chain = held.pop(0)
        else:
            chain = []
            found.append(chain)
        chain.append(head)
        if kind in ('start', 'continue'):
            open_ties[head.note.pitch.ps, head.end].append(chain)
    return found


def extract_notes(score: stream.Stream, *, allow_empty: bool = False) -> NoteTable:
    """Return the sounding notes of a score.

    Parameters
    ----------
    score : music21 Stream
        Parts without measures are measured on a copy.
    allow_empty : bool
        Return an empty table instead of an error.

    Returns
    -------
    NoteTable
        Tied notes are one row. Repeats are not expanded; ornaments, tremolos and fermatas
        do not change a row; grace notes are flagged and have duration 0.

    Raises
    ------
    EmptyScoreError
        If the score holds no pitched note, unless `allow_empty`.
    """
    parts = measured_parts(score)
    bars = read_bars(parts)
    rows: list[Row] = []
    for part_index, part in enumerate(parts):
        rows.extend(_part_rows(part, part_index, bars))
    if not rows and not allow_empty:
        raise EmptyScoreError(
            'the score holds no pitched note; expected at least one (percussion, rests and '
            'chord symbols are not notes): give a score with notes')
    return make_note_table(rows, bars)


def _part_rows(part: stream.Part, part_index: int, bars: tuple[Bar, ...]) -> Iterator[Row]:
    intervals = sounding_intervals(part)
    for chain in tied_noteheads(part, [bar.start_ql for bar in bars]):
        head, interval = chain[0], intervals[chain[0].bar]
        pitch = head.note.pitch if interval is None else head.note.pitch.transpose(interval)
        yield Row(head.onset, chain[-1].end, round(pitch.ps), pitch.nameWithOctave, part_index,
                  head.voice, head.bar, all(h.grace for h in chain), head.element_id(part_index))
