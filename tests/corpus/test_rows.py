"""Rows survive a kill, a full disk and two writers; each is there once."""

import json
import math
import subprocess
import sys
import threading
import warnings
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus_tools.rows import RowLog
from qbdi_m21.errors import CorpusError, SourceWarning


def read(folder):
    return [row for path in RowLog(folder).parts() for row in pq.read_table(path).to_pylist()]


def test_rows_become_parquet_a_batch_a_file(tmp_path):
    log = RowLog(tmp_path, batch=10)
    with log.writing():
        for k in range(25):
            log.append([{'key': str(k), 'value': k}])
    assert [path.name for path in log.parts()] == ['000001.parquet', '000002.parquet',
                                                   '000003.parquet']
    assert [row['value'] for row in read(tmp_path)] == list(range(25))
    assert list(tmp_path.glob('*.jsonl')) == []
    with log.writing():
        log.append([{'key': 'x', 'value': 99}])
    assert len(log.parts()) == 4


def test_rows_under_way_can_be_seen(tmp_path):
    log = RowLog(tmp_path)
    with log.writing():
        log.append([{'key': 'a'}, {'key': 'b'}])
        assert [row['key'] for row in RowLog(tmp_path).unsealed()] == ['a', 'b']
        assert RowLog(tmp_path).parts() == []
    assert RowLog(tmp_path).unsealed() == []


@pytest.mark.parametrize('torn', ['', '[{"key": "c", "val', '[{"key": "c"}]'])
def test_a_kill_loses_at_most_the_line_that_was_being_written(tmp_path, torn):
    lines = [json.dumps([{'key': key, 'value': 1}]) for key in 'ab']
    (tmp_path / '000007.jsonl').write_text('\n'.join(lines) + '\n' + torn)
    with RowLog(tmp_path).writing() as log:
        log.append([{'key': 'd', 'value': 2}])
    assert [row['key'] for row in read(tmp_path)] == ['a', 'b', 'd']
    assert [path.name for path in log.parts()] == ['000007.parquet', '000008.parquet']


def test_a_kill_between_parquet_and_text_doubles_nothing(tmp_path):
    with RowLog(tmp_path).writing() as log:
        log.append([{'key': 'a', 'value': 1}])
    (tmp_path / '000001.jsonl').write_text(json.dumps([{'key': 'a', 'value': 1}]) + '\n')
    assert RowLog(tmp_path).unsealed() == []
    with RowLog(tmp_path).writing():
        pass
    assert [row['key'] for row in read(tmp_path)] == ['a']


def test_an_error_keeps_what_was_finished(tmp_path):
    log = RowLog(tmp_path)

    def fail():
        with log.writing():
            log.append([{'key': 'a'}])
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert [row['key'] for row in read(tmp_path)] == ['a']


@pytest.mark.skipif(not Path('/dev/full').exists(), reason='no /dev/full here')
def test_a_full_disk_is_told_and_loses_nothing(tmp_path):
    log = RowLog(tmp_path, batch=1)
    with log.writing():
        log.append([{'key': 'a'}])
        (tmp_path / '000002.jsonl').symlink_to('/dev/full')
        with pytest.raises(CorpusError, match='No space left on device; make room'):
            log.append([{'key': 'b'}])
    (tmp_path / '000002.jsonl').unlink()
    with RowLog(tmp_path).writing() as again:
        again.append([{'key': 'b'}])
    assert [row['key'] for row in read(tmp_path)] == ['a', 'b']


def test_a_second_writer_waits_for_the_first(tmp_path):
    started, order, told_of = threading.Event(), [], []

    def second():
        started.wait()
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter('always')
            with RowLog(tmp_path).writing() as log:
                order.append('second')
                log.append([{'key': 'b'}])
        told_of.extend(told)

    thread = threading.Thread(target=second)
    thread.start()
    with RowLog(tmp_path).writing() as log:
        started.set()
        thread.join(0.5)
        order.append('first')
        log.append([{'key': 'a'}])
    thread.join()
    assert order == ['first', 'second']
    told, = told_of
    assert told.category is SourceWarning
    assert 'another process works on' in str(told.message)
    assert [row['key'] for row in read(tmp_path)] == ['a', 'b']


def test_a_lock_goes_with_its_process(tmp_path):
    script = ('import os, sys\nfrom corpus_tools.rows import RowLog\n'
              'with RowLog(sys.argv[1]).writing() as log:\n'
              '    log.append([{"key": "a"}])\n    os.kill(os.getpid(), 9)\n')
    done = subprocess.run([sys.executable, '-c', script, str(tmp_path)], check=False)
    assert done.returncode == -9
    with RowLog(tmp_path).writing():
        pass
    assert [row['key'] for row in read(tmp_path)] == ['a']


values = st.none() | st.booleans() | st.integers(-2**53, 2**53) | st.floats(
    allow_nan=False) | st.text(st.characters(codec='utf-8'))


@given(st.lists(st.dictionaries(st.sampled_from('abc'), values), min_size=1, max_size=6))
def test_any_rows_come_back(tmp_path_factory, rows):
    folder = tmp_path_factory.mktemp('rows')
    named = [{'key': str(k), **row} for k, row in enumerate(rows)]
    with RowLog(folder, batch=100).writing() as log:
        for row in named:
            log.append([row])
    for wanted, found in zip(named, read(folder), strict=True):
        for name, value in wanted.items():
            back = found.get(name)
            # a column of several kinds holds text; whole numbers among others become floats
            assert back == value or str(value) == back or (
                isinstance(back, float) and math.isclose(back, value)), (name, value, back)
