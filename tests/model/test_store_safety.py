"""Model files are data: damaged, foreign and malicious ones are refused."""

import io
import json
import zipfile

import h5py
import numpy as np
import pytest
from musicxml_checks import block_model, write_model_file

from qbdi_m21.errors import ModelError
from qbdi_m21.model.store import load_model


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
