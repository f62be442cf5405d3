"""What holds of all decoded frames when they are shaped, and their slow twins."""

import json
from fractions import Fraction

import numpy as np
from frame_strategies import assert_equal_frames, cells
from hypothesis import given, settings
from hypothesis import strategies as st
from naive.decoding import (
    cells_of,
    naive_fold,
    naive_long,
    naive_reach,
    naive_shape,
    notes_again,
    notes_of,
    two_hands_reach,
)
from strategies import bar_sequences, odd_bar_sequences

from qbdi_m21.frames.grid import Grid
from qbdi_m21.frames.roll import Frames, note_starts
from qbdi_m21.improvisation.decoding import Decoding, drop_short, fold_pitches, within_reach

SPANS = st.integers(7, 24)
LENGTHS = st.integers(1, 6)


@st.composite
def decoded_frames(draw, min_pitches=1):
    """Frames as a decoder gives them: notes, struck or not, that may overlap or follow at once."""
    grid = Grid(draw(bar_sequences(max_bars=3) | odd_bar_sequences()),
                draw(st.sampled_from([Fraction(1, 4), Fraction(1, 2), Fraction(1)])))
    sounding = np.zeros((grid.num_frames, draw(st.integers(min_pitches, 40))), dtype=bool)
    onset = np.zeros_like(sounding)
    note = st.tuples(st.integers(0, grid.num_frames - 1), st.integers(1, 9),
                     st.integers(0, sounding.shape[1] - 1), st.booleans())
    for start, length, column, struck in draw(st.lists(note, max_size=14)):
        sounding[start:start + length, column] = True
        onset[start, column] |= struck
    return Frames(sounding, onset, grid, draw(st.integers(0, 60)))


@st.composite
def frames_and_ranges(draw):
    """Frames, and a pitch range of an octave or more within theirs."""
    frames = draw(decoded_frames(min_pitches=12))
    low, high = frames.pitch_range
    first = draw(st.integers(low, high - 12))
    return frames, (first, draw(st.integers(first + 12, high)))


@st.composite
def shapings(draw):
    """Frames, and a Decoding that shapes them."""
    frames, pitch_range = draw(frames_and_ranges())
    return draw(st.builds(
        Decoding, min_length_frames=LENGTHS, restrike=st.sampled_from(['decoded', 'never']),
        barline=st.sampled_from(['decoded', 'tie', 'strike']),
        pitch_range=st.sampled_from([None, pitch_range]), hand_span=st.none() | SPANS)), frames


rules = st.one_of(
    st.builds(Decoding, st.sampled_from([None, 'threshold', 'density', 'sample'])),
    st.builds(Decoding, st.sampled_from([None, 'threshold']), st.sampled_from(
        ['paper', 'calibrated']) | st.floats(0, 1, exclude_min=True, exclude_max=True)))


def both(frames):
    """Sounding and onset cells of frames."""
    return cells(frames.sounding, frames.pitch_low), cells(frames.onset, frames.pitch_low)


def columns_of(frames):
    """Pitches of each frame, as lists."""
    return [(np.flatnonzero(row) + frames.pitch_low).tolist() for row in frames.sounding]


@given(decoded_frames())
def test_the_twin_reads_and_writes_all_cells(frames):
    assert cells_of(notes_of(frames)) == both(frames)
    assert notes_again(notes_of(frames)) == notes_of(frames)


@settings(max_examples=200)
@given(shapings())
def test_shaping_is_that_of_the_slow_twin(shaping):
    decoding, frames = shaping
    assert notes_of(decoding.shape(frames)) == sorted(naive_shape(decoding, frames))


@given(frames_and_ranges())
def test_folding_is_that_of_the_slow_twin(folding):
    frames, pitch_range = folding
    expected = cells_of(naive_fold(notes_of(frames), pitch_range))
    assert both(fold_pitches(frames, pitch_range)) == expected


@given(decoded_frames(), SPANS)
def test_reaching_is_that_of_the_slow_twin(frames, span):
    assert notes_of(within_reach(frames, span)) == naive_reach(notes_of(frames), span)


@given(decoded_frames(), LENGTHS)
def test_dropping_is_that_of_the_slow_twin(frames, least):
    assert notes_of(drop_short(frames, least)) == naive_long(notes_of(frames), least)


@given(decoded_frames())
def test_without_options_nothing_is_changed(frames):
    assert_equal_frames(Decoding().shape(frames), frames)


@given(decoded_frames(), rules)
def test_rule_and_threshold_do_not_shape(frames, decoding):
    assert_equal_frames(decoding.shape(frames), frames)


@given(shapings())
def test_shaping_leaves_what_it_is_given_and_the_grid(shaping):
    decoding, frames = shaping
    before = frames.sounding.copy(), frames.onset.copy()
    shaped = decoding.shape(frames)
    assert np.array_equal(frames.sounding, before[0])
    assert np.array_equal(frames.onset, before[1])
    assert shaped.grid == frames.grid
    assert shaped.pitch_range == frames.pitch_range


@given(shapings())
def test_an_onset_always_sounds(shaping):
    decoding, frames = shaping
    shaped = decoding.shape(frames)
    assert not np.any(shaped.onset & ~shaped.sounding)


@given(shapings())
def test_what_is_shaped_is_short_nowhere_and_in_reach_everywhere(shaping):
    decoding, frames = shaping
    shaped = decoding.shape(frames)
    notes = notes_of(shaped)
    assert all(end - start >= decoding.min_length_frames for _, start, end, _ in notes)
    if decoding.hand_span is not None:
        assert all(two_hands_reach(held, decoding.hand_span) for held in columns_of(shaped))
    if decoding.restrike == 'never' and decoding.barline != 'strike':
        ends = {(pitch, end) for pitch, _, end, _ in notes}
        assert not any((pitch, start) in ends for pitch, start, _, _ in notes)


@given(shapings())
def test_barlines_are_as_asked(shaping):
    decoding, frames = shaping
    notes = notes_of(decoding.shape(frames))
    ends = {(pitch, end) for pitch, _, end, _ in notes}
    for head in frames.grid.bar_starts[1:-1].tolist():
        struck = [pitch for pitch, start, _, _ in notes if start == head and (pitch, head) in ends]
        over = [pitch for pitch, start, end, _ in notes if start < head < end]
        if decoding.barline == 'tie':
            assert not struck
        if decoding.barline == 'strike':
            assert not over


@given(frames_and_ranges())
def test_folding_keeps_pitch_classes_frame_by_frame(folding):
    frames, pitch_range = folding
    for before, after in zip(columns_of(frames), columns_of(fold_pitches(frames, pitch_range)),
                             strict=True):
        assert {p % 12 for p in before} == {p % 12 for p in after}


@given(frames_and_ranges())
def test_folding_leaves_nothing_outside_and_moves_nothing_that_is_inside(folding):
    frames, (low, high) = folding
    folded = fold_pitches(frames, (low, high))
    inside = np.arange(low, high) - frames.pitch_low
    assert not np.delete(folded.sounding, inside, axis=1).any()
    assert np.all(folded.sounding[:, inside] >= frames.sounding[:, inside])


@given(frames_and_ranges())
def test_what_was_folded_stays(folding):
    frames, pitch_range = folding
    once = fold_pitches(frames, pitch_range)
    assert_equal_frames(fold_pitches(once, pitch_range), once)


@given(decoded_frames(min_pitches=12))
def test_a_range_that_holds_all_changes_nothing(frames):
    assert_equal_frames(fold_pitches(frames, frames.pitch_range), frames)


@given(decoded_frames(), SPANS)
def test_outer_notes_stay_where_they_were_struck_or_held(frames, span):
    reached = within_reach(frames, span)
    starts = note_starts(frames)
    for t, held in enumerate(columns_of(frames)):
        for pitch in {held[0], held[-1]} if held else ():
            column = pitch - frames.pitch_low
            # a note that was let go before does not come back without being struck
            assert reached.sounding[t, column] == bool(
                starts[t, column] or reached.sounding[t - 1, column])


@given(decoded_frames(), SPANS)
def test_reaching_takes_notes_or_their_ends_and_gives_none(frames, span):
    reached = within_reach(frames, span)
    given_notes = {(pitch, start): (end, struck) for pitch, start, end, struck in notes_of(frames)}
    for pitch, start, end, struck in notes_of(reached):
        assert end <= given_notes[pitch, start][0]
        assert struck == given_notes[pitch, start][1]


@given(decoded_frames(), SPANS)
def test_hands_that_reach_everything_take_nothing(frames, span):
    if all(two_hands_reach(held, span) for held in columns_of(frames)):
        assert_equal_frames(within_reach(frames, span), frames)
    assert_equal_frames(within_reach(frames, frames.num_pitches), frames)


@given(decoded_frames(), LENGTHS)
def test_long_notes_stay_as_they_are(frames, least):
    left = {note for note in notes_of(frames) if note[2] - note[1] >= least}
    assert set(notes_of(drop_short(frames, least))) == left
    assert_equal_frames(drop_short(frames, 1), frames)


@given(shapings())
def test_shaping_again_changes_nothing_and_with_hands_gives_nothing(shaping):
    decoding, frames = shaping
    once = decoding.shape(frames)
    again = decoding.shape(once)
    if decoding.hand_span is None:
        assert_equal_frames(again, once)
    assert not np.any(again.sounding & ~once.sounding)


@given(shapings().map(lambda shaping: shaping[0]) | rules)
def test_a_decoding_comes_back_from_json(decoding):
    assert Decoding.from_json(json.loads(json.dumps(decoding.to_json()))) == decoding
