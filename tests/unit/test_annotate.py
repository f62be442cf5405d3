"""Marks on a copy of a score."""

from fractions import Fraction
from functools import partial

import numpy as np
import pytest
from music21 import chord, expressions, meter, note, spanner, stream, tie
from musicxml_checks import fingerprint, read_musicxml, schema_errors

import qbdi_m21 as q
from qbdi_m21.analysis.collisions import Collision
from qbdi_m21.analysis.motifs.result import Motif, Occurrence
from qbdi_m21.errors import NotationError
from qbdi_m21.frames.grid import Bar, Grid
from qbdi_m21.frames.roll import Frames
from qbdi_m21.notation.align import side_parts
from qbdi_m21.notation.marks import COLLISION_COLOR, MOTIF_COLORS, Mark
from qbdi_m21.notation.musicxml import to_musicxml

#: Without the legend, which has tests of its own.
annotate = partial(q.annotate, legend=False)


@pytest.fixture
def tune() -> stream.Score:
    """Return four 4/4 bars of quarters, C4 upwards."""
    part = stream.Part()
    for k in range(4):
        measure = stream.Measure(number=k + 1)
        if not k:
            measure.insert(0, meter.TimeSignature('4/4'))
        measure.append([note.Note(60 + k + j, quarterLength=1) for j in range(4)])
        part.append(measure)
    return stream.Score([part])


@pytest.fixture(scope='module')
def both() -> stream.Score:
    """Return an aligned score whose improvisation has voices."""
    query = q.load_score('corpus:bach/bwv66.6')
    return q.align(query, q.to_score(q.to_frames(query), template=query))


def motif(spans, ids, label='A', side='query') -> Motif:
    return Motif(
        label,
        tuple(
            Occurrence(Fraction(a), Fraction(b), 0, 1, Fraction(1), 1, Fraction(1), tuple(ids))
            for a, b in spans
        ),
        Fraction(2),
        4,
        side,
    )


def texts(part: stream.Part) -> list[tuple[int, float, str]]:
    """Return (measure number, offset in it, text) of every printed text."""
    found = []
    for measure in part.getElementsByClass(stream.Measure):
        for layer in (measure, *measure.voices):
            found += [
                (measure.number, e.offset, e.content)
                for e in layer.getElementsByClass(expressions.TextExpression)
            ]
    return found


def test_a_motif_colours_its_noteheads_and_no_other(tune):
    noted = annotate(tune, [motif([(4, 6)], ['P0M1N0', 'P0M1N1'])])
    colors = [n.style.color for n in noted.recurse().notes]
    assert colors == [None] * 4 + [MOTIF_COLORS[0]] * 2 + [None] * 10


def test_a_motif_has_a_bracket_over_its_span_and_a_label_at_its_start(tune):
    noted = annotate(tune, [motif([(5, 8), (9, 10)], [], label='B')])
    lines = list(noted.recurse().getElementsByClass(spanner.Line))
    ends = [
        [(n.measureNumber, n.offset) for n in (line.getFirst(), line.getLast())] for line in lines
    ]
    assert ends == [[(2, 1.0), (2, 3.0)], [(3, 1.0), (3, 1.0)]]
    assert {(line.startTick, line.endTick, line.placement) for line in lines} == {
        ('down', 'down', 'above')
    }
    assert texts(noted.parts[0]) == [(2, 1.0, 'B'), (3, 1.0, 'B')]


def test_labels_are_bold_above_the_staff_and_collisions_are_boxed(tune):
    hit = Collision(
        'semitone', Fraction(0), Fraction(1), 0, 1, Fraction(1), 1.0, 0.1, 'C', 'D', ('P0M0N0',), ()
    )
    noted = annotate(tune, [motif([(0, 2)], [])], [hit])
    looks = {
        e.content: (e.placement, e.style.fontWeight, e.style.enclosure)
        for e in noted.recurse().getElementsByClass(expressions.TextExpression)
    }
    assert looks['A'][:2] == ('above', 'bold')
    assert looks['A'][2] is None
    assert looks['D \u2260 C'][0] == 'above'
    assert str(looks['D \u2260 C'][2]).lower().endswith('rectangle')


def test_a_collision_is_a_coloured_diamond_on_both_sides(both):
    upper = q.extract_notes(stream.Score([*side_parts(both, 'improvisation')]))
    lower = q.extract_notes(stream.Score([*side_parts(both, 'query')]))
    hit = Collision(
        'semitone',
        Fraction(1),
        Fraction(2),
        0,
        1,
        Fraction(1),
        1.0,
        0.1,
        'C',
        'D',
        (str(lower.element_id[6]),),
        (str(upper.element_id[5]),),
    )
    noted = annotate(both, [hit])
    for side, table, row in (('query', lower, 6), ('improvisation', upper, 5)):
        heads = [
            h
            for p in side_parts(noted, side)
            for n in p.recurse().notes
            for h in (n.notes if isinstance(n, chord.Chord) else (n,))
        ]
        diamonds = [h for h in heads if h.notehead == 'diamond']
        assert {h.pitch.midi for h in diamonds} == {int(table.pitch[row])}
        assert {h.style.color for h in diamonds} == {COLLISION_COLOR}
        assert 1 <= len(diamonds) <= 3  # the note and what is tied to it
    # the text stands once, over the improvisation
    assert [texts(p) for p in side_parts(noted, 'query')] == [[]] * 4


def test_the_score_is_not_changed_and_the_copy_leads_to_it(both):
    before = fingerprint(both)
    marks = [motif([(1, 5)], ['P0M1N0'], side='query'), motif([(0, 3)], [], 'B', 'improvisation')]
    noted = annotate(both, marks)
    assert fingerprint(both) == before
    assert noted.derivation.origin is both
    assert noted.derivation.method == 'annotate'
    assert len(list(noted.recurse())) > len(list(both.recurse()))


def test_texts_stand_inside_voices_where_there_are_voices(both):
    noted = annotate(both, [motif([(3, 5)], [], side='improvisation')])
    part = side_parts(noted, 'improvisation')[0]
    (text,) = part.recurse().getElementsByClass(expressions.TextExpression)
    assert isinstance(text.activeSite, stream.Voice)
    assert (text.activeSite.id, text.measureNumber, text.offset) == ('1', 1, 2.0)


def test_each_side_takes_its_own_marks(both):
    noted = annotate(
        both, [motif([(1, 5)], [], 'A', 'query')], [motif([(1, 5)], [], 'B', 'improvisation')]
    )
    printed = [[t[2] for t in texts(part)] for part in noted.parts]
    assert printed == [['B'], [], ['A'], [], [], []]


def test_a_tied_note_is_coloured_through_the_tie():
    part = stream.Part()
    for k, kind in enumerate(('start', 'continue', 'stop')):
        held = note.Note('E4', quarterLength=4)
        held.tie = tie.Tie(kind)
        part.append(stream.Measure([held], number=k + 1))
    noted = annotate(stream.Score([part]), [motif([(0, 2)], ['P0M0N0'])])
    assert [n.style.color for n in noted.recurse().notes] == [MOTIF_COLORS[0]] * 3


def test_of_a_partly_tied_chord_only_the_held_note_is_coloured_on():
    first, second = chord.Chord('C4 E4', quarterLength=4), chord.Chord('C4 E4', quarterLength=4)
    first.notes[0].tie, second.notes[0].tie = tie.Tie('start'), tie.Tie('stop')
    part = stream.Part([stream.Measure([c], number=k + 1) for k, c in enumerate((first, second))])
    ids = q.extract_notes(part).element_id[:2].tolist()
    noted = annotate(stream.Score([part]), [motif([(0, 4)], ids)])
    colors = [h.style.color for c in noted.recurse().notes for h in c.notes]
    assert colors == [MOTIF_COLORS[0]] * 3 + [None]


def test_one_member_of_a_chord_can_be_marked(tune):
    tune.parts[0].getElementsByClass(stream.Measure)[1].remove(
        tune.parts[0].getElementsByClass(stream.Measure)[1].notes[0]
    )
    tune.parts[0].getElementsByClass(stream.Measure)[1].insert(
        0, chord.Chord('C4 E4 G4', quarterLength=1)
    )
    mark = Mark(
        'collision', 'x', 'query', Fraction(4), Fraction(5), ('P0M1N1',), '#112233', 'diamond'
    )
    triad = next(n for n in annotate(tune, [mark]).recurse().notes if len(n.pitches) == 3)
    assert [h.notehead for h in triad.notes] == ['normal', 'diamond', 'normal']
    assert [h.style.color for h in triad.notes] == [None, '#112233', None]


def test_a_span_where_nothing_starts_lies_over_what_sounds():
    part = stream.Part([stream.Measure([note.Note('C4', quarterLength=4)], number=1)])
    noted = annotate(stream.Score([part]), [motif([(1, 3)], [])])
    (line,) = noted.recurse().getElementsByClass(spanner.Line)
    assert line.getFirst().pitch.name == 'C'
    assert texts(noted.parts[0]) == [(1, 1.0, 'A')]


@pytest.mark.parametrize(('start', 'kind'), [(16, 'motif'), (400, 'motif'), (-1, 'motif')])
def test_marks_outside_the_score_are_refused(tune, start, kind):
    mark = Mark(kind, 'far', 'query', Fraction(start), Fraction(start + 1))
    with pytest.raises(
        NotationError,
        match=rf"'far' starts at {start} quarters; the score "
        'ends at 16',
    ):
        annotate(tune, [mark])


def test_a_mark_for_no_side_is_refused(tune):
    mark = Mark('motif', 'A', 'elsewhere', Fraction(0), Fraction(1))
    with pytest.raises(NotationError, match="for the side 'elsewhere'; expected 'improvisation'"):
        annotate(tune, [mark])


def test_a_part_and_a_stream_without_measures_can_be_annotated(tune):
    loose = stream.Stream([note.Note('C4', quarterLength=4), note.Note('D4', quarterLength=4)])
    for source in (tune.parts[0], loose):
        before = fingerprint(source)
        noted = annotate(source, [motif([(4, 6)], ['P0M1N0'])])
        colored = [n for n in noted.recurse().notes if n.style.color]
        assert [n.measureNumber for n in colored] == [2]
        assert fingerprint(source) == before


def test_ids_that_are_not_there_mark_nothing(tune):
    noted = annotate(tune, [motif([(0, 1)], ['P7M0N0', 'P0M99N0'])])
    assert {n.style.color for n in noted.recurse().notes} == {None}


def test_nothing_to_mark_gives_a_plain_copy(tune):
    noted = annotate(tune, (), [])
    assert noted is not tune
    assert [n.pitch.midi for n in noted.recurse().notes] == [
        n.pitch.midi for n in tune.recurse().notes
    ]


@pytest.mark.parametrize('count', [5, 6, 8, 20])
def test_more_than_five_overlapping_motifs_give_a_valid_file(tune, count):
    motifs = [motif([(Fraction(k, 2), 15)], [], label=chr(65 + k)) for k in range(count)]
    noted = annotate(tune, motifs)
    assert sorted(t[2] for t in texts(noted.parts[0])) == [chr(65 + k) for k in range(count)]
    data = to_musicxml(noted)
    assert schema_errors(data) == []
    # MusicXML numbers open lines 1 to 6; each number is closed before it is opened again
    open_lines = set()
    brackets = list(read_musicxml(data).iter('bracket'))
    assert brackets
    for bracket in brackets:
        number = bracket.get('number')
        assert (number in open_lines) == (bracket.get('type') == 'stop')
        open_lines ^= {number}
    assert not open_lines


def test_labels_come_through_a_pickup_at_the_right_measure():
    bars = (
        Bar(0, Fraction(0), Fraction(1), lead_ql=Fraction(3)),
        Bar(1, Fraction(1), Fraction(4)),
        Bar(2, Fraction(5), Fraction(4)),
    )
    sounding = np.zeros((36, 78), bool)
    sounding[:, 40] = True
    onset = np.zeros_like(sounding)
    onset[::4, 40] = True
    score = q.to_score(Frames(sounding, onset, Grid(bars)))
    noted = annotate(score, [motif([(0, 1)], [], 'A'), motif([(6, 8)], [], 'B')])
    assert texts(noted.parts[0]) == [(0, 0.0, 'A'), (2, 1.0, 'B')]
