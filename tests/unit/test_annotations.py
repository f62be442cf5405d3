"""Annotations that are kept, stripped, read back and carried in files of their own."""

import json
from fractions import Fraction
from pathlib import Path

import jsonschema
import numpy as np
import pandas as pd
import pytest
from lxml import etree
from melodies import FILLS, THEME, melody, moved, piece
from music21 import chord, expressions, note, spanner, stream
from musicxml_checks import fingerprint, schema_errors

import qbdi_m21 as q
from qbdi_m21.errors import NotationError, NotationWarning, ParameterError
from qbdi_m21.notation.marks import KINDS, Mark
from qbdi_m21.notation.musicxml import to_musicxml
from qbdi_m21.notation.record import FIELD, Record, read_record

SCHEMA = Path(__file__).resolve().parents[2] / 'docs/schema/annotations.schema.json'


@pytest.fixture(scope='module')
def score():
    return q.engrave(piece(melody(THEME, FILLS[0], FILLS[1], THEME, FILLS[2]),
                           melody(FILLS[2], moved(THEME, 7), FILLS[3], FILLS[0], part=1)))


@pytest.fixture(scope='module')
def marked(score):
    own = Mark('note', 'a <b> & "c"', 'query', Fraction(5), Fraction(7), boxed=True, staff=1)
    return q.annotate(score, motifs_of(score), [own])


@pytest.fixture(scope='module')
def both(score):
    """A score under its own bars in another key, which clash."""
    table = q.extract_notes(score)
    above = q.to_score(q.to_frames(table.transpose(1)), template=score)
    aligned = q.align(score, above)
    return aligned, q.annotate(aligned, q.find_collisions(score, above), motifs_of(score))


def motifs_of(score):
    return q.find_motifs(score, max_motifs=1)


def texts(score):
    return [e.content for e in score.recurse().getElementsByClass(expressions.TextExpression)]


def test_strip_gives_the_score_as_it_was(score, marked, both):
    for plain, drawn in ((score, marked), both):
        before = fingerprint(drawn)
        bare = q.strip(drawn)
        assert to_musicxml(bare) == to_musicxml(plain)
        assert fingerprint(drawn) == before
        assert bare.derivation.origin is drawn
        assert read_record(bare) == Record()


def test_strip_of_a_file_gives_the_file_as_it_was(score, marked, both, tmp_path):
    for plain, drawn in ((score, marked), both):
        # without a title, a score is called after its file
        for folder, one in (('plain', plain), ('drawn', drawn)):
            (tmp_path / folder).mkdir(exist_ok=True)
            q.write_musicxml(one, tmp_path / folder / 'a.mxl')
        bare = q.strip(q.load_score(str(tmp_path / 'drawn/a.mxl')))
        assert to_musicxml(bare) == to_musicxml(q.load_score(str(tmp_path / 'plain/a.mxl')))


def test_what_the_user_coloured_and_wrote_stays():
    part = stream.Part([stream.Measure([note.Note('C4', quarterLength=4)], number=1)])
    head = part.recurse().notes[0]
    head.style.color, head.notehead = '#123456', 'x'
    part.recurse().getElementsByClass(stream.Measure)[0].insert(0, expressions.TextExpression('A'))
    whole = stream.Score([part])
    mark = Mark('motif', 'A', 'query', Fraction(0), Fraction(4), ('P0M0N0',), '#0072B2', 'diamond',
                bracket=True)
    drawn = q.annotate(whole, [mark])
    shown = drawn.recurse().notes[0]
    assert (shown.style.color, shown.notehead) == ('#0072B2', 'diamond')
    bare = q.strip(drawn)
    assert texts(bare) == ['A']
    assert (bare.recurse().notes[0].style.color, bare.recurse().notes[0].notehead) == (
        '#123456', 'x')
    assert not list(bare.recurse().getElementsByClass(spanner.Line))


def test_annotating_again_replaces_what_was_there(score, marked):
    motifs = motifs_of(score)
    once = to_musicxml(q.annotate(score, motifs))
    assert to_musicxml(q.annotate(marked, motifs)) == once
    assert to_musicxml(q.annotate(q.annotate(marked, motifs), motifs)) == once


def test_marks_are_read_back_from_score_and_file(marked, both, tmp_path):
    for drawn in (marked, both[1]):
        marks = q.read_annotations(drawn)
        assert {m.kind for m in marks} <= set(KINDS)
        assert all(m.measure is not None and m.beat is not None for m in marks)
        for name in ('a.musicxml', 'a.mxl'):
            q.write_musicxml(drawn, tmp_path / name)
            assert q.read_annotations(tmp_path / name) == marks
            assert q.check_musicxml(tmp_path / name) == []


def test_they_come_back_where_only_the_source_was_kept(marked, tmp_path):
    q.write_musicxml(marked, tmp_path / 'a.musicxml')
    root = etree.parse(str(tmp_path / 'a.musicxml')).getroot()
    field = root.find('identification/miscellaneous')
    field.getparent().remove(field)
    (tmp_path / 'b.musicxml').write_bytes(etree.tostring(root))
    assert q.read_annotations(tmp_path / 'b.musicxml') == q.read_annotations(marked)
    assert texts(q.strip(q.load_score(str(tmp_path / 'b.musicxml')))) == []


def test_a_mark_moves_with_its_text_and_one_without_is_told(marked, tmp_path):
    edited = q.annotate(marked, q.read_annotations(marked))
    marks = q.read_annotations(edited)
    for part in edited.parts:
        measures = list(part.getElementsByClass(stream.Measure))
        part.insertAndShift(0, stream.Measure([note.Rest(quarterLength=4)], number=0))
        del measures
    (own,) = [m for m in marks if m.kind == 'note']
    gone = next(e for e in edited.recurse().getElementsByClass(expressions.TextExpression)
                if e.content == own.text)
    gone.activeSite.remove(gone)
    with pytest.warns(NotationWarning, match=r'1 marks are no longer in the score: a <b> & "c"'):
        found = q.read_annotations(edited)
    before = [m for m in marks if m.kind == 'motif']
    assert [m.start_ql for m in found] == [m.start_ql + 4 for m in before]
    assert [m.end_ql - m.start_ql for m in found] == [m.end_ql - m.start_ql for m in before]
    table = q.extract_notes(edited)
    for mark in found:
        rows = np.isin(table.element_id, mark.element_ids)
        assert rows.sum() == len(mark.element_ids) == 5
        assert table.onset_ql[rows].min() == float(mark.start_ql)


@pytest.mark.parametrize('target', ['musescore', 'verovio', 'sibelius', 'lilypond'])
def test_where_brackets_may_be_lost_the_end_is_written(score, target):
    drawn = q.annotate(score, motifs_of(score), target=target)
    ends = [t for t in texts(drawn) if t.startswith('\u2192|')]
    assert bool(ends) == (target in ('sibelius', 'lilypond'))
    assert texts(q.strip(drawn)) == []
    assert schema_errors(to_musicxml(drawn)) == []


def test_layers_can_be_switched_off(both):
    aligned, drawn = both
    marks = q.read_annotations(drawn)
    assert {m.kind for m in marks} >= {'motif', 'collision'}
    only = q.annotate(aligned, marks, layers=['motif'])
    assert {m.kind for m in q.read_annotations(only)} == {'motif'}
    with pytest.raises(ParameterError, match=r'layers are notes; expected some of motif, coll'):
        q.annotate(aligned, marks, layers=['notes'])


def test_the_legend_says_what_the_marks_mean(score, marked, both):
    assert texts(marked)[0] == 'Motifs: A (3); \u2032 varied'
    assert 'diamonds, X \u2260 Y: a collision' in ' '.join(texts(both[1]))
    assert texts(q.annotate(score, ())) == []
    assert not [t for t in texts(q.annotate(score, motifs_of(score), legend=False))
                if t.startswith('Motifs')]


def test_brackets_have_the_colour_of_their_motif_and_numbers_of_their_own(marked):
    root = etree.fromstring(to_musicxml(marked))
    brackets = list(root.iter('bracket'))
    assert {b.get('color') for b in brackets} == {'#0072B2'}
    assert not root.xpath('//direction[@id]|//bracket[@id]')


def test_forty_marks_over_one_place_are_drawn_and_read_back(score):
    marks = [Mark('note', f'n{k}', 'query', Fraction(k, 8), Fraction(30), bracket=True)
             for k in range(40)]
    drawn = q.annotate(score, marks)
    assert schema_errors(to_musicxml(drawn)) == []
    assert len(q.read_annotations(drawn)) == 40
    assert to_musicxml(q.strip(drawn)) == to_musicxml(score)


def test_control_characters_do_not_reach_the_file(score):
    mark = Mark('note', 'a\x00b\x1fc', 'query', Fraction(0), Fraction(1))
    drawn = q.annotate(score, [mark], legend=False)
    assert texts(drawn) == ['a b c']
    assert schema_errors(to_musicxml(drawn)) == []


def test_a_score_without_annotations_is_told(score, tmp_path):
    with pytest.raises(ParameterError, match='the score holds no annotations of qbdi_m21'):
        q.strip(score)
    with pytest.raises(ParameterError, match='the score holds no annotations'):
        q.read_annotations(score)
    q.write_musicxml(score, tmp_path / 'a.musicxml')
    with pytest.raises(ParameterError, match=r'a\.musicxml holds no annotations'):
        q.read_annotations(tmp_path / 'a.musicxml')


@pytest.mark.parametrize('text', ['{', '{"schema": "other"}', '{"schema": "1"}',
                                  '{"schema": "qbdi_m21/annotations/1", "marks": [{}]}'])
def test_damaged_annotations_are_told(marked, text):
    broken = q.annotate(marked, q.read_annotations(marked))
    broken.metadata.setCustom(FIELD, text)
    with pytest.raises(ParameterError, match=r'annotations|schema|no mark'):
        q.read_annotations(broken)


def test_sidecars_are_put_onto_the_score_again(score, marked, tmp_path):
    marks = q.read_annotations(marked)
    for name in ('a.json', 'a.jams'):
        q.write_annotations(marks, tmp_path / name, score)
        assert set(q.read_sidecar(tmp_path / name, score)) == set(marks)
    again = q.annotate(score, q.read_sidecar(tmp_path / 'a.json', score))
    assert to_musicxml(again) == to_musicxml(q.annotate(score, marks))
    jsonschema.validate(json.loads((tmp_path / 'a.json').read_text()),
                        json.loads(SCHEMA.read_text()))
    q.write_annotations(marks, tmp_path / 'a.csv', score)
    table = pd.read_csv(tmp_path / 'a.csv')
    assert table['kind'].tolist() == [m.kind for m in marks]
    assert table['measure'].tolist() == [m.measure for m in marks]


def test_onto_another_score_goes_what_fits(score, marked, tmp_path):
    q.write_annotations(q.read_annotations(marked), tmp_path / 'a.json', score)
    other = q.engrave(piece(melody(THEME, FILLS[3])))
    with pytest.warns(NotationWarning, match=r'of a score with other notes: 1 of 4 marks fit'):
        found = q.read_sidecar(tmp_path / 'a.json', other)
    assert [(m.text, m.measure, m.staff) for m in found] == [('A', 1, 0)]
    q.annotate(other, found)


@pytest.mark.parametrize(('name', 'text', 'message'), [
    ('a.json', '{', 'is no JSON'), ('a.json', '[]', 'has the schema None'),
    ('a.json', '{"schema": "qbdi_m21/annotations/1"}', 'does not hold annotations')])
def test_files_that_are_no_sidecars_are_told(score, tmp_path, name, text, message):
    (tmp_path / name).write_text(text)
    with pytest.raises(ParameterError, match=message):
        q.read_sidecar(tmp_path / name, score)


def test_other_suffixes_are_refused(score, marked, tmp_path):
    with pytest.raises(ParameterError, match=r"ends in '\.txt'; expected \.json, \.csv, \.jams"):
        q.write_annotations(q.read_annotations(marked), tmp_path / 'a.txt', score)


def test_a_curve_is_a_staff_that_does_not_sound(score):
    bars = len(score.parts[0].getElementsByClass(stream.Measure))
    drawn = q.add_curve(score, np.arange(bars) / 10, 'IR')
    before, after = q.extract_notes(score), q.extract_notes(drawn)
    assert (after.pitch == before.pitch).all()
    crosses = list(drawn.parts[-1].recurse().getElementsByClass(note.Unpitched))
    assert [c.lyric for c in crosses] == [f'{k / 10:.1f}' for k in range(bars)]
    heights = [c.displayPitch().diatonicNoteNum for c in crosses]
    assert heights == sorted(heights)
    assert heights[-1] - heights[0] == 14
    assert schema_errors(to_musicxml(drawn)) == []
    with pytest.raises(ParameterError, match=rf'finite one for each of {bars} bars'):
        q.add_curve(score, [1.0], 'IR')


def test_improvisations_are_stacked_over_their_query(score):
    table = q.extract_notes(score)
    others = {f'up {k}': q.to_score(q.to_frames(table.transpose(k)), template=score)
              for k in (1, 2, 3)}
    before = [fingerprint(one) for one in (score, *others.values())]
    stacked = q.stack(score, others)
    assert [fingerprint(one) for one in (score, *others.values())] == before
    names = [part.partName for part in stacked.parts]
    assert names == ['up 1', 'up 1', 'up 2', 'up 2', 'up 3', 'up 3', *names[6:]]
    assert len(names) == 6 + len(score.parts)
    assert stacked.derivation.origin is score
    notes = q.extract_notes(stacked)
    assert len(notes) == len(table) + sum(len(q.extract_notes(one)) for one in others.values())
    assert schema_errors(to_musicxml(stacked)) == []
    short = q.engrave(piece(melody(THEME)))
    with pytest.raises(NotationError, match="'short' has 1 measures and the query"):
        q.stack(score, {'short': short, **others})
    with pytest.raises(NotationError, match='no improvisation to stack'):
        q.stack(score, {})


def test_the_information_rate_of_each_bar_is_a_mark(score):
    found = q.information_rate(score)
    drawn = q.annotate(score, [found])
    marks = q.read_annotations(drawn)
    bars = found.grid.frame_bars()
    assert [float(m.text) for m in marks] == pytest.approx(
        np.round(np.bincount(bars, found.profile) / np.bincount(bars), 1))
    assert {(m.kind, m.below) for m in marks} == {('information', True)}
    assert to_musicxml(q.strip(drawn)) == to_musicxml(score)
    with pytest.raises(ParameterError, match='of plain vectors; expected that of a score'):
        q.annotate(score, [q.information_rate(np.eye(4))])


def test_slurs_keep_their_colours():
    first, second, third = note.Note('C4'), chord.Chord('E4 G4'), note.Note('D4')
    part = stream.Part([stream.Measure([first, second, third, note.Note('E4')], number=1)])
    red, plain, green = (spanner.Slur(*ends) for ends in (
        (first, second), (first, third), (second, third)))
    red.style.color, green.style.color = '#FF0000', '#00FF00'
    for slur in (red, plain, green):
        part.insert(0, slur)
    data = to_musicxml(stream.Score([part]))
    assert schema_errors(data) == []
    root = etree.fromstring(data)
    found = {}
    for k, head in enumerate(root.iter('note')):
        for slur in head.iter('slur'):
            found.setdefault(slur.get('color'), []).append((k, slur.get('type')))
    assert found['#FF0000'] == [(0, 'start'), (1, 'stop')]
    assert found[None] == [(0, 'start'), (3, 'stop')]
    assert found['#00FF00'] == [(1, 'start'), (3, 'stop')]
    assert not root.xpath('//note[@id]')
    assert to_musicxml(stream.Score([part])) == data
