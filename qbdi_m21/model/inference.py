"""A trained model for inference, in NumPy: served without TensorFlow.

:class:`LatentModel` is what every network offers; :mod:`qbdi_m21.model.dense` and
:mod:`qbdi_m21.model.context` hold the networks.
"""

from __future__ import annotations

import abc
import hashlib
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from qbdi_m21.errors import FramesError, ModelError
from qbdi_m21.model.decoding import CellChooser, check_decoding
from qbdi_m21.model.spec import FrameSpec

FloatArray = npt.NDArray[np.float32]
BoolArray = npt.NDArray[np.bool_]
Shape = tuple[int, ...]

STATISTICS = ('mean', 'variance', 'posterior_variance')

#: Products of small matrices raise these flags at random in some builds of OpenBLAS, which read
#: lanes that they then leave out; weights and cells are finite.
BLAS_FLAGS: dict[str, Any] = {'divide': 'ignore', 'over': 'ignore', 'invalid': 'ignore'}

#: Windows that are decoded at a time: bounds memory to some 50 MB.
CHUNK = 256


@dataclass(frozen=True)
class LatentModel(abc.ABC):
    """A trained VAE for inference.

    Attributes
    ----------
    spec : FrameSpec
        What a window is.
    sizes : dict of str to int or list of int
        The network's sizes, by the names of its preset.
    weights : dict of str to tuple of ndarray
        Of each layer, kernel first, float32.
    mean, variance, posterior_variance : ndarray of float32, shape (Z,)
        Over the training corpus: mean and variance of the posterior means, and the mean of
        the posterior variances.
    threshold : float
        A decoded probability from here on is a note, by the rule 'threshold'.
    decoding : {'threshold', 'sample', 'density'}
        The model's own rule (:mod:`qbdi_m21.model.decoding`).
    card : dict
        The model card: data, split, measures, versions.
    """

    #: Name of the network in presets and in model files.
    network: ClassVar[str]

    spec: FrameSpec
    sizes: dict[str, Any]
    weights: dict[str, tuple[FloatArray, ...]] = field(repr=False)
    mean: FloatArray = field(repr=False)
    variance: FloatArray = field(repr=False)
    posterior_variance: FloatArray = field(repr=False)
    threshold: float = 0.5
    decoding: str = 'threshold'
    card: dict[str, Any] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        for name, expected in self.shapes(self.spec, self.sizes).items():
            given = tuple(np.shape(part) for part in self.weights[name])
            if given != expected:
                raise ModelError(f'layer {name} has weights {given}; the frame specification and '
                                 f'sizes of the model ask for {expected}')
            if not all(np.isfinite(part).all() for part in self.weights[name]):
                raise ModelError(f'layer {name} has weights that are not finite numbers; train '
                                 'the model again')
        if not 0 < self.threshold < 1:
            raise ModelError(f'the threshold is {self.threshold}; expected a probability between '
                             '0 and 1')
        check_decoding(self.decoding, self.threshold)
        latent = self.sizes['latent']
        for name in STATISTICS:
            values = getattr(self, name)
            if values.shape != (latent,) or not np.all(np.isfinite(values)):
                raise ModelError(f'latent {name} of shape {values.shape} is not {latent} numbers')

    @classmethod
    @abc.abstractmethod
    def shapes(cls, spec: FrameSpec, sizes: dict[str, Any]) -> dict[str, tuple[Shape, ...]]:
        """Return the shapes of each layer's weights."""

    @property
    def num_latents(self) -> int:
        """Number of latents Z."""
        return len(self.mean)

    @property
    def weights_sha256(self) -> str:
        """Hash of all weights and statistics: names the model whatever its card says."""
        digest = hashlib.sha256(self.network.encode())
        for name in sorted(self.weights):
            for values in self.weights[name]:
                digest.update(np.ascontiguousarray(values).tobytes())
        for name in STATISTICS:
            digest.update(np.ascontiguousarray(getattr(self, name)).tobytes())
        return digest.hexdigest()

    def encode(self, windows: npt.NDArray[Any]) -> tuple[FloatArray, FloatArray]:
        """Return mean and variance of the posterior.

        Parameters
        ----------
        windows : ndarray, shape (N, W, 2P)
            Cells 0 or 1: sounding plane, then onset plane.

        Returns
        -------
        (ndarray, ndarray) of float32, shape (N, Z) each
        """
        self._check_windows(windows)
        with np.errstate(**BLAS_FLAGS):
            mean, log_variance = self._encode(windows.astype(np.float32))
        return mean, np.exp(log_variance)

    def cell_logits(self, latents: npt.NDArray[Any], windows: npt.NDArray[Any]) -> FloatArray:
        """Return the log odds of every cell of given windows, as the decoder meets them.

        Parameters
        ----------
        latents : ndarray, shape (N, Z)
        windows : ndarray, shape (N, W, 2P)
            A network with context sees, for each cell, the cells of the window that come before
            it (teacher forcing); the paper's network does not look at them.

        Returns
        -------
        ndarray of float32, shape (N, W, 2P)
        """
        self._check_latents(latents)
        self._check_windows(windows)
        if len(latents) != len(windows):
            raise FramesError(f'{len(latents)} latents for {len(windows)} windows')
        with np.errstate(**BLAS_FLAGS):
            return self._cell_logits(latents.astype(np.float32), windows)

    def negative_log_likelihood(self, latents: npt.NDArray[Any],
                                windows: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
        """Return -log p(window | latent) in nats, shape (N,)."""
        logits = self.cell_logits(latents, windows)
        nats = np.maximum(logits, 0) - logits * windows + np.log1p(np.exp(-np.abs(logits)))
        return np.asarray((nats * self.counted(windows)).sum(axis=(1, 2), dtype=np.float64))

    def counted(self, windows: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Return which cells the likelihood counts, shape that of windows (or broadcast to it)."""
        return np.ones((1, 1, 1), dtype=np.bool_)

    def decode(self, latents: npt.NDArray[Any], *, rule: str | None = None,
               threshold: float | None = None,
               rng: np.random.Generator | None = None) -> tuple[BoolArray, FloatArray]:
        """Generate windows from latents alone.

        Parameters
        ----------
        latents : ndarray, shape (N, Z)
        rule : {'threshold', 'sample', 'density'}, optional
            How probabilities become notes; the model's own by default.
        threshold : float, optional
            For 'threshold'; the model's own by default.
        rng : numpy Generator, optional
            For 'sample'; seeded with 0 by default.

        Returns
        -------
        cells : ndarray of bool, shape (N, W, 2P)
            Onsets lie where cells sound.
        probability : ndarray of float32, shape (N, W, 2P)
            Of each cell when it was chosen: of sounding, and of an onset where it sounds.
        """
        self._check_latents(latents)
        rng = np.random.default_rng(0) if rng is None else rng
        chosen, limit = rule or self.decoding, self.threshold if threshold is None else threshold
        with np.errstate(**BLAS_FLAGS):
            parts = [self._decode(latents[k:k + CHUNK].astype(np.float32),
                                  # onsets keep their own count
                                  *(CellChooser(chosen, limit, rng) for _ in range(2)))
                     for k in range(0, max(len(latents), 1), CHUNK)]
        cells, probability = (np.concatenate(part) for part in zip(*parts, strict=True))
        return cells, probability

    @abc.abstractmethod
    def _encode(self, windows: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return mean and log variance."""

    @abc.abstractmethod
    def _cell_logits(self, latents: FloatArray, windows: npt.NDArray[Any]) -> FloatArray:
        ...

    @abc.abstractmethod
    def _decode(self, latents: FloatArray, sounding: CellChooser,
                onset: CellChooser) -> tuple[BoolArray, FloatArray]:
        ...

    def _check_windows(self, windows: npt.NDArray[Any]) -> None:
        expected = self.spec.window_frames, 2 * self.spec.num_pitches
        if windows.ndim != 3 or windows.shape[1:] != expected:
            raise FramesError(f'windows have shape {windows.shape}; this model takes (N, '
                              f'{expected[0]}, {expected[1]})')

    def _check_latents(self, latents: npt.NDArray[Any]) -> None:
        if latents.ndim != 2 or latents.shape[1] != self.num_latents:
            raise FramesError(f'latents have shape {latents.shape}; this model takes '
                              f'(N, {self.num_latents})')


def dense(layer: tuple[FloatArray, ...], values: FloatArray) -> FloatArray:
    """Return a dense layer's output: values (..., I) times kernel (I, O), plus a bias if any."""
    out = values @ layer[0]
    return np.asarray(out + layer[1] if len(layer) > 1 else out)


def relu(values: FloatArray) -> FloatArray:
    """Return max(values, 0)."""
    return np.maximum(values, 0)


def sigmoid(logits: FloatArray) -> FloatArray:
    """Return probabilities; the clip keeps exp finite, and 60 is beyond float32's 1.0."""
    return np.asarray(1 / (1 + np.exp(-np.clip(logits, -60, 60))))
