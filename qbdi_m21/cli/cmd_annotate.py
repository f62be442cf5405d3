"""`qbdi-m21 annotate`, `strip` and `check`: marks onto a score, off it, and valid files."""

from __future__ import annotations

import click

from qbdi_m21.cli.base import check_output
from qbdi_m21.cli.channel_options import query_options, source_of
from qbdi_m21.errors import ParameterError

_TARGETS = ('musescore', 'sibelius', 'finale', 'dorico', 'verovio', 'lilypond')


@click.command()
@click.argument('score')
@query_options
@click.option('--from', 'source', metavar='FILE', required=True,
              help='Marks: .json or .jams that --json or --jams wrote, or an annotated score.')
@click.option('--target', type=click.Choice(_TARGETS), default='musescore', show_default=True,
              help='The program that will open it.')
@click.option('--layers', metavar='KIND,KIND',
              help='Only these: motif, collision, meeting, rate, passage, information, note.')
@click.option('--legend/--no-legend', default=True, show_default=True,
              help='Say over the first measure what the marks mean.')
@click.option('-o', '--output', metavar='FILE', help='.musicxml, .xml or .mxl.')
@click.option('--picture', metavar='FILE', help='The score engraved: .png, .pdf or .svg.')
@click.option('--json', 'json_path', metavar='FILE', help='The marks, .json.')
@click.option('--csv', 'csv_path', metavar='FILE', help='The marks, a row each, .csv.')
@click.option('--jams', 'jams_path', metavar='FILE', help='The marks, .jams.')
def annotate(score: str, *, number: int | None, measures: str | None, source: str, target: str,
             layers: str | None, legend: bool, output: str | None, picture: str | None,
             json_path: str | None, csv_path: str | None, jams_path: str | None) -> None:
    """Draw marks onto SCORE, in place of those that it has.

    \b
    Examples:
      qbdi-m21 annotate song.mxl --from marks.json -o marked.musicxml
      qbdi-m21 annotate song.mxl --from edited-in-musescore.musicxml --csv marks.csv
    """
    from pathlib import Path

    from qbdi_m21.improvisation.replay import load_query
    from qbdi_m21.notation import pictures
    from qbdi_m21.notation.annotate import annotate as draw
    from qbdi_m21.notation.checking import SUFFIXES
    from qbdi_m21.notation.musicxml import write_musicxml
    from qbdi_m21.notation.recall import read_annotations
    from qbdi_m21.notation.sidecar import read_sidecar, write_annotations
    goal = check_output(output, SUFFIXES) if output else None
    files = [check_output(path, (suffix,)) for path, suffix in (
        (json_path, '.json'), (csv_path, '.csv'), (jams_path, '.jams')) if path]
    page = check_output(picture, pictures.SUFFIXES) if picture else None
    if goal is None and page is None and not files:
        raise ParameterError('nothing to write; give -o, --picture, --json, --csv or --jams')
    if not Path(source).is_file():
        raise ParameterError(f'no such file: {source}')
    music = load_query(**source_of(score, number, measures))
    if Path(source).suffix.lower() in ('.json', '.jams'):
        marks = read_sidecar(source, music)
    else:
        marks = read_annotations(source)
    for path in files:
        write_annotations(marks, path, music)
    if goal is not None or page is not None:
        kinds = [kind.strip() for kind in layers.split(',')] if layers else None
        drawn = draw(music, marks, target=target, layers=kinds, legend=legend)
        if goal is not None:
            write_musicxml(drawn, goal)
        if page is not None:
            pictures.draw_picture(drawn, page)
    click.echo(f'{len(marks)} marks')


@click.command()
@click.argument('score')
@click.option('-o', '--output', required=True, metavar='FILE', help='.musicxml, .xml or .mxl.')
def strip(score: str, output: str) -> None:
    """Take the marks off SCORE that this program drew; all else stays.

    \b
    Examples:
      qbdi-m21 strip marked.musicxml -o plain.musicxml
    """
    from qbdi_m21.notation.annotate import strip as take_off
    from qbdi_m21.notation.checking import SUFFIXES
    from qbdi_m21.notation.musicxml import write_musicxml
    from qbdi_m21.notation.reading import load_score
    goal = check_output(output, SUFFIXES)
    write_musicxml(take_off(load_score(score)), goal)
    click.echo(f'wrote {goal}')


@click.command()
@click.argument('files', nargs=-1, required=True)
@click.option('--musescore', is_flag=True,
              help='Open it in MuseScore too, and compare every note that comes back.')
@click.option('--version', 'versions', multiple=True, type=click.Choice(['3.1', '4.0']),
              help='Of MusicXML  [default: both].')
def check(files: tuple[str, ...], *, musescore: bool, versions: tuple[str, ...]) -> None:
    """Say what is wrong with MusicXML FILES; the exit status is 1 if anything is.

    \b
    Examples:
      qbdi-m21 check marked.musicxml
      qbdi-m21 check --musescore *.musicxml
    """
    from qbdi_m21.errors import QbdiError
    from qbdi_m21.notation.checking import VERSIONS, check_musicxml
    bad = 0
    for path in files:
        try:
            found = check_musicxml(path, versions=versions or VERSIONS, musescore=musescore)
        except QbdiError as error:
            if len(files) == 1:
                raise
            found = [str(error)]
        click.echo(f'{path}: {"good" if not found else f"{len(found)} faults"}')
        for line in found:
            click.echo(f'  {line}')
        bad += bool(found)
    if bad:
        raise SystemExit(1)
