"""What an import and a command load."""

import json
import subprocess
import sys

import pytest
from musicxml_checks import block_model, write_model_file
from strategies import bars_of, table_of

from qbdi_m21 import frames
from qbdi_m21.frames.midi_out import write_midi
from qbdi_m21.frames.store import save_table

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
                                    'qbdi_m21.frames', 'qbdi_m21.frames.store',
                                    'qbdi_m21.frames.midi', 'qbdi_m21.frames.raster',
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
    # the information rate needs the oracle's kernel
    assert loaded(script, model, folder=tmp_path) == ['numba', 'music21']
    assert (tmp_path / 'tune-improvisation.musicxml').is_file()


@pytest.mark.parametrize('arguments', [['--help'], ['improvise', '--help'], ['--version'],
                                       ['train', '--help'], ['ir', '--help'],
                                       ['resynthesise', '--help']])
def test_help_loads_nothing_heavy(arguments):
    script = f'from qbdi_m21.cli import main\nmain({arguments!r}, standalone_mode=False)'
    assert loaded(script) == []


@pytest.mark.parametrize('name', ['Frames', 'improvise', 'find_motifs', 'write_musicxml'])
def test_a_public_name_loads_music21_at_most(name):
    assert set(loaded(f'from qbdi_m21 import {name}')) <= {'music21'}


def test_midi_files_and_tables_are_read_without_music21(tmp_path):
    table = table_of([(0, 1, 60), (1, 2, 64)], bars_of('3/4'))
    for suffix in ('.parquet', '.csv', '.npz'):
        save_table(table, tmp_path / f'x{suffix}')
    write_midi(table, tmp_path / 'x.mid')
    script = ('import qbdi_m21 as q\n'
              'tables = [q.load_table(f"x{s}") for s in (".parquet", ".csv", ".npz")]\n'
              'tables.append(q.read_midi("x.mid"))\n'
              'assert all((t.pitch == tables[0].pitch).all() for t in tables)\n'
              'assert q.from_midi("x.mid").onset.sum() == 2\n'
              'assert q.quantize(tables[0], "1/2").spelling.tolist() == ["C4", "E4"]')
    assert loaded(script, folder=tmp_path) == []


def test_midi_files_and_arrays_are_written_without_music21(tmp_path):
    save_table(table_of([(0, 1, 60), (1, 2, 64)], bars_of('3/4')), tmp_path / 'x.npz')
    script = ('import qbdi_m21 as q\n'
              'from qbdi_m21.frames.raster import table_to_frames\n'
              'table = q.load_table("x.npz")\n'
              'q.write_midi(table, "out.mid")\nq.save_table(table, "out.npz")\n'
              'q.save_frames(table_to_frames(table), "frames.npz")\n'
              'assert len(q.frames_to_table(q.load_frames("frames.npz"))) == 2')
    assert loaded(script, folder=tmp_path) == []


@pytest.mark.parametrize('name', ['Frames', 'Grid', 'NoteTable', 'read_midi', 'from_midi',
                                  'write_midi', 'load_table', 'save_table', 'load_frames',
                                  'quantize', 'frames_to_table', 'Oracle', 'build_oracle',
                                  'find_threshold', 'from_vmo', 'information_profile',
                                  'repeated_patterns'])
def test_names_of_arrays_load_nothing_heavy(name):
    assert loaded(f'from qbdi_m21 import {name}') == []


def test_every_name_of_the_frames_room_is_there():
    assert len(frames.__all__) > 25
    for name in frames.__all__:
        assert getattr(frames, name).__doc__, name
