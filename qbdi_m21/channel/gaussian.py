"""Gaussian channels: what arrives at the decoder of what the encoder sends.

Every channel here is linear and adds independent noise: z_d = gain z_e + offset + noise. What
distinguishes them is how a rate in bits becomes gain and noise.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from qbdi_m21.channel.distortion import FloatArray, check_bits, check_variance
from qbdi_m21.errors import ParameterError


@dataclass(frozen=True)
class GaussianChannel:
    """z_d = gain z_e + offset + noise, for each component.

    Attributes
    ----------
    gain, offset, noise_variance : ndarray of float, shape (Z,) or (N, Z)
        The same for every frame, or each frame's own.
    """

    gain: FloatArray
    offset: FloatArray
    noise_variance: FloatArray

    def moments(self, values: npt.ArrayLike) -> tuple[FloatArray, FloatArray]:
        """Return mean, shape (N, Z), and variance of what arrives for given values (N, Z)."""
        return self.gain * self._checked(values) + self.offset, self.noise_variance

    def transmit(self, values: npt.ArrayLike, rng: np.random.Generator) -> FloatArray:
        """Return what arrives for given values, shape (N, Z); `rng` gives the noise."""
        received, variance = self.moments(values)
        return np.asarray(received + np.sqrt(variance) * rng.standard_normal(received.shape))

    def delivered_bits(self, mean: npt.ArrayLike, variance: npt.ArrayLike, *,
                       source_mean: FloatArray, source_variance: FloatArray) -> FloatArray:
        """Return how many bits about each frame arrive, shape (N, Z).

        Parameters
        ----------
        mean, variance : array_like, shape (N, Z)
            Of the posterior of each frame.
        source_mean, source_variance : ndarray, shape (Z,)
            Mean and variance of z_e over the source.

        Returns
        -------
        ndarray of float, shape (N, Z)
            Divergence of what arrives given the frame from what arrives over the whole source.

        Notes
        -----
        KL(N(a mu + c, a^2 sigma^2 + b) || N(a m + c, a^2 t + b)) in bits, with gain a, offset c
        and noise variance b. This is what the frame costs in relative entropy coding (Havasi
        et al. 2019); its mean over a Gaussian source is the mutual information of frame and
        received value, at most the channel's rate. It falls with the rate for every frame,
        since both distributions pass the same channel (data processing).
        """
        center, spread = self._checked(mean), self._checked(variance)
        squared = self.gain ** 2
        whole = squared * source_variance + self.noise_variance
        part = squared * spread + self.noise_variance
        moved = squared * (center - source_mean) ** 2
        # nothing arrives where neither signal nor noise does
        open_ = whole > 0
        whole = np.where(open_, whole, 1.0)
        ratio = np.where(open_, part / whole, 1.0)
        with np.errstate(divide='ignore'):
            level = np.log(ratio)
        nats = 0.5 * (ratio - 1.0 - level + np.where(open_, moved / whole, 0.0))
        return np.asarray(np.maximum(nats, 0.0) / np.log(2.0))

    def _checked(self, values: npt.ArrayLike) -> FloatArray:
        array = np.asarray(values, dtype=np.float64)
        if array.ndim != 2 or array.shape[1:] != self.gain.shape[-1:] or (
                self.gain.ndim == 2 and len(array) != len(self.gain)):
            rows = len(self.gain) if self.gain.ndim == 2 else 'N'
            raise ParameterError(f'values have shape {array.shape}; this channel takes '
                                 f'({rows}, {self.gain.shape[-1]})')
        return array


def optimal_channel(bits: npt.ArrayLike, *, mean: npt.ArrayLike,
                    variance: npt.ArrayLike) -> GaussianChannel:
    """Return the channel of the paper: least squared error at a rate (Dubnov 2019, eqs 6-8).

    Parameters
    ----------
    bits : array_like, shape (Z,) or (N, Z)
        Rate R of each component, in bits; infinity transmits unaltered.
    mean, variance : array_like, shape (Z,)
        mu_e and sigma_e^2: mean and variance of the *source*.

    Notes
    -----
    Source: Dubnov 2019, eqs 6-8; Berger 1971, the optimal backward-to-forward test channel:
    mu_d = z_e + 2^(-2R) (mu_e - z_e);  sigma_d^2 = 2^(-4R) (2^(2R) - 1) sigma_e^2.
    With R = 0 the source's mean arrives, without noise. Over a Gaussian source the received
    value has variance sigma_e^2 (1 - 2^(-2R)), its mean squared error is
    D(R) = sigma_e^2 2^(-2R), and the mutual information is R bits.
    """
    rates, center, spread = _checked(bits, mean, variance)
    lost = np.exp2(-2.0 * rates)
    # 2^(-4R) (2^(2R) - 1) = lost (1 - lost), finite also at infinite rate
    return GaussianChannel(1.0 - lost, lost * center, lost * (1.0 - lost) * spread)


def prior_channel(bits: npt.ArrayLike, *, variance: npt.ArrayLike) -> GaussianChannel:
    """Return the channel that keeps the prior: what is not told is drawn from N(0, 1) instead.

    Parameters
    ----------
    bits : array_like, shape (Z,) or (N, Z)
        Rate R of each component, in bits; infinity transmits unaltered.
    variance : array_like, shape (Z,)
        t: variance of z_e over the source. 1 where the source's marginal is the prior.

    Notes
    -----
    z_d = g z_e + sqrt(1 - g^2) n, n from N(0, 1), with g^2 / (1 - g^2) = (2^(2R) - 1) / t.
    R bits of mutual information with a Gaussian source of variance t, and at most R with any
    other of at most that variance. A source that is N(0, 1) stays so at every rate; R = 0 gives
    a draw from the prior and R = infinity z_e itself. With t = 1, g^2 = 1 - 2^(-2R): the channel
    of least squared error among those that keep the distribution (Zhang et al. 2021).
    Derivation: docs/theory.md.
    """
    rates, _, spread = _checked(bits, np.zeros(np.shape(variance)), variance)
    lost = np.exp2(-2.0 * rates)
    told, rest = 1.0 - lost, lost * spread
    # (4^R - 1) / (t + 4^R - 1), divided by 4^R so that it is finite at infinite rate
    whole = told + rest
    some = whole > 0
    whole = np.where(some, whole, 1.0)
    # rest / whole, not 1 - told / whole: of high rates nothing would be left
    return GaussianChannel(np.sqrt(np.where(some, told / whole, 0.0)), np.zeros_like(whole),
                           np.where(some, rest / whole, 1.0))


def _checked(bits: npt.ArrayLike, mean: npt.ArrayLike,
             variance: npt.ArrayLike) -> tuple[FloatArray, FloatArray, FloatArray]:
    rates, center, spread = check_bits(bits), np.asarray(mean, np.float64), check_variance(variance)
    if rates.ndim not in (1, 2) or not rates.shape[-1:] == center.shape == spread.shape:
        raise ParameterError(f'bits have shape {rates.shape}, mean {center.shape}, variance '
                             f'{spread.shape}; expected (Z,) or (N, Z), (Z,) and (Z,)')
    return rates, center, spread
