"""Kills at random times, two runs at once, a cluster that loses its parts: the rest is finished."""

import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import psutil
import pytest
from corpus_studies import write_tunes

from corpus_tools.results import read_results, study_status
from corpus_tools.rows import RowLog
from corpus_tools.run import study_log
from corpus_tools.store import Store
from corpus_tools.study import load_study

TESTS = Path(__file__).resolve().parents[1]
ENV = {**os.environ, 'PYTHONPATH': f'{TESTS}{os.pathsep}{TESTS.parent}'}
WORKS = 60
TRIALS = 12


@pytest.fixture
def study(tmp_path):
    """A study that takes some seconds, and writes down which works were measured."""
    write_tunes(tmp_path / 'tunes', WORKS)
    path = tmp_path / 'trial.toml'
    path.write_text(f'works = ["tunes"]\n[[measures]]\nmeasure = "corpus_work:counted"\n'
                    f'options = {{ log = "{tmp_path}/log.txt", pause = 0.1 }}\n')
    return path


def start(study, *options):
    return subprocess.Popen([sys.executable, '-m', 'corpus_tools.cli', 'run', str(study), '--jobs',
                             '2', *options], env=ENV, stdout=subprocess.DEVNULL,
                            stderr=subprocess.PIPE, text=True)


def finished(study):
    """Return the works whose rows are safe, and how often each is there."""
    import pyarrow.parquet as pq
    log = study_log(Store(load_study(study).store), load_study(study).name)
    rows = [row for path in log.parts() for row in pq.read_table(path).to_pylist()]
    return Counter(Path(row['work']).name for row in [*rows, *RowLog(log.folder).unsealed()])


def measured(study):
    log = study.parent / 'log.txt'
    return Counter(log.read_text().split()) if log.exists() else Counter()


def workers_of(process):
    """Return the processes that do the work: the children of their server."""
    try:
        return [worker for server in servers_of(process) for worker in server.children()]
    except psutil.NoSuchProcess:
        return []


def servers_of(process):
    """Return the process that starts the others: none, or one."""
    try:
        return [one for one in psutil.Process(process.pid).children()
                if 'forkserver' in ' '.join(one.cmdline())]
    except psutil.NoSuchProcess:
        return []


def check_whole(study):
    assert finished(study) == Counter({f'tune{k:03d}.abc': 1 for k in range(WORKS)})
    table = read_results(load_study(study))
    assert len(table) == WORKS
    assert table['counted'].notna().all()
    status = study_status(load_study(study))
    assert (status.done, status.pending, status.failed) == (WORKS, 0, {})


def test_kills_at_random_times_lose_and_double_nothing(study):
    chance = random.Random(9)
    redone = 0
    for trial in range(TRIALS):
        before, counted = finished(study), measured(study)
        process = start(study)
        # time to read the works at first, then somewhere within the run
        time.sleep(chance.uniform(0.8, 3.5 if trial == 0 else 2.2))
        if trial % 2:
            victims = workers_of(process)
            if victims:
                chance.choice(victims).send_signal(signal.SIGKILL)
                time.sleep(chance.uniform(0.0, 0.5))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        after = finished(study)
        assert before <= after
        again = measured(study) - counted
        assert not set(again) & set(before), 'a finished work was measured again'
        redone += sum(again.values()) - (sum(after.values()) - sum(before.values()))
    process = start(study)
    _, told = process.communicate(timeout=120)
    assert process.returncode == 0, told
    check_whole(study)
    # only what was under way at a kill was done again: one task in each of two processes
    assert redone <= 4 * TRIALS


def test_a_worker_that_is_killed_costs_no_work(study):
    process = start(study)
    kills = 0
    while process.poll() is None:
        time.sleep(0.7)
        victims = workers_of(process)
        if victims and kills < 4:
            random.Random(kills).choice(victims).send_signal(signal.SIGKILL)
            kills += 1
    _, told = process.communicate()
    assert (process.returncode, kills > 1) == (0, True), told
    check_whole(study)


def test_the_server_of_the_processes_may_die(study):
    process = start(study)
    while not sum(finished(study).values()):
        time.sleep(0.1)
    killed = set()
    while len(killed) < 2 and process.poll() is None:   # as it works, and as the next one starts
        for server in set(servers_of(process)) - killed:
            server.kill()
            killed.add(server)
        time.sleep(0.05)
    assert killed
    _, told = process.communicate(timeout=120)
    assert process.returncode == 0, told
    check_whole(study)


def test_two_runs_at_once_share_the_work(study):
    first = start(study)
    time.sleep(0.3)
    second = start(study)
    told = [one.communicate(timeout=120)[1] for one in (first, second)]
    assert (first.returncode, second.returncode) == (0, 0), told
    check_whole(study)
    assert set(measured(study).values()) == {1}
    assert 'another process works on' in ''.join(told)


def test_an_interrupt_keeps_what_is_finished(study):
    process = start(study)
    while not sum(finished(study).values()):
        time.sleep(0.1)
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=60)
    assert process.returncode == 130
    assert told.strip().endswith('interrupted')
    assert 0 < sum(finished(study).values()) < WORKS
    again = start(study)
    again.communicate(timeout=120)
    assert again.returncode == 0
    check_whole(study)


def free_port():
    with socket.socket() as one:
        one.bind(('127.0.0.1', 0))
        return one.getsockname()[1]


def dask(*arguments):
    return subprocess.Popen([sys.executable, '-m', 'distributed.cli.dask_' + arguments[0],
                             *arguments[1:]], env=ENV, stdout=subprocess.DEVNULL,
                            stderr=subprocess.DEVNULL, start_new_session=True)


def stop(process):
    for one in [*psutil.Process(process.pid).children(recursive=True),
                psutil.Process(process.pid)]:
        one.kill()
    process.wait()


@pytest.fixture
def processes():
    """Collect processes, all of which are ended at the end."""
    started = []
    yield started
    for one in started:
        if one.poll() is None:
            stop(one)


def test_a_cluster_from_the_command_line_loses_a_worker_and_its_scheduler(
        study, tmp_path, processes):
    port = free_port()
    address = f'tcp://127.0.0.1:{port}'

    def new_scheduler():
        processes.append(dask('scheduler', '--port', str(port), '--host', '127.0.0.1',
                              '--no-dashboard'))
        return processes[-1]

    def new_worker():
        processes.append(dask('worker', address, '--nthreads', '1', '--no-dashboard',
                              '--local-directory', str(tmp_path)))
        return processes[-1]

    scheduler = new_scheduler()
    worker, _ = new_worker(), new_worker()
    run = start(study, '--scheduler', address)
    processes.append(run)

    def wait_for(count):
        while sum(finished(study).values()) < count:
            assert run.poll() is None, run.stderr.read()
            time.sleep(0.1)

    wait_for(5)
    stop(worker)
    wait_for(15)
    stop(scheduler)
    new_scheduler()
    # workers go with their scheduler
    new_worker()
    _, told = run.communicate(timeout=150)
    assert run.returncode == 0, told
    check_whole(study)
