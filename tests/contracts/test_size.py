"""Small files, short functions, and nothing that shouts."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MAX_FILE, MAX_FUNCTION = 350, 60

LIBRARY = sorted([*(ROOT / 'qbdi_m21').rglob('*.py'), *(ROOT / 'corpus_tools').rglob('*.py')])
ALL = [*LIBRARY, *sorted((ROOT / 'tests').rglob('*.py')),
       *sorted((ROOT / 'benchmarks').rglob('*.py'))]


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding='utf-8'))


def test_there_is_something_to_measure():
    assert len(LIBRARY) > 30


@pytest.mark.parametrize('path', ALL, ids=name_of)
def test_files_are_small(path):
    assert len(path.read_text(encoding='utf-8').splitlines()) <= MAX_FILE


@pytest.mark.parametrize('path', ALL, ids=name_of)
def test_functions_are_short(path):
    long = {node.name: lines_without_docstring(node) for node in ast.walk(tree_of(path))
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
            and lines_without_docstring(node) > MAX_FUNCTION}
    assert long == {}


def lines_without_docstring(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    lines = node.end_lineno - node.lineno + 1
    if ast.get_docstring(node) is not None:
        lines -= node.body[0].end_lineno - node.body[0].lineno + 1
    return lines


@pytest.mark.parametrize('path', LIBRARY, ids=name_of)
def test_the_library_never_prints_and_never_asserts(path):
    for node in ast.walk(tree_of(path)):
        assert not isinstance(node, ast.Assert), f'line {node.lineno}'
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            assert node.func.id not in ('print', 'exec', 'eval'), f'line {node.lineno}'


#: Where anybody's code runs, a reader's, a user's study or measure: whatever it raises is a row of
#: results, or told in a line.
FOREIGN = ('corpus_tools/engine/cluster.py', 'corpus_tools/engine/guard.py',
           'corpus_tools/engine/worker.py', 'corpus_tools/extractors.py',
           'corpus_tools/ingest.py', 'corpus_tools/measures.py', 'corpus_tools/study.py',
           'corpus_tools/units.py')


@pytest.mark.parametrize('path', LIBRARY, ids=name_of)
def test_no_star_import_and_no_bare_except(path):
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.ImportFrom):
            assert all(alias.name != '*' for alias in node.names), f'line {node.lineno}'
        if isinstance(node, ast.ExceptHandler):
            assert node.type is not None, f'line {node.lineno}'
            caught = {n.id for n in ast.walk(node.type) if isinstance(n, ast.Name)}
            banned = {'BaseException'} if name_of(path) in FOREIGN else {
                'Exception', 'BaseException'}
            assert not caught & banned, f'line {node.lineno}'
