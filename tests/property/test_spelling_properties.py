"""What holds of the spelling of any notes."""

import numpy as np
from hypothesis import assume, given
from hypothesis import strategies as st
from music21 import pitch

from qbdi_m21.frames.spelling import (
    HIGHEST,
    LOWEST,
    fifths_of,
    name_of,
    note_name,
    parse_name,
    spell_notes,
)

fifths = st.integers(LOWEST, HIGHEST)


@st.composite
def notes(draw, low=0, high=127, sharps=7, max_size=40):
    """Columns (pitch, onset, sharps) of some notes, many of them at one time."""
    rows = draw(st.lists(st.tuples(st.integers(low, high), st.integers(0, 24),
                                   st.integers(-sharps, sharps)), max_size=max_size))
    if draw(st.booleans()):         # as in most pieces, one signature
        rows = [(midi, at, rows[0][2]) for midi, at, _ in rows]
    midi, onset, signature = (np.array([row[k] for row in rows], dtype=np.int64)
                              for k in range(3))
    return midi, onset / 2, signature


@given(notes())
def test_names_sound_the_number_that_they_were_made_from(columns):
    found = spell_notes(*columns)
    assert found.dtype == np.int64
    assert found.shape == columns[0].shape
    assert ((found >= LOWEST) & (found <= HIGHEST)).all()
    for midi, place in zip(columns[0].tolist(), found.tolist(), strict=True):
        step, octave = name_of(place), int(note_name(midi, place)[len(name_of(place)):])
        assert pitch.Pitch(step, octave=octave).ps == midi


@given(notes(), st.randoms(use_true_random=False))
def test_the_order_of_the_rows_does_not_matter(columns, random):
    order = list(range(len(columns[0])))
    random.shuffle(order)
    mixed = spell_notes(*(column[order] for column in columns))
    assert np.array_equal(mixed, spell_notes(*columns)[order])


@given(notes(high=120, sharps=4))
def test_a_fifth_higher_every_name_is_a_fifth_higher(columns):
    midi, onset, sharps = columns
    found = spell_notes(*columns)
    # where the ends of the line are near, names turn back to stay within it
    assume(((found >= LOWEST + 7) & (found <= HIGHEST - 7)).all())
    assert np.array_equal(spell_notes(midi + 7, onset, sharps + 1), found + 1)


@given(notes(high=115), st.integers(1, 100), st.sampled_from([0.5, 1, 3]))
def test_octave_and_time_of_a_piece_do_not_matter(columns, later, slower):
    midi, onset, sharps = columns
    assert np.array_equal(spell_notes(midi + 12, later + slower * onset, sharps),
                          spell_notes(*columns))


@given(st.integers(36, 127), fifths)      # below, music21 cannot read all of its names
def test_names_are_read_back_and_are_music21s(near, place):
    midi = near - (near - 7 * place) % 12
    name = note_name(midi, place)
    assert parse_name(name) == (midi, place)
    by_music21 = pitch.Pitch(name)
    assert by_music21.ps == midi
    assert by_music21.nameWithOctave == name
    assert fifths_of(by_music21.step, int(by_music21.alter)) == place
