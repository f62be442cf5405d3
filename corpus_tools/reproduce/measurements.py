"""What arrives of queries: at each rate and channel, in which key, and with how many chords."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np

from corpus_tools.reproduce.material import TRAINED, Material, Query
from qbdi_m21.frames.roll import Frames
from qbdi_m21.improvisation.rates import rate_name
from qbdi_m21.model.inference import LatentModel

#: Channel, and the variance that its bits are allocated by: the one that keeps the prior; eqs 6-8
#: on the query's encoder values, as the paper reads; the notebooks'.
CHANNELS = (('prior-preserving', 'corpus'), ('paper', 'sample'), ('notebook', 'posterior'))

#: A bit-limited version is shown at this rate.
LIMITED = 256

Rows = list[dict[str, Any]]

_TRIADS = np.array([np.roll(np.isin(np.arange(12), tones), root)
                    for tones in ((0, 4, 7), (0, 3, 7)) for root in range(12)], dtype=np.float64)


def measure_model(material: Material, _: dict[str, Any]) -> dict[str, Any]:
    """Train the paper's networks, and return D, R and what they learned from."""
    data = material.data
    # what is wrong with the queries is told before the training
    _queries = material.query, material.further_queries
    return {'works': len(data.works), 'bars': len(data.windows),
            'updates': material.experiment.updates,
            'networks': material.each('networks', material.experiment.networks, TRAINED,
                                      material.train)}


def measure_rates(material: Material, _: dict[str, Any]) -> Rows:
    """Return the rows of a sweep over rates, takes and channels, with controls."""
    return [row for take, model, query in material.takes_of_query() for channel in CHANNELS
            for row in _sweep(query, model, material.experiment.rates, take, *channel)]


def measure_queries(material: Material, _: dict[str, Any]) -> Rows:
    """Return rows of further queries, through the first two channels."""
    return [row for take, model, query in material.takes_of_further() for channel in CHANNELS[:2]
            for row in _sweep(query, model, material.experiment.query_rates, take, *channel)]


def _sweep(query: Query, model: LatentModel, rates: Any, take: int, channel: str,
           variance: str) -> Rows:
    from qbdi_m21.improvisation.sweep import QUERY, sweep
    found = sweep(query.score, model, rates=rates, seeds=[take], channel=channel,
                  variance=variance)
    entropy = {rate_name(rate): _triad_entropy(query, model, rate, take, channel, variance)
               for rate in found.rates}
    return [{'work': query.work, 'take': take, 'channel': channel, **asdict(row),
             'triad_entropy_bits': entropy[row.rate] if row.control == QUERY else None}
            for row in found.rows]


def _triad_entropy(query: Query, model: LatentModel, rate: Any, take: int, channel: str,
                   variance: str) -> float:
    """Return the entropy of the triads that beats are nearest to, by the probabilities of notes.

    No threshold is applied, so that silence takes no part.
    """
    from qbdi_m21.frames.features import fold_pitches
    from qbdi_m21.improvisation.measures import entropy_of_counts
    from qbdi_m21.improvisation.transmission import transmit_frames
    sent = transmit_frames(query.frames, model, rate=rate, seed=take, channel=channel,
                           variance=variance)
    _, probability = model.decode(sent.received)
    spec = model.spec
    sounding = probability[:, :, :spec.num_pitches].astype(np.float64)
    frames = max(1, round(1 / float(spec.step_ql)))
    beats = sounding.reshape(-1, frames, spec.num_pitches).sum(axis=1)
    chroma = fold_pitches(beats, spec.pitch_low)
    _, counts = np.unique((chroma @ _TRIADS.T).argmax(axis=1), return_counts=True)
    return entropy_of_counts(counts)


def measure_keys(material: Material, _: dict[str, Any]) -> Rows:
    """Return the keys of improvisations on queries and on the same, transposed."""
    from qbdi_m21.improvisation.sweep import move
    rows = []
    for own in (material.takes_of_query(), material.takes_of_further()):
        for take, model, query in own:
            for rate in material.experiment.query_rates:
                key = _improvised_key(query.frames, model, rate, take)
                rows += [{'work': query.work, 'take': take, 'rate': rate_name(rate),
                          'semitones': semitones, 'query_key': _key(query.frames), 'key': key,
                          'moved_key': _improvised_key(move(query.frames, semitones), model, rate,
                                                       take)}
                         for semitones in material.experiment.transpositions]
    return rows


def _improvised_key(frames: Frames, model: LatentModel, rate: Any, take: int) -> str | None:
    from qbdi_m21.improvisation.transmission import transmit_frames
    return _key(transmit_frames(frames, model, rate=rate, seed=take).frames)


def _key(frames: Frames) -> str | None:
    from qbdi_m21.frames.features import pitch_classes
    from qbdi_m21.improvisation.measures import estimate_key
    return estimate_key(pitch_classes(frames).sum(axis=0))[0]
