"""Measures of a model: distortion, rate and -ELBO, and the threshold of equal density."""

import math

import numpy as np
import pytest
from musicxml_checks import block_model

from qbdi_m21.model.evaluation import density_threshold, divergence_nats, evaluate


@pytest.fixture(scope='module')
def windows():
    """Return windows of a few held pitches."""
    rng = np.random.default_rng(0)
    held = np.zeros((12, 16, 156), bool)
    for window in held:
        window[:, rng.choice(78, 3, replace=False)] = True
    return held


def test_the_standard_normal_diverges_by_nothing():
    assert divergence_nats(np.zeros((2, 3)), np.ones((2, 3))).tolist() == [[0] * 3] * 2


@pytest.mark.parametrize(('mean', 'variance'), [(1.0, 1.0), (0.0, 0.1), (-2.0, 3.0)])
def test_the_divergence_is_the_integral_over_the_density(mean, variance):
    x = np.linspace(-30, 30, 200_001)
    log_p = -0.5 * ((x - mean) ** 2 / variance + math.log(2 * math.pi * variance))
    log_q = -0.5 * (x ** 2 + math.log(2 * math.pi))
    integral = float(np.trapezoid(np.exp(log_p) * (log_p - log_q), x))
    assert divergence_nats(np.array(mean), np.array(variance)) == pytest.approx(integral, rel=1e-6)


def test_the_measures_add_up_and_bits_are_nats_by_ln_2(windows):
    found = evaluate(block_model(), windows)
    assert found['negative_elbo_nats'] == pytest.approx(
        found['distortion_nats'] + found['rate_nats'], abs=2e-3)
    for name in ('distortion', 'rate', 'negative_elbo'):
        assert found[f'{name}_bits'] == pytest.approx(found[f'{name}_nats'] / math.log(2), abs=2e-3)
    assert (found['windows'], found['samples']) == (12, 8)
    # every posterior of this model is narrow, so that every latent diverges from the prior
    assert found['active_units'] == 78


def test_the_rate_is_the_mean_divergence_of_the_windows(windows):
    mean, variance = block_model().encode(windows)
    by_window = [sum(float(divergence_nats(m, v)) for m, v in zip(*pair, strict=True))
                 for pair in zip(mean.astype(float), variance.astype(float), strict=True)]
    assert evaluate(block_model(), windows)['rate_nats'] == pytest.approx(
        sum(by_window) / len(by_window), rel=1e-5)


def test_the_distortion_is_the_negative_log_likelihood(windows):
    model, rng = block_model(), np.random.default_rng(7)
    mean, variance = model.encode(windows)
    latents = mean + np.sqrt(variance) * rng.standard_normal(mean.shape)
    p = 1 / (1 + np.exp(-model.decode_logits(latents).astype(np.float64)))
    nats = -np.where(windows, np.log(p), np.log1p(-p)).sum(axis=(1, 2)).mean()
    assert evaluate(model, windows, samples=1, seed=7)['distortion_nats'] == pytest.approx(
        nats, rel=1e-4)


def test_the_seed_decides_the_measures(windows):
    first, again, other = (evaluate(block_model(), windows, samples=1, seed=s) for s in (1, 1, 2))
    assert first == again
    assert first['distortion_nats'] != other['distortion_nats']


def test_at_the_threshold_windows_come_back_as_dense(windows):
    model = block_model()
    threshold = density_threshold(model, windows, seed=3)
    rng = np.random.default_rng(3)
    mean, variance = model.encode(windows)
    decoded = model.decode(mean + np.sqrt(variance) * rng.standard_normal(mean.shape))[..., :78]
    assert 0.05 <= threshold <= 0.95
    held = int(windows[..., :78].sum())
    assert abs(int((decoded >= threshold).sum()) - held) <= 0.02 * held


def test_the_threshold_of_silence_is_not_above_its_limit():
    assert density_threshold(block_model(), np.zeros((3, 16, 156), bool)) == 0.05
