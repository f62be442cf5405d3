"""Voices of a staff: chords, lines that go on from bar to bar, ties over the barline.

Pure data: places are ticks from where a measure's meter begins (:mod:`.rhythm`).
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise, permutations
from typing import NamedTuple

from qbdi_m21.notation.rhythm import SHORTEST, TICKS, odd_part

#: Notation programs keep four voices of a staff.
MAX_VOICES = 4

#: What it costs a note to join a line: by semitone, after a silence, in a voice that is new to
#: the bar or begins late in it, across another voice, in a beat of another tuplet, out of its
#: own voice of the source, and out of the line that holds it.
_SEMITONE, _GAP, _NEW, _LATE, _CROSSING, _MIXED, _FOREIGN, _TORN = (
    0.06, 0.3, 1.0, 0.8, 1.5, 1.5, 3.0, 20.0)

#: How many simultaneous notes are tried in every order.
_MOST_TRIED = 3


class Head(NamedTuple):
    """A note in one bar: its row in the table, and whether it goes on from before, and after."""

    row: int
    pitch: int
    tied_in: bool = False
    tied_out: bool = False


class Sound(NamedTuple):
    """Notes that sound together from `start` to `end` of one bar, the lowest first.

    `voice` is their voice in the source, 0 where it has none.
    """

    start: int
    end: int
    heads: tuple[Head, ...]
    voice: int = 0

    @property
    def height(self) -> float:
        """Mean pitch."""
        return sum(head.pitch for head in self.heads) / len(self.heads)


class BarSpan(NamedTuple):
    """A bar's first tick in the score, its length, and where it starts in its meter."""

    start: int
    length: int
    low: int


def split_at_barlines(notes: Iterable[tuple[int, int, int, int, int]],
                      bars: Sequence[BarSpan]) -> list[list[Sound]]:
    """Return the sounds of each bar: notes of equal start, end and voice are a chord.

    Parameters
    ----------
    notes : iterable of (start, end, MIDI number, voice, row)
        Sorted by start; ticks from the beginning of the score.
    bars : sequence of BarSpan
    """
    found: list[dict[tuple[int, int, int], list[list[Head]]]] = [
        defaultdict(list) for _ in bars]
    bar, last = 0, len(bars) - 1
    for start, end, pitch, voice, row in notes:
        while bar < last and bars[bar + 1].start <= start:
            bar += 1
        index = bar
        while index <= last and bars[index].start < end:
            first, length, low = bars[index]
            left, right = max(start - first, 0), min(end - first, length)
            head = Head(row, pitch, start < first, end > first + length)
            chords = found[index][left + low, right + low, voice]
            # two notes of one pitch are no chord
            for chord in chords:
                if all(other.pitch != pitch for other in chord):
                    chord.append(head)
                    break
            else:
                chords.append([head])
            index += 1
    return [[Sound(start, end, tuple(sorted(chord, key=lambda h: h.pitch)), voice)
             for (start, end, voice), chords in sorted(bar.items()) for chord in chords]
            for bar in found]


@dataclass(slots=True)
class _Line:
    """A voice that goes on through the piece."""

    height: float
    mean: float
    voice: int = 0
    end: int = 0
    held: frozenset[int] = frozenset()
    sounds: list[Sound] = field(default_factory=list)
    lattices: dict[int, int] = field(default_factory=dict)

    def add(self, sound: Sound, beat: int) -> None:
        self.sounds.append(sound)
        self.height, self.end, self.voice = sound.height, sound.end, sound.voice
        self.mean += (self.height - self.mean) / 8
        for place, odd in _lattices(sound, beat):
            self.lattices[place] = max(odd, self.lattices.get(place, 0))


def _lattices(sound: Sound, beat: int) -> list[tuple[int, int]]:
    """Return the beats that a sound divides, and into thirds, fifths, ... or halves (1)."""
    return [(edge // beat, odd_part(TICKS // math.gcd(TICKS, edge)) if edge % SHORTEST else 1)
            for edge in (sound.start, sound.end) if edge % beat]


class VoiceLeader:
    """Lays the sounds of a staff out in voices, one bar after another."""

    def __init__(self) -> None:
        self._lines: list[_Line] = []

    def lay_out(self, sounds: Sequence[Sound], beat: int) -> list[list[Sound]]:
        """Return the voices of the next bar: the highest, the lowest, then those between.

        Parameters
        ----------
        sounds : sequence of Sound
            Sorted by start.
        beat : int
            Length of a beat, in ticks.

        Returns
        -------
        list of lists of Sound
            At most four. Each sound goes to the line that held it, or to one that is free and
            near in pitch; where more sound, the two that together make fewest notes are joined
            into chords tied at every change.
        """
        for line in self._lines:
            line.end, line.sounds, line.lattices = -1, [], {}
        for group in _attacks(_apart(sounds)):
            self._place(group, beat)
        used = [line for line in self._lines if line.sounds]
        for line in used:
            line.held = frozenset(h.row for h in line.sounds[-1].heads if h.tied_out)
        for line in self._lines:
            if not line.sounds:
                line.held = frozenset()
        voices = [(line.mean, line.sounds) for line in used]
        voices.sort(key=lambda v: 0.3 * v[0] + 0.7 * mean_height(v[1]), reverse=True)
        # lines that a thick bar opened are not kept
        if len(self._lines) > MAX_VOICES:
            self._lines = sorted(used, key=lambda line: -len(line.sounds))[:MAX_VOICES]
        layers = join_surplus([sounds for _, sounds in voices])
        return [*layers[:1], *layers[-1:], *layers[1:-1]] if len(layers) > 1 else layers

    def _place(self, group: list[Sound], beat: int) -> None:
        """Add sounds of one start, the highest first, to the lines that cost least."""
        start = group[0].start
        free = [line for line in self._lines if line.end <= start]
        busy = [line for line in self._lines if line.end > start]
        opened = any(line.sounds for line in self._lines)
        if len(group) > _MOST_TRIED:
            for sound in group:
                self._place([sound], beat)
            return
        fresh = [_Line(sound.height, sound.height) for sound in group]
        choices, costs = [], []
        for k, sound in enumerate(group):
            cost = {id(line): self._cost(sound, line, busy, opened, beat) for line in free}
            near = sorted(free, key=lambda line: cost[id(line)])[:_MOST_TRIED + 1]
            cost[id(fresh[k])] = _NEW * (opened or k > 0) + _NEW + _LATE * (start > 0)
            choices.append([*near, fresh[k]])
            costs.append(cost)
        chosen = self._cheapest(group, choices, costs)
        for sound, line in zip(group, chosen, strict=True):
            if not any(line is other for other in self._lines):
                self._lines.append(line)
            line.add(sound, beat)

    @staticmethod
    def _cheapest(group: list[Sound], choices: list[list[_Line]],
                  costs: list[dict[int, float]]) -> list[_Line]:
        if len(group) == 1:
            return [min(choices[0], key=lambda line: costs[0][id(line)])]
        best: tuple[float, list[_Line]] = float('inf'), []
        every = list({id(line): line for lines in choices for line in lines}.values())
        for tried in permutations(every, len(group)):
            if any(id(line) not in costs[k] for k, line in enumerate(tried)):
                continue
            total = sum(costs[k][id(line)] for k, line in enumerate(tried)) + sum(
                _CROSSING for upper, lower in pairwise(tried) if upper.mean < lower.mean)
            if total < best[0]:
                best = total, list(tried)
        return best[1]

    @staticmethod
    def _cost(sound: Sound, line: _Line, busy: list[_Line], opened: bool, beat: int) -> float:
        height = sound.height
        cost = _SEMITONE * abs(line.height - height)
        in_bar = bool(line.sounds)
        if in_bar:
            cost += _GAP * (line.end < sound.start)
        else:
            cost += (_NEW if opened else 0.0) + (_LATE if sound.start else 0.0)
        held = {head.row for head in sound.heads if head.tied_in}
        if line.held and not in_bar and not held & line.held:
            cost += _TORN
        if held and (in_bar or not held & line.held):
            cost += _TORN
        if line.voice != sound.voice and (in_bar or line.voice):
            cost += _FOREIGN
        for other in busy:
            if (line.mean - other.mean) * (height - other.height) < 0:
                cost += _CROSSING
        if line.lattices:
            for place, odd in _lattices(sound, beat):
                if line.lattices.get(place, odd) != odd:
                    cost += _MIXED
        return cost


def mean_height(sounds: Sequence[Sound]) -> float:
    """Return the mean pitch of sounds, weighted by their lengths."""
    return sum(s.height * (s.end - s.start) for s in sounds) / sum(
        s.end - s.start for s in sounds)


def _attacks(sounds: Sequence[Sound]) -> list[list[Sound]]:
    """Return the sounds that start together, each the highest first."""
    groups: dict[int, list[Sound]] = defaultdict(list)
    for sound in sounds:
        groups[sound.start].append(sound)
    return [sorted(groups[start], key=lambda s: (-s.height, s.end)) for start in sorted(groups)]


def _apart(sounds: Sequence[Sound]) -> list[Sound]:
    """Take the chords of two apart where the bar has two lines, and nowhere more notes."""
    if all(a.end <= b.start for a, b in pairwise(sounds)) or any(
            len(s.heads) > 2 or s.voice for s in sounds):
        return list(sounds)
    changes = sorted((place, change * len(s.heads)) for s in sounds
                     for place, change in ((s.start, 1), (s.end, -1)))
    now = 0
    for _, change in changes:
        now += change
        if now > 2:
            return list(sounds)
    return [Sound(s.start, s.end, (head,)) for s in sounds for head in s.heads]


def join_surplus(voices: list[list[Sound]]) -> list[list[Sound]]:
    """Return at most four voices, the highest first: those that go best together are joined."""
    costs: dict[tuple[int, int], tuple[int, float]] = {}
    held = dict(enumerate(voices))
    fresh = list(held)
    while len(held) > MAX_VOICES:
        for a in held:
            for b in held:
                if a < b and (a in fresh or b in fresh):
                    costs[a, b] = _joining_cost(held[a], held[b])
        a, b = min((pair for pair in costs if pair[0] in held and pair[1] in held),
                   key=lambda pair: (costs[pair], pair))
        held[a] = slice_sounds([*held[a], *held.pop(b)])
        fresh = [a]
    return sorted(held.values(), key=mean_height, reverse=True) if fresh != list(
        range(len(voices))) else voices


def _joining_cost(a: list[Sound], b: list[Sound]) -> tuple[int, float]:
    """Return how many noteheads more two voices have as one, lost unisons counting most."""
    more = sum(len(s.heads) for s in slice_sounds([*a, *b])) - sum(
        len(s.heads) for s in (*a, *b))
    lost = sum(1 for s in a for t in b if s.start < t.end and t.start < s.end
               for h in s.heads for other in t.heads if h.pitch == other.pitch)
    return more + 100 * lost, abs(mean_height(a) - mean_height(b))


def slice_sounds(sounds: Iterable[Sound]) -> list[Sound]:
    """Return overlapping sounds as successive chords, tied across every cut."""
    ordered = sorted(sounds)
    edges = sorted({place for s in ordered for place in (s.start, s.end)})
    slices = []
    first = 0
    for left, right in pairwise(edges):
        while first < len(ordered) and ordered[first].end <= left:
            first += 1
        heads: dict[int, Head] = {}
        for s in ordered[first:]:
            if s.start > left:
                break
            if s.end >= right:
                for head in s.heads:
                    heads.setdefault(head.pitch, Head(
                        head.row, head.pitch, head.tied_in or s.start < left,
                        head.tied_out or right < s.end))
        if heads:
            slices.append(Sound(left, right, tuple(heads[p] for p in sorted(heads))))
    return slices
