"""Channels by name, the source each is designed for, and sending through them."""

import numpy as np
import pytest
from scipy.stats import kstest

from qbdi_m21.channel.gaussian import optimal_channel, prior_channel
from qbdi_m21.channel.source import (
    CHANNELS,
    VARIANCES,
    Source,
    allocation_variance,
    check_channel,
    make_channel,
    transmit,
)
from qbdi_m21.errors import ParameterError

SOURCE = Source(np.array([0.0, 1.0, -2.0]), np.array([0.5, 0.9, 4.0]), np.array([0.5, 0.2, 1.0]))
BITS = np.array([0.5, 1.0, 2.0])


def same(one, other):
    return (np.array_equal(one.gain, other.gain) and np.array_equal(one.offset, other.offset)
            and np.array_equal(one.noise_variance, other.noise_variance))


def test_a_source_of_posteriors_has_their_means_and_variances():
    source = Source.of_posteriors([[1.0, 5.0], [3.0, 5.0]], [[0.5, 0.1], [0.25, 0.3]])
    assert source.mean.tolist() == [2.0, 5.0]
    assert source.variance.tolist() == [1.0, 0.0]
    assert source.posterior_variance.tolist() == pytest.approx([0.375, 0.2])
    assert source.total.tolist() == pytest.approx([1.375, 0.2])


def test_the_variance_of_draws_from_posteriors_is_the_total(rng):
    mean, spread = rng.normal(1, 2, (40, 3)), rng.uniform(0.1, 3, (40, 3))
    draws = mean + np.sqrt(spread) * rng.standard_normal((5000, 40, 3))
    source = Source.of_posteriors(mean, spread)
    assert draws.reshape(-1, 3).var(axis=0) == pytest.approx(source.total, rel=0.02)
    assert draws.reshape(-1, 3).mean(axis=0) == pytest.approx(source.mean, abs=0.03)


def test_a_source_of_values_has_no_variance_within_them(rng):
    values = rng.normal(3, 2, (50, 4))
    source = Source.of_values(values)
    assert np.array_equal(source.mean, values.mean(axis=0))
    assert np.array_equal(source.variance, values.var(axis=0))
    assert source.posterior_variance.tolist() == [0.0] * 4
    assert np.array_equal(source.total, source.variance)


def test_a_source_of_one_frame_has_no_variance_between_frames():
    source = Source.of_posteriors([[2.0, 3.0]], [[0.5, 0.7]])
    assert source.variance.tolist() == [0.0, 0.0]
    assert source.total.tolist() == [0.5, 0.7]


@pytest.mark.parametrize(('mean', 'variance', 'came'), [
    (np.zeros(3), np.zeros(3), r'\(3,\) and \(3,\)'),
    (np.zeros((2, 3)), np.zeros((3, 3)), r'\(2, 3\) and \(3, 3\)'),
    (np.zeros((2, 3)), np.zeros(3), r'\(2, 3\) and \(3,\)'),
    (np.zeros((0, 3)), np.zeros((0, 3)), r'\(0, 3\) and \(0, 3\)'),
    (np.zeros((1, 2, 3)), np.zeros((1, 2, 3)), r'\(1, 2, 3\) and \(1, 2, 3\)')])
def test_posteriors_that_do_not_fit_are_refused(mean, variance, came):
    with pytest.raises(ParameterError, match=rf'shapes {came}; expected two equal \(N, Z\), N > 0'):
        Source.of_posteriors(mean, variance)


@pytest.mark.parametrize(('values', 'came'), [
    (np.zeros(3), r'\(3,\)'), (np.zeros((0, 3)), r'\(0, 3\)'), (1.0, r'\(\)')])
def test_values_that_are_no_frames_are_refused(values, came):
    with pytest.raises(ParameterError, match=rf'{came}.*; expected .*\(N, Z\), N > 0'):
        Source.of_values(values)


def test_there_are_three_channels_and_four_variances():
    assert CHANNELS == ('prior-preserving', 'paper', 'notebook')
    assert VARIANCES == ('corpus', 'query', 'sample', 'posterior')


def test_each_channel_has_a_variance_that_it_goes_by_unless_told():
    assert check_channel('prior-preserving', None) == ('prior-preserving', 'corpus')
    assert check_channel('paper', None) == ('paper', 'corpus')
    assert check_channel('notebook', None) == ('notebook', 'posterior')
    assert check_channel('notebook', 'posterior') == ('notebook', 'posterior')


@pytest.mark.parametrize('variance', VARIANCES)
@pytest.mark.parametrize('channel', ['prior-preserving', 'paper'])
def test_two_channels_go_by_any_variance(channel, variance):
    assert check_channel(channel, variance) == (channel, variance)


@pytest.mark.parametrize('channel', ['Paper', '', 'gaussian', None])
@pytest.mark.parametrize('variance', [None, 'corpus', 'nonsense'])
def test_a_channel_of_no_such_name_is_refused(channel, variance):
    with pytest.raises(ParameterError) as caught:
        check_channel(channel, variance)
    assert str(caught.value) == (f'channel is {channel!r}; expected one of prior-preserving, '
                                 'paper, notebook')


@pytest.mark.parametrize('channel', CHANNELS)
@pytest.mark.parametrize('variance', ['Corpus', '', 'prior'])
def test_a_variance_of_no_such_name_is_refused(channel, variance):
    with pytest.raises(ParameterError) as caught:
        check_channel(channel, variance)
    assert str(caught.value) == (f'variance is {variance!r}; expected one of corpus, query, '
                                 'sample, posterior')


@pytest.mark.parametrize('variance', ['corpus', 'query', 'sample'])
def test_the_notebooks_channel_goes_by_the_posterior_variance_alone(variance):
    with pytest.raises(ParameterError, match=f"variance is '{variance}', but the channel 'notebook'"
                       " goes by the mean posterior variance; leave it out, or take channel "
                       "'paper'"):
        check_channel('notebook', variance)


def test_bits_are_allocated_by_the_variance_of_the_means_or_of_the_posteriors():
    for name in ('corpus', 'query', 'sample'):
        assert np.array_equal(allocation_variance(SOURCE, name), SOURCE.variance)
    assert np.array_equal(allocation_variance(SOURCE, 'posterior'), SOURCE.posterior_variance)


@pytest.mark.parametrize('bits', [BITS, np.vstack([BITS, BITS[::-1]])])
def test_each_name_makes_its_channel(bits):
    assert same(make_channel('prior-preserving', bits, SOURCE),
                prior_channel(bits, variance=SOURCE.total))
    assert same(make_channel('paper', bits, SOURCE),
                optimal_channel(bits, mean=SOURCE.mean, variance=SOURCE.total))
    assert same(make_channel('notebook', bits, SOURCE),
                optimal_channel(bits, mean=SOURCE.mean, variance=SOURCE.posterior_variance))


def test_no_two_names_make_the_same_channel():
    made = [make_channel(name, BITS, SOURCE) for name in CHANNELS]
    assert not any(same(made[i], made[j]) for i in range(3) for j in range(i))


@pytest.mark.parametrize('channel', CHANNELS)
def test_a_channel_for_other_components_than_the_sources_is_refused(channel):
    with pytest.raises(ParameterError, match=r'bits have shape \(2,\), mean \(3,\), variance '
                       r'\(3,\); expected \(Z,\) or \(N, Z\), \(Z,\) and \(Z,\)'):
        make_channel(channel, [1.0, 2.0], SOURCE)


@pytest.mark.parametrize('channel', CHANNELS)
@pytest.mark.parametrize('bits', [[1.0, -1.0, 0.0], [1.0, np.nan, 0.0]])
def test_rates_that_are_none_are_refused_by_every_channel(channel, bits):
    with pytest.raises(ParameterError, match=r'bits .*numbers >= 0'):
        make_channel(channel, bits, SOURCE)


@pytest.mark.parametrize('channel', CHANNELS)
def test_every_channel_sends_all_at_infinite_rate(channel, rng):
    values = rng.normal(size=(20, 3))
    received = make_channel(channel, np.full(3, np.inf), SOURCE).transmit(values, rng)
    assert np.array_equal(received, values)


def test_values_are_sent_by_the_channel_that_keeps_the_prior_unless_told(rng):
    values, variance = rng.normal(size=(20, 3)), [1.0, 0.5, 2.0]
    ours, named, direct = (
        transmit(values, BITS, variance=variance, rng=np.random.default_rng(8)),
        transmit(values, BITS, variance=variance, rng=np.random.default_rng(8),
                 channel='prior-preserving', mean=np.ones(3)),
        prior_channel(BITS, variance=variance).transmit(values, np.random.default_rng(8)))
    assert np.array_equal(ours, direct)
    assert np.array_equal(named, direct)


def test_values_are_sent_by_the_papers_channel_if_told(rng):
    values, variance = rng.normal(size=(20, 3)), [1.0, 0.5, 2.0]
    for mean in ([0.0, 0.0, 0.0], [3.0, -2.0, 0.1]):
        ours = transmit(values, BITS, variance=variance, mean=mean, channel='paper',
                        rng=np.random.default_rng(8))
        channel = optimal_channel(BITS, mean=mean, variance=variance)
        assert np.array_equal(ours, channel.transmit(values, np.random.default_rng(8)))


def test_the_mean_of_the_papers_channel_is_zero_unless_told(rng):
    sent = {'variance': [1.0, 0.5, 2.0], 'channel': 'paper'}
    values = rng.normal(size=(20, 3))
    first, second, third = (
        transmit(values, BITS, rng=np.random.default_rng(8), **sent, **more)
        for more in ({}, {'mean': np.zeros(3)}, {'mean': np.ones(3)}))
    assert np.array_equal(first, second)
    assert not np.array_equal(first, third)


def test_what_is_not_told_is_drawn_from_the_prior_or_is_the_mean(rng):
    values = rng.normal(9, 1, (50_000, 1))
    drawn = transmit(values, [0], variance=[1.0], rng=rng)
    assert kstest(drawn[:, 0], 'norm').pvalue > 1e-4
    mean = transmit(values, [0], variance=[1.0], mean=[5.0], rng=rng, channel='paper')
    assert np.all(mean == 5.0)


@pytest.mark.parametrize('channel', ['prior-preserving', 'paper'])
def test_each_frame_may_be_sent_at_rates_of_its_own(channel, rng):
    values = rng.normal(size=(2, 3))
    received = transmit(values, [[np.inf] * 3, [0.0] * 3], variance=np.ones(3), rng=rng,
                        channel=channel)
    assert np.array_equal(received[0], values[0])
    assert not np.any(received[1] == values[1])


@pytest.mark.parametrize('channel', ['prior-preserving', 'paper'])
def test_values_sent_are_left_as_they_were(channel, rng):
    values = np.ones((3, 3))
    received = transmit(values, BITS, variance=np.ones(3), rng=rng, channel=channel)
    assert received.shape == (3, 3)
    assert received.dtype == np.float64
    assert np.array_equal(values, np.ones((3, 3)))


@pytest.mark.parametrize('channel', ['notebook', 'Paper', None])
def test_values_are_sent_by_no_other_channel(channel, rng):
    with pytest.raises(ParameterError, match=f"channel is {channel!r}; expected 'prior-preserving'"
                       " or 'paper'"):
        transmit(np.zeros((1, 3)), BITS, variance=np.ones(3), rng=rng, channel=channel)


@pytest.mark.parametrize(('change', 'message'), [
    ({'values': np.zeros(3)}, r'values have shape \(3,\); .*\b3\b'),
    ({'values': np.zeros((2, 4))}, r'values have shape \(2, 4\); .*\b3\b'),
    ({'bits': [1.0]}, r'bits have shape \(1,\), mean \(3,\), variance \(3,\); expected'),
    ({'bits': np.ones((5, 3))}, r'values have shape \(2, 3\); .*\(5, 3\)'),
    ({'bits': [1.0, 2.0, -1.0]}, r'bits .*numbers >= 0'),
    ({'variance': np.ones(2)}, r'bits have shape \(3,\), mean .*, variance \(2,\); expected'),
    ({'variance': [1.0, np.nan, 1.0]}, r'variance has shape \(3,\), .*; expected a vector of'),
    ({'variance': 1.0}, r'variance has shape \(\), from 1.0 to 1.0; expected a vector of finite')])
@pytest.mark.parametrize('channel', ['prior-preserving', 'paper'])
def test_what_cannot_be_sent_is_refused(channel, change, message, rng):
    given = {'values': np.zeros((2, 3)), 'bits': BITS, 'variance': np.ones(3), 'mean': np.zeros(3),
             **change}
    with pytest.raises(ParameterError, match=message):
        transmit(given['values'], given['bits'], variance=given['variance'], mean=given['mean'],
                 rng=rng, channel=channel)


def test_a_mean_of_other_components_is_refused(rng):
    with pytest.raises(ParameterError, match=r'mean \(4,\), variance \(3,\); expected'):
        transmit(np.zeros((2, 3)), BITS, variance=np.ones(3), mean=np.zeros(4), rng=rng,
                 channel='paper')
