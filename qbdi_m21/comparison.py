"""The main job: a query, its improvisation, and what the analyses find in and between them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from music21 import stream

from qbdi_m21.analysis.collisions import Collision, find_collisions
from qbdi_m21.analysis.information_rate import InformationRate, information_rate
from qbdi_m21.analysis.motifs.find import find_motifs
from qbdi_m21.analysis.motifs.result import Motif
from qbdi_m21.frames.encode import Music, to_frames
from qbdi_m21.frames.grid import Grid
from qbdi_m21.frames.measures import as_score, measured_parts
from qbdi_m21.frames.notes import extract_notes
from qbdi_m21.improvisation.operations import (
    ModelLike,
    layers_to_score,
    merge_frames,
    name_of,
    serve,
    transmit_table,
)
from qbdi_m21.improvisation.rates import rate_name
from qbdi_m21.improvisation.recipe import make_recipe, write_field
from qbdi_m21.improvisation.regions import section_field
from qbdi_m21.improvisation.settings import Settings
from qbdi_m21.improvisation.transmission import Transmission
from qbdi_m21.notation.align import IMPROVISATION, QUERY, align
from qbdi_m21.notation.annotate import draw_marks
from qbdi_m21.notation.marks import Mark, marks_of, rate_mark

Progress = Callable[[str, float], None]

SIDES = (QUERY, IMPROVISATION)

#: Motifs of each side that are drawn: more than five hide the notes.
MOST_MOTIFS = 5

#: What the stages of :func:`compare` are called, in order.
STAGES = ('load the model', 'read the query', 'improvise', 'analyse the query',
          'analyse the improvisation', 'compare')


@dataclass(frozen=True)
class Comparison:
    """A query, its improvisation, and findings; the dictionaries are keyed by side.

    Attributes
    ----------
    query, improvisation : music21.stream.Score
    transmissions : tuple of Transmission
        What the channel did; several where parts had rates of their own.
    grid : Grid
        The bars.
    num_notes : dict of str to int
        Notes of each side.
    information_rate : dict of str to InformationRate
    motifs : dict of str to tuple of Motif
    collisions : tuple of Collision
        Collisions and meetings.
    recipe : dict
        What makes the same improvisation again: model, rates, channel, seed, decoding, version.
    """

    query: stream.Score
    improvisation: stream.Score
    transmissions: tuple[Transmission, ...]
    grid: Grid
    num_notes: dict[str, int]
    information_rate: dict[str, InformationRate]
    motifs: dict[str, tuple[Motif, ...]]
    collisions: tuple[Collision, ...]
    recipe: dict[str, Any]

    def annotated(self, *, rates: bool = False, findings: bool = True) -> stream.Score:
        """Return one score: improvisation above, query below, findings drawn.

        Parameters
        ----------
        findings : bool
            Draw motifs, collisions and meetings.
        rates : bool
            Print below each bar of the improvisation which rate it had, and how many bits arrived.
        """
        score = align(self.query, self.improvisation)
        drawn: list[Motif | Collision | Mark] = []
        if findings:
            drawn += [*self.motifs[QUERY], *self.motifs[IMPROVISATION], *self.collisions]
        if rates:
            drawn += rate_marks(self.transmissions)
        draw_marks(score, marks_of(drawn))
        write_field(score, self.recipe)
        return score

    def to_json(self) -> dict[str, Any]:
        """Return everything but the scores as plain values."""
        return {
            'recipe': self.recipe,
            'bars': [bar.to_json() for bar in self.grid.bars],
            'num_notes': self.num_notes,
            'parts': {QUERY: [p.partName for p in measured_parts(self.query)],
                      IMPROVISATION: [p.partName for p in self.improvisation.parts]},
            'channel': [sent.to_json() for sent in self.transmissions],
            'information_rate': {s: r.to_json() for s, r in self.information_rate.items()},
            'motifs': {s: [m.to_json() for m in found] for s, found in self.motifs.items()},
            'collisions': [hit.to_json() for hit in self.collisions],
        }


def rate_marks(transmissions: tuple[Transmission, ...]) -> tuple[Mark, ...]:
    """Return marks that show each bar's rate, to draw with :func:`qbdi_m21.annotate`.

    Parameters
    ----------
    transmissions : tuple of Transmission
        ``score.derivation.transmissions`` of an improvisation.
    """
    marks = []
    for place, sent in enumerate(transmissions):
        # a rate is of a window, and a long bar has several
        arrived = np.bincount(sent.encoding.bars, sent.delivered_bits) / np.bincount(
            sent.encoding.bars)
        for bar, rate, bits in zip(sent.encoding.grid.bars, sent.rates, arrived, strict=True):
            # each layer stands on two staves
            marks.append(rate_mark(bar.start_ql, bar.end_ql, rate_name(rate), float(bits),
                                   staff=2 * place))
    return tuple(marks)


def compare(score: stream.Stream, model: ModelLike = 'chorales', *,
            progress: Progress | None = None, **options: Any) -> Comparison:
    """Improvise on a score and analyse query and improvisation.

    Parameters
    ----------
    score : music21 Stream
        The query; not changed.
    model : LatentModel, str or path
    progress : callable, optional
        Called with the name of the stage and how many of `STAGES` are done, parts of one
        included.
    **options
        Those of :func:`qbdi_m21.improvise`: rate, regions, channel, seed and the others.

    Returns
    -------
    Comparison

    Notes
    -----
    Source: Dubnov 2019, section 3.
    """
    def stage(index: int, done: float = 0.0) -> None:
        if progress is not None:
            progress(STAGES[index], index + done)

    settings = Settings.parse(**options)
    stage(0)
    served = serve(model)
    stage(1)
    query = as_score(score)
    table = extract_notes(query)
    whole = to_frames(table, step=served.spec.step_ql, pitch_range=served.spec.pitch_range)
    stage(2)
    sent = transmit_table(query, table, whole, served, settings)
    recipe = make_recipe('improvise', served, settings, model_name=name_of(model),
                         queries=(table,), **section_field(query, settings))
    improvisation = layers_to_score(sent, query, recipe, score)
    made = extract_notes(improvisation, allow_empty=True)
    frames = merge_frames([one.frames for one in sent])
    music = {QUERY: Music(whole, table), IMPROVISATION: Music(frames, made, IMPROVISATION)}
    rates, motifs = {}, {}
    for index, side in enumerate(SIDES):

        def search(done: int, total: int, index: int = index) -> None:
            stage(3 + index, done / total)

        rates[side] = information_rate(music[side], progress=search)
        motifs[side] = find_motifs(music[side], level='themes', max_motifs=MOST_MOTIFS,
                                   threshold=rates[side].selected)
    stage(5)
    collisions = find_collisions(music[QUERY], music[IMPROVISATION])
    num_notes = {QUERY: len(table), IMPROVISATION: len(made)}
    return Comparison(query, improvisation, sent, whole.grid, num_notes, rates, motifs,
                      collisions, recipe)
