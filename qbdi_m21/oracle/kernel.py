"""The oracle's construction, compiled: longest repeated suffixes at many thresholds.

The rules are those of Wang & Dubnov (2015) as vmo applies them (flag 'a', suffix method 'inc'):
a new state follows the suffix links of the state before; at each, it joins the nearest
transition strictly below the threshold, the first in order of equals, or becomes a
transition itself. Lists are chains of indices, so that memory grows with the transitions.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
import numpy.typing as npt


@numba.njit(cache=True, nogil=True)
def longest_suffixes(distances: npt.NDArray[np.float64], index: npt.NDArray[np.int64],
                     thresholds: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    """Return the longest repeated suffix of each state at each threshold.

    Parameters
    ----------
    distances : ndarray of float, shape (U, U)
        Between the different feature vectors.
    index : ndarray of int, shape (T,)
        Which of them each frame has.
    thresholds : ndarray of float, shape (K,)

    Returns
    -------
    ndarray of int64, shape (K, T + 1)
        State 0 comes before the first frame.
    """
    lengths = np.zeros((len(thresholds), len(index) + 1), dtype=np.int64)
    for row in range(len(thresholds)):
        _build(distances, index, thresholds[row], lengths[row])
    return lengths


@numba.njit(cache=True, nogil=True)
def _build(distances: Any, index: Any, threshold: Any, lrs: Any) -> None:
    """Build one oracle; `lrs` (T + 1,), zeros at first, is filled."""
    states = len(index) + 1
    sfx = np.zeros(states, dtype=np.int64)
    sfx[0] = -1
    symbol = np.full(states, -1, dtype=np.int64)
    symbols = 0
    # transitions of a state: a chain from first to last, in the order in which they came
    first = np.full(states, -1, dtype=np.int64)
    last = np.full(states, -1, dtype=np.int64)
    goal = np.empty(4 * states, dtype=np.int64)
    after = np.empty(4 * states, dtype=np.int64)
    used = 0
    # states whose suffix link a state is: chains that rise by themselves
    head = np.full(states, -1, dtype=np.int64)
    tail = np.full(states, -1, dtype=np.int64)
    follower = np.full(states, -1, dtype=np.int64)
    for i in range(1, states):
        k, before = i - 1, i - 1
        joined = -1
        while k >= 0:
            nearest = np.inf
            # the state before gets the new one without looking
            link = first[k] if k != i - 1 else -1
            while link >= 0:
                away = distances[index[i - 1], index[goal[link] - 1]]
                if away < threshold and away < nearest:
                    nearest, joined = away, goal[link]
                link = after[link]
            if joined >= 0:
                break
            if used == len(goal):
                goal, after = _doubled(goal), _doubled(after)
            goal[used], after[used] = i, -1
            if last[k] >= 0:
                after[last[k]] = used
            else:
                first[k] = used
            last[k] = used
            used += 1
            before, k = k, sfx[k]
        if joined < 0:
            symbol[i] = symbols
            symbols += 1
            joined = 0
        else:
            symbol[i] = symbol[joined]
            lrs[i] = _common_suffix(sfx, lrs, before, joined - 1) + 1
        better = head[joined]
        while better >= 0:
            if lrs[better] == lrs[i] and symbol[better - lrs[i]] == symbol[i - lrs[i]]:
                lrs[i] += 1
                joined = better
                break
            better = follower[better]
        sfx[i] = joined
        if tail[joined] >= 0:
            follower[tail[joined]] = i
        else:
            head[joined] = i
        tail[joined] = i


@numba.njit(cache=True, nogil=True)
def _common_suffix(sfx: Any, lrs: Any, one: int, other: int) -> Any:
    if other == sfx[one]:
        return lrs[one]
    while sfx[other] != sfx[one] and other != 0:
        other = sfx[other]
    return min(lrs[one], lrs[other])


@numba.njit(cache=True, nogil=True)
def _doubled(values: Any) -> Any:
    longer = np.empty(2 * len(values), dtype=np.int64)
    longer[:len(values)] = values
    return longer
