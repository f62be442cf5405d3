"""Motifs as files: JSON, a table, and the text that MIREX's pattern tasks and mir_eval read."""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qbdi_m21.analysis.motifs.result import Motif, Occurrence
from qbdi_m21.errors import ParameterError
from qbdi_m21.files import write_aside

if TYPE_CHECKING:
    import pandas as pd

#: Name and version of the JSON; docs/schema/motifs.schema.json describes it.
SCHEMA = 'qbdi_m21/motifs/1'

SUFFIXES = ('.json', '.csv', '.txt')

#: Patterns as MIREX has them: for each its occurrences, each with its (onset, MIDI number).
Points = list[list[list[tuple[float, float]]]]

#: Exact times are looked for with denominators up to this.
_DENOMINATOR = 10080


def motifs_table(motifs: Sequence[Motif]) -> pd.DataFrame:
    """Return motifs as a pandas DataFrame, a row for each occurrence.

    Parameters
    ----------
    motifs : sequence of Motif

    Returns
    -------
    DataFrame
        Times are quarter lengths; notes are counted, and named in `element_ids`, with spaces
        between. Of a motif, its numbers stand in each of its rows.
    """
    import pandas as pd
    rows = []
    for motif in motifs:
        for number, o in enumerate(motif.occurrences, 1):
            rows.append({
                'label': motif.label, 'side': motif.side, 'occurrence': number, 'part': o.part,
                'start_ql': float(o.start_ql), 'end_ql': float(o.end_ql), 'measure': o.measure,
                'beat': float(o.beat), 'end_measure': o.end_measure,
                'end_beat': float(o.end_beat), 'num_notes': len(o.element_ids),
                'transposition': o.transposition, 'exact': o.exact, 'distance': o.distance,
                'gain_notes': motif.gain_notes, 'coverage': motif.coverage,
                'compactness': motif.compactness, 'compression': motif.compression,
                'salience': motif.salience, 'p_value': motif.p_value,
                'element_ids': ' '.join(o.element_ids)})
    table = pd.DataFrame(rows, columns=_COLUMNS)
    return table.astype({'part': 'Int64', 'p_value': 'float64'}).round(6)


_COLUMNS = ['label', 'side', 'occurrence', 'part', 'start_ql', 'end_ql', 'measure', 'beat',
            'end_measure', 'end_beat', 'num_notes', 'transposition', 'exact', 'distance',
            'gain_notes', 'coverage', 'compactness', 'compression', 'salience', 'p_value',
            'element_ids']


def write_motifs(motifs: Sequence[Motif], path: str | os.PathLike[str]) -> None:
    """Write motifs: ``.json`` (all values), ``.csv`` (an occurrence a row), ``.txt`` (MIREX).

    Parameters
    ----------
    motifs : sequence of Motif
    path : path
        Written whole or not at all.

    Raises
    ------
    ParameterError
        If the suffix is another, or motifs of bare frames shall go into MIREX's text, which
        lists notes.
    """
    suffix = Path(path).suffix.lower()
    if suffix not in SUFFIXES:
        raise ParameterError(f'{path} ends in {suffix!r}; expected {", ".join(SUFFIXES)}')
    if suffix == '.json':
        text = json.dumps({'schema': SCHEMA, 'motifs': [m.to_json() for m in motifs]}, indent=1,
                          ensure_ascii=False, allow_nan=False) + '\n'
    elif suffix == '.csv':
        text = motifs_table(motifs).to_csv(index=False, lineterminator='\n')
    else:
        text = mirex_text(motif_points(motifs))
    with write_aside(path) as aside:
        aside.write_text(text, encoding='utf-8')


def motif_points(motifs: Sequence[Motif]) -> Points:
    """Return motifs as onsets and MIDI numbers, as ``mir_eval.pattern`` takes them."""
    bare = [m.label for m in motifs if not all(o.notes for o in m.occurrences)]
    if bare:
        raise ParameterError(f'motif {", ".join(bare)} has no notes; expected motifs of a score or '
                             'a note table')
    return [[[(float(onset), float(pitch)) for onset, pitch in o.notes] for o in m.occurrences]
            for m in motifs]


def mirex_text(patterns: Points) -> str:
    """Return patterns as MIREX text: a line for each note, its onset in quarters and pitch."""
    lines = []
    for number, pattern in enumerate(patterns, 1):
        lines.append(f'pattern{number}')
        for place, occurrence in enumerate(pattern, 1):
            lines.append(f'occurrence{place}')
            lines += [f'{onset:.5f}, {pitch:.5f}' for onset, pitch in occurrence]
    return ''.join(line + '\n' for line in lines)


def read_mirex(path: str | os.PathLike[str]) -> Points:
    """Return the patterns of a MIREX text file; empty ones are left out.

    Parameters
    ----------
    path : path

    Returns
    -------
    list of list of list of (float, float)
        Patterns, their occurrences, and of these onsets in quarters and MIDI numbers, as
        ``mir_eval.pattern`` takes them.

    Raises
    ------
    ParameterError
        If a line is neither ``patternN``, ``occurrenceN`` nor an onset and a pitch.
    """
    patterns: Points = []
    for number, line in enumerate(_read(path).splitlines(), 1):
        words = line.strip().lower()
        if words.startswith('pattern'):
            patterns.append([])
        elif words.startswith('occ') and patterns:
            patterns[-1].append([])
        elif words:
            fields = re.split(r'[,\s]+', words)
            try:
                point = float(fields[0]), float(fields[1])
                if not all(map(math.isfinite, point)):
                    raise ValueError(words)
                patterns[-1][-1].append(point)
            except (IndexError, ValueError) as error:
                raise ParameterError(
                    f'{path}, line {number}: {line.strip()!r}; expected patternN, occurrenceN, or '
                    'an onset and a MIDI number below them') from error
    full = [[occurrence for occurrence in pattern if occurrence] for pattern in patterns]
    return [pattern for pattern in full if pattern]


def read_motifs(path: str | os.PathLike[str]) -> tuple[Motif, ...]:
    """Return the motifs of a JSON file that :func:`write_motifs` wrote.

    Parameters
    ----------
    path : path

    Raises
    ------
    ParameterError
        If it is none, or of a later version.
    """
    try:
        held = json.loads(_read(path))
    except ValueError as error:
        raise ParameterError(f'{path} is no JSON: {error}') from error
    if not isinstance(held, dict) or held.get('schema') != SCHEMA:
        told = held.get('schema') if isinstance(held, dict) else None
        raise ParameterError(f'{path} has the schema {told!r}; expected {SCHEMA!r}')
    try:
        return tuple(_motif(one) for one in held['motifs'])
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise ParameterError(f'{path} does not hold motifs as {SCHEMA} has them: {error!r}'
                             ) from error


def _read(path: str | os.PathLike[str]) -> str:
    try:
        return Path(path).read_text(encoding='utf-8-sig')
    except UnicodeDecodeError as error:
        raise ParameterError(f'{path} is no text in UTF-8') from error


def _exact(value: float) -> Fraction:
    return Fraction(value).limit_denominator(_DENOMINATOR)


def _motif(held: dict[str, Any]) -> Motif:
    occurrences = []
    for one in held['occurrences']:
        times = {name: _exact(one[name]) for name in ('start_ql', 'end_ql', 'beat', 'end_beat')}
        occurrences.append(Occurrence(**{
            **one, **times, 'element_ids': tuple(one['element_ids']),
            'notes': tuple((_exact(onset), int(pitch)) for onset, pitch in one['notes'])}))
    return Motif(**{**held, 'occurrences': tuple(occurrences),
                    'length_ql': _exact(held['length_ql'])})
