"""The command line `qbdi-m21`."""

from __future__ import annotations

import click

import qbdi_m21
from qbdi_m21.cli.base import QbdiGroup
from qbdi_m21.cli.cmd_annotate import annotate, check, strip
from qbdi_m21.cli.cmd_collisions import collisions
from qbdi_m21.cli.cmd_convert import convert
from qbdi_m21.cli.cmd_evaluate import evaluate
from qbdi_m21.cli.cmd_improvise import improvise
from qbdi_m21.cli.cmd_ir import ir, resynthesise
from qbdi_m21.cli.cmd_models import models, train
from qbdi_m21.cli.cmd_motifs import motifs, theme
from qbdi_m21.cli.cmd_sample import interpolate, sample
from qbdi_m21.cli.cmd_sweep import sweep


@click.group(cls=QbdiGroup, context_settings={'help_option_names': ['-h', '--help']})
@click.version_option(qbdi_m21.__version__, prog_name='qbdi-m21')
def main() -> None:
    """Improvise on a score in a learned style, and see what of it survives.

    \b
    Examples:
      qbdi-m21 improvise corpus:ryansMammoth/AcaciaReel
      qbdi-m21 improvise song.mxl --rate 64 --seed 3 -o out.musicxml --json out.json
      qbdi-m21 sweep song.mxl --rates full,64,16,0 -o song-rates
      qbdi-m21 ir song.mxl -o song-ir.png
      qbdi-m21 motifs song.mxl -o song-motifs.musicxml
      qbdi-m21 collisions song.mxl out.musicxml --csv collisions.csv
      qbdi-m21 models
      qbdi-m21 train corpus:bach/bwv66.6 corpus:bach/bwv4.8 -o tiny.keras --updates 200
    """


for command in (improvise, sample, interpolate, sweep, ir, motifs, theme, collisions, annotate,
                strip, check, resynthesise, convert, models, train, evaluate):
    main.add_command(command)
