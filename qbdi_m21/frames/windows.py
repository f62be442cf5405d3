"""Model windows: bars cut or padded to the window length a model was trained on.

The rule for meters other than the model's own: a bar longer than a window is cut into
windows of full length and a rest; a bar of a shorter meter, and such a rest, is repeated until
the window is full, since a model that knows full bars takes silence for an ending; a pickup
has silence in front, and any other bar that is shorter than its own meter silence behind.
What was filled is left out again on the way back.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from qbdi_m21.errors import FramesError
from qbdi_m21.frames.grid import Grid
from qbdi_m21.frames.roll import Frames

BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Window:
    """One window of a grid.

    Attributes
    ----------
    bar : int
        Index of the bar.
    start, stop : int
        Frames of the grid that it holds.
    place : int
        Row of the window at which they begin.
    repeated : bool
        They are repeated to the end of the window; otherwise silence follows.
    """

    bar: int
    start: int
    stop: int
    place: int
    repeated: bool


def layout_windows(grid: Grid, window_frames: int) -> tuple[Window, ...]:
    """Return the windows of a grid, at least one a bar.

    Parameters
    ----------
    grid : Grid
        With a step equal to the model's.
    window_frames : int
        Frames of a window W; > 0.
    """
    if window_frames < 1:
        raise FramesError(f'window_frames is {window_frames}; expected at least 1')
    windows = []
    for index, bar in enumerate(grid.bars):
        first, stop = int(grid.bar_starts[index]), int(grid.bar_starts[index + 1])
        position = first
        while position < stop:
            size = min(window_frames, stop - position)
            place = window_frames - size if bar.lead_ql else 0
            windows.append(Window(index, position, position + size, place, bar.is_full))
            position += size
    return tuple(windows)


def window_mask(layout: tuple[Window, ...], window_frames: int) -> BoolArray:
    """Return which frames of each window are the piece's own, not filled in, shape (N, W)."""
    mask = np.zeros((len(layout), window_frames), dtype=np.bool_)
    for row, window in zip(mask, layout, strict=True):
        row[window.place:window.place + window.stop - window.start] = True
    return mask


def frames_to_windows(frames: Frames, layout: tuple[Window, ...],
                      window_frames: int) -> BoolArray:
    """Return the windows of frames, shape (N, W, 2P): sounding plane, then onset plane."""
    planes = np.concatenate([frames.sounding, frames.onset], axis=1)
    windows = np.zeros((len(layout), window_frames, planes.shape[1]), dtype=np.bool_)
    for row, window in zip(windows, layout, strict=True):
        held = planes[window.start:window.stop]
        room = window_frames - window.place if window.repeated else len(held)
        row[window.place:window.place + room] = held[np.arange(room) % len(held)]
    return windows


def windows_to_frames(windows: BoolArray, layout: tuple[Window, ...], grid: Grid,
                      pitch_low: int) -> Frames:
    """Undo :func:`frames_to_windows`; what lies in the filled part is left out.

    An onset cell that does not sound is dropped. A note may hold over a barline only from a
    cell that sounds.
    """
    if len(windows) != len(layout) or windows.ndim != 3 or windows.shape[2] % 2:
        raise FramesError(f'windows have shape {windows.shape}; expected ({len(layout)}, W, 2P)')
    num_pitches = windows.shape[2] // 2
    planes = np.zeros((grid.num_frames, 2 * num_pitches), dtype=np.bool_)
    for row, window in zip(windows, layout, strict=True):
        planes[window.start:window.stop] = (
            row[window.place:window.place + window.stop - window.start])
    sounding, onset = planes[:, :num_pitches], planes[:, num_pitches:]
    return Frames(sounding, onset & sounding, grid, pitch_low)
