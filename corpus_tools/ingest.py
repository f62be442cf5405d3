"""Ingest: every work of a corpus parsed once, into a note table a work."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from corpus_tools.store import table_path
from qbdi_m21.errors import QbdiError, QbdiWarning
from qbdi_m21.frames.store import save_table, table_work
from qbdi_m21.sources import read_tables

#: The names of the tables that were written; why others were not.
Outcome: TypeAlias = tuple[list[str], dict[str, str]]


@dataclass(frozen=True)
class IngestReport:
    """What became of each work: written now, there already, or failed with its reason.

    The scores of a book (an Opus) are works of their own: ``NAME#1``, ``NAME#2``, ...
    """

    written: tuple[str, ...]
    kept: tuple[str, ...]
    failed: dict[str, str]


def ingest(works: Sequence[str], folder: str | os.PathLike[str], *, jobs: int = 1,
           progress: Callable[[str], object] | None = None) -> IngestReport:
    """Parse works and write their note tables; what is there already is kept.

    Parameters
    ----------
    works : sequence of str
        Files or ``corpus:`` names.
    folder : path
        Made if missing. Interrupting loses nothing: files are written whole, and a further
        call goes on where this one stopped.
    jobs : int
        Processes; 1 works in this one.
    progress : callable, optional
        Called with each work as it ends, and first with those that are there.

    Returns
    -------
    IngestReport
        A work that cannot be read is reported and does not stop the others.
    """
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    kept = tuple(w for w in works if _is_there(target, w))
    todo = [w for w in works if w not in set(kept)]
    if progress is not None:
        for work in kept:
            progress(work)
    written: list[str] = []
    failed: dict[str, str] = {}
    for work, (done, reasons) in _run(todo, target, jobs):
        written += done
        failed.update(reasons)
        if progress is not None:
            progress(work)
    return IngestReport(tuple(sorted(written)), kept, dict(sorted(failed.items())))


def _is_there(folder: Path, work: str) -> bool:
    # the first score of a book is written last
    return any(table_work(table_path(folder, name)) == name for name in (work, f'{work}#1'))


def _run(works: Sequence[str], folder: Path, jobs: int) -> Iterator[tuple[str, Outcome]]:
    if jobs <= 1:
        for work in works:
            yield work, _ingest_one(work, folder)
        return
    with ProcessPoolExecutor(jobs) as pool:
        futures = {pool.submit(_ingest_one, work, folder): work for work in works}
        for future in as_completed(futures):
            yield futures[future], future.result()


def _ingest_one(work: str, folder: Path) -> Outcome:
    """Write the tables of one work; return what was written, and what failed and why."""
    written: list[str] = []
    failed: dict[str, str] = {}
    with warnings.catch_warnings():
        warnings.simplefilter('ignore', QbdiWarning)
        try:
            tables = read_tables(work)
        except QbdiError as error:
            return written, {work: str(error)}
        for name, table in reversed(tables.items()):
            try:
                save_table(table(), table_path(folder, name), work=name)
                written.append(name)
            except QbdiError as error:
                failed[name] = str(error)
    return written, failed
