"""From any source of music to frames: the one door that analyses and the channel use."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal, TypeAlias

from music21 import stream

from qbdi_m21.errors import ParameterError
from qbdi_m21.frames.notes import extract_notes
from qbdi_m21.frames.raster import StepLike, frames_to_table, parse_step, table_to_frames
from qbdi_m21.frames.roll import PITCH_RANGE, Frames
from qbdi_m21.frames.table import NoteTable


@dataclass(frozen=True)
class Music:
    """A piece as analyses take it: read once, analysed often.

    Attributes
    ----------
    frames : Frames
        On a sixteenth grid.
    table : NoteTable or None
        Its notes, where they are known: findings then name elements of the score.
    side : str
        'improvisation' for a score that this package decoded, else 'query'.
    """

    frames: Frames
    table: NoteTable | None = None
    side: str = 'query'


#: Methods of the derivations of scores that this package decoded.
MADE = ('improvise', 'sample', 'interpolate', 'decode', 'resynthesise')

Source: TypeAlias = stream.Stream | NoteTable | Frames | Music


def to_frames(score: stream.Stream | NoteTable, *, step: StepLike = Fraction(1, 4),
              pitch_range: tuple[int, int] = PITCH_RANGE,
              outside: Literal['drop', 'fold'] = 'drop', velocity: bool = False) -> Frames:
    """Return the frames of a score, all parts merged.

    Parameters
    ----------
    score : music21 Stream or NoteTable
        The caller's score is not changed.
    step : number, str or Fraction
        Frame length in quarter lengths (0.25 by default, a sixteenth; ``'1/6'`` for triplets);
        'beat' or 'bar' for a frame each; 'auto' for the longest that moves no note.
    pitch_range : (int, int)
        Lowest MIDI number, and one past the highest.
    outside : 'drop' or 'fold'
        What becomes of notes outside the range: left out, or moved by octaves into it.
    velocity : bool
        Give the frames a velocity plane.

    Returns
    -------
    Frames
        Bars, meters and pickup are the score's own.

    Raises
    ------
    EmptyScoreError
        If the score holds no pitched note.

    Notes
    -----
    Source: Dubnov 2019, section 3. Warnings tell how many notes were moved or left out.
    """
    table = score if isinstance(score, NoteTable) else extract_notes(score)
    return table_to_frames(table, step=step, pitch_range=pitch_range, outside=outside,
                           velocity=velocity)


def to_part_frames(score: stream.Stream | NoteTable, *, step: StepLike = Fraction(1, 4),
                   **options: Any) -> tuple[Frames, ...]:
    """Return the frames of each part of a score, all on one grid.

    Parameters are those of :func:`to_frames`; with ``step='auto'`` the step moves no note of
    any part.
    """
    table = score if isinstance(score, NoteTable) else extract_notes(score)
    # of a beat, a bar or a number, the same; 'auto' is looked up once for all parts
    found = parse_step(step, table)
    return tuple(table_to_frames(table.select(table.part == part), step=found, **options)
                 for part in range(len(table.part_names)))


def read_table(source: Source) -> tuple[NoteTable, str]:
    """Return the notes of any source of music, and its side (see `Music`).

    Bare frames give the notes that they would be written as.
    """
    if isinstance(source, Music):
        return source.table or frames_to_table(source.frames), source.side
    if isinstance(source, Frames):
        return frames_to_table(source), 'query'
    side = 'query'
    if isinstance(source, stream.Stream):
        side = 'improvisation' if source.derivation.method in MADE else 'query'
        source = extract_notes(source, allow_empty=side == 'improvisation')
    if not isinstance(source, NoteTable):
        raise ParameterError(f'got {type(source).__name__}; expected a music21 Stream, a '
                             'NoteTable, Frames or Music')
    return source, side


def read_music(source: Source) -> Music:
    """Return any source of music as frames and notes.

    A score that this package decoded may be silent; any other must hold a note.
    """
    if isinstance(source, Music):
        return source
    if isinstance(source, Frames):
        return Music(source)
    table, side = read_table(source)
    return Music(table_to_frames(table), table, side)
