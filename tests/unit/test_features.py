"""Pitch classes, pooling and the tonal centroid."""

from fractions import Fraction
from itertools import combinations

import numpy as np
import pytest
from music21 import chord
from naive.frames import naive_intervals
from strategies import bars_of, frames_of
from vmo.VMO.utility.distances import tonnetz as vmo_tonnetz

from qbdi_m21.errors import FramesError, ParameterError
from qbdi_m21.frames.features import (
    bass,
    interval_vectors,
    is_degenerate,
    pitch_classes,
    pool,
    tonnetz,
)
from qbdi_m21.frames.grid import Bar, Grid
from qbdi_m21.frames.roll import Frames

ALL_SETS = np.array([[(n >> k) & 1 for k in range(12)] for n in range(4096)], dtype=float)


def chord_vector(*classes):
    return np.bincount(classes, minlength=12).astype(float)


def exact_twelfth_roots():
    """Powers of the 12th root of unity in the basis 1, z, z^2, z^3, where z^4 = z^2 - 1."""
    powers = [np.array([1, 0, 0, 0])]
    for _ in range(11):
        a, b, c, d = powers[-1]
        powers.append(np.array([-d, a, b + d, c]))
    return np.array(powers)


def vanishes_exactly():
    """Whether each circle's sum is zero, for all 4096 sets, shape (4096, 3)."""
    roots = exact_twelfth_roots()
    # fifths, minor and major thirds turn by 7, 9 and 4 twelfths of a circle a semitone
    turned = [roots[np.arange(12) * turn % 12] for turn in (7, 9, 4)]
    return np.stack([~(ALL_SETS.astype(int) @ t).any(axis=1) for t in turned], axis=1)


def test_pitch_classes_count_octaves():
    frames = frames_of([(0, 2, 24), (0, 2, 36), (1, 3, 47), (4, 5, 101)], bars_of('2/4'))
    found = pitch_classes(frames)
    assert found.shape == (8, 12)
    assert found[0].tolist() == chord_vector(0, 0).tolist()
    assert found[1].tolist() == chord_vector(0, 0, 11).tolist()
    assert found[4].tolist() == chord_vector(5).tolist()
    assert not found[5:].any()


def test_pitch_classes_do_not_depend_on_the_range():
    narrow = frames_of([(0, 3, 65), (2, 3, 70)], bars_of('2/4'), low=65, high=71)
    wide = frames_of([(0, 3, 65), (2, 3, 70)], bars_of('2/4'), low=0, high=128)
    assert np.array_equal(pitch_classes(narrow), pitch_classes(wide))


def test_pooling_sums_within_bars(rng):
    grid = Grid(bars_of('3/4', '5/4', pickup_ql=Fraction(3, 4)))
    values = rng.random((grid.num_frames, 2))
    pooled, coarse = pool(values, grid, Fraction(1))
    assert coarse.bar_frames.tolist() == [1, 3, 5]
    plain = [values[:3].sum(axis=0)] + [values[3 + 4 * k:7 + 4 * k].sum(axis=0) for k in range(8)]
    assert np.allclose(pooled, plain)


@pytest.mark.parametrize('step', [Fraction(1, 4), Fraction(1, 3), Fraction(3, 8), Fraction(4)])
def test_pooling_loses_nothing_and_crosses_no_barline(step, rng):
    grid = Grid(bars_of('6/8', '2/4', '5/4'))
    values = rng.random((grid.num_frames, 3))
    pooled, coarse = pool(values, grid, step)
    for k in range(3):
        fine = values[grid.bar_starts[k]:grid.bar_starts[k + 1]].sum(axis=0)
        assert np.allclose(pooled[coarse.bar_starts[k]:coarse.bar_starts[k + 1]].sum(axis=0), fine)


def test_pooling_to_the_same_step_changes_nothing(rng):
    grid = Grid(bars_of('4/4'))
    values = rng.random((16, 12))
    assert np.array_equal(pool(values, grid, Fraction(1, 4))[0], values)


def test_pooling_into_shorter_frames_is_refused():
    with pytest.raises(FramesError, match='cannot pool frames of step 1/4 into shorter ones'):
        pool(np.zeros((16, 2)), Grid(bars_of('4/4')), Fraction(1, 8))


def test_pooling_rows_that_do_not_fit_is_refused():
    with pytest.raises(FramesError, match='15 feature rows for a grid of 16'):
        pool(np.zeros((15, 2)), Grid(bars_of('4/4')), Fraction(1))


def test_the_centroid_of_one_pitch_class_is_vmos_matrix():
    matrix = vmo_tonnetz._make_tonnetz_matrix()
    assert np.allclose(tonnetz(np.eye(12)), matrix.T)


def test_centroids_point_where_vmos_do(rng):
    chroma = rng.random((200, 12)) * (rng.random((200, 12)) < 0.5)
    chroma = chroma[chroma.any(axis=1)]
    ours = tonnetz(chroma)
    theirs = np.array([vmo_tonnetz._to_tonnetz(row) for row in chroma])
    assert np.allclose(ours / np.abs(ours).sum(axis=1, keepdims=True), theirs)


def test_centroids_do_not_depend_on_loudness(rng):
    chroma = rng.random((20, 12))
    assert np.allclose(tonnetz(chroma), tonnetz(37.5 * chroma))


def test_transposing_turns_the_circles_and_keeps_distances(rng):
    chroma = rng.random((30, 12))
    points, turned = tonnetz(chroma), tonnetz(np.roll(chroma, 5, axis=1))
    for i, j in combinations(range(30), 2):
        assert np.linalg.norm(points[i] - points[j]) == pytest.approx(
            np.linalg.norm(turned[i] - turned[j]))


def test_a_fifth_is_nearer_than_a_tone_and_a_tone_nearer_than_a_semitone():
    c, g, d, c_sharp = tonnetz(np.eye(12)[[0, 7, 2, 1]])
    distances = [np.linalg.norm(c - other) for other in (g, d, c_sharp)]
    assert distances == sorted(distances)
    assert distances[0] < distances[1] < distances[2]


def test_silence_is_the_zero_vector():
    assert np.array_equal(tonnetz(np.zeros((2, 12))), np.zeros((2, 6)))


def test_symmetric_sets_are_exactly_zero_and_no_other_set_is():
    points = tonnetz(ALL_SETS).reshape(4096, 3, 2)
    exact = vanishes_exactly()
    assert np.array_equal((points == 0).all(axis=2), exact)
    # the rest is no rounding either: the least sum of roots is far above it
    lengths = np.linalg.norm(points, axis=2)
    assert lengths[~exact].min() > 1e-3


@pytest.mark.parametrize('classes', [
    (0, 2, 4, 6, 8, 10), (1, 3, 5, 7, 9, 11), tuple(range(12))])
def test_whole_tone_scales_and_the_chromatic_total_are_zero(classes):
    assert not tonnetz(chord_vector(*classes)[None]).any()


@pytest.mark.parametrize('root', [0, 1, 2])
def test_a_diminished_seventh_keeps_only_its_major_thirds(root):
    point = tonnetz(chord_vector(*(root + 3 * k for k in range(4)))[None])[0]
    assert not point[:4].any()
    assert point[4:] == pytest.approx(0.5 * np.array([
        np.sin(2 * np.pi / 3 * root), np.cos(2 * np.pi / 3 * root)]), abs=1e-12)


def test_loudness_does_not_make_a_symmetric_set_rubbish():
    loud = 1e6 * chord_vector(*range(12)) / 7
    assert not tonnetz(loud[None]).any()


def test_nine_sets_of_all_sound_and_have_no_centroid():
    degenerate = is_degenerate(ALL_SETS)
    found = {frozenset(np.flatnonzero(row).tolist()) for row in ALL_SETS[degenerate]}
    two_thirds = {frozenset((k + n) % 12 for n in (0, 1, 2, 6, 7, 8)) for k in range(6)}
    assert found == {frozenset(range(12)), frozenset(range(0, 12, 2)), frozenset(range(1, 12, 2)),
                     *two_thirds}
    assert len(found) == 9
    assert np.array_equal(degenerate[1:], vanishes_exactly().all(axis=1)[1:])
    assert not degenerate[0]


def test_degeneracy_does_not_depend_on_loudness():
    assert np.array_equal(is_degenerate(1e6 * ALL_SETS / 7), is_degenerate(ALL_SETS))


def sets_in_frames(low=60):
    """Frames in which each of the 4096 sets sounds, one a frame, some pitches an octave up."""
    grid = Grid((Bar(1, Fraction(0), Fraction(1024), '4/4'),))
    up = np.roll(ALL_SETS, 1, axis=0) > 0
    planes = np.concatenate([ALL_SETS > 0, (ALL_SETS > 0) & up], axis=1)
    return Frames(planes, np.zeros_like(planes), grid, low)


def test_interval_vectors_of_all_sets_are_those_counted_pair_by_pair():
    vectors = interval_vectors(sets_in_frames())
    assert vectors.tolist() == [naive_intervals(np.flatnonzero(row).tolist()) for row in ALL_SETS]


def test_interval_vectors_are_those_of_music21(rng):
    vectors = interval_vectors(sets_in_frames())
    for k in [0, 1, 4095, *rng.integers(1, 4096, 80).tolist()]:
        theirs = chord.Chord((60 + np.flatnonzero(ALL_SETS[k])).tolist()).intervalVector
        assert vectors[k].tolist() == theirs


def test_interval_vectors_do_not_depend_on_the_lowest_pitch():
    plain = interval_vectors(sets_in_frames())
    for low in (0, 61, 66):
        assert np.array_equal(interval_vectors(sets_in_frames(low)), plain)


def test_the_bass_is_the_lowest_pitch_that_sounds(rng):
    frames = sets_in_frames(low=36)
    lowest = [36 + int(np.flatnonzero(row)[0]) if row.any() else -1 for row in ALL_SETS]
    assert bass(frames).tolist() == lowest
    assert bass(frames_of([(2, 4, 101), (3, 4, 24)], bars_of('2/4'))).tolist() == [
        -1, -1, 101, 24, -1, -1, -1, -1]


@pytest.mark.parametrize(('step', 'frames'), [('beat', [1, 3, 2]), ('bar', [1, 1, 1])])
def test_pooling_by_beats_and_bars(step, frames, rng):
    grid = Grid(bars_of('3/4', '6/8', pickup_ql=1))
    values = rng.random((grid.num_frames, 2))
    pooled, coarse = pool(values, grid, step)
    assert coarse.bar_frames.tolist() == frames
    assert np.allclose(pooled[0], values[:4].sum(axis=0))
    assert np.allclose(pooled.sum(axis=0), values.sum(axis=0))
    first = values[4:16] if step == 'bar' else values[4:8]
    assert np.allclose(pooled[1], first.sum(axis=0))


def test_pooling_beats_into_shorter_frames_is_refused():
    grid = Grid(bars_of('4/4', '6/8'), 'bar')
    for step in ('beat', Fraction(3)):
        with pytest.raises(FramesError, match=f'frames of step bar into shorter ones of {step}'):
            pool(np.zeros((2, 1)), grid, step)
    with pytest.raises(ParameterError, match='expected a positive length'):
        pool(np.zeros((2, 1)), grid, 'fast')
