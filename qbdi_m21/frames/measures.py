"""Scores, parts and measures of music21: what must be there before notes are read."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import numpy.typing as npt
from music21 import meter, stream
from music21.common import opFrac
from music21.exceptions21 import Music21Exception

from qbdi_m21.errors import EmptyScoreError, ScoreError
from qbdi_m21.frames.grid import Bar, Grid
from qbdi_m21.frames.ratios import IntArray


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
            # at once: to insert one by one takes the square of their number
            for element in copied.elements:
                if not isinstance(element, stream.Stream) or isinstance(element, stream.Measure):
                    part.coreInsert(copied.elementOffset(element), element)
            part.coreElementsChanged()
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
    try:
        notated = part.makeNotation(inPlace=False)
        notated.makeRests(inPlace=True, fillGaps=True, timeRangeFromBarDuration=True)
    except Music21Exception as error:
        raise ScoreError(f'the part {part.partName or ""!r} cannot be put into measures '
                         f'({error}); expected notes at offsets of 0 and more, and no parts inside '
                         'parts: make measures yourself') from error
    notated.offset = part.offset
    return notated


def metrical_weights(bars: tuple[Bar, ...], onset: IntArray,
                     bar: IntArray) -> npt.NDArray[np.float64]:
    """Return music21's ``beatStrength`` of onsets in their bars, shape (N,).

    Places that music21 gives no weight to (inside a tuplet, say) have 0.
    """
    beats = Grid(bars).beats_at(onset, bar)
    weights = np.empty(len(bar))
    known: dict[tuple[str, int, int], float] = {}
    for row, (index, over, under) in enumerate(zip(bar.tolist(), *beats.T.tolist(), strict=True)):
        place = bars[index].meter, over, under
        if place not in known:
            offset = (Fraction(over, under) - 1) * bars[index].beat_ql
            known[place] = _weight(bars[index].meter, offset)
        weights[row] = known[place]
    return weights


def _weight(ratio: str, offset: Fraction) -> float:
    signature = meter.TimeSignature(ratio)
    try:
        return float(signature.getAccentWeight(opFrac(offset), forcePositionMatch=True,
                                               permitMeterModulus=True))
    except Music21Exception:
        return 0.0
