"""Sounds of one bar of a staff: chords, ties over the barline, and slices of what overlaps.

Pure data: places are ticks from where a measure's meter begins (:mod:`.rhythm`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import NamedTuple

#: Semitones.
_OCTAVE = 12


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


def mean_height(sounds: Sequence[Sound]) -> float:
    """Return the mean pitch of sounds, weighted by their lengths."""
    return sum(s.height * (s.end - s.start) for s in sounds) / sum(
        s.end - s.start for s in sounds)


def take_apart(sounds: Sequence[Sound]) -> list[Sound]:
    """Take chords apart where lines show.

    Those of two notes where the bar has two lines and nowhere more notes; and those that reach
    over another sound by more than an octave.
    """
    if all(a.end <= b.start for a, b in pairwise(sounds)):
        return list(sounds)
    if _has_two_lines(sounds):
        return [Sound(s.start, s.end, (head,)) for s in sounds for head in s.heads]
    return [part for sound in sounds for part in _parted(sound, sounds)]


def _has_two_lines(sounds: Sequence[Sound]) -> bool:
    if any(len(s.heads) > 2 or s.voice for s in sounds):
        return False
    now = 0
    for _, change in sorted((place, change * len(s.heads)) for s in sounds
                            for place, change in ((s.start, 1), (s.end, -1))):
        now += change
        if now > 2:
            return False
    return True


def _parted(sound: Sound, sounds: Sequence[Sound]) -> list[Sound]:
    for index, (low, high) in enumerate(pairwise(sound.heads), start=1):
        if high.pitch - low.pitch > _OCTAVE and any(
                other.start < sound.end and sound.start < other.end
                and low.pitch < other.height < high.pitch
                for other in sounds if other is not sound):
            return [sound._replace(heads=sound.heads[:index]),
                    sound._replace(heads=sound.heads[index:])]
    return [sound]


def slice_sounds(sounds: Iterable[Sound]) -> list[Sound]:
    """Return overlapping sounds as successive chords, tied across every cut.

    Of two notes of one pitch the first ends where the second starts.
    """
    spans = _without_unisons(sounds)
    edges = sorted({place for start, end, _ in spans for place in (start, end)})
    slices = []
    first = 0
    for left, right in pairwise(edges):
        while first < len(spans) and spans[first][1] <= left:
            first += 1
        heads = []
        for start, end, head in spans[first:]:
            if start > left:
                break
            if end >= right:
                heads.append(head._replace(tied_in=head.tied_in or start < left,
                                           tied_out=head.tied_out or right < end))
        if heads:
            slices.append(Sound(left, right, tuple(sorted(heads, key=lambda h: h.pitch))))
    return slices


def _without_unisons(sounds: Iterable[Sound]) -> list[tuple[int, int, Head]]:
    """Return (start, end, head) of notes, sorted; none overlaps another of its pitch."""
    by_pitch: dict[int, list[tuple[int, int, Head]]] = defaultdict(list)
    for sound in sounds:
        for head in sound.heads:
            by_pitch[head.pitch].append((sound.start, sound.end, head))
    found = []
    for spans in by_pitch.values():
        spans.sort()
        for (start, end, head), (after, *_) in pairwise(spans):
            if end <= after:
                found.append((start, end, head))
            elif start < after:
                found.append((start, after, head._replace(tied_out=False)))
        found.append(spans[-1])
    return sorted(found)
