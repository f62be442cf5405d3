"""The options of `improvise` that say what passes the channel and what becomes of it."""

import json
import re

import pytest
from click.testing import CliRunner
from music21 import expressions
from musicxml_checks import (
    block_model,
    note_events,
    read_musicxml,
    schema_errors,
    write_model_file,
)

import qbdi_m21 as q
from qbdi_m21.cli import main
from qbdi_m21.cli.channel_options import parse_rate_list, parse_regions, stem_of
from qbdi_m21.improvisation.replay import load_query
from qbdi_m21.notation.musicxml import to_musicxml

TUNE = 'X:1\nT:Tune\nM:4/4\nL:1/4\nK:C\nGABc|GABc|GFED|C4|]\n'


def run(*arguments: object):
    return CliRunner().invoke(main, [str(a) for a in arguments], prog_name='qbdi-m21')


@pytest.fixture(scope='module')
def blocks(tmp_path_factory):
    return write_model_file(block_model(), tmp_path_factory.mktemp('model') / 'blocks.keras')


@pytest.fixture
def folder(tmp_path, monkeypatch, blocks):
    """Return a working folder with a tune and a model."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'tune.abc').write_text(TUNE)
    (tmp_path / 'blocks.keras').write_bytes(blocks.read_bytes())
    return tmp_path


def improvise(*more: object, query: str = 'tune.abc', out: str = 'out.musicxml'):
    done = run('improvise', query, '--model', 'blocks.keras', '-o', out, *more)
    assert (done.exit_code, done.stderr) == (0, '')
    return done


def made_notes(source):
    """Return the noteheads of the improvisation, which is the first part of the file."""
    return {event: count for event, count in note_events(read_musicxml(source)).items()
            if event[0] == 0}


@pytest.fixture(scope='module')
def plain(blocks, tmp_path_factory):
    """Return noteheads, and the number of notes, at 8 bits and without an option."""
    path = tmp_path_factory.mktemp('tune') / 'tune.abc'
    path.write_text(TUNE)
    found = q.compare(q.load_score(path), blocks, rate=8)
    return made_notes(to_musicxml(found.annotated())), found.num_notes


def read(path):
    return json.loads(path.read_text(encoding='utf-8'))


#: Options of the command, and the same in Python. At 8 bits a bar this model plays a lot.
OPTIONS = [
    (('--rate', 'half'), {'rate': 'half'}), (('--rate', '0.5'), {'rate': 0.5}),
    (('--rate', 'full'), {'rate': 'full'}), (('--rate', '0'), {'rate': 0}),
    (('--rate', '64, full,0,half'), {'rate': [64, 'full', 0, 'half']}),
    (('--region', '2-3=full'), {'regions': [('2-3', 'full')]}),
    (('--region', '1 = 0', '--region', '1-2=half'), {'regions': [('1', 0), ('1-2', 'half')]}),
    (('--region', 'part:1=200'), {'regions': {'part:1': 200}}),
    (('--channel', 'paper', '--rate', '100'), {'channel': 'paper', 'rate': 100}),
    (('--channel', 'notebook', '--rate', '20'), {'channel': 'notebook', 'rate': 20}),
    (('--variance', 'query'), {'variance': 'query'}),
    (('--variance', 'sample'), {'variance': 'sample'}),
    (('--variance', 'posterior'), {'variance': 'posterior'}),
    (('--allocation', 'continuous'), {'allocation': 'continuous'}),
    (('--allocation', 'dynamic'), {'allocation': 'dynamic'}),
    (('--decoding', 'density'), {'decoding': 'density'}),
    (('--decoding', 'sample', '--seed', '3'), {'decoding': 'sample', 'seed': 3}),
    (('--threshold', 'paper'), {'threshold': 'paper'}),
    (('--threshold', 'calibrated'), {'threshold': 'calibrated'}),
    (('--threshold', '.9'), {'threshold': 0.9}),
    (('--min-length', '17', '--restrike', 'never'),
     {'decoding': q.Decoding(min_length_frames=17, restrike='never')}),
    (('--restrike', 'never'), {'decoding': q.Decoding(restrike='never')}),
    (('--barline', 'tie'), {'decoding': q.Decoding(barline='tie')}),
    (('--pitch-range', '48', '72'), {'decoding': q.Decoding(pitch_range=(48, 72))}),
    (('--hand-span', '12'), {'decoding': q.Decoding(hand_span=12)}),
]


@pytest.mark.parametrize(('arguments', 'options'), OPTIONS, ids=[' '.join(a) for a, _ in OPTIONS])
def test_an_option_gives_what_the_library_gives_and_not_what_comes_without_it(arguments, options,
                                                                              folder, plain):
    improvise('--rate', '8', *arguments)
    found = q.compare(q.load_score('tune.abc'), 'blocks.keras', **{'rate': 8, **options})
    found.recipe['queries'] = [{'source': 'tune.abc'}]
    q.write_musicxml(found.annotated(), 'library.musicxml')
    assert (folder / 'out.musicxml').read_bytes() == (folder / 'library.musicxml').read_bytes()
    assert read(folder / 'out.json') == json.loads(json.dumps(found.to_json()))
    assert (made_notes(folder / 'out.musicxml'), found.num_notes) != plain


def test_half_and_a_half_are_the_same_rate(folder):
    improvise('--rate', 'half', out='a.musicxml')
    improvise('--rate', '0.50', out='b.musicxml')
    assert (folder / 'a.musicxml').read_bytes() == (folder / 'b.musicxml').read_bytes()
    assert (folder / 'a.json').read_bytes() == (folder / 'b.json').read_bytes()
    recipe, (channel,) = read(folder / 'a.json')['recipe'], read(folder / 'a.json')['channel']
    assert recipe['rate'] == 0.5
    assert channel['delivered_bits'] == pytest.approx(channel['full_bits'] / 2, rel=0.02)


def test_each_bar_can_have_a_rate_of_its_own(folder):
    improvise('--rate', '64,full,0,half')
    (channel,) = read(folder / 'out.json')['channel']
    assert [w['rate'] for w in channel['windows']] == [64, 'full', 0, 0.5]
    assert [w['nominal_bits'] for w in channel['windows']][:3] == [64, None, 0]
    arrived = [w['delivered_bits'] for w in channel['windows']]
    assert arrived[2] == 0 < arrived[0] < arrived[3] < arrived[1]


def test_the_later_of_two_regions_wins(folder):
    improvise('--rate', '8', '--region', '1-3=full', '--region', '2=0', '--region', '3=64')
    (channel,) = read(folder / 'out.json')['channel']
    assert [(w['measure'], w['rate']) for w in channel['windows']] == [
        (0, 8), (1, 'full'), (2, 0), (3, 64)]
    assert read(folder / 'out.json')['recipe']['regions'] == [['1-3', 'full'], ['2', 0], ['3', 64]]
    improvise('--rate', '8', '--region', '1-3=full', '--region', 'part:1=half', out='b.mxl')
    (channel,) = read(folder / 'b.json')['channel']
    assert {w['rate'] for w in channel['windows']} == {0.5}


def test_a_section_by_its_rehearsal_mark_and_a_part_by_its_name(folder):
    score = q.load_score('corpus:bach/bwv66.6')
    for number, name in ((2, 'A'), (5, '7')):
        score.parts[0].measure(number).insert(0, expressions.RehearsalMark(name))
    q.write_musicxml(score, 'marked.musicxml')
    improvise('--rate', '16', '--region', 'A=0', '--region', 'mark:7=full', '--region',
              'part:tenor=half', query='marked.musicxml')
    whole, tenor = read(folder / 'out.json')['channel']
    assert [w['rate'] for w in whole['windows']] == [16] * 2 + [0] * 3 + ['full'] * 5
    assert {w['rate'] for w in tenor['windows']} == {0.5}
    assert (whole['parts'], tenor['parts']) == (['Soprano', 'Alto', 'Bass'], ['Tenor'])
    assert schema_errors(folder / 'out.musicxml') == []


def test_notes_keep_to_a_range_and_to_a_length(folder):
    improvise('--rate', '8', '--pitch-range', '55', '80', '--min-length', '4')
    held = made_notes(folder / 'out.musicxml')
    assert held
    assert all(55 <= pitch < 80 for _, _, _, pitch, _ in held)
    improvise('--rate', '8', '--min-length', '16', '--restrike', 'never', '--barline', 'strike',
              out='long.musicxml')
    assert {length for *_, length in made_notes(folder / 'long.musicxml')} == {4}


def test_hands_reach_what_is_played(folder):
    improvise('--rate', '8', '--hand-span', '9')
    frames = q.improvise(q.load_score('tune.abc'), 'blocks.keras', rate=8, decoding=q.Decoding(
        hand_span=9)).derivation.transmissions[0].frames
    for row in frames.sounding:
        pitches = row.nonzero()[0]
        assert all(min(p - pitches[0], pitches[-1] - p) <= 9 for p in pitches)
    free = q.improvise(q.load_score('tune.abc'), 'blocks.keras', rate=8)
    assert frames.sounding.sum() < free.derivation.transmissions[0].frames.sounding.sum()


def test_only_some_measures_are_taken_by_their_numbers(folder):
    improvise('--measures', '1-3')
    found = read(folder / 'out.json')
    assert [bar['number'] for bar in found['bars']] == [1, 2, 3]
    assert found['recipe']['queries'] == [{'source': 'tune.abc', 'measures': '1-3'}]
    made = q.compare(load_query('tune.abc', measures='1-3'), 'blocks.keras')
    assert found['num_notes'] == made.num_notes
    improvise('--measures', '3', out='one.musicxml')
    assert [bar['number'] for bar in read(folder / 'one.json')['bars']] == [3]


def test_regions_of_some_measures_have_the_numbers_of_the_score(folder):
    improvise('--measures', '1-3', '--rate', '8', '--region', '2=full')
    (channel,) = read(folder / 'out.json')['channel']
    assert [(w['measure'], w['rate']) for w in channel['windows']] == [
        (1, 8), (2, 'full'), (3, 8)]


@pytest.mark.parametrize(('out', 'json_path', 'record'), [
    ('out.musicxml', None, 'out.json'), ('sub/a.b.mxl', None, 'sub/a.b.json'),
    ('out.xml', 'sub/other.json', 'sub/other.json')])
def test_the_json_is_beside_the_score_unless_it_is_named(out, json_path, record, folder):
    (folder / 'sub').mkdir()
    done = improvise(*(('--json', json_path) if json_path else ()), out=out)
    assert done.stdout.splitlines()[0] == f'wrote {out} and {record}'
    assert sorted(str(p.relative_to(folder)) for p in folder.rglob('*.*')) == sorted(
        ['blocks.keras', 'tune.abc', out, record])
    recipe = read(folder / record)['recipe']
    assert q.read_recipe(folder / out) == recipe == q.read_recipe(folder / record)


def test_the_summary_tells_rate_channel_and_what_arrived(folder):
    done = improvise('--rate', '16', '--region', '2=full', '--channel', 'paper')
    (channel,) = read(folder / 'out.json')['channel']
    line = next(line for line in done.stdout.splitlines() if line.startswith('channel'))
    assert re.fullmatch(
        rf'channel \(paper\): rate 16 bits, full; {channel["delivered_bits"]:.1f} bits a bar '
        rf'delivered of {channel["full_bits"]:.1f} at full rate, on 78 of 78 latents', line)


def test_a_rate_above_what_the_model_carries_is_told_once(folder):
    done = run('improvise', 'tune.abc', '--model', 'blocks.keras', '--rate', '5000')
    assert done.exit_code == 0
    (line,) = done.stderr.splitlines()
    assert line.startswith('note: a rate of 5000 bits is above what the model can carry')


def test_the_same_arguments_give_the_same_bytes(folder):
    options = ('--rate', 'half', '--region', '2=0', '--decoding', 'sample', '--show-rates')
    for name in ('a', 'b'):
        improvise(*options, out=f'{name}.mxl')
    assert (folder / 'a.mxl').read_bytes() == (folder / 'b.mxl').read_bytes()
    assert (folder / 'a.json').read_bytes() == (folder / 'b.json').read_bytes()


@pytest.mark.parametrize(('text', 'rates'), [
    ('64', '64'), (' half ', 'half'), ('1,2', ['1', '2']), ('1, full ,', ['1', 'full', ''])])
def test_commas_stand_between_the_rates_of_bars(text, rates):
    assert parse_rate_list(text) == rates


@pytest.mark.parametrize(('pair', 'parsed'), [
    ('9-16=full', ('9-16', 'full')), (' B = half', ('B', 'half')),
    ('mark:A=B=0', ('mark:A=B', '0')), ('part:Violin 1=0.5', ('part:Violin 1', '0.5'))])
def test_the_last_equals_sign_stands_before_the_rate(pair, parsed):
    assert parse_regions((pair, pair)) == (parsed, parsed)


@pytest.mark.parametrize(('query', 'stem'), [
    ('tune.abc', 'tune'), ('corpus:bach/bwv66.6', 'bwv66.6'), ('nowhere/my.song', 'my.song')])
def test_results_are_named_after_the_query(query, stem, folder):
    assert stem_of(query) == stem


@pytest.mark.parametrize('option', ['--region', '--channel', '--variance', '--allocation',
                                    '--decoding', '--min-length', '--restrike', '--barline',
                                    '--pitch-range', '--hand-span', '--measures', '--show-rates',
                                    '--from'])
def test_the_help_names_each_of_them(option):
    assert re.search(rf'^  (-\w, )?{option}\b', run('improvise', '--help').stdout, re.MULTILINE)
