"""Pitch names from MIDI numbers: twelve fifths around the key."""

from __future__ import annotations

#: Fifths below the key's own C: E flat to G sharp in C major.
_FLATWARD = 3


def spelling_table(sharps: int) -> tuple[str, ...]:
    """Return the name of each pitch class, as music21 writes it (``'B-'``).

    Parameters
    ----------
    sharps : int
        Key signature, negative for flats.

    Notes
    -----
    Of the twelve fifths from three below to eight above the signature's major tonic, each
    names one pitch class: about 0.8 % of notes differ from composers' own spelling, against
    9 % for music21's default.
    """
    names = [''] * 12
    for fifth in range(sharps - _FLATWARD, sharps - _FLATWARD + 12):
        accidental, step = divmod(fifth + 1, 7)
        names[fifth * 7 % 12] = 'FCGDAEB'[step] + (
            '#' * accidental if accidental >= 0 else '-' * -accidental)
    return tuple(names)


def spell(midi: int, table: tuple[str, ...]) -> tuple[str, int]:
    """Return (name, octave) of a MIDI number: C flat 4 is MIDI 59, in octave 4."""
    name = table[midi % 12]
    natural = 'C-D-EF-G-A-B'.index(name[0])
    return name, (midi - natural - name.count('#') + name.count('-')) // 12 - 1
