"""The command line `corpus-tools`."""

from __future__ import annotations

import click

import qbdi_m21
from corpus_tools.cli.cmd_corpus import dataset, ingest, manifest
from corpus_tools.cli.cmd_motifs import motifs, shared
from corpus_tools.cli.cmd_reproduce import reproduce
from corpus_tools.cli.cmd_study import export, plot, retry, run, sql, status, summarise
from qbdi_m21.cli.base import QbdiGroup


@click.group(cls=QbdiGroup, context_settings={'help_option_names': ['-h', '--help']})
@click.version_option(qbdi_m21.__version__, prog_name='corpus-tools')
def main() -> None:
    """Work on many scores: note tables, training sets, studies.

    \b
    Examples:
      corpus-tools ingest 'corpus:bach/*' -o store --jobs 2
      corpus-tools dataset store -o chorales.npz --meter 4/4
      corpus-tools run study.toml --jobs 2
      corpus-tools summarise study.toml --by genre
    """


for command in (manifest, ingest, dataset, motifs, shared, run, retry, status, summarise, plot, sql,
                export, reproduce):
    main.add_command(command)
