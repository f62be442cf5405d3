"""The measures of an improvisation beside its query, against twins, music21 and vmo."""

import json
import warnings
from dataclasses import fields, replace
from fractions import Fraction
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from music21 import chord, harmony, key, note, stream
from music21.analysis.discrete import KrumhanslSchmuckler
from naive.measures import (
    QUALITIES,
    naive_bars,
    naive_chord,
    naive_chord_entropy,
    naive_chroma,
    naive_comparison,
    naive_onset_agreement,
    naive_starts,
)
from strategies import bars_of, frames, frames_of
from vmo.VMO.utility.distances import tonnetz as vmo_tonnetz

import qbdi_m21 as q
from qbdi_m21.analysis.harmony import TEMPLATES, infer_chord, infer_chords
from qbdi_m21.frames.features import pitch_classes
from qbdi_m21.improvisation.measures import (
    by_bar,
    chord_entropy,
    compare_bars,
    count_sets,
    estimate_key,
    information,
    measure,
    onset_agreement,
)
from qbdi_m21.improvisation.sweep import SweepRow

WORKS = ['bach/bwv66.6', 'bach/bwv1.6', 'bach/bwv57.8', 'ryansMammoth/AcaciaReel',
         'corelli/opus3no1/1grave', 'bach/bwv4.8', 'demos/two-parts', 'joplin/maple_leaf_rag',
         'bach/bwv846', 'schoenberg/opus19/movement2']

counts = npst.arrays(np.int64, (12,), elements=st.integers(0, 9))


@st.composite
def pairs_of_frames(draw):
    """Frames, and others on the same bars."""
    first = draw(frames(max_pitches=6))
    onset, held = (draw(npst.arrays(np.bool_, first.sounding.shape)) for _ in range(2))
    return first, replace(first, sounding=onset | held, onset=onset)


def frames_by_work(corpus_score, name):
    with warnings.catch_warnings():
        warnings.simplefilter('ignore', q.QbdiWarning)
        return q.to_frames(corpus_score(name))


def near(number):
    return None if number is None else pytest.approx(number, abs=1e-9)


@given(pairs_of_frames())
def test_every_measure_is_its_naive_twins(pair):
    ours, theirs = pair
    found = measure(ours, theirs)
    chroma = naive_chroma(ours)
    silent = sum(not sum(row) for row in chroma)
    assert found['notes'] == len(naive_starts(ours))
    assert found['silent_share'] == near(silent / len(chroma))
    assert found['pitch_class_sets'] == len({
        frozenset(k for k in range(12) if row[k]) for row in chroma if sum(row)})
    assert found['chord_entropy_bits'] == near(naive_chord_entropy(ours))
    assert found['onset_agreement'] == near(naive_onset_agreement(ours, theirs))
    for name, number in naive_comparison(naive_bars(ours), naive_bars(theirs)).items():
        assert found[name] == near(number), name


@given(pairs_of_frames())
def test_the_names_are_those_of_a_row_and_the_values_plain(pair):
    found = measure(*pair)
    assert list(found) == [f.name for f in fields(SweepRow)][5:]
    assert json.loads(json.dumps(found, allow_nan=False)) == found


@pytest.mark.parametrize('name', WORKS)
def test_the_key_of_a_work_is_music21s(name, corpus_score):
    made = frames_by_work(corpus_score, name)
    estimated, _ = estimate_key(pitch_classes(made).sum(axis=0))
    theirs = corpus_score(name).analyze('key.krumhansl')
    tonic, mode = estimated.split()
    assert (key.Key(tonic, mode).tonic.pitchClass, mode) == (theirs.tonic.pitchClass, theirs.mode)


@pytest.mark.parametrize('name', WORKS)
def test_key_name_and_fit_of_decoded_frames_are_music21s(name, corpus_score):
    made = frames_by_work(corpus_score, name)
    found = measure(made, made)
    theirs = q.to_score(made).analyze('key.krumhansl')
    assert found['key'] == f'{theirs.tonic.name} {theirs.mode}'
    assert found['key_fit'] == near(theirs.correlationCoefficient)


@pytest.mark.parametrize('mode', ['major', 'minor'])
@pytest.mark.parametrize('tonic', range(12))
def test_a_scale_with_its_triad_is_in_its_key_spelled_with_few_accidentals(tonic, mode):
    degrees = [0, 2, 4, 5, 7, 9, 11] if mode == 'major' else [0, 2, 3, 5, 7, 8, 11]
    weights = np.zeros(12)
    weights[[(tonic + k) % 12 for k in degrees]] = 1
    weights[[(tonic + degrees[k]) % 12 for k in (0, 2, 4)]] += 2
    name, fit = estimate_key(weights)
    found = key.Key(*name.split())
    assert (found.tonic.pitchClass, name.split()[1]) == (tonic, mode)
    assert abs(found.sharps) <= 6
    assert 0.8 < fit <= 1


@pytest.mark.parametrize('mode', ['major', 'minor'])
@pytest.mark.parametrize('tonic', range(12))
def test_notes_of_a_keys_profile_are_in_that_key_for_music21_and_for_us(tonic, mode):
    profile = np.roll(KrumhanslSchmuckler().getWeights(mode), tonic)
    theirs = stream.Stream([note.Note(60 + k, quarterLength=weight)
                            for k, weight in enumerate(profile)]).analyze('key.krumhansl')
    name, fit = estimate_key(profile)
    ours = key.Key(*name.split())
    assert (ours.tonic.pitchClass, ours.mode) == (tonic, mode)
    assert (theirs.tonic.pitchClass, theirs.mode) == (tonic, mode)
    assert fit == near(theirs.correlationCoefficient) == near(1.0)


@pytest.mark.parametrize('weights', [np.zeros(12), np.full(12, 7.0)], ids=['silence', 'all'])
def test_without_a_difference_between_pitch_classes_there_is_no_key(weights):
    assert estimate_key(weights) == (None, None)


@given(counts, st.integers(1, 50))
def test_louder_is_in_the_same_key(weights, times):
    name, fit = estimate_key(weights)
    again, same = estimate_key(times * weights)
    if fit is not None:
        assert same == near(fit)
    assert again == name or fit == near(_fit_of(again, weights))


def _fit_of(name, weights):
    """Correlation of weights with the profile that music21 has of a key."""
    found = key.Key(*name.split())
    profile = np.roll(KrumhanslSchmuckler().getWeights(name.split()[1]), found.tonic.pitchClass)
    return np.corrcoef(profile, weights)[0, 1]


@pytest.mark.parametrize('name', ['bach/bwv66.6', 'ryansMammoth/AcaciaReel'])
def test_the_information_rate_is_that_of_the_analysis(name, corpus_score):
    made = frames_by_work(corpus_score, name)
    theirs = q.information_rate(made)
    assert information(made) == (theirs.total_bits, theirs.selected)


def test_one_analysis_frame_has_no_information_rate():
    short = frames_of([(0, 2, 60)], (q.Bar(1, Fraction(0), Fraction(1, 2), '1/8'),))
    assert information(short) == (None, None)
    found = measure(short, short)
    assert (found['ir_bits'], found['ir_threshold']) == (None, None)


@given(frames(max_pitches=6))
def test_a_piece_is_as_near_to_itself_as_can_be(made):
    found = compare_bars(*[by_bar(pitch_classes(made), made.grid)] * 2)
    assert found['silent_bars'] == 0.0
    assert onset_agreement(made, made) == 1.0
    if made.sounding.any():
        assert found['chroma_cosine'] == pytest.approx(1.0)
        assert found['tonnetz_distance'] == found['tonnetz_by_circle'] == 0.0
    else:
        assert found['chroma_cosine'] is None


@given(*[npst.arrays(np.int64, (5, 12), elements=st.integers(0, 9))] * 2)
def test_tonnetz_distances_are_those_of_vmos_matrix(ours, theirs):
    both = ours.any(axis=1) & theirs.any(axis=1)
    one, two = (bars[both] / bars[both].sum(axis=1, keepdims=True) for bars in (ours, theirs))
    away = np.linalg.norm((one - two) @ vmo_tonnetz._make_tonnetz_matrix().T, axis=1)
    found = compare_bars(ours, theirs)['tonnetz_distance']
    assert found == (near(away.mean()) if both.any() else None)


def test_bars_in_which_one_side_is_silent_are_counted_and_not_compared():
    c, g, none = np.eye(12)[0], np.eye(12)[7], np.zeros(12)
    found = compare_bars(np.array([c, none, c, none, c]), np.array([c, g, none, none, g]))
    assert found['silent_bars'] == pytest.approx(1 / 3)
    assert found['chroma_cosine'] == pytest.approx(0.5)         # 1 and 0
    assert found['tonnetz_distance'] > found['tonnetz_by_circle'] > 0


@pytest.mark.parametrize(('ours', 'theirs', 'silent'), [
    (np.zeros((3, 12)), np.ones((3, 12)), 1.0), (np.ones((3, 12)), np.zeros((3, 12)), 0.0),
    (np.zeros((3, 12)), np.zeros((3, 12)), 0.0)], ids=['ours', 'theirs', 'both'])
def test_without_a_bar_in_which_both_sound_there_is_nothing_to_compare(ours, theirs, silent):
    assert compare_bars(ours, theirs) == {
        'silent_bars': silent, 'chroma_cosine': None, 'tonnetz_distance': None,
        'tonnetz_by_circle': None, 'chord_agreement': None}


def test_bars_agree_where_the_query_has_a_chord_and_the_improvisation_the_same():
    c, minor, two, none = (np.isin(np.arange(12), tones) * 1.0
                           for tones in ((0, 4, 7), (0, 3, 7), (0, 7), ()))
    found = compare_bars(np.array([c, 3 * c, minor, two, none, c]),
                         np.array([c, c, c, c, c, two]))
    assert found['chord_agreement'] == 2 / 5
    assert compare_bars(np.array([c]), np.array([two]))['chord_agreement'] is None


def test_a_silent_improvisation_has_no_measure_but_its_silence():
    query = frames_of([(0, 8, 60), (16, 20, 64)], bars_of('4/4', '4/4'))
    found = measure(replace(query, sounding=query.sounding & False, onset=query.onset & False),
                    query)
    assert found == {
        'notes': 0, 'silent_share': 1.0, 'pitch_class_sets': 0, 'chord_entropy_bits': None,
        'silent_bars': 1.0, 'chroma_cosine': None, 'tonnetz_distance': None,
        'tonnetz_by_circle': None, 'chord_agreement': None, 'onset_agreement': 0.0, 'key': None,
        'key_fit': None,
        'ir_bits': 0.0, 'ir_threshold': found['ir_threshold']}


def test_bars_are_summed_over_their_own_frames_and_no_others():
    made = frames_of([(0, 5, 60), (4, 16, 67), (15, 17, 72)], bars_of('4/4', '3/4', pickup_ql=1))
    summed = by_bar(pitch_classes(made), made.grid)
    wanted = np.zeros((3, 12))
    wanted[0, 0], wanted[1, 0], wanted[1, 7], wanted[1, 0] = 4, 1, 12, 3
    assert made.grid.bar_starts.tolist() == [0, 4, 20, 32]
    assert summed.tolist() == wanted.tolist()


def test_pitch_class_sets_are_counted_whatever_their_octaves_and_silence_is_none():
    bars = bars_of('4/4')
    made = frames_of([(0, 2, 60), (2, 4, 72), (4, 6, 60), (4, 6, 76), (6, 8, 64), (6, 8, 48)], bars)
    assert count_sets(pitch_classes(made)) == 2
    assert count_sets(np.zeros((4, 12))) == 0
    assert count_sets(np.zeros((0, 12))) == 0


def test_onsets_agree_by_their_frames():
    bars = bars_of('4/4')
    query = frames_of([(0, 4, 60), (4, 8, 60), (8, 16, 62)], bars)
    half = frames_of([(0, 8, 72), (8, 10, 62), (10, 12, 62), (12, 16, 62)], bars)
    assert onset_agreement(half, query) == pytest.approx(2 * 2 / (4 + 3))
    silent = frames_of([], bars)
    assert onset_agreement(silent, silent) == 1.0
    assert onset_agreement(silent, query) == onset_agreement(query, silent) == 0.0


def chords_on_beats(*chords, meter='4/4', **options):
    """Return a bar of which each beat has a chord, as pitch classes."""
    bars = bars_of(meter)
    held = int(bars[0].beat_ql * 4)
    return frames_of([(held * k, held * (k + 1), 60 + p) for k, pitches in enumerate(chords)
                      for p in pitches], bars, **options)


def test_the_entropy_of_chords_is_that_of_their_shares():
    c, g, f = (0, 4, 7), (7, 11, 2), (5, 9, 0)
    made = [chords_on_beats(*chords) for chords in ((c, c, c, c), (c, g, c, g), (c, c, g, f), ())]
    assert [chord_entropy(pitch_classes(one), one.grid) for one in made] == [0.0, 1.0, 1.5, None]


def test_chords_of_beats_shorter_than_a_frame_are_those_of_frames():
    made = frames_of([(0, 1, 60), (0, 1, 64), (0, 1, 67), (1, 2, 62), (1, 2, 65), (1, 2, 69),
                      (2, 3, 64), (2, 3, 67)], bars_of('5/8'), step=Fraction(1))
    assert chord_entropy(pitch_classes(made), made.grid) == 1.0


@given(npst.arrays(np.int64, (6, 12), elements=st.integers(0, 9)))
def test_chords_of_many_rows_are_those_of_each_and_of_a_slow_twin(weights):
    roots, qualities = infer_chords(weights)
    assert roots.dtype == qualities.dtype == np.int64
    for row, root, quality in zip(weights, roots.tolist(), qualities.tolist(), strict=True):
        found = None if root < 0 else (root, list(TEMPLATES)[quality])
        assert (root < 0) == (quality < 0)
        assert found == infer_chord(row) == naive_chord(row.tolist())


@given(st.sampled_from([(0, 4, 8), (0, 3, 6, 9)]), st.integers(0, 11),
       st.lists(st.integers(1, 9), min_size=4, max_size=4))
def test_of_a_symmetric_chord_the_tone_that_sounds_most_is_the_root(tones, lowest, loudness):
    weights = np.zeros(12)
    for tone, weight in zip(tones, loudness, strict=False):
        weights[(lowest + tone) % 12] = weight
    found = infer_chord(weights)
    assert found == naive_chord(weights.tolist())
    if found is not None and found[1] in ('aug', 'dim7'):
        assert weights[found[0]] == weights.max()


def test_the_rows_of_works_have_the_chords_of_the_twin(corpus_score):
    for name in WORKS[:3]:
        made = frames_by_work(corpus_score, name)
        weights = by_bar(pitch_classes(made), made.grid)
        roots, qualities = infer_chords(weights)
        found = [None if r < 0 else (r, list(TEMPLATES)[k])
                 for r, k in zip(roots.tolist(), qualities.tolist(), strict=True)]
        assert found == [naive_chord(row) for row in weights.tolist()]
        assert any(found)


def test_no_rows_have_no_chords():
    roots, qualities = infer_chords(np.zeros((0, 12)))
    assert (roots.tolist(), qualities.tolist()) == ([], [])


@pytest.mark.parametrize('quality', [name for name in QUALITIES if name not in ('aug', 'dim7')])
def test_music21s_chord_symbols_are_found_on_every_root(quality):
    symbol = {'m7♭5': 'm7b5'}.get(quality, quality)
    rows = []
    for root in ('C', 'C#', 'D', 'E-', 'E', 'F', 'F#', 'G', 'A-', 'A', 'B-', 'B'):
        pitches = harmony.ChordSymbol(root + symbol).pitches
        rows.append(np.bincount([p.pitchClass for p in pitches], minlength=12))
    roots, qualities = infer_chords(np.array(rows))
    assert roots.tolist() == list(range(12))
    assert {list(TEMPLATES)[k] for k in qualities.tolist()} == {quality}


def test_every_set_that_music21_knows_as_a_chord_has_that_name_and_root():
    # Forte's class: our quality, and which of the normal order's tones is the root
    known = {'3-11A': ('m', 0), '3-11B': ('', 0), '3-10': ('dim', 0), '4-27A': ('m7♭5', 1),
             '4-27B': ('7', 3), '4-26': ('m7', 2), '4-20': ('maj7', 1)}
    named = 0
    for size in (2, 3):
        for others in combinations(range(1, 12), size):
            classes = (0, *others)
            theirs = chord.Chord(classes)
            if theirs.forteClass in known:
                quality, place = known[theirs.forteClass]
                assert infer_chord(np.bincount(classes, minlength=12)) == (
                    theirs.normalOrder[place], quality)
                named += 1
    assert named == 3 * 3 + 4 * 4       # with C as each of their tones
