"""The oracle against vmo's, attribute by attribute, and against a slow twin."""

import warnings

import numpy as np
import pytest
import vmo
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from naive.oracle import NaiveOracle
from oracle_material import (
    assert_is_vmos,
    assert_same_oracle,
    lattice,
    lopsided,
    random_vectors,
    some_thresholds,
    symbols,
    varied_repeats,
    vmo_oracle,
    with_silence,
)

import qbdi_m21 as q
from qbdi_m21.analysis.information_rate import analysis_chroma, analysis_features
from qbdi_m21.errors import QuantizationWarning
from qbdi_m21.frames.encode import to_frames
from qbdi_m21.oracle.build import build_oracle
from qbdi_m21.oracle.threshold import find_threshold

METRICS = ['euclidean', 'cosine', 'cityblock', 'sqeuclidean', lopsided]
WORKS = ['bach/bwv66.6', 'demos/two-parts', 'ryansMammoth/AcaciaReel', 'bach/bwv1.6',
         'corelli/opus3no1/1grave', 'joplin/maple_leaf_rag']

words = st.lists(st.integers(0, 3), min_size=1, max_size=40)
vectors = npst.arrays(np.float64, st.tuples(st.integers(1, 20), st.integers(1, 3)),
                      elements=st.floats(-4, 4, width=16))
thresholds = st.sampled_from([0.0, 0.25, 0.5, 1.0, 2.0]) | st.floats(0, 15)

NAMES = {lopsided: 'lopsided'}


def chroma_of(score):
    with warnings.catch_warnings():
        warnings.simplefilter('ignore', QuantizationWarning)
        return to_frames(score)


@pytest.mark.parametrize('seed', range(60))
@pytest.mark.parametrize('make', [random_vectors, symbols, varied_repeats, lattice, with_silence],
                         ids=lambda f: f.__name__)
def test_every_attribute_is_vmos(make, seed):
    features, metric = make(seed + 50), METRICS[seed % len(METRICS)]
    for threshold in some_thresholds(features, metric, count=1, seed=seed):
        assert_is_vmos(features, threshold, metric)


@given(words, thresholds)
def test_any_word_has_vmos_oracle(word, threshold):
    assert_is_vmos(np.array(word, dtype=float)[:, None], threshold, 'euclidean')


@given(vectors, thresholds, st.sampled_from(METRICS))
def test_any_vectors_have_vmos_oracle(features, threshold, metric):
    assert_is_vmos(features, threshold, metric)


@given(vectors, st.floats(0, 2.5))
def test_silent_vectors_by_cosine_are_what_vmo_makes_of_them(features, threshold):
    # a cosine with a zero vector is NaN: two silences never join
    features[::3] = 0.0
    ours = assert_is_vmos(features, threshold, 'cosine')
    silent = ours.symbol[1::3]
    assert len(set(silent.tolist())) == len(silent)


@pytest.mark.parametrize('work', WORKS)
def test_real_music_has_vmos_oracle(corpus_score, work):
    frames = chroma_of(corpus_score(work))
    for features, metric in ((analysis_chroma(frames)[0], 'cosine'),
                             (analysis_features(frames)[0], 'euclidean')):
        features = features[:120]
        for threshold in (0.0, 0.05, 0.2, 0.5, 3.0):
            assert_is_vmos(features, threshold, metric)


@pytest.mark.parametrize('work', ['bach/bwv66.6', 'bach/bwv1.6'])
def test_latents_have_vmos_oracle(corpus_score, work):
    means = np.asarray(q.encode(corpus_score(work)).mean, dtype=np.float64)
    for metric in ('euclidean', 'cosine', lopsided):
        for threshold in some_thresholds(means, metric, count=4):
            assert_is_vmos(means, threshold, metric)


@pytest.mark.parametrize('count', [1, 2, 3, 101, 250, 400])
def test_sequences_of_any_length_have_vmos_oracle(count, rng):
    features = rng.normal(size=(count, 3)).cumsum(axis=0) % 2.0
    for threshold in (0.0, 0.3, 1.0, 9.0):
        assert_is_vmos(features, threshold, 'euclidean')


def test_a_long_word_has_vmos_oracle(rng):
    # phrases that come back, as in music: links are long, and paths of suffixes deep
    phrases = [rng.integers(0, 6, 40) for _ in range(6)]
    word = np.concatenate([phrases[k] for k in rng.integers(0, 6, 75)])
    word[rng.integers(0, 3000, 60)] = rng.integers(0, 6, 60)
    ours = build_oracle(word[:, None].astype(float), 0.5)
    assert ours.num_states == 3001
    assert ours.lrs.max() > 30
    assert_same_oracle(ours, vmo_oracle(word[:, None].astype(float), 0.5, 'euclidean'))


@pytest.mark.parametrize('threshold', [0.0, 0.1, 5.0])
def test_frames_that_are_all_equal_and_all_different_have_vmos_oracle(threshold):
    same = assert_is_vmos(np.ones((30, 2)), threshold, 'euclidean')
    assert same.num_symbols == (30 if threshold == 0 else 1)
    different = assert_is_vmos(np.arange(30.0)[:, None], threshold, 'euclidean')
    assert different.num_symbols == (30 if threshold < 1 else 1)


@pytest.mark.parametrize('metric', METRICS, ids=lambda m: NAMES.get(m, m))
@pytest.mark.parametrize('make', [random_vectors, symbols, varied_repeats, lattice],
                         ids=lambda f: f.__name__)
def test_curve_and_selected_threshold_are_vmos_to_the_last_bit(make, metric):
    for seed in range(70, 74):
        features = make(seed)
        if len(features) < 2:
            continue
        top = max(some_thresholds(features, metric))
        r = (0, top, top / 7)
        named = {'dfunc': 'other', 'dfunc_handle': metric} if callable(metric) else {
            'dfunc': metric}
        with np.errstate(all='ignore'):
            (_, selected), pairs = vmo.find_threshold(
                features, r=r, flag='a', dim=features.shape[1], **named)
        ours = find_threshold(features, distance=metric, thresholds=np.arange(*r), silence='vmo')
        assert np.array_equal(ours.curve, [rate for rate, _ in pairs])
        assert ours.selected == selected
        assert_same_oracle(ours.oracle, vmo_oracle(features, selected, metric))


@settings(max_examples=40)
@given(vectors, thresholds)
def test_a_slow_twin_builds_the_same(features, threshold):
    def apart(one, other):
        return float(np.abs(one - other).sum())

    ours = build_oracle(features, threshold, apart)
    twin = NaiveOracle(list(features), threshold, apart)
    assert ours.suffix[1:].tolist() == twin.suffix[1:]
    assert ours.lrs.tolist() == twin.lrs
    assert ours.symbol[1:].tolist() == twin.symbol[1:]
    assert [list(ours.transitions(k)) for k in range(ours.num_states)] == twin.transitions
    assert list(map(list, ours.followers)) == twin.followers
