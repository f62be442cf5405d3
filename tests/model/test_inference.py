"""The encoder and decoder in NumPy."""

import dataclasses

import numpy as np
import pytest
from musicxml_checks import block_model
from networks import random_model as make_model

from qbdi_m21.errors import FramesError, ModelError, ParameterError
from qbdi_m21.model.inference import LatentModel
from qbdi_m21.model.presets import PRESETS, get_preset
from qbdi_m21.model.spec import FrameSpec

SPEC = FrameSpec(pitch_low=60, pitch_high=65, window_frames=4)


def random_model(seed: int = 0, **changes) -> LatentModel:
    return make_model('dense', seed, SPEC, **changes)


@pytest.fixture
def windows():
    return np.random.default_rng(1).random((6, 4, 10)) < 0.3


def dense_by_hand(model, name, row):
    """Return one dense layer of one row, cell by cell, in double precision."""
    kernel, bias = model.weights[name]
    return [sum(float(row[i]) * float(kernel[i, j]) for i in range(len(row))) + float(bias[j])
            for j in range(len(bias))]


def test_encoding_is_the_two_layers_of_the_network(windows):
    model = random_model()
    mean, variance = model.encode(windows)
    assert mean.shape == variance.shape == (6, 3)
    for row, window in enumerate(windows):
        hidden = [max(x, 0.0) for x in dense_by_hand(model, 'encoder_hidden', window.ravel())]
        np.testing.assert_allclose(mean[row], dense_by_hand(model, 'encoder_mean', hidden), 1e-4)
        np.testing.assert_allclose(
            variance[row], np.exp(dense_by_hand(model, 'encoder_log_variance', hidden)), 1e-4)


def test_decoding_is_the_two_layers_of_the_network():
    model = random_model()
    latents = np.random.default_rng(2).normal(size=(5, 3))
    _, decoded = model.decode(latents)
    assert decoded.shape == (5, 4, 10)
    for row, latent in enumerate(latents):
        hidden = [max(x, 0.0) for x in dense_by_hand(model, 'decoder_hidden', latent)]
        logits = np.array(dense_by_hand(model, 'decoder_logits', hidden))
        np.testing.assert_allclose(decoded[row].ravel(), 1 / (1 + np.exp(-logits)), rtol=1e-4)
        given = model.cell_logits(latents, np.zeros((5, 4, 10)))[row]
        np.testing.assert_allclose(given.ravel(), logits, rtol=1e-4)


def test_one_window_is_encoded_as_it_is_among_others(windows):
    model = random_model()
    alone = np.concatenate([model.encode(windows[k:k + 1])[0] for k in range(6)])
    np.testing.assert_allclose(alone, model.encode(windows)[0], rtol=1e-5)


def test_no_window_gives_no_latent(windows):
    assert random_model().encode(windows[:0])[0].shape == (0, 3)


def test_extreme_latents_decode_without_a_warning():
    model = random_model()
    _, decoded = model.decode(np.array([[1e6, -1e6, 1e6], [-1e6, 1e6, 0]]))
    assert np.all((decoded >= 0) & (decoded <= 1))
    assert decoded.min() < 1e-20
    assert decoded.max() == 1


@pytest.mark.parametrize('shape', [(6, 4, 9), (6, 40), (4, 10), (6, 3, 10)])
def test_windows_of_another_shape_are_refused(shape):
    with pytest.raises(FramesError, match=r'this model takes \(N, 4, 10\)'):
        random_model().encode(np.zeros(shape))


@pytest.mark.parametrize('shape', [(2, 4), (3,), (2, 3, 1)])
def test_latents_of_another_shape_are_refused(shape):
    with pytest.raises(FramesError, match=r'this model takes \(N, 3\)'):
        random_model().decode(np.zeros(shape))


@pytest.mark.parametrize('layer', list(random_model().weights))
@pytest.mark.parametrize('part', [0, 1])
def test_weights_that_do_not_fit_are_refused(layer, part):
    model = random_model()
    pair = list(model.weights[layer])
    pair[part] = pair[part][..., :-1]
    with pytest.raises((ModelError), match=r'layer \w+ has weights .* ask for'):
        dataclasses.replace(model, weights={**model.weights, layer: tuple(pair)})


@pytest.mark.parametrize('name', ['mean', 'variance', 'posterior_variance'])
@pytest.mark.parametrize('wrong', [np.nan, np.inf])
def test_statistics_that_are_no_numbers_are_refused(name, wrong):
    with pytest.raises(ModelError, match=f'latent {name} of shape'):
        random_model(**{name: np.full(3, wrong, np.float32)})


@pytest.mark.parametrize('wrong', [np.nan, np.inf])
def test_weights_that_are_no_numbers_are_refused(wrong):
    model = random_model()
    kernel, bias = model.weights['decoder_logits']
    with pytest.raises(ModelError, match='decoder_logits'):
        dataclasses.replace(model, weights={
            **model.weights, 'decoder_logits': (kernel, np.full_like(bias, wrong))})


@pytest.mark.parametrize('change', [
    {'pitch_low': -1}, {'pitch_high': 129}, {'pitch_low': 102}, {'window_frames': 0},
    {'window_frames': 5000}, {'step': '0'}, {'step': '-1/4'}])
def test_specifications_out_of_range_are_refused(change):
    with pytest.raises(ModelError, match='out of range'):
        FrameSpec(**change)


def test_the_default_specification_is_the_papers():
    spec = FrameSpec()
    assert (spec.num_pitches, spec.num_inputs, spec.pitch_range) == (78, 2496, (24, 102))
    assert FrameSpec(**spec.to_json()) == spec


def test_the_preset_is_the_papers():
    preset = get_preset('dubnov2019')
    assert (preset.network, preset.sizes) == ('dense', {'hidden': 500, 'latent': 500})
    assert (preset.updates, preset.threshold, preset.batch) == (20_000, 0.7, None)
    assert (preset.average, preset.objective.beta, preset.objective.free_nats) == (0, 1, 0)
    assert set(PRESETS) == {'dubnov2019', 'default', 'temporal'}
    with pytest.raises(ParameterError, match="no preset 'none'; expected one of dubnov2019"):
        get_preset('none')


def test_the_hash_of_the_weights_names_the_model():
    model = random_model()
    kernel, bias = model.weights['decoder_hidden']
    other = dataclasses.replace(model, weights={
        **model.weights, 'decoder_hidden': (kernel, bias + 1)})
    assert len(model.weights_sha256) == 64
    assert model.weights_sha256 == random_model().weights_sha256
    assert len({model.weights_sha256, other.weights_sha256,
                random_model(1).weights_sha256}) == 3


def test_the_model_of_these_tests_hears_what_lasts():
    model = block_model()
    windows = np.zeros((1, 16, 156), bool)
    windows[0, :, 40] = True
    decoded, _ = model.decode(model.encode(windows)[0])
    assert np.flatnonzero(decoded[0, 0, :78]).tolist() == [41]      # MIDI 64, an E
    assert np.flatnonzero(decoded[0, :, 78 + 41]).tolist() == [0, 8]
