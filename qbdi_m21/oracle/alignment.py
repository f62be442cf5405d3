"""How much of what two lines say is the same: an alignment of their moves, compiled."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

#: What an interval shares that only goes the same way: by one step off, and by more.
NEAR, SAME_WAY = 0.75, 0.5


@numba.njit(cache=True, nogil=True)
def shared_bits(move: Any, bits: Any, other: Any, other_bits: Any) -> Any:
    """Return how many bits two moves from one note to the next share.

    Parameters
    ----------
    move, other : ndarray of int64, shape (2,)
        Diatonic interval and time.
    bits, other_bits : ndarray of float, shape (2,)
        What each of the two says: -log2 of its share in the piece.
    """
    shared = bits[1] if move[1] == other[1] else 0.0
    if move[0] == other[0]:
        shared += bits[0]
    elif np.sign(move[0]) == np.sign(other[0]):
        near = abs(move[0] - other[0]) == 1
        shared += min(bits[0], other_bits[0]) * (NEAR if near else SAME_WAY)
    return shared


@numba.njit(cache=True, nogil=True)
def similarity(moves: Any, bits: Any, others: Any, other_bits: Any) -> Any:
    """Return which share of their bits two sequences of moves have in common, 0 to 1.

    Of the best alignment, against the one that says more. What is common in the piece says
    little: a run of quarter notes among quarter notes makes nothing similar.

    Parameters
    ----------
    moves, others : ndarray of int64, shapes (M, 2) and (L, 2)
        Neither is empty.
    bits, other_bits : ndarray of float, of the same shapes
    """
    row = np.zeros(len(others) + 1)
    for i in range(len(moves)):
        diagonal = 0.0
        for j in range(1, len(others) + 1):
            above = row[j]
            score = diagonal + shared_bits(moves[i], bits[i], others[j - 1], other_bits[j - 1])
            row[j] = max(score, above, row[j - 1])
            diagonal = above
    total = max(bits.sum(), other_bits.sum())
    return min(row[-1] / total, 1.0) if total > 0 else 1.0


@numba.njit(cache=True, nogil=True)
def best_ends(theme: Any, theme_bits: Any, moves: Any, bits: Any, gap: float) -> Any:
    """Return the best alignment of a whole theme that ends at each move of a line.

    Parameters
    ----------
    theme, moves : ndarray of int64, shapes (M, 2) and (L, 2)
        A time of -1 is a break, over which nothing is aligned.
    theme_bits, bits : ndarray of float, of the same shapes
    gap : float
        What a note left out or added costs, in bits.

    Returns
    -------
    (ndarray of float, shape (L,), ndarray of int64, shape (L,))
        The share of the theme's bits that it has, and the move at which it begins.
    """
    size, count = len(theme), len(moves)
    scores, starts = np.zeros(count), np.zeros(count, dtype=np.int64)
    best = np.full((size + 1, 2), -np.inf)
    begun = np.zeros((size + 1, 2), dtype=np.int64)
    total = theme_bits.sum()
    for k in range(size + 1):
        best[k, 0] = -gap * k
    for j in range(count):
        old, new = j % 2, (j + 1) % 2
        best[0, new], begun[0, new] = 0.0, j + 1
        if moves[j, 1] < 0:
            for k in range(size + 1):
                best[k, new], begun[k, new] = -gap * k, j + 1
            starts[j] = j
            continue
        for k in range(1, size + 1):
            score = best[k - 1, old] + shared_bits(theme[k - 1], theme_bits[k - 1], moves[j],
                                                   bits[j])
            start = begun[k - 1, old]
            if best[k, old] - gap > score:
                score, start = best[k, old] - gap, begun[k, old]
            if best[k - 1, new] - gap > score:
                score, start = best[k - 1, new] - gap, begun[k - 1, new]
            best[k, new], begun[k, new] = score, start
        scores[j], starts[j] = best[size, new] / total, begun[size, new]
    return scores, starts
