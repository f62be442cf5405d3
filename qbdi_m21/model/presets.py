"""Presets: a network and the way it is trained."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

from qbdi_m21.errors import ModelError, ParameterError

#: Largest size of a layer.
MAX_SIZE = 1 << 16

#: Largest seed of a training: Keras takes a thousand times as much.
MAX_SEED = (1 << 32) - 1


@dataclass(frozen=True)
class Objective:
    """What is minimised: D + weight * max(R, free_nats) - future * I, nats a window.

    Attributes
    ----------
    beta : float
        Weight of the rate R against the distortion D; 1 is the ELBO.
    free_nats : float
        Rate that costs nothing ("free bits"), so that the decoder does not do without the
        latent; held against the batch's mean rate.
    warmup : int
        Updates over which the weight grows from 0 to beta.
    dropout : float
        Share of input and hidden units left out.
    context_dropout : float
        Share of the frames for which the decoder does not see those before, so that the
        latent says it all.
    future : float
        Weight (gamma) of what the latents of a bar tell of the next bar's, as
        :func:`~qbdi_m21.model.vae.future_bound` estimates it; the batches are then consecutive
        bars of a work (Dubnov 2019, eq 25).
    """

    beta: float = 1.0
    free_nats: float = 0.0
    warmup: int = 0
    dropout: float = 0.0
    context_dropout: float = 0.0
    future: float = 0.0

    def __post_init__(self) -> None:
        if not (self.beta >= 0 and self.free_nats >= 0 and self.warmup >= 0 and self.future >= 0
                and 0 <= self.dropout < 1 and 0 <= self.context_dropout < 1):
            raise ParameterError(f'{self} is out of range; expected numbers >= 0, and dropouts '
                                 'below 1')


@dataclass(frozen=True)
class Augmentation:
    """How windows are changed at random while training, anew each time.

    Attributes
    ----------
    transpose : int
        Each window is moved by up to so many semitones either way.
    mix : float
        Share of the windows whose notes above a pitch are those of another bar of the work,
        either part perhaps an octave higher or lower.
    thin : float
        Share of the windows whose texture is thinned: the notes above or below a pitch come and
        go by pairs of frames.

    Notes
    -----
    Mixing and thinning show the network melodies, basses and broken accompaniments which the
    corpus does not have: it learns to hear queries of another texture.
    """

    transpose: int = 0
    mix: float = 0.0
    thin: float = 0.0

    def __post_init__(self) -> None:
        if not (0 <= self.transpose < 128 and 0 <= self.thin <= 1 and 0 <= self.mix <= 1):
            raise ParameterError(f'{self} is out of range; expected semitones from 0 to 127 and '
                                 'shares from 0 to 1')


@dataclass(frozen=True)
class Preset:
    """A network and the way it is trained.

    Attributes
    ----------
    network : {'dense', 'context'}
        Which network (:mod:`qbdi_m21.model.dense`, :mod:`qbdi_m21.model.context`).
    sizes : dict
        Its sizes.
    batch : int or None
        Windows a batch; None takes one work a batch, as the paper does.
    max_batch : int
        A longer work gives this many of its windows, chosen anew each time.
    updates : int
        Updates of a whole training.
    learning_rate : float
        Adam's.
    objective : Objective
        What is minimised.
    average : float
        Momentum of the moving average of the weights that is kept, and less at first, so that
        it spans a tenth of the updates so far at most; 0 keeps the weights.
    augmentation : Augmentation
        How windows are changed while training.
    patience : int or None
        Rounds without a better validation measure after which the training ends.
    round_updates : int
        Updates between two measures on the validation works.
    threshold : float or None
        A decoded probability from here on is a note; None finds the one at which the
        validation works come back as dense as they are.
    decoding : str
        The rule by which the model decodes.
    """

    network: str
    sizes: dict[str, Any]
    batch: int | None
    max_batch: int
    updates: int
    learning_rate: float
    objective: Objective = field(default_factory=Objective)
    average: float = 0.0
    augmentation: Augmentation = field(default_factory=Augmentation)
    patience: int | None = None
    round_updates: int = 250
    threshold: float | None = None
    decoding: str = 'threshold'

    def __post_init__(self) -> None:
        if self.objective.future and self.batch is not None:
            raise ParameterError('a weight on the future needs batches of one work (batch None): '
                                 'other batches hold no bar beside its next one')


#: Decoded probabilities from here on are notes in the notebooks of the paper's author.
PAPER_THRESHOLD = 0.7

#: dubnov2019: the paper's network and training (2496-500-500; one song a batch, at most 100
#: bars; 20,000 updates; Adam's defaults; decoded probabilities of .7 and more are notes).
#: default: what was found better, step by step, in docs/training.md.
#: temporal: the paper's, where what latents tell of the next bar's counts too (appendix B, eq 25).
PRESETS = {
    'dubnov2019': Preset(
        network='dense', sizes={'hidden': 500, 'latent': 500}, batch=None, max_batch=100,
        updates=20_000, learning_rate=1e-3, threshold=PAPER_THRESHOLD),
    'default': Preset(
        network='context',
        sizes={'hidden': 500, 'latent': 64, 'frame': 96, 'maps': 8, 'channels': 32,
               'onset_channels': 16, 'lags': [1, 2, 4, 8], 'width': 25, 'onset_width': 13},
        batch=100, max_batch=100, updates=7_000, learning_rate=1e-3,
        objective=Objective(free_nats=25.0, warmup=1000, dropout=0.3, context_dropout=0.3),
        average=0.998, augmentation=Augmentation(transpose=3, mix=0.3, thin=0.4), patience=12,
        decoding='density'),
    'temporal': Preset(
        network='dense', sizes={'hidden': 500, 'latent': 500}, batch=None, max_batch=100,
        updates=20_000, learning_rate=1e-3, threshold=PAPER_THRESHOLD,
        objective=Objective(future=5.0)),
}


def get_preset(name: str) -> Preset:
    """Return a preset by name; ParameterError names the known ones."""
    if name not in PRESETS:
        raise ParameterError(f'no preset {name!r}; expected one of {", ".join(PRESETS)}')
    return PRESETS[name]


def check_training(*, updates: int | None, patience: int | None, threshold: float | None,
                   budget: float | None, seed: int) -> None:
    """Raise ParameterError where a training's options are out of range; None is the default."""
    if any(value is not None and value < 1 for value in (updates, patience)):
        raise ParameterError(f'updates={updates}, patience={patience}; expected at least 1')
    if threshold is not None and not 0 < threshold < 1:
        raise ParameterError(f'threshold is {threshold}; expected a probability between 0 and 1')
    if budget is not None and not 0 < budget < math.inf:
        raise ParameterError(f'budget is {budget}; expected a number of minutes above 0')
    if not 0 <= seed <= MAX_SEED:
        raise ParameterError(f'seed is {seed}; expected a whole number from 0 to {MAX_SEED}')


def check_sizes(sizes: Any) -> None:
    """Raise ModelError unless a network's sizes are whole numbers, or lists of them, in range."""
    listed = [value for size in sizes.values()
              for value in (size if isinstance(size, list) else [size])]
    if not all(type(value) is int and 0 < value <= MAX_SIZE for value in listed):
        raise ModelError(f'sizes {sizes} are out of range; expected whole numbers from 1 to '
                         f'{MAX_SIZE}')
