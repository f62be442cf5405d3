"""Training on a handful of bars."""

import numpy as np
import pytest

from qbdi_m21.errors import CorpusError, ModelError, ParameterError
from qbdi_m21.model import spec as presets
from qbdi_m21.model.spec import FrameSpec, Preset
from qbdi_m21.model.training_set import TrainingSet

pytestmark = pytest.mark.tf

SPEC = FrameSpec(pitch_low=60, pitch_high=72, window_frames=8)


@pytest.fixture(autouse=True)
def small_presets(monkeypatch):
    """Two small networks beside the paper's: by work, and by batches of windows."""
    monkeypatch.setitem(presets.PRESETS, 'by work', Preset(16, 4, None, 5, 60, 0.01, 0.6))
    monkeypatch.setitem(presets.PRESETS, 'by window', Preset(16, 4, 8, 8, 60, 0.01, 0.6))


def make_data(held_out: bool = True) -> TrainingSet:
    """Return six works of ten bars: each a chord of its own that moves a little."""
    rng = np.random.default_rng(0)
    windows = np.zeros((60, 8, 24), bool)
    for row in range(60):
        for pitch in (row // 10, row // 10 + 4, int(rng.integers(12))):
            windows[row, :, pitch] = True
            windows[row, 0, 12 + pitch] = True
    split = [0, 0, 0, 0, 1, 2] if held_out else [0] * 6
    return TrainingSet(windows, np.repeat(np.arange(6), 10), tuple('abcdef'), np.array(split), SPEC,
                       {'title': 'chords'})


def train(*arguments, **options):
    from qbdi_m21.model.training import train as run
    return run(*arguments, **options)


@pytest.mark.parametrize('preset', ['by work', 'by window'])
def test_the_loss_falls(preset):
    losses = []
    train(make_data(), preset, updates=60, progress=lambda *told: losses.append(told))
    first, last = (np.mean([told[2]['loss'] for told in part])
                   for part in (losses[:4], losses[-4:]))
    assert last < 0.7 * first
    assert [told[0] for told in losses] == list(range(1, len(losses) + 1))
    assert {told[1] for told in losses} == {60}


def test_the_same_seed_gives_the_same_weights_and_another_seed_others():
    first, again, other = (train(make_data(), 'by work', updates=12, seed=s, transpose=2)[1]
                           for s in (1, 1, 2))
    for name, (kernel, bias) in first.weights.items():
        np.testing.assert_array_equal(kernel, again.weights[name][0])
        np.testing.assert_array_equal(bias, again.weights[name][1])
        assert not np.array_equal(kernel, other.weights[name][0])
    np.testing.assert_array_equal(first.mean, again.mean)


def test_the_numpy_model_has_the_statistics_of_the_training_works():
    data = make_data()
    model, served = train(data, 'by work', updates=20)
    mean, variance = served.encode(data.windows[data.rows('train')])
    np.testing.assert_allclose(served.mean, mean.mean(axis=0), atol=1e-5)
    np.testing.assert_allclose(served.variance, mean.var(axis=0), rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(served.posterior_variance, variance.mean(axis=0), rtol=1e-4)
    assert model.card == served.card


def test_the_card_tells_data_split_and_measures():
    data = make_data()
    card = train(data, 'by work', updates=8, seed=5, name='tiny')[1].card
    assert (card['name'], card['seed'], card['preset']['name']) == ('tiny', 5, 'by work')
    assert card['updates'] == 8
    assert card['data']['split'] == {'train': list('abcd'), 'validation': ['e'], 'test': ['f']}
    assert card['data']['bars'] == {'train': 40, 'validation': 10, 'test': 10}
    assert card['data']['sha256'] == data.sha256
    assert card['data']['title'] == 'chords'
    assert set(card['measures']) == {'train', 'validation', 'test'}
    assert [update for update, _, _ in card['curve']] == [4, 8]


def test_the_best_epoch_on_the_validation_works_is_kept():
    card = train(make_data(), 'by window', updates=60)[1].card
    best = min(card['curve'], key=lambda row: row[2])
    assert card['best_update'] == best[0]


def test_patience_stops_a_training_that_no_longer_improves():
    done = train(make_data(), 'by window', updates=4000, patience=2)[1].card
    assert done['updates'] < 4000
    scores = [validation for _, _, validation in done['curve']]
    assert scores.index(min(scores)) == len(scores) - 3


@pytest.mark.parametrize(('given', 'expected'), [(0.35, 0.35), (None, None)])
def test_the_threshold_is_given_or_measured(given, expected):
    model, served = train(make_data(), 'by work', updates=8, threshold=given)
    assert model.threshold == served.threshold == served.card['threshold']
    assert served.threshold == expected if expected else 0.05 <= served.threshold <= 0.95


def test_without_held_out_works_the_threshold_is_the_presets():
    served = train(make_data(held_out=False), 'by work', updates=6)[1]
    assert served.threshold == 0.6
    assert set(served.card['measures']) == {'train'}


@pytest.mark.parametrize('options', [{'updates': 0}, {'updates': -3}, {'transpose': -1},
                                     {'patience': 0}])
def test_options_out_of_range_are_refused(options):
    with pytest.raises(ParameterError, match='expected updates and patience of at least 1'):
        train(make_data(), 'by work', **options)


def test_an_unknown_preset_is_refused():
    with pytest.raises(ParameterError, match="no preset 'none'; expected one of dubnov2019"):
        train(make_data(), 'none')


def test_nothing_to_learn_is_refused():
    data = make_data()
    data.split[:] = 2
    with pytest.raises(CorpusError, match='no work is in the training split'):
        train(data, 'by work')


def test_a_loss_that_is_no_number_stops_the_training(monkeypatch):
    monkeypatch.setitem(presets.PRESETS, 'wild', Preset(16, 4, 8, 8, 60, 1e30, 0.6))
    with pytest.raises(ModelError, match='no longer a number; lower the learning rate'):
        train(make_data(), 'wild')


@pytest.mark.parametrize('semitones', [-13, -12, -5, 0, 1, 11, 12, 14])
def test_transposing_moves_both_planes(semitones):
    from qbdi_m21.model.training import transpose_windows
    windows = np.random.default_rng(1).random((3, 8, 24)) < 0.4
    moved = transpose_windows(windows, semitones).reshape(3, 8, 2, 12)
    planes = windows.reshape(3, 8, 2, 12)
    for pitch in range(12):
        source = pitch - semitones
        expected = planes[..., source] if 0 <= source < 12 else np.zeros((3, 8, 2), bool)
        np.testing.assert_array_equal(moved[..., pitch], expected)


def test_every_bar_of_a_training_work_is_seen_and_no_other():
    from qbdi_m21.model.training import _Batches
    data = make_data()
    batches = _Batches(data, presets.PRESETS['by window'], transpose=0, seed=0)
    seen = np.concatenate([batches[k][0] for k in range(len(batches))])
    assert len(seen) == 40
    assert {row.tobytes() for row in seen} == {row.tobytes() for row in data.flat('train')}
    by_work = _Batches(data, presets.PRESETS['by work'], transpose=0, seed=0)
    assert sorted(len(by_work[k][0]) for k in range(len(by_work))) == [5, 5, 5, 5]
