"""Rates for places of a score: measures, rehearsal sections, parts."""

import re

import pytest
from music21 import converter, expressions, note, stream
from musicxml_checks import block_model, fingerprint

import qbdi_m21 as q
from qbdi_m21.errors import ParameterError
from qbdi_m21.frames.notes import extract_notes
from qbdi_m21.improvisation.regions import plan_layers, rehearsal_sections
from qbdi_m21.improvisation.settings import Settings
from qbdi_m21.notation.musicxml import to_musicxml

BASE = 256


def score_of(names=('Viola',), marks=(), numbers=range(1, 9), silent=()):
    """Return parts of bars of one note; marks are (part, bar, text)."""
    score = stream.Score()
    for place, name in enumerate(names):
        part = stream.Part()
        part.partName = name
        for bar, number in enumerate(numbers):
            measure = stream.Measure(number=number)
            measure.append(note.Rest(quarterLength=4) if place in silent else
                           note.Note(60 + 7 * place + bar, quarterLength=4))
            for where, at, text in marks:
                if (where, at) == (place, bar):
                    measure.insert(0, expressions.RehearsalMark(text))
            part.append(measure)
        score.insert(0, part)
    return score


def layers_of(score, rate=BASE, **options):
    return plan_layers(score, extract_notes(score), Settings.parse(rate=rate, **options))


def rates_of(score, regions, rate=BASE):
    """Return the rates of the one layer of a score."""
    (layer,) = layers_of(score, rate, regions=regions)
    return list(layer.rates)


MARKED = score_of(marks=[(0, 1, 'A'), (0, 3, 'B'), (0, 6, '12')])


@pytest.mark.parametrize(('where', 'bars'), [
    ('3', [2]), ('1', [0]), ('8', [7]), ('3-5', [2, 3, 4]), ('1-8', list(range(8))),
    ('7-99', [6, 7]), ('0-1', [0]), ('3-3', [2]), ('003', [2]), (' 3 - 5 ', [2, 3, 4])])
def test_measures_are_named_by_their_printed_numbers(where, bars):
    assert rates_of(score_of(), {where: 0}) == [0 if k in bars else BASE for k in range(8)]


def test_a_pickup_is_the_measure_of_its_number():
    query = q.load_score('corpus:bach/bwv66.6')
    (layer,) = layers_of(query, regions={'0': 0, '9': 'full'})
    assert layer.rates == (0, *[BASE] * 8, 'full')


def test_measures_with_one_number_are_one_region():
    score = score_of(numbers=[1, 2, 3, 3, 4, 5, 1, 2])
    assert rates_of(score, {'3': 0, '1-2': 8}) == [8, 8, 0, 0, BASE, BASE, 8, 8]


@pytest.mark.parametrize(('where', 'bars'), [
    ('A', [1, 2]), ('B', [3, 4, 5]), ('mark:A', [1, 2]), ('mark:B', [3, 4, 5]),
    ('mark:12', [6, 7])])
def test_a_section_lasts_from_its_mark_to_the_next(where, bars):
    assert rates_of(MARKED, {where: 0}) == [0 if k in bars else BASE for k in range(8)]


def test_a_number_is_a_measure_and_no_mark_unless_it_says_so():
    with pytest.raises(ParameterError, match='no measure 12 in the score; its measures run from '
                       '1 to 8'):
        rates_of(MARKED, {'12': 0})
    numbered = score_of(marks=[(0, 4, '2')])
    assert rates_of(numbered, {'2': 0}) == [BASE, 0, *[BASE] * 6]
    assert rates_of(numbered, {'mark:2': 0}) == [BASE] * 4 + [0] * 4


def test_a_mark_that_stands_twice_has_both_its_sections():
    score = score_of(marks=[(0, 0, 'Refrain'), (0, 2, 'B'), (0, 4, 'Refrain'), (0, 5, 'C')])
    assert rates_of(score, {'Refrain': 0}) == [0, 0, BASE, BASE, 0, BASE, BASE, BASE]
    assert rehearsal_sections(score) == {'Refrain': [0, 1, 4], 'B': [2, 3], 'C': [5, 6, 7]}


def test_marks_may_stand_in_any_part_and_in_all_of_them():
    names = ('Flute', 'Viola', 'Bass')
    marks = [(1, 2, 'A'), (2, 5, 'B')]
    expected = {'A': [2, 3, 4], 'B': [5, 6, 7]}
    assert rehearsal_sections(score_of(names, marks)) == expected
    everywhere = [(part, bar, text) for part in range(3) for _, bar, text in marks]
    assert rehearsal_sections(score_of(names, everywhere)) == expected
    for score in (score_of(names, marks), score_of(names, everywhere)):
        assert rates_of(score, {'A': 0}) == [BASE, BASE, 0, 0, 0, BASE, BASE, BASE]


def test_of_two_marks_in_one_bar_each_has_the_section():
    score = score_of(('Flute', 'Viola'), marks=[(0, 2, 'A'), (0, 2, 'Solo'), (1, 2, 'Duo'),
                                                (1, 5, 'B')])
    sections = rehearsal_sections(score)
    assert sections == {'A': [2, 3, 4], 'Solo': [2, 3, 4], 'Duo': [2, 3, 4], 'B': [5, 6, 7]}


def test_a_mark_within_a_bar_begins_with_it_and_spaces_around_it_do_not_count():
    score = score_of()
    measures = score.parts[0].getElementsByClass(stream.Measure)
    measures[3].insert(2.0, expressions.RehearsalMark(' Coda '))
    assert rehearsal_sections(score) == {'Coda': [3, 4, 5, 6, 7]}


def test_a_score_without_marks_has_no_sections():
    assert rehearsal_sections(score_of()) == {}


def test_marks_are_found_in_files_and_in_streams_without_measures(tmp_path):
    MARKED.write('musicxml', tmp_path / 'marked.musicxml')
    assert rehearsal_sections(converter.parse(tmp_path / 'marked.musicxml')) == {
        'A': [1, 2], 'B': [3, 4, 5], '12': [6, 7]}
    flat = stream.Part([note.Note(60 + k) for k in range(16)])
    flat.insert(8.0, expressions.RehearsalMark('A'))
    (sent,) = q.improvise(flat, block_model(), rate=8, regions={'A': 0}).derivation.transmissions
    assert sent.rates == (8, 8, 0, 0)


def test_of_regions_that_overlap_the_later_wins():
    assert rates_of(score_of(), [('1-6', 0), ('3-4', 8), ('4-5', 'full')]) == [
        0, 0, 8, 'full', 'full', 0, BASE, BASE]
    assert rates_of(score_of(), [('3-4', 8), ('1-6', 0)]) == [0] * 6 + [BASE] * 2
    assert rates_of(MARKED, {'A': 0, '2': 8, 'B': 1, '4-5': 9}) == [
        BASE, 8, 0, 9, 9, 1, BASE, BASE]
    # the same place twice, in an order
    assert rates_of(score_of(), [('1', 0), ('1', 8)])[0] == 8


def test_regions_change_rates_that_were_given_bar_by_bar():
    given = [1, 2, 3, 4, 5, 6, 'full', 0.5]
    assert rates_of(MARKED, {'B': 0}, given) == [1, 2, 3, 0, 0, 0, 'full', 0.5]


@pytest.mark.parametrize(('name', 'parts'), [
    ('part:Viola', (1,)), ('part:viola', (1,)), ('part: Viola ', (1,)), ('part:2', (1,)),
    ('part:1', (0,)), ('part:3', (2,)), ('part:Part 3', (2,))])
def test_parts_are_found_by_name_and_by_place(name, parts):
    found = layers_of(score_of(('Flute', 'Viola', '')), regions={name: 0})
    quiet = [layer for layer in found if layer.rates == (0,) * 8]
    assert [layer.parts for layer in quiet] == [parts]
    assert len(found) == 2


def test_parts_of_one_name_are_found_together():
    found = layers_of(score_of(('Piano', 'Piano', 'Voice')), regions={'part:Piano': 0})
    assert {layer.parts: layer.rates[0] for layer in found} == {(0, 1): 0, (2,): BASE}
    one = layers_of(score_of(('Piano', 'Piano', 'Voice')), regions={'part:2': 0})
    assert {layer.parts: layer.rates[0] for layer in one} == {(0, 2): BASE, (1,): 0}


def test_a_name_that_is_a_number_is_found_before_a_place():
    found = layers_of(score_of(('2', '1')), regions={'part:2': 0})
    assert {layer.parts: layer.rates[0] for layer in found} == {(0,): 0, (1,): BASE}


def test_parts_of_equal_rates_are_one_layer():
    score = score_of(('Flute', 'Viola', 'Bass'))
    (layer,) = layers_of(score, regions={'part:1': BASE, '1': 0})
    assert (layer.parts, layer.names) == ((0, 1, 2), ())
    (layer,) = layers_of(score, regions={'part:1': 0, 'part:2': 0, 'part:3': 0})
    assert (layer.names, set(layer.rates)) == ((), {0})
    two = layers_of(score, regions={'part:1': 0, 'part:3': 0})
    assert [(one.parts, one.names) for one in two] == [
        ((0, 2), ('Flute', 'Bass')), ((1,), ('Viola',))]


def test_measures_count_for_all_parts_also_after_one_of_them():
    found = layers_of(score_of(('Flute', 'Viola')), regions=[('part:2', 0), ('1-2', 8)])
    assert [one.rates for one in found] == [(8, 8, *[BASE] * 6), (8, 8, *[0] * 6)]
    swapped = layers_of(score_of(('Flute', 'Viola')), regions=[('1-2', 8), ('part:2', 0)])
    assert [one.rates for one in swapped] == [(8, 8, *[BASE] * 6), (0,) * 8]


def test_a_part_without_notes_has_no_layer():
    score = score_of(('Flute', 'Viola', 'Bass'), silent=(1,))
    (layer,) = layers_of(score, regions={'part:2': 0})
    assert (layer.names, layer.rates) == ((), (BASE,) * 8)
    found = layers_of(score, regions={'part:1': 0, 'part:2': 8})
    assert [one.names for one in found] == [('Flute',), ('Bass',)]


@pytest.mark.parametrize(('where', 'message'), [
    ('9', 'no measure 9 in the score; its measures run from 1 to 8'),
    ('9-16', 'no measure 9-16 in the score; its measures run from 1 to 8'),
    ('5-3', 'the measures 5-3 end before they begin; expected 3-5'),
    ('C', "no rehearsal mark 'C' in the score (its marks: A, B, 12); expected one of these, "
     "measures such as '9-16', or a part such as 'part:1'"),
    ('mark:C', "no rehearsal mark 'C' in the score (its marks: A, B, 12)"),
    ('a', "no rehearsal mark 'a' in the score (its marks: A, B, 12)"),
    ('', "no rehearsal mark '' in the score (its marks: A, B, 12)"),
    ('1-', "no rehearsal mark '1-' in the score"), ('-3', "no rehearsal mark '-3' in the score"),
    ('1,3', "no rehearsal mark '1,3' in the score"),
    ('part:Cello', "no part 'Cello' in the score; its parts are Viola, or 1 to 1"),
    ('part:0', "no part '0' in the score; its parts are Viola, or 1 to 1"),
    ('part:2', "no part '2' in the score; its parts are Viola, or 1 to 1"),
    ('part:-1', "no part '-1' in the score"), ('part:', "no part '' in the score"),
    ('part:1-2', "no part '1-2' in the score"), ('part:²', "no part '²' in the score")])
def test_a_place_that_is_not_there_is_refused_and_those_that_are_named(where, message):
    with pytest.raises(ParameterError, match=re.escape(message)):
        q.improvise(MARKED, block_model(), regions={where: 0})


def test_where_there_are_no_marks_that_is_said():
    with pytest.raises(ParameterError, match=r"no rehearsal mark 'A' in the score \(its marks: "
                       r'none\)'):
        q.improvise(score_of(), block_model(), regions={'A': 0})


def test_one_wrong_place_spoils_all_of_them():
    with pytest.raises(ParameterError, match='no measure 99'):
        q.improvise(score_of(), block_model(), regions=[('1', 0), ('99', 0), ('2', 8)])


def test_no_regions_are_one_layer_of_one_rate():
    for regions in (None, {}, []):
        (layer,) = layers_of(score_of(('Flute', 'Viola')), regions=regions)
        assert (layer.parts, layer.names, layer.rates) == ((0, 1), (), (BASE,) * 8)
        assert to_musicxml(q.improvise(MARKED, block_model(), regions=regions)) == to_musicxml(
            q.improvise(MARKED, block_model()))


def test_regions_are_those_of_the_improvisation_and_leave_the_query_as_it_is():
    before = fingerprint(MARKED)
    made = q.improvise(MARKED, block_model(), rate=8, regions={'A': 'full', '7': 'half'})
    (sent,) = made.derivation.transmissions
    assert sent.rates == (8, 'full', 'full', 8, 8, 8, 0.5, 8)
    assert made.derivation.recipe['regions'] == [['A', 'full'], ['7', 0.5]]
    assert fingerprint(MARKED) == before
    # bars at full rate come back as this model hears them
    table = q.extract_notes(made)
    for bar in (1, 2):
        pitch = 60 + bar
        assert set(table.pitch[table.bar == bar].tolist()) == {pitch + (pitch % 12 <= 5)}
