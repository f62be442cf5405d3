"""Model files: ours are read without Keras, others are refused."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from musicxml_checks import block_model, write_model_file
from networks import SIZES, random_model

import qbdi_m21
from qbdi_m21.errors import ModelError
from qbdi_m21.frames.windows import frames_to_windows, layout_windows
from qbdi_m21.model.inference import STATISTICS
from qbdi_m21.model.spec import FrameSpec
from qbdi_m21.model.store import list_models, load_model, model_path

PRETRAINED = Path(qbdi_m21.__file__).parent / 'model' / 'pretrained'
SHIPPED = list_models()


@pytest.fixture(params=['dense', 'context'])
def keras_vae(request):
    """Return a small Keras VAE with a card and statistics that are not the initial ones."""
    from qbdi_m21.model.context_vae import ContextVAE
    from qbdi_m21.model.vae import DenseVAE
    network = {'dense': DenseVAE, 'context': ContextVAE}[request.param]
    spec = FrameSpec(pitch_low=60, pitch_high=72)
    model = network(spec.to_json(), {**SIZES[request.param], 'hidden': 12, 'latent': 5},
                    threshold=0.4, seed=3, card={'name': 'small'})
    model.build()
    for name, value in (('mean', 0.5), ('variance', 2.0), ('posterior_variance', 0.25)):
        getattr(model.latent_statistics, name).assign(np.full(5, value, np.float32))
    return model


def bach_windows(spec: FrameSpec) -> np.ndarray:
    frames = qbdi_m21.to_frames(qbdi_m21.load_score('corpus:bach/bwv66.6'))
    layout = layout_windows(frames.grid, spec.window_frames)
    return frames_to_windows(frames, layout, spec.window_frames)


def test_a_model_file_is_read_as_it_was_written(tmp_path):
    model = block_model(FrameSpec(pitch_low=40, pitch_high=60), threshold=0.3, card={'name': 'x'})
    read = load_model(write_model_file(model, tmp_path / 'm.keras'))
    assert (read.spec, read.threshold, read.card) == (model.spec, 0.3, {'name': 'x'})
    for name in model.weights:
        for ours, theirs in zip(read.weights[name], model.weights[name], strict=True):
            np.testing.assert_array_equal(ours, theirs)
            assert ours.dtype == np.float32
    for name in STATISTICS:
        np.testing.assert_array_equal(getattr(read, name), getattr(model, name))


def test_a_path_may_be_a_str(tmp_path):
    path = write_model_file(block_model(), tmp_path / 'm.keras')
    assert load_model(str(path)).num_latents == 78
    assert model_path(str(path)) == path


def test_the_context_network_is_read_as_it_was_written(tmp_path):
    model = random_model('context', decoding='density', threshold=0.25)
    read = load_model(write_model_file(model, tmp_path / 'm.keras'))
    assert read.weights_sha256 == model.weights_sha256
    assert (read.network, read.decoding, read.threshold) == ('context', 'density', 0.25)


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ModelError, match=r"no model '.*none\.keras'; expected a shipped model"):
        load_model(tmp_path / 'none.keras')


def test_loading_a_model_file_loads_no_keras(tmp_path):
    path = write_model_file(block_model(), tmp_path / 'm.keras')
    script = ('import sys, qbdi_m21; qbdi_m21.load_model(sys.argv[1]); '
              'sys.exit(bool({"keras", "tensorflow"} & set(sys.modules)))')
    assert subprocess.run([sys.executable, '-c', script, str(path)], check=False).returncode == 0


def test_the_shipped_models_are_the_files_of_the_folder():
    assert list_models() == ('chorales', 'quartets', 'reels')
    assert model_path('reels') == PRETRAINED / 'reels.keras'


def test_the_shipped_models_keep_the_package_small():
    assert list(PRETRAINED.glob('*.keras'))
    package = PRETRAINED.parents[1]
    size = sum(f.stat().st_size for f in package.rglob('*')
               if f.is_file() and '__pycache__' not in f.parts)
    assert size < 40_000_000


@pytest.mark.parametrize('name', SHIPPED)
def test_the_card_says_what_the_model_was_made_of(name):
    card = load_model(name).card
    assert card['name'] == name
    assert card['preset']['name'] == 'default'
    for split in ('train', 'validation', 'test'):
        assert card['data']['bars'][split] > 0
        assert card['measures'][split]['negative_elbo_bits'] > 0
    assert card['measures']['test']['windows'] == card['data']['bars']['test']
    assert card['measures']['test']['importance_weighted']['samples'] == 64
    works = [w for split in card['data']['split'].values() for w in split]
    assert len(works) == len(set(works)) == card['data']['works']
    assert {'seed', 'threshold', 'qbdi_m21', 'keras', 'python', 'curve', 'best_update',
            'updates', 'fine_tuned_from'} <= set(card)
    assert len(card['data']['sha256']) == 64
    assert json.dumps(card, allow_nan=False)


@pytest.mark.parametrize('name', SHIPPED)
def test_the_latents_of_a_shipped_model_are_in_use(name):
    test = load_model(name).card['measures']['test']
    assert test['rate_nats'] > 12
    cosine = test['chroma_cosine']
    assert cosine['samples'] > cosine['samples_shuffled'] + 0.2


def test_the_shipped_model_gives_back_what_it_knows():
    model = load_model('chorales')
    windows = bach_windows(model.spec)
    decoded, _ = model.decode(model.encode(windows)[0])
    both = (decoded & windows)[..., :78].sum()
    f_measure = 2 * both / (decoded[..., :78].sum() + windows[..., :78].sum())
    assert f_measure > 0.5


@pytest.mark.tf
@pytest.mark.parametrize('name', SHIPPED)
def test_the_shipped_models_in_numpy_equal_keras(name):
    from qbdi_m21.model.store import load_keras
    model, keras_model = load_model(name), load_keras(name)
    assert_equal_to_keras(model, keras_model, bach_windows(model.spec))


def assert_equal_to_keras(model, keras_model, windows) -> None:
    cells = windows.astype(np.float32)
    mean, log_variance = (np.asarray(x) for x in keras_model.encode(cells))
    ours = model.encode(windows)
    np.testing.assert_allclose(ours[0], mean, atol=1e-5, rtol=1e-4)
    np.testing.assert_allclose(ours[1], np.exp(log_variance), atol=1e-5, rtol=1e-4)
    logits = np.asarray(keras_model.cell_logits(mean, cells)).astype(np.float64)
    given = model.cell_logits(mean, windows).astype(np.float64)
    np.testing.assert_allclose(1 / (1 + np.exp(-given)), 1 / (1 + np.exp(-logits)), atol=1e-5)


@pytest.mark.tf
@pytest.mark.parametrize('compact', [False, True])
def test_a_keras_model_is_saved_and_read_by_both(compact, tmp_path, keras_vae):
    from qbdi_m21.model.store import from_keras, load_keras, save_model
    path = tmp_path / 'small.keras'
    save_model(keras_vae, path, compact=compact)
    read = load_model(path)
    assert (read.card, read.threshold, read.spec.pitch_range) == ({'name': 'small'}, 0.4, (60, 72))
    assert [float(getattr(read, n)[0]) for n in STATISTICS] == [0.5, 2.0, 0.25]
    windows = np.random.default_rng(0).random((20, 16, 24)) < 0.2
    assert_equal_to_keras(read, load_keras(path), windows)
    tolerance = 0.02 if compact else 1e-6
    np.testing.assert_allclose(read.encode(windows)[0], from_keras(keras_vae).encode(windows)[0],
                               atol=tolerance)


@pytest.mark.tf
def test_the_same_weights_give_the_same_bytes_and_compact_ones_fewer(tmp_path, keras_vae):
    from qbdi_m21.model.store import save_model
    for name, compact in (('a', False), ('b', False), ('c', True), ('d', True)):
        save_model(keras_vae, tmp_path / f'{name}.keras', compact=compact)
    a, b, c, d = ((tmp_path / f'{n}.keras').read_bytes() for n in 'abcd')
    assert a == b
    assert c == d
    assert len(c) < 0.75 * len(a)
    assert sorted(os.listdir(tmp_path)) == [f'{n}.keras' for n in 'abcd']


@pytest.mark.tf
def test_another_suffix_is_refused(tmp_path, keras_vae):
    from qbdi_m21.model.store import save_model
    with pytest.raises(ModelError, match=r'does not end in \.keras'):
        save_model(keras_vae, tmp_path / 'm.h5')


@pytest.mark.tf
def test_a_keras_model_of_another_kind_is_refused(tmp_path):
    import keras

    from qbdi_m21.model.store import load_keras
    other = keras.Sequential([keras.layers.Input((4,)), keras.layers.Dense(2)])
    other.save(tmp_path / 'other.keras')
    for load in (load_model, load_keras):
        with pytest.raises(ModelError, match=r'a Keras model of another kind \(Sequential\)'):
            load(tmp_path / 'other.keras')
