"""Reverse water-filling, against one bit at a time and against every other allocation."""

import numpy as np
import pytest
from naive.twins import allocations, naive_allocation, naive_distortion

from qbdi_m21.channel.allocation import allocate_bits
from qbdi_m21.channel.distortion import distortion, rate
from qbdi_m21.errors import ParameterError


def test_bits_go_where_the_variance_is():
    assert allocate_bits([16.0, 1.0, 4.0], 3).tolist() == [2, 0, 1]


@pytest.mark.parametrize('total', [0, 1, 5, 64, 257])
def test_bits_are_those_of_one_bit_at_a_time(total, rng):
    variance = rng.lognormal(0, 2, 40)
    assert allocate_bits(variance, total).tolist() == naive_allocation(variance, total)


@pytest.mark.parametrize('base', [3.0, 5.0, 0.1, 7e-3])
def test_components_that_become_equal_are_filled_first_to_last(base):
    variance = [base, 4 * base, base, 16 * base]
    for total in range(12):
        assert allocate_bits(variance, total).tolist() == naive_allocation(variance, total)


def test_of_equal_components_the_first_gets_the_bit():
    assert allocate_bits(np.full(5, 0.3), 3).tolist() == [1, 1, 1, 0, 0]
    assert allocate_bits(np.full(5, 0.3), 7).tolist() == [2, 2, 1, 1, 1]


def test_no_other_allocation_of_as_many_bits_is_better(rng):
    for _ in range(15):
        variance = rng.lognormal(0, 2, 3)
        ours = naive_distortion(variance, allocate_bits(variance, 6).tolist())
        best = min(naive_distortion(variance, other) for other in allocations(3, 6))
        assert ours == best


def test_no_bit_can_be_moved_to_advantage(rng):
    variance = rng.lognormal(0, 3, 12)
    bits = allocate_bits(variance, 50).tolist()
    total = naive_distortion(variance, bits)
    for giver in np.flatnonzero(bits):
        for taker in range(12):
            moved = list(bits)
            moved[giver] -= 1
            moved[taker] += 1
            assert naive_distortion(variance, moved) >= total


def test_a_component_without_variance_gets_no_bit():
    assert allocate_bits([0.0, 1.0, 0.0], 5).tolist() == [0, 5, 0]


def test_a_source_without_variance_gets_no_bits():
    assert allocate_bits(np.zeros(4), 9).tolist() == [0, 0, 0, 0]
    assert allocate_bits([], 9).tolist() == []


def test_extreme_variances_do_not_underflow():
    bits = allocate_bits([1e300, 1e-300], 2000)
    assert bits.sum() == 2000
    # 1e600 is 4^996.6: the greater gets so many bits more, then they share
    assert bits[0] - bits[1] in (996, 997)


def test_bits_are_whole_numbers_of_64_bits():
    assert allocate_bits([1.0, 2.0], 4).dtype == np.int64


@pytest.mark.parametrize('total', [-1, 2.5, True, float('nan'), float('inf')])
def test_a_budget_that_is_no_whole_number_is_refused(total):
    with pytest.raises(ParameterError, match='expected a whole number'):
        allocate_bits([1.0], total)


@pytest.mark.parametrize('variance', [[-1.0, 2.0], [np.nan], [np.inf], [[1.0]], 3.0])
def test_a_variance_that_is_none_is_refused(variance):
    with pytest.raises(ParameterError, match='expected a vector of finite numbers'):
        allocate_bits(variance, 1)


def test_a_bit_divides_the_distortion_by_four():
    assert distortion([8.0, 8.0, 8.0], [0, 1, 2]).tolist() == [8.0, 2.0, 0.5]
    assert distortion([8.0], [np.inf]).tolist() == [0.0]
    assert distortion([8.0], [0.5])[0] == pytest.approx(4.0)


@pytest.mark.parametrize('bits', [[-1.0], [np.nan]])
def test_rates_that_are_none_are_refused(bits):
    with pytest.raises(ParameterError, match='bits must be numbers'):
        distortion([1.0], bits)


def test_rate_undoes_distortion(rng):
    variance, bits = rng.lognormal(0, 1, 20), rng.random(20) * 8
    assert np.allclose(rate(variance, distortion(variance, bits)), bits)


def test_a_distortion_above_the_variance_needs_no_rate():
    assert rate([2.0, 0.0], [3.0, 1.0]).tolist() == [0.0, 0.0]


@pytest.mark.parametrize('allowed', [[0.0], [-1.0], [np.nan]])
def test_a_distortion_that_is_not_positive_is_refused(allowed):
    with pytest.raises(ParameterError, match='must be positive'):
        rate([1.0], allowed)
