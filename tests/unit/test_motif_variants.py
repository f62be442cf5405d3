"""Places that are like a line, and the variants that a motif gets by them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from melodies import FILLS, THEME, melody, moved, piece

from qbdi_m21.analysis.motifs.repetitions import join_voices, move_bits
from qbdi_m21.analysis.motifs.selection import Family, Member
from qbdi_m21.analysis.motifs.variants import GAP, places_like, with_variants
from qbdi_m21.analysis.motifs.voices import voices_of
from qbdi_m21.oracle.alignment import best_ends

notes = st.lists(st.tuples(st.sampled_from([1, 2]), st.integers(60, 65)), min_size=3, max_size=25)
lines_drawn = st.builds(lambda *voices: lines_of(*voices), notes, notes)
shares = st.sampled_from([0.3, 0.5, 0.75, 1.0])


def lines_of(*voices):
    return join_voices(voices_of(piece(*(melody(voice, part=k)
                                         for k, voice in enumerate(voices)))))


def scores_of(moves, lines):
    bits = move_bits(moves, lines.moves)
    bits = bits if bits.any() else bits + 1.0
    return best_ends(moves, bits, lines.moves, lines.bits, GAP * bits.sum() / len(bits))[0]


@given(lines_drawn, st.integers(2, 5), shares)
def test_places_are_apart_alike_and_over_no_break(lines, size, least):
    moves = lines.moves[1:1 + min(size, len(lines.moves) // 2)]
    if (moves[:, 1] < 0).any():
        return
    held = np.zeros(len(lines.rows), dtype=int)
    for start, stop, similarity in places_like(moves, lines, least):
        assert 0 <= start < stop - 1
        assert least - 1e-6 <= similarity <= 1
        assert (lines.moves[start + 1:stop, 1] >= 0).all()
        held[start:stop] += 1
    assert held.max() <= 1


@given(lines_drawn, st.integers(2, 5), shares)
def test_the_line_itself_is_found_and_the_best_end_is_not_missed(lines, size, least):
    moves = lines.moves[1:1 + size]
    if (moves[:, 1] < 0).any():
        return
    found = places_like(moves, lines, least)
    best = max(similarity for *_, similarity in found)
    assert best == pytest.approx(1)
    assert best == pytest.approx(min(scores_of(moves, lines).max(), 1))


@given(lines_drawn, shares)
def test_what_is_taken_is_in_no_place(lines, least):
    taken = np.arange(len(lines.rows)) % 7 < 3
    before = taken.copy()
    for start, stop, _ in places_like(lines.moves[1:3], lines, least, taken):
        assert not before[start:stop].any()
        assert taken[start:stop].all()


def test_places_come_by_likeness():
    changed = [*THEME[:4], (1, 62)]
    lines = lines_of([*THEME, *FILLS[0], *changed, *FILLS[1], *moved(THEME, 5)])
    found = places_like(lines.moves[1:5], lines, 0.5)
    assert [place[:2] for place in found] == [(0, 5), (18, 23), (9, 14)]
    assert [round(place[2], 6) == 1 for place in found] == [True, True, False]
    assert [place[:2] for place in places_like(lines.moves[1:5], lines, 1.0)] == [
        (0, 5), (18, 23)]


def test_a_single_varied_place_joins_the_motif_and_leaves_the_rest_as_it_is():
    changed = [*THEME[:4], (1, 62)]
    lines = lines_of([*THEME, *FILLS[0], *changed, *FILLS[1], *THEME])
    family = Family((Member(0, 5, 0.0), Member(18, 23, 0.0)), 0.7, 3.0)
    more = with_variants(family, lines)
    assert (more.value, more.bits) == (0.7, 3.0)
    assert [(m.start, m.stop) for m in more.members] == [(0, 5), (9, 14), (18, 23)]
    assert 0 < more.members[1].distance <= 0.25
    assert with_variants(Family((Member(0, 5, 0.0), Member(9, 14, 0.1), Member(18, 23, 0.0)), 1, 1),
                         lines).members[1] == Member(9, 14, 0.1)


@given(lines_drawn)
def test_no_member_is_lost_by_looking_for_more(lines):
    family = Family((Member(0, 3, 0.0),), 1.0, 1.0)
    members = with_variants(family, lines).members
    assert family.members[0] in members
    assert [m.start for m in members] == sorted(m.start for m in members)
    assert all(m.distance <= 0.25 + 1e-9 for m in members)


def test_where_every_move_is_the_same_the_line_is_found_all_over():
    lines = lines_of([(1, 60)] * 12)
    found = places_like(lines.moves[1:4], lines, 1.0)
    assert sorted(place[:2] for place in found) == [(0, 4), (4, 8), (8, 12)]
