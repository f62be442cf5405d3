"""`qbdi-m21 models` and `qbdi-m21 train`."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from qbdi_m21.cli.base import check_output, native_remarks_hidden
from qbdi_m21.cli.corpus_options import corpus_options, load_sources
from qbdi_m21.errors import ModelError, ParameterError
from qbdi_m21.model.presets import PRESETS, Augmentation

if TYPE_CHECKING:
    from qbdi_m21.model.vae import VAE

Progress = Callable[[int, int, dict[str, float]], None]


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
                   f'({data.get("title") or data.get("meter")}); held-out works: distortion '
                   f'{measures["distortion_bits"]:.1f}, rate {measures["rate_bits"]:.1f}, -ELBO '
                   f'{measures["negative_elbo_bits"]:.1f} bits a bar')


@click.command()
@click.argument('sources', nargs=-1, required=True)
@click.option('-o', '--output', required=True, metavar='FILE', help='Ends in .keras.')
@click.option('--preset', default='default', show_default=True,
              help=f'Network and training: {" or ".join(PRESETS)}.')
@click.option('--updates', type=int, metavar='N',
              help="Rounded up to whole rounds  [default: the preset's].")
@click.option('--augment', multiple=True, metavar='HOW=VALUE', help='Change bars at random: '
              'transpose=SEMITONES (up to so many either way), mix=SHARE or thin=SHARE of the '
              "bars, or none; may be repeated  [default: the preset's].")
@click.option('--patience', type=int, metavar='ROUNDS', help='Stop after so many rounds without '
              "a better validation measure  [default: the preset's].")
@click.option('--budget', type=float, metavar='MINUTES',
              help='Stop after the round in which so many minutes are over.')
@click.option('--from', 'start', metavar='MODEL', help='Go on from a shipped model or a .keras '
              "file (fine-tuning); its network is kept, whatever the preset's.")
@click.option('--restart', is_flag=True, help='Begin anew, though a checkpoint is there.')
@click.option('--threshold', type=float, metavar='P', help='Decode by threshold: cells of at least '
              "this probability sound  [default: the preset's rule].")
@click.option('--seed', default=0, show_default=True, type=click.IntRange(min=0),
              help='Of the weights, the batches and the split of scores.')
@click.option('--name', default='', help='For the model card  [default: that of FILE].')
@click.option('--title', default='', help='What the data are, for the model card.')
@click.option('--compact', is_flag=True,
              help='A smaller file: weights rounded to 16 bits, and compressed.')
@corpus_options()
def train(sources: tuple[str, ...], output: str, preset: str, updates: int | None,
          augment: tuple[str, ...], patience: int | None, budget: float | None,
          start: str | None, restart: bool, threshold: float | None, seed: int, name: str,
          title: str, compact: bool, **corpus: Any) -> None:
    """Train a model on SOURCES, with Keras.

    SOURCES are scores, folders, corpus: selections and note tables, or one training set (.npz)
    of `corpus-tools dataset`. While it trains, FILE.checkpoint is kept up to date: the same
    command goes on from there after an interruption, with the same result. It is deleted at the
    end.

    \b
    Examples:
      qbdi-m21 train chorales.npz -o chorales.keras
      qbdi-m21 train 'corpus:bach/*' my-scores/ -o mine.keras --budget 10
      qbdi-m21 train my-scores/ -o mine.keras --from chorales --updates 1000
    """
    from qbdi_m21.model.presets import check_training, get_preset
    from qbdi_m21.model.store import load_model

    target = _check_target(output)
    chosen = get_preset(preset)
    check_training(updates=updates, patience=patience, threshold=threshold, budget=budget,
                   seed=seed)
    augmentation = _augmentation(augment, chosen.augmentation)
    # its errors come before any long work
    spec = None if start is None else load_model(start).spec
    data = load_sources(sources, seed, spec=spec, **corpus)
    if title:
        data.about['title'] = title
    checkpoint = target.with_name(f'{target.name}.checkpoint')
    if restart:
        checkpoint.unlink(missing_ok=True)
    with native_remarks_hidden():
        from qbdi_m21.model.store import save_model
        from qbdi_m21.model.training import train as train_model
        first = None if start is None else _load_start(start)
    with _going_on(checkpoint) as show:
        model, served = train_model(
            data, preset, updates=updates, augmentation=augmentation, patience=patience,
            threshold=threshold, budget=budget, seed=seed, name=name or target.stem,
            start=first, checkpoint=checkpoint, progress=show)
    try:
        save_model(model, target, compact=compact)
    except OSError as error:
        raise ModelError(f'cannot write {target} ({error.strerror or error}); {checkpoint} holds '
                         'the whole training: make room and call again') from error
    checkpoint.unlink(missing_ok=True)
    card = served.card
    click.echo(f'wrote {target}: {card["updates"]} updates, the best after {card["best_update"]}')
    for split, measures in card['measures'].items():
        click.echo(f'{split}: distortion {measures["distortion_bits"]}, rate '
                   f'{measures["rate_bits"]}, -ELBO {measures["negative_elbo_bits"]} bits a bar '
                   f'on {measures["windows"]} bars')


@contextlib.contextmanager
def _going_on(checkpoint: Path) -> Iterator[Progress]:
    """Show the updates, and tell of the checkpoint: that it is used, and that it is left."""
    from tqdm import tqdm
    was_there = checkpoint.is_file()
    with update_bar() as bar:
        def show(done: int, total: int, losses: dict[str, float]) -> None:
            nonlocal was_there
            if was_there:       # and has been read: a bad one has raised an error
                tqdm.write(f'going on from {checkpoint}', file=sys.stderr)
                was_there = False
            bar(done, total, losses)
        try:
            yield show
        except KeyboardInterrupt:
            if checkpoint.is_file():
                tqdm.write(f'the same command goes on from {checkpoint}', file=sys.stderr)
            raise


def _check_target(output: str) -> Path:
    """Return the model file to write; Keras asks for its suffix in small letters."""
    target = check_output(output, ('.keras',))
    if target.suffix != '.keras':
        raise ParameterError(f'{output} ends in {target.suffix!r}; expected .keras')
    return target


def _augmentation(given: tuple[str, ...], default: Augmentation) -> Augmentation:
    """Return what --augment asks for; what it does not name stays the preset's."""
    chosen = asdict(default)
    for option in given:
        how, _, value = option.partition('=')
        if option == 'none':
            chosen = asdict(Augmentation())
        elif how not in chosen:
            raise ParameterError(f'--augment {option}: expected transpose=SEMITONES, mix=SHARE, '
                                 'thin=SHARE or none')
        else:
            try:
                chosen[how] = type(chosen[how])(value)
            except ValueError:
                kind = 'whole number of semitones' if how == 'transpose' else 'share'
                raise ParameterError(f'--augment {option}: expected a {kind} after =') from None
    return Augmentation(**chosen)


def _load_start(start: str) -> VAE:
    """Return the model to go on from; it has been read without Keras before."""
    from qbdi_m21.model.store import load_keras
    try:
        return load_keras(start)
    except (ValueError, TypeError, KeyError) as error:
        raise ModelError(f'Keras cannot load {start} ({error}); was it made by another '
                         'version?') from error
