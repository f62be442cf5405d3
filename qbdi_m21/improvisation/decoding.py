"""How decoded probabilities become notes that can be played: rule, threshold and shape."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from qbdi_m21.errors import ParameterError
from qbdi_m21.frames.roll import Frames, check_pitch_range, note_starts
from qbdi_m21.model.bounds import Windows
from qbdi_m21.model.decoding import RULES, check_decoding
from qbdi_m21.model.generation import density_threshold
from qbdi_m21.model.inference import LatentModel
from qbdi_m21.model.presets import PAPER_THRESHOLD

BoolArray = npt.NDArray[np.bool_]

#: Names that a threshold may have instead of a number.
THRESHOLDS = ('paper', 'calibrated')

RESTRIKES, BARLINES = ('decoded', 'never'), ('decoded', 'tie', 'strike')

#: Least reach of a hand, in semitones: a fifth, so that a triad can be taken.
MIN_SPAN = 7


@dataclass(frozen=True)
class Decoding:
    """How probabilities become notes.

    Attributes
    ----------
    rule : {'threshold', 'density', 'sample'}, optional
        Which cells sound (:class:`qbdi_m21.model.decoding.CellChooser`); the model's own by
        default, or 'threshold' where a threshold is given.
    threshold : float, 'paper' or 'calibrated', optional
        Cells of at least this probability sound. 'paper' is its .7; 'calibrated' the threshold
        at which the query, at full rate, comes back with as many sounding cells as it has.
        The model's own by default.
    min_length_frames : int
        Shorter notes are left out; frames of the model, sixteenths in the shipped ones.
    restrike : {'decoded', 'never'}
        Whether an onset inside a sounding pitch strikes it again, or is tied.
    barline : {'decoded', 'tie', 'strike'}
        What becomes of a pitch that sounds before and after a barline: what was decoded, one
        note, or two. A model decodes each bar by itself.
    pitch_range : (int, int), optional
        Lowest MIDI number, and one past the highest: notes outside go by octaves into it.
    hand_span : int, optional
        Reach of each of two hands, in semitones. Of a chord, what neither the hand on its
        lowest note nor the one on its highest can reach is left out.
    """

    rule: str | None = None
    threshold: float | str | None = None
    min_length_frames: int = 1
    restrike: Literal['decoded', 'never'] = 'decoded'
    barline: Literal['decoded', 'tie', 'strike'] = 'decoded'
    pitch_range: tuple[int, int] | None = None
    hand_span: int | None = None

    def __post_init__(self) -> None:
        if self.threshold is not None and self.rule not in (None, 'threshold'):
            raise ParameterError(f'a threshold of {self.threshold} is no part of decoding by '
                                 f"{self.rule!r}; give one of them, or decoding='threshold'")
        named = self.threshold is not None and self.threshold in THRESHOLDS
        if not (named or self.threshold is None or (
                isinstance(self.threshold, float | int | np.number)
                and not isinstance(self.threshold, bool))):
            raise ParameterError(f'threshold is {self.threshold!r}; expected a probability '
                                 f'between 0 and 1, {" or ".join(map(repr, THRESHOLDS))}')
        number = isinstance(self.threshold, float | int | np.number)
        check_decoding(self.rule or RULES[0],
                       self.threshold if number else 0.5)        # type: ignore[arg-type]
        # NumPy's numbers are taken, and kept as plain ones that JSON can hold
        for name, least in (('min_length_frames', 1), ('hand_span', MIN_SPAN)):
            if name == 'min_length_frames' or self.hand_span is not None:
                object.__setattr__(self, name, _check_whole(name, getattr(self, name), least))
        if self.threshold is not None and not isinstance(self.threshold, str):
            object.__setattr__(self, 'threshold', float(self.threshold))
        for name, value, allowed in (('restrike', self.restrike, RESTRIKES),
                                     ('barline', self.barline, BARLINES)):
            if value not in allowed:
                raise ParameterError(f'{name} is {value!r}; expected one of {", ".join(allowed)}')
        if self.pitch_range is not None:
            check_pitch_range(self.pitch_range)
            low, high = (int(end) for end in self.pitch_range)
            object.__setattr__(self, 'pitch_range', (low, high))
            if self.pitch_range[1] - self.pitch_range[0] < 12:
                raise ParameterError(f'pitch_range is {self.pitch_range}; expected an octave at '
                                     'least, since notes go into it by octaves')

    @classmethod
    def parse(cls, decoding: str | Decoding | None, threshold: float | str | None) -> Decoding:
        """Return what a caller has given: a rule's name, all of it or nothing, and a threshold."""
        if isinstance(decoding, Decoding):
            return decoding if threshold is None else replace(decoding, threshold=threshold)
        return cls(decoding, threshold)

    def resolve(self, model: LatentModel, windows: Windows) -> tuple[str, float]:
        """Return rule and threshold for a model and the query's windows (N, W, 2P).

        Raises
        ------
        ParameterError
            If `pitch_range` is not within the model's.
        """
        low, high = model.spec.pitch_range
        if self.pitch_range is not None and not (
                low <= self.pitch_range[0] and self.pitch_range[1] <= high):
            raise ParameterError(f'pitch_range is {self.pitch_range}; the model plays '
                                 f'{(low, high)}, the high end left out: expected a range within')
        rule = self.rule or (model.decoding if self.threshold is None else 'threshold')
        if self.threshold == 'paper':
            return rule, PAPER_THRESHOLD
        if self.threshold == 'calibrated':
            return rule, density_threshold(model, windows)
        return rule, model.threshold if self.threshold is None else float(self.threshold)

    def shape(self, frames: Frames) -> Frames:
        """Return frames whose notes keep to length, strikes, barlines, range and reach."""
        if self.pitch_range is not None:
            frames = fold_pitches(frames, self.pitch_range)
        sounding, onset = frames.sounding.copy(), frames.onset.copy()
        held = np.zeros_like(sounding)
        held[1:] = sounding[1:] & sounding[:-1]
        if self.restrike == 'never':
            onset &= ~held
        heads = frames.grid.bar_starts[1:-1]
        if self.barline == 'tie':
            onset[heads] &= ~held[heads]
        elif self.barline == 'strike':
            onset[heads] |= held[heads]
        shaped = replace(frames, sounding=sounding, onset=onset)
        if self.hand_span is not None:
            shaped = within_reach(shaped, self.hand_span)
        return drop_short(shaped, self.min_length_frames)

    def to_json(self) -> dict[str, Any]:
        """Return plain values; only those that are not the default."""
        plain = {name: value for name, value in asdict(self).items()
                 if value != getattr(Decoding(), name)}
        return {**plain, **({'pitch_range': list(self.pitch_range)} if self.pitch_range else {})}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Decoding:
        """Undo :meth:`to_json`."""
        values = dict(data)
        unknown = set(values) - {one.name for one in fields(cls)}
        if unknown:
            raise ParameterError(f'no decoding option {", ".join(sorted(unknown))}; expected some '
                                 f'of {", ".join(one.name for one in fields(cls))}')
        if isinstance(values.get('pitch_range'), list):
            values['pitch_range'] = tuple(values['pitch_range'])
        return cls(**values)


def fold_pitches(frames: Frames, pitch_range: tuple[int, int]) -> Frames:
    """Return frames whose notes outside a range, itself within theirs, go by octaves into it."""
    low, high = pitch_range
    pitches = frames.pitch_low + np.arange(frames.num_pitches)
    under, over = np.maximum(low - pitches, 0), np.maximum(pitches - high + 1, 0)
    goal = pitches + 12 * -(-under // 12) - 12 * -(-over // 12) - frames.pitch_low
    sounding, onset = np.zeros_like(frames.sounding), np.zeros_like(frames.onset)
    starts, heard = note_starts(frames), frames.sounding.any(axis=0)
    # where notes of several octaves come together each is struck, and heard
    several = np.bincount(goal[heard], minlength=frames.num_pitches) > 1
    for column in np.flatnonzero(heard).tolist():
        target = int(goal[column])
        sounding[:, target] |= frames.sounding[:, column]
        struck = starts if several[target] or target != column else frames.onset
        onset[:, target] |= struck[:, column]
    return replace(frames, sounding=sounding, onset=onset)


def within_reach(frames: Frames, span: int) -> Frames:
    """Return frames in which two hands of a span, in semitones, reach every note.

    One hand lies on the lowest note of each frame and one on the highest. A note that gets out
    of reach is let go, and does not come back without being struck.
    """
    sounding = frames.sounding
    columns = np.arange(frames.num_pitches)
    lowest = sounding.argmax(axis=1)[:, None]
    highest = frames.num_pitches - 1 - sounding[:, ::-1].argmax(axis=1)[:, None]
    kept = sounding & ((columns <= lowest + span) | (columns >= highest - span))
    starts = note_starts(frames)
    for t in range(1, len(kept)):
        kept[t] &= starts[t] | kept[t - 1]
    return replace(frames, sounding=kept, onset=frames.onset & kept)


def drop_short(frames: Frames, min_length_frames: int) -> Frames:
    """Return frames without the notes that are shorter than so many frames."""
    if min_length_frames <= 1:
        return frames
    # pitch after pitch: the cells of a note have one number
    sounding = frames.sounding.T.ravel()
    number = np.cumsum(note_starts(frames).T.ravel())
    lengths = np.bincount(number[sounding], minlength=int(number[-1:].sum()) + 1)
    kept = (sounding & (lengths[number] >= min_length_frames)).reshape(
        frames.num_pitches, -1).T
    return replace(frames, sounding=np.ascontiguousarray(kept), onset=frames.onset & kept)


def _check_whole(name: str, value: Any, least: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least:
        raise ParameterError(f'{name} is {value!r}; expected a whole number from {least} on')
    return int(value)
