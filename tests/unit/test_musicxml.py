"""MusicXML files: valid, the same bytes for the same score, and written whole or not at all."""

import os
import re
import subprocess
import sys
import zipfile
from fractions import Fraction

import numpy as np
import pytest
from lxml import etree
from music21 import converter, expressions, instrument, layout, metadata, meter, note, stream
from musicxml_checks import (
    fingerprint,
    read_musicxml,
    require_schema,
    schema_errors,
    voice_lengths,
)

import qbdi_m21 as q
from qbdi_m21.errors import NotationError, NotationWarning, ParameterError
from qbdi_m21.frames.grid import Bar, Grid
from qbdi_m21.frames.roll import Frames
from qbdi_m21.notation import musicxml
from qbdi_m21.notation.musicxml import number_voices, to_musicxml, write_musicxml

#: Writes an annotated score of both sides; run in processes of their own.
SCRIPT = """
import sys
import qbdi_m21 as q
query = q.load_score('corpus:bach/bwv66.6')
made = q.to_score(q.to_frames(query), template=query)
q.write_musicxml(q.annotate(q.align(query, made), q.find_motifs(query)), sys.argv[1])
"""


def dense_score(seed: int = 3) -> stream.Score:
    """Return a score of many voices over a pickup, a 3/4 and a 6/8 bar."""
    bars = (Bar(0, Fraction(0), Fraction(1), lead_ql=Fraction(3)),
            Bar(1, Fraction(1), Fraction(4), sharps=-2),
            Bar(2, Fraction(5), Fraction(3), '3/4'),
            Bar(3, Fraction(8), Fraction(3), '6/8', Fraction(3, 2)))
    grid = Grid(bars)
    rng = np.random.default_rng(seed)
    sounding = rng.random((grid.num_frames, 78)) < 0.1
    return q.to_score(Frames(sounding, sounding, grid))


def small_score(text: str = 'Tune') -> stream.Score:
    part = stream.Part()
    for k in range(2):
        measure = stream.Measure(number=k + 1)
        measure.append([note.Note('F#4', quarterLength=2), note.Note('F4', quarterLength=2)])
        part.append(measure)
    part.partName = text
    score = stream.Score([part])
    score.metadata = metadata.Metadata(title=text, composer=text)
    return score


@pytest.fixture(scope='module')
def chorale() -> stream.Score:
    query = q.load_score('corpus:bach/bwv66.6')
    both = q.align(query, q.to_score(q.to_frames(query), template=query))
    return q.annotate(both, q.find_motifs(query))


@pytest.fixture(scope='module', params=['dense', 'annotated', 'small', 'silent'])
def data(request, chorale) -> bytes:
    silent = Frames(np.zeros((16, 78), bool), np.zeros((16, 78), bool),
                    Grid((Bar(1, Fraction(0), Fraction(4)),)))
    made = {'dense': dense_score, 'annotated': lambda: chorale, 'small': small_score,
            'silent': lambda: q.to_score(silent)}
    return to_musicxml(made[request.param]())


@pytest.mark.parametrize('version', ['4.0', '3.1'])
def test_files_are_valid(data, version):
    require_schema(version)
    assert schema_errors(data, version) == []


def test_ids_are_unique(data):
    ids = [e.get('id') for e in read_musicxml(data).iter() if e.tag in ('note', 'measure', 'words',
           'direction', 'score-part') and e.get('id')]
    assert len(ids) == len(set(ids))


def test_the_voices_of_a_staff_have_its_four_numbers(data):
    for part in read_musicxml(data).iter('part'):
        for measure in voice_lengths(part):
            for staff, voice in measure:
                assert 4 * (int(staff) - 1) < int(voice) <= 4 * int(staff)


def test_the_day_is_not_written(data):
    assert b'encoding-date' not in data
    assert b'MuseScore' not in data


def test_the_measures_of_a_dense_score_are_exactly_full():
    lengths = [Fraction(1), Fraction(4), Fraction(3), Fraction(3)]
    parts = list(read_musicxml(to_musicxml(dense_score())).iter('part'))
    assert len(parts) == 1      # a brace is one part on two staves
    measures = voice_lengths(parts[0])
    assert len(measures) == 4
    assert {staff for m in measures for staff, _ in m} == {'1', '2'}
    for filled, length in zip(measures, lengths, strict=True):
        assert set(filled.values()) == {length}


def test_a_dense_score_comes_back_from_its_file(tmp_path):
    score = dense_score()
    frames = q.to_frames(score)
    write_musicxml(score, tmp_path / 'dense.musicxml')
    back = q.to_frames(converter.parse(tmp_path / 'dense.musicxml', forceSource=True))
    np.testing.assert_array_equal(back.sounding, frames.sounding)
    np.testing.assert_array_equal(back.onset, frames.onset)
    assert back.grid == frames.grid


def test_a_second_call_gives_the_same_bytes(data, chorale):
    assert to_musicxml(chorale) == to_musicxml(chorale)
    assert to_musicxml(small_score()) == to_musicxml(small_score())


def test_two_processes_write_the_same_bytes(tmp_path):
    targets = [tmp_path / f'{k}.musicxml' for k in range(2)]
    for target, seed in zip(targets, ('1', '7777'), strict=True):
        subprocess.run([sys.executable, '-c', SCRIPT, str(target)], check=True,
                       env={**os.environ, 'PYTHONHASHSEED': seed})
    first, second = (target.read_bytes() for target in targets)
    assert first == second
    assert first.count(b'<note') > 300


def test_a_compressed_file_holds_the_same_and_is_stable(tmp_path, chorale):
    for name in ('a.mxl', 'b.mxl', 'c.musicxml'):
        write_musicxml(chorale, tmp_path / name)
    assert (tmp_path / 'a.mxl').read_bytes() == (tmp_path / 'b.mxl').read_bytes()
    with zipfile.ZipFile(tmp_path / 'a.mxl') as archive:
        assert archive.namelist()[0] == 'META-INF/container.xml'
        assert archive.read('score.musicxml') == (tmp_path / 'c.musicxml').read_bytes()
    opened = converter.parse(tmp_path / 'a.mxl', forceSource=True)
    assert len(opened.parts) == len(chorale.parts)


def test_the_score_is_not_changed_by_writing(tmp_path):
    score = small_score()
    score.parts[0].insert(0, instrument.Violin())
    for which in (score, dense_score(), q.load_score('corpus:bach/bwv66.6')):
        before = fingerprint(which)
        write_musicxml(which, tmp_path / 'x.musicxml')
        assert fingerprint(which) == before


@pytest.mark.parametrize('code', [0, 7, 11, 12, 27, 31])
def test_control_characters_are_left_out(code, tmp_path):
    score = small_score(f'A{chr(code)}Tune')
    score.parts[0].getElementsByClass(stream.Measure)[0].insert(
        0, expressions.TextExpression(f'a{chr(code)}b'))
    write_musicxml(score, tmp_path / 'x.musicxml')
    root = read_musicxml(tmp_path / 'x.musicxml')
    assert 'ATune' in (root.findtext('movement-title'), root.findtext('work/work-title'))
    assert root.find('.//words').text == 'ab'
    assert schema_errors(tmp_path / 'x.musicxml') == []


def test_other_characters_stay(tmp_path):
    title = 'F\u00fcr \u00c9lise & <Co> \u4e2d\u6587 \U0001d11e \u266d'
    write_musicxml(small_score(title), tmp_path / 'x.musicxml')
    root = read_musicxml(tmp_path / 'x.musicxml')
    assert title in (root.findtext('movement-title'), root.findtext('work/work-title'))


def test_a_score_without_measures_is_notated():
    part = stream.Part([note.Note('C4', quarterLength=3), note.Note('D4', quarterLength=5)])
    part.insert(0, meter.TimeSignature('4/4'))
    root = read_musicxml(to_musicxml(stream.Score([part])))
    lengths = [voice_lengths(p) for p in root.iter('part')]
    assert [[sum(m.values()) for m in p] for p in lengths] == [[4, 4]]
    assert schema_errors(to_musicxml(stream.Score([part]))) == []


def test_a_braced_score_without_measures_is_written():
    staves = [stream.PartStaff([note.Note(p, quarterLength=4)]) for p in ('C5', 'C3')]
    score = stream.Score([*staves, layout.StaffGroup(staves, symbol='brace')])
    root = read_musicxml(to_musicxml(score))
    assert [step.text for step in root.iter('step')] == ['C', 'C']
    assert schema_errors(to_musicxml(score)) == []


def test_printed_accidentals_and_beams_are_made_where_they_are_missing():
    measure = stream.Measure([note.Note('F#4', quarterLength=0.5) for _ in range(8)])
    measure.timeSignature = meter.TimeSignature('4/4')
    part = stream.Part([measure])
    root = read_musicxml(to_musicxml(stream.Score([part])))
    assert len(root.findall('.//accidental')) == 1
    assert len(root.findall('.//beam')) == 8


def test_a_length_of_two_noteheads_is_tied():
    part = stream.Part([stream.Measure([note.Note('C4', quarterLength=2.5),
                                        note.Rest(quarterLength=1.5)])])
    root = read_musicxml(to_musicxml(stream.Score([part])))
    assert [t.get('type') for t in root.iter('tie')] == ['start', 'stop']


@pytest.mark.parametrize('kind', [instrument.Violin, instrument.Clarinet, instrument.Piano])
def test_part_and_instrument_ids_are_fixed(kind):
    score = small_score()
    score.parts[0].insert(0, kind())
    root = read_musicxml(to_musicxml(score))
    assert [p.get('id') for p in root.iter('part')] == ['P1']
    assert {i.get('id') for i in root.iter('score-instrument')} == {'P1-I1'}


def test_voices_that_change_their_number_are_numbered_anew():
    notes = [''.join(f'<note><voice>{v}</voice><staff>{s}</staff></note>' for v, s in measure)
             for measure in ([(1, 1), (2, 1), (5, 2)], [(3, 1), (1, 1), (9, 2), (7, 2)],
                             [(k, 1) for k in range(1, 7)])]
    root = etree.fromstring('<score-partwise><part>' + ''.join(
        f'<measure>{m}</measure>' for m in notes) + '</part></score-partwise>')
    assert number_voices(root) == 1     # the last measure has six
    found = [[int(v.text) for v in m.iter('voice')] for m in root.iter('measure')]
    assert found == [[1, 2, 5], [1, 2, 5, 6], [1, 2, 3, 4, 5, 6]]


def test_more_than_four_voices_of_a_staff_are_told():
    measure = stream.Measure([stream.Voice([note.Note(60 + k, quarterLength=4)])
                              for k in range(5)])
    with pytest.warns(NotationWarning, match='1 measures have more than four voices on a staff'):
        data = to_musicxml(stream.Score([stream.Part([measure])]))
    assert len(read_musicxml(data).findall('.//note')) == 5


def test_a_score_that_need_not_be_kept_gives_the_same_bytes():
    assert to_musicxml(dense_score(), keep=False) == to_musicxml(dense_score())
    assert to_musicxml(small_score(), keep=False) == to_musicxml(small_score())


@pytest.mark.parametrize('name', ['x.pdf', 'x', 'x.mid', 'x.musicxml.txt'])
def test_other_suffixes_are_refused(name, tmp_path):
    with pytest.raises(ParameterError, match=r'expected one of \.musicxml, \.xml, \.mxl'):
        write_musicxml(small_score(), tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_a_missing_folder_is_named(tmp_path):
    target = tmp_path / 'none' / 'x.musicxml'
    with pytest.raises(ParameterError, match=re.escape(f'no such folder: {target.parent}')):
        write_musicxml(small_score(), target)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize('suffix', ['.musicxml', '.mxl'])
def test_a_failure_leaves_the_old_file_and_nothing_beside_it(suffix, tmp_path, monkeypatch):
    target = tmp_path / f'x{suffix}'
    target.write_bytes(b'old')

    def fail(*_, **__):
        raise OSError('disk full')

    monkeypatch.setattr(musicxml.zipfile.ZipFile, 'writestr', fail)
    monkeypatch.setattr(musicxml.Path, 'write_bytes', fail)
    with pytest.raises(OSError, match='disk full'):
        write_musicxml(small_score(), target)
    assert [p.name for p in tmp_path.iterdir()] == [target.name]
    assert target.read_text() == 'old'


def test_what_music21_cannot_write_is_told(tmp_path):
    score = small_score()
    score.parts[0].getElementsByClass(stream.Measure)[0].append(
        note.Note('C4', quarterLength=Fraction(1, 512)))
    with pytest.raises(NotationError, match='music21 cannot write this score'):
        write_musicxml(score, tmp_path / 'x.musicxml')
    assert list(tmp_path.iterdir()) == []
