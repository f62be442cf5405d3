"""Passages of the whole texture that return: by the oracle of its frames, checked on its notes."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from qbdi_m21.analysis.motifs.voices import TICKS, IntArray
from qbdi_m21.frames.grid import Grid
from qbdi_m21.frames.table import NoteTable
from qbdi_m21.oracle.build import build_oracle
from qbdi_m21.oracle.patterns import Pattern, maximal_patterns, repeated_patterns
from qbdi_m21.oracle.threshold import find_threshold

#: Share of the notes of a passage that another occurrence must have too.
MIN_RECURRING = 0.5

#: Frames that are nearer than this are equal.
EQUAL = 1e-6

#: Share of an occurrence that may lie in passages taken before.
MAX_EXPLAINED = 0.5


def frame_patterns(features: npt.NDArray[np.float64], *, threshold: float | None = None,
                   min_frames: int | None = None, min_count: int = 2) -> list[Pattern]:
    """Return the repeated patterns of an oracle, as vmo finds them.

    Parameters
    ----------
    features : ndarray of float, shape (T, D)
    threshold : float, optional
        The one of highest information rate by default.
    min_frames : int, optional
        Shortest pattern; by default the mean longest repeated suffix.
    min_count : int

    Notes
    -----
    Source: Dubnov 2019, 3.1-3.2 and figure 4; Wang, Hsu & Dubnov 2015. Equal to
    ``vmo.analysis.find_repeated_patterns`` with ``lower=min_frames - 1`` on the oracle of
    ``vmo.find_threshold`` over the same thresholds.
    """
    if len(features) < 2:
        return []
    oracle = (find_threshold(features).oracle if threshold is None
              else build_oracle(features, threshold))
    shortest = min_frames or max(2, math.ceil(np.mean(oracle.lrs[1:])))
    return [pattern for pattern in repeated_patterns(oracle, min_length=shortest)
            if len(pattern.ends) >= min_count]


def equal_patterns(features: npt.NDArray[np.float64], min_frames: int) -> list[Pattern]:
    """Return the repeated patterns of equal frames, as long as they go.

    The threshold of highest information rate can be so high that they are lost among others.
    """
    if len(features) < 2:
        return []
    return list(maximal_patterns(build_oracle(features, EQUAL), min_length=min_frames))


def passages(table: NoteTable, grid: Grid, patterns: list[Pattern], *, shortest: Fraction,
             min_count: int = 2) -> list[list[tuple[Fraction, Fraction, IntArray]]]:
    """Return the passages that really return, those that explain most first.

    Parameters
    ----------
    table : NoteTable
    grid : Grid
        Of the frames.
    patterns : list of Pattern
    shortest : Fraction
        In quarter lengths.
    min_count : int

    Returns
    -------
    list of list of (Fraction, Fraction, ndarray of int64)
        For each passage its occurrences: span, and notes as rows of the table.

    Notes
    -----
    Frames can be alike where notes are not. So an occurrence stays only if another one has at
    least half of its notes at the same times. Then passages are taken as a dictionary coder takes
    them: what a passage's repetitions hold is explained; what its first occurrence holds is not,
    so that a theme that stands several times in a section is found beside it.
    """
    onset = np.round(table.onset_ql * TICKS).astype(np.int64)
    pitch = table.pitch
    pool: list[list[tuple[Fraction, Fraction, IntArray]]] = []
    for pattern in patterns:
        found = []
        for first, after in pattern.spans:
            start, end = grid.offset_at_frame(first), grid.offset_at_frame(after)
            rows = np.flatnonzero((onset >= int(start * TICKS)) & (onset < int(end * TICKS)))
            if end - start >= shortest and len(rows):
                found.append((start, end, rows))
        notes = [set(zip((onset[rows] - int(start * TICKS)).tolist(), pitch[rows].tolist(),
                         strict=True)) for start, _, rows in found]
        kept = [place for place, own in zip(found, notes, strict=True)
                if any(len(own & other) >= MIN_RECURRING * max(len(own), len(other))
                       for other in notes if other is not own)]
        if len(kept) >= min_count:
            pool.append(sorted(kept, key=lambda place: place[0]))
    return _taken(pool, len(table), min_count)


def _taken(pool: list[list[tuple[Fraction, Fraction, IntArray]]], size: int, min_count: int
           ) -> list[list[tuple[Fraction, Fraction, IntArray]]]:
    explained = np.zeros(size, dtype=np.bool_)
    taken: list[list[tuple[Fraction, Fraction, IntArray]]] = []
    while pool:
        free = [[place for place in one if explained[place[2]].mean() <= MAX_EXPLAINED]
                for one in pool]
        gains = [explained_notes(places) if len(places) >= min_count else 0 for places in free]
        best = int(np.argmax(gains))
        if not gains[best]:
            break
        taken.append(free[best])
        for _, _, rows in free[best][1:]:
            explained[rows] = True
        pool.pop(best)
    return taken


def explained_notes(places: list[tuple[Fraction, Fraction, IntArray]]) -> int:
    """Return how many notes the repetitions of a passage explain: all but one occurrence's."""
    return round((len(places) - 1) * float(np.mean([len(rows) for _, _, rows in places])))
