"""Repeats played out: the order of the bars, compared with music21's, and the notes in it."""

import copy
import time
import warnings
from fractions import Fraction

import numpy as np
import pytest
from frame_strategies import assert_equal_tables, fractions
from music21 import bar, note, repeat, spanner, stream, tempo, tie
from strategies import bars_of, table_of

from qbdi_m21.errors import QbdiError, ScoreError, SourceWarning
from qbdi_m21.frames.notes import extract_notes
from qbdi_m21.frames.repeats import in_order, repeat_order
from qbdi_m21.frames.table import Tempo

F = Fraction
WORKS = ['ryansMammoth/AcaciaReel', 'ryansMammoth/BanishMisfortune', 'ryansMammoth/BlackSheepJig',
         'ryansMammoth/MissMcGuinness', 'ryansMammoth/PeepODayReel',
         'ryansMammoth/BoysInBlueReel', 'joplin/maple_leaf_rag', 'haydn/opus1no1/movement2',
         'haydn/opus1no1/movement4', 'mozart/k80/movement3', 'verdi/laDonnaEMobile',
         'leadSheet/fosterBrownHair', 'schumann_clara/polonaise_op1n1']
#: The other parts of this one have no sign, so that music21 expands only the first.
SIGNS_IN_ONE_PART = 'handel/rinaldo/Lascia_chio_pianga'


def part_of(count, **signs):
    """A part of measures of a whole note each; signs are put into `m1`, `m2`, ..."""
    part = stream.Part()
    for number in range(1, count + 1):
        measure = stream.Measure([note.Note(59 + number, quarterLength=4)], number=number)
        for sign in signs.get(f'm{number}', ()):
            if isinstance(sign, bar.Repeat):
                side = 'leftBarline' if sign.direction == 'start' else 'rightBarline'
                setattr(measure, side, sign)
            else:
                measure.append(sign)
        part.append(measure)
    return part


def begin():
    return [bar.Repeat('start')]


def end(times=None):
    return [bar.Repeat('end', times=times)]


def endings(part, *groups):
    for number, measures in enumerate(groups, start=1):
        part.insert(0, spanner.RepeatBracket([part.measure(m) for m in measures], number=number))
    return part


def played(part):
    return [index + 1 for index in repeat_order(part)]


def order_of_music21(part):
    marked = copy.deepcopy(part)
    for index, measure in enumerate(marked.getElementsByClass(stream.Measure)):
        measure.id = f'was {index}'
    expanded = marked.expandRepeats().getElementsByClass(stream.Measure)
    return [int(measure.id.split()[1]) for measure in expanded]


def rows_of(table):
    return sorted(zip(fractions(table.onset), fractions(table.duration), table.pitch.tolist(),
                      table.part.tolist(), table.grace.tolist(), strict=True))


@pytest.mark.parametrize('work', [*WORKS, SIGNS_IN_ONE_PART])
def test_the_order_of_the_bars_is_that_of_music21(corpus_score, work):
    part = corpus_score(work).parts[0]
    order = repeat_order(part)
    assert order == order_of_music21(part)
    assert len(order) > len(part.getElementsByClass(stream.Measure))


@pytest.mark.filterwarnings('ignore::qbdi_m21.errors.SourceWarning')
@pytest.mark.parametrize('work', [
    work for work in WORKS if not work.startswith(('haydn', 'mozart', 'schumann'))])
def test_the_notes_are_those_of_the_score_that_music21_expands(corpus_score, work):
    score = corpus_score(work)
    table, theirs = extract_notes(score, expand_repeats=True), extract_notes(score.expandRepeats())
    assert rows_of(table) == rows_of(theirs)
    assert [b.length_ql for b in table.bars] == [b.length_ql for b in theirs.bars]
    assert table.part_names == theirs.part_names


@pytest.mark.parametrize('place', [0, 7, 9])
def test_the_tunes_of_a_book_are_played_as_music21_does(corpus_score, place):
    score = list(corpus_score('oneills1850/0626-0635').scores)[place]
    assert repeat_order(score.parts[0]) == order_of_music21(score.parts[0])
    table = extract_notes(score, expand_repeats=True)
    assert len(table.bars) > len(extract_notes(score).bars)
    assert rows_of(table) == rows_of(extract_notes(score.expandRepeats()))


def test_signs_of_the_first_part_count_for_all(corpus_score):
    score = corpus_score(SIGNS_IN_ONE_PART)
    table = extract_notes(score, expand_repeats=True)
    assert len(table.bars) == 84
    assert set(table.part[table.bar > 54]) == {0, 1, 2}


@pytest.mark.parametrize(('part', 'order'), [
    (part_of(3), [1, 2, 3]),
    (part_of(3, m2=end()), [1, 2, 1, 2, 3]),
    (part_of(4, m2=begin(), m3=end()), [1, 2, 3, 2, 3, 4]),
    (part_of(2, m2=end(times=3)), [1, 2, 1, 2, 1, 2]),
    (part_of(2, m1=end(), m2=[*begin(), *end()]), [1, 1, 2, 2]),
    (endings(part_of(4, m2=end()), [2], [3]), [1, 2, 1, 3, 4]),
    (endings(part_of(5, m1=begin(), m2=end(), m3=end()), [2], [3], [4]), [1, 2, 1, 3, 1, 4, 5]),
    (part_of(3, m2=[repeat.Fine()], m3=[repeat.DaCapoAlFine()]), [1, 2, 3, 1, 2]),
    (part_of(3, m3=[repeat.DaCapo()]), [1, 2, 3, 1, 2, 3]),
    (part_of(4, m2=[repeat.Segno()], m4=[repeat.DalSegno()]), [1, 2, 3, 4, 2, 3, 4]),
    (part_of(4, m2=[repeat.Segno()], m3=[repeat.Fine()], m4=[repeat.DalSegnoAlFine()]),
     [1, 2, 3, 4, 2, 3])],
    ids=['plain', 'to the start', 'a section', 'three times', 'two sections', 'two endings',
         'three endings', 'da capo al fine', 'da capo', 'dal segno', 'dal segno al fine'])
def test_signs_are_played_out(part, order):
    assert played(part) == order
    assert [index + 1 for index in order_of_music21(part)] == order


def test_a_coda_is_played_after_the_jump():
    part = part_of(5, m2=[repeat.Coda()], m4=[repeat.DaCapoAlCoda()], m5=[repeat.Coda()])
    assert played(part) == [1, 2, 3, 4, 1, 2, 5]


def test_the_part_is_left_as_it_was():
    part = endings(part_of(4, m2=end()), [2], [3])
    before = [(type(e), e.getOffsetInHierarchy(part)) for e in part.recurse()]
    repeat_order(part)
    extract_notes(part, expand_repeats=True)
    assert before == [(type(e), e.getOffsetInHierarchy(part)) for e in part.recurse()]


def test_a_part_without_signs_is_not_expanded(corpus_score):
    part = corpus_score('bach/bwv66.6').parts[0]
    assert repeat_order(part) == list(range(len(part.getElementsByClass(stream.Measure))))


@pytest.mark.parametrize('work', ['chopin/mazurka06-2', 'haydn/opus74no1/movement3'])
def test_badly_formed_signs_are_told(corpus_score, work):
    score = corpus_score(work)
    with pytest.raises(ScoreError, match=r'the repeats cannot be played out .* leave them'):
        repeat_order(score.parts[0])
    with warnings.catch_warnings():
        warnings.simplefilter('ignore', SourceWarning)
        assert len(extract_notes(score)) > 100


@pytest.mark.parametrize('times', [101, 10**6])
def test_a_section_is_not_repeated_without_end(times):
    begun = time.monotonic()
    with pytest.raises(ScoreError, match=f'measure 2 is repeated {times} times; expected 1 to 100'):
        repeat_order(part_of(2, m2=end(times=times)))
    assert time.monotonic() - begun < 1


def test_a_hundred_times_are_played():
    assert len(repeat_order(part_of(2, m2=end(times=100)))) == 200


def test_the_search_for_the_order_ends_with_its_time():
    part = part_of(2, m2=end(times=50))
    with pytest.raises(ScoreError, match='not played out after 0 seconds; expected simple ones'):
        repeat_order(part, time_limit=0)


def test_a_section_that_is_played_no_times_is_refused():
    with pytest.raises(QbdiError):
        extract_notes(part_of(2, m2=end(times=0)), expand_repeats=True)


def test_a_first_part_that_ends_early_cuts_no_other():
    score = stream.Score([part_of(1), part_of(3)])
    assert len(extract_notes(score, expand_repeats=True).bars) == 3


def test_each_note_has_the_id_of_its_source():
    table = extract_notes(part_of(2, m1=end()), expand_repeats=True)
    assert table.element_id.tolist() == ['P0M0N0', 'P0M0N0', 'P0M1N0']


def test_a_tie_that_the_jump_cuts_ends_at_the_barline():
    part = part_of(3, m2=end())
    first, second = part.measure(2).notes.first(), part.measure(3).notes.first()
    first.pitch, first.tie, second.tie = second.pitch, tie.Tie('start'), tie.Tie('stop')
    table = extract_notes(part, expand_repeats=True)
    assert rows_of(table) == [(0, 4, 60, 0, False), (4, 4, 62, 0, False), (8, 4, 60, 0, False),
                              (12, 8, 62, 0, False)]


def test_bars_keep_number_meter_and_key_and_follow_each_other():
    bars = bars_of('3/4', '2/4', '4/4', pickup_ql=1)
    bars = (*bars[:2], *(type(b)(b.number, b.start_ql, b.length_ql, b.meter, b.beat_ql, sharps=3)
                         for b in bars[2:]))
    table = in_order(table_of([(0, 1, 60), (5, F(1, 3), 62)], bars), [0, 1, 2, 1, 3])
    assert [b.number for b in table.bars] == [0, 1, 2, 1, 3]
    assert [b.start_ql for b in table.bars] == [0, 1, 4, 6, 9]
    assert [(b.meter, b.sharps, b.lead_ql) for b in table.bars] == [
        ('3/4', 0, 2), ('3/4', 0, 0), ('2/4', 3, 0), ('3/4', 0, 0), ('4/4', 3, 0)]
    assert table.onset_ql.tolist() == [0, 5]


def test_columns_come_along():
    table = table_of([(0, 1, 60), (5, 1, 66, 1)], bars_of('4/4', '4/4'), fifths=[12, -6],
                     velocity=[30, 40], staff=[1, 2], voice=[3, 4], part_names=('a', 'b'))
    twice = in_order(table, [1, 0, 1])
    for name in ('pitch', 'fifths', 'velocity', 'staff', 'voice', 'part', 'notehead'):
        column = getattr(table, name)
        assert getattr(twice, name).tolist() == [column[1], column[0], column[1]]
    assert twice.part_names == ('a', 'b')


def test_no_bars_are_an_empty_table():
    assert len(in_order(table_of([(0, 1, 60)], bars_of('4/4')), [])) == 0


@pytest.mark.parametrize('order', [[2], [0, -1]])
def test_bars_that_are_not_there_are_refused(order):
    with pytest.raises(QbdiError):
        in_order(table_of([(0, 1, 60)], bars_of('4/4', '4/4')), order)


def test_tempi_come_as_often_as_their_bars():
    first, second = Tempo(F(0), 60.0), Tempo(F(6), 90.0)
    table = table_of([(0, 1, 60)], bars_of('4/4', '4/4'), tempi=[first, second])
    assert in_order(table, [0, 1, 1]).tempi == (
        first, second, Tempo(F(8), 60.0), Tempo(F(10), 90.0))


def test_a_section_that_is_played_again_has_its_first_tempo_again():
    part = part_of(3, m2=begin(), m3=end())
    part.measure(1).insert(0, tempo.MetronomeMark(number=60))
    part.measure(3).insert(0, tempo.MetronomeMark(number=120))
    tempi = extract_notes(part, expand_repeats=True).tempi
    assert [(t.onset_ql, t.quarters_per_minute) for t in tempi] == [
        (0, 60), (8, 120), (12, 60), (16, 120)]


def test_the_written_order_is_the_table_itself(corpus_score):
    table = extract_notes(corpus_score('joplin/maple_leaf_rag'))
    assert_equal_tables(in_order(table, np.arange(len(table.bars)).tolist()), table)
