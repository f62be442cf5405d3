"""Small musical material, by hand and by hypothesis."""

from fractions import Fraction
from itertools import pairwise

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from qbdi_m21.frames.grid import Bar, Grid
from qbdi_m21.frames.roll import Frames
from qbdi_m21.frames.table import make_note_table

METERS = ('2/4', '3/4', '4/4', '5/4', '6/8', '12/8', '3/2')
SIXTEENTH = Fraction(1, 4)


def bars_of(*meters, pickup_ql=0):
    """Return bars of these meters; a pickup of this length to the first goes before them."""
    bars, start = [], Fraction(0)
    for meter in meters:
        over, under = (int(n) for n in meter.split('/'))
        length = Fraction(4 * over, under)
        beat = Fraction(12, under) if over > 3 and over % 3 == 0 else Fraction(4, under)
        if not bars and pickup_ql:
            pickup = Fraction(pickup_ql)
            bars.append(Bar(0, start, pickup, meter, beat, length - pickup))
            start = pickup
        bars.append(Bar(len(bars) + (0 if pickup_ql else 1), start, length, meter, beat))
        start += length
    return tuple(bars)


def table_of(notes, bars, **headings):
    """Return a note table of (onset, duration, pitch) or (onset, duration, pitch, part)."""
    columns = list(zip(*[(*note, 0)[:4] for note in notes], strict=True)) or [()] * 4
    onset, duration, pitch, part = columns
    return make_note_table(bars, onset=onset, duration=duration, pitch=pitch, part=part,
                           **headings)


def frames_of(notes, bars, step=SIXTEENTH, low=24, high=102):
    """Return frames of (start, end, pitch) in frames, drawn cell by cell."""
    grid = Grid(bars, step)
    sounding = np.zeros((grid.num_frames, high - low), dtype=bool)
    onset = np.zeros_like(sounding)
    for start, end, pitch in notes:
        sounding[start:end, pitch - low] = True
        onset[start, pitch - low] = True
    return Frames(sounding, onset, grid, low)


@st.composite
def bar_sequences(draw, meters=METERS, max_bars=4):
    """Bars of changing meters, sometimes behind a pickup of some eighths."""
    chosen = draw(st.lists(st.sampled_from(meters), min_size=1, max_size=max_bars))
    over, under = (int(n) for n in chosen[0].split('/'))
    eighths = 8 * over // under
    pickup = draw(st.just(0) | st.integers(1, eighths - 1))
    return bars_of(*chosen, pickup_ql=Fraction(pickup, 2))


@st.composite
def odd_bar_sequences(draw):
    """Bars whose length need not be a multiple of any step."""
    lengths = draw(st.lists(st.fractions(Fraction(1, 8), 5, max_denominator=12), min_size=1,
                            max_size=3))
    bars, start = [], Fraction(0)
    for number, length in enumerate(lengths, start=1):
        bars.append(Bar(number, start, length))
        start += length
    return tuple(bars)


steps = st.sampled_from([Fraction(1, 4), Fraction(1, 8), Fraction(1, 2), Fraction(1, 3),
                         Fraction(1, 6), Fraction(3, 8)])


@st.composite
def frames(draw, max_pitches=4):
    """Any two planes in which an onset sounds."""
    step = draw(st.sampled_from([SIXTEENTH, Fraction(1, 2), Fraction(1, 8)]))
    grid = Grid(draw(bar_sequences(max_bars=3)), step)
    shape = (grid.num_frames, draw(st.integers(1, max_pitches)))
    onset = draw(npst.arrays(np.bool_, shape))
    held = draw(npst.arrays(np.bool_, shape))
    return Frames(onset | held, onset, grid, draw(st.integers(0, 120)))


@st.composite
def grid_notes(draw, num_frames, pitches=(57, 64), max_notes=12):
    """Notes (start, end, pitch) in frames, no two of one pitch at once; some are re-struck."""
    notes = []
    for pitch in range(*pitches):
        edges = sorted(draw(st.sets(st.integers(0, num_frames), max_size=6)))
        for start, end in pairwise(edges):
            if draw(st.booleans()):
                notes.append((start, end, pitch))
    return notes[:max_notes]


variances = st.lists(st.just(0.0) | st.floats(1e-6, 1e6), min_size=1, max_size=8)
