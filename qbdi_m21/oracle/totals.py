"""The total information rate of an oracle, summed as NumPy sums, compiled."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np


@numba.njit(cache=True, nogil=True)
def total_rate(lrs: Any, log2: Any, profile: Any) -> Any:
    """Return the total information rate (IR type 'cum', alpha 1) in bits, summed as NumPy sums.

    Parameters
    ----------
    lrs : ndarray of int, shape (T + 1,)
    log2 : ndarray of float, shape (T + 1,) or longer
        Logarithms of whole numbers.
    profile : ndarray of float, shape (T,)
        Is filled with the rate of each frame.
    """
    count, start, new, words = len(lrs) - 1, 0, 0, 0
    while start < count:
        stop = start
        while stop < count and lrs[stop + 1] >= stop - start + 1:
            stop += 1
        words += 1
        if stop == start:
            new += 1
            stop += 1
        rate = max(log2[new] - log2[words] / (stop - start), 0.0)
        for t in range(start, stop):
            profile[t] = rate
        start = stop
    return pairwise_sum(profile)


@numba.njit(cache=True, nogil=True)
def _leaf_sum(values: Any, start: int, count: int) -> Any:
    """Add up to 128 numbers as NumPy does: eight at a time."""
    total = 0.0
    whole = count - count % 8 if count >= 8 else 0
    if whole:
        part = np.zeros(8)
        for j in range(8):
            part[j] = values[start + j]
        for k in range(8, whole, 8):
            for j in range(8):
                part[j] += values[start + k + j]
        total = ((part[0] + part[1]) + (part[2] + part[3])) + (
            (part[4] + part[5]) + (part[6] + part[7]))
    for k in range(whole, count):
        total += values[start + k]
    return total


@numba.njit(cache=True, nogil=True)
def pairwise_sum(values: Any) -> Any:
    """Add numbers in NumPy's order, so that equal totals come out equal to the last bit.

    NumPy halves again and again; a stack stands here in place of the recursion, which numba
    does not cache safely.
    """
    starts, counts = np.zeros(64, dtype=np.int64), np.zeros(64, dtype=np.int64)
    stage, left, depth, result = np.zeros(64, dtype=np.int64), np.zeros(64), 0, 0.0
    counts[0] = len(values)
    while depth >= 0:
        start, count = starts[depth], counts[depth]
        half = count // 2 - (count // 2) % 8
        if count <= 128:
            result = _leaf_sum(values, start, count)
            depth -= 1
        elif stage[depth] == 2:
            result += left[depth]
            depth -= 1
        else:
            second = stage[depth] == 1
            if second:
                left[depth] = result
            stage[depth] += 1
            depth += 1
            stage[depth] = 0
            starts[depth] = start + half if second else start
            counts[depth] = count - half if second else half
    return result
