"""Slow twins of the measures: one frame, one bar, one chord at a time."""

from collections import Counter
from math import cos, dist, hypot, log2, pi, sin, sqrt

QUALITIES = {'': (0, 4, 7), 'm': (0, 3, 7), '7': (0, 4, 7, 10), 'm7': (0, 3, 7, 10),
             'maj7': (0, 4, 7, 11), 'dim': (0, 3, 6), 'm7♭5': (0, 3, 6, 10),
             'dim7': (0, 3, 6, 9), 'aug': (0, 4, 8)}


def naive_chroma(frames):
    """How many pitches of each pitch class sound in each frame, as lists of 12."""
    rows = []
    for row in frames.sounding.tolist():
        counts = [0] * 12
        for column, sounds in enumerate(row):
            counts[(frames.pitch_low + column) % 12] += sounds
        rows.append(counts)
    return rows


def add_up(rows):
    """Sum of rows of 12."""
    return [sum(column) for column in zip(*rows, strict=True)] or [0] * 12


def naive_bars(frames):
    """Pitch classes of each bar: of the frames that lie in it."""
    found = {index: [] for index in range(len(frames.grid.bars))}
    for row, bar in zip(naive_chroma(frames), frames.grid.frame_bars().tolist(), strict=True):
        found[bar].append(row)
    return [add_up(rows) for rows in found.values()]


def naive_starts(frames):
    """Cells (frame, column) in which notes start: struck, or sounding after silence."""
    sounding, onset = frames.sounding.tolist(), frames.onset.tolist()
    return {(t, p) for t, row in enumerate(sounding) for p, sounds in enumerate(row)
            if sounds and (onset[t][p] or not t or not sounding[t - 1][p])}


def naive_cosine(one, two):
    return sum(a * b for a, b in zip(one, two, strict=True)) / (hypot(*one) * hypot(*two))


def naive_tonnetz(weights):
    """Tonal centroid: the mean of the sounding tones' points on three circles."""
    steps, radii = (7 / 6, 3 / 2, 2 / 3), (1, 1, 0.5)
    total = sum(weights)
    return [sum(w * radius * turn(k * step * pi) for k, w in enumerate(weights)) / total
            for step, radius in zip(steps, radii, strict=True) for turn in (sin, cos)]


def naive_comparison(ours, theirs):
    """The five numbers of bars against bars."""
    due = [k for k, bar in enumerate(theirs) if sum(bar)]
    both = [k for k in due if sum(ours[k])]
    wanted = [(naive_chord(ours[k]), naive_chord(theirs[k])) for k in range(len(theirs))
              if naive_chord(theirs[k])]
    found = {'silent_bars': 1 - len(both) / len(due) if due else 0.0, 'chord_agreement':
             sum(one == two for one, two in wanted) / len(wanted) if wanted else None}
    if not both:
        return found | dict.fromkeys(('chroma_cosine', 'tonnetz_distance', 'tonnetz_by_circle'))
    cosines, whole, circles = [], [], []
    for k in both:
        cosines.append(naive_cosine(ours[k], theirs[k]))
        one, two = naive_tonnetz(ours[k]), naive_tonnetz(theirs[k])
        whole.append(dist(one, two))
        circles.append(sum(dist(one[i:i + 2], two[i:i + 2]) for i in (0, 2, 4)) / 3)
    return found | {'chroma_cosine': sum(cosines) / len(both),
                    'tonnetz_distance': sum(whole) / len(both),
                    'tonnetz_by_circle': sum(circles) / len(both)}


def naive_chord(weights, least=0.8):
    """(root, quality) of the nearest template, or None; of equals the first, as told."""
    if sum(w > 0 for w in weights) < 3:
        return None
    best, found = least, None
    for quality, tones in QUALITIES.items():
        fits = [sum(weights[(root + tone) % 12] for tone in tones)
                / (hypot(*weights) * sqrt(len(tones))) for root in range(12)]
        equal = [root for root in range(12) if round(fits[root], 9) == round(max(fits), 9)]
        root = max(equal, key=lambda r: (weights[r], -r))
        if fits[root] > best + 1e-9:
            best, found = fits[root], (root, quality)
    return found


def naive_beats(frames):
    """Pitch classes of each beat, by when its frames start; of each frame where beats are short."""
    grid, rows = frames.grid, naive_chroma(frames)
    if any(bar.beat_ql < grid.step_ql for bar in grid.bars):
        return rows
    beats = {}
    for t, row in enumerate(rows):
        bar = grid.bars[int(grid.frame_bars()[t])]
        begun = grid.offset_at_frame(t) - bar.start_ql + bar.lead_ql
        beats.setdefault((bar.start_ql, begun // bar.beat_ql), []).append(row)
    return [add_up(beat) for beat in beats.values()]


def naive_chord_entropy(frames):
    """Entropy in bits of the chords of beats; None without one."""
    counts = Counter(chord for beat in naive_beats(frames) if (chord := naive_chord(beat)))
    total = sum(counts.values())
    return sum(n / total * log2(total / n) for n in counts.values()) if total else None


def naive_onset_agreement(ours, theirs):
    """F1 from precision and recall of the frames in which notes start."""
    one, two = ({t for t, _ in naive_starts(frames)} for frames in (ours, theirs))
    if not one and not two:
        return 1.0
    if not one & two:
        return 0.0
    precision, recall = len(one & two) / len(one), len(one & two) / len(two)
    return 2 / (1 / precision + 1 / recall)
