"""Grids: frames of bars, in exact time."""

from fractions import Fraction

import numpy as np
import pytest
from naive.twins import naive_measure_beats
from strategies import bars_of

from qbdi_m21.errors import FramesError, ParameterError
from qbdi_m21.frames.grid import Bar, Grid
from qbdi_m21.frames.notes import extract_notes

F = Fraction


@pytest.mark.parametrize(('meter', 'frames'), [
    ('2/4', 8), ('3/4', 12), ('4/4', 16), ('5/4', 20), ('6/8', 12), ('12/8', 24), ('3/2', 24)])
def test_a_bar_has_as_many_sixteenths_as_its_meter_asks(meter, frames):
    assert Grid(bars_of(meter, meter)).bar_frames.tolist() == [frames, frames]


def test_a_pickup_is_a_short_bar():
    grid = Grid(bars_of('4/4', pickup_ql=1))
    assert grid.bar_frames.tolist() == [4, 16]
    assert grid.beat_at_offset(F(0)) == (0, 4)
    assert grid.beat_at_offset(F(1)) == (1, 1)
    assert [bar.is_full for bar in grid.bars] == [False, True]


def test_a_bar_that_is_no_multiple_of_the_step_ends_in_a_short_frame():
    grid = Grid((Bar(1, F(0), F(7, 8)), Bar(2, F(7, 8), F(1))))
    assert grid.bar_frames.tolist() == [4, 4]
    assert [grid.offset_at_frame(k) for k in range(9)] == [
        0, F(1, 4), F(1, 2), F(3, 4), F(7, 8), F(9, 8), F(11, 8), F(13, 8), F(15, 8)]
    assert grid.end_ql == F(15, 8)


def test_an_offset_in_a_short_frame_goes_to_the_nearer_of_its_two_edges():
    grid = Grid((Bar(1, F(0), F(3, 8)),))
    # 11/32 is 3/32 from 1/4 and 1/32 from the barline
    assert grid.frame_at_offset(F(11, 32)) == 2
    assert grid.frame_at_offset(F(9, 32)) == 1


def test_half_way_goes_to_the_earlier_grid_point():
    grid = Grid(bars_of('4/4'))
    assert grid.frame_at_offset(F(1, 8)) == 0
    assert grid.frame_at_offset(F(1, 8) + F(1, 1000)) == 1
    assert grid.frame_at_offset(F(3, 8)) == 1


def test_offsets_beyond_the_end_belong_to_the_end():
    grid = Grid(bars_of('2/4', '2/4'))
    assert grid.frame_at_offset(F(99)) == 16
    assert grid.bar_at_offset(F(99)) == 1
    assert grid.offset_at_frame(16) == 4


def test_a_barline_belongs_to_the_bar_that_it_opens():
    grid = Grid(bars_of('3/4', '6/8', '2/4'))
    assert [grid.bar_at_offset(F(n)) for n in (0, 3, 6)] == [0, 1, 2]
    assert [grid.bar_at_frame(n) for n in (0, 11, 12, 23, 24, 31)] == [0, 0, 1, 1, 2, 2]


@pytest.mark.parametrize(('meter', 'offset', 'beat'), [
    ('4/4', F(5, 2), F(7, 2)), ('6/8', F(3, 2), F(2)), ('6/8', F(1, 2), F(4, 3)),
    ('12/8', F(9, 2), F(4)), ('3/2', F(2), F(2)), ('3/8', F(1, 2), F(2))])
def test_beats_are_those_of_the_meter(meter, offset, beat):
    assert Grid(bars_of(meter)).beat_at_offset(offset) == (1, beat)


@pytest.mark.parametrize('work', ['bach/bwv66.6', 'demos/two-parts', 'joplin/maple_leaf_rag',
                                  'schumann_clara/opus17/movement3', 'ryansMammoth/AcaciaReel'])
def test_measures_and_beats_are_those_of_music21(corpus_score, work):
    score = corpus_score(work)
    grid = Grid(extract_notes(score).bars)
    places = naive_measure_beats(score)
    assert len(places) > 5
    for bar in grid.bars[1:]:
        if bar.lead_ql:     # music21 starts again at 1 in the second half of a bar cut in two
            inside = [o for o in places if bar.start_ql <= o < bar.end_ql]
            places |= {o: (places[o][0], places[o][1] + bar.lead_ql / bar.beat_ql) for o in inside}
    assert {offset: grid.beat_at_offset(offset) for offset in places} == places


def test_bars_with_a_gap_are_refused():
    with pytest.raises(FramesError, match='bars must follow each other'):
        Grid((Bar(1, F(0), F(4)), Bar(2, F(5), F(4))))


@pytest.mark.parametrize('step', [F(0), F(-1, 4)])
def test_a_step_that_is_not_positive_is_refused(step):
    with pytest.raises(ParameterError, match='expected a positive length'):
        Grid(bars_of('4/4'), step)


def test_a_grid_without_bars_has_no_frames():
    assert Grid(()).num_frames == 0
    assert Grid(()).end_ql == 0


def test_with_step_keeps_the_bars():
    grid = Grid(bars_of('6/8', '3/4')).with_step(F(1, 2))
    assert np.array_equal(grid.bar_starts, [0, 6, 12])
    assert grid.bars == bars_of('6/8', '3/4')


def test_bars_come_back_from_json_exactly():
    bar = Bar(7, F(1, 3), F(7, 12), '7/12', F(1, 3), F(1, 12), -3)
    assert Bar.from_json(bar.to_json()) == bar
    assert set(map(type, bar.to_json().values())) <= {int, str}
