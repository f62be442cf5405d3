"""The options of commands that learn from, or measure on, SOURCES."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from qbdi_m21.cli.base import count_bar
from qbdi_m21.errors import ParameterError

if TYPE_CHECKING:
    from qbdi_m21.model.spec import FrameSpec
    from qbdi_m21.model.training_set import TrainingSet

Command = TypeVar('Command', bound=Callable[..., Any])


def reading_options(*, meter: str = 'any', min_bars: int = 1) -> Callable[[Command], Command]:
    """Return a decorator with the options of :func:`load_sources` that choose and read works.

    Parameters
    ----------
    meter, min_bars
        Defaults to show. An option that is not given comes as None, and the command hands it
        on; one with other defaults than :func:`load_sources` has puts them in.
    """
    return _decorator(
        click.option('--reading', type=click.Choice(['score', 'dubnov2019']),
                     help="MIDI files in their own bars, or as the paper's author read them  "
                     '[default: score].'),
        click.option('--meter', metavar='METER', help="Only works in this meter throughout; "
                     f"'any' takes all  [default: {meter}]."),
        click.option('--min-bars', type=click.IntRange(min=1), metavar='N',
                     help=f'Leave out shorter works  [default: {min_bars}].'))


def corpus_options(*, meter: str = 'any', min_bars: int = 1) -> Callable[[Command], Command]:
    """Return a decorator with all options of :func:`load_sources`, those of the split too.

    Parameters are those of :func:`reading_options`.
    """
    return _decorator(
        reading_options(meter=meter, min_bars=min_bars),
        click.option('--split-by', type=click.Choice(['title', 'work']),
                     help='Keep works of one title together, or only those that share bars  '
                     '[default: title].'),
        click.option('--validation', type=float, metavar='SHARE',
                     help='Share of the works  [default: 0.1].'),
        click.option('--test', type=float, metavar='SHARE',
                     help='Share of the works  [default: 0.1].'),
        click.option('--test-works', metavar='FILE', help='Text file of the works that make the '
                     'test, one name or file name a line; instead of --test.'))


def _decorator(*options: Callable[[Command], Command]) -> Callable[[Command], Command]:
    def decorate(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


def load_sources(
    sources: Sequence[str], seed: int, *, spec: FrameSpec | None = None,
    reading: str | None = None, meter: str | None = None, min_bars: int | None = None,
    split_by: str | None = None, validation: float | None = None, test: float | None = None,
    test_works: str | None = None,
) -> TrainingSet:
    """Return the training set that SOURCES are, or make.

    Parameters
    ----------
    sources : sequence of str
        One training set (.npz), or those of :func:`~qbdi_m21.corpus.build_training_set`.
    seed : int
        Of the split.
    spec : FrameSpec, optional
        What a window is; a training set has its own.
    reading, meter, min_bars, split_by, validation, test, test_works
        Values of :func:`corpus_options`; None where an option is not given.

    Raises
    ------
    ParameterError
        If a training set comes with other sources, or with options that it has decided.
    """
    given = {'--reading': reading, '--meter': meter, '--min-bars': min_bars,
             '--split-by': split_by, '--validation': validation, '--test': test,
             '--test-works': test_works}
    if test is not None and test_works is not None:
        raise ParameterError('give --test or --test-works, not both')
    if any(source.lower().endswith('.npz') for source in sources):
        return _load_set(sources, [name for name, value in given.items() if value is not None])
    from qbdi_m21.corpus import build_training_set
    with count_bar('work') as show:
        return build_training_set(
            sources, spec=spec, meter=None if meter in (None, 'any') else meter,
            min_bars=min_bars or 1, split_by=split_by or 'title', reading=reading or 'score',
            seed=seed, progress=show,
            held_out=(0.1 if validation is None else validation, _test_share(test, test_works)),
            test_works=None if test_works is None else _listed(test_works))


def _load_set(sources: Sequence[str], options: list[str]) -> TrainingSet:
    from qbdi_m21.model.training_set import TrainingSet
    if len(sources) > 1:
        raise ParameterError('give one training set (.npz), or scores, not both')
    if options:
        raise ParameterError(f'{", ".join(options)} cannot change {sources[0]}: a training set '
                             'is read and split already; give its sources, or build another '
                             'with `corpus-tools dataset`')
    return TrainingSet.load(sources[0])


def _test_share(test: float | None, test_works: str | None) -> float:
    if test_works is not None:
        return 0.0
    return 0.1 if test is None else test


def _listed(path: str) -> list[str]:
    """Return the works of a list; a # inside a line may be the number of a score of a book."""
    from qbdi_m21.sources import read_lines
    lines = [line.strip() for line in read_lines(Path(path.removeprefix('@')))]
    return [line for line in lines if line and not line.startswith('#')]
