"""Between two queries: along the arc, with the same noise, through the same channel."""

import numpy as np
import pytest
from music21 import meter, note, stream
from musicxml_checks import block_model, fingerprint, schema_errors

import qbdi_m21 as q
from qbdi_m21.errors import EmptyScoreError, ParameterError, SourceWarning
from qbdi_m21.notation.musicxml import to_musicxml

BLOCKS = block_model()


def held(pitches, ratio='4/4'):
    """Return a part of bars of one held pitch each."""
    part = stream.Part()
    for k, pitch in enumerate(pitches):
        signature = meter.TimeSignature(ratio)
        measure = stream.Measure([signature] if not k else [], number=k + 1)
        measure.append(note.Note(pitch, quarterLength=signature.barDuration.quarterLength))
        part.append(measure)
    return part


#: Two queries whose bars are as far from the mean, at right angles.
ONE, TWO = held([61] * 8), held([70] * 8)


@pytest.fixture(scope='module')
def chorale():
    return q.load_score('corpus:bach/bwv66.6')


@pytest.fixture(scope='module')
def halves(chorale):
    """Two phrases of a chorale."""
    return chorale.measures(1, 4), chorale.measures(5, 8)


def rows(score):
    """Return (onset, duration, pitch) of the notes."""
    table = q.extract_notes(score, allow_empty=True)
    return sorted(zip(table.onset_ql.tolist(), table.duration_ql.tolist(), table.pitch.tolist(),
                      strict=True))


def sent_of(score):
    (sent,) = score.derivation.transmissions
    return sent


def between(weight, first=ONE, second=TWO, **options):
    """Return what is sent between two queries, shape (N, Z)."""
    return sent_of(q.interpolate(first, second, BLOCKS, weight=weight, **options)).sent


def angle_of(one, two):
    """Return the angle between two vectors, from the sides of a right triangle."""
    along = one @ two / np.linalg.norm(one)
    return np.arctan2(np.linalg.norm(two - along * one / np.linalg.norm(one)), along)


def arc(one, two, weight):
    """Return one point on the arc between two vectors (White 2016)."""
    angle = angle_of(one, two)
    return (np.sin((1 - weight) * angle) * one + np.sin(weight * angle) * two) / np.sin(angle)


@pytest.mark.parametrize('weight', [0, 0.3, (0, 1)])
@pytest.mark.parametrize('options', [
    {'rate': 'full'}, {'rate': 64, 'seed': 3}, {'rate': 'half', 'channel': 'paper'},
    {'rate': 100, 'variance': 'query', 'allocation': 'dynamic', 'decoding': 'sample', 'seed': 1}])
def test_between_a_query_and_itself_lies_its_improvisation(weight, options, chorale):
    made = q.interpolate(chorale, chorale, BLOCKS, weight=weight, **options)
    own = q.improvise(chorale, BLOCKS, **options)
    assert rows(made) == rows(own) != []
    for name in ('sent', 'received'):
        assert getattr(sent_of(made), name) == pytest.approx(getattr(sent_of(own), name))


def test_with_no_weight_it_is_the_first_and_with_all_the_second(halves):
    for weight, query in enumerate(halves):
        own = q.improvise(query, 'chorales', rate='full', seed=4)
        made = q.interpolate(*halves, 'chorales', weight=weight, seed=4)
        assert sent_of(made).sent == pytest.approx(sent_of(own).sent)
        assert rows(made) == rows(own) != []


def test_with_all_the_weight_the_harmony_is_that_of_the_second():
    first, second = held([60, 62, 64, 65]), held([61, 68, 70, 59])
    for weight, query in ((0, first), (1, second)):
        made = q.extract_notes(q.interpolate(first, second, BLOCKS, weight=weight))
        own = q.extract_notes(q.improvise(query, BLOCKS, rate='full'))
        assert list(zip(made.bar, made.pitch, strict=True)) == list(
            zip(own.bar, own.pitch, strict=True))
    both = q.extract_notes(q.interpolate(first, second, BLOCKS, weight=0.5))
    assert {p % 12 for p in both.pitch[both.bar == 1].tolist()} == {3, 8}   # D rings as E flat


@pytest.mark.parametrize('weight', [0.01, 0.25, 0.5, 0.7, 0.99])
def test_it_lies_on_the_arc(weight, halves):
    ends = [between(w, *halves, seed=2) for w in (0, 1)]
    points = between(weight, *halves, seed=2)
    for one, two, point in zip(*ends, points, strict=True):
        assert point == pytest.approx(arc(one, two, weight))


def test_along_the_arc_it_is_as_far_from_the_mean_as_the_queries_are():
    ends = [np.linalg.norm(between(w), axis=1) for w in (0, 1)]
    assert ends[0] == pytest.approx(ends[1], rel=0.1)
    for weight in (0.25, 0.5, 0.75):
        points = between(weight)
        assert np.linalg.norm(points, axis=1) == pytest.approx(ends[0], rel=0.1)
        # on the straight line it would be nearer
        line = (1 - weight) * between(0) + weight * between(1)
        assert np.all(np.linalg.norm(line, axis=1) < 0.85 * ends[0])


def test_both_are_drawn_with_the_same_noise():
    # of the same bars in another place, the noise is all that is left
    noise = [between(weight, seed=6) - q.encode(query, BLOCKS).mean
             for weight, query in ((0, ONE), (1, TWO))]
    assert noise[0] == pytest.approx(noise[1])
    assert np.all(noise[0] != 0)


def share_of_second(points):
    """Return the angles of rows from the first query, as shares of the whole angle."""
    turned, whole = (np.array([angle_of(one, two) for one, two in zip(
        between(0), others, strict=True)]) for others in (points, between(1)))
    return turned / whole


@pytest.mark.parametrize(('weight', 'expected'), [
    (0.5, [0.5] * 8), ([0.25], [0.25] * 8), ((0, 1), np.arange(8) / 7),
    ((1, 0), 1 - np.arange(8) / 7), ((0.2, 0.9), 0.2 + 0.7 * np.arange(8) / 7),
    ((0, 1, 0), [0, 2 / 7, 4 / 7, 6 / 7, 6 / 7, 4 / 7, 2 / 7, 0]),
    (np.arange(8) / 8, np.arange(8) / 8)])
def test_weights_ramp_from_the_first_bar_to_the_last(weight, expected):
    # norms of both ends are about the same, so that angles are the weights
    assert share_of_second(between(weight)) == pytest.approx(expected, abs=0.03)


def test_a_ramp_leads_from_one_query_to_the_other():
    made = q.extract_notes(q.interpolate(ONE, TWO, BLOCKS, weight=(0, 1)))
    heard = [set((made.pitch[made.bar == bar] % 12).tolist()) for bar in range(8)]
    assert heard[0] == {2}          # C sharp rings as D
    assert heard[-1] == {10}
    assert {2, 10} in heard[2:6]


def test_of_one_bar_a_ramp_has_its_beginning():
    one, two = held([61]), held([70])
    assert between((0, 1), one, two) == pytest.approx(between(0, one, two))


def test_a_shorter_second_query_begins_again_and_that_is_told():
    short = held([61, 68, 70])
    with pytest.warns(SourceWarning, match='the second query has 3 bars and the first 8: it begins '
                      'again'):
        made = q.extract_notes(q.interpolate(ONE, short, BLOCKS, weight=1))
    heard = [set((made.pitch[made.bar == bar] % 12).tolist()) for bar in range(8)]
    assert heard == [{2}, {8}, {10}, {2}, {8}, {10}, {2}, {8}]


def test_of_a_longer_second_query_the_first_bars_are_taken_and_that_is_told():
    with pytest.warns(SourceWarning, match='the second query has 3 bars and the first 2: the '
                      'others are left out'):
        made = q.interpolate(held([61, 61]), held([70, 68, 59]), BLOCKS, weight=1)
    assert list(dict.fromkeys(pitch for _, _, pitch in rows(made))) == [70, 68]
    assert len(made.parts[0].getElementsByClass(stream.Measure)) == 2


def test_bars_meet_bars_also_where_they_are_longer():
    long, short = held([61, 61, 61], '7/4'), held([70, 68, 59])
    # a bar of 7/4 has two windows
    points = between(1, long, short)
    expected = q.encode(short, BLOCKS).mean[[0, 0, 1, 1, 2, 2]]
    assert np.argmax(points, axis=1).tolist() == np.argmax(expected, axis=1).tolist()
    points = between(1, short, held([70, 68, 59], '7/4'))
    assert np.argmax(points, axis=1).tolist() == [70 - 24, 68 - 24, 59 - 24]
    # windows meet windows: the second half of the bar has a pitch of its own
    halved = stream.Part([stream.Measure([meter.TimeSignature('7/4'), note.Note(
        70, quarterLength=4), note.Note(68, quarterLength=3)], number=1)])
    points = between(1, held([61], '7/4'), halved)
    assert np.argmax(points, axis=1).tolist() == [70 - 24, 68 - 24]


def test_the_rate_is_that_of_what_lies_between():
    rates = [0, 'full', 8, 'half', 8, 8, 'full', 64]
    sent = sent_of(q.interpolate(ONE, TWO, BLOCKS, weight=0.5, rate=rates))
    assert sent.rates == (0, 'full', 8, 0.5, 8, 8, 'full', 64)
    np.testing.assert_array_equal(sent.received[[1, 6]], sent.sent[[1, 6]])
    assert sent.nominal_bits[[0, 2, 7]].tolist() == [0, 8, 64]
    full = sent_of(q.interpolate(ONE, TWO, BLOCKS, weight=0.5))
    np.testing.assert_array_equal(full.received, full.sent)
    np.testing.assert_array_equal(full.sent, sent.sent)


def test_it_is_a_score_on_the_bars_of_the_first_that_both_queries_stay_out_of():
    first, second = held([61] * 4, '3/4'), held([70] * 4, '6/8')
    before = fingerprint(first), fingerprint(second)
    made = q.interpolate(first, second, BLOCKS, rate=64)
    assert (fingerprint(first), fingerprint(second)) == before
    assert made.derivation.method == 'interpolate'
    assert made.derivation.origin is first
    assert made.derivation.recipe['operation'] == 'interpolate'
    assert len(made.derivation.recipe['query_notes_sha256']) == 2
    assert [s.ratioString for s in made.parts[0].recurse().getElementsByClass(
        meter.TimeSignature)] == ['3/4']
    assert [part.partName for part in made.parts] == ['Improvisation', 'Improvisation']
    assert schema_errors(to_musicxml(made)) == []


def test_it_is_named_after_both_queries(chorale):
    made = q.interpolate(chorale, q.load_score('corpus:bach/bwv66.6'), BLOCKS)
    assert made.metadata.title == 'Between bwv66.6 and bwv66.6'
    assert q.interpolate(ONE, TWO, BLOCKS).metadata.title == 'Between a query and a query'


def test_the_same_seed_gives_the_same_and_another_seed_does_not():
    first, again, other = (to_musicxml(q.interpolate(ONE, TWO, BLOCKS, rate=20, seed=seed))
                           for seed in (1, 1, 2))
    assert first == again
    assert first != other


@pytest.mark.parametrize('weight', [-0.1, 1.1, float('nan'), float('inf'), [], (0, 2), 'a',
                                    None, [[0, 1]], [None, 1], (0.5, float('nan'))])
def test_what_is_no_weight_is_refused(weight):
    with pytest.raises(ParameterError, match=r'weight is .*; expected numbers from 0 to 1'):
        q.interpolate(ONE, TWO, BLOCKS, weight=weight)


@pytest.mark.parametrize(('options', 'message'), [
    ({'rate': 'fast'}, "rate is 'fast'"), ({'rate': [1]}, 'given for 8 bars'),
    ({'seed': -1}, 'seed is -1'), ({'channel': 'radio'}, "channel is 'radio'"),
    ({'allocation': 'fair'}, "allocation is 'fair'"), ({'threshold': 3.0}, 'threshold is 3.0')])
def test_settings_are_checked(options, message):
    with pytest.raises(ParameterError, match=message):
        q.interpolate(ONE, TWO, BLOCKS, **options)


def test_a_query_without_notes_is_refused_on_either_side():
    silent = stream.Part([stream.Measure([note.Rest(quarterLength=4)])])
    for first, second in ((silent, ONE), (ONE, silent)):
        with pytest.raises(EmptyScoreError):
            q.interpolate(first, second, BLOCKS)
