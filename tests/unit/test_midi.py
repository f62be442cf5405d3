"""The MIDI reader, on files that mido or raw bytes make."""

import subprocess
import sys
from fractions import Fraction

import mido
import numpy as np
import pytest
from mido import Message, MetaMessage, MidiFile, MidiTrack

from qbdi_m21.errors import EmptyScoreError, ScoreError
from qbdi_m21.frames.encode import to_frames
from qbdi_m21.frames.midi import read_midi
from qbdi_m21.frames.notes import extract_notes

TICKS = 480


def track(*events, name=None):
    """A track of (tick, message), in any order of equal ticks as given."""
    made, now = MidiTrack(), 0
    if name:
        made.append(MetaMessage('track_name', name=name))
    for tick, message in sorted(events, key=lambda e: e[0]):
        made.append(message.copy(time=tick - now))
        now = tick
    return made


def note(start, end, pitch, channel=0):
    """Events of one note; start and end in quarters."""
    return [(round(start * TICKS), Message('note_on', note=pitch, velocity=70, channel=channel)),
            (round(end * TICKS), Message('note_off', note=pitch, channel=channel))]


def meter_event(quarter, over, under):
    return (round(quarter * TICKS),
            MetaMessage('time_signature', numerator=over, denominator=under))


@pytest.fixture
def save(tmp_path):
    def write(*tracks, kind=1, ticks=TICKS):
        midi = MidiFile(type=kind, ticks_per_beat=ticks)
        midi.tracks.extend(tracks)
        path = tmp_path / 'made.mid'
        midi.save(path)
        return path
    return write


def raw_midi(path, events, *, kind=0, tracks=1, division=TICKS):
    """Write a MIDI file from the bytes of one track."""
    path.write_bytes(b'MThd' + (6).to_bytes(4, 'big') + kind.to_bytes(2, 'big')
                     + tracks.to_bytes(2, 'big') + division.to_bytes(2, 'big')
                     + b'MTrk' + len(events).to_bytes(4, 'big') + events)
    return path


def rows(table):
    return sorted((table.onset_at(k), table.end_at(k), int(table.pitch[k]), int(table.part[k]))
                  for k in range(len(table)))


def test_type_0_gives_a_part_a_channel(save):
    table, names = read_midi(save(track(
        *note(0, 1, 60), *note(0, 2, 40, channel=3), name='All'), kind=0))
    assert rows(table) == [(0, 1, 60, 0), (0, 2, 40, 1)]
    assert names == ('All', 'All')


def test_type_1_gives_a_part_a_track_and_leaves_out_tracks_without_notes(save):
    table, names = read_midi(save(
        track(meter_event(0, 4, 4)), track(*note(0, 1, 60), name=' Right '),
        track(*note(1, 3, 48))))
    assert rows(table) == [(0, 1, 60, 0), (1, 3, 48, 1)]
    assert names == ('Right', 'Track 3')


def test_onsets_and_ends_are_exact(save):
    table, _ = read_midi(save(track(*note(Fraction(1, 3), Fraction(2, 3), 60),
                                    *note(Fraction(1, 480), Fraction(7, 480), 61))))
    assert rows(table) == [(Fraction(1, 480), Fraction(7, 480), 61, 0),
                           (Fraction(1, 3), Fraction(2, 3), 60, 0)]


def test_a_note_on_of_velocity_0_ends_a_note(save):
    events = [(0, Message('note_on', note=60, velocity=70)),
              (TICKS, Message('note_on', note=60, velocity=0)),
              (3 * TICKS, MetaMessage('marker', text='end'))]
    assert rows(read_midi(save(track(*events)))[0]) == [(0, 1, 60, 0)]


def test_notes_of_one_pitch_that_overlap_end_in_the_order_in_which_they_began(save):
    table, _ = read_midi(save(track(*note(0, 2, 60), *note(1, 3, 60))))
    assert rows(table) == [(0, 2, 60, 0), (1, 3, 60, 0)]


def test_channels_and_tracks_do_not_share_their_notes(save):
    table, _ = read_midi(save(track(*note(0, 3, 60), *note(1, 2, 60, channel=1)),
                              track(*note(0.5, 4, 60))))
    assert rows(table) == [(0, 3, 60, 0), (0.5, 4, 60, 2), (1, 2, 60, 1)]


def test_hanging_notes_end_with_their_track(save):
    hanging = [(TICKS, Message('note_on', note=64, velocity=70)),
               (6 * TICKS, MetaMessage('end_of_track'))]
    table, _ = read_midi(save(track(*note(0, 2, 60), *hanging), track(*note(0, 8, 36))))
    assert rows(table) == [(0, 2, 60, 0), (0, 8, 36, 1), (1, 6, 64, 0)]


def test_a_note_off_without_a_note_is_passed_over(save):
    stray = [(0, Message('note_off', note=72))]
    assert rows(read_midi(save(track(*stray, *note(0, 1, 60))))[0]) == [(0, 1, 60, 0)]


def test_percussion_is_left_out(save):
    table, _ = read_midi(save(track(*note(0, 1, 60), *note(0, 8, 36, channel=9))))
    assert rows(table) == [(0, 1, 60, 0)]
    assert len(table.bars) == 1


def test_bars_are_4_4_until_a_time_signature(save):
    table, _ = read_midi(save(track(*note(0, 9, 60))))
    assert [(b.number, b.start_ql, b.length_ql, b.meter) for b in table.bars] == [
        (1, 0, 4, '4/4'), (2, 4, 4, '4/4'), (3, 8, 4, '4/4')]


def test_time_signatures_change_on_their_way(save):
    table, _ = read_midi(save(track(
        meter_event(0, 3, 4), meter_event(6, 6, 8), meter_event(9, 5, 4), *note(0, 14, 60))))
    assert [(b.start_ql, b.meter, b.beat_ql) for b in table.bars] == [
        (0, '3/4', 1), (3, '3/4', 1), (6, '6/8', Fraction(3, 2)), (9, '5/4', 1)]
    assert [b.is_full for b in table.bars] == [True] * 4


def test_a_time_signature_inside_a_bar_cuts_it_short(save):
    table, _ = read_midi(save(track(meter_event(0, 4, 4), meter_event(6, 2, 4),
                                    *note(0, 8, 60))))
    assert [(b.start_ql, b.length_ql, b.meter) for b in table.bars] == [
        (0, 4, '4/4'), (4, 2, '4/4'), (6, 2, '2/4')]


def test_keys_spell_the_notes(save):
    key = (0, MetaMessage('key_signature', key='Db'))
    table, _ = read_midi(save(track(key, *note(0, 1, 61), *note(0, 1, 66))))
    assert table.spelling.tolist() == ['D-4', 'G-4']
    assert {bar.sharps for bar in table.bars} == {-5}


def test_every_note_lies_in_its_bar_and_ids_are_unique(save, rng):
    events = [e for start in rng.integers(0, 40, 60) for e in note(
        start / 4, start / 4 + 0.25, int(rng.integers(30, 90)))]
    table, _ = read_midi(save(track(meter_event(0, 3, 4), *events)))
    assert len(set(table.element_id.tolist())) == len(table)
    for k in range(len(table)):
        bar = table.bars[table.bar[k]]
        assert bar.start_ql <= table.onset_at(k) < bar.end_ql


@pytest.mark.parametrize('work', ['bach/bwv66.6', 'demos/two-parts'])
def test_a_score_written_as_midi_gives_the_frames_of_the_score(corpus_score, save, work):
    table = extract_notes(corpus_score(work))
    tracks = []
    for part in range(int(table.part.max()) + 1):
        held = table.select(table.part == part)
        tracks.append(track(*(e for k in range(len(held)) for e in note(
            held.onset_at(k), held.end_at(k), int(held.pitch[k])))))
    signatures = [meter_event(b.start_ql, *map(int, b.meter.split('/'))) for b in table.bars]
    # a pickup is written as a signature at the first barline
    read, _ = read_midi(save(track(*signatures), *tracks))
    ours, theirs = to_frames(table), to_frames(read)
    # MIDI does not say that the last bar is short
    end = len(ours.sounding)
    assert np.array_equal(ours.sounding, theirs.sounding[:end])
    assert np.array_equal(ours.onset, theirs.onset[:end])
    assert not theirs.sounding[end:].any()


def test_a_file_cut_short_is_refused(save):
    path = save(track(*note(0, 1, 60), *note(1, 2, 62)))
    whole = path.read_bytes()
    path.write_bytes(whole[:-9])
    with pytest.raises(ScoreError, match='cannot be read as MIDI'):
        read_midi(path)


def test_every_cut_of_a_file_is_refused_or_read(save):
    path = save(track(meter_event(0, 3, 4), *note(0, 1, 60), *note(1, 2, 62)))
    whole = path.read_bytes()
    for size in range(len(whole)):
        path.write_bytes(whole[:size])
        with pytest.raises(ScoreError):
            read_midi(path)


def test_a_file_that_is_no_midi_is_refused(tmp_path):
    path = tmp_path / 'song.mid'
    path.write_text('X:1\nK:C\nCDEF|')
    with pytest.raises(ScoreError, match=r'song\.mid cannot be read as MIDI'):
        read_midi(path)


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(ScoreError, match='cannot be read as MIDI'):
        read_midi(tmp_path / 'none.mid')


def test_type_2_is_refused(save):
    with pytest.raises(ScoreError, match='is MIDI of type 2'):
        read_midi(save(track(*note(0, 1, 60)), kind=2))


@pytest.mark.parametrize('division', [0, 0xE728])
def test_time_that_is_not_in_quarters_is_refused(tmp_path, division):
    path = raw_midi(tmp_path / 'smpte.mid', bytes([0, 0x90, 60, 64, 10, 0x80, 60, 0,
                                                   0, 0xFF, 0x2F, 0]), division=division)
    with pytest.raises(ScoreError, match='ticks a quarter'):
        read_midi(path)


def test_only_percussion_is_refused_as_such(save):
    with pytest.raises(EmptyScoreError, match='only percussion'):
        read_midi(save(track(*note(0, 1, 36, channel=9))))


def test_a_file_without_notes_is_refused(save):
    with pytest.raises(EmptyScoreError, match='holds no note'):
        read_midi(save(track(meter_event(0, 3, 4))))


def test_a_file_of_endless_length_is_refused(save):
    last = (mido.bpm2tempo(120) * TICKS, MetaMessage('end_of_track'))
    hanging = (0, Message('note_on', note=60, velocity=1))
    with pytest.raises(ScoreError, match='it is damaged'):
        read_midi(save(track(hanging, last)))


@pytest.mark.parametrize(('numerator', 'exponent'), [(0, 2), (4, 200)],
                         ids=['0/4', '4/2^200'])
def test_an_impossible_time_signature_does_not_hang(tmp_path, numerator, exponent):
    events = bytes([0, 0xFF, 0x58, 4, numerator, exponent, 24, 8, 0, 0x90, 60, 64,
                    0x83, 0x60, 0x80, 60, 0, 0, 0xFF, 0x2F, 0])
    path = raw_midi(tmp_path / 'odd.mid', events)
    program = ('import sys; from qbdi_m21.errors import ScoreError\n'
               'from qbdi_m21.frames.midi import read_midi\n'
               'try: print(len(read_midi(sys.argv[1])[0]))\n'
               'except ScoreError: print("refused")')
    child = subprocess.Popen([sys.executable, '-c', program, path], stdout=subprocess.PIPE,
                             text=True)
    try:
        answer = child.communicate(timeout=8)[0].strip()
    except subprocess.TimeoutExpired:
        answer = 'still reading'
    finally:
        child.kill()
        child.wait()
        child.stdout.close()
    assert answer in ('1', 'refused')


def test_the_pop_clips_are_read(shared_data):
    clips = sorted((shared_data / 'pop').glob('*.midi'))[:5]
    assert clips
    for clip in clips:
        table, names = read_midi(clip)
        assert len(table) > 0
        assert len(names) == int(table.part.max()) + 1
