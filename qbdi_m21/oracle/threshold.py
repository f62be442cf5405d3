"""Choosing the oracle's threshold: the one with the highest information rate."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from qbdi_m21.errors import ParameterError

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Threshold:
    """A threshold search and the oracle of the chosen threshold.

    Attributes
    ----------
    thresholds, curve : ndarray of float, shape (K,)
        What was tried, and the total information rate of each, in bits.
    selected : float
        The smallest threshold of highest information rate.
    profile : ndarray of float, shape (T,)
        Information rate of each frame at the selected threshold, in bits.
    oracle : vmo.VMO.oracle.MO
        vmo's oracle, built with the selected threshold.
    """

    thresholds: FloatArray
    curve: FloatArray
    selected: float
    profile: FloatArray
    oracle: Any


def find_threshold(
    features: npt.NDArray[np.floating], *, distance: str = 'euclidean',
    thresholds: npt.ArrayLike | None = None, progress: Callable[[int, int], None] | None = None,
) -> Threshold:
    """Build vmo's oracle over a grid of thresholds and keep the best.

    Parameters
    ----------
    features : ndarray, shape (T, D)
        One row a frame; T >= 2, finite.
    distance : str
        A metric of `scipy.spatial.distance.cdist`.
    thresholds : array_like, optional
        Increasing; by default 100 from 0 to the largest distance between two frames.
    progress : callable, optional
        Called as ``progress(done, all)``.

    Returns
    -------
    Threshold
        The same as `vmo.find_threshold` with flag 'a', suffix method 'inc', alpha 1 and IR
        type 'cum' gives for these thresholds.

    Notes
    -----
    Source: Wang & Dubnov 2015; Dubnov 2019, eqs 9-10. States join where their distance is
    strictly below the threshold. Ties take the smallest threshold.
    """
    values = np.asarray(features, dtype=np.float64)
    if values.ndim != 2 or len(values) < 2:
        raise ParameterError(f'features have shape {values.shape}; expected (T, D) with at least '
                             'two frames')
    if not np.all(np.isfinite(values)):
        raise ParameterError('features hold NaN or infinity; expected finite numbers')
    tried = default_thresholds(values, distance) if thresholds is None else np.asarray(
        thresholds, dtype=np.float64)
    if not np.all(np.isfinite(tried)):
        raise ParameterError(f'the {distance} distance between some frames is not a number '
                             '(a zero vector?); expected finite thresholds: give them, or leave '
                             'such frames out')
    curve, best, found = np.zeros(len(tried)), -1.0, None
    for i, threshold in enumerate(tried):
        oracle = build_oracle(values, float(threshold), distance)
        profile = oracle.IR(ir_type='cum')[0]
        curve[i] = profile.sum()
        if curve[i] > best:
            best, found = curve[i], Threshold(tried, curve, float(threshold), profile, oracle)
        if progress is not None:
            progress(i + 1, len(tried))
    if found is None:
        raise ParameterError('no threshold given; expected at least one')
    return found


def build_oracle(features: npt.NDArray[np.floating], threshold: float,
                 distance: str = 'euclidean') -> Any:
    """Return vmo's oracle of a feature sequence at one threshold.

    Parameters
    ----------
    features : ndarray, shape (T, D)
        One row a frame.
    threshold : float
        Frames strictly closer than this are one symbol.
    distance : str
        A metric of `scipy.spatial.distance.cdist`.

    Returns
    -------
    vmo.VMO.oracle.MO
        Built with flag 'a' and suffix method 'inc'.

    Notes
    -----
    Source: Wang & Dubnov 2015.
    """
    import vmo
    return vmo.build_oracle(features, 'a', threshold=threshold, dfunc=distance,
                            dim=features.shape[1])


def default_thresholds(values: FloatArray, distance: str, count: int = 100) -> FloatArray:
    """Return `count` thresholds from 0 to the largest distance between two unique frames."""
    from scipy.spatial.distance import pdist
    unique = np.unique(values, axis=0)
    largest = float(pdist(unique[:2000], distance).max()) if len(unique) > 1 else 1.0
    return np.linspace(0.0, largest, count)
