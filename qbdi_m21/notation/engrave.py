"""From note tables and frames to a score that a musician can read.

The measures are made here, each exactly full; music21's makeMeasures, makeTies, makeVoices and
makeRests are not used, since together they hide beats, collide stems and lose notes in
notation programs.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from music21 import bar as m21bar
from music21 import instrument, layout, metadata, stream

from qbdi_m21.errors import NotationError, NotationWarning, ParameterError, warn
from qbdi_m21.frames.notes import extract_notes
from qbdi_m21.frames.raster import frames_to_table
from qbdi_m21.frames.ratios import IntArray
from qbdi_m21.frames.roll import Frames
from qbdi_m21.frames.table import NoteTable
from qbdi_m21.notation.clefs import usual_clefs
from qbdi_m21.notation.staff import StaffWriter
from qbdi_m21.notation.staves import MIDDLE_C, divide_hands, nearest_parts
from qbdi_m21.notation.timing import engraved_bars, place_notes, warn_of_moves

#: A part of which this share of the quarters spans more than a tenth is keyboard music.
_TENTH, _OFTEN = 16, 0.25

#: MIDI number of the lowest note of MusicXML's lowest octave.
LOWEST_PITCH = 12

#: How notes of one part are divided among staves or parts.
Split = int | Literal['hands', 'parts']


@dataclass(frozen=True)
class _Player:
    """One name with one staff or several: the rows of the table that each has."""

    name: str
    staves: tuple[IntArray, ...]


def to_score(music: Frames | NoteTable, *, template: stream.Score | None = None,
             split: Split = 'hands', name: str = 'Piano') -> stream.Score:
    """Return frames or a note table as a score.

    Parameters
    ----------
    music : Frames or NoteTable
        On any grid. A table of several parts, or staves, keeps them.
    template : music21.stream.Score, optional
        Gives repeat signs and double bars, title and composer. Bars, meters, pickup and key
        signature are those of `music`.
    split : int, 'hands' or 'parts'
        How one part is divided: between two hands on two staves, each within reach; at a MIDI
        number, from which on notes go to the upper of two staves; or among the parts of the
        template, each note to the one whose own notes are nearest around it.
    name : str
        Of the part, where it has none.

    Returns
    -------
    music21.stream.Score
        Onset, pitch and length of every note are those given; see :func:`engrave`.

    Raises
    ------
    ParameterError
        If `split` is none of these, or 'parts' without a template.

    Warns
    -----
    QuantizationWarning
        How many notes start or end where notation reaches no more, and how far they moved.
    """
    table = music if isinstance(music, NoteTable) else frames_to_table(music)
    if isinstance(split, str) and split not in ('hands', 'parts'):
        raise ParameterError(f"split is {split!r}; expected 'hands', 'parts' or a MIDI number")
    if len(table.part_names) > 1:
        score = engrave(table)
    elif split == 'parts':
        if template is None:
            raise ParameterError("split is 'parts', but no template was given; give the score "
                                 'whose parts are to have the notes')
        score = engrave(_in_parts(table, extract_notes(template, allow_empty=True)), brace=False)
    else:
        own = table.part_names[0] if table.part_names else ''
        staff = table.staff
        if not _several(staff):
            staff = divide_hands(table) if split == 'hands' else np.where(
                table.pitch >= int(split), 1, 2).astype(np.int64)
        # both staves are there though one is silent
        numbers = sorted({1, 2, *np.unique(staff).tolist()})
        score = _engrave(table, [_Player(own or name, tuple(
            np.flatnonzero(staff == number) for number in numbers))])
    if template is not None:
        copy_signs(template, score)
        if template.metadata is not None:
            score.metadata.title = plain_title(template)
            score.metadata.composer = template.metadata.composer
    return score


def _in_parts(table: NoteTable, model: NoteTable) -> NoteTable:
    """Return a table with the parts and staves of another."""
    part = nearest_parts(table, model)
    staff_of = np.ones(len(model.part_names), dtype=np.int64)
    staff_of[model.part] = model.staff
    order = np.lexsort((table.pitch, part, table.onset_ql))
    return replace(table, part=part, staff=staff_of[part],
                   part_names=model.part_names).select(order)


def engrave(table: NoteTable, *, brace: bool | None = None) -> stream.Score:
    """Return a note table as a score, one part for each of its parts.

    Parameters
    ----------
    table : NoteTable
        Notes are spelled, and tempi and velocities given, as it says. Grace notes stand before
        the note of their onset.
    brace : bool, optional
        Two braced staves for each part, or one; by default as its range asks. A part whose
        notes name several staves has those; parts whose notes are on staves 1, 2, ... in turn
        are braced together.

    Returns
    -------
    music21.stream.Score
        Every measure is full. Onset, pitch and length of every note are exact wherever plain
        notes or a tuplet (3, 5, 7, 9, 11, 13 or 15 in the time of others) reach; other places
        go to the nearest. Bars whose own length notation does not have are rounded to 64ths.
        A staff has four voices at most; where more sound, some share chords, with ties.

    Warns
    -----
    QuantizationWarning
        How many notes moved, and how far.
    """
    return _engrave(table, _players(table, brace))


def _engrave(table: NoteTable, players: Sequence[_Player]) -> stream.Score:
    table = replace(table, grace=table.grace | (table.duration[:, 0] == 0))
    _check_range(table)
    bars = engraved_bars(table.bars)
    placed = place_notes(table, bars)
    score = stream.Score()
    score.insert(0, metadata.Metadata())
    writer = StaffWriter(table, bars, placed)
    for index, player in enumerate(players, start=1):
        braced = len(player.staves) > 1
        staves = []
        for number, rows in enumerate(player.staves):
            staff = writer.write(rows, stream.PartStaff() if braced else stream.Part(),
                                 number=number, tempi=index == 1 and not number,
                                 clefs=usual_clefs(player.name, number, len(player.staves)))
            staff.id = f'P{index}-Staff{number + 1}' if braced else f'P{index}'
            sound = instrument.Piano()
            staff.partName = sound.partName = player.name
            staff.partAbbreviation = sound.partAbbreviation = player.name[:4] + '.' * (
                len(player.name) > 4)
            staff.insert(0, sound)
            score.insert(0, staff)
            staves.append(staff)
        if braced:
            score.insert(0, layout.StaffGroup(staves, name=player.name, symbol='brace',
                                              barTogether=True))
    warn_of_moves(placed.moved, len(table))
    return score


def _check_range(table: NoteTable) -> None:
    """Raise where MusicXML has no octave for a note; warn of notes that outlast the bars."""
    if table.pitch.min(initial=LOWEST_PITCH) < LOWEST_PITCH:
        raise NotationError(f'the lowest note is MIDI {table.pitch.min()}; notation files have no '
                            f'octave below {LOWEST_PITCH} (C0): transpose the notes or leave them '
                            'out')
    end = table.bars[-1].end_ql if table.bars else 0
    late = int(np.count_nonzero(table.end[:, 0] / table.end[:, 1] > float(end)))
    if late:
        warn(f'{late} of {len(table)} notes last beyond the last bar and were cut there',
             NotationWarning)


def _players(table: NoteTable, brace: bool | None) -> list[_Player]:
    """Return names and staves, in the order of the parts."""
    players: list[_Player] = []
    before = 0          # the staff number of the part before, where it stands alone
    for part, name in enumerate(table.part_names):
        rows = np.flatnonzero(table.part == part)
        staff = table.staff[rows]
        number = int(staff[0]) if len(rows) else 1
        if _several(staff):
            players.append(_Player(name, tuple(rows[staff == n] for n in np.unique(staff))))
            before = 0
        elif number == before + 1 > 1:
            players[-1] = _Player(players[-1].name, (*players[-1].staves, rows))
            before = number
        else:
            players.append(_Player(name, _divided(table, rows, brace)))
            before = number if len(players[-1].staves) == 1 else 0
    return players


def _divided(table: NoteTable, rows: IntArray, brace: bool | None) -> tuple[IntArray, ...]:
    if brace is False or (brace is None and not _needs_two_staves(table.select(rows))):
        return (rows,)
    hand = divide_hands(table.select(rows))
    return rows[hand == 1], rows[hand == 2]


def _needs_two_staves(part: NoteTable) -> bool:
    """Return whether a part is often high and low within one quarter, as keyboard music is."""
    if not len(part) or part.pitch.min() >= MIDDLE_C - 7 or part.pitch.max() <= MIDDLE_C + 7:
        return False
    quarter = np.floor(part.onset_ql).astype(np.int64)
    first = np.flatnonzero(np.diff(quarter, prepend=-1))
    spread = np.maximum.reduceat(part.pitch, first) - np.minimum.reduceat(part.pitch, first)
    return bool(np.mean(spread > _TENTH) > _OFTEN)


def _several(values: IntArray) -> bool:
    return len(values) > 0 and bool((values != values[0]).any())


def copy_signs(source: stream.Score, target: stream.Score) -> None:
    """Copy repeats, double bars and the look of meters from a score's first part to every staff.

    A barline on some staves only is read as lying inside the measure.
    """
    first = source.parts.first()
    if first is None:
        return
    measures = list(first.getElementsByClass(stream.Measure))
    for part in target.parts:
        for theirs, ours in zip(measures, part.getElementsByClass(stream.Measure), strict=False):
            if ours.timeSignature is not None and theirs.timeSignature is not None:
                ours.timeSignature.symbol = theirs.timeSignature.symbol
            for side in ('leftBarline', 'rightBarline'):
                line = getattr(theirs, side)
                if isinstance(line, m21bar.Repeat):
                    setattr(ours, side, m21bar.Repeat(direction=line.direction, times=line.times))
                elif line is not None and line.type in ('double', 'final', 'dashed', 'dotted'):
                    setattr(ours, side, m21bar.Barline(line.type))


def plain_title(score: stream.Score) -> str:
    """Return a score's title, without the suffix of a file that gave it; or an empty string."""
    about = score.metadata
    title = (about.bestTitle if about is not None else None) or ''
    path = str(about.corpusFilePath or '') if about is not None else ''
    if path and re.fullmatch(r'(movement|book)\s*\d*(\.\w+)?|', title):
        title = path        # 'movement2' says nothing
    return re.sub(r'\.(mxl|musicxml|xml|abc|krn|mid|midi|mei)$', '', title)


def improvisation_title(query: stream.Score) -> str:
    """Return the title of an improvisation on a score."""
    title = plain_title(query)
    return f'Improvisation on {title}' if title else 'Improvisation'
