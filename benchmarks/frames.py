"""Score to frames and back, against music21 parsing and writing the same scores.

    python benchmarks/frames.py [WORK ...] [--runs 5] [--notes 100000]

Four figures, all from one run:

- encode: `to_frames` of a parsed score, as a share of music21 parsing its file. Aim: 5 %.
- engrave and write: `to_score` and `to_musicxml`, against music21 writing the original. Aim: 1.3.
- growth: microseconds a note of each step, from 10,000 notes up to `--notes`. Aim: level.
- memory: bytes a note that each step takes at most, over what it is given.
"""

from __future__ import annotations

import argparse
import statistics
import time
import tracemalloc
import warnings
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
from music21 import converter, corpus, note, stream
from music21.musicxml.m21ToXml import GeneralObjectExporter

import qbdi_m21 as q
from qbdi_m21.frames.grid import Bar
from qbdi_m21.frames.table import NoteTable, make_note_table
from qbdi_m21.notation.musicxml import to_musicxml

WORKS = ('bach/bwv66.6', 'bach/bwv846', 'bach/bwv1.6', 'haydn/opus74no1/movement3',
         'joplin/maple_leaf_rag', 'chopin/mazurka06-2', 'ryansMammoth/AcaciaReel',
         'palestrina/Agnus_00.krn', 'monteverdi/madrigal.3.1.mxl',
         'trecento/Fava_Dicant_nunc_iudei', 'schumann_clara/opus17/movement3',
         'beethoven/opus18no1/movement1.mxl')


def seconds(action: Callable[[], Any]) -> tuple[float, Any]:
    """Return how long an action takes, and what it gives."""
    started = time.perf_counter()
    result = action()
    return time.perf_counter() - started, result


def compare_work(work: str, runs: int) -> tuple[float, float, float, float]:
    """Print the ratios of one work; return the four median times."""
    path = corpus.getWork(work)
    rows = []
    for _ in range(runs):
        parse, score = seconds(lambda: converter.parse(path, forceSource=True))
        encode, frames = seconds(lambda score=score: q.to_frames(score))
        made, _ = seconds(lambda frames=frames, score=score: to_musicxml(
            q.to_score(frames, template=score), keep=False))
        plain, _ = seconds(lambda score=score: GeneralObjectExporter(score).parse())
        rows.append((parse, encode, made, plain))
    parse, encode, made, plain = (statistics.median(column) for column in zip(*rows, strict=True))
    print(f'{work:36} encode {encode / parse:6.1%} of parsing ({parse * 1e3:5.0f} ms); '
          f'engrave and write {made / plain:4.2f} x music21 ({plain * 1e3:5.0f} ms)')
    return parse, encode, made, plain


def synthetic_table(size: int) -> NoteTable:
    """Return four voices of eighths and quarters in 4/4."""
    rng = np.random.default_rng(0)
    per_voice = size // 4
    bars = tuple(Bar(k + 1, Fraction(4 * k), Fraction(4)) for k in range(per_voice // 8 + 1))
    onset = np.tile(np.arange(per_voice), 4)
    voice = np.repeat(np.arange(4), per_voice)
    return make_note_table(
        bars, onset=np.stack([onset, np.full(len(onset), 2)], axis=1),
        duration=np.tile([1, 2], (len(onset), 1)),
        pitch=40 + 12 * voice + rng.integers(0, 12, len(onset)))


def synthetic_score(size: int) -> stream.Score:
    """Return a score of one part with that many notes."""
    part = stream.Part()
    for bar in range(size // 8):
        measure = stream.Measure(number=bar + 1)
        for k in range(8):
            measure.insert(k / 2, note.Note(60 + (5 * k + bar) % 12, quarterLength=0.5))
        part.insert(4.0 * bar, measure)
    return stream.Score([part])


def growth(most: int) -> None:
    """Print microseconds and bytes a note of every step, at growing sizes."""
    sizes = [s for s in (10_000, 30_000, 100_000) if s <= most]
    print(f'\n{"a note":24}' + ''.join(f'{f"{s:,} notes":>24}' for s in sizes))
    tables = {s: synthetic_table(s) for s in sizes}
    frames = {s: q.to_frames(tables[s]) for s in sizes}
    steps: dict[str, Callable[[int], Callable[[], Any]]] = {
        'note table': lambda s: lambda: synthetic_table(s),
        'table to frames': lambda s: lambda: q.to_frames(tables[s]),
        'frames to table': lambda s: lambda: q.frames_to_table(frames[s]),
        'table to score': lambda s: lambda: q.engrave(tables[s])}
    scores = {s: synthetic_score(s) for s in sizes}
    steps['score to table'] = lambda s: lambda: q.extract_notes(scores[s])
    for name, step in steps.items():
        cells = []
        for size in sizes:
            taken = seconds(step(size))[0]
            tracemalloc.start()
            step(size)()
            peak = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
            cells.append(f'{taken / size * 1e6:8.1f} us {peak / size:8.0f} B')
        print(f'{name:24}' + ''.join(f'{cell:>24}' for cell in cells))


def main() -> None:
    """Run all four."""
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('works', nargs='*', default=WORKS)
    parser.add_argument('--runs', type=int, default=5)
    parser.add_argument('--notes', type=int, default=100_000)
    options = parser.parse_args()
    warnings.simplefilter('ignore')
    times = [compare_work(work, options.runs) for work in options.works]
    parse, encode, made, plain = (sum(column) for column in zip(*times, strict=True))
    print(f'all: encode {encode / parse:.1%} of parsing (median of works '
          f'{statistics.median(t[1] / t[0] for t in times):.1%}; aim 5 %); engrave and write '
          f'{made / plain:.2f} x music21 (median '
          f'{statistics.median(t[2] / t[3] for t in times):.2f}; aim 1.3)')
    growth(options.notes)


if __name__ == '__main__':
    main()
