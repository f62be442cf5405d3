"""Sequences for oracles, and what makes two oracles the same."""

import numpy as np
import vmo
from scipy.spatial.distance import cdist

from qbdi_m21.oracle.build import build_oracle
from qbdi_m21.oracle.information import RATE_TYPES, information_profile

#: Attributes of vmo's oracle.
STATES = ('sfx', 'rsfx', 'lrs', 'trn', 'data', 'latent', 'n_states', 'max_lrs', 'avg_lrs')


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


def lattice(seed):
    """Points of a small lattice: duplicates, and many distances that are equal."""
    rng = np.random.default_rng(3000 + seed)
    return rng.integers(-2, 3, (int(rng.integers(1, 90)), int(rng.integers(1, 4)))).astype(float)


def with_silence(seed):
    """Weights of pitch classes, a third of the frames without any."""
    rng = np.random.default_rng(4000 + seed)
    made = rng.integers(0, 3, (int(rng.integers(2, 60)), 12)).astype(float)
    return made * (rng.random((len(made), 1)) > 1 / 3)


def lopsided(new, known):
    """A distance that depends on the order of its arguments."""
    return float(np.abs(np.maximum(new - known, 0)).sum() + 0.3 * np.abs(new - known).sum())


def vmo_oracle(features, threshold, distance):
    """Return vmo's oracle, with its code."""
    named = {'dfunc': 'other', 'dfunc_handle': distance} if callable(distance) else {
        'dfunc': distance}
    with np.errstate(all='ignore'):
        made = vmo.build_oracle(features, 'a', threshold=threshold, dim=features.shape[1], **named)
        made.encode()
    return made


def some_thresholds(features, distance, count=4, seed=0):
    """Return 0, distances that occur, numbers between them, and one beyond the largest."""
    with np.errstate(all='ignore'):
        found = cdist(features[:100], features[:100], distance).ravel()
    found = np.unique(found[np.isfinite(found)])
    found = found if len(found) else np.ones(1)
    rng = np.random.default_rng(seed)
    chosen = rng.choice(found, count)
    between = chosen * 0.7 + rng.choice(found, count) * 0.3
    return np.maximum([0.0, *chosen, *between, 1.5 * found[-1] + 0.1], 0.0).tolist()


def assert_same_oracle(ours, theirs):
    """Assert that ours is vmo's in every attribute, in its code and its information rates."""
    converted = ours.to_vmo()
    for name in STATES:
        assert getattr(converted, name) == getattr(theirs, name), name
    assert np.array_equal(converted.f_array.data, theirs.f_array.data)
    assert ours.suffix.tolist() == [-1, *theirs.sfx[1:]]
    assert ours.lrs.tolist() == theirs.lrs
    assert ours.symbol.tolist() == [-1, *theirs.data[1:]]
    assert [list(ours.transitions(k)) for k in range(ours.num_states)] == theirs.trn
    assert list(map(list, ours.followers)) == theirs.rsfx
    assert list(map(list, ours.classes)) == theirs.latent
    assert ours.num_symbols == len(theirs.latent)
    assert [list(word) for word in ours.code] == theirs.code
    for kind in RATE_TYPES:
        for alpha in (1.0, 0.5):
            with np.errstate(all='ignore'):
                wanted = theirs.IR(ir_type=kind, alpha=alpha)[0]
            found = information_profile(ours, kind, alpha=alpha)
            assert np.allclose(found, wanted, rtol=0, atol=1e-9), kind


def assert_is_vmos(features, threshold, distance, silence='vmo'):
    """Assert that the oracle of a sequence is vmo's; return ours."""
    ours = build_oracle(features, threshold, distance, silence=silence)
    assert_same_oracle(ours, vmo_oracle(features, threshold, distance))
    return ours
