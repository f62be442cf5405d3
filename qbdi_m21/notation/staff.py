"""One staff: its measures with clef, signatures, voices and grace notes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from fractions import Fraction
from typing import TypeVar

import numpy as np
from music21 import bar as m21bar
from music21 import key, meter, stream, tempo
from music21.stream.enums import ShowNumber

from qbdi_m21.frames.grid import Grid
from qbdi_m21.frames.ratios import IntArray
from qbdi_m21.frames.table import NoteTable
from qbdi_m21.notation.clefs import choose_clefs
from qbdi_m21.notation.rhythm import TICKS
from qbdi_m21.notation.sounds import BarSpan, Sound, split_at_barlines
from qbdi_m21.notation.timing import EngravedBar, PlacedNotes
from qbdi_m21.notation.voices import MAX_VOICES, VoiceLeader
from qbdi_m21.notation.writer import MeasureWriter, NoteColumns, quarters

_Part = TypeVar('_Part', bound=stream.Part)


class StaffWriter:
    """Writes staves of one table.

    Parameters
    ----------
    table : NoteTable
    bars : sequence of EngravedBar
    placed : PlacedNotes
        Where the rows of the table are written; rows that move once more are noted there.
    """

    def __init__(self, table: NoteTable, bars: Sequence[EngravedBar],
                 placed: PlacedNotes) -> None:
        self._table, self._bars, self._placed = table, bars, placed
        self._columns = NoteColumns(table.pitch.tolist(), table.fifths.tolist(),
                                    table.velocity.tolist(), placed.moved)

    def write(self, rows: IntArray, part: _Part, *, number: int, clefs: Sequence[str],
              tempi: bool) -> _Part:
        """Fill a part with the measures of some rows, and return it.

        Parameters
        ----------
        rows : ndarray of int
            In the order of the table.
        part : music21.stream.Part
        number : int
            Of the staff in its brace, from 0: voices are numbered on through a brace.
        clefs : sequence of str
            To choose from: see :func:`.clefs.choose_clefs`.
        tempi : bool
            Write the tempi of the table.
        """
        leader = VoiceLeader()
        graces = self._graces(rows[self._table.grace[rows]])
        measures = self._sounds(rows[~self._table.grace[rows]])
        signs = choose_clefs([[head.pitch for sound in sounds for head in sound.heads]
                              for sounds in measures], clefs)
        for index, (bar, sounds) in enumerate(zip(self._bars, measures, strict=True)):
            measure = self._measure(index)
            sign = signs[index]
            if sign is not None:
                measure.insert(0, sign)
            voices = leader.lay_out(sounds, bar.ruler.beat) or [[]]
            leaning = self._leaning(graces.get(index, ()), voices)
            for layer in MeasureWriter(bar, self._columns).write(
                    voices, 1 + MAX_VOICES * number, leaning):
                measure.coreInsert(0.0, layer, ignoreSort=True)
            measure.coreElementsChanged()
            # music21 looks for the end of a sorted stream at each insertion
            part.coreInsert(quarters(bar.start), measure, ignoreSort=True)
        part.coreElementsChanged()
        if tempi:
            self._write_tempi(part)
        return part

    def _sounds(self, rows: IntArray) -> list[list[Sound]]:
        placed, table = self._placed, self._table
        order = rows[np.argsort(placed.start[rows], kind='stable')]
        return split_at_barlines(
            zip(placed.start[order].tolist(), placed.end[order].tolist(),
                table.pitch[order].tolist(), table.voice[order].tolist(), order.tolist(),
                strict=True),
            [BarSpan(bar.start, bar.high - bar.low, bar.low) for bar in self._bars])

    def _measure(self, index: int) -> stream.Measure:
        """Return an empty measure with the signatures that change in it."""
        bar = self._bars[index].bar
        before = self._bars[index - 1].bar if index else None
        measure = stream.Measure(number=bar.number)
        if before is None or before.sharps != bar.sharps:
            measure.insert(0, key.KeySignature(bar.sharps))
        if before is None or before.meter != bar.meter:
            measure.insert(0, meter.TimeSignature(bar.meter))
        if bar.lead_ql:
            measure.paddingLeft = float(bar.lead_ql)
            measure.showNumber = ShowNumber.NEVER       # implicit="yes"
        if index == len(self._bars) - 1:
            measure.rightBarline = m21bar.Barline('final')
        return measure

    def _graces(self, rows: IntArray) -> dict[int, list[int]]:
        """Return the rows of grace notes by bar, in reading order."""
        found: dict[int, list[int]] = defaultdict(list)
        for row in rows[np.argsort(self._table.notehead[rows], kind='stable')].tolist():
            found[int(self._placed.bar[row])].append(row)
        return found

    def _leaning(self, rows: Sequence[int],
                 voices: Sequence[Sequence[Sound]]) -> list[dict[int, list[int]]]:
        """Return the grace notes of each voice: they go to the nearest note of their place."""
        leaning: list[dict[int, list[int]]] = [defaultdict(list) for _ in voices]
        for row in rows:
            bar = self._bars[int(self._placed.bar[row])]
            place = int(self._placed.start[row]) - bar.start + bar.low
            pitch, voice = int(self._table.pitch[row]), int(self._table.voice[row])
            ways = [(sound.start != place, sound.voice != voice, abs(sound.height - pitch), index)
                    for index, sounds in enumerate(voices) for sound in sounds
                    if place in (sound.start, sound.end)]
            leaning[min(ways)[-1] if ways else 0][place].append(row)
        return leaning

    def _write_tempi(self, part: stream.Part) -> None:
        measures = list(part.getElementsByClass(stream.Measure))
        grid = Grid(self._table.bars)
        for mark in self._table.tempi:
            if not measures:
                break
            index = grid.bar_at_offset(mark.onset_ql)
            inside = mark.onset_ql - self._bars[index].bar.start_ql
            speed = Fraction(mark.quarters_per_minute)
            written = tempo.MetronomeMark(
                number=int(speed) if speed.denominator == 1 else mark.quarters_per_minute)
            written.placement = 'above'
            measures[index].insert(quarters(int(inside * TICKS)), written)
