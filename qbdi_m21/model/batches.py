"""Which windows each update of a training sees: a plan that follows from the seed alone.

The plan of an update can be made without those before it, so that a training goes on exactly
where it was interrupted.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from qbdi_m21.model.presets import Augmentation
from qbdi_m21.model.training_set import TrainingSet

IntArray = npt.NDArray[np.int64]


class BatchPlan:
    """Rows of each update: windows in batches, or one work a batch; all once an epoch.

    Parameters
    ----------
    data : TrainingSet
        Its 'train' works are learned.
    batch : int or None
        Windows a batch; None takes one work a batch.
    max_batch : int
        A longer work gives this many of its windows, chosen anew each time.
    transpose : int
        Each window is moved at random by up to so many semitones either way.
    seed : int
        Of order, choice and transposition.
    runs : bool
        A longer work gives consecutive windows.
    """

    def __init__(self, data: TrainingSet, *, batch: int | None, max_batch: int, transpose: int,
                 seed: int, runs: bool = False) -> None:
        self.runs = runs
        self.rows, self.batch, self.max_batch = data.rows('train'), batch, max_batch
        self.transpose, self.seed = transpose, seed
        works = data.work[self.rows]
        self.works = [self.rows[works == w] for w in np.unique(works)] if batch is None else []
        self.work_of = data.work
        # the rows of a work are a run of the training rows in this order
        self.by_work = self.rows[np.argsort(works, kind='stable')]
        self.starts = np.searchsorted(data.work[self.by_work], np.arange(len(data.works) + 1))
        self.epoch_updates = (len(self.works) if batch is None
                              else math.ceil(len(self.rows) / batch))

    def updates(self, first: int, stop: int) -> Iterator[tuple[IntArray, IntArray, IntArray]]:
        """Yield (rows, partners, semitones) of updates `first` up to `stop`, counted from 0.

        The partner of a window is another, or the same, of its work.
        """
        epoch, order = -1, np.zeros(0, dtype=np.int64)
        for update in range(first, stop):
            if update // self.epoch_updates != epoch:
                epoch = update // self.epoch_updates
                rng = np.random.default_rng([self.seed, 0, epoch])
                order = rng.permutation(len(self.works) if self.batch is None else len(self.rows))
            rng = np.random.default_rng([self.seed, 1, update])
            rows = self._rows(order, update % self.epoch_updates, rng)
            work = self.work_of[rows]
            partners = self.by_work[rng.integers(self.starts[work], self.starts[work + 1])]
            yield rows, partners, rng.integers(-self.transpose, self.transpose + 1, len(rows))

    def _rows(self, order: IntArray, place: int, rng: np.random.Generator) -> IntArray:
        if self.batch is not None:
            # parts of nearly equal size, as numpy.array_split makes them
            ends = [len(order) * k // self.epoch_updates for k in (place, place + 1)]
            return np.asarray(self.rows[order[ends[0]:ends[1]]])
        rows = self.works[order[place]]
        if self.runs and len(rows) > self.max_batch:
            first = int(rng.integers(len(rows) - self.max_batch + 1))
            return np.asarray(rows[first:first + self.max_batch])
        return rng.choice(rows, self.max_batch, replace=False) if len(rows) > self.max_batch \
            else rows


def make_dataset(data: TrainingSet, plan: BatchPlan, first: int, stop: int, *,
                 augmentation: Augmentation, chunk: int) -> Any:
    """Return the windows of a plan's updates as a `tf.data.Dataset`, one element an update.

    The windows stay in TensorFlow's memory, as bytes; gathering, changing and casting run
    there, beside the training. Python is asked once for `chunk` updates.
    """
    import tensorflow as tf

    from qbdi_m21.model.augment import mix_windows, thin_windows, transpose_windows
    windows = tf.constant(data.windows.view(np.uint8))

    def chunks() -> Iterator[tuple[Any, ...]]:
        for start in range(first, stop, chunk):
            end = min(start + chunk, stop)
            rows, partners, shifts = zip(*plan.updates(start, end), strict=True)
            yield (*map(np.concatenate, (rows, partners, shifts)),
                   np.array([len(r) for r in rows]), np.arange(start, end))

    def batches(rows: Any, partners: Any, shifts: Any, sizes: Any, updates: Any) -> Any:
        ragged = [tf.RaggedTensor.from_row_lengths(values, sizes)
                  for values in (rows, partners, shifts)]
        return tf.data.Dataset.from_tensor_slices((*ragged, updates))

    def gather(rows: Any, partners: Any, shifts: Any, update: Any) -> Any:
        cells, seed = tf.gather(windows, rows), tf.stack([tf.constant(plan.seed, tf.int64), update])
        mixing, thinning = tf.unstack(tf.random.experimental.stateless_split(seed, 2))
        if augmentation.mix:
            cells = mix_windows(cells, tf.gather(windows, partners), augmentation.mix, mixing)
        if augmentation.transpose:
            cells = transpose_windows(cells, shifts)
        if augmentation.thin:
            cells = thin_windows(cells, augmentation.thin, thinning)
        return tf.cast(cells, tf.float32)

    one = tf.TensorSpec((None,), tf.int64)
    return (tf.data.Dataset.from_generator(chunks, output_signature=(one,) * 5)
            .flat_map(batches).map(gather, num_parallel_calls=1).prefetch(4))
