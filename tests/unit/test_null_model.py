"""What chance gives: orders, units, seeds and the p value."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import bars_of, table_of

import qbdi_m21 as q
from qbdi_m21.analysis import null_model as module
from qbdi_m21.analysis.information_rate import information_rate
from qbdi_m21.analysis.null_model import NullModel, shuffled_null
from qbdi_m21.errors import ParameterError
from qbdi_m21.oracle.threshold import find_threshold

peaks = st.lists(st.floats(0, 1000), min_size=1, max_size=30)


def rows(count):
    return np.arange(count)


def null_of(features, versions=39, **options):
    peak = find_threshold(features).peak_bits
    return shuffled_null(features, rows(len(features)), peak, versions=versions, **options)


@pytest.mark.parametrize('seed', range(3))
def test_a_random_sequence_that_repeats_is_beyond_chance(seed):
    phrase = np.random.default_rng(seed).random((12, 3))
    found = null_of(np.tile(phrase, (5, 1)), seed=seed)
    assert found.p_value == 1 / 40
    assert found.peak_bits > found.mean_bits + 3 * found.sd_bits


def test_independent_frames_are_not_beyond_chance():
    # under the null p is uniform: of ten, not many are small, and not all are
    values = [null_of(np.random.default_rng(seed).random((40, 2)), versions=19, seed=seed).p_value
              for seed in range(10)]
    assert sum(p <= 0.1 for p in values) <= 4
    assert max(values) > 0.3


@given(st.floats(0, 1000), peaks)
def test_p_is_the_share_of_versions_that_reach_the_piece_itself_included(peak, others):
    found = NullModel(peak, np.array(others), 0)
    at_least = [other for other in [*others, peak] if other >= peak]
    assert found.p_value == len(at_least) / (len(others) + 1)
    assert 1 / (len(others) + 1) <= found.p_value <= 1


@given(peaks)
def test_mean_and_deviation_are_those_of_the_versions(others):
    found = NullModel(1.0, np.array(others), 0)
    assert found.mean_bits == pytest.approx(sum(others) / len(others))
    assert found.sd_bits == pytest.approx(np.std(others, ddof=1) if len(others) > 1 else 0.0)
    plain = found.to_json()
    assert plain['versions'] == len(plain['shuffled_bits']) == len(others)
    assert plain['p_value'] == pytest.approx(found.p_value, abs=1e-6)


def test_the_seed_decides_the_orders(rng):
    features = rng.random((40, 2))
    one, again, other = (null_of(features, versions=6, seed=seed) for seed in (4, 4, 5))
    assert np.array_equal(one.shuffled_bits, again.shuffled_bits)
    assert not np.array_equal(one.shuffled_bits, other.shuffled_bits)
    assert (one.seed, other.seed) == (4, 5)


def test_more_versions_begin_with_the_fewer(rng):
    features = rng.random((30, 2))
    few, many = (null_of(features, versions=n).shuffled_bits for n in (4, 9))
    assert np.array_equal(few, many[:4])


def test_units_are_kept_together(monkeypatch):
    seen = []
    monkeypatch.setattr(module, 'find_threshold', lambda features, **_: seen.append(features)
                        or find_threshold(features))
    units = np.repeat([0, 1, 2, 3, 7], [3, 1, 4, 2, 5])
    features = np.stack([units, rows(15)], axis=1).astype(float)
    shuffled_null(features, units, 1.0, versions=30)
    orders = set()
    for version in seen:
        assert sorted(version[:, 1].tolist()) == list(range(15))
        starts = np.flatnonzero(np.diff(version[:, 0], prepend=-1))
        order = version[starts, 0].tolist()
        assert sorted(order) == [0, 1, 2, 3, 7]         # each begins once: none is torn
        assert np.all(np.diff(version[:, 1])[np.diff(version[:, 0]) == 0] == 1)
        orders.add(tuple(order))
    assert len(orders) > 15


def test_bars_are_the_units_of_music():
    # bars of one chord each: whatever their order, within a bar nothing is new
    pitches = [60, 62, 64, 65, 67, 69, 71, 73]
    table = table_of([(4 * k, 4, p) for k, p in enumerate(pitches)], bars_of(*['4/4'] * 8))
    kept = information_rate(table, null=12)
    assert np.allclose(kept.null.shuffled_bits, kept.total_bits)
    assert kept.null.p_value == 1
    assert kept.total_bits > 0


def test_rows_are_the_units_of_an_array():
    features = np.repeat(np.random.default_rng(0).random((8, 3)), 8, axis=0)
    found = information_rate(features, distance='euclidean', null=19)
    assert found.null.p_value == 1 / 20
    assert found.grid is None


def test_search_and_distance_are_those_of_the_piece(rng):
    features = rng.random((25, 3))
    options = {'distance': 'cosine', 'search': 'exact'}
    peak = find_threshold(features, **options).peak_bits
    found = shuffled_null(features, rows(25), peak, versions=3, seed=8, **options)
    order = np.random.default_rng(8).permutation(25)
    assert found.shuffled_bits[0] == find_threshold(features[order], **options).peak_bits


@pytest.mark.parametrize('versions', [0, -3])
def test_no_versions_are_refused(versions):
    with pytest.raises(ParameterError, match='shuffled versions were asked for; expected at least'):
        shuffled_null(np.eye(3), rows(3), 1.0, versions=versions)


def test_progress_is_told_after_each_version(rng):
    told = []
    shuffled_null(rng.random((9, 2)), rows(9), 1.0, versions=3,
                  progress=lambda *pair: told.append(pair))
    assert told == [(1, 3), (2, 3), (3, 3)]


def test_a_piece_and_its_null_model_tell_one_progress():
    told = []
    table = table_of([(k / 2, 0.5, 60 + k % 5) for k in range(32)], bars_of(*['4/4'] * 4))
    found = information_rate(table, null=5, progress=lambda *pair: told.append(pair))
    shares = [done / total for done, total in told]
    assert shares == sorted(shares)
    assert told[-1][0] == told[-1][1]
    assert len(found.null.shuffled_bits) == 5
    assert found.to_json()['null']['versions'] == 5
    assert information_rate(table).to_json()['null'] is None


def test_arrays_are_measured_by_cosine_unless_asked_otherwise(rng):
    features = rng.random((30, 4))
    plain = information_rate(features)
    assert plain.oracle.distance == 'cosine'
    wanted = find_threshold(features, distance='cosine')
    assert np.array_equal(plain.curve, wanted.curve)
    assert np.array_equal(plain.profile, wanted.profile)
    assert plain.selected == wanted.selected
    for distance in ('euclidean', lambda new, known: float(abs(new - known).max())):
        found = information_rate(features, distance=distance, search='exact')
        wanted = find_threshold(features, distance=distance, search='exact')
        assert np.array_equal(found.curve, wanted.curve)
    rows_of = plain.to_json()['profile']
    assert all(set(row) == {'bits'} for row in rows_of)


@pytest.mark.parametrize('distance', ['tonnetz', 'pitch-class-set', 'cosine', 'euclidean'])
@pytest.mark.parametrize('silence', [None, 'symbol', 'ignore', 'vmo'])
def test_music_is_measured_by_any_distance_and_meaning_of_silence(distance, silence):
    notes = [(Fraction(k, 2), Fraction(1, 2), p) for k, p in enumerate([60, 64, 67, 71] * 8)
             if k % 7]
    table = table_of(notes, bars_of(*['4/4'] * 4))
    found = information_rate(table, distance=distance, silence=silence, thresholds=[0.01, 0.3])
    assert found.total_bits > 0
    assert found.profile.sum() == pytest.approx(found.total_bits)
    assert len(found.profile) == 32
    assert 0 <= found.matched_share <= 1
    assert found.thresholds.tolist() == [0.01, 0.3]
    if silence == 'ignore':
        assert found.oracle.num_states == 28
        assert not found.profile[::7].any()


def test_what_is_no_sequence_is_refused():
    for wrong in (np.zeros((1, 3)), np.zeros(4)):
        with pytest.raises(ParameterError, match='at least two frames'):
            information_rate(wrong)
    with pytest.raises(ParameterError, match='12 pitch classes'):
        information_rate(np.eye(4), distance='tonnetz')


def test_the_matched_share_counts_pairs_of_different_frames():
    features = np.array([[0.0], [0.1], [5.0], [5.0]])
    found = information_rate(features, distance='euclidean', thresholds=[0.5])
    # of the pairs of unequal frames (1, 2 + 2) one is nearer than the threshold
    assert found.matched_share == pytest.approx(1 / 5)
    assert q.information_rate(np.ones((4, 2))).matched_share == 0
