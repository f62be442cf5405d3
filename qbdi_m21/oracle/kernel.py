"""The oracle's construction, compiled.

The rules are those of Wang & Dubnov (2015) as vmo applies them (flag 'a', suffix method 'inc'):
a new state follows the suffix links of the state before; at each, it joins the nearest
transition strictly below the threshold, the first in order of equals, or becomes a
transition itself. Lists are chains of indices, so that memory grows with the transitions. A build
can stop after any frame and go on later, also with another matrix of distances.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numba
import numpy as np
import numpy.typing as npt

from qbdi_m21.oracle.totals import total_rate

IntArray = npt.NDArray[np.int32]


#: Columns of the states of a build. Transitions of a state are a chain of links from FIRST to LAST;
#: states that link to a state are a chain from HEAD to TAIL through FOLLOWER.
SUFFIX, LRS, SYMBOL, FIRST, LAST, HEAD, TAIL, FOLLOWER = range(8)

#: Columns of its links: the state that a transition leads to, the next link of the chain, and the
#: feature vector of that state.
GOAL, AFTER, VECTOR = range(3)


class Build(NamedTuple):
    """An oracle that is being built. What belongs together lies together in memory.

    Attributes
    ----------
    states : ndarray of int32, shape (T + 1, 8)
        State 0 comes before the first frame. -1 is none.
    links : ndarray of int32, shape (L, 3)
        Of which some are in use; there is always room for more.
    sizes : ndarray of int64, shape (2,)
        Links in use, and symbols.
    firsts : ndarray of int32, shape (T + 1, 2)
        First state of each symbol, and its feature vector. The transitions of state 0 are these,
        in their order, and can be many.
    seen, nearest : ndarray of int32, shape (U,)
    away : ndarray of float, shape (U,)
        For each feature vector the number of symbols that it was compared with at state 0, the
        nearest of these states, -1 without any below the threshold, and its distance.
    """

    states: IntArray
    links: IntArray
    sizes: npt.NDArray[np.int64]
    firsts: IntArray
    seen: IntArray
    nearest: IntArray
    away: npt.NDArray[np.float64]


def new_build(states: int, vectors: int) -> Build:
    """Return an oracle of so many states, of which only state 0 is there, and feature vectors."""
    build = Build(np.empty((states, 8), np.int32), np.empty((4 * states, 3), np.int32),
                  np.empty(2, np.int64), np.empty((states, 2), np.int32),
                  np.empty(vectors, np.int32), np.empty(vectors, np.int32), np.empty(vectors))
    clear(build)
    return build


@numba.njit(cache=True, nogil=True)
def clear(build: Any) -> None:
    """Leave state 0 alone."""
    build.states[:] = -1
    build.states[:, LRS] = 0
    build.sizes[:] = 0
    build.seen[:] = 0
    build.nearest[:] = -1
    build.away[:] = np.inf


@numba.njit(cache=True, nogil=True)
def advance(build: Any, distances: Any, rows: Any, index: Any, start: int, stop: int,
            threshold: float, looked: Any = None, least_apart: Any = None) -> Any:
    """Add the states of frames `start` to `stop`; return the build.

    Parameters
    ----------
    build : Build
        Of which the states of frames before `start` are there.
    distances : ndarray of float, shape (R, U)
        From the new frames to the different feature vectors; NaN never joins.
    rows : ndarray of int, shape (stop - start,)
        The row of each new frame.
    index : ndarray of int, shape (T,)
        Which feature vector, as a column, each frame has.
    start, stop : int
    threshold : float
    looked : ndarray of float, shape (2,), optional
        Is narrowed to the largest distance below the threshold and the smallest from there on
        that were looked at. Any threshold between them gives the same. Without it, the
        compiled code does not keep them.
    least_apart : ndarray of float, shape (U,), optional
        The smallest distance from each feature vector to another one: below it, no other
        symbol needs to be looked at.
    """
    states, links, sizes, firsts, seen, nearest, away = build
    used, symbols = sizes
    for i in range(start + 1, stop + 1):
        row, vector = distances[rows[i - 1 - start]], index[i - 1]
        if used + i > len(links):       # a suffix path has fewer than i states
            links = _doubled(links, used + i)
        k, before, joined = i - 1, i - 1, -1
        while k >= 0:
            least = np.inf
            # the state before gets the new one without looking
            link = states[k, FIRST] if 0 < k != i - 1 else -1
            while link >= 0:
                apart = row[links[link, VECTOR]]
                if looked is not None:
                    _narrow(looked, apart, threshold)
                if apart < threshold and apart < least:
                    least, joined = apart, links[link, GOAL]
                link = links[link, AFTER]
            if k == 0:
                joined = _nearest_symbol(build, row, vector, symbols, threshold, looked,
                                         least_apart)
            if joined >= 0:
                break
            links[used, GOAL], links[used, AFTER], links[used, VECTOR] = i, -1, vector
            if states[k, LAST] >= 0:
                links[states[k, LAST], AFTER] = used
            else:
                states[k, FIRST] = used
            states[k, LAST] = used
            used += 1
            before, k = k, states[k, SUFFIX]
        if joined < 0:
            # no earlier state has this symbol, so none can be better
            states[i, SYMBOL] = symbols
            firsts[symbols, 0], firsts[symbols, 1] = i, vector
            symbols += 1
            if least_apart is not None and row[vector] < threshold <= least_apart[vector]:
                # its own symbol is the only one that it may ever be near
                nearest[vector], away[vector] = i, row[vector]
            joined = 0
        else:
            joined = _join(states, i, before, joined)
        states[i, SUFFIX] = joined
        if states[joined, TAIL] >= 0:
            states[states[joined, TAIL], FOLLOWER] = i
        else:
            states[joined, HEAD] = i
        states[joined, TAIL] = i
    sizes[0], sizes[1] = used, symbols
    return Build(states, links, sizes, firsts, seen, nearest, away)


@numba.njit(cache=True, nogil=True)
def _nearest_symbol(build: Any, row: Any, vector: Any, symbols: Any, threshold: float,
                    looked: Any, least_apart: Any) -> Any:
    """Return the nearest first state of a symbol below the threshold, -1 without any."""
    least, joined, start = build.away[vector], build.nearest[vector], build.seen[vector]
    if least_apart is not None and threshold <= least_apart[vector]:
        start = symbols
    for symbol in range(start, symbols):
        apart = row[build.firsts[symbol, 1]]
        if looked is not None:
            _narrow(looked, apart, threshold)
        if apart < threshold and apart < least:
            least, joined = apart, build.firsts[symbol, 0]
    build.seen[vector], build.away[vector], build.nearest[vector] = symbols, least, joined
    return joined


@numba.njit(cache=True, nogil=True)
def _narrow(looked: Any, apart: float, threshold: float) -> None:
    if apart < threshold:
        looked[0] = max(looked[0], apart)
    elif apart < looked[1]:
        looked[1] = apart


@numba.njit(cache=True, nogil=True)
def _join(states: Any, i: int, before: int, joined: int) -> Any:
    """Give a state symbol and LRS by the state that it joins; return the one that it repeats."""
    states[i, SYMBOL] = states[joined, SYMBOL]
    length = _common_suffix(states, before, joined - 1) + 1
    last = states[i - length, SYMBOL]
    better = states[joined, HEAD]
    while better >= 0:
        if states[better, LRS] == length and states[better - length, SYMBOL] == last:
            length += 1
            joined = better
            break
        better = states[better, FOLLOWER]
    states[i, LRS] = length
    return joined


@numba.njit(cache=True, nogil=True)
def _common_suffix(states: Any, one: int, other: int) -> Any:
    if other == states[one, SUFFIX]:
        return states[one, LRS]
    link = states[one, SUFFIX]
    while states[other, SUFFIX] != link and other != 0:
        other = states[other, SUFFIX]
    return min(states[one, LRS], states[other, LRS])


@numba.njit(cache=True, nogil=True)
def _doubled(links: Any, least: int) -> Any:
    longer = np.empty((max(2 * len(links), 2 * least), 3), dtype=np.int32)
    longer[:len(links)] = links
    return longer


@numba.njit(cache=True, nogil=True)
def flat_transitions(build: Any) -> Any:
    """Return where each state's transitions start, (T + 2,), and their goals in their order."""
    states, links = build.states, build.links
    starts = np.zeros(len(states) + 1, dtype=np.int32)
    goals = np.empty(build.sizes[0], dtype=np.int32)
    used = 0
    for state in range(len(states)):
        link = states[state, FIRST]
        while link >= 0:
            goals[used] = links[link, GOAL]
            used += 1
            link = links[link, AFTER]
        starts[state + 1] = used
    return starts, goals


@numba.njit(cache=True, nogil=True)
def nearest_others(distances: Any) -> Any:
    """Return the smallest distance from each feature vector to another one, shape (U,)."""
    least = np.full(len(distances), np.inf)
    for one in range(len(distances)):
        for other in range(len(distances)):
            if one != other and distances[one, other] < least[one]:
                least[one] = distances[one, other]
    return least


@numba.njit(cache=True, nogil=True)
def rate_curve(build: Any, distances: Any, least_apart: Any, index: Any, thresholds: Any,
               log2: Any) -> Any:
    """Return the total information rate at each threshold, shape (K,).

    `build` is working space for T + 1 states and U feature vectors; `least_apart` is what
    :func:`nearest_others` gives.
    """
    totals, profile = np.empty(len(thresholds)), np.empty(len(index))
    for k in range(len(thresholds)):
        clear(build)
        build = advance(build, distances, index, index, 0, len(index), thresholds[k], None,
                        least_apart)
        totals[k] = total_rate(build.states[:, LRS], log2, profile)
    return totals


@numba.njit(cache=True, nogil=True)
def exact_curve(build: Any, distances: Any, index: Any, start: float, stop: float,
                log2: Any) -> Any:
    """Return every oracle that thresholds above `start` give: its thresholds and total rate.

    A build depends on its threshold through comparisons with distances alone. All thresholds
    between the largest distance below, and the smallest from there on, that it has looked at
    give the same comparisons one after the other, and so the same oracle. The next build begins
    just above them.

    Returns
    -------
    ndarray of float, shape (K, 3)
        Half-open from below: thresholds above the first and up to the second, and their total.
        The last interval may reach beyond `stop`.
    """
    rows, used, profile, looked = np.empty((64, 3)), 0, np.empty(len(index)), np.empty(2)
    threshold = start
    while threshold < stop or used == 0:
        clear(build)
        looked[0], looked[1] = 0.0, np.inf
        build = advance(build, distances, index, index, 0, len(index),
                        np.nextafter(threshold, np.inf), looked)
        if used == len(rows):
            longer = np.empty((2 * used, 3))
            longer[:used] = rows
            rows = longer
        rows[used, :2] = looked
        rows[used, 2] = total_rate(build.states[:, LRS], log2, profile)
        used += 1
        threshold = looked[1]
    return rows[:used]
