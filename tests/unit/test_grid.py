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


@pytest.mark.parametrize('step', ['fast', '1/4', '', 'Beat'])
def test_a_word_that_is_no_step_is_refused(step):
    with pytest.raises(ParameterError, match="expected a positive length in quarters, 'beat' or"):
        Grid(bars_of('4/4'), step)
    with pytest.raises(ParameterError, match='expected a positive length'):
        Grid(bars_of('4/4')).with_step(step)


@pytest.mark.parametrize(('meters', 'pickup', 'beats'), [
    (('4/4', '6/8', '2/2'), 0, [4, 2, 2]), (('3/4', '5/4'), 0, [3, 5]),
    (('4/4',), F(3, 2), [2, 4]), (('6/8',), F(1, 2), [1, 2])])
def test_a_step_of_a_beat_has_as_many_frames_as_the_bar_has_beats(meters, pickup, beats):
    grid = Grid(bars_of(*meters, pickup_ql=pickup), 'beat')
    assert grid.bar_frames.tolist() == beats
    assert Grid(grid.bars, 'bar').bar_frames.tolist() == [1] * len(beats)


def test_frames_of_a_pickup_are_counted_from_where_its_meter_begins():
    bars = bars_of('4/4', pickup_ql=F(5, 4))
    assert [Grid(bars, F(1, 2)).offset_at_frame(k) for k in range(5)] == [
        0, F(1, 4), F(3, 4), F(5, 4), F(7, 4)]
    assert Grid(bars, F(1, 2)).bar_frames.tolist() == [3, 8]
    inside = np.array([(0, 1), (1, 5), (1, 4), (7, 10), (3, 4), (6, 5), (5, 4), (7, 4)])
    assert Grid(bars, F(1, 2)).frames_holding(inside, np.array([0] * 6 + [1] * 2)).tolist() == [
        0, 0, 1, 1, 2, 2, 3, 4]
    assert Grid(bars, 'beat').bar_phases == (F(3, 4), 0)
    assert [Grid(bars, 'beat').offset_at_frame(k) for k in range(3)] == [0, F(1, 4), F(5, 4)]


def test_a_measure_and_a_beat_have_an_offset():
    grid = Grid(bars_of('4/4', '6/8', '3/4', pickup_ql=1))
    assert grid.offset_at_beat(0, 4) == 0
    assert grid.offset_at_beat(1) == 1
    assert grid.offset_at_beat(1, 4.5) == F(9, 2)
    assert grid.offset_at_beat(2, F(7, 3)) == 7
    assert grid.offset_at_beat(3, 1 + 1 / 3) == 8 + F(1, 3)


def test_of_two_halves_with_one_number_the_one_that_holds_the_beat_is_meant():
    halves = (Bar(1, F(0), F(4)), Bar(2, F(4), F(3)), Bar(2, F(7), F(1), lead_ql=F(3)))
    grid = Grid(halves)
    assert [grid.offset_at_beat(2, beat) for beat in (1, 3, 4, F(9, 2))] == [4, 6, 7, F(15, 2)]


@pytest.mark.parametrize(('measure', 'beat'), [(1, 5), (1, 0.99), (0, 3), (0, 5), (4, 1), (-1, 1)])
def test_a_beat_that_is_not_there_is_refused(measure, beat):
    with pytest.raises(ParameterError, match=f'no beat {beat} in a measure {measure}; measures '
                                             'run from 0 to 1'):
        Grid(bars_of('4/4', pickup_ql=1)).offset_at_beat(measure, beat)


def test_no_measure_is_in_a_grid_without_bars():
    with pytest.raises(ParameterError, match='no beat 1 in a measure 1'):
        Grid(()).offset_at_beat(1)


def test_distances_to_the_grid_are_exact():
    grid = Grid((Bar(1, F(0), F(7, 8)), Bar(2, F(7, 8), F(1))))
    offsets = [F(0), F(1, 3), F(13, 16), F(13, 15), F(3)]
    frame, away = grid.frames_at(np.array([(o.numerator, o.denominator) for o in offsets]))
    assert frame.tolist() == [0, 1, 3, 4, 8]
    assert [F(n, d) for n, d in away.tolist()] == [0, F(1, 12), F(1, 16), F(1, 120), F(9, 8)]


def test_no_offsets_have_no_frames():
    frame, away = Grid(bars_of('4/4')).frames_at(np.zeros((0, 2), dtype=np.int64))
    assert frame.shape == (0,)
    assert away.shape == (0, 2)


@pytest.mark.parametrize(('bar', 'full'), [
    (Bar(1, F(0), F(4)), True), (Bar(1, F(0), F(63, 16)), True), (Bar(1, F(0), F(5)), True),
    (Bar(1, F(0), F(62, 16)), False), (Bar(1, F(0), F(3), '6/8'), True),
    (Bar(1, F(0), F(1), lead_ql=F(3)), False), (Bar(1, F(0), F(4), lead_ql=F(1, 8)), False)])
def test_a_bar_is_full_where_its_meter_is(bar, full):
    assert bar.is_full == full
