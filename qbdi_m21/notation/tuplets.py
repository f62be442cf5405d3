"""Tuplets of one voice of one measure: where they stand, each complete. In ticks."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from qbdi_m21.notation.rhythm import (
    NOTATABLE,
    ODD_TICKS,
    SHORTEST,
    TICKS,
    Ruler,
    odd_part,
    usual_notes,
)

#: Shortest span of a tuplet: a 64th note.
SHORTEST_SPAN = TICKS // 16

#: Most notes of one tuplet, where two kinds must meet in one.
MOST_NOTES = 63

#: What costs a reader as much as one bracket more.
_OFF_LATTICE, _CUT, _RARE = 0.75, 0.5, {3: 0.0, 5: 0.3, 7: 0.3, 9: 0.6}


class Tuplet(NamedTuple):
    """A complete tuplet: `notes` of one length in the time of `usual` of them."""

    start: int
    length: int
    notes: int
    usual: int

    @property
    def end(self) -> int:
        """Where it ends."""
        return self.start + self.length

    @property
    def unit(self) -> int:
        """Length of one of its notes, as written."""
        return self.length // self.usual

    def written(self, length: int) -> int:
        """Return a length inside the tuplet as it is written."""
        return length * self.notes // self.usual

    def sounding(self, length: int) -> int:
        """Undo :meth:`written`."""
        return length * self.usual // self.notes


#: Lengths of which a tuplet may hold some.
_UNITS = frozenset(length for length, (_, dots) in NOTATABLE.items() if not dots)

Plan = tuple[float, tuple[Tuplet, ...]]
_NOWHERE: Plan = (math.inf, ())


@dataclass(frozen=True)
class TupletPlanner:
    """Finds the tuplets of one voice of one measure.

    Attributes
    ----------
    ruler : Ruler
    low, high : int
        Where the measure starts and ends.
    """

    ruler: Ruler
    low: int
    high: int

    def plan(self, edges: Sequence[int]) -> tuple[Tuplet, ...] | None:
        """Return the tuplets in which notes that start and end at these places are written.

        Each is the widest span of beats whose places are all on one lattice, or a beat, or a
        part of one, whichever gives fewest brackets and ties. None where no tuplets will do.

        Parameters
        ----------
        edges : sequence of int
            In order.
        """
        if not any(edge % SHORTEST for edge in edges):
            return ()
        beat = self.ruler.beat
        first, last = self.low // beat, -(-self.high // beat)
        best: dict[int, Plan] = {first: (0.0, ())}
        for stop in range(first + 1, last + 1):
            options = []
            for count in (1, 2, 3, 4):
                if stop - count in best and (count == 1 or self._may_be_wide(stop, count)):
                    start = (stop - count) * beat
                    cost, found = (self._block(start, beat, edges) if count == 1 else
                                   self._whole(start, count * beat, edges, wide=True))
                    before, so_far = best[stop - count]
                    options.append((before + cost, so_far + found))
            best[stop] = min(options)
        cost, found = best[last]
        return None if math.isinf(cost) else found

    def _may_be_wide(self, stop: int, count: int) -> bool:
        beat, bar = self.ruler.beat, self.ruler.sizes[0]
        inside = (stop - count) * beat % bar
        return inside + count * beat <= bar and (count == 2 or (
            not inside % (count * beat) and (count == 4 or 3 * beat == bar)))

    def _block(self, start: int, size: int, edges: Sequence[int]) -> Plan:
        inside = [edge for edge in edges if start < edge < start + size]
        if not any(edge % SHORTEST for edge in inside):
            return 0.0, ()
        if size < SHORTEST_SPAN:
            return _NOWHERE
        place = self.ruler.sizes.index(size)
        part = self.ruler.sizes[place + 1]
        cost, found = 0.0, tuple[Tuplet, ...]()
        for left in range(start, start + size, part):
            more, tuplets = self._block(left, part, edges)
            cost, found = cost + more, found + tuplets
        return min(self._whole(start, size, edges), (cost, found))

    def _whole(self, start: int, size: int, edges: Sequence[int], *, wide: bool = False) -> Plan:
        """Return one tuplet over a span, if its places allow; a wide one is strict."""
        end = start + size
        inside = [edge - start for edge in edges if start < edge < end]
        if start < self.low or end > self.high or not inside:
            return _NOWHERE
        # three equal blocks are counted by the block: a tuplet is 5 in the time of 3
        ternary = size // ODD_TICKS % 3 == 0
        base = size // 3 if ternary else size
        notes = math.lcm(*(odd_part(base // math.gcd(edge, base)) for edge in inside))
        if notes == 1 or notes > MOST_NOTES or (ternary and not notes % 3):
            return _NOWHERE
        usual = usual_notes(notes, ternary)
        off = sum(edge * notes % size > 0 for edge in inside)
        if (wide and off) or any(edge * notes % usual or edge * notes // usual % SHORTEST
                                 for edge in inside) or size // usual not in _UNITS:
            return _NOWHERE
        cost = 1 + _RARE.get(notes, 1.0) + _OFF_LATTICE * off + sum(
            _CUT for border in (start, end) if border not in edges)
        return cost, (Tuplet(start, size, notes, usual),)
