"""What a window of a model is."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from fractions import Fraction
from typing import Any

from qbdi_m21.errors import ModelError


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
        whole = (self.pitch_low, self.pitch_high, self.window_frames)
        # a long number, or an exponent, would take memory without end
        if not (all(type(value) is int for value in whole)
                and 0 <= self.pitch_low < self.pitch_high <= 128 and 0 < self.window_frames <= 4096
                and isinstance(self.step, str) and re.fullmatch(r'\d{1,6}(/\d{1,6})?', self.step)
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
