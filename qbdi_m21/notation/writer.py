"""One measure's voices as music21 objects: noteheads, rests, tuplets, beams, accidentals."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import lru_cache
from typing import NamedTuple

from music21 import chord, duration, key, note, pitch, stream, tie
from music21.common import opFrac
from music21.common.types import OffsetQL

from qbdi_m21.frames.spelling import note_name
from qbdi_m21.notation.beams import Beamed, beam_groups, beams_of
from qbdi_m21.notation.pieces import Piece, Span, fit_tuplets, notes_and_rests, silences_of
from qbdi_m21.notation.rhythm import NOTATABLE, TICKS
from qbdi_m21.notation.sounds import Head, Sound, mean_height
from qbdi_m21.notation.timing import EngravedBar
from qbdi_m21.notation.tuplets import Tuplet

#: Rows of the grace notes of a voice, by the place of the note that they lean on.
Graces = Mapping[int, Sequence[int]]


@dataclass(frozen=True)
class NoteColumns:
    """What a notehead needs of its row in the table, as lists; and which rows moved how far."""

    pitch: list[int]
    fifths: list[int]
    velocity: list[int]
    moved: dict[int, float] = field(default_factory=dict)


class _Shown(NamedTuple):
    """A notehead as accidentals see it, in the order in which they are read."""

    start: int
    order: int
    midi: int
    step: str
    octave: int
    alter: int
    tied: bool
    pitch: pitch.Pitch


class _Other(NamedTuple):
    """A sound of another voice of the staff, and whether that voice is higher."""

    start: int
    end: int
    above: bool


@lru_cache(maxsize=65536)
def quarters(ticks: int) -> OffsetQL:
    """Return ticks as music21 counts: a float, or a Fraction where that is not exact."""
    return opFrac(Fraction(ticks, TICKS))


@lru_cache(maxsize=4096)
def spelled(midi: int, fifths: int) -> tuple[str, int, int]:
    """Return step, octave and alteration of a pitch: two sharps or flats at most."""
    while not -2 <= (fifths + 1) // 7 <= 2:
        fifths += 12 if fifths < 0 else -12
    name = note_name(midi, fifths)
    alter = (fifths + 1) // 7
    return name[0], int(name[1 + abs(alter):]), alter


@dataclass
class MeasureWriter:
    """Writes the voices of one measure of one staff.

    music21's makeBeams and makeAccidentals search the context of every note, which grows with
    the square of the score; the bar is known here.
    """

    bar: EngravedBar
    columns: NoteColumns
    _shown: list[_Shown] = field(default_factory=list)

    def write(self, voices: Sequence[Sequence[Sound]], first_voice: int,
              graces: Sequence[Graces] = ()) -> list[stream.Voice]:
        """Return the voices, each filled with rests to the length of the measure.

        Parameters
        ----------
        voices : sequence of sequences of Sound
            The highest, the lowest, those between; one empty voice for a silent measure.
        first_voice : int
            Number of the first.
        graces : sequence of mappings
            One a voice.

        Notes
        -----
        Where several voices sound, stems part them. A rest is seen where the whole staff is
        silent, and before a note whose time nothing else shows; others are hidden.
        """
        silences = silences_of(voices, self.bar)
        layers = []
        heights = [mean_height(sounds) if sounds else 0.0 for sounds in voices]
        # 0 for the highest
        ranks = [sum(other > height or (other == height and k < index)
                     for k, other in enumerate(heights)) for index, height in enumerate(heights)]
        for index, sounds in enumerate(voices):
            layer = stream.Voice(id=str(first_voice + index))
            leaning = graces[index] if graces else {}
            if not sounds and not leaning and self.bar.is_whole:
                # in a short bar it would be read back as a full bar
                rest = note.Rest(quarterLength=quarters(self.bar.high - self.bar.low))
                rest.fullMeasure = True
                layer.coreInsert(0.0, rest, ignoreSort=True)
            else:
                others = [_Other(s.start, s.end, ranks[k] < ranks[index])
                          for k, other in enumerate(voices) if k != index for s in other]
                # the first voice shows the rests of the whole staff, and so where they end
                marks = {other.start for other in others} | (
                    {end for _, end in silences} if index else set())
                inner = 'up' if 2 * ranks[index] < len(voices) else 'down'
                self._write_voice(layer, sounds, () if index else silences, marks, leaning,
                                  others, inner)
            layer.coreElementsChanged()
            layers.append(layer)
        self._print_accidentals()
        return layers

    def _write_voice(self, layer: stream.Voice, sounds: Sequence[Sound],
                     silences: Sequence[Span], marks: Collection[int], graces: Graces,
                     others: Sequence[_Other], inner: str) -> None:
        bar = self.bar
        breaks = sorted(place for place in graces if bar.low < place < bar.high)
        fitted, tuplets = fit_tuplets(sounds, bar, breaks)
        if fitted is not sounds:
            self._note_moves(sounds, fitted)
        pieces = notes_and_rests(fitted, tuplets, bar, silences, marks, breaks)
        beamed = [Beamed(p.start, p.end, p.written, p.tuplet, p.sound is not None)
                  for p in pieces]
        groups = list(beam_groups(beamed, bar.bar.meter))
        numbered = _numbers_only(pieces, groups)
        elements = [
            self._element(piece, stem, _duration(piece, stem, piece.tuplet in numbered))
            for piece, stem in zip(pieces, _stems(pieces, groups, others, inner), strict=True)]
        for group in groups:
            for index, beams in zip(group, beams_of(beamed, group), strict=True):
                elements[index].beams = beams
        for place, rows in sorted(graces.items()):
            for element in self._grace_notes(place, rows):
                layer.coreInsert(quarters(place - bar.low), element, ignoreSort=True)
        for piece, element in zip(pieces, elements, strict=True):
            layer.coreInsert(quarters(piece.start - bar.low), element, ignoreSort=True)

    def _note_moves(self, before: Sequence[Sound], after: Sequence[Sound]) -> None:
        for old, new in zip(before, after, strict=True):
            away = max(abs(old.start - new.start), abs(old.end - new.end)) / TICKS
            for head in old.heads:
                if away:
                    self.columns.moved[head.row] = max(self.columns.moved.get(head.row, 0), away)

    def _element(self, piece: Piece, stem: str | None,
                 length: duration.Duration) -> note.GeneralNote:
        sound = piece.sound
        if sound is None:
            rest = note.Rest(duration=length)
            if piece.hidden:
                rest.style.hideObjectOnPrint = True
            return rest
        element: note.NotRest
        if len(sound.heads) == 1:
            element = self._head(sound.heads[0], piece)
            element.duration = length
        else:
            element = chord.Chord([self._head(head, piece) for head in sound.heads],
                                  duration=length)
        if stem is not None:
            element.stemDirection = stem
        return element

    def _head(self, head: Head, piece: Piece) -> note.Note:
        goes_in, goes_out = piece.goes_in or head.tied_in, piece.goes_out or head.tied_out
        element = note.Note(self._pitch(head.row, piece.start, 1, goes_in))
        if goes_in or goes_out:
            element.tie = tie.Tie('continue' if goes_in and goes_out
                                  else 'stop' if goes_in else 'start')
        velocity = self.columns.velocity[head.row]
        if velocity:
            element.volume.velocity = velocity
        return element

    def _pitch(self, row: int, start: int, order: int, tied: bool) -> pitch.Pitch:
        midi = self.columns.pitch[row]
        step, octave, alter = spelled(midi, self.columns.fifths[row])
        height = pitch.Pitch(step=step, octave=octave)
        if alter:
            height.accidental = pitch.Accidental(alter)
        self._shown.append(_Shown(start, order, midi, step, octave, alter, tied, height))
        return height

    def _grace_notes(self, place: int, rows: Sequence[int]) -> list[note.Note]:
        elements = []
        for order, row in enumerate(rows, start=-len(rows)):
            element = note.Note(self._pitch(row, place, order, False))
            element.duration = duration.GraceDuration('eighth' if len(rows) == 1 else '16th')
            velocity = self.columns.velocity[row]
            if velocity:
                element.volume.velocity = velocity
            elements.append(element)
        for index, element in enumerate(elements if len(rows) > 1 else ()):
            element.beams.fill(2, type='stop' if index == len(rows) - 1
                               else 'continue' if index else 'start')
        return elements

    def _print_accidentals(self) -> None:
        """Mark the accidentals that change what the staff shows; tied heads repeat none."""
        shown: dict[tuple[str, int], int] = {}
        signature = _key_alterations(self.bar.bar.sharps)
        self._shown.sort(key=lambda head: head[:3])
        for head in self._shown:
            place = head.step, head.octave
            needed = not head.tied and head.alter != shown.get(
                place, signature.get(head.step, 0))
            if needed and not head.alter:
                head.pitch.accidental = pitch.Accidental('natural')
            if head.pitch.accidental is not None:
                head.pitch.accidental.displayStatus = needed
            if not head.tied:
                shown[place] = head.alter


def _stems(pieces: Sequence[Piece], groups: Sequence[Sequence[int]], others: Sequence[_Other],
           inner: str) -> list[str | None]:
    """Return a stem direction for what sounds with another voice, and for its whole beam.

    Stems go away from the other voice; `inner` is the way of those between two.
    """
    stems: list[str | None] = [None] * len(pieces)
    if not others:
        return stems
    beamed = {index for group in groups for index in group}
    for group in (*groups, *([index] for index in range(len(pieces)) if index not in beamed)):
        start, end = pieces[group[0]].start, pieces[group[-1]].end
        above = {other.above for other in others if other.start < end and start < other.end}
        for index in group if above else ():
            stems[index] = inner if len(above) > 1 else 'down' if True in above else 'up'
    return stems


def _numbers_only(pieces: Sequence[Piece], groups: Sequence[Sequence[int]]) -> set[Tuplet]:
    """Return the tuplets that are one beam, and need no bracket."""
    found = set()
    for group in groups:
        tuplet = pieces[group[0]].tuplet
        if tuplet is not None and tuplet == pieces[group[-1]].tuplet and (
                pieces[group[0]].start == tuplet.start and pieces[group[-1]].end == tuplet.end):
            found.add(tuplet)
    return found


def _duration(piece: Piece, stem: str | None, number_only: bool) -> duration.Duration:
    shown = duration.durationTupleFromTypeDots(*NOTATABLE[piece.written])
    length = duration.Duration(shown)
    tuplet = piece.tuplet
    if tuplet is not None:
        mark = duration.Tuplet(tuplet.notes, tuplet.usual, NOTATABLE[tuplet.unit],
                               bracket=not number_only)
        # without one, it stands at the stems
        mark.placement = stem and {'up': 'above', 'down': 'below'}[stem]
        if piece.start == tuplet.start:
            mark.type = 'start'
        elif piece.end == tuplet.end:
            mark.type = 'stop'
        length.tuplets = (mark,)
    return length


@lru_cache(maxsize=64)
def _key_alterations(sharps: int) -> dict[str, int]:
    return {p.step: int(p.alter) for p in key.KeySignature(sharps).alteredPitches}
