"""Small presets and a small training set, for tests of training."""

import numpy as np
from networks import SIZES

from qbdi_m21.model.presets import Augmentation, Objective, Preset
from qbdi_m21.model.spec import FrameSpec
from qbdi_m21.model.training_set import TrainingSet

SPEC = FrameSpec(pitch_low=60, pitch_high=72, window_frames=8)
DENSE = {'hidden': 16, 'latent': 4}

SMALL = {
    'by work': Preset('dense', DENSE, None, 5, 60, 0.01, round_updates=20, threshold=0.6),
    'by window': Preset('dense', DENSE, 8, 8, 60, 0.01, round_updates=10),
    'context': Preset(
        'context', {**SIZES['context'], 'hidden': 16, 'latent': 4}, 16, 16, 60, 0.01,
        objective=Objective(free_nats=1, warmup=20, dropout=0.1, context_dropout=0.3),
        average=0.9, augmentation=Augmentation(transpose=2, mix=0.3, thin=0.3), round_updates=20)}


def make_data(held_out: bool = True) -> TrainingSet:
    """Return six works of ten bars: each a chord of its own that moves a little."""
    rng = np.random.default_rng(0)
    windows = np.zeros((60, 8, 24), bool)
    for row in range(60):
        for pitch in (row // 10, row // 10 + 4, int(rng.integers(12))):
            windows[row, :, pitch] = True
            windows[row, 0, 12 + pitch] = True
    split = [0, 0, 0, 0, 1, 2] if held_out else [0] * 6
    return TrainingSet(windows, np.repeat(np.arange(6), 10), tuple('abcdef'), np.array(split), SPEC,
                       {'title': 'chords'})
