"""Note tables: columns, what follows from them, and what is refused."""

import warnings
from dataclasses import replace
from fractions import Fraction
from math import ceil

import numpy as np
import pytest
from frame_strategies import assert_equal_tables, fractions
from music21 import harmony, interval, key, meter, note, stream
from strategies import bars_of, table_of

from qbdi_m21.errors import FramesError, SourceWarning
from qbdi_m21.frames.grid import Bar
from qbdi_m21.frames.notes import extract_notes
from qbdi_m21.frames.table import NoteTable, Tempo, make_note_table

F = Fraction
BARS = bars_of('4/4', '4/4')
WORKS = ['bach/bwv66.6', 'joplin/maple_leaf_rag', 'ryansMammoth/BanishMisfortune',
         'schumann_clara/polonaise_op1n1', 'verdi/laDonnaEMobile',
         'handel/rinaldo/Lascia_chio_pianga', 'trecento/PMFC_12_10a-Credo PMFC12.10a',
         'ryansMammoth/FoxHuntersJig']
METERS = ['2/4', '3/4', '4/4', '5/4', '7/4', '2/2', '3/2', '4/2', '3/8', '5/8', '6/8', '7/8',
          '9/8', '12/8', '6/4', '5/16', '11/8']


def made(**columns):
    plain = {'onset': [0, 1], 'duration': [1, 1], 'pitch': [60, 62]}
    return make_note_table(BARS, **{**plain, **columns})


def assert_music21_counts_so(score):
    """Compare beat and weight of every row with those of the elements that start there."""
    with warnings.catch_warnings():
        warnings.simplefilter('ignore', SourceWarning)
        table = extract_notes(score)
    places = {}
    for part, one in enumerate(score.parts):
        for index, measure in enumerate(one.getElementsByClass(stream.Measure)):
            # of the half of a bar that a sign cuts, music21 counts the beats from 1
            if table.bars[index].lead_ql and not measure.paddingLeft:
                continue
            for element in measure.recurse().notes:
                if not isinstance(element, harmony.Harmony):
                    offset = F(element.getOffsetInHierarchy(measure))
                    places[part, index, offset] = element.beat, element.beatStrength
    beats, weights, compared = fractions(table.beat), table.weight, 0
    for row in range(len(table)):
        bar = int(table.bar[row])
        place = int(table.part[row]), bar, table.onset_at(row) - table.bars[bar].start_ql
        if place in places and not table.grace[row]:
            assert (beats[row], weights[row]) == places[place], table.element_id[row]
            compared += 1
    assert compared > 0.9 * np.count_nonzero(~table.grace)


@pytest.mark.parametrize('work', WORKS)
def test_beats_and_weights_are_those_of_music21(corpus_score, work):
    assert_music21_counts_so(corpus_score(work))


@pytest.mark.parametrize('ratio', METERS)
def test_beats_and_weights_of_every_meter_are_those_of_music21(ratio):
    part, signature = stream.Part(), meter.TimeSignature(ratio)
    length = F(signature.barDuration.quarterLength)
    for number in (0, 1, 2):
        measure = stream.Measure(number=number)
        first = F(0)
        if number == 0:
            measure.timeSignature = signature
            measure.paddingLeft = first = length / 2
        for twelfth in range(ceil(12 * first), ceil(12 * length)):
            measure.insert(F(twelfth, 12) - first, note.Note('C4', quarterLength=F(1, 24)))
        part.append(measure)
    assert_music21_counts_so(stream.Score([part]))


@pytest.mark.parametrize('ratio', ['2/4+3/8', '3+2/8'])
@pytest.mark.xfail(reason='a bar does not say how its meter is composed')
def test_beats_of_composed_meters_are_those_of_music21(ratio):
    part = stream.Part([meter.TimeSignature(ratio)])
    part.repeatAppend(note.Note('C4', quarterLength=0.5), 14)
    assert_music21_counts_so(stream.Score([part.makeMeasures()]))


def test_columns_that_follow_from_others():
    bars = bars_of('3/4', '3/4', pickup_ql=1)
    table = table_of([(0, 1, 61), (1, F(1, 3), 62), (4, 3, 58, 1)], bars, fifths=[-5, 2, -2])
    assert table.measure.tolist() == [0, 1, 2]
    assert fractions(table.beat) == [3, 1, 1]
    assert table.weight.tolist() == [0.5, 1.0, 1.0]
    assert table.spelling.tolist() == ['D-4', 'D4', 'B-3']
    assert table.element_id.tolist() == ['P0M0N0', 'P0M1N0', 'P1M2N0']
    assert fractions(table.end) == [1, F(4, 3), 7]
    assert table.onset_ql.tolist() == [0, 1, 4]
    assert table.duration_ql.tolist() == [1, 1 / 3, 3]
    assert table.part_names == ('', '')


def test_columns_are_told_once_for_all_notes_or_one_by_one():
    table = made(velocity=80, voice=[2, 1], staff=2, grace=[False, True], duration=[1, 0])
    assert table.velocity.tolist() == [80, 80]
    assert table.voice.tolist() == [2, 1]
    assert table.grace.tolist() == [False, True]
    assert table.grace.dtype == np.bool_


def test_rows_are_sorted_by_onset_part_pitch_and_end():
    notes = [(1, 2, 60, 0), (1, 1, 60, 0), (1, 1, 50, 1), (0, 1, 70, 1), (1, 1, 59, 0)]
    table = table_of(notes, BARS)
    assert list(zip(table.onset_ql, table.part, table.pitch, table.duration_ql, strict=True)) == [
        (0, 1, 70, 1), (1, 0, 59, 1), (1, 0, 60, 1), (1, 0, 60, 2), (1, 1, 50, 1)]


def test_a_note_may_stand_in_a_bar_that_does_not_hold_its_onset():
    table = made(bar=[0, 1])
    assert table.element_id.tolist() == ['P0M0N0', 'P0M1N0']


def test_a_table_without_notes_has_every_column():
    table = make_note_table(BARS, onset=[], duration=[], pitch=[])
    for name in ('end', 'beat', 'weight', 'spelling', 'element_id', 'measure'):
        assert len(getattr(table, name)) == 0
    assert len(table.transpose(3)) == len(table) == 0


@pytest.mark.parametrize(('sharps', 'names'), [(-3, ['E-4', 'A-4']), (4, ['D#4', 'G#4'])])
def test_notes_are_spelled_by_the_signature_unless_told(sharps, names):
    bars = (Bar(1, F(0), F(4), sharps=sharps),)
    assert table_of([(0, 1, 63), (1, 1, 68)], bars).spelling.tolist() == names
    told = table_of([(0, 1, 63), (1, 1, 68)], bars, fifths=[9, -4])
    assert told.spelling.tolist() == ['D#4', 'A-4']


@pytest.mark.parametrize(('columns', 'message'), [
    ({'pitch': [60, 200]}, r'row 2 has a pitch outside MIDI 0\.\.127: onset 1, duration 1, p'),
    ({'pitch': [-1, 60]}, r'row 1 has a pitch outside MIDI 0\.\.127'),
    ({'duration': [1, F(-1, 2)]}, 'row 2 has a negative duration: onset 1, duration -1/2'),
    ({'onset': [-1, 0]}, 'row 1 has a negative onset: onset -1'),
    ({'onset': [0, 8]}, 'a note starts at 8 quarters; expected it before the end of the bars at 8'),
    ({'onset': [0, 99.5]}, 'a note starts at 199/2 quarters'),
    ({'duration': [1]}, '2 onsets and 1 durations'),
    ({'pitch': [60]}, r'the column pitch has shape \(1,\); expected \(2,\)'),
    ({'voice': [[0, 0]]}, r'the column voice has shape \(1, 2\)'),
    ({'pitch': [60.5, 61]}, 'the column pitch holds float64 values; expected whole numbers'),
    ({'pitch': [60, float('nan')]}, 'the column pitch holds float64 values'),
    ({'pitch': [60, float('inf')]}, 'the column pitch holds float64 values'),
    ({'pitch': ['C4', 'D4']}, 'the column pitch holds <U2 values; expected whole numbers'),
    ({'part': [0, None]}, 'the column part holds object values'),
    ({'bar': [0, 2]}, 'the column bar runs from 0 to 2; expected 0 to 1'),
    ({'bar': [-1, 0]}, 'the column bar runs from -1 to 0; expected 0 to 1'),
    ({'onset': np.array([[0, 1], [1, 0]])}, 'a denominator of an onset or a duration is below 1')])
def test_columns_that_cannot_be_are_refused(columns, message):
    with pytest.raises(FramesError, match=message):
        made(**columns)


@pytest.mark.parametrize('columns', [
    {'onset': [0, float('nan')]}, {'onset': ['x', 0]}, {'onset': [None, 0]},
    {'onset': [0, 10**30]}, {'duration': [1, float('inf')]},
    {'onset': np.array([[0.5, 1.0], [1.0, 1.0]])}, {'velocity': 300}, {'part': -1},
    {'part': [0, 3], 'part_names': ('Flute',)}], ids=str)
def test_more_columns_that_cannot_be_are_refused(columns):
    with pytest.raises(FramesError):
        made(**columns)


def test_pairs_come_in_lowest_terms():
    assert made(onset=np.array([[0, 4], [2, 2]])).onset.tolist() == [[0, 1], [1, 1]]


def test_no_note_fits_where_there_is_no_bar():
    with pytest.raises(FramesError, match='before the end of the bars at 0'):
        make_note_table((), onset=[0], duration=[1], pitch=[60])
    assert make_note_table((), onset=[], duration=[], pitch=[]).bars == ()


def test_columns_of_unequal_length_are_refused():
    with pytest.raises(FramesError, match=r"different lengths: .*'pitch': 1"):
        NoteTable(**{**vars(made()), 'pitch': np.array([60])})


def test_some_rows_of_a_table_keep_all_else():
    table = made(part_names=('Flute',), tempi=(Tempo(F(0), 90.0),))
    chosen = table.select(table.pitch > 60)
    assert chosen.pitch.tolist() == [62]
    assert (chosen.bars, chosen.part_names, chosen.tempi) == (
        table.bars, table.part_names, table.tempi)
    assert table.select(np.array([1, 0])).pitch.tolist() == [62, 60]


@pytest.mark.parametrize('name', ['m2', 'M2', 'm3', 'M3', 'P4', 'P5', 'm7', 'P8', '-m2', '-M3',
                                  '-P5', 'M9', '-P8'])
@pytest.mark.parametrize('tonic', ['C', 'G', 'D', 'F', 'B-', 'e', 'd'])
def test_transposed_notes_are_spelled_as_music21_does(name, tonic):
    home = key.Key(tonic)
    part = stream.Part([stream.Measure([key.KeySignature(home.sharps), *(
        note.Note(p, quarterLength=0.5) for p in home.getPitches('C4', 'C5'))])])
    change = interval.Interval(name)
    moved = extract_notes(part).transpose(change.semitones)
    theirs = extract_notes(part.transpose(change))
    shift = (moved.bars[0].sharps - theirs.bars[0].sharps)
    assert shift in (-12, 0, 12)
    assert abs(moved.bars[0].sharps) <= min(7, abs(theirs.bars[0].sharps))
    assert np.array_equal(moved.pitch, theirs.pitch)
    assert np.array_equal(moved.fifths - shift, theirs.fifths)


def test_a_transposed_piece_is_spelled_as_music21_does(corpus_score):
    score = corpus_score('bach/bwv66.6')
    change = interval.Interval('M2')
    first, second = extract_notes(score).transpose(2), extract_notes(score.transpose(change))
    assert first.spelling.tolist() == second.spelling.tolist()
    assert first.bars == second.bars


@pytest.mark.parametrize('semitones', [0, 12, -24])
def test_an_octave_keeps_the_key(semitones):
    for sharps in range(-7, 8):
        bars = tuple(replace(bar, sharps=sharps) for bar in BARS)
        table = table_of([(0, 1, 60), (1, 1, 61)], bars)
        moved = table.transpose(semitones)
        assert moved.bars == table.bars
        assert np.array_equal(moved.fifths, table.fifths)
        assert np.array_equal(moved.pitch, table.pitch + semitones)


@pytest.mark.parametrize('sharps', range(-7, 8))
def test_a_transposed_key_has_as_few_accidentals_as_can_be(sharps):
    table = table_of([(0, 1, 60)], (Bar(1, F(0), F(4), sharps=sharps),))
    for semitones in {*range(-11, 12)} - {0}:
        reached = table.transpose(semitones).bars[0].sharps
        assert (reached - sharps - 7 * semitones) % 12 == 0
        assert abs(reached) <= 6


def test_transposing_out_of_the_range_of_midi_is_refused():
    with pytest.raises(FramesError, match=r'by 70 semitones takes notes to MIDI 130\.\.132'):
        made().transpose(70)
    with pytest.raises(FramesError, match=r'by -61 semitones takes notes to MIDI -1\.\.1'):
        made().transpose(-61)
    assert_equal_tables(made().transpose(65).transpose(-65), made())
