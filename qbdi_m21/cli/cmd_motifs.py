"""`qbdi-m21 motifs` and `qbdi-m21 theme`: what a score repeats, and where a theme occurs."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import TYPE_CHECKING

import click

from qbdi_m21.cli.base import check_output, count_bar
from qbdi_m21.cli.channel_options import query_options, source_of
from qbdi_m21.errors import ParameterError

if TYPE_CHECKING:
    from qbdi_m21.analysis.motifs.result import Motif, Occurrence
    from qbdi_m21.frames.table import NoteTable

_LENGTH = re.compile(r'\s*(\d+(?:\.\d+)?(?:/\d+)?)\s*(beats?|bars?|quarters?|)\s*')


def parse_length(text: str, table: NoteTable) -> Fraction:
    """Return quarter lengths of '4beats', '2bars' or '3' in the first full bar's meter."""
    from qbdi_m21.frames.ratios import read_exact
    match = _LENGTH.fullmatch(text)
    if match is None or not read_exact(match[1]):
        raise ParameterError(f"length is {text!r}; expected such as '4beats', '2bars' or '3.5' "
                             'quarters')
    bar = next((bar for bar in table.bars if not bar.lead_ql), table.bars[0])
    unit = {'be': bar.beat_ql, 'ba': bar.length_ql}.get(match[2][:2], Fraction(1))
    return read_exact(match[1]) * unit


def parse_parts(text: str) -> list[int | str]:
    """Return indices and names of '0,2' or 'Violin I,Viola'."""
    return [int(part) if part.strip().isdecimal() else part.strip() for part in text.split(',')]


@click.command()
@click.argument('score')
@query_options
@click.option('--preset', type=click.Choice(['default', 'vmo']), default='default',
              show_default=True, help='Notes in voices and textures, or the published way.')
@click.option('--level', type=click.Choice(['motifs', 'themes', 'sections']), default='motifs',
              show_default=True, help='How long: about a bar, a phrase, or more.')
@click.option('--min-length', metavar='LENGTH',
              help="Shortest motif: '4beats', '2bars' or quarters  [default: of the level].")
@click.option('--min-count', default=2, show_default=True, type=click.IntRange(min=2),
              help='Fewest occurrences.')
@click.option('--max-motifs', default=5, show_default=True, type=click.IntRange(1, 26),
              help='Most motifs.')
@click.option('--parts', metavar='P,P', help='Only these parts: numbers from 0, or names.')
@click.option('--null', default=0, show_default=True, type=click.IntRange(min=0),
              help='Versions with shuffled bars that each motif is compared with.')
@click.option('--seed', default=0, show_default=True, type=click.IntRange(min=0),
              help='Of the shuffled versions.')
@click.option('-o', '--output', metavar='FILE',
              help='The score with its motifs drawn: .musicxml, .xml or .mxl.')
@click.option('--json', 'json_path', metavar='FILE', help='All values, .json.')
@click.option('--csv', 'csv_path', metavar='FILE', help='A row for each occurrence, .csv.')
@click.option('--mirex', 'mirex_path', metavar='FILE',
              help="Text for MIREX's scorers and mir_eval, .txt.")
@click.option('--plot', 'plot_path', metavar='FILE', help='Motifs over time, .png.')
@click.option('--picture', 'page_path', metavar='FILE',
              help='The score with its motifs, engraved: .png, .pdf or .svg.')
def motifs(score: str, *, number: int | None, measures: str | None, preset: str, level: str,
           min_length: str | None, min_count: int, max_motifs: int, parts: str | None, null: int,
           seed: int, output: str | None, json_path: str | None, csv_path: str | None,
           mirex_path: str | None, plot_path: str | None, page_path: str | None) -> None:
    """Print what SCORE repeats, the most salient motif first, and draw it into the score.

    \b
    Examples:
      qbdi-m21 motifs corpus:haydn/opus74no1/movement3 -o haydn-motifs.musicxml
      qbdi-m21 motifs fugue.mxl --level themes --null 50 --json fugue.json --plot fugue.png
      qbdi-m21 motifs song.mxl --preset vmo --min-length 2bars --mirex song.txt
    """
    from qbdi_m21.analysis.motifs.exchange import write_motifs
    from qbdi_m21.analysis.motifs.find import find_motifs
    from qbdi_m21.frames.notes import extract_notes
    from qbdi_m21.improvisation.replay import load_query
    from qbdi_m21.notation import pictures
    from qbdi_m21.notation.checking import SUFFIXES
    target = check_output(output, SUFFIXES) if output else None
    files = [check_output(path, (suffix,)) for path, suffix in (
        (json_path, '.json'), (csv_path, '.csv'), (mirex_path, '.txt')) if path]
    picture = check_output(plot_path, ('.png',)) if plot_path else None
    page = check_output(page_path, pictures.SUFFIXES) if page_path else None
    music = load_query(**source_of(score, number, measures))
    table = extract_notes(music)
    with count_bar('version') as show:
        found = find_motifs(
            table, preset=preset, level=level,      # type: ignore[arg-type]
            min_length=parse_length(min_length, table) if min_length else None,
            min_occurrences=min_count, max_motifs=max_motifs,
            parts=parse_parts(parts) if parts else None, null=null, seed=seed, progress=show)
    for motif in found:
        for line in _lines(motif, table):
            click.echo(line)
    if not found:
        click.echo('no motif: nothing of that length returns')
    for path in files:
        write_motifs(found, path)
    if target is not None or page is not None:
        from qbdi_m21.notation.annotate import annotate
        from qbdi_m21.notation.musicxml import write_musicxml
        drawn = annotate(music, found)
        if target is not None:
            write_musicxml(drawn, target)
        if page is not None:
            pictures.draw_picture(drawn, page)
    if picture is not None:
        from qbdi_m21.report.motif_plots import plot_motifs
        from qbdi_m21.report.plots import save_figure
        save_figure([plot_motifs(found, table)], picture)


def _lines(motif: Motif, table: NoteTable) -> list[str]:
    """Return what is printed of one motif."""
    varied = sum(not o.exact for o in motif.occurrences)
    chance = '' if motif.p_value is None else f', p = {motif.p_value:.3f}'
    first = motif.first_form
    lines = [f'{motif.label}: {len(motif.occurrences)} times'
             + (f' ({varied} varied)' if varied else '')
             + f', {len(first.element_ids)} notes, {float(motif.length_ql):g} quarters; '
             f'explains {motif.gain_notes} notes, salience {motif.salience:.2f}{chance}']
    return lines + ['  ' + ', '.join(place_of(o, table) for o in motif.occurrences)]


def place_of(o: Occurrence, table: NoteTable) -> str:
    """Return where an occurrence is, in few words: m.12.3 Viola +5~ (transposed, varied)."""
    beat = f'.{float(o.beat):g}' if o.beat != 1 else ''
    part = '' if o.part is None or len(table.part_names) < 2 else (
        f' {table.part_names[o.part] or f"part {o.part}"}')
    moved = f' {o.transposition:+d}' if o.transposition else ''
    return f'm.{o.measure}{beat}{part}{moved}{"" if o.exact else "~"}'


@click.command()
@click.argument('score')
@click.argument('theme')
@query_options
@click.option('--theme-measures', metavar='A-B', help='Only these measures of THEME.')
@click.option('--min-similarity', default=0.75, show_default=True, type=float,
              help='From 0 to 1: how alike a place must be.')
@click.option('-o', '--output', metavar='FILE',
              help='The score with the theme marked: .musicxml, .xml or .mxl.')
def theme(score: str, theme: str, *, number: int | None, measures: str | None,
          theme_measures: str | None, min_similarity: float, output: str | None) -> None:
    """Print where the upper line of THEME occurs in SCORE: transposed, answered or varied.

    \b
    Examples:
      qbdi-m21 theme fugue.mxl subject.mxl -o subject-in-fugue.musicxml
      qbdi-m21 theme corpus:haydn/opus74no1/movement3 corpus:haydn/opus74no1/movement3 \\
        --theme-measures 1-4
    """
    from qbdi_m21.analysis.motifs.theme import find_theme
    from qbdi_m21.frames.notes import extract_notes
    from qbdi_m21.improvisation.replay import load_query
    from qbdi_m21.notation.checking import SUFFIXES
    target = check_output(output, SUFFIXES) if output else None
    music = load_query(**source_of(score, number, measures))
    table = extract_notes(music)
    found = find_theme(table, load_query(**source_of(theme, None, theme_measures)),
                       min_similarity=min_similarity)
    click.echo(f'{len(found)} occurrences')
    for o in found:
        click.echo(f'  {place_of(o, table)}  similarity {1 - o.distance:.2f}')
    if target is not None:
        from qbdi_m21.notation.annotate import annotate
        from qbdi_m21.notation.marks import motif_marks
        from qbdi_m21.notation.musicxml import write_musicxml
        write_musicxml(annotate(music, motif_marks('A', found)), target)
