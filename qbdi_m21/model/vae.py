"""The paper's variational autoencoder in Keras 3 (keras.ops only; no Lambda layers).

2496 cells - 500 hidden - 500 latents - 500 hidden - 2496 cells, ReLU, N(0, 2 / fan_in) weights,
summed sigmoid cross-entropy plus Kullback-Leibler divergence (Dubnov 2019, section 3; eqs 2-3).
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops

PACKAGE = 'qbdi_m21'


@keras.saving.register_keras_serializable(package=PACKAGE)
class Sampling(keras.layers.Layer):
    """Draw z ~ N(mean, exp(log_variance)), and add the KL divergence to N(0, 1) as a loss."""

    def __init__(self, seed: int = 0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)

    def call(self, inputs: tuple[Any, Any]) -> Any:
        """Return a sample of shape (batch, Z); the loss is in nats a window."""
        mean, log_variance = inputs
        divergence = 0.5 * ops.sum(
            ops.square(mean) + ops.exp(log_variance) - log_variance - 1.0, axis=-1)
        self.add_loss(ops.mean(divergence))
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


@keras.saving.register_keras_serializable(package=PACKAGE)
class VAE(keras.Model):
    """Variational autoencoder of flat windows.

    Parameters
    ----------
    spec : dict
        Frame specification (:class:`qbdi_m21.model.spec.FrameSpec` as plain values).
    hidden, latent : int
        Units of the hidden layers, and latents Z.
    threshold : float
        A decoded probability from here on is a note.
    seed : int
        Of the initial weights and the latent noise.
    card : dict, optional
        The model card: data, split, measures, versions.
    """

    def __init__(self, spec: dict[str, Any], hidden: int, latent: int, threshold: float = 0.7,
                 seed: int = 0, card: dict[str, Any] | None = None, **kwargs: Any) -> None:
        # names are given, not counted by Keras: the same weights give the same file
        super().__init__(**{'name': 'vae', **kwargs})
        self.spec, self.hidden, self.latent = dict(spec), hidden, latent
        self.threshold, self.seed, self.card = threshold, seed, dict(card or {})
        pitches = spec['pitch_high'] - spec['pitch_low']
        self.num_inputs = spec['window_frames'] * 2 * pitches
        dense = self._dense
        self.encoder_hidden = dense('encoder_hidden', hidden, 0, 'relu')
        self.encoder_mean = dense('encoder_mean', latent, 1)
        self.encoder_log_variance = dense('encoder_log_variance', latent, 2)
        self.sampling = Sampling(seed=seed + 5, name='sampling')
        self.decoder_hidden = dense('decoder_hidden', hidden, 3, 'relu')
        self.decoder_logits = dense('decoder_logits', self.num_inputs, 4)
        self.latent_statistics = LatentStatistics(latent, name='latent_statistics')

    def _dense(self, name: str, units: int, offset: int, activation: str | None = None) -> Any:
        # He's variance, not truncated: the notebook's N(0, 2 / fan_in)
        weights = keras.initializers.VarianceScaling(
            scale=2.0, mode='fan_in', distribution='untruncated_normal', seed=self.seed + offset)
        return keras.layers.Dense(units, activation=activation, kernel_initializer=weights,
                                  name=name)

    def build(self, input_shape: Any = None) -> None:
        """Make every weight: the shapes follow from the configuration alone."""
        for layer, width in ((self.encoder_hidden, self.num_inputs),
                             (self.encoder_mean, self.hidden),
                             (self.encoder_log_variance, self.hidden),
                             (self.decoder_hidden, self.latent),
                             (self.decoder_logits, self.hidden)):
            if not layer.built:
                layer.build((None, width))
        self.built = True

    def encode(self, windows: Any) -> tuple[Any, Any]:
        """Return mean and log variance of the posterior of flat windows, (batch, Z) each."""
        hidden = self.encoder_hidden(windows)
        return self.encoder_mean(hidden), self.encoder_log_variance(hidden)

    def decode_logits(self, latents: Any) -> Any:
        """Return the logits of flat windows, shape (batch, W * 2P)."""
        return self.decoder_logits(self.decoder_hidden(latents))

    def call(self, inputs: Any) -> Any:
        """Return the logits of flat windows through one latent sample."""
        return self.decode_logits(self.sampling(self.encode(inputs)))

    def get_config(self) -> dict[str, Any]:
        """Return what rebuilds the model, card included."""
        return {**super().get_config(), 'spec': self.spec, 'hidden': self.hidden,
                'latent': self.latent, 'threshold': self.threshold, 'seed': self.seed,
                'card': self.card}


@keras.saving.register_keras_serializable(package=PACKAGE)
def bernoulli_nats(cells: Any, logits: Any) -> Any:
    """Return D: the summed sigmoid cross-entropy of each window, in nats, shape (batch,)."""
    cells = ops.cast(cells, logits.dtype)
    per_cell = ops.maximum(logits, 0.0) - logits * cells + ops.log1p(ops.exp(-ops.abs(logits)))
    return ops.sum(per_cell, axis=-1)


def set_statistics(model: VAE, windows: np.ndarray, batch: int = 1024) -> None:
    """Store the latent statistics of a corpus in the model; windows (N, W * 2P)."""
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
