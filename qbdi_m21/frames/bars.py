"""The bars of a score: meters, pickups, cut bars and keys, read from its measures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise

from music21 import interval, key, meter, stream
from music21.common import opFrac
from music21.exceptions21 import Music21Exception

from qbdi_m21.errors import ScoreError, SourceWarning, warn
from qbdi_m21.frames.grid import ROUNDING_QL, Bar
from qbdi_m21.frames.scan import ScannedPart, scan_part

#: Length of a beat by ratio and number of beats: music21 takes long to say.
_beats: dict[tuple[str, int], Fraction] = {}


def read_bars(parts: Sequence[stream.Part]) -> tuple[Bar, ...]:
    """Return the bars of a score's parts; see :func:`scanned_bars`."""
    return scanned_bars([scan_part(part) for part in parts])


def scanned_bars(parts: Sequence[ScannedPart]) -> tuple[Bar, ...]:
    """Return the bars of a score; numbers, meters and keys of the part with most measures.

    The length of a bar is the distance to the next measure; the last one's is what it holds.
    Where parts differ (an underfull bar in one of them), it is what most of those say that
    have notes there, and of equals the nearest to the meter's: notes go by measure.
    A first bar shorter than its meter is a pickup; a single bar is one only where it says so.
    Where two bars make one together, the second has its beats counted from the first.

    Raises
    ------
    ScoreError
        If there is no measure, or parts are in meters of different lengths at one time.
    """
    model = max(parts, key=lambda p: len(p.measures))
    if not model.measures:
        raise ScoreError('the score has no measure of any length; expected at least one')
    _check_meters(parts)
    distances = _distances(parts, model)
    bars: list[Bar] = []
    first = model.meter or next((m.meter for m in model.measures if m.meter is not None), None)
    ratio, nominal, beat = ('4/4', Fraction(4), Fraction(1)) if first is None else _meter_of(first)
    changes = list(model.sounding_intervals())
    sharps = 0 if model.key is None else _sounding_sharps(model.key, changes[0])
    position = Fraction(0)
    for i, scanned in enumerate(model.measures):
        if scanned.meter is not None:
            ratio, nominal, beat = _meter_of(scanned.meter)
        if scanned.key is not None:
            sharps = _sounding_sharps(scanned.key, changes[0])
        if i + 1 < len(model.measures):
            length = min(distances[i], key=lambda d: (-distances[i][d], abs(d - nominal), -d))
        else:
            # a last bar is as long as what it holds: it may complete the pickup
            held = max(Fraction(opFrac(p.measures[i].measure.highestTime))
                       for p in parts if i < len(p.measures))
            length = held if i or scanned.measure.paddingLeft else max(held, nominal)
        length = length if length > 0 else nominal
        lead = Fraction(opFrac(scanned.measure.paddingLeft))
        if not lead and length < nominal and (i == 0 or (
                bars[-1].length_ql + length == nominal and not bars[-1].lead_ql)):
            # a pickup, or the second half of a bar that a repeat sign cuts in two
            lead = nominal - length
        bars.append(Bar(scanned.measure.number, position, length, ratio, beat,
                        lead if ROUNDING_QL <= lead < nominal else Fraction(0), sharps))
        position += length
    return tuple(bars)


def _meter_of(signature: meter.TimeSignature) -> tuple[str, Fraction, Fraction]:
    """Return a signature's ratio, the length of its bar and that of its beat."""
    over, under = signature.numerator, signature.denominator
    kind = signature.ratioString, signature.beatCount
    if kind not in _beats:
        try:
            _beats[kind] = Fraction(opFrac(signature.beatDuration.quarterLength))
        except Music21Exception:        # beats of different lengths, as in 2/4+3/8
            _beats[kind] = Fraction(4, under)
    return f'{over}/{under}', Fraction(4 * over, under), _beats[kind]


def _distances(parts: Sequence[ScannedPart], model: ScannedPart) -> list[Counter[Fraction]]:
    """Return, for each measure but the last, how many parts give it which length.

    Parts without notes there have no say, unless all are silent: a full-measure rest may be
    written shorter than the bar.
    """
    starts = model.starts
    others = [str(index + 1) for index, part in enumerate(parts)
              if part.starts != starts[:len(part.measures)]]
    if not others:
        return [Counter([Fraction(opFrac(b - a))]) for a, b in pairwise(starts)]
    warn(
        f'the barlines of part {", ".join(others)} are not those of the fullest part; notes '
        'are placed by measure, in the order of the measures', SourceWarning)
    found: list[Counter[Fraction]] = [Counter() for _ in starts[1:]]
    silent: list[Counter[Fraction]] = [Counter() for _ in starts[1:]]
    for part in parts:
        sounding = {note[0] for note in part.notes}
        for index, (start, end) in enumerate(pairwise(part.starts)):
            (found if index in sounding else silent)[index][Fraction(opFrac(end - start))] += 1
    return [voted or rested for voted, rested in zip(found, silent, strict=True)]


def _check_meters(parts: Sequence[ScannedPart]) -> None:
    """Raise ScoreError where parts have bars of different lengths at one time."""
    lengths: dict[int, set[Fraction]] = {}
    changes = [[(i, _length(m.meter)) for i, m in enumerate(part.measures) if m.meter is not None]
               for part in parts]
    if len(parts) == 1 or (all(c == changes[0] for c in changes) and changes[0]
                           and not changes[0][0][0]):
        return
    for part, own in zip(parts, changes, strict=True):
        at = dict(own)
        length = None if part.meter is None else _length(part.meter)
        for index in range(len(part.measures)):
            length = at.get(index, length)
            if length is not None:
                lengths.setdefault(index, set()).add(length)
    several = [index + 1 for index, found in lengths.items() if len(found) > 1]
    if several:
        raise ScoreError(
            f'the parts are in meters of different lengths at once, first in measure '
            f'{several[0]} of the score; expected one meter for all parts: notate them in one')


def _length(signature: meter.TimeSignature) -> Fraction:
    return Fraction(4 * signature.numerator, signature.denominator)


def _sounding_sharps(signature: key.KeySignature, change: interval.Interval | None) -> int:
    """Sharps at sounding pitch: a B flat clarinet's D major is the orchestra's C major."""
    return int((signature if change is None else signature.transpose(change)).sharps or 0)
