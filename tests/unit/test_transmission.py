"""What a query goes through: encoder's sample, channel, decoder, on arrays."""

import json
from dataclasses import replace

import numpy as np
import pytest
from music21 import note, stream
from musicxml_checks import block_model
from networks import random_model
from scipy.stats import kstest
from strategies import bars_of, frames_of

import qbdi_m21 as q
from qbdi_m21.channel.allocation import allocate_bits, bits_to_floor
from qbdi_m21.channel.source import Source
from qbdi_m21.errors import EmptyScoreError, ParameterError
from qbdi_m21.frames.grid import Grid
from qbdi_m21.frames.windows import layout_windows
from qbdi_m21.improvisation.settings import Settings
from qbdi_m21.improvisation.transmission import (
    Encoding,
    covering,
    encode_frames,
    transmit_encoding,
    transmit_frames,
)

#: Windows of a long piece whose posteriors are drawn from a Gaussian source.
MANY, WITHIN = 2000, 0.2


@pytest.fixture(scope='module')
def chorale():
    return q.to_frames(q.load_score('corpus:bach/bwv66.6'))


@pytest.fixture(scope='module')
def model():
    """A model whose statistics differ from latent to latent."""
    rng = np.random.default_rng(8)
    return replace(block_model(), mean=np.float32(rng.normal(0, 0.1, 78)),
                   variance=np.float32(rng.uniform(0.01, 0.2, 78)),
                   posterior_variance=np.float32(rng.uniform(0.01, 0.2, 78)))


@pytest.fixture(scope='module')
def encoding(chorale, model):
    return encode_frames(chorale, model)


@pytest.fixture(scope='module')
def long():
    """A model of three latents, and a long query whose latents are N(0, 1) as its corpus is."""
    values = {'mean': np.zeros(3, np.float32),
              'variance': np.full(3, 1 - WITHIN, np.float32),
              'posterior_variance': np.full(3, WITHIN, np.float32)}
    made = random_model(**values)
    grid = Grid(bars_of(*['3/8'] * MANY))
    layout = layout_windows(grid, made.spec.window_frames)
    mean = np.random.default_rng(5).normal(0, np.sqrt(1 - WITHIN), (MANY, 3))
    windows = np.zeros((MANY, made.spec.window_frames, 2 * made.spec.num_pitches), bool)
    return made, Encoding(mean, np.full(mean.shape, WITHIN), windows, layout, grid)


def send(encoding, model, **options):
    return transmit_encoding(encoding, model, Settings.parse(**options))


def gains(bits, variance):
    """Return the gain g of the channel that keeps the prior: g^2 / (1 - g^2) = (4^R - 1) / t."""
    signal = (4.0 ** bits - 1) / variance
    return np.sqrt(signal / (1 + signal))


def test_an_encoding_is_the_posterior_of_every_window(chorale, model, encoding):
    mean, variance = model.encode(encoding.windows)
    np.testing.assert_array_equal(encoding.mean, mean)
    np.testing.assert_array_equal(encoding.variance, variance)
    assert encoding.mean.dtype == encoding.variance.dtype == np.float64
    assert encoding.grid == chorale.grid
    assert encoding.bars.tolist() == list(range(10))


def test_a_long_bar_has_several_windows_and_a_short_one_has_one(model):
    held = frames_of([(0, 60, 60)], bars_of('7/4', '3/4', '4/4', pickup_ql=2))
    heard = encode_frames(held, model)
    assert heard.bars.tolist() == [0, 1, 1, 2, 3]
    sent = transmit_frames(held, model, rate=[0, 8, 16, 'full'])
    assert sent.nominal_bits.tolist() == [0, 8, 8, 16, np.inf]


def test_frames_without_a_note_are_refused(model):
    silent = frames_of([], bars_of('4/4'))
    for call in (encode_frames, transmit_frames):
        with pytest.raises(EmptyScoreError, match="no note of the query is within the model's"):
            call(silent, model)


def test_grace_notes_alone_are_no_query(model):
    part = stream.Part([stream.Measure([note.Note(60).getGrace(), note.Rest(quarterLength=4)])])
    with pytest.raises(EmptyScoreError, match='longer than a grace note'):
        q.improvise(stream.Score([part]), model)


def test_what_is_sent_is_a_sample_of_the_posteriors(long):
    model, heard = long
    sent = send(heard, model, rate=8).sent
    assert kstest(((sent - heard.mean) / np.sqrt(heard.variance)).ravel(), 'norm').pvalue > 1e-3


def test_values_may_be_sent_and_the_noise_stays_the_same(encoding, model):
    own = send(encoding, model, rate=60)
    values = np.ones_like(encoding.mean)
    other = transmit_encoding(encoding, model, Settings.parse(rate=60), sent=values)
    np.testing.assert_array_equal(other.sent, values)
    np.testing.assert_array_equal(other.bits, own.bits)
    # z_d = g z_e + noise: what is left is the noise
    source = send(encoding, model, rate='full')
    np.testing.assert_array_equal(source.sent, own.sent)
    none = own.bits == 0
    assert none.any()
    np.testing.assert_array_equal(own.received[none], other.received[none])
    assert np.all(own.received[~none] != other.received[~none])


@pytest.mark.parametrize('allocation', ['whole', 'continuous', 'dynamic'])
def test_the_noise_is_that_of_the_channel_that_keeps_the_prior(allocation, encoding, model):
    sent = send(encoding, model, rate=64, allocation=allocation, seed=3)
    square = ((encoding.mean - model.mean) ** 2 + encoding.variance).mean(axis=0)
    power = np.maximum(model.variance + model.posterior_variance, square)
    gain = gains(sent.bits, power)
    noise = (sent.received - gain * sent.sent) / np.sqrt(1 - gain ** 2)
    assert kstest(noise.ravel(), 'norm').pvalue > 1e-3


@pytest.mark.parametrize('name', ['chorales', 'reels'])
def test_at_rate_zero_nothing_but_the_prior_arrives(name, chorale):
    model = q.load_model(name)
    for seed in (0, 1):
        sent = transmit_frames(chorale, model, rate=0, seed=seed)
        assert kstest(sent.received.ravel(), 'norm').pvalue > 1e-3
        assert not sent.bits.any()
        assert not sent.delivered_bits.any()
    # in nothing does it depend on the query
    other = transmit_frames(chorale.transpose(5), model, rate=0, seed=1)
    np.testing.assert_array_equal(other.received, sent.received)


@pytest.mark.parametrize('rate', [0, 1, 2, 3, 6, 12, 'half', 0.1, 'full'])
@pytest.mark.parametrize('allocation', ['whole', 'continuous'])
def test_a_query_like_the_corpus_arrives_as_the_prior_at_every_rate(rate, allocation, long):
    model, heard = long
    received = send(heard, model, rate=rate, allocation=allocation).received
    assert kstest(received.ravel(), 'norm').pvalue > 1e-3


def test_through_the_papers_channel_it_does_not(long):
    # a test of the test: at a bit for each latent the shrinking is plain
    model, heard = long
    received = send(heard, model, rate=3, channel='paper').received
    assert kstest(received.ravel(), 'norm').pvalue < 1e-6
    assert received.var() == pytest.approx(0.75, rel=0.05)


@pytest.mark.parametrize('channel', ['prior-preserving', 'paper', 'notebook'])
def test_what_is_sent_and_arrives_is_as_near_as_its_bits_allow(channel, long):
    model, heard = long
    for rate in (3, 9):
        sent = send(heard, model, rate=rate, channel=channel)
        correlation = np.corrcoef(sent.sent.ravel(), sent.received.ravel())[0, 1]
        told = -0.5 * np.log2(1 - correlation ** 2)
        if channel == 'notebook':       # takes z_e to vary as little as a posterior does
            assert told > rate / 3 + 0.5
        else:
            assert told == pytest.approx(rate / 3, abs=0.1)


def test_full_rate_is_exact_through_every_model(chorale):
    for name in ('chorales', 'reels'):
        sent = transmit_frames(chorale, q.load_model(name), rate='full')
        np.testing.assert_array_equal(sent.received, sent.sent)
        np.testing.assert_array_equal(sent.delivered_bits, sent.full_bits)
        assert np.all(sent.full_bits > 0)


def test_a_rate_for_each_bar_is_that_of_the_same_bar_alone(encoding, model):
    rates = [0, 'full', 8, 8, 64, 0.5, 'full', 0, 8, 30]
    sent = send(encoding, model, rate=rates)
    assert sent.rates == tuple(rates)
    np.testing.assert_array_equal(sent.received[[1, 6]], sent.sent[[1, 6]])
    assert sent.nominal_bits[[0, 7]].tolist() == [0, 0]
    assert sent.nominal_bits[[2, 3, 8]].tolist() == [8, 8, 8]
    assert sent.nominal_bits[[4, 9]].tolist() == [64, 30]
    for rate, row in ((8, 2), (64, 4), (30, 9)):
        np.testing.assert_array_equal(sent.bits[row], allocate_bits(model.variance, rate))
    # with one rate, all are as they are without a list
    np.testing.assert_array_equal(send(encoding, model, rate=[8] * 10).received,
                                  send(encoding, model, rate=8).received)


def test_the_same_seed_sends_the_same_and_another_seed_or_stream_does_not(encoding, model):
    settings = Settings.parse(rate=32, seed=7, decoding='sample')
    first, again = (transmit_encoding(encoding, model, settings) for _ in range(2))
    for name in ('sent', 'received', 'bits', 'delivered_bits'):
        np.testing.assert_array_equal(getattr(first, name), getattr(again, name))
    np.testing.assert_array_equal(first.frames.sounding, again.frames.sounding)
    others = [send(encoding, model, rate=32, seed=8, decoding='sample'),
              *(transmit_encoding(encoding, model, settings, stream=k) for k in (1, 2))]
    made = [first, *others]
    for k, one in enumerate(made):
        for two in made[k + 1:]:
            assert not np.any(one.sent == two.sent)
            assert not np.any(one.received == two.received)
            # and they have nothing to do with each other
            noise = [(sent.sent - encoding.mean).ravel() for sent in (one, two)]
            assert abs(np.corrcoef(*noise)[0, 1]) < 5 / np.sqrt(len(noise[0]))


def test_each_variance_allocates_by_its_own_statistics(chorale):
    model = q.load_model('chorales')
    encoding = encode_frames(chorale, model)
    expected = {'corpus': model.variance, 'query': encoding.mean.var(axis=0),
                'posterior': encoding.variance.mean(axis=0),
                'sample': send(encoding, model, rate=0).sent.var(axis=0)}
    found = {}
    for name, variance in expected.items():
        found[name] = send(encoding, model, rate=40, variance=name).bits
        assert found[name].tolist() == [allocate_bits(variance, 40).tolist()] * 10
    assert len({bits.tobytes() for bits in found.values()}) == 4


def test_each_variance_designs_the_channel_for_its_own_mean(encoding, model):
    # the paper's channel pulls to it
    at_zero = {name: send(encoding, model, rate=0, channel='paper', variance=name)
               for name in ('corpus', 'query', 'posterior', 'sample')}
    expected = {'corpus': model.mean, 'query': encoding.mean.mean(axis=0),
                'posterior': encoding.mean.mean(axis=0),
                'sample': at_zero['sample'].sent.mean(axis=0)}
    for name, mean in expected.items():
        assert at_zero[name].received == pytest.approx(np.tile(mean, (10, 1)))


@pytest.mark.parametrize('variance', ['query', 'sample'])
def test_a_query_of_one_bar_has_no_variance_to_allocate_by(variance, chorale, model):
    one = chorale.slice_bars(3, 4)
    for rate in (1, 256, 'half', [8]):
        with pytest.raises(ParameterError, match=f'the {variance} variance of every latent is 0, '
                           r"so no bit can be allocated \(a query of one bar\?\); take "
                           "variance='corpus'"):
            transmit_frames(one, model, rate=rate, variance=variance)
    for rate in (0, 'full'):
        assert len(transmit_frames(one, model, rate=rate, variance=variance).received) == 1
    for other in ('corpus', 'posterior'):
        assert transmit_frames(one, model, rate=8, variance=other).nominal_bits.tolist() == [8]


def test_a_source_covers_the_query(encoding):
    narrow = Source(encoding.mean.mean(axis=0), np.full(78, 1e-3), np.full(78, 1e-4))
    wide = covering(narrow, encoding)
    power = ((encoding.mean - narrow.mean) ** 2 + encoding.variance).mean(axis=0)
    assert wide.total == pytest.approx(np.maximum(narrow.total, power))
    assert np.all(wide.variance == narrow.variance)
    far = Source(narrow.mean, np.full(78, 50.0), np.full(78, 1e-4))
    np.testing.assert_array_equal(covering(far, encoding).total, far.total)


def test_json_says_what_was_asked_and_what_arrived(encoding, model):
    rates = ['full', 0.5, 8, 0, *[16] * 6]
    sent = send(encoding, model, rate=rates, threshold=0.3)
    said = json.loads(json.dumps(sent.to_json()))
    assert (said['parts'], said['decoding'], said['threshold']) == ([], 'threshold', 0.3)
    assert said['latents'] == 78
    assert said['latents_with_bits'] == 78      # at full rate all of them
    assert [w['rate'] for w in said['windows']] == rates
    assert [w['bar'] for w in said['windows']] == list(range(10))
    assert [w['measure'] for w in said['windows']] == list(range(10))   # the pickup is 0
    assert [w['nominal_bits'] for w in said['windows']] == [
        None, *sent.nominal_bits[1:].tolist()]
    for name in ('delivered_bits', 'full_bits'):
        values = [w[name] for w in said['windows']]
        assert values == pytest.approx(getattr(sent, name), abs=1e-6)
        assert said[name] == pytest.approx(np.mean(values), abs=1e-5)
    few = send(encoding, model, rate=8)
    assert few.to_json()['latents_with_bits'] == np.count_nonzero(allocate_bits(model.variance, 8))


def test_latents_that_never_vary_get_no_bits(chorale):
    model = block_model()
    model.variance[10:] = 0
    bits = transmit_frames(chorale, model, rate=100).bits
    assert bits[:, 10:].sum() == 0
    assert bits.sum() == 1000
    assert bits_to_floor(model.variance, 2.0 ** -48)[10:].sum() == 0
