"""Marks: findings as plain data that can be drawn on a score. No mark speaks by colour alone."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

from qbdi_m21.analysis.collisions import Collision
from qbdi_m21.analysis.motifs.result import Motif, Occurrence
from qbdi_m21.errors import ParameterError

#: Okabe & Ito's palette, which colour-blind people can tell apart; vermilion is the collisions'.
MOTIF_COLORS = ('#0072B2', '#009E73', '#E69F00', '#56B4E9', '#CC79A7')
COLLISION_COLOR = '#D55E00'


@dataclass(frozen=True)
class Mark:
    """Something to draw.

    Attributes
    ----------
    kind : str
        'motif', 'collision', 'meeting' or 'rate'.
    text : str
        Printed at the start of the span, above the staff.
    side : str
        'improvisation' or 'query': the parts of an aligned score that it stands in. A score
        that :func:`align` did not make has no sides, and all its parts are meant.
    start_ql, end_ql : Fraction
        Half-open span, in quarter lengths.
    element_ids : tuple of str
        Noteheads to mark, by their ids within the side.
    color : str
        Of those noteheads, as ``'#RRGGBB'``; empty for none.
    notehead : str
        Shape of those noteheads, in MusicXML's words; empty leaves it.
    bracket, boxed : bool
        Draw a bracket over the span; draw a box around the text.
    below : bool
        Print the text small and below the staff, where no other mark stands.
    staff : int
        Place of the staff among the side's over which text and bracket stand.
    """

    kind: str
    text: str
    side: str
    start_ql: Fraction
    end_ql: Fraction
    element_ids: tuple[str, ...] = ()
    color: str = ''
    notehead: str = ''
    bracket: bool = False
    boxed: bool = False
    below: bool = False
    staff: int = 0


def marks_of(results: Iterable[Motif | Collision | Mark]) -> tuple[Mark, ...]:
    """Return the marks of findings, in their order.

    Raises
    ------
    ParameterError
        If something is neither a Motif, a Collision nor a Mark.
    """
    marks: list[Mark] = []
    for result in results:
        if isinstance(result, Mark):
            marks.append(result)
        elif isinstance(result, Motif):
            marks += motif_marks(result.label, result.occurrences, result.side)
        elif isinstance(result, Collision):
            marks += _collision_marks(result)
        else:
            raise ParameterError(f'cannot mark a {type(result).__name__}; expected Motif, '
                                 'Collision or Mark')
    return tuple(marks)


def motif_marks(label: str, occurrences: Iterable[Occurrence], side: str = 'query') -> list[Mark]:
    """Return the marks of a motif's or theme's occurrences; a varied one's label has a prime."""
    color = MOTIF_COLORS[(ord(label[0]) - ord('A')) % len(MOTIF_COLORS)]
    return [Mark('motif', label if o.exact else f'{label}\u2032', side, o.start_ql, o.end_ql,
                 o.element_ids, color, bracket=True, staff=o.part or 0) for o in occurrences]


def _collision_marks(hit: Collision) -> list[Mark]:
    span = hit.start_ql, hit.end_ql
    if hit.kind == 'meeting':
        return [Mark('meeting', f'= {hit.query_harmony}', 'improvisation', *span, boxed=True)]
    text = f'{hit.improvisation_harmony} \u2260 {hit.query_harmony}'
    return [Mark('collision', text, 'improvisation', *span, hit.improvisation_ids,
                 COLLISION_COLOR, 'diamond', boxed=True),
            Mark('collision', '', 'query', *span, hit.query_ids, COLLISION_COLOR, 'diamond')]


def rate_mark(start_ql: Fraction, end_ql: Fraction, rate: str, delivered_bits: float, *,
              staff: int = 0) -> Mark:
    """Return the mark of a bar's rate: what was asked for, and how many bits arrived."""
    return Mark('rate', f'{rate} \u2192 {delivered_bits:.1f} bits', 'improvisation', start_ql,
                end_ql, below=True, staff=staff)
