"""Training sets: the windows of many note tables, split so that no music leaks.

Bach's chorale books hold the same setting more than once, and several settings of a tune.
Works that share bars, also transposed, are kept on one side of the split.
"""

from __future__ import annotations

import os
import warnings
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from corpus_tools.store import read_table
from qbdi_m21.errors import CorpusError, QbdiWarning
from qbdi_m21.frames.notes import NoteTable
from qbdi_m21.frames.roll import table_to_frames
from qbdi_m21.frames.windows import frames_to_windows, layout_windows
from qbdi_m21.model.spec import FrameSpec
from qbdi_m21.model.training_set import TrainingSet

#: Works that share this many different bars (transposed alike) are kept together.
SHARED_BARS = 3


def build_training_set(
    folder: str | os.PathLike[str], *, meter: str | None = '4/4', min_bars: int = 4,
    held_out: tuple[float, float] = (0.1, 0.1), seed: int = 0, spec: FrameSpec | None = None,
) -> TrainingSet:
    """Return the windows of all note tables in a folder.

    Parameters
    ----------
    folder : path
        Written by :func:`corpus_tools.ingest.ingest`.
    meter : str or None
        Use only works in this meter throughout; None takes all.
    min_bars : int
        Leave out works of fewer bars.
    held_out : (float, float)
        Shares of the works for validation and for the test.
    seed : int
        Of the split.
    spec : FrameSpec, optional
        What a window is; the paper's by default.

    Returns
    -------
    TrainingSet
        Split by work; works that share three bars, also transposed, are never divided.

    Raises
    ------
    CorpusError
        If no work is left.
    """
    chosen = spec or FrameSpec()
    if not (min(held_out) >= 0 and sum(held_out) < 1):
        raise CorpusError(f'held_out is {held_out}; expected two shares that leave works to learn')
    names: list[str] = []
    windows: list[npt.NDArray[np.bool_]] = []
    skipped: dict[str, int] = defaultdict(int)
    for path in sorted(Path(folder).glob('*.parquet')):
        work, table = read_table(path)
        if meter is not None and {bar.meter for bar in table.bars} != {meter}:
            skipped[f'not in {meter} throughout'] += 1
        elif len(table.bars) < min_bars:
            skipped[f'fewer than {min_bars} bars'] += 1
        else:
            names.append(work)
            windows.append(_windows(table, chosen))
    if not names:
        raise CorpusError(f'no note table in {folder} is left to learn from ({dict(skipped)}); '
                          'ingest works first, or ask for another meter')
    groups = related_works(windows)
    about: dict[str, Any] = {'meter': meter, 'min_bars': min_bars, 'held_out': list(held_out),
                             'split_seed': seed, 'left_out': dict(skipped),
                             'groups_of_related_works': int(groups.max()) + 1}
    return TrainingSet(
        np.concatenate(windows), np.repeat(np.arange(len(names)), [len(w) for w in windows]),
        tuple(names), split_groups(groups, held_out, seed), chosen, about)


def _windows(table: NoteTable, spec: FrameSpec) -> npt.NDArray[np.bool_]:
    with warnings.catch_warnings():
        warnings.simplefilter('ignore', QbdiWarning)
        frames = table_to_frames(table, step=spec.step_ql, pitch_range=spec.pitch_range)
    layout = layout_windows(frames.grid, spec.window_frames)
    return frames_to_windows(frames, layout, spec.window_frames)


def _bar_keys(windows: npt.NDArray[np.bool_]) -> set[bytes]:
    """Return the bars of a work, each moved to its lowest pitch; still bars are left out."""
    keys = set()
    for window in windows:
        planes = window.reshape(len(window), 2, -1)
        used = np.flatnonzero(planes[:, 0].any(axis=0))
        if len(used) and planes[:, 1].any(axis=1).sum() > 2:
            keys.add(np.packbits(planes[:, :, used[0]:used[-1] + 1]).tobytes())
    return keys


def related_works(windows: Sequence[npt.NDArray[np.bool_]]) -> npt.NDArray[np.int64]:
    """Return the group of each work: works with `SHARED_BARS` bars in common are related."""
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


def split_groups(groups: npt.NDArray[np.int64], held_out: tuple[float, float],
                 seed: int) -> npt.NDArray[np.int64]:
    """Return 0 (train), 1 (validation) or 2 (test) for each work, whole groups at a time."""
    rng = np.random.default_rng(seed)
    split = np.zeros(len(groups), dtype=np.int64)
    order = list(rng.permutation(int(groups.max()) + 1))
    for place, share in ((1, held_out[0]), (2, held_out[1])):
        wanted = round(share * len(groups))
        while order and (split == place).sum() < wanted and len(order) > 1:
            split[groups == order.pop()] = place
    return split
