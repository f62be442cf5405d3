"""What holds of D(R) and R(D) of every source."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from naive.twins import naive_continuous, naive_distortion, naive_total_rate
from strategies import variances

from qbdi_m21.channel.allocation import allocate_bits
from qbdi_m21.channel.distortion import distortion, rate, total_distortion, total_rate

budgets = st.floats(0, 100)
near_variances = st.lists(st.just(0.0) | st.floats(1e-3, 1e3), min_size=1, max_size=8)
#: Distortion as a part of all the variance.
shares = st.floats(1e-6, 1.5)


@given(variances, budgets)
def test_the_distortion_is_what_the_naive_water_level_leaves(variance, total):
    rates = naive_continuous(variance, total)
    naive = sum(v * 4.0 ** -r for v, r in zip(variance, rates, strict=True))
    assert total_distortion(variance, total) == pytest.approx(naive, rel=1e-9, abs=0)


@given(variances, budgets, st.floats(0, 50))
def test_the_distortion_never_rises_with_the_rate(variance, total, more):
    least = total_distortion(variance, total)
    assert total_distortion(variance, total + more) <= least * (1 + 1e-12)


@given(variances, budgets)
def test_a_bit_more_lowers_the_distortion_unless_nothing_varies(variance, total):
    less = total_distortion(variance, total + 1)
    assert less < total_distortion(variance, total) or not any(variance)


@given(variances, budgets, budgets, st.floats(0, 1))
def test_the_distortion_is_convex_in_the_rate(variance, first, second, share):
    between = total_distortion(variance, share * first + (1 - share) * second)
    chord = share * total_distortion(variance, first) + (1 - share) * total_distortion(
        variance, second)
    assert between <= chord * (1 + 1e-9)


@given(variances)
def test_no_rate_leaves_all_the_variance(variance):
    assert total_distortion(variance, 0) == pytest.approx(sum(variance), rel=1e-12, abs=0)


@given(variances, st.integers(0, 60))
def test_the_distortion_is_at_most_that_of_whole_bits(variance, total):
    whole = naive_distortion(variance, allocate_bits(variance, total).tolist())
    assert total_distortion(variance, total) <= float(whole) * (1 + 1e-12)


@given(variances, st.data())
def test_the_distortion_is_at_most_that_of_any_rates_of_the_same_sum(variance, data):
    rates = data.draw(st.lists(st.floats(0, 20), min_size=len(variance), max_size=len(variance)))
    other = distortion(variance, rates).sum()
    assert total_distortion(variance, sum(rates)) <= other * (1 + 1e-9)


@given(near_variances, shares)
def test_the_rate_of_a_distortion_has_that_distortion(variance, share):
    assume(any(variance))
    allowed = share * sum(variance)
    assert total_distortion(variance, total_rate(variance, allowed)) == pytest.approx(
        min(allowed, sum(variance)), rel=1e-6)


@given(near_variances, st.floats(0, 30))
def test_the_distortion_of_a_rate_has_that_rate(variance, total):
    assume(any(variance))
    allowed = total_distortion(variance, total)
    assume(allowed > 1e-6 * sum(variance))
    assert total_rate(variance, allowed) == pytest.approx(total, abs=1e-6)


@given(near_variances, shares)
def test_the_rate_is_that_of_halving_the_interval(variance, share):
    assume(any(variance))
    allowed = share * sum(variance)
    assert total_rate(variance, allowed) == pytest.approx(naive_total_rate(variance, allowed),
                                                         abs=1e-6)


@given(near_variances, shares, st.floats(1, 10))
def test_the_rate_never_rises_with_the_distortion(variance, share, times):
    assume(any(variance))
    allowed = share * sum(variance)
    assert total_rate(variance, times * allowed) <= total_rate(variance, allowed) + 1e-6


@given(near_variances, shares, shares)
def test_the_rate_is_convex_in_the_distortion(variance, first, second):
    assume(any(variance))
    ends = [share * sum(variance) for share in (first, second)]
    assert total_rate(variance, sum(ends) / 2) <= sum(
        total_rate(variance, end) for end in ends) / 2 + 1e-6


@given(near_variances, st.data())
def test_the_rate_is_at_most_that_of_any_distortions_of_the_same_sum(variance, data):
    levels = data.draw(st.lists(st.floats(1e-2, 1e3), min_size=len(variance),
                                max_size=len(variance)))
    spilt = sum(min(v, d) for v, d in zip(variance, levels, strict=True))
    assume(spilt > 1e-6 * sum(variance))
    assert total_rate(variance, spilt) <= np.sum(rate(variance, levels)) + 1e-6
