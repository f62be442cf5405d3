"""What a model decodes from latents alone, against the windows that they were taken from."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from qbdi_m21.model.bounds import (
    CHUNK,
    FloatArray,
    Posterior,
    Tick,
    Windows,
    check_measuring,
    encode_windows,
    evenly,
)
from qbdi_m21.model.inference import LatentModel

#: Thresholds that are looked at, and windows that are decoded to find one.
_STEPS, _WINDOWS = 10, 500
_LOWEST, _HIGHEST = 0.05, 0.95


def decode_latents(model: LatentModel, latents: FloatArray, rng: np.random.Generator, *,
                   rule: str | None = None, threshold: float | None = None,
                   tick: Tick | None = None) -> Windows:
    """Return the windows that latents are decoded to, chunk by chunk, shape (N, W, 2P).

    Parameters
    ----------
    model : LatentModel
    latents : ndarray, shape (N, Z)
    rng : numpy Generator
        For the rule 'sample'.
    rule, threshold
        The model's own by default (:meth:`qbdi_m21.model.inference.LatentModel.decode`).
    tick : callable, optional
        Told how many windows are done.
    """
    decoded = np.empty((len(latents), model.spec.window_frames, 2 * model.spec.num_pitches),
                       dtype=np.bool_)
    for k in range(0, len(latents), CHUNK):
        part = latents[k:k + CHUNK]
        decoded[k:k + CHUNK] = model.decode(part, rule=rule, threshold=threshold, rng=rng)[0]
        if tick is not None:
            tick(len(part))
    return decoded


def plane_scores(decoded: Windows, given: Windows) -> dict[str, float]:
    """Return precision, recall and F1 of decoded cells, all windows together.

    Where nothing is decoded, nothing that is decoded is wrong, and the precision is 1; so is
    the recall where nothing was given. F1 is 2 TP / (decoded + given), and 1 where both are
    empty.
    """
    hits, held, due = (int(np.count_nonzero(x)) for x in (decoded & given, decoded, given))
    return {name: round(part / whole, 4) if whole else 1.0 for name, part, whole in (
        ('precision', hits, held), ('recall', hits, due), ('f1', 2 * hits, held + due))}


def count_notes(windows: Windows) -> int:
    """Return the number of notes: at onsets, after silence, and held over from the bar before."""
    sounding, onset = np.split(windows, 2, axis=-1)
    before = np.zeros_like(sounding)
    before[:, 1:] = sounding[:, :-1]
    return int(np.count_nonzero(sounding & (onset | ~before)))


def chroma_cosine(cells: npt.NDArray[Any], windows: npt.NDArray[Any]) -> float:
    """Return how alike decoded and original bars are in their pitch classes.

    Parameters
    ----------
    cells, windows : ndarray of bool, shape (N, W, 2P)
        Decoded and original; only the sounding planes count.

    Returns
    -------
    float
        From 0 to 1: mean, over the windows in which the original sounds, of the cosine between
        the numbers of sounding cells by pitch class; a decoded window of silence gives 0. Where
        the original never sounds, 0.

    Notes
    -----
    1 is not to be had by chance, but 0 neither: music of one key shares pitch classes. Read it
    beside the controls of :func:`measure_generation`.
    """
    return _mean_cosine(*(_chroma(x).sum(axis=1) for x in (cells, windows)))


def chroma_cosine_by_frame(cells: npt.NDArray[Any], windows: npt.NDArray[Any]) -> float:
    """Return the same as :func:`chroma_cosine` with each frame beside its own frame.

    A note that comes a frame late counts against it here, and not there.
    """
    return _mean_cosine(*(_chroma(x).reshape(-1, 12) for x in (cells, windows)))


#: The figures by their names in what is measured.
_COSINES = {'chroma_cosine': chroma_cosine, 'chroma_cosine_by_frame': chroma_cosine_by_frame}


def _chroma(windows: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
    """Return the number of sounding pitches by pitch class, (N, W, 2P) -> (N, W, 12)."""
    # which pitch class is called 0 does not matter to a cosine
    pitches = windows.shape[2] // 2
    fold = np.eye(12, dtype=np.float32)[np.arange(pitches) % 12]
    return np.asarray(windows[..., :pitches].astype(np.float32) @ fold)


def _mean_cosine(ours: npt.NDArray[np.float32], theirs: npt.NDArray[np.float32]) -> float:
    """Return the mean cosine of the rows in which the second is not zero; 0 without any."""
    sounds = theirs.any(axis=1)
    if not sounds.any():
        return 0.0
    ours, theirs = ours[sounds], theirs[sounds]
    lengths = np.linalg.norm(ours, axis=1) * np.linalg.norm(theirs, axis=1)
    cosine = (ours * theirs).sum(axis=1) / np.where(lengths > 0, lengths, 1)
    return float(cosine.mean(dtype=np.float64))


def measure_generation(model: LatentModel, windows: Windows, posterior: Posterior,
                       rng: np.random.Generator,
                       tick: Tick | None = None) -> dict[str, dict[str, Any]]:
    """Return what comes back of windows that are decoded freely by the model's own rule.

    Parameters
    ----------
    model : LatentModel
    windows : ndarray of bool, shape (N, W, 2P)
    posterior : Posterior
        Of these windows.
    rng : numpy Generator
        Of samples, controls and, where the rule asks for it, cells.
    tick : callable, optional
        Told how many of 3 N windows are done.

    Returns
    -------
    dict
        `reconstruction`: for latents that are posterior `means`, and `samples` (the full rate
        of the channel), the scores of the `sounding` and the `onset` plane and the number of
        `notes`, beside `notes_given` and the `notes` of `prior` draws.
        `chroma_cosine`, and the same `chroma_cosine_by_frame`: of `means` and `samples`, beside
        two controls each that any bars of the style would reach: `..._shuffled` (each bar
        against what another one was decoded to) and `prior` (against a draw from the prior).

    Notes
    -----
    Only latents go in: a network with context hears what it has itself decoded, so that its
    errors run on.
    """
    count = len(windows)
    latents = {'means': posterior.mean, 'samples': posterior.sample(rng),
               'prior': rng.standard_normal(posterior.mean.shape)}
    # one cycle through all windows: none meets itself
    order = rng.permutation(count)
    other = np.empty(count, dtype=np.int64)
    other[order] = np.roll(order, 1)
    reconstruction: dict[str, Any] = {'windows': count, 'rule': model.decoding,
                                      'threshold': model.threshold,
                                      'notes_given': count_notes(windows)}
    cosines: dict[str, dict[str, Any]] = {measure: {'windows': count} for measure in _COSINES}
    given = np.split(windows, 2, axis=2)
    for name, values in latents.items():
        decoded = decode_latents(model, values, rng, tick=tick)
        reconstruction[name] = {'notes': count_notes(decoded)}
        for measure, function in _COSINES.items():
            cosines[measure][name] = round(function(decoded, windows), 4)
            if name != 'prior':
                cosines[measure][f'{name}_shuffled'] = round(function(decoded[other], windows), 4)
        if name == 'prior':
            continue
        planes = np.split(decoded, 2, axis=2)
        for place, plane in enumerate(('sounding', 'onset')):
            reconstruction[name][plane] = plane_scores(planes[place], given[place])
    return {'reconstruction': reconstruction, **cosines}


def density_threshold(model: LatentModel, windows: Windows, *, seed: int = 0) -> float:
    """Return the threshold at which windows come back with as many sounding cells.

    Parameters
    ----------
    model : LatentModel
    windows : ndarray of bool, shape (N, W, 2P)
        Held-out windows, of which at most 500 are taken, evenly. Each goes through one latent
        sample and is decoded freely, by the rule 'threshold'.
    seed : int
        Of the samples.

    Returns
    -------
    float
        Between .05 and .95, to three places: the highest at which no cell is missing. A
        decoder that is unsure says .4 where a note is: the paper's .7 would lose those notes.

    Raises
    ------
    FramesError, ParameterError
        As :func:`~qbdi_m21.model.bounds.check_measuring`.

    Notes
    -----
    Found by halving: a network with context decodes other cells at another threshold, so
    probabilities that were found at one do not tell how many cells there are at the next.
    """
    check_measuring(windows, 1, seed)
    rng = np.random.default_rng(seed)
    some = windows[evenly(len(windows), _WINDOWS)]
    latents, pitches = encode_windows(model, some).sample(rng), model.spec.num_pitches
    # silence has a threshold too: the lowest at which nothing sounds
    wanted = max(int(some[..., :pitches].sum()), 1)
    low, high = _LOWEST, _HIGHEST
    for _ in range(_STEPS):
        middle = (low + high) / 2
        decoded = decode_latents(model, latents, rng, rule='threshold', threshold=middle)
        if int(decoded[..., :pitches].sum()) >= wanted:
            low = middle
        else:
            high = middle
    return round((low + high) / 2, 3)
