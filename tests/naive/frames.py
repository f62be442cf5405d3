"""Slow twins of grids, frames and note tables: one bar, one note, one frame at a time."""


def step_of(bar, step):
    """Length of a frame in one bar."""
    return {'beat': bar.beat_ql, 'bar': bar.lead_ql + bar.length_ql}.get(step, step)


def frame_edges(bar, step):
    """Where the frames of a bar begin: its barline, then each step from where its meter begins."""
    edges, offset = [bar.start_ql], bar.start_ql - bar.lead_ql
    while offset < bar.end_ql:
        if offset > bar.start_ql:
            edges.append(offset)
        offset += step_of(bar, step)
    return edges


def naive_points(bars, step):
    """Offsets of all grid points: the edges of every bar's frames, and the end."""
    return [edge for bar in bars for edge in frame_edges(bar, step)] + [bars[-1].end_ql]


def naive_nearest(points, offset):
    """(index, distance) of the nearest point, the earlier of two as near."""
    index = min(range(len(points)), key=lambda k: (abs(points[k] - offset), k))
    return index, abs(points[index] - offset)


def naive_spans(table, step):
    """(row, first frame, end frame) of the notes that are no grace notes."""
    points = naive_points(table.bars, step)
    spans = []
    for row in range(len(table)):
        if not table.grace[row]:
            start = min(naive_nearest(points, table.onset_at(row))[0], len(points) - 2)
            end = naive_nearest(points, table.end_at(row))[0]
            spans.append((row, start, max(end, start + 1)))
    return spans


def naive_table_to_frames(table, step, pitch_range=(24, 102), *, fold=False):
    """Sets of sounding and of onset cells (frame, pitch), and the velocity of each sounding one.

    A cell has the velocity of the latest onset of its pitch, though an earlier note may last.
    """
    low, high = pitch_range
    sounding, struck = set(), {}
    for row, start, end in naive_spans(table, step):
        pitch = int(table.pitch[row])
        while fold and pitch < low:
            pitch += 12
        while fold and pitch >= high:
            pitch -= 12
        if low <= pitch < high:
            struck[start, pitch] = int(table.velocity[row])
            sounding |= {(frame, pitch) for frame in range(start, end)}
    velocity = {(frame, pitch): struck[max(at for at, p in struck if p == pitch and at <= frame),
                                       pitch] for frame, pitch in sounding}
    return sounding, set(struck), velocity


def naive_pool(values, bars, fine, coarse):
    """Rows of sums: each fine frame goes to the coarse one of its bar in which it starts."""
    pooled, row = [], 0
    for bar in bars:
        edges = frame_edges(bar, coarse)
        sums = [[0.0] * len(values[0]) for _ in edges]
        for offset in frame_edges(bar, fine):
            place = max(k for k, edge in enumerate(edges) if edge <= offset)
            sums[place] = [a + b for a, b in zip(sums[place], values[row], strict=True)]
            row += 1
        pooled += sums
    return pooled


def naive_in_order(table, order):
    """Notes (onset, duration, pitch, part, place) of bars that are played in some order."""
    notes, position = [], 0
    for place, index in enumerate(order):
        last = place
        while order[last + 1:last + 2] == [order[last] + 1]:
            last += 1
        stop = table.bars[order[last]].end_ql
        for row in range(len(table)):
            if table.bar[row] == index:
                onset = table.onset_at(row)
                notes.append((position + onset - table.bars[index].start_ql,
                              min(table.end_at(row), stop) - onset,
                              int(table.pitch[row]), int(table.part[row]), place))
        position += table.bars[index].length_ql
    return sorted(notes)


def naive_intervals(classes):
    """Interval-class vector of a set of pitch classes, pair by pair."""
    counts = [0] * 6
    for a in classes:
        for b in classes:
            if a < b:
                counts[min(b - a, 12 - b + a) - 1] += 1
    return counts
