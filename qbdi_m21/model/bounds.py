"""What a model's likelihood says of windows: D, R, tighter bounds, and the information told.

All is in nats a window unless a name says bits. Latents are worked on in double precision (the
densities of narrow posteriors need it), the network in single precision; sums are double.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from qbdi_m21.errors import FramesError, ParameterError
from qbdi_m21.model.inference import LatentModel

FloatArray = npt.NDArray[np.float64]
Windows = npt.NDArray[np.bool_]
#: Told how many windows have gone through the decoder since the last call.
Tick = Callable[[int], None]

BITS_A_NAT = 1 / math.log(2)

#: Windows that the network works on at a time: bounds memory.
CHUNK = 256

#: Densities of a mixture that are held at a time: 32 MB.
_MIXED = 1 << 22


@dataclass(frozen=True)
class Posterior:
    """Gaussian posteriors of N windows.

    Attributes
    ----------
    mean, variance : ndarray of float64, shape (N, Z)
    """

    mean: FloatArray
    variance: FloatArray

    def __len__(self) -> int:
        return len(self.mean)

    def sample(self, rng: np.random.Generator) -> FloatArray:
        """Return one latent a window, shape (N, Z)."""
        return np.asarray(
            self.mean + np.sqrt(self.variance) * rng.standard_normal(self.mean.shape))

    def select(self, rows: npt.NDArray[np.int64]) -> Posterior:
        """Return the posteriors of some of the windows."""
        return Posterior(self.mean[rows], self.variance[rows])

    def divergence_nats(self) -> FloatArray:
        """Return the divergence of each latent of each window from the prior, shape (N, Z)."""
        return divergence_nats(self.mean, self.variance)


def divergence_nats(mean: npt.NDArray[Any], variance: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return KL(N(mean, variance) || N(0, 1)) of each latent, in nats; the shape stays."""
    return np.asarray(0.5 * (mean ** 2 + variance - np.log(variance) - 1))


def check_measuring(windows: npt.NDArray[Any], samples: int, seed: int) -> None:
    """Raise an error unless there are windows, at least one sample, and a seed.

    Raises
    ------
    FramesError
        If there is no window.
    ParameterError
        If `samples` or `seed` is out of range.
    """
    if not len(windows):
        raise FramesError('there is no window to measure a model on; give at least one')
    if samples < 1 or seed < 0:
        raise ParameterError(f'samples is {samples} and seed {seed}; expected at least one sample '
                             'and a seed of 0 or more')


def evenly(count: int, most: int) -> npt.NDArray[np.int64]:
    """Return the rows 0 to count - 1, or where these are more than `most`, so many of them."""
    rows = np.linspace(0, count - 1, most) if count > most else np.arange(count)
    return np.rint(rows).astype(np.int64)


def encode_windows(model: LatentModel, windows: Windows) -> Posterior:
    """Return the posteriors of windows (N, W, 2P), chunk by chunk."""
    parts = [model.encode(windows[k:k + CHUNK]) for k in range(0, len(windows), CHUNK)]
    mean, variance = (np.concatenate([part[k] for part in parts]).astype(np.float64)
                      for k in (0, 1))
    return Posterior(mean, variance)


def cell_nats(model: LatentModel, latents: FloatArray, windows: Windows,
              tick: Tick | None = None) -> FloatArray:
    """Return -log p(window | latent) of each pair in nats, chunk by chunk, shape (N,)."""
    nats = np.empty(len(windows))
    for k in range(0, len(windows), CHUNK):
        part = windows[k:k + CHUNK]
        nats[k:k + CHUNK] = model.negative_log_likelihood(latents[k:k + CHUNK], part)
        if tick is not None:
            tick(len(part))
    return nats


def distortion_and_rate(model: LatentModel, windows: Windows, *, samples: int,
                        seed: int) -> tuple[float, float]:
    """Return D and R, means over windows.

    Parameters
    ----------
    model : LatentModel
    windows : ndarray of bool, shape (N, W, 2P)
    samples : int
        Latent samples a window for D; R is exact.
    seed : int
        Of the samples.

    Returns
    -------
    (float, float)
        In nats a window.

    Raises
    ------
    FramesError, ParameterError
        As :func:`check_measuring`.

    Notes
    -----
    Source: Dubnov 2019, eqs 1-2; Alemi et al. 2018, eqs 4-5. D is the expected negative log
    likelihood of the decoder and R the divergence of the posterior from the prior; D + R is
    -ELBO.
    """
    check_measuring(windows, samples, seed)
    rng = np.random.default_rng(seed)
    posterior = encode_windows(model, windows)
    total = math.fsum(float(cell_nats(model, posterior.sample(rng), windows).mean())
                      for _ in range(samples))
    return total / samples, float(posterior.divergence_nats().sum(axis=1).mean())


def log_weights(model: LatentModel, windows: Windows, posterior: Posterior, *, samples: int,
                rng: np.random.Generator, tick: Tick | None = None) -> FloatArray:
    """Return log p(x, z) - log q(z | x) of samples z of the posterior, shape (samples, N).

    The mean is the ELBO; :func:`importance_weighted_nats` makes a tighter bound of them.
    """
    weights = np.empty((samples, len(windows)))
    log_scale = 0.5 * np.log(posterior.variance).sum(axis=1)
    for row in weights:
        noise = rng.standard_normal(posterior.mean.shape)
        latents = posterior.mean + np.sqrt(posterior.variance) * noise
        # the constants of both Gaussians cancel
        ratio = 0.5 * (noise ** 2 - latents ** 2).sum(axis=1) + log_scale
        row[:] = ratio - cell_nats(model, latents, windows, tick)
    return weights


def importance_weighted_nats(weights: npt.NDArray[Any]) -> float:
    """Return an upper bound on -log p(x), mean over windows, in nats.

    Parameters
    ----------
    weights : ndarray, shape (K, N)
        Of :func:`log_weights`.

    Returns
    -------
    float
        -log of the mean of K weights: -ELBO for K = 1, and closer to -log p(x), in
        expectation never below it, the larger K.

    Notes
    -----
    Source: Burda, Grosse & Salakhutdinov 2016, eq. 8 and theorem 1.
    """
    return float((math.log(len(weights)) - _log_sum(weights.T)).mean())


def informed_nats(latents: FloatArray, posterior: Posterior) -> FloatArray:
    """Return log q(z_i | x_i) - log q(z_i) with q(z) the mean of all given posteriors.

    Parameters
    ----------
    latents : ndarray, shape (N, Z)
        Latent i is a sample of posterior i.
    posterior : Posterior
        Of the same N windows.

    Returns
    -------
    ndarray of float64, shape (N,)
        In nats. Its expectation is the mutual information of window and latent, for a source
        that gives each of these windows with probability 1 / N; none exceeds log N.

    Notes
    -----
    Source: Hoffman & Johnson 2016, section 2. The mixture is exact, not a minibatch's; it
    takes N x N densities, some rows at a time.
    """
    count = len(latents)
    # the centre keeps the squares small, which are taken apart for the sake of matrix products
    centre = posterior.mean.mean(axis=0)
    mean, precision = posterior.mean - centre, 1 / posterior.variance
    constant = (mean ** 2 * precision + np.log(posterior.variance)).sum(axis=1)
    weighted = (mean * precision).T
    told, rows = np.empty(count), max(1, _MIXED // count)
    for start in range(0, count, rows):
        z = latents[start:start + rows] - centre
        logs = z @ weighted - 0.5 * (z ** 2 @ precision.T + constant)
        own = logs[np.arange(len(z)), np.arange(start, start + len(z))]
        told[start:start + rows] = own - _log_sum(logs)
    return told + math.log(count)


def entropy_bits(windows: Windows) -> float:
    """Return the entropy of a source that gives each window with probability 1 / N, in bits.

    log2 N, less what windows that are there more than once take from it.
    """
    packed = np.packbits(windows.reshape(len(windows), -1), axis=1)
    rows = np.ascontiguousarray(packed).view(np.dtype((np.void, packed.shape[1]))).ravel()
    counts = np.unique(rows, return_counts=True)[1]
    return float(math.log2(len(windows)) - (counts * np.log2(counts)).sum() / len(windows))


def _log_sum(logs: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return log(sum(exp(logs))) over the last axis."""
    top = logs.max(axis=-1, keepdims=True)
    return np.asarray(np.log(np.exp(logs - top).sum(axis=-1)) + top[..., 0])
