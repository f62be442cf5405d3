"""Standard MIDI Files to arrays of note events, byte by byte and within bounds.

The format is that of the Standard MIDI Files 1.0 (MIDI Manufacturers Association 1996). What is
outside it is an error that names the place; nothing is guessed but that a running status lasts
beyond meta events and system exclusives, which many programs write.
"""

from __future__ import annotations

import os
from array import array
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from qbdi_m21.errors import ScoreError
from qbdi_m21.frames.ratios import IntArray

#: Largest file that is read, in bytes.
MAX_BYTES = 2 ** 24

#: Most note-ons and note-offs of a file.
MAX_EVENTS = 1_000_000

#: Longest piece that is read, in quarter lengths: about 28 hours at 120.
MAX_QL = 200_000

#: Names, tempi, meters and keys that a file may hold.
MAX_CHANGES = 100_000

#: Meta events that are kept.
TRACK_NAME, TEMPO, METER, KEY = 0x03, 0x51, 0x58, 0x59

_NOTE_ON, _META, _LARGEST = 0x90, 0xFF, 0x0FFF_FFFF


@dataclass(frozen=True)
class Meta:
    """One meta event: its tick, its track, how many note events come before it in the file."""

    tick: int
    track: int
    before: int
    kind: int
    data: bytes


@dataclass(frozen=True)
class MidiEvents:
    """What a MIDI file says, in the order of its bytes: track after track.

    Attributes
    ----------
    quarter : int
        Ticks a quarter.
    tick, track, channel, pitch : ndarray of int64, shape (N,)
        The note-ons and note-offs; tracks and channels count from 0.
    velocity : ndarray of int64, shape (N,)
        0 where the event ends a note: a note-off, or a note-on of velocity 0.
    ends : ndarray of int64, shape (K,)
        Tick of the last event of each track.
    metas : tuple of Meta
        Track names, tempi, meters and keys.
    """

    quarter: int
    tick: IntArray
    track: IntArray
    channel: IntArray
    pitch: IntArray
    velocity: IntArray
    ends: IntArray
    metas: tuple[Meta, ...]


class _DamageError(Exception):
    """What is wrong with a track, and at which of its bytes."""


def read_events(path: str | os.PathLike[str]) -> MidiEvents:
    """Return the note events and headings of a MIDI file of type 0 or 1.

    Raises
    ------
    ScoreError
        If the file is damaged or cut short, of type 2 or in SMPTE time, or beyond `MAX_BYTES`,
        `MAX_EVENTS`, `MAX_CHANGES` or `MAX_QL`.
    """
    content = _content(Path(path))
    quarter, chunks = _chunks(content, path)
    ticks: array[int] = array('q')
    notes = bytearray()
    metas: list[Meta] = []
    counts, ends = [], []
    for track, (start, stop) in enumerate(chunks):
        before = len(ticks)
        try:
            ends.append(_read_track(content[start:stop], track, MAX_QL * quarter, ticks, notes,
                                    metas))
        except _DamageError as damage:
            what, at = damage.args
            raise _unreadable(path, f'{what} (track {track + 1}, byte {start + at})') from None
        counts.append(len(ticks) - before)
        if len(ticks) > MAX_EVENTS:
            raise _unreadable(path, f'it holds more than {MAX_EVENTS} note events')
    status, pitch, velocity = np.array(notes, dtype=np.int64).reshape(-1, 3).T
    return MidiEvents(
        quarter, tick=np.array(ticks, dtype=np.int64),
        track=np.repeat(np.arange(len(counts)), counts), channel=status & 15, pitch=pitch,
        velocity=velocity * (status >= _NOTE_ON), ends=np.array(ends, dtype=np.int64),
        metas=tuple(metas))


def _unreadable(path: str | os.PathLike[str], what: str) -> ScoreError:
    return ScoreError(f'{os.fspath(path)} cannot be read as MIDI: {what}; expected a whole '
                      'Standard MIDI File: export it again')


def _content(path: Path) -> bytes:
    try:
        with path.open('rb') as file:
            # as much as asked for is allocated at once
            content = file.read(min(os.fstat(file.fileno()).st_size, MAX_BYTES) + 1)
    except OSError as error:
        raise _unreadable(path, f'{error.strerror or error}') from error
    if len(content) > MAX_BYTES:
        raise _unreadable(path, f'it is larger than {MAX_BYTES} bytes')
    return content


def _chunks(content: bytes, path: str | os.PathLike[str]) -> tuple[int, list[tuple[int, int]]]:
    """Return the ticks a quarter, and where the data of each track start and stop."""
    size = int.from_bytes(content[4:8], 'big')
    if content[:4] != b'MThd' or size < 6 or len(content) < 14:
        raise _unreadable(path, f'it starts with {content[:8]!r}, not with a header chunk')
    kind, tracks, quarter = (int.from_bytes(content[at:at + 2], 'big') for at in (8, 10, 12))
    if kind > 1 or not 0 < quarter < 0x8000:
        unit = f'{quarter} ticks a quarter' if quarter < 0x8000 else 'SMPTE time'
        raise ScoreError(f'{os.fspath(path)} is MIDI of type {kind} in {unit}; expected type 0 or '
                         '1 with ticks a quarter: export it as that')
    found: list[tuple[int, int]] = []
    at = 8 + size
    while len(found) < tracks:
        start = at + 8
        if start > len(content):
            raise _unreadable(path, f'it ends after {len(found)} of {tracks} tracks')
        at = start + int.from_bytes(content[start - 4:start], 'big')
        if at > len(content):
            raise _unreadable(path, f'the last {at - len(content)} bytes of a chunk are missing '
                                    f'(track {len(found) + 1}, byte {len(content)})')
        # the standard asks to pass over chunks of other kinds
        if content[start - 8:start - 4] == b'MTrk':
            found.append((start, at))
    return quarter, found


def _read_track(chunk: bytes, track: int, longest: int, ticks: array[int], notes: bytearray,
                metas: list[Meta]) -> int:
    """Append the events of a track, and return the tick of its last one.

    Each note event appends its tick, and its status, pitch and velocity as three bytes.
    """
    at = now = status = 0
    size = len(chunk)
    keep, keep_byte = ticks.append, notes.append
    try:
        while at < size:
            byte = chunk[at]
            if byte > 127:
                delta, at = _long_number(chunk, at)
                now += delta
            else:
                now += byte
                at += 1
            if now > longest:
                raise _DamageError(f'it is longer than {MAX_QL} quarters, so it is damaged', at)
            first = chunk[at]
            if first > 127:
                if first >= 0xF0:
                    kind, start, at = _special(chunk, at)
                    if kind in (TRACK_NAME, TEMPO, METER, KEY):
                        metas.append(Meta(now, track, len(ticks), kind, chunk[start:at]))
                    if len(metas) > MAX_CHANGES:
                        raise _DamageError(f'more than {MAX_CHANGES} names, tempi, meters and '
                                           'keys, so it is damaged', at)
                    continue
                status = first
                at += 1
                first = chunk[at]
            if 0xC0 <= status < 0xE0:
                at += 1
                second = 0
            else:
                second = chunk[at + 1]
                at += 2
            if first | second > 127 or not status:
                raise _DamageError('a status byte where data are expected' if status else
                                   'a data byte without a status', at)
            if status < 0xA0:
                keep(now)
                keep_byte(status)
                keep_byte(first)
                keep_byte(second)
    except IndexError:
        raise _DamageError('the last event runs beyond the end of its track', at) from None
    return now


def _long_number(chunk: bytes, at: int) -> tuple[int, int]:
    """Return a number of seven bits a byte, the last below 128, and where it ends."""
    number = 0
    byte = chunk[at]
    while byte > 127:
        number = (number | byte & 127) << 7
        if number > _LARGEST:
            raise _DamageError('a number of more than four bytes', at)
        at += 1
        byte = chunk[at]
    return number | byte, at + 1


def _special(chunk: bytes, at: int) -> tuple[int, int, int]:
    """Return the kind of a meta event (-1 for others), and where its data start and stop."""
    status, kind = chunk[at], -1
    at += 1
    if status == _META:
        kind = chunk[at]
        at += 1
    elif status not in (0xF0, 0xF7):
        raise _DamageError(f'the status byte 0x{status:X}, which no file may hold', at - 1)
    length, at = _long_number(chunk, at)
    if at + length > len(chunk):
        raise _DamageError(f'an event of {length} bytes that runs beyond the end of its track', at)
    return kind, at, at + length
