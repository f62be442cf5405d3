"""MIDI files to note tables and frames, without music21: whole folders in moments."""

from __future__ import annotations

import os
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from qbdi_m21.errors import EmptyScoreError, ParameterError, ScoreError
from qbdi_m21.frames.grid import Bar
from qbdi_m21.frames.midi_events import KEY, METER, TEMPO, TRACK_NAME, MidiEvents, read_events
from qbdi_m21.frames.raster import table_to_frames
from qbdi_m21.frames.ratios import IntArray, reduced
from qbdi_m21.frames.roll import Frames
from qbdi_m21.frames.table import NoteTable, Tempo, make_note_table

#: General MIDI's percussion channel, counted from 0.
PERCUSSION = 9

#: Shortest unit of a time signature.
MAX_DENOMINATOR = 128

#: Most bars of a file that is read.
MAX_BARS = 100_000

#: Parts of a tick in which every bar up to N/MAX_DENOMINATOR is whole.
_FINE = MAX_DENOMINATOR // 4


def read_midi(path: str | os.PathLike[str]) -> NoteTable:
    """Return the notes of a MIDI file as a note table.

    Parameters
    ----------
    path : path
        A Standard MIDI File of type 0 or 1 with ticks a quarter.

    Returns
    -------
    NoteTable
        With velocities, the names of the parts and the tempi.

    Raises
    ------
    ScoreError
        If the file is damaged or cut short, of type 2 or in SMPTE time, or beyond the bounds
        of :func:`read_events` and `MAX_BARS`.
    EmptyScoreError
        If it holds no pitched note.

    Notes
    -----
    How events become notes:

    - Each track and channel with notes is a part, in that order, and is named after its track
      (the last name given; ``'Track 3'`` without one). Programs do not matter. The percussion
      channel, 10, is left out.
    - A note-off, or a note-on of velocity 0, ends the earliest open note of its track, channel
      and pitch. One that finds none is passed over.
    - A note that is never switched off lasts to the last event of its track. Notes of no length
      are left out.
    - Onsets and ends are exact: ticks over ticks a quarter.

    How bars come about:

    - Meters, keys and tempi hold for all tracks, whichever track has them; of several at one
      tick the last in the file counts.
    - Bars are 4/4 until the first meter, and follow each other from time 0 to the end of the
      last note. A meter that comes inside a bar cuts it short. A key that comes inside a bar
      holds from the next bar on.
    """
    events = read_events(path)
    quarter = events.quarter
    start, stop, source = _pair(events)
    count = len(source)
    if not count:
        what = 'only percussion' if (events.channel == PERCUSSION).any() else 'no note'
        raise EmptyScoreError(f'{os.fspath(path)} holds {what}; expected pitched notes')
    bars, starts = _bars(events, int(stop.max()), path)
    times = reduced(np.concatenate([start, stop - start]), quarter)
    # the notes come sorted by track and channel
    voice = events.track[source] << 4 | events.channel[source]
    fresh = _changed(voice)
    names = {meta.track: _text(meta.data) for meta in events.metas if meta.kind == TRACK_NAME}
    return make_note_table(
        bars, onset=times[:count], duration=times[count:], pitch=events.pitch[source],
        velocity=events.velocity[source], part=np.cumsum(fresh) - 1,
        bar=np.searchsorted(starts, start * _FINE, side='right') - 1,
        part_names=[names.get(track) or f'Track {track + 1}'
                    for track in (voice[fresh] >> 4).tolist()],
        tempi=_tempi(events, bars[-1].end_ql, path))


def _changed(values: IntArray) -> npt.NDArray[np.bool_]:
    """Return where values differ from the one before, the first included."""
    changed = np.ones(len(values), dtype=np.bool_)
    np.not_equal(values[1:], values[:-1], out=changed[1:])
    return changed


def _pair(events: MidiEvents) -> tuple[IntArray, IntArray, IntArray]:
    """Return start and end tick of each pitched note, and the event that starts it.

    They come by track, channel, pitch and start. The k-th note-on of those belongs to the k-th
    note-off that finds a note open: one that finds none takes the count of open notes to a new
    low.
    """
    pitched = np.flatnonzero(events.channel != PERCUSSION)
    voice = ((events.track << 4 | events.channel) << 7 | events.pitch)[pitched]
    order = np.argsort(voice, kind='stable')
    voice, order = voice[order], pitched[order]
    begins = events.velocity[order] > 0
    fresh = _changed(voice)
    group = np.cumsum(fresh) - 1
    step = np.where(begins, 1, -1)
    total = np.cumsum(step)
    open_notes = total - (total - step)[fresh][group]
    # each group lies below all before it, so that one running minimum serves them all
    fall = group * (len(order) + 1)
    low = np.minimum.accumulate(open_notes - fall) + fall
    low_before = np.zeros_like(low)
    np.minimum(low[:-1], 0, out=low_before[1:])
    low_before[fresh] = 0
    ends = ~begins & (open_notes >= low_before)
    begun, ended = group[begins], np.bincount(group[ends], minlength=len(order))
    place = np.arange(len(begun)) - np.searchsorted(begun, begun)
    source = order[begins]
    stop = events.ends[events.track[source]]
    stop[place < ended[begun]] = events.tick[order[ends]]
    start = events.tick[source]
    held = stop > start
    return start[held], stop[held], source[held]


def _text(data: bytes) -> str:
    """Return a name without control characters, which some programs write instead of none."""
    try:
        text = data.decode('utf-8')
    except UnicodeDecodeError:
        text = data.decode('latin-1')
    return ''.join(c if c.isprintable() else ' ' for c in text).strip()


def _changes(events: MidiEvents, kind: int, size: int,
             path: str | os.PathLike[str]) -> list[tuple[int, bytes]]:
    """Return (tick, data) of one kind of meta event, in order of time."""
    last = {meta.tick: meta.data for meta in events.metas if meta.kind == kind}
    for tick, data in last.items():
        if len(data) < size:
            raise ScoreError(f'{os.fspath(path)} has a meta event 0x{kind:X} of {len(data)} bytes '
                             f'at tick {tick}; expected {size}: the file is damaged')
    return sorted(last.items())


def _meters(events: MidiEvents, path: str | os.PathLike[str]) -> list[tuple[int, int, int]]:
    """Return (tick, numerator, denominator) in order of time."""
    meters = []
    for tick, data in _changes(events, METER, 2, path):
        if not data[0] or data[1] > MAX_DENOMINATOR.bit_length() - 1:
            raise ScoreError(f'{os.fspath(path)} has the time signature {data[0]}/2^{data[1]} at '
                             f'tick {tick}; expected one up to N/{MAX_DENOMINATOR}: the file is '
                             'damaged')
        meters.append((tick, data[0], 1 << data[1]))
    return meters


def _keys(events: MidiEvents, path: str | os.PathLike[str]) -> list[tuple[int, int]]:
    """Return (tick, sharps) in order of time."""
    keys = []
    for tick, data in _changes(events, KEY, 2, path):
        sharps = (data[0] ^ 128) - 128
        if abs(sharps) > 7:
            raise ScoreError(f'{os.fspath(path)} has a key signature of {sharps} sharps at tick '
                             f'{tick}; expected -7 to 7: the file is damaged')
        keys.append((tick, sharps))
    return keys


def _tempi(events: MidiEvents, end_ql: Fraction,
           path: str | os.PathLike[str]) -> list[Tempo]:
    """Return the tempi that begin before the end of the bars."""
    tempi = []
    for tick, data in _changes(events, TEMPO, 3, path):
        length = int.from_bytes(data[:3], 'big')
        if not length:
            raise ScoreError(f'{os.fspath(path)} has a quarter of 0 microseconds at tick {tick}; '
                             'expected a tempo above 0: the file is damaged')
        onset = Fraction(tick, events.quarter)
        if onset < end_ql:
            tempi.append(Tempo(onset, 60_000_000 / length))
    return tempi


def _bars(events: MidiEvents, end: int,
          path: str | os.PathLike[str]) -> tuple[tuple[Bar, ...], IntArray]:
    """Return bars up to a tick, and where they start in `_FINE` parts of a tick."""
    meters, keys = _meters(events, path)[::-1], _keys(events, path)[::-1]
    unit = events.quarter * _FINE
    bars: list[Bar] = []
    starts: list[int] = []
    position, over, under, sharps = 0, 4, 4, 0
    whole = whole_ql = beat_ql = None
    while position < end * _FINE:
        while meters and meters[-1][0] * _FINE <= position:
            _, over, under = meters.pop()
            whole = None
        while keys and keys[-1][0] * _FINE <= position:
            sharps = keys.pop()[1]
        if whole is None or whole_ql is None or beat_ql is None:
            whole, whole_ql = 4 * over * unit // under, Fraction(4 * over, under)
            compound = over % 3 == 0 and over > 3 and under >= 8
            beat_ql = Fraction(12 if compound else 4, under)
        length, length_ql = whole, whole_ql
        if meters and meters[-1][0] * _FINE < position + whole:
            length = meters[-1][0] * _FINE - position
            length_ql = Fraction(length, unit)
        bars.append(Bar(len(bars) + 1, Fraction(position, unit), length_ql, f'{over}/{under}',
                        beat_ql, Fraction(0), sharps))
        starts.append(position)
        if len(bars) > MAX_BARS:
            raise ScoreError(f'{os.fspath(path)} has more than {MAX_BARS} bars; it is damaged')
        position += length
    return tuple(bars), np.array(starts, dtype=np.int64)


def from_midi(path: str | os.PathLike[str], *, preset: str | None = None,
              **options: Any) -> Frames:
    """Return the frames of a MIDI file, without music21.

    Parameters
    ----------
    path : path
        A Standard MIDI File.
    preset : str, optional
        'dubnov2019' reads as the paper's author did, bit for bit, with what that loses
        (:func:`qbdi_m21.frames.dubnov.dubnov_frames`). No other option goes with it.
    **options
        Those of :func:`to_frames`.

    Raises
    ------
    ScoreError
        If the file is damaged.
    ParameterError
        If the preset is unknown.
    """
    if preset is None:
        return table_to_frames(read_midi(path), **options)
    if preset != 'dubnov2019':
        raise ParameterError(f"preset is {preset!r}; expected 'dubnov2019' or None")
    if options:
        raise ParameterError(f'{", ".join(options)} was given with preset {preset!r}, which has '
                             'its own')
    from qbdi_m21.frames.dubnov import dubnov_frames
    return dubnov_frames(path)
