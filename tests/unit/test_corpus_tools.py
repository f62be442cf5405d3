"""Corpora: note tables of many works on disk, and the commands."""

import re

import pytest
from click.testing import CliRunner
from frame_strategies import assert_equal_tables
from music21 import note, stream
from random_works import random_table

from corpus_tools.cli import main
from corpus_tools.ingest import ingest
from corpus_tools.store import table_path
from qbdi_m21.frames.midi import read_midi
from qbdi_m21.frames.notes import extract_notes
from qbdi_m21.frames.store import load_table, save_table, table_work
from qbdi_m21.model.training_set import TrainingSet
from qbdi_m21.sources import expand_sources

CHORALE = 'corpus:bach/bwv66.6'


@pytest.fixture
def scores(tmp_path):
    """A folder of two small scores, one deeper, and a text that is none."""
    folder = tmp_path / 'scores'
    (folder / 'deeper').mkdir(parents=True)
    part = stream.Part([stream.Measure([note.Note('C4', quarterLength=4)], number=1)])
    part.write('midi', folder / 'deeper' / 'one.mid')
    (folder / 'two.ABC').write_text('X:1\nT:Two\nM:3/4\nL:1/4\nK:C\nCDE|FGA|\n')
    (folder / 'notes.txt').write_text('no score')
    return folder


def test_names_that_read_alike_have_files_of_their_own(tmp_path):
    names = ['a/b', 'a-b', 'a b', 'A/b', 'x' * 200, 'y' + 'x' * 199]
    paths = {table_path(tmp_path, name) for name in names}
    assert len(paths) == len(names)
    assert all(path.parent == tmp_path and len(path.name) < 100 for path in paths)


def test_ingest_writes_what_extraction_gives(corpus_score, scores, tmp_path):
    works = expand_sources([str(scores), CHORALE])
    report = ingest(works, tmp_path / 'tables')
    assert report.written == works
    assert (report.kept, report.failed) == ((), {})
    assert len(list((tmp_path / 'tables').iterdir())) == 3
    wanted = {CHORALE: extract_notes(corpus_score('bach/bwv66.6')),
              works[0]: read_midi(works[0])}
    for work, table in wanted.items():
        path = table_path(tmp_path / 'tables', work)
        assert table_work(path) == work
        assert_equal_tables(load_table(path), table)


def test_a_further_call_keeps_what_is_there(scores, tmp_path):
    folder = tmp_path / 'tables'
    one, two = expand_sources([str(scores)])
    assert ingest([one], folder).written == (one,)
    before = table_path(folder, one).stat()
    report = ingest([one, two], folder)
    assert (report.kept, report.written) == ((one,), (two,))
    after = table_path(folder, one).stat()
    assert (after.st_mtime_ns, after.st_ino) == (before.st_mtime_ns, before.st_ino)


def test_a_damaged_table_is_made_again(scores, tmp_path):
    one = expand_sources([str(scores)])[0]
    ingest([one], tmp_path / 'tables')
    path = table_path(tmp_path / 'tables', one)
    path.write_bytes(path.read_bytes()[:-5])
    assert ingest([one], tmp_path / 'tables').written == (one,)
    assert table_work(path) == one


@pytest.mark.parametrize('jobs', [1, 2])
def test_a_work_that_fails_does_not_stop_the_others(scores, tmp_path, jobs):
    broken = scores / 'broken.mid'
    broken.write_bytes(b'MThd nonsense')
    told = []
    report = ingest([str(broken), 'corpus:nobody/nothing', str(scores / 'two.ABC')],
                    tmp_path / 'tables', jobs=jobs, progress=told.append)
    assert report.written == (str(scores / 'two.ABC'),)
    assert set(report.failed) == {str(broken), 'corpus:nobody/nothing'}
    assert 'cannot be read as MIDI' in report.failed[str(broken)]
    assert 'no work' in report.failed['corpus:nobody/nothing']
    assert sorted(told) == sorted([str(scores / 'two.ABC'), *report.failed])
    assert len(list((tmp_path / 'tables').iterdir())) == 1


BOOK = ''.join(f'X:{k}\nT:Song {k}\nM:{meter}\nL:1/4\nK:C\n{tune}|]\n\n'
               for k, meter, tune in [(1, '3/4', 'CDE|FGA'), (2, '4/4', 'CDEF|G4'),
                                      (3, '2/4', 'CD|EF')])


def test_each_song_of_a_book_is_a_work(tmp_path):
    book, folder = tmp_path / 'book.abc', tmp_path / 'tables'
    book.write_text(BOOK)
    report = ingest([str(book)], folder)
    names = tuple(f'{book}#{k}' for k in (1, 2, 3))
    assert (report.written, report.failed) == (names, {})
    tables = [load_table(table_path(folder, name)) for name in names]
    assert [table.bars[0].meter for table in tables] == ['3/4', '4/4', '2/4']
    assert [table_work(table_path(folder, name)) for name in names] == list(names)
    assert ingest([str(book)], folder).kept == (str(book),)


def test_a_book_is_there_when_its_first_song_is(tmp_path):
    book, folder = tmp_path / 'book.abc', tmp_path / 'tables'
    book.write_text(BOOK)
    ingest([str(book)], folder)
    # the first is written last: without it the book was interrupted
    table_path(folder, f'{book}#1').unlink()
    assert len(ingest([str(book)], folder).written) == 3


@pytest.mark.parametrize('broken', [1, 2])
def test_a_song_that_fails_does_not_stop_the_others_of_its_book(tmp_path, broken):
    book, folder = tmp_path / 'book.abc', tmp_path / 'tables'
    silent = {1: ('CDE|FGA', 'z3|z3'), 2: ('CDEF|G4', 'z4|z4')}[broken]
    book.write_text(BOOK.replace(*silent))
    report = ingest([str(book)], folder)
    failed = f'{book}#{broken}'
    assert set(report.failed) == {failed}
    assert 'no pitched note' in report.failed[failed]
    assert set(report.written) == {f'{book}#{k}' for k in (1, 2, 3)} - {failed}


def test_a_book_of_one_song_has_the_name_of_the_book(scores, tmp_path):
    work = str(scores / 'two.ABC')
    assert ingest([work], tmp_path / 'tables').written == (work,)


def test_ingest_passes_over_the_tables_that_it_made(scores):
    for wanted in ('2 works written, 0 kept', '0 works written, 2 kept'):
        done = CliRunner().invoke(main, ['ingest', str(scores), '-o', str(scores / 'tables')])
        assert (done.exit_code, done.stdout) == (0, f'{wanted}, 0 failed\n')


@pytest.fixture
def tables(tmp_path):
    """A folder of note tables of 12 works, one of them in another meter and one short."""
    folder = tmp_path / 'tables'
    folder.mkdir()
    made = {f'w{k}': random_table(k) for k in range(10)}
    made |= {'waltz': random_table(10, '3/4'), 'short': random_table(11, bars=3)}
    for name, table in made.items():
        save_table(table, table_path(folder, name), work=name)
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
