"""The main job: a query, its improvisation, and what the analyses find in and between them."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from music21 import stream

import qbdi_m21
from qbdi_m21.analysis.collisions import Collision, find_collisions
from qbdi_m21.analysis.information_rate import InformationRate, information_rate
from qbdi_m21.analysis.motifs import Motif, find_motifs
from qbdi_m21.errors import SilenceWarning, warn
from qbdi_m21.frames.encode import Music, to_frames
from qbdi_m21.frames.measures import as_score, measured_parts
from qbdi_m21.frames.notes import extract_notes
from qbdi_m21.improvisation import (
    Rate,
    Transmission,
    choose_decoding,
    frames_to_improvisation,
    transmit_frames,
)
from qbdi_m21.model.inference import LatentModel
from qbdi_m21.model.store import load_model
from qbdi_m21.notation.align import IMPROVISATION, QUERY, align
from qbdi_m21.notation.annotate import draw_marks
from qbdi_m21.notation.marks import marks_of

Progress = Callable[[str, float], None]

SIDES = (QUERY, IMPROVISATION)

#: What the stages of :func:`compare` are called, in order.
STAGES = ('load the model', 'read the query', 'improvise', 'analyse the query',
          'analyse the improvisation', 'compare')


@dataclass(frozen=True)
class Comparison:
    """A query, its improvisation, and findings; the dictionaries are keyed by side.

    Attributes
    ----------
    query, improvisation : music21.stream.Score
    transmission : Transmission
        What the channel did.
    num_notes : dict of str to int
        Notes of each side.
    information_rate : dict of str to InformationRate
    motifs : dict of str to tuple of Motif
    collisions : tuple of Collision
        Collisions and meetings.
    recipe : dict
        What makes the same improvisation again: model, rate, seed, decoding, version.
    """

    query: stream.Score
    improvisation: stream.Score
    transmission: Transmission
    num_notes: dict[str, int]
    information_rate: dict[str, InformationRate]
    motifs: dict[str, tuple[Motif, ...]]
    collisions: tuple[Collision, ...]
    recipe: dict[str, Any]

    def annotated(self) -> stream.Score:
        """Return one score: improvisation above, query below, findings drawn."""
        score = align(self.query, self.improvisation)
        findings: list[Motif | Collision] = [
            *self.motifs[QUERY], *self.motifs[IMPROVISATION], *self.collisions]
        draw_marks(score, marks_of(findings))
        score.metadata.addCustom('qbdi_m21', json.dumps(self.recipe, sort_keys=True))
        return score

    def to_json(self) -> dict[str, Any]:
        """Return everything but the scores as plain values."""
        bars = self.transmission.frames.grid.bars
        bits = self.transmission.bits
        return {
            'recipe': self.recipe,
            'bars': [bar.to_json() for bar in bars],
            'num_notes': self.num_notes,
            'parts': {QUERY: [p.partName for p in measured_parts(self.query)],
                      IMPROVISATION: [p.partName for p in self.improvisation.parts]},
            'channel': {'rate_bits': self.transmission.rate,
                        'latents': len(bits),
                        'latents_with_bits': int((bits > 0).sum()),
                        'windows': len(self.transmission.sent)},
            'information_rate': {s: r.to_json() for s, r in self.information_rate.items()},
            'motifs': {s: [m.to_json() for m in found] for s, found in self.motifs.items()},
            'collisions': [hit.to_json() for hit in self.collisions],
        }


def compare(
    score: stream.Stream, model: LatentModel | str | os.PathLike[str] = 'chorales', *,
    rate: Rate = 256, seed: int = 0, decoding: str | None = None, threshold: float | None = None,
    progress: Progress | None = None,
) -> Comparison:
    """Improvise on a score and analyse query and improvisation.

    Parameters are those of :func:`qbdi_m21.improvise`; `progress` is called with the name of
    the stage and how many of `STAGES` are done, parts of one included.

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

    stage(0)
    served = model if isinstance(model, LatentModel) else load_model(model)
    stage(1)
    query = as_score(score)
    table = extract_notes(query)
    frames = to_frames(table, step=served.spec.step_ql, pitch_range=served.spec.pitch_range)
    stage(2)
    sent = transmit_frames(frames, served, rate=rate, seed=seed, decoding=decoding,
                           threshold=threshold)
    improvisation = frames_to_improvisation(sent.frames, query)
    made = extract_notes(improvisation, allow_empty=True)
    if not len(made):
        warn(f'the improvisation is silent at {rate} bits: the paper\'s channel pulls '
             'the latents to their mean; give a higher rate',
             SilenceWarning)
    music = {QUERY: Music(frames, table),
             IMPROVISATION: Music(sent.frames, made, IMPROVISATION)}
    rates, motifs = {}, {}
    for index, side in enumerate(SIDES):

        def search(done: int, total: int, index: int = index) -> None:
            stage(3 + index, done / total)

        rates[side] = information_rate(music[side], progress=search)
        motifs[side] = find_motifs(music[side], threshold=rates[side].selected)
    stage(5)
    collisions = find_collisions(music[QUERY], music[IMPROVISATION])
    rule, limit = choose_decoding(served, decoding, threshold)
    recipe = {
        'qbdi_m21': qbdi_m21.__version__,
        'model': served.card.get('name') or str(model),
        'model_weights_sha256': served.weights_sha256, 'rate': rate, 'seed': seed,
        'decoding': rule, 'threshold': limit,
    }
    num_notes = {QUERY: len(table), IMPROVISATION: len(made)}
    return Comparison(query, improvisation, sent, num_notes, rates, motifs, collisions, recipe)
