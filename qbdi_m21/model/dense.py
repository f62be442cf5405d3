"""The paper's network in NumPy: two dense layers each way (Dubnov 2019, section 3)."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from qbdi_m21.model.decoding import CellChooser
from qbdi_m21.model.inference import (
    BoolArray,
    FloatArray,
    LatentModel,
    Shape,
    dense,
    relu,
    sigmoid,
)
from qbdi_m21.model.spec import FrameSpec


class DenseModel(LatentModel):
    """Cells - hidden - latents - hidden - cells, ReLU; every cell is decoded by itself."""

    network = 'dense'

    @classmethod
    def shapes(cls, spec: FrameSpec, sizes: dict[str, Any]) -> dict[str, tuple[Shape, ...]]:
        """Return the shapes of each layer's weights."""
        cells, hidden, latent = spec.num_inputs, sizes['hidden'], sizes['latent']
        ends = {'encoder_hidden': (cells, hidden), 'encoder_mean': (hidden, latent),
                'encoder_log_variance': (hidden, latent), 'decoder_hidden': (latent, hidden),
                'decoder_logits': (hidden, cells)}
        return {name: (pair, pair[1:]) for name, pair in ends.items()}

    def _encode(self, windows: FloatArray) -> tuple[FloatArray, FloatArray]:
        hidden = relu(dense(self.weights['encoder_hidden'], windows.reshape(
            len(windows), self.spec.num_inputs)))
        return (dense(self.weights['encoder_mean'], hidden),
                dense(self.weights['encoder_log_variance'], hidden))

    def _cell_logits(self, latents: FloatArray, windows: npt.NDArray[Any]) -> FloatArray:
        return self._logits(latents)

    def _logits(self, latents: FloatArray) -> FloatArray:
        hidden = relu(dense(self.weights['decoder_hidden'], latents))
        return dense(self.weights['decoder_logits'], hidden).reshape(
            len(latents), self.spec.window_frames, 2 * self.spec.num_pitches)

    def _decode(self, latents: FloatArray, sounding: CellChooser,
                onset: CellChooser) -> tuple[BoolArray, FloatArray]:
        probability, pitches = sigmoid(self._logits(latents)), self.spec.num_pitches
        cells = np.zeros(probability.shape, dtype=np.bool_)
        for frame in range(self.spec.window_frames):
            sounds = sounding.choose(probability[:, frame, :pitches])
            cells[:, frame, :pitches] = sounds
            cells[:, frame, pitches:] = onset.choose(probability[:, frame, pitches:], sounds)
        return cells, probability
