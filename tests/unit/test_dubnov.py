"""The author's reader: what it does, on files by hand, and its figures on his data."""

from fractions import Fraction

import numpy as np
import pytest
from midi_files import meter, note, save_midi, track
from mido import Message, MetaMessage
from naive.dubnov import naive_states

from qbdi_m21.errors import ScoreError
from qbdi_m21.frames.dubnov import dubnov_frames
from qbdi_m21.frames.midi_events import read_events


def matrix(frames):
    return np.hstack([frames.sounding, frames.onset])


@pytest.fixture
def read(tmp_path):
    """Read a file, and see that it is read as tick by tick."""
    def frames(*tracks, **options):
        path = save_midi(tmp_path / 'made.mid', *tracks, **options)
        found = dubnov_frames(path)
        assert np.array_equal(matrix(found), naive_states(path))
        return found
    return frames


def cells(plane):
    return [(int(t), int(p) + 24) for t, p in np.argwhere(plane)]


def test_a_quarter_is_four_frames_and_its_end_opens_a_fifth(read):
    frames = read(track(*note(0, 1, 60)))
    assert cells(frames.onset) == [(0, 60)]
    assert cells(frames.sounding) == [(t, 60) for t in range(4)]
    assert frames.sounding.shape == (5, 78)
    assert frames.pitch_range == (24, 102)


def test_events_go_to_the_nearest_sixteenth_the_later_of_two(read):
    frames = read(track(*note(Fraction(59, 480), Fraction(299, 480), 60),
                        *note(Fraction(60, 480), Fraction(300, 480), 61)))
    assert cells(frames.onset) == [(0, 60), (1, 61)]
    assert cells(frames.sounding) == [(0, 60), (1, 60), (1, 61), (2, 61)]


def test_a_note_inside_a_frame_vanishes(read):
    frames = read(track(*note(Fraction(1, 480), Fraction(50, 480), 60), *note(1, 2, 62)))
    assert {pitch for _, pitch in cells(frames.sounding)} == {62}


def test_a_note_struck_again_keeps_both_onsets(read):
    frames = read(track(*note(0, 1, 60), *note(1, 2, 60)))
    assert cells(frames.onset) == [(0, 60), (4, 60)]
    assert len(cells(frames.sounding)) == 8


def test_tracks_and_channels_share_their_pitches_percussion_too(read):
    frames = read(track(*note(0, 4, 60)), track(*note(1, 2, 60, channel=9)))
    assert cells(frames.onset) == [(0, 60), (4, 60)]
    assert cells(frames.sounding) == [(t, 60) for t in range(8)]


def test_the_last_track_decides_at_one_tick(read):
    on, off = note(1, 2, 60)[0], note(0, 1, 60)[1]
    assert cells(read(track(on), track(off, *note(2, 3, 62))).onset) == [(8, 62)]
    assert cells(read(track(off, *note(2, 3, 62)), track(on)).onset) == [(4, 60), (8, 62)]


def test_other_meters_end_the_reading(read):
    frames = read(track(meter(0, 4, 4), meter(2, 2, 4), meter(4, 3, 4)),
                  track(*note(0, 1, 60), *note(4, 5, 62)))
    assert cells(frames.onset) == [(0, 60)]
    assert len(frames.sounding) == 17
    # what an earlier track has at that tick was read before
    frames = read(track(*note(0, 1, 60), *note(4, 5, 62)), track(meter(4, 3, 4)))
    assert cells(frames.onset) == [(0, 60), (16, 62)]


def test_a_file_in_6_4_is_one_silent_frame(read):
    frames = read(track(meter(0, 6, 4)), track(*note(0, 1, 60)))
    assert frames.sounding.shape == (1, 78)
    assert not frames.sounding.any()


def test_pitches_outside_the_range_are_passed_over(read):
    frames = read(track(*(e for p in (23, 24, 101, 102) for e in note(0, 1, p))))
    assert cells(frames.onset) == [(0, 24), (0, 101)]


def test_bars_are_4_4_from_time_0_and_the_last_is_short(read):
    frames = read(track(meter(0, 2, 4), *note(0, Fraction(19, 4), 60)))
    assert frames.grid.step_ql == Fraction(1, 4)
    assert [(b.number, b.start_ql, b.length_ql, b.meter) for b in frames.grid.bars] == [
        (1, 0, 4, '4/4'), (2, 4, 1, '4/4')]


@pytest.mark.parametrize('ticks', [4, 5, 7, 8, 10, 11, 15, 22, 96])
def test_divisions_of_the_quarter_are_whole_as_in_python_2(read, ticks):
    events = [(tick, Message(kind, note=60 + tick % 5)) for tick, kind in enumerate(
        ['note_on', 'note_off'] * 60)]
    assert len(read(track(*events), ticks=ticks).sounding) == 1 + len(
        [t for t in range(120) if t % (ticks // 4) == ticks // 8])


def test_fewer_than_four_ticks_a_quarter_are_refused(tmp_path):
    path = save_midi(tmp_path / 'coarse.mid', track(*note(0, 1, 60)), ticks=3)
    with pytest.raises(ScoreError, match=r'coarse\.mid has 3 ticks a quarter; expected'):
        dubnov_frames(path)


def test_empty_tracks_and_files_are_one_frame(read):
    assert read(track(), track()).sounding.shape == (1, 78)
    held = (0, Message('note_on', note=60)), (480, MetaMessage('end_of_track'))
    assert cells(read(track(*held)).sounding) == [(t, 60) for t in range(5)]


def test_some_clips_are_read_as_tick_by_tick(shared_data):
    for clip in sorted((shared_data / 'pop').glob('*.midi'))[::6]:
        assert np.array_equal(matrix(dubnov_frames(clip)), naive_states(clip)), clip.name


def test_the_authors_figures(shared_data):
    clips = sorted((shared_data / 'pop').glob('*.midi'))
    read = {clip: matrix(dubnov_frames(clip)) for clip in clips}
    songs = [states for states in read.values() if len(states) > 50]
    bars = [song[k:k + 16] for song in songs for k in range(0, len(song) - 15, 16)]
    assert (len(clips), len(songs), len(bars)) == (126, 122, 1255)
    assert {bar.size for bar in bars} == {2496}
    assert round(sum(int(bar.sum()) for bar in bars) / len(bars)) == 84
    assert [len(states) for states in read.values() if len(states) <= 50] == [1] * 4
    struck = sum(int((read_events(clip).velocity > 0).sum()) for clip in clips
                 if len(read[clip]) > 50)
    kept = sum(int(song[:, 78:].sum()) for song in songs)
    assert round(100 * (1 - kept / struck), 1) == 3.6
    query = shared_data / 'naruto_query.mid'
    assert (matrix(dubnov_frames(query)).shape, 1073 // 16) == ((1073, 156), 67)
    assert all(np.array_equal(states, naive_states(clip)) for clip, states in read.items())
    assert np.array_equal(matrix(dubnov_frames(query)), naive_states(query))
