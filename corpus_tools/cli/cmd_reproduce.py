"""The command that does a paper's experiment again."""

from __future__ import annotations

import logging

import click

from corpus_tools.cli.options import stage_bar
from qbdi_m21.cli.base import native_remarks_hidden


@click.command()
@click.argument('name')
@click.option('--data', metavar='FOLDER', help="The paper's own material; free material without.")
@click.option('--quick', is_flag=True, help='A small version, for a few minutes.')
@click.option('--query', metavar='SCORE', help='Another query than the experiment\'s.')
@click.option('--config', metavar='FILE', help='A configuration (.toml) of your own.')
@click.option('-o', '--output', required=True, metavar='FOLDER', help='Made if missing.')
def reproduce(name: str, *, data: str | None, quick: bool, query: str | None,
              config: str | None, output: str) -> None:
    """Do the experiment of a paper again (dubnov2019): tables, figures, claims with controls.

    Call again to go on after an interruption. Free material comes from music21's corpus.

    \b
    Examples:
      corpus-tools reproduce dubnov2019 -o reproduction
      corpus-tools reproduce dubnov2019 --quick -o quick
      corpus-tools reproduce dubnov2019 --data data -o paper
    """
    from corpus_tools.reproduce import load_experiment
    from corpus_tools.reproduce import reproduce as run
    experiment = load_experiment(name, data=data, quick=quick, config=config, query=query)
    with native_remarks_hidden():
        import qbdi_m21.model.training  # noqa: F401
    # many networks are trained in a row: that is no slip
    logging.getLogger('tensorflow').setLevel(logging.ERROR)
    with stage_bar() as show:
        path = run(experiment, output, progress=show)
    click.echo(f'wrote {path}')
