"""The open questions of the paper's author, each asked of every query."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from corpus_tools.reproduce.material import Material
from corpus_tools.reproduce.measurements import Rows
from qbdi_m21.errors import QbdiError
from qbdi_m21.frames.roll import Frames
from qbdi_m21.model.inference import LatentModel

#: The rate at which ways of allocating bits are compared.
RATE = 64

#: Two ways for each question: what is asked, which number of `measure_questions` is compared.
QUESTIONS = (
    ('Mean and log variance under the symmetric divergence, instead of the means under the cosine: '
     'information rate beyond shuffled bars, in their standard deviations',
     'means_z', 'posterior_z'),
    ('Samples of the latents instead of their means: the same', 'means_z', 'samples_z'),
    ('Latents instead of the surface: the same', 'surface_z', 'means_z'),
    (f'Bits given bar by bar (dynamic) instead of alike, {RATE} bits in the mean: chroma cosine',
     'whole_cosine', 'dynamic_cosine'),
    ("An oracle's walk over latents, decoded, instead of the same bars shuffled: Tonnetz step "
     'from bar to bar', 'shuffled_step', 'walk_step'),
    ("The same walk instead of the query's own order, decoded: Tonnetz step from bar to bar",
     'own_step', 'walk_step'),
    ('Information rate over time, latents and surface, instead of latents of shuffled bars: rank '
     'correlation over the bars', 'shuffled_correlation', 'correlation'),
    ('Decoding the means instead of samples: notes', 'samples_notes', 'means_notes'),
)


def measure_questions(material: Material, _: dict[str, Any]) -> Rows:
    """Return the numbers of each query; None where a query has none."""
    asked = (material.query, *material.further_queries)
    rows = []
    for place, query in enumerate(asked):
        material.tell(place, len(asked))
        model = material.network(place)     # they go round the networks
        rows.append({'work': query.work, **_information(material, query.score, model),
                     **_allocation(material, query.frames, model),
                     **_walk(material, query.score, query.frames, model)})
    return rows


def _information(material: Material, score: Any,
                 model: LatentModel) -> dict[str, float | None]:
    from qbdi_m21.analysis.information_rate import information_rate
    from qbdi_m21.improvisation.information import latent_information_rate
    options: dict[str, Any] = {'null': material.experiment.null, 'seed': material.experiment.seed}
    surface: Any = information_rate(score, **options)       # has a null model
    found: dict[str, float | None] = {'surface_z': surface.null.z}
    profiles = {}
    for latents in ('means', 'samples', 'posterior'):
        told: Any = latent_information_rate(score, model, latents=latents, **options)
        found[f'{latents}_z'] = told.null.z
        profiles[latents] = told
    means = profiles['means']
    features = means.oracle.features
    chance = []
    for version in range(material.experiment.null):
        order = np.random.default_rng([material.experiment.seed, version]).permutation(
            len(features))
        chance.append(_correlation(surface, replace(
            information_rate(np.ascontiguousarray(features[order])), grid=means.grid)))
    known = [value for value in chance if value is not None]
    return {**found, 'correlation': _correlation(surface, means),
            'shuffled_correlation': float(np.mean(known)) if known else None}


def _correlation(surface: Any, latents: Any) -> float | None:
    """Return the rank correlation of information rates over time, bar by bar."""
    from scipy.stats import spearmanr
    if latents.grid is None:        # long bars have several windows
        return None
    bars = surface.grid.frame_bars()
    by_bar = np.bincount(bars, surface.profile) / np.maximum(np.bincount(bars), 1)
    if len(by_bar) != len(latents.profile) or np.ptp(by_bar) * np.ptp(latents.profile) == 0:
        return None
    return float(spearmanr(by_bar, latents.profile).statistic)


def _allocation(material: Material, frames: Frames,
                model: LatentModel) -> dict[str, float | None]:
    from qbdi_m21.improvisation.measures import measure
    from qbdi_m21.improvisation.transmission import encode_frames, transmit_frames
    found: dict[str, float | None] = {}
    for allocation in ('whole', 'dynamic'):
        values = [measure(transmit_frames(frames, model, rate=RATE, allocation=allocation,
                                          seed=seed).frames, frames)['chroma_cosine']
                  for seed in range(material.experiment.query_takes)]
        known = [value for value in values if value is not None]
        found[f'{allocation}_cosine'] = float(np.mean(known)) if known else None
    heard = encode_frames(frames, model)
    sampled = heard.sample(np.random.default_rng(material.experiment.seed))
    for name, latents in (('samples', sampled), ('means', heard.mean)):
        cells, _ = model.decode(latents)
        found[f'{name}_notes'] = float(cells[:, :, model.spec.num_pitches:].sum())
    return found


def _walk(material: Material, score: Any, frames: Frames,
          model: LatentModel) -> dict[str, float | None]:
    from corpus_tools.measures import harmony
    from qbdi_m21.frames.notes import extract_notes
    from qbdi_m21.frames.raster import frames_to_table
    from qbdi_m21.frames.repeats import in_order
    from qbdi_m21.improvisation.resynthesis import resynthesise
    from qbdi_m21.improvisation.transmission import transmit_frames
    try:
        table = extract_notes(resynthesise(score, model=model, bars=64,
                                           seed=material.experiment.seed).score)
    except QbdiError:       # nothing repeats, or nothing sounds
        return dict.fromkeys(('walk_step', 'shuffled_step', 'own_step'))
    rng = np.random.default_rng(material.experiment.seed)
    mixed = in_order(table, rng.permutation(len(table.bars)).tolist())
    full = transmit_frames(frames, model, rate='full', seed=material.experiment.seed).frames
    return {'own_step': harmony(frames_to_table(full))['tonnetz_step_per_bar']
            if full.sounding.any() else None,
            'walk_step': harmony(table)['tonnetz_step_per_bar'],
            'shuffled_step': harmony(mixed)['tonnetz_step_per_bar']}


def answers(rows: Rows) -> Rows:
    """Return for each question the mean difference over queries, with its interval and test."""
    import pandas as pd

    from corpus_tools.statistics import compare_groups
    table = pd.DataFrame(rows)
    found = []
    for question, first, second in QUESTIONS:
        both = pd.concat([table[['work', name]].assign(way=name).rename(columns={name: 'value'})
                          for name in (first, second)]).dropna()
        both['value'] = both['value'].astype(float)
        if both['way'].nunique() < 2:
            continue
        row, = compare_groups(both, ['value'], 'way', reference=first).to_dict('records')
        means = both.groupby('way')['value'].mean()
        found.append({'question': question, 'from': float(means[first]),
                      'to': float(means[second]), 'number': row['works_first'],
                      **{name: row[name] for name in ('difference', 'low', 'high', 'p')}})
    return found
