"""The context network: what each cell sees, and free running."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from networks import SIZES, SPEC, random_model, random_windows

from qbdi_m21.model.context import CHUNK

PITCHES, FRAMES = SPEC.num_pitches, SPEC.window_frames


def naive_logits(model, latent, window):
    """Return the logits of one window, cell by cell, in double precision."""
    w = {name: [part.astype(np.float64) for part in parts] for name, parts in model.weights.items()}
    sizes = model.sizes
    hidden = np.maximum(latent @ w['decoder_hidden'][0] + w['decoder_hidden'][1], 0)
    by_frame = (hidden @ w['decoder_frame'][0] + w['decoder_frame'][1]).reshape(FRAMES, -1)
    logits = np.zeros((FRAMES, 2 * PITCHES))
    sounding, onset = window[:, :PITCHES].astype(float), window[:, PITCHES:].astype(float)
    for t in range(FRAMES):
        maps = (by_frame[t] @ w['decoder_pitch'][0] + w['decoder_pitch'][1]).reshape(PITCHES, -1)
        for p in range(PITCHES):
            cell = maps[p] @ w['decoder_mix'][0] + w['decoder_mix'][1]
            for place, lag in enumerate(sizes['lags']):
                for d in range(sizes['width']):
                    q = p + d - sizes['width'] // 2
                    if t >= lag and 0 <= q < PITCHES:
                        cell = cell + sounding[t - lag, q] * w['decoder_past'][0][d, 2 * place]
                        cell = cell + onset[t - lag, q] * w['decoder_past'][0][d, 2 * place + 1]
            cell = np.maximum(cell, 0)
            logits[t, p] = (cell @ w['decoder_sounding'][0] + w['decoder_sounding'][1])[0]
            start = cell @ w['decoder_onset_mix'][0] + w['decoder_onset_mix'][1]
            for d in range(sizes['onset_width']):
                q = p + d - sizes['onset_width'] // 2
                if 0 <= q < PITCHES:
                    start = start + sounding[t, q] * w['decoder_onset_chord'][0][d, 0]
            kernel, bias = w['decoder_onset']
            logits[t, PITCHES + p] = (np.maximum(start, 0) @ kernel + bias)[0]
    return logits


def test_the_logits_are_those_of_the_naive_network():
    model, windows = random_model('context'), random_windows(4)
    latents = np.random.default_rng(2).normal(size=(4, 3))
    ours = model.cell_logits(latents, windows)
    for row in range(4):
        np.testing.assert_allclose(ours[row], naive_logits(model, latents[row], windows[row]),
                                   atol=1e-4)


@pytest.mark.parametrize('rule', ['threshold', 'sample', 'density'])
def test_what_is_played_freely_has_the_probabilities_of_what_was_played(rule):
    model = random_model('context', seed=5)
    latents = np.random.default_rng(3).normal(size=(20, 3))
    cells, probability = model.decode(latents, rule=rule, threshold=0.4)
    forced = 1 / (1 + np.exp(-model.cell_logits(latents, cells).astype(np.float64)))
    np.testing.assert_allclose(probability, forced, atol=1e-5)
    if rule == 'threshold':
        sounding = forced[..., :PITCHES] >= 0.4
        np.testing.assert_array_equal(cells[..., :PITCHES], sounding)
        np.testing.assert_array_equal(cells[..., PITCHES:],
                                      sounding & (forced[..., PITCHES:] >= 0.4))


@settings(max_examples=30, deadline=None)
@given(st.integers(0, FRAMES - 1), st.integers(0, PITCHES - 1), st.integers(0, 99))
def test_a_cell_sees_nothing_that_comes_after_it(frame, pitch, seed):
    model, window = random_model('context', seed=seed), random_windows(1, seed=seed)
    latent = np.random.default_rng(seed).normal(size=(1, 3))
    before = model.cell_logits(latent, window)[0]
    changed = window.copy()
    changed[0, frame, pitch] ^= True
    after = model.cell_logits(latent, changed)[0]
    np.testing.assert_array_equal(before[:frame], after[:frame])
    np.testing.assert_array_equal(before[frame, :PITCHES], after[frame, :PITCHES])
    onset = window.copy()
    onset[0, frame, PITCHES + pitch] ^= True
    after = model.cell_logits(latent, onset)[0]
    np.testing.assert_array_equal(before[:frame + 1], after[:frame + 1])


def test_an_onset_where_nothing_sounds_costs_nothing_and_cannot_be_played():
    model, windows = random_model('context'), random_windows(5)
    latents = np.zeros((5, 3))
    logits = model.cell_logits(latents, windows).astype(np.float64)
    p = 1 / (1 + np.exp(-logits))
    nats = -np.where(windows, np.log(p), np.log1p(-p))
    nats[..., PITCHES:] *= windows[..., :PITCHES]
    np.testing.assert_allclose(model.negative_log_likelihood(latents, windows),
                               nats.sum(axis=(1, 2)), rtol=1e-5)
    cells, _ = model.decode(np.random.default_rng(0).normal(size=(50, 3)), rule='sample')
    assert not (cells[..., PITCHES:] & ~cells[..., :PITCHES]).any()


def test_the_likelihood_of_all_windows_adds_up_to_one():
    from itertools import product

    from qbdi_m21.model.spec import FrameSpec
    spec = FrameSpec(pitch_low=60, pitch_high=62, window_frames=2)
    sizes = {**SIZES['context'], 'lags': [1], 'width': 3, 'onset_width': 1}
    model = random_model('context', spec=spec, sizes=sizes)
    states = [(0, 0), (1, 0), (1, 1)]           # silent, held, struck
    windows = []
    for cells in product(states, repeat=4):
        table = np.array(cells).reshape(2, 2, 2)            # frame, pitch, plane
        windows.append(table.transpose(0, 2, 1).reshape(2, 4))
    every = np.array(windows, dtype=bool)
    nats = model.negative_log_likelihood(np.full((len(every), 3), 0.3), every)
    assert np.exp(-nats).sum() == pytest.approx(1, abs=1e-5)


def test_more_windows_than_are_worked_on_at_a_time():
    model, windows = random_model('context'), random_windows(CHUNK + 3)
    latents = np.random.default_rng(1).normal(size=(CHUNK + 3, 3))
    alone = np.concatenate([model.cell_logits(latents[k:k + 1], windows[k:k + 1])
                            for k in range(CHUNK + 3)])
    np.testing.assert_allclose(model.cell_logits(latents, windows), alone, atol=1e-5)
    assert model.cell_logits(latents[:0], windows[:0]).shape == (0, FRAMES, 2 * PITCHES)
    assert model.decode(latents[:0])[0].shape == (0, FRAMES, 2 * PITCHES)
