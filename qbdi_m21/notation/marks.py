"""Marks: findings as plain data that can be drawn on a score. No mark speaks by colour alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from qbdi_m21.analysis.collisions import Collision
from qbdi_m21.analysis.information_rate import InformationRate
from qbdi_m21.analysis.motifs.result import Motif, Occurrence
from qbdi_m21.errors import ParameterError

#: Okabe & Ito's palette, which colour-blind people can tell apart; vermilion is the collisions'.
MOTIF_COLORS = ('#0072B2', '#009E73', '#E69F00', '#56B4E9', '#CC79A7')
COLLISION_COLOR = '#D55E00'


#: Kinds of marks, which are the layers that can be switched off.
KINDS = ('motif', 'collision', 'meeting', 'rate', 'passage', 'information', 'note')


@dataclass(frozen=True)
class Mark:
    """Something to draw.

    Attributes
    ----------
    kind : str
        One of `KINDS`: the layer that it belongs to. 'note' is an analyst's own.
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
    measure, beat, end_measure, end_beat : optional
        The span as printed measure numbers and beats, which :func:`annotate` adds: by them a
        mark finds its place again in a score that was edited.
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
    measure: int | None = None
    beat: Fraction | None = None
    end_measure: int | None = None
    end_beat: Fraction | None = None

    def to_json(self) -> dict[str, Any]:
        """Return plain values; times as exact texts (``'7/2'``)."""
        plain = {name: str(value) if isinstance(value, Fraction) else value
                 for name, value in asdict(self).items()}
        return {**plain, 'element_ids': list(self.element_ids)}

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> Mark:
        """Return the mark of plain values.

        Raises
        ------
        ParameterError
            If they are none.
        """
        try:
            times = {name: None if plain.get(name) is None else Fraction(plain[name])
                     for name in ('start_ql', 'end_ql', 'beat', 'end_beat')}
            mark = cls(**{**plain, **times,
                          'element_ids': tuple(plain['element_ids'])})
        except (KeyError, TypeError, ValueError, ZeroDivisionError) as error:
            raise ParameterError(f'no mark: {error}; expected the fields of Mark') from error
        if mark.kind not in KINDS or not isinstance(mark.text, str) or mark.start_ql is None \
                or mark.end_ql is None or not mark.start_ql < mark.end_ql:
            raise ParameterError(
                f'the mark {mark.text!r} is a {mark.kind!r} from {mark.start_ql} to '
                f'{mark.end_ql}; expected one of {", ".join(KINDS)}, and a span')
        return mark


def marks_of(results: Iterable[Motif | Collision | InformationRate | Mark]) -> tuple[Mark, ...]:
    """Return the marks of findings, in their order.

    Raises
    ------
    ParameterError
        If something is none of these.
    """
    marks: list[Mark] = []
    for result in results:
        if isinstance(result, Mark):
            marks.append(result)
        elif isinstance(result, Motif):
            marks += motif_marks(result.label, result.occurrences, result.side)
        elif isinstance(result, Collision):
            marks += _collision_marks(result)
        elif isinstance(result, InformationRate):
            marks += _information_marks(result)
        else:
            raise ParameterError(f'cannot mark a {type(result).__name__}; expected Motif, '
                                 'Collision, InformationRate or Mark')
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
    if hit.kind in ('chord', 'key'):
        # nothing clashes: no notes to point at
        text = f'keys {text}' if hit.kind == 'key' else text
        return [Mark('collision', text, 'improvisation', *span, boxed=True)]
    return [Mark('collision', text, 'improvisation', *span, hit.improvisation_ids,
                 COLLISION_COLOR, 'diamond', boxed=True),
            Mark('collision', '', 'query', *span, hit.query_ids, COLLISION_COLOR, 'diamond')]


def _information_marks(found: InformationRate) -> list[Mark]:
    """Return the mean information rate of each bar, small below the staff."""
    if found.grid is None:
        raise ParameterError('this information rate is of plain vectors; expected that of a score')
    bars = found.grid.frame_bars()
    means = np.bincount(bars, found.profile) / np.bincount(bars)
    return [Mark('information', f'{bits:.1f}', 'query', bar.start_ql, bar.end_ql, below=True)
            for bar, bits in zip(found.grid.bars, means.tolist(), strict=True)]


def rate_mark(start_ql: Fraction, end_ql: Fraction, rate: str, delivered_bits: float, *,
              staff: int = 0) -> Mark:
    """Return the mark of a bar's rate: what was asked for, and how many bits arrived."""
    return Mark('rate', f'{rate} \u2192 {delivered_bits:.1f} bits', 'improvisation', start_ql,
                end_ql, below=True, staff=staff)
