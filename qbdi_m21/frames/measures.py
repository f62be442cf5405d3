"""Parts, measures and bars of a music21 score: the part of parsing that is about time."""

from __future__ import annotations

import warnings
from fractions import Fraction

from music21 import instrument, interval, key, meter, stream
from music21.common import opFrac

from qbdi_m21.errors import EmptyScoreError, ScoreError, SourceWarning
from qbdi_m21.frames.grid import ROUNDING_QL, Bar


def as_score(source: stream.Stream) -> stream.Score:
    """Return a Score: the argument itself, or a new Score that holds a copy of it.

    Raises
    ------
    ScoreError
        If the argument is no Stream, or an Opus (a book of several scores).
    """
    if isinstance(source, stream.Opus):
        raise ScoreError(
            f'this is an Opus of {len(source.scores)} scores; expected one score: '
            'take one by its place (`opus.scores[0]`; on the command line `--number 1`)')
    if isinstance(source, stream.Score) and source.hasPartLikeStreams():
        return source
    if not isinstance(source, stream.Stream):
        raise ScoreError(f'got {type(source).__name__}; expected a music21 Stream')
    score = stream.Score(id=source.id)
    if source.metadata is not None:
        score.metadata = source.metadata
    copied = source.coreCopyAsDerivation('as_score')
    if isinstance(copied, stream.Part):
        score.insert(0, copied)
    elif copied.getElementsByClass(stream.Part):
        for element in copied:
            score.insert(copied.elementOffset(element), element)
    elif isinstance(copied, stream.Score) and not copied:
        raise EmptyScoreError('the score is empty; expected at least one note')
    else:
        part = stream.Part()
        if isinstance(copied, stream.Measure | stream.Voice):
            part.append(copied)
        else:
            for element in copied:
                if not isinstance(element, stream.Stream):
                    part.insert(copied.elementOffset(element), element)
            for element in copied.getElementsByClass(stream.Measure):
                part.insert(copied.elementOffset(element), element)
        score.insert(0, part)
    return score


def measured_parts(score: stream.Score) -> list[stream.Part]:
    """Return the parts of a score, each with measures.

    Parts that have measures are returned as they are (not copied); others as notated copies.
    """
    parts: list[stream.Part] = []
    for part in as_score(score).parts:
        if part.hasMeasures():
            parts.append(part)
        elif len(part.recurse().notesAndRests):
            parts.append(_notated(part))
    if not parts:
        raise EmptyScoreError('the score has no part with notes; expected at least one')
    return parts


def give_measures(score: stream.Score) -> None:
    """Notate, in the score itself, the parts that have no measures."""
    for part in list(score.parts):
        if not part.hasMeasures():
            score.replace(part, _notated(part))


def _notated(part: stream.Part) -> stream.Part:
    """Return a copy of a part in measures, the last one full."""
    notated = part.makeNotation(inPlace=False)
    notated.makeRests(inPlace=True, fillGaps=True, timeRangeFromBarDuration=True)
    return notated


def sounding_intervals(part: stream.Part) -> list[interval.Interval | None]:
    """Return the interval from written to sounding pitch in each measure; None where none.

    An instrument change inside a measure counts from the next measure on.
    """
    measures = list(part.getElementsByClass(stream.Measure))
    if part.atSoundingPitch is True:
        return [None] * len(measures)
    outer = part.getElementsByClass(instrument.Instrument).first()
    current, result = outer, []
    for measure in measures:
        inner = list(measure.getElementsByClass(instrument.Instrument))
        if inner and measure.elementOffset(inner[0]) == 0:
            current = inner[0]
        change = None if current is None else current.transposition
        result.append(change if change is not None and change.semitones else None)
        current = inner[-1] if inner else current
    return result


def read_bars(parts: list[stream.Part]) -> tuple[Bar, ...]:
    """Return the bars of a score, read from the part that has most measures.

    The length of a bar is the distance to the next measure; the last one's is what it holds.
    A first bar shorter than its meter is a pickup; a single bar is one only where it says so.
    Where two bars make one together, the second has its beats counted from the first.
    """
    model = max(parts, key=lambda p: len(p.getElementsByClass(stream.Measure)))
    measures = list(model.getElementsByClass(stream.Measure))
    starts = [Fraction(opFrac(model.elementOffset(m))) for m in measures]
    _check_meters(parts)
    _warn_of_other_barlines(parts, starts)
    bars: list[Bar] = []
    signature = (model.getElementsByClass(meter.TimeSignature).first()
                 or meter.TimeSignature('4/4'))
    sharps = _outer_sharps(model)
    position = Fraction(0)
    for i, measure in enumerate(measures):
        signature = measure.timeSignature or signature
        if measure.keySignature is not None:
            sharps = _sounding_sharps(model, measure.keySignature)
        nominal = Fraction(opFrac(signature.barDuration.quarterLength))
        if i + 1 < len(measures):
            length = starts[i + 1] - starts[i]
        else:
            # a last bar is as long as what it holds: it may complete the pickup
            held = _held_ql(parts, i)
            length = held if i or measure.paddingLeft else max(held, nominal)
        length = length if length > 0 else nominal
        lead = Fraction(opFrac(measure.paddingLeft))
        if not lead and length < nominal and (i == 0 or (
                bars[-1].length_ql + length == nominal and not bars[-1].lead_ql)):
            # a pickup, or the second half of a bar that a repeat sign cuts in two
            lead = nominal - length
        ratio = f'{signature.numerator}/{signature.denominator}'
        bars.append(Bar(measure.number, position, length, ratio,
                        Fraction(opFrac(signature.beatDuration.quarterLength)),
                        lead if ROUNDING_QL <= lead < nominal else Fraction(0), sharps))
        position += length
    if not bars:
        raise ScoreError('the score has no measure of any length; expected at least one')
    return tuple(bars)


def _held_ql(parts: list[stream.Part], index: int) -> Fraction:
    """Return how much music the fullest of the parts has in one measure."""
    measures = [list(part.getElementsByClass(stream.Measure)) for part in parts]
    return max(Fraction(opFrac(m[index].highestTime)) for m in measures if index < len(m))


def _warn_of_other_barlines(parts: list[stream.Part], starts: list[Fraction]) -> None:
    others = []
    for index, part in enumerate(parts):
        own = [Fraction(opFrac(part.elementOffset(m)))
               for m in part.getElementsByClass(stream.Measure)]
        if own != starts[:len(own)]:
            others.append(str(index + 1))
    if others:
        warnings.warn(
            f'the barlines of part {", ".join(others)} are not those of the fullest part; notes '
            'are placed by measure, in the order of the measures', SourceWarning, stacklevel=4)


def _check_meters(parts: list[stream.Part]) -> None:
    """Raise ScoreError where parts have bars of different lengths at one time."""
    lengths: dict[int, set[float]] = {}
    for part in parts:
        signature = part.getElementsByClass(meter.TimeSignature).first()
        for index, measure in enumerate(part.getElementsByClass(stream.Measure)):
            signature = measure.timeSignature or signature
            if signature is not None:
                lengths.setdefault(index, set()).add(signature.barDuration.quarterLength)
    several = [index + 1 for index, found in lengths.items() if len(found) > 1]
    if several:
        raise ScoreError(
            f'the parts are in meters of different lengths at once, first in measure '
            f'{several[0]} of the score; expected one meter for all parts: notate them in one')


def _outer_sharps(part: stream.Part) -> int:
    outer = part.getElementsByClass(key.KeySignature).first()
    return 0 if outer is None else _sounding_sharps(part, outer)


def _sounding_sharps(part: stream.Part, signature: key.KeySignature) -> int:
    """Sharps at sounding pitch: a B flat clarinet's D major is the orchestra's C major."""
    change = next(iter(sounding_intervals(part)), None)
    return int((signature if change is None else signature.transpose(change)).sharps or 0)
