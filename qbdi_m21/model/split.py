"""Dividing works into train, validation and test so that no music leaks.

Books of chorales hold the same setting more than once, and several settings of a tune: works
that share bars, also transposed, are kept on one side.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from qbdi_m21.errors import ParameterError

#: Works with this many different bars in common (transposed alike) are kept together.
SHARED_BARS = 3


def related_works(windows: Sequence[npt.NDArray[np.bool_]]) -> npt.NDArray[np.int64]:
    """Return the group of each work, counted from 0; related works share one.

    Parameters
    ----------
    windows : sequence of ndarray of bool, shape (n, W, 2P)
        One array a work.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components
    owners: dict[bytes, list[int]] = defaultdict(list)
    for index, work in enumerate(windows):
        for key in _bar_keys(work):
            owners[key].append(index)
    shared: dict[tuple[int, int], int] = defaultdict(int)
    for holders in owners.values():
        for i, first in enumerate(holders):
            for second in holders[i + 1:]:
                shared[first, second] += 1
    pairs = [pair for pair, count in shared.items() if count >= SHARED_BARS]
    rows, columns = (np.array([p[k] for p in pairs], dtype=np.int64) for k in (0, 1))
    graph = coo_array((np.ones(len(pairs)), (rows, columns)), shape=(len(windows),) * 2)
    return np.asarray(connected_components(graph, directed=False)[1], dtype=np.int64)


def _bar_keys(windows: npt.NDArray[np.bool_]) -> set[bytes]:
    """Return the bars of a work, each moved to its lowest pitch; still bars are left out."""
    keys = set()
    for window in windows:
        planes = window.reshape(len(window), 2, -1)
        used = np.flatnonzero(planes[:, 0].any(axis=0))
        if len(used) and planes[:, 1].any(axis=1).sum() > 2:
            keys.add(np.packbits(planes[:, :, used[0]:used[-1] + 1]).tobytes())
    return keys


def split_groups(groups: npt.NDArray[np.int64], held_out: tuple[float, float],
                 seed: int) -> npt.NDArray[np.int64]:
    """Return 0 (train), 1 (validation) or 2 (test) for each work, whole groups at a time.

    Parameters
    ----------
    groups : ndarray of int64
        Of :func:`related_works`.
    held_out : (float, float)
        Shares of the works for validation and test.
    seed : int
        Of the choice. At least one group is left to learn.
    """
    if not (min(held_out) >= 0 and sum(held_out) < 1):
        raise ParameterError(f'held_out is {held_out}; expected two shares that leave works to '
                             'learn')
    rng = np.random.default_rng(seed)
    split = np.zeros(len(groups), dtype=np.int64)
    order = list(rng.permutation(int(groups.max()) + 1))
    for place, share in ((1, held_out[0]), (2, held_out[1])):
        wanted = round(share * len(groups))
        while (split == place).sum() < wanted and len(order) > 1:
            split[groups == order.pop()] = place
    return split
