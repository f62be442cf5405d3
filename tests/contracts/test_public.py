"""The public names: there, lazy, typed, and frozen where they hold data."""

import dataclasses
import importlib
import inspect
import pkgutil
from importlib import metadata, resources

import pytest

import qbdi_m21
from qbdi_m21 import errors

ROOMS = ('frames', 'model', 'analysis', 'oracle')

#: Their import loads Keras.
KERAS = ('qbdi_m21.model.training', 'qbdi_m21.model.vae')

MODULES = [f'qbdi_m21.{room}.{found.name}' for room in ROOMS for found in pkgutil.iter_modules(
    [str(resources.files('qbdi_m21') / room)]) if found.name != 'pretrained']


def test_the_version_is_that_of_the_distribution():
    assert metadata.version('qbdi-m21') == qbdi_m21.__version__


def test_dir_lists_the_public_names():
    assert {'improvise', 'compare', 'load_score', 'write_musicxml', 'Frames'} <= set(dir(qbdi_m21))
    assert qbdi_m21.__all__


@pytest.mark.parametrize('name', [pytest.param(n, marks=pytest.mark.tf) if n == 'train' else n
                                  for n in qbdi_m21.__all__ if not n.startswith('_')])
def test_every_public_name_is_there_and_annotated(name):
    value = getattr(qbdi_m21, name)
    if inspect.isfunction(value):
        hints = inspect.signature(value)
        assert hints.return_annotation is not inspect.Signature.empty
        assert all(p.annotation is not p.empty for p in hints.parameters.values())
        positional = [p for p in hints.parameters.values() if p.kind is p.POSITIONAL_OR_KEYWORD]
        assert len(positional) <= 3


def test_a_name_that_is_not_there_is_an_attribute_error():
    with pytest.raises(AttributeError, match='nothing'):
        _ = qbdi_m21.nothing


def test_types_and_stub_are_shipped():
    files = {f.name for f in resources.files('qbdi_m21').iterdir()}
    assert {'py.typed', '__init__.pyi'} <= files
    assert 'py.typed' in {f.name for f in resources.files('corpus_tools').iterdir()}


@pytest.mark.parametrize('name', [pytest.param(m, marks=pytest.mark.tf) if m in KERAS else m
                                  for m in MODULES])
def test_dataclasses_are_frozen(name):
    module = importlib.import_module(name)
    for thing in vars(module).values():
        if inspect.isclass(thing) and dataclasses.is_dataclass(thing) and (
                thing.__module__ == name):
            assert thing.__dataclass_params__.frozen, thing.__name__


ERRORS = [c for c in vars(errors).values() if inspect.isclass(c)]


@pytest.mark.parametrize('kind', ERRORS, ids=lambda c: c.__name__)
def test_errors_and_warnings_have_one_root_and_a_docstring(kind):
    root = errors.QbdiWarning if issubclass(kind, Warning) else errors.QbdiError
    assert issubclass(kind, root)
    assert kind.__name__.endswith('Warning' if issubclass(kind, Warning) else 'Error')
    assert kind.__doc__.endswith('.')


@pytest.mark.parametrize(('kind', 'builtin'), [
    ('ParameterError', ValueError), ('ScoreError', ValueError), ('EmptyScoreError', ValueError),
    ('ModelError', RuntimeError), ('NotationError', RuntimeError), ('CorpusError', RuntimeError),
    ('FramesError', ValueError)])
def test_errors_are_also_what_python_would_raise(kind, builtin):
    assert issubclass(getattr(errors, kind), builtin)


@pytest.mark.parametrize('command', ['qbdi-m21', 'corpus-tools'])
def test_the_commands_are_installed(command):
    points = {p.name: p for p in metadata.entry_points(group='console_scripts')}
    assert callable(points[command].load())
