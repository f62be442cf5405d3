"""Clefs by range: those with fewest ledger lines, changed at barlines where it is worth it."""

from __future__ import annotations

from collections.abc import Sequence

from music21 import clef

#: What a change costs, in the cost of a note with two ledger lines.
_CHANGE = 8.0

#: Semitones from one ledger line to the next.
_LINE = 3.5

#: Lowest and highest pitch on the five lines of each clef.
_STAFF = {'treble': (64, 77), 'bass': (43, 57), 'alto': (53, 67), 'tenor voice': (52, 65)}

_CLEFS: dict[str, type[clef.Clef]] = {
    'treble': clef.TrebleClef, 'bass': clef.BassClef, 'alto': clef.AltoClef,
    'tenor voice': clef.Treble8vbClef}


def choose_clefs(bars: Sequence[Sequence[int]], kinds: Sequence[str]) -> list[clef.Clef | None]:
    """Return the clef with which each bar begins; None where that of the bar before goes on.

    Parameters
    ----------
    bars : sequence of sequences of int
        MIDI numbers of the notes of each bar.
    kinds : sequence of str
        Clefs to choose from, the most usual first: see :func:`usual_clefs`.
    """
    costs = dict.fromkeys(kinds, 0.0)
    history: list[dict[str, str]] = []
    for pitches in bars:
        cheapest = min(kinds, key=lambda kind: costs[kind])
        came = {kind: kind if costs[kind] <= costs[cheapest] + _CHANGE else cheapest
                for kind in kinds}
        costs = {kind: costs[before] + _CHANGE * (before != kind) + _cost(pitches, kind)
                 for kind, before in came.items()}
        history.append(came)
    current = min(kinds, key=lambda kind: costs[kind])
    chosen: list[str] = []
    for came in reversed(history):
        chosen.append(current)
        current = came[current]
    chosen.reverse()
    return [None if index and chosen[index - 1] == kind else _CLEFS[kind]()
            for index, kind in enumerate(chosen)]


def usual_clefs(name: str, number: int, staves: int) -> tuple[str, ...]:
    """Return the clefs of a part by its name, or of one of several braced staves, from 0."""
    if staves > 1:
        return ('bass', 'treble') if number else ('treble', 'bass')
    word = name.lower()
    if word.startswith(('viola', 'vla')) and 'gamba' not in word:
        return 'alto', 'treble'
    if word.startswith('tenor'):
        return 'tenor voice', 'bass'
    return 'treble', 'bass'


def _cost(pitches: Sequence[int], kind: str) -> float:
    """Return what the ledger lines of a bar cost a reader: four times as much for twice as many."""
    low, high = _STAFF[kind]
    return sum((max(low - pitch, pitch - high, 0) / (2 * _LINE)) ** 2 for pitch in pitches)
