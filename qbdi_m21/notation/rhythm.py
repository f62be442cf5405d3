"""Rhythm of one measure: which lengths one notehead may have so that beats show.

Pure integers: a place is counted in ticks from where the measure's meter begins (a pickup starts
late), a length in ticks. Every place that :func:`is_reached` is a whole number of ticks.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from functools import lru_cache

#: Ticks of a quarter: whole for every tuplet up to 15 and for mixtures of two of them.
ODD_TICKS = 9 * 5 * 7 * 11 * 13
TICKS = 512 * ODD_TICKS

#: A 256th note: everything is written in multiples of it, inside tuplets too.
SHORTEST = TICKS // 64

#: Odd numbers of notes in the time of others.
TUPLETS = (3, 5, 7, 9, 11, 13, 15)

_TYPES = ('breve', 'whole', 'half', 'quarter', 'eighth', '16th', '32nd', '64th', '128th', '256th')

#: Lengths of one notehead: music21's type and number of dots of each.
NOTATABLE: dict[int, tuple[str, int]] = {
    (8 * TICKS >> k) * (2 + dots) // 2: (name, dots)
    for k, name in enumerate(_TYPES) for dots in (0, 1) if not (name == '256th' and dots)}

#: Beams or flags of a notehead of each length.
FLAGS = {length: max(_TYPES.index(name) - 3, 0) for length, (name, _) in NOTATABLE.items()}


def odd_part(number: int) -> int:
    """Return the largest odd divisor of a number above 0."""
    return number // (number & -number)


def is_reached(place: Fraction) -> bool:
    """Return whether notes of some usual length or tuplet reach a place, in quarter lengths."""
    odd = odd_part(place.denominator)
    if odd == 1:
        return place.denominator <= 64
    # an eighth of a triplet is a third of a quarter, a sixteenth of a quintuplet a fifth
    return odd in TUPLETS and place.denominator // odd * usual_notes(odd) <= 64


def usual_notes(notes: int, ternary: bool = False) -> int:
    """Return the number of notes in whose time an odd number of them is played."""
    power = 1 << (notes.bit_length() - 1)
    if not ternary:
        return power
    return 3 * power // 2 if 3 * power // 2 <= notes else 3 * power // 4


@dataclass(frozen=True)
class Ruler:
    """The blocks of a meter, from the bar down to a 256th note, and how they are written.

    Attributes
    ----------
    sizes : tuple of int
        Lengths of the blocks; each holds two, three or more of the next.
    beat : int
        Length of a beat: one of the sizes.
    """

    sizes: tuple[int, ...]
    beat: int
    _known: dict[tuple[int, int, bool], tuple[int, ...]] = field(
        default_factory=dict, compare=False, repr=False)

    def lengths(self, start: int, end: int, *, rest: bool = False) -> tuple[int, ...]:
        """Cut a span into lengths of one notehead each that show the beats.

        A notehead fills a block or neighbours in one block of three; it may be dotted from the
        start of a block, and syncopate against the middle of one (8th, quarter, 8th). Rests do
        neither, and a dotted rest stays within a beat.
        """
        place = start % self.sizes[0]
        key = place, end - start, rest
        if key not in self._known:
            self._known[key] = tuple(self._cut(place, place + end - start, rest))
        return self._known[key]

    def _cut(self, start: int, end: int, rest: bool) -> list[int]:
        if start >= end:
            return []
        sizes, last = self.sizes, len(self.sizes) - 1
        level = -1
        while level < last and start // sizes[level + 1] == (end - 1) // sizes[level + 1]:
            level += 1
        if level >= 0 and self._fits(level, start, end, rest):
            return [end - start]
        part = sizes[level + 1]
        border = (start // part + 1) * part
        if not start % part and not rest and level >= 0:
            # as many neighbours as one notehead can hold
            border = start + part * max((n for n in range(1, (end - start) // part + 1)
                                         if n * part in NOTATABLE and start + n * part < end),
                                        default=1)
        return self._cut(start, border, rest) + self._cut(border, end, rest)

    def _fits(self, level: int, start: int, end: int, rest: bool) -> bool:
        """Whether one notehead may last from start to end, which lie in one block."""
        size, length = self.sizes[level], end - start
        if length not in NOTATABLE:
            return False
        if length == size:
            return True
        part = self.sizes[level + 1]
        left, right = start % size, start % size + length
        in_beat = size <= self.beat
        aligned = not left % part
        if aligned and not right % part:
            return not rest or (part < self.beat and not left)
        dotted = aligned and 2 * length == 3 * part
        if size == 2 * part:
            if dotted:
                return not rest or in_beat
            if rest or self.sizes[level + 2] * 2 != part or left * 2 != part:
                return False
            return length == part or (right == size and in_beat)
        if dotted:
            return not rest or part < self.beat
        return not rest and 2 * (left % part) == part == length


@lru_cache(maxsize=256)
def ruler_of(meter: str, beat_ql: Fraction) -> Ruler:
    """Return the ruler of a meter such as ``'6/8'`` and its beat."""
    over, under = (int(n) for n in meter.split('/'))
    bar = 4 * TICKS * over // under
    beat = int(beat_ql * TICKS)
    # beats of several lengths, as in 5/8, are counted by the unit
    if beat <= 0 or bar % beat or odd_part(beat // ODD_TICKS or 1) not in (1, 3):
        beat = bar // over
    sizes = [bar]
    while sizes[-1] > beat:
        count = sizes[-1] // beat
        sizes.append(sizes[-1] // next(n for n in range(2, count + 1) if not count % n))
    return Ruler(tuple(sizes + _parts(beat)), beat)


@lru_cache(maxsize=1024)
def tuplet_ruler(notes: int, unit: int) -> Ruler:
    """Return the ruler of a tuplet of so many notes, in the ticks as they are written."""
    return Ruler((notes * unit, unit, *_parts(unit)), unit)


def _parts(block: int) -> list[int]:
    """Return what a beat or a unit divides into: thirds first where it is dotted."""
    parts = [block // 3] if block // ODD_TICKS % 3 == 0 else []
    last = parts[-1] if parts else block
    while last > SHORTEST and not last % 2:
        last //= 2
        parts.append(last)
    return parts
