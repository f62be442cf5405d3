"""What holds of every note table: on grids, in other keys and orders, and on disk."""

import warnings
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from frame_strategies import (
    any_bars,
    any_steps,
    assert_equal_frames,
    assert_equal_tables,
    fractions,
    frames_of_any_kind,
    note_tables,
    tables_on_grids,
)
from hypothesis import assume, given
from hypothesis import strategies as st
from naive.frames import naive_in_order, naive_nearest, naive_points
from strategies import bar_sequences

from qbdi_m21.errors import QuantizationWarning
from qbdi_m21.frames.raster import coarsest_step, quantize, table_to_frames
from qbdi_m21.frames.repeats import in_order
from qbdi_m21.frames.store import load_frames, load_table, save_frames, save_table
from qbdi_m21.frames.table import COLUMNS, make_note_table

moves = pytest.mark.filterwarnings('ignore::qbdi_m21.errors.QuantizationWarning')
small = st.sampled_from([1, 2, 3, 4, 6, 8, 12])


def moved(table, step):
    """Whether a step moves a note."""
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter('always', QuantizationWarning)
        table_to_frames(table, step=step, pitch_range=(0, 128))
    return any(w.category is QuantizationWarning for w in told)


def notes_of(table):
    return sorted((table.onset_at(k), table.end_at(k) - table.onset_at(k), int(table.pitch[k]),
                   int(table.part[k]), int(table.bar[k])) for k in range(len(table)))


@given(note_tables())
def test_columns_are_sorted_and_in_lowest_terms(table):
    keys = [(table.onset_at(k), int(table.part[k]), int(table.pitch[k]), table.end_at(k))
            for k in range(len(table))]
    assert keys == sorted(keys)
    for column in (table.onset, table.duration, table.end, table.beat):
        assert all(Fraction(n, d).denominator == d for n, d in column.tolist())
    assert fractions(table.end) == [end for *_, end in keys]
    assert all(table.bars[b].start_ql <= at < table.bars[b].end_ql
               for b, (at, *_) in zip(table.bar.tolist(), keys, strict=True))


@given(note_tables(), st.randoms(use_true_random=False))
def test_a_table_does_not_depend_on_the_order_in_which_notes_are_given(table, chance):
    order = list(range(len(table)))
    chance.shuffle(order)
    columns = {name: getattr(table, name)[order] for name in COLUMNS}
    again = make_note_table(table.bars, **columns, part_names=table.part_names,
                            tempi=table.tempi)
    assert notes_of(again) == notes_of(table)
    assert sorted(again.element_id.tolist()) == sorted(table.element_id.tolist())


@given(note_tables())
def test_noteheads_are_counted_in_each_part_and_bar(table):
    assert len(set(table.element_id.tolist())) == len(table)
    places = {}
    for part, bar, place in zip(table.part.tolist(), table.bar.tolist(), table.notehead.tolist(),
                                strict=True):
        assert place == places.get((part, bar), 0)
        places[part, bar] = place + 1


@given(note_tables(denominators=small))
def test_the_longest_step_moves_no_note_unless_it_is_one_of_the_usual(table):
    table = table.select(table.duration[:, 0] > 0)      # what has no length is given one
    step = coarsest_step(table)
    if moved(table, step):
        assert step in {Fraction(1, n) for n in (1, 2, 3, 4, 5, 6, 8, 12, 16, 20, 24, 32, 48)}
        usual = [Fraction(1, n) for n in (1, 2, 3, 4, 5, 6, 8, 12, 16, 20, 24, 32, 48)]
        assert all(moved(table, other) for other in usual)


@given(note_tables(bar_sequences(), denominators=small))
def test_no_longer_step_moves_no_note_where_bars_are_full(table):
    if any(bar.lead_ql for bar in table.bars) or table.grace.all():
        return
    step = coarsest_step(table)
    if moved(table, step):
        return
    shortest = min(bar.length_ql for bar in table.bars)
    for times in (2, 3, Fraction(3, 2), Fraction(4, 3)):
        if step * times < shortest:
            assert moved(table, step * times)


@given(tables_on_grids(steps=st.sampled_from([Fraction(1, 4), Fraction(1, 3), Fraction(1, 12)])))
def test_the_longest_step_is_not_shorter_than_that_of_the_grid(made):
    table, step = made
    assume(not any(bar.lead_ql % step or bar.length_ql % step for bar in table.bars))
    assert not moved(table, coarsest_step(table))
    assert coarsest_step(table) >= step


@moves
@given(note_tables(), any_steps)
def test_quantized_notes_are_on_the_grid_and_stay_there(table, step):
    once = quantize(table, step)
    points = naive_points(table.bars, step)
    assert set(fractions(once.onset)) <= set(points)
    assert set(fractions(once.end[~once.grace])) <= set(points)
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        assert_equal_tables(quantize(once, step), once)


@moves
@given(note_tables(), any_steps)
def test_quantizing_moves_each_note_to_the_nearest_point_and_keeps_the_rest(table, step):
    points = naive_points(table.bars, step)
    expected = []
    for k in range(len(table)):
        start = min(naive_nearest(points, table.onset_at(k))[0], len(points) - 2)
        end = max(naive_nearest(points, table.end_at(k))[0], start + 1)
        held = Fraction(0) if table.grace[k] else points[end] - points[start]
        expected.append((points[start], held, *(int(getattr(table, name)[k]) for name in (
            'pitch', 'part', 'staff', 'voice', 'velocity', 'fifths', 'grace'))))
    once = quantize(table, step)
    assert sorted(expected) == sorted(zip(
        fractions(once.onset), fractions(once.duration), once.pitch.tolist(), once.part.tolist(),
        once.staff.tolist(), once.voice.tolist(), once.velocity.tolist(), once.fifths.tolist(),
        once.grace.tolist(), strict=True))
    assert (once.bars, once.part_names, once.tempi) == (
        table.bars, table.part_names, table.tempi)


@given(note_tables(), st.integers(-12, 12))
def test_transposing_there_and_back_changes_nothing(table, semitones):
    there = table.transpose(semitones)
    assert np.array_equal(there.pitch, table.pitch + semitones)
    assert np.array_equal((7 * there.fifths - there.pitch) % 12,
                          (7 * table.fifths - table.pitch) % 12)
    assert_equal_tables(there.transpose(-semitones), table)


@given(note_tables())
def test_bars_in_their_own_order_give_the_same_table(table):
    assert_equal_tables(in_order(table, range(len(table.bars))), table)


@given(note_tables(), st.data())
def test_bars_in_another_order_are_those_of_the_slow_twin(table, data):
    order = data.draw(st.lists(st.integers(0, len(table.bars) - 1), min_size=1, max_size=7))
    played = in_order(table, order)
    assert notes_of(played) == naive_in_order(table, order)
    assert [bar.length_ql for bar in played.bars] == [table.bars[k].length_ql for k in order]
    assert [bar.number for bar in played.bars] == [table.bars[k].number for k in order]


@given(note_tables(), st.sampled_from(['.npz', '.parquet']))
def test_tables_come_back_from_their_files_exactly(tmp_path_factory, table, suffix):
    folder = tmp_path_factory.mktemp('tables')
    first, second = folder / f'first{suffix}', folder / f'second{suffix}'
    save_table(table, first)
    again = load_table(first)
    assert_equal_tables(again, table)
    save_table(again, second)
    assert first.read_bytes() == second.read_bytes()


@given(note_tables(any_bars))
def test_a_csv_file_keeps_notes_and_the_bars_in_which_they_start(tmp_path_factory, table):
    path = tmp_path_factory.mktemp('tables') / 'table.csv'
    save_table(table, path)
    again = load_table(path)
    assert all(np.array_equal(getattr(again, name), getattr(table, name)) for name in COLUMNS)
    assert again.spelling.tolist() == table.spelling.tolist()
    for bar in set(table.bar.tolist()):
        assert again.bars[bar] == table.bars[bar]
    assert [again.part_names[k] for k in table.part] == [table.part_names[k] for k in table.part]
    whole = replace(again, part_names=table.part_names)
    save_table(whole, path.with_name('again.csv'))
    assert path.read_bytes() == path.with_name('again.csv').read_bytes()


@given(frames_of_any_kind(), st.booleans())
def test_frames_come_back_from_their_files_exactly(tmp_path_factory, held, loud):
    folder = tmp_path_factory.mktemp('frames')
    if loud:
        held = replace(held, velocity=(held.sounding * 77).astype(np.uint8))
    save_frames(held, folder / 'first.npz')
    again = load_frames(folder / 'first.npz')
    assert_equal_frames(again, held)
    save_frames(again, folder / 'second.npz')
    assert (folder / 'first.npz').read_bytes() == (folder / 'second.npz').read_bytes()
