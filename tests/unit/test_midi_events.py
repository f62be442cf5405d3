"""The bytes of MIDI files: what is read as it stands, and what is refused, where and how fast."""

import time
import tracemalloc

import pytest
from midi_files import END, chunk, note, raw_midi, rows, save_midi, track

from qbdi_m21.errors import ScoreError
from qbdi_m21.frames import midi_events
from qbdi_m21.frames.dubnov import dubnov_frames
from qbdi_m21.frames.midi import read_midi

#: A note of one quarter, and the end of its track.
QUARTER = b'\x00\x90\x3c\x40\x83\x60\x80\x3c\x00' + END
BOUND_SECONDS, BOUND_BYTES = 5, 100e6


def refused(path):
    """Return what reading a file raises."""
    with pytest.raises(ScoreError):
        dubnov_frames(path)
    with pytest.raises(ScoreError) as error:
        read_midi(path)
    return str(error.value)


def bounded(path):
    """Return what reading a file raises, within bounds of time and memory."""
    started = time.perf_counter()
    refused(path)
    assert time.perf_counter() - started < BOUND_SECONDS
    tracemalloc.start()
    try:
        told = refused(path)
        assert tracemalloc.get_traced_memory()[1] < BOUND_BYTES
    finally:
        tracemalloc.stop()
    return told


@pytest.mark.parametrize('events', [
    b'\x00\x90\x3c\x40\x83\x60\x3c\x00' + END,
    b'\x00\x90\x3c\x40\x00\xff\x01\x02ab\x83\x60\x3c\x00' + END,
    b'\x00\x90\x3c\x40\x00\xf0\x03\x01\x02\xf7\x83\x60\x3c\x00' + END,
    b'\x00\x90\x3c\x40\x00\xf7\x02\x90\x3d\x83\x60\x80\x3c\x00' + END,
    b'\x00\xc0\x05\x00\x06\x00\xe0\x00\x40\x00\xb0\x07\x64' + QUARTER,
    b'\x00\xa0\x3c\x10\x00\xd0\x11\x00\xff\x7f\x03\x00\x00\x41' + QUARTER,
    b'\x00\x90\x3c\x40\x80\x83\x60\x80\x3c\x00',
    b'\x00\x90\x3c\x40\x81\x70\xff\x6b\x00\x81\x70\x80\x3c\x00' + END,
], ids=['running status', 'running status beyond a meta event', 'running status beyond sysex',
        'escape', 'other channel messages', 'pressure and a private meta event',
        'padded time and no end of track', 'a meta event that nobody knows takes its time'])
def test_one_quarter_is_read(tmp_path, events):
    path = raw_midi(tmp_path / 'odd.mid', chunk(events))
    assert rows(read_midi(path)) == [(0, 1, 60, 0)]


def test_chunks_of_other_kinds_and_what_follows_the_last_track_are_passed_over(tmp_path):
    path = raw_midi(tmp_path / 'odd.mid', chunk(b'abc', b'XFIH'), chunk(QUARTER), b'\x00\x00',
                    tracks=1)
    assert rows(read_midi(path)) == [(0, 1, 60, 0)]


def test_a_longer_header_is_read(tmp_path):
    path = raw_midi(tmp_path / 'odd.mid', chunk(QUARTER))
    content = path.read_bytes()
    path.write_bytes(content[:4] + b'\x00\x00\x00\x08' + content[8:14] + b'xx' + content[14:])
    assert rows(read_midi(path)) == [(0, 1, 60, 0)]


@pytest.mark.parametrize(('events', 'told'), [
    (b'\x00\x3c\x40', r'without a status \(track 1, byte 25\)'),
    (b'\x00\x90\x3c', r'runs beyond the end of its track \(track 1'),
    (b'\x00\x90\x3c\x90', r'status byte where data are expected \(track 1, byte 26\)'),
    (b'\x00\xf4\x01', r'status byte 0xF4, which no file may hold \(track 1, byte 23\)'),
    (b'\x81\x82\x83\x84\x05\x90\x3c\x40', r'a number of more than four bytes'),
    (b'\x00\xff\x01\x81\x82\x83\x84\x05', r'a number of more than four bytes'),
    (b'\x00\xff\x01\xff\xff\xff\x7fabc', r'an event of 268435455 bytes that runs beyond'),
    (b'\x00\xf0\x05ab', r'an event of 5 bytes that runs beyond'),
    (b'\x00\x90\x3c\x40\xff\xff\xff\x7f\x80\x3c\x00', r'longer than 200000 quarters'),
    (b'\xff' * 2_000_000, r'a number of more than four bytes'),
    (b'\x00\x90\x3c\x40' + b'\x80' * 200_000, r'runs beyond the end'),
], ids=range(11))
def test_rubbish_in_a_track_is_told_with_its_place(tmp_path, events, told):
    path = raw_midi(tmp_path / 'rubbish.mid', chunk(events))
    message = bounded(path)
    assert 'rubbish.mid cannot be read as MIDI' in message
    with pytest.raises(ScoreError, match=told):
        read_midi(path)


@pytest.mark.parametrize('content', [
    b'', b'M', b'X:1\nK:C\nCDEF|', b'MThd', b'MThd\x00\x00\x00\x06\x00\x01',
    b'MThd\x00\x00\x00\x02\x00\x01\x00\x01\x01\xe0',
    b'MThd\xff\xff\xff\xff\x00\x01\x00\x01\x01\xe0',
    b'RIFF\x00\x00\x00\x20RMIDdata\x00\x00\x00\x10MThd\x00\x00\x00\x06', b'\x00' * 1000,
], ids=range(9))
def test_what_is_no_midi_file_is_refused(tmp_path, content):
    path = tmp_path / 'song.mid'
    path.write_bytes(content)
    assert 'song.mid cannot be read as MIDI' in bounded(path)


@pytest.mark.parametrize(('chunks', 'claimed', 'told'), [
    ((chunk(QUARTER),), 65535, 'ends after 1 of 65535 tracks'),
    ((chunk(QUARTER),), 2, 'ends after 1 of 2 tracks'),
    ((b'MTrk\xff\xff\xff\xff' + QUARTER,), 1, r'last 4294967282 bytes of a chunk are missing '
                                              r'\(track 1, byte 35\)'),
    ((chunk(b'', b'XXXX'),) * 20_000, 1, 'ends after 0 of 1 tracks')], ids=range(4))
def test_absurd_counts_and_lengths_are_refused(tmp_path, chunks, claimed, told):
    path = raw_midi(tmp_path / 'absurd.mid', *chunks, tracks=claimed)
    bounded(path)
    with pytest.raises(ScoreError, match=rf'absurd\.mid .*{told}'):
        read_midi(path)


def test_every_cut_of_a_file_is_refused(tmp_path):
    path = save_midi(tmp_path / 'cut.mid', track(*note(0, 1, 60)), track(*note(1, 2, 62)))
    whole = path.read_bytes()
    for size in range(len(whole)):
        path.write_bytes(whole[:size])
        with pytest.raises(ScoreError, match=r'cut\.mid cannot be read as MIDI'):
            read_midi(path)


def test_a_missing_file_and_a_folder_are_refused(tmp_path):
    for path in (tmp_path / 'none.mid', tmp_path):
        with pytest.raises(ScoreError, match=f'{path.name} cannot be read as MIDI'):
            read_midi(path)


@pytest.mark.parametrize(('kind', 'division', 'told'), [
    (2, 480, 'type 2 in 480 ticks'), (77, 480, 'type 77'), (1, 0, '0 ticks a quarter'),
    (1, 0xE728, 'SMPTE time')])
def test_other_types_and_units_are_refused(tmp_path, kind, division, told):
    path = raw_midi(tmp_path / 'other.mid', chunk(QUARTER), kind=kind, division=division)
    with pytest.raises(ScoreError, match=rf'other\.mid is MIDI of .*{told}'):
        read_midi(path)


@pytest.mark.parametrize(('event', 'told'), [
    (b'\xff\x58\x04\x00\x02\x18\x08', r'time signature 0/2\^2'),
    (b'\xff\x58\x04\x04\xc8\x18\x08', r'time signature 4/2\^200'),
    (b'\xff\x58\x01\x04', 'meta event 0x58 of 1 bytes at tick 0; expected 2'),
    (b'\xff\x59\x02\x40\x00', 'key signature of 64 sharps'),
    (b'\xff\x59\x00', 'meta event 0x59 of 0 bytes'),
    (b'\xff\x51\x03\x00\x00\x00', 'a quarter of 0 microseconds at tick 0'),
    (b'\xff\x51\x02\x07\xa1', 'meta event 0x51 of 2 bytes')], ids=range(7))
def test_impossible_headings_are_refused(tmp_path, event, told):
    path = raw_midi(tmp_path / 'odd.mid', chunk(b'\x00' + event + QUARTER))
    with pytest.raises(ScoreError, match=rf'odd\.mid has .*{told}'):
        read_midi(path)


@pytest.mark.parametrize(('bound', 'value', 'told'), [
    ('MAX_BYTES', 35, 'it is larger than 35 bytes'),
    ('MAX_EVENTS', 1, 'more than 1 note events'),
    ('MAX_CHANGES', 0, 'more than 0 names, tempi')])
def test_bounds_are_kept(tmp_path, monkeypatch, bound, value, told):
    path = raw_midi(tmp_path / 'large.mid', chunk(b'\x00\xff\x03\x01a' + QUARTER))
    assert len(read_midi(path)) == 1
    monkeypatch.setattr(midi_events, bound, value)
    with pytest.raises(ScoreError, match=rf'large\.mid cannot be read as MIDI: .*{told}'):
        read_midi(path)
