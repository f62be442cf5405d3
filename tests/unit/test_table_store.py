"""Note tables and frames on disk: exact, whole, and damaged."""

import contextlib
import csv
import io
import json
import time
import zipfile
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from frame_strategies import assert_equal_frames, assert_equal_tables
from strategies import bars_of, table_of

from qbdi_m21.errors import FramesError, ParameterError
from qbdi_m21.frames.notes import extract_notes
from qbdi_m21.frames.raster import table_to_frames
from qbdi_m21.frames.store import (
    FORMAT,
    load_frames,
    load_table,
    npz_kind,
    save_frames,
    save_table,
    table_work,
)
from qbdi_m21.frames.table import COLUMNS, Tempo

F = Fraction
BARS = bars_of('4/4', '3/4', pickup_ql=1)
TABLE = table_of([(0, 1, 60), (4, 1, 62), (F(16, 3), F(1, 3), 63, 1), (5, 0, 64, 1)], BARS,
                 part_names=('Vl. "I", solo', 'Vla'), tempi=[Tempo(F(0), 90.5), Tempo(F(5), 60.)],
                 velocity=[10, 0, 127, 64], grace=[False, False, False, True],
                 staff=[1, 1, 2, 2], voice=[0, 1, 2, 3])
FRAMES = table_to_frames(TABLE, step='1/12', velocity=True)
SUFFIXES = ['.parquet', '.npz', '.csv']
WHOLE = ['.parquet', '.npz']


@pytest.fixture
def saved(tmp_path):
    """Write the table with each suffix, and frames; return the folder."""
    for suffix in SUFFIXES:
        save_table(TABLE, tmp_path / f'table{suffix}', work='a work')
    save_frames(FRAMES, tmp_path / 'frames.npz')
    return tmp_path


def csv_of(folder, text):
    path = folder / 'notes.csv'
    path.write_text(text, encoding='utf-8')
    return path


def change_meta(path, change):
    """Rewrite an .npz file with other meta data."""
    with np.load(path) as held:
        arrays = dict(held)
    meta = json.loads(str(arrays.pop('meta')))
    change(meta)
    np.savez(path, meta=np.array(json.dumps(meta)), **arrays)


@pytest.mark.parametrize('suffix', WHOLE)
@pytest.mark.parametrize('work', ['schumann_clara/opus17/movement3', 'ryansMammoth/AcaciaReel'])
def test_the_table_of_a_work_comes_back_exactly(corpus_score, tmp_path, work, suffix):
    table = extract_notes(corpus_score(work))
    save_table(table, tmp_path / f'x{suffix}')
    assert_equal_tables(load_table(tmp_path / f'x{suffix}'), table)


@pytest.mark.parametrize('suffix', WHOLE)
def test_bars_and_parts_without_notes_come_back(tmp_path, suffix):
    table = replace(TABLE.select(TABLE.part > 5), part_names=('a', '', 'c'))
    save_table(table, tmp_path / f'x{suffix}')
    assert_equal_tables(load_table(tmp_path / f'x{suffix}'), table)


@pytest.mark.parametrize('suffix', SUFFIXES)
def test_a_file_of_the_same_table_has_the_same_bytes(saved, suffix, monkeypatch):
    later = time.time() + 10**6
    monkeypatch.setattr(time, 'time', lambda: later)
    save_table(TABLE, saved / f'again{suffix}', work='a work')
    assert (saved / f'again{suffix}').read_bytes() == (saved / f'table{suffix}').read_bytes()
    assert not [path for path in saved.iterdir() if path.name.startswith('.')]


def test_frames_come_back_exactly(saved):
    assert_equal_frames(load_frames(saved / 'frames.npz'), FRAMES)
    for step in ('beat', 'bar'):
        frames = replace(FRAMES.slice_bars(0, 1).pad_bars(1), velocity=None)
        frames = replace(frames, grid=frames.grid.with_step(step), sounding=np.eye(
            frames.grid.with_step(step).num_frames, 78, dtype=bool), onset=np.zeros(
            (frames.grid.with_step(step).num_frames, 78), dtype=bool))
        save_frames(frames, saved / 'x.npz')
        assert_equal_frames(load_frames(saved / 'x.npz'), frames)


def test_a_csv_file_holds_all_columns_for_a_reader(saved):
    with (saved / 'table.csv').open(encoding='utf-8', newline='') as file:
        held = list(csv.DictReader(file))
    assert set(COLUMNS) <= set(held[0])
    assert [row['onset'] for row in held] == ['0', '4', '5', '16/3']
    assert [row['spelling'] for row in held] == TABLE.spelling.tolist()
    assert [row['beat'] for row in held] == ['4', '4', '1', '1.3333333333333333']
    assert held[0]['part_name'] == 'Vl. "I", solo'


def test_a_csv_file_keeps_everything_of_this_table_but_its_tempi(saved):
    assert_equal_tables(load_table(saved / 'table.csv'), replace(TABLE, tempi=()))


def test_three_columns_are_enough_for_a_csv_file(tmp_path):
    table = load_table(csv_of(tmp_path, 'onset,duration,pitch\n7/3,0.5,61\n0,2/3,60\n9,4,59.0\n'))
    assert table.pitch.tolist() == [60, 61, 59]
    assert table.onset.tolist() == [[0, 1], [7, 3], [9, 1]]
    assert [(b.number, b.meter, b.end_ql) for b in table.bars] == [
        (1, '4/4', 4), (2, '4/4', 8), (3, '4/4', 12), (4, '4/4', 16)]
    assert table.part_names == ('',)


def test_columns_that_a_csv_file_has_are_read(tmp_path):
    table = load_table(csv_of(
        tmp_path, 'pitch,part,grace,onset,duration,part_name,velocity,comment\n'
        '60,2,true,0,0,"Viola, 2",99,x\n61,0,false,0,1,Flute,1,y\n'))
    assert table.part_names == ('Flute', '', 'Viola, 2')
    assert table.grace.tolist() == [False, True]
    assert table.velocity.tolist() == [1, 99]


def test_bars_between_those_of_a_csv_file_are_filled_in(tmp_path):
    bars = bars_of('3/4', '3/4', '3/4', '2/4')
    table = table_of([(0, 1, 60), (9, 1, 62)], bars)
    save_table(table, tmp_path / 'x.csv')
    assert load_table(tmp_path / 'x.csv').bars == bars


def test_a_byte_order_mark_does_no_harm(tmp_path):
    assert len(load_table(csv_of(tmp_path, '\ufeffonset,duration,pitch\n0,1,60\n'))) == 1


@pytest.mark.parametrize(('text', 'message'), [
    ('', 'not a table of comma-separated values'),
    ('onset,duration\n0,1\n', 'the columns pitch are missing; it has onset, duration, expected'),
    ('onset;duration;pitch\n0;1;60\n', 'the columns onset, duration, pitch are missing'),
    ('onset,duration,pitch\n0,1\n', 'Expected 3 columns, got 2'),
    ('onset,duration,pitch\n0,1,60\nx,1,61\n', "column onset holds 'x' in row 2; expected a num"),
    ('onset,duration,pitch\n0,1/0,60\n', "the column duration holds '1/0' in row 1"),
    ('onset,duration,pitch\nnan,1,60\n', "the column onset holds 'nan' in row 1"),
    ('onset,duration,pitch\n,1,60\n', "the column onset holds '' in row 1"),
    ('onset,duration,pitch\n0,1,C4\n', "the column pitch holds 'C4' in row 1; expected a whole"),
    ('onset,duration,pitch\n0,1,60.5\n', r'the column pitch holds 60\.5 in row 1'),
    ('onset,duration,pitch\n0,1,60\n0,1,\n', 'the column pitch holds None in row 2'),
    ('onset,duration,pitch\n0,1,200\n', r'row 1 has a pitch outside MIDI 0\.\.127'),
    ('onset,duration,pitch\n0,-1,60\n', 'row 1 has a negative duration: onset 0, duration -1'),
    ('onset,duration,pitch\n-1,1,60\n', 'row 1 has a negative onset'),
    ('onset,duration,pitch,part\n0,1,60,Violin\n', "the column part holds 'Violin' in row 1")])
def test_a_csv_file_that_is_wrong_is_told_with_its_name_and_row(tmp_path, text, message):
    path = csv_of(tmp_path, text)
    with pytest.raises(FramesError, match=message) as told:
        load_table(path)
    assert str(told.value).startswith(str(path))


def test_an_onset_behind_the_bars_is_told(saved):
    change_meta(saved / 'table.npz', lambda meta: meta['bars'].pop())
    with pytest.raises(FramesError, match=r'table\.npz: the column bar runs from 0 to 2; expec'):
        load_table(saved / 'table.npz')


@pytest.mark.filterwarnings('ignore:Reading `.npy` or `.npz` file required')
@pytest.mark.parametrize('name', ['table.parquet', 'table.npz', 'table.csv', 'frames.npz'])
def test_damaged_files_are_told(saved, name, rng):
    path = saved / name
    whole, load = path.read_bytes(), load_frames if 'frames' in name else load_table
    for _ in range(60):
        broken = bytearray(whole)
        for place in rng.integers(0, len(whole), 3):
            broken[place] = rng.integers(0, 256)
        path.write_bytes(bytes(broken))
        with contextlib.suppress(FramesError):
            load(path)
    for size in rng.integers(0, len(whole), 15) if name != 'table.csv' else ():
        path.write_bytes(whole[:size])
        with pytest.raises(FramesError, match=name):
            load(path)
        assert npz_kind(path) == ''


@pytest.mark.parametrize('name', ['x.parquet', 'x.npz', 'x.csv'])
def test_rubbish_and_nothing_are_told(tmp_path, name):
    path = tmp_path / name
    with pytest.raises(FramesError, match=f'no such file: .*{name}'):
        load_table(path)
    for content in (b'', b'nothing of the kind', bytes(range(256)) * 20):
        path.write_bytes(content)
        with pytest.raises(FramesError, match=name):
            load_table(path)


def test_files_of_another_kind_are_told(saved):
    with pytest.raises(FramesError, match=r"frames\.npz: it holds 'frames'; expected 'table'"):
        load_table(saved / 'frames.npz')
    with pytest.raises(FramesError, match=r"table\.npz: it holds 'table'; expected 'frames'"):
        load_frames(saved / 'table.npz')
    np.savez(saved / 'other.npz', values=np.arange(3))
    with pytest.raises(FramesError, match='it is no table of this package'):
        load_table(saved / 'other.npz')
    pq.write_table(pa.table({'a': [1]}), saved / 'other.parquet')
    with pytest.raises(FramesError, match="it holds 'no data of this package'"):
        load_table(saved / 'other.parquet')
    assert [npz_kind(saved / f'{name}.npz') for name in ('table', 'frames', 'other', 'none')] == [
        'table', 'frames', '', '']


def test_pickled_data_is_never_unpacked(saved):
    class Trap:
        def __reduce__(self):
            return exec, ('raise SystemExit',)

    for meta in (np.array([Trap()], dtype=object), np.array(json.dumps({'kind': 'table'}))):
        np.savez(saved / 'x.npz', meta=meta, onset=np.array([Trap()], dtype=object))
        with pytest.raises(FramesError, match=r'x\.npz'):
            load_table(saved / 'x.npz')
        with pytest.raises(FramesError, match=r'x\.npz'):
            load_frames(saved / 'x.npz')


def test_files_of_another_format_and_columns_that_are_gone_are_told(saved):
    change_meta(saved / 'table.npz', lambda meta: meta.update(format='1'))
    with pytest.raises(FramesError, match=f'it has format 1; expected {FORMAT}: make it again'):
        load_table(saved / 'table.npz')
    arrow = pq.read_table(saved / 'table.parquet')
    pq.write_table(arrow.drop_columns(['pitch', 'onset_den']), saved / 'table.parquet')
    with pytest.raises(FramesError, match='the columns onset, pitch are missing; expected onset'):
        load_table(saved / 'table.parquet')


def archive_with(path, **members):
    """Put members (bytes) into an .npz file."""
    with zipfile.ZipFile(path) as old:
        held = {name: old.read(name) for name in old.namelist()}
    with zipfile.ZipFile(path, 'w', zipfile.ZIP_DEFLATED) as new:
        for name, data in {**held, **members}.items():
            new.writestr(name, data)


def test_an_archive_that_unpacks_without_end_is_refused(saved, monkeypatch):
    monkeypatch.setattr('qbdi_m21.frames.store.MAX_BYTES', 10**6)
    archive_with(saved / 'table.npz', **{'zeros.npy': bytes(2 * 10**6)})
    with pytest.raises(FramesError, match=r'it unpacks to \d+ bytes; expected 1000000 at most'):
        load_table(saved / 'table.npz')


def test_an_array_that_promises_more_than_there_is_is_told(saved):
    head = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        head, {'descr': '<i8', 'fortran_order': False, 'shape': (10**15,)})
    archive_with(saved / 'table.npz', **{'pitch.npy': head.getvalue()})
    with pytest.raises(FramesError, match=r'table\.npz is not a note table'):
        load_table(saved / 'table.npz')


@pytest.mark.parametrize('name', ['x.txt', 'x', 'x.parquet.gz'])
def test_other_suffixes_are_refused(tmp_path, name):
    for act in (lambda path: save_table(TABLE, path), load_table):
        with pytest.raises(ParameterError, match=r'expected \.parquet, \.npz, \.csv'):
            act(tmp_path / name)
    with pytest.raises(ParameterError, match=r'expected \.npz'):
        save_frames(FRAMES, tmp_path / name)


def test_a_file_is_written_whole_or_not_at_all(saved, monkeypatch):
    before = (saved / 'table.csv').read_bytes()
    monkeypatch.setattr('pyarrow.csv.write_csv', lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        save_table(TABLE, saved / 'table.csv')
    assert (saved / 'table.csv').read_bytes() == before
    assert len(list(saved.iterdir())) == 4
    with pytest.raises(ParameterError, match='no such folder'):
        save_table(TABLE, saved / 'none' / 'table.csv')


def test_a_parquet_file_names_its_work(saved):
    assert table_work(saved / 'table.parquet') == 'a work'
    for name in ('table.npz', 'table.csv', 'none.parquet'):
        assert table_work(saved / name) is None
    pq.write_table(pa.table({'a': [1]}), saved / 'table.parquet')
    assert table_work(saved / 'table.parquet') is None


@pytest.mark.parametrize('row', ['1e999999999,1,60,0', '0,1e999999999,60,0', '1e12,1,60,0',
                                 '1e7,1,60,0', '0,1,60,1000000000'])
def test_a_small_file_cannot_ask_for_a_table_without_end(tmp_path, row):
    begun = time.monotonic()
    with pytest.raises(FramesError, match=r'notes\.csv'):
        load_table(csv_of(tmp_path, f'onset,duration,pitch,part\n{row}\n'))
    assert time.monotonic() - begun < 1


def test_a_bar_cannot_be_as_long_as_a_file_likes(saved):
    change_meta(saved / 'table.npz', lambda meta: meta['bars'][0].update(start_ql='1e999999999'))
    with pytest.raises(FramesError, match=r'table\.npz'):
        load_table(saved / 'table.npz')
