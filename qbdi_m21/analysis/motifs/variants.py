"""Places that are like a line: with notes changed, added or left out."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from qbdi_m21.analysis.motifs.repetitions import Lines, move_bits
from qbdi_m21.analysis.motifs.selection import Family, Member, distinct
from qbdi_m21.analysis.motifs.voices import IntArray

#: What a note that the line has not, or that the place has not, costs, in moves of the line.
GAP = 0.5

#: Share of the line's bits that a place has which stands alone; repetitions that are variants of
#: one another are known by less (:data:`.selection.MIN_SIMILARITY`), as they confirm each other.
LEAST = 0.75


def places_like(moves: IntArray, lines: Lines, least: float,
                taken: npt.NDArray[np.bool_] | None = None) -> list[tuple[int, int, float]]:
    """Return half-open places in the lines and their similarities, the best of those that meet.

    Parameters
    ----------
    moves : ndarray of int64, shape (M, 2)
    lines : Lines
    least : float
        Lowest similarity.
    taken : ndarray of bool, shape (N,), optional
        Notes of the lines that are in no place.
    """
    from qbdi_m21.oracle.alignment import best_ends
    if not len(lines.rows):
        return []
    bits = move_bits(moves, lines.moves)
    if not bits.any():
        # everything in the piece is the same move
        bits += 1.0
    scores, starts = best_ends(moves, bits, lines.moves, lines.bits, GAP * bits.sum() / len(bits))
    taken = np.zeros(len(scores), dtype=np.bool_) if taken is None else taken
    found = []
    for last in np.argsort(-scores, kind='stable').tolist():
        if scores[last] < least - 1e-9:
            break
        first = int(starts[last]) - 1
        if first >= 0 and not taken[first:last + 1].any():
            taken[first:last + 1] = True
            found.append((first, last + 1, min(float(scores[last]), 1.0)))
    return found


def with_variants(family: Family, lines: Lines) -> Family:
    """Return a motif with the places that are like its first form, which need not return."""
    first = min(family.members, key=lambda member: (member.distance, member.start))
    taken = np.zeros(len(lines.rows), dtype=np.bool_)
    for member in family.members:
        taken[member.start:member.stop] = True
    more = [Member(start, stop, 1.0 - similarity) for start, stop, similarity in places_like(
        lines.moves[first.start + 1:first.stop], lines, LEAST, taken)]
    return Family(distinct([*family.members, *more]), family.value, family.bits)
