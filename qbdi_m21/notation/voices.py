"""Laying notes out in measures: chords, voices, ties and notatable lengths.

Pure data: spans are exact quarter lengths from the start of the bar.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

#: Everything engraved is a whole number of these: a 64th note.
SHORTEST = Fraction(1, 16)

#: Lengths of one notehead: 64th to breve, plain and dotted.
NOTATABLE = tuple(sorted(
    length for k in range(-4, 4) for length in (Fraction(2) ** k, Fraction(2) ** k * 3 / 2)
    if not length % SHORTEST))

#: Notation programs keep four voices of a staff.
MAX_VOICES = 4


@dataclass(frozen=True)
class Sound:
    """Pitches that sound together from `start` to `end` of one bar.

    `tied_in` and `tied_out` hold the MIDI numbers that go on from before, and after.
    """

    start: Fraction
    end: Fraction
    pitches: tuple[int, ...]
    tied_in: frozenset[int] = frozenset()
    tied_out: frozenset[int] = frozenset()

    @property
    def height(self) -> float:
        """Mean pitch."""
        return sum(self.pitches) / len(self.pitches)


def split_at_barlines(
    notes: Iterable[tuple[Fraction, Fraction, int]], barlines: list[Fraction],
) -> list[list[Sound]]:
    """Return the sounds of each bar: notes of equal start and end are a chord.

    Parameters
    ----------
    notes : iterable of (start, end, MIDI number)
        From the beginning of the score, in quarter lengths.
    barlines : list of Fraction
        Start of each bar, and the end of the last.
    """
    bars: list[dict[tuple[Fraction, Fraction, bool, bool], list[int]]] = [
        defaultdict(list) for _ in barlines[1:]]
    bar = 0
    for start, end, pitch in sorted(notes):
        while bar + 1 < len(bars) and barlines[bar + 1] <= start:
            bar += 1
        index = bar
        while index < len(bars) and barlines[index] < end:
            left, right = max(start, barlines[index]), min(end, barlines[index + 1])
            if left < right:
                key = (left - barlines[index], right - barlines[index], left > start, right < end)
                bars[index][key].append(pitch)
            index += 1
    return [[Sound(a, b, tuple(sorted(p)), frozenset(p) if tied_in else frozenset(),
                   frozenset(p) if tied_out else frozenset())
             for (a, b, tied_in, tied_out), p in sorted(bar.items())] for bar in bars]


def assign_voices(sounds: list[Sound], max_voices: int = MAX_VOICES) -> list[list[Sound]]:
    """Return the sounds of one bar and staff as voices, the highest first.

    Each sound goes to the free voice that is nearest in pitch. Where that takes too many
    voices, all sounds are cut where any starts or ends, into one voice of tied chords.
    """
    voices: list[list[Sound]] = []
    for sound in sorted(sounds, key=lambda s: (s.start, -s.pitches[-1], s.end)):
        free = [v for v in voices if v[-1].end <= sound.start]
        if free:
            min(free, key=lambda v: abs(v[-1].height - sound.height)).append(sound)
        else:
            voices.append([sound])
    if len(voices) > max_voices:
        return [slice_sounds(sounds)]
    return sorted(voices, key=lambda v: -sum(s.height for s in v) / len(v))


def slice_sounds(sounds: list[Sound]) -> list[Sound]:
    """Return overlapping sounds as successive chords, tied across every cut."""
    edges = sorted({t for s in sounds for t in (s.start, s.end)})
    slices = []
    for left, right in pairwise(edges):
        held: set[int] = set()
        tied_in: set[int] = set()
        tied_out: set[int] = set()
        for s in sounds:
            if s.start <= left and right <= s.end:
                held.update(s.pitches)
                tied_in.update(s.pitches if s.start < left else s.tied_in)
                tied_out.update(s.pitches if right < s.end else s.tied_out)
        if held:
            slices.append(Sound(left, right, tuple(sorted(held)), frozenset(tied_in),
                                frozenset(tied_out)))
    return slices


def notatable_lengths(start: Fraction, length: Fraction, beat: Fraction) -> Iterator[Fraction]:
    """Cut a span into lengths of one notehead each that do not hide the beats.

    Parameters
    ----------
    start : Fraction
        Place in the full measure, in quarter lengths (a pickup starts late).
    length : Fraction
        A multiple of a 64th.
    beat : Fraction
        Length of a beat.
    """
    end = start + length
    while start < end:
        inside = start % beat
        limit = min(end - start, beat - inside) if inside else end - start
        cut = max(x for x in NOTATABLE if x <= limit)
        if not inside and cut > beat and cut % beat:
            cut = max((x for x in NOTATABLE if x <= cut and not x % beat), default=beat)
        yield cut
        start += cut
