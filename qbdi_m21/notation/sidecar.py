"""Annotations as files beside a score: JSON, a table, and JAMS; and onto a score again."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

from music21 import stream

from qbdi_m21.errors import FramesError, NotationWarning, ParameterError, warn
from qbdi_m21.files import write_aside
from qbdi_m21.frames.bars import read_bars
from qbdi_m21.frames.digest import notes_sha256
from qbdi_m21.frames.grid import Grid
from qbdi_m21.frames.measures import as_score, measured_parts
from qbdi_m21.frames.notes import extract_notes, notes_by_element_id
from qbdi_m21.notation.align import side_parts
from qbdi_m21.notation.drawing import place_of
from qbdi_m21.notation.marks import Mark
from qbdi_m21.notation.record import SCHEMA, Record

SUFFIXES = ('.json', '.csv', '.jams')

#: Version of JAMS (Humphrey et al. 2014) whose fields are written.
_JAMS = '0.3.4'


def write_annotations(marks: Sequence[Mark], path: str | os.PathLike[str],
                      score: stream.Score) -> None:
    """Write marks of a score: ``.json``, ``.csv`` (a mark a row), or ``.jams``.

    Parameters
    ----------
    marks : sequence of Mark
    path : path
        Written whole or not at all.
    score : music21.stream.Score
        Which the marks are of: its measures and beats go with them, and a hash of its notes, so
        that another score is known when they are put onto it.

    Raises
    ------
    ParameterError
        If the suffix is another.
    """
    suffix = Path(path).suffix.lower()
    if suffix not in SUFFIXES:
        raise ParameterError(f'{path} ends in {suffix!r}; expected {", ".join(SUFFIXES)}')
    placed = _placed(marks, score)
    write: Callable[[list[Mark], stream.Score], str] = {
        '.json': _json_text, '.csv': _csv_text, '.jams': _jams_text}[suffix]
    text = write(placed, score)
    with write_aside(path) as aside:
        aside.write_text(text, encoding='utf-8')


def _placed(marks: Sequence[Mark], score: stream.Score) -> list[Mark]:
    grids: dict[str, Grid] = {}
    for side in {mark.side for mark in marks}:
        grids[side] = Grid(read_bars(side_parts(_measured(score), side)))
    return [place_of(mark, grids[mark.side]) for mark in marks]


def _measured(score: stream.Score) -> stream.Score:
    ready = as_score(score)
    measured_parts(ready)
    return ready


def _json_text(marks: list[Mark], score: stream.Score) -> str:
    held = {'schema': SCHEMA, 'notes_sha256': notes_sha256(extract_notes(score)),
            'title': _title(score), 'marks': [mark.to_json() for mark in marks]}
    return json.dumps(held, indent=1, ensure_ascii=False, allow_nan=False) + '\n'


def _title(score: stream.Score) -> str:
    return str(score.metadata.bestTitle or '') if score.metadata is not None else ''


def _csv_text(marks: list[Mark], score: stream.Score) -> str:
    import pandas as pd
    del score
    rows = [{'kind': m.kind, 'text': m.text, 'side': m.side, 'staff': m.staff,
             'measure': m.measure, 'beat': _number(m.beat), 'end_measure': m.end_measure,
             'end_beat': _number(m.end_beat), 'start_ql': _number(m.start_ql),
             'end_ql': _number(m.end_ql), 'element_ids': ' '.join(m.element_ids)} for m in marks]
    columns = ['kind', 'text', 'side', 'staff', 'measure', 'beat', 'end_measure', 'end_beat',
               'start_ql', 'end_ql', 'element_ids']
    return pd.DataFrame(rows, columns=columns).to_csv(index=False, lineterminator='\n')


def _number(value: Fraction | None) -> float | None:
    return None if value is None else round(float(value), 6)


def _jams_text(marks: list[Mark], score: stream.Score) -> str:
    """Return an annotation of the namespace tag_open for each kind; its times are quarters."""
    length = float(Grid(read_bars(measured_parts(as_score(score)))).end_ql)
    annotations = []
    for kind in sorted({mark.kind for mark in marks}):
        data = [{'time': float(m.start_ql), 'duration': float(m.end_ql - m.start_ql),
                 'value': m.text, 'confidence': None} for m in marks if m.kind == kind]
        annotations.append({
            'namespace': 'tag_open', 'data': data, 'time': 0.0, 'duration': length,
            'annotation_metadata': {
                'annotation_tools': 'qbdi_m21', 'data_source': 'program', 'version': '',
                'corpus': '', 'annotation_rules': '', 'validation': '', 'annotator': {},
                'curator': {'name': '', 'email': ''}},
            'sandbox': {'kind': kind, 'time_unit': 'quarter',
                        'marks': [m.to_json() for m in marks if m.kind == kind]}})
    held = {'annotations': annotations,
            'file_metadata': {'title': _title(score), 'artist': '', 'release': '',
                              'duration': length, 'identifiers': {}, 'jams_version': _JAMS},
            'sandbox': {'schema': SCHEMA, 'notes_sha256': notes_sha256(extract_notes(score))}}
    return json.dumps(held, indent=1, ensure_ascii=False, allow_nan=False) + '\n'


def read_sidecar(path: str | os.PathLike[str], score: stream.Score) -> tuple[Mark, ...]:
    """Return the marks of a ``.json`` or ``.jams`` file, where they fit onto a score.

    Parameters
    ----------
    path : path
        Of :func:`write_annotations`.
    score : music21.stream.Score
        If its notes are not those of the file, that is told: marks go to their measures and
        beats, and those that the score does not have are left out, with a warning.

    Raises
    ------
    ParameterError
        If the file holds no annotations.
    """
    try:
        held: Any = json.loads(Path(path).read_text(encoding='utf-8'))
    except (UnicodeDecodeError, ValueError) as error:
        raise ParameterError(f'{path} is no JSON: {error}') from error
    if isinstance(held, dict) and 'annotations' in held:
        marks = [one for annotation in held['annotations']
                 for one in annotation.get('sandbox', {}).get('marks', ())]
        held = {**held.get('sandbox', {}), 'marks': marks}
    record = Record.from_json(held, str(path))
    if held.get('notes_sha256') == notes_sha256(extract_notes(score)):
        return record.marks
    fitting = _fitting(record.marks, _measured(score))
    warn(f'{path} is of a score with other notes: {len(fitting)} of {len(record.marks)} marks fit '
         'by measure, beat and staff', NotationWarning)
    return fitting


def _fitting(marks: Sequence[Mark], score: stream.Score) -> tuple[Mark, ...]:
    """Return the marks whose places a score has, with the notes that it has."""
    kept = []
    for side in ('improvisation', 'query'):
        parts = side_parts(score, side)
        grid, heads = Grid(read_bars(parts)), notes_by_element_id(parts)
        for mark in marks:
            if mark.side != side or mark.staff >= len(parts) or mark.measure is None:
                continue
            try:
                start = grid.offset_at_beat(mark.measure, mark.beat or Fraction(1))
            except (FramesError, ParameterError):
                continue
            ids = tuple(one for one in mark.element_ids if one in heads)
            kept.append(place_of(replace(mark, start_ql=start, element_ids=ids,
                                         end_ql=start + mark.end_ql - mark.start_ql), grid))
    return tuple(sorted(kept, key=lambda mark: (mark.start_ql, mark.kind, mark.text)))
