"""Slow twins of the product's numerics, written as plainly as can be and independently of it."""

from bisect import bisect
from fractions import Fraction
from math import e, fsum, inf, log, log2, pi

from music21 import chord, harmony, note, stream
from numpy import array, exp, linspace
from numpy.polynomial.hermite import hermgauss
from scipy.special import xlogy


def naive_allocation(variance, total_bits, floor=0):
    """Give one bit at a time to the largest remaining variance, the first of equals.

    None is given to what is at the floor or below it.
    """
    remaining = [Fraction(v) for v in variance]
    bits = [0] * len(remaining)
    for _ in range(total_bits):
        largest = max(remaining)
        if largest <= floor:
            break
        first = remaining.index(largest)
        bits[first] += 1
        remaining[first] /= 4
    return bits


def naive_distortion(variance, bits):
    """Total of sigma^2 / 4^R, exactly."""
    return sum(Fraction(v) / 4 ** b for v, b in zip(variance, bits, strict=True))


def naive_bits_to_floor(variance, floor):
    """Divide each variance by four until it is at the floor, and count."""
    counts = []
    for remaining in map(Fraction, variance):
        count = 0
        while remaining > Fraction(floor):
            remaining /= 4
            count += 1
        counts.append(count)
    return counts


def naive_continuous(variance, total_bits, floor=0.0):
    """Rates at the water level that halving the interval 200 times finds, no lower than a floor."""
    heights = [log2(v) if v else -inf for v in variance]
    if max(heights) == -inf:
        return [0.0] * len(heights)

    def rates(level):
        return [max(h - level, 0.0) / 2 for h in heights]

    low = min(h for h in heights if h > -inf) - 2 * total_bits - 1
    high = max(heights)
    for _ in range(200):
        level = (low + high) / 2
        low, high = (low, level) if fsum(rates(level)) < total_bits else (level, high)
    return rates(max(high, log2(floor)) if floor else high)


def naive_total_rate(variance, allowed):
    """Least rate within a total distortion, by halving the interval of the level's logarithm."""
    if allowed >= sum(variance):
        return 0.0
    low, high = log2(allowed / len(variance)) - 1, log2(max(variance))
    for _ in range(200):
        level = (low + high) / 2
        spilt = fsum(min(v, 2.0 ** level) for v in variance)
        low, high = (low, level) if spilt > allowed else (level, high)
    return fsum(max(log2(v) - low, 0.0) / 2 for v in variance if v)


def naive_divergence(mean, variance, other_mean, other_variance):
    """KL(N(mean, variance) || N(other)) in bits: the mean of log p - log q under p.

    Gauss-Hermite quadrature, which is exact here: the logarithms are of second degree.
    """
    nodes, weights = hermgauss(8)
    points = mean + (2 * variance) ** 0.5 * nodes
    ours = -(points - mean) ** 2 / (2 * variance) - log(variance) / 2
    theirs = -(points - other_mean) ** 2 / (2 * other_variance) - log(other_variance) / 2
    return float(weights @ (ours - theirs)) / pi ** 0.5 / log(2)


def naive_information(points, chances, gain, noise_variance):
    """I(X; gain X + noise) in bits of a discrete source: h(Y) - h(Y|X), summed over a fine grid."""
    sent = gain * array(points)
    reach = 10 * noise_variance ** 0.5
    grid = linspace(sent.min() - reach, sent.max() + reach, 20_001)
    density = (2 * pi * noise_variance) ** -0.5 * exp(
        -(grid[:, None] - sent) ** 2 / (2 * noise_variance)) @ array(chances)
    entropy = -(xlogy(density, density).sum()) * (grid[1] - grid[0])
    return float(entropy - log(2 * pi * e * noise_variance) / 2) / log(2)


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

