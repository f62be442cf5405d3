"""Models so small that their likelihoods can be summed and integrated."""

import itertools

import numpy as np

from qbdi_m21.model.context import ContextModel
from qbdi_m21.model.dense import DenseModel
from qbdi_m21.model.inference import LatentModel
from qbdi_m21.model.spec import FrameSpec

#: Two frames of two pitches: 8 cells, 256 windows.
TINY = FrameSpec(pitch_low=60, pitch_high=62, window_frames=2)


def random_model(network: type[LatentModel] = DenseModel, latent: int = 1, seed: int = 0,
                 spec: FrameSpec = TINY, scale: float = 0.8, encoder: float = 0.4,
                 **changes) -> LatentModel:
    """Return a model with random weights.

    `encoder` keeps posteriors near the prior: far from it neither a grid nor importance samples
    find where the likelihood is.
    """
    sizes = {'hidden': 6, 'latent': latent}
    if network is ContextModel:
        sizes |= {'frame': 4, 'maps': 2, 'channels': 5, 'onset_channels': 3, 'lags': [1],
                  'width': 3, 'onset_width': 3}
    rng = np.random.default_rng(seed)
    weights = {name: tuple(rng.normal(0, scale, part).astype(np.float32) for part in parts)
               for name, parts in network.shapes(spec, sizes).items()}
    for part in (*weights['encoder_mean'], *weights['encoder_log_variance']):
        part *= encoder
    one = np.ones(latent, np.float32)
    return network(spec, sizes, weights, 0 * one, one, one, **changes)


def every_window(model: LatentModel) -> np.ndarray:
    """Return all windows that the model gives a probability to: 256, or 81 of a context model."""
    spec = model.spec
    shape = (-1, spec.window_frames, 2 * spec.num_pitches)
    cells = np.array(list(itertools.product([False, True], repeat=spec.num_inputs))).reshape(shape)
    if isinstance(model, ContextModel):
        sounding, onset = np.split(cells, 2, axis=2)
        cells = cells[~(onset & ~sounding).any(axis=(1, 2))]
    return cells


def latent_grid(latent: int, half: float = 7.0, steps: int = 281) -> tuple[np.ndarray, float]:
    """Return points of a grid over the latents, shape (G, Z), and the volume of its cells."""
    axis = np.linspace(-half, half, steps)
    points = np.stack(np.meshgrid(*[axis] * latent, indexing='ij'), axis=-1).reshape(-1, latent)
    return points, float(axis[1] - axis[0]) ** latent


def log_normal(points: np.ndarray, mean: np.ndarray, variance: np.ndarray) -> np.ndarray:
    """Return the log density of independent Gaussians, (G, Z) points -> (G,)."""
    return -0.5 * ((points - mean) ** 2 / variance + np.log(2 * np.pi * variance)).sum(axis=1)


def exact_log_p(model: LatentModel, windows: np.ndarray, steps: int = 281) -> np.ndarray:
    """Return log p(x) of each window, by summing over a grid of latents."""
    points, volume = latent_grid(model.num_latents, steps=steps)
    prior = np.exp(log_normal(points, np.zeros(model.num_latents), np.ones(model.num_latents)))
    return np.array([np.log((np.exp(-model.negative_log_likelihood(
        points, np.repeat(window[None], len(points), axis=0))) * prior).sum() * volume)
        for window in windows])
