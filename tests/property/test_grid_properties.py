"""What holds of every grid: its points, its bars, and the way there and back."""

from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from frame_strategies import any_bars, any_steps, fractions, offsets_in, ratios
from hypothesis import given, settings
from hypothesis import strategies as st
from naive.frames import frame_edges, naive_nearest, naive_points
from strategies import odd_bar_sequences

from qbdi_m21.errors import ParameterError
from qbdi_m21.frames.grid import Bar, Grid

bars_and_offsets = any_bars.flatmap(lambda bars: st.tuples(st.just(bars), offsets_in(bars)))


@given(any_bars, any_steps)
def test_grid_points_are_those_counted_one_by_one(bars, step):
    grid, points = Grid(bars, step), naive_points(bars, step)
    assert [grid.offset_at_frame(k) for k in range(grid.num_frames + 1)] == points
    assert fractions(grid.offsets) == points
    assert grid.bar_frames.tolist() == [len(frame_edges(bar, step)) for bar in bars]


@given(any_bars, any_steps)
def test_a_grid_point_is_its_own_nearest(bars, step):
    grid = Grid(bars, step)
    frame, away = grid.frames_at(grid.offsets)
    assert frame.tolist() == list(range(grid.num_frames + 1))
    assert not away[:, 0].any()


@settings(max_examples=120)
@given(bars_and_offsets, any_steps)
def test_an_offset_goes_to_the_nearest_grid_point(held, step):
    bars, offsets = held
    points = naive_points(bars, step)
    frame, away = Grid(bars, step).frames_at(ratios(offsets))
    assert list(zip(frame.tolist(), fractions(away), strict=True)) == [
        naive_nearest(points, offset) for offset in offsets]
    assert frame.dtype == away.dtype == np.int64


@given(bars_and_offsets, any_steps)
def test_the_frame_that_holds_an_offset_begins_last_before_it(held, step):
    bars, offsets = held
    grid, points = Grid(bars, step), naive_points(bars, step)
    inside = [offset for offset in offsets if offset < grid.end_ql]
    inside += points[:-1] + [(a + b) / 2 for a, b in pairwise(points)]
    index = grid.bars_at(ratios(inside))
    expected = [max(k for k, point in enumerate(points) if point <= offset) for offset in inside]
    assert grid.frames_holding(ratios(inside), index).tolist() == expected


@given(bars_and_offsets)
def test_the_bar_of_an_offset_holds_it(held):
    bars, offsets = held
    for offset, index in zip(offsets, Grid(bars).bars_at(ratios(offsets)), strict=True):
        bar = bars[index]
        assert bar.start_ql <= offset
        assert offset < bar.end_ql or (bar is bars[-1] and offset == bar.end_ql)


@given(any_bars, any_steps)
def test_frames_know_their_bar(bars, step):
    grid = Grid(bars, step)
    assert grid.frame_bars().tolist() == [grid.bar_at_frame(k) for k in range(grid.num_frames)]
    assert [grid.bar_at_offset(grid.offset_at_frame(k)) for k in range(grid.num_frames)] == (
        grid.frame_bars().tolist())


@given(any_bars, any_steps)
def test_offset_and_measure_and_beat_of_a_frame_lead_to_each_other(bars, step):
    grid = Grid(bars, step)
    beats = fractions(grid.beats_at(grid.offsets[:-1]))
    for frame, beat in enumerate(beats):
        offset = grid.offset_at_frame(frame)
        measure, same = grid.beat_at_offset(offset)
        assert same == beat
        assert grid.offset_at_beat(measure, beat) == offset
        assert grid.frame_at_offset(offset) == frame


@given(any_bars)
def test_beats_before_and_behind_a_measure_are_refused(bars):
    grid = Grid(bars)
    for bar in bars:
        first = 1 + bar.lead_ql / bar.beat_ql
        assert grid.offset_at_beat(bar.number, first) == bar.start_ql
        for beat in (first - Fraction(1, 97), first + bar.length_ql / bar.beat_ql):
            with pytest.raises(ParameterError, match=f'no beat {beat} in a measure {bar.number}'):
                grid.offset_at_beat(bar.number, beat)


@given(any_bars)
def test_a_step_of_a_bar_makes_a_frame_a_bar(bars):
    grid = Grid(bars, 'bar')
    assert grid.num_frames == len(bars)
    assert [grid.offset_at_frame(k) for k in range(len(bars))] == [bar.start_ql for bar in bars]


@given(any_bars)
def test_a_step_of_a_beat_begins_frames_on_whole_beats(bars):
    grid = Grid(bars, 'beat')
    starts = {bar.start_ql for bar in bars}
    for frame in range(grid.num_frames):
        offset = grid.offset_at_frame(frame)
        assert offset in starts or grid.beat_at_offset(offset)[1].denominator == 1


@given(odd_bar_sequences())
def test_bars_come_back_from_json(bars):
    assert tuple(Bar.from_json(bar.to_json()) for bar in bars) == bars
