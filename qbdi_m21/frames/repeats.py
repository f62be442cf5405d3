"""Repeats played out: the order in which bars sound, and the notes in that order."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
from music21 import bar, repeat, spanner, stream
from music21.exceptions21 import Music21Exception

from qbdi_m21.errors import ParameterError, ScoreError
from qbdi_m21.frames.grid import Bar
from qbdi_m21.frames.ratios import on_common, reduced, to_ratios
from qbdi_m21.frames.table import COLUMNS, NoteTable, Tempo, make_note_table

#: A section played more often than this is taken for an error of the source.
MAX_TIMES = 100

#: Seconds after which the search for the order of the bars is given up.
TIME_LIMIT = 30.0


class _Expander(repeat.Expander):       # type: ignore[misc]
    """music21's, which may go round and round in badly formed repeats, with a time limit."""

    def __init__(self, skeleton: stream.Part, limit: float) -> None:
        super().__init__(skeleton)
        self.limit, self.deadline = limit, time.monotonic() + limit

    def _processInnermostRepeatsAndBrackets(self, *args: Any, **named: Any) -> Any:   # noqa: N802
        if time.monotonic() > self.deadline:
            raise ScoreError(f'the repeats are not played out after {self.limit:g} seconds; '
                             'expected simple ones: leave them as they are written')
        return super()._processInnermostRepeatsAndBrackets(*args, **named)


def repeat_order(part: stream.Part, *, time_limit: float = TIME_LIMIT) -> list[int]:
    """Return the indices of a part's measures in the order in which they sound.

    Parameters
    ----------
    part : music21.stream.Part
        With measures; not changed. Repeat signs, endings, da capo, dal segno, coda and fine.
    time_limit : float
        Seconds.

    Raises
    ------
    ScoreError
        If the repeats are badly formed, or the time is over.
    """
    measures = list(part.getElementsByClass(stream.Measure))
    skeleton = stream.Part()
    copies: dict[int, stream.Measure] = {}
    signs = 0
    for index, measure in enumerate(measures):
        copied = copies[id(measure)] = stream.Measure(number=index + 1, id=str(index))
        for side in ('leftBarline', 'rightBarline'):
            line = getattr(measure, side)
            if isinstance(line, bar.Repeat):
                if line.times is not None and not 1 <= line.times <= MAX_TIMES:
                    raise ScoreError(f'measure {measure.number} is repeated {line.times} times; '
                                     f'expected 1 to {MAX_TIMES}')
                setattr(copied, side, bar.Repeat(line.direction, line.times))
                signs += 1
        for sign in measure.recurse().getElementsByClass(repeat.RepeatExpression):
            copied.insert(0, type(sign)())
            signs += 1
        skeleton.append(copied)
    if not signs:
        return list(range(len(measures)))
    for bracket in part.recurse().getElementsByClass(spanner.RepeatBracket):
        spanned = [copies[id(m)] for m in bracket.getSpannedElements() if id(m) in copies]
        if spanned:
            skeleton.insert(0, spanner.RepeatBracket(spanned, number=bracket.number))
    try:
        expanded = _Expander(skeleton, time_limit).process()
    except (Music21Exception, IndexError, AttributeError, TypeError) as error:
        raise ScoreError(f'the repeats cannot be played out ({error}); expected well-formed '
                         'repeat signs: mend them, or leave them as they are written') from error
    return [int(m.id) for m in expanded.getElementsByClass(stream.Measure)]


def unfold_repeats(table: NoteTable, parts: Sequence[stream.Part]) -> NoteTable:
    """Return a table with the repeats of its score played out.

    Of the parts that have all measures, the one with most signs tells the order.
    """
    full = [part for part in parts
            if len(part.getElementsByClass(stream.Measure)) == len(table.bars)]
    order = repeat_order(max(full, key=_count_signs))
    return table if order == list(range(len(table.bars))) else in_order(table, order)


def _count_signs(part: stream.Part) -> int:
    return len(list(part.recurse().getElementsByClass([bar.Repeat, repeat.RepeatExpression])))


def in_order(table: NoteTable, order: Sequence[int]) -> NoteTable:
    """Return a table whose bars follow in another order, some of them several times.

    A note that is held into bars that do not follow there ends at the barline, and after a jump
    into the middle of a held note there is silence.

    Raises
    ------
    ParameterError
        If there is no such bar.
    """
    if not all(0 <= index < len(table.bars) for index in order):
        raise ParameterError(f'the bars {min(order)}..{max(order)} were asked for; expected '
                             f'indices from 0 to {len(table.bars) - 1}')
    bars: list[Bar] = []
    position = Fraction(0)
    for index in order:
        bars.append(replace(table.bars[index], start_ql=position))
        position = bars[-1].end_ql
    # for each place, the written end of the bars that follow it in the written order
    run_ends = [table.bars[index].end_ql for index in order]
    for place in range(len(order) - 2, -1, -1):
        if order[place + 1] == order[place] + 1:
            run_ends[place] = run_ends[place + 1]
    rows = [np.flatnonzero(table.bar == index) for index in range(len(table.bars))]
    taken = np.concatenate([rows[index] for index in order]) if order else np.zeros(0, int)
    places = np.repeat(np.arange(len(order)), [len(rows[index]) for index in order])
    common, (onset, duration, old, new, last) = on_common(
        table.onset, table.duration, to_ratios([table.bars[i].start_ql for i in order]),
        to_ratios([b.start_ql for b in bars]), to_ratios(run_ends))
    held = np.minimum(duration[taken], last[places] - onset[taken])
    sources = [table.sources[i] if table.sources else i for i in order]
    columns = {name: getattr(table, name)[taken] for name in COLUMNS
               if name not in ('onset', 'duration', 'bar')}
    return make_note_table(
        tuple(bars), onset=reduced(onset[taken] - old[places] + new[places], common),
        duration=reduced(np.maximum(held, 0), common), bar=places, **columns,
        part_names=table.part_names, tempi=_tempi_in_order(table, order, bars),
        sources=() if sources == list(range(len(table.bars))) else sources)


def _tempi_in_order(table: NoteTable, order: Sequence[int], bars: Sequence[Bar]) -> list[Tempo]:
    """Return the tempi as they are played; after a jump, the one in force there."""
    found: list[Tempo] = []
    for place, (index, played) in enumerate(zip(order, bars, strict=True)):
        written = table.bars[index]
        before = [t for t in table.tempi if t.onset_ql <= written.start_ql]
        jumps = not place or order[place - 1] != index - 1
        if before and jumps and before[-1].onset_ql < written.start_ql:
            found.append(replace(before[-1], onset_ql=played.start_ql))
        for tempo in table.tempi:
            if written.start_ql <= tempo.onset_ql < written.end_ql:
                onset = tempo.onset_ql - written.start_ql + played.start_ql
                found.append(replace(tempo, onset_ql=onset))
    return found
