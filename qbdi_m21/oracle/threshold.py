"""Choosing the oracle's threshold: the one with the highest information rate."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from qbdi_m21.errors import ParameterError
from qbdi_m21.oracle.build import MAX_DISTANCES, Block, Oracle, empty_oracle, grow
from qbdi_m21.oracle.distances import (
    Distance,
    check_distance,
    check_features,
    check_silence,
    different_frames,
    distance_rows,
    is_silent,
)

FloatArray = npt.NDArray[np.float64]
Progress = Callable[[int, int], object]

#: Thresholds of the grid by default, and parts into which a search is divided.
GRID, PARTS = 100, 16

#: Below so many frames times thresholds, threads take longer to start than to work.
THREADS_FROM = 200_000


@dataclass(frozen=True)
class Threshold:
    """A threshold search.

    Attributes
    ----------
    thresholds, curve : ndarray of float, shape (K,)
        What was tried, and the total information rate of each, in bits. Of the exact search
        one threshold, from the middle, of every interval in which the oracle is the same.
    selected : float
        The smallest threshold of highest information rate.
    profile : ndarray of float, shape (T,)
        Information rate of each frame at the selected threshold, in bits; 0 in silent frames
        that were ignored.
    oracle : Oracle
        Built with the selected threshold.
    seconds : float
        What the search took.
    frames : ndarray of int, shape (T',)
        Of which frames the oracle is: all, unless silent ones were ignored.
    """

    thresholds: FloatArray
    curve: FloatArray
    selected: float
    profile: FloatArray
    oracle: Oracle = field(repr=False)
    seconds: float = field(repr=False, compare=False)
    frames: npt.NDArray[np.int64] = field(repr=False)

    @cached_property
    def peak_bits(self) -> float:
        """Highest total information rate, in bits; it grows with the length of the piece."""
        return float(self.curve.max())


def find_threshold(
    features: npt.ArrayLike, *, distance: Distance = 'euclidean',
    search: Literal['grid', 'exact'] = 'grid', thresholds: npt.ArrayLike | None = None,
    silence: str | None = None, progress: Progress | None = None,
) -> Threshold:
    """Build oracles over thresholds and keep the one with the highest information rate.

    Parameters
    ----------
    features : array_like, shape (T, D)
        One row a frame; T >= 2, finite.
    distance : str or callable
        As of :func:`qbdi_m21.build_oracle`.
    search : {'grid', 'exact'}
        'grid' tries the thresholds given. 'exact' finds the maximum over all thresholds there
        are: every oracle that any threshold gives is built once (docs/theory.md).
    thresholds : array_like, optional
        Of the grid, increasing, >= 0; by default 100 from 0 to the largest distance between
        two frames.
    silence : {'symbol', 'ignore', 'vmo'}, optional
        As of :func:`qbdi_m21.build_oracle`.
    progress : callable, optional
        Called as ``progress(done, all)``.

    Returns
    -------
    Threshold
        With `thresholds` from ``np.arange(*r)`` the same as ``vmo.find_threshold`` with flag 'a',
        suffix method 'inc', alpha 1 and IR type 'cum'.

    Raises
    ------
    ParameterError
        If features, distance or thresholds are none, or the exact search would need more
        distances than are held at a time.

    Notes
    -----
    Source: Wang & Dubnov 2015; Dubnov 2019, eqs 9-10. States join where their distance is
    strictly below the threshold. Ties take the smallest threshold. Distances are computed once,
    between different frames.
    """
    started = time.perf_counter()
    values = check_features(features, 2)
    check_distance(distance, values.shape[1])
    if search not in ('grid', 'exact'):
        raise ParameterError(f"search is {search!r}; expected 'grid' or 'exact'")
    meaning = check_silence(silence, distance)
    frames = np.arange(len(values))
    if meaning == 'ignore':
        frames = np.flatnonzero(~is_silent(values))
        if len(frames) < 2:
            raise ParameterError(f'{len(frames)} of {len(values)} frames sound; expected at least '
                                 'two where silence is ignored')
    sequence = _Sequence(values[frames], distance, meaning)
    tried = None if thresholds is None else _check_thresholds(thresholds)
    if search == 'exact':
        if tried is not None:
            raise ParameterError('thresholds were given for the exact search, which tries all; '
                                 "leave them out, or search='grid'")
        tried, curve = sequence.exact(progress)
    else:
        tried = sequence.default_thresholds() if tried is None else tried
        curve = sequence.grid(tried, progress)
    selected = float(tried[int(curve.argmax())])
    oracle = sequence.build(selected)
    profile = np.zeros(len(values))
    profile[frames] = sequence.profile(oracle)
    return Threshold(tried, curve, selected, profile, oracle, time.perf_counter() - started,
                     frames)


class _Sequence:
    """Frames as numbers of different feature vectors, and the distances between these."""

    def __init__(self, values: FloatArray, distance: Distance, silence: str) -> None:
        self.values, self.distance, self.silence = values, distance, silence
        self.unique, self.index = different_frames(values)
        # as NumPy has them: totals are equal to its own to the last bit
        with np.errstate(divide='ignore'):
            self.log2 = np.log2(np.arange(len(values) + 1, dtype=np.float64))

    @property
    def small(self) -> bool:
        """Whether all distances are held at a time."""
        return len(self.unique) ** 2 <= MAX_DISTANCES

    @cached_property
    def distances(self) -> FloatArray:
        """Distances between different frames, shape (U, U)."""
        return distance_rows(self.unique, self.unique, self.distance, silence=self.silence)

    def space(self) -> Any:
        """Return working space for one oracle."""
        from qbdi_m21.oracle.kernel import new_build
        return new_build(len(self.values) + 1, len(self.unique))

    def blocks(self) -> Iterator[Block]:
        """Yield the distances of all frames, block by block where they are many."""
        if self.small:
            yield 0, len(self.values), self.distances, self.index
            return
        step = max(MAX_DISTANCES // len(self.unique), 1)
        for start in range(0, len(self.values), step):
            stop = min(start + step, len(self.values))
            new, rows = np.unique(self.index[start:stop], return_inverse=True)
            yield start, stop, distance_rows(self.unique[new], self.unique, self.distance,
                                             silence=self.silence), rows.ravel()

    def default_thresholds(self, count: int = GRID) -> FloatArray:
        """Return thresholds from 0 to the largest distance between two frames."""
        largest = 0.0
        for _, _, distances, _ in self.blocks():
            finite = distances[np.isfinite(distances)]
            largest = max(largest, float(finite.max(initial=0.0)))
        return np.linspace(0.0, largest or 1.0, count)

    def grid(self, thresholds: FloatArray, progress: Progress | None) -> FloatArray:
        """Return the total rate at each threshold."""
        if not self.small:
            return self._grid_by_blocks(thresholds, progress)
        from qbdi_m21.oracle.kernel import nearest_others, rate_curve
        distances = self.distances
        least_apart = nearest_others(distances)

        def search(part: FloatArray) -> FloatArray:
            return np.asarray(rate_curve(self.space(), distances, least_apart, self.index, part,
                                         self.log2))

        # at 0 nothing joins and all are new symbols, of rate 0: the slowest oracle to build
        zeros = int(np.searchsorted(thresholds, 0.0, side='right'))
        rest = thresholds[zeros:]
        parts = np.array_split(rest, min(PARTS, max(len(rest), 1)))
        return np.concatenate([np.zeros(zeros),
                               *self._each(search, parts, len(rest), progress)])

    def _grid_by_blocks(self, thresholds: FloatArray, progress: Progress | None) -> FloatArray:
        """Build the oracles of all thresholds side by side, block of distances by block."""
        from qbdi_m21.oracle.kernel import LRS, advance
        from qbdi_m21.oracle.totals import total_rate
        count = len(self.values)
        oracles: list[Any] = [self.space() for _ in thresholds]
        for start, stop, distances, rows in self.blocks():
            def add(place: int, start: int = start, stop: int = stop,
                    distances: FloatArray = distances,
                    rows: npt.NDArray[np.int64] = rows) -> None:
                oracles[place] = advance(oracles[place], distances, rows, self.index, start, stop,
                                         float(thresholds[place]))

            add(0)      # alone, as in `_each`
            with ThreadPoolExecutor() as pool:
                list(pool.map(add, range(1, len(thresholds))))
            if progress is not None:
                progress(stop, count)
        return np.array([total_rate(build.states[:, LRS], self.log2, np.empty(count))
                         for build in oracles])

    def exact(self, progress: Progress | None) -> tuple[FloatArray, FloatArray]:
        """Return a threshold of each interval in which the oracle is the same, and its rate."""
        if not self.small:
            raise ParameterError(
                f'{len(self.unique)} different frames have {len(self.unique) ** 2} distances; the '
                f'exact search holds {MAX_DISTANCES} at most: take the grid, or longer frames')
        from qbdi_m21.oracle.kernel import exact_curve
        distances = self.distances
        finite = distances[np.isfinite(distances)]
        ends = np.quantile(finite, np.linspace(0.0, 1.0, PARTS + 1)) if len(finite) else np.zeros(2)
        ends[0], ends[-1] = 0.0, np.inf

        def search(part: tuple[float, float]) -> FloatArray:
            return np.asarray(exact_curve(self.space(), distances, self.index, *part, self.log2))

        found = np.concatenate(self._each(search, list(pairwise(ends)),
                                          GRID, progress))
        # parts meet inside an interval, which both of them have found
        _, first = np.unique(found[:, :2], axis=0, return_index=True)
        found = found[first]
        middle = np.where(np.isfinite(found[:, 1]), (found[:, 0] + found[:, 1]) / 2,
                          np.nextafter(found[:, 0], np.inf))
        inside = middle > found[:, 0]
        return np.where(inside, middle, found[:, 1]), found[:, 2]

    def _each(self, search: Callable[[Any], FloatArray], parts: list[Any], thresholds: int,
              progress: Progress | None) -> list[FloatArray]:
        """Return what a search finds in each part, on several threads where that pays."""
        def tell(done: int) -> None:
            if progress is not None:
                progress(done, len(parts))

        # the first alone: numba loads or compiles then, which it must not do on two threads
        found = [search(parts[0])]
        tell(1)
        several = len(self.values) * thresholds >= THREADS_FROM
        with ThreadPoolExecutor() if several else contextlib.nullcontext() as pool:
            rest = map(search, parts[1:]) if pool is None else pool.map(search, parts[1:])
            for done, part_found in enumerate(rest, start=2):
                found.append(part_found)
                tell(done)
        return found

    def build(self, threshold: float) -> Oracle:
        """Return the oracle of one threshold."""
        empty = empty_oracle(self.values.shape[1], threshold, self.distance, self.silence)
        return grow(empty, self.values, self.index, self.blocks(), len(self.unique))

    def profile(self, oracle: Oracle) -> FloatArray:
        """Return the rate of each frame."""
        from qbdi_m21.oracle.totals import total_rate
        profile = np.empty(len(self.values))
        total_rate(oracle.lrs, self.log2, profile)
        return profile


def _check_thresholds(thresholds: npt.ArrayLike) -> FloatArray:
    tried = np.asarray(thresholds, dtype=np.float64)
    if tried.ndim != 1 or not len(tried):
        raise ParameterError('no threshold given; expected at least one')
    if not np.all(np.isfinite(tried)) or np.any(tried < 0) or np.any(np.diff(tried) < 0):
        raise ParameterError(f'thresholds run from {tried[0]} to {tried[-1]}, the least is '
                             f'{tried.min()}; expected finite numbers >= 0 that never fall')
    return tried
