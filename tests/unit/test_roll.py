"""Frames of note tables and scores, and notes back from frames."""

import warnings
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from frame_strategies import assert_equal_frames, cells
from music21 import note, stream
from naive.twins import naive_frames, naive_notes, naive_sounding_notes
from strategies import bars_of, frames_of, table_of

from qbdi_m21.errors import (
    EmptyScoreError,
    FramesError,
    ParameterError,
    PitchClippedWarning,
    QuantizationWarning,
    ScoreError,
)
from qbdi_m21.frames.encode import Music, read_music, to_frames
from qbdi_m21.frames.grid import Grid
from qbdi_m21.frames.notes import extract_notes
from qbdi_m21.frames.raster import frames_to_notes, frames_to_table, table_to_frames
from qbdi_m21.frames.roll import Frames

BARS = bars_of('4/4', '4/4')
THIRD = Fraction(1, 3)


def notes_of(frames):
    notes = frames_to_notes(frames)
    return list(zip(notes.start_frames.tolist(), notes.end_frames.tolist(),
                    notes.pitch.tolist(), strict=True))


def test_a_quarter_sounds_for_four_sixteenths_and_starts_once():
    frames = table_to_frames(table_of([(1, 1, 60)], BARS))
    assert np.flatnonzero(frames.sounding[:, 60 - 24]).tolist() == [4, 5, 6, 7]
    assert np.flatnonzero(frames.onset[:, 60 - 24]).tolist() == [4]
    assert frames.sounding.sum() == 4
    assert frames.sounding.shape == (32, 78)


def test_a_restruck_note_is_two_notes():
    frames = table_to_frames(table_of([(0, 1, 60), (1, 1, 60)], BARS))
    assert notes_of(frames) == [(0, 4, 60), (4, 8, 60)]


def test_a_held_note_is_one_note():
    assert notes_of(table_to_frames(table_of([(0, 6, 60)], BARS))) == [(0, 24, 60)]


def test_parts_on_one_pitch_merge_and_both_onsets_stay():
    frames = table_to_frames(table_of([(0, 4, 60, 0), (1, 1, 60, 1)], BARS))
    assert notes_of(frames) == [(0, 4, 60), (4, 16, 60)]


def test_a_cell_that_sounds_without_an_onset_after_silence_starts_a_note():
    frames = frames_of([(4, 8, 60)], BARS)
    frames.onset[:] = False
    assert notes_of(frames) == [(4, 8, 60)]


def test_notes_are_sorted_by_start_then_pitch():
    frames = frames_of([(8, 9, 50), (0, 32, 70), (0, 1, 60), (8, 32, 40)], BARS)
    assert notes_of(frames) == [(0, 1, 60), (0, 32, 70), (8, 32, 40), (8, 9, 50)]


def test_notes_off_the_grid_are_moved_counted_and_measured():
    table = table_of([(0, 1, 60), (THIRD, THIRD, 62), (2 * THIRD, THIRD, 64)], BARS)
    with pytest.warns(QuantizationWarning, match=r'^2 of 3 notes moved .* 1/4 quarter, by 0.0833'):
        frames = table_to_frames(table)
    assert notes_of(frames) == [(0, 4, 60), (1, 3, 62), (3, 4, 64)]


def test_a_step_of_thirds_needs_no_moving():
    table = table_of([(0, THIRD, 60), (THIRD, THIRD, 62), (2 * THIRD, THIRD, 64)], BARS)
    frames = table_to_frames(table, step=Fraction(1, 6))
    assert notes_of(frames) == [(0, 2, 60), (2, 4, 62), (4, 6, 64)]
    assert np.array_equal(table_to_frames(table, step=1 / 6).onset, frames.onset)


def test_the_shortest_note_keeps_a_frame():
    table = table_of([(0, Fraction(1, 32), 60), (Fraction(127, 16), Fraction(1, 16), 62)], BARS)
    with pytest.warns(QuantizationWarning, match='^2 of 2 notes moved'):
        frames = table_to_frames(table)
    assert notes_of(frames) == [(0, 1, 60), (31, 32, 62)]


def test_grace_notes_leave_no_cell():
    table = table_of([(0, 1, 60), (0, 0, 62)], BARS)
    table.grace[table.pitch == 62] = True
    assert notes_of(table_to_frames(table)) == [(0, 4, 60)]


def test_pitches_out_of_range_are_left_out_and_counted():
    table = table_of([(0, 1, 23), (0, 1, 24), (0, 1, 101), (0, 1, 102)], BARS)
    with pytest.warns(PitchClippedWarning, match=r'^2 of 4 notes lie outside MIDI 24\.\.101'):
        frames = table_to_frames(table)
    assert [pitch for _, _, pitch in notes_of(frames)] == [24, 101]
    assert notes_of(table_to_frames(table, pitch_range=(0, 128)))[0] == (0, 4, 23)


def test_music_on_the_grid_and_in_range_gives_no_warning():
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        table_to_frames(table_of([(0, 1, 24), (0, 1, 101)], BARS))


def test_a_bar_that_is_no_multiple_of_the_step_keeps_its_barline():
    bars = bars_of('4/4', '4/4')
    frames = table_to_frames(table_of([(0, 4, 60), (4, 4, 60)], bars), step=Fraction(3, 2))
    assert notes_of(frames) == [(0, 3, 60), (3, 6, 60)]


@pytest.mark.parametrize(('sounding', 'onset', 'match'), [
    (np.zeros((32, 3), bool), np.zeros((32, 4), bool), 'expected two equal'),
    (np.zeros(32, bool), np.zeros(32, bool), 'expected two equal'),
    (np.zeros((31, 3), bool), np.zeros((31, 3), bool), '31 frames given for a grid of 32'),
    (np.zeros((32, 3), bool), np.ones((32, 3), bool), 'does not sound')])
def test_planes_that_do_not_fit_are_refused(sounding, onset, match):
    with pytest.raises(FramesError, match=match):
        Frames(sounding, onset, Grid(BARS))


@pytest.mark.parametrize('work', ['bach/bwv66.6', 'demos/two-parts', 'ryansMammoth/AcaciaReel'])
@pytest.mark.parametrize('step', [Fraction(1, 4), Fraction(1, 2)])
def test_frames_of_a_score_are_those_drawn_cell_by_cell(corpus_score, work, step):
    score = corpus_score(work)
    with warnings.catch_warnings():
        warnings.simplefilter('ignore', QuantizationWarning)
        frames = to_frames(score, step=step)
    notes = [(onset, end - onset, pitch) for _, onset, end, pitch in naive_sounding_notes(score)]
    sounding, onsets = naive_frames(notes, frames.grid.bars, step)
    assert cells(frames.sounding, 24) == sounding
    assert cells(frames.onset, 24) == onsets
    assert notes_of(frames) == naive_notes(sounding, onsets)


@pytest.mark.parametrize('work', [
    'bach/bwv66.6', 'demos/two-parts', 'ryansMammoth/AcaciaReel',
    'schumann_clara/opus17/movement3'])
def test_frames_to_notes_and_back_is_exact_on_corpus_works(corpus_score, work):
    with warnings.catch_warnings():
        warnings.simplefilter('ignore', QuantizationWarning)
        frames = to_frames(corpus_score(work))
    assert_equal_frames(frames_of(notes_of(frames), frames.grid.bars), frames)
    assert_equal_frames(table_to_frames(frames_to_table(frames)), frames)


@pytest.mark.parametrize('semitones', [5, -7])
def test_transposing_a_score_moves_the_columns(corpus_score, semitones):
    score = corpus_score('bach/bwv66.6')
    moved = to_frames(score.transpose(semitones))
    assert np.array_equal(to_frames(score).transpose(semitones).sounding, moved.sounding)
    assert np.array_equal(to_frames(score).transpose(semitones).onset, moved.onset)
    assert_equal_frames(to_frames(extract_notes(score).transpose(semitones)), moved)


def test_a_bar_of_rest_in_front_moves_the_rows(corpus_score):
    score = corpus_score('demos/two-parts')
    later = stream.Score()
    for part in score.parts:
        first, *rest = [m.template(fillWithRests=True) for m in part.getElementsByClass('Measure')]
        moved = stream.Part([first])
        for measure in part.getElementsByClass('Measure'):
            moved.append(measure.coreCopyAsDerivation('test'))
        later.insert(0, moved)
    plain, shifted = to_frames(score), to_frames(later)
    assert plain.sounding.any()
    assert len(rest) == len(plain.grid.bars) - 1
    assert not shifted.sounding[:12].any()
    assert np.array_equal(shifted.sounding, plain.pad_bars(1).sounding)
    assert np.array_equal(shifted.onset, plain.pad_bars(1).onset)


def loud(notes, bars=BARS):
    frames = frames_of(notes, bars)
    return replace(frames, velocity=(frames.sounding * 90).astype(np.uint8))


def test_a_velocity_plane_of_another_shape_is_refused():
    frames = frames_of([], BARS)
    with pytest.raises(FramesError, match=r'the velocity plane has shape \(32, 2\); expected'):
        replace(frames, velocity=np.zeros((32, 2), dtype=np.uint8))


def test_transposing_moves_every_plane_and_tells_what_leaves():
    frames = loud([(0, 4, 60), (4, 8, 60), (0, 2, 101), (8, 9, 24)])
    with pytest.warns(PitchClippedWarning, match=r'^1 notes leave MIDI 24\.\.101 and were left'):
        moved = frames.transpose(1)
    assert notes_of(moved) == [(0, 4, 61), (4, 8, 61), (8, 9, 25)]
    assert moved.velocity.dtype == np.uint8
    assert np.array_equal(moved.velocity, moved.sounding * 90)
    with pytest.warns(PitchClippedWarning, match='^4 notes leave'):
        assert not frames.transpose(-500).sounding.any()


def test_a_slice_begins_at_time_0_and_keeps_a_held_note_without_an_onset():
    bars = bars_of('3/4', '2/4', pickup_ql=1)
    frames = loud([(0, 4, 60), (4, 24, 62)], bars)
    part = frames.slice_bars(2, 3)
    assert [(b.number, b.start_ql, b.meter) for b in part.grid.bars] == [(2, 0, '2/4')]
    assert not part.onset.any()
    assert notes_of(part) == [(0, 8, 62)]
    assert part.velocity.max() == 90
    assert frames.slice_bars(0, 1).grid.bars == bars[:1]


@pytest.mark.parametrize(('start', 'stop'), [(0, 0), (1, 1), (1, 0), (-1, 1), (0, 3), (2, 3)])
def test_bars_that_are_not_there_cannot_be_sliced(start, stop):
    with pytest.raises(ParameterError, match=fr'bars {start}\.\.{stop} were asked for; .* 0\.\.2'):
        frames_of([], BARS).slice_bars(start, stop)


def test_padding_makes_full_bars_in_front_of_a_pickup():
    frames = loud([(0, 8, 60)], bars_of('3/4', '2/4', pickup_ql=1))
    padded = frames.pad_bars(1, 2)
    assert [(b.length_ql, b.lead_ql) for b in padded.grid.bars] == [
        (3, 0), (1, 2), (3, 0), (2, 0), (2, 0), (2, 0)]
    assert notes_of(padded) == [(12, 20, 60)]
    assert padded.velocity.shape == padded.sounding.shape


@pytest.mark.parametrize(('before', 'after'), [(-1, 0), (0, -1)])
def test_no_bars_can_be_taken_away_by_padding(before, after):
    with pytest.raises(ParameterError, match=f'padding with {before} and {after} bars; expected'):
        frames_of([], BARS).pad_bars(before, after)
    with pytest.raises(ParameterError, match='around at least one'):
        frames_of([], ()).pad_bars(1)


def test_pieces_of_one_kind_follow_each_other():
    first, second = frames_of([(0, 16, 60)], BARS[:1]), frames_of([(0, 8, 62)], bars_of('2/4'))
    joined = Frames.concatenate([first, second, first])
    assert notes_of(joined) == [(0, 16, 60), (16, 24, 62), (24, 40, 60)]
    assert [b.start_ql for b in joined.grid.bars] == [0, 4, 6]
    assert_equal_frames(Frames.concatenate([first]), first)


@pytest.mark.parametrize('other', [
    frames_of([], BARS, step=THIRD), frames_of([], BARS, low=25), frames_of([], BARS, high=101),
    loud([])], ids=['step', 'low', 'high', 'velocity'])
def test_pieces_of_different_kinds_are_refused(other):
    with pytest.raises(FramesError, match='differ in step, pitch range or having a velocity'):
        Frames.concatenate([frames_of([], BARS), other])
    with pytest.raises(ParameterError, match='no frames to concatenate'):
        Frames.concatenate([])


def test_an_empty_score_is_refused():
    with pytest.raises(EmptyScoreError, match='expected at least one'):
        to_frames(stream.Score())


def test_an_opus_is_refused():
    with pytest.raises(ScoreError, match='Opus of 1 scores'):
        to_frames(stream.Opus([stream.Score()]))


def test_read_music_takes_every_source_and_refuses_others():
    table = table_of([(0, 1, 60)], BARS)
    frames = table_to_frames(table)
    assert read_music(frames).table is None
    assert read_music(frames).frames is frames
    assert np.array_equal(read_music(table).frames.sounding, frames.sounding)
    music = Music(frames, table)
    assert read_music(music) is music
    with pytest.raises(ParameterError, match='got int; expected'):
        read_music(7)


def test_only_an_improvisation_may_be_silent():
    silent = stream.Score([stream.Part([stream.Measure([note.Rest(quarterLength=4)])])])
    with pytest.raises(EmptyScoreError, match='no pitched note'):
        read_music(silent)
    silent.derivation.method = 'improvise'
    assert read_music(silent).side == 'improvisation'
    assert not read_music(silent).frames.sounding.any()
