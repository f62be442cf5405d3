"""Changing windows at random while training: in TensorFlow, beside the updates.

Each function takes windows (N, W, 2P) of uint8, 0 or 1, and gives the same shape.
"""

from __future__ import annotations

from typing import Any

import tensorflow as tf

#: The notes of a band change between sounding and silence at one eighth in three.
SWITCH = 0.35

#: A part of a mixed window moves an octave up, and as often down, with this probability.
OCTAVE = 0.25

#: A band of a thinned window sounds throughout with this probability.
KEEP = 0.4


def transpose_windows(windows: Any, semitones: Any) -> Any:
    """Return windows moved by semitones (N,); cells that leave the range are lost."""
    frames, pitches = windows.shape[1], windows.shape[2] // 2
    # pitches first: rows of bytes are gathered, which is three times as fast as single ones
    by_pitch = tf.transpose(tf.reshape(windows, (-1, 2 * frames, pitches)), (0, 2, 1))
    source = tf.range(pitches, dtype=tf.int64)[None] - tf.cast(semitones, tf.int64)[:, None]
    inside = tf.cast((source >= 0) & (source < pitches), windows.dtype)
    moved = tf.gather(by_pitch, tf.clip_by_value(source, 0, pitches - 1), axis=1, batch_dims=1)
    return tf.reshape(tf.transpose(moved * inside[..., None], (0, 2, 1)),
                      (-1, frames, 2 * pitches))


def mix_windows(windows: Any, partners: Any, share: float, seed: Any) -> Any:
    """Return windows of which a share has the upper notes of its partner.

    Parameters
    ----------
    windows, partners : tensor of uint8, shape (N, W, 2P)
        A pitch of the partner divides both.
    share : float
        Of the windows that are mixed.
    seed : tensor of int, shape (2,)
        The same seed, the same windows.
    """
    uniform = _uniform(windows, seed, 5)
    pitches = windows.shape[2] // 2
    upper = _upper(partners[..., :pitches], uniform)
    upper = tf.cast(tf.concat([upper, upper], axis=1), windows.dtype)[:, None]

    def octaves() -> Any:
        step = uniform()
        return 12 * (tf.cast(step < OCTAVE, tf.int32) - tf.cast(step >= 1 - OCTAVE, tf.int32))

    parts = [transpose_windows(part, octaves())
             for part in (partners * upper, windows * (1 - upper))]
    return tf.where(uniform(1, 1) < share, tf.maximum(*parts), windows)


def thin_windows(windows: Any, share: float, seed: Any) -> Any:
    """Return windows of which a share has a thinner texture.

    A pitch of the window divides it into two bands; each band sounds throughout, or comes and
    goes by pairs of frames. A note that comes back starts anew: it has an onset.

    Parameters
    ----------
    windows : tensor of uint8, shape (N, W, 2P)
    share : float
        Of the windows that are thinned.
    seed : tensor of int, shape (2,)
        The same seed, the same windows.
    """
    frames, pitches = windows.shape[1], windows.shape[2] // 2
    sounding, onset = windows[..., :pitches], windows[..., pitches:]
    uniform = _uniform(windows, seed, 8)
    upper = _upper(sounding, uniform)

    def gate() -> Any:
        pairs = -(-frames // 2)
        switches = tf.cast(uniform(pairs) < SWITCH, tf.int32)
        first = tf.cast(uniform(1) < 0.5, tf.int32)
        is_on = tf.math.floormod(first + tf.cumsum(switches, axis=1), 2) > 0
        return tf.repeat(is_on, 2, axis=1)[:, :frames] | (uniform(1) < KEEP)

    high, low = gate(), gate()
    kept = tf.where(upper[:, None], high[:, :, None], low[:, :, None])
    kept |= uniform(1, 1) >= share
    sounding *= tf.cast(kept, windows.dtype)
    # a first frame may hold a note over the barline; later ones only what sounded before
    before = tf.concat([tf.ones_like(sounding[:, :1]), sounding[:, :-1]], axis=1)
    return tf.concat([sounding, tf.maximum(onset * sounding, sounding * (1 - before))], axis=2)


def _uniform(windows: Any, seed: Any, draws: int) -> Any:
    """Return a function that draws numbers from 0 to 1 for each window, each time others."""
    seeds = iter(tf.unstack(tf.random.experimental.stateless_split(seed, draws)))
    return lambda *shape: tf.random.stateless_uniform((tf.shape(windows)[0], *shape), next(seeds))


def _upper(sounding: Any, uniform: Any) -> Any:
    """Return which pitches lie at or above one that sounds, chosen at random, shape (N, P)."""
    pitches = sounding.shape[2]
    # the pitch of the largest of random numbers, one for each pitch that sounds
    used = tf.cast(tf.reduce_max(sounding, axis=1), tf.float32)
    division = tf.argmax(used * uniform(pitches), axis=1)
    return tf.range(pitches, dtype=tf.int64)[None] >= division[:, None]
