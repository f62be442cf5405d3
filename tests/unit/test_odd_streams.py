"""Streams that users make by hand: late parts, notes beside measures, crossed ties."""

import time

import pytest
from music21 import note, stream, tie

import qbdi_m21 as q
from qbdi_m21.errors import NotationError, NotationWarning, ScoreError, SourceWarning


def line(pitch, count=8, *, measured=False):
    part = stream.Part([note.Note(pitch, quarterLength=1) for _ in range(count)])
    return part.makeMeasures() if measured else part


@pytest.mark.parametrize('measured', [False, True])
def test_a_part_that_begins_later_sounds_later(measured):
    score = stream.Score()
    score.insert(0, line('C4', measured=measured))
    score.insert(4, line('E4', measured=measured))
    table = q.extract_notes(score)
    assert table.onset_ql[table.part == 1].tolist() == [4, 5, 6, 7, 8, 9, 10, 11]
    assert len(table.bars) == 3
    assert [p.offset for p in score.parts] == [0, 4]


def test_all_parts_late_is_no_part_late():
    score = stream.Score()
    score.insert(8, line('C4', measured=True))
    score.insert(8, line('E4', measured=True))
    assert q.extract_notes(score).onset_ql.max() == 7


def test_a_part_that_begins_inside_a_bar_is_refused():
    score = stream.Score()
    score.insert(0, line('C4', measured=True))
    score.insert(1, line('E4', measured=True))
    with pytest.raises(ScoreError, match=r'begins 1 quarters after the first, .* fill the part up'):
        q.extract_notes(score)


def test_a_late_query_cannot_be_aligned():
    score = stream.Score()
    score.insert(0, line('C4', measured=True))
    score.insert(4, line('E4', count=4, measured=True))
    with pytest.raises(NotationError, match='begins 4 quarters late'):
        q.align(score, q.to_score(q.to_frames(score)))


def test_notes_beside_measures_are_counted_and_told():
    score = stream.Score([line('C4', measured=True)])
    score.insert(0, note.Note('D5'))
    inner = stream.Voice([stream.Voice([note.Note('E5'), note.Note('F5')])])
    score.parts[0].measure(1).insert(0, inner)
    with pytest.warns(SourceWarning, match='^3 notes stand beside the measures'):
        assert len(q.extract_notes(score)) == 8


def test_voices_that_tie_one_pitch_keep_their_ties():
    first, second = stream.Measure(number=1), stream.Measure(number=2)
    for measure, lengths in ((first, ((2, 2), (0, 4))), (second, ((0, 1), (0, 4)))):
        for offset, length in lengths:
            voice = stream.Voice()
            head = note.Note('C4', quarterLength=length)
            head.tie = tie.Tie('start' if measure is first else 'stop')
            voice.insert(offset, head)
            measure.insert(0, voice)
    table = q.extract_notes(stream.Score([stream.Part([first, second])]))
    assert sorted((float(table.onset_at(k)), float(table.end_at(k))) for k in range(2)) == [
        (0, 8), (2, 5)]


def test_a_score_at_sounding_pitch_says_so_for_its_parts():
    from music21 import instrument
    part = line('C4', measured=True)
    part.insert(0, instrument.Clarinet())
    score = stream.Score([part])
    assert set(q.extract_notes(score).spelling.tolist()) == {'B-3'}
    score.atSoundingPitch = True
    assert set(q.extract_notes(score).spelling.tolist()) == {'C4'}


def test_a_part_inside_a_part_is_refused():
    with pytest.raises(ScoreError):
        q.extract_notes(stream.Part([stream.Part([note.Note('C4')])]))


def test_a_stream_without_measures_takes_time_in_proportion():
    def seconds(count):
        plain = stream.Stream([note.Note(60, quarterLength=1) for _ in range(count)])
        started = time.perf_counter()
        assert len(q.extract_notes(plain)) == count
        return time.perf_counter() - started
    few, many = (min(seconds(count) for _ in range(3)) for count in (200, 1600))
    assert many < 32 * few      # the square would be 64


def test_notes_below_the_lowest_octave_of_notation_are_refused():
    from fractions import Fraction

    from qbdi_m21.frames.grid import Bar
    from qbdi_m21.frames.table import make_note_table
    bars = (Bar(1, Fraction(0), Fraction(4)),)
    with pytest.raises(NotationError, match='lowest note is MIDI 11'):
        q.engrave(make_note_table(bars, onset=[0], duration=[1], pitch=[11]))
    with pytest.warns(NotationWarning, match='1 of 1 notes last beyond the last bar'):
        q.engrave(make_note_table(bars, onset=[0], duration=[9], pitch=[60]))
