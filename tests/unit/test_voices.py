"""Chords and voices of one bar, and lines through several."""

from itertools import pairwise

import numpy as np
import pytest

from qbdi_m21.notation.rhythm import TICKS
from qbdi_m21.notation.sounds import (
    BarSpan,
    Head,
    Sound,
    slice_sounds,
    split_at_barlines,
    take_apart,
)
from qbdi_m21.notation.voices import MAX_VOICES, VoiceLeader, join_surplus

Q = TICKS
BARS = [BarSpan(4 * Q * k, 4 * Q, 0) for k in range(4)]


def sound(start, end, *pitches, voice=0, rows=None, tied_in=False, tied_out=False):
    """Return a sound from start to end in quarters; rows are pitches where none are given."""
    return Sound(int(start * Q), int(end * Q), tuple(
        Head(row, pitch, tied_in, tied_out)
        for row, pitch in zip(rows or pitches, pitches, strict=True)), voice)


def split(*notes, bars=BARS):
    """Return the bars of (start, end, pitch[, voice]) in quarters."""
    return split_at_barlines([(int(a * Q), int(b * Q), p, *(rest or [0]), row) for row, (
        a, b, p, *rest) in enumerate(sorted(notes))], bars)


def pitches(sounds):
    return [tuple(head.pitch for head in s.heads) for s in sounds]


def random_sounds(seed, count):
    """Return sounds of one 4/4 bar; no pitch sounds twice at a time."""
    rng = np.random.default_rng(seed)
    made = []
    for k in range(count):
        start, end = sorted(rng.choice(17, 2, replace=False).tolist())
        made.append(sound(start / 4, end / 4, 40 + k))
    return sorted(made)


def cells(sounds):
    """Return the (sixteenth, pitch) cells that sound."""
    return sorted((k, head.pitch) for s in sounds
                  for k in range(4 * s.start // Q, 4 * s.end // Q) for head in s.heads)


def test_notes_of_equal_start_and_end_are_one_chord():
    first, *_ = split((0, 1, 67), (0, 1, 60), (0, 2, 48))
    assert [(pitches([s])[0], s.end) for s in first] == [((60, 67), Q), ((48,), 2 * Q)]


def test_notes_of_two_voices_of_the_source_are_no_chord():
    first, *_ = split((0, 1, 67, 1), (0, 1, 60, 2), (0, 1, 64, 2))
    assert [(s.voice, pitches([s])[0]) for s in first] == [(1, (67,)), (2, (60, 64))]


def test_a_unison_is_two_sounds():
    first, *_ = split((0, 1, 60), (0, 1, 60), (0, 1, 64))
    assert sorted(pitches(first)) == [(60,), (60, 64)]


def test_a_note_over_two_barlines_is_tied_through_three_bars():
    bars = split((3, 9, 60))
    assert [[(s.start // Q, s.end // Q) for s in bar] for bar in bars] == [
        [(3, 4)], [(0, 4)], [(0, 1)], []]
    assert [(h.tied_in, h.tied_out) for bar in bars for s in bar for h in s.heads] == [
        (False, True), (True, True), (True, False)]


def test_a_tied_and_a_struck_note_of_equal_span_are_a_chord_with_one_tie():
    _, second, *_ = split((3, 5, 60), (4, 5, 64))
    assert [(h.pitch, h.tied_in) for h in second[0].heads] == [(60, True), (64, False)]


def test_a_note_that_ends_on_the_barline_leaves_the_next_bar_empty():
    assert split((0, 4, 60))[1] == []


def test_places_count_from_where_the_meter_begins():
    pickup = [BarSpan(0, Q, 3 * Q), BarSpan(Q, 4 * Q, 0)]
    first, second = split((0, 2, 60), bars=pickup)
    assert [(s.start // Q, s.end // Q) for s in (*first, *second)] == [(3, 4), (0, 1)]


def test_sounds_that_follow_each_other_share_a_voice():
    line = [sound(k, k + 1, 60 + k) for k in range(4)]
    assert VoiceLeader().lay_out(line, Q) == [line]


def test_voices_come_highest_lowest_then_those_between():
    held = [sound(0, 4, 60), sound(0, 3, 64), sound(0, 2, 67), sound(0, 1, 72)]
    voices = VoiceLeader().lay_out(sorted(held), Q)
    assert pitches(s for v in voices for s in v) == [(72,), (60,), (67,), (64,)]


def test_a_line_keeps_its_voice_from_bar_to_bar():
    leader = VoiceLeader()
    for low, high in ((60, 72), (62, 74), (64, 71), (60, 69)):
        bar = [sound(0, 2, high), sound(0, 4, low), sound(2, 4, high + 2)]
        upper, lower = leader.lay_out(bar, Q)
        assert pitches(upper) == [(high,), (high + 2,)]
        assert pitches(lower) == [(low,)]


def test_a_tied_note_stays_in_its_voice():
    leader = VoiceLeader()
    leader.lay_out([sound(0, 4, 72), sound(0, 4, 60, tied_out=True, rows=[5])], Q)
    # nearer to the upper line, but held by the lower
    upper, lower = leader.lay_out([sound(0, 1, 71), sound(0, 2, 60, tied_in=True, rows=[5]),
                                   sound(1, 4, 66)], Q)
    assert pitches(lower)[0] == (60,)
    assert pitches(upper) == [(71,), (66,)]


def test_unisons_that_are_tied_keep_their_places():
    leader = VoiceLeader()
    first = [sound(0, 4, 60, rows=[1], tied_out=True), sound(2, 4, 60, rows=[2], tied_out=True),
             sound(0, 2, 50)]
    rows = [[h.row for s in voice for h in s.heads if h.tied_out]
            for voice in leader.lay_out(sorted(first), Q)]
    second = [sound(0, 1, 60, rows=[2], tied_in=True), sound(0, 3, 60, rows=[1], tied_in=True),
              sound(1, 4, 80)]
    again = leader.lay_out(sorted(second), Q)
    assert [[h.row for s in voice for h in s.heads if h.tied_in] for voice in again] == rows


def test_halves_and_thirds_of_a_beat_go_to_different_voices():
    triplet = [sound(k / 3, (k + 1) / 3, 70) for k in range(3)]
    bar = sorted([*triplet, sound(0, 0.5, 62), sound(0.5, 1, 64)])
    voices = VoiceLeader().lay_out(bar, Q)
    assert sorted(map(len, voices)) == [2, 3]


def test_voices_of_the_source_stay_apart():
    bar = [sound(0, 1, 60, voice=1), sound(0, 2, 64, voice=2), sound(1, 2, 67, voice=1)]
    voices = VoiceLeader().lay_out(bar, Q)
    assert sorted(sorted({s.voice for s in voice}) for voice in voices) == [[1], [2]]


@pytest.mark.parametrize('count', [1, 2, 3, 4, 6, 9, 14])
@pytest.mark.parametrize('seed', range(8))
def test_voices_never_overlap_and_keep_every_cell(seed, count):
    sounds = random_sounds(seed, count)
    voices = VoiceLeader().lay_out(sounds, Q)
    assert 1 <= len(voices) <= MAX_VOICES
    for voice in voices:
        assert all(a.end <= b.start for a, b in pairwise(voice))
    assert cells(s for voice in voices for s in voice) == cells(sounds)


def test_of_five_voices_two_share_chords_and_three_stay():
    held = [[sound(0, 4, 80)], [sound(0, 2, 74), sound(2, 4, 76)], [sound(0, 4, 50)],
            [sound(0, 1, 64), sound(1, 4, 65)], [sound(1, 3, 60)]]
    voices = join_surplus(held)
    assert len(voices) == MAX_VOICES
    assert sum(voice in held for voice in voices) == MAX_VOICES - 1
    # a fifth voice costs least where it cuts one note, not two
    (joined,) = [voice for voice in voices if voice not in held]
    assert sum(len(s.heads) for s in joined) <= 5


def test_joining_never_swallows_a_unison_if_it_need_not():
    held = [[sound(0, 4, 60, rows=[k])] for k in range(2)] + [
        [sound(k / 2, 4, 62 + k)] for k in range(3)]
    assert sum(cells(s for v in join_surplus(held) for s in v).count((15, p))
               for p in range(60, 65)) == 5


def test_chords_of_two_lines_are_taken_apart():
    bar = [sound(0, 1, 60, 64), sound(1, 2, 62), sound(1, 3, 67), sound(2, 3, 60)]
    assert sorted(pitches(take_apart(bar))) == [(60,), (60,), (62,), (64,), (67,)]


def test_thick_chords_beside_a_line_stay_chords():
    bar = [sound(0, 1, 55, 60, 64), sound(1, 2, 62), sound(1, 3, 67)]
    assert take_apart(bar) == bar


def test_a_chord_that_reaches_far_over_a_line_is_taken_apart():
    bar = [sound(0, 2, 50, 79), sound(0, 1, 64), sound(1, 2, 65, 69)]
    assert sorted(pitches(take_apart(bar))) == [(50,), (64,), (65, 69), (79,)]
    octave = [sound(0, 2, 60, 72), sound(0, 1, 64), sound(1, 2, 65, 69)]
    assert take_apart(octave) == octave


def test_slices_are_tied_at_every_change():
    slices = slice_sounds([sound(k / 4, 4, 60 + k) for k in range(4)])
    assert pitches(slices) == [(60,), (60, 61), (60, 61, 62), (60, 61, 62, 63)]
    assert [h.tied_in for h in slices[-1].heads] == [True, True, True, False]
    assert not any(h.tied_out for h in slices[-1].heads)
    assert [h.tied_out for h in slices[0].heads] == [True]


def test_slices_keep_the_ties_of_the_neighbouring_bars():
    first, second = slice_sounds([sound(0, 4, 50, tied_out=True), sound(0, 1, 60, tied_in=True)])
    assert [(h.pitch, h.tied_in, h.tied_out) for h in first.heads] == [
        (50, False, True), (60, True, False)]
    assert [(h.pitch, h.tied_in, h.tied_out) for h in second.heads] == [(50, True, True)]


def test_slices_leave_silence_out():
    assert [(s.start // Q, s.end // Q) for s in slice_sounds(
        [sound(0, 1, 60), sound(2, 3, 62)])] == [(0, 1), (2, 3)]


def test_of_unisons_in_one_slice_the_second_is_struck():
    slices = slice_sounds([sound(0, 2, 60), sound(1, 3, 60), sound(0, 3, 50)])
    assert [(s.start // Q, s.end // Q, [(h.pitch, h.tied_in, h.tied_out) for h in s.heads])
            for s in slices] == [(0, 1, [(50, False, True), (60, False, False)]),
                                 (1, 3, [(50, True, False), (60, False, False)])]
