"""Features of frames: pitch classes and the tonal centroid (Tonnetz)."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import numpy.typing as npt

from qbdi_m21.errors import FramesError
from qbdi_m21.frames.grid import Grid
from qbdi_m21.frames.roll import Frames

FloatArray = npt.NDArray[np.float64]

#: Radii of the circles of fifths, minor thirds and major thirds (Harte et al. 2006, eq. 3).
TONNETZ_RADII = (1.0, 1.0, 0.5)


def pitch_classes(frames: Frames) -> FloatArray:
    """Return how many octaves of each pitch class sound in each frame, shape (T, 12)."""
    fold = np.zeros((frames.num_pitches, 12))
    columns = np.arange(frames.num_pitches)
    fold[columns, (columns + frames.pitch_low) % 12] = 1.0
    return np.asarray(frames.sounding @ fold)


def pool(values: npt.NDArray[np.floating], grid: Grid, step_ql: Fraction) -> tuple[
        FloatArray, Grid]:
    """Sum frame features over longer frames of the same bars.

    Parameters
    ----------
    values : ndarray, shape (T, D)
        One row a frame of `grid`.
    grid : Grid
        The fine grid.
    step_ql : Fraction
        Length of a coarse frame; not shorter than the fine step.

    Returns
    -------
    (ndarray of float, shape (T', D), Grid)
        Sums, and the coarse grid.
    """
    if len(values) != grid.num_frames:
        raise FramesError(f'{len(values)} feature rows for a grid of {grid.num_frames} frames')
    if step_ql < grid.step_ql:
        raise FramesError(f'cannot pool frames of {grid.step_ql} quarter into shorter ones of '
                          f'{step_ql}; give a step of at least {grid.step_ql}')
    coarse = grid.with_step(step_ql)
    owner = np.empty(grid.num_frames, dtype=np.int64)
    for index in range(len(grid.bars)):
        first, last = grid.bar_starts[index], grid.bar_starts[index + 1]
        inside = [int(k * grid.step_ql / step_ql) for k in range(last - first)]
        owner[first:last] = coarse.bar_starts[index] + np.array(inside)
    pooled = np.zeros((coarse.num_frames, values.shape[1]))
    np.add.at(pooled, owner, values)
    return pooled, coarse


def tonnetz(chroma: npt.NDArray[np.floating]) -> FloatArray:
    """Return the tonal centroid of pitch-class vectors.

    Parameters
    ----------
    chroma : ndarray, shape (T, 12)
        Non-negative weights.

    Returns
    -------
    ndarray of float, shape (T, 6)
        Points on the circles of fifths, minor thirds and major thirds. Silence, and sets that
        are symmetric on all three circles (the chromatic total, say), are the zero vector.

    Notes
    -----
    Source: Harte, Sandler & Gasser 2006, eqs 3-4; the paper's distance (Dubnov 2019, 3.2) is
    the Euclidean one between these vectors.
    """
    angles = np.outer(np.arange(12), np.pi * np.array([7 / 6, 3 / 2, 2 / 3]))
    radii = np.array(TONNETZ_RADII)
    basis = np.empty((12, 6))
    basis[:, 0::2], basis[:, 1::2] = radii * np.sin(angles), radii * np.cos(angles)
    total = chroma.sum(axis=1, keepdims=True)
    centroid = (chroma / np.where(total > 0, total, 1.0)) @ basis
    centroid[np.abs(centroid) < 1e-12] = 0.0
    return np.asarray(centroid)
