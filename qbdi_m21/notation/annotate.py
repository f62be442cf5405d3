"""Findings on a copy of a score, and taken off again."""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Collection, Iterable
from fractions import Fraction

from music21 import expressions, spanner, stream
from music21.common import opFrac

from qbdi_m21.analysis.collisions import Collision
from qbdi_m21.analysis.information_rate import InformationRate
from qbdi_m21.analysis.motifs.result import Motif
from qbdi_m21.errors import ParameterError
from qbdi_m21.frames.measures import as_score, give_measures
from qbdi_m21.frames.notes import notes_by_element_id
from qbdi_m21.notation.align import side_parts
from qbdi_m21.notation.drawing import draw
from qbdi_m21.notation.marks import KINDS, Mark, marks_of
from qbdi_m21.notation.record import (
    DrawnLine,
    DrawnText,
    Record,
    read_record,
    restore_sides,
    write_record,
)
from qbdi_m21.notation.targets import find_target

#: Staff, bar and offset of one end of a line.
_End = tuple[int, int, Fraction] | None

#: Files count time in ticks: an offset that is no whole number of them comes back moved a little.
_TICK = Fraction(1, 100)


def annotate(score: stream.Score,
             *results: Iterable[Motif | Collision | InformationRate | Mark],
             target: str = 'musescore', layers: Collection[str] | None = None,
             legend: bool = True) -> stream.Score:
    """Return a copy of a score with findings drawn on it, in place of any drawn before.

    Parameters
    ----------
    score : music21.stream.Score
        Of :func:`align`, or the single score that was analysed; not changed.
    *results : iterables of Motif, Collision, InformationRate or Mark
        What :func:`qbdi_m21.find_motifs` and :func:`qbdi_m21.find_collisions` return, or
        ``[information_rate]``.
    target : {'musescore', 'sibelius', 'finale', 'dorico', 'verovio', 'lilypond'}
        The program that will open it: what it may not show is told by text too.
    layers : collection of str, optional
        Kinds of marks that are drawn; all of `KINDS` by default.
    legend : bool
        Say in one small line over the first measure what the marks mean.

    Returns
    -------
    music21.stream.Score
        A motif: coloured noteheads, a bracket and a bold label. A collision: coloured diamond
        noteheads on both sides, and both harmonies in a box. A meeting: the common chord in
        a box. Of two marks on a note the one that starts later gives the colour.
        `derivation` leads to the score. The marks are kept in the metadata, from where
        :func:`qbdi_m21.read_annotations` and :func:`strip` know them.

    Raises
    ------
    NotationError
        If a mark lies outside the score.
    ParameterError
        If a target, a layer or a result is none.
    """
    for group in results:
        if not isinstance(group, Iterable):
            raise ParameterError(f'got {type(group).__name__}; expected what find_motifs and '
                                 'find_collisions return')
    chosen = set(KINDS if layers is None else layers)
    if not chosen <= set(KINDS):
        raise ParameterError(f'layers are {", ".join(sorted(chosen))}; expected some of '
                             f'{", ".join(KINDS)}')
    program = find_target(target)
    marks = [mark for mark in marks_of(result for group in results for result in group)
             if mark.kind in chosen]
    copied: stream.Score = copy.deepcopy(as_score(score))
    give_measures(copied)
    _take_off(copied)
    draw(copied, marks, program, legend_of(marks) if legend else '')
    copied.derivation.origin = score
    copied.derivation.method = 'annotate'
    return copied


def draw_marks(score: stream.Score, marks: Iterable[Mark]) -> None:
    """Draw marks on the score itself; see :func:`annotate`."""
    draw(score, marks, find_target('musescore'))


def legend_of(marks: Iterable[Mark]) -> str:
    """Return what the marks mean, in a line."""
    marks = list(marks)
    letters = Counter(mark.text.rstrip('\u2032') for mark in marks if mark.kind == 'motif')
    kinds = {mark.kind for mark in marks}
    told = []
    if letters:
        told.append('Motifs: ' + ', '.join(f'{letter} ({count})'
                                           for letter, count in sorted(letters.items()))
                    + '; \u2032 varied')
    if 'collision' in kinds:
        told.append('diamonds, X \u2260 Y: a collision of X above with Y below')
    if 'meeting' in kinds:
        told.append('= X: both on X')
    if 'information' in kinds:
        told.append('small: information rate of the bar, bits a frame')
    if 'rate' in kinds:
        told.append('small: rate \u2192 bits that arrived')
    return '. '.join(told)


def strip(score: stream.Score) -> stream.Score:
    """Return a copy of a score without what :func:`annotate` drew.

    Parameters
    ----------
    score : music21.stream.Score
        Annotated, also if it was written and read again; not changed.

    Returns
    -------
    music21.stream.Score
        `derivation` leads to the score.

    Raises
    ------
    ParameterError
        If the score holds no annotations of this package.
    """
    copied: stream.Score = copy.deepcopy(as_score(score))
    if not _take_off(copied):
        raise ParameterError('the score holds no annotations of qbdi_m21; expected one that '
                             'annotate wrote (MuseScore keeps them in MusicXML, not in others)')
    copied.derivation.origin = score
    copied.derivation.method = 'strip'
    return copied


def _take_off(score: stream.Score) -> bool:
    """Take what was drawn off the score itself; return whether anything was."""
    record = read_record(score)
    if record == Record():
        return False
    restore_sides(score, record)
    parts = list(score.parts)
    measures = [list(part.getElementsByClass(stream.Measure)) for part in parts]
    for one in record.texts:
        found = _text_at(measures, one)
        if found is not None:
            found.activeSite.remove(found)
    _take_off_lines(score, list(record.lines), measures)
    for side in {mark.side for mark in record.marks}:
        heads = notes_by_element_id(side_parts(score, side))
        for name, (color, shape) in record.heads.items():
            own_side, _, identifier = name.partition(':')
            for head in heads.get(identifier, ()) if own_side == side else ():
                head.style.color, head.notehead = color, shape
    write_record(score, None)
    return True


def _take_off_lines(score: stream.Score, wanted: list[DrawnLine],
                    measures: list[list[stream.Measure]]) -> None:
    """Take brackets off: those that stand where they were drawn, then those that moved a little.

    A score has brackets of its own, which may stand at the same place; ours have a colour.
    """
    lines = [(line, _line_place(line, measures))
             for line in score.recurse().getElementsByClass(spanner.Line)]
    lines.sort(key=lambda one: not (one[0].hasStyleInformation and one[0].style.color))
    for fits in (_is_whole_line, _is_line):
        for line, place in list(lines):
            own = next((one for one in wanted if fits(place, one)), None)
            if own is not None:
                wanted.remove(own)
                lines.remove((line, place))
                line.activeSite.remove(line)


def _text_at(measures: list[list[stream.Measure]], text: DrawnText
             ) -> expressions.TextExpression | None:
    """Return the text that stands where it was drawn."""
    if text.staff >= len(measures) or text.bar >= len(measures[text.staff]):
        return None
    measure = measures[text.staff][text.bar]
    for container in (measure, *measure.voices):
        for found in container.getElementsByClass(expressions.TextExpression):
            if found.content == text.text and abs(opFrac(found.offset) - text.offset) < _TICK:
                return found
    return None


def _line_place(line: spanner.Line, measures: list[list[stream.Measure]]) -> list[_End]:
    """Return staff, bar and offset of both ends of a line; None for one that is in no measure."""
    ends: list[_End] = []
    for element in (line.getFirst(), line.getLast()):
        measure = element.getContextByClass(stream.Measure) if element is not None else None
        ends.append(next(((staff, bar, Fraction(opFrac(element.offset)))
                          for staff, row in enumerate(measures)
                          for bar, one in enumerate(row) if one is measure), None))
    return ends


def _ends(line: DrawnLine) -> tuple[tuple[int, int, Fraction], tuple[int, int, Fraction]]:
    return (line.staff, line.bar, line.offset), (line.staff, line.last_bar, line.last_offset)


def _is_at(found: _End, drawn: tuple[int, int, Fraction]) -> bool:
    return (found is not None and found[:2] == drawn[:2]
            and abs(found[2] - drawn[2]) < _TICK)


def _is_whole_line(place: list[_End], line: DrawnLine) -> bool:
    """Return whether both ends of a line are where they were drawn."""
    return all(map(_is_at, place, _ends(line)))


def _is_line(place: list[_End], line: DrawnLine) -> bool:
    """Return whether a line is the one that was drawn.

    Readers tie an end to the next note where a note has grace notes or is cut in two: it is
    enough that one end is where it was, and the other in its bar or one beside it.
    """
    drawn = _ends(line)
    near = all(found is None or (found[0] == known[0] and abs(found[1] - known[1]) <= 1)
               for found, known in zip(place, drawn, strict=True))
    return near and any(map(_is_at, place, drawn))
