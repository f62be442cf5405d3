"""Curves as a staff: a cross on each beat, as high as the value, with the number below it."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from fractions import Fraction

import numpy as np
from music21 import clef, note, pitch, stream

from qbdi_m21.errors import ParameterError
from qbdi_m21.frames.bars import read_bars
from qbdi_m21.frames.grid import Grid
from qbdi_m21.frames.measures import as_score, give_measures, measured_parts

#: The largest value stands so many steps above the smallest: from the lowest line of a staff (E4)
#: two octaves up.
_STEPS, _LOWEST = 14, 30


def add_curve(score: stream.Score, values: Sequence[float], name: str, *,
              digits: int = 1) -> stream.Score:
    """Return a copy of a score with a staff below that shows a value for each bar.

    Parameters
    ----------
    score : music21.stream.Score
        Not changed.
    values : sequence of float
        One a bar of the score: its information rate, its rate in bits, or anything else.
    name : str
        Of the staff.
    digits : int
        Of the numbers below the crosses.

    Returns
    -------
    music21.stream.Score
        With one more part, of unpitched notes: they do not sound and are in no note table.
        `derivation` leads to the score.

    Raises
    ------
    ParameterError
        If there are more or fewer values than bars, or one is not finite.
    """
    copied: stream.Score = copy.deepcopy(as_score(score))
    give_measures(copied)
    parts = measured_parts(copied)
    grid = Grid(read_bars(parts))
    heights = np.asarray(values, dtype=np.float64)
    if heights.shape != (len(grid.bars),) or not np.isfinite(heights).all():
        raise ParameterError(f'values have shape {heights.shape}; expected a finite one for each '
                             f'of {len(grid.bars)} bars')
    spread = float(np.ptp(heights)) or 1.0
    steps = np.round((heights - heights.min()) / spread * _STEPS).astype(np.int64)
    part = stream.Part(id='curve')
    part.partName, part.partAbbreviation = name, name[:6]
    model = list(parts[0].getElementsByClass(stream.Measure))
    for index, (bar, like) in enumerate(zip(grid.bars, model, strict=False)):
        measure = stream.Measure(number=like.number)
        measure.paddingLeft = like.paddingLeft
        if like.timeSignature is not None:
            measure.timeSignature = copy.deepcopy(like.timeSignature)
        if index == 0:
            measure.clef = clef.TrebleClef()
        measure.append(_crosses(bar.length_ql, int(steps[index]),
                                f'{heights[index]:.{digits}f}'))
        part.append(measure)
    copied.insert(0, part)
    copied.derivation.origin, copied.derivation.method = score, 'add_curve'
    return copied


def _crosses(length: Fraction, step: int, number: str) -> list[note.GeneralNote]:
    """Return a bar: one cross, and rest behind it."""
    shown = pitch.Pitch()
    shown.diatonicNoteNum = _LOWEST + 1 + step
    sounding = min(length, Fraction(1))
    cross = note.Unpitched(quarterLength=sounding)
    cross.displayStep, cross.displayOctave = shown.step, shown.octave
    cross.notehead, cross.stemDirection = 'x', 'noStem'
    cross.lyric = number
    rest = length - sounding
    if not rest:
        return [cross]
    behind = note.Rest(quarterLength=rest)
    behind.style.hideObjectOnPrint = True
    return [cross, behind]
