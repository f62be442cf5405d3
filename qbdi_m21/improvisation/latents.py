"""Other ways to a score through a model's latents: sample, interpolate, encode, decode."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt
from music21 import stream

from qbdi_m21.errors import FramesError, ParameterError, SourceWarning, warn
from qbdi_m21.frames.encode import to_frames
from qbdi_m21.frames.grid import Bar, Grid
from qbdi_m21.frames.measures import as_score
from qbdi_m21.frames.notes import extract_notes
from qbdi_m21.frames.roll import Frames
from qbdi_m21.frames.windows import layout_windows, windows_to_frames
from qbdi_m21.improvisation.decoding import Decoding
from qbdi_m21.improvisation.operations import (
    ModelLike,
    layers_to_score,
    name_of,
    serve,
    tell_silence,
)
from qbdi_m21.improvisation.rates import RateLike
from qbdi_m21.improvisation.recipe import attach, make_recipe
from qbdi_m21.improvisation.settings import Settings, check_bars
from qbdi_m21.improvisation.transmission import Encoding, encode_frames, transmit_encoding
from qbdi_m21.model.inference import LatentModel
from qbdi_m21.notation.engrave import plain_title, to_score


def sample(model: ModelLike = 'chorales', bars: int = 16, *, seed: int = 0, meter: str = '4/4',
           decoding: str | Decoding | None = None,
           threshold: float | str | None = None) -> stream.Score:
    """Return bars of a model's style that answer no query: draws from the prior.

    Parameters
    ----------
    model : LatentModel, str or path
    bars : int
        How many, > 0.
    seed : int
        Of the draws.
    meter : str
        Of all bars, as ``'3/4'``. Models know 4/4 bars; others are cut or repeated
        (docs/theory.md).
    decoding, threshold
        As of :func:`improvise`. A threshold cannot be 'calibrated': there is no query.

    Returns
    -------
    music21.stream.Score
        One part on two staves, ``derivation.method`` 'sample'. Bars do not know of each other.

    Raises
    ------
    ParameterError
        If an option is out of range.

    Notes
    -----
    Source: Dubnov 2019, section 3: "generating by random sampling of latent states". The same
    as an improvisation at rate 0 through the prior-preserving channel.
    """
    served = serve(model)
    settings = Settings.parse(rate=0, seed=seed, decoding=decoding, threshold=threshold)
    grid = _plain_grid(bars, meter, served)
    count = len(layout_windows(grid, served.spec.window_frames))
    rng = np.random.default_rng(settings.seed)
    frames = _decode(rng.standard_normal((count, served.num_latents)), served, grid, settings, rng)
    result = to_score(frames, name='Sample')
    recipe = make_recipe('sample', served, settings, model_name=name_of(model), bars=int(bars),
                         meter=meter)
    result.metadata.title = f'Sample of {served.card.get("name") or name_of(model) or "a model"}'
    attach(result, recipe, None)
    return result


def interpolate(first: stream.Stream, second: stream.Stream, model: ModelLike = 'chorales', *,
                weight: float | Sequence[float] = 0.5,
                rate: RateLike | Sequence[RateLike] = 'full', channel: str = 'prior-preserving',
                variance: str | None = None, allocation: str = 'whole', seed: int = 0,
                decoding: str | Decoding | None = None,
                threshold: float | str | None = None) -> stream.Score:
    """Return an improvisation between two queries, bar by bar.

    Parameters
    ----------
    first, second : music21 Stream
        The queries. The result has the bars of the first, which meet those of the second one
        by one; a shorter second one begins again.
    model : LatentModel, str or path
    weight : float, or sequence of two or more floats
        Of the second query, 0 to 1; a sequence is gone through from the first bar to the last,
        so that ``(0, 1)`` leads from one query to the other.
    rate, channel, variance, allocation, seed, decoding, threshold
        As of :func:`improvise`; the rate is that of the interpolated latents.

    Returns
    -------
    music21.stream.Score
        ``derivation.method`` is 'interpolate' and ``derivation.origin`` the first query.

    Notes
    -----
    Encoder values of both are drawn with the same noise and joined along the arc between them
    (spherical interpolation, White 2016): on a straight line they would come too near the mean,
    which the decoder does not know. A query with itself gives its improvisation at the same
    rate and seed.
    """
    settings = Settings.parse(rate=rate, channel=channel, variance=variance,
                              allocation=allocation, seed=seed, decoding=decoding,
                              threshold=threshold)
    served = serve(model)
    query, other = as_score(first), as_score(second)
    tables = extract_notes(query), extract_notes(other)
    one, two = (encode_frames(to_frames(table, step=served.spec.step_ql,
                                        pitch_range=served.spec.pitch_range), served)
                for table in tables)
    rows = _opposite(one, two)
    weights = _spread_weights(weight, len(one.mean))
    noise = np.random.default_rng(settings.seed).standard_normal(one.mean.shape)
    deviations = np.sqrt(one.variance), np.sqrt(two.variance[rows])
    left, right = _arc(one.mean + deviations[0] * noise, two.mean[rows] + deviations[1] * noise,
                       weights)
    # both have the same noise, so their deviations add
    between = replace(one, mean=left * one.mean + right * two.mean[rows],
                      variance=(left * deviations[0] + right * deviations[1]) ** 2)
    sent = between.mean + (left * deviations[0] + right * deviations[1]) * noise
    moved = transmit_encoding(between, served, settings, sent=sent)
    recipe = make_recipe('interpolate', served, settings, model_name=name_of(model),
                         queries=tables, weight=np.atleast_1d(weight).astype(float).tolist())
    tell_silence([moved.frames])
    result = layers_to_score((moved,), query, recipe, first)
    titles = [plain_title(score) or 'a query' for score in (query, other)]
    result.metadata.title = f'Between {titles[0]} and {titles[1]}'
    return result


def encode(score: stream.Stream, model: ModelLike = 'chorales') -> Encoding:
    """Return a score as a model hears it: a posterior for each bar.

    Parameters
    ----------
    score : music21 Stream
        Not changed.
    model : LatentModel, str or path

    Returns
    -------
    Encoding
        `mean` and `variance`, shape (N, Z), and the bars that :func:`decode` needs.
    """
    served = serve(model)
    return encode_frames(to_frames(extract_notes(as_score(score)), step=served.spec.step_ql,
                                   pitch_range=served.spec.pitch_range), served)


def decode(latents: npt.ArrayLike, model: ModelLike = 'chorales', *,
           template: stream.Stream | None = None, seed: int = 0,
           decoding: str | Decoding | None = None,
           threshold: float | str | None = None) -> stream.Score:
    """Return the score that latents are decoded to.

    Parameters
    ----------
    latents : array_like, shape (N, Z)
        One row a window; finite.
    model : LatentModel, str or path
    template : music21 Stream, optional
        Whose bars, meters and keys the result has: it must have N windows. By default N bars
        as long as a window: of 4/4, with the shipped models.
    seed : int
        Of cells that are drawn.
    decoding, threshold
        As of :func:`sample`.

    Returns
    -------
    music21.stream.Score
        ``derivation.method`` is 'decode'.

    Raises
    ------
    FramesError
        If the latents have the wrong size or are not finite.
    """
    served = serve(model)
    settings = Settings.parse(seed=seed, decoding=decoding, threshold=threshold)
    try:
        values = np.asarray(latents, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise FramesError(f'latents are no array of numbers ({error})') from error
    if values.ndim != 2 or values.shape[1:] != (served.num_latents,) or not len(values):
        raise FramesError(f'latents have shape {values.shape}; this model takes '
                          f'(N, {served.num_latents}), N > 0')
    if not np.isfinite(values).all():
        raise FramesError('latents hold NaN or infinity; expected finite numbers')
    query = None if template is None else as_score(template)
    if query is None:
        whole = served.spec.window_frames * served.spec.step_ql / 4
        under = max(whole.denominator, 4)
        grid = _plain_grid(len(values), f'{whole * under}/{under}', served)
    else:
        grid = Grid(extract_notes(query, allow_empty=True).bars, served.spec.step_ql)
    wanted = len(layout_windows(grid, served.spec.window_frames))
    if wanted != len(values):
        raise FramesError(f'{len(values)} latents were given for {wanted} windows of the '
                          f'{"template" if query is not None else "bars"}; expected one each')
    frames = _decode(values, served, grid, settings, np.random.default_rng(settings.seed))
    result = to_score(frames, template=query, name='Decoded')
    result.derivation.origin, result.derivation.method = template, 'decode'
    return result


def _decode(latents: npt.NDArray[np.float64], model: LatentModel, grid: Grid,
            settings: Settings, rng: np.random.Generator) -> Frames:
    """Return the frames of latents that no query stands behind."""
    if settings.decoding.threshold == 'calibrated':
        raise ParameterError("threshold is 'calibrated', but there is no query to be calibrated "
                             'on; give a probability')
    rule, limit = settings.decoding.resolve(
        model, np.zeros((0, model.spec.window_frames, 2 * model.spec.num_pitches), np.bool_))
    cells, _ = model.decode(latents, rule=rule, threshold=limit, rng=rng)
    frames = settings.decoding.shape(windows_to_frames(
        cells, layout_windows(grid, model.spec.window_frames), grid, model.spec.pitch_low))
    tell_silence([frames])
    return frames


def _plain_grid(bars: Any, meter: str, model: LatentModel) -> Grid:
    """Return bars of one meter."""
    count = check_bars(bars)
    try:
        over, under = (int(number) for number in str(meter).split('/'))
        length = Fraction(4 * over, under)
    except (ValueError, ZeroDivisionError):
        over, under, length = 0, 0, Fraction(0)
    if not 0 < length <= 64 or under not in (1, 2, 4, 8, 16, 32):
        raise ParameterError(f"meter is {meter!r}; expected one such as '4/4' or '6/8'")
    beat = Fraction(4, under) * (3 if under >= 8 and over % 3 == 0 and over > 3 else 1)
    return Grid(tuple(Bar(k + 1, k * length, length, f'{over}/{under}', beat)
                      for k in range(count)), model.spec.step_ql)


def _opposite(one: Encoding, two: Encoding) -> npt.NDArray[np.int64]:
    """Return, for each window of the first query, the window of the second that it meets.

    Bar meets bar, and the windows of a long bar those of the other, the last of which stays.
    """
    bars = len(two.grid.bars)
    if bars != len(one.grid.bars):
        warn(f'the second query has {bars} bars and the first {len(one.grid.bars)}: '
             + ('it begins again' if bars < len(one.grid.bars) else 'the others are left out'),
             SourceWarning)
    first, count = (np.unique(two.bars, return_index=True)[1], np.bincount(two.bars))
    mine = one.bars
    inside = np.arange(len(mine)) - np.unique(mine, return_index=True)[1][mine]
    theirs = mine % bars
    return np.asarray(first[theirs] + np.minimum(inside, count[theirs] - 1))


def _spread_weights(weight: float | Sequence[float],
                    count: int) -> npt.NDArray[np.float64]:
    """Return one weight for each window, from the first of those given to the last."""
    try:
        given = np.atleast_1d(np.asarray(weight, dtype=np.float64))
    except (TypeError, ValueError):
        given = np.zeros(0)
    if given.ndim != 1 or not len(given) or not np.all((given >= 0) & (given <= 1)):
        raise ParameterError(f'weight is {weight!r}; expected numbers from 0 to 1')
    return np.interp(np.linspace(0, len(given) - 1, count), np.arange(len(given)), given)


def _arc(one: npt.NDArray[np.float64], two: npt.NDArray[np.float64],
         weight: npt.NDArray[np.float64]) -> tuple[npt.NDArray[np.float64],
                                                   npt.NDArray[np.float64]]:
    """Return the shares of both ends at a weight along the arc between rows, (N, 1) each."""
    lengths = np.linalg.norm(one, axis=1) * np.linalg.norm(two, axis=1)
    cosine = (one * two).sum(axis=1) / np.where(lengths > 0, lengths, 1.0)
    angle = np.arccos(np.clip(cosine, -1.0, 1.0))
    sine = np.sin(angle)
    # rows that point the same way, or opposite ways, have no arc of their own
    straight = sine < 1e-6
    safe = np.where(straight, 1.0, sine)
    left = np.where(straight, 1.0 - weight, np.sin((1.0 - weight) * angle) / safe)
    right = np.where(straight, weight, np.sin(weight * angle) / safe)
    return left[:, None], right[:, None]
