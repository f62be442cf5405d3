"""What an improvisation has of its query, and what it is by itself: one number each."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
from music21.analysis.discrete import KrumhanslSchmuckler

from qbdi_m21.analysis.harmony import infer_chords
from qbdi_m21.analysis.information_rate import analysis_features
from qbdi_m21.frames.features import pitch_classes, pool, tonnetz
from qbdi_m21.frames.grid import Grid
from qbdi_m21.frames.roll import Frames, note_starts
from qbdi_m21.oracle.threshold import find_threshold

FloatArray = npt.NDArray[np.float64]

MAJOR = ('C', 'D-', 'D', 'E-', 'E', 'F', 'F#', 'G', 'A-', 'A', 'B-', 'B')
MINOR = ('C', 'C#', 'D', 'E-', 'E', 'F', 'F#', 'G', 'G#', 'A', 'B-', 'B')


def measure(frames: Frames, query: Frames) -> dict[str, Any]:
    """Return the measures of an improvisation beside its query, by name.

    Parameters
    ----------
    frames, query : Frames
        On the same bars.

    Returns
    -------
    dict
        As :class:`qbdi_m21.SweepRow` describes them; None where there is nothing to measure.
    """
    chroma, theirs = pitch_classes(frames), pitch_classes(query)
    peak, threshold = information(frames)
    key, fit = estimate_key(chroma.sum(axis=0))
    return {'notes': int(note_starts(frames).sum()),
            'silent_share': float(1.0 - frames.sounding.any(axis=1).mean()),
            'pitch_class_sets': count_sets(chroma),
            'chord_entropy_bits': chord_entropy(chroma, frames.grid),
            **compare_bars(by_bar(chroma, frames.grid), by_bar(theirs, query.grid)),
            'onset_agreement': onset_agreement(frames, query),
            'key': key, 'key_fit': fit, 'ir_bits': peak, 'ir_threshold': threshold}


def by_bar(chroma: FloatArray, grid: Grid) -> FloatArray:
    """Return pitch-class counts summed over bars, shape (B, 12)."""
    return np.asarray(np.add.reduceat(chroma, grid.bar_starts[:-1], axis=0))


def count_sets(chroma: FloatArray) -> int:
    """Return how many different pitch-class sets sound, of frames (T, 12)."""
    codes = (chroma > 0) @ (1 << np.arange(12))
    return len(np.unique(codes[codes > 0]))


def compare_bars(ours: FloatArray, theirs: FloatArray) -> dict[str, float | None]:
    """Return how near two sequences of bars (B, 12) are, where both sound.

    `silent_bars` is the share of the bars in which the second sounds and the first does not;
    `chord_agreement` is over the bars in which the second has a chord, sound the first or not.
    """
    due = theirs.any(axis=1)
    both = due & ours.any(axis=1)
    found: dict[str, float | None] = {
        'silent_bars': float((due & ~both).sum() / max(due.sum(), 1)), 'chroma_cosine': None,
        'tonnetz_distance': None, 'tonnetz_by_circle': None,
        'chord_agreement': _chord_agreement(ours, theirs)}
    if both.any():
        one, two = ours[both], theirs[both]
        cosine = (one * two).sum(axis=1) / (
            np.linalg.norm(one, axis=1) * np.linalg.norm(two, axis=1))
        away = tonnetz(one) - tonnetz(two)
        circles = np.linalg.norm(away.reshape(-1, 3, 2), axis=2)
        found |= {'chroma_cosine': float(cosine.mean()),
                  'tonnetz_distance': float(np.linalg.norm(away, axis=1).mean()),
                  'tonnetz_by_circle': float(circles.mean())}
    return found


def _chord_agreement(ours: FloatArray, theirs: FloatArray) -> float | None:
    (root, quality), (wanted, kind) = infer_chords(ours), infer_chords(theirs)
    named = wanted >= 0
    same = (root == wanted) & (quality == kind)
    return float(same[named].mean()) if named.any() else None


def chord_entropy(chroma: FloatArray, grid: Grid) -> float | None:
    """Return the entropy in bits of the chords that beats have; None without any chord."""
    # a beat may be shorter than a frame
    beats = all(bar.beat_ql >= step for bar, step in zip(grid.bars, grid.bar_steps, strict=True))
    pooled, _ = pool(chroma, grid, 'beat') if beats else (chroma, grid)
    roots, qualities = infer_chords(pooled)
    _, counts = np.unique((12 * qualities + roots)[roots >= 0], return_counts=True)
    return entropy_of_counts(counts) if len(counts) else None


def entropy_of_counts(counts: npt.NDArray[Any]) -> float:
    """Return the entropy in bits of what was counted so often; of at least one thing."""
    share = counts / counts.sum()
    return float(-(share * np.log2(share)).sum() + 0.0)


def onset_agreement(frames: Frames, query: Frames) -> float:
    """Return F1 of the frames in which notes start; 1 where none does on either side."""
    ours, theirs = (note_starts(one).any(axis=1) for one in (frames, query))
    whole = int(ours.sum() + theirs.sum())
    return float(2 * (ours & theirs).sum() / whole) if whole else 1.0


@cache
def _profiles() -> FloatArray:
    """Return the Krumhansl-Kessler profiles of 24 keys as music21 has them, normed, (24, 12)."""
    weights = KrumhanslSchmuckler()
    rows = [np.roll(weights.getWeights(mode), tonic) for mode in ('major', 'minor')
            for tonic in range(12)]
    centered = np.array(rows) - np.mean(rows, axis=1, keepdims=True)
    return np.asarray(centered / np.linalg.norm(centered, axis=1, keepdims=True))


def estimate_key(weights: FloatArray) -> tuple[str | None, float | None]:
    """Return the key of pitch-class weights (12,), in music21's names, and its correlation.

    Notes
    -----
    Source: Krumhansl 1990, the algorithm of Krumhansl and Schmuckler, with music21's weights.
    """
    centered = weights - weights.mean()
    norm = np.linalg.norm(centered)
    if not norm > 0:
        return None, None
    fits = _profiles() @ centered / norm
    best = int(fits.argmax())
    name = f'{MAJOR[best]} major' if best < 12 else f'{MINOR[best - 12]} minor'
    return name, float(fits[best])


def information(frames: Frames) -> tuple[float | None, float | None]:
    """Return the peak of the information rate over the thresholds, in bits, and where it is."""
    features, _, _ = analysis_features(frames)
    if len(features) < 2:
        return None, None
    found = find_threshold(features)
    return float(found.curve.max()), found.selected
