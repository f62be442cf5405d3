"""MIDI files for tests, made with mido or from raw bytes."""

from mido import Message, MetaMessage, MidiFile, MidiTrack

TICKS = 480
END = b'\x00\xff\x2f\x00'


def track(*events, name=None):
    """A track of (tick, message), in any order of equal ticks as given."""
    made, now = MidiTrack(), 0
    if name:
        made.append(MetaMessage('track_name', name=name))
    for tick, message in sorted(events, key=lambda e: e[0]):
        made.append(message.copy(time=tick - now))
        now = tick
    return made


def note(start, end, pitch, channel=0, velocity=70):
    """Events of one note; start and end in quarters."""
    return [(round(start * TICKS), Message('note_on', note=pitch, velocity=velocity,
                                           channel=channel)),
            (round(end * TICKS), Message('note_off', note=pitch, channel=channel))]


def meta(quarter, kind, **values):
    return (round(quarter * TICKS), MetaMessage(kind, **values))


def meter(quarter, over, under):
    return meta(quarter, 'time_signature', numerator=over, denominator=under)


def save_midi(path, *tracks, kind=1, ticks=TICKS):
    MidiFile(type=kind, ticks_per_beat=ticks, tracks=list(tracks)).save(path)
    return path


def chunk(events, name=b'MTrk'):
    return name + len(events).to_bytes(4, 'big') + events


def raw_midi(path, *chunks, kind=1, tracks=None, division=TICKS):
    """Write a MIDI file from whole chunks; `tracks` is what its header claims."""
    claimed = len(chunks) if tracks is None else tracks
    path.write_bytes(b'MThd' + (6).to_bytes(4, 'big') + kind.to_bytes(2, 'big')
                     + claimed.to_bytes(2, 'big') + division.to_bytes(2, 'big')
                     + b''.join(chunks))
    return path


def rows(table):
    return sorted((table.onset_at(k), table.end_at(k), int(table.pitch[k]), int(table.part[k]))
                  for k in range(len(table)))
