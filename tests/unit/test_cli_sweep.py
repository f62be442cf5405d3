"""The command `sweep`: a folder of scores, tables and a picture."""

import csv
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from musicxml_checks import block_model, read_musicxml, schema_errors, write_model_file

import qbdi_m21 as q
from qbdi_m21.cli import main
from qbdi_m21.improvisation.sweep import COLUMNS
from qbdi_m21.notation.musicxml import to_musicxml
from qbdi_m21.report.plots import plot_sweep, save_figure

TUNE = 'X:1\nT:Tune\nM:4/4\nL:1/4\nK:C\nGABc|GABc|GFED|C4|]\n'
TABLES = ['summary.csv', 'sweep.csv', 'sweep.json', 'sweep.png']


def run(*arguments: object):
    return CliRunner().invoke(main, [str(a) for a in arguments], prog_name='qbdi-m21')


def sweep(*more: object):
    done = run('sweep', 'tune.abc', '--model', 'blocks.keras', *more)
    assert (done.exit_code, done.stderr) == (0, '')
    return done


def prepare(folder: Path) -> None:
    (folder / 'tune.abc').write_text(TUNE)
    write_model_file(block_model(), folder / 'blocks.keras')


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Return an empty working folder with a tune and a model."""
    monkeypatch.chdir(tmp_path)
    prepare(tmp_path)
    return tmp_path


@pytest.fixture(scope='module')
def swept(tmp_path_factory):
    """Return a folder in which a sweep was written into `out`, and what was printed."""
    made = tmp_path_factory.mktemp('swept')
    prepare(made)
    here = Path.cwd()
    os.chdir(made)
    try:
        return made, sweep('--rates', 'full,64, half,0', '--seeds', '2', '-o', 'out').stdout
    finally:
        os.chdir(here)


def rows_of(path):
    with open(path, encoding='utf-8', newline='') as file:
        return list(csv.DictReader(file))


def test_the_folder_holds_what_is_said(swept):
    folder, printed = swept
    assert sorted(path.name for path in (folder / 'out').iterdir()) == sorted(
        [*TABLES, 'rate-full.musicxml', 'rate-0064.musicxml', 'rate-0.5.musicxml',
         'rate-0000.musicxml'])
    assert printed.splitlines()[0] == ('wrote 26 rows to out/sweep.csv, and beside it summary.csv, '
                                       'sweep.json, sweep.png and 4 scores')


def test_the_table_is_the_librarys(swept, monkeypatch, tmp_path):
    folder, _ = swept
    monkeypatch.chdir(folder)
    found = q.sweep(q.load_score('tune.abc'), 'blocks.keras', rates=('full', 64, 'half', 0),
                    seeds=2)
    found.write_csv(tmp_path / 'sweep.csv')
    assert (tmp_path / 'sweep.csv').read_bytes() == (folder / 'out/sweep.csv').read_bytes()
    save_figure(plot_sweep(found), tmp_path / 'sweep.png')
    assert (tmp_path / 'sweep.png').read_bytes() == (folder / 'out/sweep.png').read_bytes()
    rows = rows_of(folder / 'out/sweep.csv')
    assert list(rows[0]) == list(COLUMNS)
    assert len(rows) == 26
    plain = json.loads((folder / 'out/sweep.json').read_text(encoding='utf-8'))
    assert plain['summary'] == json.loads(json.dumps(found.summary()))
    assert plain['recipes'] == [{**recipe, 'queries': [{'source': 'tune.abc'}]}
                                for recipe in json.loads(json.dumps(found.recipes))]


def test_the_summary_file_holds_the_means_of_the_rows(swept):
    folder, _ = swept
    rows = rows_of(folder / 'out/sweep.csv')
    lines = rows_of(folder / 'out/summary.csv')
    assert list(lines[0]) == ['control', 'rate', 'measure', 'count', 'mean', 'low', 'high']
    for line in lines:
        values = [float(row[line['measure']]) for row in rows
                  if (row['control'], row['rate']) == (line['control'], line['rate'])
                  and row[line['measure']]]
        assert int(line['count']) == len(values)
        if values:
            assert float(line['mean']) == pytest.approx(sum(values) / len(values), abs=1e-6)
        else:
            assert line['mean'] == ''
        if len(values) > 1:
            assert float(line['low']) <= float(line['mean']) <= float(line['high'])
        else:
            assert (line['low'], line['high']) == ('', '')


def test_the_printed_means_are_those_of_the_summary(swept):
    folder, printed = swept
    lines = printed.splitlines()[2:]
    means = {(row['control'], row['rate'], row['measure']): row['mean']
             for row in rows_of(folder / 'out/summary.csv')}
    assert len(lines) == 3 * 4 + 1
    for line in lines:
        control, rate = line[:12].strip(), line[12:22].strip()
        numbers = line[22:].split()
        for name, text, digits in zip(('delivered_bits', 'notes', 'chroma_cosine'), numbers,
                                      (1, 1, 2), strict=False):
            if means[control, rate, name]:
                assert float(text) == pytest.approx(float(means[control, rate, name]),
                                                    abs=0.51 / 10 ** digits)
            else:
                assert text == '-'


@pytest.mark.parametrize(('name', 'rate'), [('rate-full', 'full'), ('rate-0064', 64),
                                            ('rate-0.5', 0.5), ('rate-0000', 0)])
def test_the_score_of_a_rate_is_the_improvisation_above_the_query(name, rate, swept, monkeypatch):
    folder, _ = swept
    monkeypatch.chdir(folder)
    path = folder / 'out' / f'{name}.musicxml'
    assert schema_errors(path) == []
    query = q.load_score('tune.abc')
    made = q.improvise(query, 'blocks.keras', rate=rate)
    recipe = {**made.derivation.recipe, 'queries': [{'source': 'tune.abc'}], 'findings': False}
    assert q.read_recipe(path) == recipe
    root, wanted = (read_musicxml(data) for data in (path, to_musicxml(q.align(query, made))))
    for tag in ('score-part', 'note', 'measure'):
        assert [(dict(e.attrib), ''.join(e.itertext())) for e in root.iter(tag)] == [
            (dict(e.attrib), ''.join(e.itertext())) for e in wanted.iter(tag)], tag


def test_a_score_of_a_sweep_is_made_again_from_its_recipe(swept, monkeypatch, tmp_path):
    folder, _ = swept
    monkeypatch.chdir(folder)
    again = tmp_path / 'again.musicxml'
    assert run('improvise', '--from', 'out/rate-0064.musicxml', '-o', again).exit_code == 0
    assert again.read_bytes() == (folder / 'out/rate-0064.musicxml').read_bytes()


def test_two_runs_write_the_same_bytes(folder):
    for name in ('a', 'b'):
        sweep('--rates', '64,0', '--seeds', '2', '-o', name)
    names = sorted(path.name for path in (folder / 'a').iterdir())
    assert names == ['rate-0000.musicxml', 'rate-0064.musicxml', *TABLES]
    for name in names:
        assert (folder / 'a' / name).read_bytes() == (folder / 'b' / name).read_bytes(), name


def test_scores_can_be_left_out_and_other_files_stay(folder):
    (folder / 'out').mkdir()
    (folder / 'out/mine.txt').write_text('keep')
    done = sweep('--rates', '8', '--seeds', '1', '--no-scores', '-o', 'out')
    assert done.stdout.splitlines()[0].endswith('summary.csv, sweep.json, sweep.png')
    assert sorted(path.name for path in (folder / 'out').iterdir()) == ['mine.txt', *TABLES]
    assert (folder / 'out/mine.txt').read_text() == 'keep'


def test_options_are_those_of_the_library(folder):
    sweep('--rates', '40', '--seeds', '1', '--channel', 'paper', '--allocation', 'continuous',
          '--threshold', '.3', '--min-length', '2', '--measures', '1-3', '--transpose', '-5', '-o',
          'out')
    found = q.sweep(q.load_score('tune.abc').measures(1, 3), 'blocks.keras', rates=(40,), seeds=1,
                    channel='paper', allocation='continuous', transpose=-5,
                    decoding=q.Decoding(threshold=0.3, min_length_frames=2))
    found.write_csv('library.csv')
    assert (folder / 'out/sweep.csv').read_bytes() == (folder / 'library.csv').read_bytes()
    (recipe,) = json.loads((folder / 'out/sweep.json').read_text())['recipes']
    assert recipe['queries'] == [{'source': 'tune.abc', 'measures': '1-3'}]
    assert q.read_recipe('out/rate-0040.musicxml') == {**recipe, 'findings': False}


def test_a_rate_above_what_the_model_carries_is_told_once_for_all_seeds(folder):
    done = run('sweep', 'tune.abc', '--model', 'blocks.keras', '--rates', '5000,8', '--seeds', '3',
               '--no-scores', '-o', 'out')
    assert done.exit_code == 0
    (line,) = done.stderr.splitlines()
    assert line.startswith('note: a rate of 5000 bits is above what the model can carry')


def test_a_silent_sweep_has_dashes_and_empty_fields(folder):
    done = sweep('--rates', '0', '--seeds', '1', '--channel', 'paper', '-o', 'out')
    line = done.stdout.splitlines()[2]
    assert re.fullmatch(r'query +0 bits +0\.0 +0\.0 +- +-', line)
    row = rows_of(folder / 'out/sweep.csv')[0]
    assert (row['notes'], row['chroma_cosine'], row['key']) == ('0', '', '')
    assert schema_errors(folder / 'out/rate-0000.musicxml') == []


def test_the_installed_command_shows_no_progress_in_a_pipe(folder):
    command = Path(sys.executable).with_name('qbdi-m21')
    done = subprocess.run(
        [command, 'sweep', 'tune.abc', '--model', 'blocks.keras', '--rates', '64,0', '--seeds',
         '1', '-o', 'out'], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, '')
    assert done.stdout.startswith('wrote 7 rows to out/sweep.csv')
