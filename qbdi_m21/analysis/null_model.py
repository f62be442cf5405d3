"""What information rate chance gives: the same bars in another order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from qbdi_m21.errors import ParameterError
from qbdi_m21.oracle.threshold import find_threshold

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class NullModel:
    """Peaks of the information rate of shuffled versions, beside the peak of the piece.

    Attributes
    ----------
    peak_bits : float
        Of the piece.
    shuffled_bits : ndarray of float, shape (n,)
        Of each version with its bars in another order, each at its own best threshold.
    seed : int
    """

    peak_bits: float
    shuffled_bits: FloatArray = field(repr=False)
    seed: int

    @property
    def mean_bits(self) -> float:
        """Mean of the shuffled versions."""
        return float(self.shuffled_bits.mean())

    @property
    def excess_bits(self) -> float:
        """How far the piece is above their mean."""
        return self.peak_bits - self.mean_bits

    @property
    def z(self) -> float | None:
        """The same in their standard deviations; None where these do not vary."""
        return self.excess_bits / self.sd_bits if self.sd_bits > 0 else None

    @property
    def sd_bits(self) -> float:
        """Standard deviation of the shuffled versions; 0 of one."""
        return float(self.shuffled_bits.std(ddof=1)) if len(self.shuffled_bits) > 1 else 0.0

    @property
    def p_value(self) -> float:
        """Share of versions, the piece among them, with at least the piece's peak."""
        above = int((self.shuffled_bits >= self.peak_bits).sum())
        return (1 + above) / (1 + len(self.shuffled_bits))

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {'versions': len(self.shuffled_bits), 'seed': self.seed,
                'mean_bits': round(self.mean_bits, 6), 'sd_bits': round(self.sd_bits, 6),
                'p_value': round(self.p_value, 6),
                'shuffled_bits': np.round(self.shuffled_bits, 6).tolist()}


def shuffled_null(features: FloatArray, units: npt.NDArray[np.int64], peak_bits: float, *,
                  versions: int, seed: int = 0,
                  progress: Callable[[int, int], object] | None = None,
                  **search: Any) -> NullModel:
    """Return the peaks of versions whose units are in another order.

    Parameters
    ----------
    features : ndarray, shape (T, D)
    units : ndarray of int, shape (T,)
        Which unit each frame belongs to, rising: a bar, or a frame by itself.
    peak_bits : float
        Of the piece as it is.
    versions : int
        How many; >= 1.
    seed : int
    progress : callable, optional
        Called as ``progress(done, all)`` after each.
    **search
        Of :func:`qbdi_m21.find_threshold`.

    Notes
    -----
    The frames and their distances are those of the piece; only the order is not. What exceeds
    these is what the order of the bars says.
    """
    if versions < 1:
        raise ParameterError(f'{versions} shuffled versions were asked for; expected at least 1')
    rng = np.random.default_rng(seed)
    starts = np.flatnonzero(np.diff(units, prepend=units[0] - 1))
    parts = np.split(np.arange(len(features)), starts[1:])
    peaks = np.empty(versions)
    for k in range(versions):
        order = np.concatenate([parts[place] for place in rng.permutation(len(parts))])
        peaks[k] = find_threshold(features[order], **search).curve.max()
        if progress is not None:
            progress(k + 1, versions)
    return NullModel(peak_bits, peaks, seed)
