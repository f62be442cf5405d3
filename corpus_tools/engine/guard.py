"""A pool whose processes are ended one by one: by time, by memory, or because they died."""

from __future__ import annotations

import math
import multiprocessing
import sys
import time
from collections.abc import Callable
from concurrent.futures import CancelledError, Future, TimeoutError
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.context import BaseContext
from typing import Any

from pebble import ProcessExpired, ProcessPool

from corpus_tools.engine.task import (
    LIMIT,
    UNGUARDED,
    WORKER,
    Failure,
    Limits,
    Outcome,
    Task,
    check_starter,
)
from corpus_tools.engine.worker import call, prepare
from qbdi_m21.errors import CorpusError

#: Tasks whose process was killed from outside are tried so often: it need not be their fault.
ATTEMPTS = 3

#: Seconds before each start of a pool; all but the first follow one that broke.
_PAUSES = (0.0, 0.1, 0.2, 0.5, 1.0, 2.0, 4.0, 8.0)

#: Exit codes of processes that somebody else ended: SIGKILL and SIGTERM; and of those whose
#: server went away.
_KILLED = (-9, -15, 255)


def start_context(function: Callable[[Any], Any]) -> BaseContext:
    """Return how processes start: forked from a small server that has imported the function."""
    if sys.platform == 'win32':
        return multiprocessing.get_context('spawn')
    context = multiprocessing.get_context('forkserver')
    context.set_forkserver_preload(['corpus_tools.engine.worker', function.__module__])
    return context


class GuardedPool:
    """Processes that run one task at a time, each within limits."""

    def __init__(self, jobs: int, limits: Limits, function: Callable[[Any], Any]) -> None:
        check_starter()
        self._function = function
        self._limits = limits
        self._jobs = jobs
        self._pool = self._new_pool()

    def _new_pool(self) -> ProcessPool:
        return ProcessPool(self._jobs, initializer=prepare, initargs=(self._limits.memory_mib,),
                           context=start_context(self._function))

    def submit(self, task: Task) -> Future[Outcome]:
        """Start a task as soon as a process is free.

        Raises
        ------
        CorpusError
            If no process can be started.
        """
        for pause in _PAUSES:
            time.sleep(pause)
            try:
                return self._schedule(task)
            except RuntimeError as error:       # the pool is broken, or the server of its processes
                self.stop()
                self._pool = self._new_pool()
                reason = error
        raise CorpusError(f'no worker process can be started: {reason!r}') from reason

    def _schedule(self, task: Task) -> Future[Outcome]:
        future: Future[Outcome] = self._pool.schedule(
            call, args=(self._function, task.key, task.argument), timeout=self._limits.seconds)
        return future

    def outcome(self, task: Task, future: Future[Outcome], attempt: int) -> Outcome | None:
        """Return the outcome of a future that is done; None where the task is to be tried again.

        Raises
        ------
        CorpusError
            If no process can be started.
        """
        try:
            return future.result()
        except TimeoutError:
            failure = Failure(LIMIT, 'TimeoutError', f'it took more than {self._limits.seconds:g} '
                              'seconds; raise the limit of time, or leave it out')
        except CancelledError:      # the pool was made anew
            return None
        except BrokenProcessPool as error:
            if attempt < ATTEMPTS:
                return None
            raise CorpusError(f'the worker processes end as they start; {UNGUARDED}') from error
        except ProcessExpired as error:
            if error.exitcode in _KILLED and attempt < ATTEMPTS:
                return None
            failure = Failure(WORKER, 'ProcessExpired', _death(error.exitcode))
        except Exception as error:      # what cannot be pickled
            failure = Failure.of(WORKER, error)
        return Outcome(task.key, None, failure, math.nan, math.nan)

    def stop(self) -> None:
        """End all processes."""
        self._pool.stop()
        self._pool.join()


def _death(code: int) -> str:
    if code < 0:
        return f'its process was ended by signal {-code}; the reader of this work crashes'
    return f'its process ended by itself with status {code}'
