"""Tasks on a Dask cluster: the same limits hold on each of its workers."""

from __future__ import annotations

import contextlib
import math
import multiprocessing
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import CancelledError, wait
from itertools import islice
from typing import Any
from uuid import uuid4

from distributed import Client, Future, Worker, as_completed, get_worker
from distributed.diagnostics.plugin import WorkerPlugin
from distributed.scheduler import KilledWorker

from corpus_tools.engine.guard import GuardedPool
from corpus_tools.engine.task import WORKER, Failure, Limits, Outcome, Task
from qbdi_m21.errors import CorpusError

#: Tasks sent ahead for each thread of the cluster.
_AHEAD = 4

#: Seconds to wait for a scheduler, at first and after it went away.
PATIENCE = 60.0


class _Guards(WorkerPlugin):
    """Gives each Dask worker processes of its own, that can be ended while the worker lives."""

    def __init__(self, function: Callable[[Any], Any], limits: Limits) -> None:
        self.name = f'qbdi-{uuid4().hex}'
        self.function = function
        self.limits = limits
        self.pool: GuardedPool | None = None

    def setup(self, worker: Worker) -> None:
        """Start the processes, as many as the worker has threads."""
        # Dask marks its workers as daemons, which multiprocessing lets have no children; ours
        # end with their parent by themselves
        multiprocessing.current_process()._config['daemon'] = False  # type: ignore[attr-defined]
        self.pool = GuardedPool(worker.state.nthreads, self.limits, self.function)

    def teardown(self, worker: Worker) -> None:
        """End the processes."""
        if self.pool is not None:
            self.pool.stop()


class DaskEngine:
    """Runs tasks on the workers of a Dask scheduler.

    Parameters
    ----------
    address : str
        Of the scheduler, such as ``tcp://host:8786``. Its workers need this package, and the
        same paths.
    limits : Limits
        Of each task: it runs in a process of its own beside the worker, which lives on.
    patience : float
        Seconds to wait for the scheduler, at first and when it is restarted.
    """

    def __init__(self, address: str, limits: Limits | None = None, *,
                 patience: float = PATIENCE) -> None:
        self.address = address
        self.limits = limits or Limits()
        self.patience = patience

    def run(self, function: Callable[[Any], Any], tasks: Iterable[Task]) -> Iterator[Outcome]:
        """Yield the outcome of each task as it ends; see :class:`Engine`."""
        waiting = iter(tasks)
        unfinished: dict[str, Task] = {}
        while True:
            client = self._connect()
            try:
                yield from self._run(client, function, waiting, unfinished)
                return
            except (CancelledError, OSError):
                # the scheduler has gone; what had not come back is sent to the next one
                continue
            finally:
                client.close(timeout=5)

    def _connect(self) -> Client:
        stop = time.monotonic() + self.patience
        while True:
            try:
                client = Client(self.address, timeout=max(1.0, stop - time.monotonic()),
                                set_as_default=False, direct_to_workers=False)
                client.wait_for_workers(1, timeout=max(1.0, stop - time.monotonic()))
                return client
            except (OSError, TimeoutError, ValueError) as error:
                if time.monotonic() > stop or isinstance(error, ValueError):
                    raise CorpusError(
                        f'no Dask scheduler with a worker answers at {self.address} '
                        f'({type(error).__name__}: {error}); start `dask scheduler` and `dask '
                        'worker`, and run again: what is finished is kept') from error
                time.sleep(0.5)

    def _run(self, client: Client, function: Callable[[Any], Any], waiting: Iterator[Task],
             unfinished: dict[str, Task]) -> Iterator[Outcome]:
        guards = _Guards(function, self.limits)
        client.register_plugin(guards)
        try:
            yield from self._stream(client, guards.name, waiting, unfinished)
        finally:
            with contextlib.suppress(OSError, TimeoutError, CancelledError, ValueError):
                client.unregister_worker_plugin(guards.name)

    def _stream(self, client: Client, guards: str, waiting: Iterator[Task],
                unfinished: dict[str, Task]) -> Iterator[Outcome]:
        ahead = max(1, sum(client.nthreads().values())) * (1 + _AHEAD)
        done = as_completed(loop=client.loop)
        keys: dict[str, str] = {}

        def start(task: Task) -> None:
            unfinished[task.key] = task
            future = client.submit(_call_guarded, guards, task, pure=False,
                                   key=f'{task.key}-{uuid4().hex}')
            keys[str(future.key)] = task.key
            done.add(future)

        for task in list(unfinished.values()):
            start(task)
        for task in islice(waiting, max(0, ahead - len(unfinished))):
            start(task)
        for future in done:
            outcome = _outcome(unfinished[keys[str(future.key)]], future)
            del unfinished[keys.pop(str(future.key))]
            following = next(waiting, None)
            if following is not None:
                start(following)
            yield outcome


def _outcome(task: Task, future: Future[Any]) -> Outcome:
    if future.cancelled() or future.status == 'lost':
        raise CancelledError
    try:
        outcome: Outcome = future.result()
        return outcome
    except CancelledError:
        raise
    except KilledWorker as error:
        failure = Failure(WORKER, 'KilledWorker', f'several workers died with it: {error}'[:500])
    except Exception as error:      # of the worker itself: a package that is missing there, ...
        failure = Failure.of(WORKER, error)
    return Outcome(task.key, None, failure, math.nan, math.nan)


def _call_guarded(name: str, task: Task) -> Outcome:
    """Run a task on a Dask worker, in a process that can be ended alone."""
    guards: Any = get_worker().plugins[name]
    pool: GuardedPool = guards.pool
    attempt = 1
    while True:
        future = pool.submit(task)
        wait([future])
        outcome = pool.outcome(task, future, attempt)
        if outcome is not None:
            return outcome
        attempt += 1
