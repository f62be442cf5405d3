"""Pitch spelling on the line of fifths: F is -1, C 0, G 1, B flat -2, F sharp 6.

A MIDI number and a place on the line fix the name and the octave of a note exactly. Two
spellings of one pitch class are twelve places apart.
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import numpy.typing as npt

from qbdi_m21.errors import FramesError

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]

_LETTERS = 'FCGDAEB'
_SEMITONES = {'C': 0, 'D': 2, 'E': 4, 'F': 5, 'G': 7, 'A': 9, 'B': 11}
_NAME = re.compile(r'([A-G])(#+|-*)(-?[0-9]+)')

#: From F double flat to B double sharp.
LOWEST, HIGHEST = -15, 19

#: Fifths below the signature's own C: E flat to G sharp in C major.
_FLATWARD = 3

#: The middle of a signature's seven notes, in fifths from the tonic of its major key.
_MIDDLE = 2
#: Notes on either side of which the local centre is the mean: near ones count in all three.
_WINDOWS = (8, 32, 128)
#: Share of the signature in the local centre.
_ANCHOR = 0.125
#: The twelve names in use reach half a fifth further up from the centre than down.
_SHARPWARD = 0.5
#: Which of `_WINDOWS` the first guess is made by.
_GUESS_WINDOW = 1
#: The first guess: a fifth away from the signature costs as much as four notes a fifth away.
_GUESS_ANCHOR = 4
#: The lowest of twelve names about a signature: A flat in C major (to C sharp).
_GUESS_FLATWARD = 4
#: What a diatonic semitone is worth, in fifths between the centre and the choice's middle:
#: to the next note if that is above, if it is below, and from the note before.
_TO_ABOVE, _TO_BELOW, _FROM = 1.5, 1.0, 0.75
#: A semitone to a note this many onsets later than the next one is worth half.
_HALF_ONSETS = 4
#: Most passes over the choices; most pieces need one or two.
_PASSES = 8


def fifths_of(step: str, alter: int) -> int:
    """Return the place of a letter with sharps (or flats, below 0) on the line of fifths."""
    place = _LETTERS.find(step) if len(step) == 1 else -1
    if place < 0:
        raise FramesError(f'the letter is {step!r}; expected one of C, D, E, F, G, A and B')
    return place - 1 + 7 * alter


def name_of(fifths: int) -> str:
    """Return the pitch class at a place on the line, as music21 writes it (``'B-'``)."""
    alter, letter = divmod(fifths + 1, 7)
    return _LETTERS[letter] + ('#' * alter if alter >= 0 else '-' * -alter)


def note_name(pitch: int, fifths: int) -> str:
    """Return the name with octave of a MIDI number: C flat 4 (``'C-4'``) is 59."""
    alter, letter = divmod(fifths + 1, 7)
    # to the nearest octave, so that a pitch beside its name (a microtone) stays in it
    octave = (pitch - alter - _SEMITONES[_LETTERS[letter]] + 6) // 12 - 1
    return f'{name_of(fifths)}{octave}'


def parse_name(name: str) -> tuple[int, int]:
    """Return (MIDI number, fifths) of a name with octave, as ``'B-4'``.

    Dashes are flats first, as music21 reads them: ``'C-1'`` is C flat in octave 1.
    """
    found = _NAME.fullmatch(name)
    if found is None:
        raise FramesError(f'the note name is {name!r}; expected a letter from A to G, sharps # or '
                          "flats -, and the octave: 'C4', 'F#3', 'B-4'")
    step, accidentals, octave = found.groups()
    alter = len(accidentals) * (-1 if accidentals.startswith('-') else 1)
    return 12 * (int(octave) + 1) + _SEMITONES[step] + alter, fifths_of(step, alter)


def spelling_table(sharps: int) -> tuple[str, ...]:
    """Return a name for each pitch class where nothing but the signature is known.

    Parameters
    ----------
    sharps : int
        Key signature, negative for flats.

    Notes
    -----
    The twelve fifths from three below to eight above the signature's major tonic. Where the
    notes around are known, `spell_notes` does better.
    """
    lowest = sharps - _FLATWARD
    return tuple(name_of(lowest + (7 * k - lowest) % 12) for k in range(12))


def spell_notes(pitch: npt.NDArray[Any], onset: npt.NDArray[Any],
                sharps: npt.NDArray[Any]) -> IntArray:
    """Return the place of each note on the line of fifths, from the notes around it.

    Parameters
    ----------
    pitch : ndarray of int, shape (N,)
        MIDI numbers.
    onset : ndarray of float, shape (N,)
        In quarter lengths, in any order.
    sharps : ndarray of int, shape (N,)
        Key signature in force at each note, negative for flats; 0 too where none is known.

    Returns
    -------
    ndarray of int64, shape (N,)
        At most double sharps and flats; in the order of the arguments, on which it does not
        depend otherwise.

    Notes
    -----
    Two rules of Temperley (2001, *The Cognition of Basic Musical Structures*, chapter 5). Pitch
    variance: each note takes the name nearest to a local centre of gravity on the line of
    fifths, which follows modulations and is held by the signature. Voice leading: a note a
    semitone from its neighbour in time is drawn to the name that makes the semitone diatonic.
    As the centre comes of the names, both are found in turn, from a first guess that needs no
    names: the twelve neighbours on the line about whose middle the pitch classes lie closest.
    """
    if not pitch.shape == onset.shape == sharps.shape == (len(pitch),):
        raise FramesError(f'pitch, onset and sharps have shapes {pitch.shape}, {onset.shape} and '
                          f'{sharps.shape}; expected one value a note in each')
    order = np.lexsort((sharps, pitch, onset))
    found = np.empty(len(pitch), dtype=np.int64)
    found[order] = _spell_sorted(np.asarray(pitch, dtype=np.int64)[order], onset[order],
                                 np.asarray(sharps, dtype=np.int64)[order])
    return found


def _spell_sorted(pitch: IntArray, onset: npt.NDArray[Any], sharps: IntArray) -> IntArray:
    # the notes of a chord share their windows: none of them is first
    first = np.searchsorted(onset, onset, side='left')
    last = np.searchsorted(onset, onset, side='right')
    middle = sharps + _MIDDLE
    windows = [_around(first, last, reach) for reach in _WINDOWS]
    fifths = _first_guess(pitch, sharps, windows[_GUESS_WINDOW])
    semitones = _semitones(pitch, np.unique(onset, return_inverse=True)[1])
    for _ in range(_PASSES):
        total = np.concatenate([[0], np.cumsum(fifths)])
        mean = sum((total[stop] - total[start]) / (stop - start)
                   for start, stop in windows) / len(windows)
        centre = mean + _ANCHOR * (middle - mean) + _SHARPWARD
        below = np.floor(centre).astype(np.int64)
        below -= (below - 7 * pitch) % 12
        above = below + 12
        lean = centre - (below + 6)
        for other, step, worth in semitones:
            lean += worth * ((fifths[other] - above == step).astype(float)
                             - (fifths[other] - below == step))
        # rounded, so that a tie is one in every key
        upward = ((np.round(lean, 6) > 0) & (above <= HIGHEST)) | (below < LOWEST)
        chosen = np.where(upward, above, below)
        if np.array_equal(chosen, fifths):
            break
        fifths = chosen
    return fifths


def _around(first: IntArray, last: IntArray, reach: int) -> tuple[IntArray, IntArray]:
    """Return the window (start, stop) of so many notes before and behind each chord."""
    count = len(first)
    return np.maximum(first - reach, 0), np.minimum(last + reach, count)


def _first_guess(pitch: IntArray, sharps: IntArray,
                 window: tuple[IntArray, IntArray]) -> IntArray:
    """Return names within the twelve on the line about which a window's notes lie closest.

    All twelves from `LOWEST` to `HIGHEST` are tried. Each note of the window costs its distance
    from their middle, and the signature costs its distance from theirs.
    """
    lowest = np.arange(LOWEST, HIGHEST - 10)
    place = (7 * np.arange(12)[:, None] - lowest) % 12      # pitch class by twelve
    # floats: exact for counts, and their products are far quicker
    counts = np.zeros((len(pitch) + 1, 12))
    counts[np.arange(1, len(pitch) + 1), pitch % 12] = 1
    counts = np.cumsum(counts, axis=0)
    start, stop = window
    # in halves of a fifth: the middle of twelve lies between the sixth and the seventh
    cost = (counts[stop] - counts[start]) @ np.abs(2.0 * place - 11)
    cost += 2 * _GUESS_ANCHOR * np.abs(lowest - (sharps[:, None] - _GUESS_FLATWARD))
    best = lowest[np.argmin(cost, axis=1)]
    return np.asarray(best + (7 * pitch - best) % 12, dtype=np.int64)


def _semitones(pitch: IntArray, moment: IntArray) -> list[tuple[IntArray, int, FloatArray]]:
    """Return (other note, fifths to it, worth) of the nearest semitones after and before.

    Of the note above and the one below, the nearer in time counts, or both.

    Parameters
    ----------
    pitch, moment : ndarray of int64, shape (N,)
        MIDI numbers, and the how-manieth onset of the piece each note has.
    """
    count = len(pitch)
    span = int(moment.max(initial=0)) + 1
    keys = pitch * span + moment
    order = np.argsort(keys, kind='stable')
    keys = keys[order]
    found = []
    for after, worths in ((True, (_TO_ABOVE, _TO_BELOW)), (False, (_FROM, _FROM))):
        others, gaps = [], []
        for interval in (1, -1):
            wanted = (pitch + interval) * span + moment
            place = (np.searchsorted(keys, wanted, side='right') if after
                     else np.searchsorted(keys, wanted, side='left') - 1)
            other = order[np.clip(place, 0, count - 1)]
            there = (place >= 0) & (place < count) & (pitch[other] == pitch + interval)
            others.append(other)
            gaps.append(np.where(there, np.abs(moment[other] - moment), np.inf))
        nearer = np.minimum(gaps[0], gaps[1])
        # up a diatonic semitone is five fifths down
        for other, gap, step, worth in zip(others, gaps, (-5, 5), worths, strict=True):
            fades = worth * _HALF_ONSETS / (_HALF_ONSETS - 1 + gap)
            found.append((other, step, np.where(gap == nearer, fades, 0.0)))
    return found
