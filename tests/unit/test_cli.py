"""The command line where all goes well."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from music21 import converter
from musicxml_checks import block_model, schema_errors, write_model_file

import qbdi_m21 as q
from qbdi_m21.cli import main
from qbdi_m21.improvisation.recipe import notes_sha256

TUNE = 'X:1\nT:Tune\nM:4/4\nL:1/4\nK:C\nGABc|GABc|GFED|C4|]\n'


def run(*arguments: object):
    return CliRunner().invoke(main, [str(a) for a in arguments], prog_name='qbdi-m21')


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Return an empty working folder with a tune and a model."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'tune.abc').write_text(TUNE)
    write_model_file(block_model(), tmp_path / 'blocks.keras')
    return tmp_path


def improvise(*more: object):
    return run('improvise', 'tune.abc', '--model', 'blocks.keras', *more)


def test_the_job_writes_one_valid_score_and_says_what_it_found(folder):
    done = improvise('-o', 'out.musicxml')
    assert (done.exit_code, done.stderr) == (0, '')
    lines = done.stdout.splitlines()
    assert lines[0] == 'wrote out.musicxml and out.json'
    assert re.fullmatch(r'4 bars; query 13 notes, improvisation \d+ notes', lines[1])
    assert lines[-1].startswith('harmonic collisions: ')
    assert schema_errors(folder / 'out.musicxml') == []
    score = converter.parse(folder / 'out.musicxml', forceSource=True)
    assert [p.partName for p in score.parts][-1] == 'Query'
    assert sorted(p.name for p in folder.iterdir()) == ['blocks.keras', 'out.json', 'out.musicxml',
                                                         'tune.abc']


def test_the_default_output_is_named_after_the_query(folder):
    (folder / 'sub').mkdir()
    (folder / 'tune.abc').rename(folder / 'sub' / 'my.tune.abc')
    done = run('improvise', 'sub/my.tune.abc', '--model', 'blocks.keras')
    assert done.exit_code == 0
    assert (folder / 'my.tune-improvisation.musicxml').is_file()


def test_a_corpus_work_needs_no_file(folder):
    done = run('improvise', 'corpus:bach/bwv66.6', '--model', 'blocks.keras')
    assert done.exit_code == 0
    assert (folder / 'bwv66.6-improvisation.musicxml').is_file()


@pytest.mark.parametrize('suffix', ['.musicxml', '.xml', '.mxl'])
def test_the_output_opens_in_music21(suffix, folder):
    assert improvise('-o', f'out{suffix}').exit_code == 0
    assert len(converter.parse(folder / f'out{suffix}', forceSource=True).parts) == 3


def test_json_holds_the_findings_and_the_recipe(folder):
    done = improvise('--rate', '64', '--seed', '3', '--json', 'out.json')
    assert done.stdout.startswith('wrote tune-improvisation.musicxml and out.json\n')
    found = json.loads((folder / 'out.json').read_text(encoding='utf-8'))
    assert found['recipe'] == {
        'format': 1, 'operation': 'improvise', 'model': 'blocks.keras', 'qbdi_m21': q.__version__,
        'queries': [{'source': 'tune.abc'}], 'regions': [], 'channel': 'prior-preserving',
        'query_notes_sha256': [notes_sha256(q.extract_notes(q.load_score('tune.abc')))],
        'model_weights_sha256': block_model().weights_sha256, 'rate': 64, 'seed': 3,
        'model_decoding': {'rule': 'threshold', 'threshold': 0.5},
        'variance': 'corpus', 'allocation': 'whole', 'decoding': {}}
    assert {'bars', 'motifs', 'collisions', 'information_rate', 'channel'} <= set(found)


def test_the_file_holds_what_the_library_gives(folder):
    assert improvise('--rate', 'full', '-o', 'out.musicxml').exit_code == 0
    found = q.compare(q.load_score('tune.abc'), 'blocks.keras', rate='full')
    found.recipe['queries'] = [{'source': 'tune.abc'}]
    q.write_musicxml(found.annotated(), 'library.musicxml')
    assert (folder / 'out.musicxml').read_bytes() == (folder / 'library.musicxml').read_bytes()


def test_the_seed_decides_the_bytes(folder):
    for name, seed in (('a', 1), ('b', 1), ('c', 2)):
        assert improvise('--rate', 40, '--seed', seed, '-o', f'{name}.mxl').exit_code == 0
    a, b, c = ((folder / f'{n}.mxl').read_bytes() for n in 'abc')
    assert a == b
    assert a != c


def test_silence_is_a_note_on_stderr_and_no_failure(folder):
    done = improvise('--rate', '0', '--channel', 'paper')
    assert done.exit_code == 0
    assert re.fullmatch(r'note: the improvisation is silent: .*\n', done.stderr)
    assert schema_errors(folder / 'tune-improvisation.musicxml') == []


def test_notes_that_are_moved_are_told_once(folder):
    (folder / 'tune.abc').write_text(TUNE.replace('GABc|', '(3G/A/B/ (3G/A/B/ Bc|'))
    done = improvise()
    assert done.exit_code == 0
    assert len(done.stderr.splitlines()) == 1
    assert done.stderr.startswith('note: ')
    assert 'notes moved to the grid' in done.stderr


def test_a_score_of_a_book_is_chosen(folder):
    (folder / 'tune.abc').write_text(TUNE + '\n' + TUNE.replace('X:1', 'X:2').replace('G', 'A'))
    assert improvise('--number', 2).exit_code == 0
    assert (folder / 'tune-improvisation.musicxml').is_file()


@pytest.mark.parametrize('command', [[], ['improvise'], ['sample'], ['interpolate'], ['sweep'],
                                     ['train']])
def test_help_has_examples(command):
    done = run(*command, '--help')
    assert done.exit_code == 0
    assert re.search(rf'Examples?:\n +qbdi-m21 {" ".join(command)}', done.stdout)


@pytest.mark.parametrize('option', ['--rate', '--seed', '--model', '--json', '--output',
                                    '--threshold', '--number'])
def test_help_names_every_option_of_the_job(option):
    assert option in run('improvise', '--help').stdout


def test_version():
    assert run('--version').stdout == f'qbdi-m21, version {q.__version__}\n'


def test_models_lists_the_shipped_model():
    done = run('models')
    assert done.exit_code == 0
    assert re.search(r'^chorales: \d+ works, \d+ bars learned .* -ELBO [\d.]+ bits a bar$',
                     done.stdout, re.M)


def test_the_default_model_serves(folder):
    done = run('improvise', 'tune.abc')
    assert (done.exit_code, done.stderr) == (0, '')
    assert int(re.search(r'improvisation (\d+) notes', done.stdout)[1]) > 4


def process(*arguments: str) -> subprocess.CompletedProcess:
    """Run the installed command in a process of its own."""
    command = Path(sys.executable).with_name('qbdi-m21')
    return subprocess.run([command, *arguments], capture_output=True, text=True, check=False,
                          env={**os.environ, 'COLUMNS': '200'})


def test_the_installed_command_is_silent_in_a_pipe_but_for_its_report(folder):
    done = process('improvise', 'tune.abc', '--model', 'blocks.keras', '-o', 'out.musicxml')
    assert (done.returncode, done.stderr) == (0, '')
    assert done.stdout.startswith(
        'wrote out.musicxml and out.json\n4 bars; query 13 notes')


def test_the_installed_command_fails_with_one_line_and_status_2(folder):
    done = process('improvise', 'none.musicxml', '--model', 'blocks.keras', '-o', 'out.musicxml')
    assert (done.returncode, done.stdout) == (2, '')
    assert re.fullmatch(r'qbdi-m21: error: no such file: none\.musicxml; .*\n', done.stderr)
    assert not (folder / 'out.musicxml').exists()
