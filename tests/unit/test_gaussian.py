"""The test channel, eqs 6-8, against what rate-distortion theory says of it."""

import numpy as np
import pytest

from qbdi_m21.channel.allocation import allocate_bits
from qbdi_m21.channel.gaussian import channel_moments, transmit
from qbdi_m21.errors import ParameterError

MEAN = np.array([0.0, -3.0, 10.0, 0.5])
VARIANCE = np.array([1.0, 4.0, 0.25, 9.0])
BITS = np.array([0.5, 1.0, 2.0, 3.0])
N = 200_000


@pytest.fixture
def sent(rng):
    """A Gaussian source, and what arrives."""
    source = MEAN + np.sqrt(VARIANCE) * rng.standard_normal((N, 4))
    return source, transmit(source, BITS, mean=MEAN, variance=VARIANCE, rng=rng)


def test_what_arrives_has_the_variance_of_the_source_less_the_distortion(sent):
    _, received = sent
    assert received.var(axis=0) == pytest.approx(VARIANCE * (1 - 4.0 ** -BITS), rel=0.02)


def test_what_arrives_has_the_mean_of_the_source(sent):
    _, received = sent
    assert np.all(np.abs(received.mean(axis=0) - MEAN) < 5 * np.sqrt(VARIANCE / N))


def test_the_squared_error_is_the_distortion(sent):
    source, received = sent
    assert ((source - received) ** 2).mean(axis=0) == pytest.approx(
        VARIANCE * 4.0 ** -BITS, rel=0.02)


def test_the_mutual_information_is_the_rate(sent):
    source, received = sent
    for k in range(4):
        r = np.corrcoef(source[:, k], received[:, k])[0, 1]
        assert -0.5 * np.log2(1 - r * r) == pytest.approx(BITS[k], abs=0.02)


def test_the_error_does_not_depend_on_what_arrives(sent):
    source, received = sent
    for k in range(4):
        r = np.corrcoef(source[:, k] - received[:, k], received[:, k])[0, 1]
        assert abs(r) < 5 / np.sqrt(N)


def test_the_noise_of_the_components_is_independent(sent):
    source, received = sent
    moments, _ = channel_moments(source, BITS, mean=MEAN, variance=VARIANCE)
    correlation = np.corrcoef((received - moments).T) - np.eye(4)
    assert np.abs(correlation).max() < 5 / np.sqrt(N)


def test_moments_are_those_of_equations_7_and_8():
    values = np.array([[2.0, 1.0]])
    received, spread = channel_moments(values, [1, 2], mean=[0.0, 5.0], variance=[4.0, 16.0])
    # 2 + (0 - 2)/4; 1 + (5 - 1)/16; (4 - 1)/16 of 4; (16 - 1)/256 of 16
    assert received.tolist() == [[1.5, 1.25]]
    assert spread.tolist() == [0.75, 0.9375]


def test_zero_bits_give_the_mean_without_noise(rng):
    values = rng.normal(size=(50, 4))
    received = transmit(values, np.zeros(4), mean=MEAN, variance=VARIANCE, rng=rng)
    assert np.allclose(received, MEAN, rtol=0, atol=1e-14)


def test_infinite_bits_give_the_value_unaltered(rng):
    values = rng.normal(size=(50, 4))
    received = transmit(values, np.full(4, np.inf), mean=MEAN, variance=VARIANCE, rng=rng)
    assert np.array_equal(received, values)


def test_finite_and_infinite_rates_stand_side_by_side(rng):
    values = rng.normal(size=(50, 4))
    received = transmit(values, [np.inf, 0, np.inf, 0], mean=MEAN, variance=VARIANCE, rng=rng)
    assert np.array_equal(received[:, [0, 2]], values[:, [0, 2]])
    assert np.allclose(received[:, [1, 3]], MEAN[[1, 3]], rtol=0, atol=1e-14)


def test_a_component_without_variance_gets_no_noise(rng):
    values = rng.normal(size=(50, 2))
    received = transmit(values, [1, 1], mean=[0.0, 0.0], variance=[0.0, 1.0], rng=rng)
    assert np.allclose(received[:, 0], values[:, 0] * 0.75)
    assert not np.allclose(received[:, 1], values[:, 1] * 0.75)


def test_the_same_seed_gives_the_same_noise():
    values = np.ones((3, 4))
    first, second, other = (
        transmit(values, BITS, mean=MEAN, variance=VARIANCE, rng=np.random.default_rng(seed))
        for seed in (1, 1, 2))
    assert np.array_equal(first, second)
    assert not np.array_equal(first, other)


def test_values_sent_are_left_as_they_were(rng):
    values = np.ones((3, 4))
    transmit(values, BITS, mean=MEAN, variance=VARIANCE, rng=rng)
    assert np.array_equal(values, np.ones((3, 4)))


def test_the_error_never_rises_with_the_budget(rng):
    source = MEAN + np.sqrt(VARIANCE) * rng.standard_normal((20_000, 4))
    errors = []
    for total in (0, 2, 4, 8, 16, 32):
        received = transmit(source, allocate_bits(VARIANCE, total), mean=MEAN,
                            variance=VARIANCE, rng=rng)
        errors.append(((source - received) ** 2).sum(axis=1).mean())
    assert errors == sorted(errors, reverse=True)
    assert errors[0] == pytest.approx(VARIANCE.sum(), rel=0.05)
    assert errors[-1] < 0.01


@pytest.mark.parametrize('change', [
    {'values': np.zeros(4)}, {'bits': np.zeros(3)}, {'mean': np.zeros(5)},
    {'variance': np.ones(2)}])
def test_shapes_that_do_not_fit_are_refused(change):
    given = {'values': np.zeros((2, 4)), 'bits': BITS, 'mean': MEAN, 'variance': VARIANCE,
             **change}
    with pytest.raises(ParameterError, match=r'expected \(N, Z\) and \(Z,\)'):
        channel_moments(given['values'], given['bits'], mean=given['mean'],
                        variance=given['variance'])
