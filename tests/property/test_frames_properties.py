"""What holds of every grid, of all frames and of their windows."""

from fractions import Fraction

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from music21 import note, stream
from naive.twins import grid_points, naive_frames, naive_notes, nearest_point
from strategies import (
    SIXTEENTH,
    bar_sequences,
    bars_of,
    frames,
    frames_of,
    grid_notes,
    odd_bar_sequences,
    steps,
    table_of,
)

from qbdi_m21.frames.encode import to_frames
from qbdi_m21.frames.features import pitch_classes, pool, tonnetz
from qbdi_m21.frames.grid import Bar, Grid
from qbdi_m21.frames.roll import frames_to_notes, table_to_frames
from qbdi_m21.frames.windows import frames_to_windows, layout_windows, windows_to_frames

any_bars = bar_sequences() | odd_bar_sequences()


def notes_of(held):
    notes = frames_to_notes(held)
    return list(zip(notes.start_frames.tolist(), notes.end_frames.tolist(),
                    notes.pitch.tolist(), strict=True))


def cells(plane, low):
    return {(int(t), int(p) + low) for t, p in np.argwhere(plane)}


@st.composite
def tables_on_grid(draw):
    """(notes in frames, bars): the notes of one pitch do not overlap."""
    bars = draw(bar_sequences(max_bars=3))
    return draw(grid_notes(Grid(bars).num_frames)), bars


def table_on_grid(notes, bars):
    at = Grid(bars).offset_at_frame
    return table_of([(at(a), at(b) - at(a), p) for a, b, p in notes], bars)


@given(any_bars, steps)
def test_grid_points_are_those_counted_one_by_one(bars, step):
    grid = Grid(bars, step)
    points = grid_points(bars, step)
    assert [grid.offset_at_frame(k) for k in range(grid.num_frames + 1)] == points
    assert all(bar.start_ql in points for bar in bars)


@given(any_bars, steps)
def test_a_grid_point_is_its_own_nearest(bars, step):
    grid = Grid(bars, step)
    for frame in range(grid.num_frames + 1):
        assert grid.frame_at_offset(grid.offset_at_frame(frame)) == frame


@given(any_bars, steps, st.fractions(0, 1, max_denominator=97))
def test_an_offset_goes_to_the_nearest_grid_point(bars, step, share):
    offset = bars[-1].end_ql * share
    assert Grid(bars, step).frame_at_offset(offset) == nearest_point(
        grid_points(bars, step), offset)


@given(any_bars, st.fractions(0, 1, max_denominator=97))
def test_the_bar_of_an_offset_holds_it(bars, share):
    offset = bars[-1].end_ql * share
    bar = bars[Grid(bars).bar_at_offset(offset)]
    assert bar.start_ql <= offset
    assert offset < bar.end_ql or (bar is bars[-1] and offset == bar.end_ql)


@given(odd_bar_sequences())
def test_bars_come_back_from_json(bars):
    assert tuple(Bar.from_json(bar.to_json()) for bar in bars) == bars


@given(tables_on_grid())
def test_decode_after_encode_keeps_every_note_on_the_grid(made):
    notes, bars = made
    assert notes_of(table_to_frames(table_on_grid(notes, bars))) == sorted(
        notes, key=lambda n: (n[0], n[2]))


@given(tables_on_grid())
def test_encoding_is_that_of_the_slow_twin(made):
    notes, bars = made
    at = Grid(bars).offset_at_frame
    encoded = table_to_frames(table_on_grid(notes, bars))
    sounding, onsets = naive_frames([(at(a), at(b) - at(a), p) for a, b, p in notes], bars,
                                    SIXTEENTH)
    assert cells(encoded.sounding, 24) == sounding
    assert cells(encoded.onset, 24) == onsets


@given(frames())
def test_decoding_is_that_of_the_slow_twin(held):
    low = held.pitch_low
    sounding = cells(held.sounding, low)
    expected = naive_notes(sounding, cells(held.onset, low)) if sounding else []
    assert notes_of(held) == expected


@given(frames())
def test_notes_cover_what_sounds_exactly_once(held):
    covered = np.zeros(held.sounding.shape, dtype=int)
    for start, end, pitch in notes_of(held):
        covered[start:end, pitch - held.pitch_low] += 1
    assert np.array_equal(covered, held.sounding)


@given(frames())
def test_encode_after_decode_keeps_what_sounds_and_every_onset(held):
    low = held.pitch_low
    again = frames_of(notes_of(held), held.grid.bars, held.grid.step_ql, low,
                      low + held.num_pitches)
    assert np.array_equal(again.sounding, held.sounding)
    assert np.all(again.onset >= held.onset)
    assert notes_of(again) == notes_of(held)


@given(tables_on_grid(), st.integers(-20, 20))
def test_transposition_commutes_with_encoding(made, semitones):
    notes, bars = made
    plain = table_to_frames(table_on_grid(notes, bars))
    moved = table_to_frames(table_on_grid([(a, b, p + semitones) for a, b, p in notes], bars))
    assert np.array_equal(np.roll(plain.sounding, semitones, axis=1), moved.sounding)
    assert np.array_equal(np.roll(plain.onset, semitones, axis=1), moved.onset)


@given(tables_on_grid())
def test_a_bar_in_front_moves_all_frames(made):
    notes, bars = made
    front = bars_of('5/4')
    later = front + tuple(
        Bar(b.number + 1, b.start_ql + 5, b.length_ql, b.meter, b.beat_ql, b.lead_ql)
        for b in bars)
    plain = table_to_frames(table_on_grid(notes, bars))
    moved = table_to_frames(table_on_grid([(a + 20, b + 20, p) for a, b, p in notes], later))
    assert not moved.sounding[:20].any()
    assert np.array_equal(moved.sounding[20:], plain.sounding)
    assert np.array_equal(moved.onset[20:], plain.onset)


@settings(max_examples=15)
@given(st.lists(st.tuples(st.integers(48, 72), st.sampled_from([1, 2, 3, 4, 6, 7])),
                min_size=1, max_size=10), st.integers(-6, 6))
def test_scores_are_transposed_and_measured_as_their_frames(melody, semitones):
    part = stream.Part()
    for midi, sixteenths in melody:
        part.append(note.Note(midi, quarterLength=sixteenths / 4))
    plain, moved = to_frames(part), to_frames(part.transpose(semitones))
    starts = np.cumsum([0] + [sixteenths for _, sixteenths in melody]).tolist()
    assert notes_of(plain) == [(a, b, midi) for (midi, _), a, b in zip(
        melody, starts, starts[1:], strict=False)]
    assert np.array_equal(np.roll(plain.sounding, semitones, axis=1), moved.sounding)
    assert np.array_equal(np.roll(plain.onset, semitones, axis=1), moved.onset)


@given(frames(), st.integers(1, 40))
def test_windows_there_and_back_are_the_identity(held, size):
    layout = layout_windows(held.grid, size)
    windows = frames_to_windows(held, layout, size)
    again = windows_to_frames(windows, layout, held.grid, held.pitch_low)
    assert np.array_equal(again.sounding, held.sounding)
    assert np.array_equal(again.onset, held.onset)
    assert {w.bar for w in layout} == set(range(len(held.grid.bars)))


@given(frames(), st.sampled_from([Fraction(1, 2), Fraction(1), Fraction(2, 3), Fraction(4)]))
def test_pooling_keeps_the_weight_of_every_bar(held, step):
    chroma = pitch_classes(held)
    pooled, coarse = pool(chroma, held.grid, step)
    for k in range(len(held.grid.bars)):
        fine = chroma[held.grid.bar_starts[k]:held.grid.bar_starts[k + 1]]
        rough = pooled[coarse.bar_starts[k]:coarse.bar_starts[k + 1]]
        assert fine.sum(axis=0).tolist() == rough.sum(axis=0).tolist()


@given(frames())
def test_centroids_are_finite_bounded_and_zero_in_silence(held):
    points = tonnetz(pitch_classes(held))
    assert np.all(np.linalg.norm(points, axis=1) <= np.sqrt(2.25) + 1e-12)
    assert not points[~held.sounding.any(axis=1)].any()
