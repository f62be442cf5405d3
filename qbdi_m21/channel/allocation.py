"""Reverse water-filling: how many bits each component of a Gaussian source gets."""

from __future__ import annotations

import heapq
from typing import Any

import numpy as np
import numpy.typing as npt

from qbdi_m21.channel.distortion import MAX_BITS, FloatArray, check_variance, water_level
from qbdi_m21.errors import ParameterError

IntArray = npt.NDArray[np.int64]


def allocate_bits(variance: npt.ArrayLike, total_bits: int, *, floor: float = 0.0) -> IntArray:
    """Allocate whole bits to components, one at a time, to the largest remaining variance.

    Parameters
    ----------
    variance : array_like, shape (Z,)
        Variance of each component of the source; >= 0, finite.
    total_bits : int
        Bits to spend on one vector; >= 0.
    floor : float
        A component whose remaining variance is at most this gets no further bit; >= 0.

    Returns
    -------
    ndarray of int64, shape (Z,)
        Bits of each component; the sum is `total_bits`, or less where every component left
        is at the floor. Of equal components the first gets the bit.

    Raises
    ------
    ParameterError
        If a variance or the floor is negative or not finite, or the budget is no whole
        number >= 0.

    Notes
    -----
    Source: Dubnov 2019, section 2.1: a bit divides the remaining variance by four, since
    D(R) = sigma^2 2^(-2R) (eq. 5). No other allocation of as many whole bits has less total
    distortion. Bits above a common water level are given at once, the last few, about two
    a component, one at a time: O(Z log Z), whatever the budget.
    """
    source = check_variance(variance)
    _check_whole('total_bits', total_bits)
    bits = np.zeros(len(source), dtype=np.int64)
    useful = np.flatnonzero(source)
    if floor:
        most = bits_to_floor(source, _check_floor(floor))
        if total_bits >= most.sum():
            return most
        useful = np.flatnonzero(most)
    if not len(useful):
        return bits
    bits[useful] = _above_water(np.log2(source[useful]) / 2, int(total_bits))
    # variance = mantissa 2^exponent, and a bit takes 2 off the exponent: no rounding, no underflow
    mantissa, exponent = np.frexp(source[useful])
    heap = list(zip((2 * bits[useful] - exponent).tolist(), (-mantissa).tolist(),
                    useful.tolist(), strict=True))
    heapq.heapify(heap)
    for _ in range(int(total_bits) - int(bits.sum())):
        height, fraction, index = heap[0]
        bits[index] += 1
        heapq.heapreplace(heap, (height + 2, fraction, index))
    return bits


def bits_to_floor(variance: npt.ArrayLike, floor: float) -> IntArray:
    """Return the whole bits that bring each component's variance down to a floor, shape (Z,).

    Parameters
    ----------
    variance : array_like, shape (Z,)
    floor : float
        > 0. A component at or below it needs none.
    """
    source = check_variance(variance)
    if not (np.isfinite(floor) and floor > 0):
        raise ParameterError(f'floor is {floor}; expected a finite number above 0')
    # a bit takes 2 off the exponent: whole numbers, so nothing rounds and nothing overflows
    mantissa, exponent = np.frexp(source)
    least, power = np.frexp(floor)
    apart = exponent.astype(np.int64) - int(power) + (mantissa > least)
    return np.where(source > floor, np.maximum(-(apart // -2), 0), 0)


def _above_water(level: FloatArray, total_bits: int) -> IntArray:
    """Return bits that the greedy rule surely gives: it stops a whole level short of the budget.

    The spare level leaves every tie to the exact rule, whatever the rounding here.
    """
    low, high = float(level.min()) - total_bits - 1.0, float(level.max()) + 1.0
    for _ in range(64):
        water = (low + high) / 2
        spent = np.maximum(np.floor(level - water), 0.0).sum()
        low, high = (low, water) if spent <= total_bits else (water, high)
    return np.maximum(np.floor(level - high) - 1.0, 0.0).astype(np.int64)


def allocate_continuous(variance: npt.ArrayLike, total_bits: float, *,
                        floor: float = 0.0) -> FloatArray:
    """Allocate bits and parts of bits by reverse water-filling in closed form.

    Parameters
    ----------
    variance : array_like, shape (Z,)
        Variance of each component of the source; >= 0, finite.
    total_bits : float
        Rate of one vector; >= 0.
    floor : float
        Least distortion of a component; >= 0. What would go below it is not spent.

    Returns
    -------
    ndarray of float, shape (Z,)
        R_i = 1/2 log2(sigma_i^2 / w) above the water level w, and 0 below; the sum is
        `total_bits`, or less where the floor is reached or nothing varies.

    Notes
    -----
    Source: Dubnov 2019, eq. 5; Cover & Thomas 2006, theorem 10.3.3. No allocation of as many
    bits, whole or not, has less total distortion. O(Z log Z).
    """
    source = check_variance(variance)
    _check_floor(floor)
    level = water_level(source, total_bits)
    if floor:
        level = max(level, float(np.log2(floor)))
    with np.errstate(divide='ignore'):
        heights = np.log2(source)
    return np.maximum(0.5 * (np.maximum(heights, level) - level), 0.0) if np.any(
        source) else np.zeros(len(source))


def allocate_frames(variance: npt.ArrayLike, mean_bits: int, *, floor: float = 0.0) -> IntArray:
    """Allocate whole bits over all frames at once: some get more, some less (dynamic).

    Parameters
    ----------
    variance : array_like, shape (N, Z)
        Variance of each component in each frame; >= 0, finite.
    mean_bits : int
        Bits of a frame, in the mean; >= 0.
    floor : float
        As of :func:`allocate_bits`.

    Returns
    -------
    ndarray of int64, shape (N, Z)
        The sum is N times `mean_bits`, or less where the floor is reached.

    Notes
    -----
    Source: adaptive transform coding: one water level for all frames. Total distortion is at
    most that of `mean_bits` for every frame, whatever the variances; it is the same only
    where all frames have the same.
    """
    source = np.asarray(variance, dtype=np.float64)
    if source.ndim != 2:
        raise ParameterError(f'variance has shape {source.shape}; expected (N, Z)')
    _check_whole('mean_bits', mean_bits, MAX_BITS // max(len(source), 1))
    budget = mean_bits * len(source)
    return allocate_bits(source.ravel(), budget, floor=floor).reshape(source.shape)


def _check_whole(name: str, bits: Any, most: int = MAX_BITS) -> None:
    whole = not isinstance(bits, bool | str) and 0 <= bits <= most and bits % 1 == 0
    if not whole:
        raise ParameterError(f'{name} is {bits!r}; expected a whole number from 0 to {most}')


def _check_floor(floor: float) -> float:
    if not (np.isfinite(floor) and floor >= 0):
        raise ParameterError(f'floor is {floor}; expected a finite number >= 0')
    return floor
