"""Notes divided between two hands, and among the parts of another score; clefs."""

from fractions import Fraction

import numpy as np
import pytest
from music21 import clef, corpus
from strategies import bars_of, table_of

import qbdi_m21 as q
from qbdi_m21.errors import ParameterError
from qbdi_m21.frames.notes import extract_notes
from qbdi_m21.frames.table import make_note_table
from qbdi_m21.notation.clefs import choose_clefs, usual_clefs
from qbdi_m21.notation.staves import divide_hands, nearest_parts

BARS = bars_of('4/4', '4/4', '4/4', '4/4')


def hands(*notes):
    """Return the pitches of the right hand and of the left, in order."""
    table = table_of(notes, BARS)
    staff = divide_hands(table)
    return [table.pitch[staff == hand].tolist() for hand in (1, 2)]


def test_nothing_is_divided_into_nothing():
    assert divide_hands(table_of([], BARS)).tolist() == []


def test_high_and_low_notes_part_at_middle_c():
    assert hands((0, 1, 72), (0, 1, 48), (1, 1, 76), (1, 1, 43)) == [[72, 76], [48, 43]]


def test_a_hand_keeps_within_reach_though_the_other_side_of_middle_c():
    # a left hand that climbs: C4 as a fixed border would give its top to the right hand
    notes = [(k, 1, p) for k in range(4) for p in (52, 57, 61)] + [
        (k, 1, p) for k in range(4) for p in (73, 76)]
    assert hands(*notes) == [[73, 76] * 4, [52, 57, 61] * 4]


def test_a_melody_that_dips_below_middle_c_stays_in_its_hand():
    line = [67, 65, 64, 62, 60, 59, 60, 62]
    notes = [(k, 1, p) for k, p in enumerate(line)] + [(2 * k, 2, 43) for k in range(4)]
    assert hands(*notes)[0] == line


def test_a_tenth_is_one_hand_and_two_octaves_are_two():
    assert hands((0, 4, 40), (0, 4, 55), (0, 4, 76), (0, 4, 79)) == [[76, 79], [40, 55]]
    assert hands((0, 4, 36), (0, 4, 60), (0, 4, 84))[1][0] == 36


def test_a_held_note_never_changes_hands():
    table = table_of([(0, 16, 55), *((k, 1, 60 + k % 7) for k in range(16))], BARS)
    score = q.to_score(table)
    held = [n for n in extract_notes(score).pitch.tolist() if n == 55]
    assert len(held) == 1


@pytest.mark.parametrize(('work', 'most'), [
    ('joplin/maple_leaf_rag', 0.05), ('bach/bwv846', 0.06), ('cpebach/h186', 0.05)])
def test_hands_are_near_to_a_composers(work, most):
    table = extract_notes(corpus.parse(work))
    lower = int(np.flatnonzero(np.bincount(table.part, table.staff == 2))[0])
    table = table.select((table.part >= lower - 1) & (table.part <= lower) & ~table.grace)
    theirs = table.staff
    wrong = np.count_nonzero(divide_hands(table) != theirs) / len(table)
    fixed = np.count_nonzero((table.pitch < 60) + 1 != theirs) / len(table)
    assert wrong < min(most, fixed)


def test_a_chorale_is_divided_by_pairs_of_voices():
    table = extract_notes(corpus.parse('bach/bwv57.8'))
    table = table.select(table.part < 4)
    assert np.mean(divide_hands(table) == np.where(table.part < 2, 1, 2)) >= 0.9


def model_of(*parts):
    """Return a table of parts, each a list of (onset, length, pitch)."""
    notes = [(*note, part) for part, held in enumerate(parts) for note in held]
    return table_of(notes, BARS, part_names=[f'Part {k}' for k in range(len(parts))])


def test_notes_go_to_the_part_that_is_nearest_at_the_time():
    model = model_of([(0, 4, 72), (4, 4, 60)], [(0, 4, 60), (4, 4, 72)])
    table = table_of([(0, 1, 70), (1, 1, 62), (5, 1, 70), (6, 1, 62)], BARS)
    assert nearest_parts(table, model).tolist() == [0, 1, 1, 0]


def test_in_a_rest_a_part_is_where_it_was_and_will_be():
    model = model_of([(0, 1, 80), (8, 1, 64)], [(0, 16, 50)])
    table = table_of([(4, 1, 66), (4, 1, 79), (4, 1, 55), (12, 1, 66)], BARS)
    assert nearest_parts(table, model).tolist() == [1, 0, 0, 0]


def test_equally_near_the_upper_part_has_the_note():
    model = model_of([(0, 16, 72)], [(0, 16, 60)])
    assert nearest_parts(table_of([(0, 1, 66)], BARS), model).tolist() == [0]


def test_a_part_without_notes_gets_none():
    model = make_note_table(BARS, onset=[0], duration=[16], pitch=[40], part=[1],
                            part_names=['Silent', 'Bass'])
    assert nearest_parts(table_of([(0, 1, 90)], BARS), model).tolist() == [1]


@pytest.fixture(scope='module')
def quartet():
    return corpus.parse('bach/bwv66.6')


def test_a_score_in_the_parts_of_its_template(quartet):
    frames = q.to_frames(quartet)
    score = q.to_score(frames, template=quartet, split='parts')
    assert [p.partName for p in score.parts] == [p.partName for p in quartet.parts]
    ours, theirs = extract_notes(score), extract_notes(quartet)
    def rows(table):
        return {(table.onset_at(k), int(table.pitch[k]), int(table.part[k]))
                for k in range(len(table))}
    assert {(a, p) for a, p, _ in rows(ours)} == {(a, p) for a, p, _ in rows(theirs)}
    assert len(rows(ours) & rows(theirs)) > 0.95 * len(rows(ours))
    signs = [p.recurse().getElementsByClass(clef.Clef).first().sign for p in score.parts]
    assert signs == ['G', 'G', 'G', 'F']


def test_parts_need_a_template(quartet):
    with pytest.raises(ParameterError, match="split is 'parts', but no template was given"):
        q.to_score(q.to_frames(quartet), split='parts')


@pytest.mark.parametrize('split', ['halves', 'hand', ''])
def test_an_unknown_split_is_refused(quartet, split):
    with pytest.raises(ParameterError, match="expected 'hands', 'parts' or a MIDI number"):
        q.to_score(q.to_frames(quartet), split=split)


@pytest.mark.parametrize(('pitches', 'split', 'counts'), [
    ([62, 64, 48], 48, [3, 0]), ([40, 41], 'hands', [0, 2]), ([], 'hands', [0, 0]),
    ([], 60, [0, 0])])
def test_both_staves_are_there_though_one_is_silent(pitches, split, counts):
    table = table_of([(k, 1, p) for k, p in enumerate(pitches)], BARS)
    score = q.to_score(table, split=split)
    assert [len(part.recurse().notes) for part in score.parts] == counts


def test_a_table_without_a_name_takes_the_one_given():
    table = table_of([(0, 1, 60)], BARS)
    assert {p.partName for p in q.to_score(table, name='Harp').parts} == {'Harp'}
    named = table_of([(0, 1, 60)], BARS, part_names=['Celesta'])
    assert {p.partName for p in q.to_score(named, name='Harp').parts} == {'Celesta'}


def test_the_parts_of_a_table_stay(quartet):
    table = extract_notes(quartet)
    score = q.to_score(table)
    assert [p.partName for p in score.parts] == list(table.part_names)


def names(bars, kinds):
    return [None if sign is None else type(sign).__name__.removesuffix('Clef')
            for sign in choose_clefs(bars, kinds)]


def test_the_clef_with_fewest_ledger_lines_is_taken():
    assert names([[72, 74]] * 2, ('treble', 'bass')) == ['Treble', None]
    assert names([[40, 50]] * 2, ('treble', 'bass')) == ['Bass', None]
    assert names([[], []], ('bass', 'treble')) == ['Bass', None]


def test_a_clef_changes_for_bars_that_need_it_and_not_for_one_note():
    low, high = [40, 43, 47], [76, 79, 84]
    assert names([low] * 3 + [high] * 3 + [low] * 3, ('bass', 'treble')) == [
        'Bass', None, None, 'Treble', None, None, 'Bass', None, None]
    assert names([low, [45, 50, 65], low], ('bass', 'treble')) == ['Bass', None, None]


@pytest.mark.parametrize(('name', 'number', 'staves', 'kinds'), [
    ('Viola', 0, 1, ('alto', 'treble')), ('Viola da gamba', 0, 1, ('treble', 'bass')),
    ('Tenor', 0, 1, ('tenor voice', 'bass')), ('Piano', 0, 2, ('treble', 'bass')),
    ('Piano', 1, 2, ('bass', 'treble')), ('', 0, 1, ('treble', 'bass'))])
def test_clefs_are_those_that_players_read(name, number, staves, kinds):
    assert usual_clefs(name, number, staves) == kinds


def test_rhythms_of_a_hand_do_not_depend_on_the_order_of_rows():
    notes = [(Fraction(k, 3), Fraction(1, 3), 50 + 7 * (k % 5)) for k in range(40)]
    assert hands(*notes) == hands(*notes[::-1])
