"""Scores made again from their recipes, and the commands `sample` and `interpolate`."""

import json
import re

import numpy as np
import pytest
from click.testing import CliRunner
from musicxml_checks import block_model, schema_errors, write_model_file

import qbdi_m21 as q
from qbdi_m21.cli import main
from qbdi_m21.notation import musicxml
from qbdi_m21.notation.musicxml import to_musicxml

TUNE = 'X:1\nT:Tune\nM:4/4\nL:1/4\nK:C\nGABc|GABc|GFED|C4|]\n'
OTHER = TUNE.replace('GABc', 'EFGA').replace('T:Tune', 'T:Other')


def run(*arguments: object):
    done = CliRunner().invoke(main, [str(a) for a in arguments], prog_name='qbdi-m21')
    assert (done.exit_code, done.stderr) == (0, ''), done.stderr
    return done


@pytest.fixture(scope='module')
def blocks(tmp_path_factory):
    return write_model_file(block_model(), tmp_path_factory.mktemp('model') / 'blocks.keras')


@pytest.fixture
def folder(tmp_path, monkeypatch, blocks):
    """Return a working folder with tunes, a book of both, and a model."""
    monkeypatch.chdir(tmp_path)
    for name, text in (('tune.abc', TUNE), ('other.abc', OTHER),
                       ('book.abc', TUNE + '\n' + OTHER.replace('X:1', 'X:2'))):
        (tmp_path / name).write_text(text)
    (tmp_path / 'blocks.keras').write_bytes(blocks.read_bytes())
    return tmp_path


def improvise(*more: object):
    return run('improvise', 'tune.abc', '--model', 'blocks.keras', *more)


def read(path):
    return json.loads(path.read_text(encoding='utf-8'))


def assert_same_files(folder, first, second, suffix):
    """Compare two scores and the JSON beside them, byte by byte."""
    for end in (suffix, '.json'):
        one, two = ((folder / f'{name}{end}').read_bytes() for name in (first, second))
        assert one == two, end


@pytest.mark.parametrize('source', ['.json', 'the score'])
@pytest.mark.parametrize(('suffix', 'options'), [
    ('.musicxml', ()),
    ('.mxl', ('--rate', 'half', '--seed', '7')),
    ('.xml', ('--rate', '64,full,0,half', '--show-rates', '--decoding', 'sample')),
    ('.musicxml', ('--rate', '8', '--region', '2=0', '--region', 'part:1=.25', '--variance',
                   'sample', '--allocation', 'dynamic')),
    ('.mxl', ('--rate', '100', '--channel', 'paper', '--threshold', 'calibrated')),
    ('.musicxml', ('--rate', '8', '--min-length', '4', '--restrike', 'never', '--barline', 'tie',
                   '--pitch-range', '48', '80', '--hand-span', '12', '--measures', '1-2')),
])
def test_a_score_and_its_json_come_out_again_byte_for_byte(suffix, options, source, folder):
    improvise(*options, '-o', f'out{suffix}')
    again = 'out.json' if source == '.json' else f'out{suffix}'
    first = run('improvise', '--from', again, '-o', f'again{suffix}')
    assert_same_files(folder, 'out', 'again', suffix)
    assert first.stdout.startswith(f'wrote again{suffix} and again.json\n')


def test_a_score_of_a_book_comes_out_again(folder):
    run('improvise', 'book.abc', '--number', 2, '--model', 'blocks.keras', '-o', 'out.mxl')
    assert read(folder / 'out.json')['recipe']['queries'] == [{'source': 'book.abc', 'number': 2}]
    run('improvise', '--from', 'out.mxl', '-o', 'again.mxl')
    assert_same_files(folder, 'out', 'again', '.mxl')


def test_a_work_of_the_corpus_and_a_shipped_model_come_out_again(folder):
    run('improvise', 'corpus:bach/bwv66.6', '--measures', '1-4', '--model', 'reels', '-o',
        'out.mxl')
    run('improvise', '--from', 'out.json', '-o', 'again.mxl')
    assert_same_files(folder, 'out', 'again', '.mxl')


def test_what_was_made_again_can_be_made_again(folder):
    improvise('--rate', '16', '-o', 'out.mxl')
    for first, second in (('out', 'a'), ('a', 'b')):
        run('improvise', '--from', f'{first}.mxl', '-o', f'{second}.mxl')
    assert_same_files(folder, 'out', 'b', '.mxl')


def test_without_an_output_it_is_named_after_the_query(folder):
    improvise('--rate', '16', '-o', 'out.mxl')
    done = run('improvise', '--from', 'out.mxl')
    assert done.stdout.startswith('wrote tune-improvisation.musicxml and tune-improvisation.json\n')
    assert read(folder / 'out.json') == read(folder / 'tune-improvisation.json')


def test_a_query_and_a_model_with_other_names_make_the_same_music(folder):
    improvise('--rate', '16', '-o', 'out.mxl')
    (folder / 'tune.abc').rename(folder / 'copy.abc')
    (folder / 'blocks.keras').rename(folder / 'm.keras')
    run('improvise', '--from', 'out.json', 'copy.abc', '--model', 'm.keras', '-o', 'again.mxl')
    first, again = read(folder / 'out.json'), read(folder / 'again.json')
    assert again['recipe'] == {**first['recipe'], 'model': 'm.keras',
                               'queries': [{'source': 'copy.abc'}]}
    assert {**first, 'recipe': None} == {**again, 'recipe': None}


def test_rates_can_be_printed_though_the_recipe_does_not_ask_for_it(folder):
    improvise('--rate', '16', '-o', 'out.mxl')
    run('improvise', '--from', 'out.json', '--show-rates', '-o', 'rates.mxl')
    improvise('--rate', '16', '--show-rates', '-o', 'asked.mxl')
    assert_same_files(folder, 'rates', 'asked', '.mxl')


def test_a_recipe_of_python_needs_the_query_and_then_serves(folder):
    made = q.improvise(q.load_score('tune.abc'), 'blocks.keras', rate=16, seed=2)
    q.write_musicxml(made, 'made.musicxml')
    run('improvise', '--from', 'made.musicxml', 'tune.abc', '-o', 'again.mxl')
    improvise('--rate', '16', '--seed', '2', '-o', 'out.mxl')
    assert_same_files(folder, 'out', 'again', '.mxl')


def test_the_library_makes_again_what_the_command_made(folder):
    improvise('--rate', '16', '--measures', '1-2', '-o', 'out.mxl')
    made = q.replay('out.json')
    score = q.load_score('tune.abc').measures(1, 2)
    assert to_musicxml(made) == to_musicxml(q.replay('out.mxl', score))
    assert len(q.extract_notes(made)) == read(folder / 'out.json')['num_notes']['improvisation']


def test_another_version_is_a_note_and_no_failure(folder):
    improvise('--rate', '16', '-o', 'out.mxl')
    found = read(folder / 'out.json')
    found['recipe']['qbdi_m21'] = '0.0.1'
    (folder / 'old.json').write_text(json.dumps(found))
    done = CliRunner().invoke(main, ['improvise', '--from', 'old.json', '-o', 'again.mxl'],
                              prog_name='qbdi-m21')
    assert done.exit_code == 0
    assert re.fullmatch(r'note: the recipe was made with qbdi_m21 0\.0\.1, this is .*\n',
                        done.stderr)
    assert_same_files(folder, 'out', 'again', '.mxl')


SAMPLES = [
    ((), {}), (('--bars', '3', '--seed', '4'), {'bars': 3, 'seed': 4}),
    (('--bars', '2', '--meter', '6/8'), {'bars': 2, 'meter': '6/8'}),
    (('--bars', '5', '--meter', '7/4', '--decoding', 'sample', '--hand-span', '12'),
     {'bars': 5, 'meter': '7/4', 'decoding': q.Decoding('sample', hand_span=12)}),
    (('--bars', '2', '--threshold', 'paper', '--pitch-range', '48', '72', '--barline', 'strike'),
     {'bars': 2, 'decoding': q.Decoding(threshold='paper', pitch_range=(48, 72),
                                        barline='strike')})]


@pytest.mark.parametrize(('arguments', 'options'), SAMPLES, ids=[' '.join(a) for a, _ in SAMPLES])
def test_a_sample_is_the_librarys_and_comes_out_again_from_its_recipe(arguments, options, folder):
    done = run('sample', '--model', 'blocks.keras', *arguments, '-o', 'out.musicxml')
    made = q.sample('blocks.keras', **options)
    assert (folder / 'out.musicxml').read_bytes() == to_musicxml(made)
    assert schema_errors(folder / 'out.musicxml') == []
    assert done.stdout == (f'wrote out.musicxml and out.json: {len(q.extract_notes(made))} notes\n')
    assert read(folder / 'out.json') == {'recipe': made.derivation.recipe}
    assert made.derivation.recipe['bars'] == options.get('bars', 16)
    for source in ('out.json', 'out.musicxml'):
        run('improvise', '--from', source, '-o', 'again.musicxml')
        assert_same_files(folder, 'out', 'again', '.musicxml')


def test_a_sample_of_a_shipped_model_is_named_after_it(folder):
    done = run('sample', '--bars', 4)
    assert done.stdout.startswith('wrote chorales-sample.musicxml and chorales-sample.json: ')
    assert read(folder / 'chorales-sample.json')['recipe']['model'] == 'chorales'
    run('improvise', '--from', 'chorales-sample.json')
    for end in ('.musicxml', '.json'):
        assert (folder / f'chorales-sample-again{end}').read_bytes() == (
            folder / f'chorales-sample{end}').read_bytes()


BETWEEN = [
    ((), {'weight': [0.0, 1.0], 'rate': 'full'}),
    (('--weight', '.3', '--rate', 'half', '--seed', '5'),
     {'weight': [0.3], 'rate': 'half', 'seed': 5}),
    (('--weight', '0, 1,.5', '--rate', '64,full,0,8', '--variance', 'query', '--decoding', 'sample',
      '--min-length', '2'),
     {'weight': [0, 1, 0.5], 'rate': [64, 'full', 0, 8], 'variance': 'query',
      'decoding': q.Decoding('sample', min_length_frames=2)}),
    (('--channel', 'paper', '--allocation', 'continuous', '--rate', '200', '--threshold', '.3'),
     {'weight': [0.0, 1.0], 'channel': 'paper', 'allocation': 'continuous', 'rate': 200,
      'threshold': 0.3})]


@pytest.mark.parametrize(('arguments', 'options'), BETWEEN, ids=[' '.join(a) for a, _ in BETWEEN])
def test_an_interpolation_is_the_librarys_and_comes_out_again(arguments, options, folder):
    done = run('interpolate', 'tune.abc', 'other.abc', '--model', 'blocks.keras', *arguments, '-o',
               'out.musicxml')
    made = q.interpolate(q.load_score('tune.abc'), q.load_score('other.abc'), 'blocks.keras',
                         **options)
    recipe = made.derivation.recipe
    assert done.stdout == f'wrote out.musicxml and out.json: {len(q.extract_notes(made))} notes\n'
    assert read(folder / 'out.json') == {'recipe': json.loads(json.dumps({
        **recipe, 'queries': [{'source': 'tune.abc'}, {'source': 'other.abc'}]}))}
    written = q.read_notes(folder / 'out.musicxml')
    for column in ('onset', 'duration', 'pitch'):
        assert np.array_equal(getattr(written, column), getattr(q.extract_notes(made), column))
    assert schema_errors(folder / 'out.musicxml') == []
    for source in ('out.json', 'out.musicxml'):
        run('improvise', '--from', source, '-o', 'again.musicxml')
        assert_same_files(folder, 'out', 'again', '.musicxml')


def test_an_interpolation_is_named_after_both_queries(folder):
    done = run('interpolate', 'tune.abc', 'other.abc', '--model', 'blocks.keras')
    assert done.stdout.startswith('wrote tune-other.musicxml and tune-other.json: ')


def test_a_shorter_second_query_begins_again_and_that_is_told(folder):
    (folder / 'short.abc').write_text(TUNE.replace('GFED|C4|', ''))
    done = CliRunner().invoke(main, ['interpolate', 'tune.abc', 'short.abc', '--model',
                                     'blocks.keras', '-o', 'out.mxl'], prog_name='qbdi-m21')
    assert done.exit_code == 0
    assert done.stderr == ('note: the second query has 2 bars and the first 4: it begins again\n')


def test_a_failure_while_writing_leaves_neither_score_nor_json(folder, monkeypatch):
    def fail(*_, **__):
        raise OSError(28, 'No space left on device', 'out.musicxml')

    monkeypatch.setattr(musicxml, 'write_musicxml', fail)
    before = sorted(folder.iterdir())
    for command in (('sample', '--bars', '2'), ('interpolate', 'tune.abc', 'other.abc'),
                    ('improvise', 'tune.abc')):
        done = CliRunner().invoke(main, [*command, '--model', 'blocks.keras', '-o',
                                         'out.musicxml'], prog_name='qbdi-m21')
        assert done.exit_code == 2
        assert done.stderr == 'qbdi-m21: error: out.musicxml: No space left on device\n'
    assert sorted(folder.iterdir()) == before
