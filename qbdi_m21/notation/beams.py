"""Beams of one voice: by beat, secondary beams by half a beat or tuplet."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

from music21 import beam, meter

from qbdi_m21.notation.rhythm import FLAGS, TICKS
from qbdi_m21.notation.tuplets import Tuplet

#: From so many beams on, a beam shows the halves of its beat.
_SHORT = 3


class Beamed(NamedTuple):
    """What beams ask of a piece of a voice: place and written length in ticks."""

    start: int
    end: int
    written: int
    tuplet: Tuplet | None
    sounds: bool


@lru_cache(maxsize=256)
def beam_borders(ratio: str) -> tuple[int, ...]:
    """Return where beams end in a bar of a meter, in ticks; the last is the bar's length."""
    lengths: list[int] = []
    open_length = 0
    for group in meter.TimeSignature(ratio).beamSequence:
        open_length += round(float(group.duration.quarterLength) * TICKS)
        if 4 * open_length < 3 * TICKS:
            continue                                # music21 beams no eighth of 4/8
        count = open_length // TICKS
        if open_length < 2 * TICKS or ratio.endswith('/2'):
            lengths.append(open_length)
        else:                                       # nor divides a bar of 8/8
            lengths += [TICKS] * (count - 1) + [open_length - (count - 1) * TICKS]
        open_length = 0
    lengths += [open_length] * (open_length > 0)
    return tuple(sum(lengths[:k + 1]) for k in range(len(lengths)))


def beam_groups(pieces: Sequence[Beamed], ratio: str) -> Iterator[list[int]]:
    """Yield the indices of the pieces that share a beam, two or more."""
    borders = beam_borders(ratio)
    group: list[int] = []
    last: object = None
    for index, piece in enumerate(pieces):
        place: object = None
        if piece.sounds and FLAGS[piece.written]:
            if piece.tuplet is not None and piece.tuplet.length > TICKS:
                place = piece.tuplet
            else:
                times, inside = divmod(piece.start, borders[-1])
                place = times, next(k for k, border in enumerate(borders) if inside < border)
        if group and place != last:
            yield from _by_quarter(pieces, group)
            group = []
        if place is not None:
            group.append(index)
        last = place
    yield from _by_quarter(pieces, group)


def _by_quarter(pieces: Sequence[Beamed], group: list[int]) -> Iterator[list[int]]:
    """Divide the sixteenths under a half note's beam, and leave single notes out."""
    parts = [group]
    if group and all(pieces[k].tuplet is None for k in group) and any(
            FLAGS[pieces[k].written] > 1 for k in group) and (
            pieces[group[-1]].end - pieces[group[0]].start > TICKS * 3 // 2):
        quarters = sorted({pieces[k].start // TICKS for k in group})
        parts = [[k for k in group if pieces[k].start // TICKS == quarter]
                 for quarter in quarters]
    for part in parts:
        if len(part) > 1:
            yield part


def beams_of(pieces: Sequence[Beamed], group: Sequence[int]) -> Iterator[beam.Beams]:
    """Yield the beams of each member of a group."""
    counts = [FLAGS[pieces[k].written] for k in group]
    members = [pieces[k] for k in group]
    last = len(group) - 1
    # joined[k][level]: whether a beam runs from member k to the next
    joined = [[_joined(members[k], members[k + 1], level, max(counts))
               and min(counts[k], counts[k + 1]) >= level for level in range(1, max(counts) + 1)]
              for k in range(last)]
    for k, count in enumerate(counts):
        beams = beam.Beams()
        for level in range(count):
            before, after = k > 0 and joined[k - 1][level], k < last and joined[k][level]
            if before or after:
                beams.append('continue' if before and after else 'stop' if before else 'start')
            else:
                to_left = k == last or (k > 0 and not members[k].end % (TICKS // 2))
                beams.append('partial', 'left' if to_left else 'right')
        yield beams


def _joined(first: Beamed, second: Beamed, level: int, most: int) -> bool:
    if level == 1:
        return True
    if first.tuplet != second.tuplet:
        return False
    return most < _SHORT or first.tuplet is not None or bool(second.start % (TICKS // 2))
