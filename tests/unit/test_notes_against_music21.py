"""Note tables of works and of rarer notation, against music21's own reading of them."""

import warnings
from fractions import Fraction

import numpy as np
import pytest
from frame_strategies import fractions
from music21 import (
    chord,
    converter,
    expressions,
    instrument,
    layout,
    note,
    pitch,
    spanner,
    stream,
    tempo,
    tie,
    volume,
)
from naive.twins import naive_sounding_notes

from qbdi_m21.errors import EmptyScoreError, SourceWarning
from qbdi_m21.frames.notes import extract_notes, extract_tables, notes_by_element_id

F = Fraction
WORKS = [
    'bach/bwv102.7', 'bach/bwv244.3', 'beach/prayer_of_a_tired_child',
    'beethoven/opus59no2/movement3', 'ciconia/quod_jactatur', 'corelli/opus3no1/1grave',
    'demos/ComprehensiveChordSymbolsTestFile', 'demos/nested_tuplet_finale_test2',
    'demos/two-voices', 'demos/voices_with_chords', 'handel/rinaldo/Lascia_chio_pianga',
    'johnson_j_r/lift_every_voice', 'liliuokalani/aloha_oe', 'luca/gloria',
    'lusitano/allor_che_ignuda', 'mozart/k155/movement2',
    'mozart/k545/movement1_exposition', 'palestrina/Agnus_I_42', 'ryansMammoth/BanishMisfortune',
    'schoenberg/opus19/movement6', 'schumann_clara/polonaise_op1n1',
    'schumann_robert/dichterliebe_no2', 'trecento/PMFC_12_10a-Credo PMFC12.10a',
    'verdi/laDonnaEMobile', 'webern/webern_dormi_jesu_op_16_no_2']

OCTAVES = '''<?xml version="1.0"?>
<score-partwise version="4.0"><part-list><score-part id="P1"><part-name>Clarinet</part-name>
</score-part></part-list><part id="P1"><measure number="1"><attributes><divisions>1</divisions>
<time><beats>4</beats><beat-type>4</beat-type></time>
<transpose><diatonic>-1</diatonic><chromatic>-2</chromatic></transpose></attributes>
{notes}</measure></part></score-partwise>'''
NOTE = ('<note><pitch><step>D</step><octave>5</octave></pitch><duration>1</duration>'
        '<type>quarter</type></note>')
SHIFT = '<direction><direction-type><octave-shift type="{}" size="8"/></direction-type></direction>'


def rows(table):
    return sorted((int(table.part[k]), table.onset_at(k), table.end_at(k), int(table.pitch[k]))
                  for k in range(len(table)) if not table.grace[k])


def quarters(*names):
    return [note.Note(name, quarterLength=1) for name in names]


def measured(*contents):
    return stream.Part([stream.Measure(list(notes), number=number)
                        for number, notes in enumerate(contents, start=1)])


@pytest.mark.parametrize('work', WORKS)
def test_notes_of_works_are_those_that_music21_flattens(corpus_score, work):
    score = corpus_score(work)
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        table = extract_notes(score)
    assert rows(table) == naive_sounding_notes(score)
    assert table.part_names == tuple(part.partName or '' for part in score.parts)


def test_other_barlines_are_told_and_notes_are_placed_by_measure(corpus_score):
    score = corpus_score('haydn/opus1no1/movement2')
    with pytest.warns(SourceWarning, match='the barlines of part 3 are not those of the fullest'):
        table = extract_notes(score)
    others = table.part != 2
    assert rows(table.select(others)) == [
        row for row in naive_sounding_notes(score) if row[0] != 2]


@pytest.mark.parametrize('kind', ['8va', '8vb', '15ma', '15mb'])
@pytest.mark.parametrize('transposing', [True, False])
@pytest.mark.parametrize('inside', ['part', 'measure', 'score'])
def test_notes_under_an_octave_sign_sound_where_it_puts_them(kind, transposing, inside):
    notes = [*quarters('C4', 'E4', 'G4'), chord.Chord(['C4', 'E-4'], quarterLength=1)]
    part = measured(notes)
    score = stream.Score([part])
    sign = spanner.Ottava(*notes[1:], type=kind, transposing=transposing)
    {'part': part, 'measure': part.measure(1), 'score': score}[inside].insert(0, sign)
    semitones = sign.interval().semitones if transposing else 0
    table = extract_notes(score)
    assert table.pitch.tolist() == [60, *(p + semitones for p in (64, 67, 60, 63))]
    assert table.fifths.tolist() == [0, 4, 1, 0, -3]
    if inside != 'score':       # there music21 does not look for it from the part
        assert rows(table) == naive_sounding_notes(score)


def test_octave_signs_and_transposition_of_a_file_are_those_of_music21():
    notes = NOTE + SHIFT.format('down') + NOTE + NOTE + SHIFT.format('stop') + NOTE
    score = converter.parse(OCTAVES.format(notes=notes), format='musicxml')
    assert rows(extract_notes(score)) == naive_sounding_notes(score)
    assert [pitch for *_, pitch in rows(extract_notes(score))] == [72] * 4


@pytest.mark.parametrize('kind', [
    instrument.Clarinet, instrument.Horn, instrument.AltoSaxophone, instrument.EnglishHorn,
    instrument.Piccolo, instrument.Trumpet, instrument.BassClarinet, instrument.Contrabass])
def test_transposing_instruments_sound_and_are_spelled_as_music21_says(kind):
    part = measured(quarters('D5', 'F#5', 'B-4', 'E-5'), quarters('C5', 'G##4', 'A--4', 'B4'))
    part.insert(0, kind())
    part.atSoundingPitch = False
    table = extract_notes(part)
    assert rows(table) == naive_sounding_notes(stream.Score([part]))
    assert table.spelling.tolist() == [
        n.pitch.nameWithOctave for n in part.toSoundingPitch(inPlace=False).flatten().notes]


def test_an_instrument_that_comes_inside_a_measure_counts_from_the_next_on():
    part = measured(*[quarters('C5', 'C5') for _ in range(4)])
    part.insert(0, instrument.Flute())
    part.measure(2).insert(1, instrument.Clarinet())
    part.measure(4).insert(0, instrument.Horn())
    assert extract_notes(part).pitch.tolist() == [72, 72, 72, 72, 70, 70, 65, 65]


def test_spellings_are_those_of_the_score(corpus_score):
    score = corpus_score('schumann_clara/polonaise_op1n1')
    table, names = extract_notes(score), set()
    for index, part in enumerate(score.parts):
        for element in part.flatten().notes:
            names |= {(index, F(element.offset), p.nameWithOctave) for p in element.pitches}
    assert names >= set(zip(table.part.tolist(), fractions(table.onset), table.spelling.tolist(),
                            strict=True))


@pytest.mark.parametrize(('name', 'sounding'), [
    ('C~4', 60), ('C`4', 60), ('E`4', 64), ('C#~4', 62), ('B~4', 72), ('D-`4', 60)])
def test_microtones_go_to_the_nearest_semitone_and_are_told(name, sounding):
    part = measured([note.Note(pitch.Pitch(name), quarterLength=4)])
    with pytest.warns(SourceWarning, match='^1 noteheads are microtones; they go to the nearest'):
        table = extract_notes(part)
    assert table.pitch.tolist() == [sounding]
    assert pitch.Pitch(table.spelling[0]).ps == sounding


@pytest.mark.parametrize(('cents', 'name'), [(40, 'C4'), (60, 'C#4'), (-60, 'C-4')])
def test_cents_count_too(cents, name):
    high = pitch.Pitch('C4')
    high.microtone = pitch.Microtone(cents)
    with pytest.warns(SourceWarning, match='microtones'):
        assert extract_notes(measured([note.Note(high)])).spelling.tolist() == [name]


def test_tremolos_and_ornaments_do_not_change_a_note():
    first, second = quarters('C4', 'E4')
    first.expressions += [expressions.Tremolo(), expressions.Trill(), expressions.Fermata()]
    part = measured([first, second])
    part.insert(0, expressions.TremoloSpanner(first, second))
    assert rows(extract_notes(part)) == [(0, 0, 1, 60), (0, 1, 2, 64)]


def test_tuplets_are_exact_and_voices_are_numbered():
    fifth = [note.Note('C4', quarterLength=F(2, 5)) for _ in range(5)]
    seventh = [note.Note('C5', quarterLength=F(2, 7)) for _ in range(7)]
    measure = stream.Measure(number=1)
    for content in (fifth, seventh):
        voice = stream.Voice()
        voice.append(content)
        measure.insert(0, voice)
    table = extract_notes(measure)
    by_voice = [fractions(table.onset[table.voice == voice]) for voice in (1, 2)]
    assert by_voice == [[F(2 * k, 5) for k in range(5)], [F(2 * k, 7) for k in range(7)]]


def test_grace_notes_stand_where_they_are_written():
    graces = [n.getGrace() for n in quarters('B3', 'A3')]
    part = measured([note.Note('G3', quarterLength=2), *graces, note.Note('C4', quarterLength=2)])
    table = extract_notes(part)
    assert table.grace.tolist() == [False, True, True, False]
    assert fractions(table.onset) == [0, 2, 2, 2]
    assert fractions(table.duration) == [2, 0, 0, 2]
    assert table.notehead.tolist() == [0, 2, 1, 3]      # rows are sorted by pitch


def test_staves_are_numbered_in_their_brace():
    flute = measured(quarters('G5'))
    piano = [stream.PartStaff([stream.Measure(quarters(name))]) for name in ('C5', 'C3')]
    score = stream.Score([flute, *piano])
    score.insert(0, layout.StaffGroup(piano, symbol='brace'))
    score.insert(0, layout.StaffGroup([flute, *piano], symbol='bracket'))
    table = extract_notes(score)
    assert dict(zip(table.part.tolist(), table.staff.tolist(), strict=True)) == {0: 1, 1: 1, 2: 2}


def test_velocities_are_those_that_are_stated():
    notes = quarters('C4', 'D4', 'E4')
    notes[0].volume = volume.Volume(velocity=90)
    notes[2].volume = volume.Volume(velocity=0)
    held = chord.Chord(['C4', 'E4'])
    held.volume = volume.Volume(velocity=31)
    assert extract_notes(measured([*notes, held])).velocity.tolist() == [90, 0, 1, 31, 31]


def test_tempi_are_those_that_are_stated_in_numbers():
    first, second = measured(quarters('C4', 'D4'), quarters('E4')), measured(quarters('C3'))
    first.measure(1).insert(0, tempo.MetronomeMark('Allegro'))
    first.measure(1).insert(1, tempo.MetronomeMark(number=60, referent='half'))
    first.measure(2).insert(0, tempo.MetronomeMark(number=72.5))
    second.measure(1).insert(0, tempo.MetronomeMark(number=99))
    second.measure(1).insert(1, tempo.MetronomeMark(number=1))
    tempi = extract_notes(stream.Score([first, second])).tempi
    # at one moment the topmost part's; a word alone has music21's number for it
    assert [(t.onset_ql, t.quarters_per_minute) for t in tempi] == [(0, 132), (1, 120), (2, 72.5)]


def test_ids_lead_to_the_noteheads_of_a_sounding_note(corpus_score):
    score = corpus_score('schumann_clara/polonaise_op1n1')
    table, heads = extract_notes(score), notes_by_element_id(score.parts)
    assert set(heads) == set(table.element_id.tolist())
    for row in range(len(table)):
        chain = heads[table.element_id[row]]
        assert {head.pitch.midi for head in chain} == {table.pitch[row]}
        assert all(head.tie is not None for head in chain[1:])
        if not table.grace[row]:
            assert sum(F(head.quarterLength) for head in chain) == (
                table.end_at(row) - table.onset_at(row))


def test_a_tied_note_has_the_id_of_its_first_head():
    first, second = quarters('C4', 'C4')
    first.tie, second.tie = tie.Tie('start'), tie.Tie('stop')
    part = measured(quarters('D4') + [first], [second])
    assert extract_notes(part).element_id.tolist() == ['P0M0N0', 'P0M0N1']
    assert notes_by_element_id([part])['P0M0N1'] == [first, second]


def test_each_score_of_a_book_has_its_table():
    scores = [stream.Score([measured(quarters(name))]) for name in ('C4', 'D4')]
    assert [t.pitch.tolist() for t in extract_tables(stream.Opus(scores))] == [[60], [62]]
    assert np.array_equal(extract_tables(scores[1])[0].pitch, [62])
    with pytest.raises(EmptyScoreError, match='expected at least one'):
        extract_tables(stream.Opus([*scores, stream.Score()]))
