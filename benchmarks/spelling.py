"""Pitch spelling from MIDI numbers and signatures, against the composers' own.

    python benchmarks/spelling.py [--works 40] [--worst 10] [--no-signatures]

Reads the works of `tests/corpus_sample.txt`, forgets the names of their notes and gives them
new ones: by `spell_notes`, by one table a signature, by music21's default, and by
partitura's ps13s1 (Meredith 2006) where partitura is installed. Printed are the notes that
differ from the score, as share of all notes and as mean over works, and the time per note.
The aim is below 1 % in both.
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
from music21 import pitch as m21pitch

import qbdi_m21 as q
from qbdi_m21.frames.notes import extract_notes
from qbdi_m21.frames.spelling import fifths_of, spell_notes, spelling_table

SAMPLE = Path(__file__).resolve().parents[1] / 'tests' / 'corpus_sample.txt'

Ints = npt.NDArray[np.int64]
Speller = Callable[[Ints, npt.NDArray[np.float64], Ints], Ints]


def place_of(name: str) -> int:
    """Return the place of music21's name of a pitch class on the line of fifths."""
    return fifths_of(name[0], name.count('#') - name.count('-'))


def by_table(pitch: Ints, onset: npt.NDArray[np.float64], sharps: Ints) -> Ints:
    """Spell by one table of twelve names a signature."""
    found = np.zeros_like(pitch)
    for signature in np.unique(sharps):
        table = np.array([place_of(name) for name in spelling_table(int(signature))])
        here = sharps == signature
        found[here] = table[pitch[here] % 12]
    return found


def by_music21(pitch: Ints, onset: npt.NDArray[np.float64], sharps: Ints) -> Ints:
    """Spell as music21's Pitch does from a number."""
    table = np.array([place_of(m21pitch.Pitch(60 + k).name) for k in range(12)])
    return table[pitch % 12]


def partitura_speller() -> Speller | None:
    """Return partitura's algorithm, or None where it is not installed."""
    try:
        from partitura.musicanalysis import estimate_spelling
    except ImportError:
        return None

    def spell(pitch: Ints, onset: npt.NDArray[np.float64], sharps: Ints) -> Ints:
        columns = ('onset_beat', 'duration_beat', 'onset_quarter', 'duration_quarter')
        rows = np.ones(len(pitch), dtype=[*((c, 'f4') for c in columns), ('pitch', 'i4')])
        rows['onset_beat'] = rows['onset_quarter'] = onset
        rows['pitch'] = pitch
        found = estimate_spelling(rows)
        steps = np.array([fifths_of(step, 0) for step in found['step']], dtype=np.int64)
        return steps + 7 * found['alter']

    return spell


def read_works(count: int) -> dict[str, tuple[npt.NDArray[np.float64], Ints, Ints, Ints]]:
    """Return (onset, pitch, sharps, fifths) of works of the sample, evenly spaced."""
    lines = [line for line in SAMPLE.read_text(encoding='utf-8').splitlines()
             if line and not line.startswith('#')]
    chosen = sorted({round(k) for k in np.linspace(0, len(lines) - 1, min(count, len(lines)))})
    works = {}
    for line in (lines[k] for k in chosen):
        name, _, number = line.partition(' #')
        with warnings.catch_warnings():
            warnings.simplefilter('ignore')
            table = extract_notes(q.load_score(name, number=int(number) if number else None))
        sharps = np.array([bar.sharps for bar in table.bars], dtype=np.int64)[table.bar]
        works[line] = table.onset_ql, table.pitch, sharps, table.fifths
    return works


def main() -> None:
    """Print one line a speller, and the works in which ours differs most."""
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('--works', type=int, default=10 ** 6, help='how many; default all')
    parser.add_argument('--worst', type=int, default=10, help='works to name')
    parser.add_argument('--no-signatures', action='store_true',
                        help='as from MIDI files that state no key')
    options = parser.parse_args()
    works = read_works(options.works)
    notes = sum(len(fifths) for *_, fifths in works.values())
    print(f'{len(works)} works, {notes} notes')
    spellers: dict[str, Speller | None] = {
        'spell_notes': spell_notes, 'table a signature': by_table, 'music21': by_music21,
        'partitura ps13s1': partitura_speller()}
    seconds, ours = {}, []
    for label, speller in spellers.items():
        if speller is None:
            print(f'{label:18} not installed')
            continue
        wrong = []
        started = time.perf_counter()
        found = [speller(pitch, onset, 0 * sharps if options.no_signatures else sharps)
                 for onset, pitch, sharps, _ in works.values()]
        seconds[label] = time.perf_counter() - started
        wrong = [names != fifths for names, (*_, fifths) in zip(found, works.values(), strict=True)]
        ours = ours or wrong
        print(f'{label:18} {100 * np.concatenate(wrong).mean():6.3f} % of notes, '
              f'{100 * np.mean([w.mean() for w in wrong]):6.3f} % mean over works, '
              f'{1e6 * seconds[label] / notes:6.2f} microseconds a note')
    if 'partitura ps13s1' in seconds:
        print('time of spell_notes to that of partitura: '
              f'{seconds["spell_notes"] / seconds["partitura ps13s1"]:.2f}')
    counts = sorted(((int(w.sum()), line) for w, line in zip(ours, works, strict=True)),
                    reverse=True)
    for count, line in counts[:options.worst]:
        print(f'  {count:4} of {len(works[line][-1]):5}  {line}')


if __name__ == '__main__':
    main()
