"""From a music21 score to a note table, in one pass over its elements.

Ties are merged by (pitch, end = onset) within a part, chords give one row a member, chord
symbols and unpitched notes are not notes, pitches sound (transposing instruments). No
`chordify` and no `stripTies`, whose result is wrong where voices and partly tied chords meet.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np
from music21 import chord, interval, layout, note, pitch, spanner, stream
from music21.common.types import OffsetQL

from qbdi_m21.errors import EmptyScoreError, SourceWarning, warn
from qbdi_m21.frames.bars import scanned_bars
from qbdi_m21.frames.grid import Bar
from qbdi_m21.frames.measures import as_score, measured_parts
from qbdi_m21.frames.ratios import IntArray, exact, on_common, reduced, to_ratios
from qbdi_m21.frames.repeats import unfold_repeats
from qbdi_m21.frames.scan import ScannedPart, count_notes, kind_of, scan_part, scan_score
from qbdi_m21.frames.spelling import fifths_of
from qbdi_m21.frames.table import NoteTable, Tempo, make_note_table

_SEMITONES = {'C': 0, 'D': 2, 'E': 4, 'F': 5, 'G': 7, 'A': 9, 'B': 11}
_STEP_FIFTHS = {step: fifths_of(step, 0) for step in _SEMITONES}


@dataclass(frozen=True)
class Noteheads:
    """The pitched noteheads of all parts in reading order, as columns.

    Attributes
    ----------
    heads : list of music21.note.Note
    part, bar, voice, place : list of int
        `place` is the how-manieth head of its part and bar.
    offset, length : list of offsets
        In the measure; quarter lengths.
    written : list of float
        Pitch space number as written (60.5 is a C half-sharp); `sounding` less transposition.
    fifths, shift : list of int
        Place of the sounding pitch on the line of fifths; semitones from written to sounding.
    """

    heads: list[note.Note] = field(default_factory=list)
    part: list[int] = field(default_factory=list)
    bar: list[int] = field(default_factory=list)
    voice: list[int] = field(default_factory=list)
    place: list[int] = field(default_factory=list)
    offset: list[OffsetQL] = field(default_factory=list)
    length: list[OffsetQL] = field(default_factory=list)
    written: list[float] = field(default_factory=list)
    fifths: list[int] = field(default_factory=list)
    shift: list[int] = field(default_factory=list)
    grace: list[bool] = field(default_factory=list)
    velocity: list[int] = field(default_factory=list)


def read_noteheads(parts: Sequence[ScannedPart],
                   ottavas: Sequence[spanner.Ottava] = ()) -> Noteheads:
    """Return the noteheads of scanned parts."""
    found = Noteheads()
    for index, scanned in enumerate(parts):
        shifts = [_transposition(change) for change in scanned.sounding_intervals()]
        raised = {id(element): int(line.interval().semitones)
                  for line in (*scanned.ottavas, *ottavas)
                  for element in line.getSpannedElements()}
        _read_part(scanned, index, shifts, raised, found)
    return found


def _read_part(scanned: ScannedPart, part: int, shifts: list[tuple[int, int]],
               raised: dict[int, int], found: Noteheads) -> None:
    bar_before, place = -1, 0
    for bar, voice, offset, element in scanned.notes:
        if bar != bar_before:
            bar_before, place = bar, 0
            semitones, fifths = shifts[bar]
        duration = element.duration
        length, grace = duration.quarterLength, duration.isGrace
        heads = element.notes if isinstance(element, chord.ChordBase) else (element,)
        octave_sign = raised.get(id(element), 0) if raised else 0
        for head in heads:
            if not isinstance(head, note.Note):
                continue
            height: pitch.Pitch = head.pitch
            step, alter = height.step, height.alter
            octave = height.octave
            if octave is None:
                octave = height.implicitOctave
            natural = 12 * (octave + 1) + _SEMITONES[step]
            found.heads.append(head)
            found.part.append(part)
            found.bar.append(bar)
            found.voice.append(voice)
            found.place.append(place)
            found.offset.append(offset)
            found.length.append(length)
            found.written.append(natural + alter)
            # a microtone is spelled as the semitone to which it goes
            found.fifths.append(_STEP_FIFTHS[step] + fifths + (
                7 * (round(natural + alter) - natural) if alter else 0))
            found.shift.append(semitones + octave_sign)
            found.grace.append(grace)
            stated = head.hasVolumeInformation() or (
                head is not element and element.hasVolumeInformation())
            found.velocity.append(_velocity(head, element) if stated else 0)
            place += 1


def _velocity(head: note.Note, element: note.NotRest) -> int:
    for sounding in (head, element):
        if sounding.hasVolumeInformation():
            velocity = sounding.volume.velocity
            if velocity is not None:
                return min(max(int(velocity), 1), 127)
    return 0


@lru_cache(maxsize=64)
def _fifths_of_interval(name: str) -> int:
    reached = pitch.Pitch('C4').transpose(interval.Interval(name))
    return fifths_of(reached.step, int(reached.alter))


def _transposition(change: interval.Interval | None) -> tuple[int, int]:
    """Return an interval as semitones and as fifths."""
    if change is None:
        return 0, 0
    return int(change.semitones), _fifths_of_interval(change.directedName)


def tie_leaders(found: Noteheads, onset: list[int], end: list[int]) -> list[int]:
    """Return for each notehead the index of the one that begins its sounding note.

    Parameters
    ----------
    found : Noteheads
    onset, end : list of int
        Times of each, over one denominator.
    """
    leader = list(range(len(found.heads)))
    # a notehead's own tie: a chord's is its first tied member's
    kinds = {i: head.tie.type for i, head in enumerate(found.heads) if head.tie is not None}
    last_voice: dict[int, int] = {}
    # several, since two voices may hold one pitch to the same moment
    open_ties: dict[tuple[int, float, int], list[int]] = defaultdict(list)
    # in the order of time: a tie may lead from a lower voice to a higher one
    for i in sorted(kinds, key=lambda i: (found.part[i], found.bar[i], onset[i])):
        held = open_ties.get((found.part[i], found.written[i], onset[i]))
        if held and kinds[i] in ('stop', 'continue'):
            # the same voice's where there is a choice
            leader[i] = held.pop(next((k for k, j in enumerate(held)
                                       if last_voice[j] == found.voice[i]), 0))
        last_voice[leader[i]] = found.voice[i]
        if kinds[i] in ('start', 'continue'):
            open_ties[found.part[i], found.written[i], end[i]].append(leader[i])
    return leader


def _times(found: Noteheads, bars: Sequence[Bar]) -> tuple[int, Any, Any]:
    """Return a denominator, and onsets and ends of all noteheads over it."""
    starts = to_ratios([bar.start_ql for bar in bars])
    common, (at, inside, held) = on_common(starts, to_ratios(found.offset),
                                           to_ratios(found.length))
    onset = at[np.array(found.bar, dtype=np.int64)] + inside
    return common, onset, onset + held


def notes_by_element_id(parts: Sequence[stream.Part]) -> dict[str, list[note.Note]]:
    """Return each notehead and those tied to it, by the id that note tables give the first."""
    scanned = [scan_part(part) for part in parts]
    found = read_noteheads(scanned)
    _, onset, end = _times(found, scanned_bars(scanned))
    chains: dict[int, list[int]] = defaultdict(list)
    for index, first in enumerate(tie_leaders(found, onset.tolist(), end.tolist())):
        chains[first].append(index)
    return {f'P{found.part[first]}M{found.bar[first]}N{found.place[first]}':
            [found.heads[i] for i in chain] for first, chain in chains.items()}


def extract_notes(score: stream.Stream, *, allow_empty: bool = False,
                  expand_repeats: bool = False) -> NoteTable:
    """Return the sounding notes of a score.

    Parameters
    ----------
    score : music21 Stream
        Not changed. Parts without measures are measured on a copy.
    allow_empty : bool
        Return an empty table instead of an error.
    expand_repeats : bool
        Play repeats, endings and jumps out: bars and notes come as often as they sound, each
        with the element id of its source.

    Returns
    -------
    NoteTable
        Tied notes are one row. Ornaments, tremolos, arpeggios and fermatas do not change a row:
        a note has its written length. Grace notes are flagged and have duration 0. Microtones
        go to the nearest semitone, with a warning. Notes under an octave sign sound where it
        puts them. Notes that are hidden or of cue size count as notes.

    Raises
    ------
    EmptyScoreError
        If the score holds no pitched note, unless `allow_empty`.
    """
    whole = as_score(score)
    scanned = scan_score(whole, measured_parts(whole))
    bars = scanned_bars(scanned)
    _warn_of_lost(whole, scanned)
    ottavas = [o for o in whole.getElementsByClass(spanner.Ottava) if o.transposing]
    found = read_noteheads(scanned, ottavas)
    if not found.heads and not allow_empty:
        raise EmptyScoreError(
            'the score holds no pitched note; expected at least one (percussion, rests and '
            'chord symbols are not notes): give a score with notes')
    common, onset, end = _times(found, bars)
    leader = np.array(tie_leaders(found, onset.tolist(), end.tolist()), dtype=np.int64)
    grace = np.array(found.grace, dtype=np.bool_)
    # of the heads of one note the last ends last; it is a grace note if all of them are
    np.maximum.at(end, leader, end)
    np.logical_and.at(grace, leader, grace)
    first = np.flatnonzero(leader == np.arange(len(leader)))
    table = make_note_table(
        bars, onset=reduced(onset, common)[first], duration=reduced(end - onset, common)[first],
        pitch=_pitches(found)[first], fifths=np.array(found.fifths, dtype=np.int64)[first],
        part=np.array(found.part, dtype=np.int64)[first],
        staff=_staff_numbers(whole, scanned)[np.array(found.part, dtype=np.int64)][first],
        voice=np.array(found.voice, dtype=np.int64)[first],
        bar=np.array(found.bar, dtype=np.int64)[first],
        notehead=np.array(found.place, dtype=np.int64)[first], grace=grace[first],
        velocity=np.array(found.velocity, dtype=np.int64)[first],
        part_names=[str(p.part.partName or '') for p in scanned], tempi=_tempi(scanned, bars))
    return unfold_repeats(table, [p.part for p in scanned]) if expand_repeats else table


def _warn_of_lost(score: stream.Score, parts: Sequence[ScannedPart]) -> None:
    beside = [e for e in score.elements if kind_of(e) in ('notes', 'measure', 'voice', 'stream')
              and not isinstance(e, stream.Part)]
    lost = sum(part.num_lost for part in parts) + sum(count_notes(e) for e in beside)
    if lost:
        warn(f'{lost} notes stand beside the measures, or in streams inside them that are no '
             'voices, and were left out; put them into measures', SourceWarning)


def extract_tables(score: stream.Stream) -> tuple[NoteTable, ...]:
    """Return one note table for each score of an Opus, or the one of a single score."""
    scores = list(score.scores) if isinstance(score, stream.Opus) else [score]
    return tuple(extract_notes(one) for one in scores)


def _pitches(found: Noteheads) -> IntArray:
    written = np.array(found.written, dtype=np.float64)
    nearest = np.array([round(height) for height in found.written], dtype=np.int64)
    moved = int(np.count_nonzero(written != nearest))
    if moved:
        warn(f'{moved} noteheads are microtones; they go to the nearest semitone',
             SourceWarning)
    return nearest + np.array(found.shift, dtype=np.int64)


def _staff_numbers(score: stream.Score, parts: Sequence[ScannedPart]) -> IntArray:
    """Return the number of each part's staff: 1, or its place in its brace of PartStaffs."""
    place = {id(part.part): index for index, part in enumerate(parts)}
    numbers = np.ones(len(parts), dtype=np.int64)
    for group in score.getElementsByClass(layout.StaffGroup):
        staves = sorted(place[id(p)] for p in group.getSpannedElements()
                        if isinstance(p, stream.PartStaff) and id(p) in place)
        numbers[staves] = np.arange(1, len(staves) + 1)
    return numbers


def _tempi(parts: Sequence[ScannedPart], bars: Sequence[Bar]) -> list[Tempo]:
    """Return the tempi that are stated in numbers; at one moment, the topmost part's."""
    found: dict[Any, Tempo] = {}
    for part in parts:
        for index, scanned in enumerate(part.measures):
            for offset, mark in scanned.tempi:
                speed = mark.getQuarterBPM()
                if speed:
                    onset = bars[index].start_ql + exact(offset)
                    found.setdefault(onset, Tempo(onset, float(speed)))
    return [found[onset] for onset in sorted(found)]
