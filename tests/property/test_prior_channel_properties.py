"""What holds of the channel that keeps the prior, and of the bits delivered, at every rate."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from naive.twins import naive_divergence

from qbdi_m21.channel.gaussian import optimal_channel, prior_channel

rates = st.floats(0, 10)
#: Of a source: neither nothing nor everything.
spreads = st.floats(0.01, 100)
#: Mean and variance of a posterior.
posteriors = st.tuples(st.floats(-10, 10), st.just(0.0) | st.floats(1e-3, 100))
names = st.sampled_from(['prior-preserving', 'paper'])


def channel_of(name, bits, mean, variance):
    if name == 'paper':
        return optimal_channel(bits, mean=mean, variance=variance)
    return prior_channel(bits, variance=variance)


def delivered(channel, frames, mean, variance):
    """Return the bits of posteriors (mean, variance) of one component, shape (N,)."""
    means, within = (np.array(column)[:, None] for column in zip(*frames, strict=True))
    return channel.delivered_bits(means, within, source_mean=np.array([mean]),
                                  source_variance=np.array([variance]))[:, 0]


@given(rates, spreads)
def test_signal_to_noise_is_that_of_the_rate(bits, variance):
    channel = prior_channel([bits], variance=[variance])
    signal = channel.gain[0] ** 2 * variance
    noise = channel.noise_variance[0]
    # of a Gaussian source the mutual information is log2(1 + signal / noise) / 2
    assert 0.5 * np.log2(1 + signal / noise) == pytest.approx(bits, abs=1e-7)


@given(st.floats(0, 2000) | st.just(np.inf), st.just(0.0) | st.floats(1e-9, 1e9))
def test_a_source_from_the_prior_stays_so(bits, variance):
    channel = prior_channel([bits], variance=[variance])
    assert channel.gain[0] ** 2 + channel.noise_variance[0] == pytest.approx(1, abs=1e-12)
    assert 0 <= channel.gain[0] <= 1
    assert 0 <= channel.noise_variance[0] <= 1
    assert channel.offset[0] == 0


@given(rates, st.floats(0, 5), spreads)
def test_the_gain_never_falls_with_the_rate(bits, more, variance):
    channel = prior_channel([bits, bits + more, np.inf], variance=[variance] * 3)
    assert 0 <= channel.gain[0] <= channel.gain[1] <= channel.gain[2] == 1


@given(rates, spreads, st.floats(1, 100))
def test_a_source_that_varies_more_is_damped_more_at_the_same_rate(bits, variance, times):
    gain = prior_channel([bits] * 2, variance=[variance, times * variance]).gain
    assert gain[1] <= gain[0]


@given(rates, spreads, st.floats(-100, 100))
def test_a_source_of_the_priors_variance_is_sent_as_the_paper_does_but_for_scale(
        bits, variance, value):
    ours = prior_channel([bits], variance=[variance])
    paper = optimal_channel([bits], mean=[0.0], variance=[variance])
    # both have the same ratio of signal to noise: the paper's is ours times its gain over ours
    assert paper.noise_variance[0] * ours.gain[0] ** 2 == pytest.approx(
        ours.noise_variance[0] * paper.gain[0] ** 2, rel=1e-7, abs=1e-12)
    assert ours.moments([[value]])[0][0, 0] == pytest.approx(ours.gain[0] * value)


@given(st.lists(posteriors, min_size=1, max_size=5), names, spreads, st.floats(-5, 5))
def test_nothing_is_delivered_at_zero_rate(frames, name, variance, mean):
    channel = channel_of(name, [0.0], [mean], [variance])
    assert not np.any(delivered(channel, frames, mean, variance))


@given(st.lists(posteriors, min_size=1, max_size=5), names, rates, rates, spreads,
       st.floats(-5, 5))
def test_no_frame_gets_more_bits_at_a_lower_rate(frames, name, one, other, variance, mean):
    low, high = (delivered(channel_of(name, [bits], [mean], [variance]), frames, mean, variance)
                 for bits in sorted([one, other]))
    assert np.all(low <= high * (1 + 1e-6) + 1e-6)


@given(st.lists(st.tuples(st.floats(-10, 10), st.floats(1e-3, 100)), min_size=1, max_size=5),
       names, rates, spreads, st.floats(-5, 5))
def test_no_frame_gets_more_bits_than_at_infinite_rate(frames, name, bits, variance, mean):
    all_ = delivered(channel_of(name, [np.inf], [mean], [variance]), frames, mean, variance)
    some = delivered(channel_of(name, [bits], [mean], [variance]), frames, mean, variance)
    assert np.all(some <= all_ * (1 + 1e-6) + 1e-6)
    plain = [naive_divergence(*frame, mean, variance) for frame in frames]
    assert all_ == pytest.approx(plain, rel=1e-9, abs=1e-9)


@given(st.lists(posteriors, min_size=1, max_size=6), names, rates, st.floats(-5, 5),
       st.floats(1, 3))
def test_the_mean_over_the_frames_of_a_source_is_at_most_the_rate(frames, name, bits, mean, slack):
    # of any frames of which the power about the mean is at most the variance of the channel's
    # source: the mean of the squares is at most 1, and no part is less than the noise
    power = np.mean([(m - mean) ** 2 + v for m, v in frames])
    variance = max(slack * power, 0.01)
    channel = channel_of(name, [bits], [mean], [variance])
    assert delivered(channel, frames, mean, variance).mean() <= bits * (1 + 1e-6) + 1e-6


@given(st.lists(st.floats(-10, 10), min_size=1, max_size=6), names, rates, st.floats(-5, 5))
def test_the_mean_over_sure_values_is_the_rate_whatever_their_distribution(
        values, name, bits, mean):
    power = np.mean([(value - mean) ** 2 for value in values])
    assume(power >= 0.01)
    channel = channel_of(name, [bits], [mean], [power])
    frames = [(value, 0.0) for value in values]
    assert delivered(channel, frames, mean, power).mean() == pytest.approx(bits, abs=1e-6)


@given(st.lists(posteriors, min_size=1, max_size=5), names, rates, spreads, st.floats(-5, 5))
def test_bits_delivered_are_never_negative_and_always_finite(frames, name, bits, variance, mean):
    some = delivered(channel_of(name, [bits], [mean], [variance]), frames, mean, variance)
    assert np.all(np.isfinite(some) & (some >= 0))


@given(st.lists(st.floats(1e-3, 100), min_size=1, max_size=5), names, spreads,
       st.floats(-5, 5), st.floats(-5, 5))
def test_bits_delivered_are_finite_at_the_ends_too(within, name, variance, mean, value):
    frames = [(value, spread) for spread in within]
    for bits in (0.0, 1e-300, 1e-12, 2000.0, np.inf):
        some = delivered(channel_of(name, [bits], [mean], [variance]), frames, mean, variance)
        assert np.all(np.isfinite(some) & (some >= 0))


@given(st.lists(posteriors, min_size=1, max_size=5), rates, spreads, st.floats(-5, 5))
def test_both_channels_deliver_the_same(frames, bits, variance, mean):
    first, second = (delivered(channel_of(name, [bits], [mean], [variance]), frames, mean,
                               variance) for name in ('prior-preserving', 'paper'))
    assert first == pytest.approx(second, rel=1e-6, abs=1e-6)


@given(st.lists(posteriors, min_size=1, max_size=5), names, rates, spreads, st.floats(-5, 5))
def test_the_bits_of_all_frames_are_those_of_each(frames, name, bits, variance, mean):
    channel = channel_of(name, [bits], [mean], [variance])
    each = [delivered(channel, [frame], mean, variance)[0] for frame in frames]
    assert delivered(channel, frames, mean, variance).tolist() == each
