"""Distances: against scipy, closed forms, integrals and samples; and what silence is."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from oracle_material import lopsided
from scipy import integrate, stats
from scipy.spatial.distance import cdist, jaccard

from qbdi_m21.errors import ParameterError
from qbdi_m21.frames.features import tonnetz
from qbdi_m21.oracle import distances as module
from qbdi_m21.oracle.build import build_oracle
from qbdi_m21.oracle.distances import check_distance, distance_rows
from qbdi_m21.oracle.threshold import find_threshold

GAUSSIAN = ('kl', 'symmetric-kl', 'bhattacharyya')
PAIRS = [((0.3, 0.2), (-0.5, -1.0)), ((0.0, 0.0), (2.0, 0.0)), ((1.0, -2.0), (1.0, 1.5)),
         ((-1.0, 0.7), (-1.0, 0.7))]

chords = npst.arrays(np.float64, st.tuples(st.integers(1, 6), st.just(12)),
                     elements=st.sampled_from([0.0, 0.0, 1.0, 2.5]))
gaussians = npst.arrays(np.float64, st.tuples(st.integers(1, 5), st.just(6)),
                        elements=st.floats(-3, 3))


def density(row):
    return stats.norm(row[0], math.exp(row[1] / 2))


def apart(one, other, distance):
    return distance_rows(np.array([one]), np.array([other]), distance)[0, 0]


def integral(function):
    return integrate.quad(function, -30, 30, limit=400, points=[-2, 0, 2])[0]


@pytest.mark.parametrize('metric', ['euclidean', 'cityblock', 'cosine', 'sqeuclidean', 'chebyshev',
                                    'correlation', 'canberra', lopsided])
def test_metrics_are_scipys(metric, rng):
    new, known = rng.random((4, 5)), rng.random((7, 5))
    assert np.array_equal(distance_rows(new, known, metric), cdist(new, known, metric))


def test_a_function_gets_the_new_frame_first():
    found = distance_rows(np.array([[3.0]]), np.array([[1.0], [5.0]]),
                          lambda new, known: max(float(new[0] - known[0]), 0.0))
    assert found.tolist() == [[2.0, 0.0]]


@given(chords, chords)
def test_tonnetz_is_between_tonal_centroids(new, known):
    wanted = cdist(tonnetz(new), tonnetz(known))
    assert np.allclose(distance_rows(new, known, 'tonnetz'), wanted)


def test_tonnetz_of_a_fifth_is_smaller_than_of_a_semitone():
    one = np.eye(12)
    away = distance_rows(one[:1], one, 'tonnetz')[0]
    assert away[0] == 0
    assert away[7] == pytest.approx(away[5])
    assert away[7] < away[1]
    # by Harte: radii 1, 1 and .5 of the circles of fifths, minor and major thirds
    circles = ((1.0, 7 * math.pi / 6), (1.0, 3 * math.pi / 2), (0.5, 2 * math.pi / 3))
    for interval in range(12):
        wanted = math.sqrt(sum((2 * r * math.sin(interval * angle / 2)) ** 2
                               for r, angle in circles))
        assert away[interval] == pytest.approx(wanted, abs=1e-9)


@given(chords, chords)
def test_pitch_class_sets_are_compared_by_the_share_that_differs(new, known):
    found = distance_rows(new, known, 'pitch-class-set')
    for i, one in enumerate(new):
        for j, other in enumerate(known):
            a, b = set(np.flatnonzero(one)), set(np.flatnonzero(other))
            wanted = len(a ^ b) / len(a | b) if a | b else 0.0
            assert found[i, j] == pytest.approx(wanted)
            assert found[i, j] == pytest.approx(jaccard(one > 0, other > 0))


@pytest.mark.parametrize(('one', 'other'), PAIRS)
def test_divergences_of_one_dimension_are_their_integrals(one, other):
    p, q = density(one), density(other)
    directions = [integral(lambda x, p=p, q=q: p.pdf(x) * (p.logpdf(x) - q.logpdf(x))),
                  integral(lambda x, p=p, q=q: q.pdf(x) * (q.logpdf(x) - p.logpdf(x)))]
    overlap = integral(lambda x: math.sqrt(p.pdf(x) * q.pdf(x)))
    # divergences in bits; the other in nats, as its papers have it
    assert apart(one, other, 'kl') == pytest.approx(directions[0] / math.log(2), abs=1e-7)
    assert apart(other, one, 'kl') == pytest.approx(directions[1] / math.log(2), abs=1e-7)
    assert apart(one, other, 'symmetric-kl') == pytest.approx(
        sum(directions) / 2 / math.log(2), abs=1e-7)
    assert apart(one, other, 'bhattacharyya') == pytest.approx(-math.log(overlap), abs=1e-7)


@pytest.mark.parametrize('distance', GAUSSIAN)
def test_components_that_are_independent_add_up(distance, rng):
    new, known = rng.normal(size=(3, 8)), rng.normal(size=(4, 8))
    parts = [distance_rows(new[:, [k, k + 4]], known[:, [k, k + 4]], distance) for k in range(4)]
    assert np.allclose(distance_rows(new, known, distance), sum(parts))


def test_divergences_of_two_dimensions_are_their_integrals():
    one, other = np.array([0.3, -0.4, 0.2, -0.7]), np.array([-0.2, 0.5, -0.5, 0.4])
    axis = np.linspace(-12, 12, 801)
    points = np.stack(np.meshgrid(axis, axis, indexing='ij'), axis=-1)
    cell = (axis[1] - axis[0]) ** 2
    p, q = (stats.multivariate_normal(row[:2], np.diag(np.exp(row[2:]))) for row in (one, other))
    wanted = (p.pdf(points) * (p.logpdf(points) - q.logpdf(points))).sum() * cell / np.log(2)
    overlap = np.sqrt(p.pdf(points) * q.pdf(points)).sum() * cell
    assert apart(one, other, 'kl') == pytest.approx(wanted, rel=1e-6)
    assert apart(one, other, 'bhattacharyya') == pytest.approx(-np.log(overlap), rel=1e-6)


def test_divergences_of_many_dimensions_are_means_over_samples(rng):
    one, other = rng.normal(0, 0.5, 12), rng.normal(0, 0.5, 12)
    p, q = (stats.multivariate_normal(row[:6], np.diag(np.exp(row[6:]))) for row in (one, other))
    drawn = p.rvs(200_000, random_state=1)
    ratio = p.logpdf(drawn) - q.logpdf(drawn)
    # five standard errors
    error = 5 * ratio.std() / np.sqrt(len(ratio)) / np.log(2)
    assert apart(one, other, 'kl') == pytest.approx(ratio.mean() / np.log(2), abs=error)
    root = np.exp(-ratio / 2)
    assert math.exp(-apart(one, other, 'bhattacharyya')) == pytest.approx(
        root.mean(), abs=5 * root.std() / np.sqrt(len(root)))


@given(gaussians, gaussians)
def test_divergences_are_at_least_zero_and_zero_of_the_same(new, known):
    for distance in GAUSSIAN:
        found = distance_rows(new, known, distance)
        assert found.min() >= 0
        assert np.allclose(np.diag(distance_rows(new, new, distance)), 0, atol=1e-9)
        if distance != 'kl':
            assert np.allclose(found, distance_rows(known, new, distance).T)


@pytest.mark.parametrize('distance', GAUSSIAN)
def test_blocks_of_rows_change_no_divergence(distance, rng, monkeypatch):
    new, known = rng.normal(size=(11, 6)), rng.normal(size=(5, 6))
    whole = distance_rows(new, known, distance)
    monkeypatch.setattr(module, '_BLOCK', 70)
    assert np.array_equal(distance_rows(new, known, distance), whole)


QUIET = np.array([[1.0, 0], [0, 0], [1, 0.1], [0, 0], [0, 1], [0, 0]])


def test_silence_is_a_symbol_of_its_own():
    for distance in ('cosine', 'euclidean', lopsided):
        found = distance_rows(QUIET, QUIET, distance, silence='symbol')
        mute = ~QUIET.any(axis=1)
        assert np.all(found[np.ix_(mute, mute)] == 0)
        assert np.all(found[np.ix_(mute, ~mute)] == np.inf)
        assert np.all(found[np.ix_(~mute, mute)] == np.inf)
        assert np.array_equal(found[np.ix_(~mute, ~mute)], cdist(QUIET[~mute], QUIET[~mute],
                                                                 distance))


def test_silence_as_vmo_has_it_is_what_the_distance_makes_of_it():
    cosine = distance_rows(QUIET, QUIET, 'cosine', silence='vmo')
    assert np.isnan(cosine[1]).all()
    assert np.isfinite(cosine[np.ix_([0, 2, 4], [0, 2, 4])]).all()
    assert np.array_equal(distance_rows(QUIET, QUIET, 'euclidean'), cdist(QUIET, QUIET))


@pytest.mark.parametrize(('distance', 'silence', 'symbols'), [
    ('cosine', None, [0, 1, 0, 1, 2, 1]), ('cosine', 'symbol', [0, 1, 0, 1, 2, 1]),
    ('cosine', 'vmo', [0, 1, 0, 2, 3, 4]), ('cosine', 'ignore', [0, 0, 1]),
    ('euclidean', None, [0, 1, 0, 1, 2, 1]), ('euclidean', 'ignore', [0, 0, 1]),
    ('correlation', None, [0, 1, 0, 1, 2, 1])])
def test_silent_frames_are_symbols_as_asked(distance, silence, symbols):
    oracle = build_oracle(QUIET, 0.5, distance, silence=silence)
    assert oracle.symbol[1:].tolist() == symbols


def test_a_near_silence_joins_by_distance_only_where_silence_is_no_symbol():
    features = np.array([[0.0, 0.0], [0.1, 0.0], [0.0, 0.0]])
    assert build_oracle(features, 0.5).symbol[1:].tolist() == [0, 0, 0]
    assert build_oracle(features, 0.5, silence='symbol').symbol[1:].tolist() == [0, 1, 0]


@pytest.mark.parametrize('search', ['grid', 'exact'])
def test_ignored_frames_have_no_rate_and_the_others_their_places(search, rng):
    phrase = rng.random((5, 3)) + 0.1
    plain = np.tile(phrase, (4, 1))
    places = np.sort(rng.permutation(30)[:20])
    spread = np.zeros((30, 3))
    spread[places] = plain
    found = find_threshold(spread, silence='ignore', search=search)
    dense = find_threshold(plain, search=search)
    assert found.frames.tolist() == places.tolist()
    assert np.array_equal(found.curve, dense.curve)
    assert np.array_equal(found.profile[places], dense.profile)
    assert not np.delete(found.profile, places).any()
    assert found.oracle.num_states == 21
    assert dense.frames.tolist() == list(range(20))


def test_where_too_few_frames_sound_none_can_be_ignored():
    with pytest.raises(ParameterError, match='1 of 3 frames sound; expected at least two'):
        find_threshold([[0.0], [1.0], [0.0]], silence='ignore')
    with pytest.raises(ParameterError, match='at least one frame'):
        build_oracle(np.zeros((3, 2)), 0.5, silence='ignore')


def test_an_unknown_silence_is_refused():
    for call in (find_threshold, lambda x, silence: build_oracle(x, 0.5, silence=silence)):
        with pytest.raises(ParameterError, match="silence is 'loud'; expected one of symbol"):
            call(np.eye(3), silence='loud')


@pytest.mark.parametrize(('distance', 'columns', 'message'), [
    ('kl', 3, "features have 3 columns; 'kl' takes means"),
    ('symmetric-kl', 1, "'symmetric-kl' takes means and then as many log variances"),
    ('bhattacharyya', 5, 'an even number'),
    ('tonnetz', 6, "features have 6 columns; 'tonnetz' takes the weights of 12 pitch classes"),
    ('pitch-class-set', 24, 'takes the weights of 12 pitch classes'),
    ('nearness', 2, "no distance 'nearness'; expected a function"),
    ('', 2, "no distance ''"), (None, 2, 'no distance None'), (7, 2, 'no distance 7')])
def test_distances_that_do_not_fit_are_refused(distance, columns, message):
    features = np.ones((4, columns))
    for call in (lambda: check_distance(distance, columns),
                 lambda: build_oracle(features, 0.5, distance),
                 lambda: find_threshold(features, distance=distance)):
        with pytest.raises(ParameterError, match=message):
            call()


@pytest.mark.parametrize('search', ['grid', 'exact'])
def test_a_distance_that_is_never_a_number_joins_nothing(search):
    found = find_threshold(np.eye(4), distance=lambda new, known: math.nan, search=search)
    assert found.peak_bits == 0
    assert found.oracle.num_symbols == 4
    assert 0 <= found.selected < math.inf


@pytest.mark.parametrize('distance', [*GAUSSIAN, 'tonnetz', 'pitch-class-set'])
def test_named_distances_build_what_they_build_as_functions(distance, rng):
    features = rng.integers(0, 3, (40, 12)).astype(float)
    features[:, 6:] /= 4

    def as_function(new, known):
        return distance_rows(new[None], known[None], distance)[0, 0]

    named = find_threshold(features, distance=distance, silence='vmo')
    function = find_threshold(features, distance=as_function, thresholds=named.thresholds)
    assert named.curve == pytest.approx(function.curve)
    assert named.peak_bits > 0
