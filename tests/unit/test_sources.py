"""Sources: files, folders, works of music21's corpus, lists, note tables; and their names."""

import os

import pytest
from midi_files import note, save_midi, track
from random_works import random_table

from qbdi_m21.errors import CorpusError, ScoreError
from qbdi_m21.frames.store import save_table
from qbdi_m21.sources import expand_sources, named_works, read_tables

CHORALE, REEL = 'corpus:bach/bwv66.6', 'corpus:ryansMammoth/AcaciaReel'


@pytest.fixture
def scores(tmp_path):
    """A folder of two small scores, one deeper, and a text that is none."""
    folder = tmp_path / 'scores'
    (folder / 'deeper').mkdir(parents=True)
    save_midi(folder / 'deeper' / 'one.mid', track(*note(0, 4, 60)))
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


def test_a_list_that_is_no_text_is_refused(tmp_path):
    (tmp_path / 'works.txt').write_bytes(b'\xff\xfe\x00')
    with pytest.raises(CorpusError, match='cannot be read'):
        expand_sources([f'@{tmp_path / "works.txt"}'])


def test_note_tables_are_sources_alone_and_in_folders(scores):
    table = scores / 'deeper' / 'three.parquet'
    save_table(random_table(0), table)
    assert expand_sources([str(table)]) == (str(table),)
    assert str(table) in expand_sources([str(scores)])
    assert str(table) not in expand_sources([str(scores)], tables=False)


def test_works_of_a_folder_are_named_from_the_folder_on(scores, monkeypatch):
    wanted = {'scores/deeper/one.mid': str(scores / 'deeper' / 'one.mid'),
              'scores/two.ABC': str(scores / 'two.ABC')}
    assert named_works([str(scores)]) == wanted
    monkeypatch.chdir(scores)
    assert set(named_works(['.'])) == set(wanted)


def test_names_as_given_are_kept_but_not_absolute_paths(scores, monkeypatch):
    monkeypatch.chdir(scores)
    assert set(named_works(['deeper/one.mid', str(scores / 'two.ABC')])) == {
        'deeper/one.mid', 'scores/two.ABC'}


def test_a_work_that_is_given_twice_counts_once(scores, monkeypatch):
    monkeypatch.chdir(scores.parent)
    one = scores / 'deeper' / 'one.mid'
    (scores / 'link.mid').symlink_to(one)
    assert len(named_works([str(scores), 'scores', str(one), 'scores/deeper/one.mid'])) == 2
    assert list(named_works(['corpus:bwv66.6', CHORALE, f'{CHORALE}.mxl'])) == [CHORALE]


def test_another_file_of_the_same_name_has_its_whole_path(tmp_path):
    for folder in ('a', 'b'):
        (tmp_path / folder / 'pop').mkdir(parents=True)
        save_midi(tmp_path / folder / 'pop' / 'x.mid', track(*note(0, 4, 60)))
    named = named_works([str(tmp_path / 'a' / 'pop'), str(tmp_path / 'b' / 'pop')])
    second = os.path.realpath(tmp_path / 'b' / 'pop' / 'x.mid')
    assert list(named) == ['pop/x.mid', second]
    assert named['pop/x.mid'] == str(tmp_path / 'a' / 'pop' / 'x.mid')


def test_a_work_that_music21_does_not_have_is_refused():
    with pytest.raises(ScoreError, match='no work'):
        named_works(['corpus:nobody/nothing'])


def test_tables_are_named_after_their_works(tmp_path):
    known, other = tmp_path / 'known.parquet', tmp_path / 'other.parquet'
    save_table(random_table(0), known, work=CHORALE)
    save_table(random_table(1), other)
    assert list(read_tables(str(known), 'folder/known.parquet')) == [CHORALE]
    assert list(read_tables(str(other), 'folder/other.parquet')) == ['folder/other.parquet']


def test_scores_of_a_book_are_numbered(tmp_path):
    book = tmp_path / 'book.abc'
    book.write_text('\n\n'.join(f'X:{k}\nT:{k}\nM:3/4\nL:1/4\nK:C\nCDE|FGA|]' for k in (1, 2)))
    tables = read_tables(str(book), 'a/book.abc')
    assert list(tables) == ['a/book.abc#1', 'a/book.abc#2']
    assert [len(make()) for make in tables.values()] == [6, 6]
