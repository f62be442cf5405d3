"""The information rate of an oracle: how much shorter its repetitions make the sequence."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from qbdi_m21.errors import ParameterError
from qbdi_m21.oracle.build import Oracle

FloatArray = npt.NDArray[np.float64]

RateType = Literal['cum', 'all', 'fixed', 'cum2', 'cum3']
RATE_TYPES: tuple[str, ...] = get_args(RateType)


def information_profile(oracle: Oracle, kind: RateType = 'cum', *,
                        alpha: float = 1.0) -> FloatArray:
    """Return the information rate of each frame, in bits.

    Parameters
    ----------
    oracle : Oracle
    kind : {'cum', 'all', 'fixed', 'cum2', 'cum3'}
        With n new symbols, w Compror words and the length L of its own word up to a frame:
        'cum' is max(0, alpha log2 n - log2(w) / L), the paper's. The others are vmo's further
        estimates: 'all' has one value a word, from the entropy of the words' lengths, which
        vmo has in nats, and is not kept above 0; 'fixed' takes the final numbers of symbols
        and states; 'cum2' and 'cum3' the states without a suffix link, and the longest and
        each state's own lrs.
    alpha : float
        Weight of the entropy without the past.

    Returns
    -------
    ndarray of float, shape (T,); for 'all' (number of words,)

    Notes
    -----
    Source: Wang & Dubnov 2015; Dubnov 2019, eqs 9-10. Equal to vmo's ``oracle.IR``.
    """
    if kind not in RATE_TYPES:
        raise ParameterError(f'kind is {kind!r}; expected one of {", ".join(RATE_TYPES)}')
    lengths = np.array([length for length, _ in oracle.code])
    if kind == 'all':
        return np.asarray(alpha * np.log2(np.cumsum(lengths == 0))
                          - _word_entropies(lengths + 1.0))
    spans = np.maximum(lengths, 1)
    own = np.repeat(spans, spans).astype(np.float64)
    states = np.arange(1, oracle.num_states, dtype=np.float64)
    if kind == 'cum':
        starts = np.cumsum(spans) - spans
        new, word = np.zeros(len(own)), np.zeros(len(own))
        new[starts[lengths == 0]], word[starts] = 1.0, 1.0
        before, after = np.log2(np.cumsum(new)), np.log2(np.cumsum(word)) / own
    elif kind == 'fixed':
        longest = int(oracle.lrs.max())
        whole = np.log2(states[-1]) + (np.log2(longest) if longest else 0.0)
        before = np.full(len(own), np.log2(len(oracle.followers[0])))
        after = whole / own
    else:
        before = np.log2(np.cumsum(oracle.suffix[1:] == 0, dtype=np.float64))
        repeated = (np.maximum.accumulate(oracle.lrs) if kind == 'cum2' else oracle.lrs)[1:]
        length = np.maximum(repeated, 1).astype(np.float64)
        after = ((np.log2(states) + np.log2(length)) / own if kind == 'cum2'
                 else (before + np.log2(length)) / length)
    return np.maximum(alpha * before - after, 0.0)


def _word_entropies(weights: FloatArray) -> FloatArray:
    """Return the entropy in nats of the first 1, 2, ... weights as a distribution."""
    # of shares w / W it is ln W - sum(w ln w) / W
    whole = np.cumsum(weights)
    return np.asarray(np.log(whole) - np.cumsum(weights * np.log(weights)) / whole)
