"""Information rates and motifs of queries, of improvisations and of their latents."""

from __future__ import annotations

from typing import Any

import numpy as np

from corpus_tools.reproduce.material import Material, Query
from corpus_tools.reproduce.measurements import Rows
from corpus_tools.reproduce.versions import IMPROVISED, QUERY, improvisations, improvised_frames
from qbdi_m21.frames.roll import Frames
from qbdi_m21.model.inference import LatentModel

#: Motifs are compared at the threshold of most information and at this share of it.
LOWER = 0.5

#: Shuffled versions of the motifs of each take.
SHUFFLED = 5


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
        for name, options in {'means': {'latents': 'means'}, **IMPROVISED}.items():
            latents.setdefault(name, []).append(_told(_latents(
                query, model, take, chosen.null, **options)))
    return {'surface': surface, 'latents': latents,
            'gaussian': _gaussian(len(latents['means'][0]['profile']), material)}


def _latents(query: Query, model: LatentModel, take: int, null: int, **options: Any) -> Any:
    from qbdi_m21.improvisation.information import latent_information_rate
    return latent_information_rate(query.score, model, seed=take, null=null, **{
        'latents': 'received', **options})


def _told(found: Any) -> dict[str, Any]:
    plain = found.to_json()
    reached = found.thresholds[found.curve > 0]
    return {**plain, 'profile': [row['bits'] for row in plain['profile']],
            'reaches': [float(reached.min()), float(reached.max())] if len(reached) else None}


def _gaussian(bars: int, material: Material) -> list[float]:
    """Return peaks of the information rate of independent Gaussian vectors."""
    from qbdi_m21.analysis.information_rate import information_rate
    rng = np.random.default_rng(material.experiment.seed)
    size = material.network(0).num_latents
    return [information_rate(rng.standard_normal((bars, size))).total_bits
            for _ in range(material.experiment.null)]


def measure_latents(material: Material, _: dict[str, Any]) -> Rows:
    """Return information rates of the latents of further queries that arrive."""
    return [{'work': query.work, 'take': take, 'version': name, **_peak(_latents(
                query, model, take, material.experiment.null, **options))}
            for take, model, query in material.takes_of_further()
            for name, options in IMPROVISED.items()]


def _peak(found: Any) -> dict[str, float]:
    return {'total_bits': found.total_bits, 'null_bits': found.null.mean_bits,
            'selected_threshold': found.selected}


def measure_motifs(material: Material, _: dict[str, Any]) -> Rows:
    """Return how long motifs are at the oracle's threshold and below, by take and version."""
    return [row for own in (material.takes_of_query(), material.takes_of_further())
            for take, model, query in own for row in _motifs(query, model, take)]


def _motifs(query: Query, model: LatentModel, take: int) -> Rows:
    from qbdi_m21.improvisation.sweep import shuffle_bars
    versions = {} if take else {QUERY: query.frames}    # the same in all takes
    versions |= improvised_frames(query.frames, model, take)
    rows = []
    for name, frames in versions.items():
        own = _lengths(frames)
        mixed = [found for version in range(SHUFFLED) if (found := _lengths(
            shuffle_bars(frames, np.random.default_rng([take, version]))))]
        if own is None or not mixed:
            continue
        rows += [{'work': query.work, 'take': take, 'version': name, **{
            **own[at], **{f'shuffled_{key}': float(np.mean([one[at][key] for one in mixed]))
                          for key in own[at]}}, 'at': at} for at in own]
    return rows


def _lengths(frames: Frames) -> dict[str, dict[str, float]] | None:
    """Return number and mean length of all repeated patterns; None of one frame or of none."""
    from qbdi_m21.analysis.information_rate import ANALYSIS_STEP, analysis_features
    from qbdi_m21.analysis.motifs.texture import frame_patterns
    from qbdi_m21.oracle.threshold import find_threshold
    features, sounds, _ = analysis_features(frames)
    if len(features) < 2 or not sounds.any():
        return None
    selected = find_threshold(features).selected
    found = {}
    for at, share in (('selected', 1.0), ('lower', LOWER)):
        lengths = [pattern.length for pattern in frame_patterns(
            features, threshold=share * selected, min_frames=1)]
        found[at] = {'threshold': share * selected, 'motifs': float(len(lengths)), 'length_ql':
                     float(np.mean(lengths) if lengths else 0.0) * float(ANALYSIS_STEP)}
    return found
