"""Exact fractions in arrays."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qbdi_m21.frames.grid import Bar, Grid
from qbdi_m21.frames.ratios import exact, on_common, ranks, reduced, to_ratios

F = Fraction
some = st.lists(st.fractions(-20, 20, max_denominator=65535), max_size=12)
PRIMES = (65521, 65519, 65497)


def values(common, numerators):
    return [Fraction(int(n), common) for n in numerators.tolist()]


@pytest.mark.parametrize(('given_value', 'ratio'), [
    (0.25, F(1, 4)), (1 / 3, F(1, 3)), (0.1, F(1, 10)), (7, F(7)), ('7/3', F(7, 3)),
    (np.int64(3), F(3)), (np.float64(2 / 7), F(2, 7)), (F(5, 65521), F(5, 65521))])
def test_a_number_is_taken_for_the_fraction_that_it_stands_for(given_value, ratio):
    assert exact(given_value) == ratio


@given(some)
def test_fractions_become_pairs_in_lowest_terms(numbers):
    pairs = to_ratios(numbers)
    assert pairs.shape == (len(numbers), 2)
    assert pairs.dtype == np.int64
    assert [tuple(pair) for pair in pairs.tolist()] == [
        (n.numerator, n.denominator) for n in numbers]


def test_numbers_of_different_kinds_that_are_equal_are_equal_pairs():
    assert to_ratios([0.5, F(1, 2), '1/2', 1, 1.0, True]).tolist() == [[1, 2]] * 3 + [[1, 1]] * 3


def test_pairs_stay_as_they_are():
    pairs = np.array([[1, 3], [2, 1]])
    assert to_ratios(pairs) is pairs
    assert to_ratios(iter([F(1, 3), 2])).tolist() == pairs.tolist()


@given(some, some)
def test_numerators_over_a_common_denominator_are_the_same_numbers(first, second):
    common, (one, two) = on_common(to_ratios(first), to_ratios(second))
    assert values(common, one) == first
    assert values(common, two) == second
    assert [Fraction(n, d) for n, d in reduced(one, common).tolist()] == first


@given(st.lists(st.fractions(0, 9, max_denominator=65535), min_size=1, max_size=12))
def test_ranks_sort_as_the_numbers_do(numbers):
    _, (numerators,) = on_common(to_ratios(numbers))
    found = ranks(numerators).tolist()
    assert [found[i] < found[j] for i in range(len(found)) for j in range(len(found))] == [
        a < b for a in numbers for b in numbers]


def test_no_numbers_have_a_common_denominator_too():
    none = to_ratios([])
    common, (numerators,) = on_common(none)
    assert common == 1
    assert reduced(numerators, common).shape == none.shape == (0, 2)


def test_denominators_that_leave_64_bits_are_counted_in_python_integers():
    numbers = [F(65536 * 7, prime) for prime in PRIMES]
    common, (numerators,) = on_common(to_ratios(numbers))
    assert common == PRIMES[0] * PRIMES[1] * PRIMES[2]
    assert numerators.dtype == object
    assert values(common, numerators) == numbers
    assert reduced(numerators, common).dtype == np.int64
    assert [Fraction(n, d) for n, d in reduced(numerators, common).tolist()] == numbers
    assert ranks(numerators).dtype == np.int64


def test_small_denominators_are_counted_in_64_bits():
    _, (numerators,) = on_common(to_ratios([F(100_000, 3), F(1, 7), F(1, 5), F(1, 64)]))
    assert numerators.dtype == np.int64


def test_grids_are_exact_over_denominators_that_leave_64_bits():
    bars = (Bar(1, F(0), F(4)), Bar(2, F(4), F(4)))
    offsets = [F(3 * prime - 1, prime) for prime in PRIMES] + [F(4 * PRIMES[0] + 1, PRIMES[0])]
    frame, away = Grid(bars, F(1, 12)).frames_at(to_ratios(offsets))
    assert frame.tolist() == [36, 36, 36, 48]
    assert [F(n, d) for n, d in away.tolist()] == [F(1, p) for p in (*PRIMES, PRIMES[0])]
    assert Grid(bars).bars_at(to_ratios(offsets)).tolist() == [0, 0, 0, 1]
    beats = Grid(bars).beats_at(to_ratios(offsets))
    assert [F(n, d) for n, d in beats.tolist()] == [
        *(1 + offset for offset in offsets[:3]), 1 + F(1, PRIMES[0])]


def test_a_grid_over_bars_of_odd_lengths_is_exact():
    bars, start = [], F(0)
    for number, prime in enumerate(PRIMES):
        bars.append(Bar(number, start, F(1, prime)))
        start += F(1, prime)
    grid = Grid(tuple(bars), F(1))
    assert [F(n, d) for n, d in grid.offsets.tolist()] == [
        grid.offset_at_frame(k) for k in range(4)]
