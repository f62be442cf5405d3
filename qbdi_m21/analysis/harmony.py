"""Chords inferred from pitch-class weights by templates."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from qbdi_m21.frames.spelling import spelling_table

#: Chord qualities: suffix of the name -> semitones above the root. Earlier ones win ties.
TEMPLATES = {'': (0, 4, 7), 'm': (0, 3, 7), '7': (0, 4, 7, 10), 'm7': (0, 3, 7, 10),
             'maj7': (0, 4, 7, 11), 'dim': (0, 3, 6), 'm7\u266d5': (0, 3, 6, 10),
             'dim7': (0, 3, 6, 9), 'aug': (0, 4, 8)}

#: Least cosine between weights and template for a chord to be named.
MIN_FIT = 0.8

_ROOTS = np.arange(12)


def infer_chord(weights: npt.NDArray[Any]) -> tuple[int, str] | None:
    """Return (root pitch class, quality) of the best template, or None.

    Parameters
    ----------
    weights : ndarray, shape (12,)
        How much of each pitch class sounds; >= 0.

    Notes
    -----
    Cosine with binary templates (Fujishima 1999). None for silence, for fewer than three
    pitch classes, and where no template fits by `MIN_FIT`.
    """
    if np.count_nonzero(weights) < 3:
        return None
    best: tuple[float, int, str] = (MIN_FIT, 0, '')
    norm = float(np.linalg.norm(weights))
    for quality, tones in TEMPLATES.items():
        fits = weights[(_ROOTS[:, None] + np.array(tones)) % 12].sum(axis=1) / (
            norm * np.sqrt(len(tones)))
        # of the equal roots of a symmetric chord, the one that sounds most
        root = int(np.lexsort((-weights, -np.round(fits, 9)))[0])
        # a hair's breadth is a tie: the simpler, earlier quality keeps it
        if fits[root] > best[0] + 1e-9:
            best = float(fits[root]), root, quality
    return None if best[0] == MIN_FIT else (best[1], best[2])


def harmony_name(weights: npt.NDArray[Any], sharps: int = 0) -> str:
    """Return a chord's name (``'B\u266dm7'``), or the main pitch classes (``'{C E}'``)."""
    names = [n.replace('-', '\u266d').replace('#', '\u266f') for n in spelling_table(sharps)]
    chord = infer_chord(weights)
    if chord is not None:
        return names[chord[0]] + chord[1]
    order = np.argsort(-weights, kind='stable')[:3]
    return '{' + ' '.join(names[k] for k in sorted(order) if weights[k] > 0) + '}'
