"""The compiled oracle, against vmo's own: exactly the same numbers."""

import numpy as np
import pytest
import vmo
from hypothesis import given, settings
from hypothesis import strategies as st
from naive.twins import naive_information_rate
from scipy.spatial.distance import cdist, pdist

from qbdi_m21.analysis.information_rate import analysis_features
from qbdi_m21.errors import ParameterError
from qbdi_m21.frames.encode import to_frames
from qbdi_m21.oracle import threshold as search
from qbdi_m21.oracle.kernel import longest_suffixes
from qbdi_m21.oracle.threshold import SMALL, build_oracle, find_threshold, information_profile


def random_vectors(rng):
    return rng.random((int(rng.integers(2, 50)), int(rng.integers(1, 7)))) + 0.01


def symbols(rng):
    """Points of a small lattice: equal frames, and many pairs as far apart as others."""
    shape = int(rng.integers(2, 60)), int(rng.integers(1, 3))
    return rng.integers(0, int(rng.integers(1, 6)), shape) + 1.0


def varied_repeats(rng):
    """A phrase that returns, each time a little changed."""
    phrase = rng.random((int(rng.integers(3, 12)), 4))
    times = int(rng.integers(2, 6))
    return np.concatenate([phrase + 0.02 * rng.random(phrase.shape) for _ in range(times)])


def exact_repeats(rng):
    """A phrase that returns as it was, with a stranger between."""
    phrase = rng.random((int(rng.integers(2, 9)), 3)) + 0.1
    times = int(rng.integers(2, 6))
    return np.concatenate([np.concatenate([phrase, rng.random((1, 3))]) for _ in range(times)])


def wandering(rng):
    """Each frame near the one before: chains of neighbours that are far apart themselves."""
    shape = int(rng.integers(2, 60)), int(rng.integers(1, 5))
    return np.cumsum(rng.normal(0, 0.1, shape), axis=0) + 3.0


def constant(rng):
    return np.tile(rng.random(int(rng.integers(1, 7))) + 0.1, (int(rng.integers(2, 40)), 1))


SEQUENCES = [(make, seed) for make in (random_vectors, symbols, varied_repeats, exact_repeats,
                                       wandering, constant) for seed in range(36)]


def some_thresholds(features, distance, rng):
    """Return thresholds from 0 to beyond all distances, some of them distances themselves."""
    far = pdist(features, distance)
    return np.unique([0.0, *rng.choice(far, 4), *rng.uniform(0, far.max() + 0.01, 3), far.max(),
                      far.max() + 1.0])


def assert_the_same_search(features, distance='euclidean', thresholds=None):
    """Search by the kernel and by vmo, and compare all that comes of it."""
    ours, theirs = (find_threshold(features, distance=distance, thresholds=thresholds, compiled=c)
                    for c in (True, False))
    for name in ('thresholds', 'curve', 'profile', 'features'):
        assert np.array_equal(getattr(ours, name), getattr(theirs, name)), name
    assert (ours.selected, ours.distance) == (theirs.selected, theirs.distance)
    return ours


def suffixes_of(features, thresholds, distance='euclidean'):
    """Return the kernel's longest suffixes, as the search calls it."""
    unique, index = np.unique(features, axis=0, return_inverse=True)
    return longest_suffixes(cdist(unique, unique, distance), index.ravel(),
                            np.asarray(thresholds, dtype=np.float64))


@pytest.mark.parametrize('distance', ['euclidean', 'cosine'])
@pytest.mark.parametrize(('make', 'seed'), SEQUENCES)
def test_suffixes_curve_and_profile_are_vmos(make, seed, distance):
    rng = np.random.default_rng([seed, len(make.__name__)])
    features = make(rng)
    thresholds = some_thresholds(features, distance, rng)
    found = assert_the_same_search(features, distance, thresholds)
    rows = suffixes_of(features, thresholds, distance)
    assert rows.shape == (len(thresholds), len(features) + 1)
    for threshold, row, total in zip(thresholds, rows, found.curve, strict=True):
        oracle = vmo.build_oracle(features, 'a', threshold=threshold, dfunc=distance,
                                  dim=features.shape[1])
        assert row.tolist() == oracle.lrs
        rates = oracle.IR(ir_type='cum', alpha=1.0)[0]
        assert np.array_equal(information_profile(row), rates)
        assert total == np.sum(rates)


@pytest.mark.parametrize(('make', 'seed'), SEQUENCES[::12])
def test_the_hundred_default_thresholds_give_the_same(make, seed):
    assert_the_same_search(make(np.random.default_rng([seed, 7])))


@pytest.mark.parametrize('distance', ['cityblock', 'chebyshev', 'correlation'])
@pytest.mark.parametrize('make', [random_vectors, varied_repeats, exact_repeats])
def test_other_metrics_give_the_same(make, distance):
    features = make(np.random.default_rng(5))
    features = np.concatenate([features, features[:, ::-1] ** 2, features], axis=1)
    assert_the_same_search(features, distance)


@settings(max_examples=150)
@given(st.text('ab', min_size=2, max_size=40) | st.text('abcdef', min_size=2, max_size=40))
def test_words_of_letters_give_the_same(word):
    letters = np.array([[float(ord(letter))] for letter in word])
    assert_the_same_search(letters, thresholds=[0.5, 1.0, 1.5, 3.0, 9.0])
    exact = suffixes_of(letters, [0.5])[0]
    assert exact.tolist() == build_oracle(letters, 0.5).lrs
    for end, length in enumerate(exact.tolist()):
        # what is found to repeat does: the last letters stand somewhere earlier too
        assert word[end - length:end] in word[:end - 1] or not length
    assert np.allclose(information_profile(exact), naive_information_rate(exact[1:]))


@settings(max_examples=80)
@given(st.lists(st.tuples(*[st.integers(-2, 2)] * 2), min_size=2, max_size=25),
       st.sampled_from([0.0, 1.0, 1.5, 2.0, 2.5, 6.0]))
def test_points_of_a_lattice_give_the_same_with_their_many_ties(points, threshold):
    features = np.array(points, dtype=np.float64)
    assert suffixes_of(features, [threshold])[0].tolist() == build_oracle(features, threshold).lrs


@pytest.mark.parametrize(('length', 'spread'), [(300, 0.02), (456, 0.1), (600, 0.3)])
def test_long_sequences_are_vmos_by_default_too(length, spread, rng):
    phrase = rng.random((length // 12, 6))
    features = np.concatenate([phrase + spread * rng.random(phrase.shape) for _ in range(12)])
    assert len(features) == length > SMALL
    thresholds = np.linspace(0, 1.2, 10)
    found = assert_the_same_search(features, thresholds=thresholds)
    default = find_threshold(features, thresholds=thresholds)
    assert np.array_equal(default.profile, found.profile)
    assert found.oracle.lrs == suffixes_of(features, [found.selected])[0].tolist()


def test_a_long_sequence_of_few_symbols_is_vmos(rng):
    assert_the_same_search(rng.integers(0, 4, (600, 1)).astype(float), thresholds=[0.5, 1.5, 2.5])


def test_the_frames_of_a_work_give_the_same(corpus_score):
    features = analysis_features(to_frames(corpus_score('bach/bwv57.8')))[0]
    assert_the_same_search(features, thresholds=np.linspace(0, 2, 21))


@pytest.mark.parametrize(('extra', 'compiled'), [(0, False), (1, True)])
def test_by_default_only_long_sequences_are_compiled(extra, compiled, monkeypatch, rng):
    def refuse(*_):
        raise AssertionError('the other way was asked')

    other = '_suffixes_by_vmo' if compiled else '_suffixes_by_kernel'
    monkeypatch.setattr(search, other, refuse)
    features = rng.random((SMALL + extra, 2))
    assert len(find_threshold(features, thresholds=[0.3]).profile) == SMALL + extra
    with pytest.raises(AssertionError, match='the other way'):
        find_threshold(features, thresholds=[0.3], compiled=not compiled)


def test_a_zero_vector_is_near_nothing_under_cosine():
    features = np.array([[1.0, 0], [0, 1], [0, 0], [1, 0], [0, 1], [0, 0], [1, 0]])
    assert_the_same_search(features, 'cosine', [0.1, 0.5])
    assert suffixes_of(features, [0.1], 'cosine')[0].tolist() == build_oracle(
        features, 0.1, 'cosine').lrs


def test_minus_zero_is_zero():
    features = np.array([[0.0], [1.0], [-0.0], [1.0]])
    assert suffixes_of(features, [0.5])[0].tolist() == [0, 0, 0, 1, 2]


@pytest.mark.parametrize('compiled', [True, False])
def test_progress_counts_the_thresholds(compiled, rng):
    told = []
    find_threshold(rng.random((9, 2)), thresholds=[0.1, 0.2, 0.4], compiled=compiled,
                   progress=lambda *done: told.append(done))
    assert told == [(1, 3), (2, 3), (3, 3)]


@pytest.mark.parametrize('compiled', [True, False])
@pytest.mark.parametrize(('features', 'options', 'message'), [
    (np.ones((1, 3)), {}, 'at least two frames'),
    (np.ones(5), {}, 'expected \\(T, D\\)'),
    (np.full((4, 2), np.nan), {}, 'NaN or infinity'),
    (np.eye(3), {'thresholds': []}, 'no threshold given'),
    (np.eye(3), {'thresholds': [0.1, np.inf]}, 'expected finite thresholds'),
    (np.zeros((3, 2)) + [[0.0], [1.0], [2.0]], {'distance': 'cosine'}, 'a zero vector'),
])
def test_what_cannot_be_searched_is_refused_either_way(features, options, message, compiled):
    with pytest.raises(ParameterError, match=message):
        find_threshold(features, compiled=compiled, **options)
