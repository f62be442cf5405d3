"""The whole command for one score, against music21 parsing and writing that score.

    python benchmarks/command.py [QUERY] [--runs 7]

Both run as processes of their own, in turn; the median ratio is printed. The aim is 3.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

PLAIN = """
import sys
from music21 import converter, corpus
query, target = sys.argv[1:]
name = query.removeprefix('corpus:')
score = corpus.parse(name) if name != query else converter.parse(query)
score.write('musicxml', target)
"""

OURS = """
import sys
from qbdi_m21.cli import main
query, target = sys.argv[1:]
main(['improvise', query, '-o', target], standalone_mode=False)
loaded = {'tensorflow', 'keras', 'matplotlib', 'vmo'} & set(sys.modules)
sys.exit(f'imported: {sorted(loaded)}' if loaded else 0)
"""


def seconds(code: str, query: str, target: Path) -> float:
    """Return the wall time of one process."""
    started = time.perf_counter()
    subprocess.run([sys.executable, '-c', code, query, str(target)], check=True,
                   stdout=subprocess.DEVNULL)
    return time.perf_counter() - started


def main() -> None:
    """Run both commands in turn and print the ratio."""
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('query', nargs='?', default='corpus:bach/bwv66.6')
    parser.add_argument('--runs', type=int, default=7)
    options = parser.parse_args()
    pairs = []
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / 'out.musicxml'
        for run in range(options.runs + 1):
            pair = seconds(OURS, options.query, target), seconds(PLAIN, options.query, target)
            if run:         # the first fills the caches
                pairs.append(pair)
    ratios = sorted(ours / plain for ours, plain in pairs)
    ours, plain = (statistics.median(column) for column in zip(*pairs, strict=True))
    print(f'{options.query}: improvise {ours:.2f} s, music21 alone {plain:.2f} s; '
          f'ratio {statistics.median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f}, '
          f'{len(ratios)} runs; aim: 3)')


if __name__ == '__main__':
    main()
