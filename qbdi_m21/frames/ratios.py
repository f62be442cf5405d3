"""Exact fractions in arrays: numerators and denominators as int64, shape (N, 2).

Quarter lengths of notation are fractions with small denominators; sums and comparisons are
done on integers over a common denominator, so that nothing is rounded.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from qbdi_m21.errors import FramesError

IntArray = npt.NDArray[np.int64]

#: Largest denominator that a float is taken for; music21's own limit.
DENOMINATOR_LIMIT = 65535


def exact(value: Any) -> Fraction:
    """Return a number as a Fraction; a float that is no short binary fraction is rounded.

    Raises
    ------
    FramesError
        If it is no finite number, or too large to be a time.
    """
    try:
        ratio = Fraction(value)
        if isinstance(value, float) and ratio.denominator > DENOMINATOR_LIMIT:
            ratio = ratio.limit_denominator(DENOMINATOR_LIMIT)
    except (ValueError, TypeError, OverflowError) as error:
        raise FramesError(f'{value!r} is no time; expected a number of quarters') from error
    if max(abs(ratio.numerator), ratio.denominator) >= 2**62:
        raise FramesError(f'the time {float(ratio):g} is too large or too fine; expected '
                          'quarters with numerator and denominator below 2**62')
    return ratio


def read_exact(text: str) -> Fraction:
    """Return a time that a file has as text (``'7/3'``, ``'0.5'``), in quarter lengths.

    Raises
    ------
    FramesError
        If it is no time: an exponent in a few letters can ask for a number without end.
    """
    plain = text.strip()
    try:
        if len(plain) <= 40 and 'e' not in plain.lower():
            return exact(Fraction(plain))
        return exact(float(plain))
    except (ValueError, ZeroDivisionError) as error:
        if isinstance(error, FramesError):
            raise
        raise FramesError(f'{text!r} is no time; expected a number of quarters such as 0.5 or '
                          '7/3') from error


def to_ratios(values: Iterable[Any] | IntArray) -> IntArray:
    """Return numbers as numerators and denominators, shape (N, 2); such an array as it is.

    Raises
    ------
    FramesError
        If a value is no finite number, or the array has another shape or type.
    """
    if isinstance(values, np.ndarray) and values.ndim == 2:
        if values.dtype.kind not in 'iu' or values.shape[1] != 2:
            raise FramesError(f'times have shape {values.shape} and type {values.dtype}; expected '
                              'integers of shape (N, 2)')
        return np.asarray(values, dtype=np.int64)
    known: dict[Any, int] = {}
    pairs: list[tuple[int, int]] = []
    places = []
    for value in list(values):      # all alive at once, so that identities differ
        # a Fraction takes long to hash
        key = id(value) if isinstance(value, Fraction) else value
        place = known.get(key)
        if place is None:
            place = known[key] = len(pairs)
            ratio = exact(value)
            pairs.append((ratio.numerator, ratio.denominator))
        places.append(place)
    return np.array(pairs, dtype=np.int64).reshape(-1, 2)[np.array(places, dtype=np.int64)]


def reduced(numerator: npt.NDArray[Any], denominator: int) -> IntArray:
    """Return integers over one denominator as ratios in lowest terms, shape (N, 2)."""
    shared = np.gcd(numerator, denominator)
    return np.stack([numerator // shared, denominator // shared], axis=1).astype(np.int64)


def on_common(*ratios: IntArray) -> tuple[int, list[npt.NDArray[Any]]]:
    """Return a common denominator of several arrays of ratios, and their numerators over it.

    The numerators are int64, or Python integers (dtype object) where those might overflow:
    odd tuplets of many kinds in one piece.
    """
    found: set[int] = set()
    for array in ratios:
        found.update(array[:, 1].tolist())
    common = math.lcm(*found) if found else 1
    # a numerator may be scaled again by a grid's step
    highest = max((int(np.abs(array[:, 0]).max()) for array in ratios if len(array)), default=0)
    safe = common * (highest + 1) * 2**12 < 2**62
    scaled = []
    for array in ratios:
        numerator, denominator = array[:, 0], array[:, 1]
        if not safe:
            numerator, denominator = numerator.astype(object), denominator.astype(object)
        scaled.append(numerator * (common // denominator))
    return common, scaled


def ranks(numerators: npt.NDArray[Any]) -> IntArray:
    """Return integers that sort as these do, also where they are Python integers."""
    if numerators.dtype != object:
        return numerators
    return np.unique(numerators, return_inverse=True)[1].astype(np.int64)
