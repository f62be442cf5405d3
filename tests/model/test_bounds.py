"""Likelihood and information against sums and integrals of models small enough for them."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_models import every_window, exact_log_p, latent_grid, log_normal, random_model

from qbdi_m21.errors import FramesError, ParameterError
from qbdi_m21.model import bounds
from qbdi_m21.model.bounds import (
    Posterior,
    cell_nats,
    distortion_and_rate,
    divergence_nats,
    encode_windows,
    entropy_bits,
    evenly,
    importance_weighted_nats,
    informed_nats,
    log_weights,
)
from qbdi_m21.model.context import ContextModel
from qbdi_m21.model.dense import DenseModel

NETWORKS = [DenseModel, ContextModel]


def weights_of(model, windows, samples, seed=0):
    return log_weights(model, windows, encode_windows(model, windows), samples=samples,
                       rng=np.random.default_rng(seed))


def integrals(model, windows):
    """Return D, R and I in nats of windows of equal probability, by sums over a grid."""
    points, volume = latent_grid(1, half=12, steps=4801)
    posterior = encode_windows(model, windows)
    logs = np.array([log_normal(points, m, v)
                     for m, v in zip(posterior.mean, posterior.variance, strict=True)])
    density, mixed = np.exp(logs), np.log(np.exp(logs).mean(axis=0))
    prior = log_normal(points, np.zeros(1), np.ones(1))
    nats = np.array([model.negative_log_likelihood(
        points, np.repeat(window[None], len(points), axis=0)) for window in windows])
    return [float((density * term).sum() * volume / len(windows))
            for term in (nats, logs - prior, logs - mixed)]


def test_the_standard_normal_diverges_by_nothing():
    assert divergence_nats(np.zeros((2, 3)), np.ones((2, 3))).tolist() == [[0] * 3] * 2


@pytest.mark.parametrize(('mean', 'variance'), [(1.0, 1.0), (0.0, 0.1), (-2.0, 3.0)])
def test_the_divergence_is_the_integral_over_the_density(mean, variance):
    x = np.linspace(-30, 30, 200_001)
    log_p = -0.5 * ((x - mean) ** 2 / variance + math.log(2 * math.pi * variance))
    log_q = -0.5 * (x ** 2 + math.log(2 * math.pi))
    integral = float(np.trapezoid(np.exp(log_p) * (log_p - log_q), x))
    assert divergence_nats(np.array(mean), np.array(variance)) == pytest.approx(integral, rel=1e-6)


@pytest.mark.parametrize('network', NETWORKS)
def test_the_probabilities_of_all_windows_add_up_to_one(network):
    # else a context model would count onsets that its decoder cannot make
    model = random_model(network)
    windows = every_window(model)
    for latent in ([0.0], [-1.5]):
        nats = cell_nats(model, np.repeat([latent], len(windows), axis=0), windows)
        assert np.exp(-nats).sum() == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize('network', NETWORKS)
def test_distortion_and_rate_are_integrals(network):
    model = random_model(network, scale=0.5)
    windows = every_window(model)[::5]
    d, r, _ = integrals(model, windows)
    found = distortion_and_rate(model, windows, samples=400, seed=0)
    assert found == pytest.approx((d, r), rel=0.01)
    assert found[1] == pytest.approx(r, rel=1e-5)


def test_chunks_do_not_matter(monkeypatch):
    model = random_model(latent=2)
    windows = every_window(model)
    posterior = encode_windows(model, windows)
    latents = posterior.sample(np.random.default_rng(3))

    def found():
        return (distortion_and_rate(model, windows, samples=2, seed=1),
                informed_nats(latents, posterior).tolist())

    whole = found()
    monkeypatch.setattr(bounds, 'CHUNK', 7)
    monkeypatch.setattr(bounds, '_MIXED', 1000)
    for one, other in zip(found(), whole, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-9)


def test_one_importance_sample_is_the_elbo():
    model = random_model(latent=2)
    windows = every_window(model)
    d, r = distortion_and_rate(model, windows, samples=100, seed=1)
    weights = weights_of(model, windows, 100)
    singly = np.mean([importance_weighted_nats(row[None]) for row in weights])
    assert singly == pytest.approx(-weights.mean(), rel=1e-12)
    assert singly == pytest.approx(d + r, rel=0.01)


@pytest.mark.parametrize('network', NETWORKS)
@pytest.mark.parametrize('latent', [1, 2])
def test_more_importance_samples_come_closer_to_the_integral(network, latent):
    model = random_model(network, latent=latent, seed=latent, scale=0.5, encoder=0.2)
    windows = every_window(model)[::17]
    exact = -exact_log_p(model, windows, steps=281 if latent == 1 else 71).mean()
    weights = weights_of(model, windows, 1024)
    # the same samples, in ever larger groups: Jensen's inequality makes the means fall
    by_size = [np.mean([importance_weighted_nats(group)
                        for group in weights.reshape(1024 // size, size, -1)])
               for size in (1, 2, 8, 64, 1024)]
    assert by_size == sorted(by_size, reverse=True)
    assert by_size[0] > exact
    assert by_size[-2] >= exact - 0.01
    assert by_size[-1] == pytest.approx(exact, abs=0.05)


def test_the_grid_finds_all_probability():
    model = random_model()
    assert np.exp(exact_log_p(model, every_window(model))).sum() == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize('network', NETWORKS)
@pytest.mark.parametrize('seed', range(3))
def test_information_is_an_integral_and_lies_in_its_bounds(network, seed):
    model = random_model(network, seed=seed, scale=0.5)
    windows = every_window(model)[::4]
    d, r, information = integrals(model, windows)
    assert entropy_bits(windows) * math.log(2) - d <= information <= r
    posterior, rng = encode_windows(model, windows), np.random.default_rng(0)
    told = np.mean([informed_nats(posterior.sample(rng), posterior).mean() for _ in range(400)])
    assert told == pytest.approx(information, abs=0.02)


def test_information_of_two_gaussians_is_that_of_a_binary_channel():
    posterior = Posterior(np.array([[-1.0], [1.0]]), np.full((2, 1), 0.7))
    points, volume = latent_grid(1, half=15, steps=20_001)
    one, other = (np.exp(log_normal(points, m, posterior.variance[0])) for m in posterior.mean)
    mixed = (one + other) / 2
    exact = -(mixed * np.log(mixed)).sum() * volume - 0.5 * math.log(2 * math.pi * math.e * 0.7)
    rng = np.random.default_rng(1)
    told = np.mean([informed_nats(posterior.sample(rng), posterior) for _ in range(20_000)])
    assert told == pytest.approx(exact, abs=0.01)


def test_information_comes_up_to_the_rate_where_the_posteriors_make_the_prior():
    # means at even quantiles of N(0, 1 - v) and variance v: their mixture is close to N(0, 1)
    from statistics import NormalDist
    variance, count = 0.25, 400
    quantiles = [NormalDist().inv_cdf((k + 0.5) / count) for k in range(count)]
    posterior = Posterior(math.sqrt(1 - variance) * np.array(quantiles)[:, None],
                          np.full((count, 1), variance))
    rate = posterior.divergence_nats().sum(axis=1).mean()
    assert rate == pytest.approx(0.5 * math.log(1 / variance), abs=0.01)
    rng = np.random.default_rng(2)
    told = np.mean([informed_nats(posterior.sample(rng), posterior).mean() for _ in range(100)])
    assert told == pytest.approx(rate, abs=0.01)


def test_bars_that_are_told_apart_give_their_number_and_no_more():
    posterior = Posterior(100.0 * np.arange(50)[:, None], np.full((50, 1), 1e-4))
    told = informed_nats(posterior.sample(np.random.default_rng(0)), posterior)
    np.testing.assert_allclose(told, math.log(50), rtol=1e-12)


def test_the_same_bar_twice_is_not_told_apart():
    posterior = Posterior(np.repeat(100.0 * np.arange(8), 2)[:, None], np.full((16, 1), 0.1))
    told = informed_nats(posterior.sample(np.random.default_rng(0)), posterior)
    np.testing.assert_allclose(told, math.log(8), rtol=1e-9)


@pytest.mark.parametrize(('place', 'width'), [(0.0, 1.0), (1e3, 1e-3)])
def test_the_mixture_is_that_of_the_densities_also_far_from_zero(place, width):
    rng = np.random.default_rng(0)
    posterior = Posterior(place + width * rng.normal(size=(30, 4)),
                          width ** 2 * rng.uniform(0.2, 5, (30, 4)))
    latents = posterior.sample(rng)
    logs = np.array([[log_normal(z[None], m, v)[0] for m, v in zip(
        posterior.mean, posterior.variance, strict=True)] for z in latents])
    by_hand = np.diag(logs) - np.log(np.exp(logs - logs.max()).mean(axis=1)) - logs.max()
    np.testing.assert_allclose(informed_nats(latents, posterior), by_hand, atol=1e-6)


@settings(max_examples=30)
@given(st.lists(st.integers(0, 3), min_size=1, max_size=12))
def test_entropy_counts_equal_windows(kinds):
    windows = np.zeros((len(kinds), 2, 4), bool)
    for row, kind in enumerate(kinds):
        windows[row, 0, kind] = True
    shares = [kinds.count(k) / len(kinds) for k in set(kinds)]
    assert entropy_bits(windows) == pytest.approx(-sum(p * math.log2(p) for p in shares),
                                                  abs=1e-12)
    assert entropy_bits(windows) <= math.log2(len(kinds)) + 1e-12


@given(st.integers(1, 5000), st.integers(1, 300))
def test_rows_are_taken_evenly(count, most):
    rows = evenly(count, most)
    assert len(rows) == min(count, most)
    assert rows[0] == 0
    steps = np.diff(rows)
    assert len(rows) < 2 or (rows[-1] == count - 1 and steps.min() >= 1
                             and steps.max() - steps.min() <= 1)


def test_progress_is_counted_in_windows():
    model, told = random_model(), []
    windows = every_window(model)
    cell_nats(model, np.zeros((len(windows), 1)), np.concatenate([windows, windows])[:256],
              told.append)
    assert sum(told) == 256


@pytest.mark.parametrize(('count', 'samples', 'seed', 'error', 'message'), [
    (0, 1, 0, FramesError, 'there is no window'),
    (2, 0, 0, ParameterError, 'samples is 0'),
    (2, 1, -1, ParameterError, 'seed -1'),
])
def test_bad_settings_are_refused(count, samples, seed, error, message):
    model = random_model()
    with pytest.raises(error, match=message):
        distortion_and_rate(model, every_window(model)[:count], samples=samples, seed=seed)
