"""vmo's own functions on our oracles, and vmo's oracles as ours."""

import random

import numpy as np
import pytest
import vmo
from oracle_material import (
    assert_same_oracle,
    lattice,
    lopsided,
    random_vectors,
    symbols,
    varied_repeats,
    vmo_oracle,
)
from vmo.VMO.oracle import MO
from vmo_alone import load_alone

from qbdi_m21.errors import ParameterError
from qbdi_m21.oracle.build import build_oracle
from qbdi_m21.oracle.interchange import from_vmo, to_vmo
from qbdi_m21.oracle.patterns import repeated_patterns

MAKERS = [symbols, varied_repeats, lattice]
SEQUENCES = [(make, seed) for make in MAKERS for seed in range(300, 306)]


def pair(make, seed, threshold=0.3, distance='euclidean'):
    """Return our oracle as vmo's, and vmo's own; of at least four frames."""
    features = np.concatenate([make(seed)[:60]] * 2)
    ours = build_oracle(features, threshold, distance).to_vmo()
    ours.encode()
    return ours, vmo_oracle(features, threshold, distance)


def both(function, oracles, *arguments, **options):
    """Return what a function gives on each of two oracles, from the same seeds."""
    found = []
    for oracle in oracles:
        random.seed(5)
        np.random.seed(5)       # noqa: NPY002 - vmo draws from it
        with np.errstate(all='ignore'):
            found.append(function(oracle, *arguments, **options))
    return found


@pytest.mark.parametrize(('make', 'seed'), SEQUENCES)
def test_vmo_improvises_the_same_on_ours(make, seed):
    generate = load_alone('generate.py')
    oracles = pair(make, seed)
    for options in ({}, {'p': 0.9}, {'p': 0.2, 'LRS': 1}, {'p': 0.3, 'weight': 'max'},
                    {'p': 0.3, 'weight': 'weight'}):
        ours, theirs = both(generate.generate, oracles, 40, **options)
        assert ours == theirs
        assert len(ours[0]) >= 20
    for options in ({}, {'LRS': 2}, {'continuity': 4}, {'weight': 'lrs', 'LRS': 1}):
        ours, theirs = both(generate.improvise, oracles, 40, **options)
        assert ours == theirs
        assert len(ours) >= 20


@pytest.mark.parametrize(('make', 'seed'), SEQUENCES)
def test_vmos_analyses_say_the_same_of_ours(make, seed):
    analysis = load_alone('analysis/analysis.py')
    oracles = pair(make, seed)
    for method in ('rsfx', 'sfx', 'lrs', 'com'):
        ours, theirs = both(analysis.create_selfsim, oracles, method)
        assert ours.any() or method == 'sfx'
        assert np.array_equal(ours, theirs)
    for method in ('trn', 'seq'):
        ours, theirs = both(analysis.create_transition, oracles, method)
        assert np.array_equal(ours[0], theirs[0], equal_nan=True)
        assert np.array_equal(ours[1], theirs[1])
        assert ours[2] == theirs[2]
    for lower in range(4):
        ours, theirs = both(analysis.find_repeated_patterns, oracles, lower=lower)
        assert ours == theirs
    ours, theirs = both(analysis.find_fragments, oracles)
    assert ours == theirs


@pytest.mark.parametrize(('make', 'seed'), SEQUENCES)
def test_vmo_follows_a_query_through_ours_as_through_its_own(make, seed, rng):
    analysis = load_alone('analysis/analysis.py')
    oracles = pair(make, seed)
    query = rng.normal(size=(8, oracles[0].f_array.data.shape[1]))
    for options in ({}, {'trn_type': 'forward'}, {'trn_type': 'suffix'},
                    {'smooth': True, 'weight': 0.3}):
        ours, theirs = both(analysis.query, oracles, query, **options)
        assert ours[0] == theirs[0]
        assert np.array_equal(ours[1], theirs[1])
        assert ours[2] == theirs[2]
    ours, theirs = both(analysis.tracking, oracles, query)
    assert np.array_equal(ours, theirs)
    ours, theirs = both(analysis.align, oracles, query)
    assert np.array_equal(ours, theirs)


@pytest.mark.parametrize(('make', 'seed'), SEQUENCES)
def test_vmo_goes_on_building_where_ours_stops(make, seed):
    features = make(seed)
    if len(features) < 2:
        features = np.repeat(features, 2, axis=0)
    half = len(features) // 2
    oracle = build_oracle(features[:half], 0.3).to_vmo()
    oracle.f_array.capacity = oracle.f_array.size       # which vmo's own `finalize` leaves too
    for row in features[half:]:
        oracle.add_state(row)
    oracle.f_array.finalize()
    assert_same_oracle(from_vmo(oracle), vmo_oracle(features, 0.3, 'euclidean'))


def test_segments_and_params_are_vmos():
    for make, seed in SEQUENCES:
        ours, theirs = pair(make, seed)
        assert type(ours) is MO
        assert ours.kind == theirs.kind == 'a'
        assert ours.segment() == theirs.segment()
        assert ours.num_clusters() == theirs.num_clusters()
        assert ours.params == theirs.params
        assert ours.compror == theirs.compror


def test_patterns_of_ours_are_vmos_patterns():
    find = load_alone('analysis/analysis.py').find_repeated_patterns
    some = 0
    for make, seed in SEQUENCES:
        oracle = build_oracle(make(seed), 0.3)
        for lower in range(4):
            found = repeated_patterns(oracle, min_length=lower + 1)
            wanted = find(oracle.to_vmo(), lower=lower)
            assert [(p.ends, p.length) for p in found] == [
                (tuple(sorted(set(ends))), int(length)) for ends, length in wanted]
            some += len(found)
    assert some > 20


@pytest.mark.parametrize('distance', ['euclidean', 'cosine', 'cityblock', lopsided])
@pytest.mark.parametrize('make', [*MAKERS, random_vectors])
def test_ours_to_vmo_and_back_is_ours(make, distance):
    oracle = build_oracle(make(9), 0.3, distance, silence='vmo')
    back = from_vmo(to_vmo(oracle))
    for name in ('features', 'suffix', 'lrs', 'symbol', 'transition_starts', 'transition_goals'):
        assert np.array_equal(getattr(back, name), getattr(oracle, name)), name
        assert getattr(back, name).dtype == getattr(oracle, name).dtype
    assert (back.threshold, back.distance, back.silence) == (0.3, distance, 'vmo')


@pytest.mark.parametrize('distance', ['euclidean', 'cosine', lopsided])
@pytest.mark.parametrize('make', [*MAKERS, random_vectors])
def test_vmos_to_ours_and_back_is_vmos(make, distance):
    theirs = vmo_oracle(make(12), 0.3, distance)
    ours = from_vmo(theirs)
    assert_same_oracle(ours, theirs)
    assert ours.to_vmo().params == theirs.params
    # and it goes on as one of ours
    more = make(13)[:5, :1].repeat(ours.features.shape[1], axis=1)
    whole = build_oracle(np.concatenate([ours.features, more]), 0.3, distance, silence='vmo')
    assert np.array_equal(ours.extend(more).suffix, whole.suffix)


def test_an_oracle_that_is_not_yet_finished_is_read_too():
    theirs = vmo.VMO.oracle.create_oracle('a', threshold=0.5, dfunc='euclidean', dim=1)
    for value in (0.0, 1.0, 0.0):
        theirs.add_state(np.array([value]))
    assert from_vmo(theirs).features.tolist() == [[0.0], [1.0], [0.0]]


@pytest.mark.parametrize('distance', ['tonnetz', 'pitch-class-set', 'kl'])
def test_a_distance_that_vmo_does_not_know_goes_along(distance, rng):
    features = rng.integers(0, 2, (30, 12)).astype(float)
    converted = build_oracle(features, 0.4, distance).to_vmo()
    rebuilt = vmo_oracle(features, 0.4, converted.params['dfunc_handle'])
    assert converted.sfx == rebuilt.sfx
    assert converted.trn == rebuilt.trn
    assert any(converted.lrs)


@pytest.mark.parametrize('source', [None, 'oracle', vmo.build_oracle([1, 2, 1], 'f')])
def test_what_is_no_oracle_of_features_is_refused(source):
    with pytest.raises(ParameterError, match=f'got {type(source).__name__} of kind .*; expected an '
                                             "oracle that vmo built with flag 'a'"):
        from_vmo(source)
