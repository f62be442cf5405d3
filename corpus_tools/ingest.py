"""Ingest: every work of a corpus parsed once, into a note table a work."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

from corpus_tools.store import read_table, table_path, write_table
from qbdi_m21.errors import CorpusError, QbdiError, QbdiWarning
from qbdi_m21.frames.midi import read_midi
from qbdi_m21.frames.notes import extract_notes
from qbdi_m21.notation.reading import MIDI_SUFFIXES, load_score


@dataclass(frozen=True)
class IngestReport:
    """What became of each work: written now, there already, or failed with its reason."""

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
    written, failed = [], {}
    for work, reason in _run(todo, target, jobs):
        if reason:
            failed[work] = reason
        else:
            written.append(work)
        if progress is not None:
            progress(work)
    return IngestReport(tuple(sorted(written)), kept, dict(sorted(failed.items())))


def _is_there(folder: Path, work: str) -> bool:
    try:
        return read_table(table_path(folder, work))[0] == work
    except CorpusError:
        return False


def _run(works: Sequence[str], folder: Path, jobs: int):  # type: ignore[no-untyped-def]
    if jobs <= 1:
        for work in works:
            yield work, _ingest_one(work, folder)
        return
    with ProcessPoolExecutor(jobs) as pool:
        futures = {pool.submit(_ingest_one, work, folder): work for work in works}
        for future in as_completed(futures):
            yield futures[future], future.result()


def _ingest_one(work: str, folder: Path) -> str:
    """Write one work's table; return why not, or an empty string."""
    with warnings.catch_warnings():
        warnings.simplefilter('ignore', QbdiWarning)
        try:
            if work.lower().endswith(MIDI_SUFFIXES):
                table = read_midi(work)[0]
            else:
                table = extract_notes(load_score(work))
            write_table(table, work, table_path(folder, work))
        except QbdiError as error:
            return str(error)
    return ''
