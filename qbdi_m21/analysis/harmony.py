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
    (root,), (quality,) = (found.tolist() for found in infer_chords(np.asarray(weights)[None]))
    return None if root < 0 else (root, list(TEMPLATES)[quality])


def infer_chords(weights: npt.NDArray[Any]) -> tuple[npt.NDArray[np.int64],
                                                     npt.NDArray[np.int64]]:
    """Return the best template of many pitch-class vectors; see :func:`infer_chord`.

    Parameters
    ----------
    weights : ndarray, shape (N, 12)

    Returns
    -------
    (ndarray of int64, ndarray of int64), shape (N,) each
        Root pitch class and place of the quality in `TEMPLATES`; -1 where there is no chord.
    """
    roots, qualities = (np.full(len(weights), -1, dtype=np.int64) for _ in range(2))
    best = np.full(len(weights), MIN_FIT)
    named = np.count_nonzero(weights, axis=1) >= 3
    norm = np.linalg.norm(weights, axis=1)[:, None]
    norm = np.where(norm > 0, norm, 1.0)
    for place, tones in enumerate(TEMPLATES.values()):
        chosen = (_ROOTS[:, None] + np.array(tones)) % 12
        fits = weights[:, chosen].sum(axis=2) / (norm * np.sqrt(len(tones)))
        near = np.round(fits, 9)
        # of the equal roots of a symmetric chord, the one that sounds most
        equal = near == near.max(axis=1, keepdims=True)
        root = np.where(equal, weights, -1.0).argmax(axis=1)
        fit = np.take_along_axis(fits, root[:, None], axis=1)[:, 0]
        # a hair's breadth is a tie: the simpler, earlier quality keeps it
        better = named & (fit > best + 1e-9)
        best[better], roots[better], qualities[better] = fit[better], root[better], place
    return roots, qualities


def harmony_name(weights: npt.NDArray[Any], sharps: int = 0) -> str:
    """Return a chord's name (``'B\u266dm7'``), or the main pitch classes (``'{C E}'``)."""
    names = [n.replace('-', '\u266d').replace('#', '\u266f') for n in spelling_table(sharps)]
    chord = infer_chord(weights)
    if chord is not None:
        return names[chord[0]] + chord[1]
    order = np.argsort(-weights, kind='stable')[:3]
    return '{' + ' '.join(names[k] for k in sorted(order) if weights[k] > 0) + '}'


#: Fewer pitch classes tell no key.
MIN_TONES = 5

#: How well each degree above the tonic fits a major and a minor key (Krumhansl & Kessler 1982).
MAJOR_PROFILE = np.array([6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88])
MINOR_PROFILE = np.array([6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17])


def infer_keys(weights: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    """Return the key of many pitch-class vectors, as its place on the circle of fifths.

    Parameters
    ----------
    weights : ndarray, shape (N, 12)

    Returns
    -------
    ndarray of int64, shape (N,)
        Sharps of the key signature from -5 to 6 (C major and A minor are 0); -6 where fewer than
        `MIN_TONES` pitch classes sound.

    Notes
    -----
    The highest correlation with the profiles of Krumhansl & Kessler (1982).
    """
    profiles = np.stack([np.roll(profile, tonic) for profile in (MAJOR_PROFILE, MINOR_PROFILE)
                         for tonic in range(12)])
    profiles = profiles - profiles.mean(axis=1, keepdims=True)
    profiles /= np.linalg.norm(profiles, axis=1, keepdims=True)
    centred = weights - weights.mean(axis=1, keepdims=True)
    best = (centred @ profiles.T).argmax(axis=1)
    tonic = np.where(best < 12, best, best + 3) % 12        # of a minor key its relative major
    sharps = (7 * tonic + 5) % 12 - 5
    enough = np.count_nonzero(weights, axis=1) >= MIN_TONES
    return np.where(enough, sharps, -6).astype(np.int64)


def fifths_apart(one: npt.NDArray[np.int64], two: npt.NDArray[np.int64]
                 ) -> npt.NDArray[np.int64]:
    """Return how far keys are apart on the circle of fifths, 0 to 6; 0 where one is none."""
    apart = np.abs(one - two) % 12
    return np.where((one < -5) | (two < -5), 0, np.minimum(apart, 12 - apart))


def chord_tones(chord: tuple[int, str]) -> set[int]:
    """Return the pitch classes of a chord that :func:`infer_chord` gave."""
    return {(chord[0] + step) % 12 for step in TEMPLATES[chord[1]]}


def key_name(sharps: int) -> str:
    """Return what keys of a signature are called: ``'C/Am'``; an empty name for none."""
    if sharps < -5:
        return ''
    names = [n.replace('-', '\u266d').replace('#', '\u266f') for n in spelling_table(sharps)]
    tonic = 7 * sharps % 12
    return f'{names[tonic]}/{names[(tonic + 9) % 12]}m'
