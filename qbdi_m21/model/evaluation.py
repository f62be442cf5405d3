"""Measures of a model in nats and bits a window: D, R and -ELBO."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from qbdi_m21.model.inference import LatentModel

BITS_A_NAT = 1 / math.log(2)

#: A latent is active where its mean divergence from the prior exceeds this, in nats.
ACTIVE_NATS = 0.01


def divergence_nats(mean: npt.NDArray[Any], variance: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return KL(N(mean, variance) || N(0, 1)) of each latent, in nats; the shape stays."""
    return np.asarray(0.5 * (mean ** 2 + variance - np.log(variance) - 1))


def evaluate(model: LatentModel, windows: npt.NDArray[np.bool_], *, samples: int = 8,
             seed: int = 0) -> dict[str, float]:
    """Return D, R and -ELBO a window on given windows.

    Parameters
    ----------
    model : LatentModel
    windows : ndarray of bool, shape (N, W, 2P)
    samples : int
        Latent samples a window for D.
    seed : int
        Of those samples.

    Returns
    -------
    dict
        `distortion_nats`, `rate_nats`, `negative_elbo_nats`, the same `_bits`,
        `active_units`, `windows`, `samples`.

    Notes
    -----
    Source: Dubnov 2019, eqs 1-2: D is the expected negative log likelihood of the Bernoulli
    decoder, R the divergence of the posterior from the prior; D + R = -ELBO.
    """
    rng = np.random.default_rng(seed)
    mean, variance = model.encode(windows)
    per_unit = divergence_nats(mean.astype(np.float64), variance.astype(np.float64))
    distortion = 0.0
    for _ in range(samples):
        noise = rng.standard_normal(mean.shape)
        logits = model.decode_logits(mean + np.sqrt(variance) * noise)
        nats = np.logaddexp(0, logits) - logits * windows
        distortion += float(nats.sum(axis=(1, 2), dtype=np.float64).mean()) / samples
    rate = float(per_unit.sum(axis=1).mean())
    measures = {'distortion': distortion, 'rate': rate, 'negative_elbo': distortion + rate}
    return {
        **{f'{k}_nats': round(v, 3) for k, v in measures.items()},
        **{f'{k}_bits': round(v * BITS_A_NAT, 3) for k, v in measures.items()},
        'active_units': int((per_unit.mean(axis=0) > ACTIVE_NATS).sum()),
        'windows': len(windows), 'samples': samples,
    }


def density_threshold(model: LatentModel, windows: npt.NDArray[np.bool_], *,
                      seed: int = 0) -> float:
    """Return the threshold at which windows come back with as many sounding cells.

    Parameters
    ----------
    model : LatentModel
    windows : ndarray of bool, shape (N, W, 2P)
        Held-out windows; each goes through one latent sample.
    seed : int
        Of the samples.

    Returns
    -------
    float
        Between .05 and .95, to three places. A decoder that is unsure says .4 where a note is:
        the paper's .7 would lose those notes.
    """
    rng = np.random.default_rng(seed)
    mean, variance = model.encode(windows)
    decoded = model.decode(mean + np.sqrt(variance) * rng.standard_normal(mean.shape))
    num_pitches = windows.shape[2] // 2
    probability = np.sort(decoded[:, :, :num_pitches].ravel())[::-1]
    count = int(windows[:, :, :num_pitches].sum())
    return round(float(np.clip(probability[max(count - 1, 0)], 0.05, 0.95)), 3)
