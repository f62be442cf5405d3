"""All measures of a model on windows, as plain values: for model cards and for the command."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from qbdi_m21.errors import ParameterError
from qbdi_m21.model.bounds import (
    BITS_A_NAT,
    FloatArray,
    Posterior,
    Tick,
    Windows,
    cell_nats,
    check_measuring,
    encode_windows,
    entropy_bits,
    evenly,
    importance_weighted_nats,
    informed_nats,
    log_weights,
)
from qbdi_m21.model.generation import measure_generation
from qbdi_m21.model.inference import LatentModel

#: A latent is active where its mean divergence from the prior exceeds this, in nats.
ACTIVE_NATS = 0.01

#: A latent is active where the variance of its posterior mean exceeds this (Burda et al. 2016).
ACTIVE_VARIANCE = 0.01

#: Windows, evenly taken, that the parts that take longest are measured on at most: the mixture
#: of all posteriors, the importance-weighted bound, and what is decoded.
MOST_MIXED, MOST_WEIGHTED, MOST_DECODED = 2000, 1000, 1000


def evaluate(model: LatentModel, windows: Windows, *, samples: int = 8, iwae_samples: int = 64,
             seed: int = 0, progress: Callable[[int, int], object] | None = None,
             ) -> dict[str, Any]:
    """Return how well a model tells windows, what its latents hold, and what it plays back.

    Parameters
    ----------
    model : LatentModel
    windows : ndarray of bool, shape (N, W, 2P)
    samples : int
        Latent samples a window for D and for the information.
    iwae_samples : int
        Latent samples a window for the importance-weighted bound; 0 leaves it out.
    seed : int
        Of all samples and controls.
    progress : callable, optional
        Called with (done, of all), counted in windows that have gone through the decoder.

    Returns
    -------
    dict
        Plain numbers, a window each; nats and bits as the names say.

        - `windows`, `samples`; `distortion_nats`, `rate_nats`, `negative_elbo_nats` and the
          same `_bits`; `latents`, `active_units` (mean divergence above `ACTIVE_NATS`) and
          `active_units_by_variance` (variance of the means above `ACTIVE_VARIANCE`).
        - `information`: `windows` (at most 2000, evenly taken) and on these `data_entropy_bits`
          H, `distortion_bits` D, `lower_bound_bits` H - D, `mutual_information_bits` I,
          `rate_bits` R and `posterior_prior_divergence_bits` R - I.
        - `importance_weighted`: `windows` (at most 1000, evenly taken), `samples`,
          `bound_nats`, `bound_bits`, and `negative_elbo_bits` of the same samples.
        - `reconstruction`, `chroma_cosine`, `chroma_cosine_by_frame`: of at most 1000 windows,
          evenly taken, as :func:`~qbdi_m21.model.generation.measure_generation` says.

    Raises
    ------
    FramesError
        If there is no window, or windows do not fit the model.
    ParameterError
        If a number is out of range.

    Notes
    -----
    Source: Dubnov 2019, eqs 1, 18 and 19 (H - D <= I <= R); Alemi et al. 2018. The source is
    taken to be these windows, each as likely as any other. Its entropy is at most log2 N, and
    so is I: a model that tells every window from every other reaches that. It is a bound on
    what is told of the style, not an estimate of it. I is estimated by Monte Carlo and then
    put between 0 and the smaller of H and R, where it must lie.
    """
    check_measuring(windows, samples, seed)
    if iwae_samples < 0:
        raise ParameterError(f'iwae_samples is {iwae_samples}; expected at least 1, or 0 to leave '
                             'the importance-weighted bound out')
    count = len(windows)
    weighted, decoded = evenly(count, MOST_WEIGHTED), evenly(count, MOST_DECODED)
    tick = _ticker(progress, samples * count + iwae_samples * len(weighted) + 3 * len(decoded))
    posterior = encode_windows(model, windows)
    found = _bounds(model, windows, posterior, samples, np.random.default_rng(seed), tick)
    if iwae_samples:
        found['importance_weighted'] = _importance_weighted(
            model, windows[weighted], posterior.select(weighted), iwae_samples,
            np.random.default_rng([seed, 1]), tick)
    return {**found, **measure_generation(model, windows[decoded], posterior.select(decoded),
                                          np.random.default_rng([seed, 2]), tick)}


def _bounds(model: LatentModel, windows: Windows, posterior: Posterior, samples: int,
            rng: np.random.Generator, tick: Tick) -> dict[str, Any]:
    """Return D, R, active units and information, which share their samples."""
    mixed = evenly(len(windows), MOST_MIXED)
    sources = posterior.select(mixed)
    distortion, told = np.zeros(len(windows)), 0.0
    for _ in range(samples):
        latents = posterior.sample(rng)
        distortion += cell_nats(model, latents, windows, tick) / samples
        told += float(informed_nats(latents[mixed], sources).mean()) / samples
    by_unit = posterior.divergence_nats()
    rate = by_unit.sum(axis=1)
    nats = {'distortion': float(distortion.mean()), 'rate': float(rate.mean())}
    nats['negative_elbo'] = nats['distortion'] + nats['rate']
    return {
        'windows': len(windows), 'samples': samples,
        **{f'{name}_nats': round(value, 3) for name, value in nats.items()},
        **{f'{name}_bits': round(value * BITS_A_NAT, 3) for name, value in nats.items()},
        'latents': model.num_latents,
        'active_units': int((by_unit.mean(axis=0) > ACTIVE_NATS).sum()),
        'active_units_by_variance': int((posterior.mean.var(axis=0) > ACTIVE_VARIANCE).sum()),
        'information': _information(windows[mixed], distortion[mixed], rate[mixed], told),
    }


def _information(windows: Windows, distortion: FloatArray, rate: FloatArray,
                 told: float) -> dict[str, float]:
    """Return H - D <= I <= R of one and the same source, in bits."""
    entropy, d, r = (entropy_bits(windows), float(distortion.mean()) * BITS_A_NAT,
                     float(rate.mean()) * BITS_A_NAT)
    information = min(max(told * BITS_A_NAT, 0.0), entropy, r)
    bits = {'data_entropy': entropy, 'distortion': d, 'lower_bound': entropy - d,
            'mutual_information': information, 'rate': r,
            'posterior_prior_divergence': r - information}
    return {'windows': len(windows),
            **{f'{name}_bits': round(value, 3) for name, value in bits.items()}}


def _importance_weighted(model: LatentModel, windows: Windows, posterior: Posterior, samples: int,
                         rng: np.random.Generator, tick: Tick) -> dict[str, float]:
    weights = log_weights(model, windows, posterior, samples=samples, rng=rng, tick=tick)
    bound, elbo = importance_weighted_nats(weights), float(weights.mean())
    return {'windows': len(windows), 'samples': samples, 'bound_nats': round(bound, 3),
            'bound_bits': round(bound * BITS_A_NAT, 3),
            'negative_elbo_bits': round(-elbo * BITS_A_NAT, 3)}


def _ticker(progress: Callable[[int, int], object] | None, total: int) -> Tick:
    """Return what adds up the windows that are done and tells `progress`."""
    done = 0

    def tick(count: int) -> None:
        nonlocal done
        done += count
        if progress is not None:
            progress(done, total)
    return tick
