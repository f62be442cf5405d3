"""What a model was trained on: its frame specification and its preset."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from fractions import Fraction
from typing import Any

from qbdi_m21.errors import ModelError, ParameterError


@dataclass(frozen=True)
class FrameSpec:
    """The windows that a model takes.

    Attributes
    ----------
    step : str
        Frame length in quarter lengths, as a fraction (``'1/4'`` is a sixteenth).
    pitch_low, pitch_high : int
        MIDI range, the high end left out.
    window_frames : int
        Frames of a window W.
    """

    step: str = '1/4'
    pitch_low: int = 24
    pitch_high: int = 102
    window_frames: int = 16

    def __post_init__(self) -> None:
        if not (0 <= self.pitch_low < self.pitch_high <= 128 and 0 < self.window_frames <= 4096
                and Fraction(self.step) > 0):
            raise ModelError(f'frame specification {self} is out of range')

    @property
    def step_ql(self) -> Fraction:
        """Frame length in quarter lengths."""
        return Fraction(self.step)

    @property
    def pitch_range(self) -> tuple[int, int]:
        """(lowest MIDI number, one past the highest)."""
        return self.pitch_low, self.pitch_high

    @property
    def num_pitches(self) -> int:
        """Number of pitches P."""
        return self.pitch_high - self.pitch_low

    @property
    def num_inputs(self) -> int:
        """Cells of a window: W frames of P sounding and P onset cells."""
        return self.window_frames * 2 * self.num_pitches

    def to_json(self) -> dict[str, Any]:
        """Return the specification as plain values."""
        return asdict(self)


@dataclass(frozen=True)
class Preset:
    """A network and the way it is trained.

    Attributes
    ----------
    hidden, latent : int
        Units of the hidden layers, and latents Z.
    batch : int or None
        Windows a batch; None takes one work a batch, as the paper does.
    max_batch : int
        A longer work gives this many of its windows, chosen anew each time.
    updates : int
        Updates of a whole training.
    learning_rate : float
        Adam's.
    threshold : float
        A decoded probability from here on is a note.
    """

    hidden: int
    latent: int
    batch: int | None
    max_batch: int
    updates: int
    learning_rate: float
    threshold: float


#: dubnov2019: the paper's network and training (2496-500-500; one song a batch, at most 100
#: bars; 20,000 updates; Adam's defaults; decoded probabilities of .7 and more are notes).
PRESETS = {
    'dubnov2019': Preset(hidden=500, latent=500, batch=None, max_batch=100, updates=20_000,
                         learning_rate=1e-3, threshold=0.7),
}


def check_training(*, updates: int | None, transpose: int, patience: int | None,
                   threshold: float | None) -> None:
    """Raise ParameterError where a training's options are out of range; None is the default."""
    if (updates is not None and updates < 1) or transpose < 0 or (
            patience is not None and patience < 1):
        raise ParameterError(f'updates={updates}, transpose={transpose}, patience={patience}; '
                             'expected updates and patience of at least 1 and transpose >= 0')
    if threshold is not None and not 0 < threshold < 1:
        raise ParameterError(f'threshold is {threshold}; expected a probability between 0 and 1')


def get_preset(name: str) -> Preset:
    """Return a preset by name; ParameterError names the known ones."""
    if name not in PRESETS:
        raise ParameterError(f'no preset {name!r}; expected one of {", ".join(PRESETS)}')
    return PRESETS[name]
