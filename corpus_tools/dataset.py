"""Training sets from the note tables of a corpus."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

from qbdi_m21.errors import CorpusError
from qbdi_m21.frames.store import load_table, table_work
from qbdi_m21.model.spec import FrameSpec
from qbdi_m21.model.training_set import TrainingSet


def build_training_set(
    folder: str | os.PathLike[str], *, meter: str | None = '4/4', min_bars: int = 4,
    held_out: tuple[float, float] = (0.1, 0.1), seed: int = 0, spec: FrameSpec | None = None,
) -> TrainingSet:
    """Return the windows of all note tables in a folder.

    Parameters
    ----------
    folder : path
        Written by :func:`corpus_tools.ingest.ingest`.
    meter : str or None
        Use only works in this meter throughout; None takes all.
    min_bars : int
        Leave out works of fewer bars.
    held_out : (float, float)
        Shares of the works for validation and for the test.
    seed : int
        Of the split.
    spec : FrameSpec, optional
        What a window is; the paper's by default.

    Returns
    -------
    TrainingSet
        Split by work; works that share three bars, also transposed, are never divided.

    Raises
    ------
    CorpusError
        If no work is left.
    """
    tables = {}
    left_out: Counter[str] = Counter()
    for path in sorted(Path(folder).glob('*.parquet')):
        work, table = table_work(path), load_table(path)
        if meter is not None and {bar.meter for bar in table.bars} != {meter}:
            left_out[f'not in {meter} throughout'] += 1
        elif len(table.bars) < min_bars:
            left_out[f'fewer than {min_bars} bars'] += 1
        else:
            tables[work or path.stem] = table
    if not tables:
        raise CorpusError(f'no note table in {folder} is left to learn from ({dict(left_out)}); '
                          'ingest works first, or ask for another meter')
    return TrainingSet.from_tables(
        tables, spec=spec, held_out=held_out, seed=seed,
        about={'meter': meter, 'min_bars': min_bars, 'left_out': dict(left_out)})
