"""The search over all thresholds: against every distinct distance, and in blocks and threads."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from naive.oracle import every_interval, naive_exact
from oracle_material import lattice, lopsided, random_vectors, symbols, varied_repeats
from scipy.spatial.distance import cdist

from qbdi_m21.errors import ParameterError
from qbdi_m21.oracle import build as build_module
from qbdi_m21.oracle import threshold as threshold_module
from qbdi_m21.oracle.build import build_oracle
from qbdi_m21.oracle.information import information_profile
from qbdi_m21.oracle.kernel import exact_curve, new_build
from qbdi_m21.oracle.threshold import find_threshold
from qbdi_m21.oracle.totals import pairwise_sum, total_rate

MAKERS = [random_vectors, symbols, varied_repeats, lattice]
METRICS = ['euclidean', 'cosine', lopsided]
NAMES = {lopsided: 'lopsided'}

vectors = npst.arrays(np.float64, st.tuples(st.integers(2, 16), st.integers(1, 2)),
                      elements=st.floats(-4, 4, width=16))


def manhattan(one, other):
    return float(np.abs(one - other).sum())


def sequence(make, seed):
    """Return at most 60 frames, and at least two."""
    features = make(seed)[:60]
    return features if len(features) > 1 else np.repeat(features, 2, axis=0)


def intervals(features, metric):
    """Return (low, high, total) of each interval of thresholds, as the compiled search has it."""
    unique, index = np.unique(features, axis=0, return_inverse=True)
    log2 = np.log2(np.maximum(np.arange(len(features) + 1.0), 1.0))
    return exact_curve(new_build(len(features) + 1, len(unique)), cdist(unique, unique, metric),
                       index.ravel(), 0.0, np.inf, log2)


@pytest.mark.parametrize('metric', METRICS, ids=lambda m: NAMES.get(m, m))
@pytest.mark.parametrize('seed', range(10))
@pytest.mark.parametrize('make', MAKERS, ids=lambda f: f.__name__)
def test_the_exact_search_is_the_grid_of_every_distinct_distance(make, seed, metric):
    features = sequence(make, 100 + seed)
    exact = find_threshold(features, distance=metric, search='exact', silence='vmo')
    with np.errstate(all='ignore'):
        distances = cdist(features, features, metric)
    finite = np.unique(distances[np.isfinite(distances)])
    every = np.append(np.maximum(finite, 0.0), 2 * finite.max(initial=0.0) + 1)
    grid = find_threshold(features, distance=metric, thresholds=np.unique(every), silence='vmo')
    assert exact.peak_bits == grid.peak_bits
    # of equal maxima both take the first; without any, the grid begins below the search
    if grid.peak_bits > 0:
        assert np.array_equal(exact.oracle.lrs, grid.oracle.lrs)
        assert np.array_equal(exact.oracle.suffix, grid.oracle.suffix)
        assert np.array_equal(exact.profile, grid.profile)


@settings(max_examples=60)
@given(vectors)
def test_the_exact_search_is_a_slow_one_over_every_distance(features):
    found = find_threshold(features, distance=manhattan, search='exact')
    slow = naive_exact(list(features), manhattan)
    assert found.peak_bits == pytest.approx(max(total for *_, total in slow), abs=1e-9)
    for low, high, lrs, total in slow:
        inside = (found.thresholds > low) & (found.thresholds <= high)
        assert found.curve[inside] == pytest.approx(total, abs=1e-9)
        oracle = build_oracle(features, high if np.isfinite(high) else low + 1, manhattan)
        assert oracle.lrs[1:].tolist() == lrs


@given(vectors)
def test_no_oracle_is_tried_twice_and_none_is_left_out(features):
    rows = intervals(features, manhattan)
    assert rows[0, 0] == 0
    assert rows[-1, 1] == np.inf
    assert all(before[1] == after[0] for before, after in pairwise(rows))
    assert np.all(rows[:, 0] < rows[:, 1])
    edges = {edge for pair in every_interval(
        [[manhattan(a, b) for b in features] for a in features]) for edge in pair}
    assert set(rows[:, :2].ravel().tolist()) <= edges


@settings(max_examples=40)
@given(vectors, st.randoms(use_true_random=False))
def test_between_two_thresholds_of_an_interval_nothing_changes(features, random):
    for low, high, total in intervals(features, manhattan):
        top = high if np.isfinite(high) else low + 10
        inside = [np.nextafter(low, np.inf), top, low + (top - low) * random.random()]
        inside = [t for t in inside if low < t <= top]
        curve = find_threshold(features, distance=manhattan, thresholds=sorted(inside)).curve
        assert set(curve.tolist()) == {total}


@given(vectors, st.lists(st.floats(0, 20), min_size=1, max_size=8))
def test_no_grid_finds_more_than_the_exact_search(features, tried):
    best = find_threshold(features, search='exact').peak_bits
    assert find_threshold(features, thresholds=sorted(tried)).peak_bits <= best
    assert find_threshold(features).peak_bits <= best


@given(vectors)
def test_what_the_exact_search_selects_gives_what_it_says(features):
    found = find_threshold(features, search='exact')
    assert np.all(np.diff(found.thresholds) > 0)
    assert np.all(np.isfinite(found.thresholds))
    first = int(found.curve.argmax())
    assert found.selected == found.thresholds[first]
    oracle = build_oracle(features, found.selected)
    assert information_profile(oracle).sum() == found.peak_bits == found.profile.sum()


@pytest.mark.parametrize('metric', METRICS, ids=lambda m: NAMES.get(m, m))
@pytest.mark.parametrize('most', [1, 50, 1000])
@pytest.mark.parametrize('make', MAKERS, ids=lambda f: f.__name__)
def test_distances_in_blocks_give_the_same(make, most, metric, monkeypatch):
    features = sequence(make, 7)
    tried = np.linspace(0, 2, 9)
    plain = find_threshold(features, distance=metric, thresholds=tried)
    oracle = build_oracle(features, 0.3, metric)
    monkeypatch.setattr(build_module, 'MAX_DISTANCES', most)
    monkeypatch.setattr(threshold_module, 'MAX_DISTANCES', most)
    blocks = find_threshold(features, distance=metric, thresholds=tried)
    assert np.array_equal(plain.curve, blocks.curve)
    assert plain.selected == blocks.selected
    assert_equal_arrays(plain.oracle, blocks.oracle)
    assert_equal_arrays(oracle, build_oracle(features, 0.3, metric))
    default = find_threshold(features, distance=metric)
    monkeypatch.undo()
    assert np.array_equal(default.thresholds, find_threshold(features, distance=metric).thresholds)


def assert_equal_arrays(one, other):
    for name in ('suffix', 'lrs', 'symbol', 'transition_starts', 'transition_goals'):
        assert np.array_equal(getattr(one, name), getattr(other, name)), name


def test_blocks_tell_their_progress(monkeypatch):
    monkeypatch.setattr(threshold_module, 'MAX_DISTANCES', 100)
    told = []
    find_threshold(np.arange(20.0)[:, None], progress=lambda *pair: told.append(pair))
    assert told == [(5, 20), (10, 20), (15, 20), (20, 20)]


def test_the_exact_search_says_when_distances_are_too_many(monkeypatch):
    monkeypatch.setattr(threshold_module, 'MAX_DISTANCES', 99)
    with pytest.raises(ParameterError, match='10 different frames have 100 distances; the exact '
                                             'search holds 99 at most: take the grid'):
        find_threshold(np.arange(10.0)[:, None], search='exact')
    # frames that are equal are counted once
    assert find_threshold(np.tile(np.eye(9), (5, 1)), search='exact').peak_bits > 0


@pytest.mark.parametrize('search', ['grid', 'exact'])
@pytest.mark.parametrize('make', MAKERS, ids=lambda f: f.__name__)
def test_threads_change_nothing(make, search, monkeypatch):
    features = sequence(make, 11)
    monkeypatch.setattr(threshold_module, 'THREADS_FROM', 10 ** 12)
    single = find_threshold(features, search=search)
    monkeypatch.setattr(threshold_module, 'THREADS_FROM', 0)
    told = []
    threads = find_threshold(features, search=search, progress=lambda *pair: told.append(pair))
    assert np.array_equal(single.thresholds, threads.thresholds)
    assert np.array_equal(single.curve, threads.curve)
    assert_equal_arrays(single.oracle, threads.oracle)
    assert told == [(k, len(told)) for k in range(1, len(told) + 1)]


@given(st.integers(0, 5000), st.integers(0, 2 ** 32 - 1), st.sampled_from([0, 6, 200]))
def test_sums_are_numpys_to_the_last_bit(count, seed, spread):
    rng = np.random.default_rng(seed)
    values = rng.normal(size=count) * 2.0 ** rng.integers(-spread, spread + 1, count)
    assert pairwise_sum(values) == values.sum()


@pytest.mark.parametrize('count', [*range(20), 127, 128, 129, 255, 256, 257, 1031, 70_001])
def test_sums_of_any_number_are_numpys(count, rng):
    values = rng.normal(size=count) * 10.0 ** rng.integers(-9, 10, count)
    assert pairwise_sum(values) == values.sum()


@pytest.mark.parametrize('seed', range(8))
@pytest.mark.parametrize('make', MAKERS, ids=lambda f: f.__name__)
def test_the_total_rate_is_the_sum_of_the_profile(make, seed):
    features = make(seed)
    log2 = np.log2(np.maximum(np.arange(len(features) + 1.0), 1.0))
    for threshold in (0.0, 0.1, 0.5, 2.0):
        oracle = build_oracle(features, threshold)
        profile = np.empty(len(features))
        total = total_rate(oracle.lrs, log2, profile)
        assert total == information_profile(oracle).sum()
        assert np.array_equal(profile, information_profile(oracle))
