"""Corpora: which works, their note tables on disk, and training sets from them."""

import numpy as np
import pytest
from frame_strategies import assert_equal_tables
from music21 import note, stream
from strategies import bars_of, table_of

from corpus_tools.dataset import build_training_set
from corpus_tools.ingest import ingest
from corpus_tools.manifest import expand_sources
from corpus_tools.store import table_path
from qbdi_m21.errors import CorpusError, FramesError
from qbdi_m21.frames.midi import read_midi
from qbdi_m21.frames.notes import extract_notes
from qbdi_m21.frames.store import load_table, save_table, table_work

CHORALE, REEL = 'corpus:bach/bwv66.6', 'corpus:ryansMammoth/AcaciaReel'


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


def test_a_folder_gives_its_score_files_at_any_depth(scores):
    assert expand_sources([str(scores)]) == (
        str(scores / 'deeper' / 'one.mid'), str(scores / 'two.ABC'))


def test_a_list_gives_its_lines_without_comments(scores, tmp_path):
    works = tmp_path / 'works.txt'
    inner = tmp_path / 'inner.txt'
    inner.write_text(f'{CHORALE}  # again\n')
    works.write_text(f'# chosen\n\n{CHORALE}\n  {scores / "two.ABC"}\n@{inner}\n')
    assert expand_sources([f'@{works}']) == tuple(sorted([CHORALE, str(scores / 'two.ABC')]))


def test_works_are_sorted_and_named_once(scores):
    one = str(scores / 'deeper' / 'one.mid')
    assert expand_sources([REEL, one, CHORALE, REEL, one]) == tuple(sorted([REEL, one, CHORALE]))


def test_a_corpus_folder_gives_its_works():
    works = expand_sources(['corpus:bach/*'])
    assert CHORALE in works
    assert len(works) > 300
    assert all(work.startswith('corpus:bach/') for work in works)


def test_a_list_that_names_itself_is_refused(tmp_path):
    works = tmp_path / 'works.txt'
    works.write_text(f'@{works}\n')
    with pytest.raises(CorpusError, match=r'works\.txt'):
        expand_sources([f'@{works}'])


def test_sources_that_name_nothing_are_refused(tmp_path):
    empty, listing = tmp_path / 'empty', tmp_path / 'empty.txt'
    empty.mkdir()
    listing.write_text('# nothing\n')
    for source, match in [('none.xml', 'no such file or folder'), ('@none', 'no such list'),
                          (str(empty), 'holds no score file'), ('corpus:nobody/*', 'no folder'),
                          (f'@{listing}', 'no work given')]:
        with pytest.raises(CorpusError, match=match):
            expand_sources([source])


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


def test_a_table_that_is_damaged_is_told_when_learning(tmp_path):
    tables_folder(tmp_path, {'one': random_table(0), 'two': random_table(1)})
    path = table_path(tmp_path, 'two')
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(FramesError, match='not a whole Parquet file'):
        build_training_set(tmp_path)


def tables_folder(tmp_path, tables):
    for name, table in tables.items():
        save_table(table, table_path(tmp_path, name), work=name)
    return tmp_path


def random_table(seed, meter='4/4', bars=6, shift=0):
    rng = np.random.default_rng(seed)
    made = bars_of(*[meter] * bars)
    return table_of([(k / 2, 0.5, int(p) + shift) for k, p in enumerate(
        rng.integers(50, 75, int(2 * made[-1].end_ql)))], made)


def test_related_works_are_never_divided(tmp_path):
    tables = {f'w{k}': random_table(k) for k in range(12)}
    tables |= {f'w{k} higher': random_table(k, shift=5) for k in range(4)}
    tables_folder(tmp_path, tables)
    for seed in range(4):
        made = build_training_set(tmp_path, held_out=(0.25, 0.25), seed=seed)
        side = dict(zip(made.works, made.split.tolist(), strict=True))
        assert sorted(side) == sorted(tables)
        assert all(side[f'w{k}'] == side[f'w{k} higher'] for k in range(4))
        assert len(set(side.values())) == 3


def test_other_meters_and_short_works_are_left_out_and_counted(tmp_path):
    tables_folder(tmp_path, {'common': random_table(0), 'waltz': random_table(1, '3/4'),
                             'short': random_table(2, bars=3), 'long': random_table(3)})
    made = build_training_set(tmp_path)
    assert made.works == ('common', 'long')
    assert made.about['left_out'] == {'not in 4/4 throughout': 1, 'fewer than 4 bars': 1}
    assert build_training_set(tmp_path, meter=None, min_bars=1).works == (
        'common', 'long', 'short', 'waltz')


def test_a_folder_without_works_is_refused(tmp_path):
    with pytest.raises(CorpusError, match='no note table in'):
        build_training_set(tmp_path)
