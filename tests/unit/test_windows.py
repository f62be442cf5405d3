"""Bars to windows and back."""

from fractions import Fraction

import numpy as np
import pytest
from strategies import METERS, bars_of, frames_of

from qbdi_m21.errors import FramesError
from qbdi_m21.frames.grid import Bar, Grid
from qbdi_m21.frames.roll import Frames
from qbdi_m21.frames.windows import (
    Window,
    frames_to_windows,
    layout_windows,
    window_mask,
    windows_to_frames,
)

W = 16


def random_frames(bars, rng, step=Fraction(1, 4)):
    grid = Grid(bars, step)
    onset = rng.random((grid.num_frames, 5)) < 0.2
    return Frames(onset | (rng.random(onset.shape) < 0.4), onset, grid, 60)


def marked(bars):
    """One plane of cells in which frame t carries its number in binary."""
    grid = Grid(bars)
    numbers = np.arange(grid.num_frames) + 1
    sounding = (numbers[:, None] >> np.arange(8)) % 2 == 1
    return Frames(sounding, np.zeros_like(sounding), grid, 0)


def read_marks(windows):
    """Frame numbers (from 1; 0 is silence) of each window's rows."""
    return (windows[:, :, :8] @ (1 << np.arange(8))).tolist()


@pytest.mark.parametrize('meter', METERS)
@pytest.mark.parametrize('pickup', [0, Fraction(1, 2), 1])
def test_there_and_back_is_the_identity(meter, pickup, rng):
    frames = random_frames(bars_of(meter, meter, meter, pickup_ql=pickup), rng)
    layout = layout_windows(frames.grid, W)
    windows = frames_to_windows(frames, layout, W)
    again = windows_to_frames(windows, layout, frames.grid, 60)
    assert windows.shape == (len(layout), W, 10)
    assert np.array_equal(again.sounding, frames.sounding)
    assert np.array_equal(again.onset, frames.onset)
    assert again.pitch_low == 60


def test_changing_meters_and_a_last_short_bar_come_back(rng):
    bars = bars_of('4/4', '6/8', '5/4', '2/4', '12/8', pickup_ql=Fraction(3, 2))
    bars = (*bars, Bar(9, bars[-1].end_ql, Fraction(1), '4/4'))
    frames = random_frames(bars, rng)
    layout = layout_windows(frames.grid, W)
    again = windows_to_frames(frames_to_windows(frames, layout, W), layout, frames.grid, 60)
    assert np.array_equal(again.sounding, frames.sounding)
    assert np.array_equal(again.onset, frames.onset)


@pytest.mark.parametrize(('meter', 'sizes'), [
    ('2/4', [8]), ('3/4', [12]), ('4/4', [16]), ('5/4', [16, 4]), ('6/8', [12]),
    ('12/8', [16, 8]), ('3/2', [16, 8])])
def test_a_bar_longer_than_a_window_is_cut(meter, sizes):
    layout = layout_windows(Grid(bars_of(meter, meter)), W)
    assert [w.stop - w.start for w in layout] == sizes * 2
    assert [w.bar for w in layout] == [0] * len(sizes) + [1] * len(sizes)


def test_windows_hold_every_frame_once():
    grid = Grid(bars_of(*METERS, pickup_ql=1))
    held = [t for w in layout_windows(grid, W) for t in range(w.start, w.stop)]
    assert held == list(range(grid.num_frames))


def test_a_bar_of_the_models_meter_is_its_frames():
    frames = marked(bars_of('4/4', '4/4'))
    windows = frames_to_windows(frames, layout_windows(frames.grid, W), W)
    assert read_marks(windows) == [list(range(1, 17)), list(range(17, 33))]


def test_a_shorter_meter_is_repeated_to_the_end_of_the_window():
    frames = marked(bars_of('3/4'))
    windows = frames_to_windows(frames, layout_windows(frames.grid, W), W)
    assert read_marks(windows) == [[*range(1, 13), 1, 2, 3, 4]]


def test_the_rest_of_a_longer_bar_is_repeated():
    frames = marked(bars_of('5/4'))
    windows = frames_to_windows(frames, layout_windows(frames.grid, W), W)
    assert read_marks(windows) == [list(range(1, 17)), [17, 18, 19, 20] * 4]


def test_a_pickup_has_silence_in_front():
    frames = marked(bars_of('4/4', pickup_ql=1))
    windows = frames_to_windows(frames, layout_windows(frames.grid, W), W)
    assert read_marks(windows)[0] == [0] * 12 + [1, 2, 3, 4]


def test_a_bar_shorter_than_its_meter_has_silence_behind():
    frames = marked((Bar(1, Fraction(0), Fraction(3), '4/4'),))
    windows = frames_to_windows(frames, layout_windows(frames.grid, W), W)
    assert read_marks(windows) == [[*range(1, 13), 0, 0, 0, 0]]


def test_the_onset_plane_stands_behind_the_sounding_plane():
    frames = frames_of([(2, 6, 25)], bars_of('4/4'), low=24, high=27)
    windows = frames_to_windows(frames, layout_windows(frames.grid, W), W)
    assert np.argwhere(windows[0]).tolist() == [[2, 1], [2, 4], [3, 1], [4, 1], [5, 1]]


def test_an_onset_that_does_not_sound_is_dropped():
    layout = (Window(0, 0, 16, 0, True),)
    windows = np.zeros((1, W, 4), dtype=bool)
    windows[0, 3, 2] = True
    windows[0, 5, [1, 3]] = True
    frames = windows_to_frames(windows, layout, Grid(bars_of('4/4')), 60)
    assert np.argwhere(frames.onset).tolist() == [[5, 1]]
    assert np.argwhere(frames.sounding).tolist() == [[5, 1]]


def test_what_is_written_into_the_filled_part_is_left_out():
    frames = marked(bars_of('2/4', '2/4'))
    layout = layout_windows(frames.grid, W)
    windows = frames_to_windows(frames, layout, W)
    windows[:, 8:] = ~windows[:, 8:]
    again = windows_to_frames(windows, layout, frames.grid, 0)
    assert np.array_equal(again.sounding, frames.sounding)


def test_the_mask_leaves_out_what_was_filled_in():
    bars = (*bars_of('3/4', '5/4', pickup_ql=1), Bar(3, Fraction(9), Fraction(1), '4/4'))
    layout = layout_windows(Grid(bars), W)
    own = [(row.argmax(), int(row.sum())) for row in window_mask(layout, W)]
    # the pickup stands behind silence, all others before what fills them
    assert own == [(12, 4), (0, 12), (0, 16), (0, 4), (0, 4)]
    assert window_mask((), W).shape == (0, W)


def test_the_mask_names_the_cells_that_windows_and_frames_share(rng):
    frames = random_frames(bars_of(*METERS, pickup_ql=Fraction(3, 2)), rng)
    layout = layout_windows(frames.grid, W)
    windows = frames_to_windows(frames, layout, W)
    windows[~window_mask(layout, W)] = rng.random(10) < 0.5
    again = windows_to_frames(windows, layout, frames.grid, 60)
    assert np.array_equal(again.sounding, frames.sounding)
    assert np.array_equal(again.onset, frames.onset)


@pytest.mark.parametrize('shape', [(2, W, 4), (1, W, 3), (1, W * 4)])
def test_windows_of_another_shape_are_refused(shape):
    layout = (Window(0, 0, 16, 0, True),)
    with pytest.raises(FramesError, match='windows have shape'):
        windows_to_frames(np.zeros(shape, bool), layout, Grid(bars_of('4/4')), 60)


def test_a_window_without_frames_is_refused():
    with pytest.raises(FramesError, match='expected at least 1'):
        layout_windows(Grid(bars_of('4/4')), 0)
