"""Walks through an oracle: new sequences of old frames, free or led by a query."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from qbdi_m21.errors import ParameterError
from qbdi_m21.oracle.build import Oracle
from qbdi_m21.oracle.distances import check_features, distance_rows

IntArray = npt.NDArray[np.int64]


def walk(oracle: Oracle, length: int, *, continuity: float = 0.87, min_lrs: int = 2,
         start: int = 0, rng: np.random.Generator) -> IntArray:
    """Return a free walk: frames in a new order that goes on where the music recurs.

    Parameters
    ----------
    oracle : Oracle
    length : int
        Frames of the walk; > 0.
    continuity : float
        Chance that a frame is followed by the one that follows it in the music, 0 to 1.
    min_lrs : int
        Frames that a place must share with the one that is left, before one may jump there.
    start : int
        First frame.
    rng : numpy Generator

    Returns
    -------
    ndarray of int64, shape (length,)
        Places of frames, counted from 0.

    Notes
    -----
    Source: Wang & Dubnov 2014; Wang, Hsu & Dubnov 2016; continuity .87 and an lrs of 2 are those of
    the later notebook of the paper's author. From a state one may jump behind its suffix link, if
    its longest repeated suffix is long enough, or behind a state that links to it with such a
    suffix: the frames that were just heard are, within the threshold, those before the new
    place. At the end of the music a jump is taken where there is one, and the beginning follows
    where there is none.
    """
    last = oracle.num_states - 1
    if length < 1 or not 0 <= continuity <= 1 or min_lrs < 1 or not 0 <= start < last:
        raise ParameterError(f'length={length}, continuity={continuity}, min_lrs={min_lrs}, '
                             f'start={start}; expected at least 1, a chance from 0 to 1, at least '
                             f'1, and a frame from 0 to {last - 1}')
    frames = np.empty(length, dtype=np.int64)
    state = start + 1
    for place in range(length):
        frames[place] = state - 1
        stay = state < last and rng.random() < continuity
        jumps = () if stay else tuple(k for k in jumps_from(oracle, state, min_lrs) if k < last)
        after = int(rng.choice(jumps)) if jumps else state
        state = after + 1 if after < last else 1
    return frames


def jumps_from(oracle: Oracle, state: int, min_lrs: int) -> tuple[int, ...]:
    """Return the states that share at least so many frames with a state, those before included."""
    found = [k for k in oracle.followers[state] if oracle.lrs[k] >= min_lrs]
    if oracle.lrs[state] >= min_lrs:
        found.insert(0, int(oracle.suffix[state]))
    return tuple(found)


def follow(oracle: Oracle, query: npt.ArrayLike, *, jump_cost: float = 1.0,
           min_lrs: int = 1) -> IntArray:
    """Return the walk that comes nearest to a query.

    Parameters
    ----------
    oracle : Oracle
    query : array_like, shape (N, D)
        Features of the kind that the oracle was built from.
    jump_cost : float
        What a jump costs, in units of the oracle's threshold (of its mean distance to the query,
        where the threshold is 0); >= 0. The more, the longer are the passages that stay whole.
    min_lrs : int
        As of :func:`walk`: 1 lets a jump go to any place with the symbol that was just heard.

    Returns
    -------
    ndarray of int64, shape (N,)
        Places of frames, counted from 0.

    Notes
    -----
    Source: Wang, Hsu & Dubnov 2016, query-based improvisation, by dynamic programming over all
    walks: the sum of the distances to the query and of the costs of jumps is least. O(N T).
    Jumps are within a symbol: from any of its states to behind any other, so that what comes
    next could have come next; `min_lrs` above 1 leaves only those with such a suffix link.
    """
    asked = check_features(query)
    if asked.shape[1] != oracle.features.shape[1]:
        raise ParameterError(f'the query has {asked.shape[1]} columns; this oracle has '
                             f'{oracle.features.shape[1]}')
    if not (np.isfinite(jump_cost) and jump_cost >= 0) or min_lrs < 1:
        raise ParameterError(f'jump_cost={jump_cost}, min_lrs={min_lrs}; expected a finite number '
                             '>= 0, and at least 1')
    away = distance_rows(asked, oracle.features, oracle.distance, silence=oracle.silence)
    away = np.where(np.isfinite(away), away, _beyond(away))
    price = jump_cost * (oracle.threshold or float(away.mean()))
    groups = _groups(oracle, min_lrs)
    count = away.shape[1]
    came = np.empty(away.shape, dtype=np.int64)
    cost = away[0].copy()
    came[0] = -1
    for t in range(1, len(away)):
        # on, or from the cheapest frame of the group of the frame before
        best = np.full(int(groups.max()) + 1, np.inf)
        np.minimum.at(best, groups, cost)
        order = np.lexsort((np.arange(count), cost, groups))
        first = order[np.searchsorted(groups[order], np.arange(len(best)))]
        straight = np.concatenate([[np.inf], cost[:-1]])
        jumped = np.concatenate([[np.inf], best[groups[:-1]]]) + price
        came[t] = np.concatenate([[-1], np.where(
            straight[1:] <= jumped[1:], np.arange(count - 1), first[groups[:-1]])])
        # nothing comes before the first frame but the end of what was heard
        came[t, 0] = int(cost.argmin())
        jumped[0] = cost.min() + 2 * price
        cost = np.minimum(straight, jumped) + away[t]
    frames = np.empty(len(away), dtype=np.int64)
    frames[-1] = int(cost.argmin())
    for t in range(len(away) - 1, 0, -1):
        frames[t - 1] = came[t, frames[t]]
    return frames


def _groups(oracle: Oracle, min_lrs: int) -> IntArray:
    """Return which group of frames each is in, within which one may jump."""
    if min_lrs == 1:
        return np.asarray(oracle.symbol[1:], dtype=np.int64)
    root = np.arange(oracle.num_states)
    for state in range(1, oracle.num_states):
        if oracle.lrs[state] >= min_lrs:
            root[state] = root[oracle.suffix[state]]
    _, groups = np.unique(root[1:], return_inverse=True)
    return np.asarray(groups.ravel(), dtype=np.int64)


def _beyond(away: npt.NDArray[np.float64]) -> float:
    """Return a distance farther than all that are numbers."""
    finite = away[np.isfinite(away)]
    return 2.0 * float(finite.max(initial=1.0))
