"""Motifs on the score: each over its own staff, and nothing else coloured."""

from fractions import Fraction

import pytest
from melodies import FILLS, THEME, melody, moved, piece
from music21 import expressions, note, spanner, stream
from musicxml_checks import schema_errors

import qbdi_m21 as q
from qbdi_m21.notation.marks import MOTIF_COLORS, marks_of, motif_marks
from qbdi_m21.notation.musicxml import to_musicxml

PRIME = '\u2032'


@pytest.fixture(scope='module')
def score():
    """A theme, its answer in the lower part, and a varied one, in parts under a drum's."""
    changed = [*THEME[:4], (1, 64)]
    written = q.engrave(piece(melody(THEME, FILLS[0], FILLS[1], changed, FILLS[3], THEME),
                              melody(FILLS[2], moved(THEME, -5), FILLS[3], part=1)))
    drums = stream.Part([stream.Measure([note.Unpitched(quarterLength=1) for _ in range(4)],
                                        number=k + 1) for k in range(9)])
    return stream.Score([drums, *written.parts])


@pytest.fixture(scope='module')
def motif(score):
    return q.find_motifs(score)[0]


def labels(part):
    return [(e.getContextByClass(stream.Measure).number, e.content)
            for e in part.recurse().getElementsByClass(expressions.TextExpression)]


def test_a_mark_stands_over_its_part_and_a_varied_one_has_a_prime(motif):
    marks = marks_of([motif])
    assert [(m.text, m.staff, m.start_ql) for m in marks] == [
        ('A', 1, 0), ('A', 2, 8), (f'A{PRIME}', 1, 20), ('A', 1, 32)]
    assert [m.element_ids for m in marks] == [o.element_ids for o in motif.occurrences]


def test_a_passage_of_the_whole_texture_stands_over_the_first_staff(corpus_score):
    motif = q.find_motifs(corpus_score('joplin/maple_leaf_rag'), level='sections')[0]
    assert [(m.text, m.staff) for m in marks_of([motif])] == [('A', 0), ('A', 0)]


@pytest.mark.parametrize(('label', 'color'), [('A', 0), ('E', 4), ('F', 0), ('Z', 0)])
def test_colours_come_again_after_five(motif, label, color):
    assert {m.color for m in motif_marks(label, motif.occurrences)} == {MOTIF_COLORS[color]}


def test_labels_and_brackets_are_drawn_in_the_motifs_own_parts(score, motif):
    drawn = q.annotate(score, [motif], legend=False)
    assert [labels(part) for part in drawn.parts] == [
        [], [(1, 'A'), (6, f'A{PRIME}'), (9, 'A')], [(3, 'A')]]
    ends = [(line.getFirst().getContextByClass(stream.Part), line.getFirst().measureNumber)
            for line in drawn.recurse().getElementsByClass(spanner.Line)]
    assert sorted((drawn.parts.index(part), number) for part, number in ends) == [
        (1, 1), (1, 6), (1, 9), (2, 3)]
    assert schema_errors(to_musicxml(drawn)) == []


def test_the_notes_of_a_motif_are_coloured_and_no_others(score, motif):
    drawn = q.annotate(score, [motif], legend=False)
    colored = [(Fraction(n.getOffsetInHierarchy(drawn)), n.pitch.midi)
               for n in drawn.recurse().getElementsByClass(note.Note)
               if n.hasStyleInformation and n.style.color == MOTIF_COLORS[0]]
    assert sorted(colored) == sorted(one for o in motif.occurrences for one in o.notes)


def test_only_the_parts_looked_in_are_drawn_on(score):
    motifs = q.find_motifs(score, parts=[1])
    drawn = q.annotate(score, motifs, legend=False)
    assert [bool(labels(part)) for part in drawn.parts] == [False, True, False]
