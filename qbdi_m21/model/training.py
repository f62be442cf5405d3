"""Training a VAE on a TrainingSet with Keras."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from importlib import metadata
from pathlib import Path
from typing import Any

import keras
import numpy as np

import qbdi_m21
from qbdi_m21.errors import CorpusError, ModelError
from qbdi_m21.model.batches import BatchPlan, make_dataset
from qbdi_m21.model.bounds import distortion_and_rate, evenly
from qbdi_m21.model.card import make_card
from qbdi_m21.model.checkpoint import Arrays, TrainingState, load_checkpoint, save_checkpoint
from qbdi_m21.model.context_vae import ContextVAE
from qbdi_m21.model.generation import density_threshold
from qbdi_m21.model.inference import LatentModel
from qbdi_m21.model.presets import Augmentation, Objective, Preset, check_training, get_preset
from qbdi_m21.model.store import from_keras
from qbdi_m21.model.training_set import TrainingSet
from qbdi_m21.model.vae import VAE, DenseVAE, set_statistics

Progress = Callable[[int, int, dict[str, float]], None]

NETWORKS: dict[str, type[VAE]] = {'dense': DenseVAE, 'context': ContextVAE}

#: Validation windows that are measured each round, evenly taken.
MAX_VALIDATION = 2000

#: Seconds between two checkpoints.
CHECKPOINT_SECONDS = 30.0

#: Updates that TensorFlow makes between two looks from Python.
EXECUTION = 10


def train(
    data: TrainingSet, preset: str = 'default', *, updates: int | None = None,
    augmentation: Augmentation | None = None, objective: Objective | None = None,
    patience: int | None = None, threshold: float | None = None, budget: float | None = None,
    seed: int = 0, name: str = '',
    start: VAE | None = None, checkpoint: str | os.PathLike[str] | None = None,
    progress: Progress | None = None,
) -> tuple[VAE, LatentModel]:
    """Train a VAE and measure it on the held-out works.

    Parameters
    ----------
    data : TrainingSet
        The 'train' works are learned; 'validation' chooses the best round, if there is any;
        'test' is only measured.
    preset : str
        Network and training (:data:`qbdi_m21.model.presets.PRESETS`).
    updates : int, optional
        Instead of the preset's; rounded up to whole rounds.
    augmentation : Augmentation, optional
        How windows are changed while training; the preset's by default.
    objective : Objective, optional
        What is minimised, such as another weight of R (beta); the preset's by default.
    patience : int, optional
        Stop after so many rounds without a better validation measure; the preset's by default.
    threshold : float, optional
        A decoded probability from here on is a note, and the model decodes by this rule; by
        default the preset's, and without one that at which the validation works (or else the
        training works) come back as dense.
    budget : float, optional
        Minutes after which the training ends, with the best weights so far. How many updates
        that is depends on the machine.
    seed : int
        Of the weights, the batches, the noise and the measures.
    name : str
        For the card.
    start : VAE, optional
        Go on from this model (fine-tuning); its network is kept, whatever the preset's.
    checkpoint : path, optional
        Kept up to date while training; if it is there, the training goes on from it, with the
        same result as if it had not been interrupted. Left for the caller to delete.
    progress : callable, optional
        Called as ``progress(update, updates, measures)``.

    Returns
    -------
    (VAE, LatentModel)
        The Keras model with its statistics and card, and the same for NumPy.

    Raises
    ------
    CorpusError
        If there is nothing to learn.
    ModelError
        If the loss is no number any more, the checkpoint cannot be written or is another
        training's, or `start` has another frame specification.

    Notes
    -----
    Source: Dubnov 2019, section 3. The weights of the best round on the validation works are
    kept: the paper's 20,000 updates overfit.
    """
    check_training(updates=updates, patience=patience, threshold=threshold, budget=budget,
                   seed=seed)
    given: dict[str, Any] = {'updates': updates, 'augmentation': augmentation,
                             'objective': objective, 'patience': patience, 'threshold': threshold,
                             'decoding': None if threshold is None else 'threshold'}
    chosen = replace(get_preset(preset), **{k: v for k, v in given.items() if v is not None})
    if not len(data.rows('train')):
        raise CorpusError('no work is in the training split; give more works')
    model = _make_model(data, chosen, start, seed)
    origin = from_keras(start).weights_sha256 if start is not None else None
    run = _Run(model, data, chosen, seed=seed, budget=budget, progress=progress,
               checkpoint=Path(checkpoint) if checkpoint is not None else None,
               key={'preset': preset, 'settings': {
                        k: v for k, v in asdict(chosen).items()
                        if k not in ('updates', 'patience', 'threshold', 'decoding')},
                    'seed': seed, 'data': data.sha256, 'fine_tuned_from': origin,
                    **_libraries(), 'qbdi_m21': qbdi_m21.__version__})
    run.go()
    set_statistics(model, data.windows[data.rows('train')])
    model.threshold = chosen.threshold or density_threshold(
        from_keras(model), _some(data, 'validation' if len(data.rows('validation')) else 'train'),
        seed=seed)
    model.card = make_card(from_keras(model), data, preset, chosen, run.state, seed=seed, name=name,
                           budget=budget, start=start, origin=origin,
                           libraries=_libraries())
    return model, from_keras(model)


class _Adam(keras.optimizers.Adam):
    """Adam whose moving average of the weights spans a tenth of the updates so far, at most.

    So the first weights are forgotten whenever the training ends.
    """

    @property
    def ema_momentum(self) -> Any:
        """Momentum of the average at this update."""
        update = keras.ops.cast(self.iterations, 'float32')
        return keras.ops.minimum(self._most, (1 + update) / (10 + update))

    @ema_momentum.setter
    def ema_momentum(self, most: float) -> None:
        self._most = most

    def apply(self, grads: Any, trainable_variables: Any = None) -> None:
        """Change the weights, by one compiled pass over them (XLA).

        For every weight it is a dozen operations on memory, which TensorFlow makes one by one:
        more than the products of a small batch take.
        """
        if keras.backend.backend() != 'tensorflow':
            super().apply(grads, trainable_variables)
            return
        import tensorflow as tf
        plain = super().apply
        tf.function(lambda *given: plain(list(given), trainable_variables),
                    jit_compile=True)(*grads)


def _libraries() -> dict[str, str]:
    return {'keras': keras.__version__, 'backend': keras.backend.backend(),
            **{name: metadata.version(name) for name in ('tensorflow', 'numpy')}}


def _make_model(data: TrainingSet, preset: Preset, start: VAE | None, seed: int) -> VAE:
    if start is not None and start.spec != data.spec.to_json():
        raise ModelError(f'the model to go on from takes windows of {start.spec} and the training '
                         f'set holds {data.spec.to_json()}; build the set with its specification')
    network = NETWORKS[preset.network] if start is None else type(start)
    sizes = preset.sizes if start is None else start.sizes
    model = network(data.spec.to_json(), sizes, asdict(preset.objective),
                    threshold=preset.threshold or 0.5, decoding=preset.decoding, seed=seed)
    model.build()
    if start is not None:
        _assign(model.trainable_variables, start.trainable_variables)
        model.update_count.assign(start.update_count)       # no warm-up again
    optimizer = _Adam(preset.learning_rate, use_ema=preset.average > 0,
                      ema_momentum=preset.average, name='adam')
    # compiled code (XLA) takes twice as long for these convolutions on a processor; but JAX
    # without it goes through every operation in Python. PyTorch makes one update at a time
    backend = keras.backend.backend()
    model.compile(optimizer=optimizer, jit_compile=backend == 'jax',
                  steps_per_execution=1 if backend == 'torch' else EXECUTION)
    optimizer.build(model.trainable_variables)
    return model


def _assign(variables: list[Any], values: list[Any]) -> None:
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)


def _some(data: TrainingSet, split: str) -> Any:
    """Return the windows of a split, evenly thinned where there are many."""
    rows = data.rows(split)
    return data.windows[rows[evenly(len(rows), MAX_VALIDATION)]]


class _Run(keras.callbacks.Callback):
    """Rounds of updates, each measured, the best kept, and the whole state saved."""

    def __init__(self, model: VAE, data: TrainingSet, preset: Preset, *, seed: int,
                 budget: float | None, progress: Progress | None, checkpoint: Path | None,
                 key: dict[str, Any]) -> None:
        super().__init__()
        self.vae, self.preset, self.data, self.seed = model, preset, data, seed
        self.budget, self.progress, self.checkpoint, self.key = budget, progress, checkpoint, key
        rounds = math.ceil(preset.updates / preset.round_updates)
        # whole rounds of whole executions
        self.round = math.ceil(preset.updates / rounds / EXECUTION) * EXECUTION
        self.rounds = math.ceil(preset.updates / self.round)
        self.validation = _some(data, 'validation')
        self.state, self.best = TrainingState(), [v.numpy() for v in model.trainable_variables]
        self.measures: dict[str, float] = {}

    @property
    def variables(self) -> list[Any]:
        """Everything that a training changes."""
        return [*self.vae.variables, *self.vae.optimizer.variables]

    def go(self) -> None:
        """Train, from the checkpoint if there is one, and leave the best weights in the model."""
        if self.checkpoint is not None and self.checkpoint.is_file():
            self.state, values, self.best = load_checkpoint(self.checkpoint, self.key)
            if self.state.curve[0][0] != self.round:
                raise ModelError(f'the checkpoint {self.checkpoint} is of a training of another '
                                 'number of updates, and of other rounds; call as before to go '
                                 'on, or delete it to begin anew')
            _assign(self.variables, values)
        done, self.began = self.state.update // self.round, time.monotonic()
        if done < self.rounds and not self.is_over():
            plan = BatchPlan(self.data, batch=self.preset.batch, max_batch=self.preset.max_batch,
                             transpose=self.preset.augmentation.transpose, seed=self.seed,
                             runs=self.preset.objective.future > 0)
            batches = make_dataset(self.data, plan, done * self.round, self.rounds * self.round,
                                   augmentation=self.preset.augmentation, chunk=self.round)
            self.vae.fit(batches, initial_epoch=done, epochs=self.rounds, verbose=0,
                         shuffle=False, steps_per_epoch=self.round, callbacks=[self])
        _assign(self.vae.trainable_variables, self.best)

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Tell the progress function."""
        if self.progress is not None:
            self.progress(self.state.update + batch + 1, self.rounds * self.round, self.measures)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Measure the round, keep the best weights, save, and see whether to stop."""
        told = [float((logs or {})[name]) for name in ('distortion', 'rate')]
        averaged = self._averaged()
        if not (np.isfinite(told).all() and all(np.isfinite(part).all() for part in averaged)):
            raise ModelError(f'the training loss is no longer a number after update '
                             f'{self.state.update}; begin anew with another seed or preset'
                             + (f'; the checkpoint {self.checkpoint} holds that update'
                                if self.checkpoint and self.checkpoint.is_file() else ''))
        held_out = self._validate(averaged)
        passed, self.began = time.monotonic() - self.began, time.monotonic()
        update = self.state.update + self.round
        row = [update, *(round(x, 3) for x in told), *held_out]
        self.state = replace(self.state, update=update, curve=(*self.state.curve, row),
                             minutes=self.state.minutes + passed / 60)
        self.measures = {'bound': sum(told)}
        if held_out[0] is not None:
            self.measures['held_out'] = sum(held_out)       # type: ignore[arg-type]
        if held_out[0] is None or self._scores()[-1] <= min(self._scores()):
            self.best, self.state = averaged, replace(self.state, best_update=update)
        self._save(last=epoch + 1 == self.rounds or self.is_over())
        if self.is_over():
            self.vae.stop_training = True

    def is_over(self) -> bool:
        """Return whether the budget is spent, or patience is at its end."""
        waited = (self.state.update - self.state.best_update) // self.round
        return bool(self.state.update) and (
            (self.budget is not None and self.state.minutes >= self.budget)
            or (self.preset.patience is not None and waited >= self.preset.patience))

    def _averaged(self) -> Arrays:
        """Return the moving average of the weights, or the weights where none is kept."""
        variables = (self.vae.optimizer._model_variables_moving_average
                     if self.preset.average else self.vae.trainable_variables)
        return [v.numpy() for v in variables]

    def _scores(self) -> list[float]:
        return [row[3] + row[4] for row in self.state.curve]

    def _validate(self, weights: Arrays) -> tuple[float | None, float | None]:
        if not len(self.validation):
            return None, None
        held = [v.numpy() for v in self.vae.trainable_variables]
        _assign(self.vae.trainable_variables, weights)
        served = from_keras(self.vae)
        _assign(self.vae.trainable_variables, held)
        distortion, rate = distortion_and_rate(served, self.validation, samples=2, seed=self.seed)
        return round(distortion, 3), round(rate, 3)

    def _save(self, *, last: bool) -> None:
        now = time.monotonic()
        if self.checkpoint is not None and (
                last or now - getattr(self, 'saved', -math.inf) >= CHECKPOINT_SECONDS):
            save_checkpoint(self.checkpoint, self.key, self.state,
                            [np.asarray(v) for v in self.variables], self.best)
            self.saved = now
