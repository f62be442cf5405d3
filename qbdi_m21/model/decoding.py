"""From probabilities to notes: which cells of a frame sound."""

from __future__ import annotations

from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt

from qbdi_m21.errors import ParameterError

DecodingRule = Literal['threshold', 'sample', 'density']
RULES: tuple[str, ...] = get_args(DecodingRule)


class CellChooser:
    """Chooses cells of N windows, frame after frame.

    Parameters
    ----------
    rule : {'threshold', 'sample', 'density'}
        'threshold': cells of at least this probability sound (the paper: .7).
        'sample': each cell sounds with its probability.
        'density': of each frame the likeliest cells sound, as many as its probabilities add up
        to; what rounding leaves is carried to the next frame. So the number of notes follows
        the probabilities, to within half a note at any time, and an unsure decoder is not silent.
    threshold : float
        For 'threshold'.
    rng : numpy Generator
        For 'sample'.
    """

    def __init__(self, rule: str, threshold: float, rng: np.random.Generator) -> None:
        check_decoding(rule, threshold)
        self.rule, self.threshold, self.rng = rule, threshold, rng
        self.owed: npt.NDArray[np.float64] | float = 0.0

    def choose(self, probability: npt.NDArray[Any],
               possible: npt.NDArray[np.bool_] | None = None) -> npt.NDArray[np.bool_]:
        """Return which cells of the next frame sound.

        Parameters
        ----------
        probability : ndarray, shape (N, P)
        possible : ndarray of bool, shape (N, P), optional
            Other cells cannot sound, and their probabilities are not counted.

        Returns
        -------
        ndarray of bool, shape (N, P)
        """
        if possible is None:
            possible = np.ones(probability.shape, dtype=np.bool_)
        if self.rule == 'threshold':
            return (probability >= self.threshold) & possible
        if self.rule == 'sample':
            return (self.rng.random(probability.shape) < probability) & possible
        weights = np.where(possible, probability, 0.0)
        expected = self.owed + weights.sum(axis=1, dtype=np.float64)
        count = np.clip(np.floor(expected + 0.5), 0, possible.sum(axis=1)).astype(np.int64)
        self.owed = expected - count
        # impossible cells come last; of equal cells the lowest comes first
        order = np.argsort(np.where(possible, -weights, 1.0), axis=1, kind='stable')
        chosen = np.zeros(probability.shape, dtype=np.bool_)
        np.put_along_axis(chosen, order, np.arange(probability.shape[1]) < count[:, None], axis=1)
        return chosen


def check_decoding(rule: str, threshold: float) -> None:
    """Raise ParameterError if there is no such rule, or the threshold is no probability."""
    if rule not in RULES:
        raise ParameterError(f'decoding is {rule!r}; expected one of {", ".join(RULES)}')
    if not 0 < threshold < 1:
        raise ParameterError(f'threshold is {threshold}; expected a probability between 0 and 1')
