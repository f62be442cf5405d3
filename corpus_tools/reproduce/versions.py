"""The versions that the figures show: the query, at full rate, and bit-limited."""

from __future__ import annotations

from typing import Any

import numpy as np

from corpus_tools.reproduce.material import Material
from corpus_tools.reproduce.measurements import LIMITED
from qbdi_m21.frames.encode import Music
from qbdi_m21.frames.roll import Frames
from qbdi_m21.improvisation.rates import Rate, rate_name

#: Of the improvisations.
RATES: tuple[Rate, ...] = ('full', LIMITED)

QUERY = 'query'


def improvisations(material: Material) -> dict[str, Any]:
    """Return the versions as scores, by name: take 0."""
    from qbdi_m21.improvisation.operations import improvise
    return {QUERY: material.query.score, **{
        rate_name(rate): improvise(material.query.score, material.network(0), rate=rate, seed=0)
        for rate in RATES}}


def improvised_frames(query: Frames, model: Any, take: int) -> dict[str, Frames]:
    """Return the improvisations of a take as frames, by name."""
    from qbdi_m21.improvisation.transmission import transmit_frames
    return {rate_name(rate): transmit_frames(query, model, rate=rate, seed=take).frames
            for rate in RATES}


def measure_versions(material: Material, _: dict[str, Any]) -> dict[str, Any]:
    """Return collisions, meetings and motifs of each version, and of it with bars shuffled."""
    from qbdi_m21.improvisation.sweep import shuffle_bars
    query, null = material.query.frames, material.experiment.null
    versions = {QUERY: query, **improvised_frames(query, material.network(0), 0)}
    found = {}
    for place, (name, frames) in enumerate(versions.items()):
        material.tell(place, len(versions))
        other = None if name == QUERY else query
        mixed = [_counts(shuffle_bars(frames, np.random.default_rng([version, 1])), other)
                 for version in range(null)]
        found[name] = {**_counts(frames, other), 'shuffled': {
            key: [one[key] for one in mixed] for key in mixed[0]}}
    return found


def _counts(frames: Frames, query: Frames | None) -> dict[str, Any]:
    from qbdi_m21.analysis.collisions import find_collisions
    from qbdi_m21.analysis.motifs.find import find_motifs
    lengths = [float(motif.length_ql) for motif in find_motifs(frames, preset='vmo')]
    found: dict[str, Any] = {'motifs': len(lengths),
                             'motif_ql': float(np.mean(lengths)) if lengths else None}
    if query is not None:
        kinds = [hit.kind for hit in find_collisions(
            Music(query), Music(frames, side='improvisation'))]
        found |= {'collisions': len(kinds) - kinds.count('meeting'),
                  'meetings': kinds.count('meeting')}
    return found
