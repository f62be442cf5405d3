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

#: Semitones that a hand reaches with ease, and at all; and its fingers.
_OCTAVE, _TENTH = 12, 16
_FINGERS = 5

#: Costs by semitone: beyond an octave, beyond a tenth, across middle C, across the other hand,
#: from where the hand was; and by note: a line that changes hands, a sixth finger, more notes
#: than the other hand has.
_WIDE, _TOO_WIDE, _BEYOND_C, _CROSSED, _MOVE = 0.3, 1.5, 0.07, 0.3, 0.02
_HOP, _FINGER, _UNEVEN = 0.4, 1.0, 0.5

#: How far a line moves in one step, in semitones.
_STEP = 4

#: How many ways to divide the music so far are kept at a time.
_BEAM = 4

#: Pitches that only one hand strikes.
_LOW, _HIGH = 43, 78

_Held = tuple[tuple[int, int], ...]


class _Way(NamedTuple):
    """One way to divide the music so far: what each hand holds, as (end, pitch), and was at."""

    cost: float
    left: _Held
    right: _Held
    left_at: float
    right_at: float


class _Reach(NamedTuple):
    """How many notes a hand has, and from where to where."""

    size: int
    low: int
    high: int


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
        pitches = [pitch for _, pitch in notes]
        counts = range(bisect_right(pitches, _LOW), max(bisect_right(pitches, _HIGH),
                                                        bisect_right(pitches, _LOW)) + 1)
        reached: dict[tuple[_Held, _Held], tuple[float, int, int]] = {}
        for index, way in enumerate(ways):
            left = tuple(held for held in way.left if held[0] > moment)
            right = tuple(held for held in way.right if held[0] > moment)
            over = [[pitch for end, pitch in hand if end == moment]
                    for hand in (way.left, way.right)]
            to_left, to_right = _hops(pitches, *over), _hops(pitches, *over[::-1])
            held = _reach(left), _reach(right)
            for count in counts:
                cost = (way.cost + _motion(way, pitches, count) + _tension(pitches, count, *held)
                        + _HOP * (sum(to_left[:count]) + sum(to_right[count:])))
                key = left + tuple(notes[:count]), right + tuple(notes[count:])
                if key not in reached or cost < reached[key][0]:
                    reached[key] = cost, index, count
        best = sorted(reached.items(), key=lambda found: found[1])[:_BEAM]
        lowest = best[0][1][0]
        ways = [_Way(cost - lowest, *key, *_places(ways[index], pitches, count))
                for key, (cost, index, count) in best]
        history.append([(index, count) for _, (_, index, count) in best])
    counts_found, index = [], 0
    for step in reversed(history):
        index, count = step[index]
        counts_found.append(count)
    return counts_found[::-1]


def _reach(held: _Held) -> _Reach:
    pitches = [pitch for _, pitch in held]
    return _Reach(len(pitches), min(pitches, default=128), max(pitches, default=-1))


def _places(way: _Way, pitches: Sequence[int], count: int) -> tuple[float, float]:
    """Return where each hand is after it struck: in the middle of its notes."""
    return ((pitches[0] + pitches[count - 1]) / 2 if count else way.left_at,
            (pitches[count] + pitches[-1]) / 2 if count < len(pitches) else way.right_at)


def _motion(way: _Way, pitches: Sequence[int], count: int) -> float:
    """Return what it costs the hands to go where they strike, and beyond middle C."""
    left_at, right_at = _places(way, pitches, count)
    beyond = (sum(max(pitch - MIDDLE_C + 1, 0) for pitch in pitches[:count])
              + sum(max(MIDDLE_C - pitch, 0) for pitch in pitches[count:]))
    return (_MOVE * (abs(left_at - way.left_at) + abs(right_at - way.right_at))
            + _BEYOND_C * beyond)


def _tension(pitches: Sequence[int], count: int, left: _Reach, right: _Reach) -> float:
    """Return what it costs the hands to strike so much over what they hold."""
    if count:
        left = _Reach(left.size + count, min(left.low, pitches[0]),
                      max(left.high, pitches[count - 1]))
    if count < len(pitches):
        right = _Reach(right.size + len(pitches) - count, min(right.low, pitches[count]),
                       max(right.high, pitches[-1]))
    cost = _UNEVEN * max(abs(left.size - right.size) - 1, 0) + _CROSSED * max(
        left.high - right.low if left.size and right.size else 0, 0)
    for hand in (left, right):
        span = hand.high - hand.low
        if span > _OCTAVE:
            cost += _WIDE * (min(span, _TENTH) - _OCTAVE) + _TOO_WIDE * max(span - _TENTH, 0)
        if hand.size > _FINGERS:
            cost += _FINGER * (hand.size - _FINGERS)
    return cost


def _hops(pitches: Sequence[int], own: Sequence[int], other: Sequence[int]) -> list[bool]:
    """Return which notes would go on from the other hand and not from their own."""
    hops = []
    for pitch in pitches:
        near = min([abs(pitch - before) for before in other], default=_STEP + 1)
        hops.append(near <= _STEP and all(abs(pitch - before) > near for before in own))
    return hops


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
