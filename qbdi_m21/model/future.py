"""What latents tell of the next bar's: music information dynamics (Dubnov 2019, appendix B)."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from qbdi_m21.errors import FramesError, ParameterError
from qbdi_m21.model.bounds import Windows, encode_windows
from qbdi_m21.model.inference import LatentModel

FloatArray = npt.NDArray[np.float64]

#: Scores of all pairs of (n, D) and (n, E), shape (n, n).
Critic = Callable[[FloatArray, FloatArray], FloatArray]

#: Pairs among which the next one is told; the estimate cannot exceed its logarithm.
CANDIDATES = 64

#: Components of the bars' cells, and of latents, that the predictor sees at most.
COMPONENTS = 64


def contrastive_bits(past: FloatArray, future: FloatArray, groups: npt.NDArray[np.int64], *,
                     seed: int = 0, candidates: int = CANDIDATES) -> dict[str, float]:
    """Return a lower bound on the mutual information of pairs of vectors, in bits.

    Parameters
    ----------
    past, future : ndarray, shapes (N, D) and (N, E)
        Pairs.
    groups : ndarray of int, shape (N,)
        Pairs of one group are on one side of the split: works.
    seed : int
        Of the split and of the candidates.
    candidates : int
        Among how many the right one is told.

    Returns
    -------
    dict
        `bits`, the bound; `ceiling_bits`, the most it can be; `pairs`, on which it was measured.

    Raises
    ------
    FramesError
        If there are too few pairs.

    Notes
    -----
    Source: InfoNCE (van den Oord, Li & Vinyals 2018; Poole et al. 2019, eq 12). The critic is the
    log-likelihood of a linear Gaussian predictor, which is fitted by ridge regression on half of
    the groups, where a quarter fits and a quarter chooses how sure it is; the bound is measured on
    the other half, so that it holds whatever the fit.
    """
    if candidates < 2:
        raise ParameterError(f'candidates is {candidates}; expected at least 2')
    rng = np.random.default_rng(seed)
    names = rng.permutation(np.unique(groups))
    # a quarter of the groups fits, a quarter chooses, half is measured
    cuts = len(names) // 4, len(names) // 2
    fitted, chosen, measured = (np.isin(groups, part) for part in np.split(names, cuts))
    if min(fitted.sum(), chosen.sum(), measured.sum()) < candidates:
        raise FramesError(f'{len(groups)} pairs in {len(names)} groups are too few; expected at '
                          f'least {candidates} in each quarter of the groups')
    reduce_past, reduce_future = _reduction(past[fitted]), _reduction(future[fitted])
    x, y = reduce_past(past), reduce_future(future)
    critic = max(_critics(x[fitted], y[fitted]),
                 key=lambda one: _bound(x[chosen], y[chosen], one, candidates, seed))
    return {'bits': _bound(x[measured], y[measured], critic, candidates, seed) / math.log(2),
            'ceiling_bits': math.log2(candidates), 'pairs': int(measured.sum())}


def _bound(x: FloatArray, y: FloatArray, critic: Critic, candidates: int, seed: int) -> float:
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


def _reduction(values: FloatArray) -> Any:
    """Return what centres vectors and keeps their first principal components."""
    mean = values.mean(axis=0)
    _, _, axes = np.linalg.svd(values - mean, full_matrices=False)
    kept = axes[:COMPONENTS].T
    return lambda rows: (rows - mean) @ kept


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


def future_information(model: LatentModel, windows: Windows, work: npt.NDArray[np.int64], *,
                       seed: int = 0, candidates: int = CANDIDATES) -> dict[str, float]:
    """Return what latents, and bars themselves, tell of the latents of the next bar.

    Parameters
    ----------
    model : LatentModel
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
        bars' cells; `remaining_bits`, I(X, Y | Z), their difference: what a bar tells of the next
        and its latents do not; `ceiling_bits` and `pairs`.

    Notes
    -----
    Source: Dubnov 2019, appendix B (eqs 20-25). Y are the posterior means of the next window. Both
    are lower bounds by one kind of predictor; their difference is an estimate and no bound.
    """
    posterior = encode_windows(model, windows)
    rng = np.random.default_rng(seed)
    latents = posterior.sample(rng)
    first = np.flatnonzero(work[1:] == work[:-1])
    cells = windows.reshape(len(windows), -1).astype(np.float64)
    told, seen = (contrastive_bits(values[first], posterior.mean[first + 1], work[first],
                                   seed=seed, candidates=candidates)
                  for values in (latents, cells))
    return {'latent_bits': told['bits'], 'surface_bits': seen['bits'],
            'remaining_bits': seen['bits'] - told['bits'], 'ceiling_bits': told['ceiling_bits'],
            'pairs': told['pairs']}
