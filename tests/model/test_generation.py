"""What is decoded, against naive loops; and the threshold of equal density."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis.extra.numpy import arrays
from musicxml_checks import block_model
from small_models import random_model

from qbdi_m21.errors import FramesError
from qbdi_m21.model import generation
from qbdi_m21.model.bounds import encode_windows
from qbdi_m21.model.context import ContextModel
from qbdi_m21.model.dense import DenseModel
from qbdi_m21.model.generation import (
    chroma_cosine,
    chroma_cosine_by_frame,
    count_notes,
    decode_latents,
    density_threshold,
    measure_generation,
    plane_scores,
)
from qbdi_m21.model.spec import FrameSpec

SPEC = FrameSpec(pitch_low=55, pitch_high=71, window_frames=4)
cells = arrays(np.bool_, (3, 4, 28))


@pytest.fixture
def windows():
    """Return windows of a few held pitches, those that `block_model` plays where they are."""
    rng = np.random.default_rng(0)
    held = np.zeros((12, 16, 156), bool)
    for window in held:
        pitches = rng.choice([k for k in range(78) if k % 12 > 5], 3, replace=False)
        window[:, pitches] = True
        window[::8, 78 + pitches] = True
    return held


@given(cells, cells)
def test_scores_are_those_of_a_loop(decoded, original):
    hits = misses = extra = 0
    for ours, theirs in zip(decoded.ravel().tolist(), original.ravel().tolist(), strict=True):
        hits += ours and theirs
        misses += theirs and not ours
        extra += ours and not theirs
    found = plane_scores(decoded, original)
    if hits:
        precision, recall = hits / (hits + extra), hits / (hits + misses)
        assert found == {'precision': round(precision, 4), 'recall': round(recall, 4), 'f1':
                         pytest.approx(2 * precision * recall / (precision + recall), abs=6e-5)}
    else:
        assert found['f1'] == float(not misses and not extra)


def test_silence_for_silence_is_right_and_silence_for_notes_is_not():
    silence = np.zeros((1, 2, 2), bool)
    assert plane_scores(silence, silence) == {'precision': 1, 'recall': 1, 'f1': 1}
    assert plane_scores(silence, ~silence) == {'precision': 1, 'recall': 0, 'f1': 0}
    assert plane_scores(~silence, silence) == {'precision': 0, 'recall': 1, 'f1': 0}


@given(cells)
def test_notes_are_counted_as_in_a_loop(planes):
    count = 0
    for window in planes:
        for pitch in range(14):
            sounding = False
            for frame in window:
                count += bool(frame[pitch] and (frame[14 + pitch] or not sounding))
                sounding = frame[pitch]
    assert count_notes(planes) == count


COSINES = {'bar': chroma_cosine, 'frame': chroma_cosine_by_frame}


def cosine_by_hand(decoded, original, unit):
    values = []
    parts = [[0, 1, 2, 3]] if unit == 'bar' else [[0], [1], [2], [3]]
    for row, part in itertools.product(range(len(original)), parts):
        a, b = [0.0] * 12, [0.0] * 12
        for frame, pitch in itertools.product(part, range(14)):
            a[(pitch + 5) % 12] += decoded[row, frame, pitch]
            b[(pitch + 5) % 12] += original[row, frame, pitch]
        if any(b):
            lengths = (sum(x * x for x in a) * sum(x * x for x in b)) ** 0.5
            values.append(sum(x * y for x, y in zip(a, b, strict=True)) / lengths
                          if lengths else 0.0)
    return sum(values) / len(values) if values else 0.0


@pytest.mark.parametrize('unit', COSINES)
@given(cells, cells)
def test_the_chroma_cosine_is_that_of_a_loop(unit, decoded, original):
    found = COSINES[unit](decoded, original)
    assert found == pytest.approx(cosine_by_hand(decoded, original, unit), abs=1e-5)
    assert 0 <= found <= 1 + 1e-6


@pytest.mark.parametrize('unit', COSINES)
@given(cells)
def test_a_bar_is_like_itself_and_like_its_octave(unit, original):
    cosine = COSINES[unit]
    sounds = original[..., :14].any()
    assert cosine(original, original) == pytest.approx(float(sounds), abs=1e-6)
    low = original.copy()
    low[..., 2:14] = False          # only the two pitches that have an octave in the range
    high = low.copy()
    high[..., 12:14], high[..., :2] = low[..., :2], False
    assert cosine(high, low) == pytest.approx(float(low[..., :14].any()), abs=1e-6)


def test_decoded_silence_counts_as_unlike():
    original = np.zeros((2, 2, 24), bool)
    original[:, :, 3] = True
    half, late = original.copy(), original.copy()
    half[1], late[:, 1] = False, False
    assert chroma_cosine(half, original) == pytest.approx(0.5)
    assert chroma_cosine_by_frame(half, original) == pytest.approx(0.5)
    assert chroma_cosine_by_frame(late, original) == pytest.approx(0.5)
    for cosine in COSINES.values():
        assert cosine(original, half) == pytest.approx(1)


def test_notes_at_another_time_count_by_frame_alone():
    original = np.zeros((1, 2, 24), bool)
    original[0, 0, 3] = original[0, 1, 5] = True
    turned = original[:, ::-1]
    assert chroma_cosine(turned, original) == pytest.approx(1)
    assert chroma_cosine_by_frame(turned, original) == 0


def test_the_cosine_by_bar_weighs_notes_by_their_length():
    # three frames of one pitch and one of another, against the first alone: 3 / sqrt(10)
    original = np.zeros((1, 4, 24), bool)
    original[0, :3, 0] = original[0, 3, 7] = True
    decoded = np.zeros((1, 4, 24), bool)
    decoded[0, 0, 0] = True
    assert chroma_cosine(decoded, original) == pytest.approx(3 / 10 ** 0.5)
    assert chroma_cosine_by_frame(decoded, original) == pytest.approx(1 / 4)


def test_a_model_that_plays_the_bars_back_scores_in_full(windows):
    model = block_model()
    found = measure_generation(model, windows, encode_windows(model, windows),
                               np.random.default_rng(0))
    back = found['reconstruction']
    for name in ('means', 'samples'):
        assert back[name] == {'notes': 72, 'sounding': {'precision': 1, 'recall': 1, 'f1': 1},
                              'onset': {'precision': 1, 'recall': 1, 'f1': 1}}
    assert back['notes_given'] == 72
    assert back['prior']['notes'] > 0
    for measure in ('chroma_cosine', 'chroma_cosine_by_frame'):
        cosine = found[measure]
        assert cosine.pop('windows') == 12
        assert cosine['means'] == cosine['samples'] == pytest.approx(1, abs=1e-4)
        assert max(cosine['means_shuffled'], cosine['samples_shuffled']) < 0.6
        assert cosine['prior'] < 0.9
        assert len(cosine) == 5


def test_shuffled_bars_never_meet_themselves(windows):
    # each window has a pitch class of its own: a bar that met itself would give 1
    own = np.zeros((6, 16, 156), bool)
    for row in range(6):
        own[row, :, 6 + row] = True
    model = block_model()
    for seed in range(5):
        found = measure_generation(model, own, encode_windows(model, own),
                                   np.random.default_rng(seed))
        for measure in ('chroma_cosine', 'chroma_cosine_by_frame'):
            assert found[measure]['means'] == 1
            assert found[measure]['means_shuffled'] == 0


def test_the_rule_of_the_model_decides(windows):
    model = block_model(threshold=0.999999)
    back = measure_generation(model, windows * (np.arange(16) < 4)[None, :, None],
                              encode_windows(model, windows * 0.5),
                              np.random.default_rng(0))['reconstruction']
    assert (back['rule'], back['threshold']) == ('threshold', 0.999999)


@pytest.mark.parametrize('network', [DenseModel, ContextModel])
@pytest.mark.parametrize('rule', ['threshold', 'sample', 'density'])
def test_decoding_in_chunks_is_decoding(network, rule, monkeypatch):
    model = random_model(network, spec=SPEC, latent=2)
    latents = np.random.default_rng(0).standard_normal((9, 2))
    told = []
    whole = model.decode(latents, rule=rule, rng=np.random.default_rng(1))[0]
    if rule != 'sample':        # which draws in the order of the chunks
        monkeypatch.setattr(generation, 'CHUNK', 4)
    found = decode_latents(model, latents, np.random.default_rng(1), rule=rule, tick=told.append)
    np.testing.assert_array_equal(found, whole)
    assert sum(told) == 9


def by_sorting(model, windows, seed):
    """Return the threshold that the sorted probabilities of a network without context give."""
    rng = np.random.default_rng(seed)
    mean, variance = (x.astype(float) for x in model.encode(windows))
    latents = mean + np.sqrt(variance) * rng.standard_normal(mean.shape)
    pitches = windows.shape[2] // 2
    probability = np.sort(model.decode(latents)[1][..., :pitches].ravel())[::-1]
    count = int(windows[..., :pitches].sum())
    return float(np.clip(probability[max(count - 1, 0)], 0.05, 0.95))


@pytest.mark.parametrize('seed', range(4))
@pytest.mark.parametrize('density', [0.0, 0.05, 0.3, 0.5, 0.7, 1.0])
def test_the_threshold_is_the_probability_of_the_last_cell_wanted(density, seed):
    model = random_model(spec=SPEC, seed=seed, latent=3)
    windows = np.random.default_rng(seed).random((40, 4, 32)) < density
    assert density_threshold(model, windows, seed=seed) == pytest.approx(
        by_sorting(model, windows, seed), abs=2e-3)


@pytest.mark.parametrize('seed', range(3))
def test_at_the_threshold_windows_of_a_network_with_context_come_back_as_dense(seed):
    model = random_model(ContextModel, spec=SPEC, latent=3, seed=seed)
    windows = np.random.default_rng(seed).random((60, 4, 32)) < 0.4
    threshold = density_threshold(model, windows, seed=seed)
    latents = encode_windows(model, windows).sample(np.random.default_rng(seed))

    def sounding(limit):
        return int(model.decode(latents, rule='threshold', threshold=limit)[0][..., :16].sum())

    held = int(windows[..., :16].sum())
    assert threshold in (0.05, 0.95) or sounding(threshold - 2e-3) >= held > sounding(
        threshold + 2e-3)


def test_the_threshold_looks_at_so_many_windows_at_most(monkeypatch, windows):
    monkeypatch.setattr(generation, '_WINDOWS', 3)
    model = block_model()
    assert density_threshold(model, windows, seed=1) == density_threshold(
        model, windows[[0, 6, 11]], seed=1)


def test_the_threshold_of_silence_is_the_lowest():
    assert density_threshold(block_model(), np.zeros((3, 16, 156), bool)) == 0.05


def test_no_window_has_no_threshold():
    with pytest.raises(FramesError, match='there is no window'):
        density_threshold(block_model(), np.zeros((0, 16, 156), bool))
