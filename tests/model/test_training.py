"""Training on a handful of bars."""

import contextlib
import functools
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from small_training import SMALL, SPEC, make_data

from qbdi_m21.errors import CorpusError, ModelError, ParameterError
from qbdi_m21.model import presets
from qbdi_m21.model.presets import Augmentation, Objective
from qbdi_m21.model.training_set import TrainingSet

pytestmark = pytest.mark.tf


@pytest.fixture(scope='module', autouse=True)
def small_presets():
    """Small networks beside the paper's: by work, by batches of windows, and with context."""
    with pytest.MonkeyPatch.context() as patch:
        for name, preset in SMALL.items():
            patch.setitem(presets.PRESETS, name, preset)
        yield


@pytest.fixture
def every_round(monkeypatch):
    """Write a checkpoint after every round."""
    monkeypatch.setattr('qbdi_m21.model.training.CHECKPOINT_SECONDS', 0.0)


def train(*arguments, **options):
    from qbdi_m21.model.training import train as run
    return run(*arguments, **options)


@pytest.fixture(scope='module')
def trained(tmp_path_factory):
    """Return a function that trains for 60 updates, once for each choice of options.

    TensorFlow takes seconds to trace a training of any length: tests share what they look at.
    """
    @functools.cache
    def run(preset, seed=3, **options):
        told, place = [], tmp_path_factory.mktemp('whole') / 'x.checkpoint'
        model, served = train(make_data(), preset, updates=60, seed=seed, name='tiny',
                              checkpoint=place, progress=lambda *x: told.append(x), **options)
        return SimpleNamespace(model=model, served=served, card=served.card, told=told,
                               checkpoint=place)
    return run


def assert_same_weights(first, second) -> None:
    assert first.weights_sha256 == second.weights_sha256
    assert first.card == second.card


@pytest.mark.parametrize('preset', SMALL)
def test_the_loss_falls(preset, trained):
    totals = [d + r for _, d, r, *_ in trained(preset).card['curve']]
    assert totals[-1] < 0.75 * totals[0]


def test_progress_tells_how_far_it_is(trained):
    told = trained('by window').told
    assert told[-1][:2] == (60, 60)
    assert [x[0] for x in told] == sorted({x[0] for x in told})
    assert {'bound', 'held_out'} <= set(told[-1][2])


def test_another_seed_gives_other_weights(trained):
    first, other = trained('by window'), trained('by window', seed=4, threshold=0.35)
    assert first.served.weights_sha256 != other.served.weights_sha256


def test_the_numpy_model_has_the_statistics_of_the_training_works(trained):
    data, (model, served) = make_data(), (trained('by work').model, trained('by work').served)
    mean, variance = served.encode(data.windows[data.rows('train')])
    np.testing.assert_allclose(served.mean, mean.mean(axis=0), atol=1e-5)
    np.testing.assert_allclose(served.variance, mean.var(axis=0), rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(served.posterior_variance, variance.mean(axis=0), rtol=1e-4)
    assert model.card == served.card


def test_the_card_tells_data_split_and_measures(trained):
    card = trained('context').card
    assert (card['name'], card['seed'], card['preset']['name']) == ('tiny', 3, 'context')
    assert card['preset']['augmentation'] == {'transpose': 2, 'mix': 0.3, 'thin': 0.3}
    assert card['updates'] == 60
    assert card['fine_tuned_from'] is None
    assert card['data']['split'] == {'train': list('abcd'), 'validation': ['e'], 'test': ['f']}
    assert card['data']['bars'] == {'train': 40, 'validation': 10, 'test': 10}
    assert card['data']['sha256'] == make_data().sha256
    assert {'qbdi_m21', 'keras', 'backend', 'tensorflow', 'numpy', 'python'} <= set(card)
    assert card['data']['title'] == 'chords'
    assert set(card['measures']) == {'train', 'validation', 'test'}
    assert [row[0] for row in card['curve']] == [20, 40, 60]


def test_the_best_round_on_the_validation_works_is_kept(trained):
    card = trained('by window').card
    best = min(card['curve'], key=lambda row: row[3] + row[4])
    assert card['best_update'] == best[0]


def test_patience_stops_a_training_that_no_longer_improves():
    card = train(make_data(), 'by window', updates=4000, patience=2)[1].card
    assert card['updates'] < 4000
    assert card['updates'] - card['best_update'] == 20


def test_the_budget_stops_a_training():
    card = train(make_data(), 'by window', updates=100_000, budget=0.01)[1].card
    assert 10 <= card['updates'] < 100_000
    assert card['budget_minutes'] == 0.01


def test_a_training_that_its_budget_ended_is_repeated_by_its_updates():
    # the moving average does not hang on how many updates were asked for
    first = train(make_data(), 'context', updates=100_000, budget=0.001)[1]
    again = train(make_data(), 'context', updates=first.card['updates'])[1]
    assert first.weights_sha256 == again.weights_sha256


@pytest.mark.parametrize('options', [{'seed': 4, 'threshold': 0.35}, {}])
def test_the_threshold_is_given_or_measured(options, trained):
    run = trained('by window', **options)
    assert run.model.threshold == run.served.threshold == run.card['threshold']
    if options:
        assert run.served.threshold == 0.35
    else:
        assert 0.05 <= run.served.threshold <= 0.95


def test_a_preset_with_a_threshold_keeps_it():
    served = train(make_data(held_out=False), 'by work', updates=20)[1]
    assert served.threshold == 0.6
    assert set(served.card['measures']) == {'train'}


def test_a_threshold_that_is_given_is_decoded_by(monkeypatch):
    dense = replace(SMALL['by work'], decoding='density')
    monkeypatch.setitem(presets.PRESETS, 'density', dense)
    served = train(make_data(), 'density', updates=10, threshold=0.3)[1]
    assert (served.decoding, served.threshold) == ('threshold', 0.3)


def test_an_interrupted_training_goes_on_exactly(tmp_path, trained, every_round):
    data, place, preset = make_data(), tmp_path / 'x.checkpoint', 'by work'
    whole = trained(preset).served

    def run(progress):
        return train(data, preset, updates=60, seed=3, name='tiny', checkpoint=place,
                     progress=progress)[1]

    def interrupt(done, total, measures):
        if done > 30:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(interrupt)
    told = []
    resumed = run(lambda *x: told.append(x[0]))
    assert 20 < told[0] <= 40
    assert_same_weights(whole, resumed)
    again = run(lambda *x: told.append('trained'))
    assert 'trained' not in told
    assert_same_weights(whole, again)


KILLED = '''
import os, sys
sys.path.insert(0, sys.argv[2])
import small_training as t
from qbdi_m21.model import presets, training
presets.PRESETS.update(t.SMALL)
training.CHECKPOINT_SECONDS = 0.0

def progress(done, total, measures):
    if done > 30:
        os.kill(os.getpid(), 9)

training.train(t.make_data(), 'context', updates=60, seed=3, name='tiny', checkpoint=sys.argv[1],
               progress=progress)
'''


def test_a_killed_training_goes_on_exactly(tmp_path, trained):
    place, here = tmp_path / 'x.checkpoint', Path(__file__).resolve()
    done = subprocess.run(
        [sys.executable, '-c', KILLED, str(place), str(here.parents[1])], capture_output=True,
        check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr[-500:]
    assert [p.name for p in tmp_path.iterdir()] == ['x.checkpoint']
    told = []
    resumed = train(make_data(), 'context', updates=60, seed=3, name='tiny', checkpoint=place,
                    progress=lambda *x: told.append(x[0]))[1]
    assert 20 < told[0] <= 40
    assert_same_weights(trained('context').served, resumed)


@pytest.mark.parametrize(('preset', 'seed', 'held_out', 'differ'), [
    ('by window', 4, True, 'seed'), ('by work', 3, True, 'preset, settings'),
    ('by window', 3, False, 'data')])
def test_a_checkpoint_of_another_training_is_refused(preset, seed, held_out, differ, trained):
    message = rf'is of another training \({differ} differ\); call as before'
    with pytest.raises(ModelError, match=message):
        train(make_data(held_out), preset, updates=60, seed=seed,
              checkpoint=trained('by window').checkpoint)


def test_a_checkpoint_of_other_rounds_is_refused(trained):
    with pytest.raises(ModelError, match='of another number of updates'):
        train(make_data(), 'by work', updates=10, seed=3, checkpoint=trained('by work').checkpoint)


@pytest.mark.parametrize('share', [0.0, 0.3, 0.95])
def test_a_damaged_checkpoint_is_refused(share, tmp_path, trained):
    place, data = tmp_path / 'x.checkpoint', trained('by window').checkpoint.read_bytes()
    place.write_bytes(data[:int(len(data) * share)])
    with pytest.raises(ModelError, match=r'is not a checkpoint of a training .* delete it'):
        train(make_data(), 'by window', updates=60, seed=3, checkpoint=place)


@contextlib.contextmanager
def small_disk():
    """Give a function from whose call on no file grows above 1000 bytes, until the block ends."""
    resource = pytest.importorskip('resource', reason='no limits on file sizes')
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        yield lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_disk_that_fills_leaves_the_earlier_checkpoint(tmp_path, trained, every_round):
    place, held = tmp_path / 'x.checkpoint', []

    def fill(done, total, measures):
        if place.is_file() and not held:
            held.append(place.read_bytes())
            fill_disk()

    def run(progress=None):
        return train(make_data(), 'by window', updates=60, seed=3, name='tiny', checkpoint=place,
                     progress=progress)[1]

    with pytest.raises(ModelError) as caught, small_disk() as fill_disk:
        run(fill)
    assert 'cannot write the checkpoint' in str(caught.value)
    assert 'the earlier checkpoint is intact: make room and call again' in str(caught.value)
    assert place.read_bytes() == held[0]
    assert [p.name for p in tmp_path.iterdir()] == ['x.checkpoint']
    assert_same_weights(trained('by window').served, run())


def test_a_model_is_fine_tuned(trained):
    start = trained('context')
    # the network is that of the model, whatever the preset's
    model, tuned = train(make_data(), 'by window', updates=10, start=start.model, seed=4)
    assert tuned.network == 'context'
    assert int(model.update_count) == 60 + 10       # the rate has its whole weight at once
    assert tuned.card['fine_tuned_from'] == {'name': 'tiny',
                                             'weights_sha256': start.served.weights_sha256}
    assert tuned.card['curve'][0][1] < 0.8 * start.card['curve'][0][1]


def test_a_model_of_another_frame_specification_is_not_fine_tuned(trained):
    data = make_data()
    other = TrainingSet(data.windows, data.work, data.works, data.split,
                        replace(SPEC, pitch_low=61, pitch_high=73), {})
    with pytest.raises(ModelError, match=r'takes windows of .* and the training set holds'):
        train(other, 'by window', start=trained('by window').model)


@pytest.mark.parametrize(('options', 'message'), [
    ({'updates': 0}, 'expected at least 1'), ({'updates': -3}, 'expected at least 1'),
    ({'patience': 0}, 'expected at least 1'), ({'budget': 0}, 'number of minutes above 0'),
    ({'budget': float('nan')}, 'number of minutes above 0'),
    ({'threshold': 1.0}, 'expected a probability'), ({'seed': -1}, 'whole number from 0'),
    ({'seed': 1 << 32}, 'whole number from 0')])
def test_options_out_of_range_are_refused(options, message):
    with pytest.raises(ParameterError, match=message):
        train(make_data(), 'by work', **options)


@pytest.mark.parametrize('make', [
    lambda: Augmentation(transpose=-1), lambda: Augmentation(thin=1.5),
    lambda: Objective(beta=-1), lambda: Objective(dropout=1), lambda: Objective(free_nats=-1)])
def test_settings_out_of_range_are_refused(make):
    with pytest.raises(ParameterError, match='out of range'):
        make()


def test_an_unknown_preset_is_refused():
    with pytest.raises(ParameterError, match="no preset 'none'; expected one of dubnov2019"):
        train(make_data(), 'none')


def test_nothing_to_learn_is_refused():
    data = make_data()
    data.split[:] = 2
    with pytest.raises(CorpusError, match='no work is in the training split'):
        train(data, 'by work')


def test_a_loss_that_is_no_number_stops_the_training(monkeypatch, tmp_path):
    wild = replace(SMALL['by window'], learning_rate=1e30)
    monkeypatch.setitem(presets.PRESETS, 'wild', wild)
    with pytest.raises(ModelError, match=r'no longer a number .*another seed or preset$'):
        train(make_data(), 'wild', checkpoint=tmp_path / 'x.checkpoint')
    assert not list(tmp_path.iterdir())


def test_free_nats_keep_the_latent_in_use(trained, monkeypatch):
    free = replace(SMALL['by window'], objective=Objective(free_nats=20))
    monkeypatch.setitem(presets.PRESETS, 'free', free)
    rates = [run.card['curve'][-1][2] for run in (trained('by window'), trained('free'))]
    assert rates[1] > max(14, 1.5 * rates[0]), rates
