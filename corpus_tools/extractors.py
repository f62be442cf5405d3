"""The toolkit's measures as music21 feature extractors: they go into ``features.DataSet``.

music21 writes 0 where an extractor raises; these give NaN instead, which tables keep as missing.
"""

from __future__ import annotations

import contextlib
import math
import warnings
from importlib.metadata import version
from typing import Any

import numpy as np
from music21 import features, stream

from qbdi_m21.analysis.information_rate import information_rate
from qbdi_m21.analysis.motifs.find import find_motifs
from qbdi_m21.errors import ParameterError, QbdiWarning
from qbdi_m21.frames.notes import extract_notes
from qbdi_m21.notation.reading import load_score
from qbdi_m21.sources import split_number


class _Measure(features.FeatureExtractor):  # type: ignore[misc]
    """An extractor of some numbers of a stream; NaN where it has none."""

    def __init__(self, dataOrStream: Any = None, **keywords: Any) -> None:  # noqa: N803
        super().__init__(dataOrStream=dataOrStream, **keywords)
        self.isSequential = True

    def values(self, score: stream.Stream) -> list[float]:
        """Return the numbers of a score."""
        raise NotImplementedError

    def process(self) -> None:
        """Fill the vector of the feature."""
        score = self.stream
        found = [math.nan] * self.dimensions
        if score is None and self.data is not None:
            score = self.data.stream
        if score is not None:
            with warnings.catch_warnings():
                warnings.simplefilter('ignore', QbdiWarning)
                with contextlib.suppress(Exception):      # which music21 makes zeros of
                    found = self.values(score)
        self.feature.vector = [round(float(value), 6) for value in found]


class InformationRateFeature(_Measure):
    """Information rate a frame, its threshold, and the share of frames that count as equal."""

    id = 'QB1'

    def __init__(self, dataOrStream: Any = None, **keywords: Any) -> None:  # noqa: N803
        super().__init__(dataOrStream=dataOrStream, **keywords)
        self.name = 'Information rate'
        self.description = ('Information rate in bits a frame of an eighth, selected threshold, '
                            'share of pairs of different frames that are closer (Dubnov 2019).')
        self.dimensions = 3

    def values(self, score: stream.Stream) -> list[float]:
        """Return bits a frame, threshold and share."""
        found = information_rate(score)
        return [found.total_bits / len(found.profile), found.selected, found.matched_share]


class MotifFeature(_Measure):
    """How many motifs, how often they occur, and which share of the notes is in one."""

    id = 'QB2'

    def __init__(self, dataOrStream: Any = None, **keywords: Any) -> None:  # noqa: N803
        super().__init__(dataOrStream=dataOrStream, **keywords)
        self.name = 'Motifs'
        self.description = ('Number of motifs in the voices, occurrences a hundred notes, share '
                            'of all notes that lie in one.')
        self.dimensions = 3

    def values(self, score: stream.Stream) -> list[float]:
        """Return number, density and coverage."""
        table = extract_notes(score)
        motifs = find_motifs(table)
        held = {name for motif in motifs for o in motif.occurrences for name in o.element_ids}
        return [len(motifs), 100 * sum(len(m.occurrences) for m in motifs) / len(table),
                len(held) / len(np.unique(table.element_id))]


#: All extractors, as ``features.DataSet.addFeatureExtractors`` takes them.
EXTRACTORS = (InformationRateFeature, MotifFeature)


def extractor_measure(name: str) -> Any:
    """Return a feature extractor as a measure of studies: it reads the score again.

    Parameters
    ----------
    name : str
        Its id (``'P1'``, ``'QL1'``, ``'QB1'``) or class.

    Raises
    ------
    ParameterError
        If there is none.
    """
    own = {one.id: one for one in EXTRACTORS}
    try:
        extractor = own.get(name) or features.extractorById(name)
    except (AttributeError, KeyError, IndexError) as error:
        raise ParameterError(f'music21 has no feature extractor {name!r}') from error
    if extractor is None:
        raise ParameterError(f'music21 has no feature extractor {name!r}')

    def measure(table: Any, *, work: str) -> dict[str, float]:
        file, number = split_number(work)
        with warnings.catch_warnings():
            warnings.simplefilter('ignore')
            found = extractor(load_score(file, number=number, cached=False)).extract()
        vector = list(found.vector)
        plain = [name] if len(vector) == 1 else [f'{name}_{k}' for k in range(len(vector))]
        return {column: float(value) for column, value in zip(plain, vector, strict=True)}

    measure.__qualname__ = f'music21 {name}'
    measure.version = version('music21')    # type: ignore[attr-defined]
    return measure
