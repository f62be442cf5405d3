"""The MIDI reader, on files that mido makes."""

import subprocess
import sys
from fractions import Fraction

import mido
import numpy as np
import pytest
from midi_files import TICKS, meta, meter, note, rows, save_midi, track
from mido import Message, MetaMessage
from naive.midi import naive_midi, plain

from qbdi_m21.errors import EmptyScoreError, ParameterError, ScoreError
from qbdi_m21.frames import midi
from qbdi_m21.frames.encode import to_frames
from qbdi_m21.frames.midi import from_midi, read_midi
from qbdi_m21.frames.notes import extract_notes


@pytest.fixture
def save(tmp_path):
    def write(*tracks, **options):
        return save_midi(tmp_path / 'made.mid', *tracks, **options)
    return write


@pytest.fixture
def read(save):
    return lambda *tracks, **options: read_midi(save(*tracks, **options))


def test_type_0_gives_a_part_a_channel(read):
    table = read(track(*note(0, 1, 60), *note(0, 2, 40, channel=3), name='All'), kind=0)
    assert rows(table) == [(0, 1, 60, 0), (0, 2, 40, 1)]
    assert table.part_names == ('All', 'All')


def test_type_1_gives_a_part_a_track_and_leaves_out_tracks_without_notes(read):
    table = read(track(meter(0, 4, 4)), track(*note(0, 1, 60), name=' Right '),
                 track(*note(1, 3, 48)))
    assert rows(table) == [(0, 1, 60, 0), (1, 3, 48, 1)]
    assert table.part_names == ('Right', 'Track 3')


def test_onsets_and_ends_are_exact(read):
    table = read(track(*note(Fraction(1, 3), Fraction(2, 3), 60),
                       *note(Fraction(1, 480), Fraction(7, 480), 61)))
    assert rows(table) == [(Fraction(1, 480), Fraction(7, 480), 61, 0),
                           (Fraction(1, 3), Fraction(2, 3), 60, 0)]


@pytest.mark.parametrize('ticks', [1, 7, 96, 32767])
def test_any_ticks_a_quarter_will_do(read, ticks):
    table = read(track((0, Message('note_on', note=60)), (2, Message('note_off', note=60))),
                 ticks=ticks)
    assert rows(table) == [(0, Fraction(2, ticks), 60, 0)]


def test_velocities_are_kept_and_staff_and_voice_are_the_default(read):
    table = read(track(*note(0, 1, 60, velocity=1), *note(1, 2, 60, velocity=127)))
    assert table.velocity.tolist() == [1, 127]
    assert table.staff.tolist() == [1, 1]
    assert table.voice.tolist() == [0, 0]
    assert not table.grace.any()


def test_a_note_on_of_velocity_0_ends_a_note(read):
    events = [(0, Message('note_on', note=60, velocity=70)),
              (TICKS, Message('note_on', note=60, velocity=0)),
              (3 * TICKS, MetaMessage('marker', text='end'))]
    assert rows(read(track(*events))) == [(0, 1, 60, 0)]


def test_notes_of_one_pitch_that_overlap_end_in_the_order_in_which_they_began(read):
    table = read(track(*note(0, 2, 60, velocity=30), *note(1, 3, 60, velocity=90)))
    assert rows(table) == [(0, 2, 60, 0), (1, 3, 60, 0)]
    assert table.velocity.tolist() == [30, 90]


def test_channels_and_tracks_do_not_share_their_notes(read):
    table = read(track(*note(0, 3, 60), *note(1, 2, 60, channel=1)), track(*note(0.5, 4, 60)))
    assert rows(table) == [(0, 3, 60, 0), (0.5, 4, 60, 2), (1, 2, 60, 1)]


def test_a_program_change_does_not_split_a_part(read):
    program = (TICKS, Message('program_change', program=40))
    assert rows(read(track(*note(0, 2, 60), program, *note(1, 3, 62)))) == [
        (0, 2, 60, 0), (1, 3, 62, 0)]


def test_hanging_notes_end_with_their_track(read):
    hanging = [(TICKS, Message('note_on', note=64, velocity=70)),
               (6 * TICKS, MetaMessage('end_of_track'))]
    table = read(track(*note(0, 2, 60), *hanging), track(*note(0, 8, 36)))
    assert rows(table) == [(0, 2, 60, 0), (0, 8, 36, 1), (1, 6, 64, 0)]


def test_a_note_off_without_a_note_is_passed_over(read):
    stray = [(0, Message('note_off', note=72)), (0, Message('note_off', note=60))]
    assert rows(read(track(*stray, *note(0, 1, 60), *note(2, 3, 60)))) == [
        (0, 1, 60, 0), (2, 3, 60, 0)]


def test_notes_of_no_length_are_left_out_and_make_no_part(read):
    table = read(track(*note(1, 1, 60), *note(1, 2, 61)), track(*note(0, 0, 50)))
    assert rows(table) == [(1, 2, 61, 0)]
    assert table.part_names == ('Track 1',)


def test_percussion_is_left_out(read):
    table = read(track(*note(0, 1, 60), *note(0, 8, 36, channel=9)))
    assert rows(table) == [(0, 1, 60, 0)]
    assert len(table.bars) == 1


@pytest.mark.parametrize(('given', 'expected'), [
    ('\x00', 'Track 1'), (' Flöte\n', 'Flöte'), ('Fl\xc3\xb6te', 'Flöte'), ('a\x00b', 'a b')])
def test_names_are_utf_8_or_latin_1_without_control_characters(read, given, expected):
    assert read(track(*note(0, 1, 60), name=given)).part_names == (expected,)


def test_tempi_of_all_tracks_are_kept(read):
    table = read(track(meta(0, 'set_tempo', tempo=500_000), meta(2, 'set_tempo', tempo=400_000)),
                 track(meta(2, 'set_tempo', tempo=1_000_000), *note(0, 4, 60),
                       meta(Fraction(1, 3), 'set_tempo', tempo=600_000),
                       meta(4, 'set_tempo', tempo=1)))
    assert [(t.onset_ql, t.quarters_per_minute) for t in table.tempi] == [
        (0, 120), (Fraction(1, 3), 100), (2, 60)]
    assert read(track(*note(0, 1, 60))).tempi == ()


def test_bars_are_4_4_until_a_time_signature(read):
    table = read(track(*note(0, 9, 60)))
    assert [(b.number, b.start_ql, b.length_ql, b.meter) for b in table.bars] == [
        (1, 0, 4, '4/4'), (2, 4, 4, '4/4'), (3, 8, 4, '4/4')]


def test_time_signatures_of_any_track_change_on_their_way(read):
    table = read(track(meter(0, 3, 4), meter(9, 5, 4), *note(0, 14, 60)), track(meter(6, 6, 8)))
    assert [(b.start_ql, b.meter, b.beat_ql) for b in table.bars] == [
        (0, '3/4', 1), (3, '3/4', 1), (6, '6/8', Fraction(3, 2)), (9, '5/4', 1)]
    assert [b.is_full for b in table.bars] == [True] * 4


def test_of_two_time_signatures_at_once_the_last_in_the_file_counts(read):
    table = read(track(meter(0, 3, 4), *note(0, 2, 60)), track(meter(0, 2, 4)))
    assert [b.meter for b in table.bars] == ['2/4']


def test_a_time_signature_inside_a_bar_cuts_it_short(read):
    table = read(track(meter(0, 4, 4), meter(6, 2, 4), *note(0, 8, 60)))
    assert [(b.start_ql, b.length_ql, b.meter) for b in table.bars] == [
        (0, 4, '4/4'), (4, 2, '4/4'), (6, 2, '2/4')]


def test_bars_need_not_be_whole_ticks(read):
    table = read(track((0, MetaMessage('time_signature', numerator=1, denominator=128)),
                       (0, Message('note_on', note=60)), (3, Message('note_off', note=60))),
                 ticks=30)
    assert len(table.bars) == 4
    assert {b.length_ql for b in table.bars} == {Fraction(1, 32)}


def test_keys_spell_the_notes(read):
    table = read(track(meta(0, 'key_signature', key='Db'), *note(0, 1, 61), *note(0, 1, 66)))
    assert table.spelling.tolist() == ['D-4', 'G-4']
    assert {bar.sharps for bar in table.bars} == {-5}


def test_a_key_inside_a_bar_holds_from_the_next(read):
    table = read(track(meta(0, 'key_signature', key='G'), *note(0, 12, 60)),
                 track(meta(5, 'key_signature', key='Ebm')))
    assert [bar.sharps for bar in table.bars] == [1, 1, -6]


def test_every_note_lies_in_its_bar_and_ids_are_unique(read, rng):
    events = [e for start in rng.integers(0, 40, 60) for e in note(
        start / 4, start / 4 + 0.25, int(rng.integers(30, 90)))]
    table = read(track(meter(0, 3, 4), meter(7, 5, 8), *events))
    assert len(set(table.element_id.tolist())) == len(table)
    for k in range(len(table)):
        bar = table.bars[table.bar[k]]
        assert bar.start_ql <= table.onset_at(k) < bar.end_ql


@pytest.mark.parametrize('work', ['bach/bwv66.6', 'demos/two-parts'])
def test_a_score_written_as_midi_gives_the_frames_of_the_score(corpus_score, read, work):
    table = extract_notes(corpus_score(work))
    tracks = []
    for part in range(int(table.part.max()) + 1):
        held = table.select(table.part == part)
        tracks.append(track(*(e for k in range(len(held)) for e in note(
            held.onset_at(k), held.end_at(k), int(held.pitch[k])))))
    signatures = [meter(b.start_ql, *map(int, b.meter.split('/'))) for b in table.bars]
    # a pickup is written as a signature at the first barline
    ours, theirs = to_frames(table), to_frames(read(track(*signatures), *tracks))
    # MIDI does not say that the last bar is short
    end = len(ours.sounding)
    assert np.array_equal(ours.sounding, theirs.sounding[:end])
    assert np.array_equal(ours.onset, theirs.onset[:end])
    assert not theirs.sounding[end:].any()


def test_only_percussion_is_refused_as_such(read):
    with pytest.raises(EmptyScoreError, match=r'made\.mid holds only percussion'):
        read(track(*note(0, 1, 36, channel=9)))


def test_a_file_without_notes_is_refused(read):
    with pytest.raises(EmptyScoreError, match=r'made\.mid holds no note'):
        read(track(meter(0, 3, 4)))


def test_a_piece_of_endless_length_is_refused(read):
    last = (mido.bpm2tempo(120) * TICKS, MetaMessage('end_of_track'))
    with pytest.raises(ScoreError, match=r'made\.mid .* longer than 200000 quarters'):
        read(track((0, Message('note_on', note=60)), last))


def test_a_piece_of_endless_bars_is_refused(read, monkeypatch):
    monkeypatch.setattr(midi, 'MAX_BARS', 20)
    assert len(read(track(meter(0, 1, 4), *note(0, 20, 60))).bars) == 20
    with pytest.raises(ScoreError, match=r'made\.mid has more than 20 bars'):
        read(track(meter(0, 1, 4), *note(0, 21, 60)))


def test_from_midi_gives_the_frames_of_the_table(save):
    path = save(track(*note(0, 1, 60), *note(1, 2, 67)))
    frames = from_midi(path, step='beat', pitch_range=(60, 72))
    assert frames.sounding.shape == (4, 12)
    assert np.argwhere(frames.onset).tolist() == [[0, 0], [1, 7]]


def test_presets_are_named_and_take_no_options(save):
    path = save(track(*note(0, 1, 60)))
    assert from_midi(path, preset='dubnov2019').num_pitches == 78
    with pytest.raises(ParameterError, match="preset is 'paper'"):
        from_midi(path, preset='paper')
    with pytest.raises(ParameterError, match='step was given'):
        from_midi(path, preset='dubnov2019', step='beat')


def test_reading_loads_neither_music21_nor_mido(save):
    path = save(track(*note(0, 1, 60)))
    program = ('import sys; from qbdi_m21.frames.midi import from_midi, read_midi\n'
               'read_midi(sys.argv[1]); from_midi(sys.argv[1])\n'
               "from_midi(sys.argv[1], preset='dubnov2019')\n"
               "print({'music21', 'mido', 'keras', 'scipy'} & set(sys.modules))")
    done = subprocess.run([sys.executable, '-c', program, path], capture_output=True, text=True,
                          check=True)
    assert done.stdout.strip() == 'set()'


def test_the_pop_clips_are_read_as_message_by_message(shared_data):
    clips = sorted((shared_data / 'pop').glob('*.midi'))[::12]
    assert clips
    for clip in clips:
        assert plain(read_midi(clip)) == naive_midi(clip)
