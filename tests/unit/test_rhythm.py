"""Lengths that show the beats, tuplets, and places that notation reaches."""

from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from strategies import bars_of, table_of

from qbdi_m21.frames.grid import Bar
from qbdi_m21.notation.rhythm import NOTATABLE, SHORTEST, TICKS, is_reached, ruler_of
from qbdi_m21.notation.timing import engraved_bars, nearest_place, place_notes
from qbdi_m21.notation.tuplets import Tuplet, TupletPlanner

F = Fraction
METERS = {'4/4': F(1), '3/4': F(1), '2/4': F(1), '6/8': F(3, 2), '9/8': F(3, 2), '12/8': F(3, 2),
          '2/2': F(2), '3/2': F(2), '5/4': F(1), '5/8': F(1, 2), '7/8': F(1, 2), '3/8': F(3, 2),
          '6/4': F(3), '15/16': F(3, 4), '4/2': F(2)}


def ruler(meter):
    return ruler_of(meter, METERS[meter])


def cut(meter, start, end, *, rest=False):
    """Return the lengths of a span, in quarters."""
    lengths = ruler(meter).lengths(int(F(start) * TICKS), int(F(end) * TICKS), rest=rest)
    return [F(length, TICKS) for length in lengths]


def plan(meter, *edges, low=0, high=None):
    """Return (start, length, notes, usual) of the tuplets between edges, in quarters."""
    made = ruler(meter)
    found = TupletPlanner(made, int(F(low) * TICKS), int(F(high) * TICKS) if high is not None
                          else made.sizes[0]).plan([int(F(edge) * TICKS) for edge in edges])
    return found if found is None else [
        (F(t.start, TICKS), F(t.length, TICKS), t.notes, t.usual) for t in found]


def test_noteheads_run_from_the_256th_to_the_dotted_breve():
    assert min(NOTATABLE) == SHORTEST == TICKS // 64
    assert NOTATABLE[12 * TICKS] == ('breve', 1)
    assert NOTATABLE[TICKS] == ('quarter', 0)
    assert NOTATABLE[TICKS * 3 // 4] == ('eighth', 1)
    assert TICKS * 5 // 4 not in NOTATABLE


@pytest.mark.parametrize(('meter', 'sizes'), [
    ('4/4', [4, 2, 1, F(1, 2)]), ('3/4', [3, 1, F(1, 2)]), ('6/8', [3, F(3, 2), F(1, 2), F(1, 4)]),
    ('9/8', [F(9, 2), F(3, 2), F(1, 2)]), ('12/8', [6, 3, F(3, 2), F(1, 2)]),
    ('3/8', [F(3, 2), F(1, 2), F(1, 4)]), ('5/8', [F(5, 2), F(1, 2), F(1, 4)]),
    ('15/16', [F(15, 4), F(3, 4), F(1, 4)]), ('2/2', [4, 2, 1])])
def test_a_meter_divides_into_blocks(meter, sizes):
    assert [F(s, TICKS) for s in ruler(meter).sizes[:len(sizes)]] == sizes


def test_beats_of_several_lengths_are_counted_by_the_unit():
    assert ruler_of('5/8', F(5, 2)).beat == TICKS // 2


@pytest.mark.parametrize(('meter', 'start', 'end', 'lengths'), [
    ('4/4', 0, 4, [4]), ('4/4', 0, 3, [3]), ('4/4', 0, F(3, 2), [F(3, 2)]),
    ('4/4', 0, F(5, 4), [1, F(1, 4)]), ('4/4', F(1, 4), 1, [F(3, 4)]),
    ('4/4', F(1, 2), F(3, 2), [1]),                     # 8th, quarter, 8th
    ('4/4', F(3, 2), F(5, 2), [F(1, 2), F(1, 2)]),      # across the middle of the bar
    ('4/4', 1, 3, [2]), ('4/4', 1, 4, [1, 2]), ('4/4', F(1, 4), F(3, 4), [F(1, 2)]),
    ('4/4', F(3, 4), F(5, 4), [F(1, 4), F(1, 4)]), ('4/4', F(1, 2), 2, [F(1, 2), 1]),
    ('3/4', 0, 3, [3]), ('3/4', 1, 3, [2]), ('3/4', F(1, 2), F(3, 2), [1]),
    ('3/4', 1, F(5, 2), [F(3, 2)]), ('6/8', 0, 3, [3]), ('6/8', 0, F(3, 4), [F(3, 4)]),
    ('6/8', F(1, 2), F(3, 2), [1]), ('6/8', 0, 2, [F(3, 2), F(1, 2)]),
    ('6/8', 1, 2, [F(1, 2), F(1, 2)]), ('6/8', F(1, 4), F(3, 4), [F(1, 2)]),
    ('9/8', 0, F(9, 2), [3, F(3, 2)]), ('5/4', 0, 5, [4, 1]), ('2/2', 0, 4, [4]),
    ('4/2', 0, 8, [8]), ('2/4', 0, 2, [2]), ('5/8', 0, F(5, 2), [2, F(1, 2)])])
def test_notes_show_the_beats(meter, start, end, lengths):
    assert cut(meter, start, end) == lengths


@pytest.mark.parametrize(('meter', 'start', 'end', 'lengths'), [
    ('4/4', 0, 2, [2]), ('4/4', 0, 3, [2, 1]), ('4/4', 1, 3, [1, 1]),
    ('4/4', F(1, 2), F(3, 2), [F(1, 2), F(1, 2)]), ('4/4', 0, F(3, 2), [1, F(1, 2)]),
    ('4/4', 0, F(3, 4), [F(3, 4)]), ('4/4', F(1, 4), 1, [F(1, 4), F(1, 2)]),
    ('3/4', 0, 2, [1, 1]), ('6/8', 0, F(3, 2), [F(3, 2)]), ('6/8', 0, 1, [1]),
    ('6/8', F(1, 2), F(3, 2), [F(1, 2), F(1, 2)])])
def test_rests_neither_syncopate_nor_hide_a_beat(meter, start, end, lengths):
    assert cut(meter, start, end, rest=True) == lengths


@pytest.mark.parametrize('rest', [False, True])
@pytest.mark.parametrize('meter', METERS)
def test_a_span_is_filled_with_single_noteheads(meter, rest):
    rng = np.random.default_rng(3)
    bar = ruler(meter).sizes[0]
    for _ in range(60):
        start = int(rng.integers(0, 2 * bar // SHORTEST)) * SHORTEST
        end = start + int(rng.integers(1, bar // SHORTEST)) * SHORTEST
        lengths = ruler(meter).lengths(start, end, rest=rest)
        assert sum(lengths) == end - start
        assert set(lengths) <= set(NOTATABLE)


@pytest.mark.parametrize(('meter', 'edges', 'tuplets'), [
    ('4/4', [0, F(1, 3), F(2, 3), 1], [(0, 1, 3, 2)]),
    ('4/4', [0, F(2, 3), 1], [(0, 1, 3, 2)]),
    ('4/4', [0, F(2, 3), F(4, 3), 2], [(0, 2, 3, 2)]),              # quarters over two beats
    ('4/4', [1, F(5, 3), F(7, 3), 3], [(1, 2, 3, 2)]),              # also from the second on
    ('4/4', [0, F(4, 3), F(8, 3), 4], [(0, 4, 3, 2)]),              # halves over the bar
    ('4/4', [F(k, 3) for k in range(7)], [(0, 1, 3, 2), (1, 1, 3, 2)]),
    ('4/4', [F(k, 6) for k in range(7)], [(0, F(1, 2), 3, 2), (F(1, 2), F(1, 2), 3, 2)]),
    ('4/4', [0, F(1, 3), F(1, 2), F(2, 3), 1], [(0, 1, 3, 2)]),     # 8th, 16th, 16th, 8th
    ('4/4', [F(k, 5) for k in range(6)], [(0, 1, 5, 4)]),
    ('4/4', [F(4 * k, 5) for k in range(6)], [(0, 4, 5, 4)]),
    ('4/4', [F(2 * k, 7) for k in range(8)], [(0, 2, 7, 4)]),
    ('4/4', [F(k, 9) for k in range(10)], [(0, 1, 9, 8)]),
    ('4/4', [F(k, 11) for k in range(12)], [(0, 1, 11, 8)]),
    ('4/4', [F(k, 13) for k in range(14)], [(0, 1, 13, 8)]),
    ('4/4', [F(k, 15) for k in range(16)], [(0, 1, 15, 8)]),
    ('4/4', [0, F(1, 3), F(2, 5), 1], [(0, 1, 15, 8)]),             # two kinds in one beat
    ('3/4', [F(3 * k, 5) for k in range(6)], [(0, 3, 5, 3)]),
    ('6/8', [F(3 * k, 10) for k in range(6)], [(0, F(3, 2), 5, 3)]),
    ('6/8', [F(3 * k, 14) for k in range(8)], [(0, F(3, 2), 7, 6)]),
    ('6/8', [0, F(1, 6), F(1, 3), F(1, 2)], [(0, F(1, 2), 3, 2)]),
    ('6/8', [0, F(3, 4), F(3, 2)], []),                             # dotted eighths, no duplet
    ('2/2', [0, F(2, 3), F(4, 3), 2], [(0, 2, 3, 2)]),
    ('4/4', [0, F(1, 64), F(3, 2)], [])])
def test_tuplets_span_what_is_on_one_lattice(meter, edges, tuplets):
    assert plan(meter, *edges) == tuplets


def test_kinds_that_meet_nowhere_are_refused():
    assert plan('4/4', 0, F(1, 11), F(1, 13), 1) is None


def test_a_tuplet_stays_within_its_bar():
    # a pickup of one and a half beats: its first beat is not whole
    assert plan('4/4', F(8, 3), 3, low=F(5, 2), high=4) == [(F(5, 2), F(1, 2), 3, 2)]


@pytest.mark.parametrize('meter', METERS)
def test_tuplets_hold_all_odd_places_and_none_is_cut(meter):
    rng = np.random.default_rng(5)
    made = ruler(meter)
    for _ in range(40):
        parts = int(rng.choice([3, 5, 6, 7, 9, 12, 15, 24]))
        steps = made.sizes[0] * parts // TICKS
        edges = sorted({0, made.sizes[0], *(int(k) * TICKS // parts for k in rng.integers(
            0, steps + 1, 8))})
        tuplets = TupletPlanner(made, 0, made.sizes[0]).plan(edges)
        assert all(a.end <= b.start for a, b in pairwise(tuplets))
        for edge in edges:
            inside = [t for t in tuplets if t.start < edge < t.end]
            assert not edge % SHORTEST or len(inside) == 1
            for tuplet in inside:
                written = tuplet.written(edge - tuplet.start)
                assert not written % SHORTEST
                assert tuplet.sounding(written) == edge - tuplet.start
        assert all(t.unit in NOTATABLE and t.unit * t.usual == t.length for t in tuplets)


def test_a_tuplet_knows_what_it_writes():
    tuplet = Tuplet(TICKS, TICKS, 3, 2)
    assert (tuplet.end, tuplet.unit) == (2 * TICKS, TICKS // 2)
    assert tuplet.written(TICKS // 3) == TICKS // 2


@pytest.mark.parametrize(('place', 'reached'), [
    (F(1, 64), True), (F(1, 128), False), (F(1, 3), True), (F(1, 96), True), (F(1, 192), False),
    (F(1, 5), True), (F(1, 15), True), (F(1, 7), True), (F(1, 480), False), (F(1, 17), False),
    (F(1, 21), False), (F(3347, 10080), False), (F(7, 2), True)])
def test_what_notation_reaches(place, reached):
    assert is_reached(place) is reached


@pytest.mark.parametrize(('place', 'near'), [
    (F(3347, 10080), F(1, 3)), (F(85, 256), F(1, 3)), (F(1441, 10080), F(1, 7)),
    (F(1, 128) + F(1, 4), F(1, 4)), (F(999, 1000), 1), (F(31, 100), F(5, 16))])
def test_rounded_places_go_to_what_they_meant(place, near):
    assert nearest_place(place) == near


def placed(notes, bars):
    found = place_notes(table_of(notes, bars), engraved_bars(bars))
    return [(F(a, TICKS), F(b, TICKS)) for a, b in zip(
        found.start.tolist(), found.end.tolist(), strict=True)], found.moved


def test_exact_places_do_not_move():
    notes = [(F(1, 3), F(2, 5), 60), (F(3, 7), F(9, 2), 61)]
    assert placed(notes, bars_of('4/4', '4/4')) == (
        [(F(1, 3), F(11, 15)), (F(3, 7), F(69, 14))], {})


def test_odd_places_move_and_are_counted():
    spans, moved = placed([(0, F(85, 256), 60), (F(85, 256), 1, 62)], bars_of('4/4'))
    assert spans == [(0, F(1, 3)), (F(1, 3), F(4, 3))]
    assert moved == {0: pytest.approx(1 / 768), 1: pytest.approx(1 / 768)}


def test_notes_too_short_to_write_last_a_64th():
    assert placed([(1, F(1, 1000), 60), (F(3999, 1000), F(1, 1000), 60)], bars_of('4/4'))[0] == [
        (1, F(17, 16)), (F(63, 16), 4)]


def test_bars_of_odd_lengths_are_rounded_and_places_in_whole_beats_stay():
    bars = (Bar(1, F(0), F(7, 3)), Bar(2, F(7, 3), F(4)))
    assert [F(b.high - b.low, TICKS) for b in engraved_bars(bars)] == [F(37, 16), 4]
    spans, moved = placed([(F(1, 3), F(2, 3), 60), (2, F(31, 96), 60), (F(7, 3), 1, 60)], bars)
    assert spans == [(F(1, 3), 1), (2, F(37, 16)), (F(37, 16), F(53, 16))]
    assert list(moved) == [1]       # in the broken beat


def test_a_grace_note_stands_in_its_own_bar():
    from dataclasses import replace
    bars = bars_of('2/4', '2/4')
    table = table_of([(2, 0, 60), (2, 1, 62)], bars)
    table = replace(table, grace=table.duration[:, 0] == 0, bar=np.array([0, 1]))
    assert place_notes(table, engraved_bars(bars)).bar.tolist() == [0, 1]


def test_a_tuplet_is_counted_in_plain_notes():
    # five over 9/8 would be five dotted quarters in the time of three
    edges = [0, TICKS * 9 // 5, TICKS * 9 // 2]
    tuplets = TupletPlanner(ruler('9/8'), 0, edges[-1]).plan(edges)
    assert tuplets
    assert all(not NOTATABLE[t.unit][1] for t in tuplets)
