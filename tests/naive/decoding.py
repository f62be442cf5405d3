"""Slow twins of what shapes decoded frames: lists of notes, one note at a time.

A note is (pitch, start, end, struck), in frames; `struck` says whether an onset cell is set.
"""

from itertools import pairwise


def notes_of(frames):
    """Notes of frames, read cell by cell, sorted."""
    notes = []
    for column in range(frames.num_pitches):
        start = None
        for t in range(len(frames.sounding) + 1):
            sounds = t < len(frames.sounding) and frames.sounding[t, column]
            struck = sounds and frames.onset[t, column]
            if start is not None and (struck or not sounds):
                notes.append((frames.pitch_low + column, start, t,
                              bool(frames.onset[start, column])))
                start = None
            if sounds and start is None:
                start = t
    return sorted(notes)


def cells_of(notes):
    """Sounding and onset cells (frame, pitch) of notes: what overlaps is heard as one."""
    return ({(t, pitch) for pitch, start, end, _ in notes for t in range(start, end)},
            {(start, pitch) for pitch, start, _, struck in notes if struck})


def naive_fold(notes, pitch_range):
    """Notes of which those outside a range go by octaves into it.

    There they are struck, and so are the notes that are there already.
    """
    low, high = pitch_range
    goals = {}
    for pitch in {note[0] for note in notes}:
        goals[pitch] = pitch
        while goals[pitch] < low:
            goals[pitch] += 12
        while goals[pitch] >= high:
            goals[pitch] -= 12
    alone = {goal for pitch, goal in goals.items()
             if pitch == goal and list(goals.values()).count(goal) == 1}
    return [(goals[pitch], start, end, struck or goals[pitch] not in alone)
            for pitch, start, end, struck in notes]


def naive_never_restrike(notes, at=None):
    """Notes of which none follows another of its pitch at once; only `at` these frames if given."""
    joined = []
    for pitch, start, end, struck in sorted(notes):
        before = joined[-1] if joined else None
        if before and before[0] == pitch and before[2] == start and (at is None or start in at):
            joined[-1] = (pitch, before[1], end, before[3])
        else:
            joined.append((pitch, start, end, struck))
    return joined


def naive_strike(notes, heads):
    """Notes cut in two, and struck, wherever they last over a head of a bar or begin at it."""
    cut = []
    for pitch, start, end, struck in notes:
        edges = [start, *(head for head in heads if start < head < end), end]
        cut += [(pitch, a, b, struck if k == 0 else True)
                for k, (a, b) in enumerate(pairwise(edges))]
    return sorted(cut)


def naive_reach(notes, span):
    """Notes that last while the hand on the lowest or the one on the highest note reaches them."""
    kept = []
    for pitch, start, end, struck in notes:
        last = start
        while last < end:
            there = [p for p, a, b, _ in notes if a <= last < b]
            if min(there) + span < pitch < max(there) - span:
                break
            last += 1
        if last > start:
            kept.append((pitch, start, last, struck))
    return kept


def naive_long(notes, least):
    """Notes of at least so many frames."""
    return [note for note in notes if note[2] - note[1] >= least]


def naive_shape(decoding, frames):
    """Notes after all that a Decoding asks for, in the order of its attributes."""
    notes = notes_of(frames)
    if decoding.pitch_range is not None:
        notes = notes_again(naive_fold(notes, decoding.pitch_range))
    if decoding.restrike == 'never':
        notes = naive_never_restrike(notes)
    heads = frames.grid.bar_starts[1:-1].tolist()
    if decoding.barline == 'tie':
        notes = naive_never_restrike(notes, heads)
    elif decoding.barline == 'strike':
        notes = naive_strike(notes, heads)
    if decoding.hand_span is not None:
        notes = naive_reach(notes, decoding.hand_span)
    return naive_long(notes, decoding.min_length_frames)


def notes_again(notes):
    """Notes as they are read from the cells of notes that may overlap."""
    sounding, onset = cells_of(notes)
    result = []
    for t, pitch in sorted(sounding):
        before = next((k for k, note in enumerate(result) if note[0] == pitch and note[2] == t),
                      None)
        if (t, pitch) in onset or before is None:
            result.append((pitch, t, t + 1, (t, pitch) in onset))
        else:
            found = result[before]
            result[before] = (pitch, found[1], t + 1, found[3])
    return sorted(result)


def two_hands_reach(pitches, span):
    """Whether pitches can be split into two groups, each within a span: every split is tried."""
    held = sorted(pitches)
    return not held or any(
        (not low or low[-1] - low[0] <= span) and (not high or high[-1] - high[0] <= span)
        for low, high in ((held[:k], held[k:]) for k in range(len(held) + 1)))
