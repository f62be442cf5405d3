"""Model files: ours are read without Keras, others are refused."""

import io
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pytest
from musicxml_checks import block_model, write_model_file

import qbdi_m21
from qbdi_m21.errors import ModelError
from qbdi_m21.frames.windows import frames_to_windows, layout_windows
from qbdi_m21.model.inference import LAYERS, STATISTICS
from qbdi_m21.model.spec import FrameSpec
from qbdi_m21.model.store import list_models, load_model, model_path

PRETRAINED = Path(qbdi_m21.__file__).parent / 'model' / 'pretrained'


@pytest.fixture
def keras_vae():
    """Return a small Keras VAE with a card and statistics that are not the initial ones."""
    from qbdi_m21.model.vae import VAE
    spec = FrameSpec(pitch_low=60, pitch_high=72)
    model = VAE(spec.to_json(), hidden=12, latent=5, threshold=0.4, seed=3, card={'name': 'small'})
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
    for name in LAYERS:
        for ours, theirs in zip(read.weights[name], model.weights[name], strict=True):
            np.testing.assert_array_equal(ours, theirs)
            assert ours.dtype == np.float32
    for name in STATISTICS:
        np.testing.assert_array_equal(getattr(read, name), getattr(model, name))


def test_a_path_may_be_a_str(tmp_path):
    path = write_model_file(block_model(), tmp_path / 'm.keras')
    assert load_model(str(path)).num_latents == 78
    assert model_path(str(path)) == path


@pytest.mark.parametrize('changes', [
    {'hidden': 0}, {'latent': -1}, {'hidden': 1 << 20}, {'spec': {'step': '1/4'}, 'latent': 10**9},
    {'spec': {'window_frames': 5000}}, {'spec': {'pitch_low': 90, 'pitch_high': 80}},
    {'spec': {'tempo': 3}}, {'spec': None}, {'spec': {'step': '1/0'}}, {'spec': {'step': 'x'}},
    {'threshold': 'high'}, {'threshold': None}, {'hidden': 'many'},
    {'spec': {'pitch_low': 30}}])
def test_damaged_configurations_are_refused(changes, tmp_path):
    path = write_model_file(block_model(), tmp_path / 'm.keras', **changes)
    with pytest.raises(ModelError, match=r'is not a model file|out of range|has weights'):
        load_model(path)


@pytest.mark.parametrize('threshold', [0.0, 1.0, -3.0, 7.0, float('nan')])
def test_thresholds_that_are_no_probability_are_refused(threshold, tmp_path):
    path = write_model_file(block_model(), tmp_path / 'm.keras', threshold=threshold)
    with pytest.raises(ModelError, match='threshold'):
        load_model(path)


@pytest.mark.parametrize('config', ['[]', '"text"', '{}', 'null', '{"config": {}}', '', '{"a":',
                                    '{"registered_name": "qbdi_m21>VAE", "config": []}'])
def test_archives_of_something_else_are_refused(config, tmp_path):
    path = tmp_path / 'm.keras'
    with zipfile.ZipFile(path, 'w') as archive:
        archive.writestr('config.json', config)
        archive.writestr('model.weights.h5', b'nothing')
    with pytest.raises(ModelError, match=r'is not a model file|of another kind'):
        load_model(path)


@pytest.mark.parametrize('content', [b'', b'Dear reader,\n', b'PK\x03\x04' + bytes(40),
                                     bytes(range(256)) * 8])
def test_files_that_are_no_archive_are_refused(content, tmp_path):
    (tmp_path / 'm.keras').write_bytes(content)
    with pytest.raises(ModelError, match=r'm\.keras is not a model file .*qbdi-m21 train'):
        load_model(tmp_path / 'm.keras')


@pytest.mark.parametrize('share', [0.2, 0.5, 0.9, 0.99])
def test_truncated_model_files_are_refused(share, tmp_path):
    path = write_model_file(block_model(), tmp_path / 'm.keras')
    whole = path.read_bytes()
    path.write_bytes(whole[:int(len(whole) * share)])
    with pytest.raises(ModelError, match='is not a model file'):
        load_model(path)


@pytest.mark.parametrize('keep', [0, 100, 5000])
def test_damaged_weights_are_refused(keep, tmp_path):
    path = write_model_file(block_model(), tmp_path / 'm.keras')
    with zipfile.ZipFile(path) as archive:
        members = {n: archive.read(n) for n in archive.namelist()}
    with zipfile.ZipFile(path, 'w') as archive:
        archive.writestr('config.json', members['config.json'])
        archive.writestr('model.weights.h5', members['model.weights.h5'][:keep])
    with pytest.raises(ModelError, match='is not a model file'):
        load_model(path)


def test_weights_of_a_missing_layer_are_refused(tmp_path):
    path = write_model_file(block_model(), tmp_path / 'm.keras')
    with zipfile.ZipFile(path) as archive:
        config, weights = archive.read('config.json'), archive.read('model.weights.h5')
    held = io.BytesIO(weights)
    with h5py.File(held, 'r+') as h5:
        del h5['decoder_hidden']
    with zipfile.ZipFile(path, 'w') as archive:
        archive.writestr('config.json', config)
        archive.writestr('model.weights.h5', held.getvalue())
    with pytest.raises(ModelError, match='is not a model file'):
        load_model(path)


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ModelError, match=r"no model '.*none\.keras'; expected a shipped model"):
        load_model(tmp_path / 'none.keras')


def test_loading_a_model_file_loads_no_keras(tmp_path):
    path = write_model_file(block_model(), tmp_path / 'm.keras')
    script = ('import sys, qbdi_m21; qbdi_m21.load_model(sys.argv[1]); '
              'sys.exit(bool({"keras", "tensorflow"} & set(sys.modules)))')
    assert subprocess.run([sys.executable, '-c', script, str(path)], check=False).returncode == 0


def test_the_shipped_models_are_the_files_of_the_folder():
    assert list_models() == ('chorales',)
    assert model_path('chorales') == PRETRAINED / 'chorales.keras'


def test_the_shipped_models_keep_the_package_small():
    assert list(PRETRAINED.glob('*.keras'))
    package = PRETRAINED.parents[1]
    size = sum(f.stat().st_size for f in package.rglob('*')
               if f.is_file() and '__pycache__' not in f.parts)
    assert size < 20_000_000


def test_the_card_says_what_the_model_was_made_of():
    card = load_model('chorales').card
    assert card['name'] == 'chorales'
    assert card['preset']['name'] == 'dubnov2019'
    for split in ('train', 'validation', 'test'):
        assert card['data']['bars'][split] == card['measures'][split]['windows'] > 0
        assert card['measures'][split]['negative_elbo_bits'] > 0
    works = [w for split in card['data']['split'].values() for w in split]
    assert len(works) == len(set(works)) == card['data']['works']
    assert {'seed', 'threshold', 'qbdi_m21', 'keras', 'python', 'curve', 'best_update',
            'transpose', 'updates'} <= set(card)
    assert len(card['data']['sha256']) == 64
    assert json.dumps(card, allow_nan=False)


def test_the_shipped_model_gives_back_what_it_knows():
    model = load_model('chorales')
    windows = bach_windows(model.spec)
    decoded = model.decode(model.encode(windows)[0]) >= model.threshold
    both = (decoded & windows)[..., :78].sum()
    f_measure = 2 * both / (decoded[..., :78].sum() + windows[..., :78].sum())
    assert f_measure > 0.5


@pytest.mark.tf
def test_the_shipped_model_in_numpy_equals_keras():
    from qbdi_m21.model.store import load_keras
    model, keras_model = load_model('chorales'), load_keras('chorales')
    assert_equal_to_keras(model, keras_model, bach_windows(model.spec))


def assert_equal_to_keras(model, keras_model, windows) -> None:
    flat = windows.reshape(len(windows), -1).astype(np.float32)
    mean, log_variance = (np.asarray(x) for x in keras_model.encode(flat))
    ours = model.encode(windows)
    np.testing.assert_allclose(ours[0], mean, atol=1e-5, rtol=1e-4)
    np.testing.assert_allclose(ours[1], np.exp(log_variance), atol=1e-5, rtol=1e-4)
    logits = np.asarray(keras_model.decode_logits(mean))
    theirs = (1 / (1 + np.exp(-logits.astype(np.float64)))).reshape(model.decode(mean).shape)
    np.testing.assert_allclose(model.decode(mean), theirs, atol=1e-5)


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
