"""Rules that choose which cells sound."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from networks import SPEC, random_model

from qbdi_m21.errors import ParameterError
from qbdi_m21.model.decoding import CellChooser

FRAMES = arrays(np.float32, st.tuples(st.integers(1, 20), st.integers(1, 3), st.integers(1, 30)),
                elements=st.floats(0, 1, width=32))


def chooser(rule, threshold=0.5, seed=0):
    return CellChooser(rule, threshold, np.random.default_rng(seed))


@settings(max_examples=200, deadline=None)
@given(FRAMES)
def test_by_density_the_number_of_notes_follows_the_probabilities(frames):
    rule = chooser('density')
    chosen = np.array([rule.choose(frame) for frame in frames])
    counts, expected = (np.cumsum(x.sum(axis=2, dtype=np.float64), axis=0)
                        for x in (chosen, frames))
    assert np.abs(counts - expected).max() <= 0.5 + 1e-6


@settings(max_examples=100, deadline=None)
@given(FRAMES)
def test_by_density_the_likeliest_cells_of_a_frame_come_first(frames):
    rule = chooser('density')
    for frame in frames:
        chosen = rule.choose(frame)
        for row, cells in zip(frame, chosen, strict=True):
            assert row[cells].min(initial=1) >= row[~cells].max(initial=0)


def test_by_density_unsure_cells_still_give_notes():
    probability = np.tile(np.linspace(0.1, 0.3, 5), (3, 1))
    rule = chooser('density')
    counts = sum(rule.choose(probability).sum(axis=1) for _ in range(40))
    assert counts.tolist() == [40] * 3
    assert not chooser('threshold').choose(probability).any()


def test_samples_have_their_probabilities():
    probability = np.tile([0.1, 0.5, 0.9], (20_000, 1))
    shares = chooser('sample').choose(probability).mean(axis=0)
    np.testing.assert_allclose(shares, [0.1, 0.5, 0.9], atol=0.015)


def test_a_threshold_is_reached_by_its_own_value():
    assert chooser('threshold', 0.25).choose(np.array([[0.2, 0.25, 0.3]])).tolist() == [
        [False, True, True]]


@pytest.mark.parametrize('rule', ['threshold', 'sample', 'density'])
def test_impossible_cells_are_never_chosen(rule):
    rng = np.random.default_rng(0)
    possible = rng.random((50, 40)) < 0.5
    chosen = chooser(rule, 0.01).choose(np.full((50, 40), 0.999), possible)
    assert not (chosen & ~possible).any()
    assert chosen[possible].mean() > 0.9


@pytest.mark.parametrize('network', ['dense', 'context'])
def test_the_notes_of_a_model_are_as_many_as_it_expects(network):
    model = random_model(network)
    latents = np.random.default_rng(4).normal(size=(200, 3))
    cells, probability = model.decode(latents, rule='density')
    sounding = cells[..., :SPEC.num_pitches]
    expected = probability[..., :SPEC.num_pitches].sum(axis=(1, 2))
    assert np.abs(sounding.sum(axis=(1, 2)) - expected).max() <= 0.5 + 1e-4


@pytest.mark.parametrize('network', ['dense', 'context'])
def test_the_seed_decides_a_sample_and_the_rule_is_the_models_own(network):
    model = random_model(network, decoding='sample')
    latents = np.random.default_rng(4).normal(size=(10, 3))
    first, again, other = (model.decode(latents, rng=np.random.default_rng(s))[0]
                           for s in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)
    by_threshold = model.decode(latents, rule='threshold')[0]
    np.testing.assert_array_equal(by_threshold, model.decode(latents, rule='threshold')[0])


def test_an_unknown_rule_and_a_threshold_that_is_no_probability_are_refused():
    model = random_model()
    with pytest.raises(ParameterError, match="decoding is 'best'; expected one of threshold, sam"):
        model.decode(np.zeros((1, 3)), rule='best')
    with pytest.raises(ParameterError, match=r'threshold is 1\.5; expected a probability'):
        model.decode(np.zeros((1, 3)), threshold=1.5)
