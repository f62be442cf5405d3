"""The information rate of a score's latents, of every kind."""

import numpy as np
import pytest
from music21 import converter, stream
from musicxml_checks import block_model, fingerprint

import qbdi_m21 as q
from qbdi_m21.errors import EmptyScoreError, ModelError, ParameterError
from qbdi_m21.frames.notes import extract_notes
from qbdi_m21.improvisation.information import LATENTS, latent_dynamics
from qbdi_m21.improvisation.settings import Settings
from qbdi_m21.improvisation.transmission import transmit_encoding
from qbdi_m21.model import future
from qbdi_m21.model.bounds import encode_windows
from qbdi_m21.model.future import future_information


@pytest.fixture(scope='module')
def choral():
    return q.load_score('corpus:bach/bwv66.6')


@pytest.fixture(scope='module')
def blocks():
    return block_model()


@pytest.mark.parametrize('latents', LATENTS)
def test_there_is_a_rate_for_every_bar(choral, blocks, latents):
    for model in (blocks, 'chorales'):
        found = q.latent_information_rate(choral, model, latents=latents)
        assert len(found.profile) == 10 == found.grid.num_frames
        assert found.profile.sum() == pytest.approx(found.total_bits)
        places = [(row['bar'], row['measure']) for row in found.to_json()['profile']]
        assert places == [(k, k) for k in range(10)]


def test_means_are_compared_by_cosine_and_posteriors_by_their_divergence(choral):
    encoding = q.encode(choral)
    means = q.latent_information_rate(choral)
    assert np.array_equal(means.oracle.features, encoding.mean)
    assert means.oracle.distance == 'cosine'
    whole = q.latent_information_rate(choral, latents='posterior')
    assert np.array_equal(whole.oracle.features,
                          np.hstack([encoding.mean, np.log(encoding.variance)]))
    assert whole.oracle.distance == 'symmetric-kl'
    by_kl = q.latent_information_rate(choral, latents='posterior', distance='kl')
    assert by_kl.oracle.distance == 'kl'


def test_samples_and_what_arrives_are_those_of_an_improvisation(choral):
    encoding = q.encode(choral)
    sent = transmit_encoding(encoding, q.load_model('chorales'), Settings.parse(rate=64, seed=3))
    samples = q.latent_information_rate(choral, latents='samples', seed=3)
    received = q.latent_information_rate(choral, latents='received', rate=64, seed=3)
    assert np.array_equal(samples.oracle.features, sent.sent)
    assert np.array_equal(received.oracle.features, sent.received)
    assert not np.array_equal(sent.sent, sent.received)
    full = q.latent_information_rate(choral, latents='received', rate='full', seed=3)
    assert np.array_equal(full.oracle.features, sent.sent)


def test_the_seed_decides_samples_and_nothing_else(choral):
    one, again, other = (q.latent_information_rate(choral, latents='samples', seed=s).oracle
                         for s in (1, 1, 2))
    assert np.array_equal(one.features, again.features)
    assert not np.array_equal(one.features, other.features)
    assert np.array_equal(q.latent_information_rate(choral, seed=1).curve,
                          q.latent_information_rate(choral, seed=2).curve)


def test_the_channel_decides_what_arrives_at_a_low_rate(choral):
    paper, prior = (q.latent_information_rate(choral, latents='received', rate=0, channel=channel)
                    for channel in ('paper', 'prior-preserving'))
    # the mean of the channel in each bar: all bars are one symbol
    assert len(np.unique(paper.oracle.features, axis=0)) == 1
    assert len(np.unique(prior.oracle.features, axis=0)) == 10


def test_options_of_the_information_rate_are_passed_on(choral, blocks):
    found = q.latent_information_rate(choral, blocks, distance='euclidean', search='exact', null=3,
                                      seed=6)
    wanted = q.information_rate(q.encode(choral, blocks).mean, distance='euclidean',
                                search='exact', null=3, seed=6)
    assert np.array_equal(found.curve, wanted.curve)
    assert np.array_equal(found.null.shuffled_bits, wanted.null.shuffled_bits)
    assert found.null.seed == 6


def test_bars_that_repeat_have_information(blocks):
    bars = ['c1', 'e1', 'g1', 'b1'] * 4
    score = stream.Score([converter.parse('tinyNotation: 4/4 ' + ' '.join(bars))])
    found = q.latent_information_rate(score, blocks, null=9)
    assert not found.profile[:4].any()
    assert found.profile[8:].min() > 1
    assert found.null.p_value == 1 / 10


def test_a_long_bar_has_a_rate_for_each_of_its_windows(blocks):
    score = stream.Score([converter.parse('tinyNotation: 6/4 c1. e1. c1. e1.')])
    found = q.latent_information_rate(score, blocks)
    assert len(found.profile) == 8 == found.grid.num_frames
    assert [row['bar'] for row in found.to_json()['profile']] == [0, 0, 1, 1, 2, 2, 3, 3]


def test_the_score_is_not_changed(choral, blocks):
    before = fingerprint(choral)
    q.latent_information_rate(choral, blocks, latents='received', rate=16)
    assert fingerprint(choral) == before


def test_bad_input_is_refused(choral, blocks):
    with pytest.raises(ParameterError, match="latents is 'best'; expected one of means, samples"):
        q.latent_information_rate(choral, blocks, latents='best')
    with pytest.raises(ParameterError, match='the score has 1 bar; expected at least two'):
        q.latent_information_rate(converter.parse('tinyNotation: 4/4 c1'), blocks)
    with pytest.raises(ParameterError, match='rate is'):
        q.latent_information_rate(choral, blocks, latents='received', rate=-1)
    with pytest.raises(EmptyScoreError, match='expected at least one'):
        q.latent_information_rate(stream.Score(), blocks)
    with pytest.raises(ModelError, match='no model'):
        q.latent_information_rate(choral, 'none')


def test_a_note_table_is_as_good_as_its_score(choral, blocks):
    one, two = (q.latent_information_rate(music, blocks, null=3, seed=1)
                for music in (choral, extract_notes(choral)))
    assert one.to_json() == two.to_json()


def test_dynamics_of_many_works_are_those_of_each_and_of_their_pairs(blocks, monkeypatch):
    monkeypatch.setattr(future, 'COMPONENTS', (8, 16))      # in a tenth of the time
    rng = np.random.default_rng(1)
    spec = blocks.spec
    own = rng.random((6, spec.window_frames, 2 * spec.num_pitches)) < 0.03
    work = np.repeat(np.arange(40), 12)
    windows = own[np.concatenate([(k + np.arange(12)) % 6 for k in range(40)])]
    found = latent_dynamics(blocks, windows, work, null=3, seed=2)
    told = [q.information_rate(np.asarray(blocks.encode(windows[work == k])[0], np.float64),
                               null=3, seed=2) for k in range(40)]
    rate = found['information_rate']
    assert rate['works'] == 40
    assert rate['bits'] == pytest.approx(sum(one.total_bits for one in told) / 480, abs=1e-3)
    assert rate['null_bits'] == pytest.approx(
        sum(one.null.mean_bits for one in told) / 480, abs=1e-3)
    assert rate['bits'] > rate['null_bits']     # the works go round
    wanted = future_information(encode_windows(blocks, windows), windows, work, seed=2)
    assert found['future'] == pytest.approx(wanted, abs=1e-3)
    assert found['future']['surface_bits'] > 1.5


def test_few_works_tell_nothing_of_the_next_bar(blocks):
    spec = blocks.spec
    windows = np.ones((2, spec.window_frames, 2 * spec.num_pitches), bool)
    assert latent_dynamics(blocks, windows, np.array([0, 1])) == {
        'information_rate': None, 'future': None}
