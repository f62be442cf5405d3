"""Model files: `.keras` archives, written with Keras and read with NumPy.

A model file is data: the reader opens the archive's JSON and HDF5 members itself, checks
sizes before it takes memory, and runs nothing that the file says.
"""

from __future__ import annotations

import io
import json
import math
import os
import zipfile
import zlib
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from qbdi_m21.errors import ModelError
from qbdi_m21.files import write_aside
from qbdi_m21.model.context import ContextModel
from qbdi_m21.model.dense import DenseModel
from qbdi_m21.model.inference import STATISTICS, LatentModel
from qbdi_m21.model.presets import check_sizes
from qbdi_m21.model.spec import FrameSpec

if TYPE_CHECKING:
    from qbdi_m21.model.vae import VAE

SUFFIX = '.keras'

#: Version of what a model file holds; a newer one is refused.
FORMAT = 2

#: The network of each Keras class.
NETWORKS: dict[str, type[LatentModel]] = {'DenseVAE': DenseModel, 'ContextVAE': ContextModel}

#: Largest members of an archive that are read, in bytes.
MAX_CONFIG_BYTES, MAX_WEIGHTS_BYTES = 64 << 20, 2 << 30


def list_models() -> tuple[str, ...]:
    """Return the names of the models shipped with the package."""
    folder = resources.files('qbdi_m21.model') / 'pretrained'
    return tuple(sorted(f.name.removesuffix(SUFFIX) for f in folder.iterdir()
                        if f.name.endswith(SUFFIX)))


def model_path(name: str | os.PathLike[str]) -> Path:
    """Return the file of a shipped model, or the path itself.

    Raises
    ------
    ModelError
        If it is neither a shipped name nor a file.
    """
    if str(name) in list_models():
        return Path(str(resources.files('qbdi_m21.model') / 'pretrained' / f'{name}{SUFFIX}'))
    if not Path(name).is_file():
        raise ModelError(f'no model {str(name)!r}; expected a shipped model '
                         f'({", ".join(list_models())}) or the path of a .keras file')
    return Path(name)


def load_model(name: str | os.PathLike[str]) -> LatentModel:
    """Return a model for inference, without TensorFlow.

    Parameters
    ----------
    name : str or path
        A shipped model's name (``'chorales'``) or a `.keras` file written by :func:`save_model`.

    Raises
    ------
    ModelError
        If there is no such model, or the file is not one of ours.
    """
    path = model_path(name)
    import h5py
    try:
        with zipfile.ZipFile(path) as archive:
            config = json.loads(_member(archive, 'config.json', MAX_CONFIG_BYTES))
            network = NETWORKS.get(str(config.get('registered_name')).removeprefix('qbdi_m21>'))
            if config.get('registered_name') == 'qbdi_m21>VAE':
                raise ModelError(f'{path} has format 1, which this version of qbdi_m21 no longer '
                                 'reads; train the model again')
            if network is None:
                raise ModelError(f'{path} is a Keras model of another kind '
                                 f'({config.get("class_name")}); expected one made by '
                                 '`qbdi-m21 train`')
            weights = _member(archive, 'model.weights.h5', MAX_WEIGHTS_BYTES)
            with h5py.File(io.BytesIO(weights), 'r') as h5:
                return _read(network, config['config'], h5)
    except ModelError:
        raise
    except (zipfile.BadZipFile, zlib.error, OSError, KeyError, ValueError, TypeError,
            AttributeError, ArithmeticError, RuntimeError) as error:
        raise ModelError(f'{path} is not a model file ({error}); expected a .keras file made by '
                         '`qbdi-m21 train`') from error


def _member(archive: zipfile.ZipFile, name: str, most: int) -> bytes:
    """Return a member of an archive, unpacked to the size that it states and no further."""
    size = archive.getinfo(name).file_size
    if size > most:
        raise ModelError(f'{name} of {archive.filename} is larger than {most >> 20} MiB; this is '
                         'no model of ours')
    with archive.open(name) as member:
        return member.read(size)


def _read(network: type[LatentModel], config: dict[str, Any], h5: Any) -> LatentModel:
    if config['format'] > FORMAT:
        raise ModelError(f'the model file has format {config["format"]} and this version of '
                         f'qbdi_m21 reads {FORMAT}; install a newer version')
    spec, sizes, card = FrameSpec(**config['spec']), config['sizes'], config.get('card') or {}
    check_sizes(sizes)
    if not isinstance(card, dict):
        raise TypeError('its card is no mapping')
    shapes = network.shapes(spec, sizes)
    cells = sum(math.prod(part) for layer in shapes.values() for part in layer)
    if 4 * cells > MAX_WEIGHTS_BYTES:
        raise ModelError(f'sizes {sizes} ask for {cells} weights; more than '
                         f'{MAX_WEIGHTS_BYTES >> 20} MiB is no model of ours')

    def values(name: str, expected: tuple[int, ...]) -> Any:
        # the shape is looked at before the memory is taken
        if h5[name].shape != expected:
            raise ModelError(f'{name} has weights {h5[name].shape}; the frame specification and '
                             f'sizes of the model ask for {expected}')
        dataset = h5[name]
        if dataset.file.filename != h5.filename or dataset.external or dataset.is_virtual:
            raise ModelError(f'{name} lies in another file; a model file holds its own weights')
        return np.asarray(dataset[()], dtype=np.float32)

    weights = {name: tuple(values(f'{name}/vars/{place}', part)
                           for place, part in enumerate(parts))
               for name, parts in shapes.items()}
    statistics = {name: values(f'latent_statistics/vars/{place}', (sizes['latent'],))
                  for place, name in enumerate(STATISTICS)}
    return network(spec, sizes, weights, **statistics, threshold=float(config['threshold']),
                   decoding=config['decoding'], card=card)


def from_keras(model: VAE) -> LatentModel:
    """Return the NumPy model of a Keras VAE."""
    network, spec = NETWORKS[type(model).__name__], FrameSpec(**model.spec)
    weights = {name: tuple(np.asarray(part, dtype=np.float32)
                           for part in getattr(model, name).get_weights())
               for name in network.shapes(spec, model.sizes)}
    statistics = dict(zip(STATISTICS, model.latent_statistics.get_weights(), strict=True))
    return network(spec, model.sizes, weights, **statistics, threshold=model.threshold,
                   decoding=model.decoding, card=model.card)


def save_model(model: VAE, path: str | os.PathLike[str], *, compact: bool = False) -> None:
    """Write a Keras VAE as a `.keras` file (without the optimizer's state).

    Parameters
    ----------
    model : VAE
    path : path
        Ends in ``.keras``.
    compact : bool
        Round the weights to half precision and compress the archive: a file of half the size
        for models that are shipped. Weights stay float32.
    """
    if Path(path).suffix != SUFFIX:
        raise ModelError(f'{path} does not end in {SUFFIX}; Keras asks for that')
    # a fresh model: what Keras keeps for training (the optimizer's state) triples the file
    clean = type(model).from_config(model.get_config())
    clean.build()
    weights = model.get_weights()
    if compact:
        weights = [w.astype(np.float16).astype(w.dtype) if w.dtype == np.float32 else w
                   for w in weights]
    clean.set_weights(weights)
    with write_aside(path) as aside:
        clean.save(aside)
        _repack(aside, zipfile.ZIP_DEFLATED if compact else zipfile.ZIP_STORED)


def _repack(path: Path, compression: int) -> None:
    """Write the archive again without the time of day: the same weights, the same bytes."""
    with zipfile.ZipFile(path) as archive:
        members = {n: archive.read(n) for n in archive.namelist()}
    about = json.loads(members['metadata.json'])
    members['metadata.json'] = json.dumps({**about, 'date_saved': ''}).encode()
    with zipfile.ZipFile(path, 'w') as archive:
        for name, data in members.items():
            archive.writestr(zipfile.ZipInfo(name, (2020, 1, 1, 0, 0, 0)), data, compression,
                             compresslevel=9)


def load_keras(name: str | os.PathLike[str]) -> VAE:
    """Return a model as a Keras VAE, loaded in safe mode (for training and inspection)."""
    import keras

    from qbdi_m21.model import context_vae, vae  # noqa: F401 - registers its network with Keras
    load_model(name)        # our own checks and messages first
    model = keras.saving.load_model(model_path(name), safe_mode=True, compile=False)
    if not isinstance(model, vae.VAE):
        raise ModelError(f'{name} holds a {type(model).__name__}; expected a VAE')
    return model
