"""Findings as marks: plain data that never speaks by colour alone."""

import re
from fractions import Fraction

import pytest

from qbdi_m21.analysis.collisions import Collision
from qbdi_m21.analysis.motifs.result import Motif, Occurrence
from qbdi_m21.errors import ParameterError
from qbdi_m21.notation.marks import COLLISION_COLOR, MOTIF_COLORS, Mark, marks_of


def make_motif(label: str = 'A', side: str = 'query') -> Motif:
    spans = (
        (Fraction(0), Fraction(2), ('P0M0N0', 'P0M0N1')),
        (Fraction(8), Fraction(10), ('P0M2N0',)),
    )
    return Motif(
        label,
        tuple(Occurrence(a, b, 0, 1, Fraction(1), 1, Fraction(3), ids) for a, b, ids in spans),
        Fraction(2),
        4,
        side,
    )


def make_collision(kind: str = 'semitone') -> Collision:
    return Collision(
        kind,
        Fraction(4),
        Fraction(6),
        1,
        2,
        Fraction(1),
        0.5,
        0.3,
        'C',
        'D\u266d',
        ('P0M1N0',),
        ('P0M1N1', 'P1M1N0'),
    )


def test_a_motif_is_a_label_a_bracket_and_a_colour_at_each_occurrence():
    marks = marks_of([make_motif('B', 'improvisation')])
    assert [(m.kind, m.text, m.side, m.start_ql, m.end_ql, m.element_ids) for m in marks] == [
        ('motif', 'B', 'improvisation', 0, 2, ('P0M0N0', 'P0M0N1')),
        ('motif', 'B', 'improvisation', 8, 10, ('P0M2N0',)),
    ]
    assert {m.color for m in marks} == {MOTIF_COLORS[1]}
    assert all(m.bracket and not m.boxed and not m.notehead for m in marks)


def test_a_collision_marks_both_sides_and_names_both_harmonies_once():
    above, below = marks_of([make_collision()])
    assert (above.side, above.element_ids, above.notehead, above.boxed) == (
        'improvisation',
        ('P0M1N1', 'P1M1N0'),
        'diamond',
        True,
    )
    assert above.text == 'D\u266d \u2260 C'
    assert (below.side, below.element_ids, below.notehead, below.text) == (
        'query',
        ('P0M1N0',),
        'diamond',
        '',
    )
    assert above.color == below.color == COLLISION_COLOR
    assert not above.bracket


def test_a_meeting_is_a_boxed_chord_that_colours_nothing():
    (mark,) = marks_of([make_collision('meeting')])
    assert (mark.kind, mark.text, mark.boxed) == ('meeting', '= C', True)
    assert (mark.color, mark.notehead, mark.element_ids) == ('', '', ())


def test_marks_go_through_and_the_order_stays():
    own = Mark('note', 'mine', 'query', Fraction(0), Fraction(1))
    assert [m.text for m in marks_of([own, make_motif('A'), own])] == ['mine', 'A', 'A', 'mine']


def test_every_coloured_mark_also_has_text_or_shape():
    for mark in marks_of([make_motif(), make_collision(), make_collision('meeting')]):
        assert mark.text or mark.notehead


@pytest.mark.parametrize('label', 'AFZ')
def test_colours_are_six_hex_digits_for_every_label(label):
    colors = {m.color for m in marks_of([make_motif(label)])}
    assert all(re.fullmatch('#[0-9A-F]{6}', color) for color in colors)


def test_motif_colours_differ_from_each_other_and_from_collisions():
    assert len({*MOTIF_COLORS, COLLISION_COLOR}) == len(MOTIF_COLORS) + 1


@pytest.mark.parametrize('wrong', ['A', None, 3])
def test_anything_else_cannot_be_marked(wrong):
    with pytest.raises(ParameterError, match=f'cannot mark a {type(wrong).__name__}'):
        marks_of([wrong])
