"""The oracle's search against vmo's, in one run, and its growth.

    python benchmarks/oracle.py [--long] [--plot docs/images/oracle-growth.png]

Features are tonal centroids of works of music21's corpus, computed once and given to both sides;
the grid has 100 thresholds. A Tonnetz callable, which projects anew for each distance, gets
pitch-class vectors. Kernels are warm. --long adds 4,000 frames, the callable, and the growth to
18,000 frames.
"""

from __future__ import annotations

import argparse
import gc
import resource
import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import vmo

import qbdi_m21 as q
from qbdi_m21.frames.features import pitch_classes, tonnetz
from qbdi_m21.oracle.threshold import _Sequence

#: Works and frame lengths in quarters, from a chorale to a fugue of 742 bars in 32nds.
GROWTH = (('bach/bwv66.6', '1/4'), ('haydn/opus74no1/movement3', '1/4'),
          ('beethoven/opus18no1/movement1', '1/4'), ('beethoven/opus133', '1/2'),
          ('beethoven/opus133', '1/4'), ('beethoven/opus133', '1/8'))

AIMS = {300: 150, 1000: 300, 4000: 500}


def chroma_of(work: str, step: str) -> np.ndarray:
    """Return pitch-class counts of a work, frame by frame."""
    return pitch_classes(q.to_frames(q.load_score(f'corpus:{work}'), step=step))


def seconds(action: Callable[[], Any], times: int = 1) -> float:
    """Return how long an action takes, the median of several times."""
    gc.collect()        # what the one before has left
    took = []
    for _ in range(times):
        started = time.perf_counter()
        action()
        took.append(time.perf_counter() - started)
    return float(np.median(took))


def vmo_grid(features: np.ndarray, thresholds: np.ndarray, handle: Any = None) -> None:
    """Search as vmo does; `vmo.find_threshold` itself takes a range only."""
    for threshold in thresholds:
        vmo.build_oracle(features, 'a', threshold=threshold, dim=features.shape[1],
                         dfunc='euclidean' if handle is None else 'other',
                         dfunc_handle=handle).IR(ir_type='cum')


def vmo_tonnetz(one: np.ndarray, two: np.ndarray) -> float:
    """Tonal centroids for each distance, as a callable of vmo's users has it."""
    ends = tonnetz(np.array([one, two]))
    return float(np.linalg.norm(ends[0] - ends[1]))


def compare(chroma: np.ndarray, size: int) -> None:
    """Print ratios at one length."""
    features = tonnetz(chroma)[:size]
    thresholds = _Sequence(features, 'euclidean', 'vmo').default_thresholds()
    ours = seconds(lambda: q.find_threshold(features, thresholds=thresholds), 5)
    exact = seconds(lambda: q.find_threshold(features, search='exact'), 3)
    theirs = seconds(lambda: vmo_grid(features, thresholds))
    print(f'{len(features)} frames, {len(np.unique(features, axis=0))} different: vmo '
          f'{theirs:.2f} s, ours {ours * 1e3:.1f} ms, {theirs / ours:.0f} times as fast (aim: '
          f'{AIMS[size]}); all thresholds {exact * 1e3:.0f} ms, {theirs / exact:.0f} times as fast '
          'as vmo\'s grid')


def grow(path: str | None) -> None:
    """Print and plot seconds and memory from short to long."""
    rows = []
    for work, step in GROWTH:
        features = tonnetz(chroma_of(work, step))
        took = seconds(lambda features=features: q.find_threshold(features))
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2 ** 20
        rows.append((len(features), took))
        print(f'{work}, frames of {step}: {len(features)} frames, '
              f'{len(np.unique(features, axis=0))} different: {took:.2f} s; process so far '
              f'{peak:.2f} GiB at most')
    if path is not None:
        from matplotlib.figure import Figure
        figure = Figure(figsize=(6, 4), layout='constrained')
        axes = figure.subplots()
        axes.loglog(*np.array(rows).T, 'o-', color='#0072B2')
        axes.set_xlabel('frames')
        axes.set_ylabel('seconds for 100 thresholds')
        axes.grid(alpha=0.3, which='both')
        figure.savefig(path, dpi=100, metadata={'Software': None})


def main() -> None:
    """Print all ratios."""
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('--long', action='store_true')
    parser.add_argument('--plot', metavar='FILE')
    options = parser.parse_args()
    warnings.simplefilter('ignore', q.QbdiWarning)
    chroma = chroma_of('haydn/opus74no1/movement3', '1/4')
    q.find_threshold(tonnetz(chroma)[:50], search='exact')      # loads the kernel
    q.find_threshold(tonnetz(chroma)[:50])
    for size in (300, 1000):
        compare(chroma, size)
    if options.long:
        compare(chroma_of('beethoven/opus18no1/movement1', '1/4'), 4000)
        some = chroma[:1000]
        thresholds = np.linspace(0, 2.4, 100)
        ours = seconds(lambda: q.find_threshold(some, distance='tonnetz', thresholds=thresholds), 5)
        theirs = seconds(lambda: vmo_grid(some, thresholds[::10], vmo_tonnetz)) * 10
        print(f'{len(some)} frames with a Tonnetz callable: vmo {theirs:.0f} s (of every tenth '
              f'threshold), ours {ours * 1e3:.1f} ms: {theirs / ours:.0f} times as fast (aim: '
              '3000)')
        grow(options.plot)


if __name__ == '__main__':
    main()
