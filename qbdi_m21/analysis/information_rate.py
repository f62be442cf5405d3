"""Information rate over threshold and over time, from the Variable Markov Oracle."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from qbdi_m21.analysis.null_model import NullModel, shuffled_null
from qbdi_m21.errors import ParameterError
from qbdi_m21.frames.encode import Source, read_music
from qbdi_m21.frames.features import pitch_classes, pool, tonnetz
from qbdi_m21.frames.grid import Grid
from qbdi_m21.frames.roll import Frames
from qbdi_m21.oracle.build import Oracle
from qbdi_m21.oracle.distances import Distance, distance_rows
from qbdi_m21.oracle.threshold import find_threshold

FloatArray = npt.NDArray[np.float64]

#: Length of an analysis frame: an eighth, the step at which vmo finds motifs best.
ANALYSIS_STEP = Fraction(1, 2)

#: Most different frames whose pairs are counted.
MOST_MATCHED = 4000


@dataclass(frozen=True)
class InformationRate:
    """Information rate of a piece, or of any sequence of vectors.

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
    grid : Grid or None
        The analysis frames: ``grid.offset_at_frame`` and ``grid.beat_at_offset`` say where.
        None of a plain array.
    oracle : Oracle
        At the selected threshold.
    null : NullModel or None
        What the same bars in other orders give, if that was asked for.
    """

    thresholds: FloatArray
    curve: FloatArray
    selected: float
    matched_share: float
    profile: FloatArray
    grid: Grid | None
    oracle: Oracle = field(repr=False)
    null: NullModel | None = None

    @property
    def total_bits(self) -> float:
        """Highest total information rate, in bits; it grows with the length of the piece."""
        return float(self.curve.max())

    def to_json(self) -> dict[str, Any]:
        """Return plain values; the profile carries measure and beat of each frame."""
        rows = []
        for frame, bits in enumerate(self.profile.tolist()):
            row: dict[str, Any] = {}
            if self.grid is not None:
                offset = self.grid.offset_at_frame(frame)
                measure, beat = self.grid.beat_at_offset(offset)
                row = {'offset_ql': float(offset), 'bar': self.grid.bar_at_offset(offset),
                       'measure': measure, 'beat': round(float(beat), 6)}
            rows.append({**row, 'bits': round(bits, 6)})
        return {'selected_threshold': round(self.selected, 9),
                'matched_share': round(self.matched_share, 6),
                'total_bits': round(self.total_bits, 6),
                'null': None if self.null is None else self.null.to_json(),
                'thresholds': np.round(self.thresholds, 9).tolist(),
                'curve_bits': np.round(self.curve, 6).tolist(), 'profile': rows}


def analysis_chroma(frames: Frames, step: Fraction = ANALYSIS_STEP) -> tuple[FloatArray, Grid]:
    """Return pooled pitch-class counts (T, 12) of analysis frames, and their grid."""
    if not step > 0:
        raise ParameterError(f'step is {step}; expected a length in quarters above 0')
    coarse = step if step >= max(frames.grid.bar_steps) else frames.grid.step_ql
    return pool(pitch_classes(frames), frames.grid, coarse)


def analysis_features(frames: Frames, step: Fraction = ANALYSIS_STEP) -> tuple[
        FloatArray, npt.NDArray[np.bool_], Grid]:
    """Return Tonnetz vectors (T, 6) of pooled pitch classes, which frames sound, and the grid."""
    chroma, grid = analysis_chroma(frames, step)
    return tonnetz(chroma), chroma.sum(axis=1) > 0, grid


def information_rate(
    source: Source | FloatArray, *, distance: Distance | None = None,
    search: Literal['grid', 'exact'] = 'grid', thresholds: npt.ArrayLike | None = None,
    silence: str | None = None, step: float | Fraction = ANALYSIS_STEP, null: int = 0,
    seed: int = 0, progress: Callable[[int, int], None] | None = None,
) -> InformationRate:
    """Return the information rate of a score, or of a sequence of vectors.

    Parameters
    ----------
    source : music21 Stream, NoteTable, Frames, Music, or ndarray of shape (T, D)
        Of music, each analysis frame is its pitch-class counts; an array is taken as it is.
    distance : str or callable, optional
        As of :func:`qbdi_m21.build_oracle`; 'tonnetz' by default, and 'cosine' of an array.
    search, thresholds, silence
        As of :func:`qbdi_m21.find_threshold`.
    step : float or Fraction
        Length of an analysis frame in quarter lengths; an eighth note by default.
    null : int
        How many versions with their bars (rows, of an array) in another order are measured
        too, as the null model.
    seed : int
        Of these orders.
    progress : callable, optional
        Called as ``progress(done, all)``.

    Returns
    -------
    InformationRate

    Notes
    -----
    Source: Dubnov 2019, 3.1-3.2 (eqs 9-10; Tonnetz of Harte et al. 2006). By 'tonnetz' silent
    frames have the zero vector: they equal each other and nothing else that is near.
    """
    grid, features = None, np.asarray(source) if isinstance(source, np.ndarray) else None
    if features is None:
        features, grid = analysis_chroma(read_music(source).frames,
                                         Fraction(step).limit_denominator(960))
        if len(features) < 2:
            raise ParameterError(f'the music has {len(features)} analysis frame of {step} quarter; '
                                 'expected at least two')
    metric: Distance = distance or ('tonnetz' if grid is not None else 'cosine')
    asked: dict[str, Any] = {'distance': metric, 'search': search, 'thresholds': thresholds,
                             'silence': silence}
    parts = 1 + bool(null)

    def tell(part: int) -> Callable[[int, int], None] | None:
        return None if progress is None else lambda done, total: progress(
            part * total + done, parts * total)

    found = find_threshold(features, **asked, progress=tell(0))
    units = np.arange(len(features)) if grid is None else grid.frame_bars()
    chance = shuffled_null(features, units, float(found.curve.max()), versions=null, seed=seed,
                           progress=tell(1), **asked) if null else None
    oracle = found.oracle
    return InformationRate(
        found.thresholds, found.curve, found.selected,
        matched_share(oracle.features, found.selected, metric, oracle.silence), found.profile,
        grid, oracle, chance)


def matched_share(features: npt.NDArray[np.floating], threshold: float,
                  distance: Distance = 'euclidean', silence: str = 'vmo') -> float:
    """Return the share of pairs of different rows that are closer than a threshold.

    Equal rows are counted by their number; cost and memory grow with the square of the
    different rows only, of which at most `MOST_MATCHED` are taken, evenly.
    """
    unique, counts = np.unique(features, axis=0, return_counts=True)
    if len(unique) > MOST_MATCHED:
        some = np.linspace(0, len(unique) - 1, MOST_MATCHED).astype(np.int64)
        unique, counts = unique[some], counts[some]
    if len(unique) < 2:
        return 0.0
    weights = np.outer(counts, counts).astype(np.float64)
    np.fill_diagonal(weights, 0.0)
    close = distance_rows(unique, unique, distance, silence=silence) < threshold
    return float(weights[close].sum() / weights.sum())
