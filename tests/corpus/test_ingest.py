"""Ingest: scores of all kinds into a store, and what becomes of those that cannot be read."""

import os
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from click.testing import CliRunner
from frame_strategies import assert_equal_tables
from music21 import note, stream

from corpus_tools.cli import main
from corpus_tools.engine import Failure, Limits
from corpus_tools.ingest import _rows_of, _stage, ingest, read_rows
from corpus_tools.store import Store
from qbdi_m21.errors import CorpusError
from qbdi_m21.frames.midi import read_midi
from qbdi_m21.frames.notes import extract_notes
from qbdi_m21.frames.store import load_table, table_work
from qbdi_m21.sources import expand_sources

CHORALE = 'corpus:bach/bwv66.6'

BOOK = ''.join(f'X:{k}\nT:Song {k}\nM:{meter}\nL:1/4\nK:C\n{tune}|]\n\n'
               for k, meter, tune in [(1, '3/4', 'CDE|FGA'), (2, '4/4', 'CDEF|G4'),
                                      (3, '2/4', 'CD|EF')])


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


def tables_of(folder):
    """Return the paths of note tables by the names of their works."""
    store = Store(folder, create=False)
    return {row['work']: store.table_path(row['table'])
            for rows in read_rows(store).values() for row in rows if row['table']}


def test_ingest_writes_what_extraction_gives(corpus_score, scores, tmp_path):
    works = expand_sources([str(scores), CHORALE])
    report = ingest(works, tmp_path / 'store', jobs=2)
    assert report.written == works
    assert (report.kept, report.failed, report.duplicates) == ((), {}, {})
    tables = tables_of(tmp_path / 'store')
    assert set(tables) == set(works)
    wanted = {CHORALE: extract_notes(corpus_score('bach/bwv66.6')), works[0]: read_midi(works[0])}
    for work, table in wanted.items():
        assert table_work(tables[work]) == work
        assert_equal_tables(load_table(tables[work]), table)


def test_rows_tell_size_time_and_memory(scores, tmp_path):
    ingest([str(scores / 'two.ABC')], tmp_path / 'store')
    (row,), = read_rows(Store(tmp_path / 'store')).values()
    assert (row['num_notes'], row['num_bars'], row['num_parts'], row['length_ql']) == (6, 2, 1, 6)
    assert row['meter'] == '3/4'
    assert row['seconds'] > 0
    assert row['peak_mib'] > 10


def test_a_further_call_keeps_what_is_there(scores, tmp_path):
    folder = tmp_path / 'store'
    one, two = expand_sources([str(scores)])
    assert ingest([one], folder).written == (one,)
    before = tables_of(folder)[one].stat()
    report = ingest([one, two], folder)
    assert (report.kept, report.written) == ((one,), (two,))
    after = tables_of(folder)[one].stat()
    assert (after.st_mtime_ns, after.st_ino) == (before.st_mtime_ns, before.st_ino)


def test_a_changed_work_is_read_again_and_another_name_is_not(scores, tmp_path):
    folder, work = tmp_path / 'store', scores / 'two.ABC'
    ingest([str(work)], folder)
    text = work.read_text()
    work.write_text(text.replace('FGA', 'AGF'))
    assert ingest([str(work)], folder).written == (str(work),)
    copy = scores / 'copy.abc'
    copy.write_text(text)
    report = ingest([str(copy)], folder)
    assert (report.written, report.kept) == ((), (str(copy),))


def test_a_damaged_table_is_made_again(scores, tmp_path):
    folder, one = tmp_path / 'store', expand_sources([str(scores)])[0]
    ingest([one], folder)
    path = tables_of(folder)[one]
    path.write_bytes(path.read_bytes()[:-5])
    assert ingest([one], folder).written == (one,)
    assert table_work(path) == one


def test_works_of_one_content_are_read_once_and_told(scores, tmp_path):
    copy = scores / 'copy.abc'
    copy.write_text((scores / 'two.ABC').read_text())
    report = ingest([str(copy), str(scores / 'two.ABC')], tmp_path / 'store')
    assert report.written == (str(copy),)
    assert report.duplicates == {str(scores / 'two.ABC'): str(copy)}
    assert report.keys[str(copy)] == report.keys[str(scores / 'two.ABC')]


@pytest.mark.parametrize('jobs', [1, 2])
def test_a_work_that_fails_does_not_stop_the_others(scores, tmp_path, jobs):
    broken = scores / 'broken.mid'
    broken.write_bytes(b'MThd nonsense')
    told = []
    works = [str(broken), 'corpus:nobody/nothing', str(scores / 'none.mid'),
             str(scores / 'two.ABC')]
    report = ingest(works, tmp_path / 'store', jobs=jobs,
                    progress=lambda done, total: told.append((done, total)))
    assert report.written == (str(scores / 'two.ABC'),)
    assert set(report.failed) == set(works[:3])
    assert report.failed[str(broken)].stage == 'read'
    assert 'cannot be read as MIDI' in report.failed[str(broken)].message
    assert report.failed['corpus:nobody/nothing'].stage == 'open'
    assert report.failed[works[2]].error == 'FileNotFoundError'
    assert told == [(0, 2), (1, 2), (2, 2)]


def test_failures_are_kept_until_they_are_asked_for_again(scores, tmp_path):
    broken = scores / 'broken.mid'
    broken.write_bytes(b'MThd nonsense')
    first = ingest([str(broken)], tmp_path / 'store')
    again = ingest([str(broken)], tmp_path / 'store')
    assert (again.kept, again.failed) == ((str(broken),), first.failed)
    tried = ingest([str(broken)], tmp_path / 'store', retry=True)
    assert (tried.kept, tried.failed) == ((), first.failed)


def test_a_work_beyond_its_time_fails_alone(scores, tmp_path):
    long = 'corpus:essenFolksong/han2'
    report = ingest([str(scores / 'two.ABC'), long], tmp_path / 'store',
                    limits=Limits(seconds=1.5))
    assert report.written == (str(scores / 'two.ABC'),)
    failure = report.failed[long]
    assert (failure.stage, failure.error) == ('limit', 'TimeoutError')


def test_each_song_of_a_book_is_a_work(tmp_path):
    book, folder = tmp_path / 'book.abc', tmp_path / 'store'
    book.write_text(BOOK)
    report = ingest([f'{book}#2', str(book)], folder)
    names = tuple(f'{book}#{k}' for k in (1, 2, 3))
    assert (report.written, report.failed) == (names, {})
    tables = tables_of(folder)
    assert [load_table(tables[name]).bars[0].meter for name in names] == ['3/4', '4/4', '2/4']
    assert ingest([str(book)], folder).kept == (str(book),)


def test_a_book_that_lacks_a_song_is_read_again(tmp_path):
    book, folder = tmp_path / 'book.abc', tmp_path / 'store'
    book.write_text(BOOK)
    ingest([str(book)], folder)
    tables_of(folder)[f'{book}#2'].unlink()
    assert len(ingest([str(book)], folder).written) == 3


@pytest.mark.parametrize('broken', [1, 2])
def test_a_song_that_fails_does_not_stop_the_others_of_its_book(tmp_path, broken):
    book, folder = tmp_path / 'book.abc', tmp_path / 'store'
    silent = {1: ('CDE|FGA', 'z3|z3'), 2: ('CDEF|G4', 'z4|z4')}[broken]
    book.write_text(BOOK.replace(*silent))
    report = ingest([str(book)], folder)
    failed = f'{book}#{broken}'
    assert set(report.failed) == {failed}
    assert report.failed[failed].stage == 'notes'
    assert report.failed[failed].error == 'EmptyScoreError'
    assert set(report.written) == {f'{book}#{k}' for k in (1, 2, 3)} - {failed}


def test_a_book_of_one_song_has_the_name_of_the_book(scores, tmp_path):
    work = str(scores / 'two.ABC')
    assert ingest([work], tmp_path / 'store').written == (work,)


def test_names_may_hold_blanks_quotes_and_any_letters(scores, tmp_path):
    odd = [scores / name for name in ("it's \"quoted\" #1.abc", 'Дубинушка 民歌.abc', 'ü%20é.abc')]
    for place, path in enumerate(odd):
        path.write_text((scores / 'two.ABC').read_text().replace('CDE', 'CDE'[:place + 1]))
    report = ingest([str(path) for path in odd], tmp_path / 'store', jobs=2)
    assert (set(report.written), report.failed) == ({str(path) for path in odd}, {})
    assert set(tables_of(tmp_path / 'store')) == {str(path) for path in odd}


@pytest.mark.skipif(sys.platform != 'linux', reason='names are bytes on Linux')
def test_a_name_that_is_no_text_fails_alone(scores, tmp_path):
    odd = os.fsdecode(os.fsencode(str(scores)) + b'/\xff.abc')
    with open(odd, 'w') as file:
        file.write((scores / 'two.ABC').read_text())
    report = ingest([odd, str(scores / 'two.ABC')], tmp_path / 'store')
    assert report.written == (str(scores / 'two.ABC'),)
    (name, failure), = report.failed.items()
    assert name.endswith(r'/\udcff.abc')
    assert 'rename the file' in failure.message


def test_what_a_kill_left_in_a_new_folder_hinders_no_store(tmp_path):
    (tmp_path / 'store').mkdir()
    (tmp_path / 'store' / '.k3j.json').write_text('')
    Store(tmp_path / 'store')
    with ThreadPoolExecutor(8) as pool:
        for k in range(20):
            list(pool.map(Store, [tmp_path / f's{k}'] * 8))


def test_a_full_disk_is_no_fault_of_a_work(tmp_path):
    full = OSError(28, 'No space left on device')
    assert _stage('write', full) == 'disk'
    from corpus_tools.engine import Outcome
    rows = [{'work': 'w', 'number': 0, 'table': None, 'stage': 'disk', 'error': 'OSError',
             'message': str(full)}]
    with pytest.raises(CorpusError, match=r'No space left.*what is finished is kept'):
        _rows_of(Outcome('k', rows, None, 1.0, 1.0), 'w')


def test_a_process_that_died_is_a_row_with_its_reason():
    from corpus_tools.engine import Outcome
    failure = Failure('worker', 'ProcessExpired', 'signal 11')
    row, = _rows_of(Outcome('k', None, failure, float('nan'), float('nan')), 'w')
    assert (row['stage'], row['table'], row['seconds']) == ('worker', None, None)


@pytest.mark.parametrize(('make', 'message'), [
    (lambda f: (f / 'store.json').write_text('{"kind": "qbdi_m21 store", "format": 99}'),
     'was written by a newer version .format 99'),
    (lambda f: (f / 'store.json').write_text('no'), 'expected the file of a store'),
    (lambda f: (f / 'other.txt').write_text('mine'), 'holds other files'),
])
def test_folders_that_are_no_store_are_told(tmp_path, make, message):
    folder = tmp_path / 'store'
    folder.mkdir()
    make(folder)
    with pytest.raises(CorpusError, match=message):
        ingest([CHORALE], folder)


def test_a_store_is_not_made_where_one_is_asked_for(tmp_path):
    with pytest.raises(CorpusError, match='is no store'):
        Store(tmp_path / 'none', create=False)
    (tmp_path / 'file').write_text('')
    with pytest.raises(CorpusError, match='is a file; expected a folder'):
        Store(tmp_path / 'file')


@pytest.mark.skipif(os.geteuid() == 0, reason='root may read everything')
def test_an_unreadable_work_is_told(scores, tmp_path):
    (scores / 'two.ABC').chmod(0)
    report = ingest([str(scores / 'two.ABC')], tmp_path / 'store')
    assert report.failed[str(scores / 'two.ABC')].error == 'PermissionError'


def test_ingest_passes_over_the_tables_that_it_made(scores):
    for wanted in ('2 works written, 0 files kept', '0 works written, 2 files kept'):
        done = CliRunner().invoke(main, ['ingest', str(scores), '-o', str(scores / 'store')])
        assert (done.exit_code, done.stdout) == (
            0, f'{wanted}, 0 of the content of another, 0 failed\n')


def test_the_command_tells_failures_and_copies(scores):
    (scores / 'copy.abc').write_text((scores / 'two.ABC').read_text())
    (scores / 'broken.mid').write_bytes(b'MThd nonsense')
    done = CliRunner().invoke(main, ['ingest', str(scores), '-o', str(scores / 'store')])
    assert done.exit_code == 1
    assert 'broken.mid: read: ' in done.stderr
    assert 'two.ABC: the same content as ' in done.stderr
    assert done.stdout.endswith('2 works written, 0 files kept, 1 of the content of another, '
                                '1 failed\n')
