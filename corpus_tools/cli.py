"""The command line `corpus-tools`."""

from __future__ import annotations

import sys

import click

import qbdi_m21
from qbdi_m21.cli.base import QbdiGroup, check_output


@click.group(cls=QbdiGroup, context_settings={'help_option_names': ['-h', '--help']})
@click.version_option(qbdi_m21.__version__, prog_name='corpus-tools')
def main() -> None:
    """Work on many scores: note tables and training sets.

    \b
    Examples:
      corpus-tools ingest 'corpus:bach/*' -o tables --jobs 2
      corpus-tools dataset tables -o chorales.npz --meter 4/4
    """


@main.command()
@click.argument('sources', nargs=-1, required=True)
@click.option('-o', '--output', required=True, metavar='FOLDER', help='One Parquet file a work.')
@click.option('--jobs', default=1, show_default=True, type=click.IntRange(min=1),
              help='Processes to run at once.')
def ingest(sources: tuple[str, ...], output: str, jobs: int) -> None:
    """Parse SOURCES into note tables: files, folders, corpus:NAME, 'corpus:FOLDER/*', @LIST.

    Works that are there already are kept: call again to go on after an interruption. The
    exit status is 1 if some works could not be read.

    \b
    Examples:
      corpus-tools ingest 'corpus:bach/*' -o tables --jobs 2
      corpus-tools ingest @works.txt scores/ -o tables
    """
    from tqdm import tqdm

    from corpus_tools.ingest import ingest as run
    from corpus_tools.manifest import expand_sources
    works = expand_sources(sources)
    with tqdm(total=len(works), unit='work', disable=not sys.stderr.isatty()) as bar:
        report = run(works, output, jobs=jobs, progress=lambda _: bar.update())
    for work, reason in report.failed.items():
        click.echo(f'{work}: {reason}', err=True)
    click.echo(f'{len(report.written)} works written, {len(report.kept)} kept, '
               f'{len(report.failed)} failed')
    if report.failed:
        raise SystemExit(1)


@main.command()
@click.argument('folder')
@click.option('-o', '--output', required=True, metavar='FILE', help='Ends in .npz.')
@click.option('--meter', default='4/4', show_default=True,
              help="Only works in this meter throughout; 'any' takes all.")
@click.option('--min-bars', default=4, show_default=True, type=click.IntRange(min=1),
              help='Leave out shorter works.')
@click.option('--validation', default=0.1, show_default=True, help='Share of the works.')
@click.option('--test', default=0.1, show_default=True, help='Share of the works.')
@click.option('--seed', default=0, show_default=True, type=click.IntRange(min=0),
              help='Of the split.')
def dataset(folder: str, output: str, meter: str, min_bars: int, validation: float, test: float,
            seed: int) -> None:
    """Build a training set from the note tables in FOLDER.

    \b
    Example:
      corpus-tools dataset tables -o chorales.npz --meter 4/4 --seed 0
    """
    from corpus_tools.dataset import build_training_set
    from qbdi_m21.model.training_set import SPLITS
    target = check_output(output, ('.npz',))
    built = build_training_set(folder, meter=None if meter == 'any' else meter,
                               min_bars=min_bars, held_out=(validation, test), seed=seed)
    built.save(target)
    counts = ', '.join(f'{len(built.rows(s))} {s}' for s in SPLITS)
    click.echo(f'wrote {target}: {len(built.works)} works, {len(built.windows)} bars ({counts})')
