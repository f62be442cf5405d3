"""Training throughput, against plain PyTorch and against the matrix products in it.

    python benchmarks/training.py [PRESET ...] [--torch PYTHON] [--threads 1] [--no-growth]

Ours, PyTorch and the limit take turns within one run, on one number of threads; medians are
printed. The corpora are random notes in works of 100 bars.

- ours: bars a second of `train()` in its steady state, between calls of its progress function.
- torch: the same network, batch and objective (benchmarks/torch_vae.py), by an interpreter that
  has PyTorch. Aim: 0.8. Neither side changes the windows; what that costs ours is printed too.
- limit: the multiply-adds of an update, three times those of the network, at the rate at which
  TensorFlow multiplies large matrices.
- growth: bars a second from 1,000 to 50,000 bars, and the memory that they take. Aim: level.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import numpy as np

import qbdi_m21 as q
from qbdi_m21.model.presets import Augmentation, get_preset
from qbdi_m21.model.spec import FrameSpec
from qbdi_m21.model.training_set import TrainingSet

BATCH = 100

#: Rows and columns of the matrices whose product is the limit.
MATRIX = 1536


def random_set(bars: int) -> TrainingSet:
    """Return works of 100 bars: five pitches sound at a time, by eighths."""
    rng, spec = np.random.default_rng(0), FrameSpec()
    onset = np.zeros((bars, spec.window_frames, spec.num_pitches), bool)
    np.put_along_axis(onset[:, ::2], rng.integers(0, spec.num_pitches, (
        bars, spec.window_frames // 2, 5)), True, axis=2)
    windows = np.concatenate([onset | np.roll(onset, 1, axis=1), onset], axis=2)
    works = bars // BATCH
    return TrainingSet(windows, np.repeat(np.arange(works), BATCH),
                       tuple(f'work {k}' for k in range(works)), np.zeros(works, np.int64), spec,
                       {'title': 'random notes'})


def multiply_adds(preset: str) -> int:
    """Return the multiply-adds of a window's way through the network, once."""
    from qbdi_m21.model.training import NETWORKS
    chosen, spec = get_preset(preset), FrameSpec()
    model = NETWORKS[chosen.network](spec.to_json(), chosen.sizes)
    model.build()
    cells = spec.window_frames * spec.num_pitches
    # how often a layer is applied: at each frame, at each pitch of each, or once
    places = {'encoder_frame': spec.window_frames, 'decoder_pitch': spec.window_frames,
              **dict.fromkeys(('decoder_mix', 'decoder_past', 'decoder_sounding',
                               'decoder_onset_chord', 'decoder_onset_mix', 'decoder_onset'), cells)}
    return sum(places.get(layer.name, 1) * int(np.prod(layer.kernel.shape))
               for layer in model.layers if hasattr(layer, 'kernel'))


class Torch:
    """The loop of benchmarks/torch_vae.py, in a process of its own that waits between turns."""

    def __init__(self, python: str, preset: str, data: TrainingSet, threads: int,
                 folder: Path) -> None:
        chosen = get_preset(preset)
        np.save(folder / 'windows.npy', data.windows.view(np.uint8))
        job = folder / 'job.json'
        job.write_text(json.dumps({
            'network': chosen.network, 'sizes': chosen.sizes, 'batch': BATCH,
            'objective': asdict(chosen.objective), 'learning_rate': chosen.learning_rate,
            'average': chosen.average, 'threads': threads,
            'windows': str(folder / 'windows.npy')}))
        self.process = subprocess.Popen(
            [python, str(Path(__file__).with_name('torch_vae.py')), str(job)], text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def __call__(self, updates: int) -> float:
        """Return the bars a second of so many updates."""
        self.process.stdin.write(f'{updates}\n')
        self.process.stdin.flush()
        return BATCH * updates / json.loads(self.process.stdout.readline())['seconds']

    def close(self) -> None:
        """End the process."""
        self.process.stdin.close()
        self.process.wait()


def make_limit(preset: str) -> Callable[[int], float]:
    """Return a function that measures the bars a second which the matrix product would allow."""
    import tensorflow as tf
    one, needed = tf.random.normal((MATRIX, MATRIX)), 3 * multiply_adds(preset)

    def limit(_: int) -> float:
        started = time.perf_counter()
        for _ in range(5):
            product = one @ one
        product.numpy()
        return 5 * MATRIX ** 3 / (time.perf_counter() - started) / needed

    limit(0)
    return limit


def measure(preset: str, data: TrainingSet, *, turn: int, turns: int,
            others: dict[str, Callable[[int], float]],
            augmentation: Augmentation) -> dict[str, float]:
    """Return the median bars a second of `train` and of others, which take turns with it."""
    rates: dict[str, list[float]] = {'ours': [], **{name: [] for name in others}}
    began, clock = 2 * turn, [0.0]       # the first updates are traced, and warm up

    def progress(update: int, _: int, __: dict[str, float]) -> None:
        if update < began or update % turn:
            return
        if update > began:
            rates['ours'].append(BATCH * turn / (time.perf_counter() - clock[0]))
        for name, other in others.items():
            rates[name].append(other(turn))
        clock[0] = time.perf_counter()

    q.train(data, preset, updates=began + turns * turn, augmentation=augmentation,
            threshold=0.5, progress=progress)
    # what came before the first turn warmed the others up
    return {name: statistics.median(values[name != 'ours':]) for name, values in rates.items()}


def compare(preset: str, python: str | None, options: argparse.Namespace) -> None:
    """Print what one preset reaches."""
    data = random_set(5_000)
    others = {'limit': make_limit(preset)}
    with tempfile.TemporaryDirectory() as folder:
        if python is not None:
            torch = Torch(python, preset, data, options.threads, Path(folder))
            others['torch'] = torch
        told = measure(preset, data, turn=options.turn, turns=options.turns, others=others,
                       augmentation=Augmentation())
        if python is not None:
            torch.close()
    print(f'{preset}: {told["ours"]:,.0f} bars/s; {3 * multiply_adds(preset) / 1e6:.0f} million '
          f'multiply-adds a bar allow {told["limit"]:,.0f}: ratio '
          f'{told["ours"] / told["limit"]:.2f}')
    if python is not None:
        print(f'{preset}: PyTorch {told["torch"]:,.0f} bars/s; ratio '
              f'{told["ours"] / told["torch"]:.2f} (aim: 0.8)')
    changing = get_preset(preset).augmentation
    if changing != Augmentation():
        changed = measure(preset, data, turn=options.turn, turns=options.turns // 2,
                          others={'limit': others['limit']}, augmentation=changing)
        print(f'{preset}: {changed["ours"]:,.0f} bars/s with windows changed at random; ratio '
              f'to the limit {changed["ours"] / changed["limit"]:.2f}')
    pipeline(preset, data)


def pipeline(preset: str, data: TrainingSet) -> None:
    """Print how fast batches are made while nothing is trained."""
    from qbdi_m21.model.batches import BatchPlan, make_dataset
    chosen, updates = get_preset(preset), 300
    plan = BatchPlan(data, batch=chosen.batch, max_batch=BATCH, seed=0,
                     transpose=chosen.augmentation.transpose)
    batches = iter(make_dataset(data, plan, 0, updates, augmentation=chosen.augmentation,
                                chunk=250))
    for _ in range(20):
        next(batches)
    started = time.perf_counter()
    count = sum(1 for _ in batches)
    print(f'{preset}: {BATCH * count / (time.perf_counter() - started):,.0f} bars/s are gathered '
          'and changed')


def growth(options: argparse.Namespace) -> None:
    """Print bars a second at growing corpora, as a share of the limit, and the memory."""
    sizes, shares = (1_000, 10_000, 50_000), {}
    limit = make_limit('default')
    for size in sizes:
        told = measure('default', random_set(size), turn=options.turn, turns=options.turns // 2,
                       others={'limit': limit}, augmentation=get_preset('default').augmentation)
        shares[size] = told['ours'] / told['limit']
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(f'{size:,} bars ({size * FrameSpec().num_inputs / 1e6:,.0f} MB): '
              f'{told["ours"]:,.0f} bars/s, {shares[size]:.3f} of the limit; '
              f'at most {peak:,.0f} MB so far')
    print(f'growth: {shares[sizes[-1]] / shares[sizes[0]]:.2f} from {sizes[0]:,} to '
          f'{sizes[-1]:,} bars (aim: 1)')


def main() -> None:
    """Compare each preset, then grow."""
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('presets', nargs='*', default=['default', 'dubnov2019'])
    parser.add_argument('--torch', metavar='PYTHON', help='an interpreter that has PyTorch')
    parser.add_argument('--threads', type=int, default=1,
                        help='where others use the processors too, PyTorch with more threads than '
                             'are free all but stops')
    parser.add_argument('--turn', type=int, default=20, help='updates a turn')
    parser.add_argument('--turns', type=int, default=8)
    parser.add_argument('--growth', action=argparse.BooleanOptionalAction, default=True)
    options = parser.parse_args()
    import tensorflow as tf
    tf.config.threading.set_intra_op_parallelism_threads(options.threads)
    tf.config.threading.set_inter_op_parallelism_threads(options.threads)
    here = sys.executable if importlib.util.find_spec('torch') else None
    for preset in options.presets:
        compare(preset, options.torch or here, options)
    if options.growth:
        growth(options)


if __name__ == '__main__':
    main()
