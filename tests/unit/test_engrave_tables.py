"""Note tables to scores and back through MusicXML: parts, tuplets, graces, tempi, unisons."""

import warnings
from collections import Counter
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from lxml import etree
from music21 import corpus, layout, stream, tempo
from musicxml_checks import schema_errors
from strategies import bars_of, table_of

import qbdi_m21 as q
from qbdi_m21.errors import QuantizationWarning
from qbdi_m21.frames.grid import Bar
from qbdi_m21.frames.notes import extract_notes
from qbdi_m21.frames.table import Tempo, make_note_table
from qbdi_m21.notation.engrave import engrave
from qbdi_m21.notation.musicxml import to_musicxml

F = Fraction


def rows_of(table):
    """Count the (onset, duration, pitch, grace) of a table."""
    return Counter((table.onset_at(k), table.end_at(k) - table.onset_at(k), int(table.pitch[k]),
                    bool(table.grace[k])) for k in range(len(table)))


def reread(score, tmp_path):
    """Return the notes of a score that was written and read again; the file is valid."""
    path = tmp_path / 'out.musicxml'
    q.write_musicxml(score, path)
    assert schema_errors(path) == []
    return extract_notes(q.load_score(path))


def line(lengths, start=0):
    """Return notes one after another, each on its own pitch."""
    at = [F(start)]
    for length in lengths:
        at.append(at[-1] + F(length))
    return [(a, b - a, 60 + k % 12) for k, (a, b) in enumerate(pairwise(at))]


LINES = {
    **{f'{n} to a {name}': (['4/4'], [F(length, n)] * n * (4 // length))
       for n in (3, 5, 7, 9, 11, 13, 15)
       for name, length in (('quarter', 1), ('half', 2), ('whole', 4))},
    **{f'{n} to a bar of {meter}': ([meter], [F(length, n)] * n) for n in (5, 7, 11, 13)
       for meter, length in (('3/4', 3), ('6/8', 3))},
    '5 to a dotted beat': (['6/8'], [F(3, 10)] * 10),
    'quarters from the second beat': (['4/4'], [1, *[F(2, 3)] * 3, 1]),
    'swing': (['4/4'], [F(2, 3), F(1, 3)] * 4),
    'halves and thirds of one beat': (['2/4'], [F(1, 3), F(1, 6), F(1, 4), F(1, 4), 1]),
    'dotted in a triplet': (['1/4'], [F(1, 2), F(1, 6), F(1, 3)]),
    'tied into a triplet': (['2/4'], [F(2, 3), F(2, 3), F(2, 3)]),
    'over the barline': (['2/4', '2/4'], [F(5, 3), F(2, 3), F(5, 3)]),
    'five and three': (['1/4'], [F(1, 3), F(4, 15), F(2, 5)]),
    'in a pickup': (['3/4'], [F(1, 3)] * 9),
    'triplets of 64ths': (['1/4'], [F(1, 48)] * 48),
    '256th notes': (['1/4'], [F(1, 64)] * 64)}


@pytest.mark.parametrize('name', LINES)
def test_lines_are_read_back_exactly(name, tmp_path):
    meters, lengths = LINES[name]
    table = table_of(line(lengths), bars_of(*meters))
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        score = engrave(table, brace=False)
    assert rows_of(reread(score, tmp_path)) == rows_of(table)


def test_every_tuplet_is_complete():
    lengths = [F(1, 3), F(2, 3), F(2, 5), F(3, 5), F(5, 3), F(1, 3)]
    score = engrave(table_of(line(lengths), bars_of('4/4')), brace=False)
    held = None
    for element in score.recurse().notesAndRests:
        for tuplet in element.duration.tuplets:
            if tuplet.type == 'start':
                held = F(0)
            held += F(element.quarterLength)
            if tuplet.type == 'stop':
                assert held == F(tuplet.totalTupletLength())
                held = None
    assert held is None


def test_places_that_no_tuplet_reaches_are_moved_and_told():
    table = table_of([(0, F(1, 17), 60), (1, 1, 62), (2, F(21, 64), 64)], bars_of('4/4'))
    with pytest.warns(QuantizationWarning, match=r'1 of 3 notes moved to places that notation '
                                                 r'reaches, by 0\.00368 quarter at most'):
        score = engrave(table, brace=False)
    assert extract_notes(score).duration_ql.tolist() == [1 / 16, 1, 21 / 64]


def test_kinds_of_tuplets_that_do_not_go_together_are_moved_and_told():
    table = table_of([(0, F(1, 13), 60), (F(1, 13), F(2, 143), 61)], bars_of('4/4'))
    with pytest.warns(QuantizationWarning, match='2 of 2 notes moved'):
        score = engrave(table, brace=False)
    assert len(extract_notes(score)) == 2


def test_five_voices_cut_only_two(tmp_path):
    notes = [(F(k, 4), 4 - F(k, 2), 60 + 4 * k) for k in range(5)]
    table = table_of(notes, bars_of('4/4'))
    score = engrave(table, brace=False)
    (measure,) = score.parts[0].getElementsByClass(stream.Measure)
    assert len(measure.voices) == 4
    assert rows_of(extract_notes(score)) == rows_of(reread(score, tmp_path)) == rows_of(table)
    chords = [len(voice.getElementsByClass('Chord')) for voice in measure.voices]
    assert sorted(map(bool, chords)) == [False, False, False, True]


def test_overlapping_unisons_are_two_voices(tmp_path):
    table = table_of([(0, 2, 60), (1, 2, 60), (0, 4, 48), (0, 4, 48)], bars_of('4/4'))
    score = engrave(table, brace=False)
    assert rows_of(extract_notes(score)) == rows_of(reread(score, tmp_path)) == rows_of(table)


def test_grace_notes_come_back_in_order(tmp_path):
    bars = bars_of('2/4', '2/4')
    table = make_note_table(
        bars, onset=[0, 0, 0, 1, 2, 2], duration=[0, 0, 1, 1, 0, 2], pitch=[64, 62, 60, 65, 67, 69],
        grace=[True, True, False, False, True, False], bar=[0, 0, 0, 0, 0, 1],
        notehead=[0, 1, 2, 3, 4, 0])
    score = engrave(table, brace=False)
    read = extract_notes(score)
    assert rows_of(read) == rows_of(table)
    # the last leans on a note of the next bar
    assert read.bar[read.pitch == 67].tolist() == [0]
    order = np.argsort(read.notehead[read.bar == 0])
    assert read.pitch[read.bar == 0][order].tolist() == [64, 62, 60, 65, 67]
    assert rows_of(reread(score, tmp_path)) == rows_of(table)


def test_a_grace_note_before_a_rest_or_inside_a_held_note_has_a_place(tmp_path):
    table = make_note_table(bars_of('4/4'), onset=[0, 1, 3], duration=[2, 0, 0],
                            pitch=[60, 64, 65], grace=[False, True, True])
    assert rows_of(reread(engrave(table, brace=False), tmp_path)) == rows_of(table)


def test_notes_without_length_are_written_as_grace_notes():
    table = table_of([(0, 0, 60), (0, 1, 62)], bars_of('1/4'))
    assert extract_notes(engrave(table, brace=False)).grace.tolist() == [True, False]


def test_tempi_stand_over_the_first_staff_only(tmp_path):
    marks = (Tempo(F(0), 96.0), Tempo(F(5), 60.5), Tempo(F(13, 3), 48.0))
    table = replace(table_of([(0, 8, 40), (0, 8, 80)], bars_of('4/4', '4/4')),
                    tempi=tuple(sorted(marks, key=lambda m: m.onset_ql)))
    score = engrave(table, brace=True)
    found = [[m.number for m in part.recurse().getElementsByClass(tempo.MetronomeMark)]
             for part in score.parts]
    assert found == [[96, 48, 60.5], []]
    assert {m.placement for m in score.recurse().getElementsByClass(tempo.MetronomeMark)} == {
        'above'}
    assert extract_notes(score).tempi == table.tempi
    assert reread(score, tmp_path).tempi == table.tempi


def test_velocities_are_given(tmp_path):
    table = replace(table_of([(k, 1, 60 + k) for k in range(4)], bars_of('4/4')),
                    velocity=np.array([1, 64, 127, 0]))
    assert reread(engrave(table, brace=False), tmp_path).velocity.tolist() == [1, 64, 127, 0]


def test_names_of_notes_are_those_of_the_table():
    table = replace(table_of([(0, 1, 61), (1, 1, 61)], bars_of('2/4')), fifths=np.array([7, -5]))
    assert extract_notes(engrave(table, brace=False)).spelling.tolist() == ['C#4', 'D-4']


def test_staves_of_a_table_are_braced():
    table = table_of([(0, 1, 80), (0, 1, 40), (1, 1, 60)], bars_of('2/4'), part_names=['Harp'])
    score = engrave(replace(table, staff=np.array([2, 1, 1])))
    assert [type(p).__name__ for p in score.parts] == ['PartStaff', 'PartStaff']
    assert [[p.midi for n in part.recurse().notes for p in n.pitches] for part in score.parts] == [
        [80, 60], [40]]
    (brace,) = score.getElementsByClass(layout.StaffGroup)
    assert (brace.symbol, brace.name, len(brace)) == ('brace', 'Harp', 2)


def test_parts_on_successive_staves_are_braced_together():
    table = table_of([(0, 1, 72, 0), (0, 1, 74, 1), (0, 1, 50, 2)], bars_of('1/4'),
                     part_names=['Flute', 'Piano', 'Piano'])
    score = engrave(replace(table, staff=np.where(table.part == 2, 2, 1)))
    assert [type(p).__name__ for p in score.parts] == ['Part', 'PartStaff', 'PartStaff']
    assert [p.partName for p in score.parts] == ['Flute', 'Piano', 'Piano']


@pytest.mark.parametrize('work', ['bach/bwv66.6', 'schumann_clara/polonaise_op1n1',
                                  'ciconia/quod_jactatur', 'mozart/k545/movement1_exposition'])
def test_scores_are_engraved_as_they_are(work, tmp_path):
    table = extract_notes(corpus.parse(work))
    back = reread(engrave(table), tmp_path)
    assert rows_of(back) == rows_of(table)
    assert [b.meter for b in back.bars] == [b.meter for b in table.bars]
    assert back.part_names == table.part_names


def test_a_full_bar_rest_is_not_stretched(tmp_path):
    # a bar longer than its meter, silent on one staff
    bars = (Bar(1, F(0), F(11)), Bar(2, F(11), F(4)))
    table = table_of([(0, 1, 80), (11, 1, 80), (12, 1, 40)], bars)
    assert rows_of(reread(engrave(table, brace=True), tmp_path)) == rows_of(table)


def test_the_same_table_gives_the_same_bytes():
    table = extract_notes(corpus.parse('schumann_clara/polonaise_op1n1'))
    assert to_musicxml(q.to_score(table)) == to_musicxml(q.to_score(table))


def test_elevenths_are_not_rounded_in_the_file():
    table = table_of(line([F(1, 11)] * 11), bars_of('1/4'))
    root = etree.fromstring(to_musicxml(engrave(table, brace=False)))
    divisions = int(root.findtext('part/measure/attributes/divisions'))
    assert {int(n.findtext('duration')) * 11 for n in root.iter('note')} == {divisions}
    from music21 import defaults
    assert defaults.divisionsPerQuarter == 10080
