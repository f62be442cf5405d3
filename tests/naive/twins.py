"""Slow twins of the product's numerics, written as plainly as can be and independently of it."""

from bisect import bisect
from fractions import Fraction
from math import log2

from music21 import chord, harmony, note, stream


def naive_allocation(variance, total_bits):
    """Give one bit at a time to the largest remaining variance, the first of equals."""
    remaining = [Fraction(v) for v in variance]
    bits = [0] * len(remaining)
    for _ in range(total_bits):
        largest = max(remaining)
        if largest == 0:
            break
        first = remaining.index(largest)
        bits[first] += 1
        remaining[first] /= 4
    return bits


def naive_distortion(variance, bits):
    """Total of sigma^2 / 4^R, exactly."""
    return sum(Fraction(v) / 4 ** b for v, b in zip(variance, bits, strict=True))


def allocations(components, total_bits):
    """Every way to spend whole bits."""
    if components == 1:
        yield [total_bits]
        return
    for first in range(total_bits + 1):
        for rest in allocations(components - 1, total_bits - first):
            yield [first, *rest]


def grid_points(bars, step):
    """Offsets of all grid points: every step from each barline, the barlines, the end."""
    points = []
    for bar in bars:
        offset = bar.start_ql
        while offset < bar.start_ql + bar.length_ql:
            points.append(offset)
            offset += step
    return [*points, bars[-1].start_ql + bars[-1].length_ql]


def nearest_point(points, offset):
    """Index of the nearest point, the earlier of two as near."""
    return min(range(len(points)), key=lambda k: (abs(points[k] - offset), k))


def naive_frames(notes, bars, step):
    """Sets of sounding and onset cells (frame, pitch) of (onset, duration, pitch)."""
    points = grid_points(bars, step)
    sounding, onsets = set(), set()
    for onset, duration, pitch in notes:
        start = min(nearest_point(points, onset), len(points) - 2)
        end = max(nearest_point(points, onset + duration), start + 1)
        onsets.add((start, pitch))
        sounding |= {(frame, pitch) for frame in range(start, end)}
    return sounding, onsets


def naive_notes(sounding, onsets):
    """Notes (start, end, pitch) of sets of cells, frame by frame, by start, then pitch."""
    notes = []
    for pitch in {p for _, p in sounding}:
        begun = None
        last = max(t for t, _ in sounding)
        for t in range(last + 2):
            sounds = (t, pitch) in sounding
            if begun is not None and (not sounds or (t, pitch) in onsets):
                notes.append((begun, t, pitch))
                begun = None
            if sounds and begun is None:
                begun = t
    return sorted(notes, key=lambda n: (n[0], n[2]))


def naive_sounding_notes(score, bar_starts=None):
    """Notes (part, onset, end, pitch) of a score through music21's own flattening.

    Where parts have barlines of their own, `bar_starts` says where each measure shall start.

    Transposition is music21's `toSoundingPitch`; ties are joined on the flat part, earliest
    first: a head that ends a tie lengthens a note of its pitch that a tie left open there.
    """
    notes = []
    for index, part in enumerate(score.parts):
        heads = []
        own = [Fraction(part.elementOffset(m)) for m in part.getElementsByClass(stream.Measure)]
        for element in part.toSoundingPitch(inPlace=False).flatten().notes:
            if isinstance(element, harmony.Harmony) or element.duration.isGrace:
                continue
            for head in element.notes if isinstance(element, chord.Chord) else [element]:
                if isinstance(head, note.Note):
                    onset = Fraction(element.offset)
                    if bar_starts is not None and own:
                        measure = bisect(own, onset) - 1
                        onset += bar_starts[measure] - own[measure]
                    heads.append((onset, onset + Fraction(element.quarterLength),
                                  round(head.pitch.ps), head.tie.type if head.tie else None))
        joined, waiting = [], {}
        for onset, end, pitch, kind in sorted(heads, key=lambda h: (h[0], h[2])):
            ready = waiting.get((pitch, onset), [])
            row = ready.pop(0) if kind in ('stop', 'continue') and ready else None
            if row is None:
                row = [index, onset, end, pitch]
                joined.append(row)
            row[2] = end
            if kind in ('start', 'continue'):
                waiting.setdefault((pitch, end), []).append(row)
        notes += [tuple(row) for row in joined]
    return sorted(notes)


def naive_measure_beats(score):
    """(measure number, beat) of every notehead's onset, by music21."""
    places = {}
    for part in score.parts:
        for measure in part.getElementsByClass(stream.Measure):
            for element in measure.recurse().notes:
                if not isinstance(element, harmony.Harmony):
                    offset = Fraction(element.getOffsetInHierarchy(part))
                    places[offset] = measure.number, Fraction(element.beat)
    return places


def naive_information_rate(lrs):
    """IR of each frame from longest repeated suffixes (without the leading state), in bits.

    A word starts where the last one ended; it takes all frames of which the longest repeated
    suffix reaches back to its start, and at least one.
    """
    words, start = [], 0
    while start < len(lrs):
        stop = start
        while stop < len(lrs) and lrs[stop] >= stop - start + 1:
            stop += 1
        words.append((start, max(stop - start, 0)))
        start = max(stop, start + 1)
    rates, new = [], 0
    for count, (_, length) in enumerate(words, start=1):
        new += length == 0
        frames = max(length, 1)
        # the coder counts a word from its first frame on
        rates += [max(0.0, log2(new) - log2(count) / frames)] * frames
    return rates

