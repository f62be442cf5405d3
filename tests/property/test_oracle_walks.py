"""Walks through an oracle: free ones by their rule, led ones against every walk there is."""

from itertools import pairwise, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from oracle_material import symbols, varied_repeats

from qbdi_m21.errors import ParameterError
from qbdi_m21.oracle.build import build_oracle
from qbdi_m21.oracle.distances import distance_rows
from qbdi_m21.oracle.resynthesis import follow, jumps_from, walk

words = st.lists(st.integers(0, 3), min_size=1, max_size=30)
seeds = st.integers(0, 2 ** 32 - 1)


def oracle_of(word, threshold=0.5):
    return build_oracle(np.array(word, dtype=float)[:, None], threshold)


def generator(seed):
    return np.random.default_rng(seed)


@given(words, st.integers(1, 60), st.floats(0, 1), st.integers(1, 4), seeds)
def test_a_walk_goes_on_or_jumps_by_the_rule(word, length, continuity, min_lrs, seed):
    oracle, count = oracle_of(word), len(word)
    frames = walk(oracle, length, continuity=continuity, min_lrs=min_lrs, rng=generator(seed))
    assert frames.shape == (length,)
    assert frames.dtype == np.int64
    assert frames[0] == 0
    assert frames.min() >= 0
    assert frames.max() < count
    for before, after in pairwise(frames.tolist()):
        state = before + 1
        landing = {k for k in jumps_from(oracle, state, min_lrs) if k < count}
        if after == before + 1:
            continue
        if after == 0 and state == count and not landing:
            continue                    # the end of the music, and nowhere to jump
        # the frame that is played comes after one that shares enough with the last
        assert after in landing
        linked, other = max(after, state), min(after, state)
        assert oracle.suffix[linked] == other
        shared = int(oracle.lrs[linked])
        assert shared >= min_lrs
        assert word[linked - shared:linked] == word[other - shared:other]


@given(words, st.integers(1, 4))
def test_jumps_go_both_ways_along_suffix_links(word, min_lrs):
    oracle = oracle_of(word)
    for state in range(1, oracle.num_states):
        wanted = {k for k in range(1, oracle.num_states) if
                  (oracle.suffix[k] == state and oracle.lrs[k] >= min_lrs)
                  or (oracle.suffix[state] == k and oracle.lrs[state] >= min_lrs)}
        assert set(jumps_from(oracle, state, min_lrs)) == wanted
        for k in wanted:
            assert state in jumps_from(oracle, k, min_lrs)


@given(words, st.integers(0, 29), seeds)
def test_with_full_continuity_the_music_plays_on_to_its_end(word, start, seed):
    start %= len(word)
    frames = walk(oracle_of(word), len(word) - start, continuity=1.0, start=start,
                  rng=generator(seed))
    assert frames.tolist() == list(range(start, len(word)))


@given(words, st.integers(1, 60), seeds)
def test_the_seed_decides_the_walk(word, length, seed):
    one, two = (walk(oracle_of(word), length, continuity=0.4, min_lrs=1, rng=generator(seed))
                for _ in range(2))
    assert np.array_equal(one, two)


def test_without_continuity_a_walk_jumps_wherever_it_can():
    oracle = build_oracle(symbols(5), 0.5)
    frames = walk(oracle, 400, continuity=0.0, min_lrs=1, rng=generator(1))
    went_on = [a for a, b in pairwise(frames.tolist())
               if b == a + 1]
    # only where no jump is, or where the jump leads to the next frame
    for frame in went_on:
        landing = [k for k in jumps_from(oracle, frame + 1, 1) if k < oracle.num_states - 1]
        assert not landing or frame + 1 in landing
    assert len(went_on) < 200


def test_more_continuity_makes_fewer_jumps():
    oracle = build_oracle(np.tile(varied_repeats(3), (3, 1)), 0.2)
    jumps = [int((np.diff(walk(oracle, 2000, continuity=c, rng=generator(0))) != 1).sum())
             for c in (0.2, 0.6, 0.95)]
    assert jumps[0] > jumps[1] > jumps[2] > 0


@pytest.mark.parametrize('options', [
    {'length': 0}, {'length': -1}, {'continuity': -0.1}, {'continuity': 1.1},
    {'continuity': float('nan')}, {'min_lrs': 0}, {'start': -1}, {'start': 3}])
def test_walks_out_of_range_are_refused(options):
    asked = {'length': 5} | options
    with pytest.raises(ParameterError, match='expected at least 1, a chance from 0 to 1'):
        walk(oracle_of([0, 1, 0]), asked.pop('length'), rng=generator(0), **asked)


def group_roots(oracle, min_lrs):
    """Return a root of each frame: frames of one root may be jumped between."""
    roots = []
    for state in range(1, oracle.num_states):
        if min_lrs == 1:
            roots.append(int(oracle.symbol[state]))
            continue
        while oracle.lrs[state] >= min_lrs:
            state = int(oracle.suffix[state])
        roots.append(state)
    return roots


def cost_of(frames, away, roots, price):
    """Return what a walk costs; infinity for one that is none."""
    total = away[0, frames[0]]
    for place, (before, after) in enumerate(pairwise(frames), start=1):
        if after != before + 1:
            prices = [2 * price] if after == 0 else []
            if after > 0 and roots[after - 1] == roots[before]:
                prices.append(price)
            total += min(prices, default=np.inf)
        total += away[place, after]
    return total


@settings(max_examples=150)
@given(npst.arrays(np.float64, st.tuples(st.integers(1, 6), st.just(1)),
                   elements=st.integers(0, 3).map(float)),
       npst.arrays(np.float64, st.tuples(st.integers(1, 4), st.just(1)),
                   elements=st.floats(-1, 4, width=16)),
       st.sampled_from([0.0, 0.5, 1.5]), st.sampled_from([0.0, 0.3, 1.0, 5.0]), st.integers(1, 2))
def test_no_walk_is_nearer_to_a_query_than_the_one_that_is_found(music, query, threshold, jump_cost,
                                                                 min_lrs):
    oracle = build_oracle(music, threshold)
    found = follow(oracle, query, jump_cost=jump_cost, min_lrs=min_lrs)
    away = np.abs(query - music[:, 0])
    price = jump_cost * (threshold or away.mean())
    roots = group_roots(oracle, min_lrs)
    every = min(cost_of(frames, away, roots, price)
                for frames in product(range(len(music)), repeat=len(query)))
    assert found.shape == (len(query),)
    assert found.dtype == np.int64
    assert cost_of(found.tolist(), away, roots, price) == pytest.approx(every, abs=1e-9)


@pytest.mark.parametrize(('last', 'threshold', 'frames'), [
    (0.5, 0.3, [1, 2]), (0.7, 0.25, [1, 0]), (0.59, 0.3, [1, 2]), (0.61, 0.3, [1, 0])])
def test_the_beginning_is_two_jumps_away_from_everywhere(last, threshold, frames):
    # 1 and then 0: the music goes on to `last`, which is so far off, or begins again
    oracle = build_oracle([[0.0], [1.0], [last]], threshold)
    assert oracle.num_symbols == 3
    assert follow(oracle, [[1.0], [0.0]], jump_cost=1.0).tolist() == frames


@given(st.lists(st.integers(0, 50), min_size=1, max_size=30, unique=True),
       st.floats(0, 10), st.integers(1, 3))
def test_a_query_that_is_the_material_returns_it(word, jump_cost, min_lrs):
    oracle = oracle_of(word)
    found = follow(oracle, np.array(word, dtype=float)[:, None], jump_cost=jump_cost,
                   min_lrs=min_lrs)
    assert found.tolist() == list(range(len(word)))


@given(words, seeds)
def test_material_that_repeats_is_followed_without_a_jump(word, seed):
    found = follow(oracle_of(word), np.array(word, dtype=float)[:, None], jump_cost=0.5)
    assert [word[frame] for frame in found] == word
    assert np.all(np.diff(found) == 1)
    assert found[0] == 0


def test_the_more_a_jump_costs_the_fewer_there_are(rng):
    music = rng.integers(0, 4, (80, 1)).astype(float)
    query = rng.integers(0, 4, (60, 1)).astype(float)
    oracle = build_oracle(music, 0.5)
    jumps = [int((np.diff(follow(oracle, query, jump_cost=c)) != 1).sum())
             for c in (0.0, 0.5, 2.0, 1000.0)]
    assert jumps == sorted(jumps, reverse=True)
    assert jumps[0] > jumps[2]
    assert jumps[-1] == 0
    away = [float(np.abs(query[:, 0] - music[follow(oracle, query, jump_cost=c), 0]).sum())
            for c in (0.0, 0.5, 2.0, 1000.0)]
    assert away == sorted(away)


@pytest.mark.parametrize('distance', ['cosine', 'tonnetz', 'pitch-class-set', 'symmetric-kl'])
def test_every_distance_and_silence_leads_somewhere(distance, rng):
    music = rng.integers(0, 2, (40, 12)).astype(float)
    music[::5] = 0
    query = rng.integers(0, 2, (20, 12)).astype(float)
    query[3] = 0
    for silence in (None, 'vmo'):
        oracle = build_oracle(music, 0.4, distance, silence=silence)
        found = follow(oracle, query)
        assert found.min() >= 0
        assert found.max() < 40
        if silence is None and distance in ('cosine', 'pitch-class-set'):
            # silence answers silence: every other frame is infinitely far from it
            assert not music[follow(oracle, query, jump_cost=0.0)[3]].any()
        away = distance_rows(query, music, distance, silence=oracle.silence)
        assert np.isfinite(away[0, found[0]])


@pytest.mark.parametrize(('query', 'message'), [
    ([[1.0, 2.0]], 'the query has 2 columns; this oracle has 1'), ([[np.nan]], 'NaN or infinity'),
    (np.zeros((0, 1)), 'at least one frame')])
def test_a_query_of_other_features_is_refused(query, message):
    with pytest.raises(ParameterError, match=message):
        follow(oracle_of([0, 1, 0]), query)


@pytest.mark.parametrize('options', [{'jump_cost': -1}, {'jump_cost': np.inf},
                                     {'jump_cost': np.nan}, {'min_lrs': 0}])
def test_options_of_a_led_walk_out_of_range_are_refused(options):
    with pytest.raises(ParameterError, match='expected a finite number >= 0, and at least 1'):
        follow(oracle_of([0, 1, 0]), [[1.0]], **options)
