"""All measures of a model together: what they are of, and how they hang together."""

import json
import math

import numpy as np
import pytest
from musicxml_checks import block_model
from small_models import every_window, random_model

from qbdi_m21.errors import FramesError, ParameterError
from qbdi_m21.model import evaluation
from qbdi_m21.model.bounds import (
    cell_nats,
    distortion_and_rate,
    divergence_nats,
    encode_windows,
    evenly,
)
from qbdi_m21.model.context import ContextModel
from qbdi_m21.model.dense import DenseModel
from qbdi_m21.model.evaluation import evaluate


@pytest.fixture(scope='module')
def windows():
    """Return windows of a few held pitches."""
    rng = np.random.default_rng(0)
    held = np.zeros((12, 16, 156), bool)
    for window in held:
        window[:, rng.choice(78, 3, replace=False)] = True
    return held


@pytest.fixture(scope='module')
def found(windows):
    return evaluate(block_model(), windows)


def test_the_measures_add_up_and_bits_are_nats_by_ln_2(found):
    assert found['negative_elbo_nats'] == pytest.approx(
        found['distortion_nats'] + found['rate_nats'], abs=2e-3)
    for name in ('distortion', 'rate', 'negative_elbo'):
        assert found[f'{name}_bits'] == pytest.approx(found[f'{name}_nats'] / math.log(2), abs=2e-3)
    weighted = found['importance_weighted']
    assert weighted['bound_bits'] == pytest.approx(weighted['bound_nats'] / math.log(2), abs=2e-3)


def test_what_was_measured_is_told(found):
    assert (found['windows'], found['samples'], found['latents']) == (12, 8, 78)
    assert (found['importance_weighted']['windows'], found['importance_weighted']['samples']) == (
        12, 64)
    assert [found[k]['windows'] for k in ('information', 'reconstruction', 'chroma_cosine',
                                          'chroma_cosine_by_frame')] == [12] * 4
    assert json.loads(json.dumps(found, allow_nan=False)) == found


def test_units_are_active_by_two_criteria(found, windows):
    # every posterior of this model is narrow, so that every latent diverges from the prior;
    # but only those of pitches that sound in some windows have means that vary
    assert found['active_units'] == 78
    played = windows[..., :78].any(axis=1)
    assert found['active_units_by_variance'] == int((played.var(axis=0) > 0.01).sum())


def test_the_rate_is_the_mean_divergence_of_the_windows(found, windows):
    mean, variance = block_model().encode(windows)
    by_window = [sum(float(divergence_nats(m, v)) for m, v in zip(*pair, strict=True))
                 for pair in zip(mean.astype(float), variance.astype(float), strict=True)]
    assert found['rate_nats'] == pytest.approx(sum(by_window) / len(by_window), rel=1e-5)


def test_the_distortion_is_the_negative_log_likelihood(windows):
    model, rng = block_model(), np.random.default_rng(7)
    mean, variance = (x.astype(np.float64) for x in model.encode(windows))
    latents = mean + np.sqrt(variance) * rng.standard_normal(mean.shape)
    p = 1 / (1 + np.exp(-model.cell_logits(latents, windows).astype(np.float64)))
    nats = -np.where(windows, np.log(p), np.log1p(-p)).sum(axis=(1, 2)).mean()
    once = evaluate(model, windows, samples=1, iwae_samples=0, seed=7)
    assert once['distortion_nats'] == pytest.approx(nats, rel=1e-4)


def test_distortion_is_what_the_training_measures(windows):
    d, r = distortion_and_rate(block_model(), windows, samples=3, seed=5)
    found = evaluate(block_model(), windows, samples=3, iwae_samples=0, seed=5)
    assert (found['distortion_nats'], found['rate_nats']) == pytest.approx((d, r), abs=1e-3)


def test_the_seed_decides_the_measures(windows):
    first, again, other = (evaluate(block_model(), windows, samples=1, iwae_samples=2, seed=s)
                           for s in (1, 1, 2))
    assert first == again
    assert first['distortion_nats'] != other['distortion_nats']
    assert first['importance_weighted'] != other['importance_weighted']


def test_more_importance_samples_leave_all_else_as_it_is(windows):
    few, many = (evaluate(block_model(), windows, samples=2, iwae_samples=k) for k in (1, 5))
    for name in few.keys() - {'importance_weighted'}:
        assert few[name] == many[name]
    assert many['importance_weighted']['bound_nats'] < few['importance_weighted']['bound_nats']
    assert 'importance_weighted' not in evaluate(block_model(), windows, samples=1, iwae_samples=0)


@pytest.mark.parametrize('network', [DenseModel, ContextModel])
@pytest.mark.parametrize('seed', range(4))
def test_the_chain_of_bounds_holds(network, seed):
    model = random_model(network, latent=2, seed=seed, scale=0.5)
    found = evaluate(model, every_window(model), samples=100, iwae_samples=100, seed=seed)
    chain = found['information']
    assert (chain['lower_bound_bits'] <= chain['mutual_information_bits'] <= chain['rate_bits'])
    assert chain['lower_bound_bits'] == pytest.approx(
        chain['data_entropy_bits'] - chain['distortion_bits'], abs=2e-3)
    assert chain['posterior_prior_divergence_bits'] == pytest.approx(
        chain['rate_bits'] - chain['mutual_information_bits'], abs=2e-3)
    assert chain['distortion_bits'] == found['distortion_bits']
    # the source gives every window alike: no model needs fewer bits than its entropy
    bound = found['importance_weighted']['bound_bits']
    assert chain['data_entropy_bits'] <= bound <= found['negative_elbo_bits']


def test_the_chain_is_tight_where_bars_are_told_in_full():
    # bars that the model plays back without doubt: H - D comes up to I, and I to H
    windows = np.zeros((8, 16, 156), bool)
    for row in range(8):
        pitches = [6 + 12 * k for k in range(3) if row >> k & 1] + [8]
        windows[row][:, pitches] = True
        windows[row][::8, 78 + np.array(pitches)] = True
    chain = evaluate(block_model(), windows)['information']
    assert chain['data_entropy_bits'] == chain['mutual_information_bits'] == 3
    # what is left of D is the doubt of 2496 cells with log odds of 8 and more
    assert 3 - 2496 * math.log2(1 + math.exp(-7)) <= chain['lower_bound_bits'] <= 3


def test_a_latent_that_says_nothing_has_no_information():
    model = random_model(latent=2)
    for name in ('encoder_mean', 'encoder_log_variance'):
        for part in model.weights[name]:
            part[:] = 0
    found = evaluate(model, every_window(model))
    assert found['information']['mutual_information_bits'] == 0
    assert found['information']['rate_bits'] == found['rate_bits'] == 0
    assert (found['active_units'], found['active_units_by_variance']) == (0, 0)
    assert found['information']['lower_bound_bits'] <= 0


def test_parts_take_so_many_windows_at_most_and_progress_counts_them(monkeypatch):
    for name, most in (('MIXED', 20), ('WEIGHTED', 10), ('DECODED', 30)):
        monkeypatch.setattr(evaluation, f'MOST_{name}', most)
    model, told = random_model(), []
    windows = every_window(model)[:100]
    found = evaluate(model, windows, samples=2, iwae_samples=3,
                     progress=lambda *now: told.append(now))
    assert [found[k]['windows'] for k in (
        'information', 'importance_weighted', 'reconstruction', 'chroma_cosine',
        'chroma_cosine_by_frame')] == [20, 10, 30, 30, 30]
    assert found['windows'] == 100
    chain = found['information']
    assert chain['data_entropy_bits'] == pytest.approx(math.log2(20), abs=1e-3)
    some, rng = evenly(100, 20), np.random.default_rng(0)
    posterior = encode_windows(model, windows)
    d = [cell_nats(model, posterior.sample(rng), windows)[some].mean() for _ in range(2)]
    assert chain['distortion_bits'] == pytest.approx(sum(d) / 2 / math.log(2), abs=1e-3)
    assert chain['rate_bits'] == pytest.approx(
        posterior.divergence_nats()[some].sum(axis=1).mean() / math.log(2), abs=1e-3)
    done, totals = zip(*told, strict=True)
    assert set(totals) == {2 * 100 + 3 * 10 + 3 * 30}
    assert done[-1] == totals[0]
    assert list(done) == sorted(done)


def test_one_window_is_measured(windows):
    found = evaluate(block_model(), windows[:1], samples=1, iwae_samples=1)
    assert found['information']['data_entropy_bits'] == 0
    assert found['information']['mutual_information_bits'] == 0


@pytest.mark.parametrize(('options', 'message'), [
    ({'samples': 0}, 'samples is 0'), ({'iwae_samples': -1}, 'iwae_samples is -1'),
    ({'seed': -1}, 'seed -1')])
def test_settings_out_of_range_are_refused(options, message, windows):
    with pytest.raises(ParameterError, match=message):
        evaluate(block_model(), windows, **options)


@pytest.mark.parametrize(('shape', 'message'), [
    ((0, 16, 156), 'there is no window'), ((3, 16, 150), 'windows have shape')])
def test_windows_that_cannot_be_measured_are_refused(shape, message):
    with pytest.raises(FramesError, match=message):
        evaluate(block_model(), np.zeros(shape, bool))
