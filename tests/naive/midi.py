"""The rules of `read_midi`, one message after the other, over mido's reading of the file."""

from fractions import Fraction

import mido

SHARPS = {name: sharps for sharps, names in enumerate(
    ('Cb Abm', 'Gb Ebm', 'Db Bbm', 'Ab Fm', 'Eb Cm', 'Bb Gm', 'F Dm', 'C Am', 'G Em', 'D Bm',
     'A F#m', 'E C#m', 'B G#m', 'F# D#m', 'C# A#m'), start=-7) for name in names.split()}


def naive_midi(path):
    """Return (notes, part names, bars, tempi) as plain tuples.

    Notes are (onset, end, pitch, part, velocity); bars (start, length, meter, sharps); tempi
    (onset, quarters a minute).
    """
    midi = mido.MidiFile(path)
    parts, names, headings = {}, {}, {'time_signature': {}, 'key_signature': {}, 'set_tempo': {}}
    for track, messages in enumerate(midi.tracks):
        now, still_open = 0, []
        for message in messages:
            now += message.time
            if message.type in headings:
                headings[message.type][now] = message
            elif message.type == 'track_name':
                names[track] = message.name
            elif message.type in ('note_on', 'note_off') and message.channel != 9:
                key = message.channel, message.note
                if message.type == 'note_on' and message.velocity:
                    still_open.append((key, now, message.velocity))
                else:
                    for note in still_open:
                        if note[0] == key:
                            still_open.remove(note)
                            close(parts, track, note, now)
                            break
        for note in still_open:
            close(parts, track, note, now)
    quarter = midi.ticks_per_beat
    notes = sorted((Fraction(a, quarter), Fraction(b, quarter), pitch, part, velocity)
                   for part, key in enumerate(sorted(parts))
                   for a, b, pitch, velocity in parts[key])
    end = max((note[1] for note in notes), default=Fraction(0))
    bars = naive_bars(headings, quarter, end)
    tempi = [(Fraction(tick, quarter), 60e6 / message.tempo)
             for tick, message in sorted(headings['set_tempo'].items())]
    last = bars[-1][0] + bars[-1][1] if bars else 0
    return (notes, tuple(name_of(names, track) for track, _ in sorted(parts)), bars,
            [tempo for tempo in tempi if tempo[0] < last])


def close(parts, track, note, now):
    (channel, pitch), start, velocity = note
    if now > start:
        parts.setdefault((track, channel), []).append((start, now, pitch, velocity))


def name_of(names, track):
    """mido gives bytes as Latin-1; many programs write UTF-8."""
    raw = names.get(track, '').encode('latin-1')
    try:
        name = raw.decode('utf-8')
    except UnicodeDecodeError:
        name = raw.decode('latin-1')
    kept = ''.join(c if c.isprintable() else ' ' for c in name).strip()
    return kept or f'Track {track + 1}'


def naive_bars(headings, quarter, end):
    def at_or_before(kind, moment):
        ticks = [t for t in headings[kind] if Fraction(t, quarter) <= moment]
        return headings[kind][max(ticks)] if ticks else None

    bars, start = [], Fraction(0)
    changes = [Fraction(tick, quarter) for tick in headings['time_signature']]
    while start < end:
        meter, key = at_or_before('time_signature', start), at_or_before('key_signature', start)
        over, under = (meter.numerator, meter.denominator) if meter else (4, 4)
        stop = min([start + Fraction(4 * over, under), *(c for c in changes if c > start)])
        bars.append((start, stop - start, f'{over}/{under}', SHARPS[key.key] if key else 0))
        start = stop
    return bars


def plain(table):
    """Return a note table as `naive_midi` does."""
    notes = sorted((table.onset_at(k), table.end_at(k), int(table.pitch[k]), int(table.part[k]),
                    int(table.velocity[k])) for k in range(len(table)))
    bars = [(bar.start_ql, bar.length_ql, bar.meter, bar.sharps) for bar in table.bars]
    return notes, table.part_names, bars, [(t.onset_ql, t.quarters_per_minute)
                                           for t in table.tempi]
