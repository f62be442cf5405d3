"""From frames to a score that a musician can read: measures, voices, ties, rests, spelling.

The measures are made here, each exactly full; music21's makeMeasures, makeTies, makeVoices and
makeRests are not used, since together they hide beats, collide stems and lose notes in
notation programs.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from music21 import bar as m21bar
from music21 import clef, instrument, key, layout, metadata, meter, stream
from music21.stream.enums import ShowNumber

from qbdi_m21.errors import FramesError
from qbdi_m21.frames.grid import Bar, Grid
from qbdi_m21.frames.roll import Frames, GridNotes, frames_to_notes
from qbdi_m21.notation.voices import SHORTEST, assign_voices, split_at_barlines
from qbdi_m21.notation.writer import MeasureWriter

#: Notes from here on go to the upper staff of a brace.
SPLIT_PITCH = 60

GridSpans = list[tuple[Fraction, Fraction, int]]


@dataclass(frozen=True)
class PartNotes:
    """One part to engrave: a name, and its notes on a grid."""

    name: str
    notes: GridNotes


def to_score(frames: Frames, *, template: stream.Score | None = None,
             name: str = 'Piano') -> stream.Score:
    """Return frames as a score: one part on two staves.

    Parameters
    ----------
    frames : Frames
        With a step of a whole, half, quarter, ... of a quarter length.
    template : music21.stream.Score, optional
        Gives repeat signs and double bars, title and composer. Bars, meters, pickup and key
        signature are those of ``frames.grid``.
    name : str
        Of the part.

    Returns
    -------
    music21.stream.Score
        Onset, pitch and length of every note are those of the frames. Four voices a staff at
        most.
    """
    score = engrave([PartNotes(name, frames_to_notes(frames))], frames.grid, brace=True)
    if template is not None:
        copy_signs(template, score)
        if template.metadata is not None:
            score.metadata.title = plain_title(template)
            score.metadata.composer = template.metadata.composer
    return score


def engrave(parts: Sequence[PartNotes], grid: Grid, *, brace: bool | None = None) -> stream.Score:
    """Return parts as a score.

    Parameters
    ----------
    parts : sequence of PartNotes
    grid : Grid
        Of all parts.
    brace : bool, optional
        Two staves for each part, or one; by default as its range asks.
    """
    step = grid.step_ql
    if step.numerator != 1 or step.denominator & (step.denominator - 1) or step < SHORTEST:
        raise FramesError(f'cannot engrave a grid of {step} quarter; expected 1, 1/2, 1/4, 1/8 '
                          'or 1/16')
    score = stream.Score()
    score.insert(0, metadata.Metadata())
    barlines = _engraved_barlines(grid)
    offsets = [_push(grid.offset_at_frame(f), grid, barlines) for f in range(grid.num_frames + 1)]
    for index, part in enumerate(parts):
        spans = [(offsets[a], offsets[b], int(p)) for a, b, p in zip(
            part.notes.start_frames, part.notes.end_frames, part.notes.pitch, strict=True)
            if offsets[a] < offsets[b]]
        heights = [p for _, _, p in spans]
        two = brace if brace is not None else bool(heights) and (
            min(heights) < SPLIT_PITCH - 7 and max(heights) > SPLIT_PITCH + 7)
        groups: list[tuple[GridSpans, clef.Clef]]
        if two:
            groups = [([s for s in spans if s[2] >= SPLIT_PITCH], clef.TrebleClef()),
                      ([s for s in spans if s[2] < SPLIT_PITCH], clef.BassClef())]
        else:
            low = bool(heights) and sum(heights) / len(heights) < SPLIT_PITCH
            groups = [(spans, clef.BassClef() if low else clef.TrebleClef())]
        staves = [_staff(group, staff, grid.bars, barlines, sign, two)
                  for staff, (group, sign) in enumerate(groups)]
        for staff_index, staff in enumerate(staves):
            staff.id = f'P{index + 1}-Staff{staff_index + 1}' if two else f'P{index + 1}'
            sound = instrument.Piano()
            staff.partName = sound.partName = part.name
            staff.partAbbreviation = sound.partAbbreviation = part.name[:4] + '.' * (
                len(part.name) > 4)
            staff.insert(0, sound)
            score.insert(0, staff)
        if two:
            score.insert(0, layout.StaffGroup(staves, name=part.name, symbol='brace',
                                              barTogether=True))
    return score


def _engraved_barlines(grid: Grid) -> list[Fraction]:
    """Return bar starts and the end, each bar a whole number of 64ths long."""
    barlines = [Fraction(0)]
    for bar in grid.bars:
        length = max(round(bar.length_ql / SHORTEST), 1) * SHORTEST
        barlines.append(barlines[-1] + length)
    return barlines


def _push(offset: Fraction, grid: Grid, barlines: list[Fraction]) -> Fraction:
    if offset >= grid.end_ql:
        return barlines[-1]
    bar = grid.bar_at_offset(offset)
    inside = round((offset - grid.bars[bar].start_ql) / SHORTEST) * SHORTEST
    return min(barlines[bar] + inside, barlines[bar + 1])


def _staff(spans: GridSpans, staff: int, bars: Sequence[Bar], barlines: list[Fraction],
           sign: clef.Clef, braced: bool) -> stream.Part:
    part = stream.PartStaff() if braced else stream.Part()
    before: Bar | None = None
    for index, (bar, sounds) in enumerate(zip(bars, split_at_barlines(spans, barlines),
                                              strict=True)):
        length = barlines[index + 1] - barlines[index]
        measure = stream.Measure(number=bar.number)
        if before is None:
            measure.insert(0, sign)
        if before is None or before.sharps != bar.sharps:
            measure.insert(0, key.KeySignature(bar.sharps))
        if before is None or before.meter != bar.meter:
            measure.insert(0, meter.TimeSignature(bar.meter))
        if bar.lead_ql:
            measure.paddingLeft = float(bar.lead_ql)
            measure.showNumber = ShowNumber.NEVER       # implicit="yes"
        before = bar
        voices = assign_voices(sounds) or [[]]
        for layer in MeasureWriter(bar, length).write(voices, first_voice=1 + 4 * staff):
            measure.insert(0, layer)
        if index == len(bars) - 1:
            measure.rightBarline = m21bar.Barline('final')
        part.insert(float(barlines[index]), measure)
    return part


def copy_signs(source: stream.Score, target: stream.Score) -> None:
    """Copy repeats, double bars and the look of meters from a score's first part to every staff.

    A barline on some staves only is read as lying inside the measure.
    """
    first = source.parts.first()
    if first is None:
        return
    measures = list(first.getElementsByClass(stream.Measure))
    for part in target.parts:
        for theirs, ours in zip(measures, part.getElementsByClass(stream.Measure), strict=False):
            if ours.timeSignature is not None and theirs.timeSignature is not None:
                ours.timeSignature.symbol = theirs.timeSignature.symbol
            for side in ('leftBarline', 'rightBarline'):
                line = getattr(theirs, side)
                if isinstance(line, m21bar.Repeat):
                    setattr(ours, side, m21bar.Repeat(direction=line.direction, times=line.times))
                elif line is not None and line.type in ('double', 'final', 'dashed', 'dotted'):
                    setattr(ours, side, m21bar.Barline(line.type))


def plain_title(score: stream.Score) -> str:
    """Return a score's title, without the suffix of a file that gave it; or an empty string."""
    about = score.metadata
    title = (about.bestTitle if about is not None else None) or ''
    path = str(about.corpusFilePath or '') if about is not None else ''
    if path and re.fullmatch(r'(movement|book)\s*\d*(\.\w+)?|', title):
        title = path        # 'movement2' says nothing
    return re.sub(r'\.(mxl|musicxml|xml|abc|krn|mid|midi|mei)$', '', title)


def improvisation_title(query: stream.Score) -> str:
    """Return the title of an improvisation on a score."""
    title = plain_title(query)
    return f'Improvisation on {title}' if title else 'Improvisation'
