"""The options of commands that send something through channel and decoder."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import click

from qbdi_m21.cli.base import check_output
from qbdi_m21.errors import ParameterError

if TYPE_CHECKING:
    from qbdi_m21.improvisation.decoding import Decoding

Command: TypeAlias = Callable[..., Any]

#: Options of the decoder: names of the command line, in the order of its help.
_DECODING = ('decoding', 'threshold', 'min_length', 'restrike', 'barline', 'pitch_range',
             'hand_span')
_CHANNEL = ('channel', 'variance', 'allocation')


def model_option(command: Command) -> Command:
    """Add --model."""
    return _add(command, (
        click.option('--model', default='chorales', show_default=True,
                     help='A shipped model (see `qbdi-m21 models`) or a .keras file.'),))


def query_options(command: Command) -> Command:
    """Add the options that choose a score, or a part of one."""
    return _add(command, (
        click.option('--number', type=int, metavar='N',
                     help='Which score of a file of several (an Opus), counted from 1.'),
        click.option('--measures', metavar='A-B', help='Only these measures, by their numbers.')))


def channel_options(command: Command) -> Command:
    """Add the options of the channel; the command gets those that are given as `channel`."""
    return _add(_gather(command, 'channel', _CHANNEL, dict), (
        click.option('--channel', 'channel_',
                     type=click.Choice(['prior-preserving', 'paper', 'notebook']),
                     help='What takes the place of what does not pass: a draw from the prior, the '
                     "mean (eqs 6-8), or as the author's notebooks have it  "
                     '[default: prior-preserving].'),
        click.option('--variance', 'variance_',
                     type=click.Choice(['corpus', 'query', 'sample', 'posterior']),
                     help='By which bits are allocated  [default: corpus; notebook: posterior].'),
        click.option('--allocation', 'allocation_',
                     type=click.Choice(['whole', 'continuous', 'dynamic']),
                     help='Whole bits, parts of bits, or more for bars that say more  '
                     '[default: whole].')))


def decoding_options(command: Command) -> Command:
    """Add the options of the decoder; the command gets a Decoding as `decoding`."""
    return _add(_gather(command, 'decoding', _DECODING, _decoding), (
        click.option('--decoding', 'decoding_',
                     type=click.Choice(['threshold', 'density', 'sample']),
                     help='How probabilities become notes: the likely ones, as many as expected, '
                     "or at random  [default: the model's]."),
        click.option('--threshold', 'threshold_', metavar='P|paper|calibrated',
                     help='Cells decoded with at least this probability sound: a number, the '
                     "paper's .7, or the one that gives as many as the query has  "
                     "[default: the model's]."),
        click.option('--min-length', 'min_length_', type=int, metavar='FRAMES',
                     help='Leave out shorter notes; frames of the model, mostly sixteenths.'),
        click.option('--restrike', 'restrike_', type=click.Choice(['decoded', 'never']),
                     help='Whether a pitch that sounds can be struck again  [default: decoded].'),
        click.option('--barline', 'barline_', type=click.Choice(['decoded', 'tie', 'strike']),
                     help='A pitch on both sides of a barline: as decoded, one note, or two  '
                     '[default: decoded].'),
        click.option('--pitch-range', 'pitch_range_', nargs=2, type=int, metavar='LOW HIGH',
                     help='Move notes by octaves into this range: MIDI number, and one past the '
                     'highest.'),
        click.option('--hand-span', 'hand_span_', type=int, metavar='SEMITONES',
                     help='Leave out what two hands of this reach cannot take.')))


def parse_regions(pairs: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """Return (where, rate) of each WHERE=RATE, or raise ParameterError."""
    found = []
    for pair in pairs:
        where, equals, rate = pair.rpartition('=')
        if not equals or not where.strip():
            raise ParameterError(f"region is {pair!r}; expected WHERE=RATE, such as '9-16=full', "
                                 "'B=0' or 'part:Viola=half'")
        found.append((where.strip(), rate.strip()))
    return tuple(found)


def parse_rate_list(text: str) -> str | list[str]:
    """Return one rate, or one for each bar where commas are between them."""
    rates = [rate.strip() for rate in text.split(',')]
    return rates if len(rates) > 1 else rates[0]


def stem_of(query: str) -> str:
    """Return by what name results of a query are called."""
    stem = Path(query.rsplit(':', 1)[-1]).name
    return stem[:-len(Path(stem).suffix)] if Path(query).is_file() else stem


def check_targets(output: str, json_path: str | None, queries: tuple[str, ...],
                  suffixes: tuple[str, ...]) -> tuple[Path, Path]:
    """Return where score and JSON go, before any long work: beside each other by default.

    Raises
    ------
    ParameterError
        If a folder is not there, a suffix is wrong, or a query would be overwritten.
    """
    target = check_output(output, suffixes)
    for query in queries:
        if target.exists() and Path(query).exists() and target.samefile(query):
            raise ParameterError(f'{target} is the query itself; write to another file')
    record = check_output(json_path or str(target.with_suffix('.json')), ('.json',))
    from qbdi_m21.improvisation.recipe import holds_recipe
    if json_path is None and record.exists() and not holds_recipe(record):
        raise ParameterError(f'{record} is there already, and qbdi-m21 did not write it; say with '
                             '--json where findings and recipe shall go')
    return target, record


def source_of(source: str, number: int | None = None,
              measures: str | None = None) -> dict[str, Any]:
    """Return a query as a recipe names it."""
    given = {'source': source, 'number': number, 'measures': measures}
    return {name: value for name, value in given.items() if value is not None}


def _decoding(given: Mapping[str, Any]) -> Decoding:
    """Return a Decoding of the options that are given."""
    from qbdi_m21.improvisation.decoding import THRESHOLDS, Decoding
    names = {'decoding': 'rule', 'min_length': 'min_length_frames'}
    values = {names.get(name, name): value for name, value in given.items()}
    if values.get('threshold', 'paper') not in THRESHOLDS:
        try:
            values['threshold'] = float(values['threshold'])
        except ValueError as error:
            raise ParameterError(
                f'threshold is {values["threshold"]!r}; expected a probability between 0 and 1, '
                "'paper' or 'calibrated'") from error
    return Decoding(**values)


def _gather(command: Command, name: str, options: tuple[str, ...],
            make: Callable[[dict[str, Any]], Any]) -> Command:
    """Return a command that gets what was given of some options as one value."""
    @functools.wraps(command)
    def wrapped(*arguments: Any, **values: Any) -> Any:
        given = {option: values.pop(f'{option}_') for option in options}
        values[name] = make({k: v for k, v in given.items() if v is not None})
        return command(*arguments, **values)

    return wrapped


def _add(command: Command, options: tuple[Callable[[Command], Command], ...]) -> Command:
    for option in reversed(options):
        command = option(command)
    return command
