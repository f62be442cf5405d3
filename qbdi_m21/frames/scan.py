"""One walk over a part: what each measure holds, found once for bars and notes alike."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from music21 import harmony, instrument, interval, key, meter, note, spanner, stream, tempo
from music21.common.types import OffsetQL

#: What is looked for in a measure, in the order of the tests; the rest of a score is passed by.
_KINDS: tuple[tuple[type, str], ...] = (
    (harmony.Harmony, ''), (note.NotRest, 'notes'), (stream.Voice, 'voice'),
    (instrument.Instrument, 'instruments'), (meter.TimeSignature, 'meter'),
    (key.KeySignature, 'key'), (tempo.MetronomeMark, 'tempi'), (stream.Measure, 'measure'),
    (spanner.Ottava, 'ottava'))
_kind_of: dict[type, str] = {}


def kind_of(element: Any) -> str:
    """Return which of the things looked for an element is, or an empty string."""
    cls = type(element)
    kind = _kind_of.get(cls)
    if kind is None:
        kind = _kind_of[cls] = next(
            (name for base, name in _KINDS if issubclass(cls, base)), '')
    return kind


class ScannedMeasure(NamedTuple):
    """One measure: its place in the part, and what it holds besides notes."""

    measure: stream.Measure
    start: OffsetQL
    meter: meter.TimeSignature | None
    key: key.KeySignature | None
    instruments: list[tuple[OffsetQL, instrument.Instrument]]
    tempi: list[tuple[OffsetQL, tempo.MetronomeMark]]


@dataclass(frozen=True)
class ScannedPart:
    """A part with measures.

    Attributes
    ----------
    part : music21.stream.Part
    measures : list of ScannedMeasure
    notes : list of (int, int, offset, NotRest)
        Index of the measure, number of the voice (0 where there is none), offset in the
        measure, and the note or chord; in reading order, voice by voice. Chord symbols are
        left out.
    instrument, meter, key
        What the part states outside its measures.
    ottavas : list of Ottava
        Those under which the written pitch is not the sounding one.
    """

    part: stream.Part
    measures: list[ScannedMeasure]
    notes: list[tuple[int, int, OffsetQL, note.NotRest]]
    instrument: instrument.Instrument | None
    meter: meter.TimeSignature | None
    key: key.KeySignature | None
    ottavas: list[spanner.Ottava]

    @property
    def starts(self) -> list[OffsetQL]:
        """Where the measures start in the part."""
        return [measure.start for measure in self.measures]

    def sounding_intervals(self) -> Iterator[interval.Interval | None]:
        """Yield the interval from written to sounding pitch in each measure; None where none.

        An instrument change inside a measure counts from the next measure on.
        """
        if self.part.atSoundingPitch is True:
            yield from [None] * len(self.measures)
            return
        current = self.instrument
        for measure in self.measures:
            if measure.instruments and measure.instruments[0][0] == 0:
                current = measure.instruments[0][1]
            change = None if current is None else current.transposition
            yield change if change is not None and change.semitones else None
            current = measure.instruments[-1][1] if measure.instruments else current


def scan_part(part: stream.Part) -> ScannedPart:
    """Return what a part with measures holds."""
    measures: list[ScannedMeasure] = []
    notes: list[tuple[int, int, OffsetQL, note.NotRest]] = []
    ottavas: list[spanner.Ottava] = []
    outside: dict[str, Any] = {}
    for element in part.elements:
        kind = kind_of(element)
        if kind == 'measure':
            measures.append(_scan_measure(element, part.elementOffset(element), len(measures),
                                          notes, ottavas))
        elif kind == 'ottava' and element.transposing:
            ottavas.append(element)
        elif kind:
            outside.setdefault(kind, element)
    return ScannedPart(part, measures, notes, outside.get('instruments'), outside.get('meter'),
                       outside.get('key'), ottavas)


def _scan_measure(measure: stream.Measure, start: OffsetQL, index: int,
                  notes: list[tuple[int, int, OffsetQL, note.NotRest]],
                  ottavas: list[spanner.Ottava]) -> ScannedMeasure:
    """Add a measure's notes and octave signs to what was found; return what else it holds."""
    signature = key_signature = None
    instruments, tempi, voices = [], [], []
    for element in measure.elements:
        kind = kind_of(element)
        if kind == 'notes':
            notes.append((index, 0, measure.elementOffset(element), element))
        elif kind == 'voice':
            voices.append(element)
        elif kind == 'instruments':
            instruments.append((measure.elementOffset(element), element))
        elif kind == 'tempi':
            tempi.append((measure.elementOffset(element), element))
        elif kind == 'meter':
            signature = signature or element
        elif kind == 'key':
            key_signature = key_signature or element
        elif kind == 'ottava' and element.transposing:
            ottavas.append(element)
    for number, voice in enumerate(voices, start=1):
        shift = measure.elementOffset(voice)
        for element in voice.elements:
            kind = kind_of(element)
            if kind == 'notes':
                place = voice.elementOffset(element)
                notes.append((index, number, shift + place if shift else place, element))
            elif kind == 'tempi':
                tempi.append((shift + voice.elementOffset(element), element))
    return ScannedMeasure(measure, start, signature, key_signature, instruments, tempi)
