"""Passages of the whole texture: repetitions of frames, and which of them repeat notes."""

from fractions import Fraction
from itertools import combinations, pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from melodies import FILLS, melody, moved, piece
from strategies import bars_of, table_of

from qbdi_m21.analysis.motifs.find import find_motifs
from qbdi_m21.analysis.motifs.texture import (
    equal_patterns,
    explained_notes,
    frame_patterns,
    passages,
)
from qbdi_m21.frames.encode import to_frames
from qbdi_m21.frames.grid import Grid
from qbdi_m21.oracle.patterns import Pattern

words = st.lists(st.integers(0, 2), min_size=2, max_size=40)

#: Eight eighths of one voice, and eight others.
TUNE = [(Fraction(1, 2), p) for p in (60, 64, 67, 65, 62, 69, 71, 60)]
OTHER = [(Fraction(1, 2), p) for p in (66, 61, 68, 63, 73, 58, 70, 56)]


def as_features(word):
    return np.array(word, dtype=float)[:, None]


def found_in(table, patterns, shortest=1, **options):
    """Return the spans of each passage, patterns given as (frames, ends...)."""
    grid = Grid(table.bars, Fraction(1, 2))
    made = passages(table, grid, [Pattern(tuple(ends), length) for length, *ends in patterns],
                    shortest=Fraction(shortest), **options)
    return [[(start, end) for start, end, _ in one] for one in made]


@given(words, st.integers(1, 5))
def test_places_of_a_pattern_are_equal_apart_and_at_least_two(word, shortest):
    for pattern in equal_patterns(as_features(word), shortest):
        assert pattern.length >= shortest
        assert len(pattern.spans) > 1
        assert all(a[1] <= b[0] for a, b in pairwise(pattern.spans))
        assert pattern.spans[0][0] >= 0
        assert pattern.spans[-1][1] <= len(word)
        assert len({tuple(word[a:b]) for a, b in pattern.spans}) == 1


def longest_repetition(word):
    """Return the length of the longest run that stands twice without meeting itself, by trying."""
    return max((n for i, j in combinations(range(len(word)), 2) for n in range(1, j - i + 1)
                if j + n <= len(word) and word[i:i + n] == word[j:j + n]), default=0)


def test_of_equal_frames_the_longest_repetition_is_hardly_ever_missed(rng):
    hits = 0
    for _ in range(200):
        word = rng.integers(0, 4, 40).tolist()
        lengths = [pattern.length for pattern in equal_patterns(as_features(word), 2)]
        expected = longest_repetition(word)
        assert max(lengths, default=0) <= expected
        hits += max(lengths, default=0) == expected
    assert hits >= 190


def test_a_phrase_between_others_is_found_whole(rng):
    phrase, between = rng.random((9, 4)), rng.random((3, 5, 4))
    features = np.concatenate([phrase, between[0], phrase, between[1], phrase, between[2]])
    (pattern,) = equal_patterns(features, 2)
    assert pattern.spans == ((0, 9), (14, 23), (28, 37))


@given(words, st.integers(2, 4), st.integers(2, 5))
def test_length_and_number_are_at_least_what_was_asked_for(word, fewest, shortest):
    features = as_features(word)
    plain = frame_patterns(features, threshold=0.5, min_frames=shortest)
    assert frame_patterns(features, threshold=0.5, min_frames=shortest, min_count=fewest) == [
        pattern for pattern in plain if len(pattern.ends) >= fewest]
    longer = frame_patterns(features, threshold=0.5, min_frames=shortest + 2)
    assert len(longer) <= len(plain)


def test_of_one_frame_there_is_no_pattern():
    assert frame_patterns(np.zeros((1, 3))) == equal_patterns(np.zeros((1, 3)), 1) == []


def test_places_whose_notes_are_others_are_refused():
    # two frames alike, of the same pitch classes: one with the notes, one an octave below
    table = piece(melody(TUNE, OTHER, TUNE, moved(TUNE, -12)))
    assert found_in(table, [(8, 8, 24, 32)]) == [[(0, 4), (8, 12)]]
    assert found_in(table, [(8, 8, 32)]) == []
    assert found_in(table, [(8, 8, 24)], min_count=3) == []


@pytest.mark.parametrize(('kept', 'accepted'), [(8, True), (4, True), (3, False), (0, False)])
def test_half_of_the_notes_must_return(kept, accepted):
    again = [TUNE[k] if k < kept else (TUNE[k][0], TUNE[k][1] + 20) for k in range(8)]
    table = piece(melody(TUNE, OTHER, again))
    assert bool(found_in(table, [(8, 8, 24)])) == accepted


def test_the_same_notes_at_other_times_do_not_return():
    late = [(Fraction(1, 4), 50), *TUNE[:-1], (Fraction(1, 4), 60)]
    assert found_in(piece(melody(TUNE, OTHER, late)), [(8, 8, 24)]) == []


def test_short_and_silent_places_are_left_out():
    table = piece([*melody(TUNE), *melody(TUNE, start=16)])
    assert found_in(table, [(8, 8, 40)]) == [[(0, 4), (16, 20)]]
    assert found_in(table, [(8, 8, 40)], shortest=Fraction(9, 2)) == []
    assert found_in(table, [(8, 16, 24)]) == []


def test_what_explains_most_comes_first_and_what_it_explains_is_not_told_again():
    table = piece(melody(TUNE, OTHER, TUNE, OTHER))
    both, first, half = (16, 16, 32), (8, 8, 24), (4, 12, 28)
    assert found_in(table, [half, first, both]) == [[(0, 8), (8, 16)]]


def test_a_theme_that_stands_twice_in_a_section_is_found_beside_it():
    # a a b . a a b: the section returns, and the theme stands twice in its first occurrence
    section = [TUNE, TUNE, OTHER]
    table = piece(melody(*section, FILLS[1], *section))
    assert found_in(table, [(8, 8, 16), (24, 24, 64), (8, 8, 16, 48, 56)]) == [
        [(0, 12), (20, 32)], [(0, 4), (4, 8)]]


@given(st.lists(st.integers(1, 9), min_size=2, max_size=6))
def test_all_but_one_occurrence_are_explained(sizes):
    places = [(Fraction(0), Fraction(1), np.arange(size)) for size in sizes]
    assert explained_notes(places) == round(sum(sizes) * (len(sizes) - 1) / len(sizes))


def test_a_varied_passage_says_how_much_of_it_is_other():
    chords = [(k, 1, p) for k in range(4) for p in (60 + k, 65 + 2 * k, 55 - k, 74 + 3 * k)]
    between = [(4 + k, 1, 51 + 5 * k) for k in range(4)]
    again = [*((8 + k, length, p) for k, length, p in chords), (8, 1, 76)]
    table = table_of([*chords, *between, *again], bars_of(*['4/4'] * 3))
    (varied,) = find_motifs(table, level='themes', threshold=0.5)
    assert [(o.start_ql, o.end_ql) for o in varied.occurrences] == [(0, 4), (8, 12)]
    assert [o.exact for o in varied.occurrences] == [True, False]
    assert [o.distance for o in varied.occurrences] == pytest.approx([0, 1 / 17])


@pytest.mark.parametrize('step', [Fraction(1, 4), Fraction(1, 2), 1])
def test_the_published_way_takes_frames_of_any_length(step):
    table = piece(melody([(1, p) for _, p in TUNE], [(1, p) for _, p in OTHER],
                         [(1, p) for _, p in TUNE]))
    motifs = find_motifs(table, preset='vmo', threshold=0.01, step=step, min_length=8)
    assert [(o.start_ql, o.end_ql) for o in motifs[0].occurrences] == [(0, 8), (16, 24)]
    assert motifs[0].gain_notes == 8
    assert find_motifs(to_frames(table), preset='vmo', threshold=0.01, step=step, min_length=8)[
        0].occurrences[1].notes == ()


def test_the_published_way_keeps_what_others_explain():
    table = piece(melody(TUNE, OTHER, TUNE, OTHER[:3], TUNE[:5], OTHER[4:]))
    motifs = find_motifs(table, preset='vmo', threshold=0.01, min_length=1)
    spans = [[(o.start_ql, o.end_ql) for o in m.occurrences] for m in motifs]
    assert spans[0] == [(0, Fraction(11, 2)), (8, Fraction(27, 2))]
    assert spans[1] == [(Fraction(15, 2), Fraction(21, 2)), (13, 16)]   # half of it lies in A
