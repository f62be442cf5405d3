"""The controls of a sweep, and the statistics over its seeds."""

import warnings
from collections import Counter
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from music21 import converter
from musicxml_checks import block_model
from naive.measures import naive_starts
from scipy.stats import mannwhitneyu
from scipy.stats import t as student
from strategies import bar_sequences, bars_of, frames_of

import qbdi_m21 as q
from qbdi_m21.frames.grid import Grid
from qbdi_m21.frames.roll import Frames
from qbdi_m21.improvisation.sweep import (
    MEASURES,
    file_name,
    interval,
    move,
    shuffle_bars,
    sweep,
    write_rows,
)

seeds = st.integers(0, 2**32)


def kind_of(bar):
    return bar.length_ql, bar.lead_ql, bar.meter


@st.composite
def told_apart(draw):
    """Frames of which each bar holds a pitch of its own, and any others."""
    bars = draw(bar_sequences(('4/4', '3/4', '6/8'), max_bars=7))
    grid = Grid(bars, draw(st.sampled_from([Fraction(1, 4), Fraction(1, 2)])))
    rng = np.random.default_rng(draw(seeds))
    sounding = rng.random((grid.num_frames, 16)) < 0.3
    sounding[:, :8] = grid.frame_bars()[:, None] == np.arange(8)
    return Frames(sounding, sounding & (rng.random(sounding.shape) < 0.5), grid, 60)


def source_of_bars(mixed):
    """Return which bar each has become, by the pitch that sounds all through it."""
    starts = mixed.grid.bar_starts
    rows = [mixed.sounding[a:b, :8] for a, b in pairwise(starts)]
    assert all((bar == bar[0]).all() and bar[0].sum() == 1 for bar in rows)
    return [int(bar[0].argmax()) for bar in rows]


@given(told_apart(), seeds)
def test_bars_change_places_with_others_of_their_kind_and_none_stays_where_there_is_one(made, seed):
    mixed = shuffle_bars(made, np.random.default_rng(seed))
    bars, sources = made.grid.bars, source_of_bars(mixed)
    assert mixed.grid == made.grid
    assert sorted(sources) == list(range(len(bars)))
    kinds = Counter(map(kind_of, bars))
    for place, source in enumerate(sources):
        assert kind_of(bars[place]) == kind_of(bars[source])
        assert (place != source) == (kinds[kind_of(bars[place])] > 1)


@given(told_apart(), seeds)
def test_bars_are_moved_whole(made, seed):
    mixed = shuffle_bars(made, np.random.default_rng(seed))
    starts = made.grid.bar_starts.tolist()
    for place, source in enumerate(source_of_bars(mixed)):
        to, since = (slice(starts[k], starts[k + 1]) for k in (place, source))
        assert np.array_equal(mixed.sounding[to], made.sounding[since])
        assert np.array_equal(mixed.onset[to], made.onset[since])


def test_bars_go_round_in_one_cycle_and_in_every_one():
    made = frames_of([(16 * k, 16 * k + 16, 24 + k) for k in range(4)], bars_of(*['4/4'] * 4))
    found = set()
    for seed in range(150):
        order = source_of_bars(shuffle_bars(made, np.random.default_rng(seed)))
        place, visited = 0, set()
        while place not in visited:
            visited.add(place)
            place = order[place]
        assert visited == {0, 1, 2, 3}
        found.add(tuple(order))
    assert len(found) == 6


def test_a_pickup_and_an_odd_bar_stay_where_they_are():
    bars = bars_of('4/4', '3/4', '4/4', pickup_ql=1)
    made = frames_of([(0, 4, 24), (4, 20, 25), (20, 32, 26), (32, 48, 27)], bars)
    assert source_of_bars(shuffle_bars(made, np.random.default_rng(0))) == [0, 3, 2, 1]


@given(seeds, st.integers(2, 24), st.integers(-40, 40))
def test_moved_frames_are_those_of_the_octave_that_keeps_most_notes(seed, pitches, semitones):
    rng, grid = np.random.default_rng(seed), Grid(bars_of('2/4'), Fraction(1, 2))
    sounding = rng.random((grid.num_frames, pitches)) < 0.3
    made = Frames(sounding, sounding & (rng.random(sounding.shape) < 0.5), grid, 60)
    moved = move(made, semitones)
    ways = []
    for shift in (semitones % 12, semitones % 12 - 12):
        kept = {(t, p + shift) for t, p in naive_starts(made) if 0 <= p + shift < made.num_pitches}
        ways.append((len(kept), shift, kept))
    most = max(count for count, _, _ in ways)
    assert (moved.grid, moved.pitch_range) == (made.grid, made.pitch_range)
    assert any(naive_starts(moved) == kept for count, _, kept in ways if count == most)


@pytest.mark.parametrize('semitones', range(1, 12))
@pytest.mark.parametrize(('low', 'shift'), [(24, 0), (91, -12)], ids=['lowest', 'highest'])
def test_at_the_edge_of_the_range_all_notes_are_kept_and_nothing_is_told(low, shift, semitones):
    bars = bars_of('4/4')
    made = frames_of([(4 * k, 4 * k + 4, low + p) for k, p in enumerate((0, 3, 7, 10))], bars)
    wanted = frames_of([(4 * k, 4 * k + 4, low + p + semitones + shift)
                        for k, p in enumerate((0, 3, 7, 10))], bars)
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        moved = move(made, semitones)
    assert np.array_equal(moved.sounding, wanted.sounding)
    assert np.array_equal(moved.onset, wanted.onset)


@given(st.lists(st.none() | st.floats(-1e3, 1e3), max_size=12))
def test_the_interval_is_scipys_of_the_values_that_are_there(values):
    there = [value for value in values if value is not None]
    found = interval(values)
    assert list(found) == ['count', 'mean', 'low', 'high']
    assert found['count'] == len(there)
    assert found['mean'] == (pytest.approx(sum(there) / len(there), abs=1e-9) if there else None)
    if len(there) < 2:
        assert (found['low'], found['high']) == (None, None)
        return
    error = np.std(there, ddof=1) / len(there) ** 0.5
    if error:
        low, high = student.interval(0.95, len(there) - 1, loc=np.mean(there), scale=error)
        assert (found['low'], found['high']) == pytest.approx((low, high), abs=1e-6)
    else:
        assert found['low'] == found['mean'] == found['high']


def test_the_interval_of_the_normal_distribution_holds_its_mean_19_times_in_20(rng):
    held = [(lambda i: i['low'] < 5 < i['high'])(interval(row.tolist()))
            for row in rng.normal(5, 2, (2000, 4))]
    assert 0.93 < np.mean(held) < 0.97


@pytest.fixture(scope='module')
def found():
    tune = converter.parse("tinynotation: 4/4 c4 d e f g2 a4 b c'1 b4 a g2")
    return sweep(tune, block_model(), rates=('full', 16, 0), seeds=4, channel='paper')


def test_the_summary_has_a_line_for_each_control_rate_and_measure(found):
    lines = found.summary()
    places = [('query', rate) for rate in ('full', '16 bits', '0 bits')]
    places += [(control, rate) for control in ('shuffled', 'transposed') for _, rate in places[:3]]
    assert sorted((line['control'], line['rate'], line['measure']) for line in lines) == sorted(
        (*place, name) for place in [*places, ('prior', '')] for name in MEASURES)
    for line in lines:
        values = found.column(line['measure'], control=line['control'], rate=line['rate'])
        assert len(values) == 4
        assert {name: line[name] for name in ('count', 'mean', 'low', 'high')} == interval(values)


def test_what_is_not_there_has_no_mean(found):
    lines = {(line['control'], line['rate'], line['measure']): line for line in found.summary()}
    silent, heard = lines['query', '0 bits', 'chroma_cosine'], lines['prior', '', 'chroma_cosine']
    assert (silent['count'], silent['mean'], silent['low']) == (0, None, None)
    assert heard['low'] < heard['mean'] < heard['high']


def test_rows_are_written_with_six_decimals_and_nothing_for_none(tmp_path):
    write_rows([{'a': 1 / 3, 'b': None, 'c': 'x, "y"', 'd': 7}], tmp_path / 'rows.csv')
    assert (tmp_path / 'rows.csv').read_bytes() == b'a,b,c,d\n0.333333,,"x, ""y""",7\n'


@pytest.mark.parametrize(('rate', 'name'), [('full', 'rate-full'), (64, 'rate-0064'),
                                            (0, 'rate-0000'), (0.5, 'rate-0.5'),
                                            (12345, 'rate-12345')])
def test_files_of_rates_are_named_so_that_they_stand_in_order(rate, name):
    assert file_name(rate) == name


@pytest.fixture(scope='module')
def chorales():
    """Twelve seeds through the shipped model."""
    return sweep(q.load_score('corpus:bach/bwv66.6'), 'chorales', rates=('full', 0), seeds=12)


@pytest.mark.parametrize('control', ['query', 'shuffled'])
@pytest.mark.parametrize('name', ['notes', 'chroma_cosine', 'pitch_class_sets', 'silent_share'])
def test_at_rate_0_nothing_of_the_query_is_left(name, control, chorales):
    rows = chorales.column(name, control=control, rate='0 bits')
    prior = chorales.column(name, control='prior')
    assert len(rows) == len(prior) == 12
    assert mannwhitneyu(rows, prior, alternative='two-sided').pvalue > 0.01


@pytest.mark.parametrize('control', ['query', 'transposed'])
def test_at_full_rate_the_same_test_finds_the_query(control, chorales):
    rows = chorales.column('chroma_cosine', control=control, rate='full')
    for other in (chorales.column('chroma_cosine', control='prior'),
                  chorales.column('chroma_cosine', control='shuffled', rate='full')):
        assert mannwhitneyu(rows, other, alternative='greater').pvalue < 1e-3


def test_a_plane_of_frames_that_is_not_the_query_stays_as_it_was(rng):
    made = frames_of([(0, 16, 60), (16, 32, 64)], bars_of('4/4', '4/4'))
    before = replace(made, sounding=made.sounding.copy(), onset=made.onset.copy())
    shuffle_bars(made, rng)
    move(made, 6)
    assert np.array_equal(made.sounding, before.sounding)
    assert np.array_equal(made.onset, before.onset)
