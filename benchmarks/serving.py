"""Serving a model in NumPy, against the time that importing TensorFlow takes.

    python benchmarks/serving.py [--bars 100] [--runs 5]

Each run imports TensorFlow in a fresh process, then encodes and decodes the bars with each
preset's network; medians are printed. Weights are random, and so are the bars, as dense as a
quartet. Aim: 20 times less than the import.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from qbdi_m21.model.inference import LatentModel
from qbdi_m21.model.presets import PRESETS, get_preset
from qbdi_m21.model.spec import FrameSpec
from qbdi_m21.model.store import NETWORKS


def random_model(preset: str) -> LatentModel:
    """Return a preset's network with random weights; about one cell in 16 sounds."""
    rng, spec, chosen = np.random.default_rng(0), FrameSpec(), get_preset(preset)
    network = next(n for n in NETWORKS.values() if n.network == chosen.network)
    weights = {name: tuple(rng.normal(0, np.prod(part[:-1]) ** -0.5, part).astype(np.float32)
                           for part in parts)
               for name, parts in network.shapes(spec, chosen.sizes).items()}
    one = np.ones(chosen.sizes['latent'], np.float32)
    for name in ('decoder_sounding', 'decoder_logits'):
        if name in weights:
            weights[name][1][:] = -3
    return network(spec, chosen.sizes, weights, 0 * one, one, one, threshold=0.5,
                   decoding=chosen.decoding)


def random_bars(count: int) -> np.ndarray:
    """Return windows in which five pitches sound at a time, by eighths."""
    rng, spec = np.random.default_rng(1), FrameSpec()
    onset = np.zeros((count, spec.window_frames, spec.num_pitches), bool)
    np.put_along_axis(onset[:, ::2], rng.integers(0, spec.num_pitches, (
        count, spec.window_frames // 2, 5)), True, axis=2)
    return np.concatenate([onset | np.roll(onset, 1, axis=1), onset], axis=2)


def seconds(action: Callable[[], Any]) -> float:
    """Return how long an action takes."""
    started = time.perf_counter()
    action()
    return time.perf_counter() - started


def import_tensorflow() -> None:
    """Import it in a fresh process."""
    subprocess.run([sys.executable, '-c', 'import tensorflow'], check=True,
                   env={**os.environ, 'TF_CPP_MIN_LOG_LEVEL': '3'}, stderr=subprocess.DEVNULL)


def main() -> None:
    """Print the ratio of each network."""
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('--bars', type=int, default=100)
    parser.add_argument('--runs', type=int, default=5)
    options = parser.parse_args()
    bars = random_bars(options.bars)
    models = {preset: random_model(preset) for preset in PRESETS}
    imported, served, forced = [], {p: [] for p in models}, {p: [] for p in models}
    for model in models.values():       # warm up
        model.decode(model.encode(bars)[0])
    import_tensorflow()
    for _ in range(options.runs):
        imported.append(seconds(import_tensorflow))
        for preset, model in models.items():
            latents = model.encode(bars)[0]
            served[preset].append(seconds(
                lambda model=model: model.decode(model.encode(bars)[0])))
            forced[preset].append(seconds(
                lambda model=model, latents=latents: model.negative_log_likelihood(latents, bars)))
    whole = statistics.median(imported)
    for preset in models:
        ratios = sorted(i / s for i, s in zip(imported, served[preset], strict=True))
        print(f'{preset}: {options.bars} bars encoded and decoded in '
              f'{statistics.median(served[preset]) * 1e3:.0f} ms; importing TensorFlow takes '
              f'{whole * 1e3:.0f} ms: {statistics.median(ratios):.0f} times as long '
              f'({ratios[0]:.0f} to {ratios[-1]:.0f}; aim: 20); their likelihood in '
              f'{statistics.median(forced[preset]) * 1e3:.0f} ms')


if __name__ == '__main__':
    main()
