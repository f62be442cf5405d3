"""MIDI files to note tables without music21, whose reader joins near-equal notes."""

from __future__ import annotations

import os
from collections import defaultdict, deque
from fractions import Fraction
from pathlib import Path

import mido

from qbdi_m21.errors import EmptyScoreError, ScoreError
from qbdi_m21.frames.grid import Bar
from qbdi_m21.frames.notes import NoteTable, Row, make_note_table
from qbdi_m21.frames.spelling import spell, spelling_table

#: General MIDI's percussion channel, counted from 0.
PERCUSSION = 9

#: Longest file that is read, in quarter lengths: about 28 hours at 120.
MAX_QL = 200_000

#: Shortest unit of a time signature.
MAX_DENOMINATOR = 128

_KEYS = {name: sharps for sharps, names in enumerate(
    ('Cb Abm', 'Gb Ebm', 'Db Bbm', 'Ab Fm', 'Eb Cm', 'Bb Gm', 'F Dm', 'C Am', 'G Em', 'D Bm',
     'A F#m', 'E C#m', 'B G#m', 'F# D#m', 'C# A#m'), start=-7) for name in names.split()}


def read_midi(path: str | os.PathLike[str]) -> tuple[NoteTable, tuple[str, ...]]:
    """Return the notes of a MIDI file and the names of its parts.

    Parameters
    ----------
    path : path
        A Standard MIDI File of type 0 or 1 with ticks a quarter.

    Returns
    -------
    (NoteTable, tuple of str)
        A part for each track and channel with notes; the percussion channel is left out.
        Bars follow the file's time signatures (4/4 until the first). Onsets and ends are exact.

    Raises
    ------
    ScoreError
        If the file is damaged, of type 2, or in SMPTE time.
    EmptyScoreError
        If it holds no pitched note.
    """
    midi = _open(Path(path))
    quarter = midi.ticks_per_beat
    spans: dict[tuple[int, int], list[tuple[int, int, int]]] = defaultdict(list)
    names: dict[int, str] = {}
    meters: dict[int, tuple[int, int]] = {}
    keys: dict[int, int] = {}
    percussion = 0
    for index, track in enumerate(midi.tracks):
        now = 0
        open_notes: dict[tuple[int, int], deque[int]] = defaultdict(deque)
        for message in track:
            now += message.time
            if now > MAX_QL * quarter:
                raise ScoreError(f'{path} is longer than {MAX_QL} quarters; it is damaged')
            if message.type == 'track_name':
                names[index] = message.name.strip()
            elif message.type == 'time_signature':
                if not message.numerator >= 1 or message.denominator > MAX_DENOMINATOR:
                    raise ScoreError(
                        f'{path} has the time signature {message.numerator}/'
                        f'{message.denominator}; expected one up to N/{MAX_DENOMINATOR}')
                meters[now] = message.numerator, message.denominator
            elif message.type == 'key_signature':
                keys[now] = _KEYS.get(message.key, 0)
            elif message.type in ('note_on', 'note_off'):
                if message.channel == PERCUSSION:
                    percussion += 1
                    continue
                started = open_notes[message.channel, message.note]
                if message.type == 'note_on' and message.velocity:
                    started.append(now)
                elif started:
                    spans[index, message.channel].append((started.popleft(), now, message.note))
        for (channel, pitch), left in open_notes.items():     # never switched off
            spans[index, channel].extend((start, now, pitch) for start in left)
    parts = {key: [s for s in held if s[1] > s[0]] for key, held in sorted(spans.items())}
    parts = {key: held for key, held in parts.items() if held}
    if not parts:
        what = 'only percussion' if percussion else 'no note'
        raise EmptyScoreError(f'{path} holds {what}; expected pitched notes')
    end = max(stop for held in parts.values() for _, stop, _ in held)
    bars = _bars(meters, keys, Fraction(end, quarter), quarter)
    return make_note_table(_rows(parts, bars, quarter), bars), tuple(
        names.get(track) or f'Track {track + 1}' for track, _ in parts)


def _open(path: Path) -> mido.MidiFile:
    try:
        midi = mido.MidiFile(path)
    except (OSError, EOFError, ValueError, KeyError, IndexError, TypeError) as error:
        raise ScoreError(f'{path} cannot be read as MIDI ({type(error).__name__}: {error}); '
                         'expected a whole Standard MIDI File: export it again') from error
    if midi.type == 2 or not 0 < midi.ticks_per_beat < 0x8000:
        raise ScoreError(f'{path} is MIDI of type {midi.type} with {midi.ticks_per_beat} ticks a '
                         'quarter; expected type 0 or 1 in ticks a quarter')
    return midi


def _bars(meters: dict[int, tuple[int, int]], keys: dict[int, int], end: Fraction,
          quarter: int) -> tuple[Bar, ...]:
    """Return bars up to the end; a meter that comes inside a bar cuts it short."""
    changes = sorted((Fraction(tick, quarter), value) for tick, value in meters.items())
    signatures = sorted((Fraction(tick, quarter), value) for tick, value in keys.items())
    bars: list[Bar] = []
    position, (over, under), sharps = Fraction(0), (4, 4), 0
    while position < end:
        while changes and changes[0][0] <= position:
            over, under = changes.pop(0)[1]
        while signatures and signatures[0][0] <= position:
            sharps = signatures.pop(0)[1]
        length = Fraction(4 * over, under)
        if changes and changes[0][0] < position + length:
            length = changes[0][0] - position
        compound = over % 3 == 0 and over > 3 and under >= 8
        beat = Fraction(12 if compound else 4, under)
        bars.append(Bar(len(bars) + 1, position, length, f'{over}/{under}', beat, Fraction(0),
                        sharps))
        position += length
    return tuple(bars)


def _rows(parts: dict[tuple[int, int], list[tuple[int, int, int]]], bars: tuple[Bar, ...],
          quarter: int) -> list[Row]:
    rows = []
    for part, held in enumerate(parts.values()):
        counts: dict[int, int] = defaultdict(int)
        bar = 0
        for start, stop, pitch in sorted(held):
            onset = Fraction(start, quarter)
            while bar + 1 < len(bars) and bars[bar + 1].start_ql <= onset:
                bar += 1
            name, octave = spell(pitch, spelling_table(bars[bar].sharps))
            rows.append(Row(onset, Fraction(stop, quarter), pitch, f'{name}{octave}', part, '',
                            bar, False, f'P{part}M{bar}N{counts[bar]}'))
            counts[bar] += 1
    return rows
