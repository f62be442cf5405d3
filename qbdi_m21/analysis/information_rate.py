"""Information rate over threshold and over time, from vmo's oracle."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from qbdi_m21.errors import ParameterError
from qbdi_m21.frames.encode import Source, read_music
from qbdi_m21.frames.features import pitch_classes, pool, tonnetz
from qbdi_m21.frames.grid import Grid
from qbdi_m21.frames.roll import Frames
from qbdi_m21.oracle.threshold import find_threshold

FloatArray = npt.NDArray[np.float64]

#: Length of an analysis frame: an eighth, the step at which vmo finds motifs best.
ANALYSIS_STEP = Fraction(1, 2)


@dataclass(frozen=True)
class InformationRate:
    """Information rate of a piece.

    Attributes
    ----------
    thresholds, curve : ndarray of float, shape (K,)
        Thresholds tried, and total information rate at each, in bits.
    selected : float
        Threshold of highest information rate (the smallest of equals).
    matched_share : float
        Share of all pairs of different frames that are closer than the selected threshold.
        Where it is large, much counts as equal, and repetitions can be chance.
    profile : ndarray of float, shape (T,)
        Information rate of each analysis frame at the selected threshold, in bits.
    grid : Grid
        The analysis frames: ``grid.offset_at_frame`` and ``grid.beat_at_offset`` say where.
    """

    thresholds: FloatArray
    curve: FloatArray
    selected: float
    matched_share: float
    profile: FloatArray
    grid: Grid

    @property
    def total_bits(self) -> float:
        """Highest total information rate, in bits; it grows with the length of the piece."""
        return float(self.curve.max())

    def to_json(self) -> dict[str, Any]:
        """Return plain values; the profile carries measure and beat of each frame."""
        rows = []
        for frame, bits in enumerate(self.profile.tolist()):
            offset = self.grid.offset_at_frame(frame)
            measure, beat = self.grid.beat_at_offset(offset)
            rows.append({'offset_ql': float(offset), 'bar': self.grid.bar_at_offset(offset),
                         'measure': measure,
                         'beat': round(float(beat), 6), 'bits': round(bits, 6)})
        return {'selected_threshold': round(self.selected, 9),
                'matched_share': round(self.matched_share, 6),
                'total_bits': round(self.total_bits, 6),
                'thresholds': np.round(self.thresholds, 9).tolist(),
                'curve_bits': np.round(self.curve, 6).tolist(), 'profile': rows}


def analysis_features(frames: Frames, step: Fraction = ANALYSIS_STEP) -> tuple[
        FloatArray, npt.NDArray[np.bool_], Grid]:
    """Return Tonnetz vectors (T, 6) of pooled pitch classes, which frames sound, and the grid."""
    coarse = step if step >= max(frames.grid.bar_steps) else frames.grid.step_ql
    chroma, grid = pool(pitch_classes(frames), frames.grid, coarse)
    return tonnetz(chroma), chroma.sum(axis=1) > 0, grid


def information_rate(source: Source, *, step: float | Fraction = ANALYSIS_STEP,
                     progress: Callable[[int, int], None] | None = None) -> InformationRate:
    """Return the information rate of a score on Tonnetz chroma frames.

    Parameters
    ----------
    source : music21 Stream, NoteTable, Frames or Music
    step : float or Fraction
        Length of an analysis frame in quarter lengths; an eighth note by default.
    progress : callable, optional
        Called as ``progress(done, all)`` after each threshold.

    Returns
    -------
    InformationRate

    Notes
    -----
    Source: Dubnov 2019, 3.1-3.2 (eqs 9-10; Tonnetz of Harte et al. 2006). Silent frames have
    the zero vector: they equal each other and nothing else that is near.
    """
    features, _, grid = analysis_features(
        read_music(source).frames, Fraction(step).limit_denominator(960))
    if len(features) < 2:
        raise ParameterError(f'the music has {len(features)} analysis frame of {step} quarter; '
                             'expected at least two')
    found = find_threshold(features, progress=progress)
    return InformationRate(found.thresholds, found.curve, found.selected,
                           matched_share(features, found.selected), found.profile, grid)


def matched_share(features: npt.NDArray[np.floating], threshold: float) -> float:
    """Return the share of pairs of different rows that are closer than a threshold.

    Equal rows are counted by their number; cost and memory grow with the square of the
    different rows only.
    """
    from scipy.spatial.distance import pdist, squareform
    unique, counts = np.unique(features, axis=0, return_counts=True)
    if len(unique) < 2:
        return 0.0
    weights = np.outer(counts, counts).astype(np.float64)
    np.fill_diagonal(weights, 0.0)
    return float(weights[squareform(pdist(unique)) < threshold].sum() / weights.sum())
