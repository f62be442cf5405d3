"""Chords, voices and notatable lengths of one bar."""

from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest

from qbdi_m21.notation.voices import (
    MAX_VOICES,
    NOTATABLE,
    Sound,
    assign_voices,
    notatable_lengths,
    slice_sounds,
    split_at_barlines,
)


def random_sounds(seed: int, count: int) -> list[Sound]:
    """Return sounds of one 4/4 bar; no pitch sounds twice at a time."""
    rng = np.random.default_rng(seed)
    sounds = []
    for k in range(count):
        start, end = sorted(rng.choice(17, 2, replace=False).tolist())
        sounds.append(Sound(Fraction(start, 4), Fraction(end, 4), (40 + k,)))
    return sounds


def cells(sounds: list[Sound]) -> set[tuple[int, int]]:
    """Return the (sixteenth, pitch) cells that sound."""
    return {
        (k, p) for s in sounds for k in range(int(s.start * 4), int(s.end * 4)) for p in s.pitches
    }


def test_notatable_lengths_run_from_the_64th_to_the_dotted_breve():
    assert NOTATABLE[0] == Fraction(1, 16)
    assert NOTATABLE[-1] == 12
    assert {Fraction(1), Fraction(3, 2), Fraction(3, 8), Fraction(8)} <= set(NOTATABLE)
    assert Fraction(5, 4) not in NOTATABLE


def test_notes_of_equal_start_and_end_are_one_chord():
    bars = split_at_barlines(
        [
            (Fraction(0), Fraction(1), 67),
            (Fraction(0), Fraction(1), 60),
            (Fraction(0), Fraction(2), 48),
        ],
        [Fraction(0), Fraction(4)],
    )
    assert [(s.pitches, s.end) for s in bars[0]] == [((60, 67), Fraction(1)), ((48,), Fraction(2))]


def test_a_note_over_two_barlines_is_tied_through_three_bars():
    bars = split_at_barlines(
        [(Fraction(3), Fraction(9), 60)], [Fraction(0), Fraction(4), Fraction(8), Fraction(12)]
    )
    assert [[(s.start, s.end) for s in bar] for bar in bars] == [[(3, 4)], [(0, 4)], [(0, 1)]]
    ties = [(bool(b[0].tied_in), bool(b[0].tied_out)) for b in bars]
    assert ties == [(False, True), (True, True), (True, False)]


def test_a_tied_and_a_struck_note_of_equal_span_stay_apart():
    bars = split_at_barlines(
        [(Fraction(3), Fraction(5), 60), (Fraction(4), Fraction(5), 64)],
        [Fraction(0), Fraction(4), Fraction(8)],
    )
    assert sorted(s.pitches for s in bars[1]) == [(60,), (64,)]
    assert {s.pitches: set(s.tied_in) for s in bars[1]} == {(60,): {60}, (64,): set()}


def test_a_note_that_ends_on_the_barline_leaves_the_next_bar_empty():
    assert (
        split_at_barlines(
            [(Fraction(0), Fraction(4), 60)], [Fraction(0), Fraction(4), Fraction(8)]
        )[1]
        == []
    )


def test_sounds_that_follow_each_other_share_a_voice():
    sounds = [Sound(Fraction(k), Fraction(k + 1), (60 + k,)) for k in range(4)]
    assert assign_voices(sounds) == [sounds]


def test_voices_come_from_high_to_low_and_keep_to_their_height():
    high = [Sound(Fraction(k), Fraction(k + 1), (76 + k,)) for k in range(2)]
    low = [Sound(Fraction(k), Fraction(k + 1), (60 + k,)) for k in range(2)]
    # the whole bass note forces two voices; the others stay near their neighbours
    assert assign_voices([high[0], low[0], low[1], high[1]]) == [high, low]


@pytest.mark.parametrize('count', [1, 2, 3, 4, 6, 9, 14])
@pytest.mark.parametrize('seed', range(8))
def test_voices_never_overlap_and_keep_every_cell(seed, count):
    sounds = random_sounds(seed, count)
    voices = assign_voices(sounds)
    assert 1 <= len(voices) <= MAX_VOICES
    for voice in voices:
        assert all(a.end <= b.start for a, b in pairwise(voice))
    assert cells([s for voice in voices for s in voice]) == cells(sounds)


def test_five_voices_are_sliced_into_one_of_tied_chords():
    sounds = [Sound(Fraction(k, 4), Fraction(4), (60 + k,)) for k in range(5)]
    voices = assign_voices(sounds)
    assert len(voices) == 1
    assert [s.pitches for s in voices[0]] == [
        (60,),
        (60, 61),
        (60, 61, 62),
        (60, 61, 62, 63),
        (60, 61, 62, 63, 64),
    ]
    last = voices[0][-1]
    assert last.tied_in == {60, 61, 62, 63}
    assert last.tied_out == frozenset()
    assert voices[0][0].tied_out == {60}


def test_slices_keep_the_ties_of_the_neighbouring_bars():
    sounds = [
        Sound(Fraction(0), Fraction(4), (50,), tied_out=frozenset({50})),
        Sound(Fraction(0), Fraction(1), (60,), tied_in=frozenset({60})),
    ]
    first, second = slice_sounds(sounds)
    assert (first.pitches, set(first.tied_in), set(first.tied_out)) == ((50, 60), {60}, {50})
    assert (second.pitches, set(second.tied_in), set(second.tied_out)) == ((50,), {50}, {50})


def test_slices_leave_silence_out():
    sounds = [Sound(Fraction(0), Fraction(1), (60,)), Sound(Fraction(2), Fraction(3), (62,))]
    assert [(s.start, s.end) for s in slice_sounds(sounds)] == [(0, 1), (2, 3)]


@pytest.mark.parametrize(
    ('start', 'length', 'beat', 'cuts'),
    [
        (0, 4, 1, [4]),
        (0, 3, 1, [3]),
        (0, Fraction(5, 4), 1, [1, Fraction(1, 4)]),
        (Fraction(1, 2), 1, 1, [Fraction(1, 2), Fraction(1, 2)]),
        (Fraction(3, 4), Fraction(1, 2), 1, [Fraction(1, 4), Fraction(1, 4)]),
        (Fraction(1, 4), Fraction(3, 4), 1, [Fraction(3, 4)]),
        (0, Fraction(3, 2), Fraction(3, 2), [Fraction(3, 2)]),
        (0, 3, Fraction(3, 2), [3]),
        (Fraction(1, 2), Fraction(3, 2), Fraction(3, 2), [1, Fraction(1, 2)]),
        (0, 5, 1, [4, 1]),
    ],
)
def test_lengths_show_the_beats(start, length, beat, cuts):
    assert list(notatable_lengths(Fraction(start), Fraction(length), Fraction(beat))) == cuts


@pytest.mark.parametrize('beat', [Fraction(1), Fraction(3, 2), Fraction(1, 2), Fraction(2)])
@pytest.mark.parametrize('seed', range(6))
def test_lengths_fill_a_span_with_single_noteheads(seed, beat):
    rng = np.random.default_rng(seed)
    for _ in range(50):
        start, length = (
            Fraction(int(rng.integers(0, 64)), 16),
            Fraction(int(rng.integers(1, 160)), 16),
        )
        cuts = list(notatable_lengths(start, length, beat))
        assert sum(cuts) == length
        assert set(cuts) <= set(NOTATABLE)
        for cut in cuts:  # what starts inside a beat ends with it at the latest
            assert not start % beat or start % beat + cut <= beat
            start += cut
