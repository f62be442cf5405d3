"""Features of frames: pitch classes, bass, interval classes, the tonal centroid (Tonnetz)."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from qbdi_m21.errors import FramesError
from qbdi_m21.frames.grid import Grid, Step
from qbdi_m21.frames.ratios import IntArray
from qbdi_m21.frames.roll import Frames

FloatArray = npt.NDArray[np.float64]

#: Radii of the circles of fifths, minor thirds and major thirds (Harte et al. 2006, eq. 3).
TONNETZ_RADII = (1.0, 1.0, 0.5)


def pitch_classes(frames: Frames) -> FloatArray:
    """Return how many octaves of each pitch class sound in each frame, shape (T, 12)."""
    return fold_pitches(frames.sounding, frames.pitch_low)


def fold_pitches(cells: npt.NDArray[Any], pitch_low: int) -> FloatArray:
    """Return columns of pitches (T, P), from a MIDI number on, summed by pitch class, (T, 12)."""
    columns = np.arange(cells.shape[1])
    fold = np.zeros((len(columns), 12))
    fold[columns, (columns + pitch_low) % 12] = 1.0
    return np.asarray(cells @ fold)


def bass(frames: Frames) -> IntArray:
    """Return the MIDI number of the lowest sounding pitch of each frame, -1 in silence; (T,)."""
    sounding = frames.sounding
    return np.where(sounding.any(axis=1), sounding.argmax(axis=1) + frames.pitch_low, -1)


def interval_vectors(frames: Frames) -> IntArray:
    """Return the interval-class vector of the pitch classes of each frame, shape (T, 6).

    Entry k - 1 counts the pairs of different pitch classes that are k semitones apart, k from
    1 to 6 (Forte 1973; music21's ``Chord.intervalVector``).
    """
    held = pitch_classes(frames) > 0
    counts = [np.count_nonzero(held & np.roll(held, k, axis=1), axis=1) for k in range(1, 7)]
    counts[5] //= 2         # a tritone is found from both of its ends
    return np.stack(counts, axis=1)


def pool(values: npt.NDArray[Any], grid: Grid, step_ql: Step) -> tuple[FloatArray, Grid]:
    """Sum frame features over longer frames of the same bars.

    Parameters
    ----------
    values : ndarray, shape (T, D)
        One row a frame of `grid`.
    grid : Grid
        The fine grid.
    step_ql : Fraction, 'beat' or 'bar'
        Length of a coarse frame; not shorter than the fine step. A fine frame goes to the
        coarse one in which it starts.

    Returns
    -------
    (ndarray of float, shape (T', D), Grid)
        Sums, and the coarse grid.
    """
    if len(values) != grid.num_frames:
        raise FramesError(f'{len(values)} feature rows for a grid of {grid.num_frames} frames')
    coarse = grid.with_step(step_ql)
    if any(long < short for long, short in zip(coarse.bar_steps, grid.bar_steps, strict=True)):
        raise FramesError(f'cannot pool frames of step {grid.step_ql} into shorter ones of '
                          f'{step_ql}; give a step of at least {grid.step_ql}')
    pooled = np.zeros((coarse.num_frames, values.shape[1]))
    np.add.at(pooled, coarse.frames_holding(grid.offsets[:-1], grid.frame_bars()), values)
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
        Points on the circles of fifths, minor thirds and major thirds. Silence is the zero
        vector, and so are sets that are symmetric on all three circles: of all pitch-class
        sets nine, the chromatic total, the two whole-tone scales and the six transpositions
        of {0, 1, 2, 6, 7, 8}. Rounding would leave them some 1e-15 from zero, and a cosine
        would then compare noise; :func:`is_degenerate` tells them from silence.

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


def is_degenerate(chroma: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    """Return which pitch-class vectors sound but have no tonal centroid, shape (T,)."""
    return np.asarray((chroma.sum(axis=1) > 0) & ~tonnetz(chroma).any(axis=1))
