"""How probabilities become notes: rule, threshold and shape."""

import json
import re

import numpy as np
import pytest
from musicxml_checks import block_model
from naive.decoding import notes_of
from networks import random_windows
from strategies import bars_of, frames_of

import qbdi_m21 as q
from qbdi_m21.errors import FramesError, ParameterError
from qbdi_m21.improvisation.decoding import Decoding, drop_short, fold_pitches, within_reach
from qbdi_m21.improvisation.transmission import encode_frames, transmit_frames
from qbdi_m21.model.presets import PAPER_THRESHOLD

BARS = bars_of('4/4', '4/4')

ALL = Decoding('threshold', 0.25, 3, 'never', 'strike', (36, 60), 12)

WRONG = [
    ({'rule': 'loud'}, "decoding is 'loud'; expected one of threshold, sample, density"),
    ({'threshold': 0.0}, 'threshold is 0.0; expected a probability between 0 and 1'),
    ({'threshold': 1.0}, 'threshold is 1.0; expected a probability between 0 and 1'),
    ({'threshold': 1.5}, 'threshold is 1.5; expected a probability between 0 and 1'),
    ({'threshold': -0.1}, 'threshold is -0.1; expected a probability between 0 and 1'),
    ({'threshold': float('nan')}, 'threshold is nan; expected a probability between 0 and 1'),
    ({'threshold': 'low'}, "threshold is 'low'; expected a probability between 0 and 1, 'paper' "
     "or 'calibrated'"),
    ({'threshold': '0.3'}, "threshold is '0.3'; expected a probability between 0 and 1, 'paper' "
     "or 'calibrated'"),
    ({'threshold': True}, 'threshold is True; expected a probability between 0 and 1'),
    ({'threshold': [0.3]}, 'threshold is [0.3]; expected a probability between 0 and 1'),
    ({'rule': 'density', 'threshold': 0.3}, "a threshold of 0.3 is no part of decoding by "
     "'density'; give one of them, or decoding='threshold'"),
    ({'rule': 'sample', 'threshold': 'paper'}, "a threshold of paper is no part of decoding by "
     "'sample'; give one of them, or decoding='threshold'"),
    ({'min_length_frames': 0}, 'min_length_frames is 0; expected a whole number from 1 on'),
    ({'min_length_frames': 1.5}, 'min_length_frames is 1.5; expected a whole number from 1 on'),
    ({'min_length_frames': True}, 'min_length_frames is True; expected a whole number from 1 on'),
    ({'min_length_frames': None}, 'min_length_frames is None; expected a whole number from 1 on'),
    ({'hand_span': 6}, 'hand_span is 6; expected a whole number from 7 on'),
    ({'hand_span': '12'}, "hand_span is '12'; expected a whole number from 7 on"),
    ({'restrike': 'always'}, "restrike is 'always'; expected one of decoded, never"),
    ({'restrike': None}, 'restrike is None; expected one of decoded, never'),
    ({'barline': 'cut'}, "barline is 'cut'; expected one of decoded, tie, strike"),
    ({'pitch_range': (60, 60)}, 'pitch_range is (60, 60); expected (low, high), the high end'),
    ({'pitch_range': (60, 129)}, 'pitch_range is (60, 129); expected (low, high), the high end'),
    ({'pitch_range': (-1, 60)}, 'pitch_range is (-1, 60); expected (low, high), the high end'),
    ({'pitch_range': (40.0, 60.0)}, 'pitch_range is (40.0, 60.0); expected (low, high)'),
    ({'pitch_range': 60}, 'pitch_range is 60; expected (low, high)'),
    ({'pitch_range': (48, 60, 72)}, 'pitch_range is (48, 60, 72); expected (low, high)'),
    ({'pitch_range': (60, 71)}, 'pitch_range is (60, 71); expected an octave at least, since '
     'notes go into it by octaves')]


@pytest.fixture(scope='module')
def chorale():
    return q.to_frames(q.load_score('corpus:bach/bwv66.6'))


@pytest.fixture(scope='module')
def chorales():
    return q.load_model('chorales')


def shaped(notes, low=36, high=90, bars=BARS, **options):
    """Return the notes (pitch, start, end) of shaped frames of (start, end, pitch)."""
    made = Decoding(**options).shape(frames_of(notes, bars, low=low, high=high))
    return [note[:3] for note in notes_of(made)]


@pytest.mark.parametrize(('options', 'message'), WRONG)
def test_options_out_of_range_are_refused(options, message):
    with pytest.raises(ParameterError, match=re.escape(message)):
        Decoding(**options)


@pytest.mark.parametrize('options', [
    {'min_length_frames': 1}, {'hand_span': 7}, {'pitch_range': (60, 72)},
    {'pitch_range': (0, 128)}, {'threshold': 1e-9},
    {'threshold': 0.999}, {'rule': 'threshold', 'threshold': 'paper'}])
def test_the_ends_of_the_ranges_are_taken(options):
    made = Decoding(**options)
    assert all(getattr(made, name) == value for name, value in options.items())


def test_numbers_of_numpy_become_plain_ones_and_a_list_a_pair():
    made = Decoding(threshold=np.float32(0.25), min_length_frames=np.int64(3),
                    hand_span=np.uint8(12), pitch_range=[np.int64(36), np.int32(84)])
    assert made == Decoding(threshold=0.25, min_length_frames=3, hand_span=12,
                            pitch_range=(36, 84))
    assert json.loads(json.dumps(made.to_json())) == {
        'threshold': 0.25, 'min_length_frames': 3, 'hand_span': 12, 'pitch_range': [36, 84]}
    with pytest.raises(ParameterError, match='expected a probability between 0 and 1'):
        Decoding(threshold=np.float32(7))


def test_a_name_a_threshold_or_all_of_it_may_be_given():
    assert Decoding.parse(None, None) == Decoding()
    assert Decoding.parse('sample', None) == Decoding('sample')
    assert Decoding.parse(None, 0.3) == Decoding(threshold=0.3)
    assert Decoding.parse('threshold', 'calibrated') == Decoding('threshold', 'calibrated')
    assert Decoding.parse(ALL, None) is ALL
    both = Decoding.parse(Decoding(hand_span=9, threshold=0.1), 'paper')
    assert both == Decoding(threshold='paper', hand_span=9)


def test_a_threshold_beside_a_decoding_by_another_rule_is_refused():
    for decoding in ('density', Decoding('density'), Decoding('sample', hand_span=9)):
        with pytest.raises(ParameterError, match=r'a threshold of 0\.4 is no part of decoding by'):
            Decoding.parse(decoding, 0.4)


@pytest.mark.parametrize('own', ['threshold', 'density', 'sample'])
def test_the_models_own_rule_and_threshold_are_the_default(own):
    model = block_model(threshold=0.35)
    object.__setattr__(model, 'decoding', own)
    windows = random_windows(3, model.spec)
    assert Decoding().resolve(model, windows) == (own, 0.35)
    assert Decoding('sample').resolve(model, windows) == ('sample', 0.35)
    assert Decoding(threshold=0.2).resolve(model, windows) == ('threshold', 0.2)
    assert Decoding('threshold').resolve(model, windows) == ('threshold', 0.35)


def test_the_papers_threshold_is_seven_tenths():
    model = block_model()
    for decoding in (Decoding(threshold='paper'), Decoding('threshold', 'paper')):
        assert decoding.resolve(model, random_windows(2, model.spec)) == ('threshold', 0.7)
    assert PAPER_THRESHOLD == 0.7


def test_at_the_calibrated_threshold_the_query_comes_back_as_dense_as_it_is(chorale, chorales):
    def sounding(threshold):
        made = transmit_frames(chorale, chorales, rate='full', threshold=threshold)
        return int(made.frames.sounding.sum()), made.decoding

    due = int(chorale.sounding.sum())
    count, (rule, found) = sounding('calibrated')
    assert rule == 'threshold'
    assert count == pytest.approx(due, rel=0.02)
    # a little above it cells are missing
    assert sounding(found + 0.02)[0] < due <= sounding(found - 0.02)[0]
    assert found not in (chorales.threshold, PAPER_THRESHOLD)


def test_the_calibrated_threshold_is_that_of_the_query_whatever_the_seed(chorale, chorales):
    windows = encode_frames(chorale, chorales).windows
    decoding = Decoding(threshold='calibrated')
    found = decoding.resolve(chorales, windows)
    assert found != decoding.resolve(chorales, windows[:3])
    for seed in (0, 5):
        sent = transmit_frames(chorale, chorales, rate=0, seed=seed, threshold='calibrated')
        assert sent.decoding == found
    with pytest.raises(FramesError, match='no window'):
        decoding.resolve(chorales, windows[:0])


@pytest.mark.parametrize('pitch_range', [(23, 60), (60, 103), (0, 128), (104, 120)])
def test_a_range_that_the_model_does_not_play_is_refused(pitch_range, chorale):
    decoding, model = Decoding(pitch_range=pitch_range), block_model()
    for call in (lambda: decoding.resolve(model, random_windows(1, model.spec)),
                 lambda: transmit_frames(chorale, model, decoding=decoding),
                 lambda: q.sample(model, 1, decoding=decoding)):
        with pytest.raises(ParameterError, match=re.escape(
                f'pitch_range is {pitch_range}; the model plays (24, 102), the high end left out: '
                'expected a range within')):
            call()
    whole = Decoding(pitch_range=(24, 102))
    assert whole.resolve(model, random_windows(1, model.spec)) == ('threshold', 0.5)


def test_json_holds_only_what_was_asked_for():
    assert Decoding().to_json() == {}
    assert Decoding(hand_span=9).to_json() == {'hand_span': 9}
    assert ALL.to_json() == {
        'rule': 'threshold', 'threshold': 0.25, 'min_length_frames': 3, 'restrike': 'never',
        'barline': 'strike', 'pitch_range': [36, 60], 'hand_span': 12}


@pytest.mark.parametrize('decoding', [Decoding(), ALL, Decoding('sample'),
                                      Decoding(threshold='calibrated'),
                                      Decoding(pitch_range=(0, 128))])
def test_a_decoding_comes_back_from_json(decoding):
    assert Decoding.from_json(json.loads(json.dumps(decoding.to_json()))) == decoding


@pytest.mark.parametrize(('data', 'message'), [
    ({'rule': 'loud'}, "decoding is 'loud'"), ({'hand_span': 1}, 'hand_span is 1'),
    ({'pitch_range': [60, 61]}, r'pitch_range is \(60, 61\)'),
    ({'loudness': 3}, 'no decoding option loudness; expected some of rule, threshold')])
def test_json_is_checked_when_it_is_read(data, message):
    with pytest.raises(ParameterError, match=message):
        Decoding.from_json(data)


def test_notes_go_by_octaves_into_the_range():
    notes = [(0, 4, 36), (4, 8, 47), (8, 12, 48), (12, 16, 59), (16, 20, 60), (20, 24, 85)]
    assert shaped(notes, pitch_range=(48, 60)) == [
        (48, 0, 4), (48, 8, 12), (48, 16, 20), (49, 20, 24), (59, 4, 8), (59, 12, 16)]


def test_a_note_that_joins_one_that_sounds_is_struck():
    held = frames_of([(0, 8, 50), (4, 12, 38)], BARS, low=36, high=60)
    assert notes_of(fold_pitches(held, (48, 60))) == [(50, 0, 4, True), (50, 4, 12, True)]


def test_what_neither_hand_reaches_is_left_out():
    chord = [(0, 4, pitch) for pitch in (40, 47, 48, 52, 53, 60)]
    assert [p for p, _, _ in shaped(chord, hand_span=7)] == [40, 47, 53, 60]
    assert [p for p, _, _ in shaped(chord, hand_span=8)] == [40, 47, 48, 52, 53, 60]


def test_a_note_out_of_reach_is_let_go_and_comes_back_when_it_is_struck():
    notes = [(0, 16, 60), (4, 8, 40), (4, 8, 80), (12, 16, 62)]
    assert shaped(notes, hand_span=12) == [
        (40, 4, 8), (60, 0, 4), (62, 12, 16), (80, 4, 8)]
    assert (60, 12, 16) in shaped([*notes, (12, 16, 60)], hand_span=12)


def test_one_hand_takes_what_lies_within_its_span():
    chord = [(0, 4, pitch) for pitch in range(50, 58)]
    assert len(shaped(chord, hand_span=7)) == 8


def test_short_notes_are_left_out():
    notes = [(0, 1, 50), (2, 4, 50), (4, 7, 50), (30, 32, 60)]
    assert shaped(notes, min_length_frames=1) == sorted((p, a, b) for a, b, p in notes)
    assert shaped(notes, min_length_frames=2) == [(50, 2, 4), (50, 4, 7), (60, 30, 32)]
    assert shaped(notes, min_length_frames=3) == [(50, 4, 7)]
    assert shaped(notes, min_length_frames=4) == []


def test_a_pitch_that_is_not_struck_again_is_one_note():
    notes = [(0, 4, 50), (4, 8, 50), (9, 12, 50)]
    assert shaped(notes) == [(50, 0, 4), (50, 4, 8), (50, 9, 12)]
    assert shaped(notes, restrike='never') == [(50, 0, 8), (50, 9, 12)]


def test_at_a_barline_a_pitch_is_one_note_or_two_as_asked():
    notes = [(12, 16, 50), (16, 20, 50), (12, 20, 60), (16, 20, 70)]
    assert shaped(notes) == [(50, 12, 16), (50, 16, 20), (60, 12, 20), (70, 16, 20)]
    assert shaped(notes, barline='tie') == [(50, 12, 20), (60, 12, 20), (70, 16, 20)]
    assert shaped(notes, barline='strike') == [
        (50, 12, 16), (50, 16, 20), (60, 12, 16), (60, 16, 20), (70, 16, 20)]


def test_only_barlines_tie_and_strike():
    notes = [(4, 8, 50), (8, 12, 50), (4, 12, 60)]
    for barline in ('tie', 'strike'):
        assert shaped(notes, barline=barline) == shaped(notes)


def test_after_a_pickup_comes_a_barline():
    bars = bars_of('4/4', '4/4', pickup_ql=1)
    assert shaped([(0, 8, 50)], bars=bars, barline='strike') == [(50, 0, 4), (50, 4, 8)]


def test_bars_strike_although_nothing_is_restruck():
    notes = [(0, 4, 50), (4, 20, 50)]
    assert shaped(notes, restrike='never', barline='strike') == [(50, 0, 16), (50, 16, 20)]


def test_what_is_cut_short_by_reach_is_left_out_with_the_short_notes():
    notes = [(0, 16, 60), (2, 16, 40), (2, 16, 80)]
    assert shaped(notes, hand_span=12, min_length_frames=3) == [(40, 2, 16), (80, 2, 16)]
    assert shaped(notes, hand_span=12, min_length_frames=2) == [
        (40, 2, 16), (60, 0, 2), (80, 2, 16)]


def test_range_comes_before_reach():
    # in one octave everything is in reach
    chord = [(0, 4, pitch) for pitch in (40, 52, 55, 71)]
    assert [p for p, _, _ in shaped(chord, hand_span=7)] == [40, 71]
    assert [p for p, _, _ in shaped(chord, hand_span=7, pitch_range=(48, 60))] == [52, 55, 59]


def test_silence_stays_silence():
    held = frames_of([], BARS)
    for made in (ALL.shape(held), fold_pitches(held, (48, 60)), within_reach(held, 7),
                 drop_short(held, 5)):
        assert not made.sounding.any()
        assert made.grid == held.grid


@pytest.mark.parametrize('decoding', [
    ALL, Decoding('sample', min_length_frames=4), Decoding(pitch_range=(48, 72), hand_span=8),
    Decoding('density', barline='tie', restrike='never')])
def test_an_improvisation_is_shaped_as_asked(decoding, chorale):
    model = block_model()
    plain = transmit_frames(chorale, model, rate=100, decoding=decoding.rule,
                            threshold=decoding.threshold)
    made = transmit_frames(chorale, model, rate=100, decoding=decoding)
    np.testing.assert_array_equal(made.received, plain.received)
    np.testing.assert_array_equal(made.frames.sounding, decoding.shape(plain.frames).sounding)
    np.testing.assert_array_equal(made.frames.onset, decoding.shape(plain.frames).onset)
    assert notes_of(made.frames) != notes_of(plain.frames)
