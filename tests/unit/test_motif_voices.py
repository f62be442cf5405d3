"""Lines of a note table, the staff places of notes, and where groups begin."""

from fractions import Fraction

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from music21 import pitch
from strategies import bars_of, table_of

from qbdi_m21.analysis.motifs.voices import boundary_strength, degrees, voices_of
from qbdi_m21.frames.table import make_note_table

BARS = bars_of(*['4/4'] * 4)


def lines(table):
    return [table.pitch[voice.rows].tolist() for voice in voices_of(table)]


@given(st.lists(st.tuples(st.sampled_from('CDEFGAB'), st.integers(-2, 2), st.integers(1, 7)),
                min_size=1, max_size=8))
def test_degrees_are_those_of_music21(names):
    pitches = [pitch.Pitch(f'{step}{"#" * alter if alter > 0 else "-" * -alter}{octave}')
               for step, alter, octave in names]
    fifths = [{'F': -1, 'C': 0, 'G': 1, 'D': 2, 'A': 3, 'E': 4, 'B': 5}[step] + 7 * alter
              for step, alter, _ in names]
    table = make_note_table(BARS, onset=list(range(len(names))), duration=[1] * len(names),
                            pitch=[p.midi for p in pitches], fifths=fifths)
    assert degrees(table).tolist() == [p.diatonicNoteNum - 1 for p in pitches]


def test_a_staff_of_chords_has_its_upper_line_and_that_of_the_rest():
    table = table_of([(k, 1, p) for k in range(4) for p in (48 + k, 55 + k, 64 - k)], BARS)
    assert lines(table) == [[64, 63, 62, 61], [55, 56, 57, 58]]


def test_under_a_held_note_the_moving_one_is_the_second_line():
    table = table_of([(0, 4, 72), *((k, 1, 60 + k) for k in range(4)), (4, 1, 71)], BARS)
    assert lines(table) == [[72, 71], [60, 61, 62, 63]]


def test_voices_that_the_score_writes_stay_apart_where_they_cross():
    table = make_note_table(BARS, onset=[0, 1, 2, 0, 1, 2], duration=[1] * 6,
                            pitch=[60, 64, 67, 65, 62, 58], voice=[1, 1, 1, 2, 2, 2])
    assert lines(table) == [[60, 64, 67], [65, 62, 58]]


def test_parts_and_staves_are_never_mixed():
    table = make_note_table(BARS, onset=[0, 1, 0, 1, 0, 1], duration=[1] * 6,
                            pitch=[60, 62, 70, 72, 50, 52], part=[0, 0, 0, 0, 1, 1],
                            staff=[1, 1, 2, 2, 1, 1])
    assert sorted(lines(table)) == [[50, 52], [60, 62], [70, 72]]


def test_grace_notes_are_in_no_line():
    table = make_note_table(BARS, onset=[0, 0, 1], duration=[0, 1, 1], pitch=[61, 60, 62],
                            grace=[True, False, False])
    assert lines(table) == [[60, 62]]


@given(st.lists(st.tuples(st.fractions(Fraction(1, 4), 4, max_denominator=4),
                          st.fractions(0, 2, max_denominator=4), st.integers(40, 90)),
                min_size=2, max_size=20))
def test_boundaries_are_shares_and_the_ends_are_whole(notes):
    onset = np.cumsum([0.0, *[float(d + rest) for d, rest, _ in notes[:-1]]])
    strength = boundary_strength(onset, np.array([float(d) for d, _, _ in notes]),
                                 np.array([p for _, _, p in notes]))
    assert strength[0] == strength[-1] == 1
    assert len(strength) == len(notes) + 1
    assert ((strength >= 0) & (strength <= 1 + 1e-12)).all()


@given(st.lists(st.integers(40, 90), min_size=4, max_size=12), st.data())
def test_the_one_long_note_or_rest_makes_the_strongest_boundary(pitches, data):
    after = data.draw(st.integers(1, len(pitches) - 2))
    rest = data.draw(st.sampled_from([0.0, 2.0]))
    gaps = np.where(np.arange(len(pitches)) == after, 5.0, 1.0)
    onset = np.concatenate([[0.0], np.cumsum(gaps)[:-1]])
    strength = boundary_strength(onset, gaps - rest * (gaps > 1), np.full(len(pitches), 60))
    assert strength[1:-1].argmax() == after
    # a leap elsewhere does not outweigh both the time and the rest
    if rest:
        leaping = boundary_strength(onset, gaps - rest * (gaps > 1), np.array(pitches))
        assert leaping[1:-1].argmax() == after


def test_a_group_begins_after_a_long_note_and_a_rest():
    onset = np.array([0, 1, 2, 5, 6, 7.0])
    strength = boundary_strength(onset, np.ones(6), np.array([60, 62, 64, 65, 64, 62]))
    assert strength[1:-1].argmax() + 1 == 3
