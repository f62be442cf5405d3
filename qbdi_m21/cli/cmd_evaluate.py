"""`qbdi-m21 evaluate`: how well a model does on works."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

import qbdi_m21
from qbdi_m21.cli.base import check_output, count_bar
from qbdi_m21.cli.corpus_options import load_sources, reading_options
from qbdi_m21.errors import CorpusError, ModelError, ParameterError, QbdiWarning, warn

if TYPE_CHECKING:
    from qbdi_m21.model.inference import LatentModel
    from qbdi_m21.model.training_set import TrainingSet

#: Measure, value as text, unit.
Row = tuple[str, str, str]


@click.command()
@click.argument('model')
@click.argument('sources', nargs=-1, required=True)
@click.option('--split', type=click.Choice(['train', 'validation', 'test']),
              help='Only these works of a training set (.npz)  [default: all works].')
@reading_options()
@click.option('--samples', default=8, show_default=True, type=click.IntRange(min=1),
              help='Latent samples a bar, for distortion and information.')
@click.option('--iwae-samples', default=64, show_default=True, type=click.IntRange(min=0),
              help='Latent samples a bar, for the importance-weighted bound; 0 leaves it out.')
@click.option('--seed', default=0, show_default=True, type=click.IntRange(min=0),
              help='Of all samples.')
@click.option('--json', 'json_path', metavar='FILE|-',
              help='Also write all measures as JSON; - writes them to the output, and no table.')
def evaluate(model: str, sources: tuple[str, ...], split: str | None, reading: str | None,
             meter: str | None, min_bars: int | None, samples: int, iwae_samples: int, seed: int,
             json_path: str | None) -> None:
    """Measure MODEL on SOURCES: what it tells of their bars, and what it plays back.

    Last, what the latents of a bar tell of the next bar's; of few works this is left out.

    MODEL is a shipped model or a .keras file. SOURCES are scores, folders, corpus:NAME works,
    note tables, or one training set (.npz) of `corpus-tools dataset`.

    \b
    Examples:
      qbdi-m21 evaluate chorales chorales.npz --split test
      qbdi-m21 evaluate mine.keras corpus:bach/bwv66.6 corpus:bach/bwv4.8 --json mine.json
    """
    from qbdi_m21.files import write_aside
    from qbdi_m21.improvisation.information import latent_dynamics
    from qbdi_m21.model.evaluation import evaluate as measure
    from qbdi_m21.model.store import load_model

    record = check_output(json_path, ('.json',)) if json_path not in (None, '-') else None
    loaded = load_model(model)
    data = _load(loaded, sources, seed, reading=reading, meter=meter, min_bars=min_bars)
    rows, works = _chosen(data, split, sources)
    windows = data.windows[rows]
    learned = _learned(loaded, works)
    if learned:
        warn(f'{model} has learned {learned} of the {len(works)} works that are measured: the '
             'measures flatter it; give works that it has not learned, or a training set with '
             '--split test', QbdiWarning)
    with count_bar('bar') as show:
        found = measure(loaded, windows, samples=samples, iwae_samples=iwae_samples, seed=seed,
                        progress=show)
    dynamics = latent_dynamics(loaded, windows, data.work[rows], seed=seed)
    about = {'model': loaded.card.get('name') or model,
             'model_weights_sha256': loaded.weights_sha256, 'sources': list(sources),
             'split': split, 'works': len(works), 'learned_works': learned, 'seed': seed,
             'qbdi_m21': qbdi_m21.__version__}
    text = json.dumps({**about, 'measures': found, 'dynamics': dynamics}, indent=1,
                      ensure_ascii=False, allow_nan=False)
    if record is not None:
        with write_aside(record) as aside:
            aside.write_text(text + '\n', encoding='utf-8')
    click.echo(text if json_path == '-' else _table(
        [('works', str(len(works)), ''), *_rows(found), *_dynamics_rows(dynamics)]))
    if record is not None:
        click.echo(f'wrote {record}')


def _load(model: LatentModel, sources: tuple[str, ...], seed: int, **reading: Any) -> TrainingSet:
    """Return the works to measure on: those of a training set, or all that sources name."""
    is_set = any(source.lower().endswith('.npz') for source in sources)
    whole: dict[str, Any] = {} if is_set else {'split_by': 'work', 'validation': 0.0, 'test': 0.0}
    data = load_sources(sources, seed, spec=model.spec, **reading, **whole)
    if data.spec != model.spec:
        raise ModelError(f'the model takes windows of {model.spec} and {sources[0]} holds '
                         f'{data.spec}; give its sources, which are then read as the model '
                         'takes them')
    return data


def _chosen(data: TrainingSet, split: str | None,
            sources: tuple[str, ...]) -> tuple[Any, tuple[str, ...]]:
    """Return the rows and the names of the works of a split, or of all works."""
    from qbdi_m21.model.training_set import SPLITS
    if split is None:
        return slice(None), data.works
    if not sources[0].lower().endswith('.npz'):
        raise ParameterError(f'--split {split} goes with a training set (.npz); all works of '
                             'other sources are measured')
    works = tuple(name for name, place in zip(data.works, data.split, strict=True)
                  if SPLITS[place] == split)
    if not works:
        raise CorpusError(f'{sources[0]} has no work in its {split} split; expected one of '
                          f'{", ".join(s for s in SPLITS if len(data.rows(s)))}')
    return data.rows(split), works


def _learned(model: LatentModel, works: tuple[str, ...]) -> int:
    """Return how many of the works the card of a model names as learned."""
    split = model.card.get('data', {}).get('split', {})
    return len(set(works) & set(split.get('train', ())))


def _rows(found: dict[str, Any]) -> Iterator[Row]:
    """Give the rows of the table; parts that were measured on fewer bars say so."""
    def on(part: str) -> str:
        count = found[part]['windows']
        return f' ({count} bars)' if count != found['windows'] else ''

    bits = 'bits a bar'
    yield 'bars', str(found['windows']), ''
    for label, key in (('distortion D', 'distortion'), ('rate R', 'rate'),
                       ('-ELBO = D + R', 'negative_elbo')):
        yield label, f'{found[f"{key}_bits"]:.2f}', bits
    if 'importance_weighted' in found:
        part = found['importance_weighted']
        yield (f'-log p, {part["samples"]} samples{on("importance_weighted")}',
               f'{part["bound_bits"]:.2f}', bits)
    for label, key in (('divergence > 0.01 nats', 'active_units'),
                       ('variance of means > 0.01', 'active_units_by_variance')):
        yield f'active latents, {label}', str(found[key]), f'of {found["latents"]}'
    part, where = found['information'], on('information')
    for label, key in (('entropy of these bars H', 'data_entropy'), ('H - D', 'lower_bound'),
                       ('information I(bar; z), at most H', 'mutual_information'),
                       ('aggregated posterior from prior R - I', 'posterior_prior_divergence')):
        yield label + where, f'{part[f"{key}_bits"]:.2f}', bits
    part, where = found['reconstruction'], on('reconstruction')
    yield f'notes{where}', str(part['notes_given']), 'given'
    for name in ('means', 'samples', 'prior'):
        yield f'notes from {name}', str(part[name]['notes']), 'decoded'
    for name in ('means', 'samples'):
        for plane in ('sounding', 'onset'):
            scores = part[name][plane]
            yield (f'F1 of {plane} cells from {name}', f'{scores["f1"]:.3f}',
                   f'precision {scores["precision"]:.3f}, recall {scores["recall"]:.3f}')
    for unit, measure in (('bar', 'chroma_cosine'), ('frame', 'chroma_cosine_by_frame')):
        for label, key in (('means', 'means'), ('samples', 'samples'),
                           ('means, bars shuffled', 'means_shuffled'),
                           ('samples, bars shuffled', 'samples_shuffled'),
                           ('draws from the prior', 'prior')):
            yield (f'chroma cosine by {unit}, {label}', f'{found[measure][key]:.3f}',
                   'control' if label != key else '')


def _dynamics_rows(found: dict[str, Any]) -> Iterator[Row]:
    """Give the rows of what latents tell of those that follow."""
    part = found['information_rate']
    if part is not None:
        yield 'information rate of latents', f'{part["bits"]:.3f}', 'bits a bar'
        yield ('information rate of latents, bars shuffled', f'{part["null_bits"]:.3f}', 'control')
    part = found['future']
    if part is not None:
        unit = f'bits, at most {part["ceiling_bits"]:g}'
        for label, key in (("I(z; next bar's z)", 'latent_bits'),
                           ("I(bar; next bar's z)", 'surface_bits'),
                           ("I(bar; next bar's z | z)", 'remaining_bits')):
            yield label, f'{part[key]:.2f}', unit


def _table(rows: list[Row]) -> str:
    """Return rows as aligned text, under a heading."""
    lines = [('measure', 'value', 'unit'), *rows]
    first, second = (max(len(line[k]) for line in lines) for k in (0, 1))
    return '\n'.join(f'{label:{first}}  {value:>{second}}  {unit}'.rstrip()
                     for label, value, unit in lines)
