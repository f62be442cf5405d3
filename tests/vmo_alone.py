"""Single files of vmo. Its packages import librosa and soundfile, which are not installed."""

import importlib.util
import sys
import types
import warnings
from functools import cache
from pathlib import Path
from unittest import mock

import vmo

STAND_INS = ('librosa', 'soundfile')


@cache
def load_alone(place):
    """Return the module of one file of vmo, with empty modules for what is not there."""
    path = Path(vmo.__file__).parent / place
    spec = importlib.util.spec_from_file_location(f'vmo_alone_{path.stem}', path)
    module = importlib.util.module_from_spec(spec)
    empty = {name: types.ModuleType(name) for name in STAND_INS}
    with warnings.catch_warnings(), mock.patch.dict(sys.modules, empty):
        warnings.simplefilter('ignore')
        spec.loader.exec_module(module)
    return module
