"""What latents tell of the next bar's: music information dynamics (Dubnov 2019, appendix B)."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from qbdi_m21.errors import FramesError, ParameterError
from qbdi_m21.model.bounds import Posterior, Windows

FloatArray = npt.NDArray[np.float64]

#: Vectors that come before, of one kind or of several.
Past = FloatArray | tuple[FloatArray, ...]

#: Scores of all pairs of (n, D) and (n, E), shape (n, n).
Critic = Callable[[FloatArray, FloatArray], FloatArray]

#: Pairs among which the next one is told; the estimate cannot exceed its logarithm.
CANDIDATES = 64

#: Parts of the groups, one after the other held out.
PARTS = 5

#: Principal components of the bars' cells and of latents that predictors see.
COMPONENTS = (8, 16, 32, 64, 128)


def contrastive_bits(past: Past, future: FloatArray, groups: npt.NDArray[np.int64], *,
                     guide: FloatArray | None = None, seed: int = 0,
                     candidates: int = CANDIDATES) -> dict[str, float]:
    """Return a lower bound on the mutual information of pairs of vectors, in bits.

    Parameters
    ----------
    past : ndarray, shape (N, D), or a tuple of such
        Each of several is brought to its principal components by itself.
    future : ndarray, shape (N, E)
        What follows each.
    groups : ndarray of int, shape (N,)
        Pairs of one group are on one side of each split: works.
    guide : ndarray, shape (N, D), optional
        Whose principal components are taken of `past`, if that is one array: of samples, whose
        noise has none, their means. By default its own.
    seed : int
        Of the splits and of the candidates.
    candidates : int
        Among how many the right one is told.

    Returns
    -------
    dict
        `bits`, the bound; `error_bits`, its standard error over five parts; `ceiling_bits`, the
        most it can be; `pairs`, on which it was measured: all.

    Raises
    ------
    FramesError
        If there are too few pairs.

    Notes
    -----
    Source: InfoNCE (van den Oord, Li & Vinyals 2018; Poole et al. 2019, eq 12). The critic is the
    log-likelihood of a linear Gaussian predictor. The groups are dealt into five parts: on each
    the bound is measured with a predictor that was fitted by ridge regression on three others,
    where the last one chose its penalty, how many principal components it sees and how sure it
    is. So the bound holds whatever the fit.
    """
    if candidates < 2:
        raise ParameterError(f'candidates is {candidates}; expected at least 2')
    rng = np.random.default_rng(seed)
    names = rng.permutation(np.unique(groups))
    parts = [np.isin(groups, part) for part in np.array_split(names, PARTS)]
    if min(part.sum() for part in parts) < candidates:
        raise FramesError(f'{len(groups)} pairs in {len(names)} groups are too few; expected at '
                          f'least {candidates} in each of {PARTS} parts of the groups')
    kinds = past if isinstance(past, tuple) else (past,)
    nats = []
    for place, measured in enumerate(parts):
        chosen = parts[place - 1]
        fitted = ~(measured | chosen)
        x = [_reduced(one, one if guide is None else guide, fitted) for one in kinds]
        y = _reduced(future, future, fitted)
        fits = []
        for most in COMPONENTS:
            seen, wanted = np.hstack([one[:, :most] for one in x]), y[:, :most]
            fits += [(_bound(seen[chosen], wanted[chosen], candidates, seed, critic), seen, wanted,
                      critic) for critic in _critics(seen[fitted], wanted[fitted])]
        _, seen, wanted, critic = max(fits, key=lambda fit: fit[0])
        nats.append(_bound(seen[measured], wanted[measured], candidates, seed, critic))
    shares = [part.mean() for part in parts]
    return {'bits': float(np.dot(shares, nats)) / math.log(2),
            'error_bits': float(np.std(nats, ddof=1)) / math.sqrt(PARTS) / math.log(2),
            'ceiling_bits': math.log2(candidates), 'pairs': len(groups)}


def _bound(x: FloatArray, y: FloatArray, candidates: int, seed: int, critic: Critic) -> float:
    """Return the bound on pairs, in nats, over random sets of candidates."""
    rng = np.random.default_rng([seed, 1])
    found = []
    for _ in range(max(8, len(x) // candidates)):
        rows = rng.permutation(len(x))[:candidates]
        scores = critic(x[rows], y[rows])
        top = scores.max(axis=1, keepdims=True)
        log_mean = top[:, 0] + np.log(np.exp(scores - top).mean(axis=1))
        found.append(float((np.diagonal(scores) - log_mean).mean()))
    return float(np.mean(found))


def _reduced(values: FloatArray, guide: FloatArray, fitted: npt.NDArray[np.bool_]) -> FloatArray:
    """Return values along the first principal components of the fitted rows of the guide.

    On a scale on which these have a variance of 1 in the mean.
    """
    most, own = max(COMPONENTS), guide[fitted]
    centred = own - own.mean(axis=0)
    if min(centred.shape) > 2 * most and centred.any():
        from scipy.sparse.linalg import svds
        # the first components alone, in a tenth of the time; the start is no constant, which
        # centred rows cancel
        start = np.random.default_rng(0).standard_normal(min(centred.shape))
        _, sizes, axes = svds(centred, most, v0=start)
        sizes, axes = sizes[::-1], axes[::-1]       # largest first
    else:
        _, sizes, axes = np.linalg.svd(centred, full_matrices=False)
        sizes, axes = sizes[:most], axes[:most]
    scale = np.sqrt((sizes ** 2).mean() / len(own)) or 1.0
    return np.asarray((values - own.mean(axis=0)) @ axes.T / scale)


def _critics(x: FloatArray, y: FloatArray) -> list[Critic]:
    """Return critics: log p(y | x) - log p(y) of linear Gaussian predictors, more or less sure."""
    spread = y.var(axis=0) + 1e-9
    found = []
    for ridge in (1e-3, 1e-1, 10.0):
        penalty = ridge * np.trace(x.T @ x) / max(x.shape[1], 1) + 1e-9
        matrix = np.linalg.solve(x.T @ x + penalty * np.eye(x.shape[1]), x.T @ y)
        left = ((y - x @ matrix) ** 2).mean(axis=0) + 1e-9
        found += [_critic(matrix, left, spread, sure) for sure in (0.0, 0.1, 0.3, 1.0)]
    return found


def _critic(matrix: FloatArray, left: FloatArray, spread: FloatArray, sure: float) -> Critic:
    def critic(x: FloatArray, y: FloatArray) -> FloatArray:
        missed = (((x @ matrix)[:, None] - y) ** 2 / left).sum(axis=2)
        return np.asarray(0.5 * sure * ((y ** 2 / spread).sum(axis=1) - missed))
    return critic


def future_information(posterior: Posterior, windows: Windows, work: npt.NDArray[np.int64], *,
                       seed: int = 0, candidates: int = CANDIDATES) -> dict[str, float]:
    """Return what latents, and bars themselves, tell of the latents of the next bar.

    Parameters
    ----------
    posterior : Posterior
        Of the windows, by the model that is measured.
    windows : ndarray of bool, shape (N, W, 2P)
        Those of a work follow each other, in order.
    work : ndarray of int, shape (N,)
        Which work each is of.
    seed : int
        Of samples, split and candidates.
    candidates : int
        As of :func:`contrastive_bits`.

    Returns
    -------
    dict
        `latent_bits`, I(Z, Y) of samples of the posteriors; `surface_bits`, I(X, Y) of the
        bars, by their cells and what the encoder makes of them; `remaining_bits`, I(X, Y | Z),
        their difference: what a bar tells of the next and its latents do not; `latent_error`
        and `surface_error`, standard errors; `ceiling_bits` and `pairs`.

    Notes
    -----
    Source: Dubnov 2019, appendix B (eqs 20-25). Y are the posterior means of the next window. Both
    are lower bounds by one kind of predictor; their difference is an estimate and no bound.
    """
    means = posterior.mean
    rng = np.random.default_rng(seed)
    latents = posterior.sample(rng)
    first = np.flatnonzero(work[1:] == work[:-1])
    cells = windows.reshape(len(windows), -1).astype(np.float64)
    # the means are a function of the bar: a predictor that is no better than linear needs them
    told, seen = (contrastive_bits(values, means[first + 1], work[first], guide=guide, seed=seed,
                                   candidates=candidates)
                  for values, guide in ((latents[first], means[first]),
                                        ((cells[first], means[first]), None)))
    return {'latent_bits': told['bits'], 'surface_bits': seen['bits'],
            'latent_error': told['error_bits'], 'surface_error': seen['error_bits'],
            'remaining_bits': seen['bits'] - told['bits'], 'ceiling_bits': told['ceiling_bits'],
            'pairs': told['pairs']}
