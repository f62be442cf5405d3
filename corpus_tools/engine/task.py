"""What an engine is given and gives back."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

from qbdi_m21.errors import CorpusError, ParameterError

#: Where a task failed that its engine had to end.
LIMIT, WORKER = 'limit', 'worker'

#: What is told of a script that its own workers start once more.
UNGUARDED = ("a script that works with several processes must start below `if __name__ == "
             "'__main__':`")


@dataclass(frozen=True)
class Task:
    """One call: of the engine's function, with one argument.

    Attributes
    ----------
    key : str
        Names the task in its outcome.
    argument
        Anything that pickles.
    """

    key: str
    argument: Any


@dataclass(frozen=True)
class Limits:
    """What a task may use. Beyond it its process is ended, and no other.

    Attributes
    ----------
    seconds : float or None
        Wall-clock time.
    memory_mib : int or None
        Memory beyond what an idle process has, in MiB. Held by the kernel (``RLIMIT_DATA``), so
        on Linux only.
    """

    seconds: float | None = 300.0
    memory_mib: int | None = 4096

    def __post_init__(self) -> None:
        for name, value in (('seconds', self.seconds), ('memory_mib', self.memory_mib)):
            if value is not None and not value > 0:
                raise ParameterError(f'{name} is {value}; expected more than 0, or none')


@dataclass(frozen=True)
class Failure:
    """Why a task gave nothing.

    Attributes
    ----------
    stage : str
        What was being done; 'limit' for time and memory, 'worker' for a process that died.
    error : str
        Class of the exception.
    message : str
    """

    stage: str
    error: str
    message: str

    @classmethod
    def of(cls, stage: str, error: BaseException) -> Failure:
        """Return the failure of an exception; its message in one line."""
        message = ' '.join(str(error).split())
        return cls(stage, type(error).__name__, message[:500] or type(error).__name__)


@dataclass(frozen=True)
class Outcome:
    """What became of a task.

    Attributes
    ----------
    key : str
    value
        What the function returned; None where it failed.
    failure : Failure or None
    seconds : float
        Time in the function; NaN where its process was ended.
    peak_mib : float
        Most memory that the process has had so far, in MiB; NaN likewise.
    """

    key: str
    value: Any
    failure: Failure | None
    seconds: float
    peak_mib: float


class Engine(Protocol):
    """Runs tasks in some order, as many at a time as there are processes."""

    def run(self, function: Callable[[Any], Any], tasks: Iterable[Task]) -> Iterator[Outcome]:
        """Yield the outcome of each task as it ends.

        Parameters
        ----------
        function : callable
            Of a module, so that other processes find it.
        tasks : iterable of Task
            Taken as they are needed: millions need no memory.
        """


def check_starter() -> None:
    """Raise CorpusError in a worker that imports the script which started it.

    It must not start its work once more.
    """
    if getattr(multiprocessing.current_process(), '_inheriting', False):
        raise CorpusError(f'{UNGUARDED}; put the call there')
