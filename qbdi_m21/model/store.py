"""Model files: `.keras` archives, written with Keras and read with NumPy.

A model file is data: the reader opens the archive's JSON and HDF5 members itself, checks
sizes before it takes memory, and runs nothing that the file says.
"""

from __future__ import annotations

import io
import json
import os
import zipfile
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from qbdi_m21.errors import ModelError
from qbdi_m21.files import write_aside
from qbdi_m21.model.inference import LAYERS, STATISTICS, LatentModel
from qbdi_m21.model.spec import FrameSpec

if TYPE_CHECKING:
    from qbdi_m21.model.vae import VAE

SUFFIX = '.keras'

#: Largest weights file that is read, in bytes.
MAX_WEIGHTS_BYTES = 2 << 30


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
            config = json.loads(archive.read('config.json'))
            if config.get('registered_name') != 'qbdi_m21>VAE':
                raise ModelError(f'{path} is a Keras model of another kind '
                                 f'({config.get("class_name")}); expected one made by '
                                 '`qbdi-m21 train`')
            if archive.getinfo('model.weights.h5').file_size > MAX_WEIGHTS_BYTES:
                raise ModelError(f'the weights of {path} are larger than '
                                 f'{MAX_WEIGHTS_BYTES >> 20} MiB; this is no model of ours')
            with h5py.File(io.BytesIO(archive.read('model.weights.h5')), 'r') as h5:
                return _read(config['config'], h5)
    except (zipfile.BadZipFile, OSError, KeyError, ValueError, TypeError, AttributeError,
            ArithmeticError) as error:
        raise ModelError(f'{path} is not a model file ({error}); expected a .keras file made by '
                         '`qbdi-m21 train`') from error


def _read(config: dict[str, Any], h5: Any) -> LatentModel:
    spec = FrameSpec(**config['spec'])
    hidden, latent = int(config['hidden']), int(config['latent'])
    if not (0 < hidden <= 1 << 16 and 0 < latent <= 1 << 16):
        raise ModelError(f'hidden={hidden}, latent={latent}: sizes out of range')

    def values(dataset: Any) -> Any:
        return np.asarray(dataset[()], dtype=np.float32)

    weights = {name: (values(h5[f'{name}/vars/0']), values(h5[f'{name}/vars/1']))
               for name in LAYERS}
    mean, variance, posterior = (values(h5[f'latent_statistics/vars/{i}'])
                                 for i in range(len(STATISTICS)))
    return LatentModel(spec, weights, mean, variance, posterior,
                       threshold=float(config['threshold']), card=config.get('card') or {})


def from_keras(model: VAE) -> LatentModel:
    """Return the NumPy model of a Keras VAE."""
    weights = {}
    for name in LAYERS:
        kernel, bias = getattr(model, name).get_weights()
        weights[name] = (kernel, bias)
    mean, variance, posterior = model.latent_statistics.get_weights()
    return LatentModel(FrameSpec(**model.spec), weights, mean, variance, posterior,
                       threshold=model.threshold, card=model.card)


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

    from qbdi_m21.model import vae
    load_model(name)        # our own checks and messages first
    model = keras.saving.load_model(model_path(name), safe_mode=True, compile=False)
    if not isinstance(model, vae.VAE):
        raise ModelError(f'{name} holds a {type(model).__name__}; expected a VAE')
    return model
