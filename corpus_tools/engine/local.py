"""Tasks on the processes of one machine."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from itertools import islice
from queue import SimpleQueue
from typing import Any

from corpus_tools.engine.guard import GuardedPool
from corpus_tools.engine.task import Limits, Outcome, Task
from qbdi_m21.errors import ParameterError

#: Tasks that wait for each process, so that none is idle.
_AHEAD = 4


class LocalEngine:
    """Runs tasks in processes of this machine.

    Parameters
    ----------
    jobs : int
        Processes.
    limits : Limits
        Of each task.
    """

    def __init__(self, jobs: int = 1, limits: Limits | None = None) -> None:
        if jobs < 1:
            raise ParameterError(f'jobs is {jobs}; expected at least 1')
        self.jobs = jobs
        self.limits = limits or Limits()

    def run(self, function: Callable[[Any], Any], tasks: Iterable[Task]) -> Iterator[Outcome]:
        """Yield the outcome of each task as it ends; see :class:`Engine`."""
        waiting = iter(tasks)
        done: SimpleQueue[Future[Outcome]] = SimpleQueue()
        running: dict[Future[Outcome], tuple[Task, int]] = {}
        pool = GuardedPool(self.jobs, self.limits, function)

        def start(task: Task, attempt: int = 1) -> None:
            future = pool.submit(task)
            running[future] = task, attempt
            future.add_done_callback(done.put)

        try:
            for task in islice(waiting, self.jobs * (1 + _AHEAD)):
                start(task)
            while running:
                future = done.get()
                task, attempt = running.pop(future)
                outcome = pool.outcome(task, future, attempt)
                if outcome is None:
                    start(task, attempt + 1)
                    continue
                following = next(waiting, None)
                if following is not None:
                    start(following)
                yield outcome
        finally:
            pool.stop()
