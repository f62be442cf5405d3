"""What sounds on each beat of a piece, weighed as it is heard."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from qbdi_m21.analysis.motifs.voices import voices_of
from qbdi_m21.frames.features import pitch_classes
from qbdi_m21.frames.grid import Grid
from qbdi_m21.frames.measures import metrical_weights
from qbdi_m21.frames.ratios import to_ratios
from qbdi_m21.frames.roll import Frames
from qbdi_m21.frames.table import NoteTable

FloatArray = npt.NDArray[np.float64]

#: What a passing or neighbour note weighs against a note of the harmony.
PASSING = 0.5

#: What a beat without any metrical weight counts against a downbeat.
WEAK = 0.75


@dataclass(frozen=True)
class Beats:
    """The beats of one side.

    Attributes
    ----------
    weights : ndarray of float, shape (B, 12)
        How long each pitch class sounds on a beat, octaves counted apart; passing and neighbour
        notes count half.
    pitches : tuple of frozenset of int
        MIDI numbers that sound.
    """

    weights: FloatArray
    pitches: tuple[frozenset[int], ...]


def beat_spans(grid: Grid) -> list[tuple[int, int]]:
    """Return the half-open frame span of every beat; a pickup's beats end on the barline."""
    spans = []
    for index, bar in enumerate(grid.bars):
        start, stop = int(grid.bar_starts[index]), int(grid.bar_starts[index + 1])
        beat = [int((grid.offset_at_frame(k) - bar.start_ql + bar.lead_ql) // bar.beat_ql)
                for k in range(start, stop)]
        edges = [k for k in range(len(beat)) if k == 0 or beat[k] != beat[k - 1]]
        spans += [(start + a, start + b) for a, b in
                  zip(edges, [*edges[1:], stop - start], strict=True)]
    return spans


def read_beats(frames: Frames, table: NoteTable | None, spans: list[tuple[int, int]]) -> Beats:
    """Return what sounds on each beat, from frames and, where they are known, from the notes."""
    counts = pitch_classes(frames)
    if table is not None:
        counts = counts - (1 - PASSING) * _of_notes(frames, table, passing_notes(table))
        counts = np.maximum(counts, 0.0)
    pitches = tuple(frozenset((frames.pitch_low + np.flatnonzero(
        frames.sounding[start:stop].any(axis=0))).tolist()) for start, stop in spans)
    return Beats(np.stack([counts[start:stop].sum(axis=0) for start, stop in spans]), pitches)


def _of_notes(frames: Frames, table: NoteTable, rows: npt.NDArray[np.int64]) -> FloatArray:
    """Return the pitch-class counts, (T, 12), of some notes where they are alone on their key."""
    counts = np.zeros((frames.grid.num_frames, 12))
    for row in rows.tolist():
        start = frames.grid.frame_at_offset(table.onset_at(row))
        stop = max(frames.grid.frame_at_offset(table.end_at(row)), start + 1)
        counts[start:stop, int(table.pitch[row]) % 12] += 1
    return counts


def passing_notes(table: NoteTable) -> npt.NDArray[np.int64]:
    """Return the rows of passing and neighbour notes.

    A note is one if it lasts at most half a beat, stands on a weaker place than the note after
    it or before it, and is reached and left by at most two semitones in its voice.
    """
    weight = table.weight
    beats = np.array([float(bar.beat_ql) for bar in table.bars])
    found: list[int] = []
    for voice in voices_of(table):
        if len(voice.rows) < 3:
            continue
        step = np.abs(np.diff(voice.pitch))
        near = (step > 0) & (step <= 2)
        strength = weight[voice.rows]
        inner = np.flatnonzero(
            near[:-1] & near[1:]
            & (voice.duration[1:-1] <= beats[table.bar[voice.rows[1:-1]]] / 2)
            & (strength[1:-1] < np.maximum(strength[:-2], strength[2:])))
        found += voice.rows[inner + 1].tolist()
    return np.array(sorted(set(found)), dtype=np.int64)


def beat_strength(grid: Grid, spans: list[tuple[int, int]]) -> FloatArray:
    """Return what each beat counts by its place in the bar, shape (B,): `WEAK` to 1."""
    offsets: list[Fraction] = [grid.offset_at_frame(start) for start, _ in spans]
    bars = np.array([grid.bar_at_offset(offset) for offset in offsets], dtype=np.int64)
    return WEAK + (1 - WEAK) * metrical_weights(grid.bars, to_ratios(offsets), bars)
