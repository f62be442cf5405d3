"""The versions that the figures show: the query, at full rate, and bit-limited."""

from __future__ import annotations

from typing import Any

import numpy as np

from corpus_tools.reproduce.material import Material
from corpus_tools.reproduce.measurements import CHANNELS, LIMITED
from qbdi_m21.frames.encode import Music
from qbdi_m21.frames.roll import Frames
from qbdi_m21.model.inference import LatentModel

QUERY, FULL = 'query', 'full rate'

#: Options of improvisations, by name: at full rate all channels give the same; bit-limited, what
#: eqs 6-8 say, and the channel that keeps the prior.
IMPROVISED: dict[str, dict[str, Any]] = {FULL: {'rate': 'full'}} | {
    f'{LIMITED} bits, {channel} channel': {'rate': LIMITED, 'channel': channel,
                                           'variance': variance}
    for channel, variance in reversed(CHANNELS[:2])}


def improvisations(material: Material) -> dict[str, Any]:
    """Return the versions as scores, by name: take 0."""
    from qbdi_m21.improvisation.operations import improvise
    score = material.query.score
    return {QUERY: score, **{name: improvise(score, material.network(0), seed=0, **options)
                             for name, options in IMPROVISED.items()}}


def improvised_frames(query: Frames, model: LatentModel, take: int) -> dict[str, Frames]:
    """Return the improvisations of a take as frames, by name."""
    from qbdi_m21.improvisation.transmission import transmit_frames
    return {name: transmit_frames(query, model, seed=take, **options).frames
            for name, options in IMPROVISED.items()}


def measure_versions(material: Material, _: dict[str, Any]) -> dict[str, Any]:
    """Return collisions and meetings with the query, and the same with bars shuffled."""
    from qbdi_m21.improvisation.sweep import shuffle_bars
    query, versions = material.query.frames, range(material.experiment.null)
    made = improvised_frames(query, material.network(0), 0)
    found = {}
    for place, (name, frames) in enumerate(made.items()):
        material.tell(place, len(made))
        mixed = [_meetings(shuffle_bars(frames, np.random.default_rng([version, 1])), query)
                 for version in versions]
        found[name] = {**_meetings(frames, query), 'shuffled': {
            key: [one[key] for one in mixed] for key in mixed[0]}}
    return found


def _meetings(frames: Frames, query: Frames) -> dict[str, int]:
    from qbdi_m21.analysis.collisions import find_collisions
    kinds = [hit.kind for hit in find_collisions(
        Music(query), Music(frames, side='improvisation'))]
    return {'collisions': len(kinds) - kinds.count('meeting'), 'meetings': kinds.count('meeting')}
