"""Improvising on a query: a stream in, a score out."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from music21 import layout, stream

from qbdi_m21.errors import SilenceWarning, SourceWarning, warn
from qbdi_m21.frames.encode import to_frames
from qbdi_m21.frames.measures import as_score
from qbdi_m21.frames.notes import extract_notes
from qbdi_m21.frames.roll import Frames
from qbdi_m21.frames.table import NoteTable
from qbdi_m21.improvisation.decoding import Decoding
from qbdi_m21.improvisation.rates import RateLike
from qbdi_m21.improvisation.recipe import Recipe, attach, make_recipe
from qbdi_m21.improvisation.regions import plan_layers, section_field
from qbdi_m21.improvisation.settings import Regions, Settings
from qbdi_m21.improvisation.transmission import (
    Transmission,
    encode_frames,
    transmit_encoding,
)
from qbdi_m21.model.inference import LatentModel
from qbdi_m21.model.store import load_model
from qbdi_m21.notation.engrave import improvisation_title, to_score

ModelLike = LatentModel | str | os.PathLike[str]

NAME = 'Improvisation'


def improvise(score: stream.Stream, model: ModelLike = 'chorales', *,
              rate: RateLike | Sequence[RateLike] = 256,
              regions: Regions | None = None,
              channel: str = 'prior-preserving', variance: str | None = None,
              allocation: str = 'whole', seed: int = 0, decoding: str | Decoding | None = None,
              threshold: float | str | None = None) -> stream.Score:
    """Return an improvisation on a score in the style that a model has learned.

    Parameters
    ----------
    score : music21 Stream
        The query: a Score, a Part, measures of one (``score.measures(5, 8)``) or any other
        stream with notes; not changed.
    model : LatentModel, str or path
        A model, a shipped model's name, or a model file.
    rate : int, float, 'full', 'half', or a sequence of these
        Bits that pass the channel for each bar (for each window, where a long bar takes
        several): with the default channel an upper limit, in the mean, on what survives of the
        query. A number between 0 and 1 is a
        share of the bits that arrive at full rate, 'half' is .5. A sequence gives a rate for
        each bar.
    regions : mapping of str to rate, or pairs of these, optional
        Other rates for measures (``'9-16'``), for sections by their rehearsal marks (``'B'``,
        ``'mark:12'``), or for parts (``'part:Viola'``, ``'part:3'``); later ones win. Parts with
        rates of their own are improvised on by themselves and have staves of their own.
    channel : {'prior-preserving', 'paper', 'notebook'}
        What takes the place of what is not told: a draw from the prior; the mean, with the
        least squared error (the paper's eqs 6-8); or the same as the notebooks of the paper's
        author have it, for comparison.
    variance : {'corpus', 'query', 'sample', 'posterior'}, optional
        By which bits are allocated: the variance of the posterior means over the training
        corpus (the default), or over the query; that of the encoder values of the query, which
        holds the sampling noise too; or the mean posterior variance of the query (the default
        of 'notebook'). The channel's mean and variance are those of the same source.
    allocation : {'whole', 'continuous', 'dynamic'}
        Whole bits one at a time, as in the paper; the closed form, with parts of bits; or
        whole bits over all bars at once, so that bars that say more get more, at the same mean.
    seed : int
        Of the latent sample, the channel's noise and cells that are drawn.
    decoding : Decoding or {'threshold', 'density', 'sample'}, optional
        How probabilities become notes: all of it, or the rule alone
        (:class:`qbdi_m21.Decoding`); the model's own by default.
    threshold : float, 'paper' or 'calibrated', optional
        Cells decoded with at least this probability sound; the model's by default. Asks for
        the rule 'threshold'.

    Returns
    -------
    music21.stream.Score
        A part on two staves, with the bars, meters and key signatures of the query, repeats
        not expanded. ``derivation.method`` is 'improvise', ``derivation.origin`` the query and
        ``derivation.recipe`` what makes it again, also in its metadata.

    Raises
    ------
    ParameterError
        If an option is out of range, rates do not match the bars, or a region is not there.
    EmptyScoreError
        If the query holds no pitched note.

    Warns
    -----
    RateWarning
        If the rate is above what the model can carry.

    Notes
    -----
    Source: Dubnov 2019, sections 2.1 and 3, figure 1: encoder, bit allocation by reverse
    water-filling (eq. 5), channel (eqs 6-8, or the prior-preserving one of docs/theory.md),
    decoder.
    """
    settings = Settings.parse(
        rate=rate, regions=regions, channel=channel, variance=variance, allocation=allocation,
        seed=seed, decoding=decoding, threshold=threshold)
    served = serve(model)
    query = as_score(score)
    table = extract_notes(query)
    frames = to_frames(table, step=served.spec.step_ql, pitch_range=served.spec.pitch_range)
    sent = transmit_table(query, table, frames, served, settings)
    recipe = make_recipe('improvise', served, settings, model_name=name_of(model),
                         queries=(table,), **section_field(query, settings))
    return layers_to_score(sent, query, recipe, score)


def serve(model: ModelLike) -> LatentModel:
    """Return a model, loaded if it is a name or a path."""
    return model if isinstance(model, LatentModel) else load_model(model)


def name_of(model: ModelLike) -> str:
    """Return by which name a model can be loaded again; empty for an object."""
    return '' if isinstance(model, LatentModel) else str(model)


def transmit_table(query: stream.Score, table: NoteTable, frames: Frames, model: LatentModel,
                   settings: Settings) -> tuple[Transmission, ...]:
    """Send a query through encoder, channel and decoder, layer by layer.

    Parameters
    ----------
    query, table, frames
        The same music as a score, as notes, and as the model's frames.
    """
    sent: list[Transmission] = []
    for place, layer in enumerate(plan_layers(query, table, settings)):
        if layer.names:
            notes = table.select(np.isin(table.part, layer.parts))
            own = to_frames(notes, step=model.spec.step_ql, pitch_range=model.spec.pitch_range)
            if not own.sounding.any() and frames.sounding.any():
                warn(f'{", ".join(layer.names)} has no note within the model\'s pitch range, and '
                     'was left out', SourceWarning)
                continue
        else:
            own = frames
        sent.append(transmit_encoding(encode_frames(own, model), model, settings,
                                      rates=layer.rates, stream=place, parts=layer.names))
    tell_silence([one.frames for one in sent])
    return tuple(sent)


def tell_silence(pieces: Sequence[Frames]) -> None:
    """Warn where nothing sounds in any of the pieces."""
    if not any(piece.sounding.any() for piece in pieces):
        warn('the improvisation is silent: no cell was likely enough to be a note; give a higher '
             "rate, a lower threshold or decoding='density', or the channel 'prior-preserving'",
             SilenceWarning)


def merge_frames(pieces: Sequence[Frames]) -> Frames:
    """Return pieces on one grid as one: a cell sounds where it does in any of them."""
    first = pieces[0]
    return replace(first, sounding=np.logical_or.reduce([p.sounding for p in pieces]),
                   onset=np.logical_or.reduce([p.onset for p in pieces]))


def layers_to_score(sent: tuple[Transmission, ...], query: stream.Score, recipe: Recipe,
                    origin: stream.Stream | None = None) -> stream.Score:
    """Return decoded layers as a score that is derived from its query, a part for each."""
    result = stream.Score()
    for place, layer in enumerate(sent):
        name = f'{NAME} ({", ".join(layer.parts)})' if layer.parts else NAME
        made = to_score(layer.frames, template=query, name=name)
        if not place:
            result = made
            continue
        for part in made.parts:
            part.id = f'{part.id}-{place + 1}'
            result.insert(0, part)
        for group in made.getElementsByClass(layout.StaffGroup):
            result.insert(0, group)
    result.metadata.title = improvisation_title(query)
    attach(result, recipe, query if origin is None else origin, sent)
    return result
