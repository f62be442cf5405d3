"""Stream operations: a query goes through a model and a channel and comes back as a score."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from music21 import stream

from qbdi_m21.channel.allocation import MAX_BITS, allocate_bits
from qbdi_m21.channel.gaussian import transmit
from qbdi_m21.errors import EmptyScoreError, ModelError, ParameterError
from qbdi_m21.frames.encode import to_frames
from qbdi_m21.frames.measures import as_score
from qbdi_m21.frames.roll import Frames
from qbdi_m21.frames.windows import (
    Window,
    frames_to_windows,
    layout_windows,
    windows_to_frames,
)
from qbdi_m21.model.decoding import check_decoding
from qbdi_m21.model.inference import LatentModel
from qbdi_m21.model.store import load_model
from qbdi_m21.notation.engrave import improvisation_title, to_score

Rate = int | Literal['full']


@dataclass(frozen=True)
class Transmission:
    """What the channel did to a query.

    Attributes
    ----------
    rate : int or 'full'
        Bits a window.
    bits : ndarray of float, shape (Z,)
        Bits of each latent; infinity at full rate.
    sent, received : ndarray of float, shape (N, Z)
        Latents before and after the channel.
    frames : Frames
        The decoded improvisation, on the query's bars.
    """

    rate: Rate
    bits: npt.NDArray[np.float64]
    sent: npt.NDArray[np.float64]
    received: npt.NDArray[np.float64]
    frames: Frames


def improvise(score: stream.Stream, model: LatentModel | str | os.PathLike[str] = 'chorales', *,
              rate: Rate = 256, seed: int = 0, decoding: str | None = None,
              threshold: float | None = None) -> stream.Score:
    """Return an improvisation on a score in the style that a model has learned.

    Parameters
    ----------
    score : music21 Stream
        The query; not changed.
    model : LatentModel, str or path
        A model, a shipped model's name, or a model file.
    rate : int or 'full'
        Bits that pass the channel for each bar (for each window, where a long bar takes
        several): an upper limit on what survives of the query.
    seed : int
        Of the latent sample and the channel's noise.
    decoding : {'threshold', 'density', 'sample'}, optional
        How probabilities become notes (:class:`qbdi_m21.model.decoding.CellChooser`); the
        model's own rule by default.
    threshold : float, optional
        Cells decoded with at least this probability sound; the model's by default. Asks for
        the rule 'threshold'.

    Returns
    -------
    music21.stream.Score
        One part on two staves, with the bars, meters and key signatures of the query, repeats
        not expanded;
        ``derivation.method`` is 'improvise' and ``derivation.origin`` the query.

    Raises
    ------
    ParameterError
        If the rate is negative or not a number.
    EmptyScoreError
        If the query holds no pitched note.

    Notes
    -----
    Source: Dubnov 2019, sections 2.1 and 3, figure 1: encoder, bit allocation by reverse
    water-filling (eq. 5), optimal channel (eqs 6-8), decoder.
    """
    served = model if isinstance(model, LatentModel) else load_model(model)
    frames = to_frames(score, step=served.spec.step_ql, pitch_range=served.spec.pitch_range)
    sent = transmit_frames(frames, served, rate=rate, seed=seed, decoding=decoding,
                           threshold=threshold)
    return frames_to_improvisation(sent.frames, score)


def frames_to_improvisation(frames: Frames, query: stream.Stream) -> stream.Score:
    """Return decoded frames as a score that is derived from its query."""
    template = as_score(query)
    result = to_score(frames, template=template, name='Improvisation')
    result.metadata.title = improvisation_title(template)
    result.derivation.origin = query
    result.derivation.method = 'improvise'
    return result


def transmit_frames(frames: Frames, model: LatentModel, *, rate: Rate = 256, seed: int = 0,
                    decoding: str | None = None, threshold: float | None = None) -> Transmission:
    """Send frames through encoder, channel and decoder.

    Parameters are those of :func:`improvise`; `frames` have the model's step and pitch range.

    Returns
    -------
    Transmission

    Notes
    -----
    What is sent is the encoder's sample z_e. Bits go by the variance of the posterior means
    over the training corpus, which is what the latents carry; mu_e and sigma_e^2 of eqs 6-8
    are mean and variance of z_e over that corpus. At full rate z_e arrives unaltered.
    """
    bits = allocate_rate(model, rate)
    if not isinstance(seed, int | np.integer) or seed < 0:
        raise ParameterError(f'seed is {seed!r}; expected a whole number >= 0')
    rule, limit = choose_decoding(model, decoding, threshold)
    if frames.grid.step_ql != model.spec.step_ql or (
            frames.pitch_low, frames.num_pitches) != (model.spec.pitch_low, model.spec.num_pitches):
        raise ModelError(
            f'the frames have a step of {frames.grid.step_ql} quarter and {frames.num_pitches} '
            f'pitches from MIDI {frames.pitch_low}; this model takes {model.spec}')
    if not frames.sounding.any():
        raise EmptyScoreError('no note of the query is within the model\'s pitch range and longer '
                              'than a grace note; expected at least one')
    layout: tuple[Window, ...] = layout_windows(frames.grid, model.spec.window_frames)
    windows = frames_to_windows(frames, layout, model.spec.window_frames)
    mean, variance = model.encode(windows)
    rng = np.random.default_rng(seed)
    sent = mean + np.sqrt(variance) * rng.standard_normal(mean.shape)
    received = transmit(sent, bits, mean=model.mean, rng=rng,
                        variance=model.variance + model.posterior_variance)
    decoded, _ = model.decode(received, rule=rule, threshold=limit, rng=rng)
    out = windows_to_frames(decoded, layout, frames.grid, model.spec.pitch_low)
    return Transmission(rate, bits, sent, received, out)


def choose_decoding(model: LatentModel, decoding: str | None,
                    threshold: float | None) -> tuple[str, float]:
    """Return rule and threshold: what is asked for, or else the model's own."""
    if threshold is not None and decoding not in (None, 'threshold'):
        raise ParameterError(f'a threshold of {threshold} is no part of decoding by {decoding!r}; '
                             "give one of them, or decoding='threshold'")
    rule = decoding or (model.decoding if threshold is None else 'threshold')
    limit = model.threshold if threshold is None else threshold
    check_decoding(rule, limit)
    return rule, limit


def allocate_rate(model: LatentModel, rate: Rate) -> npt.NDArray[np.float64]:
    """Return the bits of each latent at a rate, shape (Z,)."""
    if rate == 'full':
        return np.full(model.num_latents, np.inf)
    return allocate_bits(model.variance, check_rate(rate)).astype(np.float64)


def check_rate(rate: Any) -> int:
    """Return a rate as a whole number of bits, or raise ParameterError."""
    try:
        bits = float('nan') if isinstance(rate, bool) else float(rate)
    except (TypeError, ValueError, OverflowError):
        bits = float('nan')
    if not (0 <= bits <= MAX_BITS and bits % 1 == 0):
        raise ParameterError(f'rate is {rate!r}; expected a whole number of bits a bar, from 0 to '
                             f"{MAX_BITS}, or 'full'")
    return int(bits)
