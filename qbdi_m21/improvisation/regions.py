"""Rates for places of a score: measures, rehearsal sections, parts."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from music21 import expressions, stream

from qbdi_m21.errors import ParameterError
from qbdi_m21.frames.measures import measured_parts
from qbdi_m21.frames.table import NoteTable
from qbdi_m21.improvisation.rates import Rate, spread_rates
from qbdi_m21.improvisation.settings import Settings

_MEASURES = re.compile(r'(\d+)(?:\s*-\s*(\d+))?')
PART, MARK = 'part:', 'mark:'


@dataclass(frozen=True)
class Layer:
    """Parts of a score that are sent together, since their rates are the same.

    Attributes
    ----------
    parts : tuple of int
        Places of the parts in the note table.
    names : tuple of str
        Of these parts; empty where the layer is the whole score.
    rates : tuple of rates
        One a bar.
    """

    parts: tuple[int, ...]
    names: tuple[str, ...]
    rates: tuple[Rate, ...]


def plan_layers(score: stream.Score, table: NoteTable, settings: Settings) -> tuple[Layer, ...]:
    """Return the layers of a score: one, or several where parts have rates of their own.

    Parameters
    ----------
    score : music21.stream.Score
    table : NoteTable
        Its notes.
    settings : Settings
        `regions` name measures by their printed numbers (``'9-16'``, ``'9'``), a section by its
        rehearsal mark (``'B'``, ``'mark:12'``), which lasts to the next mark, or a part
        (``'part:Viola'``, ``'part:3'`` counted from 1). Of regions that overlap the later wins.

    Raises
    ------
    ParameterError
        If rates do not match the bars, or a region names nothing of the score.
    """
    bars, names = table.bars, table.part_names
    rates = [list(spread_rates(settings.rate, len(bars))) for _ in names]
    sections = rehearsal_sections(score) if settings.regions else {}
    for where, rate in settings.regions:
        if where.startswith(PART):
            for part in _find_part(where.removeprefix(PART), names):
                rates[part] = [rate] * len(bars)
            continue
        for bar in _find_bars(where, table, sections):
            for row in rates:
                row[bar] = rate
    groups: dict[tuple[Rate, ...], list[int]] = {}
    # a part without notes has nothing to send
    for part in np.unique(table.part).tolist():
        groups.setdefault(tuple(rates[part]), []).append(part)
    return tuple(Layer(tuple(parts), tuple(_part_name(names, p) for p in parts), row)
                 if len(groups) > 1 else Layer(tuple(range(len(names))), (), row)
                 for row, parts in groups.items())


def rehearsal_sections(score: stream.Score) -> dict[str, list[int]]:
    """Return the bars of each rehearsal mark: from the mark to the next one.

    A mark that stands more than once has the bars of all its places.
    """
    places: dict[int, dict[str, None]] = {}
    length = 0
    for part in measured_parts(score):
        measures = list(part.getElementsByClass(stream.Measure))
        length = max(length, len(measures))
        for bar, measure in enumerate(measures):
            for mark in measure.recurse().getElementsByClass(expressions.RehearsalMark):
                places.setdefault(bar, {})[str(mark.content).strip()] = None
    sections: dict[str, list[int]] = {}
    for start, stop in pairwise([*sorted(places), length]):
        for name in places[start]:
            sections.setdefault(name, []).extend(range(start, stop))
    return sections


def section_field(score: stream.Score, settings: Settings) -> dict[str, Any]:
    """Return the field of a recipe that says where the sections were that its regions name."""
    return {'sections': rehearsal_sections(score)} if settings.regions else {}


def _find_bars(where: str, table: NoteTable, sections: dict[str, list[int]]) -> list[int]:
    measures = _MEASURES.fullmatch(where.strip())
    if measures is None:
        name = where.strip().removeprefix(MARK).strip()
        if name not in sections:
            known = ', '.join(sections) or 'none'
            raise ParameterError(f'no rehearsal mark {name!r} in the score (its marks: {known}); '
                                 "expected one of these, measures such as '9-16', or a part such "
                                 "as 'part:1'")
        return sections[name]
    first, last = int(measures[1]), int(measures[2] or measures[1])
    if last < first:
        raise ParameterError(f'the measures {where} end before they begin; expected {last}-{first}')
    found = [k for k, bar in enumerate(table.bars) if first <= bar.number <= last]
    if not found:
        numbers = [bar.number for bar in table.bars]
        raise ParameterError(f'no measure {where} in the score; its measures run from '
                             f'{min(numbers)} to {max(numbers)}')
    return found


def _find_part(name: str, names: tuple[str, ...]) -> list[int]:
    known = [_part_name(names, part) for part in range(len(names))]
    found = [part for part, one in enumerate(known) if one.lower() == name.strip().lower()]
    if not found and name.strip().isdecimal() and 1 <= int(name) <= len(names):
        found = [int(name) - 1]
    if not found:
        raise ParameterError(f'no part {name!r} in the score; its parts are '
                             f'{", ".join(known)}, or 1 to {len(names)}')
    return found


def _part_name(names: tuple[str, ...], part: int) -> str:
    return names[part] or f'Part {part + 1}'
