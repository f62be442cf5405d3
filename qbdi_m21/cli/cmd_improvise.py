"""`qbdi-m21 improvise`: the main job."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from qbdi_m21.cli.channel_options import (
    channel_options,
    check_targets,
    decoding_options,
    model_option,
    parse_rate_list,
    parse_regions,
    query_options,
    source_of,
    stem_of,
)
from qbdi_m21.errors import ParameterError

if TYPE_CHECKING:
    from qbdi_m21.comparison import Comparison
    from qbdi_m21.improvisation.decoding import Decoding
    from qbdi_m21.improvisation.recipe import Recipe


@contextlib.contextmanager
def stage_bar(total: int) -> Iterator[Callable[[str, float], None]]:
    """Show stages, and an estimate of what is left; on a terminal only."""
    from tqdm import tqdm
    with tqdm(total=total, disable=not sys.stderr.isatty(), leave=False,
              bar_format='{desc}: {bar:24} [{elapsed}<{remaining}]') as bar:
        def show(stage: str, done: float) -> None:
            bar.set_description(stage, refresh=False)
            bar.update(done - bar.n)
        yield show


@click.command()
@click.argument('query', required=False)
@model_option
@click.option('--rate', default='256', show_default=True, metavar='RATE',
              help='What passes the channel for each bar: bits (64), a share of what full rate '
              'delivers (0.5, half), or full; with commas, one for each bar.')
@click.option('--region', 'regions', multiple=True, metavar='WHERE=RATE',
              help='Another rate for measures (9-16=full), a rehearsal section (B=0, mark:12=0) or '
              'a part (part:Viola=half, part:3=32); may be repeated, the later wins.')
@click.option('--seed', default=0, show_default=True, type=click.IntRange(min=0),
              help='Another seed, another improvisation.')
@channel_options
@decoding_options
@query_options
@click.option('--show-rates', is_flag=True,
              help='Print below each bar its rate, and how many bits arrived.')
@click.option('-o', '--output', metavar='FILE',
              help='.musicxml, .xml or .mxl  [default: QUERY-improvisation.musicxml here].')
@click.option('--json', 'json_path', metavar='FILE',
              help='Findings, and the recipe that makes the score again  [default: .json beside '
              'the score].')
@click.option('--from', 'recipe_path', metavar='FILE',
              help='Make a score again from its recipe: the .json beside it, or the score itself.')
@click.pass_context
def improvise(context: click.Context, query: str | None, *, model: str, rate: str,
              regions: tuple[str, ...], seed: int, channel: dict[str, str], decoding: Decoding,
              number: int | None, measures: str | None, show_rates: bool, output: str | None,
              json_path: str | None, recipe_path: str | None) -> None:
    """Improvise on QUERY; write one annotated score, improvisation above and query below.

    QUERY is a MusicXML, MXL, MIDI, ABC, kern or MEI file, or corpus:NAME for a work of
    music21's corpus.

    \b
    Examples:
      qbdi-m21 improvise corpus:ryansMammoth/AcaciaReel
      qbdi-m21 improvise corpus:essenFolksong/altdeu10 --number 3 --rate full
      qbdi-m21 improvise corpus:bach/bwv66.6 --rate 16 --region 5-8=full --show-rates
      qbdi-m21 improvise song.mid --rate 32 --seed 7 -o song.mxl
      qbdi-m21 improvise --from song.json -o again.mxl
    """
    from qbdi_m21.improvisation.settings import Settings
    if recipe_path is not None:
        _refuse_settings(context)
        _again(recipe_path, query, model if _was_given(context, 'model') else None, output,
               json_path, show_rates=show_rates)
        return
    if query is None:
        raise ParameterError('no QUERY was given; expected a score file, corpus:NAME, or --from a '
                             'recipe')
    settings = Settings.parse(rate=parse_rate_list(rate), regions=parse_regions(regions),
                              seed=seed, decoding=decoding, **channel)
    _make(query, source_of(query, number, measures), model, settings.options(), output, json_path,
          show_rates=show_rates)


def _make(query: str, source: dict[str, Any], model: str, options: dict[str, Any],
          output: str | None, json_path: str | None, *, show_rates: bool,
          recipe: Recipe | None = None, beside: Path | None = None) -> None:
    """Improvise, analyse and write; with a recipe, only from the very same query and model."""
    from qbdi_m21.comparison import STAGES, compare
    from qbdi_m21.frames.notes import extract_notes
    from qbdi_m21.improvisation.operations import serve
    from qbdi_m21.improvisation.recipe import check_same
    from qbdi_m21.improvisation.regions import rehearsal_sections
    from qbdi_m21.improvisation.replay import load_query, located
    from qbdi_m21.notation.checking import SUFFIXES
    from qbdi_m21.report.summary import summarise

    target, record = check_targets(output or f'{stem_of(query)}-improvisation.musicxml', json_path,
                                   (query,), SUFFIXES)
    with stage_bar(len(STAGES) + 2) as show:
        show('read the score', 0)
        score = load_query(**located(source, beside))
        if recipe is not None:
            check_same(recipe, serve(model), (extract_notes(score),),
                       rehearsal_sections(score) if 'sections' in recipe else None)
        found = compare(score, model, **options,
                        progress=lambda stage, done: show(stage, 1 + done))
        found.recipe['queries'] = [source]
        if show_rates:
            found.recipe['show_rates'] = True
        if recipe is not None and 'findings' in recipe:
            found.recipe['findings'] = recipe['findings']
        show('write', 1 + len(STAGES))
        write_both(found, target, record, show_rates=show_rates)
    click.echo(f'wrote {target} and {record}')
    for line in summarise(found):
        click.echo(line)


def write_both(found: Comparison, target: Path, record: Path, *, show_rates: bool) -> None:
    """Write score and JSON, both or none: the JSON is renamed when the score is written."""
    from qbdi_m21.files import write_aside
    from qbdi_m21.notation.musicxml import write_musicxml
    with write_aside(record) as aside:
        aside.write_text(json.dumps(found.to_json(), indent=1, ensure_ascii=False,
                                    allow_nan=False) + '\n', encoding='utf-8')
        write_musicxml(found.annotated(rates=show_rates,
                                       findings=found.recipe.get('findings', True)),
                       target, keep=False)


def _again(path: str, query: str | None, model: str | None, output: str | None,
           json_path: str | None, *, show_rates: bool) -> None:
    """Make a score again from its recipe."""
    from qbdi_m21.improvisation.recipe import read_recipe
    from qbdi_m21.improvisation.settings import Settings
    recipe = read_recipe(path)
    sources = [source_of(**one) for one in recipe.get('queries', [])]
    if query is not None and recipe['operation'] == 'improvise':
        sources = [{**(sources[0] if sources else {}), 'source': query}]
    if recipe['operation'] == 'improvise':
        if not sources:
            raise ParameterError(f'the recipe of {path} names no query (it was made in Python); '
                                 'give the QUERY')
        _make(sources[0]['source'], sources[0], model or recipe['model'],
              Settings.from_json(recipe).options(), output, json_path,
              show_rates=show_rates or bool(recipe.get('show_rates')), recipe=recipe,
              beside=Path(path).parent)
        return
    if query is not None or show_rates:
        raise ParameterError(f'the recipe of {path} is of {recipe["operation"]!r}; a QUERY and '
                             '--show-rates go with those of improvisations: leave them out')
    from qbdi_m21.cli.cmd_sample import write_made
    from qbdi_m21.improvisation.replay import replay
    from qbdi_m21.notation.checking import SUFFIXES
    target, record = check_targets(output or f'{Path(path).stem}-again.musicxml', json_path,
                                   (path,), SUFFIXES)
    write_made(replay(path, model=model), target, record, sources)


def _was_given(context: click.Context, name: str) -> bool:
    return context.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE


def _refuse_settings(context: click.Context) -> None:
    """Raise ParameterError where a setting stands beside --from, which has all of them."""
    free = {'query', 'model', 'output', 'json_path', 'recipe_path', 'show_rates'}
    given = [p.opts[0] for p in context.command.params
             if p.name and p.name not in free and _was_given(context, p.name)]
    if given:
        raise ParameterError(f'{", ".join(given)} cannot stand beside --from, whose recipe says '
                             'all of it; leave one of them out')
