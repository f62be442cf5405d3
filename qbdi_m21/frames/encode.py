"""From any source of music to frames: the one door that analyses and the channel use."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TypeAlias

from music21 import stream

from qbdi_m21.errors import ParameterError
from qbdi_m21.frames.notes import NoteTable, extract_notes
from qbdi_m21.frames.roll import PITCH_RANGE, Frames, table_to_frames


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
        'improvisation' for a score that :func:`qbdi_m21.improvise` made, else 'query'.
    """

    frames: Frames
    table: NoteTable | None = None
    side: str = 'query'


Source: TypeAlias = stream.Stream | NoteTable | Frames | Music


def to_frames(score: stream.Stream | NoteTable, *, step: float | Fraction = Fraction(1, 4),
              pitch_range: tuple[int, int] = PITCH_RANGE) -> Frames:
    """Return the frames of a score, all parts merged.

    Parameters
    ----------
    score : music21 Stream or NoteTable
        The caller's score is not changed.
    step : float or Fraction
        Frame length in quarter lengths; a sixteenth by default.
    pitch_range : (int, int)
        Lowest MIDI number, and one past the highest.

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
    return table_to_frames(table, step=step, pitch_range=pitch_range)


def read_music(source: Source) -> Music:
    """Return any source of music as frames and notes.

    A score that :func:`qbdi_m21.improvise` made may be silent; any other must hold a note.
    """
    if isinstance(source, Music):
        return source
    if isinstance(source, Frames):
        return Music(source)
    side = 'query'
    if isinstance(source, stream.Stream):
        side = 'improvisation' if source.derivation.method == 'improvise' else 'query'
        source = extract_notes(source, allow_empty=side == 'improvisation')
    if not isinstance(source, NoteTable):
        raise ParameterError(f'got {type(source).__name__}; expected a music21 Stream, a '
                             'NoteTable, Frames or Music')
    return Music(table_to_frames(source), source, side)
