"""Commands on the motifs of many works."""

from __future__ import annotations

import sys
from typing import Any

import click

from corpus_tools.cli.options import engine_options, make_engine_of
from qbdi_m21.cli.base import check_output


@click.command()
@click.argument('sources', nargs=-1, required=True)
@click.option('-o', '--output', required=True, metavar='FILE', help='Ends in .parquet.')
@click.option('--level', type=click.Choice(['motifs', 'themes', 'sections']), default='motifs',
              show_default=True, help='How long: about a bar, a phrase, or more.')
@click.option('--max-motifs', default=10, show_default=True, type=click.IntRange(1, 26),
              help='Most motifs of a work.')
@engine_options
def motifs(sources: tuple[str, ...], output: str, level: str, max_motifs: int,
           **engine: Any) -> None:
    """Find the motifs of SOURCES and write an index: a row for each, with its incipit.

    \b
    Examples:
      corpus-tools motifs tables -o motifs.parquet --jobs 2
      corpus-tools motifs 'corpus:haydn/*' -o haydn.parquet --level themes
    """
    from tqdm import tqdm

    from corpus_tools.motif_index import index_motifs
    from qbdi_m21.sources import expand_sources
    target = check_output(output, ('.parquet',))
    works = expand_sources(sources)
    with tqdm(total=len(works), unit='work', disable=not sys.stderr.isatty()) as bar:
        failed = index_motifs(works, target, engine=make_engine_of(engine), level=level,
                              max_motifs=max_motifs, progress=lambda _: bar.update())
    for work, reason in failed.items():
        click.echo(f'{work}: {reason}', err=True)
    click.echo(f'wrote {target}: {len(works) - len(failed)} works, {len(failed)} failed')
    if failed:
        raise SystemExit(1)


@click.command('shared-motifs')
@click.argument('index')
@click.option('--theme', metavar='SCORE', help='Print the motifs that are like this theme.')
@click.option('--min-similarity', default=0.6, show_default=True, type=float,
              help='Of --theme, from 0 to 1.')
@click.option('--min-notes', default=4, show_default=True, type=click.IntRange(min=2),
              help='Fewest notes of a shared motif.')
@click.option('--min-works', default=2, show_default=True, type=click.IntRange(min=2),
              help='Fewest works that share it.')
@click.option('--rhythm/--no-rhythm', default=True, show_default=True,
              help='Motifs are the same by intervals and rhythm, or by intervals alone.')
@click.option('--csv', 'csv_path', metavar='FILE', help='Write the table, .csv.')
def shared(index: str, *, theme: str | None, min_similarity: float, min_notes: int,
           min_works: int, rhythm: bool, csv_path: str | None) -> None:
    """Print the motifs that several works of INDEX share, or those that are like a theme.

    \b
    Examples:
      corpus-tools shared-motifs motifs.parquet --min-notes 6 --csv shared.csv
      corpus-tools shared-motifs motifs.parquet --theme subject.mxl
    """
    from corpus_tools.motif_index import read_index, search_index, shared_motifs
    from qbdi_m21.files import write_aside
    target = check_output(csv_path, ('.csv',)) if csv_path else None
    table = read_index(index)
    if theme is not None:
        from qbdi_m21.notation.reading import load_score
        found = search_index(table, load_score(theme), min_similarity=min_similarity)
        columns = ['similarity', 'work', 'label', 'measure', 'beat', 'intervals', 'times']
    else:
        found = shared_motifs(table, min_notes=min_notes, min_works=min_works, rhythm=rhythm)
        columns = list(found.columns)
    for row in found[columns].itertuples(index=False):
        click.echo('  '.join(str(value) for value in row))
    click.echo(f'{len(found)} motifs')
    if target is not None:
        with write_aside(target) as aside:
            aside.write_text(found.to_csv(index=False, lineterminator='\n'), encoding='utf-8')
