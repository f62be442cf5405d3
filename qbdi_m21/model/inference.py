"""The encoder and decoder in NumPy: a model is served without TensorFlow."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from qbdi_m21.errors import FramesError, ModelError
from qbdi_m21.model.spec import FrameSpec

FloatArray = npt.NDArray[np.float32]

#: Dense layers of the network: name -> (inputs, outputs) in terms of the model's sizes.
LAYERS = ('encoder_hidden', 'encoder_mean', 'encoder_log_variance', 'decoder_hidden',
          'decoder_logits')
STATISTICS = ('mean', 'variance', 'posterior_variance')


@dataclass(frozen=True)
class LatentModel:
    """A trained VAE for inference.

    Attributes
    ----------
    spec : FrameSpec
        What a window is.
    weights : dict of str to (kernel, bias)
        Dense layers, float32; kernels have shape (inputs, outputs).
    mean, variance, posterior_variance : ndarray of float32, shape (Z,)
        Over the training corpus: mean and variance of the posterior means, and the mean of
        the posterior variances.
    threshold : float
        A decoded probability from here on is a note.
    card : dict
        The model card: data, split, measures, versions.
    """

    spec: FrameSpec
    weights: dict[str, tuple[FloatArray, FloatArray]] = field(repr=False)
    mean: FloatArray = field(repr=False)
    variance: FloatArray = field(repr=False)
    posterior_variance: FloatArray = field(repr=False)
    threshold: float = 0.7
    card: dict[str, Any] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        hidden, latent = self.weights['encoder_hidden'][0].shape[-1], len(self.mean)
        shapes = {'encoder_hidden': (self.spec.num_inputs, hidden),
                  'encoder_mean': (hidden, latent), 'encoder_log_variance': (hidden, latent),
                  'decoder_hidden': (latent, hidden),
                  'decoder_logits': (hidden, self.spec.num_inputs)}
        for name, shape in shapes.items():
            kernel, bias = self.weights[name]
            if kernel.shape != shape or bias.shape != shape[1:]:
                raise ModelError(f'layer {name} has weights {kernel.shape} and {bias.shape}; '
                                 f'the frame specification asks for {shape}')
            if not (np.isfinite(kernel).all() and np.isfinite(bias).all()):
                raise ModelError(f'layer {name} has weights that are not finite numbers; train '
                                 'the model again')
        if not 0 < self.threshold < 1:
            raise ModelError(f'the threshold is {self.threshold}; expected a probability between '
                             '0 and 1')
        for name in STATISTICS:
            values = getattr(self, name)
            if values.shape != (latent,) or not np.all(np.isfinite(values)):
                raise ModelError(f'latent {name} of shape {values.shape} is not {latent} numbers')

    @property
    def num_latents(self) -> int:
        """Number of latents Z."""
        return len(self.mean)

    @property
    def weights_sha256(self) -> str:
        """Hash of all weights and statistics: names the model whatever its card says."""
        digest = hashlib.sha256()
        for name in LAYERS:
            for values in self.weights[name]:
                digest.update(np.ascontiguousarray(values).tobytes())
        for name in STATISTICS:
            digest.update(np.ascontiguousarray(getattr(self, name)).tobytes())
        return digest.hexdigest()

    def _dense(self, name: str, values: FloatArray) -> FloatArray:
        kernel, bias = self.weights[name]
        return np.asarray(values @ kernel + bias)

    def encode(self, windows: npt.NDArray[Any]) -> tuple[FloatArray, FloatArray]:
        """Return mean and variance of the posterior.

        Parameters
        ----------
        windows : ndarray, shape (N, W, 2P)
            Cells 0 or 1.

        Returns
        -------
        (ndarray, ndarray) of float32, shape (N, Z) each
        """
        if windows.ndim != 3 or windows.shape[1] * windows.shape[2] != self.spec.num_inputs:
            raise FramesError(
                f'windows have shape {windows.shape}; this model takes (N, '
                f'{self.spec.window_frames}, {2 * self.spec.num_pitches})')
        flat = windows.reshape(len(windows), self.spec.num_inputs).astype(np.float32)
        hidden = np.maximum(self._dense('encoder_hidden', flat), 0)
        return self._dense('encoder_mean', hidden), np.exp(
            self._dense('encoder_log_variance', hidden))

    def decode_logits(self, latents: npt.NDArray[Any]) -> FloatArray:
        """Return the logits of latents (N, Z), shape (N, W, 2P)."""
        if latents.ndim != 2 or latents.shape[1] != self.num_latents:
            raise FramesError(f'latents have shape {latents.shape}; this model takes '
                              f'(N, {self.num_latents})')
        hidden = np.maximum(self._dense('decoder_hidden', latents.astype(np.float32)), 0)
        return self._dense('decoder_logits', hidden).reshape(
            len(latents), self.spec.window_frames, -1)

    def decode(self, latents: npt.NDArray[Any]) -> FloatArray:
        """Return the probability of each cell of latents (N, Z), shape (N, W, 2P)."""
        # the clip keeps exp finite; 60 is beyond float32's 1.0
        return np.asarray(1 / (1 + np.exp(-np.clip(self.decode_logits(latents), -60, 60))))
