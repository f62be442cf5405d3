"""The paper's appendices: bounds along training and beta, and a weight on the future."""

from __future__ import annotations

from typing import Any

import numpy as np

from corpus_tools.reproduce.experiment import Experiment
from corpus_tools.reproduce.material import Material
from corpus_tools.reproduce.measurements import LIMITED, Rows
from qbdi_m21.channel.allocation import allocate_bits
from qbdi_m21.channel.gaussian import GaussianChannel
from qbdi_m21.channel.source import Source, make_channel
from qbdi_m21.improvisation.rates import rate_name
from qbdi_m21.model.bounds import (
    BITS_A_NAT,
    Posterior,
    Windows,
    cell_nats,
    distortion_and_rate,
    encode_windows,
    entropy_bits,
    evenly,
    informed_nats,
)
from qbdi_m21.model.inference import LatentModel
from qbdi_m21.model.presets import Objective
from qbdi_m21.model.training_set import TrainingSet

#: Bars that D and R are measured on at most.
MOST_BARS = 1000

#: Bars among which the next one is told: few, for few works.
CANDIDATES = 32

#: Settings that decide a training of either appendix.
BOUNDS = ('beta', 'training_updates', 'samples', 'rates')
FUTURE = ('query', 'future', 'training_updates', 'samples', 'null')


def measure_bounds(material: Material, _: dict[str, Any]) -> list[Any]:
    """Return H, D, I and R along training and beta, and D behind a channel, by training."""
    return material.each('bounds', material.experiment.trainings, BOUNDS,
                         lambda number: _bounds(material, number))


def _bounds(material: Material, number: int) -> dict[str, Any]:
    chosen = material.experiment
    windows, seed = _some(material.data), chosen.seed + number
    rows, curve = [], []
    # each length of training is a network of its own, of the same seed: the same path
    runs = [(1.0, max(10, chosen.training_updates * part // 8)) for part in (1, 2, 4)]
    for beta, updates in [*runs, *((beta, chosen.training_updates) for beta in chosen.beta)]:
        served = _train(material.data, updates, Objective(beta=beta), seed)
        posterior = encode_windows(served, windows)
        rows.append({'beta': beta, 'updates': updates,
                     **_chain(served, windows, posterior, chosen.samples, seed)})
        if (beta, updates) == (1.0, chosen.training_updates):
            curve = _channel_curve(served, windows, posterior, chosen, seed)
    return {'networks': rows, 'channel': curve}


def _train(data: TrainingSet, updates: int, objective: Objective, seed: int) -> LatentModel:
    from qbdi_m21.model.training import train
    _, served = train(data, 'dubnov2019', updates=updates, objective=objective, seed=seed)
    return served


def _chain(model: LatentModel, windows: Windows, posterior: Posterior, samples: int,
           seed: int) -> dict[str, float]:
    """Return H, D, I and R (eqs 1, 18, 19) in bits; I as it is estimated, with its error."""
    rng = np.random.default_rng(seed)
    distortion, told = [], []
    for _ in range(samples):
        latents = posterior.sample(rng)
        distortion.append(cell_nats(model, latents, windows))
        told.append(informed_nats(latents, posterior))
    bars = np.mean(told, axis=0) * BITS_A_NAT
    return {'data_entropy_bits': entropy_bits(windows),
            'distortion_bits': float(np.mean(distortion)) * BITS_A_NAT,
            'mutual_information_bits': float(bars.mean()),
            'mutual_information_error': float(bars.std(ddof=1) / np.sqrt(len(bars))),
            'rate_bits': float(posterior.divergence_nats().sum(axis=1).mean()) * BITS_A_NAT,
            # as that of a channel: against a Gaussian of the latents' own variance
            'arriving_bits': _arriving(model, posterior, 'prior-preserving', 'full')[0]}


def _some(data: TrainingSet) -> Any:
    windows = data.windows
    return windows[evenly(len(windows), MOST_BARS)]


def _channel_curve(model: LatentModel, windows: Windows, posterior: Posterior,
                   chosen: Experiment, seed: int) -> Rows:
    """Return what arrives of the bars through each channel at each rate, and D behind it."""
    rows = []
    for name in ('prior-preserving', 'paper'):
        for rate in chosen.rates:
            rng = np.random.default_rng(seed)
            bits, channel = _arriving(model, posterior, name, rate)
            nats = [float(cell_nats(model, channel.transmit(posterior.sample(rng), rng),
                                    windows).mean()) for _ in range(chosen.samples)]
            rows.append({'channel': name, 'rate': rate_name(rate), 'rate_bits': bits,
                         'distortion_bits': float(np.mean(nats)) * BITS_A_NAT})
    return rows


def _arriving(model: LatentModel, posterior: Posterior, name: str,
              rate: Any) -> tuple[float, GaussianChannel]:
    """Return the bits a bar that arrive through a channel, in the mean, and the channel."""
    source = Source(*(np.asarray(one, np.float64) for one in (
        model.mean, model.variance, model.posterior_variance)))
    bits = np.full(len(source.variance), np.inf) if rate == 'full' else np.asarray(
        allocate_bits(source.variance, rate), dtype=np.float64)
    channel = make_channel(name, np.broadcast_to(bits, posterior.mean.shape), source)
    told = channel.delivered_bits(posterior.mean, posterior.variance, source_mean=source.mean,
                                  source_variance=source.total)
    return float(told.sum(axis=1).mean()), channel


def measure_future(material: Material, _: dict[str, Any]) -> list[Any]:
    """Return what a weight on the future does to latents, D and R, by training (eq 25).

    On works that the networks have not learned: latents that are trained to tell the next bar know
    it by heart in those that they have.
    """
    return material.each('future', material.experiment.trainings, FUTURE, lambda number: [
        _future(material, weight, number) for weight in material.experiment.future])


def _future(material: Material, weight: float, number: int) -> dict[str, Any]:
    from qbdi_m21.analysis.information_rate import information_rate
    from qbdi_m21.errors import FramesError
    from qbdi_m21.improvisation.information import latent_information_rate
    from qbdi_m21.improvisation.transmission import transmit_frames
    from qbdi_m21.model.future import future_information
    chosen, query = material.experiment, material.query
    learned, other = material.parts
    served = _train(learned, chosen.training_updates, Objective(future=weight),
                    chosen.seed + number)
    distortion, rate = distortion_and_rate(served, _some(other), samples=chosen.samples,
                                           seed=number)
    try:
        told: dict[str, Any] = dict(future_information(
            encode_windows(served, other.windows), other.windows, other.work, seed=number,
            candidates=CANDIDATES))
    except FramesError:     # too few bars to tell
        told = dict.fromkeys(('latent_bits', 'surface_bits', 'remaining_bits', 'ceiling_bits'))
    made = transmit_frames(query.frames, served, rate=LIMITED, seed=number).frames
    return {'future': weight, 'distortion_bits': distortion * BITS_A_NAT,
            'rate_bits': rate * BITS_A_NAT, **told,
            **_beyond('latents', latent_information_rate(query.score, served, null=chosen.null,
                                                         seed=number)),
            **_beyond('improvisation', information_rate(made, null=chosen.null, seed=number))}


def _beyond(name: str, found: Any) -> dict[str, float]:
    return {f'{name}_ir_bits': found.total_bits, f'{name}_null_bits': found.null.mean_bits,
            f'{name}_beyond_bits': found.null.excess_bits}


def networks(found: list[Any], **kind: Any) -> Any:
    """Return means over the trainings of networks of a kind (beta, updates), as a table."""
    import pandas as pd
    table = pd.DataFrame([row for one in found for row in one['networks']])
    for name, value in kind.items():
        table = table[table[name] == value]
    return table.groupby(['beta', 'updates'], as_index=False).mean().sort_values(
        ['beta', 'updates'])


def channel_curves(found: list[Any]) -> dict[str, Any]:
    """Return means over the trainings of rate and distortion behind each channel, by rate."""
    import pandas as pd
    table = pd.DataFrame([row for one in found for row in one['channel']])
    return {str(name): own.groupby('rate', sort=False, as_index=False)[
        ['rate_bits', 'distortion_bits']].mean() for name, own in table.groupby(
            'channel', sort=False)}


def gaps(found: list[Any]) -> dict[str, list[float]]:
    """Return by rate how much more distortion the channel has than beta-VAEs, a training each.

    In bits a bar, at the rate that arrives of both. Between two networks of the family the
    logarithm of D is taken to go straight. Trainings are left out whose family has no such rate.
    """
    told: dict[str, list[float]] = {}
    for one in found:
        last = max(row['updates'] for row in one['networks'])
        rates, distortions = np.array(sorted(
            (row['arriving_bits'], row['distortion_bits']) for row in one['networks']
            if row['updates'] == last)).T
        for row in one['channel']:
            own = row['rate_bits']
            # at full rate the two are one network
            if (row['channel'] == 'prior-preserving' and row['rate'] != 'full'
                    and rates[0] <= own <= rates[-1]):
                between = np.exp(np.interp(own, rates, np.log(distortions)))
                told.setdefault(row['rate'], []).append(float(row['distortion_bits'] - between))
    return told
