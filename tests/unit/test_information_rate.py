"""Information rate of pieces."""

import json
from fractions import Fraction

import numpy as np
import pytest
from strategies import bars_of, table_of

from qbdi_m21.analysis.information_rate import analysis_features, information_rate
from qbdi_m21.errors import EmptyScoreError, ParameterError
from qbdi_m21.frames.encode import to_frames
from qbdi_m21.frames.grid import Grid
from qbdi_m21.frames.roll import Frames
from qbdi_m21.oracle.threshold import find_threshold


def melody(pitches, step=Fraction(1, 2)):
    bars = bars_of(*['4/4'] * -(-len(pitches) // 8))
    return table_of([(k * step, step, p) for k, p in enumerate(pitches)], bars)


REPEATED = melody([60, 62, 64, 67, 65, 69, 71, 59] * 4)


def test_the_selected_threshold_is_the_smallest_of_the_best():
    found = information_rate(REPEATED)
    best = np.flatnonzero(found.curve == found.curve.max())[0]
    assert found.selected == found.thresholds[best]
    assert found.profile.sum() == pytest.approx(found.total_bits)
    assert found.curve[0] == 0


def test_there_is_a_rate_for_every_analysis_frame():
    assert len(information_rate(REPEATED).profile) == 4 * 8
    quarters = information_rate(REPEATED, step=1)
    assert len(quarters.profile) == 4 * 4 == quarters.grid.num_frames


def test_the_repeat_is_where_the_information_is():
    profile = information_rate(REPEATED).profile
    assert not profile[:8].any()
    assert profile[8:].min() > 1


def test_a_piece_that_repeats_has_more_than_its_shuffled_notes(rng):
    shuffled = [information_rate(melody(rng.permutation(REPEATED.pitch).tolist())).total_bits
                for _ in range(5)]
    assert information_rate(REPEATED).total_bits > 1.5 * max(shuffled)


def test_transposing_a_piece_does_not_change_its_rate():
    moved = information_rate(melody((REPEATED.pitch + 3).tolist()))
    plain = information_rate(REPEATED)
    assert moved.total_bits == pytest.approx(plain.total_bits)
    assert moved.profile == pytest.approx(plain.profile)


def test_features_are_eighths_of_tonnetz_vectors():
    features, sounding, grid = analysis_features(to_frames(REPEATED))
    assert sounding.all()
    assert features.shape == (32, 6)
    assert grid.step_ql == Fraction(1, 2)
    assert np.allclose(features[:8], features[8:16])


def test_frames_longer_than_an_eighth_are_analysed_as_they_are():
    assert analysis_features(to_frames(melody([60, 62, 64], Fraction(1)), step=1))[2].step_ql == 1


def test_silence_equals_silence():
    table = melody([60, 62, 64, 65] + [67] * 12)
    frames = to_frames(table)
    silent = frames.sounding.copy()
    silent[8:] = False
    found = information_rate(Frames(silent, frames.onset & silent, frames.grid))
    assert found.profile[-8:].min() > 0


def test_plain_values_can_be_written_as_json():
    plain = json.loads(json.dumps(information_rate(REPEATED).to_json()))
    assert [(r['measure'], r['beat']) for r in plain['profile'][:9:4]] == [(1, 1), (1, 3), (2, 1)]
    assert plain['total_bits'] == pytest.approx(max(plain['curve_bits']))
    assert len(plain['thresholds']) == len(plain['curve_bits'])


def test_progress_is_told():
    told = []
    information_rate(REPEATED, progress=lambda done, total: told.append((done, total)))
    assert told == [(k, told[0][1]) for k in range(1, len(told) + 1)]
    assert told[-1][0] == told[-1][1]


def test_one_frame_is_too_short():
    with pytest.raises(ParameterError, match='expected at least two'):
        information_rate(table_of([(0, 1, 60)], bars_of('1/4')), step=1)


def test_a_score_without_notes_is_refused():
    from music21 import stream
    with pytest.raises(EmptyScoreError, match='expected at least one'):
        information_rate(stream.Score())


@pytest.mark.parametrize('features', [np.zeros((1, 3)), np.zeros(5), np.zeros((0, 2))])
def test_features_of_another_shape_are_refused(features):
    with pytest.raises(ParameterError, match='at least two frames'):
        find_threshold(features)


@pytest.mark.parametrize('wrong', [np.nan, np.inf])
def test_features_that_are_no_numbers_are_refused(wrong):
    with pytest.raises(ParameterError, match='NaN or infinity'):
        find_threshold(np.array([[0.0], [wrong]]))


def test_no_threshold_is_refused():
    with pytest.raises(ParameterError, match='expected at least one'):
        find_threshold(np.eye(3), thresholds=[])


def test_cosine_of_a_silent_frame_does_not_give_thresholds_that_are_no_numbers(rng):
    features = rng.random((20, 3))
    features[3] = 0
    try:
        found = find_threshold(features, distance='cosine')
    except ParameterError as error:
        assert 'cosine' in str(error)       # noqa: PT017
    else:
        assert np.all(np.isfinite(found.thresholds))
        assert np.isfinite(found.selected)


def test_the_grid_is_that_of_the_piece():
    table = table_of([(0, 1, 60), (1, 6, 64)], bars_of('6/8', '6/8', pickup_ql=1))
    grid = information_rate(table).grid
    assert isinstance(grid, Grid)
    assert grid.bar_frames.tolist() == [2, 6, 6]
