"""Distances between frames: by name or by a function, with a stated meaning for silence."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, TypeAlias, get_args

import numpy as np
import numpy.typing as npt

from qbdi_m21.errors import ParameterError
from qbdi_m21.frames.features import tonnetz

FloatArray = npt.NDArray[np.float64]

#: A name of :func:`distance_rows`, a metric of scipy's cdist, or a function of two vectors.
Distance: TypeAlias = str | Callable[[FloatArray, FloatArray], float]

Silence = Literal['symbol', 'ignore', 'vmo']
SILENCES: tuple[str, ...] = get_args(Silence)

#: On rows (mean, log variance) of diagonal Gaussians.
GAUSSIAN = ('kl', 'symmetric-kl', 'bhattacharyya')

#: On rows of pitch-class weights.
PITCH_CLASS = ('tonnetz', 'pitch-class-set')

#: Where a zero vector has no distance: silence is a symbol of its own unless asked otherwise.
_UNDEFINED_AT_ZERO = ('cosine', 'correlation', 'pitch-class-set')

#: Most numbers of an array that is made for one block of rows.
_BLOCK = 1 << 22


def check_features(features: npt.ArrayLike, least: int = 1) -> FloatArray:
    """Return features as a (T, D) array of finite numbers, or raise ParameterError."""
    values = np.asarray(features, dtype=np.float64)
    if values.ndim != 2 or len(values) < least or not values.shape[1]:
        raise ParameterError(f'features have shape {values.shape}; expected (T, D) with at least '
                             f'{("one frame", "two frames")[least - 1]}')
    if not np.all(np.isfinite(values)):
        raise ParameterError('features hold NaN or infinity; expected finite numbers')
    return values


def different_frames(features: FloatArray) -> tuple[FloatArray, npt.NDArray[np.int64]]:
    """Return the different rows, shape (U, D), and which of them each row is, shape (T,).

    A dictionary of their bytes takes a third of the time of ``np.unique``, which sorts.
    """
    rows = np.ascontiguousarray(features + 0.0)     # -0 is 0
    places: dict[bytes, int] = {}
    index = [places.setdefault(row, len(places))
             for row in rows.view(f'V{rows.itemsize * rows.shape[1]}').ravel().tolist()]
    unique = np.frombuffer(b''.join(places), dtype=np.float64)
    return unique.reshape(-1, rows.shape[1]), np.array(index, dtype=np.int64)


def check_distance(distance: Distance, dimensions: int) -> None:
    """Raise ParameterError where there is no such distance, or it takes other rows."""
    if callable(distance):
        return
    from scipy.spatial.distance import cdist
    if distance in GAUSSIAN and dimensions % 2:
        raise ParameterError(f'features have {dimensions} columns; {distance!r} takes means and '
                             'then as many log variances: an even number')
    if distance in PITCH_CLASS and dimensions != 12:
        raise ParameterError(f'features have {dimensions} columns; {distance!r} takes the weights '
                             'of 12 pitch classes')
    if distance not in (*GAUSSIAN, *PITCH_CLASS):
        try:
            cdist(np.ones((1, 2)), np.ones((1, 2)), distance)
        except (ValueError, TypeError) as error:
            raise ParameterError(
                f'no distance {distance!r}; expected a function, {", ".join(PITCH_CLASS)}, '
                f'{", ".join(GAUSSIAN)}, or a metric of scipy such as cosine or euclidean'
            ) from error


def check_silence(silence: str | None, distance: Distance) -> str:
    """Return what silence means; by default what the distance leaves open."""
    if silence is None:
        return 'symbol' if distance in _UNDEFINED_AT_ZERO else 'vmo'
    if silence not in SILENCES:
        raise ParameterError(f'silence is {silence!r}; expected one of {", ".join(SILENCES)}')
    return silence


def is_silent(features: FloatArray) -> npt.NDArray[np.bool_]:
    """Return which frames are zero vectors, shape (T,)."""
    return np.asarray(~features.any(axis=1))


def distance_rows(new: FloatArray, known: FloatArray, distance: Distance, *,
                  silence: str = 'vmo') -> FloatArray:
    """Return the distances from frames to earlier ones.

    Parameters
    ----------
    new, known : ndarray of float, shape (R, D) and (U, D)
    distance : str or callable
        'euclidean', 'cosine' or another metric of `scipy.spatial.distance.cdist`;
        'tonnetz': Euclidean between tonal centroids of pitch-class weights (Harte et al. 2006);
        'pitch-class-set': the share of two sets' pitch classes that are not in both (Jaccard);
        'kl': KL(new || known) of diagonal Gaussians, rows (mean, log variance), in bits;
        'symmetric-kl': the mean of both directions; 'bhattacharyya': -ln of their overlap;
        or a function of a new and a known vector, which need not be symmetric.
    silence : {'symbol', 'ignore', 'vmo'}
        'symbol': zero vectors are equal to each other and to nothing else. 'vmo': as the
        distance has it; a cosine with a zero vector is NaN, and never joins. 'ignore' is for
        callers, who leave silent frames out.

    Returns
    -------
    ndarray of float, shape (R, U)
    """
    if callable(distance) or distance not in (*GAUSSIAN, *PITCH_CLASS):
        from scipy.spatial.distance import cdist
        with np.errstate(invalid='ignore', divide='ignore'):
            found = np.asarray(cdist(new, known, distance))
    elif distance == 'tonnetz':
        from scipy.spatial.distance import cdist
        found = np.asarray(cdist(tonnetz(new), tonnetz(known)))
    elif distance == 'pitch-class-set':
        found = _jaccard(new > 0, known > 0)
    else:
        found = _gaussian(new, known, distance)
    if silence == 'symbol':
        quiet, mute = is_silent(new), is_silent(known)
        found = np.where(quiet[:, None] | mute, np.where(quiet[:, None] & mute, 0.0, np.inf),
                         found)
    return found


def _jaccard(one: npt.NDArray[np.bool_], two: npt.NDArray[np.bool_]) -> FloatArray:
    both = one.astype(np.float64) @ two.astype(np.float64).T
    either = one.sum(axis=1)[:, None] + two.sum(axis=1) - both
    return np.asarray(np.where(either > 0, 1.0 - both / np.where(either > 0, either, 1.0), 0.0))


def _gaussian(new: FloatArray, known: FloatArray, distance: str) -> FloatArray:
    """Return divergences of diagonal Gaussians, block by block of rows."""
    size = new.shape[1] // 2
    measure: Any = {'kl': _kl, 'symmetric-kl': _symmetric_kl,
                    'bhattacharyya': _bhattacharyya}[distance]
    found = np.empty((len(new), len(known)))
    step = max(_BLOCK // max(known.size, 1), 1)
    for k in range(0, len(new), step):
        found[k:k + step] = measure(new[k:k + step, None, :size], new[k:k + step, None, size:],
                                    known[None, :, :size], known[None, :, size:])
    return np.maximum(found, 0.0)


def _kl(mean: Any, log_var: Any, other_mean: Any, other_log_var: Any) -> Any:
    moved = (mean - other_mean) ** 2 * np.exp(-other_log_var)
    apart = log_var - other_log_var
    return (np.exp(apart) - apart - 1.0 + moved).sum(axis=2) / (2.0 * np.log(2.0))


def _symmetric_kl(mean: Any, log_var: Any, other_mean: Any, other_log_var: Any) -> Any:
    return (_kl(mean, log_var, other_mean, other_log_var)
            + _kl(other_mean, other_log_var, mean, log_var)) / 2.0


def _bhattacharyya(mean: Any, log_var: Any, other_mean: Any, other_log_var: Any) -> Any:
    between = (np.exp(log_var) + np.exp(other_log_var)) / 2.0
    moved = (mean - other_mean) ** 2 / between
    return (moved / 8.0 + (np.log(between) - (log_var + other_log_var) / 2.0) / 2.0).sum(axis=2)
