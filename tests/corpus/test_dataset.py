"""Training sets from folders of note tables, by the command line."""

import re

import pytest
from click.testing import CliRunner
from random_works import random_table

from corpus_tools.cli import main
from corpus_tools.ingest import ingest
from qbdi_m21.frames.store import save_table
from qbdi_m21.model.training_set import TrainingSet


@pytest.fixture
def tables(tmp_path):
    """A folder of note tables of 12 works, one of them in another meter and one short."""
    folder = tmp_path / 'tables'
    folder.mkdir()
    made = {f'w{k}': random_table(k) for k in range(10)}
    made |= {'waltz': random_table(10, '3/4'), 'short': random_table(11, bars=3)}
    for name, table in made.items():
        save_table(table, folder / f'{name}.parquet', work=name)
    return folder


def run_dataset(*arguments):
    return CliRunner().invoke(main, ['dataset', *map(str, arguments)], prog_name='corpus-tools')


def test_dataset_writes_a_training_set(tables, tmp_path):
    out = tmp_path / 'set.npz'
    done = run_dataset(tables, '-o', out, '--seed', '3')
    assert (done.exit_code, done.stderr) == (0, '')
    made = TrainingSet.load(out)
    assert made.works == tuple(f'w{k}' for k in range(10))
    assert done.stdout == (f'wrote {out}: 10 works, 60 bars (48 train, 6 validation, 6 test)\n'
                           'left out: 1 with fewer than 4 bars, 1 not in 4/4 throughout\n')
    assert (made.about['meter'], made.about['min_bars']) == ('4/4', 4)
    assert made.about['left_out'] == {'not in 4/4 throughout': 1, 'with fewer than 4 bars': 1}
    done = run_dataset(tables, '-o', out, '--meter', 'any', '--min-bars', '1')
    assert len(TrainingSet.load(out).works) == 12


def test_dataset_splits_as_it_always_did(tables, tmp_path):
    out = tmp_path / 'set.npz'
    for by in ('work', 'title'):
        assert run_dataset(tables, '-o', out, '--split-by', by).exit_code == 0
        # as `corpus-tools dataset` of version 0.1 splits them
        assert TrainingSet.load(out).split.tolist() == [0, 1, 0, 0, 0, 0, 0, 0, 2, 0]


def test_dataset_takes_a_list_of_test_works(tables, tmp_path):
    out, listed = tmp_path / 'set.npz', tmp_path / 'test.txt'
    listed.write_text('# chosen\nw3\n\nw7\n')
    assert run_dataset(tables, '-o', out, '--test-works', listed).exit_code == 0
    made = TrainingSet.load(out)
    assert [w for w, k in zip(made.works, made.split, strict=True) if k == 2] == ['w3', 'w7']


def test_dataset_reads_clips_as_the_paper(shared_data, tmp_path):
    out = tmp_path / 'pop.npz'
    done = run_dataset(shared_data / 'pop', '-o', out, '--reading', 'dubnov2019', '--test-works',
                       shared_data / 'pop_heldout.txt')
    assert done.exit_code == 0
    assert re.match(r'wrote .*: 122 works, 1255 bars \(.* 141 test\)\n'
                    'left out: 4 with 50 frames or fewer\n', done.stdout)


@pytest.mark.parametrize(('arguments', 'message'), [
    (['tables', '-o', 'set.txt'], "set.txt ends in '.txt'"),
    (['old.npz', '-o', 'set.npz'], r'a training set \(.npz\) is no source'),
    (['tables', '-o', 'set.npz', '--test-works', 'none.txt'], 'no such list of works: none.txt'),
    (['tables', '-o', 'set.npz', '--meter', '7/8'], '12 not in 7/8 throughout'),
    (['tables', '-o', 'set.npz', '--validation', '0.5', '--test', '0.5'], 'leave works to learn'),
])
def test_bad_datasets_are_one_line(tables, monkeypatch, arguments, message):
    monkeypatch.chdir(tables.parent)
    done = run_dataset(*arguments)
    assert done.exit_code == 2
    assert re.fullmatch(f'corpus-tools: error: .*{message}.*\n', done.stderr)
    assert not (tables.parent / 'set.npz').exists()


def test_a_store_gives_its_note_tables_only(tmp_path):
    tune = 'X:1\nT:T\nM:4/4\nL:1/4\nK:C\n' + 'CDEF|GABc|' * 3 + '\n'
    for name in ('one', 'two', 'three'):
        (tmp_path / f'{name}.abc').write_text(tune.replace('CDEF', name[:2].upper().replace(
            'O', 'C').replace('N', 'D').replace('T', 'E').replace('W', 'F').replace('H', 'G') * 2))
    ingest([str(path) for path in sorted(tmp_path.glob('*.abc'))], tmp_path / 'store')
    done = run_dataset(tmp_path / 'store', '-o', tmp_path / 'set.npz')
    assert done.exit_code == 0
    assert re.match('wrote .*: 3 works, 18 bars', done.stdout)
    # the rows of ingest are Parquet too, and no note tables
    assert 'left out' not in done.stdout
