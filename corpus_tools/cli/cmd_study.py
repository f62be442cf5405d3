"""Commands on studies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from corpus_tools.cli.options import engine_options, make_engine_of, stage_bar
from qbdi_m21.cli.base import check_output
from qbdi_m21.errors import CorpusError, ParameterError

if TYPE_CHECKING:
    import pandas as pd

    from corpus_tools.study import Study


def _load(path: str, store: str | None) -> Study:
    from dataclasses import replace

    from corpus_tools.study import load_study
    study = load_study(path)
    return study if store is None else replace(study, store=store)


def _study_options(command: Any) -> Any:
    command = click.option('--store', metavar='FOLDER', help='Instead of that of the study.')(
        command)
    return click.argument('study')(command)


@click.command()
@_study_options
@engine_options
def run(study: str, store: str | None, **engine: Any) -> None:
    """Run STUDY (.toml, .py): read the works that are new, measure what is not measured yet.

    Call again to go on after an interruption: what is finished is kept. The exit status is 1 if
    something failed; `status` tells what.

    \b
    Examples:
      corpus-tools run study.toml --jobs 2
      corpus-tools run study.toml --scheduler tcp://head:8786 --seconds 60
    """
    _run(_load(study, store), engine, again=False)


@click.command()
@_study_options
@engine_options
def retry(study: str, store: str | None, **engine: Any) -> None:
    """Run STUDY, and try again what failed before.

    \b
    Examples:
      corpus-tools retry study.toml --seconds 1000
    """
    _run(_load(study, store), engine, again=True)


def _run(study: Study, engine: dict[str, Any], *, again: bool) -> None:
    from corpus_tools.run import run_study
    with stage_bar() as show:
        report = run_study(study, engine=make_engine_of(engine), retry=again, progress=show)
    failed = sum(report.failed.values())
    click.echo(f'{report.units} units; {report.computed} measures computed, {report.kept} kept, '
               f'{failed} failed')
    for name, count in report.failed.items():
        click.echo(f'  {count} {name}', err=True)
    if failed:
        raise SystemExit(1)


@click.command()
@_study_options
@click.option('--failures', is_flag=True, help='Print every failure.')
def status(study: str, store: str | None, *, failures: bool) -> None:
    """Print how far STUDY is, also while it runs.

    \b
    Examples:
      corpus-tools status study.toml
      corpus-tools status study.toml --failures
    """
    from corpus_tools.results import query_results, study_status
    loaded = _load(study, store)
    found = study_status(loaded)
    click.echo(f'{found.units} units; {found.done} of {found.cells} measures done, '
               f'{found.pending} pending')
    for name, count in found.failed.items():
        click.echo(f'{count} failed: {name}')
    if failures:
        for row in query_results(loaded, 'SELECT DISTINCT work, stage, error, message FROM '
                                 'failures ORDER BY ALL').itertuples(index=False):
            click.echo(f'{row.work}: {row.stage}: {row.error}: {row.message}')


@click.command()
@_study_options
@click.option('--measure', 'measures', multiple=True, metavar='COLUMN',
              help='Measured column; all by default.')
@click.option('--by', multiple=True, metavar='COLUMN', help='Group by this column.')
@click.option('--min-works', default=1, show_default=True, type=click.IntRange(min=1),
              help='Leave out groups of fewer works.')
@click.option('--compare', metavar='COLUMN', help='Test the groups of this column pairwise.')
@click.option('--reference', metavar='VALUE', help='Compare with this group only.')
@click.option('--correction', default='holm', show_default=True,
              type=click.Choice(['holm', 'fdr_bh', 'bonferroni', 'none']),
              help='For the number of tests.')
@click.option('--seed', default=0, show_default=True, type=click.IntRange(min=0),
              help='Of resamples and permutations.')
@click.option('--csv', 'csv_path', metavar='FILE', help='Write the table, .csv.')
def summarise(study: str, store: str | None, *, measures: tuple[str, ...], by: tuple[str, ...],
              min_works: int, compare: str | None, reference: str | None, correction: str,
              seed: int, csv_path: str | None) -> None:
    """Print means with bootstrap intervals, or tests between groups.

    \b
    Examples:
      corpus-tools summarise study.toml --by genre --measure ir_bits_per_frame
      corpus-tools summarise study.toml --compare rate --reference full --csv tests.csv
    """
    from corpus_tools.results import read_results
    from corpus_tools.statistics import compare_groups
    from corpus_tools.statistics import summarise as groups
    if compare is not None and by:
        raise ParameterError('--by goes with means, --compare with tests; leave one out')
    target = check_output(csv_path, ('.csv',)) if csv_path else None
    loaded = _load(study, store)
    results = read_results(loaded)
    chosen = measures or _measured(results, loaded)
    if not chosen:
        raise CorpusError('no measured column holds numbers; `status` tells what failed')
    table = groups(
        results, chosen, by, min_works=min_works, seed=seed) if compare is None else compare_groups(
        results, chosen, compare, reference=reference, correction=correction, seed=seed)
    _show(table, target)


def _measured(results: pd.DataFrame, study: Study) -> tuple[str, ...]:
    """Return the columns with measured numbers."""
    from pandas.api.types import is_numeric_dtype
    about = {'work', 'content', 'seconds', *study.columns, *study.parameters}
    return tuple(column for column in results.columns
                 if column not in about and is_numeric_dtype(results[column]))


def _show(table: pd.DataFrame, target: Any) -> None:
    if target is not None:
        from qbdi_m21.files import write_aside
        with write_aside(target) as aside:
            aside.write_text(table.to_csv(index=False, lineterminator='\n'), encoding='utf-8')
        click.echo(f'wrote {target}: {len(table)} rows')
    else:
        click.echo(table.to_string(index=False, float_format='{:.4g}'.format, na_rep='-'))


@click.command()
@_study_options
@click.option('--by', required=True, metavar='COLUMN', help='On the horizontal axis.')
@click.option('--measure', 'measures', multiple=True, required=True, metavar='COLUMN',
              help='A panel for each.')
@click.option('--min-works', default=1, show_default=True, type=click.IntRange(min=1),
              help='Leave out groups of fewer works.')
@click.option('--color-by', metavar='COLUMN', help='Divide further by this column.')
@click.option('--seed', default=0, show_default=True, type=click.IntRange(min=0),
              help='Of the bootstrap.')
@click.option('-o', '--output', required=True, metavar='FILE', help='Ends in .png, .svg or .pdf.')
def plot(study: str, store: str | None, *, by: str, measures: tuple[str, ...],
         color_by: str | None, min_works: int, seed: int, output: str) -> None:
    """Plot measures with 95 % intervals over groups, or along a parameter.

    \b
    Examples:
      corpus-tools plot study.toml --by genre --measure ir_excess_bits_per_frame -o ir.png
      corpus-tools plot study.toml --by rate --color-by model --measure collisions_per_bar -o c.svg
    """
    from corpus_tools.plots import plot_measures
    from corpus_tools.results import read_results
    from qbdi_m21.report.plots import save_figure
    target = check_output(output, ('.png', '.svg', '.pdf'))
    loaded = _load(study, store)
    figure = plot_measures(read_results(loaded), measures, by, color_by=color_by,
                           title=loaded.title, min_works=min_works, seed=seed)
    save_figure(figure, target)
    click.echo(f'wrote {target}')


@click.command()
@_study_options
@click.argument('query')
@click.option('--csv', 'csv_path', metavar='FILE', help='Write the table, .csv.')
def sql(study: str, query: str, store: str | None, csv_path: str | None) -> None:
    """Ask STUDY by SQL: the views are results, failures, units, rows and runs.

    \b
    Examples:
      corpus-tools sql study.toml 'SELECT genre, avg(num_motifs) FROM results GROUP BY genre'
    """
    from corpus_tools.results import query_results
    target = check_output(csv_path, ('.csv',)) if csv_path else None
    _show(query_results(_load(study, store), query), target)


@click.command()
@_study_options
@click.option('-o', '--output', required=True, metavar='FOLDER', help='Made if missing.')
def export(study: str, store: str | None, output: str) -> None:
    """Write results and failures as CSV files with a data-package descriptor.

    \b
    Examples:
      corpus-tools export study.toml -o results
    """
    from corpus_tools.results import export_results
    for path in export_results(_load(study, store), output):
        click.echo(f'wrote {path}')
