"""The context network in Keras; :class:`qbdi_m21.model.context.ContextModel` is its NumPy twin."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from qbdi_m21.model.vae import PACKAGE, VAE


@keras.saving.register_keras_serializable(package=PACKAGE)
class ContextVAE(VAE):
    """Frame-wise encoder, and a decoder that is autoregressive over frames.

    What each layer sees is told in :mod:`qbdi_m21.model.context`.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        sizes, linear = self.sizes, 1.0
        self.lags = list(sizes['lags'])
        # Keras stores a layer by its attribute only where that sorts before 'layers'
        self.input_dropout = self.dropout('input_dropout')
        self.encoder_frame = self.dense('encoder_frame', sizes['frame'], 'relu')
        self.encoder_hidden = self.dense('encoder_hidden', sizes['hidden'], 'relu')
        self.encoder_dropout = self.dropout('encoder_dropout')
        self.encoder_mean = self.dense('encoder_mean', sizes['latent'], scale=linear)
        self.encoder_log_variance = self.dense('encoder_log_variance', sizes['latent'], scale=0.01)
        self.decoder_hidden = self.dense('decoder_hidden', sizes['hidden'], 'relu')
        self.decoder_dropout = self.dropout('decoder_dropout')
        self.decoder_frame = self.dense('decoder_frame', self.frames * sizes['frame'], scale=linear)
        self.decoder_pitch = self.dense('decoder_pitch', self.pitches * sizes['maps'], scale=linear)
        self.decoder_mix = self.dense('decoder_mix', sizes['channels'], scale=linear)
        self.decoder_past = self._over_pitch('decoder_past', sizes['channels'], sizes['width'])
        # a cell sounds seldom: 1 in 20
        self.decoder_sounding = self.dense('decoder_sounding', 1, scale=linear, bias=-3.0)
        self.decoder_onset_chord = self._over_pitch(
            'decoder_onset_chord', sizes['onset_channels'], sizes['onset_width'])
        self.decoder_onset_mix = self.dense('decoder_onset_mix', sizes['onset_channels'],
                                            scale=linear)
        self.decoder_onset = self.dense('decoder_onset', 1, scale=linear)
        self.context_seed = keras.random.SeedGenerator(self.next_seed())

    def _over_pitch(self, name: str, channels: int, width: int) -> Any:
        return keras.layers.Conv1D(
            channels, width, padding='same', use_bias=False, name=name,
            kernel_initializer=keras.initializers.GlorotUniform(seed=self.next_seed()))

    def encode(self, windows: Any, training: bool = False) -> tuple[Any, Any]:
        """Return mean and log variance of the posterior of windows, (batch, Z) each."""
        cells = self.input_dropout(ops.cast(windows, 'float32'), training=training)
        frames = ops.reshape(self.encoder_frame(cells), (-1, self.frames * self.sizes['frame']))
        hidden = self.encoder_dropout(self.encoder_hidden(frames), training=training)
        return self.encoder_mean(hidden), self.encoder_log_variance(hidden)

    def cell_logits(self, latents: Any, windows: Any, training: bool = False) -> Any:
        """Return the logits of every cell of windows (batch, W, 2P), as the decoder meets them."""
        frames, pitches = self.frames, self.pitches
        hidden = self.decoder_dropout(self.decoder_hidden(latents), training=training)
        by_frame = ops.reshape(self.decoder_frame(hidden), (-1, frames, self.sizes['frame']))
        maps = ops.reshape(self.decoder_pitch(by_frame), (-1, pitches, self.sizes['maps']))
        cells = ops.relu(self.decoder_mix(maps) + self._context(windows, training))
        chord = ops.reshape(ops.cast(windows, 'float32')[..., :pitches], (-1, pitches, 1))
        onset = self.decoder_onset(ops.relu(
            self.decoder_onset_chord(chord) + self.decoder_onset_mix(cells)))
        return ops.concatenate([ops.reshape(plane, (-1, frames, pitches))
                                for plane in (self.decoder_sounding(cells), onset)], axis=2)

    def _context(self, windows: Any, training: bool) -> Any:
        """Return what the frames before give to each cell, (batch * W, P, channels)."""
        cells, frames = ops.cast(windows, 'float32'), self.frames
        earlier = [ops.pad(cells[:, :max(frames - lag, 0)], ((0, 0), (min(lag, frames), 0), (0, 0)))
                   for lag in self.lags]
        planes = ops.reshape(ops.concatenate(earlier, axis=2),
                             (-1, 2 * len(self.lags), self.pitches))
        context = self.decoder_past(ops.transpose(planes, (0, 2, 1)))
        if training and self.objective.context_dropout:
            kept = keras.random.uniform((ops.shape(context)[0], 1, 1), seed=self.context_seed)
            context = context * ops.cast(kept >= self.objective.context_dropout, 'float32')
        return context

    def counted(self, windows: Any) -> Any:
        """Return 1 for the cells that the likelihood counts: an onset only where one sounds."""
        sounding = windows[..., :self.pitches]
        return ops.concatenate([ops.ones_like(sounding), sounding], axis=2)
