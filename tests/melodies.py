"""A phrase, others that share nothing with it, and pieces of them."""

from fractions import Fraction

import numpy as np
from strategies import bars_of, table_of

HALF = Fraction(1, 2)

#: (quarters, pitch): a phrase, and others that share no run of four notes with it or each other.
THEME = [(1, 60), (HALF, 64), (HALF, 62), (1, 67), (1, 65)]
FILLS = [[(1, 81), (2, 79), (1, 72), (4, 76)], [(3, 86), (1, 77), (2, 84), (2, 74)],
         [(2, 71), (1, 83), (3, 80), (2, 69)], [(1, 90), (3, 82), (2, 88), (2, 75)]]


def melody(*phrases, part=0, start=0):
    """Return notes (onset, duration, pitch, part) of phrases one after the other."""
    notes, now = [], Fraction(start)
    for phrase in phrases:
        for length, pitch in phrase:
            notes.append((now, length, pitch, part))
            now += length
    return notes


def moved(phrase, semitones):
    return [(length, pitch + semitones) for length, pitch in phrase]


def piece(*voices):
    notes = [note for voice in voices for note in voice]
    length = max(onset + duration for onset, duration, *_ in notes)
    return table_of(notes, bars_of(*['4/4'] * -(-int(np.ceil(length)) // 4)))
