"""Harmonic collisions on controls: what should clash does, and what should not does not.

    python benchmarks/collisions.py

Works of music21's corpus against themselves; against their own chords, one a beat; against
themselves with their bars in another order; and a semitone higher. Printed is the share of
quarters in clashes, in conflicts of chords and of keys, as a mean over the works.
"""

from __future__ import annotations

import warnings

import numpy as np
from music21 import corpus

import qbdi_m21 as q
from qbdi_m21.analysis.beats import beat_spans
from qbdi_m21.analysis.harmony import chord_tones, infer_chord
from qbdi_m21.frames.features import pitch_classes
from qbdi_m21.frames.raster import table_to_frames
from qbdi_m21.frames.repeats import in_order
from qbdi_m21.frames.table import NoteTable, make_note_table

#: Chorales, and works of other kinds.
WORKS = ('haydn/opus74no1/movement3', 'mozart/k155/movement2', 'mozart/k156/movement1',
         'mozart/k80/movement1', 'beethoven/opus18no1/movement2', 'joplin/maple_leaf_rag',
         'bach/bwv846', 'chopin/mazurka06-2', 'ryansMammoth/AcaciaReel', 'mozart/k458/movement2')
CHORALES = 20

CLASHES = ('semitone', 'whole tone', 'tritone')


def reduction(table: NoteTable) -> NoteTable:
    """Return one chord a beat: the one that is inferred, else what sounds, for the whole beat."""
    frames = table_to_frames(table)
    counts = pitch_classes(frames)
    onset, duration, pitch = [], [], []
    for start, stop in beat_spans(frames.grid):
        weights = counts[start:stop].sum(axis=0)
        chord = infer_chord(weights)
        tones = chord_tones(chord) if chord is not None else set(np.flatnonzero(weights).tolist())
        begin, end = (frames.grid.offset_at_frame(k) for k in (start, stop))
        for tone in tones:
            onset.append(begin)
            duration.append(end - begin)
            pitch.append(60 + tone)
    return make_note_table(table.bars, onset=onset, duration=duration, pitch=pitch)


def shuffled(table: NoteTable) -> NoteTable:
    """Return the bars in another order; bars change places with bars of their own length."""
    rng = np.random.default_rng(0)
    order = np.arange(len(table.bars))
    lengths = np.array([str(bar.length_ql) for bar in table.bars])
    for length in np.unique(lengths):
        same = np.flatnonzero(lengths == length)
        order[same] = rng.permutation(same)
    return in_order(table, order.tolist())


def shares(one: NoteTable, two: NoteTable) -> list[float]:
    """Return the shares of quarters in clashes, chord and key conflicts."""
    found = q.find_collisions(one, two)
    total = float(one.bars[-1].end_ql)
    return [sum(float(hit.end_ql - hit.start_ql) for hit in found if hit.kind in kinds) / total
            for kinds in (CLASHES, ('chord',), ('key',))]


def main() -> None:
    """Print the table."""
    warnings.simplefilter('ignore')
    chorales = [f'bach/{path.stem}' for path in corpus.getComposer('bach')
                if path.suffix == '.mxl'][:CHORALES]
    rows: dict[str, list[list[float]]] = {}
    for work in (*WORKS, *chorales):
        table = q.extract_notes(q.load_score(f'corpus:{work}'))
        for name, other in (('itself', table), ('its chords', reduction(table)),
                            ('its bars shuffled', shuffled(table)),
                            ('a semitone higher', table.transpose(1))):
            rows.setdefault(name, []).append(shares(table, other))
    print('| against | clashes | chords | keys |')
    print('|---|---|---|---|')
    for name, values in rows.items():
        mean, low, high = (np.percentile(values, k, axis=0) for k in (50, 10, 90))
        told = [f'{m:.2f} ({a:.2f} to {b:.2f})' for m, a, b in zip(mean, low, high, strict=True)]
        print(f'| {name} | {" | ".join(told)} |')
    print(f'{len(rows["itself"])} works; medians, and 10th to 90th percentile')


if __name__ == '__main__':
    main()
