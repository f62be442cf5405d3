"""Harmonic collisions and meetings between two aligned pieces, beat by beat.

The two sides are compared over each beat by what each has alone: pitch classes that sound on
both sides agree. Every pair of such pitch classes weighs by its interval class. A piece
against itself gives no collision.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from qbdi_m21.analysis.harmony import harmony_name, infer_chord
from qbdi_m21.analysis.motifs.places import element_ids_within
from qbdi_m21.errors import ParameterError
from qbdi_m21.frames.encode import Source, read_music
from qbdi_m21.frames.features import pitch_classes, tonnetz
from qbdi_m21.frames.grid import Grid
from qbdi_m21.frames.table import NoteTable

FloatArray = npt.NDArray[np.float64]

#: Dissonance of interval classes 0 to 6, 1 for a semitone: the negative part of Huron's
#: interval-class consonance (1994, table 2: -1.428, -0.582, ..., -0.453), over its largest.
DISSONANCE = np.array([0.0, 1.0, 0.582 / 1.428, 0.0, 0.0, 0.0, 0.453 / 1.428])
KINDS = {1: 'semitone', 2: 'whole tone', 6: 'tritone'}

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
        'semitone', 'whole tone' or 'tritone' (the interval class that weighs most), or
        'meeting': both sides on one chord after a collision.
    start_ql, end_ql : Fraction
        Half-open span, in quarter lengths.
    bar : int
        Index of the bar in which it starts, counted from 0.
    measure, beat
        Where it starts, as measure number and beat.
    severity : float
        0 to 1: the mean dissonance between the sides on the worst beat; 0 for a meeting.
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
                    stay: float = STAY) -> tuple[Collision, ...]:
    """Return collisions and meetings between two pieces over the same bars.

    Parameters
    ----------
    query, improvisation : music21 Stream, NoteTable, Frames or Music
        With equal bars.
    enter, stay : float
        A collision starts on a beat of severity `enter` and lasts while beats reach `stay`;
        0 < stay <= enter <= 1.

    Returns
    -------
    tuple of Collision
        In order.

    Raises
    ------
    ParameterError
        If the bars differ, or the severities are out of range.

    Notes
    -----
    Source: the paper reads collisions and meetings off its figure 3 and defines neither; the
    definition is ours. Dissonance: Huron 1994. Tonal centroid: Harte, Sandler & Gasser 2006.
    """
    if not 0 < stay <= enter <= 1:
        raise ParameterError(f'enter={enter}, stay={stay}; expected 0 < stay <= enter <= 1')
    below, above = read_music(query), read_music(improvisation)
    grid, other = below.frames.grid, above.frames.grid
    if [b.length_ql for b in grid.bars] != [b.length_ql for b in other.bars]:
        raise ParameterError(f'the pieces have {len(grid.bars)} and {len(other.bars)} '
                             'bars, or bars of different lengths; expected equal bars')
    beats = beat_spans(grid)
    first = _over_beats(pitch_classes(below.frames), beats)
    second = _over_beats(pitch_classes(above.frames), beats)
    severities = [dissonance(a, b) for a, b in zip(first, second, strict=True)]
    distances = np.linalg.norm(tonnetz(first) - tonnetz(second), axis=1)
    found, since, beat = [], MEETING_BEATS + 1, 0

    def make(kind: str, span: range, severity: float, worst: int) -> Collision:
        start = grid.offset_at_frame(beats[span.start][0])
        end = grid.offset_at_frame(beats[span.stop - 1][1])
        bar = grid.bar_at_offset(start)
        sharps = grid.bars[bar].sharps
        return Collision(
            kind, start, end, bar, *grid.beat_at_offset(start), severity,
            float(distances[worst]), harmony_name(first[worst], sharps),
            harmony_name(second[worst], sharps),
            _ids(below.table, start, end, first, second, span),
            _ids(above.table, start, end, second, first, span))

    while beat < len(beats):
        if severities[beat][0] >= enter:
            stop = beat + 1
            while stop < len(beats) and severities[stop][0] >= stay:
                stop += 1
            worst = max(range(beat, stop), key=lambda k: severities[k][0])
            severity, interval = severities[worst]
            found.append(make(KINDS[interval], range(beat, stop), severity, worst))
            beat, since = stop, 0
            continue
        chord = infer_chord(first[beat])
        if since < MEETING_BEATS and chord is not None and chord == infer_chord(second[beat]):
            found.append(make('meeting', range(beat, beat + 1), 0.0, beat))
            since = MEETING_BEATS
        beat, since = beat + 1, since + 1
    return tuple(found)


def beat_spans(grid: Grid) -> list[tuple[int, int]]:
    """Return the half-open frame span of every beat; a pickup's beats end on the barline."""
    spans = []
    for index, bar in enumerate(grid.bars):
        start, stop = int(grid.bar_starts[index]), int(grid.bar_starts[index + 1])
        beat = [int((grid.offset_at_frame(k) - bar.start_ql + bar.lead_ql) // bar.beat_ql)
                for k in range(start, stop)]
        edges = [k for k in range(len(beat)) if k == 0 or beat[k] != beat[k - 1]]
        spans += [(start + a, start + b) for a, b in
                  zip(edges, [*edges[1:], stop - start], strict=True)]
    return spans


def _over_beats(values: FloatArray, beats: list[tuple[int, int]]) -> FloatArray:
    return np.stack([values[start:stop].sum(axis=0) for start, stop in beats])


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
