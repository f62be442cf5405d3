"""Which windows an update sees, and how they are changed."""

from dataclasses import replace

import numpy as np
import pytest
from networks import random_windows
from small_training import SPEC, make_data

from qbdi_m21.model.batches import BatchPlan
from qbdi_m21.model.presets import Augmentation

pytestmark = pytest.mark.tf


def plan(data, batch=8, max_batch=8, transpose=0, seed=0):
    return BatchPlan(data, batch=batch, max_batch=max_batch, transpose=transpose, seed=seed)


@pytest.mark.parametrize('batch', [8, 7, 40, 100])
def test_every_bar_of_a_training_work_is_seen_once_an_epoch_and_no_other(batch):
    data = make_data()
    made = plan(data, batch)
    for epoch in range(3):
        first = epoch * made.epoch_updates
        rows = np.concatenate([r for r, _, _ in made.updates(first, first + made.epoch_updates)])
        assert sorted(rows) == data.rows('train').tolist()


def test_by_work_each_batch_is_one_work_and_long_works_are_drawn_from():
    data = make_data()
    made = plan(data, None, 5)
    batches = [rows for rows, _, _ in made.updates(0, 8)]
    assert [len(rows) for rows in batches] == [5] * 8
    works = [set(data.work[rows]) for rows in batches]
    assert all(len(w) == 1 for w in works)
    assert sorted(w for one in works[:4] for w in one) == [0, 1, 2, 3]
    assert len({tuple(sorted(rows)) for rows in batches}) > 4


def test_an_update_is_the_same_wherever_the_plan_begins():
    made = plan(make_data(), transpose=3)
    whole = list(made.updates(0, 20))
    for begin in (0, 3, 5, 19):
        for first, again in zip(whole[begin:], made.updates(begin, 20), strict=True):
            for mine, theirs in zip(first, again, strict=True):
                np.testing.assert_array_equal(mine, theirs)
    shifts = np.concatenate([s for *_, s in whole])
    assert set(shifts) == set(range(-3, 4))


@pytest.mark.parametrize('batch', [8, None])
@pytest.mark.parametrize('chunk', [1, 3, 50])
def test_the_dataset_gives_the_planned_windows(batch, chunk):
    from qbdi_m21.model.batches import make_dataset
    data = make_data()
    made = plan(data, batch, 5, transpose=2, seed=4)
    given = list(make_dataset(data, made, 2, 12, augmentation=Augmentation(transpose=2),
                              chunk=chunk).as_numpy_iterator())
    expected = list(made.updates(2, 12))
    assert len(given) == len(expected)
    for windows, (rows, _, shifts) in zip(given, expected, strict=True):
        assert windows.dtype == np.float32
        for window, row, shift in zip(windows, rows, shifts, strict=True):
            np.testing.assert_array_equal(window, moved(data.windows[row], shift))


def test_a_partner_is_a_bar_of_the_same_work():
    data = make_data()
    for batch in (8, None):
        seen = set()
        for rows, partners, _ in plan(data, batch, 5).updates(0, 60):
            np.testing.assert_array_equal(data.work[rows], data.work[partners])
            seen |= set(partners)
        assert seen == set(data.rows('train'))


def moved(window, semitones):
    """Return a window moved cell by cell."""
    out = np.zeros_like(window)
    pitches = window.shape[1] // 2
    for frame, column in zip(*np.nonzero(window), strict=True):
        plane, pitch = divmod(column, pitches)
        if 0 <= pitch + semitones < pitches:
            out[frame, plane * pitches + pitch + semitones] = True
    return out


@pytest.mark.parametrize('semitones', [-13, -12, -5, 0, 1, 11, 12, 14])
def test_transposing_moves_both_planes(semitones):
    from qbdi_m21.model.augment import transpose_windows
    windows = np.random.default_rng(1).random((3, 8, 24)) < 0.4
    given = transpose_windows(windows.view(np.uint8), np.full(3, semitones)).numpy()
    for window, ours in zip(windows, given, strict=True):
        np.testing.assert_array_equal(ours, moved(window, semitones))


def test_thinning_takes_notes_of_a_band_and_gives_those_that_come_back_an_onset():
    from qbdi_m21.model.augment import thin_windows
    windows = make_data().windows
    many = np.tile(windows, (20, 1, 1))
    thin = thin_windows(many.view(np.uint8), 0.5, np.array([1, 2])).numpy().astype(bool)
    sounding, onset = thin[..., :12], thin[..., 12:]
    assert not (sounding & ~many[..., :12]).any()
    assert not (onset & ~sounding).any()
    before = np.concatenate([np.ones_like(sounding[:, :1]), sounding[:, :-1]], axis=1)
    assert (onset | ~sounding | before).all()
    kept = (sounding | ~many[..., :12]) | ~many[..., :12]
    # an onset is either given or one that the thinning made
    assert not (onset & ~many[..., 12:] & before).any()
    changed = (~kept).any(axis=(1, 2)).mean()
    assert 0.25 < changed < 0.5
    again = thin_windows(many.view(np.uint8), 0.5, np.array([1, 2])).numpy()
    np.testing.assert_array_equal(again.astype(bool), thin)
    none = thin_windows(many.view(np.uint8), 0.0, np.array([1, 2])).numpy()
    np.testing.assert_array_equal(none.astype(bool), many)


def test_mixing_takes_the_upper_notes_of_the_partner():
    from qbdi_m21.model import augment
    rng = np.random.default_rng(3)
    spec = replace(SPEC, pitch_low=40, pitch_high=80)
    windows, partners = (random_windows(400, spec, seed=s, density=0.05) for s in (1, 2))
    given = augment.mix_windows(windows.view(np.uint8), partners.view(np.uint8), 0.6,
                                rng.integers(0, 99, 2)).numpy().astype(bool)
    mixed = [row for row in range(400) if not np.array_equal(given[row], windows[row])]
    assert 0.5 < len(mixed) / 400 < 0.7
    for row in mixed[:40]:
        assert any(np.array_equal(given[row], expected)
                   for expected in mixtures(windows[row], partners[row]))


def mixtures(window, partner):
    """Yield all that mixing can make of two windows."""
    pitches = window.shape[1] // 2
    upper = np.tile(np.arange(pitches), 2)
    for division in np.flatnonzero(partner[:, :pitches].any(axis=0)):
        parts = partner & (upper >= division), window & (upper < division)
        for high in (-12, 0, 12):
            for low in (-12, 0, 12):
                yield moved(parts[0], high) | moved(parts[1], low)
