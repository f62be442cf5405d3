"""Rates and what arrives: budgets, shares, allocations, and what no model can carry."""

import re
import warnings
from itertools import pairwise

import numpy as np
import pytest
from musicxml_checks import block_model
from networks import random_model

import qbdi_m21 as q
from qbdi_m21.channel.allocation import allocate_bits, allocate_continuous, bits_to_floor
from qbdi_m21.errors import PitchClippedWarning, RateWarning
from qbdi_m21.improvisation.settings import Settings
from qbdi_m21.improvisation.transmission import (
    FLOOR,
    encode_frames,
    rows_of_rates,
    transmit_encoding,
    transmit_frames,
)
from qbdi_m21.model.inference import STATISTICS

CHORALE, REEL = 'bach/bwv66.6', 'ryansMammoth/BanishMisfortune'
PIANO = 'schoenberg/opus19/movement2'

#: Queries in the style of a model, in that of the other, and in neither.
PAIRS = [(CHORALE, 'chorales'), (REEL, 'chorales'), (CHORALE, 'reels'), (PIANO, 'reels')]
LIMITED = [1, 2, 4, 8, 16, 32, 64]


@pytest.fixture(scope='module')
def heard():
    """Encodings of queries by models, with statistics of these and a decoder that is fast."""
    found = {}
    for query, name in PAIRS:
        with warnings.catch_warnings():
            warnings.simplefilter('ignore', PitchClippedWarning)
            frames = q.to_frames(q.load_score(f'corpus:{query}'))
        model = q.load_model(name)
        fast = random_model(spec=model.spec, sizes={'hidden': 2, 'latent': model.num_latents},
                            **{one: getattr(model, one) for one in STATISTICS})
        found[query, name] = encode_frames(frames, model), fast
    return found


@pytest.fixture(params=PAIRS, ids=' by '.join)
def sending(heard, request):
    """A function that sends one query through one model."""
    encoding, model = heard[request.param]

    def send(rate, **options):
        return transmit_encoding(encoding, model, Settings.parse(rate=rate, **options))

    return send


@pytest.fixture(scope='module')
def chorale(heard):
    return heard[CHORALE, 'chorales']


@pytest.mark.parametrize('variance', ['corpus', 'query', 'sample', 'posterior'])
@pytest.mark.parametrize('allocation', ['whole', 'continuous'])
def test_no_more_arrives_than_the_rate_in_the_mean(sending, variance, allocation):
    for rate in LIMITED:
        sent = sending(rate, variance=variance, allocation=allocation)
        assert sent.nominal_bits == pytest.approx(rate)
        assert 0 < sent.delivered_bits.mean() <= rate


@pytest.mark.parametrize('allocation', ['whole', 'continuous'])
def test_the_rate_of_a_bar_changes_no_other_bar(sending, allocation):
    bars = len(sending('full').rates)
    rates = [[1, 8, 64, 8, 'full', 0][k % 6] for k in range(bars)]
    sent = sending(rates, allocation=allocation)
    of_window = [rates[bar] for bar in sent.encoding.bars.tolist()]
    for rate in (1, 8, 64, 'full', 0):
        rows = [one == rate for one in of_window]
        alone = sending(rate, allocation=allocation)
        for name in ('sent', 'received', 'bits', 'nominal_bits', 'delivered_bits', 'full_bits'):
            np.testing.assert_array_equal(getattr(sent, name)[rows], getattr(alone, name)[rows])


def test_without_that_care_more_would_arrive(heard):
    # a test of the test: the paper's channel is designed for the corpus alone
    encoding, model = heard[CHORALE, 'reels']
    sent = transmit_encoding(encoding, model, Settings.parse(rate=1, channel='paper'))
    assert sent.delivered_bits.mean() > 1


def test_more_bits_never_deliver_less(sending):
    for allocation in ('whole', 'continuous', 'dynamic'):
        arrived = [sending(rate, allocation=allocation).delivered_bits
                   for rate in (0, 1, 3, 30, 100, 500, 'full')]
        for less, more in pairwise(arrived):
            assert np.all(less <= more + 1e-9)
        assert not arrived[0].any()
        assert np.all(arrived[-2] < arrived[-1])


@pytest.mark.parametrize('allocation', ['whole', 'continuous', 'dynamic'])
@pytest.mark.parametrize('share', [0.03, 'half', 0.95])
def test_a_share_is_met_by_the_nearest_budget(sending, share, allocation):
    sent = sending(share, allocation=allocation)
    goal = {'half': 0.5}.get(share, share) * sent.full_bits.mean()
    budget = round(sent.nominal_bits.mean())
    assert sent.nominal_bits.mean() == pytest.approx(budget)

    def off(bits):
        return abs(sending(bits, allocation=allocation).delivered_bits.mean() - goal)

    assert off(budget) == pytest.approx(abs(sent.delivered_bits.mean() - goal))
    assert off(budget) <= off(budget + 1) + 1e-12
    assert budget == 0 or off(budget) <= off(budget - 1) + 1e-12


def test_half_is_a_half(sending):
    one, two = sending('half'), sending(0.5)
    np.testing.assert_array_equal(one.received, two.received)
    assert one.rates == two.rates
    # of queries that a model tells in dozens of bits one bit is no great share
    assert one.delivered_bits.mean() / one.full_bits.mean() == pytest.approx(0.5, abs=0.02)


def test_a_share_is_one_of_its_own_bars(chorale):
    encoding, model = chorale
    rates = ['half' if k % 2 else 'full' for k in range(10)]
    sent = transmit_encoding(encoding, model, Settings.parse(rate=rates))
    odd = np.arange(10) % 2 == 1
    goal = 0.5 * sent.full_bits[odd].mean()
    budget = int(sent.nominal_bits[1])

    def off(bits):
        given = [bits if k % 2 else 'full' for k in range(10)]
        made = transmit_encoding(encoding, model, Settings.parse(rate=given))
        return abs(made.delivered_bits[odd].mean() - goal)

    assert off(budget) <= min(off(budget - 1), off(budget + 1))


def test_a_tiny_share_is_no_bit_and_almost_all_is_almost_all(chorale):
    encoding, model = chorale
    for allocation in ('whole', 'continuous', 'dynamic'):
        tiny, almost = (transmit_encoding(encoding, model, Settings.parse(
            rate=share, allocation=allocation)) for share in (1e-9, 1 - 1e-9))
        assert tiny.nominal_bits.tolist() == [0] * 10
        assert almost.delivered_bits.mean() == pytest.approx(almost.full_bits.mean(), rel=1e-6)
        assert np.all(np.isfinite(almost.nominal_bits))


@pytest.mark.parametrize('rate', [0, 1, 7, 100])
def test_whole_bits_are_the_same_for_every_window_and_sum_to_the_rate(sending, rate):
    sent = sending(rate)
    assert np.all(sent.bits == np.floor(sent.bits))
    assert np.all(sent.bits == sent.bits[0])
    assert sent.bits.sum(axis=1).tolist() == [rate] * len(sent.bits)


@pytest.mark.parametrize('rate', [1, 7, 100])
def test_continuous_bits_sum_to_the_rate_and_are_parts_of_bits(chorale, rate):
    encoding, model = chorale
    sent = transmit_encoding(encoding, model, Settings.parse(rate=rate, allocation='continuous'))
    expected = allocate_continuous(model.variance, rate)
    assert sent.bits == pytest.approx(np.tile(expected, (10, 1)))
    assert sent.nominal_bits == pytest.approx(rate)
    assert np.any(sent.bits % 1)


@pytest.mark.parametrize('rate', [1, 7, 100])
def test_dynamic_bits_have_the_rate_as_their_mean_and_go_to_bars_that_say_more(sending, rate):
    sent = sending(rate, allocation='dynamic')
    assert np.all(sent.bits == np.floor(sent.bits))
    assert sent.bits.sum() == rate * len(sent.bits)
    assert len(set(sent.nominal_bits.tolist())) > 1


def test_dynamic_bits_follow_the_distance_from_the_corpus(chorale):
    encoding, model = chorale
    sent = transmit_encoding(encoding, model, Settings.parse(rate=40, allocation='dynamic'))
    away = ((encoding.mean - model.mean) ** 2).sum(axis=1)
    order = np.argsort(away)
    assert np.all(np.diff(sent.nominal_bits[order]) >= 0)
    loudness = away / model.variance.sum(dtype=np.float64)
    flat = (loudness[:, None] * model.variance.astype(np.float64)).ravel()
    np.testing.assert_array_equal(sent.bits.ravel(), allocate_bits(flat, 400))


def test_dynamic_bits_are_shared_among_bars_of_one_rate_only(chorale):
    encoding, model = chorale
    rates = [40] * 5 + [8] * 5
    sent = transmit_encoding(encoding, model, Settings.parse(rate=rates, allocation='dynamic'))
    assert sent.bits[:5].sum() == 200
    assert sent.bits[5:].sum() == 40


def test_bars_of_one_rate_are_a_group_wherever_they_are(chorale):
    encoding, _ = chorale
    rates = ('full', 8, 0.5, 8, 8, 'full', 0, 0, 0.5, 9)
    groups = rows_of_rates(encoding, rates)
    assert {rate: rows.tolist() for rate, rows in groups.items()} == {
        'full': [0, 5], 8: [1, 3, 4], 0.5: [2, 8], 0: [6, 7], 9: [9]}


def unspent(asked, spent):
    return (f'a rate of {asked} bits is above what the model can carry: {spent} bits tell its '
            'latents as exactly as its numbers are, and the others were not spent')


@pytest.mark.parametrize('allocation', ['whole', 'continuous', 'dynamic'])
def test_a_rate_above_what_a_model_can_carry_is_told(chorale, allocation):
    encoding, model = chorale
    with pytest.warns(RateWarning) as caught:
        sent = transmit_encoding(encoding, model, Settings.parse(
            rate=10_000, allocation=allocation))
    spent = sent.nominal_bits.mean()
    assert [str(one.message) for one in caught] == [unspent(10_000, f'{spent:.0f}')]
    assert spent < 9_000
    # nothing is lost by that
    assert sent.received == pytest.approx(sent.sent, abs=1e-5)
    assert sent.delivered_bits == pytest.approx(sent.full_bits, rel=1e-6)


def test_it_is_told_from_the_first_bit_that_is_left_over(chorale):
    encoding, model = chorale
    most = int(bits_to_floor(model.variance, FLOOR).sum())
    sent = transmit_encoding(encoding, model, Settings.parse(rate=most))
    assert sent.nominal_bits.tolist() == [most] * 10
    with pytest.warns(RateWarning, match=re.escape(unspent(most + 1, most))):
        more = transmit_encoding(encoding, model, Settings.parse(rate=most + 1))
    np.testing.assert_array_equal(more.received, sent.received)


def test_it_is_told_once_for_each_rate_at_the_line_of_the_caller():
    query = q.load_score('corpus:bach/bwv66.6')
    rates = ['full', 9000, 9000, 8, 9000, 8000, 0, 0, 'half', 8000]
    with pytest.warns(RateWarning, match='above what the model can carry') as caught:
        q.improvise(query, block_model(), rate=rates)
    assert [re.match(r'a rate of (\d+) bits', str(one.message))[1] for one in caught] == [
        '9000', '8000']
    assert {one.filename for one in caught} == {__file__}


def test_shares_and_full_rate_are_never_above_what_a_model_can_carry(sending):
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        for rate in ('full', 0, 0.999999, 'half'):
            for allocation in ('whole', 'dynamic'):
                sending(rate, allocation=allocation)


def test_a_rate_of_frames_is_that_of_a_score(chorale):
    query, model = q.load_score('corpus:bach/bwv66.6'), q.load_model('chorales')
    made = q.improvise(query, model, rate=[8] * 9 + ['half'], regions={'3': 0}, seed=2)
    (sent,) = made.derivation.transmissions
    rates = [8, 8, 8, 0, *[8] * 5, 0.5]
    own = transmit_frames(q.to_frames(query), model, rate=rates, seed=2)
    assert sent.rates == own.rates == tuple(rates)
    np.testing.assert_array_equal(sent.received, own.received)
    np.testing.assert_array_equal(sent.frames.sounding, own.frames.sounding)
    np.testing.assert_array_equal(sent.encoding.mean, chorale[0].mean)
