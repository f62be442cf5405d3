"""The variational autoencoder in Keras 3 (keras.ops only; no Lambda layers).

:class:`VAE` holds what every network has: the sample, the objective and the latents'
statistics; :class:`DenseVAE` is the paper's network, 2496 cells - 500 hidden - 500 latents -
500 hidden - 2496 cells, ReLU, N(0, 2 / fan_in) weights (Dubnov 2019, section 3; eqs 2-3).
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import keras
import numpy as np
from keras import ops

from qbdi_m21.model.presets import Objective

PACKAGE = 'qbdi_m21'


@keras.saving.register_keras_serializable(package=PACKAGE)
class Sampling(keras.layers.Layer):
    """Draw z ~ N(mean, exp(log_variance))."""

    def __init__(self, seed: int = 0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)
        self.built = True

    def call(self, inputs: tuple[Any, Any]) -> Any:
        """Return a sample of shape (batch, Z)."""
        mean, log_variance = inputs
        noise = keras.random.normal(ops.shape(mean), seed=self.seed_generator)
        return mean + ops.exp(0.5 * log_variance) * noise

    def get_config(self) -> dict[str, Any]:
        """Return what rebuilds the layer."""
        return {**super().get_config(), 'seed': self.seed}


@keras.saving.register_keras_serializable(package=PACKAGE)
class LatentStatistics(keras.layers.Layer):
    """The training corpus' latents: mean and variance of mu, and mean posterior variance."""

    def __init__(self, latent: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.latent = latent
        for name, initial in (('mean', 'zeros'), ('variance', 'ones'),
                              ('posterior_variance', 'zeros')):
            setattr(self, name, self.add_weight(
                shape=(latent,), initializer=initial, trainable=False, name=name))
        self.built = True

    def get_config(self) -> dict[str, Any]:
        """Return what rebuilds the layer."""
        return {**super().get_config(), 'latent': self.latent}


class VAE(keras.Model):
    """Variational autoencoder of windows (batch, W, 2P): what every network shares.

    Parameters
    ----------
    spec : dict
        Frame specification (:class:`qbdi_m21.model.spec.FrameSpec` as plain values).
    sizes : dict
        Of the network, as in its preset.
    objective : dict, optional
        :class:`qbdi_m21.model.presets.Objective` as plain values; the ELBO by default.
    threshold, decoding
        How it decodes (:class:`qbdi_m21.model.inference.LatentModel`).
    seed : int
        Of the initial weights and of all noise.
    card : dict, optional
        The model card: data, split, measures, versions.
    """

    def __init__(self, spec: dict[str, Any], sizes: dict[str, Any],
                 objective: dict[str, Any] | None = None, threshold: float = 0.5,
                 decoding: str = 'threshold', seed: int = 0,
                 card: dict[str, Any] | None = None, format: int = 2, **kwargs: Any) -> None:
        # names are given, not counted by Keras: the same weights give the same file
        super().__init__(**{'name': 'vae', **kwargs})
        self.spec, self.sizes, self.seed = dict(spec), dict(sizes), seed
        self.card = dict(card or {})
        self.objective = Objective(**(objective or {}))
        self.threshold, self.decoding, self.format = threshold, decoding, format
        self.frames = spec['window_frames']
        self.pitches = spec['pitch_high'] - spec['pitch_low']
        self.sampling = Sampling(seed=self.next_seed(), name='sampling')
        self.latent_statistics = LatentStatistics(sizes['latent'], name='latent_statistics')
        self.update_count = self.add_weight(shape=(), initializer='zeros', trainable=False,
                                            name='update_count')
        # only where the future counts: other models have no such weights
        self.future_map = keras.layers.Dense(
            sizes['latent'], use_bias=False, kernel_initializer='identity',
            name='future_map') if self.objective.future else None
        self.distortion = keras.metrics.Mean(name='distortion')
        self.rate = keras.metrics.Mean(name='rate')

    def next_seed(self) -> int:
        """Return a seed that no other part of the model has."""
        self._seeds = getattr(self, '_seeds', self.seed * 1000) + 1
        return self._seeds

    def dense(self, name: str, units: int, activation: str | None = None, *, scale: float = 2.0,
              bias: float = 0.0) -> Any:
        """Return a dense layer with N(0, scale / fan_in) weights, not truncated, as the paper's."""
        return keras.layers.Dense(
            units, activation=activation, name=name,
            bias_initializer=keras.initializers.Constant(bias),
            kernel_initializer=keras.initializers.VarianceScaling(
                scale=scale, mode='fan_in', distribution='untruncated_normal',
                seed=self.next_seed()))

    def dropout(self, name: str) -> Any:
        """Return a dropout layer with a seed of its own."""
        return keras.layers.Dropout(self.objective.dropout, seed=self.next_seed(), name=name)

    def build(self, input_shape: Any = None) -> None:
        """Make every weight: the shapes follow from the configuration alone."""
        if not getattr(self, 'built', False):
            windows = np.zeros((1, self.frames, 2 * self.pitches), 'float32')
            self.cell_logits(self.encode(windows)[0], windows)
            if self.future_map is not None:
                self.future_map.build((1, self.sizes['latent']))
        self.built = True

    def encode(self, windows: Any, training: bool = False) -> tuple[Any, Any]:
        """Return mean and log variance of the posterior of windows, (batch, Z) each."""
        raise NotImplementedError

    def cell_logits(self, latents: Any, windows: Any, training: bool = False) -> Any:
        """Return the logits of every cell of windows (batch, W, 2P), as the decoder meets them."""
        raise NotImplementedError

    def counted(self, windows: Any) -> Any:
        """Return 1 for the cells that the likelihood counts."""
        return ops.ones_like(windows)

    def call(self, windows: Any, training: bool = False) -> dict[str, Any]:
        """Return the logits through one latent sample, and the posterior."""
        windows = ops.cast(windows, 'float32')
        mean, log_variance = self.encode(windows, training=training)
        latents = self.sampling((mean, log_variance))
        logits = self.cell_logits(latents, windows, training=training)
        return {'logits': logits, 'latents': latents, 'mean': mean, 'log_variance': log_variance}

    def compute_loss(self, x: Any = None, y: Any = None, y_pred: Any = None,
                     sample_weight: Any = None, training: bool = True) -> Any:
        """Return what is minimised; see :class:`~qbdi_m21.model.presets.Objective`.

        Notes
        -----
        Source: Dubnov 2019, eqs 2-3, and 25 where the future counts. D is the summed sigmoid
        cross-entropy of a window and R the divergence of its posterior from N(0, 1), both in
        nats, means over the batch.
        """
        windows, logits = ops.cast(x, 'float32'), y_pred['logits']
        nats = (ops.maximum(logits, 0.0) - logits * windows
                + ops.log1p(ops.exp(-ops.abs(logits)))) * self.counted(windows)
        distortion = ops.mean(ops.sum(nats, axis=(1, 2)))
        mean, log_variance = y_pred['mean'], y_pred['log_variance']
        rate = ops.mean(0.5 * ops.sum(
            ops.square(mean) + ops.exp(log_variance) - log_variance - 1.0, axis=-1))
        self.distortion.update_state(distortion)
        self.rate.update_state(rate)
        weight: Any = self.objective.beta
        if self.objective.warmup:
            weight = weight * ops.minimum(1.0, self.update_count / self.objective.warmup)
        if training:
            self.update_count.assign(self.update_count + 1.0)
        loss = distortion + weight * ops.maximum(rate, self.objective.free_nats)
        if self.future_map is not None:
            predicted = self.future_map(y_pred['latents'])
            loss = loss - self.objective.future * future_bound(predicted, mean)
        return loss

    def get_config(self) -> dict[str, Any]:
        """Return what rebuilds the model, card included."""
        return {**super().get_config(), 'format': self.format, 'spec': self.spec,
                'sizes': self.sizes, 'objective': asdict(self.objective),
                'threshold': self.threshold, 'decoding': self.decoding, 'seed': self.seed,
                'card': self.card}


@keras.saving.register_keras_serializable(package=PACKAGE)
class DenseVAE(VAE):
    """The paper's network; :class:`qbdi_m21.model.dense.DenseModel` is its NumPy twin."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        hidden, latent = self.sizes['hidden'], self.sizes['latent']
        self.input_dropout = self.dropout('input_dropout')
        self.encoder_hidden = self.dense('encoder_hidden', hidden, 'relu')
        self.encoder_mean = self.dense('encoder_mean', latent)
        self.encoder_log_variance = self.dense('encoder_log_variance', latent)
        self.decoder_hidden = self.dense('decoder_hidden', hidden, 'relu')
        self.decoder_logits = self.dense('decoder_logits', self.frames * 2 * self.pitches)

    def encode(self, windows: Any, training: bool = False) -> tuple[Any, Any]:
        """Return mean and log variance of the posterior of windows, (batch, Z) each."""
        flat = ops.reshape(windows, (-1, self.frames * 2 * self.pitches))
        hidden = self.encoder_hidden(self.input_dropout(flat, training=training))
        return self.encoder_mean(hidden), self.encoder_log_variance(hidden)

    def cell_logits(self, latents: Any, windows: Any, training: bool = False) -> Any:
        """Return the logits of every cell (batch, W, 2P)."""
        return ops.reshape(self.decoder_logits(self.decoder_hidden(latents)),
                           (-1, self.frames, 2 * self.pitches))


#: Of the cosine that tells which window comes next.
TEMPERATURE = 0.1


def future_bound(predicted: Any, mean: Any) -> Any:
    """Return a lower bound on what latents tell of the next ones, in nats (InfoNCE).

    Parameters
    ----------
    predicted : tensor, shape (N, Z)
        Predictions of the next window's latents, made from a sample of each window's.
    mean : tensor, shape (N, Z)
        Posterior means of consecutive windows.

    Notes
    -----
    Source: van den Oord, Li & Vinyals 2018, eq 5: log N less the cross-entropy of telling the
    next window among N, here by the cosine at `TEMPERATURE`. The bound holds for any critic;
    this one is bounded, where the likelihood under the posteriors drives them to the prior
    before it tells anything. It cannot exceed log N, where N is the number of windows in the
    batch less one.
    """
    past, future = (rows / ops.sqrt(ops.sum(ops.square(rows), axis=-1, keepdims=True) + 1e-12)
                    for rows in (predicted[:-1], mean[1:]))
    scores = ops.matmul(past, ops.transpose(future)) / TEMPERATURE
    count = ops.cast(ops.shape(scores)[0], 'float32')
    nats = ops.diagonal(scores) - ops.logsumexp(scores, axis=-1)
    # a work of one window has no next one
    return ops.where(count > 0, ops.sum(nats) / ops.maximum(count, 1.0)
                     + ops.log(ops.maximum(count, 1.0)), 0.0)


def set_statistics(model: VAE, windows: np.ndarray, batch: int = 1024) -> None:
    """Store the latent statistics of a corpus in the model; windows (N, W, 2P)."""
    means, variances = [], []
    for first in range(0, len(windows), batch):
        mean, log_variance = model.encode(
            ops.convert_to_tensor(windows[first:first + batch].astype('float32')))
        means.append(ops.convert_to_numpy(mean))
        variances.append(np.exp(ops.convert_to_numpy(log_variance)))
    mean = np.concatenate(means)
    model.latent_statistics.mean.assign(mean.mean(axis=0))
    model.latent_statistics.variance.assign(mean.var(axis=0))
    model.latent_statistics.posterior_variance.assign(np.concatenate(variances).mean(axis=0))
