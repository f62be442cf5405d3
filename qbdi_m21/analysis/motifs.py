"""Motifs: what the oracle of the whole texture repeats (the paper's figure 4)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from qbdi_m21.analysis.information_rate import ANALYSIS_STEP, analysis_features
from qbdi_m21.errors import ParameterError
from qbdi_m21.frames.encode import Source, read_music
from qbdi_m21.frames.grid import Grid
from qbdi_m21.frames.table import NoteTable
from qbdi_m21.oracle.build import build_oracle
from qbdi_m21.oracle.patterns import Pattern, repeated_patterns
from qbdi_m21.oracle.threshold import find_threshold

#: Shortest motif whatever the oracle says: two quarters of analysis frames.
MIN_FRAMES = 4

LABELS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ'


@dataclass(frozen=True)
class Occurrence:
    """One place where a motif sounds.

    Attributes
    ----------
    start_ql, end_ql : Fraction
        Half-open span from the beginning of the score, in quarter lengths.
    bar : int
        Index of the bar in which it starts, counted from 0: measure numbers can repeat.
    measure, beat, end_measure, end_beat
        The span as measure numbers and beats (counted from 1).
    element_ids : tuple of str
        Notes that start in the span (:attr:`NoteTable.element_id`); empty for bare frames.
    """

    start_ql: Fraction
    end_ql: Fraction
    bar: int
    measure: int
    beat: Fraction
    end_measure: int
    end_beat: Fraction
    element_ids: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        plain = {k: float(v) if isinstance(v, Fraction) else v for k, v in asdict(self).items()}
        return {**plain, 'element_ids': list(self.element_ids)}


@dataclass(frozen=True)
class Motif:
    """A repeated pattern.

    Attributes
    ----------
    label : str
        A, B, C, ... in order of first appearance; each side has labels of its own.
    occurrences : tuple of Occurrence
        In order; at least two; none overlaps another.
    length_ql : Fraction
        Length, in quarter lengths.
    gain_frames : int
        Analysis frames that the repetitions explain: length times repetitions.
    side : str
        'improvisation' for a score that :func:`qbdi_m21.improvise` made, else 'query': where
        the motif is drawn when the two stand in one score.
    """

    label: str
    occurrences: tuple[Occurrence, ...]
    length_ql: Fraction
    gain_frames: int
    side: str = 'query'

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {'label': self.label, 'side': self.side, 'length_ql': float(self.length_ql),
                'gain_frames': self.gain_frames,
                'occurrences': [o.to_json() for o in self.occurrences]}


def find_motifs(
    source: Source, *, threshold: float | None = None, step: float | Fraction = ANALYSIS_STEP,
    min_length: int | None = None, min_occurrences: int = 2, max_motifs: int = 5,
) -> tuple[Motif, ...]:
    """Return the motifs of a score, the most repeated ones.

    Parameters
    ----------
    source : music21 Stream, NoteTable, Frames or Music
    threshold : float, optional
        Of the oracle; the one of highest information rate is searched by default.
    step : float or Fraction
        Length of an analysis frame in quarter lengths; an eighth note by default.
    min_length : int, optional
        Shortest motif in analysis frames; by default the oracle's mean longest repeated
        suffix, and at least `MIN_FRAMES`.
    min_occurrences : int
        Fewest occurrences; >= 2.
    max_motifs : int
        How many are kept, by the frames that their repetitions explain; at most 26.

    Returns
    -------
    tuple of Motif
        Empty where nothing repeats.

    Notes
    -----
    Source: Dubnov 2019, 3.1-3.2 and figure 4; Wang & Dubnov 2015. It finds repeated passages
    of the whole texture. Motifs are taken by the frames that their repetitions explain; an
    occurrence that lies mostly in motifs taken before is left out, and silence is no motif.
    """
    if min_occurrences < 2 or not 1 <= max_motifs <= len(LABELS) or (
            min_length is not None and min_length < 1):
        raise ParameterError(
            f'min_occurrences={min_occurrences}, max_motifs={max_motifs}, '
            f'min_length={min_length}; expected at least 2, 1 to {len(LABELS)}, and at least 1')
    music = read_music(source)
    features, sounding, grid = analysis_features(
        music.frames, Fraction(step).limit_denominator(960))
    if len(features) < 2:
        return ()
    oracle = (find_threshold(features).oracle if threshold is None
              else build_oracle(features, threshold))
    shortest = min_length or max(MIN_FRAMES, math.ceil(np.mean(oracle.lrs[1:])))
    patterns = [_without_overlaps(p) for p in repeated_patterns(oracle, min_length=shortest)]
    patterns = [_mostly(p, sounding) for p in patterns if p.length >= shortest]
    kept: list[Pattern] = []
    explained = np.zeros(len(features), dtype=np.bool_)
    for pattern in sorted(patterns, key=lambda p: (-gain(p), p.ends)):
        if len(kept) == max_motifs:
            break
        new = _mostly(pattern, ~explained)
        if len(new.ends) >= min_occurrences:
            kept.append(new)
            for start, end in new.spans:
                explained[start:end] = True
    kept.sort(key=lambda p: (p.ends[0] - p.length, -p.length))
    return tuple(
        Motif(label, tuple(_occurrence(span, grid, music.table) for span in p.spans),
              p.length * grid.bar_steps[0], gain(p), music.side)
        for label, p in zip(LABELS, kept, strict=False))


def gain(pattern: Pattern) -> int:
    """Return the frames that the repetitions of a pattern explain."""
    return pattern.length * (len(pattern.ends) - 1)


def _without_overlaps(pattern: Pattern) -> Pattern:
    ends: list[int] = []
    for end in pattern.ends:
        if end >= pattern.length and (not ends or end - pattern.length >= ends[-1]):
            ends.append(end)
    return Pattern(tuple(ends), pattern.length)


def _mostly(pattern: Pattern, mask: npt.NDArray[np.bool_]) -> Pattern:
    """Return a pattern with the occurrences of which more than half the frames are in a mask."""
    return Pattern(tuple(end for (start, end) in pattern.spans
                         if 2 * np.count_nonzero(mask[start:end]) > pattern.length),
                   pattern.length)


def _occurrence(span: tuple[int, int], grid: Grid, table: NoteTable | None) -> Occurrence:
    start, end = (grid.offset_at_frame(frame) for frame in span)
    ids = () if table is None else element_ids_within(table, start, end)
    return Occurrence(start, end, grid.bar_at_offset(start), *grid.beat_at_offset(start),
                      *grid.beat_at_offset(end), ids)


def element_ids_within(table: NoteTable, start: Fraction, end: Fraction,
                       pitch_classes: Sequence[int] | None = None) -> tuple[str, ...]:
    """Return the ids of the notes that start in a span, of some pitch classes or of all."""
    onset = table.onset_ql
    chosen = (onset >= float(start)) & (onset < float(end))
    if pitch_classes is not None:
        chosen = chosen & np.isin(table.pitch % 12, pitch_classes)
    return tuple(table.element_id[chosen].tolist())
