"""Runs of notes that return in any voice, transposed or not, by one oracle over all voices."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from qbdi_m21.analysis.motifs.voices import TICKS, IntArray, Voice
from qbdi_m21.oracle.build import build_oracle
from qbdi_m21.oracle.patterns import origins

FloatArray = npt.NDArray[np.float64]

#: A longer time between two notes, in quarters, is a break.
MAX_GAP = 4.0

#: The last note of a run counts with this much at most, in quarters.
_LAST = 1.0


@dataclass(frozen=True)
class Lines:
    """All voices, one after the other.

    Attributes
    ----------
    rows : ndarray of int64, shape (N,)
        Notes, as rows of the table.
    onset, duration : ndarray of float, shape (N,)
    pitch : ndarray of int64, shape (N,)
    moves : ndarray of int64, shape (N, 2)
        Diatonic interval and time, in ticks, from the note before; time -1 is a break.
    bits : ndarray of float, shape (N, 2)
        What interval and time say: -log2 of their shares among the moves of all voices.
    since : ndarray of int64, shape (N,)
        Moves since the last break.
    begins, ends : ndarray of float, shape (N,)
        How strongly a group begins at the note, and after it.
    """

    rows: IntArray
    onset: FloatArray
    duration: FloatArray
    pitch: IntArray
    moves: IntArray
    bits: FloatArray
    since: IntArray
    begins: FloatArray
    ends: FloatArray


@dataclass(frozen=True)
class Repetition:
    """A run of moves and where it stands.

    Attributes
    ----------
    size : int
        Notes.
    lasts : ndarray of int64
        The last note of each occurrence, as a place in the lines, in order.
    weight : float
        What each repetition is worth.
    """

    size: int
    lasts: IntArray
    weight: float

    def spans(self) -> list[tuple[int, int]]:
        """Half-open places of the occurrences of which none overlaps the one before."""
        found: list[tuple[int, int]] = []
        for last in self.lasts.tolist():
            if not found or last - self.size + 1 >= found[-1][1]:
                found.append((last - self.size + 1, last + 1))
        return found


@dataclass(frozen=True)
class Lengths:
    """What a motif's length may be, and should be, in quarters and notes."""

    shortest: float = 1.5
    longest: float = 12.0
    usual: float = 4.0
    min_notes: int = 4

    #: Spread of lengths around the usual one, as the standard deviation of their logarithm.
    spread: float = 0.8


def join_voices(voices: tuple[Voice, ...]) -> Lines:
    """Return voices one after the other."""
    moves, since = [], []
    for voice in voices:
        time = np.round(np.diff(voice.onset) * TICKS).astype(np.int64)
        time = np.concatenate([[-1], np.where(time > MAX_GAP * TICKS, -1, time)])
        moves.append(np.stack([np.concatenate([[0], np.diff(voice.degree)]), time], axis=1))
        place = np.arange(len(time))
        since.append(place - np.maximum.accumulate(np.where(time < 0, place, 0)))
    empty = np.zeros(0)

    def column(name: str) -> npt.NDArray[np.float64]:
        return np.concatenate([empty, *(getattr(voice, name) for voice in voices)])

    joined = np.concatenate([np.zeros((0, 2), np.int64), *moves])
    return Lines(column('rows').astype(np.int64), column('onset'), column('duration'),
                 column('pitch').astype(np.int64), joined, move_bits(joined, joined),
                 np.concatenate([np.zeros(0, np.int64), *since]),
                 np.concatenate([empty, *(voice.boundary[:-1] for voice in voices)]),
                 np.concatenate([empty, *(voice.boundary[1:] for voice in voices)]))


def move_bits(moves: IntArray, known: IntArray) -> FloatArray:
    """Return what moves say in a piece that has the known ones, shape (N, 2), in bits.

    An interval or time that the piece has not says as much as one that it has once.
    """
    held = known[known[:, 1] >= 0]
    bits = np.zeros(moves.shape)
    for column in (0, 1):
        kinds, counts = np.unique(held[:, column], return_counts=True)
        if len(kinds):
            place = np.minimum(np.searchsorted(kinds, moves[:, column]), len(kinds) - 1)
            count = np.where(kinds[place] == moves[:, column], counts[place], 1)
            bits[:, column] = -np.log2(count / len(held))
    return bits


def repetitions(lines: Lines, lengths: Lengths, min_count: int = 2) -> list[Repetition]:
    """Return all runs that return and have the right length, with their weights.

    An oracle over the moves of all voices says where each note's longest repeated suffix was
    heard before, and how long it is. Runs of m moves that lead to one origin are equal.

    A repetition is worth more if groups begin and end where it does, if its occurrences stand
    alike in the beat, if its moves differ, and if it has about the usual length.
    """
    if len(lines.rows) < lengths.min_notes:
        return []
    broken = lines.moves[:, 1] < 0
    kinds, symbols = np.unique(np.where(broken[:, None], [[0, -1]], lines.moves), axis=0,
                               return_inverse=True)
    del kinds
    oracle = build_oracle(symbols.reshape(-1, 1).astype(np.float64), 0.5)
    before = _last_places(symbols.ravel())
    phase = np.round(lines.onset % 1.0 * TICKS).astype(np.int64) % TICKS
    found: list[Repetition] = []
    place = np.arange(len(lines.rows))
    for size in range(lengths.min_notes, int(lines.since.max(initial=0)) + 2):
        moves = size - 1
        last = place[lines.since >= moves]
        span = lines.onset[last] - lines.onset[last - moves]
        fits = span <= lengths.longest
        if not fits.any() or oracle.lrs.max() < moves:
            break
        fits &= span + np.minimum(lines.duration[last], _LAST) >= lengths.shortest
        last = last[fits]
        state = origins(last + 1, moves, oracle)
        _, group, counts = np.unique(state, return_inverse=True, return_counts=True)
        chosen = counts[group] >= min_count
        if not chosen.any():
            continue
        last = last[chosen]
        _, group = np.unique(group[chosen], return_inverse=True)
        found += _weighed(lines, lengths, before, phase, size, last, group)
    return found


def _last_places(symbols: IntArray) -> IntArray:
    """Return the last earlier place of each symbol, -1 without one."""
    order = np.argsort(symbols, kind='stable')
    same = symbols[order][1:] == symbols[order][:-1]
    before = np.full(len(symbols), -1)
    before[order[1:][same]] = order[:-1][same]
    return before


def _weighed(lines: Lines, lengths: Lengths, before: IntArray, phase: IntArray, size: int,
             last: IntArray, group: IntArray) -> list[Repetition]:
    """Return the groups of runs of one size, weighed."""
    first = last - size + 1
    count = np.bincount(group)
    begins = np.bincount(group, lines.begins[first]) / count
    ends = np.bincount(group, lines.ends[last]) / count
    _, place, number = np.unique(group * TICKS + phase[first], return_index=True,
                                 return_counts=True)
    aligned = np.zeros(len(count))
    np.maximum.at(aligned, group[place], number)
    order = np.argsort(group, kind='stable')
    bounds = np.concatenate([[0], np.cumsum(count)])
    leader = last[order[bounds[:-1]]]
    inside = leader[:, None] - np.arange(size - 1)
    variety = (before[inside] < (leader - size + 2)[:, None]).sum(axis=1)
    span = np.maximum(lines.onset[leader] - lines.onset[leader - size + 1], 0.5)
    usual = np.exp(-0.5 * (np.log(span / lengths.usual) / lengths.spread) ** 2)
    weight = (begins + 0.02) * np.sqrt(ends + 0.02) * (aligned / count) ** 2 * variety * usual
    sorted_lasts = np.split(last[order], bounds[1:-1])
    return [Repetition(size, lasts, float(w))
            for lasts, w in zip(sorted_lasts, weight, strict=True)]
