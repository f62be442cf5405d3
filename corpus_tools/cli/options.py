"""Options and a bar that several commands share."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

import click

Command = TypeVar('Command', bound=Callable[..., Any])


def engine_options(command: Command) -> Command:
    """Add where tasks run, and what each may use."""
    for option in reversed((
            click.option('--jobs', default=1, show_default=True, type=click.IntRange(min=1),
                         help='Processes to run at once.'),
            click.option('--scheduler', metavar='ADDRESS',
                         help='Run on the workers of a Dask scheduler instead: tcp://HOST:PORT.'),
            click.option('--seconds', default=300.0, show_default=True,
                         type=click.FloatRange(min=0, min_open=True),
                         help='Most time for each task; its process is ended.'),
            click.option('--memory', default=4096, show_default=True, type=click.IntRange(min=1),
                         help='Most memory for each task, in MiB (on Linux).'))):
        command = option(command)
    return command


def make_engine_of(options: dict[str, Any]) -> Any:
    """Return the engine of the options above."""
    from corpus_tools.engine import Limits, make_engine
    return make_engine(jobs=options['jobs'], scheduler=options['scheduler'],
                       limits=Limits(options['seconds'], options['memory']))


def find_works(sources: Sequence[str]) -> tuple[str, ...]:
    """Return the works of sources, manifests among them."""
    from corpus_tools.manifest import read_manifest
    from qbdi_m21.sources import expand_sources
    manifests = [source for source in sources if source.lower().endswith('.csv')]
    others = [source for source in sources if source not in manifests]
    works = [work for source in manifests for work in read_manifest(source).works]
    # a folder may hold the tables that an earlier call made of its scores
    works += expand_sources(others, tables=False) if others else ()
    return tuple(dict.fromkeys(works))


@contextlib.contextmanager
def stage_bar() -> Iterator[Callable[[str, int, int], None]]:
    """Show a stage, how many are done, and an estimate; on a terminal only."""
    from tqdm import tqdm
    with tqdm(disable=not sys.stderr.isatty(), unit='task') as bar:
        shown = ''

        def show(stage: str, done: int, total: int) -> None:
            nonlocal shown
            if stage != shown and not bar.disable:
                bar.reset(total)
                bar.set_description(stage, refresh=False)
                bar.initial = bar.n = done      # what was there before tells nothing of the speed
            shown = stage
            bar.update(done - bar.n)
        yield show
