"""Commands from scores to note tables and training sets."""

from __future__ import annotations

from typing import Any

import click

from corpus_tools.cli.options import engine_options, find_works, make_engine_of, stage_bar
from qbdi_m21.cli.base import check_output
from qbdi_m21.cli.corpus_options import corpus_options, load_sources
from qbdi_m21.errors import ParameterError


@click.command()
@click.argument('sources', nargs=-1, required=True)
@click.option('-o', '--output', required=True, metavar='FILE', help='Ends in .csv.')
@click.option('--search', metavar='TEXT', help='Only works that hold TEXT in title, composer, '
              'genre or name; COLUMN:TEXT looks in one column.')
@click.option('--split', 'held_out', type=float, nargs=2, metavar='V T',
              help='Shares of works for validation and test, for the column `split`.')
@click.option('--split-by', type=click.Choice(['title', 'work']), default='title',
              show_default=True, help='Keep together works of one title.')
@click.option('--seed', default=0, show_default=True, type=click.IntRange(min=0),
              help='Of the split.')
def manifest(sources: tuple[str, ...], output: str, search: str | None,
             held_out: tuple[float, float] | None, split_by: str, seed: int) -> None:
    """Write the works of SOURCES with title, composer, licence and hash, as a CSV file.

    \b
    Examples:
      corpus-tools manifest 'corpus:*' -o corpus.csv
      corpus-tools manifest 'corpus:*' --search composer:mozart -o mozart.csv
      corpus-tools manifest scores/ -o works.csv --split 0.1 0.1 --seed 0
    """
    from corpus_tools.manifest import build_manifest
    target = check_output(output, ('.csv',))
    found = build_manifest(sources, search=search, held_out=held_out, split_by=split_by, seed=seed)
    found.write(target)
    copies = int((found.table['duplicate_of'].fillna('') != '').sum()) if (
        'duplicate_of' in found.table) else 0
    click.echo(f'wrote {target}: {len(found)} works in {len(found.files)} files, {copies} of the '
               'content of another')


@click.command()
@click.argument('sources', nargs=-1, required=True)
@click.option('-o', '--output', required=True, metavar='FOLDER', help='A store; made if missing.')
@engine_options
@click.option('--retry', is_flag=True, help='Read again what failed before.')
def ingest(sources: tuple[str, ...], output: str, *, retry: bool, **engine: Any) -> None:
    """Parse SOURCES into note tables.

    SOURCES are files, folders, corpus:NAME, 'corpus:FOLDER/*', 'corpus:*' for all of it, @LIST, and
    manifests (.csv). What was read before is kept, unless its content has changed: call again to
    go on after an interruption. The exit status is 1 if some works could not be read.

    \b
    Examples:
      corpus-tools ingest 'corpus:bach/*' -o store --jobs 2
      corpus-tools ingest works.csv scores/ -o store --seconds 60 --memory 1000
    """
    from corpus_tools.ingest import ingest as run
    works = find_works(sources)
    with stage_bar() as show:
        report = run(works, output, engine=make_engine_of(engine), retry=retry,
                     progress=lambda done, total: show('ingest', done, total))
    for work, failure in report.failed.items():
        click.echo(f'{work}: {failure.stage}: {failure.error}: {failure.message}', err=True)
    for work, first in report.duplicates.items():
        click.echo(f'{work}: the same content as {first}', err=True)
    click.echo(f'{len(report.written)} works written, {len(report.kept)} files kept, '
               f'{len(report.duplicates)} of the content of another, {len(report.failed)} failed')
    if report.failed:
        raise SystemExit(1)


@click.command()
@click.argument('sources', nargs=-1, required=True)
@click.option('-o', '--output', required=True, metavar='FILE', help='Ends in .npz.')
@corpus_options(meter='4/4', min_bars=4)
@click.option('--seed', default=0, show_default=True, type=click.IntRange(min=0),
              help='Of the split.')
def dataset(sources: tuple[str, ...], output: str, seed: int, **options: Any) -> None:
    """Build a training set from SOURCES: folders of note tables, scores or MIDI files.

    \b
    Examples:
      corpus-tools dataset tables -o chorales.npz --meter 4/4 --seed 0
      corpus-tools dataset pop -o pop.npz --reading dubnov2019 --test-works heldout.txt
    """
    from qbdi_m21.model.training_set import SPLITS
    target = check_output(output, ('.npz',))
    if any(source.lower().endswith('.npz') for source in sources):
        raise ParameterError('a training set (.npz) is no source; give scores or note tables')
    if options['reading'] != 'dubnov2019':      # which has bars and limits of its own
        options['meter'] = options['meter'] or '4/4'
        options['min_bars'] = options['min_bars'] or 4
    built = load_sources(sources, seed, **options)
    built.save(target)
    counts = ', '.join(f'{len(built.rows(s))} {s}' for s in SPLITS)
    click.echo(f'wrote {target}: {len(built.works)} works, {len(built.windows)} bars ({counts})')
    left_out = built.about['left_out'].items()
    if left_out:
        click.echo('left out: ' + ', '.join(f'{n} {why}' for why, n in left_out))
