"""Reverse water-filling: how many bits each component of a Gaussian source gets."""

from __future__ import annotations

import heapq
from typing import Any

import numpy as np
import numpy.typing as npt

from qbdi_m21.errors import ParameterError

#: Largest budget: far beyond what the precision of a float could carry.
MAX_BITS = 2 ** 31

FloatArray = npt.NDArray[np.float64]


def allocate_bits(variance: npt.ArrayLike, total_bits: int) -> npt.NDArray[np.int64]:
    """Allocate whole bits to components, one at a time, to the largest remaining variance.

    Parameters
    ----------
    variance : array_like, shape (Z,)
        Variance of each component of the source; >= 0, finite.
    total_bits : int
        Bits to spend on one vector; >= 0.

    Returns
    -------
    ndarray of int64, shape (Z,)
        Bits of each component; the sum is `total_bits`, or less where every component left
        has no variance. Of equal components the first gets the bit.

    Raises
    ------
    ParameterError
        If a variance is negative or not finite, or the budget is no whole number >= 0.

    Notes
    -----
    Source: Dubnov 2019, section 2.1: a bit divides the remaining variance by four, since
    D(R) = sigma^2 2^(-2R) (eq. 5). No other allocation of as many whole bits has less total
    distortion. Bits above a common water level are given at once, the last few, about two
    a component, one at a time: O(Z log Z), whatever the budget.
    """
    source = check_variance(variance)
    if isinstance(total_bits, bool) or not 0 <= total_bits <= MAX_BITS or total_bits % 1:
        raise ParameterError(f'total_bits is {total_bits}; expected a whole number from 0 to '
                             f'{MAX_BITS}')
    bits = np.zeros(len(source), dtype=np.int64)
    useful = np.flatnonzero(source)
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


def _above_water(level: FloatArray, total_bits: int) -> npt.NDArray[np.int64]:
    """Return bits that the greedy rule surely gives: it stops a whole level short of the budget.

    The spare level leaves every tie to the exact rule, whatever the rounding here.
    """
    low, high = float(level.min()) - total_bits - 1.0, float(level.max()) + 1.0
    for _ in range(64):
        water = (low + high) / 2
        spent = np.maximum(np.floor(level - water), 0.0).sum()
        low, high = (low, water) if spent <= total_bits else (water, high)
    return np.maximum(np.floor(level - high) - 1.0, 0.0).astype(np.int64)


def distortion(variance: npt.ArrayLike, bits: npt.ArrayLike) -> FloatArray:
    """Return the distortion D(R) = sigma^2 2^(-2R) of each component (Dubnov 2019, eq. 5).

    Parameters
    ----------
    variance, bits : array_like, shape (Z,)
        Source variance, and rate in bits, of each component.
    """
    return check_variance(variance) * np.exp2(-2.0 * check_bits(bits))


def rate(variance: npt.ArrayLike, allowed: npt.ArrayLike) -> FloatArray:
    """Return the rate R(D) in bits of each component (Dubnov 2019, eq. 5).

    Parameters
    ----------
    variance, allowed : array_like, shape (Z,)
        Source variance, and allowed distortion > 0. R is 0 where D exceeds the variance.
    """
    source, level = check_variance(variance), np.asarray(allowed, dtype=np.float64)
    if not np.all(level > 0):
        raise ParameterError('the allowed distortion must be positive: R(0) is infinite')
    ratio = np.maximum(source / level, 1.0)
    return np.asarray(0.5 * np.log2(ratio))


def check_variance(variance: npt.ArrayLike) -> FloatArray:
    """Return variances as a float vector, or raise ParameterError."""
    source = np.asarray(variance, dtype=np.float64)
    if source.ndim != 1 or not np.all(np.isfinite(source)) or np.any(source < 0):
        raise ParameterError(f'variance has shape {source.shape}, from '
                             f'{_extreme(source.min)} to {_extreme(source.max)}; expected a '
                             'vector of finite numbers >= 0')
    return source


def check_bits(bits: npt.ArrayLike) -> FloatArray:
    """Return bits as floats, or raise ParameterError; infinity is allowed."""
    values = np.asarray(bits, dtype=np.float64)
    if np.any(np.isnan(values)) or np.any(values < 0):
        raise ParameterError('bits must be numbers >= 0')
    return values


def _extreme(function: Any) -> Any:
    try:
        return function()
    except ValueError:
        return 'nothing'
