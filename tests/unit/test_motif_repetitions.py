"""Runs that return, against all runs counted one by one; and how alike two runs are."""

from collections import defaultdict
from functools import cache
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import bars_of, table_of

from qbdi_m21.analysis.motifs.repetitions import (
    Lengths,
    join_voices,
    move_bits,
    repetitions,
)
from qbdi_m21.analysis.motifs.selection import Member, distinct, join_variants, select
from qbdi_m21.analysis.motifs.voices import voices_of
from qbdi_m21.oracle.alignment import NEAR, SAME_WAY, best_ends, similarity

ANY = Lengths(shortest=0.1, longest=50.0, usual=4.0, min_notes=3)


def lines_of(*voices):
    """Return the lines of voices given as (time to the next, pitch)."""
    notes = []
    for part, voice in enumerate(voices):
        now = 0
        for time, pitch in voice:
            notes.append((now, time, pitch, part))
            now += time
    return join_voices(voices_of(table_of(notes, bars_of(*['4/4'] * 40))))


def by_hand(lines, size):
    """Return all runs of a size that stand at least twice: {moves: [last note, ...]}."""
    runs = defaultdict(list)
    for last in range(size - 1, len(lines.rows)):
        moves = lines.moves[last - size + 2:last + 1]
        if (moves[:, 1] >= 0).all():
            runs[tuple(map(tuple, moves.tolist()))].append(last)
    return {moves: lasts for moves, lasts in runs.items() if len(lasts) > 1}


small_voices = st.lists(
    st.lists(st.tuples(st.sampled_from([1, 2]), st.integers(60, 63)), min_size=3, max_size=12),
    min_size=1, max_size=3)


@given(small_voices)
def test_equal_runs_are_found_and_only_equal_ones(voices):
    lines = lines_of(*voices)
    found = defaultdict(list)
    for one in repetitions(lines, ANY):
        found[one.size].append(one.lasts.tolist())
    for size in range(3, 13):
        expected = by_hand(lines, size)
        where = {last: moves for moves, lasts in expected.items() for last in lasts}
        for lasts in found[size]:
            assert len(lasts) > 1
            assert len({where[last] for last in lasts}) == 1


def test_of_all_runs_that_return_hardly_any_is_missed(rng):
    # the oracle's repeated suffix is a lower bound of the longest one
    found = expected = 0
    for _ in range(100):
        lines = lines_of(*[[(int(t), int(p)) for t, p in zip(
            rng.choice([1, 2], 20), rng.integers(60, 64, 20), strict=True)] for _ in range(3)])
        known = defaultdict(set)
        for one in repetitions(lines, ANY):
            known[one.size] |= set(one.lasts.tolist())
        for size in range(3, 13):
            there = {last for lasts in by_hand(lines, size).values() for last in lasts}
            assert known[size] <= there
            found += len(known[size])
            expected += len(there)
    assert expected > 1000
    assert found >= 0.97 * expected


@given(small_voices)
def test_no_run_is_longer_or_shorter_than_asked_for_or_runs_over_a_break(voices):
    lines = lines_of(*voices)
    for one in repetitions(lines, Lengths(2.0, 5.0, 4.0, 3)):
        for last in one.lasts:
            first = last - one.size + 1
            assert (lines.moves[first + 1:last + 1, 1] >= 0).all()
            span = lines.onset[last] - lines.onset[first]
            assert span <= 5
            assert span + min(lines.duration[last], 1) >= 2
        spans = one.spans()
        assert all(a[1] <= b[0] for a, b in pairwise(spans))


def test_a_transposed_copy_in_another_voice_is_the_same_run():
    theme = [(1, 60), (1, 62), (2, 64), (1, 60), (1, 67)]
    lines = lines_of(theme, [(7, 50), *((t, p + 5) for t, p in theme)])
    longest = max(repetitions(lines, ANY), key=lambda one: one.size)
    assert longest.size == 5
    assert lines.pitch[longest.lasts].tolist() == [67, 72]


moves = st.lists(st.tuples(st.integers(-3, 3), st.sampled_from([4, 8, 16])), min_size=1,
                 max_size=6)


def shared(a, b, bits, other):
    total = bits[1] if a[1] == b[1] else 0
    if a[0] == b[0]:
        return total + bits[0]
    if (a[0] > 0) - (a[0] < 0) == (b[0] > 0) - (b[0] < 0):
        total += min(bits[0], other[0]) * (NEAR if abs(a[0] - b[0]) == 1 else SAME_WAY)
    return total


def naive(a, a_bits, b, b_bits):
    @cache
    def best(i, j):
        if not i or not j:
            return 0.0
        return max(best(i - 1, j), best(i, j - 1),
                   best(i - 1, j - 1) + shared(a[i - 1], b[j - 1], a_bits[i - 1], b_bits[j - 1]))
    return best(len(a), len(b))


def bits_of(one, *all_of):
    return move_bits(np.array(one), np.array([m for each in all_of for m in each]))


@given(moves, moves, moves)
def test_similarity_is_the_shared_part_of_the_bits(one, two, rest):
    bits, other = bits_of(one, one, two, rest), bits_of(two, one, two, rest)
    total = max(bits.sum(), other.sum())
    found = similarity(np.array(one), bits, np.array(two), other)
    if total == 0:
        assert found == 1
        return
    expected = naive(one, bits.tolist(), two, other.tolist()) / total
    assert found == pytest.approx(expected)
    assert 0 <= found <= 1
    assert similarity(np.array(two), other, np.array(one), bits) == pytest.approx(found)
    assert similarity(np.array(one), bits, np.array(one), bits) == pytest.approx(1)


@given(moves)
def test_what_goes_the_other_way_at_other_times_has_nothing_in_common(one):
    one = [(abs(step) + 1, time) for step, time in one]
    two = [(-step, 3 * time) for step, time in one]
    bits, other = bits_of(one, one, two), bits_of(two, one, two)
    assert similarity(np.array(one), bits, np.array(two), other) == 0


def naive_score(theme, bits, line, line_bits, gap):
    """Return a function of the best score of the theme against a part of a line."""
    @cache
    def score(k, start, stop):
        if k == 0:
            return -gap * (stop - start)
        if start == stop:
            return -gap * k
        return max(score(k - 1, start, stop - 1) + shared(theme[k - 1], line[stop - 1],
                                                          bits[k - 1], line_bits[stop - 1]),
                   score(k - 1, start, stop) - gap, score(k, start, stop - 1) - gap)
    return lambda start, stop: score(len(theme), start, stop)


@given(moves, st.lists(st.just((0, -1)) | st.tuples(st.integers(-3, 3), st.sampled_from([4, 8])),
                       min_size=1, max_size=9), st.sampled_from([0.3, 1.0]))
def test_best_ends_are_those_of_all_parts_tried(theme, line, gap):
    bits, line_bits = bits_of(theme, theme, line, [(9, 99)]), bits_of(line, theme, line, [(9, 99)])
    scores, starts = best_ends(np.array(theme), bits, np.array(line), line_bits, gap)
    score = naive_score(theme, bits.tolist(), line, line_bits.tolist(), gap)
    broken = [j for j, (_, time) in enumerate(line) if time < 0]
    for end, (found, start) in enumerate(zip((scores * bits.sum()).tolist(), starts.tolist(),
                                             strict=True)):
        first = max([j + 1 for j in broken if j <= end], default=0)
        if end in broken:
            assert found == 0
            continue
        assert found == pytest.approx(max(score(k, end + 1) for k in range(first, end + 2)))
        assert first <= start <= end + 1
        assert found == pytest.approx(score(start, end + 1))


def test_nothing_is_aligned_over_a_break():
    line = np.array([[1, 4], [2, 4], [0, -1], [1, 4], [2, 4]])
    theme = np.array([[2, 4], [1, 4]])
    ones = np.ones((5, 2))
    scores, _ = best_ends(theme, ones[:2], line, ones, 5.0)
    assert scores.max() < 1
    whole, _ = best_ends(theme, ones[:2], line[[0, 1, 3, 4]], ones[:4], 5.0)
    assert whole.max() == 1


def test_what_is_common_says_little():
    plain = [[0, 4]] * 15
    line = np.array([*plain, [3, 8]])
    bits = move_bits(line, line)
    assert bits[0].tolist() == pytest.approx([-np.log2(15 / 16)] * 2)
    assert bits[-1].tolist() == [4, 4]
    assert move_bits(np.array([[7, 4]]), line)[0, 0] == 4     # as one that is there once
    assert move_bits(np.array([[0, -1]]), line)[0, 1] == 4


def test_what_is_taken_explains_the_notes_for_those_after_it():
    phrase = [(1, 60), (1, 64), (2, 62), (1, 69), (1, 65), (2, 60)]
    lines = lines_of([*phrase, (4, 80), *phrase, (4, 77), *phrase])
    taken = select(repetitions(lines, ANY), len(lines.rows))
    assert taken
    values = [value for _, value in taken]
    assert values == sorted(values, reverse=True)
    held = np.zeros(len(lines.rows), dtype=bool)
    for one, _ in taken:
        free = [span for span in one.spans() if held[slice(*span)].mean() <= 0.2]
        assert len(free) >= 2
        for span in one.spans():
            held[slice(*span)] = True


def test_a_changed_note_is_a_variant_and_another_rhythm_another_motif():
    theme = [(1, 60), (1, 62), (2, 64), (1, 60), (3, 67)]
    varied = [(1, 60), (1, 62), (2, 64), (1, 60), (3, 65)]
    other = [(3, 72), (3, 60), (3, 71), (3, 59), (3, 70)]
    voice = [*theme, (4, 55), *theme, (4, 52), *varied, (4, 57), *varied, (4, 50), *other, (4, 58),
             *other]
    lines = lines_of(voice)
    families = join_variants(select(repetitions(lines, Lengths(3.0, 20.0, 7.0, 5)),
                                    len(lines.rows)), lines)
    pitches = [[lines.pitch[m.start:m.stop].tolist() for m in family.members]
               for family in families]
    home = next(group for group in pitches if [60, 62, 64, 60, 67] in group)
    assert [60, 62, 64, 60, 65] in home
    assert [72, 60, 71, 59, 70] not in home


def test_of_nested_occurrences_the_nearer_and_longer_stays():
    outer, inner, near = Member(0, 9, 0.2), Member(2, 5, 0.2), Member(20, 24, 0.0)
    wide = Member(19, 26, 0.3)
    assert distinct([inner, outer, wide, near]) == (outer, wide, near)
    assert distinct([Member(20, 22, 0.1), near]) == (near,)
