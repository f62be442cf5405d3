"""What is measured: rates and channels, information, motifs, further queries, bounds."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import Any

import numpy as np

from corpus_tools.reproduce.material import Material
from qbdi_m21.channel.allocation import allocate_bits
from qbdi_m21.channel.source import Source, make_channel
from qbdi_m21.improvisation.rates import rate_name

#: Channel, and the variance that its bits are allocated by: the one that keeps the prior; eqs 6-8
#: on the query's encoder values, as the paper reads; the notebooks'.
CHANNELS = (('prior-preserving', 'corpus'), ('paper', 'sample'), ('notebook', 'posterior'))

#: A bit-limited version is shown at this rate.
LIMITED = 256

Rows = list[dict[str, Any]]

_BITS = 1 / math.log(2)


def measure_rates(material: Material, _: dict[str, Any]) -> Rows:
    """Return the rows of a sweep over rates and seeds, through each channel, with controls."""
    return [{'channel': channel, **row} for channel, variance in CHANNELS
            for row in _sweep(material, material.query, material.experiment.rates,
                              material.experiment.seeds, channel, variance)]


def measure_queries(material: Material, _: dict[str, Any]) -> Rows:
    """Return rows of further queries, through the first two channels."""
    from qbdi_m21.notation.reading import load_score
    chosen = material.experiment
    return [{'work': work, 'channel': channel, **row} for work in chosen.chosen_queries
            for channel, variance in CHANNELS[:2]
            for row in _sweep(material, load_score(work), chosen.query_rates, chosen.query_seeds,
                              channel, variance)]


def _sweep(material: Material, query: Any, rates: Any, seeds: int, channel: str,
           variance: str) -> Rows:
    from qbdi_m21.improvisation.sweep import sweep
    found = sweep(query, material.model, rates=rates, seeds=seeds, channel=channel,
                  variance=variance)
    return [asdict(row) for row in found.rows]


def improvisations(material: Material) -> dict[str, Any]:
    """Return query, full-rate and bit-limited version as scores, by name."""
    from qbdi_m21.improvisation.operations import improvise
    return {'query': material.query, **{
        rate_name(rate): improvise(material.query, material.model, rate=rate,
                                   seed=material.experiment.seed)
        for rate in ('full', LIMITED)}}


def measure_information(material: Material, _: dict[str, Any]) -> dict[str, Any]:
    """Return information rates of surfaces (figure 5) and latents (figure 6), with nulls."""
    from qbdi_m21.analysis.information_rate import information_rate
    from qbdi_m21.improvisation.information import latent_information_rate
    chosen = material.experiment
    surface = {name: _information(information_rate(score, null=chosen.null, seed=chosen.seed))
               for name, score in improvisations(material).items()}
    latents: dict[str, Any] = {}
    # means at full rate and samples at 256 bits, as the notebooks; and each alone, so that the
    # noise of sampling can be told from the channel's
    for name, kind, rate in (('means', 'means', 'full'), ('received, full', 'received', 'full'),
                             (f'received, {LIMITED} bits', 'received', LIMITED)):
        takes = [_information(latent_information_rate(
            material.query, material.model, latents=kind, rate=rate, seed=seed, null=chosen.null))
            for seed in (range(chosen.seeds) if kind == 'received' else [chosen.seed])]
        latents[name] = takes
    return {'surface': surface, 'latents': latents,
            'gaussian': _gaussian(len(latents['means'][0]['profile']), material)}


def _information(found: Any) -> dict[str, Any]:
    plain = found.to_json()
    return {**plain, 'profile': [row['bits'] for row in plain['profile']],
            'reaches': [float(found.thresholds[found.curve > 0].min(initial=math.inf)),
                        float(found.thresholds[found.curve > 0].max(initial=-math.inf))]}


def _gaussian(bars: int, material: Material) -> list[float]:
    """Return peaks of the information rate of independent Gaussian vectors."""
    from qbdi_m21.analysis.information_rate import information_rate
    rng = np.random.default_rng(material.experiment.seed)
    return [information_rate(rng.standard_normal((bars, len(material.model.mean)))).total_bits
            for _ in range(material.experiment.null)]


def measure_motifs(material: Material, found: dict[str, Any]) -> dict[str, Any]:
    """Return motifs of the oracle at its threshold (figure 4) and at lower ones, by version."""
    from qbdi_m21.analysis.motifs.find import find_motifs
    told: dict[str, Any] = {}
    for name, score in improvisations(material).items():
        selected = found['information']['surface'][name]['selected_threshold']
        told[name] = [{'share': share, 'threshold': share * selected, **_lengths(find_motifs(
            score, preset='vmo', threshold=share * selected, min_length=0.5))}
            for share in (0.25, 0.5, 0.75, 1.0)]
    return told


def _lengths(motifs: Any) -> dict[str, Any]:
    lengths = [float(motif.length_ql) for motif in motifs]
    return {'num_motifs': len(lengths), 'lengths_ql': lengths,
            'mean_length_ql': float(np.mean(lengths)) if lengths else None}


def measure_bounds(material: Material, _: dict[str, Any]) -> dict[str, Any]:
    """Return H - D <= I <= R along training and beta, and D at the channel's rates (appendix A)."""
    from qbdi_m21.model.evaluation import evaluate
    from qbdi_m21.model.presets import Objective
    from qbdi_m21.model.training import train
    chosen, windows = material.experiment, _some(material)
    # each length of training is a network of its own, of the same seed: the same path
    lengths = [max(10, chosen.beta_updates * part // 8) for part in (1, 2, 4, 8)]
    runs = [('training', 1.0, updates) for updates in lengths]
    runs += [('beta', beta, chosen.beta_updates) for beta in chosen.beta if beta != 1.0]
    rows = []
    for kind, beta, updates in runs:
        _, served = train(material.data, 'dubnov2019', updates=updates,
                          objective=Objective(beta=beta), seed=chosen.seed)
        told = evaluate(served, windows, samples=chosen.samples, iwae_samples=0,
                        seed=chosen.seed)['information']
        rows.append({'kind': kind, 'beta': beta, 'updates': updates, **told})
        if (kind, updates) == ('training', chosen.beta_updates):
            curve = _channel_curve(served, windows, material)
    return {'networks': rows, 'channel': curve}


def measure_future(material: Material, _: dict[str, Any]) -> Rows:
    """Return what a weight on the future does to latents, D and R, and improvisations (eq 25)."""
    from qbdi_m21.analysis.information_rate import information_rate
    from qbdi_m21.errors import FramesError
    from qbdi_m21.improvisation.information import latent_information_rate
    from qbdi_m21.improvisation.operations import improvise
    from qbdi_m21.model.bounds import distortion_and_rate
    from qbdi_m21.model.future import future_information
    from qbdi_m21.model.presets import Objective
    from qbdi_m21.model.training import train
    chosen, rows = material.experiment, []
    for weight in chosen.future:
        _, served = train(material.data, 'dubnov2019', updates=chosen.beta_updates,
                          objective=Objective(future=weight), seed=chosen.seed)
        distortion, rate = distortion_and_rate(served, _some(material), samples=chosen.samples,
                                               seed=chosen.seed)
        try:
            told: dict[str, Any] = dict(future_information(served, material.data,
                                                           seed=chosen.seed))
        except FramesError:     # too few bars to tell
            told = dict.fromkeys(('latent_bits', 'surface_bits', 'remaining_bits'))
        latents = latent_information_rate(material.query, served, null=chosen.null,
                                          seed=chosen.seed)
        made = improvise(material.query, served, rate=LIMITED, seed=chosen.seed)
        surface = information_rate(made, null=chosen.null, seed=chosen.seed)
        rows.append({'future': weight, 'distortion_bits': distortion * _BITS,
                     'rate_bits': rate * _BITS, **told, **_beside_null('latents', latents),
                     **_beside_null('improvisation', surface)})
    return rows


def _beside_null(name: str, found: Any) -> dict[str, float]:
    return {f'{name}_ir_bits': found.total_bits, f'{name}_null_bits': found.null.mean_bits,
            f'{name}_null_sd': found.null.sd_bits}


def _some(material: Material) -> Any:
    from qbdi_m21.model.bounds import evenly
    windows = material.data.windows
    return windows[evenly(len(windows), 1000)]


def _channel_curve(model: Any, windows: Any, material: Material) -> Rows:
    """Return what arrives of the bars through each channel at each rate, and D behind it."""
    from qbdi_m21.model.bounds import cell_nats, encode_windows
    posterior = encode_windows(model, windows)
    source = Source(*(np.asarray(one, np.float64) for one in (
        model.mean, model.variance, model.posterior_variance)))
    rows = []
    for name in ('prior-preserving', 'paper'):
        for rate in material.experiment.rates:
            rng = np.random.default_rng(material.experiment.seed)
            bits = np.full(len(source.variance), np.inf) if rate == 'full' else np.asarray(
                allocate_bits(source.variance, rate), dtype=np.float64)
            channel = make_channel(name, np.broadcast_to(bits, posterior.mean.shape), source)
            nats = [float(cell_nats(model, channel.transmit(posterior.sample(rng), rng),
                                    windows).mean()) for _ in range(material.experiment.samples)]
            told = channel.delivered_bits(posterior.mean, posterior.variance,
                                          source_mean=source.mean, source_variance=source.total)
            rows.append({'channel': name, 'rate': rate_name(rate),
                         'rate_bits': float(told.sum(axis=1).mean()),
                         'distortion_bits': float(np.mean(nats)) * _BITS})
    return rows
