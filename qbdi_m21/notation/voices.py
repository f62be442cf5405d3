"""Voices of a staff: lines that go on from bar to bar, at most four.

Pure data: places are ticks from where a measure's meter begins (:mod:`.rhythm`).
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise, permutations

from qbdi_m21.notation.rhythm import SHORTEST, TICKS, odd_part
from qbdi_m21.notation.sounds import Sound, mean_height, slice_sounds, take_apart

#: Notation programs keep four voices of a staff.
MAX_VOICES = 4

#: What it costs a note to join a line: by semitone, after a silence, in a voice that is new to
#: the bar or begins late in it, across another voice, in a beat of another tuplet, out of its
#: own voice of the source, and out of the line that holds it.
_SEMITONE, _GAP, _NEW, _LATE, _CROSSING, _MIXED, _FOREIGN, _TORN = (
    0.06, 0.3, 1.0, 0.8, 1.5, 1.5, 3.0, 20.0)

#: How many simultaneous notes are tried in every order.
_MOST_TRIED = 3


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
        # the place among the voices of the bar before of each row that is tied over the barline
        self._tied: dict[int, int] = {}

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
        for group in _attacks(take_apart(sounds)):
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
        if len(layers) > 1:
            layers = [layers[0], layers[-1], *layers[1:-1]]
        self._keep_unisons(layers)
        self._tied = {head.row: place for place, layer in enumerate(layers)
                      for head in layer[-1].heads if head.tied_out}
        return layers

    def _keep_unisons(self, layers: list[list[Sound]]) -> None:
        """Put unisons that are tied over the barline where they were: else they would be mixed."""
        tied: dict[int, list[int]] = defaultdict(list)
        for layer in layers:
            for head in layer[0].heads:
                if head.tied_in and head.row in self._tied:
                    tied[head.pitch].append(head.row)
        for rows in tied.values():
            if len(rows) > 1:
                rows.sort(key=lambda row: self._tied[row])
                wanted = [self._tied[row] for row in rows]
                if wanted[-1] >= len(layers):
                    wanted = sorted(_layer_of(row, layers) for row in rows)
                for row, place in zip(rows, wanted, strict=True):
                    now = _layer_of(row, layers)
                    layers[now], layers[place] = layers[place], layers[now]

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


def _layer_of(row: int, layers: Sequence[Sequence[Sound]]) -> int:
    return next(place for place, layer in enumerate(layers)
                if any(head.row == row for head in layer[0].heads))


def _attacks(sounds: Sequence[Sound]) -> list[list[Sound]]:
    """Return the sounds that start together, each the highest first."""
    groups: dict[int, list[Sound]] = defaultdict(list)
    for sound in sounds:
        groups[sound.start].append(sound)
    return [sorted(groups[start], key=lambda s: (-s.height, s.end)) for start in sorted(groups)]


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
