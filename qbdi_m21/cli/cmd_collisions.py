"""`qbdi-m21 collisions`: where two scores over the same bars clash and meet."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from qbdi_m21.cli.base import check_output

if TYPE_CHECKING:
    from qbdi_m21.analysis.collisions import Collision


@click.command()
@click.argument('query')
@click.argument('improvisation')
@click.option('--enter', default=0.15, show_default=True, type=float,
              help='Severity from which a clash starts.')
@click.option('--stay', default=0.08, show_default=True, type=float,
              help='Severity down to which it lasts.')
@click.option('--kinds', metavar='KIND,KIND',
              help='Only these: semitone, whole tone, tritone, chord, key, meeting.')
@click.option('-o', '--output', metavar='FILE',
              help='Both in one score with their collisions: .musicxml, .xml or .mxl.')
@click.option('--picture', metavar='FILE', help='The same engraved: .png, .pdf or .svg.')
@click.option('--json', 'json_path', metavar='FILE', help='All values, .json.')
@click.option('--csv', 'csv_path', metavar='FILE', help='A row for each, .csv.')
def collisions(query: str, improvisation: str, *, enter: float, stay: float, kinds: str | None,
               output: str | None, picture: str | None, json_path: str | None,
               csv_path: str | None) -> None:
    """Print where IMPROVISATION collides with QUERY and where they meet; both have equal bars.

    \b
    Examples:
      qbdi-m21 collisions song.mxl song-improvisation.musicxml -o both.musicxml
      qbdi-m21 collisions chorale.mxl other-harmony.mxl --kinds chord,key --csv conflicts.csv
    """
    from qbdi_m21.analysis.collisions import KINDS, find_collisions
    from qbdi_m21.files import write_aside
    from qbdi_m21.notation import pictures
    from qbdi_m21.notation.checking import SUFFIXES
    from qbdi_m21.notation.reading import load_score
    target = check_output(output, SUFFIXES) if output else None
    page = check_output(picture, pictures.SUFFIXES) if picture else None
    record = check_output(json_path, ('.json',)) if json_path else None
    table = check_output(csv_path, ('.csv',)) if csv_path else None
    below, above = load_score(query), load_score(improvisation)
    wanted = [kind.strip() for kind in kinds.split(',')] if kinds else KINDS
    found = find_collisions(below, above, enter=enter, stay=stay, kinds=wanted)
    for hit in found:
        click.echo(_line(hit))
    click.echo(f'{sum(hit.kind != "meeting" for hit in found)} collisions, '
               f'{sum(hit.kind == "meeting" for hit in found)} meetings')
    if record is not None:
        with write_aside(record) as aside:
            aside.write_text(json.dumps([hit.to_json() for hit in found], indent=1,
                                        ensure_ascii=False) + '\n', encoding='utf-8')
    if table is not None:
        import pandas as pd
        rows = [{**hit.to_json(), 'query_ids': ' '.join(hit.query_ids),
                 'improvisation_ids': ' '.join(hit.improvisation_ids)} for hit in found]
        with write_aside(table) as aside:
            pd.DataFrame(rows).to_csv(aside, index=False, lineterminator='\n')
    if target is not None or page is not None:
        from qbdi_m21.notation.align import align
        from qbdi_m21.notation.annotate import annotate
        from qbdi_m21.notation.musicxml import write_musicxml
        drawn = annotate(align(below, above), found)
        if target is not None:
            write_musicxml(drawn, target)
        if page is not None:
            pictures.draw_picture(drawn, page)


def _line(hit: Collision) -> str:
    place = f'm.{hit.measure}, beat {float(hit.beat):g}'
    if hit.kind == 'meeting':
        return f'{place}: meeting on {hit.query_harmony}'
    return (f'{place}: {hit.kind}, {float(hit.end_ql - hit.start_ql):g} quarters, severity '
            f'{hit.severity:.2f}: {hit.improvisation_harmony} over {hit.query_harmony}')
