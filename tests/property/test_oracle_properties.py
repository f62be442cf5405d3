"""What holds of every oracle, threshold and pattern."""

from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from qbdi_m21.oracle.build import build_oracle
from qbdi_m21.oracle.patterns import repeated_patterns
from qbdi_m21.oracle.threshold import find_threshold

words = st.lists(st.integers(0, 3), min_size=2, max_size=40)
vectors = npst.arrays(np.float64, st.tuples(st.integers(2, 20), st.integers(1, 3)),
                      elements=st.floats(-4, 4, width=16))


def oracle_of(word):
    return build_oracle(np.array(word, dtype=float)[:, None], 0.5)


@given(words)
def test_suffix_links_point_back_at_a_true_repeat(word):
    oracle = oracle_of(word)
    for state in range(1, oracle.num_states):
        link, length = oracle.suffix[state], oracle.lrs[state]
        assert link < state
        assert word[state - length:state] == word[link - length:link]


@given(words)
def test_every_occurrence_of_a_pattern_reads_the_same(word):
    for pattern in repeated_patterns(oracle_of(word), min_length=2):
        # only an occurrence that would run into its own repetition is shorter than asked
        gaps = {after - before for before, after in pairwise(pattern.ends)}
        assert pattern.length >= 2 or pattern.length in gaps
        readings = {tuple(word[start:end]) for start, end in pattern.spans}
        assert len(readings) == 1
        assert len(pattern.ends) >= 2
        assert list(pattern.ends) == sorted(set(pattern.ends))
        assert pattern.ends[0] >= pattern.length


@given(st.permutations(range(12)))
def test_a_word_without_a_repeat_has_no_pattern(word):
    assert repeated_patterns(oracle_of(word), min_length=1) == ()


@given(st.lists(st.integers(0, 20), min_size=3, max_size=10, unique=True))
def test_a_word_said_twice_is_a_pattern(word):
    found = repeated_patterns(oracle_of([*word, 99, *word]), min_length=len(word))
    assert [(p.ends, p.length) for p in found] == [
        ((len(word), 2 * len(word) + 1), len(word))]


@settings(max_examples=25)
@given(vectors, st.lists(st.floats(0, 8), min_size=1, max_size=5, unique=True))
def test_the_selected_threshold_is_the_first_of_the_best(features, tried):
    tried = sorted(tried)
    found = find_threshold(features, thresholds=tried)
    assert found.thresholds.tolist() == tried
    best = max(found.curve)
    assert found.selected == tried[found.curve.tolist().index(best)]
    assert np.isclose(found.profile.sum(), best)
    assert len(found.profile) == len(features)
    assert np.all(found.profile >= 0)


@settings(max_examples=25)
@given(vectors)
def test_threshold_zero_finds_nothing(features):
    assert find_threshold(features, thresholds=[0.0]).curve.tolist() == [0.0]


@settings(max_examples=25)
@given(vectors, st.sampled_from([2.0, 0.5, 8.0]))
def test_scaling_features_and_thresholds_alike_changes_nothing(features, scale):
    tried = np.array([0.1, 0.5, 1.0, 3.0])
    plain = find_threshold(features, thresholds=tried)
    scaled = find_threshold(features * scale, thresholds=tried * scale)
    assert np.array_equal(plain.curve, scaled.curve)
    assert np.isclose(plain.selected * scale, scaled.selected)


@settings(max_examples=25)
@given(vectors)
def test_default_thresholds_reach_from_zero_to_the_largest_distance(features):
    found = find_threshold(features).thresholds
    largest = max(np.linalg.norm(a - b) for a in features for b in features)
    assert len(found) == 100
    assert found[0] == 0
    assert np.isclose(found[-1], largest if largest > 0 else 1.0)
    assert np.all(np.diff(found) > 0)
