"""Drawing marks on a copy of a score: coloured noteheads, brackets, labels, boxed text."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from fractions import Fraction

from music21 import expressions, note, spanner, stream
from music21.common import opFrac

from qbdi_m21.analysis.collisions import Collision
from qbdi_m21.analysis.motifs.result import Motif
from qbdi_m21.errors import NotationError, ParameterError
from qbdi_m21.frames.bars import read_bars
from qbdi_m21.frames.grid import Bar, Grid
from qbdi_m21.frames.measures import as_score, give_measures
from qbdi_m21.frames.notes import notes_by_element_id
from qbdi_m21.notation.align import IMPROVISATION, QUERY, side_parts
from qbdi_m21.notation.marks import Mark, marks_of

#: MusicXML numbers open lines 1 to 6 in a part; one is left for the score's own.
MAX_OPEN_LINES = 5


def annotate(score: stream.Score, *results: Iterable[Motif | Collision | Mark]) -> stream.Score:
    """Return a copy of a score with findings drawn on it.

    Parameters
    ----------
    score : music21.stream.Score
        Of :func:`align`, or the single score that was analysed; not changed.
    *results : iterables of Motif, Collision or Mark
        What :func:`qbdi_m21.find_motifs` and :func:`qbdi_m21.find_collisions` return.

    Returns
    -------
    music21.stream.Score
        A motif: coloured noteheads, a bracket and a bold label. A collision: coloured diamond
        noteheads on both sides, and both harmonies in a box. A meeting: the common chord in
        a box. Of two marks on a note the one that starts later gives the colour.
        `derivation` leads to the score.

    Raises
    ------
    NotationError
        If a mark lies outside the score.
    """
    for group in results:
        if not isinstance(group, Iterable):
            raise ParameterError(f'got {type(group).__name__}; expected what find_motifs and '
                                 'find_collisions return')
    copied: stream.Score = copy.deepcopy(as_score(score))
    give_measures(copied)
    draw_marks(copied, marks_of(result for group in results for result in group))
    copied.derivation.origin = score
    copied.derivation.method = 'annotate'
    return copied


def draw_marks(score: stream.Score, marks: Iterable[Mark]) -> None:
    """Draw marks on the score itself; see :func:`annotate`."""
    by_side: dict[str, list[Mark]] = {IMPROVISATION: [], QUERY: []}
    for mark in marks:
        if mark.side not in by_side:
            raise NotationError(f'the mark {mark.text or mark.kind!r} is for the side '
                                f'{mark.side!r}; expected {IMPROVISATION!r} or {QUERY!r}')
        by_side[mark.side].append(mark)
    for side, own in by_side.items():
        if own:
            _Side(side_parts(score, side)).draw(own)


class _Side:
    """The parts of one side, and where their noteheads and times are."""

    def __init__(self, parts: list[stream.Part]) -> None:
        self.grid = Grid(read_bars(parts))
        self.bars = self.grid.bars
        self.staves = [_Staff(part, self.bars) for part in parts]
        self.heads = notes_by_element_id(parts)

    def draw(self, marks: list[Mark]) -> None:
        """Draw marks in the order of their start."""
        for mark in sorted(marks, key=lambda m: (m.start_ql, m.kind, m.text)):
            if not 0 <= mark.start_ql < self.bars[-1].end_ql:
                raise NotationError(
                    f'the mark {mark.text or mark.kind!r} starts at {mark.start_ql} quarters; the '
                    f'score ends at {self.bars[-1].end_ql}: is it the score that was analysed?')
            if not 0 <= mark.staff < len(self.staves):
                raise NotationError(
                    f'the mark {mark.text or mark.kind!r} is for staff {mark.staff}; the '
                    f'{mark.side} has {len(self.staves)}, counted from 0')
            for identifier in mark.element_ids:
                for head in self.heads.get(identifier, ()):
                    if mark.color:
                        head.style.color = mark.color
                    if mark.notehead:
                        head.notehead = mark.notehead
            staff = self.staves[mark.staff]
            start = staff.bracket(mark) if mark.bracket else mark.start_ql
            if mark.text:
                index = self.grid.bar_at_offset(start)
                staff.write(mark, index, start - self.bars[index].start_ql)


class _Staff:
    """One staff: where its notes and rests are, and what is drawn over it."""

    def __init__(self, part: stream.Part, bars: tuple[Bar, ...]) -> None:
        self.part = part
        self.measures = list(part.getElementsByClass(stream.Measure))
        self.line_ends: list[Fraction] = []
        self.timeline: list[tuple[Fraction, Fraction, note.GeneralNote]] = []
        for bar, measure in zip(bars, self.measures, strict=False):
            for element in _layer(measure).notesAndRests:
                start = bar.start_ql + Fraction(opFrac(element.offset))
                end = start + Fraction(opFrac(element.quarterLength))
                self.timeline.append((start, end, element))

    def write(self, mark: Mark, index: int, offset: Fraction) -> None:
        """Write the mark's text into a measure."""
        text = expressions.TextExpression(mark.text)
        text.placement = 'below' if mark.below else 'above'
        plain = mark.boxed or mark.below
        text.style.fontWeight = text.style.fontStyle = 'normal' if plain else 'bold'
        text.style.fontSize = 7 if mark.below else 9 if mark.boxed else 12
        if mark.boxed:
            text.style.enclosure = 'rectangle'
        _layer(self.measures[index]).insert(float(offset), text)

    def bracket(self, mark: Mark) -> Fraction:
        """Draw a bracket over the staff and return where its label goes."""
        inside = [place for place in self.timeline if mark.start_ql <= place[0] < mark.end_ql]
        # nothing of the staff starts here: over what it holds
        inside = inside or [place for place in self.timeline
                            if place[0] < mark.end_ql and mark.start_ql < place[1]]
        notes = [k for k, place in enumerate(inside) if isinstance(place[2], note.NotRest)]
        inside = inside[:notes[-1] + 1] if notes else inside
        self.line_ends = [end for end in self.line_ends if end > mark.start_ql]
        if not inside or len(self.line_ends) >= MAX_OPEN_LINES:
            return mark.start_ql
        self.line_ends.append(mark.end_ql)
        line = spanner.Line(inside[0][2], inside[-1][2], lineType='solid', tick='down',
                            placement='above')
        self.part.insert(0, line)
        # where the bracket can only begin later, the label goes with it
        return max(inside[0][0], mark.start_ql)


def _layer(measure: stream.Measure) -> stream.Stream:
    """Return where texts go: into the first voice, since programs ignore <offset>."""
    return measure.voices.first() or measure
