"""A sweep against its limit, and its growth with the bars.

    python benchmarks/sweep.py [QUERY] [--model NAME] [--bars 67] [--seeds 8]

The limit is what decoding alone takes: every (rate, seed) of the query and of its transposed
control, and each draw from the prior, through the decoder once. Growth is seconds a bar of
the piece played four times over, beside the piece itself. Loading and parsing are left out.
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

import qbdi_m21 as q
from qbdi_m21.frames.roll import Frames
from qbdi_m21.improvisation.sweep import RATES


def seconds(action: Callable[[], Any]) -> float:
    """Return how long an action takes."""
    started = time.perf_counter()
    action()
    return time.perf_counter() - started


def bars_of(frames: Frames, count: int):
    """Return a score of so many bars, the piece again and again."""
    whole = len(frames.grid.bars)
    piece = Frames.concatenate([frames] * -(-count // whole)).slice_bars(0, count)
    return q.to_score(piece)


def main() -> None:
    """Print ratios."""
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('query', nargs='?', default='corpus:haydn/opus74no1/movement3')
    parser.add_argument('--bars', type=int, default=67)
    parser.add_argument('--model', default='chorales')
    parser.add_argument('--seeds', type=int, default=8)
    options = parser.parse_args()
    warnings.simplefilter('ignore', q.QbdiWarning)
    model = q.load_model(options.model)
    frames = q.to_frames(q.load_score(options.query), pitch_range=model.spec.pitch_range)
    runs = 2 * len(RATES) * options.seeds + options.seeds
    q.sweep(bars_of(frames, 4), model, rates=['full'], seeds=1)       # loads the kernel
    took = {}
    for times in (1, 4):
        score = bars_of(frames, options.bars * times)
        took[times] = seconds(lambda score=score: q.sweep(score, model, seeds=options.seeds))
        encoding = q.encode(score, model)
        latents = encoding.mean
        decode = seconds(lambda latents=latents: [model.decode(latents) for _ in range(runs)])
        print(f'{options.bars * times} bars, {len(RATES)} rates x {options.seeds} seeds and '
              f'controls: {took[times]:.1f} s, {took[times] / decode:.2f} times the decoding alone '
              f'({decode:.1f} s)')
    print(f'growth to four times the bars: {took[4] / (4 * took[1]):.2f} a bar (1 is linear)')
    variance = np.random.default_rng(0).lognormal(0, 2, 500)
    few, many = (seconds(lambda n=n: [q.allocate_bits(variance, n) for _ in range(100)])
                 for n in (256, 1_000_000))
    print(f'allocating a million bits over 500 latents: {many * 10:.2f} ms, {many / few:.2f} times '
          'as long as 256')


if __name__ == '__main__':
    main()
