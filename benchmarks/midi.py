"""Reading a folder of MIDI files, against the readers of other packages.

    python benchmarks/midi.py FOLDER [--runs 3] [--only music21 ...]

All run in one process, imports left out, in turn; a reader that needs less than a second reads
the folder over and over for one. Medians are printed, and the ratio of each peer's time to ours
over the files that both read. The aim is 50 times against music21. Peers that are not installed
are passed over.
"""

from __future__ import annotations

import argparse
import importlib
import statistics
import sys
import time
import tracemalloc
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

AIM = 'music21', 50

#: How long a reader reads for one figure, at least.
LEAST_SECONDS = 1.0

#: What each reader is called, the module that has it, and how it reads one file.
READERS: dict[str, tuple[str, Callable[[Any, str], object]]] = {
    'ours': ('qbdi_m21.frames.midi', lambda m, path: m.read_midi(path)),
    'music21': ('music21.converter', lambda m, path: m.parse(path, forceSource=True)),
    'partitura score': ('partitura', lambda m, path: m.load_score_midi(path)),
    'partitura performance': ('partitura', lambda m, path: m.load_performance_midi(path)),
    'pretty_midi': ('pretty_midi', lambda m, path: m.PrettyMIDI(path)),
    'muspy': ('muspy', lambda m, path: m.read_midi(path)),
    'pypianoroll': ('pypianoroll', lambda m, path: m.read(path)),
    'mido (events only)': ('mido', lambda m, path: m.MidiFile(path)),
    'symusic (events only)': ('symusic', lambda m, path: m.Score(path)),
}

Read = Callable[[str], object]


def readers(only: Sequence[str]) -> dict[str, Read]:
    """Return the readers that are installed; ours first."""
    found: dict[str, Read] = {}
    for name, (module, call) in READERS.items():
        if only and name != 'ours' and not name.startswith(tuple(only)):
            continue
        try:
            loaded = importlib.import_module(module)
        except ImportError as error:
            print(f'{name}: not installed ({error})')
            continue
        if name == 'ours' and 'music21' in sys.modules:
            sys.exit('our reader has imported music21')
        found[name] = lambda path, call=call, loaded=loaded: call(loaded, path)
    return found


def seconds(read: Read, files: Sequence[Path]) -> list[float | None]:
    """Return the median time of each file; None where the reader fails."""
    passes = []
    started = time.perf_counter()
    while not passes or time.perf_counter() - started < LEAST_SECONDS:
        passes.append(one_pass(read, files))
    return [None if None in times else statistics.median(times)
            for times in zip(*passes, strict=True)]


def one_pass(read: Read, files: Sequence[Path]) -> list[float | None]:
    """Return the time of each file, read once; None where the reader fails."""
    times: list[float | None] = []
    for path in files:
        started = time.perf_counter()
        try:
            read(str(path))
            times.append(time.perf_counter() - started)
        except Exception:   # whatever a peer raises
            times.append(None)
    return times


def peak_bytes(read: Read, path: Path) -> int:
    """Return the most that reading one file allocates in Python and NumPy."""
    tracemalloc.start()
    try:
        read(str(path))
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def report(name: str, ours: list[list[float | None]], theirs: list[list[float | None]]) -> None:
    """Print the medians and the ratio of one peer."""
    both = [k for k, pair in enumerate(zip(ours[0], theirs[0], strict=True)) if None not in pair]
    if not both:
        print(f'{name}: reads none of the files')
        return
    own, their = ([sum(run[k] or 0 for k in both) for run in runs] for runs in (ours, theirs))
    ratios = sorted(b / a for a, b in zip(own, their, strict=True))
    ratio = statistics.median(ratios)
    aim = f'; aim: {AIM[1]}, {"met" if ratio >= AIM[1] else "MISSED"}' if name == AIM[0] else ''
    failed = f'; {len(theirs[0]) - len(both)} files not read' if len(both) < len(ours[0]) else ''
    print(f'{name}: {statistics.median(their) / len(both) * 1000:.3f} ms a file, '
          f'{ratio:.3g} times ours ({ratios[0]:.3g} to {ratios[-1]:.3g}){aim}{failed}')


def main() -> None:
    """Read the folder with every reader in turn, and print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('folder', type=Path)
    parser.add_argument('--runs', type=int, default=3)
    parser.add_argument('--only', nargs='*', default=[], help='peers by the start of their name')
    options = parser.parse_args()
    files = sorted(p for p in options.folder.rglob('*') if p.suffix.lower() in ('.mid', '.midi'))
    if not files:
        parser.error(f'no MIDI files in {options.folder}')
    warnings.simplefilter('ignore')
    held = readers(options.only)
    size = sum(path.stat().st_size for path in files)
    print(f'{len(files)} files, {size} bytes, {options.runs} runs each')
    times: dict[str, list[list[float | None]]] = {name: [] for name in held}
    for read in held.values():      # fills the caches
        one_pass(read, files[:1])
    for _ in range(options.runs):
        for name, read in held.items():
            times[name].append(seconds(read, files))
    for name, runs in times.items():
        report(name, times['ours'], runs)
    largest = max(files, key=lambda path: path.stat().st_size)
    print(f'memory to read the largest file ({largest.stat().st_size} bytes), in MB: ' + ', '.join(
        f'{name} {peak_bytes(read, largest) / 1e6:.2f}' for name, read in held.items()))
    tracemalloc.start()
    tables = [held['ours'](str(path)) for path in files]
    kept, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    print(f'memory of all {len(tables)} tables at once: {kept / 1e6:.2f} MB, at most '
          f'{peak / 1e6:.2f} MB while reading')


if __name__ == '__main__':
    main()
