"""The frames of the paper's author, bit for bit, with what they lose: preset 'dubnov2019'."""

from __future__ import annotations

import os
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from qbdi_m21.errors import ScoreError
from qbdi_m21.frames.grid import Bar, Grid
from qbdi_m21.frames.midi_events import METER, MidiEvents, read_events
from qbdi_m21.frames.ratios import IntArray
from qbdi_m21.frames.roll import PITCH_RANGE, Frames

#: The author reads on only while the meter has one of these numerators.
NUMERATORS = (2, 4)

_BAR_FRAMES, _BAR_QL = 16, Fraction(4)


def dubnov_frames(path: str | os.PathLike[str]) -> Frames:
    """Return the frames of a MIDI file as the paper's author read them.

    Parameters
    ----------
    path : path
        A Standard MIDI File of type 0 or 1 with at least 4 ticks a quarter.

    Returns
    -------
    Frames
        78 pitches from MIDI 24 on sixteenths; 4/4 bars of 16 frames from time 0, whatever the
        file's meter, the last as short as needed. There is always one frame, which may be
        silent. The author's matrix is ``np.hstack([frames.sounding, frames.onset])``.

    Raises
    ------
    ScoreError
        If the file is damaged, or too coarse.

    Notes
    -----
    Source: Dubnov 2019, section 3, and the function `midiToNoteStateMatrix` of his notebooks,
    which comes from dshieble/Music_RNN_RBM. Frames begin half a sixteenth before the
    sixteenths (from tick Q // 8 every Q // 4, where Q is the ticks a quarter), so that events go
    to the nearest one, the later of two. What that function does beyond this, and so does ours:

    - One state a pitch is shared by all tracks and channels, percussion too: any note-off
      silences the pitch for all.
    - The last event of a pitch in a frame counts: of events at one tick, that of the last track.
      A note that starts and ends inside a frame vanishes, and so does the onset of one that is
      struck and then switched off by another track.
    - A meter of another numerator than 2 or 4 ends the reading there: what later ticks hold is
      lost, and of its own tick the rest of its track and the tracks after it.
    - A note that is never switched off lasts to the last event of the file.
    """
    events = read_events(path)
    if events.quarter < 4:
        raise ScoreError(f'{os.fspath(path)} has {events.quarter} ticks a quarter; expected at '
                         'least 4 for sixteenths: export it with more')
    end, place = _end(events)
    in_range = (events.pitch >= PITCH_RANGE[0]) & (events.pitch < PITCH_RANGE[1])
    in_time = (events.tick < end) | (events.tick == end) & (np.arange(len(events.tick)) < place)
    rows = np.flatnonzero(in_range & in_time)
    shape = int(_frame(end, events.quarter)) + 1, PITCH_RANGE[1] - PITCH_RANGE[0]
    sounding, onset = _planes(
        _frame(events.tick[rows], events.quarter), events.tick[rows],
        events.pitch[rows] - PITCH_RANGE[0], events.velocity[rows] > 0, shape)
    return Frames(sounding, onset, Grid(_bars(shape[0]), Fraction(1, 4)), PITCH_RANGE[0])


def _end(events: MidiEvents) -> tuple[int, int]:
    """Return the last tick that is read, and how many of the file's note events may be at it."""
    ends = [(int(events.ends.max(initial=0)), len(events.tick))]
    for meta in events.metas:
        # of an empty meter nothing is known; it ends nothing
        if meta.kind == METER and meta.data and meta.data[0] not in NUMERATORS:
            ends.append((meta.tick, meta.before))
    return min(ends)


def _frame(tick: IntArray | int, quarter: int) -> IntArray:
    """Return the frame of each tick; the first one begins at time 0."""
    return np.asarray((tick - quarter // 8) // (quarter // 4) + 1, dtype=np.int64)


def _planes(frame: IntArray, tick: IntArray, pitch: IntArray, begins: npt.NDArray[np.bool_],
            shape: tuple[int, int]) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Return the held and the articulated cells, each of this shape."""
    order = np.lexsort((tick, pitch))       # stable: at one tick, track after track
    frame, pitch, begins = frame[order], pitch[order], begins[order]
    last = np.ones(len(order), dtype=np.bool_)
    last[:-1] = (pitch[1:] != pitch[:-1]) | (frame[1:] != frame[:-1])
    frame, pitch, begins = frame[last], pitch[last], begins[last]
    onset = np.zeros(shape, dtype=np.bool_)
    onset[frame, pitch] = begins
    before = np.zeros_like(begins)
    before[1:] = begins[:-1] & (pitch[1:] == pitch[:-1])
    # True where the state of a pitch changes; the running parity of changes is the state
    changes = np.zeros(shape, dtype=np.bool_)
    changes[frame, pitch] = begins != before
    return np.logical_xor.accumulate(changes, axis=0), onset


def _bars(frames: int) -> tuple[Bar, ...]:
    return tuple(Bar(number + 1, number * _BAR_QL,
                     Fraction(min(_BAR_FRAMES, frames - number * _BAR_FRAMES), 4))
                 for number in range(-(-frames // _BAR_FRAMES)))
