"""What a motif is, as a result: its occurrences as notes and places, and what it explains."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from fractions import Fraction
from typing import Any

#: What motifs can be called; also the most that are returned.
LABELS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ'


@dataclass(frozen=True)
class Occurrence:
    """One place where a motif sounds.

    Attributes
    ----------
    start_ql, end_ql : Fraction
        Half-open span from the beginning of the score, in quarter lengths: from the start of
        its first note to the end of its last; of a passage of the whole texture, the passage.
    bar : int
        Index of the bar in which it starts, counted from 0: measure numbers can repeat.
    measure, beat, end_measure, end_beat
        The span as measure numbers and beats (counted from 1).
    element_ids : tuple of str
        Its notes (:attr:`NoteTable.element_id`); empty for bare frames.
    part : int or None
        Index of the part whose voice has it; None for the whole texture.
    transposition : int
        Semitones from the motif's first form to its first note.
    exact : bool
        Whether it has the first form's intervals on the staff and its rhythm; of the whole
        texture, its notes.
    distance : float
        How unlike the first form it is, 0 to 1.
    notes : tuple of (Fraction, int)
        Onset, in quarter lengths, and MIDI number of each note; empty for bare frames.
    """

    start_ql: Fraction
    end_ql: Fraction
    bar: int
    measure: int
    beat: Fraction
    end_measure: int
    end_beat: Fraction
    element_ids: tuple[str, ...]
    part: int | None = None
    transposition: int = 0
    exact: bool = True
    distance: float = 0.0
    notes: tuple[tuple[Fraction, int], ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        plain = {k: float(v) if isinstance(v, Fraction) else v for k, v in asdict(self).items()}
        return {**plain, 'distance': round(self.distance, 6),
                'element_ids': list(self.element_ids),
                'notes': [[float(onset), pitch] for onset, pitch in self.notes]}


@dataclass(frozen=True)
class Motif:
    """A repeated pattern.

    Attributes
    ----------
    label : str
        A, B, C, ... by salience; each side has labels of its own.
    occurrences : tuple of Occurrence
        In order; at least two.
    length_ql : Fraction
        Length of the first form, in quarter lengths.
    gain_notes : int
        Notes that the repetitions explain: mean notes times repetitions. Of bare frames,
        frames.
    side : str
        'improvisation' for a score that :func:`qbdi_m21.improvise` made, else 'query': where
        the motif is drawn when the two stand in one score.
    coverage : float
        Share of the piece's notes that lie in an occurrence, 0 to 1.
    compactness : float
        Share of the notes from its first to its last moment and from its lowest to its
        highest pitch that belong to it, as a mean over the occurrences, 0 to 1.
    compression : float
        Notes that it covers, divided by what tells them: the notes of one occurrence, and a
        place for each other one.
    salience : float
        Its value against that of the first motif, 0 to 1.
    p_value : float or None
        Share of versions with shuffled bars, the piece among them, that have a motif of at
        least its length in notes and its occurrences, if these were made.
    """

    label: str
    occurrences: tuple[Occurrence, ...]
    length_ql: Fraction
    gain_notes: int
    side: str = 'query'
    coverage: float = 0.0
    compactness: float = 0.0
    compression: float = 0.0
    salience: float = 1.0
    p_value: float | None = None

    @property
    def first_form(self) -> Occurrence:
        """The earliest occurrence of the form that the others are compared with."""
        return min(self.occurrences, key=lambda o: (o.distance, o.start_ql))

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {'label': self.label, 'side': self.side, 'length_ql': float(self.length_ql),
                'gain_notes': self.gain_notes, 'coverage': round(self.coverage, 6),
                'compactness': round(self.compactness, 6),
                'compression': round(self.compression, 6), 'salience': round(self.salience, 6),
                'p_value': None if self.p_value is None else round(self.p_value, 6),
                'occurrences': [o.to_json() for o in self.occurrences]}
