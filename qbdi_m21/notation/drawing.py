"""Drawing marks: coloured noteheads, brackets, labels and boxes; and telling what was drawn."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from fractions import Fraction

from music21 import expressions, note, spanner, stream
from music21.common import opFrac

from qbdi_m21.errors import NotationError
from qbdi_m21.frames.bars import read_bars
from qbdi_m21.frames.grid import Bar, Grid
from qbdi_m21.frames.notes import notes_by_element_id
from qbdi_m21.notation.align import IMPROVISATION, QUERY, side_parts
from qbdi_m21.notation.marks import Mark
from qbdi_m21.notation.musicxml import LINES_OF_STAFF
from qbdi_m21.notation.record import DrawnLine, DrawnText, Record, read_record, write_record
from qbdi_m21.notation.targets import Target

#: MusicXML numbers open lines 1 to 6 in a part; one is left for the score's own.
MAX_OPEN_LINES = 5

#: What no XML file may hold.
_CONTROL = re.compile(r'[\x00-\x1f\x7f]+')

#: Sizes of texts, in points: of a label, of a boxed text, of a small one.
_LABEL, _BOXED, _SMALL = 12, 9, 7


def draw(score: stream.Score, marks: Iterable[Mark], target: Target, legend: str = '') -> None:
    """Draw marks on the score itself, and write down what was drawn.

    Raises
    ------
    NotationError
        If a mark lies outside the score.
    """
    by_side: dict[str, list[Mark]] = {IMPROVISATION: [], QUERY: []}
    for mark in marks:
        if mark.side not in by_side:
            raise NotationError(f'the mark {mark.text or mark.kind!r} is for the side '
                                f'{mark.side!r}; expected {IMPROVISATION!r} or {QUERY!r}')
        by_side[mark.side].append(mark)
    known = read_record(score)
    pen = _Pen(list(score.parts), target, known)
    if legend and any(by_side.values()):
        pen.write_legend(legend)
    drawn: list[Mark] = []
    for side, own in by_side.items():
        if own:
            drawn += pen.draw_side(side, side_parts(score, side), own)
    if drawn:
        sides = tuple(next((side for side in by_side if side in part.groups), '')
                      for part in pen.parts)
        write_record(score, Record((*known.marks, *drawn), tuple(pen.texts), tuple(pen.lines),
                                   pen.heads, sides if any(sides) else ()))


def place_of(mark: Mark, grid: Grid) -> Mark:
    """Return a mark with its measures and beats."""
    measure, beat = grid.beat_at_offset(mark.start_ql)
    end_measure, end_beat = grid.beat_at_offset(mark.end_ql)
    return replace(mark, measure=measure, beat=beat, end_measure=end_measure, end_beat=end_beat)


class _Pen:
    """Draws on the parts of a score and keeps what it drew."""

    def __init__(self, parts: list[stream.Part], target: Target, known: Record) -> None:
        self.target = target
        self.places = {id(part): place for place, part in enumerate(parts)}
        self.parts = parts
        self.texts, self.lines = list(known.texts), list(known.lines)
        self.heads = dict(known.heads)
        self.first = len(known.marks)

    def write_legend(self, text: str) -> None:
        """Write the legend over the first measure."""
        measure = self.parts[0].getElementsByClass(stream.Measure).first()
        if measure is not None:
            written = _insert(measure, Fraction(0), text, size=_SMALL)
            self.texts.append(DrawnText(-1, 0, 0, Fraction(0), Fraction(0), written))

    def draw_side(self, side: str, parts: list[stream.Part], marks: list[Mark]) -> list[Mark]:
        """Draw marks on one side in the order of their start; return them with their places."""
        grid = Grid(read_bars(parts))
        staves = [_Staff(part, grid.bars, self.places[id(part)]) for part in parts]
        heads = notes_by_element_id(parts)
        drawn: list[Mark] = []
        for mark in sorted(marks, key=lambda m: (m.start_ql, m.kind, m.text)):
            _check(mark, grid.bars, len(staves))
            for identifier in mark.element_ids:
                self._mark_heads(f'{side}:{identifier}', heads.get(identifier, []), mark)
            staff = staves[mark.staff]
            start, line = staff.bracket(mark) if mark.bracket else (mark.start_ql, None)
            if line is not None:
                self.lines.append(line)
            number = self.first + len(drawn)
            if mark.text:
                plain = mark.boxed or mark.below
                self.texts.append(staff.write(
                    number, mark.text, grid, start, below=mark.below, boxed=mark.boxed,
                    bold=not plain, size=_SMALL if mark.below else _BOXED if plain else _LABEL))
                if mark.bracket and not self.target.lines:
                    self.texts.append(staff.write(
                        number, f'\u2192|{mark.text}', grid, staff.last_start(mark), size=_SMALL))
            drawn.append(place_of(mark, grid))
        self.first += len(drawn)
        return drawn

    def _mark_heads(self, name: str, heads: list[note.Note], mark: Mark) -> None:
        for head in heads:
            color = head.style.color if head.hasStyleInformation else None
            self.heads.setdefault(name, (color, head.notehead))
            if mark.color:
                head.style.color = mark.color
            if mark.notehead:
                head.notehead = mark.notehead


def _check(mark: Mark, bars: tuple[Bar, ...], staves: int) -> None:
    if not 0 <= mark.start_ql < bars[-1].end_ql:
        raise NotationError(
            f'the mark {mark.text or mark.kind!r} starts at {mark.start_ql} quarters; the '
            f'score ends at {bars[-1].end_ql}: is it the score that was analysed?')
    if not 0 <= mark.staff < staves:
        raise NotationError(f'the mark {mark.text or mark.kind!r} is for staff {mark.staff}; the '
                            f'{mark.side} has {staves}, counted from 0')


class _Staff:
    """One staff: where its notes and rests are, and what is drawn over it."""

    def __init__(self, part: stream.Part, bars: tuple[Bar, ...], place: int) -> None:
        self.part, self.place = part, place
        self.measures = list(part.getElementsByClass(stream.Measure))
        self.line_ends: list[Fraction] = []
        self.most = LINES_OF_STAFF if isinstance(part, stream.PartStaff) else MAX_OPEN_LINES
        self.timeline: list[tuple[Fraction, Fraction, note.GeneralNote, int]] = []
        for index, (bar, measure) in enumerate(zip(bars, self.measures, strict=False)):
            for element in layer(measure).notesAndRests:
                start = bar.start_ql + Fraction(opFrac(element.offset))
                end = start + Fraction(opFrac(element.quarterLength))
                self.timeline.append((start, end, element, index))

    def write(self, number: int, text: str, grid: Grid, start: Fraction, *, size: float,
              bold: bool = False, boxed: bool = False, below: bool = False) -> DrawnText:
        """Write a text of a mark."""
        index = grid.bar_at_offset(start)
        offset = start - grid.bars[index].start_ql
        written = _insert(self.measures[index], offset, text, size=size, bold=bold, boxed=boxed,
                          below=below)
        return DrawnText(number, self.place, index, offset, start, written)

    def last_start(self, mark: Mark) -> Fraction:
        """Return where the last note of a mark begins."""
        inside = self._inside(mark)
        return max(inside[-1][0], mark.start_ql) if inside else mark.start_ql

    def _inside(self, mark: Mark) -> list[tuple[Fraction, Fraction, note.GeneralNote, int]]:
        """Return the notes and rests from a mark's first to its last note."""
        inside = [place for place in self.timeline if mark.start_ql <= place[0] < mark.end_ql]
        # nothing of the staff starts here: over what it holds
        inside = inside or [place for place in self.timeline
                            if place[0] < mark.end_ql and mark.start_ql < place[1]]
        notes = [k for k, place in enumerate(inside) if isinstance(place[2], note.NotRest)]
        return inside[:notes[-1] + 1] if notes else inside

    def bracket(self, mark: Mark) -> tuple[Fraction, DrawnLine | None]:
        """Draw a bracket; return where its label goes, and the line if there was room for it."""
        inside = self._inside(mark)
        self.line_ends = [end for end in self.line_ends if end > mark.start_ql]
        if not inside or len(self.line_ends) >= self.most:
            return mark.start_ql, None
        self.line_ends.append(mark.end_ql)
        (start, _, first, bar), (_, _, last, last_bar) = inside[0], inside[-1]
        line = spanner.Line(first, last, lineType='solid', tick='down', placement='above')
        if mark.color:
            line.style.color = mark.color
        self.part.insert(0, line)
        # where the bracket can only begin later, the label goes with it
        return max(start, mark.start_ql), DrawnLine(
            self.place, bar, Fraction(opFrac(first.offset)), last_bar,
            Fraction(opFrac(last.offset)))


def _insert(measure: stream.Measure, offset: Fraction, text: str, *, size: float,
            bold: bool = False, boxed: bool = False, below: bool = False) -> str:
    """Write text into a measure; return it as it was written."""
    written = _CONTROL.sub(' ', text).strip()
    mark = expressions.TextExpression(written)
    mark.placement = 'below' if below else 'above'
    mark.style.fontWeight = mark.style.fontStyle = 'bold' if bold else 'normal'
    mark.style.fontSize = size
    if boxed:
        mark.style.enclosure = 'rectangle'
    layer(measure).insert(float(offset), mark)
    return written


def layer(measure: stream.Measure) -> stream.Stream:
    """Return where texts go: into the first voice, since programs ignore <offset>."""
    return measure.voices.first() or measure
