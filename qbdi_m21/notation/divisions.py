"""Divisions of a quarter in MusicXML: music21's 10080 hold no 11th, no 13th and no 256th note."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager

from music21 import defaults, stream

#: Parts of a quarter that are written exactly, besides music21's own.
_MORE = 64 * 11 * 13


@contextmanager
def exact_divisions(score: stream.Score) -> Iterator[None]:
    """Have music21 write the lengths of a score's notes without rounding, as long as it lasts.

    Lengths that no tuplet has (of files that round their tuplets) do not count.
    """
    before = defaults.divisionsPerQuarter
    fine = math.lcm(before, _MORE)
    wanted = before
    for part in score.parts:
        for measure in part.getElementsByClass(stream.Measure):
            for layer in (measure, *measure.voices):
                for element in layer.elements:
                    length = element.duration.quarterLength
                    if length * before % 1:
                        ratio = length.as_integer_ratio()[1]
                        wanted = wanted if fine % ratio else math.lcm(wanted, ratio)
    try:
        # the one place from which its exporters take it
        defaults.divisionsPerQuarter = wanted
        yield
    finally:
        defaults.divisionsPerQuarter = before
