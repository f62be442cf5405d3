"""One walk over a part: what each measure holds, found once for bars and notes alike."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from music21 import harmony, instrument, interval, key, meter, note, spanner, stream, tempo
from music21.common.types import OffsetQL

from qbdi_m21.errors import ScoreError

#: What is looked for in a measure, in the order of the tests; the rest of a score is passed by.
_KINDS: tuple[tuple[type, str], ...] = (
    (harmony.Harmony, ''), (note.NotRest, 'notes'), (stream.Voice, 'voice'),
    (instrument.Instrument, 'instruments'), (meter.TimeSignature, 'meter'),
    (key.KeySignature, 'key'), (tempo.MetronomeMark, 'tempi'), (stream.Measure, 'measure'),
    (spanner.Ottava, 'ottava'), (stream.Stream, 'stream'))
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
    at_sounding_pitch : bool
        The pitches are sounding ones already.
    num_lost : int
        Notes that stand beside the measures, or in streams inside them that are no voices.
    """

    part: stream.Part
    measures: list[ScannedMeasure]
    notes: list[tuple[int, int, OffsetQL, note.NotRest]]
    instrument: instrument.Instrument | None
    meter: meter.TimeSignature | None
    key: key.KeySignature | None
    ottavas: list[spanner.Ottava]
    at_sounding_pitch: bool = False
    num_lost: int = 0

    @property
    def starts(self) -> list[OffsetQL]:
        """Where the measures start in the part."""
        return [measure.start for measure in self.measures]

    def sounding_intervals(self) -> Iterator[interval.Interval | None]:
        """Yield the interval from written to sounding pitch in each measure; None where none.

        An instrument change inside a measure counts from the next measure on.
        """
        if self.at_sounding_pitch:
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
    lost: list[Any] = []
    for element in part.elements:
        kind = kind_of(element)
        if kind == 'measure':
            measures.append(_scan_measure(element, part.elementOffset(element), len(measures),
                                          notes, ottavas, lost))
        elif kind in ('notes', 'stream', 'voice'):
            lost.append(element)
        elif kind == 'ottava' and element.transposing:
            ottavas.append(element)
        elif kind:
            outside.setdefault(kind, element)
    return ScannedPart(part, measures, notes, outside.get('instruments'), outside.get('meter'),
                       outside.get('key'), ottavas, part.atSoundingPitch is True,
                       sum(count_notes(element) for element in lost))


def count_notes(element: Any) -> int:
    """Return how many notes and chords an element is or holds, chord symbols not counted."""
    if isinstance(element, stream.Stream):
        return sum(kind_of(inner) == 'notes' for inner in element.recurse())
    return int(kind_of(element) == 'notes')


def _scan_measure(measure: stream.Measure, start: OffsetQL, index: int,
                  notes: list[tuple[int, int, OffsetQL, note.NotRest]],
                  ottavas: list[spanner.Ottava], lost: list[Any]) -> ScannedMeasure:
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
        elif kind in ('stream', 'measure'):
            lost.append(element)
    for number, voice in enumerate(voices, start=1):
        shift = measure.elementOffset(voice)
        for element in voice.elements:
            kind = kind_of(element)
            if kind == 'notes':
                place = voice.elementOffset(element)
                notes.append((index, number, shift + place if shift else place, element))
            elif kind == 'tempi':
                tempi.append((shift + voice.elementOffset(element), element))
            elif kind in ('voice', 'stream', 'measure'):
                lost.append(element)
    return ScannedMeasure(measure, start, signature, key_signature, instruments, tempi)


def scan_score(score: stream.Score, parts: Sequence[stream.Part]) -> list[ScannedPart]:
    """Return what the parts of a score hold, all counted from the same first measure.

    A part that begins later in the score than others has empty measures in front.

    Raises
    ------
    ScoreError
        If it does not begin on a barline of the others.
    """
    scanned = [scan_part(part) for part in parts]
    if score.atSoundingPitch is True:
        scanned = [replace(own, at_sounding_pitch=own.part.atSoundingPitch is not False)
                   for own in scanned]
    # copies that were notated have the place of their original
    offsets = [score.elementOffset(own.part) if own.part in score else own.part.offset
               for own in scanned]
    begins = [offset + (own.starts[0] if own.measures else 0)
              for offset, own in zip(offsets, scanned, strict=True)]
    first = min(begins)
    if all(begin == first for begin in begins):
        return scanned
    model = max((own for own, begin in zip(scanned, begins, strict=True) if begin == first),
                key=lambda own: len(own.measures))
    barlines = [start - model.starts[0] for start in model.starts]
    return [own if begin == first else _later(own, begin - first, model, barlines)
            for own, begin in zip(scanned, begins, strict=True)]


def _later(own: ScannedPart, begin: OffsetQL, model: ScannedPart,
           barlines: list[OffsetQL]) -> ScannedPart:
    if begin not in barlines:
        raise ScoreError(f'the part {own.part.partName or ""!r} begins {float(begin):g} quarters '
                         'after the first, which is no barline of the fullest part; expected '
                         'one: fill the part up with rests')
    count = barlines.index(begin)
    empty = [ScannedMeasure(m.measure, m.start, None, None, [], []) for m in model.measures[:count]]
    shift = model.starts[0] + begin - own.starts[0]
    measures = empty + [m._replace(start=m.start + shift) for m in own.measures]
    return replace(own, measures=measures,
                   notes=[(bar + count, *rest) for bar, *rest in own.notes])
