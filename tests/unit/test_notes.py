"""Note tables: what sounds in a score, counted against an extraction of our own."""

from fractions import Fraction

import numpy as np
import pytest
from music21 import (
    chord,
    clef,
    corpus,
    harmony,
    instrument,
    key,
    meter,
    note,
    percussion,
    stream,
    tie,
)
from naive.twins import naive_sounding_notes

from qbdi_m21.errors import EmptyScoreError, FramesError, ScoreError
from qbdi_m21.frames.notes import extract_notes
from qbdi_m21.frames.table import NoteTable

WORKS = ['bach/bwv66.6', 'demos/two-parts', 'schumann_clara/opus17/movement3', 'bach/bwv1.6',
         'joplin/maple_leaf_rag', 'chopin/mazurka06-2', 'leadSheet/berlinAlexandersRagtime',
         'schoenberg/opus19/movement2']


def rows(table, *, grace=False):
    """(part, onset, end, pitch) of the rows that are grace notes, or are not."""
    return sorted((int(table.part[k]), table.onset_at(k), table.end_at(k), int(table.pitch[k]))
                  for k in range(len(table)) if table.grace[k] == grace)


def spans(score):
    return [row[1:] for row in rows(extract_notes(score))]


def tied(element, kind):
    element.tie = tie.Tie(kind)
    return element


def measures(*contents, signature='4/4'):
    """A part of measures, each of elements in a row or of voices (lists) at once."""
    part = stream.Part()
    for number, content in enumerate(contents, start=1):
        measure = stream.Measure(number=number)
        if number == 1:
            measure.insert(0, meter.TimeSignature(signature))
        for k, item in enumerate(content):
            if isinstance(item, list):
                voice = stream.Voice(id=str(k + 1))
                voice.append(item)
                measure.insert(0, voice)
            else:
                measure.append(item)
        part.append(measure)
    return part


def half(name, kind=None):
    made = note.Note(name, quarterLength=2)
    return tied(made, kind) if kind else made


@pytest.mark.parametrize('work', WORKS)
def test_notes_are_those_that_an_independent_extraction_finds(corpus_score, work):
    score = corpus_score(work)
    assert rows(extract_notes(score)) == naive_sounding_notes(score)


def test_the_score_of_the_caller_is_left_as_it_was():
    score = corpus.parse('bach/bwv66.6')
    before = [(n.pitch.nameWithOctave, n.offset, n.quarterLength) for n in score.recurse().notes]
    extract_notes(score)
    assert before == [
        (n.pitch.nameWithOctave, n.offset, n.quarterLength) for n in score.recurse().notes]


def test_a_tie_across_barlines_makes_one_note():
    part = measures([half('E4'), half('C4', 'start')], [half('C4', 'continue'), half('C4', 'stop')])
    assert spans(part) == [(0, 2, 64), (2, 8, 60)]


def test_repeated_notes_without_a_tie_stay_apart():
    assert spans(measures([half('C4'), half('C4')])) == [(0, 2, 60), (2, 4, 60)]


def test_a_tie_between_enharmonic_spellings_makes_one_note():
    part = measures([half('C#4', 'start'), half('D-4', 'stop')])
    assert spans(part) == [(0, 4, 61)]


def test_a_tie_that_nothing_ends_keeps_its_own_length():
    part = measures([half('C4', 'start'), half('D4')])
    assert spans(part) == [(0, 2, 60), (2, 4, 62)]


def test_a_tie_that_nothing_began_is_a_note():
    assert spans(measures([half('C4'), half('D4', 'stop')])) == [(0, 2, 60), (2, 4, 62)]


def test_only_the_tied_members_of_a_chord_are_joined():
    first, second = (chord.Chord(['C4', 'E4', 'G4'], quarterLength=4) for _ in range(2))
    tied(first.notes[1], 'start')
    tied(second.notes[1], 'stop')
    assert spans(measures([first], [second])) == [
        (0, 4, 60), (0, 4, 67), (0, 8, 64), (4, 8, 60), (4, 8, 67)]


def test_a_chord_tied_as_a_whole_is_joined_member_by_member():
    first, second = (chord.Chord(['C4', 'E4'], quarterLength=4) for _ in range(2))
    assert spans(measures([tied(first, 'start')], [tied(second, 'stop')])) == [
        (0, 8, 60), (0, 8, 64)]


def test_a_chord_tied_to_a_single_note_is_joined():
    first = chord.Chord(['C4', 'E4'], quarterLength=4)
    tied(first.notes[0], 'start')
    assert spans(measures([first], [half('C4', 'stop'), half('E4')])) == [
        (0, 4, 64), (0, 6, 60), (6, 8, 64)]


@pytest.mark.parametrize('order', [1, -1])
def test_a_tie_from_voice_to_voice_is_joined(order):
    rest = note.Rest(quarterLength=2)
    voices = [[half('C4', 'start')], [rest, half('C4', 'stop')]]
    assert spans(measures(voices[::order])) == [(0, 4, 60)]


def test_a_tie_from_voice_to_voice_across_a_barline_is_joined():
    part = measures([[half('E4'), half('C4', 'start')], [half('G3'), half('A3')]],
                    [[half('E4'), half('F4')], [half('C4', 'stop'), half('G3')]])
    assert (2, 6, 60) in spans(part)
    assert len(spans(part)) == 7


def test_voices_that_tie_one_pitch_at_once_keep_a_note_each():
    part = measures([[half('E4'), half('C4', 'start')], [half('G3'), half('C4', 'start')]],
                    [[half('C4', 'stop')], [half('C4', 'stop')]])
    assert [s for s in spans(part) if s[2] == 60] == [(2, 6, 60), (2, 6, 60)]


def test_a_note_tied_to_its_grace_note_is_a_note_of_its_length():
    grace = tied(note.Note('C4').getGrace(), 'start')
    assert spans(measures([grace, half('C4', 'stop'), half('D4')])) == [(0, 2, 60), (2, 4, 62)]


def test_grace_notes_are_flagged_and_take_no_time():
    table = extract_notes(measures([note.Note('B3').getGrace(), half('C4'), half('D4')]))
    assert rows(table, grace=True) == [(0, 0, 0, 59)]
    assert rows(table) == [(0, 0, 2, 60), (0, 2, 4, 62)]


def test_chord_symbols_and_unpitched_notes_are_not_notes():
    part = measures([harmony.ChordSymbol('Am'), half('C4'), note.Unpitched(quarterLength=1),
                     percussion.PercussionChord([note.Unpitched()], quarterLength=1)])
    assert spans(part) == [(0, 2, 60)]


@pytest.mark.parametrize(('kind', 'down'), [
    (instrument.Clarinet, 2), (instrument.Horn, 7), (instrument.Contrabass, 12),
    (instrument.Flute, 0), (instrument.Piccolo, -12)])
def test_transposing_instruments_sound(kind, down):
    part = measures([half('C5'), half('D5')])
    part.insert(0, kind())
    assert spans(part) == [(0, 2, 72 - down), (2, 4, 74 - down)]


def test_a_part_at_sounding_pitch_is_not_transposed_again():
    part = measures([half('C5'), half('D5')])
    part.insert(0, instrument.Clarinet())
    part.atSoundingPitch = False
    score = stream.Score([part])
    assert rows(extract_notes(score.toSoundingPitch(inPlace=False))) == rows(extract_notes(score))


def test_the_key_of_a_bar_is_at_sounding_pitch():
    part = measures([half('C5'), half('D5')])
    part.measure(1).insert(0, key.KeySignature(2))
    part.insert(0, instrument.Clarinet())
    assert [bar.sharps for bar in extract_notes(part).bars] == [0]


def test_an_instrument_change_counts_from_its_measure():
    part = measures([half('C5'), half('C5')], [half('C5'), half('C5')])
    part.insert(0, instrument.Flute())
    part.measure(2).insert(0, instrument.Clarinet())
    assert [pitch for _, _, pitch in spans(part)] == [72, 72, 70, 70]


def test_a_pickup_and_meter_changes_give_the_bars():
    part = stream.Part()
    plan = [(0, '3/4', 1), (1, None, 3), (2, '6/8', 3), (3, '5/4', 5), (4, None, 5)]
    for number, signature, length in plan:
        measure = stream.Measure(number=number)
        if signature:
            measure.timeSignature = meter.TimeSignature(signature)
        if number == 0:
            measure.paddingLeft = 2
        measure.append(note.Note('C4', quarterLength=length))
        part.append(measure)
    bars = extract_notes(part).bars
    assert [(b.number, b.start_ql, b.length_ql, b.meter, b.lead_ql) for b in bars] == [
        (0, 0, 1, '3/4', 2), (1, 1, 3, '3/4', 0), (2, 4, 3, '6/8', 0), (3, 7, 5, '5/4', 0),
        (4, 12, 5, '5/4', 0)]
    assert [b.beat_ql for b in bars] == [1, 1, Fraction(3, 2), 1, 1]


def test_a_stream_without_measures_is_measured():
    flat = stream.Stream()
    flat.append(meter.TimeSignature('3/4'))
    flat.repeatAppend(note.Note('C4', quarterLength=1), 7)
    table = extract_notes(flat)
    assert [row[1:] for row in rows(table)] == [(k, k + 1, 60) for k in range(7)]
    assert [bar.length_ql for bar in table.bars] == [3, 3, 3]


def test_parts_in_a_plain_stream_are_parts():
    whole = stream.Stream([measures([half('C4'), half('D4')]), measures([half('E3'), half('F3')])])
    assert len(extract_notes(whole)) == 4


def test_part_and_measure_and_score_give_the_same_notes():
    part = measures([half('C4'), half('D4')])
    assert spans(part) == spans(stream.Score([part])) == spans(part.measure(1))


@pytest.mark.parametrize('score', [
    stream.Score(), stream.Part(), stream.Score([stream.Part()]), stream.Measure(),
    measures([note.Rest(quarterLength=4)]), measures([note.Unpitched(quarterLength=4)]),
    measures([clef.BassClef(), harmony.ChordSymbol('C')])],
    ids=['score', 'part', 'part in score', 'measure', 'rest', 'percussion', 'chord symbol'])
def test_music_without_a_pitched_note_is_refused(score):
    with pytest.raises(EmptyScoreError, match='expected at least one'):
        extract_notes(score)


def test_music_without_a_note_can_be_asked_for():
    table = extract_notes(measures([note.Rest(quarterLength=4)], [note.Rest(quarterLength=4)]),
                          allow_empty=True)
    assert len(table) == 0
    assert len(table.bars) == 2


def test_an_opus_is_refused_with_the_number_of_its_scores():
    opus = stream.Opus([stream.Score(), stream.Score()])
    with pytest.raises(ScoreError, match='Opus of 2 scores'):
        extract_notes(opus)


def test_what_is_no_stream_is_refused():
    with pytest.raises(ScoreError, match='got str; expected a music21 Stream'):
        extract_notes('bach/bwv66.6')


def test_rows_are_sorted_and_ids_name_each_once(corpus_score):
    table = extract_notes(corpus_score('schumann_clara/opus17/movement3'))
    keys = list(zip(table.onset_ql, table.part, table.pitch, strict=True))
    assert keys == sorted(keys)
    assert len(set(table.element_id.tolist())) == len(table)
    assert all(i.startswith(f'P{p}M{b}N') for i, p, b in zip(
        table.element_id, table.part, table.bar, strict=True))


def test_every_note_starts_in_its_bar(corpus_score):
    table = extract_notes(corpus_score('joplin/maple_leaf_rag'))
    for k in range(len(table)):
        bar = table.bars[table.bar[k]]
        assert bar.start_ql <= table.onset_at(k) < bar.end_ql


def test_ids_are_the_same_in_a_copy():
    score = corpus.parse('bach/bwv66.6')
    copied = score.coreCopyAsDerivation('test')
    assert extract_notes(score).element_id.tolist() == extract_notes(copied).element_id.tolist()


def test_select_keeps_the_bars():
    table = extract_notes(measures([half('C4'), half('D4')]))
    chosen = table.select(np.array([False, True]))
    assert chosen.pitch.tolist() == [62]
    assert chosen.bars == table.bars


def test_columns_of_unequal_length_are_refused():
    table = extract_notes(measures([half('C4'), half('D4')]))
    with pytest.raises(FramesError, match='different lengths'):
        NoteTable(**{**vars(table), 'pitch': table.pitch[:1]})


@pytest.mark.parametrize(('lengths', 'expected'), [
    ((1, 4, 4), [(1, 3), (4, 0), (4, 0)]),              # a pickup that does not say so
    ((1, 4, 3), [(1, 3), (4, 0), (3, 0)]),              # completed by the last bar
    ((4, 4, 2), [(4, 0), (4, 0), (2, 0)]),
    ((4, 3, 1, 4), [(4, 0), (3, 0), (1, 3), (4, 0)]),   # one bar, cut by a repeat sign
    ((4, 3, 2, 4), [(4, 0), (3, 0), (2, 0), (4, 0)]),
    ((4, 2, 2, 2, 2), [(4, 0), (2, 0), (2, 2), (2, 0), (2, 2)]),
    ((4, 6, 4), [(4, 0), (6, 0), (4, 0)]),              # a cadenza
    ((1,), [(4, 0)]), ((6,), [(6, 0)]),
    ((Fraction(95, 24), 4), [(Fraction(95, 24), 0), (4, 0)])],      # a file's rounding
    ids=str)
def test_bars_are_as_long_as_they_sound_and_know_what_is_missing_in_front(lengths, expected):
    part = measures(*[[note.Note('C4', quarterLength=length)] for length in lengths])
    assert [(b.length_ql, b.lead_ql) for b in extract_notes(part).bars] == expected
