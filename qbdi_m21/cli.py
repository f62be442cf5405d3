"""The command line `qbdi-m21`."""

from __future__ import annotations

import contextlib
import functools
import importlib
import json
import os
import sys
import types
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import click

import qbdi_m21
from qbdi_m21.errors import ParameterError, QbdiError, QbdiWarning

Progress = Callable[[int, int, dict[str, float]], None]


class QbdiGroup(click.Group):
    """Prints any error as one line and exits with 2; shows our warnings, a line each."""

    def main(self, args: Sequence[str] | None = None, prog_name: str | None = None,
             complete_var: str | None = None, standalone_mode: bool = True, **extra: Any) -> Any:
        """Run the command line."""
        name = prog_name or Path(sys.argv[0]).name
        run: Callable[[], Any] = functools.partial(
            super().main, args, name, complete_var, False, **extra)
        if not standalone_mode:
            return run()
        try:
            sys.exit(run() or 0)
        except click.exceptions.NoArgsIsHelpError as error:
            error.show()
        except click.Abort:
            click.echo(f'{name}: interrupted', err=True)
            sys.exit(130)
        except click.UsageError as error:
            at = error.ctx.command_path if error.ctx else name
            _fail(name, f"{error.format_message().rstrip('.')}; see '{at} --help'")
        except click.ClickException as error:
            _fail(name, error.format_message())
        except QbdiError as error:
            _fail(name, str(error))
        except OSError as error:
            _fail(name, f'{error.filename or ""}: {error.strerror or error}'.strip(': '))
        sys.exit(2)

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command with our warnings as lines, each once, and no others."""
        with warnings.catch_warnings():
            warnings.simplefilter('ignore')
            warnings.simplefilter('always', QbdiWarning)
            shown: set[str] = set()

            def show(message: Warning | str, *_: Any, **__: Any) -> None:
                if str(message) not in shown:
                    click.echo(f'note: {message}', err=True)
                shown.add(str(message))

            warnings.showwarning = show
            return super().invoke(ctx)


def _fail(name: str, message: str) -> None:
    click.echo(f'{name}: error: {" ".join(message.split())}', err=True)


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
def _native_remarks_hidden() -> Iterator[None]:
    """Hide what compiled code writes to standard error: TensorFlow's remarks on the processor."""
    kept, null = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(null)


def check_output(path: str, suffixes: tuple[str, ...]) -> Path:
    """Return where to write, before any long work: the folder exists and the suffix is right."""
    target = Path(path)
    if target.suffix not in suffixes:
        raise ParameterError(f'{path} ends in {target.suffix!r}; expected {" or ".join(suffixes)}')
    if target.is_dir():
        raise ParameterError(f'cannot write {path}: it is a folder')
    if not target.parent.is_dir():
        raise ParameterError(f'cannot write {path}: there is no folder {target.parent}')
    return target


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


@contextlib.contextmanager
def update_bar() -> Iterator[Progress]:
    """Show updates, losses and an estimate; on a terminal only."""
    from tqdm import tqdm
    with tqdm(disable=not sys.stderr.isatty(), unit='update') as bar:
        def show(done: int, total: int, losses: dict[str, float]) -> None:
            bar.total = total
            bar.update(done - bar.n)
            if done % 50 == 0:
                bar.set_postfix({k: f'{v:.1f}' for k, v in losses.items()}, refresh=False)
        yield show


@click.group(cls=QbdiGroup, context_settings={'help_option_names': ['-h', '--help']})
@click.version_option(qbdi_m21.__version__, prog_name='qbdi-m21')
def main() -> None:
    """Improvise on a score in a learned style, and see what of it survives.

    \b
    Examples:
      qbdi-m21 improvise corpus:ryansMammoth/AcaciaReel
      qbdi-m21 improvise song.mxl --rate 64 --seed 3 -o out.musicxml --json out.json
      qbdi-m21 models
      qbdi-m21 train corpus:bach/bwv66.6 corpus:bach/bwv4.8 -o tiny.keras --updates 200
    """


@main.command()
@click.argument('query')
@click.option('--model', default='chorales', show_default=True,
              help='A shipped model (see `qbdi-m21 models`) or a .keras file.')
@click.option('--rate', default='256', show_default=True, metavar='BITS|full',
              help='Bits that pass the channel for each bar.')
@click.option('--seed', default=0, show_default=True, type=click.IntRange(min=0),
              help='Another seed, another improvisation.')
@click.option('--threshold', type=float, metavar='P',
              help="Cells decoded with at least this probability sound  [default: the model's].")
@click.option('--number', type=int, metavar='N',
              help='Which score of a file of several (an Opus), counted from 1.')
@click.option('-o', '--output', metavar='FILE',
              help='.musicxml, .xml or .mxl  [default: QUERY-improvisation.musicxml here].')
@click.option('--json', 'json_path', metavar='FILE', help='Also write all findings as JSON.')
def improvise(query: str, model: str, rate: str, seed: int, threshold: float | None,
              number: int | None, output: str | None, json_path: str | None) -> None:
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
        found = compare(score, model, rate=bits, seed=seed, threshold=threshold,
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


@main.command()
def models() -> None:
    """List the models shipped with the package."""
    from qbdi_m21.model.store import list_models, load_model
    for name in list_models():
        card = load_model(name).card
        data, measures = card['data'], card['measures']['test']
        click.echo(f'{name}: {data["works"]} works, {data["bars"]["train"]} bars learned '
                   f'({data.get("title", data.get("meter"))}); held-out works: distortion '
                   f'{measures["distortion_bits"]:.1f}, rate {measures["rate_bits"]:.1f}, -ELBO '
                   f'{measures["negative_elbo_bits"]:.1f} bits a bar')


@main.command()
@click.argument('sources', nargs=-1, required=True)
@click.option('-o', '--output', required=True, metavar='FILE', help='Ends in .keras.')
@click.option('--preset', default='dubnov2019', show_default=True, help='Network and training.')
@click.option('--updates', type=int, metavar='N', help="Instead of the preset's.")
@click.option('--transpose', default=0, show_default=True, metavar='SEMITONES',
              help='Move each batch at random by up to so many semitones.')
@click.option('--patience', type=int, metavar='EPOCHS',
              help='Stop after so many epochs without a better validation loss.')
@click.option('--threshold', type=float, metavar='P', help='Cells decoded with at least this '
              'probability sound  [default: as dense as the validation works].')
@click.option('--seed', default=0, show_default=True, type=click.IntRange(min=0),
              help='Of the weights, the batches and the split of scores.')
@click.option('--name', default='', help='For the model card.')
@click.option('--title', default='', help='What the data are, for the model card.')
@click.option('--compact', is_flag=True, help='Half the size: weights rounded to 16 bits.')
def train(sources: tuple[str, ...], output: str, preset: str, updates: int | None,
          transpose: int, patience: int | None, threshold: float | None, seed: int, name: str,
          title: str, compact: bool) -> None:
    """Train a model on SOURCES: scores, or one training set (.npz) of `corpus-tools dataset`.

    \b
    Examples:
      qbdi-m21 train chorales.npz -o chorales.keras --transpose 6
      qbdi-m21 train corpus:bach/bwv66.6 corpus:bach/bwv4.8 -o tiny.keras --updates 200
    """
    from qbdi_m21.frames.notes import extract_notes
    from qbdi_m21.model.spec import check_training, get_preset
    from qbdi_m21.model.training_set import TrainingSet
    from qbdi_m21.notation.reading import load_score

    target = check_output(output, ('.keras',))
    get_preset(preset)
    check_training(updates=updates, transpose=transpose, patience=patience, threshold=threshold)
    if sources[0].endswith('.npz'):
        if len(sources) > 1:
            raise ParameterError('give one training set (.npz), or scores, not both')
        data = TrainingSet.load(sources[0])
    else:
        data = TrainingSet.from_tables({s: extract_notes(load_score(s)) for s in sources},
                                       seed=seed)
    if title:
        data.about['title'] = title
    os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '3')
    with _native_remarks_hidden():
        from qbdi_m21.model.store import save_model
        from qbdi_m21.model.training import train as train_model
    with update_bar() as show:
        model, served = train_model(
            data, preset, updates=updates, transpose=transpose, patience=patience,
            threshold=threshold, seed=seed, name=name or Path(output).stem, progress=show)
    save_model(model, target, compact=compact)
    click.echo(f'wrote {target}')
    for split, measures in served.card['measures'].items():
        click.echo(f'{split}: distortion {measures["distortion_bits"]}, rate '
                   f'{measures["rate_bits"]}, -ELBO {measures["negative_elbo_bits"]} bits a bar '
                   f'on {measures["windows"]} bars')
