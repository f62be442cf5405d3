"""An index of motifs over works: incipits, shared motifs, and where a theme occurs."""

from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from melodies import FILLS, HALF, THEME, melody, moved, piece

import qbdi_m21 as q
from corpus_tools.cli import main
from corpus_tools.motif_index import (
    COLUMNS,
    index_motifs,
    read_index,
    search_index,
    shared_motifs,
)
from qbdi_m21.errors import CorpusError, ParameterError

OTHER = [(HALF, 72), (HALF, 71), (1, 69), (HALF, 74), (HALF, 65), (1, 67)]


@pytest.fixture
def works(tmp_path, monkeypatch):
    """Two works with the theme, one of them a fourth higher, and one with another motif."""
    monkeypatch.chdir(tmp_path)
    for name, phrase in (('one', THEME), ('two', moved(THEME, 5)), ('three', OTHER)):
        q.save_table(piece(melody(phrase, FILLS[0], FILLS[1], phrase)), f'{name}.parquet')
    return [f'{name}.parquet' for name in ('one', 'two', 'three')]


@pytest.fixture
def index(works):
    assert index_motifs(works, 'motifs.parquet') == {}
    return read_index('motifs.parquet')


def run(*arguments):
    return CliRunner().invoke(main, [str(a) for a in arguments], prog_name='corpus-tools')


def test_a_row_is_a_motif_with_its_incipit(index):
    assert tuple(index.columns) == COLUMNS
    row = index[index['work'] == 'two.parquet'].iloc[0]
    assert (row['label'], row['measure'], row['beat'], row['part']) == ('A', 1, 1.0, 0)
    assert (row['pitch'], row['num_notes'], row['occurrences']) == (65, 5, 2)
    assert row['intervals'] == '+2 -1 +3 -1'
    assert row['times'] == '1 1/2 1/2 1'
    assert (row['length_ql'], row['salience']) == (4.0, 1.0)


def test_works_that_cannot_be_read_are_told_and_the_others_stay(works, tmp_path):
    (tmp_path / 'broken.parquet').write_bytes(b'no table')
    told = []
    failed = index_motifs([*works, 'broken.parquet', 'gone.xml'], 'motifs.parquet',
                          progress=told.append)
    assert set(failed) == {'broken.parquet', 'gone.xml'}
    assert told == [*works, 'broken.parquet', 'gone.xml']
    assert set(read_index('motifs.parquet')['work']) == set(works)


def test_processes_make_the_same_index(works, index):
    assert index_motifs(works, 'again.parquet', jobs=2) == {}
    pd.testing.assert_frame_equal(read_index('again.parquet'), index)


def test_options_are_those_of_the_search(works):
    index_motifs(works, 'long.parquet', min_length=100)
    assert len(read_index('long.parquet')) == 0
    assert tuple(read_index('long.parquet').columns) == COLUMNS


def test_a_transposed_motif_is_shared_and_another_is_not(index):
    found = shared_motifs(index)
    assert found['num_works'].tolist() == [2]
    assert found['intervals'].tolist() == ['+2 -1 +3 -1']
    assert found['places'][0] == 'one.parquet m.1.1, two.parquet m.1.1'
    assert len(shared_motifs(index, min_works=3)) == len(shared_motifs(index, min_notes=6)) == 0


def test_without_rhythm_only_the_intervals_count(index):
    slow = index.assign(times=np.where(index['work'] == 'two.parquet', '2 1 1 2',
                                       index['times']))
    assert len(shared_motifs(slow)) == 0
    assert shared_motifs(slow, rhythm=False)['num_works'].tolist() == [2]


def test_two_motifs_of_one_work_are_no_shared_one(index):
    alone = index[index['work'] == 'one.parquet']
    assert len(shared_motifs(pd.concat([alone, alone]))) == 0


def test_a_theme_is_found_with_the_most_similar_first(index):
    found = search_index(index, piece(melody(moved(THEME, -3))), min_similarity=0.01)
    assert found['work'].tolist()[:2] == ['one.parquet', 'two.parquet']
    assert found['similarity'].tolist()[:2] == [1.0, 1.0]
    assert found['similarity'].is_monotonic_decreasing
    exact = search_index(index, piece(melody(THEME)), min_similarity=1)
    assert exact['work'].tolist() == ['one.parquet', 'two.parquet']
    assert len(search_index(index, piece(melody(OTHER)))) == 1


def test_passages_of_the_whole_texture_have_the_upper_line_as_incipit(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    chords = [(k, 1, p) for k in range(4) for p in (60 - k, 50 + k, 40 + 2 * k)]
    rest = [(4 + k, 1, 80 - 5 * k) for k in range(4)]
    again = [(8 + k, length, p) for k, length, p in chords]
    table = piece([(Fraction(k), Fraction(d), p, 0) for k, d, p in [*chords, *rest, *again]])
    q.save_table(table, 'one.parquet')
    index_motifs(['one.parquet'], 'motifs.parquet', level='themes')
    row = read_index('motifs.parquet').iloc[0]
    assert (row['part'], row['pitch'], row['num_notes'], row['times']) == (-1, 60, 4, '1 1 1')


def test_only_parquet_is_written_and_only_an_index_is_read(works, tmp_path):
    with pytest.raises(ParameterError, match=r"ends in '\.csv'; expected \.parquet"):
        index_motifs(works, 'motifs.csv')
    with pytest.raises(CorpusError, match=r'is no index of motifs: it has no column .*intervals'):
        read_index(works[0])
    (tmp_path / 'broken.parquet').write_bytes(b'no table')
    for name in ('broken.parquet', 'gone.parquet'):
        with pytest.raises(CorpusError, match=f'{name} cannot be read as Parquet'):
            read_index(name)


def test_the_commands_write_print_and_search(works, tmp_path):
    done = run('motifs', *works, '-o', 'index.parquet')
    assert (done.exit_code, done.stdout) == (
        0, 'wrote index.parquet: 3 works, 0 failed\n'), done.stderr
    done = run('shared-motifs', 'index.parquet', '--csv', 'shared.csv')
    assert done.exit_code == 0
    assert done.stdout.splitlines()[-1] == '1 motifs'
    assert pd.read_csv('shared.csv')['num_works'].tolist() == [2]
    q.write_musicxml(q.engrave(piece(melody(THEME))), 'theme.musicxml')
    done = run('shared-motifs', 'index.parquet', '--theme', 'theme.musicxml',
               '--min-similarity', 1)
    assert [line.split()[:3] for line in done.stdout.splitlines()] == [
        ['1.0', 'one.parquet', 'A'], ['1.0', 'two.parquet', 'A'], ['2', 'motifs']]


def test_a_work_that_fails_is_told_by_the_exit_status(works):
    done = run('motifs', *works, 'gone.xml', '-o', 'index.parquet')
    assert done.exit_code != 0
    assert 'gone.xml' in done.stderr


@pytest.mark.parametrize(('arguments', 'message'), [
    (('shared-motifs', 'gone.parquet'), 'gone.parquet cannot be read as Parquet'),
    (('shared-motifs', 'one.parquet'), 'is no index of motifs'),
    (('motifs', 'one.parquet', '-o', 'index.csv'), "index.csv ends in '.csv'"),
    (('motifs', 'one.parquet', '-o', 'gone/index.parquet'), 'there is no folder gone')])
def test_bad_input_is_one_line_and_leaves_nothing(works, tmp_path, arguments, message):
    before = sorted(tmp_path.iterdir())
    done = run(*arguments)
    assert done.exit_code == 2
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert sorted(tmp_path.iterdir()) == before
