"""Noteheads of a measure: accidentals, beams, stems, rests, tuplet brackets, grace notes."""

import copy
from dataclasses import replace
from fractions import Fraction

import pytest
from music21 import chord, key, note, stream
from strategies import bars_of, table_of

from qbdi_m21.notation.engrave import engrave
from qbdi_m21.notation.writer import quarters, spelled

HALF, THIRD = Fraction(1, 2), Fraction(1, 3)


def in_key(bars, sharps):
    return tuple(replace(bar, sharps=sharps) for bar in bars)


def tune_of(pitches, sharps=0, length=1, meter='4/4'):
    """Return one note after another; names are those near to the signature."""
    count = -(-len(pitches) * length // Fraction(int(meter[0]) * 4, int(meter[2])))
    table = table_of([(k * length, length, p) for k, p in enumerate(pitches)],
                     in_key(bars_of(*[meter] * int(count)), sharps))
    lowest = sharps - 3
    return replace(table, fifths=lowest + (table.pitch * 7 - lowest) % 12)


def engraved(notes, *meters, **options):
    return engrave(table_of(notes, bars_of(*meters)), brace=False, **options)


def heads(score):
    return list(score.recurse().notes)


def voices(score, measure=0):
    return list(score.parts[0].getElementsByClass(stream.Measure)[measure].voices)


def shown(score):       # of each notehead, in order
    return [p.accidental.name if p.accidental and p.accidental.displayStatus else None
            for n in score.recurse().notes for p in n.pitches]


@pytest.mark.parametrize(('tune', 'sharps'), [
    ([60, 61, 60, 61], 0), ([66, 65, 66, 67], 0), ([66, 65, 66, 66], 2), ([70, 71, 70, 71], -2),
    ([65, 66, 68, 68, 66, 65, 61, 60], 0), ([61, 63, 61, 60, 60, 61, 61, 63], -4),
    ([66, 78, 66, 77], 1)])
def test_printed_accidentals_are_those_of_music21(tune, sharps):
    score = engrave(tune_of(tune, sharps), brace=False)
    expected = stream.Part()
    for index, measure in enumerate(score.parts[0].getElementsByClass(stream.Measure)):
        plain = stream.Measure(number=index + 1)
        if not index:
            plain.insert(0, key.KeySignature(sharps))
        for element in measure.voices[0].notesAndRests:
            plain.append(copy.deepcopy(element))
        expected.append(plain)
    for element in expected.recurse().notes:
        if element.pitch.accidental is not None:
            element.pitch.accidental.displayStatus = None
    expected.makeAccidentals(inPlace=True, overrideStatus=True, cautionaryPitchClass=False,
                             cautionaryNotImmediateRepeat=False)
    assert shown(score.parts[0]) == shown(expected)


@pytest.mark.parametrize(('tune', 'sharps', 'printed'), [
    ([66, 66, 66, 66, 66], 0, ['sharp', None, None, None, 'sharp']),        # once a bar
    ([66, 65, 66, 65], 0, ['sharp', 'natural', 'sharp', 'natural']),
    ([66, 65, 66, 66], 1, [None, 'natural', 'sharp', None]),                # F sharp in the key
    ([66, 78, 65, 77], 0, ['sharp', 'sharp', 'natural', 'natural']),        # other octaves
    ([65, 66, 66, 65], 0, [None, 'sharp', None, 'natural']),
    ([70, 70, 71, 70], -1, [None, None, 'natural', 'flat'])])
def test_accidentals_follow_key_bar_and_octave(tune, sharps, printed):
    assert shown(engrave(tune_of(tune, sharps), brace=False)) == printed


def test_a_tie_over_the_barline_prints_no_accidental_and_the_next_note_does():
    score = engraved([(1, 2, 66), (3, 1, 66)], '2/4', '2/4')
    assert shown(score) == ['sharp', None, 'sharp']
    assert [n.tie and n.tie.type for n in heads(score)] == ['start', 'stop', None]


def test_voices_of_one_staff_share_their_accidentals():
    score = engraved([(0, 4, 72), (0, 2, 66), (2, 2, 65)], '4/4')
    assert len(voices(score)) == 2
    assert dict(zip([n.pitch.midi for n in heads(score)], shown(score), strict=True)) == {
        72: None, 66: 'sharp', 65: 'natural'}


def test_grace_notes_come_before_what_they_lean_on():
    table = table_of([(0, 0, 66), (0, 1, 66), (1, 1, 66)], bars_of('2/4'))
    assert shown(engrave(table, brace=False)) == ['sharp', None, None]


@pytest.mark.parametrize(('midi', 'fifths', 'name'), [
    (60, 0, ('C', 4, 0)), (59, -7, ('C', 4, -1)), (60, 12, ('B', 3, 1)), (70, -2, ('B', 4, -1)),
    (62, 14, ('C', 4, 2)), (67, -11, ('A', 4, -2)),
    (62, 26, ('C', 4, 2)), (60, -24, ('D', 4, -2))])     # not more than two sharps or flats
def test_names_follow_the_table(midi, fifths, name):
    assert spelled(midi, fifths) == name


def beams(score):
    """Return the kinds of the beams of each note, one string a note."""
    return [' '.join(f'{b.type}{"-" + b.direction if b.direction else ""}'
                     for b in n.beams.beamsList) for n in heads(score)]


def test_eighths_of_6_8_are_beamed_in_threes():
    assert beams(engrave(tune_of([72] * 6, 0, HALF, '6/8'), brace=False)) == [
        'start', 'continue', 'stop'] * 2


@pytest.mark.parametrize(('meter', 'kinds'), [
    ('4/4', ['start', 'stop'] * 4), ('3/4', ['start', 'stop'] * 3),
    ('2/2', ['start', 'continue', 'continue', 'stop'] * 2), ('4/8', ['start', 'stop'] * 2),
    ('5/8', ['start', 'stop', 'start', 'continue', 'stop']), ('8/8', ['start', 'stop'] * 4)])
def test_eighths_are_beamed_by_beat(meter, kinds):
    assert beams(engrave(tune_of([72] * len(kinds), 0, HALF, meter), brace=False)) == kinds


def test_sixteenths_of_a_half_bar_are_beamed_by_quarter():
    made = engrave(tune_of([72] * 8, 0, Fraction(1, 4), '2/2'), brace=False)
    assert beams(made)[:8] == ['start start', 'continue continue', 'continue continue',
                               'stop stop'] * 2


def test_a_beam_that_has_no_neighbour_points_to_its_own_beat():
    made = engraved([(0, Fraction(3, 4), 60), (Fraction(3, 4), Fraction(1, 4), 62),
                     (1, Fraction(1, 4), 64), (Fraction(5, 4), Fraction(3, 4), 65)], '2/4')
    assert beams(made) == ['start', 'stop partial-left', 'start partial-right', 'stop']


def test_thirty_seconds_show_the_half_beat():
    made = engraved([(Fraction(k, 8), Fraction(1, 8), 60) for k in range(8)], '1/4')
    assert [kinds.split()[:2] for kinds in beams(made)] == [
        ['start', 'start'], ['continue', 'continue'], ['continue', 'continue'],
        ['continue', 'stop'], ['continue', 'start'], ['continue', 'continue'],
        ['continue', 'continue'], ['stop', 'stop']]


def test_a_rest_divides_a_beam():
    made = engraved([(0, Fraction(1, 4), 60), (Fraction(1, 2), Fraction(1, 4), 60),
                     (Fraction(3, 4), Fraction(1, 4), 60)], '1/4')
    assert beams(made) == ['', 'start start', 'stop stop']


def test_stems_part_two_voices_where_both_sound_and_only_there():
    made = engraved([(0, 2, 72), (0, 1, 60), (1, 1, 62), (2, 1, 64), (3, 1, 65)], '4/4')
    upper, lower = voices(made)
    assert [n.stemDirection for n in upper.notes if n.offset < 2] == ['up']
    assert [n.stemDirection for n in lower.notes if n.offset < 2] == ['down', 'down']
    alone = [n.stemDirection for v in (upper, lower) for n in v.notes if n.offset >= 2]
    assert alone == ['unspecified'] * 2


def test_an_inner_voice_turns_away_from_what_sounds_with_it():
    made = engraved([(0, 4, 79), (0, 4, 55), (0, 1, 67), (1, 1, 69), (2, 2, 67)], '4/4')
    assert [[n.stemDirection for n in voice.notes] for voice in voices(made)] == [
        ['up'], ['down'], ['up', 'up', 'up']]


def test_a_chord_holds_notes_of_equal_start_and_end():
    (made,) = heads(engraved([(0, 2, 60), (0, 2, 67), (0, 2, 64)], '2/4'))
    assert isinstance(made, chord.Chord)
    assert [p.midi for p in made.pitches] == [60, 64, 67]


def rests(score, *, hidden):
    return [(float(r.offset), float(r.quarterLength)) for v in voices(score)
            for r in v.getElementsByClass(note.Rest)
            if bool(r.style.hideObjectOnPrint) is hidden]


def test_the_rests_of_a_silent_staff_are_seen_once():
    made = engraved([(0, 1, 60), (0, 2, 72), (3, 1, 72)], '4/4')
    assert rests(made, hidden=False) == [(2.0, 1.0)]


def test_a_second_voice_that_comes_in_with_the_first_needs_no_rest():
    made = engraved([(0, 1, 72), (1, 1, 74), (1, HALF, 60)], '2/4')
    assert rests(made, hidden=False) == []


def test_a_rest_tells_when_a_voice_comes_in_by_itself():
    made = engraved([(0, 1, 72), (1, 1, 74), (Fraction(3, 2), HALF, 60)], '2/4')
    assert rests(made, hidden=False) == [(1.0, 0.5)]
    assert rests(made, hidden=True) == [(0.0, 1.0)]


def test_whole_rests_stand_for_silent_bars_only():
    # music21 may stretch a whole rest in a bar of another length to that bar
    made = engraved([(0, 4, 60), (12, 1, 60)], '4/2', '4/4', '4/4')
    kinds = [(r.duration.type, r.fullMeasure is True)
             for r in made.recurse().getElementsByClass(note.Rest)]
    assert kinds == [('half', False)] * 2 + [('whole', True)] + [('quarter', False)] + [
        ('half', False)]


def marks(score):
    """Return actual and normal number, type and bracket of each tuplet mark, and its end."""
    return [(t.numberNotesActual, t.numberNotesNormal, t.type, t.bracket)
            for n in score.recurse().notesAndRests for t in n.duration.tuplets
            if t.type is not None]


def test_a_beamed_triplet_has_a_number_and_others_a_bracket():
    beamed = engraved([(k * THIRD, THIRD, 60) for k in range(3)], '1/4')
    assert marks(beamed)[0] == (3, 2, 'start', False)
    apart = engraved([(0, THIRD, 60), (THIRD, 2 * THIRD, 60)], '1/4')
    assert marks(apart) == [(3, 2, 'start', True), (3, 2, 'stop', True)]


def test_a_rest_completes_a_tuplet():
    made = engraved([(0, THIRD, 60), (2 * THIRD, THIRD, 60)], '1/4')
    assert [(type(n).__name__, n.quarterLength, n.duration.tuplets[0].type)
            for n in voices(made)[0].notesAndRests] == [
        ('Note', THIRD, 'start'), ('Rest', THIRD, None), ('Note', THIRD, 'stop')]


def test_tuplets_stand_on_the_side_of_their_stems():
    made = engraved([(0, 1, 50), *((k * THIRD, THIRD, 72) for k in range(3))], '1/4')
    tuplets = [t for n in heads(made) for t in n.duration.tuplets]
    assert {t.placement for t in tuplets} == {'above'}
    lower = engraved([(0, 1, 80), *((k * THIRD, THIRD, 60) for k in range(3))], '1/4')
    assert {t.placement for n in heads(lower) for t in n.duration.tuplets} == {'below'}


def test_offsets_are_as_music21_counts_them():
    from qbdi_m21.notation.rhythm import TICKS
    assert quarters(TICKS * 3 // 4) == 0.75
    assert isinstance(quarters(TICKS), float)
    assert quarters(TICKS // 3) == THIRD


def test_the_rests_of_a_tuplet_are_seen_in_a_second_voice_too():
    made = engraved([(0, 1, 80), (0, THIRD, 60)], '1/4')
    assert rests(made, hidden=True) == []
    assert [length for _, length in rests(made, hidden=False)] == [float(THIRD)] * 2
