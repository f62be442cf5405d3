"""Reading annotations back, also from a file that was edited and saved by a notation program."""

from __future__ import annotations

import os
import re
from collections import Counter
from dataclasses import replace
from fractions import Fraction

from music21 import expressions, stream
from music21.common import opFrac

from qbdi_m21.errors import NotationWarning, ParameterError, warn
from qbdi_m21.frames.bars import read_bars
from qbdi_m21.frames.grid import Grid
from qbdi_m21.frames.measures import as_score
from qbdi_m21.notation.checking import musicxml_root
from qbdi_m21.notation.drawing import place_of
from qbdi_m21.notation.marks import Mark
from qbdi_m21.notation.reading import load_score
from qbdi_m21.notation.record import DrawnText, Record, read_record, unpack_record

#: Programs move texts by less than this in a bar, in quarters, as before grace notes.
DRIFT = Fraction(1, 2)

_ID = re.compile(r'P(\d+)M(\d+)N(\d+)')


def read_annotations(source: stream.Score | str | os.PathLike[str]) -> tuple[Mark, ...]:
    """Return the marks that :func:`qbdi_m21.annotate` drew on a score, or that of a file.

    Parameters
    ----------
    source : music21.stream.Score or path
        The file is MusicXML, and may have been opened, edited and saved by MuseScore. Marks whose
        text stands in another bar now have moved with it; those whose text is gone are left
        out, with a warning.

    Raises
    ------
    ParameterError
        If it holds no annotations, or damaged ones.
    """
    if isinstance(source, stream.Stream):
        score, record = as_score(source), read_record(source)
    else:
        record = unpack_record(musicxml_root(source)) or Record()
        score = load_score(str(source))
    if record == Record():
        told = 'the score' if isinstance(source, stream.Stream) else os.fspath(source)
        raise ParameterError(f'{told} holds no annotations of qbdi_m21; expected what annotate '
                             'wrote, as MusicXML, or MuseScore after it')
    return _where_they_stand(score, record)


def _where_they_stand(score: stream.Score, record: Record) -> tuple[Mark, ...]:
    """Return the marks of a record, each moved with its text."""
    parts = list(score.parts)
    grid = Grid(read_bars(parts))
    left = Counter(
        (staff, text.content, bar, Fraction(opFrac(text.offset)))
        for staff, part in enumerate(parts)
        for bar, measure in enumerate(part.getElementsByClass(stream.Measure))
        for container in (measure, *measure.voices)
        for text in container.getElementsByClass(expressions.TextExpression))
    labels: dict[int, DrawnText] = {}
    for text in record.texts:
        labels.setdefault(text.mark, text)
    moved: dict[int, Mark] = {}
    shifts: dict[Fraction, tuple[int, Fraction]] = {}
    gone = []
    # marks with a text first: those without one go with what begins where they do
    for number in sorted(range(len(record.marks)), key=lambda k: k not in labels):
        mark, label = record.marks[number], labels.get(number)
        shift = shifts.get(mark.start_ql, (0, Fraction(0)))
        if label is not None:
            found = _nearest(label, left)
            if found is None:
                gone.append(f'{mark.text} (m. {mark.measure})')
                continue
            left[found] -= 1
            _, _, bar, offset = found
            shift = bar - label.bar, grid.bars[bar].start_ql + offset - label.position_ql
            if not shift[0] and abs(shift[1]) < DRIFT:
                shift = 0, Fraction(0)
            shifts[mark.start_ql] = shift
        moved[number] = _shifted(mark, *shift, grid)
    if gone:
        warn(f'{len(gone)} marks are no longer in the score: {", ".join(gone)}', NotationWarning)
    return tuple(moved[number] for number in sorted(moved))


def _nearest(label: DrawnText, left: Counter[tuple[int, str, int, Fraction]]
             ) -> tuple[int, str, int, Fraction] | None:
    """Return where the same text stands on the same staff, nearest to where it stood."""
    same = [key for key, count in left.items()
            if count > 0 and key[:2] == (label.staff, label.text)]
    return min(same, key=lambda key: (abs(key[2] - label.bar), abs(key[3] - label.offset)),
               default=None)


def _shifted(mark: Mark, bars: int, by: Fraction, grid: Grid) -> Mark:
    """Return a mark moved in time, and its notes by bars."""
    if not bars and not by:
        return mark
    ids = tuple(_ID.sub(lambda found: f'P{found[1]}M{int(found[2]) + bars}N{found[3]}', one)
                for one in mark.element_ids)
    return place_of(replace(mark, start_ql=mark.start_ql + by, end_ql=mark.end_ql + by,
                            element_ids=ids), grid)
