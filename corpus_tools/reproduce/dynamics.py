"""Information rates and motifs of queries, of improvisations and of their latents."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from corpus_tools.reproduce.material import Material, Query
from corpus_tools.reproduce.measurements import LIMITED, Rows
from corpus_tools.reproduce.versions import QUERY, RATES, improvisations, improvised_frames
from qbdi_m21.improvisation.rates import rate_name
from qbdi_m21.model.inference import LatentModel

#: Motifs are looked for at the selected threshold and at these shares of it.
SHARES = (0.25, 0.5, 0.75, 1.0)


def measure_information(material: Material, _: dict[str, Any]) -> dict[str, Any]:
    """Return information rates of surfaces (figure 5) and latents (figure 6), with nulls."""
    from qbdi_m21.analysis.information_rate import information_rate
    chosen = material.experiment
    surface = {name: _told(information_rate(score, null=chosen.null, seed=chosen.seed))
               for name, score in improvisations(material).items()}
    # means at full rate and samples at 256 bits, as the notebooks; and each alone, so that the
    # noise of sampling can be told from the channel's
    latents: dict[str, Any] = {}
    for take, model, query in material.takes_of_query():
        for name, kind, rate in (('means', 'means', 'full'), ('received, full', 'received', 'full'),
                                 (f'received, {LIMITED} bits', 'received', LIMITED)):
            latents.setdefault(name, []).append(_told(_latents(
                query, model, kind, rate, take, chosen.null)))
    return {'surface': surface, 'latents': latents,
            'gaussian': _gaussian(len(latents['means'][0]['profile']), material)}


def _latents(query: Query, model: LatentModel, kind: str, rate: Any, take: int, null: int) -> Any:
    from qbdi_m21.improvisation.information import latent_information_rate
    return latent_information_rate(query.score, model, latents=kind, rate=rate, seed=take,
                                   null=null)


def _told(found: Any) -> dict[str, Any]:
    plain = found.to_json()
    return {**plain, 'profile': [row['bits'] for row in plain['profile']],
            'reaches': [float(found.thresholds[found.curve > 0].min(initial=math.inf)),
                        float(found.thresholds[found.curve > 0].max(initial=-math.inf))]}


def _gaussian(bars: int, material: Material) -> list[float]:
    """Return peaks of the information rate of independent Gaussian vectors."""
    from qbdi_m21.analysis.information_rate import information_rate
    rng = np.random.default_rng(material.experiment.seed)
    size = material.network(0).num_latents
    return [information_rate(rng.standard_normal((bars, size))).total_bits
            for _ in range(material.experiment.null)]


def measure_motifs(material: Material, _: dict[str, Any]) -> Rows:
    """Return motifs of the oracle at its threshold and at lower ones, by take and version."""
    return [row for own in (material.takes_of_query(), material.takes_of_further())
            for take, model, query in own for row in _motifs(query, model, take)]


def _motifs(query: Query, model: LatentModel, take: int) -> Rows:
    from qbdi_m21.analysis.information_rate import information_rate
    from qbdi_m21.analysis.motifs.find import find_motifs
    versions = {} if take else {QUERY: query.frames}    # the same in all takes
    versions |= improvised_frames(query.frames, model, take)
    rows = []
    for name, frames in versions.items():
        if not frames.sounding.any():
            continue
        selected = information_rate(frames).selected
        for share in SHARES:
            lengths = [float(motif.length_ql) for motif in find_motifs(
                frames, preset='vmo', threshold=share * selected, min_length=0.5)]
            rows.append({'work': query.work, 'take': take, 'version': name, 'share': share,
                         'threshold': share * selected, 'num_motifs': len(lengths),
                         'mean_length_ql': float(np.mean(lengths)) if lengths else None})
    return rows


def measure_latents(material: Material, _: dict[str, Any]) -> Rows:
    """Return information rates of the latents of further queries at two rates."""
    null = material.experiment.null
    return [{'work': query.work, 'take': take, 'rate': rate_name(rate),
             **_peak(_latents(query, model, 'received', rate, take, null))}
            for take, model, query in material.takes_of_further() for rate in RATES]


def _peak(found: Any) -> dict[str, float]:
    return {'total_bits': found.total_bits, 'null_bits': found.null.mean_bits,
            'selected_threshold': found.selected}
