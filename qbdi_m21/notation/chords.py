"""Chord symbols over a score: the harmony that is inferred on each beat, where it changes."""

from __future__ import annotations

import copy
from fractions import Fraction

import numpy as np
from music21 import harmony, stream

from qbdi_m21.analysis.beats import beat_spans, read_beats
from qbdi_m21.analysis.harmony import infer_chord
from qbdi_m21.frames.encode import read_music
from qbdi_m21.frames.measures import as_score, give_measures, measured_parts
from qbdi_m21.frames.spelling import spelling_table

#: What music21 calls the qualities of :data:`qbdi_m21.analysis.harmony.TEMPLATES`.
_KINDS = {'': 'major', 'm': 'minor', '7': 'dominant-seventh', 'm7': 'minor-seventh',
          'maj7': 'major-seventh', 'dim': 'diminished', 'm7\u266d5': 'half-diminished-seventh',
          'dim7': 'diminished-seventh', 'aug': 'augmented'}


def chord_symbol(chord: tuple[int, str], sharps: int = 0) -> harmony.ChordSymbol:
    """Return the music21 symbol of a chord that :func:`infer_chord` gave, spelled in a key."""
    root, quality = chord
    symbol = harmony.ChordSymbol(root=spelling_table(sharps)[root], kind=_KINDS[quality])
    symbol.writeAsChord = False
    return symbol


def add_chords(score: stream.Score) -> stream.Score:
    """Return a copy of a score with a chord symbol above the top staff where the harmony changes.

    Parameters
    ----------
    score : music21.stream.Score
        Not changed.

    Returns
    -------
    music21.stream.Score
        Chords are inferred by beat, as :func:`qbdi_m21.find_collisions` does: passing notes count
        half, and beats that fit no chord have no symbol. `derivation` leads to the score.
    """
    copied: stream.Score = copy.deepcopy(as_score(score))
    give_measures(copied)
    music = read_music(as_score(score))
    grid = music.frames.grid
    spans = beat_spans(grid)
    measures = list(measured_parts(copied)[0].getElementsByClass(stream.Measure))
    last = None
    for (start, _), weights in zip(spans, read_beats(music.frames, music.table, spans).weights,
                                   strict=True):
        chord = infer_chord(np.asarray(weights))
        if chord is not None and chord != last:
            offset: Fraction = grid.offset_at_frame(start)
            bar = grid.bar_at_offset(offset)
            measures[bar].insert(float(offset - grid.bars[bar].start_ql),
                                 chord_symbol(chord, grid.bars[bar].sharps))
            last = chord
    copied.derivation.origin, copied.derivation.method = score, 'add_chords'
    return copied
