"""Collisions and meetings of two aligned pieces."""

import json
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from strategies import bars_of, frames_of, table_of

from qbdi_m21.analysis.beats import beat_spans, passing_notes, read_beats
from qbdi_m21.analysis.collisions import dissonance, find_collisions
from qbdi_m21.analysis.harmony import fifths_apart, infer_keys
from qbdi_m21.errors import ParameterError
from qbdi_m21.frames.encode import to_frames
from qbdi_m21.frames.grid import Grid
from qbdi_m21.frames.raster import table_to_frames

G, A, D, AM = (55, 59, 62), (57, 61, 64), (62, 66, 69), (57, 60, 64)
BARS = bars_of('4/4', '4/4', '4/4')


def chords(*plan, bars=BARS):
    """A table of (onset, duration, pitches)."""
    return table_of([(onset, duration, p) for onset, duration, held in plan for p in held], bars)


#: The improvisation plays G, A, D over a query on D; both then meet on A minor.
QUERY = chords((0, 4, (50, 54)), (4, 4, AM), (8, 4, AM))
IMPROVISATION = chords((0, 1, G), (1, 1, A), (2, 2, D), (4, 4, AM), (8, 4, AM))


def naive_dissonance(first, second):
    """Mean over pairs of what sounds on one side only, by Huron's negative indices."""
    huron = {1: 1.428, 2: 0.582, 6: 0.453}
    total = 0.0
    for i in range(12):
        for j in range(12):
            if first[i] and second[j] and not second[i] and not first[j]:
                interval = min((i - j) % 12, (j - i) % 12)
                total += first[i] * second[j] * huron.get(interval, 0) / 1.428
    return total / (sum(first) * sum(second)) if any(first) and any(second) else 0.0


@pytest.mark.parametrize('work', ['bach/bwv66.6', 'demos/two-parts',
                                  'schumann_clara/opus17/movement3'])
@pytest.mark.filterwarnings('ignore::qbdi_m21.errors.QuantizationWarning')
def test_a_piece_does_not_collide_with_itself(corpus_score, work):
    score = corpus_score(work)
    assert [c for c in find_collisions(score, score) if c.kind != 'meeting'] == []


def test_a_piece_collides_with_itself_a_semitone_higher(corpus_score):
    score = corpus_score('bach/bwv66.6')
    found = find_collisions(score, score.transpose(1))
    clashing = sum(c.end_ql - c.start_ql for c in found if c.kind != 'meeting')
    assert clashing >= Fraction(9, 10) * to_frames(score).grid.end_ql
    assert 'semitone' in {c.kind for c in found}


def test_silence_collides_with_nothing():
    silent = frames_of([], BARS)
    music = table_to_frames(QUERY)
    assert find_collisions(silent, music) == ()
    assert find_collisions(music, silent) == ()
    assert find_collisions(silent, silent) == ()


def test_chords_over_another_collide_and_then_meet():
    found = find_collisions(QUERY, IMPROVISATION)
    collision, meeting = found
    # D against G B D and A C sharp E: F sharp clashes with G, D with C sharp
    assert (collision.kind, collision.start_ql, collision.end_ql) == ('semitone', 0, 2)
    assert (collision.measure, collision.beat) == (1, 1)
    assert (meeting.kind, meeting.start_ql, meeting.measure, meeting.beat) == (
        'meeting', 4, 2, 1)
    assert (meeting.query_harmony, meeting.improvisation_harmony) == ('Am', 'Am')
    assert meeting.severity == 0
    assert meeting.tonnetz == pytest.approx(0)
    assert collision.severity > 0
    assert collision.tonnetz > 0


def test_the_harmonies_are_those_of_the_worst_beat():
    collision = find_collisions(QUERY, IMPROVISATION)[0]
    assert collision.query_harmony == '{D F♯}'
    beats = {'G': naive_dissonance(weights(50, 54), weights(*G)),
             # the second beat of 4/4 has a quarter of a downbeat's weight
             'A': naive_dissonance(weights(50, 54), weights(*A)) * (0.75 + 0.25 / 4)}
    assert collision.improvisation_harmony == max(beats, key=beats.get)
    assert collision.severity == pytest.approx(max(beats.values()))


def test_ids_name_the_notes_that_clash():
    collision = find_collisions(QUERY, IMPROVISATION)[0]

    def pitches(table, ids):
        return {int(table.pitch[table.element_id.tolist().index(i)]) for i in ids}
    # over beat 1 D is common; over beat 2 it is not; no note of beats 3 and 4 belongs
    assert pitches(QUERY, collision.query_ids) == {50, 54}
    assert pitches(IMPROVISATION, collision.improvisation_ids) == {55, 59, 57, 61, 64}


def test_without_a_collision_there_is_no_meeting():
    assert find_collisions(QUERY, QUERY) == ()


def test_a_meeting_long_after_a_collision_is_none():
    bars = bars_of(*['4/4'] * 5)
    low = chords((0, 1, (60,)), (16, 4, AM), bars=bars)
    high = chords((0, 1, (61,)), (16, 4, AM), bars=bars)
    assert [c.kind for c in find_collisions(low, high)] == ['semitone']
    near = [chords((0, 1, (p,)), (4, 4, AM), bars=bars) for p in (60, 61)]
    assert [c.kind for c in find_collisions(*near)] == ['semitone', 'meeting']


@pytest.mark.parametrize(('interval', 'kind'), [
    (1, 'semitone'), (11, 'semitone'), (13, 'semitone'), (2, 'whole tone'), (10, 'whole tone'),
    (6, 'tritone')])
def test_the_kind_is_the_interval_class(interval, kind):
    found = find_collisions(chords((4, 2, (60,))), chords((4, 2, (60 + interval,))))
    assert [(c.kind, c.start_ql, c.end_ql) for c in found] == [(kind, 4, 6)]


@pytest.mark.parametrize('interval', [0, 3, 4, 5, 7, 8, 9, 12])
def test_consonances_do_not_collide(interval):
    assert find_collisions(chords((4, 2, (60,))), chords((4, 2, (60 + interval,)))) == ()


def test_a_semitone_is_the_worst():
    values = [dissonance(weights(0), weights(k))[0] for k in range(7)]
    assert max(values) == values[1] == 1
    assert values[1] > values[2] > values[6] > values[0] == values[3] == values[4] == values[5]


def weights(*pitches):
    return np.bincount(np.array(pitches) % 12, minlength=12).astype(float)


def test_dissonance_is_that_counted_pair_by_pair(rng):
    for _ in range(200):
        first, second = (rng.random(12) * (rng.random(12) < 0.4) for _ in range(2))
        value, interval = dissonance(first, second)
        assert value == pytest.approx(naive_dissonance(first, second))
        assert 0 <= value <= 1
        assert interval in range(7)


def test_dissonance_is_symmetric_and_blind_to_loudness_and_transposition(rng):
    for _ in range(100):
        first, second = (rng.random(12) * (rng.random(12) < 0.4) for _ in range(2))
        value, interval = dissonance(first, second)
        assert dissonance(second, first) == (pytest.approx(value), interval)
        assert dissonance(first * 7, second / 3)[0] == pytest.approx(value)
        assert dissonance(np.roll(first, 4), np.roll(second, 4))[0] == pytest.approx(value)


def test_severities_lie_between_0_and_1_and_spans_do_not_overlap(corpus_score):
    score = corpus_score('bach/bwv66.6')
    for semitones in (1, 2, 6):
        found = find_collisions(score, score.transpose(semitones))
        assert found
        assert all(0 <= c.severity <= 1 for c in found)
        beside = [c for c in found if c.kind != 'key']
        assert all(a.end_ql <= b.start_ql for a, b in pairwise(beside))
        assert all(c.kind == 'meeting' or c.severity >= 0.15 for c in found)


def test_swapping_the_sides_swaps_the_harmonies():
    there, back = find_collisions(QUERY, IMPROVISATION), find_collisions(IMPROVISATION, QUERY)
    assert [(c.kind, c.start_ql, c.end_ql, c.query_harmony, set(c.query_ids)) for c in there] == [
        (c.kind, c.start_ql, c.end_ql, c.improvisation_harmony, set(c.improvisation_ids))
        for c in back]


def test_a_stricter_entry_finds_less():
    assert [c.kind for c in find_collisions(QUERY, IMPROVISATION, enter=1, stay=1)] == []


@pytest.mark.parametrize(('enter', 'stay'), [(0.1, 0.2), (1.5, 0.1), (0.5, 0)])
def test_severities_out_of_range_are_refused(enter, stay):
    with pytest.raises(ParameterError, match='expected 0 < stay <= enter <= 1'):
        find_collisions(QUERY, QUERY, enter=enter, stay=stay)


@pytest.mark.parametrize('bars', [bars_of('4/4'), bars_of('4/4', '3/4', '4/4'),
                                  bars_of('4/4', '4/4', '4/4', '4/4')])
def test_unequal_bars_are_refused(bars):
    with pytest.raises(ParameterError, match='expected equal bars'):
        find_collisions(QUERY, chords((0, 1, G), bars=bars))


@pytest.mark.parametrize(('bars', 'spans'), [
    (bars_of('3/4'), [(0, 4), (4, 8), (8, 12)]),
    (bars_of('6/8'), [(0, 6), (6, 12)]),
    (bars_of('4/4', pickup_ql=Fraction(3, 2)),
     [(0, 2), (2, 6), (6, 10), (10, 14), (14, 18), (18, 22)]),
    (bars_of('3/2'), [(0, 8), (8, 16), (16, 24)])])
def test_beats_are_those_of_the_meter(bars, spans):
    assert beat_spans(Grid(bars)) == spans


def test_plain_values_can_be_written_as_json():
    plain = json.loads(json.dumps([c.to_json() for c in find_collisions(QUERY, IMPROVISATION)]))
    assert [p['kind'] for p in plain] == ['semitone', 'meeting']
    assert plain[0]['end_ql'] == 2.0


def test_chords_that_do_not_clash_can_still_conflict():
    # C over E flat minor, F sharp major: what is far without a semitone is told as chords
    found = find_collisions(chords((0, 4, (60, 64, 67))), chords((0, 4, (57, 61, 64))),
                            enter=0.9, stay=0.5)
    (hit,) = found
    assert (hit.kind, hit.start_ql, hit.end_ql) == ('chord', 0, 4)
    assert hit.severity == pytest.approx(0.5 * (1 - 1 / 3))
    assert (hit.query_harmony, hit.improvisation_harmony) == ('C', 'A')
    assert hit.query_ids == hit.improvisation_ids == ()


def scale(tonic, bars=8):
    steps = (0, 2, 4, 5, 7, 9, 11, 12)
    return table_of([(Fraction(k, 2), Fraction(1, 2), 60 + (tonic + steps[k % 8]) % 12 + 12 *
                      (steps[k % 8] == 12)) for k in range(8 * bars)], bars_of(*['4/4'] * bars))


@pytest.mark.parametrize(('tonic', 'apart'), [(7, 1), (2, 2), (9, 3), (6, 6), (1, 5), (5, 1)])
def test_keys_conflict_from_three_fifths_on(tonic, apart):
    found = [c for c in find_collisions(scale(0), scale(tonic)) if c.kind == 'key']
    if apart < 3:
        assert found == []
        return
    (hit,) = found
    assert (hit.start_ql, hit.end_ql) == (0, 32)
    assert hit.severity == pytest.approx(0.5 * apart / 6)
    assert hit.query_harmony == 'C/Am'


def test_only_the_kinds_that_are_asked_for_are_found():
    everything = find_collisions(scale(0), scale(6))
    assert {c.kind for c in everything} > {'key'}
    for kind in {c.kind for c in everything}:
        assert find_collisions(scale(0), scale(6), kinds=[kind]) == tuple(
            c for c in everything if c.kind == kind)
    with pytest.raises(ParameterError, match='kinds are discord; expected some of semitone'):
        find_collisions(QUERY, QUERY, kinds=['discord'])


def test_a_passing_note_weighs_half_and_a_chord_note_whole():
    line = [(0, Fraction(1, 2), 60), (Fraction(1, 2), Fraction(1, 2), 62), (1, 1, 64)]
    leap = [(0, Fraction(1, 2), 55), (Fraction(1, 2), Fraction(1, 2), 62), (1, 1, 64)]
    bars = bars_of('4/4')
    assert passing_notes(table_of(line, bars)).tolist() == [1]
    assert passing_notes(table_of(leap, bars)).tolist() == []
    held = table_of([(0, 2, 61)], bars)
    soft, hard = (find_collisions(held, table_of(notes, bars), enter=0.01, stay=0.01)[0].severity
                  for notes in (line, leap))
    assert soft != hard
    frames = table_to_frames(table_of(line, bars))
    beats = read_beats(frames, table_of(line, bars), beat_spans(frames.grid))
    assert beats.weights[0, 0] == 2
    assert beats.weights[0, 2] == 1


def test_far_registers_clash_less():
    near, wide, far = (find_collisions(chords((0, 4, (48,))), chords((0, 4, (48 + k,))))[0].severity
                       for k in (1, 13, 25))
    assert near > wide > far
    assert wide == pytest.approx(0.85 * near)


def test_keys_are_those_of_their_scales():
    major, minor = (0, 2, 4, 5, 7, 9, 11), (0, 2, 3, 5, 7, 8, 11)
    for tonic in range(12):
        for steps, shift in ((major, 0), (minor, 3)):
            weights = np.zeros(12)
            weights[[(tonic + s) % 12 for s in steps]] = 1
            weights[[tonic, (tonic + 7) % 12, (tonic + steps[2]) % 12]] += 2
            sharps = int(infer_keys(weights[None])[0])
            assert (7 * sharps) % 12 == (tonic + shift) % 12
    assert infer_keys(np.eye(12)[:1]).tolist() == [-6]
    assert fifths_apart(np.array([-5, 0, -6]), np.array([6, 6, 3])).tolist() == [1, 6, 0]
