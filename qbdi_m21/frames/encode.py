"""From any source of music to frames: the one door that analyses and the channel use."""

from __future__ import annotations

from fractions import Fraction

from music21 import stream

from qbdi_m21.errors import ParameterError
from qbdi_m21.frames.notes import NoteTable, extract_notes
from qbdi_m21.frames.roll import PITCH_RANGE, Frames, table_to_frames

Source = stream.Stream | NoteTable | Frames


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


def as_frames(source: Source) -> tuple[Frames, NoteTable | None]:
    """Return the frames of a source at a sixteenth, and its note table where it has one."""
    if isinstance(source, Frames):
        return source, None
    if isinstance(source, stream.Stream):
        source = extract_notes(source)
    if not isinstance(source, NoteTable):
        raise ParameterError(f'got {type(source).__name__}; expected a music21 Stream, a '
                             'NoteTable or Frames')
    return table_to_frames(source), source


def improvised(source: Source) -> bool:
    """Whether a source is a score that :func:`qbdi_m21.improvise` made."""
    return isinstance(source, stream.Stream) and source.derivation.method == 'improvise'
