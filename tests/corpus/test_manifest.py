"""Manifests: what works are, where they are from, and which are copies."""

import hashlib
import zipfile

import pytest
from click.testing import CliRunner
from corpus_studies import write_tunes
from music21 import corpus

from corpus_tools.cli import main
from corpus_tools.headers import read_headers
from corpus_tools.manifest import COLUMNS, Manifest, build_manifest, file_of, read_manifest
from qbdi_m21.errors import CorpusError, ParameterError, SourceWarning
from qbdi_m21.sources import corpus_path


def test_works_of_the_corpus_have_title_composer_genre_and_hash():
    found = build_manifest(['corpus:haydn/*', 'corpus:schubert/Lindenbaum', 'corpus:oneills1850/*'])
    table = found.table.set_index('work')
    assert list(found.table.columns) == list(COLUMNS)
    song = table.loc['corpus:schubert/Lindenbaum']
    assert (song['title'], song['genre'], song['century']) == ('Der Lindenbaum', 'song', '19')
    content = corpus_path('corpus:schubert/Lindenbaum').read_bytes()
    assert song['sha256'] == hashlib.sha256(content).hexdigest()
    assert song['bytes'] == len(content)
    assert (table['source'] == "music21's corpus").all()
    # each tune of a book is a work
    books = [work for work in found.works if work.startswith('corpus:oneills1850/0001-0050#')]
    assert len(books) == len(corpus.parse('oneills1850/0001-0050').scores)
    assert 'corpus:oneills1850/0001-0050' in found.files


HEADERS = {
    'a.musicxml': ('<score-partwise><work><work-title>A  Song</work-title></work><identification>'
                   '<creator type="lyricist">No</creator><creator type="composer">Me</creator>'
                   '<rights>CC0</rights></identification><part-list/></score-partwise>',
                   [{'title': 'A Song', 'composer': 'Me', 'licence': 'CC0'}]),
    'b.abc': ('X:1\nT:One\nT:Second title\nC:Trad.\nK:C\nC|\n\nX:2\nT:Two\nZ:A book\nK:C\nC|\n',
              [{'title': 'One', 'composer': 'Trad.'}, {'title': 'Two', 'source': 'A book'}]),
    'c.krn': ('!!!COM: Bach, J. S.\n!!!OTL@@DE: Lied\n**kern\n4c\n*-\n!!!YEC: (c) me\n',
              [{'title': 'Lied', 'composer': 'Bach, J. S.', 'licence': '(c) me'}]),
    'd.mei': ('<mei xmlns="http://www.music-encoding.org/ns/mei"><meiHead><title>M</title>'
              '<composer>C</composer></meiHead><music/></mei>', [{'title': 'M', 'composer': 'C'}]),
    'e.mid': ('MThd', [{}]), 'f.musicxml': ('<score', [{}]), 'g.mxl': ('PK', [{}]),
    'h.musicxml': ('<!DOCTYPE x [<!ENTITY e "eeee">]><score><work-title>&e;</work-title></score>',
                   [{}]),
}


@pytest.mark.parametrize('name', HEADERS)
def test_headers_of_files(tmp_path, name):
    text, wanted = HEADERS[name]
    (tmp_path / name).write_text(text)
    assert read_headers(tmp_path / name) == wanted


def test_headers_of_compressed_scores(tmp_path):
    with zipfile.ZipFile(tmp_path / 'a.mxl', 'w') as archive:
        archive.writestr('META-INF/container.xml', '<container><rootfiles><rootfile '
                         'full-path="in/a.xml"/></rootfiles></container>')
        archive.writestr('in/a.xml', HEADERS['a.musicxml'][0])
    assert read_headers(tmp_path / 'a.mxl') == HEADERS['a.musicxml'][1]


def test_one_score_of_a_book_is_a_work(tmp_path):
    (tmp_path / 'b.abc').write_text(HEADERS['b.abc'][0])
    (tmp_path / 'list.txt').write_text(f'# these\n{tmp_path}/b.abc#2 # the second\n')
    found = build_manifest([f'@{tmp_path}/list.txt', 'corpus:oneills1850/0001-0050#3'])
    assert found.works == (f'{tmp_path}/b.abc#2', 'corpus:oneills1850/0001-0050#3')
    assert found.table['title'][0] == 'Two'
    assert found.table['title'][1]


def test_copies_are_told(tmp_path):
    one, two = write_tunes(tmp_path, 2)
    copy = tmp_path / 'zz.abc'
    copy.write_bytes(one.read_bytes())
    found = build_manifest([str(tmp_path)]).table.set_index('work')['duplicate_of']
    assert found.to_dict() == {str(one): '', str(two): '', str(copy): str(one)}


def test_a_manifest_is_written_and_read(tmp_path):
    folder = tmp_path / "odd 'names' «ü»"
    write_tunes(folder, 3)
    found = build_manifest([str(folder), 'corpus:bach/bwv66.6'], held_out=(0.3, 0.3))
    found.write(tmp_path / 'works.csv')
    text = (tmp_path / 'works.csv').read_text('utf-8')
    # files below its folder are named from there on, so that both can move together
    assert str(tmp_path) not in text
    assert "odd 'names' «ü»/tune000.abc" in text
    again = read_manifest(tmp_path / 'works.csv')
    assert set(again.works) == set(found.works)
    assert again.table['sha256'].tolist() == found.table['sha256'].tolist()
    found.write(tmp_path / 'twice.csv')
    assert (tmp_path / 'twice.csv').read_bytes() == (tmp_path / 'works.csv').read_bytes()
    moved = tmp_path.rename(tmp_path.with_name('moved'))
    assert len(build_manifest([str(moved / 'works.csv')])) == 4
    assert all(work.startswith(('corpus:', str(moved))) for work in
               read_manifest(moved / 'works.csv').works)


def test_splits_keep_titles_and_copies_together(tmp_path):
    works = [f'corpus:haydn/opus{k}/movement{m}' for k in range(10) for m in (1, 2, 3)]
    import pandas as pd

    from corpus_tools.manifest import _split
    table = pd.DataFrame({'work': works, 'duplicate_of': ''})
    split = _split(table, (0.2, 0.2), 'title', 1)
    for k in range(10):
        assert len(set(split[3 * k:3 * k + 3])) == 1
    assert set(split) == {'train', 'validation', 'test'}
    assert split == _split(table, (0.2, 0.2), 'title', 1)
    assert split != _split(table, (0.2, 0.2), 'title', 2)
    single = _split(table, (0.2, 0.2), 'work', 1)
    assert any(len(set(single[3 * k:3 * k + 3])) > 1 for k in range(10))
    with pytest.raises(ParameterError, match='title or work'):
        _split(table, (0.2, 0.2), 'composer', 1)


def test_search_looks_in_all_or_one_column():
    all_bach = build_manifest(['corpus:bach/*', 'corpus:haydn/*'], search='composer:haydn')
    assert {work.split('/')[0] for work in all_bach.works} == {'corpus:haydn'}
    assert build_manifest(['corpus:bach/*'], search='BWV66.6').works == ('corpus:bach/bwv66.6',)
    with pytest.raises(CorpusError, match="no work has 'nobody' in composer"):
        build_manifest(['corpus:haydn/*'], search='composer:nobody')


@pytest.mark.parametrize(('text', 'message'), [
    ('title\nx\n', 'no column work'), ('work\n', 'names no work'),
    ('work\na\na\n', 'names 1 works twice: a'), ('', 'cannot be read as a manifest')])
def test_bad_manifests_are_told(tmp_path, text, message):
    path = tmp_path / 'works.csv'
    path.write_text(text)
    with pytest.raises(CorpusError, match=message):
        read_manifest(path)


def test_a_manifest_may_have_only_the_works(tmp_path):
    write_tunes(tmp_path, 1)
    (tmp_path / 'works.csv').write_text('work,mine\ntune000.abc,7\n')
    found = build_manifest([str(tmp_path / 'works.csv')])
    assert isinstance(found, Manifest)
    assert found.table['mine'].tolist() == ['7']
    assert found.select(mine='7').works == found.works
    with pytest.raises(CorpusError, match='no work has mine 8'):
        found.select(mine='8')


def test_hand_written_rows_are_filled_in_and_are_no_copies(tmp_path):
    one, two = write_tunes(tmp_path, 2)
    (tmp_path / 'hand.csv').write_text('work,genre\ntune000.abc,dance\nnothere.abc,dance\n')
    found = build_manifest([str(tmp_path / 'hand.csv'), str(two)]).table.set_index('work')
    assert found.loc[str(one), 'title'] == 'Tune 0'
    assert found.loc[str(one), 'genre'] == 'dance'
    assert len(found.loc[str(one), 'sha256']) == 64
    assert found.loc[str(one), 'bytes'] == one.stat().st_size
    assert found.loc[str(tmp_path / 'nothere.abc'), 'sha256'] == ''
    assert (found['duplicate_of'] == '').all()


def test_samples_keep_works_without_a_value(tmp_path):
    from corpus_tools.study import sample
    write_tunes(tmp_path, 4)
    (tmp_path / 'hand.csv').write_text('work,mood\ntune000.abc,x\ntune001.abc,x\n')
    found = build_manifest([str(tmp_path / 'hand.csv'), str(tmp_path)])
    assert len(sample(found, 1, 'mood', 0)) == 2
    assert len(sample(found, 9, 'mood', 0)) == 4


def test_links_that_lead_nowhere_are_told(tmp_path):
    write_tunes(tmp_path, 1)
    (tmp_path / 'gone.abc').symlink_to(tmp_path / 'nothing.abc')
    with pytest.warns(SourceWarning, match='gone.abc leads nowhere'):
        assert len(build_manifest([str(tmp_path)])) == 1


def test_books_are_files_of_works(tmp_path):
    assert file_of('corpus:x/y#3') == 'corpus:x/y'
    assert file_of('a/b.abc#12') == 'a/b.abc'
    odd = tmp_path / 'song #1'
    odd.write_text('')
    assert file_of(str(odd)) == str(odd)


def test_the_command_writes_a_manifest(tmp_path):
    write_tunes(tmp_path / 't', 4)
    out = tmp_path / 'works.csv'
    done = CliRunner().invoke(main, ['manifest', str(tmp_path / 't'), '-o', str(out), '--split',
                                     '0.25', '0.25', '--search', 'tune'], prog_name='corpus-tools')
    assert done.exit_code == 0
    assert done.stdout == f'wrote {out}: 4 works in 4 files, 0 of the content of another\n'
    assert set(read_manifest(out).table['split']) == {'train', 'validation', 'test'}
    bad = CliRunner().invoke(main, ['manifest', str(tmp_path / 'none'), '-o', str(out)],
                             prog_name='corpus-tools')
    assert bad.exit_code == 2
    assert bad.stderr.startswith('corpus-tools: error: no such file or folder')
