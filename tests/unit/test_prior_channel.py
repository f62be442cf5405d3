"""The channel that keeps the prior, against what information theory says of it."""

import numpy as np
import pytest
from naive.twins import naive_information
from scipy.stats import kstest

from qbdi_m21.channel.gaussian import optimal_channel, prior_channel
from qbdi_m21.errors import ParameterError

N = 200_000
RATES = np.array([0.0, 0.1, 0.5, 1.0, 2.0, 3.5, 5.0])
VARIANCE = np.array([1.0, 0.01, 0.3, 4.0, 1.0, 25.0, 0.7])
MEAN = np.array([0.0, 2.0, -3.0, 0.5, 0.0, 10.0, -0.1])
Z = len(RATES)


@pytest.fixture
def sent(rng):
    """A Gaussian source, and what arrives."""
    source = MEAN + np.sqrt(VARIANCE) * rng.standard_normal((N, Z))
    return source, prior_channel(RATES, variance=VARIANCE).transmit(source, rng)


def squared_gain(rates, variance):
    """Return g^2 from g^2 / (1 - g^2) = (4^R - 1) / t."""
    signal = (4.0 ** np.asarray(rates) - 1) / variance
    return signal / (1 + signal)


def test_gain_and_noise_are_those_of_the_equation():
    channel = prior_channel(RATES, variance=VARIANCE)
    assert channel.gain ** 2 == pytest.approx(squared_gain(RATES, VARIANCE))
    assert channel.noise_variance == pytest.approx(1 - squared_gain(RATES, VARIANCE))
    assert not np.any(channel.offset)
    assert np.all(channel.gain >= 0)


def test_gain_and_noise_hold_for_small_rates_of_small_variances_too():
    channel = prior_channel([1e-6, 1e-4, 1e-6], variance=[1e-6, 1e-6, 1e-9])
    expected = squared_gain([1e-6, 1e-4, 1e-6], np.array([1e-6, 1e-6, 1e-9]))
    assert channel.gain ** 2 == pytest.approx(expected, rel=1e-8)
    assert channel.noise_variance == pytest.approx(1 - expected, rel=1e-6)


def test_what_arrives_has_the_variance_of_signal_and_noise(sent):
    _, received = sent
    told = squared_gain(RATES, VARIANCE)
    assert received.var(axis=0) == pytest.approx(told * VARIANCE + 1 - told, rel=0.02)


def test_what_arrives_has_the_mean_of_the_source_times_the_gain(sent):
    _, received = sent
    told = squared_gain(RATES, VARIANCE)
    off = np.abs(received.mean(axis=0) - np.sqrt(told) * MEAN)
    assert np.all(off < 5 * np.sqrt((told * VARIANCE + 1 - told) / N))


def test_the_mutual_information_is_the_rate(sent):
    source, received = sent
    for k in range(Z):
        r = np.corrcoef(source[:, k], received[:, k])[0, 1]
        # the estimate scatters by r / (ln 2 sqrt N)
        assert -0.5 * np.log2(1 - r * r) == pytest.approx(RATES[k], abs=5 * 1.4427 / np.sqrt(N))


@pytest.mark.parametrize('seed', range(4))
def test_the_mutual_information_is_the_rate_whatever_the_variance(seed):
    rng = np.random.default_rng(seed)
    rates, variance = rng.uniform(0, 5, 5), rng.lognormal(0, 2, 5)
    source = rng.normal(0, 3, 5) + np.sqrt(variance) * rng.standard_normal((100_000, 5))
    received = prior_channel(rates, variance=variance).transmit(source, rng)
    for k in range(5):
        r = np.corrcoef(source[:, k], received[:, k])[0, 1]
        assert -0.5 * np.log2(1 - r * r) == pytest.approx(rates[k],
                                                          abs=5 * 1.4427 / np.sqrt(100_000))


def test_noise_is_independent_of_the_source_and_between_components(sent):
    source, received = sent
    noise = received - np.sqrt(squared_gain(RATES, VARIANCE)) * source
    both = np.corrcoef(np.hstack([noise, source]).T) - np.eye(2 * Z)
    assert np.abs(both).max() < 5 / np.sqrt(N)


def test_noise_is_independent_from_frame_to_frame(sent):
    source, received = sent
    noise = received - np.sqrt(squared_gain(RATES, VARIANCE)) * source
    for k in range(Z):
        assert abs(np.corrcoef(noise[1:, k], noise[:-1, k])[0, 1]) < 5 / np.sqrt(N)


@pytest.mark.parametrize('bits', [0.0, 0.05, 0.25, 0.5, 1.0, 2.0, 4.0, 10.0, np.inf])
def test_a_source_from_the_prior_stays_so_at_every_rate(bits, rng):
    received = prior_channel([bits], variance=[1.0]).transmit(rng.standard_normal((N, 1)), rng)
    assert kstest(received[:, 0], 'norm').pvalue > 1e-4


@pytest.mark.parametrize('bits', [0.0, 0.25, 0.5, 1.0])
def test_the_papers_channel_does_not_keep_the_prior(bits, rng):
    # a test of the test: at these rates the shrinking is plain to see
    channel = optimal_channel([bits], mean=[0.0], variance=[1.0])
    received = channel.transmit(rng.standard_normal((N, 1)), rng)
    assert kstest(received[:, 0], 'norm').pvalue < 1e-4


@pytest.mark.parametrize('variance', [0.01, 1.0, 30.0])
def test_zero_bits_give_a_draw_from_the_prior_whatever_is_sent(variance, rng):
    channel = prior_channel([0.0], variance=[variance])
    received = channel.transmit(rng.uniform(50, 90, (N, 1)), rng)
    assert kstest(received[:, 0], 'norm').pvalue > 1e-4
    first, second = (channel.transmit(np.full((9, 1), value), np.random.default_rng(3))
                     for value in (-70.0, 1e6))
    assert np.array_equal(first, second)


def test_infinite_bits_give_the_value_unaltered(rng):
    values = 100 * rng.normal(size=(50, Z))
    received = prior_channel(np.full(Z, np.inf), variance=VARIANCE).transmit(values, rng)
    assert np.array_equal(received, values)


def test_finite_and_infinite_rates_stand_side_by_side(rng):
    values = rng.normal(size=(50, 4))
    received = prior_channel([np.inf, 0, np.inf, 1], variance=np.ones(4)).transmit(values, rng)
    assert np.array_equal(received[:, [0, 2]], values[:, [0, 2]])
    assert not np.any(received[:, [1, 3]] == values[:, [1, 3]])


def test_the_error_is_the_least_of_a_channel_that_keeps_the_distribution(rng):
    # of a jointly normal pair of variance 1 and R bits: 2 - 2 sqrt(1 - 4^-R)
    for bits in (0.0, 0.5, 1.0, 3.0):
        source = rng.standard_normal((N, 1))
        received = prior_channel([bits], variance=[1.0]).transmit(source, rng)
        assert ((source - received) ** 2).mean() == pytest.approx(
            2 - 2 * np.sqrt(1 - 4.0 ** -bits), rel=0.03)


def test_each_frame_may_have_rates_of_its_own(rng):
    bits = np.vstack([RATES, RATES[::-1], np.full(Z, np.inf), np.zeros(Z)])
    values = rng.normal(size=(4, Z))
    mean, noise = prior_channel(bits, variance=VARIANCE).moments(values)
    assert mean.shape == noise.shape == (4, Z)
    for n in range(4):
        alone = prior_channel(bits[n], variance=VARIANCE).moments(values[n:n + 1])
        assert np.array_equal(mean[n], alone[0][0])
        assert np.array_equal(noise[n], alone[1])
    assert np.array_equal(mean[2], values[2])
    assert not np.any(mean[3])


def test_the_information_at_each_frames_own_rate_is_that_rate(rng):
    bits = np.tile([[0.5], [2.0]], (N // 2, 1))
    source = np.sqrt(3.0) * rng.standard_normal((N, 1))
    received = prior_channel(bits, variance=[3.0]).transmit(source, rng)
    for k, nominal in enumerate((0.5, 2.0)):
        r = np.corrcoef(source[k::2, 0], received[k::2, 0])[0, 1]
        assert -0.5 * np.log2(1 - r * r) == pytest.approx(nominal, abs=0.025)


def discrete(name):
    """Return points and chances of a source."""
    grid = np.linspace(-4, 4, 81)
    chances = {'two points': ([-1, 1], [1, 1]), 'unequal points': ([0, 3], [9, 1]),
               'uniform': (grid, np.ones(81)), 'Laplace': (grid, np.exp(-2 * np.abs(grid))),
               'two hills': (grid, np.exp(-(np.abs(grid) - 2) ** 2 * 8)),
               'Gaussian': (grid, np.exp(-grid ** 2 / 2))}
    points, weights = (np.array(column, dtype=float) for column in chances[name])
    return points, weights / weights.sum()


@pytest.mark.parametrize('bits', [0.1, 0.5, 1.0, 2.0])
@pytest.mark.parametrize('name', ['two points', 'unequal points', 'uniform', 'Laplace',
                                  'two hills'])
def test_a_source_that_is_not_gaussian_tells_at_most_the_rate(name, bits):
    points, chances = discrete(name)
    variance = chances @ (points - chances @ points) ** 2
    channel = prior_channel([bits], variance=[variance])
    told = naive_information(points, chances, channel.gain[0], channel.noise_variance[0])
    assert 0.2 * bits < told < bits - 1e-5


@pytest.mark.parametrize('bits', [0.1, 0.5, 1.0, 2.0])
def test_a_source_as_good_as_gaussian_tells_the_rate(bits):
    points, chances = discrete('Gaussian')
    channel = prior_channel([bits], variance=[chances @ points ** 2])
    told = naive_information(points, chances, channel.gain[0], channel.noise_variance[0])
    assert told == pytest.approx(bits, rel=1e-4)
    assert told < bits + 1e-9


@pytest.mark.parametrize('bits', [1.0, 2.0])
def test_two_equal_points_tell_at_most_their_one_bit(bits):
    points, chances = discrete('two points')
    channel = prior_channel([bits], variance=[1.0])
    assert naive_information(points, chances, channel.gain[0], channel.noise_variance[0]) < 1


def test_a_source_of_two_hills_loses_them_at_low_rates_and_keeps_them_at_high(rng):
    signs = np.where(rng.random((N, 1)) < 0.5, -1.0, 1.0)
    source = 0.95 * signs + np.sqrt(1 - 0.95 ** 2) * rng.standard_normal((N, 1))
    fourth = []
    for bits in (0.0, 0.5, 1.0, 2.0, 4.0):
        received = prior_channel([bits], variance=[1.0]).transmit(source, rng)[:, 0]
        assert received.var() == pytest.approx(1, rel=0.02)
        fourth.append((received ** 4).mean())
        # excess of the fourth moment shrinks by g^4: that of the source is -2 0.95^4
        told = 1 - 4.0 ** -bits
        assert fourth[-1] - 3 == pytest.approx(-2 * (0.95 ** 2 * told) ** 2, abs=0.12)
    assert fourth == sorted(fourth, reverse=True)


def test_the_same_seed_gives_the_same_noise():
    channel = prior_channel(RATES, variance=VARIANCE)
    first, second, other = (
        channel.transmit(np.ones((3, Z)), np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert np.array_equal(first, second)
    assert not np.array_equal(first, other)


def test_a_source_without_variance_is_drawn_from_the_prior_where_nothing_is_told(rng):
    channel = prior_channel([0.0], variance=[0.0])
    assert kstest(channel.transmit(np.full((N, 1), 7.0), rng)[:, 0], 'norm').pvalue > 1e-4


@pytest.mark.parametrize('bits', [0.0, 1e-12, 1.0, 500.0, 2000.0, np.inf])
@pytest.mark.parametrize('variance', [0.0, 1e-300, 1.0, 1e300])
def test_gain_and_noise_are_finite_and_make_one_at_the_ends_too(bits, variance):
    channel = prior_channel([bits], variance=[variance])
    assert np.all((channel.gain >= 0) & (channel.gain <= 1))
    assert channel.gain ** 2 + channel.noise_variance == pytest.approx(1)


@pytest.mark.parametrize(('bits', 'variance', 'came'), [
    ([1.0, 2.0], [1.0], r'bits have shape \(2,\), mean \(1,\), variance \(1,\)'),
    (1.0, [1.0], r'bits have shape \(\), mean \(1,\), variance \(1,\)'),
    ([[[1.0]]], [1.0], r'bits have shape \(1, 1, 1\), mean \(1,\), variance \(1,\)')])
def test_shapes_that_do_not_fit_are_refused(bits, variance, came):
    with pytest.raises(ParameterError, match=came + r'; expected \(Z,\) or \(N, Z\), \(Z,\) and '
                       r'\(Z,\)'):
        prior_channel(bits, variance=variance)


@pytest.mark.parametrize(('bits', 'variance', 'message'), [
    ([-1.0], [1.0], r'bits .*numbers >= 0'), ([np.nan], [1.0], r'bits .*numbers >= 0'),
    ([1.0], [-2.0], r'variance has shape \(1,\), from -2.0 to -2.0; expected a vector of finite'),
    ([1.0], [np.inf], r'variance has shape \(1,\), from inf to inf; expected a vector of finite'),
    ([1.0], [[1.0]], r'variance has shape \(1, 1\), from 1.0 to 1.0; expected a vector')])
def test_rates_and_variances_that_are_none_are_refused(bits, variance, message):
    with pytest.raises(ParameterError, match=message):
        prior_channel(bits, variance=variance)


def test_values_that_the_channel_does_not_take_are_refused(rng):
    channel = prior_channel(np.ones((2, 3)), variance=np.ones(3))
    for values in (np.zeros(3), np.zeros((3, 3)), np.zeros((2, 4))):
        shape = str(values.shape).replace('(', r'\(').replace(')', r'\)')
        with pytest.raises(ParameterError, match=rf'shape {shape}; .*\(2, 3\)'):
            channel.transmit(values, rng)
