"""Frames of note tables and scores, and notes back from frames."""

import warnings
from fractions import Fraction

import numpy as np
import pytest
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
from qbdi_m21.frames.raster import frames_to_notes, table_to_frames
from qbdi_m21.frames.roll import Frames

BARS = bars_of('4/4', '4/4')
THIRD = Fraction(1, 3)


def cells(plane, low):
    return {(int(t), int(p) + low) for t, p in np.argwhere(plane)}


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


@pytest.mark.parametrize('pitch_range', [(24, 24), (-1, 50), (0, 129), (60, 50)])
def test_a_bad_pitch_range_is_refused(pitch_range):
    with pytest.raises(ParameterError, match=r'pitch_range is .* within 0\.\.128'):
        table_to_frames(table_of([(0, 1, 60)], BARS), pitch_range=pitch_range)


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
    again = frames_of(notes_of(frames), frames.grid.bars)
    assert np.array_equal(again.sounding, frames.sounding)
    assert np.array_equal(again.onset, frames.onset)


@pytest.mark.parametrize('semitones', [5, -7])
def test_transposing_a_score_moves_the_columns(corpus_score, semitones):
    score = corpus_score('bach/bwv66.6')
    plain, moved = to_frames(score), to_frames(score.transpose(semitones))
    assert np.array_equal(np.roll(plain.sounding, semitones, axis=1), moved.sounding)
    assert np.array_equal(np.roll(plain.onset, semitones, axis=1), moved.onset)


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
    assert np.array_equal(shifted.sounding[12:], plain.sounding)
    assert np.array_equal(shifted.onset[12:], plain.onset)


def test_an_empty_score_is_refused():
    with pytest.raises(EmptyScoreError, match='expected at least one'):
        to_frames(stream.Score())


def test_an_opus_is_refused():
    with pytest.raises(ScoreError, match='Opus of 1 scores'):
        to_frames(stream.Opus([stream.Score()]))


@pytest.mark.parametrize('step', [0, -0.25])
def test_a_step_that_is_not_positive_is_refused(step):
    with pytest.raises(ParameterError, match='expected a positive length'):
        to_frames(table_of([(0, 1, 60)], BARS), step=step)


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
