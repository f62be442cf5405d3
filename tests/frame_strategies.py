"""Grids, tables and frames of every kind, by hypothesis."""

from dataclasses import fields
from fractions import Fraction
from itertools import pairwise

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from strategies import METERS, bar_sequences, odd_bar_sequences, table_of

from qbdi_m21.frames.grid import Grid
from qbdi_m21.frames.roll import Frames
from qbdi_m21.frames.table import NoteTable, Tempo, make_note_table

any_bars = bar_sequences() | odd_bar_sequences()

lengths = st.sampled_from([Fraction(1, 4), Fraction(1, 8), Fraction(1, 3), Fraction(1, 12),
                           Fraction(3, 8), Fraction(5, 7), Fraction(2), Fraction(9)])
any_steps = lengths | st.sampled_from(['beat', 'bar'])

#: Denominators of notation, and three primes whose product with a step leaves int64.
denominators = st.sampled_from([1, 2, 3, 4, 5, 7, 12, 32, 65497, 65519, 65521])


@st.composite
def offsets_in(draw, bars, max_size=8):
    """Offsets from the start of bars to their end, and some on barlines and between."""
    end = bars[-1].end_ql
    result = []
    for below in draw(st.lists(denominators, min_size=1, max_size=max_size)):
        result.append(Fraction(draw(st.integers(0, int(end * below))), below))
    return result


def ratios(values):
    """Numerators and denominators, shape (N, 2)."""
    return np.array([(v.numerator, v.denominator) for v in values], dtype=np.int64).reshape(-1, 2)


def fractions(pairs):
    """Undo :func:`ratios`."""
    return [Fraction(n, d) for n, d in np.asarray(pairs).tolist()]


@st.composite
def note_tables(draw, bars=any_bars, max_notes=8, denominators=denominators):
    """Notes of any onset, length, part, voice and velocity within bars; some are grace notes.

    No time has a denominator beyond that which floats are taken for.
    """
    made = draw(bars)
    end = made[-1].end_ql
    onset, duration, grace = [], [], []
    for below in draw(st.lists(denominators, max_size=max_notes)):
        last = -int(-end * below // 1) - 1      # the last place before the end
        onset.append(Fraction(draw(st.integers(0, last)), below))
        grace.append(draw(st.sampled_from([False, False, True])))
        room = int((end - onset[-1]) * below)
        held = 0 if grace[-1] else draw(st.integers(0, min(room, 4 * below)))
        duration.append(Fraction(held, below))
    count = len(onset)

    def column(low, high):
        return draw(st.lists(st.integers(low, high), min_size=count, max_size=count))

    speeds = draw(st.lists(st.floats(20, 300), max_size=2))
    return make_note_table(
        made, onset=onset, duration=duration, grace=grace, pitch=column(12, 115),
        part=column(0, 2), staff=column(1, 2), voice=column(0, 4), velocity=column(0, 127),
        part_names=['Flute', 'Vla, "alt"', ''],
        tempi=[Tempo(made[k % len(made)].start_ql, s) for k, s in enumerate(speeds)])


@st.composite
def tables_on_grids(draw, bars=any_bars, steps=any_steps, pitches=(57, 62)):
    """(table, step): notes from grid point to grid point, no two of one pitch at once."""
    grid = Grid(draw(bars), draw(steps))
    at = [grid.offset_at_frame(k) for k in range(grid.num_frames + 1)]
    notes = []
    for pitch in range(*pitches):
        edges = sorted(draw(st.sets(st.integers(0, grid.num_frames), max_size=5)))
        for start, end in pairwise(edges):
            if draw(st.booleans()):
                notes.append((at[start], at[end] - at[start], pitch))
    return table_of(notes, grid.bars), grid.step_ql


@st.composite
def frames_of_any_kind(draw, max_pitches=3, steps=any_steps):
    """Any two planes in which an onset sounds, over any grid."""
    grid = Grid(draw(bar_sequences(METERS, 3) | odd_bar_sequences()), draw(steps))
    shape = (grid.num_frames, draw(st.integers(1, max_pitches)))
    onset = draw(npst.arrays(np.bool_, shape))
    held = draw(npst.arrays(np.bool_, shape))
    return Frames(onset | held, onset, grid, draw(st.integers(0, 120)))


def cells(plane, low):
    """Set of (frame, pitch) that are true."""
    return {(int(t), int(p) + low) for t, p in np.argwhere(plane)}


def assert_equal_tables(first, second):
    """Compare every column and heading, and the kinds of the columns."""
    for field in fields(NoteTable):
        ours, theirs = getattr(first, field.name), getattr(second, field.name)
        if isinstance(ours, np.ndarray):
            assert np.array_equal(ours, theirs), field.name
            assert ours.dtype == theirs.dtype, field.name
        else:
            assert ours == theirs, field.name


def assert_equal_frames(first, second):
    """Compare planes, grid and range."""
    assert first.grid == second.grid
    assert first.pitch_low == second.pitch_low
    assert np.array_equal(first.sounding, second.sounding)
    assert np.array_equal(first.onset, second.onset)
    assert (first.velocity is None) == (second.velocity is None)
    if first.velocity is not None:
        assert np.array_equal(first.velocity, second.velocity)
        assert first.velocity.dtype == second.velocity.dtype
