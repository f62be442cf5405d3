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


@pytest.mark.parametrize('changes', [
    {'sizes': {'hidden': 0, 'latent': 78}}, {'sizes': {'hidden': 78, 'latent': -1}},
    {'sizes': {'hidden': 1 << 20, 'latent': 78}}, {'sizes': {'hidden': 78, 'latent': 10**9}},
    {'sizes': {'hidden': 60_000, 'latent': 60_000}}, {'sizes': {'hidden': 78}}, {'sizes': None},
    {'sizes': {'hidden': 78, 'latent': 1.5}}, {'decoding': 'best'}, {'decoding': None},
    {'spec': {'window_frames': 5000}}, {'spec': {'pitch_low': 90, 'pitch_high': 80}},
    {'spec': {'tempo': 3}}, {'spec': None}, {'spec': {'step': '1/0'}}, {'spec': {'step': 'x'}},
    {'spec': {'step': '1e99999999'}}, {'spec': {'step': 0.25}}, {'spec': {'window_frames': 16.0}},
    {'threshold': 'high'}, {'threshold': None}, {'sizes': {'hidden': 'many', 'latent': 78}},
    {'spec': {'pitch_low': 30}}, {'card': ['a', 'b']}, {'card': 'good'}])
def test_damaged_configurations_are_refused(changes, tmp_path):
    path = write_model_file(block_model(), tmp_path / 'm.keras', **changes)
    with pytest.raises(ModelError, match=r'is not a model file|out of range|has weights|ask for'):
        load_model(path)


@pytest.mark.parametrize('threshold', [0.0, 1.0, -3.0, 7.0, float('nan')])
def test_thresholds_that_are_no_probability_are_refused(threshold, tmp_path):
    path = write_model_file(block_model(), tmp_path / 'm.keras', threshold=threshold)
    with pytest.raises(ModelError, match='threshold'):
        load_model(path)


@pytest.mark.parametrize('config', ['[]', '"text"', '{}', 'null', '{"config": {}}', '', '{"a":',
                                    '{"registered_name": "qbdi_m21>DenseVAE", "config": []}',
                                    pytest.param('[' * 100_000, id='deep')])
def test_archives_of_something_else_are_refused(config, tmp_path):
    path = tmp_path / 'm.keras'
    with zipfile.ZipFile(path, 'w') as archive:
        archive.writestr('config.json', config)
        archive.writestr('model.weights.h5', b'nothing')
    with pytest.raises(ModelError, match=r'is not a model file|of another kind'):
        load_model(path)


def test_a_newer_format_is_named(tmp_path):
    path = write_model_file(block_model(), tmp_path / 'm.keras', format=99)
    with pytest.raises(ModelError, match='has format 99 and this version of qbdi_m21 reads 2; '
                       'install a newer version'):
        load_model(path)


def test_the_first_format_is_named(tmp_path):
    with zipfile.ZipFile(tmp_path / 'm.keras', 'w') as archive:
        archive.writestr('config.json', json.dumps({'registered_name': 'qbdi_m21>VAE'}))
    with pytest.raises(ModelError, match=r'has format 1, .* train the model again'):
        load_model(tmp_path / 'm.keras')


@pytest.mark.parametrize('how', ['link', 'storage', 'virtual'])
def test_weights_in_another_file_are_refused(how, tmp_path):
    model, path = block_model(), tmp_path / 'm.keras'
    write_model_file(model, path)
    with zipfile.ZipFile(path) as archive:
        config, weights = archive.read('config.json'), archive.read('model.weights.h5')
    kernel, other = model.weights['decoder_hidden'][0], tmp_path / 'other.h5'
    with h5py.File(other, 'w') as h5:
        h5['kernel'] = kernel
    kernel.tofile(tmp_path / 'raw')
    held, name = io.BytesIO(weights), 'decoder_hidden/vars/0'
    with h5py.File(held, 'r+') as h5:
        del h5[name]
        if how == 'link':
            h5[name] = h5py.ExternalLink(str(other), 'kernel')
        elif how == 'storage':
            h5.create_dataset(name, kernel.shape, kernel.dtype,
                              external=[(str(tmp_path / 'raw'), 0, kernel.nbytes)])
        else:
            layout = h5py.VirtualLayout(kernel.shape, kernel.dtype)
            layout[:] = h5py.VirtualSource(str(other), 'kernel', kernel.shape)
            h5.create_virtual_dataset(name, layout)
    with zipfile.ZipFile(path, 'w') as archive:
        archive.writestr('config.json', config)
        archive.writestr('model.weights.h5', held.getvalue())
    with pytest.raises(ModelError, match=r'lies in another file|is not a model file'):
        load_model(path)


def test_the_context_network_is_read_as_it_was_written(tmp_path):
    model = random_model('context', decoding='density', threshold=0.25)
    read = load_model(write_model_file(model, tmp_path / 'm.keras'))
    assert read.weights_sha256 == model.weights_sha256
    assert (read.network, read.decoding, read.threshold) == ('context', 'density', 0.25)


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


@pytest.fixture
def packed(tmp_path):
    """Return a compressed archive of noise."""
    noise = np.random.default_rng(0).random(2000).tolist()
    with zipfile.ZipFile(tmp_path / 'm.keras', 'w', zipfile.ZIP_DEFLATED) as archive:
        archive.writestr('config.json', json.dumps(noise))
    return tmp_path / 'm.keras'


@pytest.mark.parametrize('place', [0.2, 0.5, 0.8])
def test_damage_inside_a_compressed_file_is_refused(place, packed):
    data = bytearray(packed.read_bytes())
    first = int(len(data) * place)
    data[first:first + 40] = np.random.default_rng(1).bytes(40)
    packed.write_bytes(data)
    with pytest.raises(ModelError, match='is not a model file'):
        load_model(packed)


def test_an_unknown_compression_is_refused(packed):
    data = bytearray(packed.read_bytes())
    data[data.index(b'PK\1\2') + 10] = 97
    packed.write_bytes(data)
    with pytest.raises(ModelError, match=r'is not a model file .*compression'):
        load_model(packed)


@pytest.mark.parametrize(('name', 'limit'), [('config.json', 'MAX_CONFIG_BYTES'),
                                             ('model.weights.h5', 'MAX_WEIGHTS_BYTES')])
def test_members_that_unpack_to_more_than_a_model_has_are_refused(name, limit, tmp_path,
                                                                  monkeypatch):
    path = write_model_file(block_model(), tmp_path / 'm.keras')
    with zipfile.ZipFile(path) as archive:
        size = archive.getinfo(name).file_size
    monkeypatch.setattr(f'qbdi_m21.model.store.{limit}', size - 1)
    with pytest.raises(ModelError, match=f'{name} of .* is larger than'):
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
