"""What holds of all frames and of their windows, and of the way from note tables and back."""

import warnings
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from frame_strategies import (
    any_steps,
    assert_equal_frames,
    cells,
    frames_of_any_kind,
    note_tables,
    tables_on_grids,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from music21 import note, stream
from naive.frames import naive_pool, naive_table_to_frames
from naive.twins import naive_notes

from qbdi_m21.errors import PitchClippedWarning, QuantizationWarning
from qbdi_m21.frames.encode import to_frames, to_part_frames
from qbdi_m21.frames.features import pitch_classes, pool, tonnetz
from qbdi_m21.frames.raster import frames_to_notes, frames_to_table, table_to_frames
from qbdi_m21.frames.roll import Frames, note_starts
from qbdi_m21.frames.table import make_note_table
from qbdi_m21.frames.windows import (
    frames_to_windows,
    layout_windows,
    window_mask,
    windows_to_frames,
)

ROOMY = (0, 128)
#: Hypothesis moves most notes of its tables.
moves = pytest.mark.filterwarnings('ignore::qbdi_m21.errors.QuantizationWarning',
                                   'ignore::qbdi_m21.errors.PitchClippedWarning')


def notes_of(held):
    notes = frames_to_notes(held)
    return list(zip(notes.start_frames.tolist(), notes.end_frames.tolist(),
                    notes.pitch.tolist(), strict=True))


def rows_of(table):
    return [(table.onset_at(k), table.end_at(k), int(table.pitch[k])) for k in range(len(table))]


@moves
@settings(max_examples=80)
@given(note_tables(), any_steps, st.sampled_from([(24, 102), (0, 128), (48, 60), (57, 70)]),
       st.booleans())
def test_encoding_is_that_of_the_slow_twin(table, step, pitch_range, fold):
    frames = table_to_frames(table, step=step, pitch_range=pitch_range, velocity=True,
                             outside='fold' if fold else 'drop')
    sounding, onset, velocity = naive_table_to_frames(table, step, pitch_range, fold=fold)
    assert cells(frames.sounding, pitch_range[0]) == sounding
    assert cells(frames.onset, pitch_range[0]) == onset
    found = {(t, p): int(frames.velocity[t, p - pitch_range[0]]) for t, p in sounding}
    assert found == velocity
    assert not frames.velocity[~frames.sounding].any()


@given(tables_on_grids())
def test_notes_on_the_grid_come_back_from_frames(made):
    table, step = made
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        frames = table_to_frames(table, step=step)
    again = frames_to_table(frames)
    assert rows_of(again) == rows_of(table)
    assert np.array_equal(again.bar, table.bar)
    assert again.bars == table.bars


@given(frames_of_any_kind())
def test_frames_come_back_from_their_table_with_an_onset_for_every_note(held):
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        again = table_to_frames(frames_to_table(held), step=held.grid.step_ql,
                                pitch_range=held.pitch_range)
    assert_equal_frames(again, replace(held, onset=held.onset | note_starts(held)))


@given(tables_on_grids(), st.data())
def test_velocities_come_back_from_their_table(made, data):
    table, step = made
    speeds = data.draw(st.lists(st.integers(0, 127), min_size=len(table), max_size=len(table)))
    frames = table_to_frames(replace(table, velocity=np.array(speeds, dtype=np.int64)), step=step,
                             velocity=True)
    assert sorted(frames_to_table(frames).velocity.tolist()) == sorted(speeds)
    assert_equal_frames(table_to_frames(frames_to_table(frames), step=step, velocity=True), frames)


@given(frames_of_any_kind())
def test_decoding_is_that_of_the_slow_twin(held):
    low = held.pitch_low
    sounding = cells(held.sounding, low)
    assert notes_of(held) == (naive_notes(sounding, cells(held.onset, low)) if sounding else [])


@given(frames_of_any_kind())
def test_notes_cover_what_sounds_exactly_once(held):
    covered = np.zeros(held.sounding.shape, dtype=int)
    for start, end, pitch in notes_of(held):
        covered[start:end, pitch - held.pitch_low] += 1
    assert np.array_equal(covered, held.sounding)


@moves
@given(note_tables(), any_steps, st.integers(-12, 12))
def test_transposition_commutes_with_encoding(table, step, semitones):
    first = table_to_frames(table.transpose(semitones), step=step, pitch_range=ROOMY)
    second = table_to_frames(table, step=step, pitch_range=ROOMY).transpose(semitones)
    assert np.array_equal(first.sounding, second.sounding)
    assert np.array_equal(first.onset, second.onset)
    assert first.pitch_low == second.pitch_low


@given(frames_of_any_kind(), st.integers(-5, 5))
def test_transposed_frames_lose_the_notes_that_they_tell(held, semitones):
    inside = [pitch for _, _, pitch in notes_of(held)
              if held.pitch_range[0] <= pitch + semitones < held.pitch_range[1]]
    lost = len(notes_of(held)) - len(inside)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter('always')
        moved = held.transpose(semitones)
    assert [str(w.message).split()[0] for w in told] == ([str(lost)] if lost else [])
    assert all(w.category is PitchClippedWarning for w in told)
    assert sorted(p for _, _, p in notes_of(moved)) == sorted(p + semitones for p in inside)


@moves
@given(note_tables(denominators=st.sampled_from([1, 2, 3, 7, 32])), any_steps)
def test_bars_in_front_move_all_frames(table, step):
    frames = table_to_frames(table, step=step, velocity=True)
    padded = frames.pad_bars(2)
    moved = padded.grid.bars[2].start_ql
    onset = [table.onset_at(k) + moved for k in range(len(table))]
    later = make_note_table(
        padded.grid.bars, onset=onset, duration=table.duration, pitch=table.pitch,
        part=table.part, grace=table.grace, velocity=table.velocity)
    assert_equal_frames(table_to_frames(later, step=step, velocity=True), padded)


@given(frames_of_any_kind(), st.integers(0, 3), st.integers(0, 3))
def test_padding_and_slicing_give_the_same_frames(held, before, after):
    count = len(held.grid.bars)
    padded = held.pad_bars(before, after)
    assert len(padded.grid.bars) == before + count + after
    assert padded.sounding.sum() == held.sounding.sum()
    assert_equal_frames(padded.slice_bars(before, before + count), held)


@given(frames_of_any_kind(), st.data())
def test_slices_put_together_give_the_same_frames(held, data):
    count = len(held.grid.bars)
    inner = data.draw(st.sets(st.integers(1, count - 1), max_size=3)) if count > 1 else set()
    edges = [0, *sorted(inner), count]
    pieces = [held.slice_bars(a, b) for a, b in pairwise(edges)]
    assert all(piece.grid.bars[0].start_ql == 0 for piece in pieces)
    assert_equal_frames(Frames.concatenate(pieces), held)


@moves
@given(note_tables(), st.sampled_from(['auto', 'beat', 'bar', Fraction(1, 4), '1/12']))
def test_the_frames_of_the_parts_make_those_of_the_whole(table, step):
    whole, parts = to_frames(table, step=step), to_part_frames(table, step=step)
    assert len(parts) == 3
    assert {part.grid.step_ql for part in parts} == {whole.grid.step_ql}
    assert np.array_equal(np.any([p.sounding for p in parts], axis=0), whole.sounding)
    assert np.array_equal(np.any([p.onset for p in parts], axis=0), whole.onset)


@moves
@given(note_tables(), any_steps, st.integers(0, 100), st.integers(12, 28))
def test_folding_keeps_all_pitch_classes_and_onsets(table, step, low, width):
    folded = table_to_frames(table, step=step, pitch_range=(low, low + width), outside='fold')
    plain = table_to_frames(table, step=step, pitch_range=ROOMY)
    assert np.array_equal(pitch_classes(folded) > 0, pitch_classes(plain) > 0)


@given(note_tables(), any_steps)
def test_a_table_that_frames_gave_needs_no_moving(table, step):
    with warnings.catch_warnings():
        warnings.simplefilter('ignore', QuantizationWarning)
        frames = table_to_frames(table, step=step, pitch_range=ROOMY)
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        again = table_to_frames(frames_to_table(frames), step=step, pitch_range=ROOMY)
    assert_equal_frames(again, frames)


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
    assert_equal_frames(plain.transpose(semitones), moved)


@given(frames_of_any_kind(), st.integers(1, 40))
def test_windows_there_and_back_are_the_identity(held, size):
    layout = layout_windows(held.grid, size)
    windows = frames_to_windows(held, layout, size)
    assert_equal_frames(windows_to_frames(windows, layout, held.grid, held.pitch_low), held)
    assert {w.bar for w in layout} == set(range(len(held.grid.bars)))


@given(frames_of_any_kind(), st.integers(1, 40))
def test_the_mask_of_windows_leaves_each_frame_once(held, size):
    layout = layout_windows(held.grid, size)
    mask = window_mask(layout, size)
    own = frames_to_windows(held, layout, size)[mask]
    assert np.array_equal(own, np.concatenate([held.sounding, held.onset], axis=1))


@given(frames_of_any_kind(steps=st.sampled_from([Fraction(1, 4), Fraction(1, 3)])),
       st.sampled_from([Fraction(1, 2), Fraction(2, 3), Fraction(4), 'beat', 'bar']))
def test_pooling_is_that_of_the_slow_twin(held, step):
    chroma, bars = pitch_classes(held), held.grid.bars
    if min(bar.length_ql + bar.lead_ql for bar in bars) < held.grid.step_ql:
        step = Fraction(4)
    pooled, coarse = pool(chroma, held.grid, step)
    assert pooled.tolist() == naive_pool(chroma.tolist(), bars, held.grid.step_ql, step)
    assert coarse == held.grid.with_step(step)
    assert pooled.sum(axis=0).tolist() == chroma.sum(axis=0).tolist()


@given(frames_of_any_kind())
def test_centroids_are_finite_bounded_and_zero_in_silence(held):
    points = tonnetz(pitch_classes(held))
    assert np.all(np.linalg.norm(points, axis=1) <= np.sqrt(2.25) + 1e-12)
    assert not points[~held.sounding.any(axis=1)].any()
