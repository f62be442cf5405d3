"""Annotated scores of many kinds: valid, whole in MuseScore, stripped, read back; and how fast.

    python benchmarks/annotations.py [--skip N] [--works N] [--no-musescore]

Each work of music21's corpus gets its motifs; and, aligned above it, its own bars in another
order as an improvisation, with motifs, collisions and meetings of both. Told are works where a
schema is broken, MuseScore loses a note that it keeps in music21's own plain file, strip does
not give the score as it was, or a mark does not come back after MuseScore saved the file. Times
compare writing an annotated score with music21's plain writing, in the same run.
"""

from __future__ import annotations

import argparse
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np
from music21 import stream
from music21.exceptions21 import Music21Exception

import qbdi_m21 as q
from qbdi_m21.frames.repeats import in_order
from qbdi_m21.notation.checking import run_musescore
from qbdi_m21.notation.musicxml import to_musicxml
from qbdi_m21.notation.record import FIELD, read_record

#: One to twelve staves, several meters, pickups, voices, tuplets, and a movement of 313 bars; the
#: long ones last.
WORKS = (
    'bach/bwv66.6', 'bach/bwv269', 'bach/bwv4.8', 'bach/bwv846', 'bach/bwv1.6',
    'bach/bwv248.9-1', 'haydn/opus74no1/movement2', 'haydn/opus74no1/movement3',
    'mozart/k155/movement2', 'mozart/k80/movement1', 'mozart/k458/movement2',
    'mozart/k458/movement3', 'mozart/k545/movement1_exposition',
    'beethoven/opus18no1/movement3', 'chopin/mazurka06-2', 'joplin/maple_leaf_rag',
    'ryansMammoth/AcaciaReel', 'ciconia/quod_jactatur', 'corelli/opus3no1/1grave',
    'monteverdi/madrigal.3.1', 'monteverdi/madrigal.4.2', 'cpebach/h186',
    'handel/rinaldo/Lascia_chio_pianga', 'trecento/Fava_Dicant_nunc_iudei',
    'schoenberg/opus19/movement2', 'schoenberg/opus19/movement6', 'leadSheet/fosterBrownHair',
    'leadSheet/berlinAlexandersRagtime', 'luca/gloria', 'liliuokalani/aloha_oe',
    'beach/prayer_of_a_tired_child', 'verdi/laDonnaEMobile', 'demos/two-parts',
    'mozart/k155/movement1', 'mozart/k156/movement1', 'haydn/opus74no1/movement4',
    'haydn/opus74no1/movement1', 'schumann_clara/opus17/movement3', 'monteverdi/madrigal.3.10',
    'beethoven/opus18no1/movement2', 'mozart/k458/movement1', 'weber/concertino_clarinet',
    'beethoven/opus59no1/movement2', 'beethoven/opus18no1/movement1')


def shuffled(score: stream.Score) -> stream.Score:
    """Return a score's bars in another order on two staves; bars of one length change places."""
    table = q.extract_notes(score)
    order = np.arange(len(table.bars))
    kinds = np.array([f'{bar.length_ql} {bar.lead_ql} {bar.meter}' for bar in table.bars])
    rng = np.random.default_rng(0)
    for kind in np.unique(kinds):
        same = np.flatnonzero(kinds == kind)
        order[same] = rng.permutation(same)
    moved = in_order(table, order.tolist())
    return q.to_score(q.to_frames(moved), template=score)


def faults(plain: stream.Score, marked: stream.Score, folder: Path, musescore: bool) -> list[str]:
    """Return what is wrong with an annotated score."""
    found: list[str] = []
    if marked.metadata is None or not marked.metadata.getCustom(FIELD):
        return found        # nothing was found in it, so nothing was drawn
    path, again = folder / 'marked.musicxml', folder / 'again.musicxml'
    q.write_musicxml(marked, path)
    q.write_musicxml(plain, folder / 'plain.musicxml')
    told = set(q.check_musicxml(path, musescore=musescore))
    known = set(q.check_musicxml(folder / 'plain.musicxml', musescore=musescore))
    # lines of the file change with what is drawn
    new = {one for one in told - known if 'line' not in one}
    if new:
        found.append(f'{len(new)} new faults: {sorted(new)[0][:120]}')
    if to_musicxml(q.strip(marked)) != to_musicxml(plain):
        found.append('strip does not give the score as it was')
    stripped = to_musicxml(q.strip(q.load_score(str(path))))
    if stripped != to_musicxml(q.load_score(str(folder / 'plain.musicxml'))):
        found.append('strip of the file does not give the file as it was')
    marks = q.read_annotations(marked)
    if q.read_annotations(path) != marks:
        found.append('marks of the file differ')
    if musescore:
        run_musescore(path, again)
        back = q.read_annotations(again)
        if back != marks:
            same = len(set(back) & set(marks))
            found.append(f'after MuseScore {len(back)} of {len(marks)} marks, {same} as they were')
    return found


def main() -> None:
    """Print a line for each work, and the ratios."""
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('--works', type=int, default=len(WORKS))
    parser.add_argument('--skip', type=int, default=0)
    parser.add_argument('--no-musescore', action='store_true')
    options = parser.parse_args()
    warnings.simplefilter('ignore')
    ratios, good, all_marks = [], 0, 0
    for work in WORKS[options.skip:options.works]:
        try:
            score = q.load_score(f'corpus:{work}')
        except q.QbdiError as error:
            print(f'{work}: {str(error)[:80]}')
            continue
        motifs = q.find_motifs(score, max_motifs=8)
        marked = q.annotate(score, motifs)
        made = shuffled(score)
        both = q.align(score, made)
        found_in_both = [*motifs, *q.find_collisions(score, made)]
        both_marked = q.annotate(both, found_in_both)
        started = time.perf_counter()
        try:
            score.write('musicxml', tempfile.mktemp(suffix='.musicxml'))
        except Music21Exception as error:
            print(f'{work}: music21 cannot write it ({str(error)[:60]})')
            continue
        theirs = time.perf_counter() - started
        started = time.perf_counter()
        to_musicxml(marked)
        ratios.append((time.perf_counter() - started) / theirs)
        with tempfile.TemporaryDirectory() as folder:
            told = faults(score, marked, Path(folder), not options.no_musescore)
            told += [f'aligned: {one}' for one in faults(both, both_marked, Path(folder),
                                                         not options.no_musescore)]
        marks = sum(len(read_record(one).marks) for one in (marked, both_marked))
        all_marks += marks
        good += not told
        print(f'{work}: {marks} marks; {"; ".join(told) or "good"}', flush=True)
    print(f'{good} of {len(ratios)} works good, {all_marks} marks; writing an annotated score '
          f'takes {np.median(ratios):.2f} times music21\'s plain writing (aim: 1.5), at most '
          f'{max(ratios):.2f}')


if __name__ == '__main__':
    main()
