"""Engines: whatever a task does, the others go on, and it has an outcome."""

import math
import multiprocessing
import subprocess
import sys
import textwrap
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import psutil
import pytest
from corpus_work import echo, killed_once, misbehave

from corpus_tools.engine import Limits, LocalEngine, Task, guard, make_engine
from qbdi_m21.errors import CorpusError, ParameterError

TESTS = Path(__file__).resolve().parents[1]
KINDS = ('good', 'hang', 'eat', 'crash', 'raise', 'leave', 'vanish', 'kill', 'last')


@pytest.fixture(scope='module')
def cluster():
    from distributed import LocalCluster
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=':0') as made:
        yield made.scheduler_address


@pytest.fixture(params=['local', 'dask'])
def engine(request):
    """Make an engine of each kind, with limits."""
    def make(**limits):
        if request.param == 'local':
            return LocalEngine(2, Limits(**limits))
        return make_engine(scheduler=request.getfixturevalue('cluster'), limits=Limits(**limits))
    return make


@pytest.mark.parametrize('count', [0, 1, 57])
def test_every_task_has_one_outcome(engine, count):
    found = list(engine().run(echo, (Task(f't{k}', k) for k in range(count))))
    assert sorted((one.key, one.value) for one in found) == sorted(
        (f't{k}', k) for k in range(count))
    assert all(one.failure is None and one.seconds >= 0 and one.peak_mib > 1 for one in found)


def test_tasks_that_misbehave_fail_alone(engine):
    found = {one.key: one for one in engine(seconds=2.0, memory_mib=300).run(
        misbehave, [Task(kind, kind) for kind in KINDS])}
    assert set(found) == set(KINDS)
    assert (found['good'].value, found['last'].value) == ('good', 'last')
    told = {key: (one.failure.stage, one.failure.error) for key, one in found.items()
            if one.failure}
    assert told == {'hang': ('limit', 'TimeoutError'), 'eat': ('limit', 'MemoryError'),
                    'crash': ('worker', 'ProcessExpired'), 'raise': ('run', 'ValueError'),
                    'leave': ('run', 'SystemExit'), 'vanish': ('worker', 'ProcessExpired'),
                    'kill': ('worker', 'ProcessExpired')}
    assert found['raise'].failure.message == 'no good'
    assert 'signal 11' in found['crash'].failure.message
    assert math.isnan(found['hang'].seconds)


def test_a_task_whose_process_was_killed_is_tried_again(engine, tmp_path):
    found, = engine().run(killed_once, [Task('t', str(tmp_path / 'mark'))])
    assert (found.value, found.failure) == ('done', None)


@pytest.mark.parametrize('broken', [0, 1, len(guard._PAUSES) - 1, len(guard._PAUSES)])
def test_a_pool_that_breaks_as_it_starts_is_made_anew(monkeypatch, broken):
    schedule, starts = guard.GuardedPool._schedule, []

    def fragile(pool, task):
        starts.append(task)
        if len(starts) <= broken:
            raise BrokenProcessPool
        return schedule(pool, task)

    monkeypatch.setattr(guard, '_PAUSES', (0.0,) * len(guard._PAUSES))
    monkeypatch.setattr(guard.GuardedPool, '_schedule', fragile)
    outcomes = LocalEngine().run(echo, [Task('one', 1)])
    if broken < len(guard._PAUSES):
        assert [one.value for one in outcomes] == [1]
    else:
        with pytest.raises(CorpusError, match='no worker process can be started'):
            list(outcomes)


def test_tasks_are_taken_as_they_are_needed():
    taken = []

    def tasks():
        for k in range(1000):
            taken.append(k)
            yield Task(str(k), k)

    run = LocalEngine(2).run(echo, tasks())
    next(run)
    assert len(taken) < 20
    run.close()


def test_an_end_leaves_no_process():
    before = set(psutil.Process().children(recursive=True))
    run = LocalEngine(2, Limits(seconds=600)).run(misbehave, [Task('a', 'good'), Task('h', 'hang')])
    next(run)
    run.close()
    left = [p for p in set(psutil.Process().children(recursive=True)) - before if p.is_running()]
    # the servers that processes are forked from live as long as this one
    names = ' '.join(' '.join(p.cmdline()) for p in left)
    assert len(left) <= 2, names


def test_a_script_without_a_guard_is_told(tmp_path):
    script = tmp_path / 'script.py'
    script.write_text(textwrap.dedent('''
        from corpus_tools.engine import LocalEngine, Task
        from corpus_work import echo
        print(list(LocalEngine(1).run(echo, [Task('a', 1)])))
    '''))
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=60,
                          env={'PYTHONPATH': f'{TESTS}:{TESTS.parent}', 'PATH': '/usr/bin:/bin'},
                          check=False)
    assert done.returncode != 0
    assert "start below `if __name__ == '__main__':`" in done.stderr.splitlines()[-1]


@pytest.mark.parametrize('make', [lambda: Limits(seconds=0), lambda: Limits(memory_mib=-1),
                                  lambda: LocalEngine(0)])
def test_bad_limits_are_told(make):
    with pytest.raises(ParameterError, match='expected'):
        make()


def test_a_scheduler_that_does_not_answer_is_told():
    from corpus_tools.engine.cluster import DaskEngine
    with pytest.raises(CorpusError, match='no Dask scheduler with a worker answers at tcp://127'):
        list(DaskEngine('tcp://127.0.0.1:9', patience=1.0).run(echo, [Task('a', 1)]))
    with pytest.raises(CorpusError, match='no Dask scheduler'):
        list(DaskEngine('nonsense://x', patience=1.0).run(echo, [Task('a', 1)]))


def test_processes_are_forked_from_a_clean_server():
    # a fork of this process would copy the locks of its threads
    from corpus_tools.engine.guard import start_context
    assert start_context(echo).get_start_method() in ('forkserver', 'spawn')
    assert multiprocessing.get_start_method(allow_none=True) in (None, 'fork', 'forkserver',
                                                                 'spawn')
