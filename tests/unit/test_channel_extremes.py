"""The channel room at the ends of what numbers hold, and the words of its errors."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from naive.twins import naive_bits_to_floor, naive_total_rate
from strategies import variances

from qbdi_m21.channel.allocation import allocate_bits, allocate_frames, bits_to_floor
from qbdi_m21.channel.distortion import total_distortion, total_rate
from qbdi_m21.channel.gaussian import optimal_channel, prior_channel
from qbdi_m21.channel.source import Source, allocation_variance, make_channel, transmit
from qbdi_m21.errors import ParameterError

SOURCE = Source(np.zeros(2), np.ones(2), np.full(2, 0.1))


def test_a_tiny_distortion_has_a_rate():
    assert total_rate([0.1, 0.2, 0.3], 1e-17) == pytest.approx(
        naive_total_rate([0.1, 0.2, 0.3], 1e-17))


@given(variances, st.floats(1e-14, 1.5))
def test_the_rate_is_exact_whatever_the_variances(variance, share):
    assume(any(variance))
    allowed = share * sum(variance)
    assert total_rate(variance, allowed) == pytest.approx(naive_total_rate(variance, allowed),
                                                         abs=1e-9)
    assert total_distortion(variance, total_rate(variance, allowed)) == pytest.approx(
        min(allowed, sum(variance)), rel=1e-9)


@given(st.floats(0, 400), st.floats(1e-9, 1e9))
def test_the_noise_of_high_rates_is_not_lost(bits, variance):
    noise = prior_channel([bits], variance=[variance]).noise_variance[0]
    kept = 4.0 ** -bits * variance
    assert noise == pytest.approx(kept / (1 - 4.0 ** -bits + kept), rel=1e-9, abs=0)


@given(st.floats(0.01, 400), st.lists(st.floats(-10, 10), min_size=2, max_size=6))
def test_sure_values_get_the_rate_in_the_mean_at_high_rates_too(bits, values):
    power = np.mean(np.square(values))
    assume(power > 1e-3)
    for channel in (prior_channel([bits], variance=[power]),
                    optimal_channel([bits], mean=[0.0], variance=[power])):
        told = channel.delivered_bits(np.array(values)[:, None], np.zeros((len(values), 1)),
                                      source_mean=np.zeros(1), source_variance=np.array([power]))
        assert told.mean() == pytest.approx(bits, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize('bits', [600.0, np.inf])
def test_a_sure_value_sent_unaltered_has_no_end_of_bits_and_no_warning(bits):
    for channel in (prior_channel([bits], variance=[1.0]),
                    optimal_channel([bits], mean=[0.0], variance=[1.0])):
        told = channel.delivered_bits([[1.0]], [[0.0]], source_mean=np.zeros(1),
                                      source_variance=np.ones(1))
        assert told[0, 0] >= 500


@pytest.mark.parametrize(('variance', 'floor'), [(1e308, 1.0), (1e300, 1e-300), (1.0, 1e-310)])
def test_bits_to_a_floor_far_below_do_not_overflow(variance, floor):
    assert bits_to_floor([variance], floor).tolist() == naive_bits_to_floor([variance], floor)
    assert allocate_bits([variance], 9, floor=floor).tolist() == [9]


@pytest.mark.parametrize('mean', [0.5, 2.5, True])
def test_the_bits_of_a_frame_must_be_whole(mean):
    with pytest.raises(ParameterError, match=f'{mean}; expected a whole number'):
        allocate_frames([[1.0, 2.0], [3.0, 4.0]], mean)


def test_what_is_refused_of_frames_is_what_came():
    with pytest.raises(ParameterError, match='-3; expected a whole number'):
        allocate_frames([[1.0, 2.0], [3.0, 4.0]], -3)


def test_a_channel_of_no_such_name_is_not_made():
    with pytest.raises(ParameterError, match="'papr'"):
        make_channel('papr', [1.0, 1.0], SOURCE)


def test_a_variance_of_no_such_name_is_not_taken():
    with pytest.raises(ParameterError, match="'corpsu'"):
        allocation_variance(SOURCE, 'corpsu')


def test_a_mean_of_other_components_is_refused_whatever_the_channel(rng):
    with pytest.raises(ParameterError, match='mean'):
        transmit(np.zeros((2, 3)), [1, 1, 1], variance=np.ones(3), mean=np.zeros(4), rng=rng)


@pytest.mark.parametrize('variance', [[[-1.0, 1.0]], [[np.nan, 1.0]]])
def test_posteriors_of_variances_that_are_none_are_refused(variance):
    with pytest.raises(ParameterError, match='variance'):
        Source.of_posteriors([[0.0, 0.0]], variance)


def test_shapes_are_told_as_one_reads_them(rng):
    with pytest.raises(ParameterError, match=r'values have shape \(4,\); .*\(N, 3\)'):
        prior_channel(np.ones(3), variance=np.ones(3)).transmit(np.zeros(4), rng)


@pytest.mark.parametrize('bits', [[-1.0, 2.0], [np.nan, 2.0]])
def test_rates_that_are_none_are_told(bits):
    with pytest.raises(ParameterError, match=f'{bits[0]}'):
        prior_channel(bits, variance=np.ones(2))


def test_the_largest_variance_of_all_has_a_distortion():
    largest = float(np.finfo(np.float64).max)
    assert total_distortion([largest], 0) == pytest.approx(largest)
