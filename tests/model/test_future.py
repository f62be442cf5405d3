"""What latents tell of the next: a bound that known information confirms, and its training."""

import math
from dataclasses import replace

import numpy as np
import pytest
from random_works import random_table

from qbdi_m21.errors import FramesError, ParameterError
from qbdi_m21.model import future as future_module
from qbdi_m21.model.batches import BatchPlan
from qbdi_m21.model.bounds import encode_windows
from qbdi_m21.model.future import contrastive_bits, future_information
from qbdi_m21.model.presets import PRESETS, Objective, get_preset
from qbdi_m21.model.spec import FrameSpec
from qbdi_m21.model.training_set import TrainingSet, table_windows


def pairs(correlation, dimensions, count=6000, seed=3):
    """Return Gaussian pairs of known mutual information, in 40 groups."""
    rng = np.random.default_rng(seed)
    past = rng.standard_normal((count, dimensions))
    future = correlation * past + math.sqrt(1 - correlation ** 2) * rng.standard_normal(past.shape)
    mix = rng.standard_normal((dimensions, dimensions))     # information does not change by this
    return past @ mix, future, np.arange(count) // (count // 40)


@pytest.mark.parametrize(('correlation', 'dimensions'), [(0.5, 1), (0.8, 2), (0.9, 2)])
def test_the_bound_is_near_the_information_of_gaussians(correlation, dimensions):
    true = -0.5 * dimensions * math.log2(1 - correlation ** 2)
    found = contrastive_bits(*pairs(correlation, dimensions))
    assert 0.85 * true < found['bits'] < true + 0.05


def test_independent_vectors_tell_nothing():
    past, future, groups = pairs(0.0, 5)
    assert abs(contrastive_bits(past, future, groups)['bits']) < 0.05


@pytest.fixture
def few_components(monkeypatch):
    """The same estimate in a tenth of the time."""
    monkeypatch.setattr(future_module, 'COMPONENTS', (8, 16))


@pytest.mark.parametrize('size', [3, 40])
def test_vectors_that_do_not_change_tell_nothing(size, few_components):
    past, future, groups = pairs(0.5, 3)
    same = np.ones((len(past), size))
    for one, other in ((same, future), (past, same), (same, same)):
        assert contrastive_bits(one, other, groups)['bits'] == pytest.approx(0.0, abs=0.01)


def test_the_bound_has_a_ceiling():
    past, _, groups = pairs(0.5, 3)
    found = contrastive_bits(past, past, groups, candidates=16)
    assert 3.5 < found['bits'] <= found['ceiling_bits'] == 4


def test_too_few_pairs_are_told():
    past, future, groups = pairs(0.5, 2, count=80)
    with pytest.raises(FramesError, match='80 pairs in 40 groups are too few'):
        contrastive_bits(past, future, groups)
    with pytest.raises(ParameterError, match='at least 2'):
        contrastive_bits(past, future, groups, candidates=1)


def works(count=40, bars=12):
    """Return works that go round the same six bars, from any of them on."""
    spec = FrameSpec()
    own = table_windows(random_table(1, bars=6), spec)
    windows = {f'w{k}': own[(k + np.arange(bars)) % 6] for k in range(count)}
    return TrainingSet.from_windows(windows, spec=spec, held_out=(0.0, 0.0))


def test_longer_works_give_consecutive_bars():
    data = works(3, bars=20)
    plan = BatchPlan(data, batch=None, max_batch=10, transpose=0, seed=1, runs=True)
    starts = set()
    for rows, _, _ in plan.updates(0, 30):
        assert len(rows) == 10
        assert (np.diff(rows) == 1).all()
        assert len(set(data.work[rows])) == 1
        starts.add(int(rows[0]))
    assert len(starts) > 10


def test_what_a_weight_on_the_future_needs():
    assert PRESETS['temporal'].objective.future > 0
    assert replace(PRESETS['temporal'], objective=Objective()) == PRESETS['dubnov2019']
    with pytest.raises(ParameterError, match='needs batches of one work'):
        replace(get_preset('default'), objective=Objective(future=1.0))
    with pytest.raises(ParameterError, match='out of range'):
        Objective(future=-1.0)


@pytest.mark.tf
def test_the_bound_in_training_is_that_of_scipy():
    from scipy.spatial.distance import cdist
    from scipy.special import logsumexp

    from qbdi_m21.model.vae import TEMPERATURE, future_bound
    predicted, mean = np.random.default_rng(2).standard_normal((2, 9, 5)).astype('float32')
    scores = (1 - cdist(predicted[:-1], mean[1:], 'cosine')) / TEMPERATURE
    wanted = np.mean(np.diagonal(scores) - logsumexp(scores, axis=1)) + math.log(8)
    assert float(future_bound(predicted, mean)) == pytest.approx(wanted, abs=1e-4)
    assert float(future_bound(predicted[:1], mean[:1])) == 0.0
    # where all are the same, nothing is told
    same = np.tile(mean[:1], (6, 1))
    assert float(future_bound(same, same)) == pytest.approx(0.0, abs=1e-4)


@pytest.mark.tf
def test_a_temporal_model_is_saved_and_goes_on(tmp_path):
    from qbdi_m21.model.store import load_model, save_model
    from qbdi_m21.model.training import train
    network, served = train(works(4), 'temporal', updates=10, seed=1)
    save_model(network, tmp_path / 'one.keras')
    assert load_model(tmp_path / 'one.keras').weights_sha256 == served.weights_sha256
    import keras
    again = keras.saving.load_model(tmp_path / 'one.keras', compile=False)
    assert again.objective == PRESETS['temporal'].objective
    assert np.array_equal(again.future_map.get_weights()[0], network.future_map.get_weights()[0])


@pytest.mark.tf
def test_latents_that_are_trained_for_it_tell_more_of_the_next(few_components):
    from qbdi_m21.model.training import train
    # a rate that costs very much leaves nothing in the latents, unless the future pays for it
    data, told = works(), {}
    for future in (0.0, 50.0):
        _, served = train(data, 'dubnov2019', updates=300, seed=1,
                          objective=Objective(beta=100.0, future=10 * future))
        told[future] = future_information(encode_windows(served, data.windows), data.windows,
                                          data.work, candidates=32)
    assert abs(told[0.0]['latent_bits']) < 0.3
    assert told[50.0]['latent_bits'] > told[0.0]['latent_bits'] + 0.5
    # six bars that follow each other tell log2 6 bits
    assert told[50.0]['surface_bits'] < 1.05 * math.log2(6)
    for one in told.values():
        assert one['remaining_bits'] == one['surface_bits'] - one['latent_bits']
        assert one['ceiling_bits'] == 5
