"""`qbdi-m21 ir` and `qbdi-m21 resynthesise`: lines, files, and bad input in one line."""

import json
import re
from itertools import pairwise

import matplotlib.image
import numpy as np
import pytest
from click.testing import CliRunner
from music21 import converter
from musicxml_checks import block_model, schema_errors, write_model_file

import qbdi_m21 as q
from qbdi_m21.cli import main

TUNE = ('X:1\nT:Tune\nM:4/4\nL:1/8\nK:C\nCEGB DFAc|^CEGA BAGF|CEGB DFAc|G2A2 F2E2|'
        'CEGB DFAc|C8|]\n')
WALTZ = 'X:1\nT:Waltz\nM:3/4\nL:1/8\nK:C\nCEGBDF|A2G2F2|CEGBDF|C6|]\n'

LINE = re.compile(r'(surface|latents): ([\d.]+) bits at threshold ([\d.]+), ([\d.]+) a frame; '
                  r'(\d+) symbols in (\d+) frames; (\d+) thresholds')
SHUFFLED = re.compile(r'  shuffled: ([\d.]+) \+- ([\d.]+) bits, (\d+) versions; p = ([\d.]+)')


def run(*arguments: object):
    return CliRunner().invoke(main, [str(a) for a in arguments], prog_name='qbdi-m21')


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Return a working folder with two tunes, a model, and files that are none."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'tune.abc').write_text(TUNE)
    (tmp_path / 'waltz.abc').write_text(WALTZ)
    (tmp_path / 'letter.musicxml').write_text('Dear reader,\n')
    (tmp_path / 'short.abc').write_text('X:1\nM:4/4\nL:1/4\nK:C\nC4|]\n')
    write_model_file(block_model(), tmp_path / 'blocks.keras')
    return tmp_path


def files_of(folder):
    return {p.name: p.read_bytes() for p in folder.rglob('*') if p.is_file()}


def assert_fails(folder, message: str, *arguments: object) -> None:
    """Run a command that must fail with one line, and leave the folder as it was."""
    before = files_of(folder)
    done = run(*arguments)
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    assert done.stdout == ''
    lines = done.stderr.splitlines()
    assert len(lines) == 1, done.stderr
    assert lines[0].startswith('qbdi-m21: error: ')
    assert re.search(message, lines[0]), lines[0]
    assert done.exit_code == 2
    assert files_of(folder) == before


def test_ir_prints_what_the_library_finds(folder):
    done = run('ir', 'tune.abc', '--null', 7, '--seed', 2)
    assert (done.exit_code, done.stderr) == (0, '')
    first, second = done.stdout.splitlines()
    found = q.information_rate(q.load_score('tune.abc'), search='exact', null=7, seed=2)
    name, bits, threshold, per_frame, symbols, frames, tried = LINE.fullmatch(first).groups()
    assert name == 'surface'
    assert float(bits) == pytest.approx(found.total_bits, abs=0.06)
    assert float(threshold) == pytest.approx(found.selected, abs=1e-4)
    assert float(per_frame) == pytest.approx(found.total_bits / 48, abs=1e-3)
    assert (int(symbols), int(frames), int(tried)) == (
        found.oracle.num_symbols, 48, len(found.thresholds))
    mean, sd, versions, p = SHUFFLED.fullmatch(second).groups()
    assert float(mean) == pytest.approx(found.null.mean_bits, abs=0.06)
    assert float(sd) == pytest.approx(found.null.sd_bits, abs=0.06)
    assert versions == '7'
    assert float(p) == pytest.approx(found.null.p_value, abs=1e-3)
    assert set(files_of(folder)) == {'tune.abc', 'waltz.abc', 'letter.musicxml', 'short.abc',
                                     'blocks.keras'}


def test_ir_without_a_null_model_is_one_line(folder):
    done = run('ir', 'tune.abc', '--null', 0)
    assert done.exit_code == 0
    assert LINE.fullmatch(done.stdout.rstrip('\n'))


def test_ir_has_latents_beside_the_surface(folder):
    done = run('ir', 'tune.abc', '--latent', 'blocks.keras', '--latents', 'received', '--rate', 64,
               '--null', 3, '--json', 'ir.json')
    assert (done.exit_code, done.stderr) == (0, '')
    names = [LINE.fullmatch(line)[1] for line in done.stdout.splitlines()[::2]]
    assert names == ['surface', 'latents']
    found = json.loads((folder / 'ir.json').read_text(encoding='utf-8'))
    assert [len(found[name]['profile']) for name in names] == [48, 6]
    wanted = q.latent_information_rate(q.load_score('tune.abc'), 'blocks.keras', search='exact',
                                       latents='received', rate=64, null=3)
    assert found['latents'] == json.loads(json.dumps(wanted.to_json()))


def test_ir_json_is_what_the_library_gives(folder):
    options = ['--distance', 'pitch-class-set', '--search', 'grid', '--silence', 'ignore',
               '--step', '1', '--null', '2', '--seed', '9']
    assert run('ir', 'tune.abc', *options, '--json', 'ir.json').exit_code == 0
    found = json.loads((folder / 'ir.json').read_text(encoding='utf-8'))
    wanted = q.information_rate(q.load_score('tune.abc'), distance='pitch-class-set', step=1,
                                search='grid', silence='ignore', null=2, seed=9)
    assert found == {'surface': json.loads(json.dumps(wanted.to_json()))}
    assert len(found['surface']['thresholds']) == 100


def test_ir_measures_a_part_of_a_score(folder):
    assert run('ir', 'tune.abc', '--measures', '2-4', '--json', 'a.json').exit_code == 0
    rows = json.loads((folder / 'a.json').read_text(encoding='utf-8'))['surface']['profile']
    assert len(rows) == 24
    assert [row['measure'] for row in rows[::8]] == [2, 3, 4]


def test_ir_draws_a_picture_with_the_same_bytes_each_time(folder):
    for name, more in (('a', ()), ('b', ()), ('c', ('--latent', 'blocks.keras'))):
        done = run('ir', 'tune.abc', '--null', 3, '-o', f'{name}.png', *more)
        assert (done.exit_code, done.stderr) == (0, '')
    files = files_of(folder)
    assert files['a.png'] == files['b.png'] != files['c.png']
    assert files['a.png'][:8] == b'\x89PNG\r\n\x1a\n'
    pixels = matplotlib.image.imread(folder / 'a.png')
    assert np.ptp(pixels[..., :3]) > 0.5


@pytest.mark.parametrize(('arguments', 'message'), [
    (['none.abc'], 'no such file: none.abc'), (['letter.musicxml'], 'cannot be read'),
    ([], 'SCORE'), (['tune.abc', '-o', 'a.pdf'], r"a\.pdf ends in '\.pdf'; expected \.png"),
    (['tune.abc', '-o', 'none/a.png'], 'there is no folder none'),
    (['tune.abc', '--json', 'a.txt'], r"ends in '\.txt'; expected \.json"),
    (['tune.abc', '--distance', 'nearness'], "no distance 'nearness'; expected a function"),
    (['tune.abc', '--step', 'long'], 'long'), (['tune.abc', '--null', '-1'], '--null'),
    (['tune.abc', '--search', 'best'], '--search'),
    (['tune.abc', '--silence', 'loud'], '--silence'),
    (['tune.abc', '--latent', 'none'], "no model 'none'"),
    (['tune.abc', '--latent', 'blocks.keras', '--latents', 'all'], '--latents'),
    (['tune.abc', '--latent', 'blocks.keras', '--rate', 'fast', '--latents', 'received'],
     "rate is 'fast'"),
    (['tune.abc', '--measures', '40-50'], '40'), (['tune.abc', '--number', '3'], 'number is 3'),
    (['short.abc', '--step', '4'], 'expected at least two'),
    (['short.abc', '--latent', 'blocks.keras'], 'the score has 1 bar; expected at least two')])
def test_bad_input_of_ir_is_one_line(folder, arguments, message):
    assert_fails(folder, message, 'ir', *arguments)


def test_ir_writes_nothing_where_the_latents_fail(folder):
    assert_fails(folder, 'no model', 'ir', 'tune.abc', '--latent', 'none.keras', '--json', 'a.json',
                 '-o', 'a.png')


def test_resynthesise_writes_a_valid_score_and_where_it_is_from(folder):
    done = run('resynthesise', 'tune.abc', '--bars', 9, '--continuity', 0.5, '--min-lrs', 1,
               '--seed', 4, '-o', 'new.musicxml')
    assert (done.exit_code, done.stderr) == (0, '')
    found = json.loads((folder / 'new.json').read_text(encoding='utf-8'))
    passages = found['passages']
    assert done.stdout == (f'wrote new.musicxml and new.json: 9 bars of {len(passages)} '
                           'passages\n')
    assert len(passages) > 2
    assert passages[0]['start_ql'] == 0
    assert passages[-1]['end_ql'] == 36
    assert all(a['end_ql'] == b['start_ql'] for a, b in pairwise(passages))
    recipe = found['recipe']
    assert (recipe['operation'], recipe['bars'], recipe['seed']) == ('resynthesise', 9, 4)
    assert recipe['queries'] == [{'source': 'tune.abc'}]
    assert schema_errors(folder / 'new.musicxml') == []
    made = q.resynthesise(q.load_score('tune.abc'), bars=9, continuity=0.5, min_lrs=1, seed=4)
    assert [(p['start_ql'], p['end_ql'], p['source_measure'], p['source_beat'])
            for p in passages] == [tuple(map(float, p)) for p in made.passages()]
    read = converter.parse(folder / 'new.musicxml', forceSource=True)
    assert len(read.parts[0].getElementsByClass('Measure')) == 9
    written = (folder / 'new.musicxml').read_text(encoding='utf-8')
    assert all(f'>{mark.text}</words>' in written for mark in made.marks())


def test_resynthesise_follows_a_query(folder):
    done = run('resynthesise', 'tune.abc', 'waltz.abc', '--jump-cost', 0.5, '--no-sources')
    assert (done.exit_code, done.stderr) == (0, '')
    assert done.stdout.startswith(
        'wrote tune-resynthesis.musicxml and tune-resynthesis.json: 4 bars of ')
    path = folder / 'tune-resynthesis.musicxml'
    assert schema_errors(path) == []
    assert '>m. ' not in path.read_text(encoding='utf-8')
    recipe = json.loads(path.with_suffix('.json').read_text(encoding='utf-8'))['recipe']
    assert recipe['queries'] == [{'source': 'tune.abc'}, {'source': 'waltz.abc'}]
    assert recipe['jump_cost'] == 0.5
    made = q.resynthesise(q.load_score('tune.abc'), q.load_score('waltz.abc'), jump_cost=0.5)
    q.write_musicxml(made.score, 'library.musicxml')
    assert path.read_bytes() == (folder / 'library.musicxml').read_bytes()


def test_resynthesise_walks_over_latents(folder):
    done = run('resynthesise', 'tune.abc', '--model', 'blocks.keras', '--bars', 7, '-o', 'l.mxl')
    assert (done.exit_code, done.stderr) == (0, '')
    assert '7 bars of' in done.stdout
    assert schema_errors(folder / 'l.mxl') == []
    found = json.loads((folder / 'l.json').read_text(encoding='utf-8'))
    assert found['recipe']['model'] == 'blocks.keras'


def test_the_seed_decides_the_bytes_of_a_resynthesis(folder):
    for name, seed in (('a', 1), ('b', 1), ('c', 2)):
        assert run('resynthesise', 'tune.abc', '--bars', 12, '--continuity', 0.4, '--min-lrs', 1,
                   '--seed', seed, '-o', f'{name}.musicxml').exit_code == 0
    files = files_of(folder)
    assert files['a.musicxml'] == files['b.musicxml'] != files['c.musicxml']
    assert files['a.json'] == files['b.json']


@pytest.mark.parametrize(('arguments', 'message'), [
    (['none.abc'], 'no such file: none.abc'), (['tune.abc', 'none.abc'], 'no such file: none.abc'),
    ([], 'SCORE'), (['letter.musicxml'], 'cannot be read'),
    (['tune.abc', 'letter.musicxml'], 'cannot be read'),
    (['tune.abc', '-o', 'a.pdf'], r"a\.pdf ends in '\.pdf'"),
    (['tune.abc', '-o', 'none/a.mxl'], 'there is no folder none'),
    (['tune.abc', '--json', 'a.xml'], r"ends in '\.xml'; expected \.json"),
    (['tune.abc', '--bars', '0'], '--bars'), (['tune.abc', '--bars', '20000'], 'bars is 20000'),
    (['tune.abc', 'waltz.abc', '--bars', '4'], 'the query says how many'),
    (['tune.abc', '--continuity', '1.5'], r'continuity=1\.5'),
    (['tune.abc', '--continuity', 'nan'], 'continuity=nan'),
    (['tune.abc', '--min-lrs', '0'], '--min-lrs'),
    (['tune.abc', 'waltz.abc', '--jump-cost', '-1'], r'jump_cost=-1\.0'),
    (['tune.abc', 'waltz.abc', '--jump-cost', 'inf'], 'jump_cost=inf'),
    (['tune.abc', '--step', '0'], 'step is 0'), (['tune.abc', '--step', 'x'], 'x'),
    (['tune.abc', '--seed', '-1'], '--seed'), (['tune.abc', '--model', 'none'], "no model 'none'"),
    (['short.abc', '--model', 'blocks.keras'], 'at least two frames')])
def test_bad_input_of_resynthesise_is_one_line(folder, arguments, message):
    assert_fails(folder, message, 'resynthesise', *arguments)


def test_the_material_is_not_overwritten(folder):
    score = q.load_score('tune.abc')
    q.write_musicxml(score, 'm.musicxml')
    for arguments in (['m.musicxml', '-o', 'm.musicxml'],
                      ['tune.abc', 'm.musicxml', '-o', './m.musicxml']):
        assert_fails(folder, 'is the query itself', 'resynthesise', *arguments)


@pytest.mark.parametrize('command', ['ir', 'resynthesise'])
def test_help_has_examples(command):
    done = run(command, '--help')
    assert done.exit_code == 0
    assert re.search(rf'Examples?:\n +qbdi-m21 {command}', done.stdout)
