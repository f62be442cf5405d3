"""`qbdi-m21 evaluate`: the table, the JSON, which works are measured, and bad input."""

import json
import re

import numpy as np
import pytest
from click.testing import CliRunner
from musicxml_checks import block_model, write_model_file

import qbdi_m21 as q
from qbdi_m21.cli import main
from qbdi_m21.corpus import build_training_set
from qbdi_m21.improvisation.information import latent_dynamics
from qbdi_m21.model.evaluation import evaluate
from qbdi_m21.model.spec import FrameSpec
from qbdi_m21.model.training_set import TrainingSet

TUNE = 'X:1\nT:Tune\nM:4/4\nL:1/4\nK:C\nGABc|GABc|GFED|C4|]\n'


def run(*arguments: object):
    return CliRunner().invoke(main, ['evaluate', *map(str, arguments)], prog_name='qbdi-m21')


def held_bars(spec: FrameSpec, count: int) -> np.ndarray:
    rng = np.random.default_rng(count)
    windows = np.zeros((count, spec.window_frames, 2 * spec.num_pitches), bool)
    for window in windows:
        window[:, rng.choice(spec.num_pitches, 3, replace=False)] = True
    return windows


def save_set(path, spec: FrameSpec | None = None, split=(0, 0, 1, 2)):
    spec = spec or FrameSpec()
    sizes = range(3, 3 + len(split))
    data = TrainingSet(np.concatenate([held_bars(spec, n) for n in sizes]),
                       np.repeat(np.arange(len(split)), list(sizes)),
                       tuple(f'work{k}' for k in range(len(split))), np.array(split), spec, {})
    data.save(path)
    return data


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Return a working folder with a tune, a training set and a model of it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'tune.abc').write_text(TUNE)
    (tmp_path / 'reel.abc').write_text(TUNE.replace('M:4/4', 'M:2/4').replace('GABc', 'GAB'))
    save_set(tmp_path / 'set.npz')
    write_model_file(block_model(card={'name': 'blocks', 'data': {'split': {
        'train': ['work0', 'work1', 'tune.abc'], 'validation': ['work2'], 'test': ['work3']}}}),
        tmp_path / 'blocks.keras')
    return tmp_path


def test_the_table_is_aligned_and_says_units(folder):
    done = run('blocks.keras', 'set.npz', '--split', 'test', '--iwae-samples', '3')
    assert (done.exit_code, done.stderr) == (0, '')
    lines = done.stdout.splitlines()
    assert lines[0].split() == ['measure', 'value', 'unit']
    end = lines[0].index('value') + len('value')
    assert all(line[end - 1] != ' ' and line[end:end + 2] in ('', '  ') for line in lines)
    assert any(re.fullmatch(r'distortion D +\d+\.\d\d  bits a bar', line) for line in lines)
    assert any(re.fullmatch(r'-log p, 3 samples +\d+\.\d\d  bits a bar', line) for line in lines)
    for unit in ('bar', 'frame'):
        assert any(re.fullmatch(rf'chroma cosine by {unit}, draws from the prior +[01]\.\d{{3}}  '
                                'control', line) for line in lines)
    assert re.fullmatch(r'works +1', lines[1])
    assert re.fullmatch(r'bars +6', lines[2])


def test_json_holds_what_the_library_gives_and_how(folder):
    done = run('blocks.keras', 'set.npz', '--split', 'validation', '--samples', '2',
               '--iwae-samples', '3', '--seed', '4', '--json', 'out.json')
    assert done.stdout.splitlines()[-1] == 'wrote out.json'
    found = json.loads((folder / 'out.json').read_text(encoding='utf-8'))
    data = TrainingSet.load('set.npz')
    model = q.load_model('blocks.keras')
    assert found.pop('measures') == evaluate(model, data.windows[data.rows('validation')],
                                             samples=2, iwae_samples=3, seed=4)
    rows = data.rows('validation')
    assert found.pop('dynamics') == latent_dynamics(model, data.windows[rows], data.work[rows],
                                                    seed=4)
    assert found == {'model': 'blocks', 'model_weights_sha256': model.weights_sha256,
                     'sources': ['set.npz'], 'split': 'validation', 'works': 1,
                     'learned_works': 0, 'seed': 4, 'qbdi_m21': q.__version__}


def test_json_alone_goes_to_the_output(folder):
    done = run('blocks.keras', 'tune.abc', '--json', '-', '--iwae-samples', '0')
    found = json.loads(done.stdout)
    assert found['measures']['windows'] == 4
    assert 'importance_weighted' not in found['measures']
    assert sorted(p.name for p in folder.iterdir()) == ['blocks.keras', 'reel.abc', 'set.npz',
                                                        'tune.abc']


@pytest.mark.parametrize(('split', 'bars'), [('train', 7), ('validation', 5), ('test', 6),
                                             (None, 18)])
def test_a_split_has_its_own_bars(split, bars, folder):
    done = run('blocks.keras', 'set.npz', *(['--split', split] if split else []), '--json', '-',
               '--iwae-samples', '1')
    assert json.loads(done.stdout)['measures']['windows'] == bars


@pytest.mark.parametrize(('arguments', 'learned', 'works'), [
    (['set.npz'], 2, 4), (['set.npz', '--split', 'train'], 2, 2), (['tune.abc'], 1, 1),
    (['tune.abc', 'reel.abc'], 1, 2)])
def test_works_that_the_model_has_learned_are_told(arguments, learned, works, folder):
    done = run('blocks.keras', *arguments, '--iwae-samples', '1')
    assert done.exit_code == 0
    assert done.stderr.startswith(f'note: blocks.keras has learned {learned} of the {works} works')
    assert len(done.stderr.splitlines()) == 1


def test_scores_are_read_as_the_model_takes_them(folder):
    spec = FrameSpec(step='1/2', pitch_low=48, pitch_high=84, window_frames=8)
    write_model_file(block_model(spec), folder / 'other.keras')
    done = run('other.keras', '.', '--meter', '4/4', '--json', '-', '--iwae-samples', '1')
    found = json.loads(done.stdout)
    windows = build_training_set(['tune.abc'], spec=spec, held_out=(0, 0)).windows
    assert windows.shape[1:] == (8, 72)
    assert found['works'] == 1
    assert found['measures'] == evaluate(block_model(spec), windows, iwae_samples=1)


def test_the_seed_decides_the_output(folder):
    first, again, other = (run('blocks.keras', 'reel.abc', '--seed', s, '--json', '-').stdout
                           for s in (1, 1, 2))
    assert first == again
    assert first != other


def test_help_has_examples(folder):
    done = run('--help')
    assert done.exit_code == 0
    assert 'qbdi-m21 evaluate chorales' in done.stdout


@pytest.mark.parametrize(('arguments', 'message'), [
    (['none.keras', 'tune.abc'], "no model 'none.keras'"),
    (['blocks.keras', 'none.abc'], 'no such file or folder: none.abc'),
    (['blocks.keras', 'none.npz'], 'no such training set: none.npz'),
    (['blocks.keras', 'empty'], 'empty holds no score file'),
    (['blocks.keras', 'tune.abc', '--split', 'test'], '--split test goes with a training set'),
    (['blocks.keras', 'set.npz', 'tune.abc'], 'give one training set'),
    (['blocks.keras', 'set.npz', '--min-bars', '3'], '--min-bars cannot change set.npz'),
    (['blocks.keras', 'learn.npz', '--split', 'test'],
     'learn.npz has no work in its test split; expected one of train'),
    (['blocks.keras', 'other.npz'], r'takes windows of .*pitch_high=102.*other.npz holds '
     r'.*pitch_high=84'),
    (['blocks.keras', 'tune.abc', '--meter', '3/4'], 'no work is left'),
    (['blocks.keras', 'tune.abc', '--json', 'out.txt'], r"ends in '.txt'; expected .json"),
    (['blocks.keras', 'tune.abc', '--samples', '0'], '--samples'),
    (['blocks.keras', 'tune.abc', '--iwae-samples', '-1'], '--iwae-samples'),
    (['blocks.keras'], "Missing argument 'SOURCES"),
])
def test_bad_input_is_one_line_and_leaves_nothing(arguments, message, folder):
    (folder / 'empty').mkdir()
    save_set(folder / 'learn.npz', split=(0, 0))
    save_set(folder / 'other.npz', FrameSpec(pitch_high=84))
    before = sorted(p.name for p in folder.iterdir())
    done = run(*arguments)
    assert done.exit_code == 2
    assert done.stdout == ''
    lines = done.stderr.splitlines()
    assert len(lines) == 1, done.stderr
    assert lines[0].startswith('qbdi-m21: error: ')
    assert re.search(message, lines[0]), lines[0]
    assert sorted(p.name for p in folder.iterdir()) == before
