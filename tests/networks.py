"""Small networks with random weights, for tests."""

import numpy as np

from qbdi_m21.model.context import ContextModel
from qbdi_m21.model.dense import DenseModel
from qbdi_m21.model.inference import LatentModel
from qbdi_m21.model.spec import FrameSpec

SPEC = FrameSpec(pitch_low=60, pitch_high=72, window_frames=6)
SIZES = {
    'dense': {'hidden': 7, 'latent': 3},
    'context': {'hidden': 7, 'latent': 3, 'frame': 5, 'maps': 2, 'channels': 4,
                'onset_channels': 3, 'lags': [1, 2, 4], 'width': 5, 'onset_width': 3}}
NETWORKS = {'dense': DenseModel, 'context': ContextModel}


def random_model(network: str = 'dense', seed: int = 0, spec: FrameSpec = SPEC,
                 sizes: dict | None = None, **changes) -> LatentModel:
    """Return a network whose weights are random numbers of moderate size."""
    rng = np.random.default_rng(seed)
    sizes = sizes or SIZES[network]
    weights = {name: tuple(rng.normal(0, 0.5, shape).astype(np.float32) for shape in shapes)
               for name, shapes in NETWORKS[network].shapes(spec, sizes).items()}
    statistics = np.ones(sizes['latent'], np.float32)
    values = {'mean': 0 * statistics, 'variance': statistics, 'posterior_variance': statistics}
    return NETWORKS[network](spec, sizes, weights, **{**values, **changes})


def random_windows(count: int, spec: FrameSpec = SPEC, seed: int = 1,
                   density: float = 0.3) -> np.ndarray:
    """Return windows of random cells whose onsets lie where cells sound."""
    rng = np.random.default_rng(seed)
    sounding = rng.random((count, spec.window_frames, spec.num_pitches)) < density
    onset = sounding & (rng.random(sounding.shape) < 0.5)
    return np.concatenate([sounding, onset], axis=2)
