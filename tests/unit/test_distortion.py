"""The rate-distortion function of all components together, by hand and at its ends."""

import numpy as np
import pytest
from naive.twins import naive_total_rate

from qbdi_m21.channel.allocation import allocate_continuous
from qbdi_m21.channel.distortion import (
    check_bits,
    check_variance,
    distortion,
    rate,
    total_distortion,
    total_rate,
    water_level,
)
from qbdi_m21.errors import ParameterError

VARIANCE = [16.0, 1.0, 4.0]


def test_the_level_sinks_through_the_components_one_after_another():
    # two bits bring 16 to 1; a bit more each, and all three are below
    assert total_distortion(VARIANCE, 0) == pytest.approx(21.0)
    assert total_distortion(VARIANCE, 0.5) == pytest.approx(8.0 + 4.0 + 1.0)
    assert total_distortion(VARIANCE, 1) == pytest.approx(4.0 + 4.0 + 1.0)
    assert total_distortion(VARIANCE, 2) == pytest.approx(2.0 + 2.0 + 1.0)
    assert total_distortion(VARIANCE, 3) == pytest.approx(1.0 + 1.0 + 1.0)
    assert total_distortion(VARIANCE, 6) == pytest.approx(3 / 4)


def test_the_rate_of_a_distortion_is_where_the_level_stands():
    for allowed, expected in [(21.0, 0.0), (13.0, 0.5), (9.0, 1.0), (5.0, 2.0), (3.0, 3.0),
                              (0.75, 6.0)]:
        assert total_rate(VARIANCE, allowed) == pytest.approx(expected, abs=1e-12)


def test_one_component_alone_has_the_rate_distortion_function_of_a_gaussian():
    for bits in (0, 0.3, 1, 7.5, 40):
        assert total_distortion([5.0], bits) == pytest.approx(distortion([5.0], [bits])[0],
                                                               rel=1e-9, abs=0)
    for allowed in (1e-9, 0.1, 4.9, 5.0, 6.0):
        assert total_rate([5.0], allowed) == pytest.approx(rate([5.0], [allowed])[0])


def test_equal_components_share_the_rate_equally():
    for bits in (0, 0.1, 1, 9, 300):
        assert total_distortion([3.0] * 3, bits) == pytest.approx(9 * 4 ** (-bits / 3), rel=1e-9,
                                                                 abs=0)
    for allowed in (1e-3, 1.0, 8.0):
        assert total_rate([3.0] * 3, allowed) == pytest.approx(1.5 * np.log2(9 / allowed))


def test_components_without_variance_change_neither_distortion_nor_rate():
    padded = [0.0, 16.0, 0.0, 1.0, 4.0, 0.0]
    for bits in (0, 0.5, 2.2, 30):
        assert total_distortion(padded, bits) == pytest.approx(total_distortion(VARIANCE, bits))
    for allowed in (0.01, 3.0, 20.0):
        assert total_rate(padded, allowed) == pytest.approx(total_rate(VARIANCE, allowed))


@pytest.mark.parametrize('variance', [[0.0, 0.0], []])
def test_a_source_without_variance_has_no_distortion_and_needs_no_rate(variance):
    assert total_distortion(variance, 0) == 0.0
    assert total_distortion(variance, 8.5) == 0.0
    assert total_rate(variance, 1e-300) == 0.0


@pytest.mark.parametrize('allowed', [21.0, 21.5, 1e300, float('inf')])
def test_all_the_variance_or_more_as_distortion_needs_no_rate(allowed):
    assert total_rate(VARIANCE, allowed) == 0.0


def test_a_hair_less_than_all_the_variance_needs_a_hair_of_rate():
    # dR/dD is -1 / (2 ln 2 w), and the level w is 16
    assert total_rate(VARIANCE, 21 - 1e-9) == pytest.approx(1e-9 / (32 * np.log(2)), rel=1e-3,
                                                             abs=0)


def test_the_slope_of_the_distortion_is_the_water_level():
    for bits in (0.2, 0.9, 1.7, 2.6, 4.0, 11.0):
        fall = (total_distortion(VARIANCE, bits - 1e-5)
                - total_distortion(VARIANCE, bits + 1e-5)) / 2e-5
        level = 2 ** water_level(np.array(VARIANCE), bits)
        assert fall == pytest.approx(2 * np.log(2) * level, rel=1e-6)


def test_huge_budgets_leave_nothing_and_do_not_overflow():
    assert total_distortion(VARIANCE, 1e6) == 0.0
    assert total_distortion([1e300, 1e-300], 1000) == pytest.approx(2 * 4.0 ** -500, rel=1e-9,
                                                                     abs=0)
    assert water_level(np.array([1.0, 1.0]), 1e9) == pytest.approx(-1e9)


def test_tiny_distortions_need_the_rate_that_halving_the_interval_finds():
    assert total_rate([7.0], 1e-300) == pytest.approx(naive_total_rate([7.0], 1e-300))
    assert total_rate([2.0, 2.0], 1e-9) == pytest.approx(np.log2(4e9))


def test_the_level_is_the_largest_variance_before_anything_is_spent():
    assert water_level(np.array([0.0, 8.0, 2.0]), 0) == 3.0
    assert water_level(np.array([0.0, 8.0, 8.0, 8.0]), 0) == pytest.approx(3.0)


def test_there_is_no_level_where_nothing_varies():
    assert water_level(np.zeros(3), 5) == -np.inf
    assert water_level(np.zeros(0), 0) == -np.inf


def test_a_rate_over_many_components_is_that_of_halving_the_interval(rng):
    variance = rng.lognormal(0, 1, 100)
    for share in (0.9, 0.5, 0.1, 1e-3):
        allowed = share * variance.sum()
        assert total_rate(variance, allowed) == pytest.approx(
            naive_total_rate(variance.tolist(), allowed))


def test_the_order_of_the_components_does_not_matter(rng):
    variance = rng.lognormal(0, 1, 12)
    assert total_distortion(variance[::-1], 9.5) == pytest.approx(total_distortion(variance, 9.5))
    assert total_rate(variance[::-1], 0.5) == pytest.approx(total_rate(variance, 0.5))


def test_a_source_measured_in_another_unit_needs_the_same_rate(rng):
    variance = rng.lognormal(0, 1, 12)
    assert total_distortion(100 * variance, 9.5) == pytest.approx(
        100 * total_distortion(variance, 9.5))
    assert total_rate(100 * variance, 50.0) == pytest.approx(total_rate(variance, 0.5))


@pytest.mark.parametrize('bits', [-1, -1e-9, float('nan'), float('inf')])
@pytest.mark.parametrize('function', [total_distortion, allocate_continuous])
def test_a_budget_that_is_no_finite_rate_is_refused(function, bits):
    with pytest.raises(ParameterError,
                       match=rf'total_bits is {bits}; expected a finite number >= 0'):
        function([1.0, 2.0], bits)


@pytest.mark.parametrize('bits', [-1, float('nan')])
def test_a_budget_is_checked_even_where_nothing_varies(bits):
    with pytest.raises(ParameterError, match=rf'total_bits is {bits}; expected a finite number'):
        total_distortion([0.0], bits)
    with pytest.raises(ParameterError, match=rf'total_bits is {bits}; expected a finite number'):
        allocate_continuous([0.0], bits)


@pytest.mark.parametrize('allowed', [0, -2.5, float('nan')])
def test_a_distortion_that_cannot_be_reached_is_refused(allowed):
    with pytest.raises(ParameterError, match=rf'allowed distortion is {allowed}; expected a number '
                       r'above 0: R\(0\) is infinite'):
        total_rate([1.0, 2.0], allowed)


@pytest.mark.parametrize(('variance', 'came'), [
    ([-1.0, 2.0], r'shape \(2,\), from -1.0 to 2.0'), ([np.nan], r'shape \(1,\), from nan to nan'),
    ([1.0, np.inf], r'shape \(2,\), from 1.0 to inf'), ([[1.0]], r'shape \(1, 1\), from 1.0'),
    (3.0, r'shape \(\), from 3.0 to 3.0'),
    (np.zeros((0, 2)), r'shape \(0, 2\), from nothing to nothing')])
@pytest.mark.parametrize('function', [
    lambda v: total_distortion(v, 1), lambda v: total_rate(v, 1), lambda v: distortion(v, [1]),
    lambda v: rate(v, [1]), lambda v: allocate_continuous(v, 1), check_variance],
    ids=['total_distortion', 'total_rate', 'distortion', 'rate', 'allocate_continuous',
         'check_variance'])
def test_what_came_as_a_variance_is_told_and_what_was_expected(function, variance, came):
    with pytest.raises(ParameterError, match=f'variance has {came}.*; expected a vector of finite '
                       'numbers >= 0'):
        function(variance)


def test_variances_are_returned_as_floats():
    assert check_variance([1, 0]).dtype == np.float64
    assert check_variance([]).tolist() == []


def test_rates_may_be_infinite_but_neither_negative_nor_no_number():
    assert check_bits([0, np.inf]).tolist() == [0.0, np.inf]
    for bits in ([-0.5], [1.0, np.nan], [-np.inf], [[1.0, -1.0]]):
        with pytest.raises(ParameterError, match=r'bits .*numbers >= 0'):
            check_bits(bits)
