"""One measure's voices: noteheads, rests, beams, and the accidentals that must be printed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import lru_cache

from music21 import chord, key, meter, note, pitch, stream, tie

from qbdi_m21.frames.grid import Bar
from qbdi_m21.frames.spelling import spell, spelling_table
from qbdi_m21.notation.voices import SHORTEST, Sound, notatable_lengths


@dataclass
class MeasureWriter:
    """Writes the voices of one measure of one staff.

    music21's makeBeams and makeAccidentals search the context of every note, which grows with
    the square of the score; the bar is known here.
    """

    bar: Bar
    length: Fraction
    _heads: list[tuple[Fraction, pitch.Pitch, bool]] = field(default_factory=list)

    def write(self, voices: Sequence[Sequence[Sound]], first_voice: int) -> list[stream.Voice]:
        """Return the voices, each filled with rests to the length of the measure.

        Voices are numbered from `first_voice`; several take stems up and down in turn, and
        the rests of all but the first are hidden.
        """
        layers = []
        for place, sounds in enumerate(voices):
            layer = stream.Voice(id=str(first_voice + place))
            stem = None if len(voices) == 1 else ('up', 'down')[place % 2]
            elements = self._voice(sounds, stem, hide_rests=place > 0)
            self._beam(elements)
            layer.append(elements)
            layers.append(layer)
        self._print_accidentals()
        return layers

    def _voice(self, sounds: Sequence[Sound], stem: str | None, *,
               hide_rests: bool) -> list[note.GeneralNote]:
        # a full-measure rest in a short bar would be read back as a full bar
        if not sounds and self.bar.is_full and self.length == self.bar.length_ql:
            rest = note.Rest(quarterLength=float(self.length))
            rest.fullMeasure = True
            return [rest]
        elements: list[note.GeneralNote] = []
        now = Fraction(0)
        for sound in sounds:
            elements += self._rests(now, sound.start, hide_rests)
            elements += self._sound(sound, stem)
            now = sound.end
        return elements + self._rests(now, self.length, hide_rests)

    def _cuts(self, start: Fraction, end: Fraction) -> list[Fraction]:
        # a bar with a tuplet's length has places that are no 64ths: round them as it was
        lead, beat = (round(x / SHORTEST) * SHORTEST for x in (self.bar.lead_ql, self.bar.beat_ql))
        return list(notatable_lengths(start + lead, end - start, beat or Fraction(1)))

    def _rests(self, start: Fraction, end: Fraction, hide: bool) -> list[note.GeneralNote]:
        rests: list[note.GeneralNote] = []
        for cut in self._cuts(start, end):
            rest = note.Rest(quarterLength=float(cut))
            rest.style.hideObjectOnPrint = hide
            rests.append(rest)
        return rests

    def _sound(self, sound: Sound, stem: str | None) -> list[note.GeneralNote]:
        table = spelling_table(self.bar.sharps)
        cuts = self._cuts(sound.start, sound.end)
        elements: list[note.GeneralNote] = []
        start = sound.start
        for index, cut in enumerate(cuts):
            heads = []
            for midi in sound.pitches:
                name, octave = spell(midi, table)
                head = note.Note(pitch.Pitch(name, octave=octave))
                goes_in = midi in sound.tied_in or index > 0
                goes_out = midi in sound.tied_out or index < len(cuts) - 1
                if goes_in or goes_out:
                    head.tie = tie.Tie('continue' if goes_in and goes_out
                                       else 'stop' if goes_in else 'start')
                self._heads.append((start, head.pitch, goes_in))
                heads.append(head)
            element = heads[0] if len(heads) == 1 else chord.Chord(heads)
            element.quarterLength = float(cut)
            if stem:
                element.stemDirection = stem
            elements.append(element)
            start += cut
        return elements

    def _beam(self, elements: list[note.GeneralNote]) -> None:
        signature = _signature(self.bar.meter)
        nominal = Fraction(signature.barDuration.quarterLength)
        # a bar longer than its meter is beamed as if it were several
        chunks: dict[int, list[note.GeneralNote]] = defaultdict(list)
        starts: dict[int, Fraction] = {}
        now = self.bar.lead_ql
        for element in elements:
            chunk = int(now // nominal)
            chunks[chunk].append(element)
            starts.setdefault(chunk, now - chunk * nominal)
            now += Fraction(element.quarterLength)
        for chunk, members in chunks.items():
            beams = signature.getBeams(members, measureStartOffset=float(starts[chunk]))
            for element, group in zip(members, beams, strict=True):
                if group is not None and group.beamsList and isinstance(element, note.NotRest):
                    element.beams = group

    def _print_accidentals(self) -> None:
        """Mark the accidentals that change what the staff shows; tied heads repeat none."""
        shown: dict[tuple[str, int | None], float] = {}
        signature = _key_alterations(self.bar.sharps)
        for _, height, tied in sorted(self._heads, key=lambda h: (h[0], h[1].ps)):
            place = height.step, height.octave
            alter = height.alter
            needed = not tied and alter != shown.get(place, signature.get(height.step, 0.0))
            if needed and height.accidental is None:
                height.accidental = pitch.Accidental('natural')
            if height.accidental is not None:
                height.accidental.displayStatus = needed
            if not tied:
                shown[place] = alter


@lru_cache(maxsize=64)
def _signature(ratio: str) -> meter.TimeSignature:
    return meter.TimeSignature(ratio)


@lru_cache(maxsize=16)
def _key_alterations(sharps: int) -> dict[str, float]:
    return {p.step: p.alter for p in key.KeySignature(sharps).alteredPitches}
