"""`qbdi-m21 sample` and `qbdi-m21 interpolate`: scores without a query, and between two."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from qbdi_m21.cli.channel_options import (
    channel_options,
    check_targets,
    decoding_options,
    model_option,
    parse_rate_list,
    source_of,
    stem_of,
)
from qbdi_m21.errors import ParameterError

if TYPE_CHECKING:
    from qbdi_m21.improvisation.decoding import Decoding


@click.command()
@model_option
@click.option('--bars', default=16, show_default=True, type=click.IntRange(min=1),
              help='How many.')
@click.option('--meter', default='4/4', show_default=True, help='Of all bars.')
@click.option('--seed', default=0, show_default=True, type=click.IntRange(min=0),
              help='Of the draws.')
@decoding_options
@click.option('-o', '--output', metavar='FILE',
              help='.musicxml, .xml or .mxl  [default: MODEL-sample.musicxml here].')
@click.option('--json', 'json_path', metavar='FILE',
              help='The recipe that makes the score again  [default: .json beside the score].')
def sample(model: str, bars: int, meter: str, seed: int, decoding: Decoding, output: str | None,
           json_path: str | None) -> None:
    """Write bars of a model's style that answer no query: draws from the prior.

    \b
    Examples:
      qbdi-m21 sample
      qbdi-m21 sample --model reels --bars 32 --meter 2/2 --seed 4 -o reel.musicxml
    """
    from qbdi_m21.improvisation.latents import sample as draw
    from qbdi_m21.notation.checking import SUFFIXES
    target, record = check_targets(output or f'{Path(model).stem}-sample.musicxml', json_path, (),
                                   SUFFIXES)
    write_made(draw(model, bars, seed=seed, meter=meter, decoding=decoding), target, record, [])


@click.command()
@click.argument('first')
@click.argument('second')
@model_option
@click.option('--weight', default='0,1', show_default=True, metavar='W[,W...]',
              help='Of SECOND, 0 to 1; several are gone through from the first bar to the last.')
@click.option('--rate', default='full', show_default=True, metavar='RATE',
              help='What passes the channel for each bar, as of `improvise`.')
@click.option('--seed', default=0, show_default=True, type=click.IntRange(min=0),
              help='Another seed, another improvisation.')
@channel_options
@decoding_options
@click.option('-o', '--output', metavar='FILE',
              help='.musicxml, .xml or .mxl  [default: FIRST-SECOND.musicxml here].')
@click.option('--json', 'json_path', metavar='FILE',
              help='The recipe that makes the score again  [default: .json beside the score].')
def interpolate(first: str, second: str, *, model: str, weight: str, rate: str, seed: int,
                channel: dict[str, str], decoding: Decoding, output: str | None,
                json_path: str | None) -> None:
    """Improvise between two queries, bar by bar; FIRST gives the bars.

    \b
    Examples:
      qbdi-m21 interpolate corpus:bach/bwv66.6 corpus:bach/bwv4.8
      qbdi-m21 interpolate a.mxl b.mxl --weight 0.5 --rate 64 -o between.musicxml
    """
    from qbdi_m21.improvisation.latents import interpolate as join
    from qbdi_m21.improvisation.replay import load_query
    from qbdi_m21.notation.checking import SUFFIXES
    try:
        weights = [float(one) for one in weight.split(',')]
    except ValueError as error:
        raise ParameterError(f'weight is {weight!r}; expected numbers from 0 to 1, with commas '
                             'between them') from error
    target, record = check_targets(output or f'{stem_of(first)}-{stem_of(second)}.musicxml',
                                   json_path, (first, second), SUFFIXES)
    sources = [source_of(query) for query in (first, second)]
    one, two = (load_query(**source) for source in sources)
    made = join(one, two, model, weight=weights, rate=parse_rate_list(rate), seed=seed,
                decoding=decoding, **channel)
    write_made(made, target, record, sources)


def write_made(score: Any, target: Path, record: Path, sources: list[dict[str, Any]]) -> None:
    """Write a score and its recipe, both or none, and say so."""
    from qbdi_m21.files import write_aside
    from qbdi_m21.frames.notes import extract_notes
    from qbdi_m21.improvisation.recipe import write_field
    from qbdi_m21.notation.musicxml import write_musicxml
    recipe = score.derivation.recipe
    if sources:
        recipe['queries'] = sources
    write_field(score, recipe)
    with write_aside(record) as aside:
        aside.write_text(json.dumps({'recipe': recipe}, indent=1, ensure_ascii=False,
                                    allow_nan=False) + '\n', encoding='utf-8')
        write_musicxml(score, target)
    notes = len(extract_notes(score, allow_empty=True))
    click.echo(f'wrote {target} and {record}: {notes} notes')
