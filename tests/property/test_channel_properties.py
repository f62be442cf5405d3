"""What holds of every allocation and of the channel at every rate."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from naive.twins import naive_allocation, naive_distortion
from strategies import variances

from qbdi_m21.channel.allocation import allocate_bits
from qbdi_m21.channel.distortion import distortion, rate
from qbdi_m21.channel.gaussian import optimal_channel
from qbdi_m21.channel.source import transmit

budgets = st.integers(0, 60)
rates = st.floats(0, 60) | st.just(float('inf'))


@given(variances, budgets)
def test_an_allocation_is_that_of_one_bit_at_a_time(variance, total):
    assert allocate_bits(variance, total).tolist() == naive_allocation(variance, total)


@given(st.integers(1, 1000), st.lists(st.integers(-6, 6), min_size=2, max_size=6), budgets)
def test_ties_of_quartered_components_go_to_the_first(base, exponents, total):
    variance = [base * 4.0 ** e for e in exponents]
    assert allocate_bits(variance, total).tolist() == naive_allocation(variance, total)


@given(variances, budgets)
def test_the_budget_is_spent_unless_nothing_varies(variance, total):
    bits = allocate_bits(variance, total)
    assert bits.sum() == (total if any(variance) else 0)
    assert np.all(bits >= 0)
    assert all(b == 0 for b, v in zip(bits, variance, strict=True) if v == 0)


@given(variances, budgets)
def test_one_bit_more_goes_to_one_component(variance, total):
    more = allocate_bits(variance, total + 1) - allocate_bits(variance, total)
    assert sorted(more.tolist())[:-1] == [0] * (len(variance) - 1)
    assert more.sum() == (1 if any(variance) else 0)


@given(variances, budgets)
def test_a_greater_variance_gets_no_fewer_bits(variance, total):
    bits = allocate_bits(variance, total)
    for i, v in enumerate(variance):
        assert all(bits[i] >= bits[j] for j, w in enumerate(variance) if v > w)


@given(variances, budgets, st.data())
def test_moving_a_bit_never_lowers_the_distortion(variance, total, data):
    bits = allocate_bits(variance, total).tolist()
    givers = [k for k, b in enumerate(bits) if b]
    if givers:
        moved = list(bits)
        moved[data.draw(st.sampled_from(givers))] -= 1
        moved[data.draw(st.integers(0, len(bits) - 1))] += 1
        least = naive_distortion(variance, bits)
        assert naive_distortion(variance, moved) >= least * (1 - 1e-12)


@given(variances, budgets)
def test_total_distortion_never_rises_with_the_budget(variance, total):
    less = distortion(variance, allocate_bits(variance, total)).sum()
    assert distortion(variance, allocate_bits(variance, total + 1)).sum() <= less


@given(variances, st.data())
def test_the_order_of_the_components_does_not_matter_to_the_distortion(variance, data):
    shuffled = data.draw(st.permutations(variance))
    assert distortion(shuffled, allocate_bits(shuffled, 17)).sum() == pytest.approx(
        distortion(variance, allocate_bits(variance, 17)).sum())


@given(st.floats(1e-6, 1e6), st.floats(0, 1), st.floats(0.001, 100))
def test_distortion_falls_with_rate_and_rate_with_distortion(variance, first, more):
    levels = distortion([variance, variance], [first, first + more])
    assert levels[1] < levels[0] <= variance
    assert rate([variance] * 2, levels).tolist() == pytest.approx([first, first + more])


@given(st.lists(st.tuples(st.floats(-100, 100), rates, st.floats(-100, 100),
                          st.floats(0, 100)), min_size=1, max_size=5))
def test_what_arrives_lies_between_value_and_mean_and_is_finite(columns):
    values, bits, mean, variance = (np.array(column) for column in zip(*columns, strict=True))
    received, spread = optimal_channel(bits, mean=mean, variance=variance).moments(values[None])
    low, high = np.minimum(values, mean), np.maximum(values, mean)
    assert np.all((received[0] >= low - 1e-9) & (received[0] <= high + 1e-9))
    # the decoder's noise is at most a quarter of the source's variance, at half a bit
    assert np.all((spread >= 0) & (spread <= variance / 4 + 1e-12))
    assert np.all(np.isfinite(received))


@given(st.lists(rates, min_size=1, max_size=5), st.floats(0, 100))
def test_noise_and_shrunk_signal_make_the_variance_less_the_distortion(bits, variance):
    bits = np.array(bits)
    spreads = np.full(len(bits), variance)
    channel = optimal_channel(bits, mean=np.zeros(len(bits)), variance=spreads)
    one, noise = channel.moments(np.ones((1, len(bits))))
    assert one[0] ** 2 * variance + noise == pytest.approx(variance - distortion(spreads, bits))


@given(st.integers(0, 2**31), st.sampled_from(['paper', 'prior-preserving']))
def test_chance_comes_from_the_generator_alone(seed, channel):
    values = np.ones((2, 3))
    state = np.random.get_state()[1].tolist()       # noqa: NPY002
    first, second = (transmit(values, [1, 2, 3], mean=np.zeros(3), variance=np.ones(3),
                              rng=np.random.default_rng(seed), channel=channel) for _ in range(2))
    assert np.array_equal(first, second)
    assert np.random.get_state()[1].tolist() == state       # noqa: NPY002
