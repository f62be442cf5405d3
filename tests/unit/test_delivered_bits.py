"""How many bits about a frame arrive, against plain divergences and Monte Carlo."""

import numpy as np
import pytest
from naive.twins import naive_divergence

from qbdi_m21.channel.gaussian import optimal_channel, prior_channel
from qbdi_m21.errors import ParameterError

CENTER = np.array([0.0, 1.0, -2.0])
TOTAL = np.array([1.0, 0.3, 9.0])
N = 100_000


def channels(bits):
    """Return both channels at these rates, of one source."""
    return {'prior-preserving': prior_channel(bits, variance=TOTAL),
            'paper': optimal_channel(bits, mean=CENTER, variance=TOTAL)}


def delivered(channel, mean, variance, source_mean=CENTER, source_variance=TOTAL):
    return channel.delivered_bits(mean, variance, source_mean=source_mean,
                                  source_variance=source_variance)


@pytest.fixture(params=['prior-preserving', 'paper'])
def name(request):
    return request.param


@pytest.fixture
def posteriors(rng):
    return rng.normal(CENTER, 1, (30, 3)), rng.uniform(0.01, 4, (30, 3))


def test_nothing_is_delivered_at_zero_rate(name, posteriors):
    assert not np.any(delivered(channels(np.zeros(3))[name], *posteriors))


def test_the_whole_divergence_is_delivered_at_infinite_rate(name, posteriors):
    bits = delivered(channels(np.full(3, np.inf))[name], *posteriors)
    for n, k in np.ndindex(30, 3):
        assert bits[n, k] == pytest.approx(naive_divergence(
            posteriors[0][n, k], posteriors[1][n, k], CENTER[k], TOTAL[k]))


@pytest.mark.parametrize('nominal', [0.1, 1.0, 3.0])
def test_at_any_rate_the_divergence_of_what_arrives_is_delivered(name, nominal, posteriors):
    channel = channels(np.full(3, nominal))[name]
    bits = delivered(channel, *posteriors)
    (_, noise), (own, _), (all_, _) = (channel.moments(values) for values in (
        posteriors[0], posteriors[0], CENTER[None]))
    for n, k in np.ndindex(30, 3):
        squared = channel.gain[k] ** 2
        assert bits[n, k] == pytest.approx(naive_divergence(
            own[n, k], squared * posteriors[1][n, k] + noise[k],
            all_[0, k], squared * TOTAL[k] + noise[k]))


def test_one_bit_about_a_sure_value_is_delivered_by_hand():
    # R = 1, t = 1: g^2 = 3/4; of 4 one part is left: log2 4 / 2, and 3/4 (mu^2 - 1) / (2 ln 2)
    channel = prior_channel([1.0], variance=[1.0])
    bits = delivered(channel, [[0.0], [1.0], [2.0]], np.zeros((3, 1)), np.zeros(1), np.ones(1))
    assert bits[:, 0] == pytest.approx(
        1 + 0.75 * np.array([-1.0, 0.0, 3.0]) / (2 * np.log(2)))


def test_a_posterior_like_the_source_delivers_nothing(name):
    for nominal in (0.0, 0.7, 5.0, np.inf):
        assert not np.any(delivered(channels(np.full(3, nominal))[name], [CENTER], [TOTAL]))


@pytest.mark.parametrize('nominal', [0.2, 1.0, 2.5, np.inf])
@pytest.mark.parametrize('share', [0.05, 0.4, 0.9])
def test_the_mean_over_a_gaussian_source_is_the_mutual_information(name, nominal, share, rng):
    channel = channels(np.full(3, nominal))[name]
    within = share * TOTAL
    mean = rng.normal(CENTER, np.sqrt(TOTAL - within), (N, 3))
    bits = delivered(channel, mean, np.broadcast_to(within, mean.shape))
    squared = channel.gain ** 2
    whole = squared * TOTAL + channel.noise_variance
    conditional = squared * within + channel.noise_variance
    expected = 0.5 * np.log2(whole / conditional)
    assert np.all(np.abs(bits.mean(axis=0) - expected) < 5 * bits.std(axis=0) / np.sqrt(N))
    assert np.all(expected < nominal)


def test_the_mean_over_sure_values_of_a_gaussian_source_is_the_rate(name, rng):
    nominal = np.array([0.5, 1.0, 3.0])
    mean = rng.normal(CENTER, np.sqrt(TOTAL), (N, 3))
    bits = delivered(channels(nominal)[name], mean, np.zeros((N, 3)))
    assert np.all(np.abs(bits.mean(axis=0) - nominal) < 5 * bits.std(axis=0) / np.sqrt(N))


def test_both_channels_deliver_the_same(posteriors):
    # their ratio of signal to noise is the same, (4^R - 1) / t, and nothing else matters
    for nominal in ([0.1, 1.0, 2.0], [4.0, 0.5, 8.0], [np.inf, 0.0, 1.5]):
        first, second = channels(np.array(nominal)).values()
        assert delivered(first, *posteriors) == pytest.approx(delivered(second, *posteriors))


def test_each_frame_may_have_rates_of_its_own(name, posteriors, rng):
    nominal = rng.uniform(0, 4, (30, 3))
    bits = delivered(channels(nominal)[name], *posteriors)
    for n in range(30):
        alone = delivered(channels(nominal[n])[name], *(p[n:n + 1] for p in posteriors))
        assert bits[n] == pytest.approx(alone[0])


def test_a_posterior_far_out_costs_more_than_the_rate(name):
    # the rate is kept in the mean only: a frame unlike the others costs more
    nominal = np.ones(3)
    bits = delivered(channels(nominal)[name], [CENTER + 5 * np.sqrt(TOTAL)], np.zeros((1, 3)))
    assert np.all(bits > 10 * nominal)


def test_a_component_without_variance_delivers_nothing(name):
    for nominal in (0.0, 1e-9, 1.0, 20.0, np.inf):
        made = {'prior-preserving': prior_channel([nominal], variance=[0.0]),
                'paper': optimal_channel([nominal], mean=[2.0], variance=[0.0])}
        bits = delivered(made[name], np.full((4, 1), 2.0), np.zeros((4, 1)),
                         np.full(1, 2.0), np.zeros(1))
        assert bits.tolist() == [[0.0]] * 4


@pytest.mark.parametrize(('mean', 'variance', 'came'), [
    (np.zeros(3), np.ones((2, 3)), r'\(3,\)'), (np.zeros((2, 3)), np.ones(3), r'\(3,\)'),
    (np.zeros((2, 4)), np.ones((2, 4)), r'\(2, 4\)'),
    (np.zeros((2, 3)), np.ones((2, 2)), r'\(2, 2\)')])
def test_posteriors_that_the_channel_does_not_take_are_refused(name, mean, variance, came):
    with pytest.raises(ParameterError, match=rf'shape {came}; .*\b3\b'):
        delivered(channels(np.ones(3))[name], mean, variance)


def test_posteriors_of_other_frames_than_the_channels_are_refused(name):
    with pytest.raises(ParameterError, match=r'shape \(3, 3\); .*\(2, 3\)'):
        delivered(channels(np.ones((2, 3)))[name], np.zeros((3, 3)), np.ones((3, 3)))
