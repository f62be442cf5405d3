"""The optimal backward-to-forward test channel of a Gaussian source (Berger 1971)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from qbdi_m21.channel.allocation import check_bits, check_variance
from qbdi_m21.errors import ParameterError

FloatArray = npt.NDArray[np.float64]


def channel_moments(
    values: npt.ArrayLike, bits: npt.ArrayLike, *, mean: npt.ArrayLike, variance: npt.ArrayLike,
) -> tuple[FloatArray, FloatArray]:
    """Return mean and variance of what the decoder receives.

    Parameters
    ----------
    values : array_like, shape (N, Z)
        Encoder values z_e.
    bits : array_like, shape (Z,)
        Rate R of each component, in bits; infinity transmits unaltered.
    mean, variance : array_like, shape (Z,)
        mu_e and sigma_e^2: mean and variance of the *source*, over the corpus.

    Returns
    -------
    (ndarray, ndarray)
        mu_d, shape (N, Z), and sigma_d^2, shape (Z,).

    Notes
    -----
    Source: Dubnov 2019, eqs 6-8:
    mu_d = z_e + 2^(-2R) (mu_e - z_e);  sigma_d^2 = 2^(-4R) (2^(2R) - 1) sigma_e^2.
    With R = 0 the source's mean arrives, without noise. Over the source the received value has
    variance sigma_e^2 (1 - 2^(-2R)), its mean squared error is D(R) = sigma_e^2 2^(-2R), and the
    mutual information is R bits.
    """
    source = np.asarray(values, dtype=np.float64)
    rates, center, spread = check_bits(bits), np.asarray(mean, np.float64), check_variance(variance)
    if source.ndim != 2 or not source.shape[1:] == rates.shape == center.shape == spread.shape:
        raise ParameterError(f'values have shape {source.shape}, bits {rates.shape}, mean '
                             f'{center.shape}, variance {spread.shape}; expected (N, Z) and (Z,)')
    lost = np.exp2(-2.0 * rates)
    # 2^(-4R) (2^(2R) - 1) = lost (1 - lost), finite also at infinite rate
    return source + lost * (center - source), lost * (1.0 - lost) * spread


def transmit(
    values: npt.ArrayLike, bits: npt.ArrayLike, *, mean: npt.ArrayLike, variance: npt.ArrayLike,
    rng: np.random.Generator,
) -> FloatArray:
    """Send vectors through the channel and return what arrives, shape (N, Z).

    Parameters are those of :func:`channel_moments`; `rng` gives the channel's noise.
    """
    received, spread = channel_moments(values, bits, mean=mean, variance=variance)
    return received + np.sqrt(spread) * rng.standard_normal(received.shape)
