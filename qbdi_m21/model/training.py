"""Training a VAE on a TrainingSet with Keras."""

from __future__ import annotations

import math
import platform
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

import qbdi_m21
from qbdi_m21.errors import CorpusError, ModelError, ParameterError
from qbdi_m21.model.evaluation import density_threshold, evaluate
from qbdi_m21.model.inference import LatentModel
from qbdi_m21.model.spec import Preset, check_training, get_preset
from qbdi_m21.model.store import from_keras
from qbdi_m21.model.training_set import SPLITS, TrainingSet
from qbdi_m21.model.vae import VAE, bernoulli_nats, set_statistics

Progress = Callable[[int, int, dict[str, float]], None]


class _Batches(keras.utils.PyDataset):
    """Batches of flat windows: one work each, or a fixed number of windows."""

    def __init__(self, data: TrainingSet, preset: Preset, *, transpose: int, seed: int) -> None:
        super().__init__()
        self.windows, self.transpose = data.windows, transpose
        self.rng = np.random.default_rng(seed)
        rows = data.rows('train')
        if preset.batch is None:
            works = data.work[rows]
            self.groups = [rows[works == w] for w in np.unique(works)]
        else:
            self.groups, self.rows = [], rows
        self.batch, self.max_batch = preset.batch, preset.max_batch
        self.order: list[npt.NDArray[np.int64]] = []
        self.on_epoch_end()

    def __len__(self) -> int:
        return len(self.order)

    def on_epoch_end(self) -> None:
        """Shuffle the works, or the windows."""
        if self.batch is None:
            self.order = [self.groups[i] for i in self.rng.permutation(len(self.groups))]
        else:
            rows = self.rng.permutation(self.rows)
            self.order = np.array_split(rows, math.ceil(len(rows) / self.batch))

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        rows = self.order[index]
        if len(rows) > self.max_batch:
            rows = self.rng.choice(rows, self.max_batch, replace=False)
        windows = self.windows[rows]
        if self.transpose:
            shift = int(self.rng.integers(-self.transpose, self.transpose + 1))
            windows = transpose_windows(windows, shift)
        flat = windows.reshape(len(rows), -1).astype(np.float32)
        return flat, flat


def transpose_windows(windows: npt.NDArray[np.bool_], semitones: int) -> npt.NDArray[np.bool_]:
    """Return windows (N, W, 2P) moved by semitones; cells that leave the range are lost."""
    planes = windows.reshape(*windows.shape[:2], 2, -1)
    moved = np.zeros_like(planes)
    width = max(planes.shape[3] - abs(semitones), 0)
    source, target = max(-semitones, 0), max(semitones, 0)
    moved[..., target:target + width] = planes[..., source:source + width]
    return moved.reshape(windows.shape)


class _Reporter(keras.callbacks.Callback):
    """Tell a progress function how far the training is, and stop at a loss that is no number."""

    def __init__(self, progress: Progress | None, updates: int) -> None:
        super().__init__()
        self.progress, self.updates, self.done = progress, updates, 0
        self.curve: list[tuple[int, float, float]] = []
        self.logs: dict[str, float] = {}

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        self.done += 1
        if self.progress is not None:
            self.progress(self.done, self.updates, {**self.logs, **(logs or {})})

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        logs = logs or {}
        self.logs = {k: v for k, v in logs.items() if k.startswith('val_')}
        if not math.isfinite(logs.get('loss', 0.0)):
            raise ModelError('the training loss is no longer a number; lower the learning rate')
        self.curve.append((self.done, round(logs.get('loss', math.nan), 3),
                           round(logs.get('val_loss', math.nan), 3)))


def train(
    data: TrainingSet, preset: str = 'dubnov2019', *, updates: int | None = None,
    transpose: int = 0, patience: int | None = None, threshold: float | None = None,
    seed: int = 0, name: str = '', progress: Progress | None = None,
) -> tuple[VAE, LatentModel]:
    """Train a VAE and measure it on the held-out works.

    Parameters
    ----------
    data : TrainingSet
        The 'train' works are learned; 'validation' chooses the best epoch, if there is any;
        'test' is only measured.
    preset : str
        Network and training (:data:`qbdi_m21.model.spec.PRESETS`).
    updates : int, optional
        Instead of the preset's.
    transpose : int
        Move each batch at random by up to so many semitones either way.
    patience : int, optional
        Stop after so many epochs without a better validation loss.
    threshold : float, optional
        A decoded probability from here on is a note; by default the one at which the
        validation works come back with as many sounding cells as they have, and without
        such works the preset's.
    seed : int
        Of the weights, the batches, the noise and the measures.
    name : str
        For the card.
    progress : callable, optional
        Called as ``progress(update, updates, losses)``.

    Returns
    -------
    (VAE, LatentModel)
        The Keras model with its statistics and card, and the same for NumPy.

    Notes
    -----
    Source: Dubnov 2019, section 3. The weights of the best epoch on the validation works are
    kept: the paper's 20,000 updates overfit.
    """
    chosen = get_preset(preset)
    updates = chosen.updates if updates is None else updates
    check_training(updates=updates, transpose=transpose, patience=patience, threshold=threshold)
    if transpose >= data.spec.num_pitches:
        raise ParameterError(f'transpose is {transpose} semitones; the model has '
                             f'{data.spec.num_pitches} pitches')
    if not len(data.rows('train')):
        raise CorpusError('no work is in the training split; give more works')
    batches = _Batches(data, chosen, transpose=transpose, seed=seed)
    model = VAE(data.spec.to_json(), chosen.hidden, chosen.latent, chosen.threshold, seed)
    model.build()
    model.compile(optimizer=keras.optimizers.Adam(chosen.learning_rate), loss=bernoulli_nats,
                  jit_compile=False)
    held_out = data.flat('validation')
    reporter = _Reporter(progress, updates)
    callbacks: list[Any] = [reporter]
    epochs = math.ceil(updates / len(batches))
    if len(held_out):
        callbacks.append(keras.callbacks.EarlyStopping(
            monitor='val_loss', patience=patience or epochs, restore_best_weights=True))
    # the batches shuffle themselves by the seed; Keras would shuffle by the global state
    model.fit(batches, epochs=epochs, verbose=0, shuffle=False, callbacks=callbacks,
              validation_data=(held_out, held_out) if len(held_out) else None,
              validation_batch_size=256)
    set_statistics(model, data.flat('train'))
    if threshold is None:
        threshold = (density_threshold(from_keras(model), data.windows[data.rows('validation')],
                                       seed=seed) if len(held_out) else chosen.threshold)
    model.threshold = threshold
    model.card = {
        'name': name, 'threshold': threshold, 'qbdi_m21': qbdi_m21.__version__,
        'keras': keras.__version__, 'backend': keras.backend.backend(),
        'python': platform.python_version(),
        'preset': {'name': preset, **asdict(chosen)}, 'seed': seed, 'transpose': transpose,
        'updates': reporter.done, 'best_update': _best(reporter.curve), 'curve': reporter.curve,
        'data': {**data.about, 'sha256': data.sha256, 'works': len(data.works),
                 'bars': {s: len(data.rows(s)) for s in SPLITS},
                 'split': {s: [w for w, k in zip(data.works, data.split, strict=True) if k == i]
                           for i, s in enumerate(SPLITS)}},
    }
    served = from_keras(model)
    model.card['measures'] = {
        split: evaluate(served, data.windows[data.rows(split)], seed=seed)
        for split in SPLITS if len(data.rows(split))}
    return model, served


def _best(curve: list[tuple[int, float, float]]) -> int:
    scored = [(validation, update) for update, _, validation in curve if validation == validation]
    return min(scored)[1] if scored else curve[-1][0]
