"""A voice of one measure cut into noteheads and rests, with its tuplets. Pure data, in ticks."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Sequence
from itertools import pairwise
from typing import NamedTuple

from qbdi_m21.notation.rhythm import SHORTEST, TICKS, tuplet_ruler
from qbdi_m21.notation.sounds import Sound
from qbdi_m21.notation.timing import EngravedBar
from qbdi_m21.notation.tuplets import SHORTEST_SPAN, Tuplet, TupletPlanner

Span = tuple[int, int]

#: What triplets of 64ths reach.
_FINE = TICKS // 48


class Piece(NamedTuple):
    """One notehead, chord or rest of a voice.

    `written` is the length that the notehead shows. `goes_in` and `goes_out` tell whether the
    same sound has pieces before and after in this bar.
    """

    start: int
    length: int
    written: int
    sound: Sound | None
    tuplet: Tuplet | None
    hidden: bool = False
    goes_in: bool = False
    goes_out: bool = False

    @property
    def end(self) -> int:
        """Where it ends."""
        return self.start + self.length


def fit_tuplets(sounds: Sequence[Sound], bar: EngravedBar, breaks: Sequence[int],
                ) -> tuple[Sequence[Sound], tuple[Tuplet, ...]]:
    """Return sounds that tuplets can write, and those tuplets.

    They are the sounds given, unless kinds of tuplets meet in one beat that go into none
    together: all of the voice are then on thirds, and sixteenths of a bar that is cut short.

    Parameters
    ----------
    sounds : sequence of Sound
        Of one voice, in order.
    bar : EngravedBar
    breaks : sequence of int
        Where a note or rest must begin.
    """
    planner = TupletPlanner(bar.ruler, bar.low, bar.high)
    found = planner.plan(_edges(sounds, bar, breaks))
    if found is not None:
        return sounds, found
    for step in (_FINE, SHORTEST_SPAN):
        moved = _on_lattice(sounds, step, bar)
        found = planner.plan(_edges(moved, bar, breaks))
        if found is not None:
            return moved, found
    return _on_lattice(sounds, SHORTEST_SPAN, bar), ()


def _edges(sounds: Sequence[Sound], bar: EngravedBar, breaks: Sequence[int]) -> list[int]:
    return sorted({bar.low, bar.high, *breaks}.union(*((s.start, s.end) for s in sounds)))


def _on_lattice(sounds: Sequence[Sound], step: int, bar: EngravedBar) -> list[Sound]:
    """Return sounds on multiples of a step; each keeps some length as long as there is room."""
    moved: list[Sound] = []
    now = bar.low
    for left, sound in enumerate(sounds):
        room = bar.high - step * (len(sounds) - left)
        start = max(min(_nearest(sound.start, step), room), now)
        end = max(min(_nearest(sound.end, step), room + step), start + step)
        # the bar's own ends need not be on the lattice
        start = bar.low if sound.start == bar.low else start
        end = bar.high if sound.end == bar.high else end
        moved.append(sound._replace(start=start, end=end))
        now = end
    return moved


def _nearest(place: int, step: int) -> int:
    return -((step - 2 * place) // (2 * step)) * step


def silences_of(voices: Sequence[Sequence[Sound]], bar: EngravedBar) -> list[Span]:
    """Return where no voice sounds."""
    found, now = [], bar.low
    for start, end in sorted((s.start, s.end) for sounds in voices for s in sounds):
        if start > now:
            found.append((now, start))
        now = max(now, end)
    return [*found, (now, bar.high)] if now < bar.high else found


def notes_and_rests(sounds: Sequence[Sound], tuplets: Sequence[Tuplet], bar: EngravedBar,
                    silences: Sequence[Span], marks: Collection[int],
                    breaks: Sequence[int]) -> list[Piece]:
    """Return a voice as pieces that fill its measure.

    A rest is seen where it is asked for, and where nothing else tells when the voice comes in.

    Parameters
    ----------
    sounds : sequence of Sound
        In order; none overlaps another.
    tuplets : sequence of Tuplet
    bar : EngravedBar
    silences : sequence of (start, end)
        Where a rest is to be seen.
    marks : collection of int
        Where other voices begin to sound, or their visible rests end.
    breaks : sequence of int
        Where a note or rest must begin.
    """
    pieces: list[Piece] = []
    now = bar.low
    for sound in sounds:
        unclear = []
        if sound.start not in marks:
            since = max((m for m in marks if now < m < sound.start and _may_cut(m, tuplets)),
                        default=now)
            unclear = [(since, sound.start)]
        pieces += _rests(now, sound.start, tuplets, bar, [*silences, *unclear], breaks)
        places = [sound.start, *(b for b in breaks if sound.start < b < sound.end), sound.end]
        parts = [piece for left, right in pairwise(places)
                 for piece in _pieces(left, right, sound, tuplets, bar)]
        last = len(parts) - 1
        pieces += [piece._replace(goes_in=k > 0, goes_out=k < last)
                   for k, piece in enumerate(parts)] if last else parts
        now = sound.end
    return pieces + _rests(now, bar.high, tuplets, bar, silences, breaks)


def _rests(start: int, end: int, tuplets: Sequence[Tuplet], bar: EngravedBar,
           seen: Sequence[Span], breaks: Sequence[int]) -> list[Piece]:
    """Cut a rest where it begins or ends to be seen."""
    if start >= end:
        return []
    borders = {place for span in seen for place in span if _may_cut(place, tuplets)}
    places = sorted({start, end, *(p for p in (*borders, *breaks) if start < p < end)})
    return [piece for left, right in pairwise(places)
            for piece in _pieces(left, right, None, tuplets, bar, hidden=not any(
                a < right and left < b for a, b in seen))]


def _may_cut(place: int, tuplets: Sequence[Tuplet]) -> bool:
    return not place % SHORTEST and not any(t.start < place < t.end for t in tuplets)


def _pieces(start: int, end: int, sound: Sound | None, tuplets: Sequence[Tuplet],
            bar: EngravedBar, *, hidden: bool = False) -> list[Piece]:
    """Cut a span at the borders of tuplets, and into lengths of one notehead."""
    pieces = []
    while start < end:
        index = bisect_right(tuplets, start, key=lambda t: t.start) - 1 if tuplets else -1
        if index >= 0 and start < tuplets[index].end:
            # of a tuplet all is seen
            tuplet = tuplets[index]
            stop = min(end, tuplet.end)
            ruler = tuplet_ruler(tuplet.notes, tuplet.unit)
            for written in ruler.lengths(tuplet.written(start - tuplet.start), tuplet.written(
                    stop - tuplet.start), rest=sound is None):
                length = tuplet.sounding(written)
                pieces.append(Piece(start, length, written, sound, tuplet))
                start += length
        else:
            stop = min(end, tuplets[index + 1].start) if index + 1 < len(tuplets) else end
            for length in _readable(bar.ruler.lengths(
                    start, stop, rest=sound is None and not hidden), sound):
                pieces.append(Piece(start, length, length, sound, None, hidden))
                start += length
    return pieces


def _readable(lengths: Sequence[int], sound: Sound | None) -> Sequence[int]:
    """Divide whole rests: music21 may stretch one to the length of its bar."""
    if sound is not None or max(lengths, default=0) < 4 * TICKS:
        return lengths
    return [part for length in lengths
            for part in ([2 * TICKS] * (length // (2 * TICKS)) if not length % (4 * TICKS)
                         else [length])]
