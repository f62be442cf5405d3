"""Which staff each note goes to: two hands, a fixed pitch, or the parts of another score."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import NamedTuple

import numpy as np

from qbdi_m21.frames.ratios import IntArray, on_common, ranks
from qbdi_m21.frames.table import NoteTable

#: Where the hands part if nothing speaks against it: C4.
MIDDLE_C = 60

#: Semitones that a hand reaches with ease, and at all.
_OCTAVE, _TENTH = 12, 16

#: Costs by semitone: beyond an octave, beyond a tenth, across middle C, across the other hand,
#: from where the hand was; and by note: a line that changes hands, a sixth finger, more notes
#: than the other hand has.
_WIDE, _TOO_WIDE, _BEYOND_C, _CROSSED, _MOVE = 0.3, 1.5, 0.1, 0.3, 0.01
_HOP, _FINGER, _UNEVEN = 0.4, 1.0, 0.7

#: How far a line moves in one step, in semitones.
_STEP = 4

#: How many ways to divide the music so far are kept at a time.
_BEAM = 4

_Held = tuple[tuple[int, int], ...]


class _Way(NamedTuple):
    """One way to divide the music so far: what each hand holds, as (end, pitch), and was at."""

    cost: float
    left: _Held
    right: _Held
    left_at: float
    right_at: float


def divide_hands(table: NoteTable) -> IntArray:
    """Return the staff of each note of one keyboard part: 1 for the right hand, 2 for the left.

    At every onset the lower notes go to the left hand, the others to the right. Of all ways to
    part them, the cheapest is sought onset by onset, a few at a time: each hand within an octave
    or a tenth of what it strikes and holds, near its side of middle C, near where it was, and
    lines that stay in their hand.
    """
    staff = np.ones(len(table), dtype=np.int64)
    if not len(table):
        return staff
    _, (onset, duration) = on_common(table.onset, table.duration)
    moments = ranks(np.concatenate([onset, onset + duration])).tolist()
    onsets, ends = moments[:len(table)], moments[len(table):]
    pitches = table.pitch.tolist()
    order = sorted(range(len(table)), key=lambda k: (onsets[k], pitches[k], k))
    groups = [list(rows) for _, rows in groupby(order, key=lambda k: onsets[k])]
    struck = [(onsets[rows[0]], [(ends[k], pitches[k]) for k in rows]) for rows in groups]
    for rows, count in zip(groups, _cheapest_division(struck), strict=True):
        staff[rows[:count]] = 2
    return staff


def _cheapest_division(struck: Iterable[tuple[int, list[tuple[int, int]]]]) -> list[int]:
    """Return how many of the notes of each onset go to the left hand."""
    ways = [_Way(0.0, (), (), MIDDLE_C - 10.0, MIDDLE_C + 10.0)]
    history: list[list[tuple[int, int]]] = []
    for moment, notes in struck:
        reached: dict[tuple[_Held, _Held], tuple[_Way, int, int]] = {}
        for index, way in enumerate(ways):
            over = [[pitch for end, pitch in hand if end == moment]
                    for hand in (way.left, way.right)]
            left = tuple(held for held in way.left if held[0] > moment)
            right = tuple(held for held in way.right if held[0] > moment)
            for count in range(len(notes) + 1):
                new = _struck(way, left, right, notes[:count], notes[count:], over)
                key = new.left, new.right
                if key not in reached or new.cost < reached[key][0].cost:
                    reached[key] = new, index, count
        best = sorted(reached.values(), key=lambda found: found[0].cost)[:_BEAM]
        lowest = best[0][0].cost
        ways = [way._replace(cost=way.cost - lowest) for way, _, _ in best]
        history.append([(index, count) for _, index, count in best])
    counts, index = [], 0
    for step in reversed(history):
        index, count = step[index]
        counts.append(count)
    return counts[::-1]


def _struck(way: _Way, left: _Held, right: _Held, low: Sequence[tuple[int, int]],
            high: Sequence[tuple[int, int]], over: Sequence[Sequence[int]]) -> _Way:
    """Return a way after one onset: each hand strikes some notes over those that it holds."""
    cost, left_at, right_at = way.cost, way.left_at, way.right_at
    if low:
        pitches = [pitch for _, pitch in low]
        place = (pitches[0] + pitches[-1]) / 2
        cost += _MOVE * abs(place - left_at) + _BEYOND_C * sum(
            max(pitch - MIDDLE_C + 1, 0) for pitch in pitches) + _hops(pitches, *over)
        left, left_at = (*left, *low), place
    if high:
        pitches = [pitch for _, pitch in high]
        place = (pitches[0] + pitches[-1]) / 2
        cost += _MOVE * abs(place - right_at) + _BEYOND_C * sum(
            max(MIDDLE_C - pitch, 0) for pitch in pitches) + _hops(pitches, over[1], over[0])
        right, right_at = (*right, *high), place
    top = bottom = None
    if left:
        cost, top = cost + _stretch(left), max(pitch for _, pitch in left)
    if right:
        cost, bottom = cost + _stretch(right), min(pitch for _, pitch in right)
    if top is not None and bottom is not None and top > bottom:
        cost += _CROSSED * (top - bottom)
    cost += _UNEVEN * max(abs(len(left) - len(right)) - 1, 0)
    return _Way(cost, left, right, left_at, right_at)


def _stretch(hand: _Held) -> float:
    """Return what it costs a hand to hold so much."""
    if len(hand) == 1:
        return 0.0
    span = max(pitch for _, pitch in hand) - min(pitch for _, pitch in hand)
    return (_WIDE * min(max(span - _OCTAVE, 0), _TENTH - _OCTAVE)
            + _TOO_WIDE * max(span - _TENTH, 0) + _FINGER * max(len(hand) - 5, 0))


def _hops(pitches: Sequence[int], own: Sequence[int], other: Sequence[int]) -> float:
    """Return the cost of notes that go on from the other hand and not from their own."""
    hops = 0
    for pitch in pitches if other else ():
        near = min(abs(pitch - before) for before in other)
        hops += near <= _STEP and all(abs(pitch - before) > near for before in own)
    return _HOP * hops


def nearest_parts(table: NoteTable, model: NoteTable) -> IntArray:
    """Return for each note the part of another table whose own notes are nearest around it.

    A part's notes at a moment are those that sound, or where it rests, the last before and the
    first after. Equally near, the upper part gets the note.
    """
    away = np.full((len(model.part_names), len(table)), np.inf)
    for index in range(len(away)):
        part = model.select((model.part == index) & ~model.grace)
        if len(part):
            away[index] = _distances(table, part)
    nearest: IntArray = np.argmin(away, axis=0).astype(np.int64)
    return nearest


def _distances(table: NoteTable, part: NoteTable) -> list[int]:
    """Return how far each note is from the notes of a part around its onset, in semitones."""
    _, (onset, duration, moments) = on_common(part.onset, part.duration, table.onset)
    # a change is a moment from which on other notes sound than before
    edges = np.concatenate([onset, onset + duration])
    changes = sorted(set(edges.tolist()))
    place = {moment: index for index, moment in enumerate(changes)}
    sounding: list[list[int]] = [[] for _ in changes]
    for start, end, pitch in zip(onset.tolist(), (onset + duration).tolist(),
                                 part.pitch.tolist(), strict=True):
        for index in range(place[start], place[end]):
            sounding[index].append(pitch)
    near: list[list[int]] = []
    before: list[int] = []
    for pitches in sounding:
        before = pitches or before
        near.append(before)
    after: list[int] = []
    for index in range(len(sounding) - 1, -1, -1):
        after = sounding[index] or after
        near[index] = near[index] if sounding[index] else [*near[index], *after]
    found = []
    for moment, pitch in zip(moments.tolist(), table.pitch.tolist(), strict=True):
        index = max(bisect_right(changes, moment) - 1, 0)
        found.append(min(abs(pitch - other) for other in near[index]))
    return found
