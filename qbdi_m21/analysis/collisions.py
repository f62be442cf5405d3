"""Harmonic collisions and meetings between two aligned pieces, beat by beat.

The two sides are compared over each beat by what each has alone: pitch classes that sound on
both sides agree. Every pair of such pitch classes weighs by its interval class. A piece
against itself gives no collision.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import asdict, dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from qbdi_m21.analysis.beats import beat_spans, beat_strength, read_beats
from qbdi_m21.analysis.harmony import (
    chord_tones,
    fifths_apart,
    harmony_name,
    infer_chord,
    infer_keys,
    key_name,
)
from qbdi_m21.analysis.motifs.places import element_ids_within
from qbdi_m21.errors import ParameterError
from qbdi_m21.frames.encode import Music, Source, read_music
from qbdi_m21.frames.features import tonnetz
from qbdi_m21.frames.table import NoteTable

FloatArray = npt.NDArray[np.float64]

#: Dissonance of interval classes 0 to 6, 1 for a semitone: the negative part of Huron's
#: interval-class consonance (1994, table 2: -1.428, -0.582, ..., -0.453), over its largest.
DISSONANCE = np.array([0.0, 1.0, 0.582 / 1.428, 0.0, 0.0, 0.0, 0.453 / 1.428])
_CLASHES = {1: 'semitone', 2: 'whole tone', 6: 'tritone'}

#: All kinds.
KINDS = (*_CLASHES.values(), 'chord', 'key', 'meeting')

#: What a clash counts whose nearest notes are within an octave, within two, and farther apart.
REGISTER = (1.0, 0.85, 0.7)

#: Keys conflict from so many fifths on, over so many bars; a bar is heard with those beside it.
KEY_FIFTHS, KEY_BARS = 3, 2

#: Severity of chords without a common tone, and of keys six fifths apart.
WORST_CHORDS, WORST_KEYS = 0.5, 0.5

#: A collision starts at the first severity and lasts while the second is reached.
ENTER, STAY = 0.15, 0.08

#: A meeting follows a collision within so many beats.
MEETING_BEATS = 8


@dataclass(frozen=True)
class Collision:
    """A span in which two sides clash, or meet after a clash.

    Attributes
    ----------
    kind : str
        One of `KINDS`. A clash is called by the interval class that weighs most: 'semitone' (also
        a major seventh), 'whole tone' or 'tritone'. 'chord': the two sides are on chords that
        share one tone at most, and do not clash. 'key': they are in keys that are three or more
        fifths apart, over bars. 'meeting': both on one chord after a collision.
    start_ql, end_ql : Fraction
        Half-open span, in quarter lengths.
    bar : int
        Index of the bar in which it starts, counted from 0.
    measure, beat
        Where it starts, as measure number and beat.
    severity : float
        0 to 1. Of a clash, the dissonance on the worst beat, by interval classes, durations,
        doubling, place in the bar and register; of chords and keys, how little they share, to
        .5; 0 for a meeting.
    tonnetz : float
        Distance between the two tonal centroids on that beat (Harte et al. 2006).
    query_harmony, improvisation_harmony : str
        Chord (``'Am'``) or main pitch classes (``'{A C}'``) of each side on that beat.
    query_ids, improvisation_ids : tuple of str
        Notes that start in the span and take part in the clash.
    """

    kind: str
    start_ql: Fraction
    end_ql: Fraction
    bar: int
    measure: int
    beat: Fraction
    severity: float
    tonnetz: float
    query_harmony: str
    improvisation_harmony: str
    query_ids: tuple[str, ...]
    improvisation_ids: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        plain = {k: float(v) if isinstance(v, Fraction) else v for k, v in asdict(self).items()}
        return {**plain, 'severity': round(self.severity, 6), 'tonnetz': round(self.tonnetz, 6),
                'query_ids': list(self.query_ids),
                'improvisation_ids': list(self.improvisation_ids)}


def dissonance(first: npt.NDArray[Any], second: npt.NDArray[Any]) -> tuple[float, int]:
    """Return the severity between two pitch-class weights, and its main interval class.

    Parameters
    ----------
    first, second : ndarray, shape (12,)
        How long each pitch class sounds on each side; >= 0.

    Returns
    -------
    (float, int)
        Weighted mean of `DISSONANCE` over all pairs, counting pairs of which a pitch class
        sounds on both sides as consonant: 0 to 1. Silence gives 0.
    """
    if not first.any() or not second.any():
        return 0.0, 0
    alone = (first > 0) ^ (second > 0)
    pairs = np.outer(first / first.sum() * alone, second / second.sum() * alone)
    steps = np.abs(np.subtract.outer(np.arange(12), np.arange(12)))
    by_class = np.bincount(np.minimum(steps, 12 - steps).ravel(), pairs.ravel(), minlength=7)
    weighed = by_class * DISSONANCE
    return float(weighed.sum()), int(np.argmax(weighed))


def find_collisions(query: Source, improvisation: Source, *, enter: float = ENTER,
                    stay: float = STAY, kinds: Collection[str] = KINDS) -> tuple[Collision, ...]:
    """Return collisions and meetings between two pieces over the same bars.

    Parameters
    ----------
    query, improvisation : music21 Stream, NoteTable, Frames or Music
        With equal bars. Two groups of parts of one score can be compared as two note tables of it
        (``table.select(...)``).
    enter, stay : float
        A clash starts on a beat of severity `enter` and lasts while beats reach `stay`;
        0 < stay <= enter <= 1.
    kinds : collection of str
        Which are returned, of `KINDS`.

    Returns
    -------
    tuple of Collision
        In order of their beginnings. Those of keys lie over others; no two of the rest overlap.

    Raises
    ------
    ParameterError
        If the bars differ, a severity is out of range, or a kind is none.

    Notes
    -----
    Source: the paper reads collisions and meetings off its figure 3 and defines neither; the
    definition is ours. Dissonance: Huron 1994. Tonal centroid: Harte, Sandler & Gasser 2006.
    Keys: Krumhansl & Kessler 1982.
    """
    if not 0 < stay <= enter <= 1:
        raise ParameterError(f'enter={enter}, stay={stay}; expected 0 < stay <= enter <= 1')
    if not set(kinds) <= set(KINDS):
        raise ParameterError(f'kinds are {", ".join(sorted(kinds))}; expected some of '
                             f'{", ".join(KINDS)}')
    pair = _Pair(read_music(query), read_music(improvisation))
    found = [*pair.clashes_and_meetings(enter, stay), *pair.key_conflicts()]
    found.sort(key=lambda hit: (hit.start_ql, KINDS.index(hit.kind)))
    return tuple(hit for hit in found if hit.kind in kinds)


class _Pair:
    """Two sides over the same bars, beat by beat."""

    def __init__(self, query: Music, improvisation: Music) -> None:
        self.below, self.above = query, improvisation
        self.grid, other = query.frames.grid, improvisation.frames.grid
        if [b.length_ql for b in self.grid.bars] != [b.length_ql for b in other.bars]:
            raise ParameterError(f'the pieces have {len(self.grid.bars)} and {len(other.bars)} '
                                 'bars, or bars of different lengths; expected equal bars')
        self.spans = beat_spans(self.grid)
        first = read_beats(query.frames, query.table, self.spans)
        second = read_beats(improvisation.frames, improvisation.table, self.spans)
        self.first, self.second = first.weights, second.weights
        self.distances = np.linalg.norm(tonnetz(self.first) - tonnetz(self.second), axis=1)
        self.chords = [(infer_chord(a), infer_chord(b))
                       for a, b in zip(self.first, self.second, strict=True)]
        strength = beat_strength(self.grid, self.spans)
        self.severity = np.zeros(len(self.spans))
        self.interval = np.zeros(len(self.spans), dtype=np.int64)
        for beat, (a, b) in enumerate(zip(self.first, self.second, strict=True)):
            value, interval = dissonance(a, b)
            if value:
                near = _register(first.pitches[beat], second.pitches[beat], interval)
                self.severity[beat] = value * strength[beat] * near
                self.interval[beat] = interval

    def clashes_and_meetings(self, enter: float, stay: float) -> Iterator[Collision]:
        """Yield clashes, chord conflicts and meetings, none over another."""
        beat, since = 0, MEETING_BEATS + 1
        while beat < len(self.spans):
            stop, kind = beat + 1, ''
            if self.severity[beat] >= enter:
                while stop < len(self.spans) and self.severity[stop] >= stay:
                    stop += 1
                worst = beat + int(self.severity[beat:stop].argmax())
                kind, value = _CLASHES[int(self.interval[worst])], float(self.severity[worst])
            elif (value := self._chord_conflict(beat)) > 0:
                while stop < len(self.spans) and self.severity[stop] < enter and (
                        self._chord_conflict(stop) > 0):
                    stop += 1
                values = [self._chord_conflict(k) for k in range(beat, stop)]
                kind, value, worst = 'chord', max(values), beat + int(np.argmax(values))
            if kind:
                yield self._make(kind, range(beat, stop), value, worst)
                beat, since = stop, 0
                continue
            one, two = self.chords[beat]
            if since < MEETING_BEATS and one is not None and one == two:
                yield self._make('meeting', range(beat, beat + 1), 0.0, beat)
                since = MEETING_BEATS
            beat, since = beat + 1, since + 1

    def _chord_conflict(self, beat: int) -> float:
        """Return the severity of two chords that share one tone at most, else 0."""
        one, two = self.chords[beat]
        if one is None or two is None:
            return 0.0
        shared = len(chord_tones(one) & chord_tones(two))
        return WORST_CHORDS * (1 - shared / 3) if shared <= 1 else 0.0

    def key_conflicts(self) -> Iterator[Collision]:
        """Yield spans of bars in which the sides are in keys that are far apart."""
        bars = self.grid.frame_bars()[[start for start, _ in self.spans]]
        sums = [np.stack([np.bincount(bars, weights[:, pitch], minlength=len(self.grid.bars))
                          for pitch in range(12)], axis=1) for weights in (self.first, self.second)]
        around = [total + np.concatenate([total[1:], 0 * total[:1]])
                  + np.concatenate([0 * total[:1], total[:-1]]) for total in sums]
        apart = fifths_apart(infer_keys(around[0]), infer_keys(around[1]))
        far = np.concatenate([[0], apart >= KEY_FIFTHS, [0]]).astype(np.int64)
        for start, stop in zip(np.flatnonzero(np.diff(far) == 1), np.flatnonzero(
                np.diff(far) == -1), strict=True):
            if stop - start >= KEY_BARS:
                beats = np.flatnonzero((bars >= start) & (bars < stop))
                worst = int(apart[start:stop].max())
                value = WORST_KEYS * worst / 6
                yield self._make('key', range(int(beats[0]), int(beats[-1]) + 1), value,
                                 int(beats[0]))

    def _make(self, kind: str, span: range, severity: float, worst: int) -> Collision:
        grid = self.grid
        start = grid.offset_at_frame(self.spans[span.start][0])
        end = grid.offset_at_frame(self.spans[span.stop - 1][1])
        bar = grid.bar_at_offset(start)
        sharps = grid.bars[bar].sharps
        names = [harmony_name(weights[worst], sharps) for weights in (self.first, self.second)]
        if kind == 'key':
            total = [weights[span.start:span.stop].sum(axis=0, keepdims=True)
                     for weights in (self.first, self.second)]
            names = [key_name(int(infer_keys(one)[0])) for one in total]
        ids: list[tuple[str, ...]] = [(), ()]
        if kind in _CLASHES.values():
            ids = [_ids(self.below.table, start, end, self.first, self.second, span),
                   _ids(self.above.table, start, end, self.second, self.first, span)]
        return Collision(kind, start, end, bar, *grid.beat_at_offset(start), severity,
                         float(self.distances[worst]), names[0], names[1], ids[0], ids[1])


def _register(first: frozenset[int], second: frozenset[int], interval: int) -> float:
    """Return what a clash counts by how near its nearest notes are."""
    apart = [abs(a - b) for a in first for b in second
             if min((a - b) % 12, (b - a) % 12) == interval]
    return REGISTER[min(min(apart, default=0) // 12, 2)]


def _ids(table: NoteTable | None, start: Fraction, end: Fraction, own: FloatArray,
         other: FloatArray, span: range) -> tuple[str, ...]:
    """Return the notes of one side that sound there alone in some beat of the span."""
    if table is None:
        return ()
    alone = np.zeros(12, dtype=np.bool_)
    for beat in span:
        if other[beat].any():
            alone |= (own[beat] > 0) & (other[beat] == 0)
    return element_ids_within(table, start, end, np.flatnonzero(alone).tolist())
