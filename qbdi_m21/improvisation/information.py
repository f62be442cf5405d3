"""Information rate of latents: what the model's own sequence says, beside the surface."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal, get_args

import numpy as np
from music21 import stream

from qbdi_m21.analysis.information_rate import InformationRate, information_rate
from qbdi_m21.errors import ParameterError
from qbdi_m21.frames.encode import to_frames
from qbdi_m21.frames.grid import Grid
from qbdi_m21.frames.measures import as_score
from qbdi_m21.frames.notes import extract_notes
from qbdi_m21.improvisation.operations import ModelLike, serve
from qbdi_m21.improvisation.rates import RateLike
from qbdi_m21.improvisation.settings import Settings
from qbdi_m21.improvisation.transmission import encode_frames, transmit_encoding

LatentName = Literal['means', 'samples', 'received', 'posterior']
LATENTS: tuple[str, ...] = get_args(LatentName)


def latent_information_rate(score: stream.Stream, model: ModelLike = 'chorales', *,
                            latents: str = 'means', rate: RateLike = 'full', seed: int = 0,
                            channel: str = 'prior-preserving', **options: Any) -> InformationRate:
    """Return the information rate of the latents of a score's bars.

    Parameters
    ----------
    score : music21 Stream
    model : LatentModel, str or path
    latents : {'means', 'samples', 'received', 'posterior'}
        The posterior means; a sample of each; what arrives through the channel at a rate; or
        mean and log variance, compared by the symmetric divergence of the posteriors.
    rate, seed, channel
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
    frames = to_frames(extract_notes(as_score(score)), step=spec.step_ql,
                       pitch_range=spec.pitch_range)
    encoding = encode_frames(frames, served)
    if latents == 'means':
        values = encoding.mean
    elif latents == 'posterior':
        values = np.concatenate([encoding.mean, np.log(encoding.variance)], axis=1)
        options.setdefault('distance', 'symmetric-kl')
    else:
        sent = transmit_encoding(encoding, served, Settings.parse(rate=rate, seed=seed,
                                                                  channel=channel))
        values = sent.sent if latents == 'samples' else sent.received
    if len(values) < 2:
        raise ParameterError(f'the score has {len(values)} bar; expected at least two')
    found = information_rate(np.ascontiguousarray(values), **{'seed': seed, **options})
    grid = Grid(encoding.grid.bars, spec.window_frames * spec.step_ql)
    return replace(found, grid=grid if grid.num_frames == len(values) else None)
