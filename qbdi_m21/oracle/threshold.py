"""Choosing the oracle's threshold: the one with the highest information rate."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from qbdi_m21.errors import ParameterError

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

#: Up to so many frames vmo builds the oracles: the compiled kernel takes longer to load.
SMALL = 150


@dataclass(frozen=True)
class Threshold:
    """A threshold search.

    Attributes
    ----------
    thresholds, curve : ndarray of float, shape (K,)
        What was tried, and the total information rate of each, in bits.
    selected : float
        The smallest threshold of highest information rate.
    profile : ndarray of float, shape (T,)
        Information rate of each frame at the selected threshold, in bits.
    features : ndarray of float, shape (T, D)
        What was searched.
    distance : str
        The metric.
    """

    thresholds: FloatArray
    curve: FloatArray
    selected: float
    profile: FloatArray
    features: FloatArray = field(repr=False)
    distance: str

    @cached_property
    def oracle(self) -> Any:
        """The oracle of vmo (``vmo.VMO.oracle.MO``), built with the selected threshold."""
        return build_oracle(self.features, self.selected, self.distance)


def find_threshold(
    features: npt.NDArray[np.floating], *, distance: str = 'euclidean',
    thresholds: npt.ArrayLike | None = None, compiled: bool | None = None,
    progress: Callable[[int, int], None] | None = None,
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
    compiled : bool, optional
        Whether oracles are built by the compiled kernel, to the same result; by default where
        there are more than `SMALL` frames, since loading it takes longer than a short search.
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
    if not len(tried):
        raise ParameterError('no threshold given; expected at least one')
    compiled = len(values) > SMALL if compiled is None else compiled
    suffixes = _suffixes_by_kernel if compiled else _suffixes_by_vmo
    profiles = []
    for done, lrs in enumerate(suffixes(values, tried, distance), start=1):
        profiles.append(information_profile(lrs))
        if progress is not None:
            progress(done, len(tried))
    curve = np.array([profile.sum() for profile in profiles])
    best = int(curve.argmax())
    return Threshold(tried, curve, float(tried[best]), profiles[best], values, distance)


def _suffixes_by_vmo(values: FloatArray, thresholds: FloatArray,
                     distance: str) -> Iterator[IntArray]:
    for threshold in thresholds:
        yield np.array(build_oracle(values, float(threshold), distance).lrs)


def _suffixes_by_kernel(values: FloatArray, thresholds: FloatArray,
                        distance: str) -> Iterator[IntArray]:
    from scipy.spatial.distance import cdist

    from qbdi_m21.oracle.kernel import longest_suffixes
    unique, index = np.unique(values, axis=0, return_inverse=True)
    between = cdist(unique, unique, distance)
    for threshold in thresholds:
        yield longest_suffixes(between, index.ravel(), np.array([threshold]))[0]


def information_profile(lrs: IntArray) -> FloatArray:
    """Return the information rate of each frame in bits, from longest repeated suffixes.

    Parameters
    ----------
    lrs : ndarray of int, shape (T + 1,)
        Of each state of an oracle, state 0 first.

    Returns
    -------
    ndarray of float, shape (T,)

    Notes
    -----
    Source: Wang & Dubnov 2015 (vmo's IR type 'cum', alpha 1). The sequence is cut into words:
    a new symbol, or the longest passage that repeats an earlier one. Up to each frame there
    are n new symbols and w words, and L is the length of the frame's own word:
    max(0, log2 n - log2(w) / L).
    """
    count = len(lrs) - 1
    new, word, length = np.zeros(count), np.zeros(count), np.ones(count)
    repeated = lrs[1:].tolist()
    start = 0
    while start < count:
        stop = start
        while stop < count and repeated[stop] >= stop - start + 1:
            stop += 1
        word[start] = 1
        new[start] = stop == start
        stop = max(stop, start + 1)
        length[start:stop] = stop - start
        start = stop
    profile = np.log2(np.cumsum(new)) - np.log2(np.cumsum(word)) / length
    return np.maximum(profile, 0.0)


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
