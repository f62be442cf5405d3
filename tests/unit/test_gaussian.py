"""The channel of the paper, eqs 6-8, against what rate-distortion theory says of it."""

import numpy as np
import pytest

from qbdi_m21.channel.allocation import allocate_bits
from qbdi_m21.channel.gaussian import optimal_channel
from qbdi_m21.errors import ParameterError

MEAN = np.array([0.0, -3.0, 10.0, 0.5])
VARIANCE = np.array([1.0, 4.0, 0.25, 9.0])
BITS = np.array([0.5, 1.0, 2.0, 3.0])
CHANNEL = optimal_channel(BITS, mean=MEAN, variance=VARIANCE)
N = 200_000


@pytest.fixture
def sent(rng):
    """A Gaussian source, and what arrives."""
    source = MEAN + np.sqrt(VARIANCE) * rng.standard_normal((N, 4))
    return source, CHANNEL.transmit(source, rng)


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
    moments, _ = CHANNEL.moments(source)
    correlation = np.corrcoef((received - moments).T) - np.eye(4)
    assert np.abs(correlation).max() < 5 / np.sqrt(N)


def test_moments_are_those_of_equations_7_and_8():
    values = np.array([[2.0, 1.0]])
    channel = optimal_channel([1, 2], mean=[0.0, 5.0], variance=[4.0, 16.0])
    received, spread = channel.moments(values)
    # 2 + (0 - 2)/4; 1 + (5 - 1)/16; (4 - 1)/16 of 4; (16 - 1)/256 of 16
    assert received.tolist() == [[1.5, 1.25]]
    assert spread.tolist() == [0.75, 0.9375]


def test_each_frame_may_have_rates_of_its_own():
    bits = np.array([[0.0, 1.0, np.inf, 0.5], [3.0, 0.0, 1.5, 2.0], [8.0, 7.0, 0.25, 0.0]])
    values = np.array([[2.0, 1.0, -1.0, 4.0], [0.5, 3.0, 9.0, 1.0], [-2.0, -4.0, 11.0, 0.0]])
    received, spread = optimal_channel(bits, mean=MEAN, variance=VARIANCE).moments(values)
    for n, k in np.ndindex(3, 4):
        kept = 4.0 ** -bits[n, k]
        assert received[n, k] == pytest.approx(values[n, k] + kept * (MEAN[k] - values[n, k]))
        noise = 0.0 if np.isinf(bits[n, k]) else kept ** 2 * (4.0 ** bits[n, k] - 1) * VARIANCE[k]
        assert spread[n, k] == pytest.approx(noise)


def test_a_frame_of_its_own_rates_is_sent_as_all_frames_of_those_rates(rng):
    bits = rng.uniform(0, 4, (30, 4))
    values = rng.normal(size=(30, 4))
    received, spread = optimal_channel(bits, mean=MEAN, variance=VARIANCE).moments(values)
    for n in range(30):
        alone = optimal_channel(bits[n], mean=MEAN, variance=VARIANCE).moments(values[n:n + 1])
        assert np.array_equal(received[n], alone[0][0])
        assert np.array_equal(spread[n], alone[1])


def test_noise_at_each_frames_own_rate_has_the_variance_of_equation_8(rng):
    bits = np.tile([[0.0], [0.5], [1.0], [2.0]], (N // 4, 1))
    channel = optimal_channel(bits, mean=[1.0], variance=[4.0])
    noise = channel.transmit(np.full((N, 1), 3.0), rng)[:, 0] - channel.moments(
        np.full((N, 1), 3.0))[0][:, 0]
    spreads = [noise[k::4].var() for k in range(4)]
    # 4^-2R (4^R - 1) 4
    assert spreads == pytest.approx([0.0, 1.0, 0.75, 0.234375], rel=0.03, abs=1e-12)


def test_zero_bits_give_the_mean_without_noise(rng):
    values = rng.normal(size=(50, 4))
    channel = optimal_channel(np.zeros(4), mean=MEAN, variance=VARIANCE)
    received = channel.transmit(values, rng)
    assert np.allclose(received, MEAN, rtol=0, atol=1e-14)


def test_infinite_bits_give_the_value_unaltered(rng):
    values = rng.normal(size=(50, 4))
    channel = optimal_channel(np.full(4, np.inf), mean=MEAN, variance=VARIANCE)
    received = channel.transmit(values, rng)
    assert np.array_equal(received, values)


def test_finite_and_infinite_rates_stand_side_by_side(rng):
    values = rng.normal(size=(50, 4))
    channel = optimal_channel([np.inf, 0, np.inf, 0], mean=MEAN, variance=VARIANCE)
    received = channel.transmit(values, rng)
    assert np.array_equal(received[:, [0, 2]], values[:, [0, 2]])
    assert np.allclose(received[:, [1, 3]], MEAN[[1, 3]], rtol=0, atol=1e-14)


def test_a_component_without_variance_gets_no_noise(rng):
    values = rng.normal(size=(50, 2))
    received = optimal_channel([1, 1], mean=[0.0, 0.0], variance=[0.0, 1.0]).transmit(values, rng)
    assert np.allclose(received[:, 0], values[:, 0] * 0.75)
    assert not np.allclose(received[:, 1], values[:, 1] * 0.75)


def test_the_same_seed_gives_the_same_noise():
    values = np.ones((3, 4))
    first, second, other = (
        CHANNEL.transmit(values, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert np.array_equal(first, second)
    assert not np.array_equal(first, other)


def test_values_sent_are_left_as_they_were(rng):
    values = np.ones((3, 4))
    CHANNEL.transmit(values, rng)
    assert np.array_equal(values, np.ones((3, 4)))


def test_the_error_never_rises_with_the_budget(rng):
    source = MEAN + np.sqrt(VARIANCE) * rng.standard_normal((20_000, 4))
    errors = []
    for total in (0, 2, 4, 8, 16, 32):
        channel = optimal_channel(allocate_bits(VARIANCE, total), mean=MEAN, variance=VARIANCE)
        received = channel.transmit(source, rng)
        errors.append(((source - received) ** 2).sum(axis=1).mean())
    assert errors == sorted(errors, reverse=True)
    assert errors[0] == pytest.approx(VARIANCE.sum(), rel=0.05)
    assert errors[-1] < 0.01


@pytest.mark.parametrize(('change', 'came'), [
    ({'bits': np.zeros(3)}, r'bits have shape \(3,\), mean \(4,\), variance \(4,\)'),
    ({'mean': np.zeros(5)}, r'bits have shape \(4,\), mean \(5,\), variance \(4,\)'),
    ({'variance': np.ones(2)}, r'bits have shape \(4,\), mean \(4,\), variance \(2,\)'),
    ({'bits': np.zeros((2, 3))}, r'bits have shape \(2, 3\), mean \(4,\), variance \(4,\)'),
    ({'bits': np.zeros((2, 2, 4))}, r'bits have shape \(2, 2, 4\), mean \(4,\)'),
    ({'bits': 1.0, 'mean': 0.0, 'variance': np.ones(1)}, r'bits have shape \(\), mean \(\)')])
def test_shapes_that_do_not_fit_are_refused(change, came):
    given = {'bits': BITS, 'mean': MEAN, 'variance': VARIANCE, **change}
    with pytest.raises(ParameterError, match=came + r'.*; expected \(Z,\) or \(N, Z\), \(Z,\) '
                       r'and \(Z,\)'):
        optimal_channel(given['bits'], mean=given['mean'], variance=given['variance'])


@pytest.mark.parametrize(('values', 'came'), [
    (np.zeros(4), r'\(4,\)'), (np.zeros((2, 3)), r'\(2, 3\)'), (0.0, r'\(\)'),
    (np.zeros((1, 2, 4)), r'\(1, 2, 4\)')])
def test_values_that_the_channel_does_not_take_are_refused(values, came, rng):
    with pytest.raises(ParameterError, match=rf'shape {came}; .*\b4\b'):
        CHANNEL.moments(values)
    with pytest.raises(ParameterError, match=rf'shape {came}; .*\b4\b'):
        CHANNEL.transmit(values, rng)


def test_a_channel_of_two_frames_takes_two_frames(rng):
    channel = optimal_channel(np.ones((2, 4)), mean=MEAN, variance=VARIANCE)
    with pytest.raises(ParameterError, match=r'shape \(3, 4\); .*\(2, 4\)'):
        channel.transmit(np.zeros((3, 4)), rng)
