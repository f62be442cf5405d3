"""Note tables to frames and back: steps, ranges, what is moved and what is told of it."""

import warnings
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from frame_strategies import cells, fractions
from naive.frames import naive_table_to_frames
from strategies import bars_of, frames_of, table_of

from qbdi_m21.errors import ParameterError, PitchClippedWarning, QuantizationWarning
from qbdi_m21.frames.encode import to_frames, to_part_frames
from qbdi_m21.frames.grid import Bar
from qbdi_m21.frames.notes import extract_notes
from qbdi_m21.frames.raster import coarsest_step, frames_to_table, quantize, table_to_frames
from qbdi_m21.frames.table import Tempo, make_note_table

F = Fraction
BARS = bars_of('4/4', '4/4')
ONE = table_of([(0, 1, 60)], BARS)
WORKS = ['bach/bwv66.6', 'ryansMammoth/BanishMisfortune', 'schumann_clara/polonaise_op1n1',
         'chopin/mazurka06-2', 'trecento/PMFC_12_10a-Credo PMFC12.10a']


def grace(table, *rows):
    flags = np.zeros(len(table), dtype=bool)
    flags[list(rows)] = True
    return make_note_table(table.bars, onset=table.onset, pitch=table.pitch, grace=flags,
                           duration=[0 if k in rows else F(*table.duration[k].tolist())
                                     for k in range(len(table))])


@pytest.mark.parametrize(('step', 'frames', 'kept'), [
    (0.25, 32, F(1, 4)), ('1/6', 48, F(1, 6)), (1 / 3, 24, F(1, 3)), ('beat', 8, 'beat'),
    ('bar', 2, 'bar'), ('auto', 8, F(1)), (F(1, 960), 7680, F(1, 960)),
    ('1/720', 5760, F(1, 720)), (0.333, 24, F(1, 3)), (np.float64(0.5), 16, F(1, 2)),
    (2, 4, F(2)), ('0.5', 16, F(1, 2))])
def test_a_step_is_a_length_or_a_word(step, frames, kept):
    with warnings.catch_warnings():
        warnings.simplefilter('ignore', QuantizationWarning)
        grid = table_to_frames(ONE, step=step).grid
    assert (grid.num_frames, grid.step_ql) == (frames, kept)


@pytest.mark.parametrize('step', [0, -1, -0.25, '0', 'fast', '', None, [], '1/0', float('nan'),
                                  float('inf'), 1e-9, '1/1000', 'Beat'])
def test_a_step_of_something_else_is_refused(step):
    for act in (table_to_frames, to_frames, to_part_frames):
        with pytest.raises(ParameterError, match=r"step is .*; expected a posit.*'auto'"):
            act(ONE, step=step)
    with pytest.raises(ParameterError, match='expected a positive length'):
        quantize(ONE, step)


@pytest.mark.parametrize('pitch_range', [
    (24, 24), (60, 50), (-1, 50), (0, 129), (0, 10**9), 5, None, 'ab', (1, 2, 3), (24,), (24.5, 60),
    (24.0, 60.0), ('24', '60'), {24: 60}])
def test_a_pitch_range_of_something_else_is_refused(pitch_range):
    with pytest.raises(ParameterError, match=r'pitch_range is .*; expected \(low, high\)'):
        table_to_frames(ONE, pitch_range=pitch_range)


@pytest.mark.parametrize('outside', ['', 'clip', None, 'Fold', 0])
def test_another_way_with_notes_outside_is_refused(outside):
    with pytest.raises(ParameterError, match=r"outside is .*; expected 'drop' or 'fold'"):
        table_to_frames(ONE, outside=outside)


def test_folding_needs_an_octave():
    table = table_of([(0, 1, 60), (1, 1, 80)], BARS)
    with pytest.raises(ParameterError, match='folding needs an octave at least'):
        table_to_frames(table, pitch_range=(60, 71), outside='fold')
    assert table_to_frames(ONE, pitch_range=(60, 61), outside='fold').onset.sum() == 1


def test_notes_are_folded_by_as_few_octaves_as_can_be():
    table = table_of([(k, 1, pitch) for k, pitch in enumerate([47, 24, 48, 59, 60, 61, 127])],
                     BARS)
    with pytest.warns(PitchClippedWarning, match=r'^5 of 7 notes lie outside MIDI 48\.\.59 and we'):
        frames = table_to_frames(table, pitch_range=(48, 60), outside='fold')
    assert frames_to_table(frames).pitch.tolist() == [59, 48, 48, 59, 48, 49, 55]


def test_notes_left_out_and_moved_are_told_of_the_caller():
    table = table_of([(0, 1, 20), (F(1, 8), 1, 60)], BARS)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter('always')
        frames = table_to_frames(table)
    assert [w.category for w in told] == [PitchClippedWarning, QuantizationWarning]
    assert str(told[0].message) == '1 of 2 notes lie outside MIDI 24..101 and were left out'
    assert frames.onset.sum() == 1


@pytest.mark.parametrize(('step', 'words'), [
    ('beat', 'a frame a beat'), ('bar', 'a frame a bar'), ('1/2', '1/2 quarter')])
def test_the_grid_to_which_notes_moved_is_told(step, words):
    table = table_of([(F(1, 8), F(31, 8), 60)], BARS)
    with pytest.warns(QuantizationWarning, match=f'to the grid of {words}, by 0.125 quarter'):
        table_to_frames(table, step=step)


def test_the_furthest_that_a_note_moved_counts_what_keeps_it_from_vanishing():
    with pytest.warns(QuantizationWarning, match=r'by 0\.875 quarter at most'):
        table_to_frames(table_of([(0, F(1, 8), 60)], BARS), step=1)


@pytest.mark.parametrize('work', WORKS)
@pytest.mark.parametrize('step', ['beat', 'bar', 'auto', F(1, 3)])
@pytest.mark.filterwarnings('ignore::qbdi_m21.errors.QbdiWarning')
def test_frames_of_works_are_those_of_the_slow_twin(corpus_score, work, step):
    table = extract_notes(corpus_score(work))
    # the first bars are enough for a slow twin; what overhangs them is cut by both
    table = replace(table.select(table.bar < 8), bars=table.bars[:8])
    frames = table_to_frames(table, step=step)
    sounding, onset, _ = naive_table_to_frames(table, frames.grid.step_ql)
    assert cells(frames.sounding, 24) == sounding
    assert cells(frames.onset, 24) == onset


@pytest.mark.parametrize(('notes', 'step'), [
    ([(0, 1, 60)], F(1)), ([(0, F(1, 3), 60)], F(1, 3)), ([(0, F(1, 3), 60), (1, F(1, 4), 62)],
    F(1, 12)), ([(0, 3, 60), (3, 1, 62)], F(3)), ([(0, 8, 60)], F(4)), ([(4, 4, 60)], F(4)),
    ([(F(1, 48), 1, 60)], F(1, 48)), ([(2, 4, 60)], F(2)), ([], F(1))])
def test_the_longest_step_that_moves_no_note(notes, step):
    table = table_of(notes, BARS)
    assert coarsest_step(table) == step
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        assert table_to_frames(table, step='auto').grid.step_ql == step


@pytest.mark.parametrize(('late', 'step'), [
    (F(1, 97), F(1, 3)), (F(1, 31), F(1, 3)), (F(3, 29), F(1, 12))],
    ids=['of a file', 'of a player', 'meant'])
def test_of_the_usual_steps_the_longest_is_taken_that_moves_no_onset_by_much(late, step):
    table = table_of([(0, 1, 60), (1, F(1, 3), 62), (2 + late, 1, 64), (4, F(1, 3), 65)], BARS)
    assert coarsest_step(table) == step
    with pytest.warns(QuantizationWarning, match=f'^1 of 4 notes moved to the grid of {step} qu'):
        table_to_frames(table, step='auto')
    assert coarsest_step(table, finest=F(1, 300)) == F(1, 3 * late.denominator)


def test_grace_notes_do_not_count_for_the_step():
    table = grace(table_of([(0, 1, 60), (F(1, 7), 1, 62), (4, 2, 64)], BARS), 1)
    assert coarsest_step(table) == 1
    assert coarsest_step(table.select(table.grace)) == 1


def test_a_pickup_counts_from_where_its_meter_begins():
    table = table_of([(0, 1, 60), (1, 2, 62), (3, 2, 64)], bars_of('4/4', pickup_ql=1))
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        frames = table_to_frames(table, step=2)
    # the pickup is the second half of a half note
    assert frames.grid.bar_frames.tolist() == [1, 2]
    assert frames.onset.sum() == 3


def test_the_longest_step_of_a_piece_with_a_pickup():
    table = table_of([(0, 1, 60), (1, 2, 62), (3, 2, 64)], bars_of('4/4', pickup_ql=1))
    assert coarsest_step(table) == 2


def test_all_parts_have_the_grid_of_the_whole():
    table = table_of([(0, 1, 60, 0), (1, F(1, 3), 62, 1), (2, F(1, 2), 64, 2)], BARS)
    parts = to_part_frames(table, step='auto')
    assert [part.grid.step_ql for part in parts] == [F(1, 6)] * 3
    assert [int(part.onset.sum()) for part in parts] == [1, 1, 1]
    assert len(to_part_frames(table.select(table.part > 5))) == 3


def test_the_velocity_plane_holds_the_velocity_of_what_sounds():
    table = table_of([(0, 1, 60), (0, 2, 64), (1, 1, 60)], BARS, velocity=[100, 5, 30])
    assert table_to_frames(table).velocity is None
    plane = table_to_frames(table, velocity=True).velocity
    assert plane.dtype == np.uint8
    assert plane[:9, 36].tolist() == [100] * 4 + [30] * 4 + [0]
    assert plane[:9, 40].tolist() == [5] * 8 + [0]


def test_frames_give_a_table_of_one_part():
    bars = bars_of('3/4', '3/4', pickup_ql=1)
    frames = frames_of([(0, 6, 61), (4, 8, 66), (8, 28, 70)], bars)
    table = frames_to_table(frames, part_names=('Piano',), tempi=[Tempo(F(0), 100.0)])
    assert fractions(table.onset) == [0, 1, 2]
    assert fractions(table.duration) == [F(3, 2), 1, 5]
    assert table.bar.tolist() == [0, 1, 1]
    assert table.element_id.tolist() == ['P0M0N0', 'P0M1N0', 'P0M1N1']
    assert (table.part_names, table.tempi[0].quarters_per_minute) == (('Piano',), 100.0)
    assert table.velocity.tolist() == [0, 0, 0]


def test_no_frames_are_no_notes():
    assert len(frames_to_table(frames_of([], BARS))) == 0


def test_quantizing_keeps_grace_notes_without_length():
    table = grace(table_of([(0, 1, 60), (F(7, 16), 1, 62), (F(1, 2), 1, 64)], BARS), 1)
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        moved = quantize(table, F(1, 2))
    assert fractions(moved.onset) == [0, F(1, 2), F(1, 2)]
    assert sorted(fractions(moved.duration)) == [0, 1, 1]


def test_quantizing_across_a_barline_changes_the_bar():
    table = table_of([(F(127, 32), 1, 60), (F(255, 32), F(1, 32), 62)], BARS)
    with pytest.warns(QuantizationWarning, match=r'^2 of 2 notes moved .*, by 0\.219 quarter'):
        moved = quantize(table, F(1, 4))
    assert fractions(moved.onset) == [4, F(31, 4)]
    assert moved.bar.tolist() == [1, 1]


def test_ids_name_each_note_once_after_quantizing():
    table = table_of([(F(127, 32), 1, 60), (4, 1, 62)], BARS)
    with pytest.warns(QuantizationWarning):
        assert len(set(quantize(table, F(1, 4)).element_id.tolist())) == 2


def test_a_note_that_overhangs_the_last_bar_is_cut_and_told():
    table = table_of([(6, 4, 60)], (*BARS[:1], Bar(2, F(4), F(4))))
    with pytest.warns(QuantizationWarning, match=r'^1 of 1 .* by 2 quarter at most'):
        frames = table_to_frames(table)
    assert frames.sounding.sum() == 8
