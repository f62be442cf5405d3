"""Voices: the lines in which motifs are looked for, and where a listener hears them divided."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from qbdi_m21.frames.table import NoteTable

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

#: Ticks of a quarter note for comparing times: divides by 2, 3, 5 and 7 often enough.
TICKS = 10080

#: Lines that are taken from one voice or staff: the upper one, and the upper one of the rest.
LINES = 2

#: A fifth is four steps of the staff.
_STEPS_OF_FIFTH = 4

#: Weights of pitch interval, onset interval and rest in boundary strength (Cambouropoulos 2001).
_BOUNDARY = (0.25, 0.5, 0.25)


@dataclass(frozen=True)
class Voice:
    """A line of notes, one at a time.

    Attributes
    ----------
    rows : ndarray of int64, shape (N,)
        Its notes, as rows of the table, in order.
    onset, duration : ndarray of float, shape (N,)
        In quarter lengths.
    pitch, degree : ndarray of int64, shape (N,)
        MIDI numbers, and places on the diatonic staff (C4 is 28).
    boundary : ndarray of float, shape (N + 1,)
        How strongly a group of notes begins at each note, 0 to 1; the ends are 1.
    """

    rows: IntArray
    onset: FloatArray
    duration: FloatArray
    pitch: IntArray
    degree: IntArray
    boundary: FloatArray


def degrees(table: NoteTable) -> IntArray:
    """Return the place of each note on the diatonic staff: C4 is 28, D4 and D flat 4 are 29."""
    step = (_STEPS_OF_FIFTH * table.fifths) % 7
    # what the letter has without accidentals, and the octave in which it is written
    plain = np.array([0, 2, 4, 5, 7, 9, 11])[step]
    natural = np.array([0, 2, 4, -1, 1, 3, 5])[step]
    altered = (table.fifths - natural) // 7
    return np.asarray(7 * ((table.pitch - altered - plain) // 12 - 1) + step, dtype=np.int64)


def voices_of(table: NoteTable) -> tuple[Voice, ...]:
    """Return the lines of a table, staff by staff.

    A staff's voices are those that the score writes. Where several notes start together in one,
    as in piano music, it has two lines: its highest sounding notes, and the highest of the rest.
    Grace notes are left out.
    """
    place = degrees(table)
    kept = np.flatnonzero(~table.grace)
    keys = np.stack([table.part, table.staff, np.maximum(table.voice, 1)])[:, kept]
    voices = []
    for key in np.unique(keys, axis=1).T:
        rest = kept[(keys == key[:, None]).all(axis=0)]
        for _ in range(LINES):
            upper = _upper_line(table, rest)
            if len(upper) > 1:
                onset, duration = table.onset_ql[upper], table.duration_ql[upper]
                voices.append(Voice(upper, onset, duration, table.pitch[upper], place[upper],
                                    boundary_strength(onset, duration, table.pitch[upper])))
            rest = np.setdiff1d(rest, upper)
    return tuple(voices)


def _upper_line(table: NoteTable, rows: IntArray) -> IntArray:
    """Return the rows that sound above all others of theirs when they start."""
    onset = np.round(table.onset_ql[rows] * TICKS).astype(np.int64)
    end = onset + np.round(table.duration_ql[rows] * TICKS).astype(np.int64)
    order = np.lexsort((-table.pitch[rows], onset))
    line: list[int] = []
    sounding: list[tuple[int, int]] = []
    last = None
    for k in order.tolist():
        start, pitch = int(onset[k]), int(table.pitch[rows[k]])
        if start == last:
            continue
        sounding = [(p, until) for p, until in sounding if until > start]
        if any(p > pitch for p, _ in sounding):
            continue
        last = start
        line.append(k)
        sounding.append((pitch, int(end[k])))
    return rows[np.array(line, dtype=np.int64)]


def boundary_strength(onset: FloatArray, duration: FloatArray,
                      pitch: npt.NDArray[Any]) -> FloatArray:
    """Return how strongly a group begins at each note of a line, shape (N + 1,), 0 to 1.

    Source: Cambouropoulos 2001, the Local Boundary Detection Model: a boundary is where
    intervals of pitch, of onsets and rests change, by how much they do and how large they are.
    """
    count = len(onset)
    strength = np.ones(count + 1)
    if count < 3:
        return strength
    rest = np.maximum(0.0, onset[1:] - (onset + duration)[:-1])
    intervals = np.abs(np.diff(pitch)).astype(np.float64), np.diff(onset), rest
    strength[1:-1] = sum(weight * _profile(interval)
                         for weight, interval in zip(_BOUNDARY, intervals, strict=True))
    return strength


def _profile(interval: FloatArray) -> FloatArray:
    one, two = interval[:-1], interval[1:]
    total = one + two
    change = np.divide(np.abs(one - two), total, out=np.zeros_like(total), where=total > 0)
    change = np.concatenate([[0.0], change, [0.0]])
    profile = interval * (change[:-1] + change[1:])
    largest = profile.max()
    return np.asarray(profile / largest if largest > 0 else profile)
