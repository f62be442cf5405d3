"""Note tables to MIDI files that read back as the same notes and bars."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Iterator
from fractions import Fraction

import mido
import numpy as np

from qbdi_m21.errors import FramesError, ParameterError, QuantizationWarning, SourceWarning, warn
from qbdi_m21.files import write_aside
from qbdi_m21.frames.grid import Bar
from qbdi_m21.frames.midi import MAX_DENOMINATOR, PERCUSSION
from qbdi_m21.frames.ratios import IntArray
from qbdi_m21.frames.table import NoteTable

#: Most ticks a quarter, and longest time between two events in ticks, that the format holds.
MAX_QUARTER, MAX_DELTA = 0x7FFF, 0x0FFF_FFFF

#: Most tracks of a file.
MAX_TRACKS = 0x7FFF

#: Fewest ticks a quarter that are written: what programs expect.
MIN_QUARTER = 480

#: Ticks a quarter where none would be exact: 2^5 * 3^3 * 5 * 7.
ROUNDED_QUARTER = 30_240

_CHANNELS = tuple(channel for channel in range(16) if channel != PERCUSSION)
_MAX_NUMERATOR = 255
_SLOWEST = 0xFF_FFFF    # microseconds a quarter
_KEYS = ('Cb', 'Gb', 'Db', 'Ab', 'Eb', 'Bb', 'F', 'C', 'G', 'D', 'A', 'E', 'B', 'F#', 'C#')


def write_midi(table: NoteTable, path: str | os.PathLike[str], *, velocity: int = 80) -> None:
    """Write a note table as a Standard MIDI File of type 1.

    Parameters
    ----------
    table : NoteTable
    path : path
        The file to write; it is written aside and renamed, and the same table gives the same
        bytes.
    velocity : int
        From 1 to 127; for notes whose own velocity is 0.

    Raises
    ------
    ParameterError
        If the velocity is out of range or the file cannot be written.
    FramesError
        If the table has more than MIDI holds, or a tempo is not above 0.

    Warns
    -----
    QuantizationWarning
        If MIDI holds no unit that is exact: notes, bars and tempi go to the nearest tick.
    SourceWarning
        If notes have no length (grace notes): MIDI has none, and they are left out.

    Notes
    -----
    - The first track holds tempi, meters and keys; then comes a track a part, with its name and
      a channel of its own, the percussion channel left out. The 16th part shares the channel of
      the first, and so on.
    - :func:`read_midi` gives back the notes: onset, duration, pitch, velocity, and part where
      every part has a note. Where a note lies inside a longer one of its pitch and part, the
      two exchange their ends: MIDI does not say which of them ends first.
    - It gives back the barlines too, but for bars after the last note. A bar that is shorter or
      longer than its meter is written as a bar of a meter of that length, and the meter
      resumes after it: a pickup of a quarter to 4/4 reads as a bar of 1/4. Where no meter has
      that length (a third of a quarter), the next meter cuts the bar. More than 1020 quarters
      are no bar.
    - Keys of more than seven sharps or flats are written enharmonically. Tempi are whole
      microseconds a quarter, as MIDI has them, and 3.58 quarters a minute at least.
    """
    if velocity not in range(1, 128):
        raise ParameterError(f'velocity is {velocity}; expected 1 to 127')
    count = max(len(table.part_names), int(table.part.max(initial=-1)) + 1)
    if count >= MAX_TRACKS or table.velocity.max(initial=0) > 127:
        raise FramesError(f'the table has {count} parts and velocities up to '
                          f'{table.velocity.max(initial=0)}; MIDI holds {MAX_TRACKS - 1} and 127')
    held = table.select(table.duration[:, 0] > 0)
    if len(held) < len(table):
        warn(f'{len(table) - len(held)} of {len(table)} notes have no length (grace notes) and '
             'were left out', SourceWarning)
    quarter, exact = _ticks_a_quarter(held)
    start, stop, moved = _ticks(held, quarter)
    if not exact:
        warn(f'MIDI holds no unit for all times here; {moved} of {len(held)} notes moved to the '
             f'nearest of {quarter} ticks a quarter', QuantizationWarning)
    midi = mido.MidiFile(type=1, ticks_per_beat=quarter, charset='utf-8')
    midi.tracks.append(_track(_conductor(held, quarter)))
    loudness = np.where(held.velocity > 0, held.velocity, int(velocity))
    for part in range(count):
        name = table.part_names[part] if part < len(table.part_names) else ''
        rows = held.part == part
        midi.tracks.append(_track(_part(
            name, _CHANNELS[part % len(_CHANNELS)], start[rows], stop[rows], held.pitch[rows],
            loudness[rows])))
    with write_aside(path) as aside:
        midi.save(aside)


def _ticks_a_quarter(table: NoteTable) -> tuple[int, bool]:
    """Return a unit, and whether all times are whole in it; else it suits most divisions."""
    times = {int(d) for column in (table.onset, table.duration) for d in np.unique(column[:, 1])}
    times |= {time.denominator for bar in table.bars for time in (bar.start_ql, bar.length_ql)}
    times |= {tempo.onset_ql.denominator for tempo in table.tempi}
    end = max([bar.end_ql for bar in table.bars] + [table.end_at(k) for k in _last(table)]
              + [tempo.onset_ql for tempo in table.tempi], default=Fraction(0))
    # no time between two events is then too long
    most = min(MAX_QUARTER, MAX_DELTA // max(1, math.ceil(end)))
    if not most:
        raise FramesError(f'the table lasts {float(end):.3g} quarters; MIDI holds {MAX_DELTA}')
    exact = math.lcm(*times)
    if exact > most:
        return min(ROUNDED_QUARTER, most), False
    return exact * min(-(-MIN_QUARTER // exact), most // exact), True


def _last(table: NoteTable) -> list[int]:
    """Return the row that ends last, if there is one."""
    return [int(np.argmax(table.onset_ql + table.duration_ql))] if len(table) else []


def _ticks(table: NoteTable, quarter: int) -> tuple[IntArray, IntArray, int]:
    """Return where notes start and stop in ticks, and how many were moved."""
    onset, end = ((column[:, 0] * quarter, column[:, 1]) for column in (table.onset, table.end))
    start, stop = ((2 * over + under) // (2 * under) for over, under in (onset, end))
    stop = np.maximum(stop, start + 1)
    moved = (start * onset[1] != onset[0]) | (stop * end[1] != end[0])
    return start, stop, int(np.count_nonzero(moved))


def _track(messages: Iterable[tuple[int, mido.Message | mido.MetaMessage]]) -> mido.MidiTrack:
    """Return a track of messages at ticks, which may come in any order."""
    track, now = mido.MidiTrack(), 0
    for tick, message in sorted(messages, key=lambda pair: pair[0]):
        track.append(message.copy(time=tick - now))
        now = tick
    return track


def _part(name: str, channel: int, start: IntArray, stop: IntArray, pitch: IntArray,
          velocity: IntArray) -> Iterator[tuple[int, mido.Message | mido.MetaMessage]]:
    """Give the messages of one part; at one tick, notes end before others begin."""
    # what UTF-8 cannot hold would stop the whole file
    name = name.encode('utf-8', 'replace').decode('utf-8')
    if name:
        yield 0, mido.MetaMessage('track_name', name=name)
    for tick, key in zip(stop.tolist(), pitch.tolist(), strict=True):
        yield tick, mido.Message('note_off', channel=channel, note=key)
    # of equal starts and pitches the note that ends first comes first, as the table sorts them
    for tick, key, strength in zip(start.tolist(), pitch.tolist(), velocity.tolist(),
                                   strict=True):
        yield tick, mido.Message('note_on', channel=channel, note=key, velocity=strength)


def _conductor(table: NoteTable, quarter: int) -> Iterator[tuple[int, mido.MetaMessage]]:
    """Give tempi, meters and keys."""
    for tempo in table.tempi:
        if not tempo.quarters_per_minute > 0:
            raise FramesError(f'the tempo at {tempo.onset_ql} quarters is '
                              f'{tempo.quarters_per_minute}; expected one above 0')
        length = max(1, min(_SLOWEST, round(60_000_000 / tempo.quarters_per_minute)))
        yield _tick(tempo.onset_ql, quarter), mido.MetaMessage('set_tempo', tempo=length)
    for start, over, under in _meters(table.bars):
        yield _tick(start, quarter), mido.MetaMessage(
            'time_signature', numerator=over, denominator=under)
    sharps = None
    for bar in table.bars:
        if bar.sharps != sharps:
            sharps = bar.sharps
            # the enharmonic key nearest to C
            written = sharps if abs(sharps) <= 7 else (sharps + 5) % 12 - 5
            yield _tick(bar.start_ql, quarter), mido.MetaMessage(
                'key_signature', key=_KEYS[written + 7])


def _tick(time_ql: Fraction, quarter: int) -> int:
    return math.floor(time_ql * quarter + Fraction(1, 2))


def _meters(bars: tuple[Bar, ...]) -> Iterator[tuple[Fraction, int, int]]:
    """Give start, numerator and denominator of each meter that makes these bars."""
    current, cut = None, False
    for bar in bars:
        over, under, whole = _meter(bar)
        if (over, under) != current or cut:
            yield bar.start_ql, over, under
        current, cut = (over, under), not whole


def _meter(bar: Bar) -> tuple[int, int, bool]:
    """Return the meter as which a bar is written, and whether its length is the bar's."""
    over, under = (int(number) for number in bar.meter.split('/'))
    units = [2 ** power for power in range(MAX_DENOMINATOR.bit_length())]
    if under not in units:
        under = 4
    elif bar.length_ql == Fraction(4 * over, under) and over <= _MAX_NUMERATOR:
        return over, under, True
    for unit in [under, *units]:
        count = bar.length_ql * unit / 4
        if count.denominator == 1 and 1 <= count <= _MAX_NUMERATOR:
            return int(count), unit, True
    fitting = [unit for unit in [under, *units] if bar.length_ql * unit <= 4 * _MAX_NUMERATOR]
    unit = fitting[0] if fitting else 1
    return min(math.ceil(bar.length_ql * unit / 4), _MAX_NUMERATOR), unit, False
