"""`qbdi-m21 sweep`: one query at many rates, with controls."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from qbdi_m21.cli.base import count_bar
from qbdi_m21.cli.channel_options import (
    channel_options,
    decoding_options,
    model_option,
    query_options,
    source_of,
)
from qbdi_m21.errors import ParameterError, SourceWarning, warn

if TYPE_CHECKING:
    from qbdi_m21.improvisation.decoding import Decoding
    from qbdi_m21.improvisation.sweep import Sweep


@click.command()
@click.argument('query')
@model_option
@click.option('--rates', default='full,512,256,128,64,32,0', show_default=True, metavar='RATES',
              help='With commas between them, as of `improvise`.')
@click.option('--seeds', default=8, show_default=True, type=click.IntRange(min=1),
              help='How many seeds, from 0 on, each rate has.')
@channel_options
@decoding_options
@query_options
@click.option('--transpose', default=6, show_default=True, metavar='SEMITONES',
              help="Of the control 'transposed'.")
@click.option('--scores/--no-scores', default=True, show_default=True,
              help='Also write the improvisation of the first seed at each rate, above the query.')
@click.option('-o', '--output', metavar='DIR', required=True,
              help='Folder for scores, tables and plot; made if it is not there.')
def sweep(query: str, *, model: str, rates: str, seeds: int, channel: dict[str, str],
          decoding: Decoding, number: int | None, measures: str | None, transpose: int,
          scores: bool, output: str) -> None:
    """Improvise on QUERY at many rates and seeds; write scores, tables and a plot.

    Always with three controls: draws from the prior, the bars of each improvisation shuffled, and
    the query transposed.

    \b
    Examples:
      qbdi-m21 sweep corpus:bach/bwv66.6 -o bwv66.6-sweep
      qbdi-m21 sweep song.mid --model mine.keras --rates full,64,16,4,0 --seeds 4 -o out
    """
    from qbdi_m21.improvisation.replay import load_query
    from qbdi_m21.improvisation.sweep import sweep as run
    folder = Path(output)
    if not output.strip():
        raise ParameterError('no folder was given to write into; expected its name')
    if folder.exists() and not folder.is_dir():
        raise ParameterError(f'cannot write into {folder}: it is a file; give a folder')
    if not folder.parent.is_dir():
        raise ParameterError(f'cannot make {folder}: there is no folder {folder.parent}')
    source = source_of(query, number, measures)
    with count_bar('improvisation') as show:
        found = run(load_query(**source), model, rates=[r.strip() for r in rates.split(',')],
                    seeds=seeds, decoding=decoding, transpose=transpose, progress=show, **channel)
    folder.mkdir(exist_ok=True)
    _write_tables(found, source, folder)
    if scores:
        with count_bar('score') as show:
            _write_scores(found, source, folder, show)
    click.echo(f'wrote {len(found.rows)} rows to {folder / "sweep.csv"}, and beside it '
               f'summary.csv, sweep.json, sweep.png'
               + (f' and {len(found.rates)} scores' if scores else ''))
    for line in summary_lines(found):
        click.echo(line)


def summary_lines(found: Sweep) -> list[str]:
    """Return a small table: means over seeds, of the query and its controls."""
    names = ('delivered_bits', 'notes', 'chroma_cosine', 'tonnetz_distance')
    lines = [f'{"":22}{"delivered":>11}{"notes":>9}{"cosine":>9}{"Tonnetz":>9}']
    means: dict[tuple[str, str], dict[str, float | None]] = {}
    for row in found.summary():
        means.setdefault((row['control'], row['rate']), {})[row['measure']] = row['mean']
    for (control, rate), held in means.items():
        texts = ['-' if held[name] is None else f'{held[name]:.{2 if k > 1 else 1}f}'
                 for k, name in enumerate(names)]
        lines.append(f'{control:12}{rate:10}' + texts[0].rjust(11)
                     + ''.join(text.rjust(9) for text in texts[1:]))
    return lines


def _write_tables(found: Sweep, source: dict[str, Any], folder: Path) -> None:
    from qbdi_m21.files import write_aside
    from qbdi_m21.improvisation.sweep import write_rows
    from qbdi_m21.report.plots import plot_sweep, save_figure
    found.write_csv(folder / 'sweep.csv')
    summary = found.summary()
    write_rows(summary, folder / 'summary.csv')
    recipes = [{**recipe, 'queries': [source]} for recipe in found.recipes]
    with write_aside(folder / 'sweep.json') as aside:
        aside.write_text(json.dumps({'recipes': recipes, 'summary': summary}, indent=1,
                                    ensure_ascii=False, allow_nan=False) + '\n', encoding='utf-8')
    save_figure(plot_sweep(found), folder / 'sweep.png')


def _write_scores(found: Sweep, source: dict[str, Any], folder: Path, show: Any) -> None:
    """Write an aligned score for each rate; each can be made again with `improvise --from`."""
    from qbdi_m21.improvisation.recipe import write_field
    from qbdi_m21.improvisation.sweep import file_name
    from qbdi_m21.notation.align import align
    from qbdi_m21.notation.musicxml import write_musicxml
    names = {f'{file_name(rate)}.musicxml' for rate in found.rates}
    old = sorted(p.name for p in folder.glob('rate-*.musicxml') if p.name not in names)
    if old:
        warn(f'{", ".join(old)} in {folder} are not of this sweep', SourceWarning)
    for done, (rate, recipe) in enumerate(zip(found.rates, found.recipes, strict=True), start=1):
        score = align(found.query, found.score(rate))
        write_field(score, {**recipe, 'queries': [source], 'findings': False})
        write_musicxml(score, folder / f'{file_name(rate)}.musicxml', keep=False)
        show(done, len(found.rates))
