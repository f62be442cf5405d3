"""`qbdi-m21 train`: what it writes and tells, interruptions, and bad input."""

import contextlib
import os
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from musicxml_checks import block_model, write_model_file
from small_training import SMALL, make_data

from qbdi_m21.cli import main
from qbdi_m21.model import presets
from qbdi_m21.model.spec import FrameSpec
from qbdi_m21.model.store import load_model

pytestmark = pytest.mark.tf

TUNE = 'X:1\nT:Tune\nM:4/4\nL:1/4\nK:C\nGABc|GABc|GFED|C4|]\n'
TRAINING = ('train', 'set.npz', '--preset', 'small', '--seed', '3', '-o')


@pytest.fixture(scope='module', autouse=True)
def small_presets():
    """Small networks beside the paper's, and a checkpoint after every round."""
    from qbdi_m21.model import training
    wild = replace(SMALL['by window'], learning_rate=1e30)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(presets.PRESETS, 'small', SMALL['by window'])
        patch.setitem(presets.PRESETS, 'wild', wild)
        patch.setattr(training, 'CHECKPOINT_SECONDS', 0.0)
        yield


def run(*arguments: object):
    return CliRunner().invoke(main, [str(a) for a in arguments], prog_name='qbdi-m21')


@pytest.fixture(scope='module')
def whole(tmp_path_factory):
    """Return the folder of a training from end to end, and what the command has told."""
    folder = tmp_path_factory.mktemp('whole')
    make_data().save(folder / 'set.npz')
    with contextlib.chdir(folder):
        return folder, run(*TRAINING, 'mine.keras', '--title', 'chords')


@pytest.fixture
def folder(tmp_path, monkeypatch, whole):
    """Return a working folder with a training set."""
    monkeypatch.chdir(tmp_path)
    shutil.copy(whole[0] / 'set.npz', tmp_path)
    return tmp_path


def names(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.iterdir())


def assert_whole(folder: Path, whole) -> None:
    """Check that a training has come to the same end, byte by byte, and has cleaned up."""
    assert (folder / 'mine.keras').read_bytes() == (whole[0] / 'mine.keras').read_bytes()
    assert names(folder) == ['mine.keras', 'set.npz']


def assert_fails(done, message: str) -> None:
    """Check that a command has failed with one line."""
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    assert (done.exit_code, done.stdout) == (2, '')
    lines = done.stderr.splitlines()
    assert len(lines) == 1, done.stderr
    assert lines[0].startswith('qbdi-m21: error: ')
    assert re.search(message, lines[0]), lines[0]


def test_the_model_and_its_measures_are_written_and_told(whole):
    folder, done = whole
    assert (done.exit_code, done.stderr) == (0, '')
    assert names(folder) == ['mine.keras', 'set.npz']
    card = load_model(folder / 'mine.keras').card
    assert (card['name'], card['seed'], card['updates']) == ('mine', 3, 60)
    assert card['data']['title'] == 'chords'
    first, *others = done.stdout.splitlines()
    assert first == f'wrote mine.keras: 60 updates, the best after {card["best_update"]}'
    assert len(others) == 3
    for line, (split, bars) in zip(others, (('train', 40), ('validation', 10), ('test', 10)),
                                   strict=True):
        found = card['measures'][split]
        assert line == (f'{split}: distortion {found["distortion_bits"]}, rate '
                        f'{found["rate_bits"]}, -ELBO {found["negative_elbo_bits"]} bits a bar '
                        f'on {bars} bars')


INTERRUPTED = '''
import contextlib, os, signal, sys
sys.path.insert(0, sys.argv.pop(1))
import small_training
from qbdi_m21.cli import cmd_models, main
from qbdi_m21.model import presets
presets.PRESETS['small'] = small_training.SMALL['by window']

@contextlib.contextmanager
def update_bar():
    def show(done, total, measures):
        from qbdi_m21.model import training
        training.CHECKPOINT_SECONDS = 0.0
        if done > 30:
            os.kill(os.getpid(), signal.SIGINT)
    yield show

cmd_models.update_bar = update_bar
main(prog_name='qbdi-m21')
'''


@pytest.mark.skipif(sys.platform == 'win32', reason='Windows has no such signals')
def test_an_interrupted_training_goes_on_to_the_same_bytes(folder, whole):
    command = (*TRAINING, 'mine.keras', '--title', 'chords')
    done = subprocess.run(
        [sys.executable, '-c', INTERRUPTED, str(Path(__file__).resolve().parents[1]), *command],
        capture_output=True, text=True, check=False,
        env={k: v for k, v in os.environ.items() if k != 'TF_CPP_MIN_LOG_LEVEL'})
    assert done.returncode == 130, done.stderr
    assert done.stdout == ''
    # nothing else on standard error: TensorFlow's remarks are hidden
    assert [line for line in done.stderr.splitlines() if line] == [
        'the same command goes on from mine.keras.checkpoint', 'qbdi-m21: interrupted']
    assert names(folder) == ['mine.keras.checkpoint', 'set.npz']
    again = run(*command)
    assert (again.exit_code, again.stderr) == (0, 'going on from mine.keras.checkpoint\n')
    assert again.stdout == whole[1].stdout
    assert_whole(folder, whole)


@pytest.mark.parametrize('share', [0.0, 0.9])
def test_a_damaged_checkpoint_is_one_line_and_stays(share, folder, whole):
    data = (folder / 'set.npz').read_bytes()
    place = folder / 'mine.keras.checkpoint'
    place.write_bytes(data[:int(len(data) * share)])
    before = {p: p.read_bytes() for p in folder.iterdir()}
    assert_fails(run(*TRAINING, 'mine.keras'),
                 r'mine.keras.checkpoint is not a checkpoint of a training .*; delete it')
    assert {p: p.read_bytes() for p in folder.iterdir()} == before


@contextlib.contextmanager
def small_disk(most: int = 1000):
    """Give a function from whose call on no file grows larger, until the block ends."""
    resource = pytest.importorskip('resource', reason='no limits on file sizes')
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        yield lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (most, hard))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_disk_that_is_full_at_the_first_checkpoint_is_one_line(folder):
    with small_disk() as fill:
        fill()
        done = run(*TRAINING, 'mine.keras', '--updates', '10')
    assert_fails(done, r'cannot write the checkpoint mine.keras.checkpoint after update 10 '
                 r'\(File too large\); there is none yet: make room and call again')
    assert names(folder) == ['set.npz']


def test_a_disk_that_is_full_at_the_end_loses_nothing(folder, whole, monkeypatch):
    from qbdi_m21.model import store
    save = store.save_model
    # what a damaged checkpoint asks for: to begin anew
    (folder / 'mine.keras.checkpoint').write_text('nothing')
    with small_disk() as fill:
        monkeypatch.setattr(store, 'save_model', lambda *x, **y: fill() or save(*x, **y))
        done = run(*TRAINING, 'mine.keras', '--title', 'chords', '--restart')
    assert_fails(done, r'cannot write mine.keras \(.*\); mine.keras.checkpoint holds the whole '
                 'training: make room and call again')
    assert names(folder) == ['mine.keras.checkpoint', 'set.npz']
    monkeypatch.setattr(store, 'save_model', save)
    again = run(*TRAINING, 'mine.keras', '--title', 'chords')
    assert (again.exit_code, again.stderr, again.stdout) == (0, '', whole[1].stdout)
    assert_whole(folder, whole)


def test_a_model_is_fine_tuned_as_the_options_say(folder, whole):
    done = run(*TRAINING, 'tuned.keras', '--from', whole[0] / 'mine.keras', '--updates', '10',
               '--augment', 'thin=1', '--augment', 'none', '--augment', 'transpose=1', '--augment',
               'mix=.25', '--threshold', '.4', '--patience', '3', '--budget', '9', '--name',
               'Tuned', '--compact')
    assert (done.exit_code, done.stderr) == (0, '')
    before, after = (load_model(p) for p in (whole[0] / 'mine.keras', 'tuned.keras'))
    card = after.card
    assert card['fine_tuned_from'] == {'name': 'mine', 'weights_sha256': before.weights_sha256}
    assert card['preset']['augmentation'] == {'transpose': 1, 'mix': 0.25, 'thin': 0.0}
    assert (card['name'], card['updates'], card['budget_minutes']) == ('Tuned', 10, 9.0)
    assert (card['preset']['patience'], after.threshold) == (3, 0.4)
    assert card['curve'][0][1] < before.card['curve'][0][1]
    weights = after.weights['encoder_hidden'][0]
    np.testing.assert_array_equal(weights, weights.astype(np.float16))


def test_one_work_is_learned_with_a_note_that_nothing_is_held_out(folder):
    (folder / 'tune.abc').write_text(TUNE)
    done = run('train', 'tune.abc', '-o', 'one.keras', '--preset', 'small', '--updates', '10')
    assert done.exit_code == 0
    assert re.fullmatch(r'note: nothing could be held out: .*\n', done.stderr)
    assert re.fullmatch(r'wrote one\.keras: 10 updates, the best after 10\n'
                        r'train: distortion [\d.]+, rate [\d.]+, -ELBO [\d.]+ bits a bar on 4 '
                        r'bars\n', done.stdout)
    assert set(load_model('one.keras').card['measures']) == {'train'}


def test_a_loss_that_is_no_number_is_one_line(folder):
    assert_fails(run(*TRAINING, 'mine.keras', '--preset', 'wild', '--updates', '10'),
                 r'loss is no longer a number .*; begin anew with another seed or preset')
    assert names(folder) == ['set.npz']


@pytest.fixture(scope='module')
def other(tmp_path_factory):
    """Return a model of another frame specification."""
    from qbdi_m21.model.store import save_model
    from qbdi_m21.model.vae import DenseVAE
    path = tmp_path_factory.mktemp('model') / 'other.keras'
    model = DenseVAE(FrameSpec().to_json(), {'hidden': 2, 'latent': 2})
    model.build()
    save_model(model, path)
    return path


AUGMENT = 'expected transpose=SEMITONES, mix=SHARE, thin=SHARE or none'


@pytest.mark.parametrize(('arguments', 'message'), [
    (['set.npz', '--preset', 'none'], "no preset 'none'; expected one of dubnov2019, default"),
    *[(['set.npz', '--augment', value], message) for value, message in (
        ('transpose=x', '--augment transpose=x: expected a whole number of semitones after ='),
        ('transpose=1.5', 'expected a whole number'), ('transpose', 'expected a whole number'),
        ('thin=', '--augment thin=: expected a share after ='), ('foo=1', f'foo=1: {AUGMENT}'),
        ('', AUGMENT), ('transpose=-1', 'out of range'), ('transpose=128', 'out of range'),
        ('thin=2', 'out of range; expected semitones from 0 to 127 and shares from 0 to 1'),
        ('mix=-.1', 'out of range'), ('mix=nan', 'out of range'))],
    *[(['set.npz', option, value], message) for option, value, message in (
        ('--updates', '0', 'expected at least 1'), ('--updates', '-5', 'expected at least 1'),
        ('--patience', '0', 'expected at least 1'), ('--budget', '0', 'minutes above 0'),
        ('--budget', 'nan', 'minutes above 0'), ('--threshold', '2', 'expected a probability'),
        ('--seed', '9' * 20, 'expected a whole number from 0'), ('--seed', '-1', '--seed'),
        ('--transpose', '3', 'No such option'),
        ('--from', 'none.keras', "no model 'none.keras'; expected a shipped model"),
        ('--from', 'letter.keras', 'letter.keras is not a model file'),
        ('--from', 'other.keras', r'takes windows of .*102.* and the training set holds .*72'),
        ('--from', 'blocks.keras', 'Keras cannot load blocks.keras .*update_count'),
        ('--min-bars', '2', '--min-bars cannot change set.npz'),
        ('-o', 'out.h5', r"out\.h5 ends in '\.h5'; expected \.keras"),
        ('-o', 'out.KERAS', r"out\.KERAS ends in '\.KERAS'; expected \.keras"),
        ('-o', 'none/out.keras', 'cannot write none/out.keras: there is no folder none'))],
    (['held.npz'], 'no work is in the training split; give more works'),
    (['none.npz'], 'no such training set: none.npz'),
    (['letter.npz'], 'letter.npz is not a training set'),
    (['set.npz', 'tune.abc'], r'give one training set \(\.npz\), or scores'),
    (['none.abc'], 'no such file or folder: none.abc|no such file: none.abc'),
    (['rests.abc'], 'no work is left; left out: 1 without a pitched note'),
    (['tune.abc', '--meter', '3/4'], 'no work is left'),
    (['tune.abc', '--validation', '1'], 'leave works to learn'),
    ([], "Missing argument 'SOURCES"),
])
def test_bad_input_is_one_line_and_leaves_nothing(arguments, message, folder, other):
    files = {'tune.abc': TUNE, 'rests.abc': TUNE.replace('GABc', 'z4').replace('GFED', 'z4')
             .replace('C4', 'z4'), 'letter.keras': 'Dear reader,\n', 'letter.npz': 'Dear reader,\n'}
    for name, content in files.items():
        (folder / name).write_text(content)
    held = make_data()
    held.split[:] = 2
    held.save(folder / 'held.npz')
    write_model_file(block_model(), folder / 'blocks.keras')
    shutil.copy(other, folder)
    before = {p: p.read_bytes() for p in folder.iterdir()}
    assert_fails(run('train', '--preset', 'small', '-o', 'out.keras', *arguments), message)
    assert {p: p.read_bytes() for p in folder.iterdir()} == before


def test_help_tells_what_there_is():
    text = ' '.join(run('train', '--help').stdout.split())
    for words in ('dubnov2019 or default or temporal', '[default: default]', 'mix=SHARE',
                  'FILE.checkpoint', '--restart', '--budget MINUTES', '--from MODEL'):
        assert words in text


def test_the_list_of_models_loads_no_keras(whole):
    script = ('import sys\nfrom pathlib import Path\nfrom qbdi_m21.cli import main\n'
              'from qbdi_m21.model import store\n'
              'store.list_models, store.model_path = (lambda: ["mine.keras"]), Path\n'
              'main(["models"], standalone_mode=False)\n'
              'print([m for m in ("keras", "tensorflow", "music21", "scipy", "tqdm", "pyarrow") '
              'if m in sys.modules])')
    done = subprocess.run([sys.executable, '-c', script], capture_output=True, text=True,
                          check=False, cwd=whole[0])
    assert (done.returncode, done.stderr) == (0, '')
    assert re.fullmatch(r'mine.keras: 6 works, 40 bars learned \(chords\); held-out works: '
                        r'distortion [\d.]+, rate [\d.]+, -ELBO [\d.]+ bits a bar\n\[\]\n',
                        done.stdout)
