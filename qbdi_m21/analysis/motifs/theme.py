"""Where a given theme occurs: transposed, answered, varied, with notes added or left out."""

from __future__ import annotations

import numpy as np

from qbdi_m21.analysis.motifs.places import Place, occurrence
from qbdi_m21.analysis.motifs.repetitions import join_voices
from qbdi_m21.analysis.motifs.result import Occurrence
from qbdi_m21.analysis.motifs.variants import LEAST, places_like
from qbdi_m21.analysis.motifs.voices import IntArray, Voice, voices_of
from qbdi_m21.errors import ParameterError
from qbdi_m21.frames.encode import Source, read_table
from qbdi_m21.frames.grid import Grid


def find_theme(source: Source, theme: Source, *,
               min_similarity: float = LEAST) -> tuple[Occurrence, ...]:
    """Return where a theme occurs in a score, in any voice and transposition.

    Parameters
    ----------
    source : music21 Stream, NoteTable, Frames or Music
        The piece; not changed.
    theme : music21 Stream, NoteTable, Frames or Music
        Its upper line is looked for; at least three notes.
    min_similarity : float
        From 0 to 1. At 1 only places with the theme's intervals on the staff and its rhythm
        are found; at .75 most varied and tonally answered ones.

    Returns
    -------
    tuple of Occurrence
        In order of time; of places that overlap in a voice, the more similar. The first note's
        `transposition` is in semitones from the theme's.

    Raises
    ------
    ParameterError
        If the theme has fewer than three notes, or `min_similarity` is out of range.

    Notes
    -----
    A place is as similar as the share of the theme's bits that it has, at their best alignment.
    What interval and rhythm of a move from note to note say is -log2 of their shares in the
    piece; an interval that only goes the same way shares half, or three quarters if it is a step
    off. A note added or left out costs half of what a move of the theme says on average.
    """
    if not 0 < min_similarity <= 1:
        raise ParameterError(f'min_similarity is {min_similarity}; expected above 0, up to 1')
    table, _ = read_table(source)
    wanted = _line_of(theme)
    moves = theme_moves(theme)
    lines = join_voices(voices_of(table))
    places = places_like(moves, lines, min_similarity)
    grid = Grid(table.bars)
    found = []
    for start, stop, similarity in places:
        rows = lines.rows[start:stop]
        exact = np.array_equal(lines.moves[start + 1:stop], moves)
        place = Place(rows, 1.0 - similarity, exact, None, int(table.part[rows[0]]))
        found.append(occurrence(place, int(wanted.pitch[0]), grid, table, True))
    return tuple(sorted(found, key=lambda o: (o.start_ql, o.part or 0)))


def theme_moves(theme: Source) -> IntArray:
    """Return the moves of a theme's upper line, shape (M, 2), M >= 2.

    Raises
    ------
    ParameterError
        If it has fewer than three notes, or a long rest.
    """
    own = join_voices((_line_of(theme),))
    if len(own.rows) < 3 or (own.moves[1:, 1] < 0).any():
        raise ParameterError(f'the theme has {len(own.rows)} notes in its upper line'
                             + (', and a rest of a bar or more' if len(own.rows) > 2 else '')
                             + '; expected at least three that follow each other')
    return own.moves[1:]


def _line_of(theme: Source) -> Voice:
    table, _ = read_table(theme)
    voices = voices_of(table)
    if not voices:
        raise ParameterError(f'the theme has {len(table)} notes; expected at least three')
    return max(voices, key=lambda voice: len(voice.rows))
