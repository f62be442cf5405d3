"""What holds of every allocation: in parts of bits, down to a floor, and over all frames."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from naive.twins import (
    naive_allocation,
    naive_bits_to_floor,
    naive_continuous,
    naive_distortion,
)
from strategies import variances

from qbdi_m21.channel.allocation import (
    allocate_bits,
    allocate_continuous,
    allocate_frames,
    bits_to_floor,
)
from qbdi_m21.channel.distortion import distortion, total_distortion

budgets = st.integers(0, 60)
parts = st.floats(0, 200)
floors = st.floats(1e-6, 1e6)
frame_variances = st.integers(1, 4).flatmap(lambda width: st.lists(
    st.lists(st.just(0.0) | st.floats(1e-6, 1e6), min_size=width, max_size=width),
    min_size=1, max_size=4))
mean_budgets = st.integers(0, 12)


@given(variances, parts)
def test_parts_of_bits_are_those_of_halving_the_interval(variance, total):
    assert allocate_continuous(variance, total).tolist() == pytest.approx(
        naive_continuous(variance, total), abs=1e-9)


@given(variances, parts)
def test_all_of_the_rate_is_spent_unless_nothing_varies(variance, total):
    rates = allocate_continuous(variance, total)
    assert np.all(rates >= 0)
    assert rates.sum() == pytest.approx(total if any(variance) else 0, abs=1e-9)
    assert all(r == 0 for r, v in zip(rates, variance, strict=True) if v == 0)


@given(variances, parts)
def test_what_is_told_stands_at_one_level_and_what_is_not_below_it(variance, total):
    rates = allocate_continuous(variance, total)
    left = distortion(variance, rates)
    told = rates > 0
    assume(told.any())
    level = left[told].max()
    assert left[told] == pytest.approx(level, rel=1e-9, abs=0)
    assert np.all(left[~told] <= level * (1 + 1e-9))


@given(variances, parts)
def test_the_distortion_in_parts_of_bits_is_that_of_the_closed_form(variance, total):
    assert distortion(variance, allocate_continuous(variance, total)).sum() == pytest.approx(
        total_distortion(variance, total), rel=1e-9, abs=0)


@given(variances, budgets)
def test_whole_bits_leave_at_least_the_distortion_of_parts_of_bits(variance, total):
    whole = naive_distortion(variance, allocate_bits(variance, total).tolist())
    ours = distortion(variance, allocate_continuous(variance, total)).sum()
    assert ours <= float(whole) * (1 + 1e-9)


@given(variances, parts, st.data())
def test_no_other_rates_of_the_same_sum_leave_less(variance, total, data):
    weights = np.array(data.draw(st.lists(st.floats(0.01, 1), min_size=len(variance),
                                          max_size=len(variance))))
    other = distortion(variance, total * weights / weights.sum()).sum()
    ours = distortion(variance, allocate_continuous(variance, total)).sum()
    assert ours <= other * (1 + 1e-9)


@given(variances, parts, st.data())
def test_moving_a_part_of_a_bit_never_lowers_the_distortion(variance, total, data):
    rates = allocate_continuous(variance, total)
    assume(rates.sum() > 0)
    moved = rates.copy()
    giver = data.draw(st.sampled_from(np.flatnonzero(rates).tolist()))
    taker = data.draw(st.integers(0, len(rates) - 1))
    part = data.draw(st.floats(0, 1)) * rates[giver]
    moved[giver] -= part
    moved[taker] += part
    assert distortion(variance, moved).sum() >= distortion(variance, rates).sum() * (1 - 1e-9)


@given(variances, parts, st.floats(0, 50))
def test_more_rate_takes_nothing_from_any_component(variance, total, more):
    assert np.all(allocate_continuous(variance, total + more)
                  >= allocate_continuous(variance, total) - 1e-9)


@given(variances, parts)
def test_a_greater_variance_gets_no_less_rate(variance, total):
    order = np.argsort(variance)
    assert np.all(np.diff(allocate_continuous(variance, total)[order]) >= 0)


@given(variances, budgets)
def test_whole_bits_are_within_one_of_parts_of_bits(variance, total):
    # whole bits leave remainders within a factor of four of each other, around the level
    apart = np.abs(allocate_bits(variance, total) - allocate_continuous(variance, total))
    assert np.all(apart < 1 + 1e-9)


@given(variances, parts, floors)
def test_a_floor_stops_the_level_there(variance, total, floor):
    rates = allocate_continuous(variance, total, floor=floor)
    assert rates.tolist() == pytest.approx(naive_continuous(variance, total, floor), abs=1e-9)
    left = distortion(variance, rates)
    assert np.all(left[rates > 0] >= floor * (1 - 1e-9))
    assert rates.sum() <= total + 1e-9
    if rates.sum() < total - 1e-9:
        assert np.all(left <= floor * (1 + 1e-9))


@given(variances, parts, st.floats(0.001, 0.999))
def test_a_floor_below_the_level_changes_nothing(variance, total, share):
    free = allocate_continuous(variance, total)
    assume(np.any(free))
    floor = share * distortion(variance, free)[free > 0].min()
    assert np.array_equal(allocate_continuous(variance, total, floor=floor), free)


@given(variances, floors)
def test_bits_to_a_floor_are_those_of_dividing_by_four(variance, floor):
    assert bits_to_floor(variance, floor).tolist() == naive_bits_to_floor(variance, floor)


@given(floors, st.lists(st.integers(0, 40), min_size=1, max_size=5))
def test_a_power_of_four_comes_to_the_floor_exactly(floor, exponents):
    variance = np.array([floor * 4.0 ** e for e in exponents])
    assert bits_to_floor(variance, floor).tolist() == exponents
    assert bits_to_floor(np.nextafter(variance, 0), floor).tolist() == exponents
    assert bits_to_floor(np.nextafter(variance, np.inf), floor).tolist() == [
        e + 1 for e in exponents]


@given(variances, budgets, floors)
@example([16.0, 4.0, 1.0], 9, 1.0)
@example([0.1 * 4.0 ** 7, 0.1, 0.1 * 4.0 ** 3], 60, 0.1)
@example([3.0, 3.0, 3.0], 2, 1.0)
def test_bits_with_a_floor_are_those_of_one_bit_at_a_time(variance, total, floor):
    assert allocate_bits(variance, total, floor=floor).tolist() == naive_allocation(
        variance, total, Fraction(floor))


@given(floors, st.lists(st.integers(-3, 12), min_size=1, max_size=6), budgets)
def test_ties_with_the_floor_are_those_of_one_bit_at_a_time(floor, exponents, total):
    variance = [floor * 4.0 ** e for e in exponents]
    assert allocate_bits(variance, total, floor=floor).tolist() == naive_allocation(
        variance, total, Fraction(floor))


@given(variances, budgets, floors)
def test_no_component_gets_more_bits_than_the_floor_needs(variance, total, floor):
    bits, most = allocate_bits(variance, total, floor=floor), bits_to_floor(variance, floor)
    assert np.all((bits >= 0) & (bits <= most))
    assert bits.sum() == min(total, most.sum())
    if bits.sum() < total:
        assert all(Fraction(v) / 4 ** b <= Fraction(floor)
                   for v, b in zip(variance, bits.tolist(), strict=True))


@given(variances, budgets)
def test_a_floor_of_zero_is_none(variance, total):
    assert np.array_equal(allocate_bits(variance, total, floor=0.0),
                          allocate_bits(variance, total))


@given(variances, budgets, st.integers(0, 10 ** 8))
def test_a_bit_more_for_every_component_shifts_all_by_one(variance, total, rounds):
    assume(any(variance))
    # 20 bits bring the largest variance down to the smallest: with 30 none is without a bit
    varying = np.array(variance) > 0
    enough = total + 30 * int(varying.sum())
    bits = allocate_bits(variance, enough)
    assert np.all(bits[varying] > 0)
    more = allocate_bits(variance, enough + rounds * int(varying.sum()))
    assert np.array_equal(more, bits + rounds * varying)


@given(frame_variances, mean_budgets)
def test_frames_get_the_bits_of_one_long_vector(variance, mean):
    flat = [v for row in variance for v in row]
    bits = allocate_frames(variance, mean)
    assert bits.shape == np.shape(variance)
    assert bits.ravel().tolist() == naive_allocation(flat, mean * len(variance))
    assert np.array_equal(bits.ravel(), allocate_bits(flat, mean * len(variance)))


@given(frame_variances, mean_budgets, floors)
def test_frames_with_a_floor_get_the_bits_of_one_long_vector(variance, mean, floor):
    flat = [v for row in variance for v in row]
    assert allocate_frames(variance, mean, floor=floor).ravel().tolist() == naive_allocation(
        flat, mean * len(variance), Fraction(floor))


@given(frame_variances, mean_budgets)
def test_the_mean_of_the_bits_of_frames_is_the_budget(variance, mean):
    assert allocate_frames(variance, mean).sum() == (
        mean * len(variance) if np.any(variance) else 0)


@given(frame_variances, mean_budgets, st.data())
def test_frames_leave_at_most_the_distortion_of_as_many_bits_for_each(variance, mean, data):
    dynamic = allocate_frames(variance, mean).ravel().tolist()
    flat = [v for row in variance for v in row]
    each = [b for row in variance for b in allocate_bits(row, mean).tolist()]
    static = allocate_bits(np.mean(variance, axis=0), mean).tolist() * len(variance)
    least = naive_distortion(flat, dynamic)
    assert least <= naive_distortion(flat, each)
    assert least <= naive_distortion(flat, static)


@given(st.lists(st.floats(1e-6, 1e6), min_size=1, max_size=4), mean_budgets,
       st.integers(1, 4))
def test_frames_of_equal_variances_gain_nothing_over_as_many_bits_for_each(row, mean, count):
    dynamic = allocate_frames([row] * count, mean)
    static = allocate_bits(row, mean).tolist()
    assert naive_distortion(row * count, dynamic.ravel().tolist()) == count * naive_distortion(
        row, static)
