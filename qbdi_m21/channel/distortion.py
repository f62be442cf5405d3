"""The rate-distortion function of a Gaussian source: D(R) and R(D), by component and in all.

Every function takes variances of independent components, in the source's own unit squared;
rates are in bits.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from qbdi_m21.errors import ParameterError

FloatArray = npt.NDArray[np.float64]

#: Largest budget: far beyond what the precision of a float could carry.
MAX_BITS = 2 ** 31


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
        raise ParameterError(f'the allowed distortion must be positive: R(0) is infinite; got '
                             f'{level.min() if level.size else level}')
    # of logarithms: a ratio could overflow
    with np.errstate(divide='ignore'):
        return np.asarray(np.maximum(0.5 * (np.log2(source) - np.log2(level)), 0.0))


def total_distortion(variance: npt.ArrayLike, total_bits: float) -> float:
    """Return the least distortion of all components together at a rate, D(R).

    Parameters
    ----------
    variance : array_like, shape (Z,)
        Of each component; >= 0, finite.
    total_bits : float
        Rate R of the whole vector; >= 0, whole or not.

    Notes
    -----
    Source: reverse water-filling (Cover & Thomas 2006, theorem 10.3.3): every component is
    told to within one water level, and those below it not at all. Convex and falling in R.
    """
    source = check_variance(variance)
    level = water_level(source, total_bits)
    with np.errstate(over='ignore'):
        return float(np.minimum(source, np.exp2(level)).sum())


def total_rate(variance: npt.ArrayLike, allowed: float) -> float:
    """Return the least rate at which all components together have a distortion, R(D).

    Parameters
    ----------
    variance : array_like, shape (Z,)
        Of each component; >= 0, finite.
    allowed : float
        Distortion D of the whole vector; > 0. R is 0 where D is at least the total variance.

    Notes
    -----
    Source: the inverse of :func:`total_distortion`. The water level w solves
    sum(min(w, sigma^2)) = D; it is found among the sorted variances in closed form.
    """
    source = check_variance(variance)
    if not allowed > 0:
        raise ParameterError(f'the allowed distortion is {allowed}; expected a number above 0: '
                             'R(0) is infinite')
    falling = np.sort(source)[::-1]
    # summed from the least: of large less large, the small ones' sum would be lost
    rising = np.cumsum(falling[::-1])
    if not len(rising) or allowed >= rising[-1]:
        return 0.0
    # with the k largest above water: k w + the sum of the others = D
    below = np.append(rising[-2::-1], 0.0)
    levels = (allowed - below) / np.arange(1, len(falling) + 1)
    count = int(np.flatnonzero(levels <= falling)[-1]) + 1
    return float(0.5 * np.log2(falling[:count] / levels[count - 1]).sum())


def water_level(variance: FloatArray, total_bits: float) -> float:
    """Return the base-2 logarithm of the water level at which a rate is spent.

    Each component above the level has half the difference of the logarithms as its rate. At
    rate 0 the level is the largest variance; minus infinity where nothing varies.
    """
    if not 0 <= total_bits <= MAX_BITS:
        raise ParameterError(f'total_bits is {total_bits}; expected a finite number >= 0, at most '
                             f'{MAX_BITS}')
    used = np.sort(variance[variance > 0])[::-1]
    if not len(used):
        return -np.inf
    heights = np.log2(used)
    # with the k largest above water the level is their mean height less 2 R / k
    counts = np.arange(1, len(used) + 1)
    levels = (np.cumsum(heights) - 2.0 * total_bits) / counts
    return float(levels[np.flatnonzero(levels <= heights)[-1]])


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
        raise ParameterError(f'bits must be numbers >= 0; got {values.min()}')
    return values


def _extreme(function: Any) -> Any:
    try:
        return function()
    except ValueError:
        return 'nothing'
