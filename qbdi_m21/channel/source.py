"""The three channels by name, and the source that each of them takes for granted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from qbdi_m21.channel.distortion import FloatArray, check_variance
from qbdi_m21.channel.gaussian import GaussianChannel, optimal_channel, prior_channel
from qbdi_m21.errors import ParameterError

ChannelName = Literal['prior-preserving', 'paper', 'notebook']
VarianceName = Literal['corpus', 'query', 'sample', 'posterior']

CHANNELS: tuple[str, ...] = get_args(ChannelName)
VARIANCES: tuple[str, ...] = get_args(VarianceName)


@dataclass(frozen=True)
class Source:
    """Statistics of the latents that a channel is designed for.

    Attributes
    ----------
    mean, variance : ndarray of float, shape (Z,)
        Of the posterior means over the source's frames.
    posterior_variance : ndarray of float, shape (Z,)
        Mean of the posterior variances.
    """

    mean: FloatArray
    variance: FloatArray
    posterior_variance: FloatArray

    @property
    def total(self) -> FloatArray:
        """Variance of z_e over the source: of the means, and within the posteriors."""
        return self.variance + self.posterior_variance

    @classmethod
    def of_posteriors(cls, mean: npt.ArrayLike, variance: npt.ArrayLike) -> Source:
        """Return the statistics of posteriors (N, Z), N > 0."""
        center, spread = np.asarray(mean, np.float64), np.asarray(variance, np.float64)
        if center.ndim != 2 or center.shape != spread.shape or not len(center):
            raise ParameterError(f'posteriors have shapes {center.shape} and {spread.shape}; '
                                 'expected two equal (N, Z), N > 0')
        if not np.all(spread >= 0):
            raise ParameterError(f'a posterior variance is {spread.min()}; expected numbers >= 0')
        return cls(center.mean(axis=0), center.var(axis=0), spread.mean(axis=0))

    @classmethod
    def of_values(cls, values: npt.ArrayLike) -> Source:
        """Return the statistics of encoder values z_e themselves (N, Z), N > 0."""
        return cls.of_posteriors(values, np.zeros(np.shape(values)))


def check_channel(channel: str, variance: str | None) -> tuple[str, str]:
    """Return a channel and the variance that it allocates by, or raise ParameterError.

    By default that is the corpus's, and for 'notebook' the mean posterior variance.
    """
    if channel not in CHANNELS:
        raise ParameterError(f'channel is {channel!r}; expected one of {", ".join(CHANNELS)}')
    if variance is None:
        return channel, 'posterior' if channel == 'notebook' else 'corpus'
    if variance not in VARIANCES:
        raise ParameterError(f'variance is {variance!r}; expected one of {", ".join(VARIANCES)}')
    if channel == 'notebook' and variance != 'posterior':
        raise ParameterError(f"variance is {variance!r}, but the channel 'notebook' goes by the "
                             "mean posterior variance; leave it out, or take channel 'paper'")
    return channel, variance


def allocation_variance(source: Source, variance: str) -> FloatArray:
    """Return the variance by which bits are allocated, shape (Z,).

    Parameters
    ----------
    source : Source
        Of the corpus for 'corpus', of the query's posteriors for 'query' and 'posterior', of its
        encoder values for 'sample'.
    variance : {'corpus', 'query', 'sample', 'posterior'}
        'posterior' is the mean posterior variance, as in the notebooks of the paper's author: it is
        largest for the latents that say least.
    """
    if variance not in VARIANCES:
        raise ParameterError(f'variance is {variance!r}; expected one of {", ".join(VARIANCES)}')
    return check_variance(source.posterior_variance if variance == 'posterior'
                          else source.variance)


def make_channel(channel: str, bits: npt.ArrayLike, source: Source) -> GaussianChannel:
    """Return a channel by its name.

    Parameters
    ----------
    channel : {'prior-preserving', 'paper', 'notebook'}
        :func:`~qbdi_m21.channel.gaussian.prior_channel`;
        :func:`~qbdi_m21.channel.gaussian.optimal_channel` with mean and variance of the
        source's z_e; the same with the mean posterior variance for sigma_e^2.
    bits : array_like, shape (Z,) or (N, Z)
        Rate of each component; infinity transmits unaltered.
    source : Source
    """
    if channel not in CHANNELS:
        raise ParameterError(f'channel is {channel!r}; expected one of {", ".join(CHANNELS)}')
    if channel == 'prior-preserving':
        return prior_channel(bits, variance=source.total)
    spread = source.total if channel == 'paper' else source.posterior_variance
    return optimal_channel(bits, mean=source.mean, variance=spread)


def transmit(values: npt.ArrayLike, bits: npt.ArrayLike, *, variance: npt.ArrayLike,
             rng: np.random.Generator, mean: npt.ArrayLike | None = None,
             channel: Literal['prior-preserving', 'paper'] = 'prior-preserving') -> FloatArray:
    """Send vectors through a channel and return what arrives.

    Parameters
    ----------
    values : array_like, shape (N, Z)
        Encoder values z_e.
    bits : array_like, shape (Z,) or (N, Z)
        Rate R of each component, in bits; infinity transmits unaltered.
    variance : array_like, shape (Z,)
        sigma_e^2: variance of z_e over the *source*.
    rng : numpy Generator
        Of the channel's noise.
    mean : array_like, shape (Z,), optional
        mu_e: mean of the source, 0 by default; the paper's channel pulls to it.
    channel : {'prior-preserving', 'paper'}
        'prior-preserving' puts draws from N(0, 1) in the place of what is not told; 'paper' is
        the channel of least squared error, which shrinks to the mean.

    Returns
    -------
    ndarray of float, shape (N, Z)

    Raises
    ------
    ParameterError
        If shapes do not fit, or a rate or variance is none.

    Notes
    -----
    Source: Dubnov 2019, eqs 6-8, for 'paper'; docs/theory.md for 'prior-preserving'. With a
    Gaussian source both have a mutual information of R bits a component.
    """
    if channel not in ('prior-preserving', 'paper'):
        raise ParameterError(f"channel is {channel!r}; expected 'prior-preserving' or 'paper'")
    spread = check_variance(variance)
    center = np.zeros(len(spread)) if mean is None else np.asarray(mean, np.float64)
    chosen = optimal_channel(bits, mean=center, variance=spread)     # checks all of them
    if channel == 'prior-preserving':
        chosen = prior_channel(bits, variance=spread)
    return chosen.transmit(values, rng)
