"""Annotations, collisions and checks on the command line; pictures."""

import json

import pandas as pd
import pytest
from click.testing import CliRunner
from melodies import FILLS, THEME, melody, piece
from music21 import note, stream

import qbdi_m21 as q
from qbdi_m21.cli import main
from qbdi_m21.errors import ParameterError, ScoreError
from qbdi_m21.notation import checking, pictures

needs_musescore = pytest.mark.skipif(checking.find_musescore() is None,
                                     reason='MuseScore is not installed')


def run(*arguments):
    return CliRunner().invoke(main, [str(a) for a in arguments], prog_name='qbdi-m21')


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    tune = piece(melody(THEME, FILLS[0], FILLS[1], THEME))
    q.write_musicxml(q.engrave(tune), 'tune.musicxml')
    q.write_musicxml(q.engrave(tune.transpose(1)), 'higher.musicxml')
    assert run('motifs', 'tune.musicxml', '-o', 'marked.musicxml').exit_code == 0
    return tmp_path


def test_marks_go_out_of_a_score_and_onto_it_again(folder):
    done = run('annotate', 'tune.musicxml', '--from', 'marked.musicxml', '--json', 'm.json',
               '--csv', 'm.csv', '--jams', 'm.jams')
    assert done.exit_code == 0, done.stderr
    assert done.stdout == '2 marks\n'
    for source in ('m.json', 'm.jams', 'marked.musicxml'):
        assert run('annotate', 'tune.musicxml', '--from', source, '-o',
                   'again.musicxml').exit_code == 0
        assert (folder / 'again.musicxml').read_bytes() == (
            folder / 'marked.musicxml').read_bytes()
    assert pd.read_csv('m.csv')['text'].tolist() == ['A', 'A']


def test_what_is_drawn_can_be_chosen(folder):
    run('annotate', 'tune.musicxml', '--from', 'marked.musicxml', '-o', 'none.musicxml', '--layers',
        'note')
    with pytest.raises(ParameterError, match='holds no annotations'):
        q.read_annotations('none.musicxml')
    done = run('annotate', 'tune.musicxml', '--from', 'marked.musicxml', '-o', 'x.musicxml',
               '--target', 'lilypond', '--no-legend')
    assert done.exit_code == 0
    words = (folder / 'x.musicxml').read_text()
    assert '\u2192|A' in words
    assert 'Motifs:' not in words


def test_strip_gives_the_file_without_marks(folder):
    done = run('strip', 'marked.musicxml', '-o', 'plain.musicxml')
    assert done.exit_code == 0, done.stderr
    with pytest.raises(ParameterError, match='holds no annotations'):
        q.read_annotations('plain.musicxml')
    assert b'<bracket' not in (folder / 'plain.musicxml').read_bytes()


def test_check_says_what_is_wrong(folder):
    done = run('check', 'tune.musicxml', 'marked.musicxml')
    assert (done.exit_code, done.stdout.count('good')) == (0, 2)
    broken = (folder / 'tune.musicxml').read_text().replace('<octave>4', '<octave>40')
    (folder / 'broken.musicxml').write_text(broken)
    done = run('check', 'broken.musicxml', 'tune.musicxml')
    assert done.exit_code == 1
    assert "MusicXML 3.1, line" in done.stdout
    assert 'tune.musicxml: good' in done.stdout
    done = run('check', 'gone.musicxml', 'tune.musicxml')
    assert done.exit_code == 1
    assert 'no such file: gone.musicxml' in done.stdout


def test_only_the_version_that_is_asked_for_is_checked(folder):
    newer = (folder / 'tune.musicxml').read_text().replace(
        '</note>', '<notations><other-notation type="single" smufl="x"/></notations></note>', 1)
    (folder / 'a.musicxml').write_text(newer)
    told = q.check_musicxml('a.musicxml', versions=('3.1',))
    assert all('3.1' in line for line in told)
    with pytest.raises(ParameterError, match=r'no schema of MusicXML 2\.0'):
        q.check_musicxml('a.musicxml', versions=('2.0',))


def test_references_to_nothing_are_found(folder):
    text = (folder / 'tune.musicxml').read_text()
    (folder / 'a.musicxml').write_text(text.replace('<part id="P1">', '<part id="P9">'))
    assert any('the part-list names' in line for line in q.check_musicxml('a.musicxml'))


@pytest.mark.parametrize(('name', 'data'), [('a.musicxml', b'no xml'), ('a.mxl', b'PK\x03\x04..'),
                                            ('a.xml', b'')])
def test_files_that_are_no_musicxml_are_told(folder, name, data):
    (folder / name).write_bytes(data)
    with pytest.raises(ScoreError):
        q.check_musicxml(name)
    done = run('check', name)
    assert done.exit_code == 2
    assert len(done.stderr.splitlines()) == 1


@needs_musescore
def test_musescore_keeps_every_note_of_a_marked_score(folder):
    assert q.check_musicxml('marked.musicxml', musescore=True) == []
    checking.run_musescore(folder / 'marked.musicxml', folder / 'again.musicxml')
    assert q.read_annotations('again.musicxml') == q.read_annotations('marked.musicxml')


@needs_musescore
def test_a_note_that_musescore_loses_is_told(folder, monkeypatch):
    def lose(source, target, *options, **more):
        text = source.read_text()
        start = text.index('<note>')
        end = text.index('</note>', start)
        kept = text[start:end].replace('<pitch>', '<rest/><!--').replace('</pitch>', '-->')
        target.write_text(text[:start] + kept + text[end:])
        return ''

    monkeypatch.setattr(checking, 'run_musescore', lose)
    told = q.check_musicxml('tune.musicxml', musescore=True)
    assert len(told) == 1
    assert 'lost note in part 1, measure 1' in told[0]


def test_without_musescore_that_is_said(folder, monkeypatch):
    monkeypatch.setattr(checking.shutil, 'which', lambda name: None)
    with pytest.raises(ParameterError, match='MuseScore is not installed'):
        q.check_musicxml('tune.musicxml', musescore=True)


def test_collisions_are_printed_drawn_and_written(folder):
    done = run('collisions', 'tune.musicxml', 'higher.musicxml', '-o', 'both.musicxml', '--json',
               'c.json', '--csv', 'c.csv')
    assert done.exit_code == 0, done.stderr
    found = json.loads((folder / 'c.json').read_text())
    assert {hit['kind'] for hit in found} >= {'semitone'}
    assert len(pd.read_csv('c.csv')) == len(found)
    lines = done.stdout.splitlines()
    assert lines[0].startswith('m.1, beat 1: semitone, ')
    assert lines[-1].endswith('0 meetings')
    assert {m.kind for m in q.read_annotations('both.musicxml')} == {'collision'}
    only = run('collisions', 'tune.musicxml', 'higher.musicxml', '--kinds', 'meeting')
    assert only.stdout == '0 collisions, 0 meetings\n'


@pytest.mark.parametrize(('arguments', 'message'), [
    (('annotate', 'tune.musicxml', '--from', 'm.json', '-o', 'x.musicxml'), 'no such file: m.json'),
    (('annotate', 'tune.musicxml', '--from', 'tune.musicxml', '-o', 'x.musicxml'),
     'tune.musicxml holds no annotations'),
    (('annotate', 'tune.musicxml', '--from', 'marked.musicxml'), 'nothing to write'),
    (('annotate', 'tune.musicxml', '--from', 'marked.musicxml', '-o', 'x.musicxml', '--layers',
      'stars'), 'layers are stars'),
    (('strip', 'tune.musicxml', '-o', 'x.musicxml'), 'the score holds no annotations'),
    (('collisions', 'tune.musicxml', 'corpus:bach/bwv66.6'), 'bars of different lengths'),
    (('collisions', 'tune.musicxml', 'higher.musicxml', '--kinds', 'noise'), 'kinds are noise'),
    (('collisions', 'tune.musicxml', 'higher.musicxml', '--enter', '2'), 'enter=2.0'),
    (('collisions', 'tune.musicxml', 'higher.musicxml', '--picture', 'x.gif'), "ends in '.gif'")])
def test_bad_input_is_one_line_and_leaves_nothing(folder, arguments, message):
    before = sorted(folder.iterdir())
    done = run(*arguments)
    assert done.exit_code == 2
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert sorted(folder.iterdir()) == before


def small():
    return stream.Score([stream.Part([stream.Measure([note.Note('C4', quarterLength=4)],
                                                     number=1)])])


@needs_musescore
def test_musescore_draws_pictures(tmp_path):
    for suffix, start in (('png', b'\x89PNG'), ('pdf', b'%PDF'), ('svg', b'<?xml')):
        (page,) = q.draw_picture(small(), tmp_path / f'a.{suffix}')
        assert page.read_bytes().startswith(start)
    assert sorted(p.name for p in tmp_path.iterdir()) == ['a.pdf', 'a.png', 'a.svg']


def test_verovio_draws_where_there_is_no_musescore(tmp_path, monkeypatch):
    pytest.importorskip('verovio', reason='verovio is not installed')
    monkeypatch.setattr(pictures, 'find_musescore', lambda: None)
    (page,) = q.draw_picture(small(), tmp_path / 'a.svg')
    assert '<svg' in page.read_text()
    with pytest.raises(ParameterError, match=r'\.png needs MuseScore'):
        q.draw_picture(small(), tmp_path / 'a.png')


def test_pictures_have_a_suffix_that_is_known(tmp_path):
    with pytest.raises(ParameterError, match=r"ends in '\.gif'; expected \.png, \.pdf, \.svg"):
        q.draw_picture(small(), tmp_path / 'a.gif')
