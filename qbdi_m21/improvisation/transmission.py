"""Frames through encoder, channel and decoder: the arrays of an improvisation, no scores."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from qbdi_m21.channel.allocation import (
    allocate_bits,
    allocate_continuous,
    allocate_frames,
    bits_to_floor,
)
from qbdi_m21.channel.gaussian import GaussianChannel
from qbdi_m21.channel.source import Source, allocation_variance, make_channel
from qbdi_m21.errors import (
    EmptyScoreError,
    ModelError,
    ParameterError,
    RateWarning,
    warn,
)
from qbdi_m21.frames.grid import Grid
from qbdi_m21.frames.roll import Frames
from qbdi_m21.frames.windows import (
    Window,
    frames_to_windows,
    layout_windows,
    windows_to_frames,
)
from qbdi_m21.improvisation.rates import Rate, rate_name, spread_rates
from qbdi_m21.improvisation.settings import Settings
from qbdi_m21.model.bounds import Windows, encode_windows
from qbdi_m21.model.inference import LatentModel

FloatArray = npt.NDArray[np.float64]

#: A latent known to within this variance is as exact as float32 can tell numbers near 1.
FLOOR = 2.0 ** -48


@dataclass(frozen=True)
class Encoding:
    """A query as a model hears it.

    Attributes
    ----------
    mean, variance : ndarray of float, shape (N, Z)
        Of the posterior of each window.
    windows : ndarray of bool, shape (N, W, 2P)
        What was encoded.
    layout : tuple of Window
        Which frames of the grid each window holds.
    grid : Grid
        Bars of the query.
    """

    mean: FloatArray
    variance: FloatArray
    windows: Windows
    layout: tuple[Window, ...]
    grid: Grid

    def sample(self, rng: np.random.Generator) -> FloatArray:
        """Return one encoder value z_e a window, shape (N, Z)."""
        return np.asarray(
            self.mean + np.sqrt(self.variance) * rng.standard_normal(self.mean.shape))

    @property
    def bars(self) -> npt.NDArray[np.int64]:
        """Index of the bar of each window, shape (N,)."""
        return np.array([window.bar for window in self.layout], dtype=np.int64)


@dataclass(frozen=True)
class Transmission:
    """What the channel did to a query, or to some of its parts.

    Attributes
    ----------
    encoding : Encoding
    rates : tuple of rates
        As asked, one a bar.
    bits : ndarray of float, shape (N, Z)
        Bits of each latent of each window; infinity at full rate.
    nominal_bits : ndarray of float, shape (N,)
        Bits of each window: the sum of `bits`.
    delivered_bits, full_bits : ndarray of float, shape (N,)
        Bits about each window that arrive, and that would at full rate
        (:meth:`qbdi_m21.channel.gaussian.GaussianChannel.delivered_bits`).
    sent, received : ndarray of float, shape (N, Z)
        Latents before and after the channel.
    frames : Frames
        The decoded improvisation, on the query's bars.
    decoding : (str, float)
        Rule and threshold that were used.
    parts : tuple of str
        Names of the query's parts that were sent; empty where it was all of them together.
    """

    encoding: Encoding
    rates: tuple[Rate, ...]
    bits: FloatArray
    nominal_bits: FloatArray
    delivered_bits: FloatArray
    full_bits: FloatArray
    sent: FloatArray
    received: FloatArray
    frames: Frames
    decoding: tuple[str, float]
    parts: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return what was asked and what arrived, by window, as plain values."""
        bars = self.encoding.grid.bars
        rows = []
        for row, bar in enumerate(self.encoding.bars.tolist()):
            nominal = float(self.nominal_bits[row])
            rows.append({'bar': bar, 'measure': bars[bar].number, 'rate': self.rates[bar],
                         'nominal_bits': round(nominal, 6) if np.isfinite(nominal) else None,
                         'delivered_bits': round(float(self.delivered_bits[row]), 6),
                         'full_bits': round(float(self.full_bits[row]), 6)})
        rule, threshold = self.decoding
        return {'parts': list(self.parts), 'decoding': rule, 'threshold': threshold,
                'latents': self.bits.shape[1],
                'latents_with_bits': int((self.bits > 0).any(axis=0).sum()),
                'delivered_bits': round(float(self.delivered_bits.mean()), 6),
                'full_bits': round(float(self.full_bits.mean()), 6), 'windows': rows}


def encode_frames(frames: Frames, model: LatentModel) -> Encoding:
    """Return the posteriors of the windows of frames.

    Raises
    ------
    ModelError
        If the frames have another step or pitch range than the model.
    EmptyScoreError
        If no note sounds.
    """
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
    posterior = encode_windows(model, windows)
    return Encoding(posterior.mean, posterior.variance, windows, layout, frames.grid)


def transmit_frames(frames: Frames, model: LatentModel, **options: Any) -> Transmission:
    """Send frames through encoder, channel and decoder.

    Parameters
    ----------
    frames : Frames
        Of the model's step and pitch range.
    model : LatentModel
    **options
        Those of :func:`qbdi_m21.improvise`, without `regions`, which are places of a score.

    Returns
    -------
    Transmission
    """
    return transmit_encoding(encode_frames(frames, model), model, Settings.parse(**options))


def transmit_encoding(encoding: Encoding, model: LatentModel, settings: Settings, *,
                      rates: tuple[Rate, ...] | None = None, stream: int = 0,
                      parts: tuple[str, ...] = (), sent: FloatArray | None = None,
                      ) -> Transmission:
    """Send an encoded query through channel and decoder.

    Parameters
    ----------
    encoding : Encoding
    model : LatentModel
    settings : Settings
    rates : tuple of rates, optional
        One a bar, where they differ from those of the settings.
    stream : int
        Counts what is sent with the same seed: each has noise of its own.
    parts : tuple of str
        For the result.
    sent : ndarray, shape (N, Z), optional
        Encoder values; a sample of the posteriors by default.

    Notes
    -----
    What is sent is the encoder's sample z_e. At full rate it arrives unaltered.
    """
    rng = np.random.default_rng([settings.seed, stream] if stream else settings.seed)
    asked = rates or spread_rates(settings.rate, len(encoding.grid.bars))
    rule, limit = settings.decoding.resolve(model, encoding.windows)
    drawn = encoding.sample(rng)      # also where values are given: the noise stays the same
    sent = drawn if sent is None else sent
    source = choose_source(encoding, model, settings, sent)
    variance = allocation_variance(source, settings.variance)
    if settings.channel == 'prior-preserving':
        source = covering(source, encoding)
    bits = allocate_windows(encoding, asked, variance, source, settings)
    channel = make_channel(settings.channel, bits, source)
    received = channel.transmit(sent, rng)
    decoded, _ = model.decode(received, rule=rule, threshold=limit, rng=rng)
    frames = settings.decoding.shape(windows_to_frames(
        decoded, encoding.layout, encoding.grid, model.spec.pitch_low))
    full = make_channel(settings.channel, np.full(bits.shape, np.inf), source)
    return Transmission(encoding, asked, bits, bits.sum(axis=1),
                        _delivered(channel, encoding, source), _delivered(full, encoding, source),
                        sent, received, frames, (rule, limit), parts)


def choose_source(encoding: Encoding, model: LatentModel, settings: Settings,
                  sent: FloatArray) -> Source:
    """Return the statistics that the channel is designed for."""
    if settings.variance == 'corpus':
        return Source(*(np.asarray(values, np.float64) for values in (
            model.mean, model.variance, model.posterior_variance)))
    if settings.variance == 'sample':
        return Source.of_values(sent)
    return Source.of_posteriors(encoding.mean, encoding.variance)


def covering(source: Source, encoding: Encoding) -> Source:
    """Return a source whose variance is nowhere less than the query's own about its mean.

    A query in another style can lie farther out than the corpus. Through a channel that is
    designed for the corpus alone, more bits of it than its rate would arrive. All windows are
    looked at, whatever their rates, so that no bar's rate changes another bar.
    """
    power = ((encoding.mean - source.mean) ** 2 + encoding.variance).mean(axis=0)
    return replace(source, posterior_variance=np.maximum(
        source.posterior_variance, power - source.variance))


def rows_of_rates(encoding: Encoding,
                  rates: tuple[Rate, ...]) -> dict[Rate, npt.NDArray[np.int64]]:
    """Return the windows of each rate that is asked for."""
    asked = [rates[bar] for bar in encoding.bars.tolist()]
    return {rate: np.flatnonzero([one == rate for one in asked]) for rate in dict.fromkeys(asked)}


def allocate_windows(encoding: Encoding, rates: tuple[Rate, ...], variance: FloatArray,
                     source: Source, settings: Settings) -> FloatArray:
    """Return the bits of each latent of each window, shape (N, Z).

    Windows of one rate share an allocation by `variance`, shape (Z,); a share is one of what full
    rate delivers of them.

    Warns
    -----
    RateWarning
        If a rate is above what the latents can carry, so that bits were left over.
    """
    bits = np.zeros(encoding.mean.shape)
    for rate, rows in rows_of_rates(encoding, rates).items():
        if rate == 'full':
            bits[rows] = np.inf
            continue
        if rate and not variance.any():
            raise ParameterError(
                f'the {settings.variance} variance of every latent is 0, so no bit can be '
                "allocated (a query of one bar?); take variance='corpus'")
        whole = (_bits_of_share(float(rate), encoding, rows, variance, source, settings)
                 if isinstance(rate, float) else int(rate))
        bits[rows] = _allocate(whole, encoding, rows, variance, source, settings)
        _tell_unspent(whole, float(bits[rows].sum(axis=1).mean()))
    return bits


def _allocate(total: int, encoding: Encoding, rows: npt.NDArray[np.int64], variance: FloatArray,
              source: Source, settings: Settings) -> FloatArray:
    if settings.allocation == 'dynamic':
        away = ((encoding.mean[rows] - source.mean) ** 2).sum(axis=1)
        loudness = away / source.variance.sum() if source.variance.any() else np.ones(len(rows))
        return np.asarray(allocate_frames(loudness[:, None] * variance, total, floor=FLOOR),
                          dtype=np.float64)
    allocate = allocate_continuous if settings.allocation == 'continuous' else allocate_bits
    return np.asarray(allocate(variance, total, floor=FLOOR), dtype=np.float64)


def _bits_of_share(share: float, encoding: Encoding, rows: npt.NDArray[np.int64],
                   variance: FloatArray, source: Source, settings: Settings) -> int:
    """Return the whole bits at which what arrives is nearest to a share of what can.

    More bits never deliver less, so halving finds them.
    """
    def delivered(bits: FloatArray) -> float:
        channel = make_channel(settings.channel, np.broadcast_to(
            bits, (len(rows), len(variance))), source)
        part = Encoding(encoding.mean[rows], encoding.variance[rows], encoding.windows,
                        encoding.layout, encoding.grid)
        return float(_delivered(channel, part, source).mean())

    def at(total: int) -> float:
        return delivered(_allocate(total, encoding, rows, variance, source, settings))

    goal = share * delivered(np.full(len(variance), np.inf))
    low, high = 0, int(bits_to_floor(variance, FLOOR).sum())
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if at(middle) < goal else (low, middle)
    return high if at(high) - goal <= goal - at(low) else low


def _delivered(channel: GaussianChannel, encoding: Encoding, source: Source) -> FloatArray:
    by_latent = channel.delivered_bits(encoding.mean, encoding.variance, source_mean=source.mean,
                                       source_variance=source.total)
    return np.asarray(by_latent.sum(axis=1))


def _tell_unspent(asked: int, spent: float) -> None:
    if spent < asked - 0.5:
        warn(f'a rate of {rate_name(asked)} is above what the model can carry: {spent:.0f} bits '
             'tell its latents as exactly as its numbers are, and the others were not spent',
             RateWarning)
