"""`qbdi-m21 convert`: between scores, MIDI files, note tables and frames."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import click

from qbdi_m21.cli.base import check_output
from qbdi_m21.errors import ParameterError


@click.command()
@click.argument('source', metavar='IN')
@click.argument('target', metavar='OUT')
@click.option('--number', type=int, metavar='N',
              help='Which score of a file of several (an Opus), counted from 1.')
@click.option('--step', metavar='STEP',
              help='Move notes to a grid: quarters (0.25, 1/6), beat, bar, or auto for the '
              'longest step that moves none  [default: exact; frames: 0.25; a score from MIDI: '
              'auto].')
@click.option('--frames', is_flag=True,
              help='Write sounding and onset planes instead of notes; OUT ends in .npz.')
@click.option('--pitch-range', nargs=2, type=int, metavar='LOW HIGH', default=None,
              help='Of frames: lowest MIDI number, and one past the highest  [default: 24 102].')
@click.option('--outside', type=click.Choice(['drop', 'fold']), default='drop', show_default=True,
              help='Of frames: leave notes outside the range out, or move them by octaves.')
@click.option('--expand-repeats', is_flag=True, help='Play repeats out.')
def convert(source: str, target: str, number: int | None, step: str | None, *, frames: bool,
            pitch_range: tuple[int, int] | None, outside: Literal['drop', 'fold'],
            expand_repeats: bool) -> None:
    """Convert IN to OUT; the suffixes say what they are.

    \b
    IN:  MusicXML, MXL, MIDI, ABC, kern, MEI, corpus:NAME; .parquet, .npz, .csv of notes
    OUT: .musicxml .xml .mxl   a score; from a score, as it is notated
         .mid                  MIDI
         .parquet .npz .csv    a note table: one row a sounding note, times exact
         .npz with --frames    sounding and onset planes

    \b
    Examples:
      qbdi-m21 convert corpus:bach/bwv66.6 chorale.csv
      qbdi-m21 convert song.mid song.musicxml
      qbdi-m21 convert score.mxl score.npz --frames --step 1/6
    """
    from qbdi_m21.notation.conversion import OUTPUT_SUFFIXES, convert_file
    check_output(target, OUTPUT_SUFFIXES)
    if Path(source).exists() and Path(target).exists() and Path(source).samefile(target):
        raise ParameterError(f'{target} is the file to convert; write to another file')
    written = convert_file(source, target, number=number, step=step, frames=frames,
                           pitch_range=pitch_range, outside=outside,
                           expand_repeats=expand_repeats)
    click.echo(f'wrote {target}: {written}')
