"""Which repetitions are motifs: those that explain most, with their variants."""

from __future__ import annotations

import heapq
from dataclasses import dataclass

import numpy as np

from qbdi_m21.analysis.motifs.repetitions import Lines, Repetition

#: Most repetitions that are taken before variants are joined, and motifs that they make.
MOST, MOST_FAMILIES = 40, 20

#: Share of an occurrence that may lie in motifs taken before.
MAX_EXPLAINED = 0.2

#: A repetition worth less than this share of the best is none.
LEAST_VALUE = 0.01

#: Share of its bits that a variant has in common with the first form of its motif, at least.
MIN_SIMILARITY = 0.5


@dataclass(frozen=True)
class Member:
    """An occurrence in the lines: half-open places, and how unlike the motif's first form."""

    start: int
    stop: int
    distance: float


@dataclass(frozen=True)
class Family:
    """A motif in the lines: occurrences in order; value, 0 to 1, and bits of a move on average."""

    members: tuple[Member, ...]
    value: float
    bits: float


def select(repetitions: list[Repetition], size: int, min_count: int = 2,
           most: int = MOST) -> list[tuple[Repetition, float]]:
    """Return the repetitions that explain most, one after the other, and their values.

    A repetition's value is its weight times how often it returns where nothing taken before
    explains it. `size` is the number of notes of all lines.
    """
    explained = np.zeros(size + 1, dtype=np.int64)
    heap = [(-(len(one.lasts) - 1) * one.weight, k) for k, one in enumerate(repetitions)]
    heapq.heapify(heap)
    spans: dict[int, list[tuple[int, int]]] = {}
    taken: list[tuple[Repetition, float]] = []
    while heap and len(taken) < most:
        _, k = heapq.heappop(heap)
        one = repetitions[k]
        all_spans = spans.setdefault(k, one.spans())
        total = np.concatenate([[0], np.cumsum(explained[:-1])])
        free = [span for span in all_spans
                if total[span[1]] - total[span[0]] <= MAX_EXPLAINED * one.size]
        value = (len(free) - 1) * one.weight
        if len(free) < min_count or value <= 0:
            continue
        if heap and value < -heap[0][0]:
            heapq.heappush(heap, (-value, k))
            continue
        if taken and value < LEAST_VALUE * taken[0][1]:
            break
        taken.append((one, value))
        for start, stop in all_spans:
            explained[start:stop] = 1
    return taken


def join_variants(taken: list[tuple[Repetition, float]], lines: Lines,
                  most: int = MOST_FAMILIES) -> list[Family]:
    """Return motifs: repetitions that are alike are one, that of the most valuable."""
    from qbdi_m21.oracle.alignment import similarity
    forms: list[slice] = []
    members: list[list[Member]] = []
    values: list[float] = []
    for one, value in taken:
        spans = one.spans()
        form = slice(spans[0][0] + 1, spans[0][1])
        alike = [float(similarity(lines.moves[form], lines.bits[form], lines.moves[known],
                                  lines.bits[known])) for known in forms]
        home = int(np.argmax(alike)) if alike else -1
        distance = 0.0
        if home >= 0 and alike[home] >= MIN_SIMILARITY:
            distance = 1.0 - alike[home]
        elif len(forms) < most:
            home = len(forms)
            forms.append(form)
            members.append([])
            values.append(value / taken[0][1])
        else:
            continue
        members[home] += [Member(start, stop, distance) for start, stop in spans]
    return [Family(distinct(group), value, float(lines.bits[form].sum(axis=1).mean()))
            for group, value, form in zip(members, values, forms, strict=True)]


def distinct(members: list[Member]) -> tuple[Member, ...]:
    """Return members in order, without those that lie in a nearer or longer one."""
    kept: list[Member] = []
    for member in sorted(members, key=lambda m: (m.distance, m.start - m.stop, m.start)):
        if not any(other.start <= member.start and member.stop <= other.stop for other in kept):
            kept.append(member)
    return tuple(sorted(kept, key=lambda m: (m.start, m.stop)))
