"""`qbdi-m21 motifs` and `theme`: lengths, parts, levels, and what is printed."""

from fractions import Fraction

import pytest
from click.testing import CliRunner
from melodies import FILLS, THEME, melody, moved, piece
from strategies import bars_of, table_of

import qbdi_m21 as q
from qbdi_m21.analysis.motifs.result import Occurrence
from qbdi_m21.cli import main
from qbdi_m21.cli.cmd_motifs import parse_length, parse_parts, place_of
from qbdi_m21.errors import ParameterError, QbdiError
from qbdi_m21.frames.table import make_note_table

SHORT = [(Fraction(1, 2), p) for p in (76, 74, 72, 71)]


def run(*arguments):
    done = CliRunner().invoke(main, [str(a) for a in arguments], prog_name='qbdi-m21')
    assert done.exit_code == 0, done.stderr
    return done.stdout.splitlines()


def headings(lines):
    return [line for line in lines if not line.startswith(' ')]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A piece with a long motif in both parts and a short one in the upper, and its theme."""
    monkeypatch.chdir(tmp_path)
    upper = melody(THEME, FILLS[3], SHORT, FILLS[0], SHORT, FILLS[1], THEME)
    notes = [*upper, *melody(FILLS[2], moved(THEME, -17), part=1)]
    table = piece(notes)
    named = make_note_table(table.bars, **{
        name: [note[k] for note in notes]
        for k, name in enumerate(('onset', 'duration', 'pitch', 'part'))},
        part_names=('Oboe', 'Bassoon'))
    q.write_musicxml(q.engrave(named), 'duet.musicxml')
    q.write_musicxml(q.engrave(piece(melody(THEME, FILLS[1]))), 'theme.musicxml')
    return tmp_path


@pytest.mark.parametrize(('meter', 'text', 'length'), [
    ('4/4', '4beats', 4), ('4/4', '2bars', 8), ('4/4', '1 bar', 4), ('4/4', '3', 3),
    ('6/8', '2beats', 3), ('6/8', '2bars', 6), ('3/2', '1beat', 2), ('3/4', '2 bars', 6),
    ('4/4', '3.5', Fraction(7, 2)), ('4/4', '1/3', Fraction(1, 3)),
    ('4/4', ' 7/2 quarters ', Fraction(7, 2)), ('6/8', '0.5 bars', Fraction(3, 2))])
def test_lengths_are_counted_in_the_meter(meter, text, length):
    table = table_of([(0, 1, 60)], bars_of(meter, '5/4'))
    assert parse_length(text, table) == length


def test_a_pickup_is_not_the_bar_that_is_counted():
    assert parse_length('1bar', table_of([(0, 1, 60)], bars_of('3/4', '3/4', pickup_ql=1))) == 3


@pytest.mark.parametrize('text', ['', 'bars', '2 measures', '-1', '0', '0bars', '1e3', '2,5',
                                  'nan', '1 2', '4beats!'])
def test_what_is_no_length_is_told(text):
    with pytest.raises(ParameterError, match=r"expected such as '4beats', '2bars' or '3\.5'"):
        parse_length(text, table_of([(0, 1, 60)], bars_of('4/4')))


def test_nothing_is_divided_by_zero():
    with pytest.raises(QbdiError, match="'1/0' is no time"):
        parse_length('1/0', table_of([(0, 1, 60)], bars_of('4/4')))


def test_parts_are_numbers_and_names():
    assert parse_parts('0,2') == [0, 2]
    assert parse_parts('Violin I, Viola') == ['Violin I', 'Viola']
    assert parse_parts('0, Viola') == [0, 'Viola']


@pytest.mark.parametrize(('changes', 'text'), [
    ({}, 'm.3 Oboe'), ({'beat': Fraction(5, 2)}, 'm.3.2.5 Oboe'), ({'part': None}, 'm.3'),
    ({'part': 1, 'transposition': -12, 'exact': False}, 'm.3 part 1 -12~'),
    ({'transposition': 5}, 'm.3 Oboe +5')])
def test_a_place_is_told_in_few_words(changes, text):
    plain = {'start_ql': Fraction(8), 'end_ql': Fraction(10), 'bar': 2, 'measure': 3,
             'beat': Fraction(1), 'end_measure': 3, 'end_beat': Fraction(3), 'element_ids': (),
             'part': 0}
    table = table_of([(0, 1, 60)], bars_of('4/4'), part_names=('Oboe', ''))
    assert place_of(Occurrence(**{**plain, **changes}), table) == text


def test_all_occurrences_are_printed_with_part_and_transposition(folder):
    lines = run('motifs', 'duet.musicxml')
    assert '  m.1 Oboe, m.3 Bassoon -17, m.9 Oboe' in lines
    assert len(headings(lines)) == len(lines) / 2 == 2


def test_shortest_length_number_and_parts_choose(folder):
    assert len(headings(run('motifs', 'duet.musicxml', '--min-length', '1bar'))) == 1
    assert len(headings(run('motifs', 'duet.musicxml', '--max-motifs', 1))) == 1
    often = headings(run('motifs', 'duet.musicxml', '--min-count', 3))
    assert [line.split(',')[0] for line in often] == ['A: 3 times']
    for parts in ('0', 'oboe'):
        lines = run('motifs', 'duet.musicxml', '--parts', parts)
        assert '  m.1 Oboe, m.9 Oboe' in lines
        assert not any('Bassoon' in line for line in lines)
    assert run('motifs', 'duet.musicxml', '--parts', 'Bassoon') == [
        'no motif: nothing of that length returns']


@pytest.mark.parametrize('options', [['--level', 'themes'], ['--preset', 'vmo'], ['--null', '3']])
def test_the_command_finds_what_the_function_finds(folder, options):
    lines = run('motifs', 'duet.musicxml', '--json', 'm.json', '--max-motifs', 26, *options)
    named = {options[0][2:]: int(options[1]) if options[1].isdecimal() else options[1]}
    expected = q.find_motifs(q.load_score('duet.musicxml'), **named)
    assert [m.to_json() for m in q.read_motifs('m.json')] == [m.to_json() for m in expected]
    assert len(headings(lines)) == max(len(expected), 1)


def test_the_same_command_writes_the_same_bytes(folder):
    names = {}
    for place in ('one', 'two'):
        (folder / place).mkdir()
        run('motifs', 'duet.musicxml', '-o', f'{place}/o.musicxml', '--json', f'{place}/m.json',
            '--csv', f'{place}/m.csv', '--mirex', f'{place}/m.txt', '--plot', f'{place}/m.png',
            '--null', 2, '--seed', 5)
        names[place] = {path.name: path.read_bytes() for path in (folder / place).iterdir()}
    assert names['one'] == names['two']
    assert len(names['one']) == 5


def test_a_theme_is_printed_with_its_places(folder):
    lines = run('theme', 'duet.musicxml', 'theme.musicxml', '--theme-measures', '1-1',
                '--min-similarity', 1)
    assert lines == ['3 occurrences', '  m.1 Oboe  similarity 1.00',
                     '  m.3 Bassoon -17  similarity 1.00', '  m.9 Oboe  similarity 1.00']


def test_a_theme_that_is_nowhere_is_said_so(folder):
    q.write_musicxml(q.engrave(piece(melody(FILLS[0][:3]))), 'other.musicxml')
    assert run('theme', 'theme.musicxml', 'other.musicxml', '--min-similarity', 1) == [
        '0 occurrences']
