"""`qbdi-m21 improvise`: the main job."""

from __future__ import annotations

import contextlib
import importlib
import json
import sys
import types
from collections.abc import Callable, Iterator
from pathlib import Path

import click

from qbdi_m21.cli.base import check_output
from qbdi_m21.errors import ParameterError


def _import_vmo() -> None:
    """Import vmo without the half second that it spends on scipy.stats.

    vmo imports scipy.stats for the entropy of an IR type that nothing here asks for. While vmo
    is imported, a stand-in takes its place that imports the real module when it is used; it
    does not stay in `sys.modules`. Only here, in a process of our own with one thread.
    """
    name = 'scipy.stats'
    if name in sys.modules or 'vmo' in sys.modules:
        return
    stand_in = types.ModuleType(name)
    stand_in.__getattr__ = lambda attribute: getattr(     # type: ignore[method-assign]
        importlib.import_module(name), attribute)
    sys.modules[name] = stand_in
    try:
        importlib.import_module('vmo')
    finally:
        del sys.modules[name]


@contextlib.contextmanager
def stage_bar(total: int) -> Iterator[Callable[[str, float], None]]:
    """Show stages, and an estimate of what is left; on a terminal only."""
    from tqdm import tqdm
    with tqdm(total=total, disable=not sys.stderr.isatty(), leave=False,
              bar_format='{desc}: {bar:24} [{elapsed}<{remaining}]') as bar:
        def show(stage: str, done: float) -> None:
            bar.set_description(stage, refresh=False)
            bar.update(done - bar.n)
        yield show


@click.command()
@click.argument('query')
@click.option('--model', default='chorales', show_default=True,
              help='A shipped model (see `qbdi-m21 models`) or a .keras file.')
@click.option('--rate', default='256', show_default=True, metavar='BITS|full',
              help='Bits that pass the channel for each bar.')
@click.option('--seed', default=0, show_default=True, type=click.IntRange(min=0),
              help='Another seed, another improvisation.')
@click.option('--decoding', type=click.Choice(['threshold', 'density', 'sample']),
              help="How probabilities become notes: the likely ones, as many as expected, or at "
              "random  [default: the model's].")
@click.option('--threshold', type=float, metavar='P',
              help="Cells decoded with at least this probability sound  [default: the model's].")
@click.option('--number', type=int, metavar='N',
              help='Which score of a file of several (an Opus), counted from 1.')
@click.option('-o', '--output', metavar='FILE',
              help='.musicxml, .xml or .mxl  [default: QUERY-improvisation.musicxml here].')
@click.option('--json', 'json_path', metavar='FILE', help='Also write all findings as JSON.')
def improvise(query: str, model: str, rate: str, seed: int, decoding: str | None,
              threshold: float | None, number: int | None, output: str | None,
              json_path: str | None) -> None:
    """Improvise on QUERY; write one annotated score, improvisation above and query below.

    QUERY is a MusicXML, MXL, MIDI, ABC, kern or MEI file, or corpus:NAME for a work of
    music21's corpus.

    \b
    Examples:
      qbdi-m21 improvise corpus:ryansMammoth/AcaciaReel
      qbdi-m21 improvise corpus:essenFolksong/altdeu10 --number 3 --rate full
      qbdi-m21 improvise song.mid --rate 32 --seed 7 -o song.mxl --json song.json
    """
    from qbdi_m21.comparison import STAGES, compare
    from qbdi_m21.files import write_aside
    from qbdi_m21.improvisation import Rate, check_rate
    from qbdi_m21.notation.musicxml import SUFFIXES, write_musicxml
    from qbdi_m21.notation.reading import load_score
    from qbdi_m21.report.summary import summarise

    _import_vmo()
    bits: Rate = 'full' if rate == 'full' else check_rate(rate)
    stem = Path(query.rsplit(':', 1)[-1]).name
    stem = stem[:-len(Path(stem).suffix)] if Path(query).is_file() else stem
    target = check_output(output or f'{stem}-improvisation.musicxml', SUFFIXES)
    record = check_output(json_path, ('.json',)) if json_path else None
    if target.exists() and Path(query).exists() and target.samefile(query):
        raise ParameterError(f'{target} is the query itself; write to another file')
    with stage_bar(len(STAGES) + 2) as show:
        show('read the score', 0)
        score = load_score(query, number=number)
        found = compare(score, model, rate=bits, seed=seed, decoding=decoding,
                        threshold=threshold,
                        progress=lambda stage, done: show(stage, 1 + done))
        found.recipe['query'] = query
        show('write', 1 + len(STAGES))
        # both files or none: the record is renamed when the score is written
        with write_aside(record) if record else contextlib.nullcontext() as aside:
            if aside is not None:
                aside.write_text(json.dumps(found.to_json(), indent=1, ensure_ascii=False,
                                            allow_nan=False) + '\n', encoding='utf-8')
            write_musicxml(found.annotated(), target, keep=False)
    click.echo(f'wrote {target}' + (f' and {record}' if record else ''))
    for line in summarise(found):
        click.echo(line)
