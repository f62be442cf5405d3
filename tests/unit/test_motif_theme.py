"""Where a theme occurs; the commands."""

import json
from fractions import Fraction

import pytest
from click.testing import CliRunner
from melodies import FILLS, THEME, melody, moved, piece
from music21 import converter, expressions
from musicxml_checks import schema_errors

import qbdi_m21 as q
from qbdi_m21.cli import main
from qbdi_m21.errors import ParameterError

SUBJECT = piece(melody(THEME))


def run(*arguments):
    return CliRunner().invoke(main, [str(a) for a in arguments], prog_name='qbdi-m21')


@pytest.fixture
def fugue():
    """A theme, its answer, a varied one, and one with a note more, in two parts."""
    changed = [*moved(THEME, 2)[:4], (1, 69)]
    longer = [*THEME[:2], (Fraction(1, 4), 63), (Fraction(1, 4), 62), *THEME[3:]]
    return piece(melody(THEME, FILLS[0], FILLS[1], changed, FILLS[3]),
                 melody(FILLS[2], moved(THEME, 7), FILLS[3], longer, part=1))


def test_a_theme_is_found_transposed_varied_and_with_a_note_more(fugue):
    found = q.find_theme(fugue, SUBJECT, min_similarity=0.6)
    assert [(o.start_ql, o.part, o.transposition, o.exact) for o in found] == [
        (0, 0, 0, True), (8, 1, 7, True), (20, 0, 2, False), (20, 1, 0, False)]
    assert [len(o.element_ids) for o in found] == [5, 5, 5, 6]
    exact = q.find_theme(fugue, SUBJECT, min_similarity=1)
    assert [o.start_ql for o in exact] == [0, 8]
    assert all(o.distance == pytest.approx(0) for o in exact)


def test_a_score_and_a_theme_can_be_streams(fugue):
    score = q.engrave(fugue)
    found = q.find_theme(score, q.engrave(SUBJECT), min_similarity=1)
    assert [o.start_ql for o in found] == [0, 8]


def test_of_a_theme_with_a_bass_the_line_of_most_notes_is_looked_for(fugue):
    bass = [(0, 2, 48, 0), (2, 2, 43, 0)]
    for part in (0, 1):
        theme = piece([*melody(THEME), *((*note[:3], part) for note in bass)])
        assert q.find_theme(fugue, theme) == q.find_theme(fugue, SUBJECT)


def test_where_it_does_not_occur_nothing_is_found():
    assert q.find_theme(piece(melody(FILLS[0], FILLS[1])), SUBJECT) == ()


@pytest.mark.parametrize('notes', [[], [(1, 60)], [(1, 60), (1, 62)]])
def test_a_theme_has_at_least_three_notes(notes, fugue):
    theme = piece(melody(notes)) if notes else q.frames_to_table(q.to_frames(SUBJECT)).select([])
    with pytest.raises(ParameterError, match=r'the theme has .* notes.*at least three'):
        q.find_theme(fugue, theme)


def test_a_theme_does_not_rest_for_a_bar(fugue):
    with pytest.raises(ParameterError, match='a rest of a bar or more'):
        q.find_theme(fugue, piece([*melody(THEME), *melody(THEME, start=12)]))


@pytest.mark.parametrize('least', [0, -1, 1.5])
def test_similarity_is_a_share(fugue, least):
    with pytest.raises(ParameterError, match=f'min_similarity is {least}; expected above 0'):
        q.find_theme(fugue, SUBJECT, min_similarity=least)


@pytest.fixture
def folder(tmp_path, monkeypatch, fugue):
    monkeypatch.chdir(tmp_path)
    q.write_musicxml(q.engrave(fugue), 'fugue.musicxml')
    q.write_musicxml(q.engrave(SUBJECT), 'subject.musicxml')
    return tmp_path


def test_motifs_are_printed_drawn_and_written(folder):
    done = run('motifs', 'fugue.musicxml', '-o', 'out.musicxml', '--json', 'm.json', '--csv',
               'm.csv', '--mirex', 'm.txt', '--plot', 'm.png', '--null', 2)
    assert done.exit_code == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].startswith('A: 3 times (1 varied), 5 notes, 4 quarters; explains 10 notes')
    assert 'p = ' in lines[0]
    assert lines[1].strip().startswith('m.1')
    assert '+7' in lines[1]
    assert schema_errors((folder / 'out.musicxml').read_bytes()) == []
    drawn = converter.parse(folder / 'out.musicxml')
    texts = [e.content for e in drawn.recurse().getElementsByClass(expressions.TextExpression)]
    assert texts.count('A') == 2
    assert texts.count('A\u2032') == 1
    held = json.loads((folder / 'm.json').read_text())['motifs']
    assert [len(m['occurrences']) for m in held] == [len(p) for p in q.read_mirex('m.txt')]
    assert (folder / 'm.png').read_bytes()[:4] == b'\x89PNG'
    assert (folder / 'm.csv').read_text().startswith('label,side,occurrence,part,')


@pytest.mark.parametrize(('length', 'shortest'), [('4beats', 4), ('1bar', 4), ('3.5', 3.5),
                                                  ('7/2 quarters', 3.5)])
def test_lengths_are_given_in_beats_bars_or_quarters(folder, length, shortest):
    done = run('motifs', 'fugue.musicxml', '--min-length', length, '--json', 'm.json')
    assert done.exit_code == 0
    assert all(m['length_ql'] >= shortest for m in json.loads(
        (folder / 'm.json').read_text())['motifs'])


def test_where_nothing_returns_that_is_said(folder):
    done = run('motifs', 'subject.musicxml')
    assert done.exit_code == 0
    assert done.stdout == 'no motif: nothing of that length returns\n'


def test_a_theme_is_printed_and_drawn(folder):
    done = run('theme', 'fugue.musicxml', 'subject.musicxml', '-o', 'out.musicxml')
    assert done.exit_code == 0, done.stderr
    assert done.stdout.splitlines()[0].endswith('occurrences')
    assert 'similarity 1.00' in done.stdout
    assert schema_errors((folder / 'out.musicxml').read_bytes()) == []


@pytest.mark.parametrize(('arguments', 'message'), [
    (('motifs', 'gone.xml'), 'no such file: gone.xml'),
    (('motifs', 'fugue.musicxml', '--min-length', 'long'), "length is 'long'; expected such as"),
    (('motifs', 'fugue.musicxml', '--min-length', '0'), "length is '0'"),
    (('motifs', 'fugue.musicxml', '--parts', '5'), 'there is no part 5'),
    (('motifs', 'fugue.musicxml', '--json', 'm.txt'), "m.txt ends in '.txt'; expected .json"),
    (('motifs', 'fugue.musicxml', '-o', 'gone/out.mxl'), 'there is no folder gone'),
    (('theme', 'fugue.musicxml', 'subject.musicxml', '--min-similarity', '2'),
     'min_similarity is 2'),
    (('theme', 'fugue.musicxml', 'gone.xml'), 'no such file: gone.xml')])
def test_bad_input_is_one_line_and_leaves_nothing(folder, arguments, message):
    before = sorted(folder.iterdir())
    done = run(*arguments)
    assert done.exit_code == 2
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert sorted(folder.iterdir()) == before
