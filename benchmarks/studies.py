"""Corpus tools beside serial loops and music21's own parallel helper; overhead; many works.

    python benchmarks/studies.py [--works 400] [--tables 100000] [--folder FOLDER]

First chorales are read into note tables: in a loop, by `music21.common.parallel.runParallel`, and
by `corpus_tools.ingest` with one process and two. Efficiency is the time of the loop over twice
that of two processes. Then what an engine costs for each task that does nothing. Then a study
over many works, whose tables are copies of a few: the memory of the parent on the way, the time
of status, summary and a further run. Nothing else should run meanwhile.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
import warnings
from itertools import pairwise
from pathlib import Path

import psutil

from corpus_tools.engine import LocalEngine, Outcome, Task, make_engine
from corpus_tools.ingest import ingest
from corpus_tools.manifest import Manifest
from corpus_tools.results import read_results, study_status
from corpus_tools.run import run_study
from corpus_tools.statistics import summarise
from corpus_tools.store import Store, source_key
from corpus_tools.study import MeasureSpec, Study
from qbdi_m21.frames.store import save_table
from qbdi_m21.sources import expand_sources, read_tables


def read_one(job: tuple[str, str]) -> int:
    """Read a work and write its table, as a script would."""
    work, folder = job
    warnings.simplefilter('ignore')
    for name, make in read_tables(work, cached=False).items():
        save_table(make(), Path(folder) / f'{name.replace("/", "-")}.parquet', work=name)
    return 0


def nothing(argument: int) -> int:
    """Do nothing."""
    return argument


def timed(call: object) -> float:
    """Return the seconds of a call."""
    started = time.perf_counter()
    call()      # type: ignore[operator]
    return time.perf_counter() - started


def compare_ingest(count: int, folder: Path) -> None:
    """Print how long reading takes, in each way."""
    from music21.common.parallel import runParallel
    works = list(expand_sources(['corpus:bach/*']))[:count]
    for name in 'abcd':
        (folder / name).mkdir()
    read_one((works[0], str(folder / 'a')))
    loop = timed(lambda: [read_one((work, str(folder / 'a'))) for work in works])
    theirs = timed(lambda: runParallel([(work, str(folder / 'b')) for work in works], read_one))
    one = timed(lambda: ingest(works, folder / 'c', jobs=1))
    two = timed(lambda: ingest(works, folder / 'd', jobs=2))
    print(f'{len(works)} chorales: loop 1, runParallel {theirs / loop:.2f}, ingest with one '
          f'process {one / loop:.2f}, with two {two / loop:.2f}: efficiency '
          f'{loop / (2 * two):.2f} (aim: 0.85), of runParallel {loop / (2 * theirs):.2f}')


def overhead() -> None:
    """Print what a task costs that does nothing."""
    def drain(engine: object, count: int) -> list[Outcome]:
        return list(engine.run(nothing, (Task(str(k), k) for k in range(count))))  # type: ignore

    local = LocalEngine(2)
    start = timed(lambda: drain(local, 1))
    each = (timed(lambda: drain(local, 3000)) - start) / 3000
    print(f'local engine: {1000 * each:.2f} ms a task (aim: 5)')
    from distributed import LocalCluster
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=':0') as cluster:
        engine = make_engine(scheduler=cluster.scheduler_address)
        start = timed(lambda: drain(engine, 1))
        each = (timed(lambda: drain(engine, 1500)) - start) / 1500
        print(f'Dask engine: {1000 * each:.2f} ms a task (aim: 15)')


def many(count: int, folder: Path) -> None:
    """Print what a study over many works takes; their tables are links to a few."""
    import hashlib

    import pandas as pd
    source = folder / 'source'
    ingest(expand_sources(['corpus:bach/*'])[:50], source, jobs=2)
    tables = sorted((source / 'tables').rglob('*.parquet'))
    store = Store(folder / 'many')
    (folder / 'works').mkdir()
    rows, names = [], []
    for k in range(count):
        path = folder / 'works' / f'{k:06d}.abc'
        text = f'X:{k}\n'
        path.write_text(text)
        key = source_key(hashlib.sha256(text.encode()).hexdigest(), '.abc')
        target = store.table_path(key)
        target.parent.mkdir(parents=True, exist_ok=True)
        os.link(tables[k % len(tables)], target)
        names.append(str(path))
        rows.append({'key': key, 'work': str(path), 'number': 0, 'table': key, 'num_notes': 1,
                     'stage': None, 'error': None, 'message': None})
    with store.ingest.writing() as log:
        for row in rows:
            log.append([row])
    manifest = folder / 'many.csv'
    Manifest(pd.DataFrame({'work': names, 'genre': [str(k % 7) for k in range(count)]})).write(
        manifest)
    study = Study('many', (str(manifest),), (MeasureSpec('notes'),), store=str(store.folder),
                  columns=('genre',))
    memory: list[float] = []
    process = psutil.Process()

    def watch(stage: str, done: int, total: int) -> None:
        if stage == 'study' and done % (total // 10) == 0:
            memory.append(process.memory_info().rss / 2**20)

    spent = timed(lambda: run_study(study, engine=LocalEngine(2), progress=watch))
    growth = max((b - a for a, b in pairwise(memory[1:])), default=0.0)
    print(f'{count} works: {1000 * spent / count:.2f} ms each; memory of the parent from '
          f'{memory[0]:.0f} to {memory[-1]:.0f} MiB, at most {growth:.0f} more in a tenth')
    print(f'status {timed(lambda: study_status(study)):.2f} s, summary by group '
          f'{timed(lambda: summarise(read_results(study), ["num_notes"], ["genre"])):.2f} s, a '
          f'further run with nothing to do {timed(lambda: run_study(study)):.1f} s')


def main() -> None:
    """Print all."""
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('--works', type=int, default=400)
    parser.add_argument('--tables', type=int, default=100_000)
    parser.add_argument('--folder', help='where files go; a temporary one by default')
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        folder = Path(name)
        overhead()
        if options.works:
            compare_ingest(options.works, folder)
        if options.tables:
            many(options.tables, folder)


if __name__ == '__main__':
    main()
