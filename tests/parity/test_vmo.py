"""The threshold search and the patterns, against vmo itself.

`import vmo.analysis` needs librosa, which vmo does not declare: its one file is loaded alone.
"""

import importlib.util
import warnings
from pathlib import Path

import numpy as np
import pytest
import vmo
from naive.twins import naive_information_rate

from qbdi_m21.analysis.information_rate import analysis_features
from qbdi_m21.errors import QuantizationWarning
from qbdi_m21.frames.encode import to_frames
from qbdi_m21.oracle.patterns import repeated_patterns
from qbdi_m21.oracle.threshold import build_oracle, find_threshold

WORKS = ['bach/bwv66.6', 'demos/two-parts', 'ryansMammoth/AcaciaReel', 'bach/bwv1.6',
         'corelli/opus3no1/1grave', 'joplin/maple_leaf_rag']


@pytest.fixture(scope='session')
def vmo_patterns():
    """vmo's find_repeated_patterns."""
    path = Path(vmo.__file__).parent / 'analysis' / 'analysis.py'
    spec = importlib.util.spec_from_file_location('vmo_analysis_alone', path)
    module = importlib.util.module_from_spec(spec)
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        spec.loader.exec_module(module)
    return module.find_repeated_patterns


def random_vectors(seed):
    rng = np.random.default_rng(seed)
    return rng.random((int(rng.integers(2, 80)), int(rng.integers(1, 7)))) + 0.01


def symbols(seed):
    """Symbols as points far apart, from few (many repeats) to many."""
    rng = np.random.default_rng(1000 + seed)
    alphabet = int(rng.integers(1, 9))
    return rng.integers(0, alphabet, (int(rng.integers(2, 150)), 1)).astype(float)


def varied_repeats(seed):
    """A phrase that returns, each time a little changed."""
    rng = np.random.default_rng(2000 + seed)
    phrase = rng.random((int(rng.integers(3, 14)), 4))
    times = int(rng.integers(2, 9))
    return np.concatenate([phrase + 0.02 * rng.random(phrase.shape) for _ in range(times)])


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
    for name in ('sfx', 'rsfx', 'lrs', 'trn', 'data', 'latent', 'n_states'):
        assert getattr(ours.oracle, name) == getattr(theirs, name), name
    return ours


def assert_same_patterns(oracle, theirs):
    for k in range(6):
        found = repeated_patterns(oracle, min_length=k + 1)
        wanted = theirs(oracle, lower=k)
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
