"""Allocation in parts of bits, down to a floor, over all frames, and of very many bits."""

from time import perf_counter

import numpy as np
import pytest

from qbdi_m21.channel.allocation import (
    MAX_BITS,
    allocate_bits,
    allocate_continuous,
    allocate_frames,
    bits_to_floor,
)
from qbdi_m21.channel.distortion import distortion, total_distortion
from qbdi_m21.errors import ParameterError


def test_parts_of_bits_go_where_the_variance_is():
    assert allocate_continuous([16.0, 1.0, 4.0], 3).tolist() == [2.0, 0.0, 1.0]
    assert allocate_continuous([16.0, 1.0, 4.0], 2).tolist() == [1.5, 0.0, 0.5]
    assert allocate_continuous([16.0, 1.0, 4.0], 0.5).tolist() == [0.5, 0.0, 0.0]
    assert allocate_continuous([16.0, 1.0, 4.0], 4.5).tolist() == [2.5, 0.5, 1.5]


def test_equal_components_share_parts_of_bits_equally():
    assert allocate_continuous(np.full(4, 0.3), 1).tolist() == pytest.approx([0.25] * 4)


def test_whole_bits_where_the_level_falls_on_them_are_also_the_best_in_parts(rng):
    exponents = rng.integers(-5, 6, 30)
    total = int((exponents - exponents.min()).sum())
    parts = allocate_continuous(4.0 ** exponents, total)
    assert parts == pytest.approx(allocate_bits(4.0 ** exponents, total))


@pytest.mark.parametrize('variance', [np.zeros(3), []])
def test_nothing_is_spent_on_a_source_without_variance(variance):
    assert allocate_continuous(variance, 7.5).tolist() == [0.0] * len(variance)
    assert allocate_continuous(variance, 7.5, floor=0.1).tolist() == [0.0] * len(variance)
    assert allocate_bits(variance, 7, floor=0.1).tolist() == [0] * len(variance)
    assert bits_to_floor(variance, 0.1).tolist() == [0] * len(variance)


def test_parts_of_bits_of_extreme_variances_do_not_overflow():
    rates = allocate_continuous([1e300, 1e-300, 0.0], 2000)
    assert rates.sum() == pytest.approx(2000)
    assert rates[0] - rates[1] == pytest.approx(300 * np.log2(10))


def test_a_billion_bits_in_parts_are_spent(rng):
    variance = rng.lognormal(0, 2, 64)
    rates = allocate_continuous(variance, 1e9)
    assert rates.sum() == pytest.approx(1e9, rel=1e-12)
    assert rates - rates[0] == pytest.approx(np.log2(variance / variance[0]) / 2, abs=1e-5)


def test_a_floor_keeps_what_would_go_below_it():
    variance = [16.0, 1.0, 4.0]
    assert allocate_bits(variance, 100, floor=1.0).tolist() == [2, 0, 1]
    assert allocate_bits(variance, 100, floor=0.99).tolist() == [3, 1, 2]
    assert allocate_bits(variance, 2, floor=1.0).tolist() == [2, 0, 0]
    assert allocate_continuous(variance, 100, floor=1.0).tolist() == [2.0, 0.0, 1.0]
    assert allocate_continuous(variance, 100, floor=2.0).tolist() == [1.5, 0.0, 0.5]
    assert allocate_continuous(variance, 2, floor=1.0).tolist() == [1.5, 0.0, 0.5]


def test_a_floor_above_every_variance_leaves_nothing_to_tell():
    assert allocate_bits([3.0, 5.0], 9, floor=5.0).tolist() == [0, 0]
    assert allocate_continuous([3.0, 5.0], 9, floor=5.0).tolist() == [0.0, 0.0]
    assert allocate_continuous([3.0, 5.0], 9, floor=1e6).tolist() == [0.0, 0.0]


def test_all_bits_to_the_floor_bring_each_component_to_it_and_no_further(rng):
    variance = rng.lognormal(0, 3, 200)
    left = distortion(variance, allocate_bits(variance, 10_000, floor=0.01))
    assert np.all(left <= 0.01)
    assert np.all(left[variance > 0.01] > 0.0025)


@pytest.mark.parametrize('floor', [0, -0.1, float('nan'), float('inf')])
def test_a_floor_to_count_bits_to_must_be_positive(floor):
    with pytest.raises(ParameterError, match=rf'floor is {floor}; expected a finite number above'):
        bits_to_floor([1.0], floor)


@pytest.mark.parametrize('floor', [-0.1, float('nan'), float('inf')])
@pytest.mark.parametrize('allocate', [
    lambda floor: allocate_bits([1.0], 3, floor=floor),
    lambda floor: allocate_continuous([1.0], 3, floor=floor),
    lambda floor: allocate_frames([[1.0]], 3, floor=floor)], ids=['bits', 'continuous', 'frames'])
def test_a_floor_that_is_none_is_refused(allocate, floor):
    with pytest.raises(ParameterError, match=rf'floor is {floor}; expected a finite number'):
        allocate(floor)


def test_bits_are_whole_and_parts_of_bits_are_floats():
    assert allocate_bits([1.0, 2.0], 4, floor=0.5).dtype == np.int64
    assert bits_to_floor([1.0, 2.0], 0.5).dtype == np.int64
    assert allocate_frames([[1.0, 2.0]], 4).dtype == np.int64
    assert allocate_continuous([1, 2], 4).dtype == np.float64


def test_frames_that_vary_more_get_more_bits():
    assert allocate_frames([[16.0, 4.0], [1.0, 1.0], [0.0, 0.0]], 1).tolist() == [
        [2, 1], [0, 0], [0, 0]]


def test_frames_that_differ_gain_over_as_many_bits_for_each(rng):
    variance = rng.lognormal(0, 1, (50, 8)) * rng.lognormal(0, 1, (50, 1))
    dynamic = allocate_frames(variance, 16)
    static = np.array([allocate_bits(row, 16) for row in variance])
    assert dynamic.sum() == static.sum() == 50 * 16
    assert len(set(dynamic.sum(axis=1).tolist())) > 1
    left = [distortion(variance.ravel(), bits.ravel()).sum() for bits in (dynamic, static)]
    assert left[0] < 0.9 * left[1]
    # and no allocation, in parts of bits too, leaves less than one water level for all
    assert left[0] >= total_distortion(variance.ravel(), 50 * 16)


def test_frames_down_to_a_floor_may_spend_less():
    bits = allocate_frames([[16.0, 4.0], [1.0, 0.5]], 5, floor=1.0)
    assert bits.tolist() == [[2, 1], [0, 0]]


def test_no_frames_get_no_bits():
    assert allocate_frames(np.zeros((0, 3)), 5).shape == (0, 3)


@pytest.mark.parametrize('shape', [(3,), (), (2, 3, 4)])
def test_variances_of_frames_must_be_of_frames_and_components(shape):
    with pytest.raises(ParameterError) as caught:
        allocate_frames(np.ones(shape), 3)
    assert str(caught.value) == f'variance has shape {shape}; expected (N, Z)'


@pytest.mark.parametrize('variance', [[[1.0, -2.0]], [[np.nan, 1.0]], [[np.inf, 1.0]]])
def test_variances_of_frames_must_be_variances(variance):
    with pytest.raises(ParameterError, match=f'{variance[0][1 if variance[0][1] < 0 else 0]}'
                       '.*expected a vector of finite numbers >= 0'):
        allocate_frames(variance, 3)


@pytest.mark.parametrize('mean', [-1, 0.3, float('nan'), float('inf')])
def test_a_budget_of_frames_that_is_no_whole_number_is_refused(mean):
    with pytest.raises(ParameterError, match=r'bits is .*; expected a whole number'):
        allocate_frames([[1.0, 2.0], [3.0, 4.0]], mean)


def test_a_budget_beyond_the_limit_is_refused_with_the_limit():
    assert allocate_bits([1.0, 3.0], MAX_BITS).sum() == MAX_BITS
    with pytest.raises(ParameterError, match=rf'total_bits is {MAX_BITS + 1}; expected a whole '
                       rf'number from 0 to {MAX_BITS}'):
        allocate_bits([1.0, 3.0], MAX_BITS + 1)


@pytest.mark.parametrize('total', [10 ** 6 + 7, 10 ** 9 + 7, MAX_BITS])
def test_very_many_bits_are_shared_as_few_are(total, rng):
    variance = rng.lognormal(0, 2, 61)
    # once every component has a bit, 61 more bits are one more for each
    rounds = (total - 2000) // 61
    few = allocate_bits(variance, total - 61 * rounds)
    assert few.min() > 0
    assert np.array_equal(allocate_bits(variance, total), few + rounds)


def test_very_many_equal_components_share_very_many_bits():
    bits = allocate_bits(np.full(1000, 0.3), 10 ** 9 + 17)
    assert bits.tolist() == [10 ** 6 + 1] * 17 + [10 ** 6] * 983


def seconds(total, **options):
    # no power of two, that halving an interval would come upon by chance
    variance = np.random.default_rng(5).lognormal(0, 2, 61)
    taken = []
    for _ in range(7):
        start = perf_counter()
        allocate_bits(variance, total, **options)
        taken.append(perf_counter() - start)
    return min(taken)


@pytest.mark.parametrize('options', [{}, {'floor': 1e-12}], ids=['no floor', 'floor'])
def test_very_many_bits_take_no_longer_than_few(options):
    few = seconds(500, **options)
    # one bit at a time a million would take two thousand times as long, and a billion end never
    assert seconds(10 ** 6, **options) < 50 * few
    assert seconds(10 ** 9, **options) < 50 * few
