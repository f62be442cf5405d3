"""`qbdi-m21 ir` and `qbdi-m21 resynthesise`: the oracle on a score."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from qbdi_m21.cli.base import check_output, count_bar
from qbdi_m21.cli.channel_options import check_targets, query_options, source_of, stem_of

if TYPE_CHECKING:
    from qbdi_m21.analysis.information_rate import InformationRate


@click.command()
@click.argument('score')
@query_options
@click.option('--distance', metavar='NAME',
              help='tonnetz, cosine, euclidean, pitch-class-set, or a metric of scipy  '
              '[default: tonnetz; of latents cosine].')
@click.option('--search', type=click.Choice(['grid', 'exact']), default='exact', show_default=True,
              help='100 thresholds, or all that there are.')
@click.option('--silence', type=click.Choice(['symbol', 'ignore', 'vmo']),
              help='Silent frames: a symbol of their own, left out, or as the distance has them  '
              '[default: of the distance].')
@click.option('--step', default='1/2', show_default=True, help='Length of a frame in quarters.')
@click.option('--null', default=20, show_default=True, type=click.IntRange(min=0),
              help='Versions with shuffled bars for the null model; 0 leaves it out.')
@click.option('--seed', default=0, show_default=True, type=click.IntRange(min=0),
              help='Of the null model, and of latents.')
@click.option('--latent', metavar='MODEL', help="Also of the model's latents of each bar.")
@click.option('--latents', type=click.Choice(['means', 'samples', 'received', 'posterior']),
              default='means', show_default=True, help='Which, with --latent.')
@click.option('--rate', default='full', show_default=True,
              help='Of latents that are received through the channel.')
@click.option('-o', '--output', metavar='FILE', help='A picture, .png.')
@click.option('--json', 'json_path', metavar='FILE', help='All values, .json.')
def ir(score: str, *, number: int | None, measures: str | None, distance: str | None, search: str,
       silence: str | None, step: str, null: int, seed: int, latent: str | None, latents: str,
       rate: str, output: str | None, json_path: str | None) -> None:
    """Print the information rate of SCORE, beside what its bars give in other orders.

    \b
    Examples:
      qbdi-m21 ir corpus:haydn/opus74no1/movement3 -o haydn-ir.png
      qbdi-m21 ir song.mxl --latent chorales --null 100 --json song-ir.json
    """
    from qbdi_m21.analysis.information_rate import information_rate
    from qbdi_m21.files import write_aside
    from qbdi_m21.frames.ratios import read_exact
    from qbdi_m21.improvisation.information import latent_information_rate
    from qbdi_m21.improvisation.replay import load_query
    picture = check_output(output, ('.png',)) if output else None
    record = check_output(json_path, ('.json',)) if json_path else None
    music = load_query(**source_of(score, number, measures))
    options: dict[str, Any] = {'search': search, 'silence': silence, 'null': null, 'seed': seed}
    with count_bar('threshold') as show:
        found = {'surface': information_rate(music, distance=distance, step=read_exact(step),
                                             progress=show, **options)}
        if latent is not None:
            found['latents'] = latent_information_rate(music, latent, latents=latents, rate=rate,
                                                       **options)
    for name, one in found.items():
        for line in _lines(name, one):
            click.echo(line)
    if record is not None:
        with write_aside(record) as aside:
            aside.write_text(json.dumps({name: one.to_json() for name, one in found.items()},
                                        indent=1, allow_nan=False) + '\n', encoding='utf-8')
    if picture is not None:
        from qbdi_m21.report.oracle_plots import plot_information
        from qbdi_m21.report.plots import save_figure
        save_figure(plot_information(found['latents' if latent else 'surface']), picture)


def _lines(name: str, found: InformationRate) -> list[str]:
    """Return what is printed of one information rate."""
    lines = [f'{name}: {found.total_bits:.1f} bits at threshold {found.selected:.4f}, '
             f'{found.total_bits / len(found.profile):.3f} a frame; {found.oracle.num_symbols} '
             f'symbols in {len(found.profile)} frames; {len(found.thresholds)} thresholds']
    if found.null is not None:
        lines.append(f'  shuffled: {found.null.mean_bits:.1f} +- {found.null.sd_bits:.1f} bits, '
                     f'{len(found.null.shuffled_bits)} versions; p = {found.null.p_value:.3f}')
    return lines


@click.command()
@click.argument('score')
@click.argument('query', required=False)
@click.option('--bars', type=click.IntRange(min=1), metavar='N',
              help='Of a walk without QUERY  [default: as many as SCORE has].')
@click.option('--model', metavar='MODEL',
              help="Walk over a model's latents of the bars, and decode.")
@click.option('--step', default='1/2', show_default=True, help='Length of a frame in quarters.')
@click.option('--continuity', default=0.87, show_default=True, type=float,
              help='Chance that the music goes on as it did, of a walk without QUERY.')
@click.option('--min-lrs', type=click.IntRange(min=1), metavar='FRAMES',
              help='What two places must share before one may jump  [default: 2; with QUERY 1].')
@click.option('--jump-cost', default=1.0, show_default=True, type=float,
              help='The more, the longer passages stay whole, with QUERY.')
@click.option('--seed', default=0, show_default=True, type=click.IntRange(min=0),
              help='Another seed, another walk.')
@click.option('--show-sources/--no-sources', default=True, show_default=True,
              help='Print from which measure and beat each passage is.')
@click.option('-o', '--output', metavar='FILE',
              help='.musicxml, .xml or .mxl  [default: SCORE-resynthesis.musicxml here].')
@click.option('--json', 'json_path', metavar='FILE',
              help='Recipe and passages  [default: .json beside the score].')
def resynthesise(score: str, query: str | None, *, bars: int | None, model: str | None, step: str,
                 continuity: float, min_lrs: int | None, jump_cost: float, seed: int,
                 show_sources: bool, output: str | None, json_path: str | None) -> None:
    """Make a new score of SCORE's own passages: freely, or following the harmony of QUERY.

    \b
    Examples:
      qbdi-m21 resynthesise corpus:haydn/opus74no1/movement3 --bars 32 --seed 1
      qbdi-m21 resynthesise corpus:haydn/opus74no1/movement3 corpus:bach/bwv66.6 -o led.musicxml
      qbdi-m21 resynthesise corpus:bach/bwv66.6 --model chorales --bars 40
    """
    from qbdi_m21.files import write_aside
    from qbdi_m21.frames.ratios import read_exact
    from qbdi_m21.improvisation.resynthesis import resynthesise as make
    from qbdi_m21.notation.annotate import draw_marks
    from qbdi_m21.notation.checking import SUFFIXES
    from qbdi_m21.notation.musicxml import write_musicxml
    from qbdi_m21.notation.reading import load_score
    sources = [one for one in (score, query) if one is not None]
    target, record = check_targets(output or f'{stem_of(score)}-resynthesis.musicxml', json_path,
                                   tuple(sources), SUFFIXES)
    made = make(load_score(score), None if query is None else load_score(query), bars=bars,
                model=model, step=read_exact(step), continuity=continuity, min_lrs=min_lrs,
                jump_cost=jump_cost, seed=seed)
    if show_sources:
        draw_marks(made.score, made.marks())
    passages = [{'start_ql': float(start), 'end_ql': float(end), 'source_measure': measure,
                 'source_beat': round(float(beat), 6)}
                for start, end, measure, beat in made.passages()]
    recipe = {**made.score.derivation.recipe, 'queries': [source_of(one) for one in sources]}
    with write_aside(record) as aside:
        aside.write_text(json.dumps({'recipe': recipe, 'passages': passages}, indent=1,
                                    ensure_ascii=False, allow_nan=False) + '\n', encoding='utf-8')
        write_musicxml(made.score, target)
    click.echo(f'wrote {target} and {record}: {len(made.grid.bars)} bars of {len(passages)} '
               'passages')
