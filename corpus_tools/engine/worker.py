"""What runs in a worker process: the call itself, and what ends the process when it must."""

from __future__ import annotations

import math
import multiprocessing
import os
import sys
import threading
import time
from collections.abc import Callable
from multiprocessing import connection
from typing import Any

from corpus_tools.engine.task import Failure, Outcome

_MIB = 2**20


def prepare(memory_mib: int | None) -> None:
    """Prepare a new worker: its memory limit, and an end with its parent."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent.sentinel,), daemon=True).start()
    if memory_mib is not None and sys.platform == 'linux':
        import resource
        with open('/proc/self/status', encoding='ascii') as file:
            data = next(int(line.split()[1]) for line in file if line.startswith('VmData'))
        _, hard = resource.getrlimit(resource.RLIMIT_DATA)
        limit = data * 1024 + memory_mib * _MIB
        resource.setrlimit(resource.RLIMIT_DATA, (
            limit if hard == resource.RLIM_INFINITY else min(limit, hard), hard))


def _end_with(sentinel: int) -> None:
    # a parent that is killed leaves nobody to end a parser that hangs
    connection.wait([sentinel])
    os._exit(1)


def call(function: Callable[[Any], Any], key: str, argument: Any) -> Outcome:
    """Call a function; an exception is a failure of this task and of no other."""
    started = time.perf_counter()
    value, failure = None, None
    try:
        value = function(argument)
    except MemoryError as error:
        failure = Failure.of('limit', error)
    except (Exception, SystemExit) as error:
        failure = Failure.of('run', error)
    return Outcome(key, value, failure, time.perf_counter() - started, peak_mib())


def peak_mib() -> float:
    """Return the most memory that this process has had, in MiB; NaN where none tells."""
    try:
        import resource
    except ImportError:     # on Windows
        return math.nan
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (_MIB if sys.platform == 'darwin' else 1024)
