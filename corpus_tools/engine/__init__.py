"""Engines: where the tasks of a corpus run. Both take the same tasks and give the same outcomes."""

from __future__ import annotations

from corpus_tools.engine.local import LocalEngine
from corpus_tools.engine.task import Engine, Failure, Limits, Outcome, Task

__all__ = ['Engine', 'Failure', 'Limits', 'LocalEngine', 'Outcome', 'Task', 'make_engine']


def make_engine(*, jobs: int = 1, scheduler: str | None = None,
                limits: Limits | None = None) -> Engine:
    """Return the engine that options ask for.

    Parameters
    ----------
    jobs : int
        Local processes.
    scheduler : str, optional
        Address of a Dask scheduler (``tcp://host:8786``); then `jobs` does not count.
    limits : Limits, optional
        Of each task.
    """
    if scheduler is None:
        return LocalEngine(jobs, limits or Limits())
    from corpus_tools.engine.cluster import DaskEngine
    return DaskEngine(scheduler, limits or Limits())
