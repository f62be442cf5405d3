"""Motifs against ground truth, and against vmo in the same process.

    python benchmarks/motifs.py --jkupdd DIR | --bps DIR [--level LEVEL] [--no-vmo]
                                [--leave-one-out] [-o FOLDER]

DIR is the JKU Patterns Development Database (Collins 2013; polyphonic, level 'themes') or
BPS-motif (Hsiao et al. 2023; level 'motifs'): every piece that is found there is run with the
frozen defaults. Establishment, occurrence (c = .75 and .5) and three-layer F1 are mir_eval's
functions; they are called one by one, since mir_eval.pattern.evaluate takes c = .75 for both.
vmo's way is its Tonnetz frames of half a beat, 100 thresholds, patterns of at least the mean
repeated suffix, with all notes that start in them. --leave-one-out chooses the three settings
that matter most on all pieces but one and scores that one, for each. -o writes what was found
as MIREX text. Needs mir_eval.
"""

from __future__ import annotations

import argparse
import csv
import math
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import product
from pathlib import Path

import numpy as np
from mir_eval import pattern as mir

import qbdi_m21 as q
from qbdi_m21.analysis.information_rate import analysis_features
from qbdi_m21.analysis.motifs import find, selection
from qbdi_m21.analysis.motifs.exchange import Points, mirex_text, motif_points
from qbdi_m21.frames.grid import Bar
from qbdi_m21.frames.raster import table_to_frames
from qbdi_m21.frames.table import NoteTable, make_note_table

#: Annotators of JKUPDD whose patterns count in polyphonic pieces, by its readme.
ANNOTATORS = ('barlowAndMorgensternRevised', 'bruhn', 'schoenberg', 'sectionalRepetitions',
              'tomCollins')

METRICS = ('F_est', 'F_occ.75', 'F_occ.5', 'F_3')

#: Published figures, per cent: means of the whole sets.
PUBLISHED = {
    'jkupdd': {'VMO symbolic (Wang, Hsu & Dubnov 2016)': (60.8, 76.0, 71.9, 56.7),
               'SIARTECCompressSegment (Meredith)': (60.4, 62.4, 59.0, 48.5),
               'COSIATECSegment (Meredith)': (47.9, 70.8, 64.8, 41.7),
               'SIATECCompress, ForthCT (Forth)': (42.6, 83.7, 74.8, 40.0)},
    'bps': {'CSA (Hsiao et al. 2023)': (67.6, 37.2, None, 27.6),
            'SIATEC (Hsiao et al. 2023)': (36.6, 30.9, None, 13.0)}}

#: Candidates of the settings that are chosen with one piece left out.
SIMILARITIES, USUAL, LEAST_VALUES = (0.45, 0.5, 0.55), (3.0, 4.0, 6.0), (0.005, 0.01, 0.03)
LEAST_GAINS, HOMOPHONIC, USUAL_THEMES = (0.15, 0.2, 0.25), (0.25, 1 / 3, 0.5), (4.0, 6.0, 8.0)

_SEMITONES, _NATURALS = (0, 2, 4, 5, 7, 9, 11), (0, 2, 4, -1, 1, 3, 5)


@dataclass(frozen=True)
class Piece:
    """A piece: its notes, its patterns, and the onsets of the source by those of the table."""

    name: str
    table: NoteTable
    truth: Points
    onsets: dict[float, float]


def piece(name: str, rows: list[tuple[float, int, int | None, float, int]], truth: Points) -> Piece:
    """Return a piece from rows (onset, MIDI number, morphetic number, duration, staff)."""
    origin = math.floor(min(row[0] for row in rows))
    end = max(row[0] + row[3] for row in rows) - origin
    bars = tuple(Bar(k + 1, Fraction(4 * k), Fraction(4)) for k in range(int(end // 4) + 1))

    def exact(value: float) -> Fraction:
        return Fraction(value).limit_denominator(960)

    spelled = all(row[2] is not None for row in rows)
    fifths = [_fifths(row[1], row[2]) for row in rows if row[2] is not None] if spelled else None
    table = make_note_table(
        bars, onset=[exact(row[0] - origin) for row in rows],
        duration=[max(exact(row[3]), Fraction(1, 960)) for row in rows],
        pitch=[row[1] for row in rows], staff=[row[4] + 1 for row in rows], fifths=fifths)
    # a source may round thirds as it likes
    onsets = {float(exact(row[0] - origin)): row[0] for row in rows}
    return Piece(name, table, truth, onsets)


def _fifths(pitch: int, morphetic: int) -> int:
    """Return the place on the line of fifths; middle C has the morphetic number 60."""
    octave, step = divmod(morphetic - 60, 7)
    return _NATURALS[step] + 7 * (pitch - 60 - 12 * octave - _SEMITONES[step])


def read_jkupdd(folder: Path) -> Iterator[Piece]:
    """Yield the polyphonic pieces of JKUPDD."""
    for home in sorted(folder.rglob('polyphonic')):
        inner = home / 'deadSym' if (home / 'deadSym').is_dir() else home
        notes = sorted((inner / 'csv').glob('*.csv'))
        truth: Points = []
        for annotator in ANNOTATORS:
            for pattern in sorted((inner / 'repeatedPatterns' / annotator).glob('*')):
                files = sorted((pattern / 'occurrences' / 'csv').glob('*.csv'),
                               key=lambda path: int(''.join(filter(str.isdigit, path.stem))))
                if files:
                    truth.append([[(float(r[0]), float(r[1])) for r in _rows(path)]
                                  for path in files])
        if notes and truth:
            yield piece(home.parent.name, [
                (float(r[0]), int(float(r[1])), int(float(r[2])), float(r[3]), int(float(r[4])))
                for r in _rows(notes[0])], truth)


def read_bps(folder: Path) -> Iterator[Piece]:
    """Yield the movements of BPS-motif; one whose notes name no motif is told and left out."""
    for path in sorted((folder / 'csv_notes').glob('*.csv')):
        notes, labels = _named_rows(path), _named_rows(folder / 'csv_label' / path.name)
        patterns: dict[str, list[list[tuple[float, float]]]] = {}
        for label in labels:
            start, end = float(Fraction(label['start'])), float(Fraction(label['end']))
            patterns.setdefault(label['type'], []).append(
                [(float(n['onset']), float(n['midi_number'])) for n in notes
                 if label['type'] in n['type'].split('/')
                 and start - 1e-4 <= float(n['onset']) < end - 1e-4])
        empty = sum(not o for found in patterns.values() for o in found)
        if empty > len(labels) // 2:
            print(f'{path.stem}: {empty} of {len(labels)} labels have no notes; left out')
            continue
        rows = [(float(n['onset']), int(float(n['midi_number'])),
                 int(float(n['morphetic_number'])) if n['morphetic_number'].strip() else None,
                 float(n['duration']), int(float(n['staff_number'] or 0))) for n in notes]
        yield piece(path.stem, rows, [[o for o in found if o] for found in patterns.values()])


def _named_rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding='utf-8-sig') as file:
        return list(csv.DictReader(file))


def _rows(path: Path) -> list[list[str]]:
    with path.open(encoding='utf-8') as file:
        return [row for row in csv.reader(file) if row]


def as_source(one: Piece, found: Points) -> Points:
    """Return points with the onsets that the source has."""
    return [[[(one.onsets[onset], pitch) for onset, pitch in occurrence]
             for occurrence in pattern] for pattern in found]


def rounded(patterns: Points) -> Points:
    """Return points to five decimals, as the set's scorers compare them."""
    return [[[(round(onset, 5), pitch) for onset, pitch in occurrence]
             for occurrence in pattern] for pattern in patterns]


def score(truth: Points, found: Points) -> tuple[float, ...]:
    """Return `METRICS`, per cent."""
    if not found:
        return (0.0,) * len(METRICS)
    truth, found = rounded(truth), rounded(found)
    values = (mir.establishment_FPR(truth, found)[0],
              mir.occurrence_FPR(truth, found, thres=0.75)[0],
              mir.occurrence_FPR(truth, found, thres=0.5)[0],
              mir.three_layer_FPR(truth, found)[0])
    return tuple(100 * value for value in values)


def ours(one: Piece, level: str) -> tuple[Points, float]:
    """Return what the defaults find, and the seconds that it took."""
    started = time.perf_counter()
    motifs = q.find_motifs(one.table, level=level)
    took = time.perf_counter() - started
    return as_source(one, motif_points(motifs)), took


def vmos(one: Piece) -> tuple[Points, float]:
    """Return what vmo's own recipe finds, and the seconds that it took."""
    sys.path.insert(0, str(Path(__file__).parents[1] / 'tests'))
    import vmo
    from vmo_alone import load_alone
    find_patterns = load_alone('analysis/analysis.py').find_repeated_patterns
    features, _, grid = analysis_features(table_to_frames(one.table))
    started = time.perf_counter()
    threshold = vmo.find_threshold(features, r=(0.0, 2.0, 0.02), dfunc='euclidean',
                                   dim=features.shape[1])[0][1]
    oracle = vmo.build_oracle(features, 'a', threshold=threshold, dfunc='euclidean',
                              dim=features.shape[1])
    patterns = find_patterns(oracle, lower=max(math.ceil(np.mean(oracle.lrs[1:])) - 1, 1))
    took = time.perf_counter() - started
    onset = one.table.onset_ql
    found: Points = []
    for ends, length in patterns:
        occurrences = []
        for end in sorted(set(ends)):
            start, stop = (float(grid.offset_at_frame(k)) for k in (max(end - length, 0), end))
            rows = np.flatnonzero((onset >= start) & (onset < stop)).tolist()
            occurrences.append([(float(onset[k]), float(one.table.pitch[k])) for k in rows])
        kept = [o for o in occurrences if o]
        if len(kept) > 1:
            found.append(kept)
    return as_source(one, found), took


@contextmanager
def settings(level: str, first: float, usual: float, last: float) -> Iterator[None]:
    """Use other values of the three settings that matter most at a level."""
    kept = selection.MIN_SIMILARITY, selection.LEAST_VALUE, find.LEAST_GAIN, find.HOMOPHONIC
    lengths = find.LEVELS[level]
    find.LEVELS[level] = replace(lengths, usual=usual)
    if level == 'motifs':
        selection.MIN_SIMILARITY, selection.LEAST_VALUE = first, last
    else:
        find.LEAST_GAIN, find.HOMOPHONIC = first, last
    try:
        yield
    finally:
        (selection.MIN_SIMILARITY, selection.LEAST_VALUE, find.LEAST_GAIN,
         find.HOMOPHONIC) = kept
        find.LEVELS[level] = lengths


def leave_one_out(pieces: list[Piece], level: str) -> None:
    """Print each piece's figures with settings that were chosen on the others."""
    grid = list(product(*((SIMILARITIES, USUAL, LEAST_VALUES) if level == 'motifs'
                          else (LEAST_GAINS, USUAL_THEMES, HOMOPHONIC))))
    table = np.zeros((len(grid), len(pieces), len(METRICS)))
    for row, values in enumerate(grid):
        with settings(level, *values):
            for column, one in enumerate(pieces):
                table[row, column] = score(one.truth, ours(one, level)[0])
    found = []
    for column in range(len(pieces)):
        others = np.delete(table, column, axis=1)
        # establishment and three layers, which say what is found and how well
        best = int(others.mean(axis=1)[:, [0, 3]].sum(axis=1).argmax())
        found.append(table[best, column])
    print(f'leave one out, {len(grid)} settings: ' + told(np.mean(found, axis=0)))
    means = table.mean(axis=1)
    print('worst to best mean of any setting: ' + ', '.join(
        f'{name} {low:.1f} to {high:.1f}' for name, low, high in zip(
            METRICS, means.min(axis=0), means.max(axis=0), strict=True)))


def told(values: object) -> str:
    """Return metrics in a line."""
    return ', '.join(f'{name} {value:.1f}' for name, value in zip(
        METRICS, values, strict=True) if value is not None)       # type: ignore[call-overload]


def main() -> None:
    """Print figures by piece and their means."""
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('--jkupdd', type=Path, metavar='DIR')
    parser.add_argument('--bps', type=Path, metavar='DIR')
    parser.add_argument('--level', choices=list(find.LEVELS))
    parser.add_argument('--no-vmo', action='store_true')
    parser.add_argument('--leave-one-out', action='store_true')
    parser.add_argument('-o', '--output', type=Path, metavar='FOLDER')
    options = parser.parse_args()
    if options.jkupdd is None and options.bps is None:
        parser.error('give --jkupdd DIR or --bps DIR')
    warnings.simplefilter('ignore', q.QbdiWarning)
    for name, folder, read, usual in (('jkupdd', options.jkupdd, read_jkupdd, 'themes'),
                                      ('bps', options.bps, read_bps, 'motifs')):
        if folder is not None:
            run(name, list(read(folder)), options.level or usual, options)


def run(name: str, pieces: list[Piece], level: str, options: argparse.Namespace) -> None:
    """Print the figures of one set."""
    if not pieces:
        raise SystemExit(f'no piece of {name} is there; give the folder that holds the set')
    ours(pieces[0], level)      # loads the kernels
    ways: dict[str, Callable[[Piece], tuple[Points, float]]] = {
        f'qbdi_m21 {level}': lambda one: ours(one, level)}
    if not options.no_vmo:
        ways['vmo'] = vmos
    rows: dict[str, list[tuple[float, ...]]] = {way: [] for way in ways}
    for one in pieces:
        for way, action in ways.items():
            found, took = action(one)
            rows[way].append(score(one.truth, found))
            print(f'{one.name}, {len(one.table)} notes, {way}: {len(found)} patterns for '
                  f'{len(one.truth)}; {told(rows[way][-1])}; {took:.2f} s')
            if options.output is not None and way != 'vmo':
                options.output.mkdir(parents=True, exist_ok=True)
                (options.output / f'{one.name}.txt').write_text(mirex_text(found))
    for way, values in rows.items():
        print(f'{name}, mean of {len(pieces)}, {way}: {told(np.mean(values, axis=0))}')
    for way, published in PUBLISHED[name].items():
        print(f'{name}, published, all pieces, {way}: {told(published)}')
    if options.leave_one_out:
        leave_one_out(pieces, level)


if __name__ == '__main__':
    main()
