"""Imports point one way, and music21 and Keras stay in their rooms."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

#: From the bottom to the top; a module imports from its own room or from lower ones.
LAYERS = (('errors',), ('files',), ('frames',), ('channel', 'oracle', 'model'), ('analysis',),
          ('notation',), ('improvisation', 'sources'), ('comparison', 'corpus'), ('report',),
          ('cli',), ('corpus_tools',))
RANK = {room: rank for rank, rooms in enumerate(LAYERS) for room in rooms}

MODULES = sorted([*(ROOT / 'qbdi_m21').rglob('*.py'), *(ROOT / 'corpus_tools').rglob('*.py')])

MUSIC21 = ('frames/bars.py', 'frames/encode.py', 'frames/measures.py', 'frames/notes.py',
           'frames/repeats.py', 'frames/scan.py', 'notation/',
           *(f'improvisation/{name}.py' for name in (
               'information', 'latents', 'measures', 'operations', 'recipe', 'regions', 'replay',
               'resynthesis', 'sweep')),
           'comparison.py',
           'sources.py')     # which names the works of music21's corpus


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def imported(path: Path) -> set[str]:
    """Return the dotted names that a module imports, inside functions too."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding='utf-8'))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f'{path}: relative import'
            names |= {f'{node.module}.{alias.name}' for alias in node.names}
    return names


def room_of(dotted: str) -> str | None:
    """Return the room of one of our own modules; None for the package itself and for others."""
    head, *rest = dotted.split('.')
    if head == 'corpus_tools':
        return head
    return rest[0] if head == 'qbdi_m21' and rest else None


def own_room(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix('').parts
    return 'corpus_tools' if parts[0] == 'corpus_tools' else parts[1]


def modules(*, outside: tuple[str, ...]) -> list[Path]:
    return [p for p in MODULES
            if not any(name_of(p).startswith(f'qbdi_m21/{place}') for place in outside)]


def test_every_module_is_found_in_a_room():
    rooms = {own_room(p) for p in MODULES} - {'__init__'}
    assert rooms == set(RANK)


@pytest.mark.parametrize('path', [p for p in MODULES if own_room(p) != '__init__'], ids=name_of)
def test_imports_point_down(path):
    mine = own_room(path)
    for dotted in imported(path):
        room = room_of(dotted)
        if room is not None and room != mine:
            assert room in RANK, f'{name_of(path)} imports {dotted}'
            assert RANK[room] < RANK[mine], f'{name_of(path)} imports {dotted}'


@pytest.mark.parametrize('path', [p for p in MODULES if own_room(p) != '__init__'], ids=name_of)
def test_of_the_package_itself_only_the_version_is_used(path):
    if not {'qbdi_m21', 'qbdi_m21.__version__'} & imported(path):
        return
    tree = ast.parse(path.read_text(encoding='utf-8'))
    used = {n.attr for n in ast.walk(tree) if isinstance(n, ast.Attribute)
            and isinstance(n.value, ast.Name) and n.value.id == 'qbdi_m21'}
    assert used == {'__version__'}


def users(package: str, paths: list[Path]) -> list[str]:
    return [name_of(p) for p in paths
            if any(dotted.split('.')[0] == package for dotted in imported(p))]


def test_music21_stays_in_its_rooms():
    # music21's own features are its citizens
    assert users('music21', modules(outside=MUSIC21)) == ['corpus_tools/extractors.py']
    assert len(users('music21', MODULES)) > 5


@pytest.mark.parametrize('package', ['keras', 'tensorflow', 'h5py'])
def test_keras_stays_with_the_model(package):
    assert users(package, modules(outside=('model/',))) == []


def test_keras_is_used_by_the_network_and_its_training_only():
    assert users('keras', MODULES) == [f'qbdi_m21/model/{name}.py' for name in (
        'context_vae', 'store', 'training', 'vae')]
    # data are prepared beside the updates, and the step over the weights is compiled; networks
    # use keras.ops alone
    assert users('tensorflow', MODULES) == [f'qbdi_m21/model/{name}.py' for name in (
        'augment', 'batches', 'training')]


@pytest.mark.parametrize(('package', 'place'), [
    ('vmo', 'oracle/'), ('mido', 'frames/midi_out.py'), ('matplotlib', 'report/'),
    ('numba', 'oracle/')])
def test_other_libraries_have_one_place(package, place):
    there = users(package, modules(outside=(place,)))
    assert there == (['corpus_tools/plots.py', 'corpus_tools/reproduce/figures.py']
                     if package == 'matplotlib' else [])


def test_tables_are_stored_in_three_places():
    assert users('pyarrow', MODULES) == ['corpus_tools/rows.py', 'qbdi_m21/frames/csv_table.py',
                                         'qbdi_m21/frames/store.py']


@pytest.mark.parametrize(('package', 'places'), [
    ('pebble', ['corpus_tools/engine/guard.py']),
    ('distributed', ['corpus_tools/engine/cluster.py']),
    ('duckdb', ['corpus_tools/results.py']),
    ('statsmodels', ['corpus_tools/statistics.py'])])
def test_libraries_of_corpus_tools_have_one_place(package, places):
    assert users(package, MODULES) == places


def reached(module: str) -> set[str]:
    """Return the modules of ours that one imports at its head, and those that these import."""
    found, waiting = set(), [module]
    while waiting:
        path = ROOT / f'{waiting.pop().replace(".", "/")}.py'
        if path.is_file() and path not in found:
            found.add(path)
            tree = ast.parse(path.read_text(encoding='utf-8'))
            waiting += [node.module for node in tree.body if isinstance(node, ast.ImportFrom)]
    return {name_of(path) for path in found}


@pytest.mark.parametrize('module', ['midi', 'midi_out', 'store', 'raster', 'features', 'windows'])
def test_music21_is_not_behind_the_numerics_of_frames(module):
    paths = reached(f'qbdi_m21.frames.{module}')
    assert len(paths) > 3
    assert not {name for name in paths if name.startswith(
        tuple(f'qbdi_m21/{place}' for place in MUSIC21))}
