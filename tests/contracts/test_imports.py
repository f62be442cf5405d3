"""What an import and a command load."""

import json
import subprocess
import sys

import pytest
from musicxml_checks import block_model, write_model_file

HEAVY = ('tensorflow', 'keras', 'matplotlib', 'numba', 'music21')

TELL = ("import json, sys; print(json.dumps([m for m in "
        f"{HEAVY!r} if m in sys.modules]), file=sys.stderr)")


def loaded(script: str, *arguments: object, folder=None) -> list[str]:
    """Return the heavy packages that a script has loaded in a process of its own."""
    done = subprocess.run([sys.executable, '-c', f'{script}\n{TELL}', *map(str, arguments)],
                          capture_output=True, text=True, cwd=folder, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stderr.splitlines()[-1])


@pytest.mark.parametrize('module', ['qbdi_m21', 'qbdi_m21.errors', 'qbdi_m21.cli',
                                    'corpus_tools', 'corpus_tools.cli'])
def test_an_import_loads_nothing_heavy(module):
    assert loaded(f'import {module}') == []


@pytest.mark.parametrize('module', ['channel.gaussian', 'channel.allocation'])
def test_the_channel_needs_numpy_only(module):
    assert loaded(f'import qbdi_m21.{module}') == []


def test_the_command_loads_music21_but_no_tensorflow(tmp_path):
    (tmp_path / 'tune.abc').write_text('X:1\nM:4/4\nL:1/4\nK:C\nGABc|GABc|GFED|C4|]\n')
    model = write_model_file(block_model(), tmp_path / 'blocks.keras')
    script = ('import sys\nfrom qbdi_m21.cli import main\n'
              'main(["improvise", "tune.abc", "--model", sys.argv[1]], standalone_mode=False)')
    assert loaded(script, model, folder=tmp_path) == ['music21']
    assert (tmp_path / 'tune-improvisation.musicxml').is_file()


@pytest.mark.parametrize('arguments', [['--help'], ['improvise', '--help'], ['--version'],
                                       ['train', '--help']])
def test_help_loads_nothing_heavy(arguments):
    script = f'from qbdi_m21.cli import main\nmain({arguments!r}, standalone_mode=False)'
    assert loaded(script) == []


@pytest.mark.parametrize('name', ['Frames', 'improvise', 'find_motifs', 'write_musicxml'])
def test_a_public_name_loads_music21_at_most(name):
    assert set(loaded(f'from qbdi_m21 import {name}')) <= {'music21'}
