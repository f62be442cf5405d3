"""`qbdi-m21 models` and `qbdi-m21 train`."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import click

from qbdi_m21.cli.base import check_output
from qbdi_m21.errors import ParameterError

Progress = Callable[[int, int, dict[str, float]], None]


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


@click.command()
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


@click.command()
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
