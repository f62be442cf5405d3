"""The threshold search and the patterns, against vmo itself."""

import warnings

import numpy as np
import pytest
import vmo
from naive.twins import naive_information_rate
from oracle_material import (
    assert_same_oracle,
    random_vectors,
    symbols,
    varied_repeats,
    vmo_oracle,
)
from vmo_alone import load_alone

from qbdi_m21.analysis.information_rate import analysis_features
from qbdi_m21.errors import QuantizationWarning
from qbdi_m21.frames.encode import to_frames
from qbdi_m21.oracle.build import build_oracle
from qbdi_m21.oracle.patterns import repeated_patterns
from qbdi_m21.oracle.threshold import find_threshold

WORKS = ['bach/bwv66.6', 'demos/two-parts', 'ryansMammoth/AcaciaReel', 'bach/bwv1.6',
         'corelli/opus3no1/1grave', 'joplin/maple_leaf_rag']


@pytest.fixture(scope='session')
def vmo_patterns():
    """vmo's find_repeated_patterns."""
    return load_alone('analysis/analysis.py').find_repeated_patterns


SEQUENCES = [(kind, seed) for kind in (random_vectors, symbols, varied_repeats)
             for seed in range(20)]


def assert_equal_to_vmo(features, distance, r):
    (_, selected), pairs = vmo.find_threshold(
        features, r=r, flag='a', dfunc=distance, dim=features.shape[1])
    ours = find_threshold(features, distance=distance, thresholds=np.arange(*r))
    assert np.array_equal(ours.thresholds, [threshold for _, threshold in pairs])
    assert np.array_equal(ours.curve, [ir for ir, _ in pairs])
    assert ours.selected == selected
    theirs = vmo.build_oracle(features, 'a', threshold=selected, dfunc=distance,
                              dim=features.shape[1])
    assert np.array_equal(ours.profile, theirs.IR(ir_type='cum', alpha=1.0)[0])
    assert_same_oracle(ours.oracle, vmo_oracle(features, selected, distance))
    return ours


def assert_same_patterns(oracle, theirs):
    for k in range(6):
        found = repeated_patterns(oracle, min_length=k + 1)
        wanted = theirs(oracle.to_vmo(), lower=k)
        assert {(p.ends, p.length) for p in found} == {
            (tuple(sorted(set(ends))), int(length)) for ends, length in wanted}
        assert all(p.length == int(length) for p, (_, length) in zip(found, wanted, strict=True))


@pytest.mark.parametrize(('make', 'seed'), SEQUENCES)
def test_threshold_profile_and_patterns_are_vmos(make, seed, vmo_patterns):
    features = make(seed)
    found = assert_equal_to_vmo(features, 'euclidean', (0, 1.2, 0.15))
    assert_same_patterns(found.oracle, vmo_patterns)


@pytest.mark.parametrize('seed', range(6))
def test_cosine_is_vmos(seed, vmo_patterns):
    found = assert_equal_to_vmo(varied_repeats(seed), 'cosine', (0, 0.3, 0.03))
    assert_same_patterns(found.oracle, vmo_patterns)


@pytest.mark.parametrize('work', WORKS)
def test_corpus_works_are_vmos(corpus_score, work, vmo_patterns):
    with warnings.catch_warnings():
        warnings.simplefilter('ignore', QuantizationWarning)
        features = analysis_features(to_frames(corpus_score(work)))[0]
    features = features[:120]
    found = assert_equal_to_vmo(features, 'euclidean', (0, 1, 0.1))
    assert_same_patterns(found.oracle, vmo_patterns)
    for threshold in (0.2, 0.5):
        assert_same_patterns(build_oracle(features, threshold), vmo_patterns)


@pytest.mark.parametrize(('make', 'seed'), SEQUENCES[::7])
def test_the_rate_is_that_of_compressed_words(make, seed):
    features = make(seed)
    found = find_threshold(features, thresholds=[0.05, 0.4, 0.9])
    oracle = build_oracle(features, found.selected)
    assert np.allclose(found.profile, naive_information_rate(oracle.lrs[1:]))
