"""Dynamics of latents: their information rate, and what they tell of the next bar's."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt
from music21 import stream

from qbdi_m21.analysis.information_rate import InformationRate, information_rate
from qbdi_m21.errors import FramesError, ParameterError
from qbdi_m21.frames.encode import to_frames
from qbdi_m21.frames.grid import Grid
from qbdi_m21.frames.measures import as_score
from qbdi_m21.frames.table import NoteTable
from qbdi_m21.improvisation.operations import ModelLike, serve
from qbdi_m21.improvisation.rates import RateLike
from qbdi_m21.improvisation.settings import Settings
from qbdi_m21.improvisation.transmission import encode_frames, transmit_encoding
from qbdi_m21.model.bounds import Windows, encode_windows
from qbdi_m21.model.future import future_information
from qbdi_m21.model.inference import LatentModel

LatentName = Literal['means', 'samples', 'received', 'posterior']
LATENTS: tuple[str, ...] = get_args(LatentName)


def latent_information_rate(score: stream.Stream | NoteTable, model: ModelLike = 'chorales', *,
                            latents: str = 'means', rate: RateLike = 'full', seed: int = 0,
                            channel: str = 'prior-preserving', variance: str | None = None,
                            **options: Any) -> InformationRate:
    """Return the information rate of the latents of a score's bars.

    Parameters
    ----------
    score : music21 Stream or NoteTable
    model : LatentModel, str or path
    latents : {'means', 'samples', 'received', 'posterior'}
        The posterior means; a sample of each; what arrives through the channel at a rate; or
        mean and log variance, compared by the symmetric divergence of the posteriors.
    rate, seed, channel, variance
        Of the samples and of the channel, as of :func:`qbdi_m21.improvise`.
    **options
        Those of :func:`qbdi_m21.information_rate`: distance ('cosine' by default), search, null
        and the others.

    Returns
    -------
    InformationRate
        One frame a bar (a window, where a long bar takes several).

    Notes
    -----
    Source: Dubnov 2019, appendix B and figure 6 ('received' at full rate and at 256 bits). The
    noise of samples lowers the peak by itself: compare with the null model, not across kinds.
    """
    if latents not in LATENTS:
        raise ParameterError(f'latents is {latents!r}; expected one of {", ".join(LATENTS)}')
    served = serve(model)
    spec = served.spec
    music = score if isinstance(score, NoteTable) else as_score(score)
    frames = to_frames(music, step=spec.step_ql, pitch_range=spec.pitch_range)
    encoding = encode_frames(frames, served)
    if latents == 'means':
        values = encoding.mean
    elif latents == 'posterior':
        values = np.concatenate([encoding.mean, np.log(encoding.variance)], axis=1)
        options.setdefault('distance', 'symmetric-kl')
    else:
        sent = transmit_encoding(encoding, served, Settings.parse(
            rate=rate, seed=seed, channel=channel, variance=variance))
        values = sent.sent if latents == 'samples' else sent.received
    if len(values) < 2:
        raise ParameterError(f'the score has {len(values)} bar; expected at least two')
    found = information_rate(np.ascontiguousarray(values), **{'seed': seed, **options})
    grid = Grid(encoding.grid.bars, spec.window_frames * spec.step_ql)
    return replace(found, grid=grid if grid.num_frames == len(values) else None)


def latent_dynamics(model: LatentModel, windows: Windows, work: npt.NDArray[np.int64], *,
                    null: int = 20, seed: int = 0) -> dict[str, Any]:
    """Return how the latents of works go on, by a model: deep music information dynamics.

    Parameters
    ----------
    model : LatentModel
    windows : ndarray of bool, shape (N, W, 2P)
        Those of a work follow each other, in order.
    work : ndarray of int, shape (N,)
        Which work each is of.
    null : int
        Orders of the bars of a work that its information rate is compared with.
    seed : int
        Of these, and of the latents' samples.

    Returns
    -------
    dict
        - `information_rate`: of the posterior means under the cosine, work by work: `works` (of
          two windows and more), and `bits` a window and `null_bits`, with the bars in other
          orders, over the windows of all; None without such a work.
        - `future`: as :func:`~qbdi_m21.model.future.future_information`, I(Z, Y), I(X, Y) and
          I(X, Y | Z); None where the works are too few.

    Notes
    -----
    Source: Dubnov 2019, appendix B.
    """
    posterior = encode_windows(model, windows)
    means = posterior.mean
    pieces = [means[rows] for rows in (np.flatnonzero(work == one) for one in np.unique(work))
              if len(rows) > 1]
    told = [information_rate(np.ascontiguousarray(piece), null=null, seed=seed)
            for piece in pieces]
    count = sum(map(len, pieces))
    rate = None if not pieces else {
        'works': len(pieces), 'bits': round(sum(one.total_bits for one in told) / count, 3),
        'null_bits': round(sum(one.null.mean_bits for one in told if one.null is not None)
                           / count, 3) if null else None}
    try:
        future = {name: round(value, 3) for name, value in future_information(
            posterior, windows, work, seed=seed).items()}
    except FramesError:
        future = None
    return {'information_rate': rate, 'future': future}
