"""The context network in NumPy: a decoder that hears what it has played.

The latent says what a bar is; the frames already decoded say how it goes on. A sounding cell
sees the latent and the frames before it, near in pitch; an onset cell sees these and the
sounding cells of its frame, and can only lie where one sounds. So notes are held as notes, and
figures go on. The layers are shared by all frames and, on the context side, by all pitches: what
is learned at one place holds at every other.

The names of layers and sizes are those of :class:`qbdi_m21.model.context_vae.ContextVAE`.
"""

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

#: Windows that are worked on at a time: bounds memory to some 25 MB, and is fastest.
CHUNK = 16


class ContextModel(LatentModel):
    """Frame-wise encoder, and a decoder that is autoregressive over frames."""

    network = 'context'

    @classmethod
    def shapes(cls, spec: FrameSpec, sizes: dict[str, Any]) -> dict[str, tuple[Shape, ...]]:
        """Return the shapes of each layer's weights."""
        frames, pitches = spec.window_frames, spec.num_pitches
        hidden, latent, frame = sizes['hidden'], sizes['latent'], sizes['frame']
        maps, channels, onset = sizes['maps'], sizes['channels'], sizes['onset_channels']
        ends = {'encoder_frame': (2 * pitches, frame), 'encoder_hidden': (frames * frame, hidden),
                'encoder_mean': (hidden, latent), 'encoder_log_variance': (hidden, latent),
                'decoder_hidden': (latent, hidden), 'decoder_frame': (hidden, frames * frame),
                'decoder_pitch': (frame, pitches * maps), 'decoder_mix': (maps, channels),
                'decoder_sounding': (channels, 1), 'decoder_onset_mix': (channels, onset),
                'decoder_onset': (onset, 1)}
        convolutions = {'decoder_past': (sizes['width'], 2 * len(sizes['lags']), channels),
                        'decoder_onset_chord': (sizes['onset_width'], 1, onset)}
        return {**{name: (pair, pair[1:]) for name, pair in ends.items()},
                **{name: (kernel,) for name, kernel in convolutions.items()}}

    def counted(self, windows: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Return which cells the likelihood counts: an onset only where its cell sounds."""
        sounding = windows[..., :self.spec.num_pitches].astype(np.bool_)
        return np.concatenate([np.ones_like(sounding), sounding], axis=2)

    def _encode(self, windows: FloatArray) -> tuple[FloatArray, FloatArray]:
        w = self.weights
        frames = relu(dense(w['encoder_frame'], windows))
        hidden = relu(dense(w['encoder_hidden'], frames.reshape(
            len(windows), self.spec.window_frames * self.sizes['frame'])))
        return dense(w['encoder_mean'], hidden), dense(w['encoder_log_variance'], hidden)

    def _plan(self, latents: FloatArray) -> FloatArray:
        """Return what the latent alone gives to each cell, shape (N, W, P, channels)."""
        w, count, frames = self.weights, len(latents), self.spec.window_frames
        hidden = relu(dense(w['decoder_hidden'], latents))
        by_frame = dense(w['decoder_frame'], hidden).reshape(
            count, frames, self.sizes['frame'])
        maps = dense(w['decoder_pitch'], by_frame)
        return dense(w['decoder_mix'], maps.reshape(
            count, frames, self.spec.num_pitches, self.sizes['maps']))

    def _past(self, planes: FloatArray, places: list[int]) -> FloatArray:
        """Return what frames (N, T, P, 2) give at the lags of `places`, (N, T, P, lags, C)."""
        kernel, channels = self.weights['decoder_past'][0], self.sizes['channels']
        width, lags = len(kernel), len(places)
        kernel = kernel.reshape(width, -1, 2, channels)[:, places]
        # (width, lags, 2, channels) -> (width * 2, lags * channels): one product for all lags
        kernel = kernel.transpose(0, 2, 1, 3).reshape(width * 2, lags * channels)
        return np.asarray(near(planes, width) @ kernel).reshape(*planes.shape[:3], lags, channels)

    def _cell_logits(self, latents: FloatArray, windows: npt.NDArray[Any]) -> FloatArray:
        out = [self._forced(latents[k:k + CHUNK], windows[k:k + CHUNK])
               for k in range(0, len(latents), CHUNK)]
        return np.concatenate(out) if out else np.zeros(windows.shape, np.float32)

    def _forced(self, latents: FloatArray, windows: npt.NDArray[Any]) -> FloatArray:
        count, frames, _ = windows.shape
        w, pitches = self.weights, self.spec.num_pitches
        planes = windows.reshape(count, frames, 2, pitches).transpose(0, 1, 3, 2).astype(np.float32)
        cells = self._plan(latents)
        past = self._past(planes, list(range(len(self.sizes['lags']))))
        for place, lag in enumerate(self.sizes['lags']):
            cells[:, lag:] += past[:, :max(frames - lag, 0), :, place]
        cells = relu(cells)
        sounding = dense(w['decoder_sounding'], cells)[..., 0]
        return np.concatenate([sounding, self._onset(cells, planes[..., :1])], axis=2)

    def _onset(self, cells: FloatArray, chord: FloatArray) -> FloatArray:
        """Return the onset logits (N, T, P) of cells (N, T, P, C) and a chord (N, T, P, 1)."""
        kernel = self.weights['decoder_onset_chord'][0]
        seen = near(chord, len(kernel)) @ kernel[:, 0]
        seen += dense(self.weights['decoder_onset_mix'], cells)
        return dense(self.weights['decoder_onset'], relu(seen))[..., 0]

    def _decode(self, latents: FloatArray, sounding: CellChooser,
                onset: CellChooser) -> tuple[BoolArray, FloatArray]:
        count, frames, pitches = len(latents), self.spec.window_frames, self.spec.num_pitches
        cells = np.zeros((count, frames, 2 * pitches), dtype=np.bool_)
        probability = np.zeros(cells.shape, dtype=np.float32)
        plan = self._plan(latents)
        for frame in range(frames):
            here = relu(plan[:, frame:frame + 1])
            sounds = sigmoid(dense(self.weights['decoder_sounding'], here)[:, 0, :, 0])
            chord = sounding.choose(sounds)
            starts = sigmoid(self._onset(here, chord[:, None, :, None].astype(np.float32)))[:, 0]
            cells[:, frame] = np.concatenate([chord, onset.choose(starts, chord)], axis=1)
            probability[:, frame] = np.concatenate([sounds, starts], axis=1)
            planes = cells[:, frame].reshape(count, 1, 2, pitches).transpose(0, 1, 3, 2)
            later = [k for k, lag in enumerate(self.sizes['lags']) if frame + lag < frames]
            past = self._past(planes.astype(np.float32), later)
            for column, place in enumerate(later):
                plan[:, frame + self.sizes['lags'][place]] += past[:, 0, :, column]
        return cells, probability


def near(planes: FloatArray, width: int) -> FloatArray:
    """Return the neighbours in pitch of each cell, silence beyond the range.

    Parameters
    ----------
    planes : ndarray, shape (N, T, P, K)
    width : int
        Neighbours in all, the cell among them; as many above as below, or one more above.

    Returns
    -------
    ndarray, shape (N, T, P, width * K)
    """
    left, (count, frames, pitches, kinds) = (width - 1) // 2, planes.shape
    padded = np.zeros((count, frames, pitches + width - 1, kinds), planes.dtype)
    padded[:, :, left:left + pitches] = planes
    # neighbours lie side by side in memory: each cell's are a run
    runs = np.lib.stride_tricks.sliding_window_view(
        padded.reshape(count, frames, (pitches + width - 1) * kinds), width * kinds, axis=2)
    return np.ascontiguousarray(runs[:, :, ::kinds])
