"""What holds of every MIDI file, of every broken one, and of every note table written as one."""

import contextlib
import io
import time
from collections import defaultdict
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from mido import Message, MetaMessage, MidiFile, MidiTrack
from naive.dubnov import naive_states
from naive.midi import naive_midi, plain
from strategies import bar_sequences

from qbdi_m21.errors import EmptyScoreError, ScoreError
from qbdi_m21.frames.dubnov import dubnov_frames
from qbdi_m21.frames.grid import Bar
from qbdi_m21.frames.midi import read_midi
from qbdi_m21.frames.midi_out import write_midi
from qbdi_m21.frames.table import Tempo, make_note_table

#: Nothing that hypothesis makes takes longer; far more than is needed, as machines are shared.
BOUND_SECONDS = 5

pitches = st.sampled_from([23, 24, 60, 61, 101, 102, 127])
channels = st.sampled_from([0, 1, 9, 15])
keys = st.sampled_from(['Cb', 'F', 'C', 'A#m', 'C#'])
notes = st.builds(Message, st.sampled_from(['note_on', 'note_off']), note=pitches,
                  velocity=st.sampled_from([0, 1, 64, 127]), channel=channels)
others = st.one_of(
    st.builds(Message, st.just('program_change'), program=st.integers(0, 127), channel=channels),
    st.builds(Message, st.just('control_change'), value=st.integers(0, 127), channel=channels),
    st.builds(Message, st.just('pitchwheel'), pitch=st.integers(-8192, 8191), channel=channels),
    st.builds(Message, st.just('sysex'), data=st.lists(st.integers(0, 127), max_size=3)),
    st.builds(MetaMessage, st.just('lyrics'), text=st.sampled_from(['', 'la', '\x90\x3c\x40'])),
    st.builds(MetaMessage, st.just('track_name'), name=st.sampled_from(
        ['', '\x00', ' Oboe\n', 'B\xfch', 'F\xc3\xbcr'])))
headings = st.one_of(
    st.builds(MetaMessage, st.just('time_signature'), denominator=st.sampled_from([2, 4, 8, 128]),
              numerator=st.sampled_from([1, 2, 3, 4, 6, 12])),
    st.builds(MetaMessage, st.just('key_signature'), key=keys),
    st.builds(MetaMessage, st.just('set_tempo'), tempo=st.sampled_from([1, 500_000, 0xFF_FFFF])))


@st.composite
def contents(draw, ticks=(1, 4, 7, 10, 24, 96, 480)):
    """The bytes of a MIDI file with all that a file may hold."""
    kind = draw(st.sampled_from([0, 1]))
    midi = MidiFile(type=kind, ticks_per_beat=draw(st.sampled_from(ticks)))
    longest = draw(st.sampled_from([2, 12, 140]))
    for _ in range(1 if kind == 0 else draw(st.integers(0, 3))):
        chosen = draw(st.lists(st.one_of(notes, notes, notes, others, headings), max_size=25))
        midi.tracks.append(MidiTrack(
            message.copy(time=draw(st.integers(0, longest))) for message in chosen))
    held = io.BytesIO()
    midi.save(file=held)
    return held.getvalue()


@pytest.fixture(scope='session')
def place(tmp_path_factory):
    """A file that every example writes anew."""
    return tmp_path_factory.mktemp('midi') / 'any.mid'


@given(contents())
def test_a_file_is_read_as_message_by_message(place, content):
    place.write_bytes(content)
    expected = naive_midi(place)
    if expected[0]:
        assert plain(read_midi(place)) == expected
    else:
        with pytest.raises(EmptyScoreError, match=r'any\.mid holds'):
            read_midi(place)


@given(contents((4, 5, 7, 10, 24, 96)))
def test_the_authors_reader_is_his_tick_by_tick(place, content):
    place.write_bytes(content)
    frames = dubnov_frames(place)
    expected = naive_states(place)
    assert np.array_equal(np.hstack([frames.sounding, frames.onset]), expected)
    assert all(bar.length_ql == 4 for bar in frames.grid.bars[:-1])
    assert sum(int(bar.length_ql * 4) for bar in frames.grid.bars) == len(expected)


@given(contents(), st.data())
def test_a_file_cut_short_is_refused(place, content, data):
    place.write_bytes(content[:data.draw(st.integers(0, len(content) - 1))])
    with pytest.raises(ScoreError, match=r'any\.mid cannot be read as MIDI'):
        read_midi(place)


def refused_or_read(place, content):
    """Read bytes with both readers; whatever else than a ScoreError they raise comes out."""
    place.write_bytes(content)
    started = time.perf_counter()
    for reader in (read_midi, dubnov_frames):
        with contextlib.suppress(ScoreError):
            reader(place)
    assert time.perf_counter() - started < BOUND_SECONDS


@settings(max_examples=300)
@given(contents(), st.data())
def test_a_damaged_file_is_refused_or_read_in_good_time(place, content, data):
    changed = bytearray(content)
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(changed) - 1))
        piece = data.draw(st.binary(max_size=4) | st.sampled_from(
            [b'\xff', b'\x80', b'\xff\xff\xff\x7f', b'\xff\x58\x04\x01\x07\x18\x08', b'MTrk']))
        changed[at:at + data.draw(st.integers(0, 4))] = piece
        assume(changed)
    refused_or_read(place, bytes(changed))


@settings(max_examples=200)
@given(st.binary(max_size=200), st.integers(0, 3), st.integers(0, 0xFFFF))
def test_bytes_in_a_track_are_refused_or_read_in_good_time(place, events, tracks, ticks):
    refused_or_read(place, b'MThd\x00\x00\x00\x06\x00\x01' + tracks.to_bytes(2, 'big')
                    + ticks.to_bytes(2, 'big') + b'MTrk' + len(events).to_bytes(4, 'big')
                    + events)


@st.composite
def odd_bars(draw):
    """Bars of any length in 24ths of a quarter, in any meter and key."""
    bars, start = [], Fraction(0)
    for length in draw(st.lists(st.integers(1, 200), min_size=1, max_size=5)):
        bars.append(Bar(len(bars) + 1, start, Fraction(length, 24),
                        draw(st.sampled_from(['4/4', '6/8', '3/128', '300/4'])),
                        sharps=draw(st.integers(-7, 7))))
        start = bars[-1].end_ql
    return tuple(bars)


@st.composite
def tables(draw):
    """Note tables in which every part has notes; those of one pitch may overlap."""
    chosen = draw(bar_sequences() | odd_bars())
    times = st.integers(0, int(chosen[-1].end_ql * 24) - 1).map(lambda time: Fraction(time, 24))
    lengths = st.builds(Fraction, st.integers(1, 100), st.sampled_from([1, 3, 7, 16]))
    found = draw(st.lists(st.tuples(times, lengths, st.integers(60, 62), st.integers(0, 2),
                                    st.sampled_from([1, 64, 127])), min_size=1, max_size=12))
    onset, duration, pitch, part, velocity = zip(*found, strict=True)
    tempi = draw(st.lists(st.builds(Tempo, times, st.sampled_from([60.0, 120.0])), max_size=2,
                          unique_by=lambda tempo: tempo.onset_ql))
    return make_note_table(
        chosen, onset=onset, duration=duration, pitch=pitch, velocity=velocity,
        part=np.unique(part, return_inverse=True)[1],
        tempi=sorted(tempi, key=lambda tempo: tempo.onset_ql))


def as_midi_pairs(table):
    """The notes as (onset, end, pitch, part, velocity), the k-th onset with the k-th end."""
    voices = defaultdict(list)
    for k in range(len(table)):     # by onset, then by end
        voices[int(table.pitch[k]), int(table.part[k])].append(k)
    return sorted(
        (table.onset_at(k), end, *voice, int(table.velocity[k]))
        for voice, held in voices.items()
        for k, end in zip(held, sorted(table.end_at(k) for k in held), strict=True))


def nested(table):
    """Whether a note lies inside a longer one of its pitch and part."""
    held = plain(table)[0]
    return any(a[2:4] == b[2:4] and a[0] < b[0] and b[1] < a[1] for a in held for b in held)


@given(tables())
def test_a_table_comes_back_from_its_file(place, table):
    write_midi(table, place)
    read = read_midi(place)
    if not nested(table):
        assert sorted(n[:4] for n in as_midi_pairs(table)) == [n[:4] for n in plain(table)[0]]
    assert plain(read)[0] == as_midi_pairs(table)
    assert read.tempi == tuple(t for t in table.tempi if t.onset_ql < read.bars[-1].end_ql)
    # the last bar that is read may be one that no later meter cuts
    lines = min(len(read.bars), len(table.bars))
    assert [bar.start_ql for bar in read.bars[:lines]] == [
        bar.start_ql for bar in table.bars[:lines]]
    assert [bar.length_ql for bar in read.bars[:lines - 1]] == [
        bar.length_ql for bar in table.bars[:lines - 1]]
    assert [bar.sharps for bar in read.bars[:lines]] == [
        bar.sharps for bar in table.bars[:lines]]
    first = place.read_bytes()
    write_midi(table, place)
    assert place.read_bytes() == first


@given(contents())
def test_what_is_read_from_any_file_is_read_from_its_copy(place, content):
    place.write_bytes(content)
    try:
        table = read_midi(place)
    except EmptyScoreError:
        return
    write_midi(table, place)
    again = read_midi(place)
    assert plain(again)[0] == as_midi_pairs(table)
    assert [bar.start_ql for bar in again.bars] == [bar.start_ql for bar in table.bars]
