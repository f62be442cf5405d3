"""Bad input to the commands of the channel: one line on stderr, status 2, no file left."""

import json
import re

import numpy as np
import pytest
from click.testing import CliRunner
from musicxml_checks import block_model, write_model_file

import qbdi_m21 as q
from qbdi_m21.cli import main

TUNE = 'X:1\nT:Tune\nM:4/4\nL:1/4\nK:C\nGABc|GABc|GFED|C4|]\n'
SILENT = 'X:1\nT:Silent\nM:4/4\nL:1/4\nK:C\nz4|z4|]\n'


def other_weights():
    """Return a model whose first weight is another."""
    model = block_model()
    kernel = np.array(model.weights['encoder_mean'][0])
    kernel[0, 0] += 0.5
    model.weights['encoder_mean'] = (kernel, model.weights['encoder_mean'][1])
    return model


@pytest.fixture(scope='module')
def made(tmp_path_factory):
    """Return a folder with a tune, models, a score with its recipe, and broken recipes."""
    folder = tmp_path_factory.mktemp('made')
    for name, text in (('tune.abc', TUNE), ('silent.abc', SILENT), ('letter.json', 'Dear reader,'),
                       ('other.abc', TUNE.replace('GFED', 'GFEE')), ('cut.json', '{"recipe": {'),
                       ('list.json', '[1, 2]'), ('empty.json', ''), ('plain.json', '{"a": 1}')):
        (folder / name).write_text(text)
    write_model_file(block_model(), folder / 'blocks.keras')
    write_model_file(other_weights(), folder / 'others.keras')
    score = q.load_score(folder / 'tune.abc')
    q.write_musicxml(score, folder / 'plain.musicxml')
    q.write_musicxml(q.improvise(score, block_model(), rate=8), folder / 'made.musicxml')
    found = q.compare(score, str(folder / 'blocks.keras'), rate=8).to_json()
    found['recipe'] |= {'queries': [{'source': 'tune.abc'}], 'model': 'blocks.keras'}
    write_recipes(found, folder)
    return folder


def write_recipes(found, folder):
    """Write a good recipe, and ones in which something is another."""
    changes = {
        'good': {}, 'newer': {'format': 2}, 'older': {'format': 0}, 'sung': {'operation': 'sing'},
        'gone': {'queries': [{'source': 'gone.abc'}]}, 'swapped': {
            'queries': [{'source': 'other.abc'}]}, 'nameless': {'queries': []},
        'rate': {'rate': 'fast'}, 'seed': {'seed': -1}, 'channel': {'channel': 'loud'},
        'weights': {'model': 'others.keras'}, 'model': {'model': 'none.keras'},
        'bars': {'rate': [1, 2]}, 'measure': {'queries': [{'source': 'tune.abc',
                                                          'measures': '7-9'}]}}
    for name, change in changes.items():
        (folder / f'{name}.json').write_text(json.dumps(
            {**found, 'recipe': {**found['recipe'], **change}}))


@pytest.fixture
def folder(made, monkeypatch):
    monkeypatch.chdir(made)
    return made


def assert_fails(folder, message: str, *arguments: object) -> None:
    """Run a command that must fail with one line, and leave the folder as it was."""
    before = {p: p.is_file() and p.read_bytes() for p in folder.rglob('*')}
    done = CliRunner().invoke(main, [str(a) for a in arguments], prog_name='qbdi-m21')
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    assert done.stdout == ''
    lines = done.stderr.splitlines()
    assert len(lines) == 1, done.stderr
    assert lines[0].startswith('qbdi-m21: error: ')
    assert re.search(message, lines[0]), lines[0]
    assert done.exit_code == 2
    assert {p: p.is_file() and p.read_bytes() for p in folder.rglob('*')} == before


@pytest.mark.parametrize(('options', 'message'), [
    (('--rate=64,64',), r'2 rates were given for 4 bars; expected one for each bar'),
    (('--rate=1,2,3,4,5',), r'5 rates were given for 4 bars'),
    (('--rate=64,-1,0,0',), r"rate is '-1'; expected a whole number of bits"),
    (('--rate=64,nan,0,0',), r"rate is 'nan'; expected a whole number of bits"),
    (('--rate=64,,0,0',), r"rate is ''; expected a whole number of bits"),
    (('--rate=,',), r"rate is ''; expected a whole number of bits"),
    (('--rate=-0.5',), r"rate is '-0\.5'; expected a whole number of bits"),
    (('--rate=1.5',), r"rate is '1\.5'; expected a whole number of bits"),
    (('--rate=quarter',), r"rate is 'quarter'; .* 'half' or 'full'"),
    (('--rate=99999999999999',), r"rate is '99999999999999'; expected a whole number of bits"),
    (('--region', '9-12=full'), r'no measure 9-12 in the score; its measures run from 0 to 3'),
    (('--region', '3-2=full'), r'the measures 3-2 end before they begin; expected 2-3'),
    (('--region', 'B=0'), r"no rehearsal mark 'B' in the score \(its marks: none\)"),
    (('--region', 'mark:2=0'), r"no rehearsal mark '2' in the score"),
    (('--region', 'part:Viola=0'), r"no part 'Viola' in the score; its parts are Part 1, or 1"),
    (('--region', 'part:2=0'), r"no part '2' in the score"),
    (('--region', 'part:0=0'), r"no part '0' in the score"),
    (('--region', 'part:=0'), r"no part '' in the score"),
    (('--region', '1-2'), r"region is '1-2'; expected WHERE=RATE"),
    (('--region', '=5'), r"region is '=5'; expected WHERE=RATE"),
    (('--region', ''), r"region is ''; expected WHERE=RATE"),
    (('--region', '1='), r"rate is ''; expected a whole number of bits"),
    (('--region', '1=loud'), r"rate is 'loud'; expected a whole number of bits"),
    (('--region', '1=-4'), r"rate is '-4'; expected a whole number of bits"),
    (('--channel', 'loud'), r"'loud' is not one of 'prior-preserving', 'paper', 'notebook'"),
    (('--variance', 'loud'), r"'loud' is not one of 'corpus'"),
    (('--allocation', 'loud'), r"'loud' is not one of 'whole'"),
    (('--channel', 'notebook', '--variance', 'corpus'), r"variance is 'corpus', but the channel"),
    (('--measures', '2', '--variance', 'query'), r'variance of every latent is 0'),
    (('--decoding', 'loud'), r"'loud' is not one of 'threshold'"),
    (('--threshold', '0'), r'threshold is 0\.0; expected a probability between 0 and 1'),
    (('--threshold', '1.2'), r'threshold is 1\.2; expected a probability between 0 and 1'),
    (('--threshold', 'papers'), r"threshold is 'papers'; expected .*'paper' or 'calibrated'"),
    (('--threshold', ''), r"threshold is ''; expected"),
    (('--threshold', '.5', '--decoding', 'sample'), r"is no part of decoding by 'sample'"),
    (('--threshold', 'paper', '--decoding', 'density'), r"is no part of decoding by 'density'"),
    (('--min-length', '0'), r'min_length_frames is 0; expected a whole number from 1 on'),
    (('--min-length', '1.5'), r"--min-length.*'1\.5' is not a valid integer"),
    (('--restrike', 'loud'), r"--restrike.*'loud' is not one of"),
    (('--barline', 'loud'), r"--barline.*'loud' is not one of"),
    (('--pitch-range', '72', '60'), r'pitch_range is \(72, 60\); expected \(low, high\)'),
    (('--pitch-range', '60', '66'), r'pitch_range is \(60, 66\); expected an octave at least'),
    (('--pitch-range', '-3', '60'), r'pitch_range is \(-3, 60\)'),
    (('--pitch-range', '60', '200'), r'pitch_range is \(60, 200\)'),
    (('--pitch-range', '60'), r'--pitch-range.* 2 arguments'),
    (('--hand-span', '6'), r'hand_span is 6; expected a whole number from 7 on'),
    (('--hand-span', 'x'), r"--hand-span.*'x' is not a valid integer"),
    (('--measures', 'x'), r"measures is 'x'; expected a range such as '5-12'"),
    (('--measures', '3-1'), r"measures is '3-1'; expected a range"),
    (('--measures', '-1'), r"measures is '-1'; expected a range"),
    (('--measures', '1-2-3'), r"measures is '1-2-3'; expected a range"),
    (('--measures', '40-50'), r'no measure 40-50 in tune\.abc'),
    (('--number', '2'), r'is one score; number is 2'),
    (('--json', 'none/out.json'), r'there is no folder none'),
    (('--json', 'out.txt'), r"ends in '\.txt'; expected \.json"),
    (('-o', 'none/out.mxl'), r'there is no folder none'),
])
def test_bad_options_of_improvise(options, message, folder):
    assert_fails(folder, message, 'improvise', 'tune.abc', '--model', 'blocks.keras', *options)


@pytest.mark.parametrize(('source', 'message'), [
    ('none.json', r'no such file: none\.json; expected a score that qbdi-m21 wrote'),
    ('letter.json', r'letter\.json holds no recipe that can be read'),
    ('cut.json', r'cut\.json holds no recipe that can be read'),
    ('empty.json', r'empty\.json holds no recipe that can be read'),
    ('list.json', r'list\.json holds no recipe of an improvisation'),
    ('plain.json', r'plain\.json holds no recipe of an improvisation'),
    ('plain.musicxml', r'plain\.musicxml holds no recipe of an improvisation'),
    ('tune.abc', r'tune\.abc is no MusicXML that qbdi-m21 wrote'),
    ('blocks.keras', r'blocks\.keras is no MusicXML that qbdi-m21 wrote'),
    ('newer.json', r'the recipe of newer\.json has format 2; this version reads 1: install'),
    ('older.json', r'the recipe of older\.json has format 0; this version reads 1'),
    ('sung.json', r"the recipe is of 'sing'; expected improvise, sample or interpolate"),
    ('gone.json', r'no such file: gone\.abc'),
    ('swapped.json', r'the notes of the query are not those that the recipe was made with'),
    ('nameless.json', r'names no query \(it was made in Python\); give the QUERY'),
    ('made.musicxml', r'names no query \(it was made in Python\); give the QUERY'),
    ('measure.json', r'no measure 7-9 in tune\.abc'),
    ('rate.json', r"rate is 'fast'; expected a whole number"),
    ('bars.json', r'2 rates were given for 4 bars'),
    ('seed.json', r'seed is -1; expected a whole number >= 0'),
    ('channel.json', r"channel is 'loud'; expected one of"),
    ('model.json', r"no model 'none\.keras'"),
    ('weights.json', r"the model 'others\.keras'.* weights"),
])
def test_recipes_that_cannot_be_made_again(source, message, folder):
    assert_fails(folder, message, 'improvise', '--from', source, '-o', 'out.musicxml')


@pytest.mark.parametrize(('more', 'message'), [
    (('other.abc',), r'the notes of the query are not those that the recipe was made with'),
    (('gone.abc',), r'no such file: gone\.abc'),
    (('--model', 'others.keras'), r"the model '\w+\.keras'.* weights"),
    (('--model', 'none.keras'), r"no model 'none\.keras'"),
    *(((option, *values), rf'^qbdi-m21: error: {option} cannot stand beside --from, whose recipe')
      for option, *values in (
          ('--rate', '8'), ('--seed', '0'), ('--threshold', '.5'), ('--measures', '1'),
          ('--number', '1'), ('--channel', 'paper'), ('--variance', 'query'),
          ('--allocation', 'whole'), ('--decoding', 'density'), ('--min-length', '1'),
          ('--restrike', 'never'), ('--barline', 'tie'), ('--pitch-range', '40', '80'),
          ('--hand-span', '12'))),
    (('--seed', '0', '--rate', '8'), r'--rate, --seed cannot stand beside --from'),
    (('--region', '1=0'), r'cannot stand beside --from'),
    (('-o', 'out.pdf'), r"ends in '\.pdf'"), (('-o', 'none/out.mxl'), r'there is no folder none'),
])
def test_what_cannot_stand_beside_a_recipe(more, message, folder):
    assert_fails(folder, message, 'improvise', '--from', 'good.json', *more)


def test_the_good_recipe_is_good(folder, tmp_path):
    done = CliRunner().invoke(main, ['improvise', '--from', 'good.json', '-o',
                                     str(tmp_path / 'out.mxl')], prog_name='qbdi-m21')
    assert (done.exit_code, done.stderr) == (0, '')


@pytest.mark.parametrize('options', [(), ('--rate', '8')])
def test_without_a_query_or_a_recipe_both_are_named(options, folder):
    assert_fails(folder, r'no QUERY was given; expected a score file, corpus:NAME, or --from',
                 'improvise', *options)


@pytest.mark.parametrize(('options', 'message'), [
    (('--bars', '0'), r"--bars.*0 is not in the range x>=1"),
    (('--bars', 'x'), r"--bars.*'x' is not a valid"),
    (('--bars', '10001'), r'bars is 10001; expected a whole number from 1 to 10000'),
    (('--meter', '4'), r"meter is '4'; expected one such as '4/4' or '6/8'"),
    (('--meter', '0/4'), r"meter is '0/4'"), (('--meter', '4/0'), r"meter is '4/0'"),
    (('--meter', '4/5'), r"meter is '4/5'"), (('--meter', '-3/4'), r"meter is '-3/4'"),
    (('--meter', '999/4'), r"meter is '999/4'"), (('--meter', 'waltz'), r"meter is 'waltz'"),
    (('--seed', '-1'), r'--seed'), (('--threshold', 'calibrated'), r'there is no query'),
    (('--threshold', '2'), r'threshold is 2\.0'), (('--hand-span', '1'), r'hand_span is 1'),
    (('--model', 'none'), r"no model 'none'"), (('-o', 'out.pdf'), r"ends in '\.pdf'"),
    (('-o', 'none/out.mxl'), r'there is no folder none'), (('--rate', '8'), r'No such option'),
])
def test_bad_options_of_sample(options, message, folder):
    assert_fails(folder, message, 'sample', '--model', 'blocks.keras', *options)


@pytest.mark.parametrize(('arguments', 'message'), [
    (('tune.abc',), r"Missing argument 'SECOND'"),
    (('tune.abc', 'gone.abc'), r'no such file: gone'),
    (('gone.abc', 'tune.abc'), r'no such file: gone'),
    (('tune.abc', 'silent.abc'), r'silent\.abc holds no note|no pitched note'),
    *((('tune.abc', 'other.abc', f'--weight={weight}'), r'weight is .*; expected numbers from 0 to')
      for weight in ('2', '-0.1', 'nan', 'x', '', '0,', '0,1.5', '0;1')),
    (('tune.abc', 'other.abc', '--rate', '1,2'), r'2 rates were given for 4 bars'),
    (('tune.abc', 'other.abc', '--rate', 'nan'), r"rate is 'nan'"),
    (('tune.abc', 'other.abc', '--region', '1=0'), r'No such option'),
    (('tune.abc', 'other.abc', '-o', 'other.abc'), r"ends in '\.abc'"),
    (('plain.musicxml', 'tune.abc', '-o', 'plain.musicxml'), r'is the query itself'),
    (('tune.abc', 'plain.musicxml', '-o', './plain.musicxml'), r'is the query itself'),
    (('tune.abc', 'other.abc', '-o', 'none/out.mxl'), r'there is no folder none'),
])
def test_bad_input_of_interpolate(arguments, message, folder):
    assert_fails(folder, message, 'interpolate', *arguments, '--model', 'blocks.keras')


@pytest.mark.parametrize(('arguments', 'message'), [
    (('-o', 'tune.abc'), r'cannot write into tune\.abc: it is a file; give a folder'),
    (('-o', 'none/out'), r'cannot make none/out: there is no folder none'),
    ((), r"Missing option '-o'"), (('--rates', '', '-o', 'out'), r"rate is ''"),
    (('--rates', '64,-1', '-o', 'out'), r"rate is '-1'"),
    (('--rates', 'full,nan', '-o', 'out'), r"rate is 'nan'"),
    (('--seeds', '0', '-o', 'out'), r'--seeds.*0 is not in the range x>=1'),
    (('--seeds', '-2', '-o', 'out'), r'--seeds.*-2 is not in the range x>=1'),
    (('--transpose', '0', '-o', 'out'), r'a transposition of 0 semitones .* no whole octaves'),
    (('--transpose', '-12', '-o', 'out'), r'a transposition of -12 semitones'),
    (('--transpose', '1.5', '-o', 'out'), r"--transpose.*'1\.5' is not a valid integer"),
    (('--measures', 'x', '-o', 'out'), r"measures is 'x'"),
    (('--number', '3', '-o', 'out'), r'is one score; number is 3'),
    (('--threshold', 'high', '-o', 'out'), r"threshold is 'high'"),
    (('--model', 'none', '-o', 'out'), r"no model 'none'"),
])
def test_bad_options_of_sweep(arguments, message, folder):
    assert_fails(folder, message, 'sweep', 'tune.abc', '--model', 'blocks.keras', *arguments)


@pytest.mark.parametrize(('query', 'message'), [
    ('gone.abc', r'no such file: gone\.abc'), ('silent.abc', r'no note|no pitched note'),
    ('letter.json', r'letter\.json')])
def test_bad_queries_of_sweep_make_no_folder(query, message, folder):
    assert_fails(folder, message, 'sweep', query, '--model', 'blocks.keras', '-o', 'out')
