"""Samples of a style, and scores to latents and back."""

import re

import numpy as np
import pytest
from music21 import expressions, meter, note, stream
from musicxml_checks import block_model, fingerprint, schema_errors
from scipy.stats import norm

import qbdi_m21 as q
from qbdi_m21.errors import (
    EmptyScoreError,
    FramesError,
    ModelError,
    ParameterError,
    SilenceWarning,
)
from qbdi_m21.frames.windows import frames_to_windows, windows_to_frames
from qbdi_m21.improvisation.settings import MAX_BARS
from qbdi_m21.model.spec import FrameSpec
from qbdi_m21.notation.musicxml import to_musicxml

BLOCKS = block_model()

#: What may be a query, and how many bars each has.
PLACES = {'a score': (lambda s: s, 10), 'a part': (lambda s: s.parts[1], 10),
          'measures of a score': (lambda s: s.measures(3, 6), 4),
          'measures of a part': (lambda s: s.parts[0].measures(2, 3), 2),
          'a measure': (lambda s: s.parts[0].measure(5), 1),
          'a measure of a score': (lambda s: s.measure(5), 1),
          'a flat stream': (lambda s: s.parts[0].flatten(), 9),
          'a stream of notes': (lambda s: stream.Stream(
              [note.Note(60 + k, quarterLength=2) for k in range(6)]), 3)}


@pytest.fixture(scope='module')
def query():
    return q.load_score('corpus:bach/bwv66.6')


@pytest.fixture(params=PLACES.values(), ids=PLACES)
def place(query, request):
    """A stream, and how many bars it has."""
    take, bars = request.param
    return take(query), bars


def measures_of(score):
    return [list(part.getElementsByClass(stream.Measure)) for part in score.parts]


def rows(score):
    """Return (onset, duration, pitch) of the notes."""
    table = q.extract_notes(score, allow_empty=True)
    return sorted(zip(table.onset_ql.tolist(), table.duration_ql.tolist(), table.pitch.tolist(),
                      strict=True))


def test_a_sample_is_a_score_of_bars_on_two_staves():
    made = q.sample(BLOCKS, 5, seed=3)
    assert [len(found) for found in measures_of(made)] == [5, 5]
    assert [part.partName for part in made.parts] == ['Sample', 'Sample']
    assert made.derivation.method == 'sample'
    assert made.derivation.origin is None
    assert made.derivation.transmissions == ()
    assert made.metadata.title == 'Sample of blocks'
    assert schema_errors(to_musicxml(made)) == []


def test_a_sample_has_sixteen_bars_of_four_quarters_by_default():
    made = q.sample(BLOCKS)
    assert [len(found) for found in measures_of(made)] == [16, 16]
    assert [s.ratioString for s in made.parts[0].recurse().getElementsByClass(
        meter.TimeSignature)] == ['4/4']
    assert made.derivation.recipe['bars'] == 16


def test_a_sample_of_a_shipped_model_is_named_after_it():
    made = q.sample('chorales', 2)
    assert made.derivation.recipe['model'] == 'chorales'
    assert made.metadata.title.startswith('Sample of ')
    assert len(q.extract_notes(made)) > 5


def test_a_sample_is_what_draws_from_the_prior_are_decoded_to():
    latents = np.random.default_rng(9).standard_normal((6, 78))
    assert rows(q.sample(BLOCKS, 6, seed=9)) == rows(q.decode(latents, BLOCKS)) != []


def test_a_sample_has_every_pitch_as_often_as_the_prior_says():
    # a pitch of this model sounds where one of its latents exceeds 8/40
    sources = np.zeros(78)
    for k in range(78):
        sources[min(k + ((k + 24) % 12 <= 5), 77)] += 1
    expected = 1 - norm.cdf(0.2) ** sources
    frames = q.to_frames(q.sample(BLOCKS, 40, seed=1))
    heard = frames.sounding.reshape(40, 16, 78).any(axis=1)
    off = heard.sum() - 40 * expected.sum()
    assert abs(off) < 5 * np.sqrt(40 * (expected * (1 - expected)).sum())
    assert not heard[:, sources == 0].any()


def test_the_same_seed_samples_the_same_and_another_seed_does_not():
    first, again, other = (to_musicxml(q.sample(BLOCKS, 3, seed=seed, decoding='sample'))
                           for seed in (1, 1, 2))
    assert first == again
    assert first != other
    # the first bars do not know how many follow
    assert rows(q.sample(BLOCKS, 2, seed=1)) == [
        row for row in rows(q.sample(BLOCKS, 3, seed=1)) if row[0] < 8]


@pytest.mark.parametrize('ratio', ['2/4', '3/4', '6/8', '9/8', '12/8', '5/8', '7/4', '3/2', '2/2',
                                   '16/1', '1/32', '7/16'])
def test_a_sample_may_have_any_meter(ratio):
    made = q.sample(BLOCKS, 3, meter=ratio)
    found = measures_of(made)[0]
    over, under = map(int, ratio.split('/'))
    assert [m.offset for m in found] == [k * 4 * over / under for k in range(3)]
    assert [s.ratioString for s in made.parts[0].recurse().getElementsByClass(
        meter.TimeSignature)] == [ratio]
    assert q.extract_notes(made).bars == q.encode(made, BLOCKS).grid.bars
    assert schema_errors(to_musicxml(made)) == []


@pytest.mark.parametrize('ratio', ['4', '', 'four', '4/3', '0/4', '4/0', '-4/4', '-4/-4', '4/4/4',
                                   '65/4', '4.0/4', None, 0.75])
def test_what_is_no_meter_is_refused(ratio):
    with pytest.raises(ParameterError, match=re.escape(f"meter is {ratio!r}; expected one such as "
                                                       "'4/4' or '6/8'")):
        q.sample(BLOCKS, 2, meter=ratio)


@pytest.mark.parametrize('bars', [0, -1, 1.5, 2.0, '4', None, True, MAX_BARS + 1])
def test_what_is_no_number_of_bars_is_refused(bars):
    with pytest.raises(ParameterError, match=f'bars is {bars!r}; expected a whole number from 1 to '
                       f'{MAX_BARS}'):
        q.sample(BLOCKS, bars)


@pytest.mark.parametrize('options', [{'threshold': 'calibrated'},
                                     {'decoding': q.Decoding('threshold', 'calibrated')}])
def test_a_sample_has_nothing_to_be_calibrated_on(options):
    with pytest.raises(ParameterError, match="threshold is 'calibrated', but there is no query to "
                       'be calibrated on; give a probability'):
        q.sample(BLOCKS, 2, **options)


@pytest.mark.parametrize(('options', 'message'), [
    ({'seed': -1}, 'seed is -1'), ({'threshold': 2.0}, r'threshold is 2\.0'),
    ({'decoding': 'loud'}, "decoding is 'loud'")])
def test_settings_of_samples_and_decoded_latents_are_checked(options, message):
    for call in (q.sample, lambda model, **some: q.decode(np.zeros((1, 78)), model, **some)):
        with pytest.raises(ParameterError, match=message):
            call(BLOCKS, **options)


def test_a_sample_is_shaped_as_asked():
    decoding = q.Decoding(pitch_range=(48, 72), hand_span=12, barline='strike')
    table = q.extract_notes(q.sample(BLOCKS, 4, decoding=decoding))
    assert 48 <= table.pitch.min() <= table.pitch.max() < 72
    assert {pitch for _, _, pitch in rows(q.sample(BLOCKS, 4))} - set(range(48, 72))


def test_a_model_that_is_not_there_is_named():
    for call in (q.sample, lambda name: q.decode(np.zeros((1, 78)), name)):
        with pytest.raises(ModelError, match="no model 'nowhere'"):
            call('nowhere')


def test_a_score_is_encoded_window_by_window(query):
    heard = q.encode(query, BLOCKS)
    windows = frames_to_windows(q.to_frames(query), heard.layout, 16)
    mean, variance = BLOCKS.encode(windows)
    np.testing.assert_array_equal(heard.windows, windows)
    np.testing.assert_array_equal(heard.mean, mean)
    np.testing.assert_array_equal(heard.variance, variance)
    assert heard.bars.tolist() == list(range(10))
    assert isinstance(heard, q.Encoding)


def test_any_stream_is_encoded_decoded_and_improvised_on_and_stays_as_it_is(place):
    source, bars = place
    before = fingerprint(source)
    heard = q.encode(source, BLOCKS)
    assert heard.mean.shape == heard.variance.shape == (bars, 78)
    decoded = q.decode(heard.mean, BLOCKS, template=source)
    improvised = q.improvise(source, BLOCKS, rate=64)
    between = q.interpolate(source, source, BLOCKS)
    for made, method in ((decoded, 'decode'), (improvised, 'improvise'), (between, 'interpolate')):
        assert made.derivation.method == method
        assert made.derivation.origin is source
        assert [len(found) for found in measures_of(made)] == [bars, bars]
    assert fingerprint(source) == before
    np.testing.assert_array_equal(
        improvised.derivation.transmissions[0].encoding.mean, heard.mean)


def test_the_mean_of_a_score_is_decoded_to_what_the_model_hears(query):
    heard = q.encode(query, BLOCKS)
    made = q.decode(heard.mean, BLOCKS, template=query)
    cells, _ = BLOCKS.decode(heard.mean)
    frames = windows_to_frames(cells, heard.layout, heard.grid, 24)
    np.testing.assert_array_equal(q.to_frames(made).sounding, frames.sounding)
    assert frames.sounding.any()
    theirs, ours = measures_of(query)[0], measures_of(made)[0]
    assert [m.offset for m in ours] == [m.offset for m in theirs]
    assert [m.number for m in ours] == [m.number for m in theirs]
    assert made.parts[0].keySignature is None or made.parts[0].keySignature.sharps == 3
    assert [part.partName for part in made.parts] == ['Decoded', 'Decoded']
    assert made.derivation.origin is query
    with pytest.raises(ParameterError, match='the score holds no recipe'):
        q.read_recipe(made)


def test_a_template_with_changing_meters_has_its_windows():
    score = stream.Score()
    part = stream.Part()
    for k, ratio in enumerate(('4/4', '3/4', '7/4', '2/4')):
        signature = meter.TimeSignature(ratio)
        measure = stream.Measure([signature, note.Note(
            61, quarterLength=signature.barDuration.quarterLength)], number=k + 1)
        part.append(measure)
    score.insert(0, part)
    heard = q.encode(score, BLOCKS)
    assert heard.bars.tolist() == [0, 1, 2, 2, 3]
    made = q.decode(heard.mean, BLOCKS, template=score)
    assert [m.offset for m in measures_of(made)[0]] == [0, 4, 7, 14]
    table = q.extract_notes(made)
    assert {(b, p % 12) for b, p in zip(table.bar.tolist(), table.pitch.tolist(),
                                        strict=True)} == {(k, 2) for k in range(4)}


def test_a_template_may_be_silent():
    rests = stream.Part([stream.Measure([note.Rest(quarterLength=4)], number=k + 1)
                         for k in range(2)])
    made = q.decode(np.ones((2, 78)), BLOCKS, template=rests)
    assert len(q.extract_notes(made)) > 10
    with pytest.raises(EmptyScoreError):
        q.encode(rests, BLOCKS)


def test_without_a_template_every_latent_is_a_bar_of_four_quarters():
    made = q.decode(np.ones((3, 78)).tolist(), BLOCKS)
    assert [m.offset for m in measures_of(made)[0]] == [0, 4, 8]
    assert made.derivation.origin is None
    assert made.derivation.method == 'decode'


def test_decoded_latents_are_drawn_by_their_seed_and_stay_as_they_are(query):
    latents = q.encode(query, 'chorales').mean.astype(np.float32)
    before = latents.copy()
    first, again, other = (rows(q.decode(latents, 'chorales', seed=seed, decoding='sample'))
                           for seed in (1, 1, 2))
    assert first == again != other
    np.testing.assert_array_equal(latents, before)


@pytest.mark.parametrize('latents', [
    np.zeros(78), np.zeros((2, 77)), np.zeros((0, 78)), np.zeros((1, 2, 78)), 3.0, []])
def test_latents_of_the_wrong_size_are_refused(latents):
    shape = re.escape(str(np.shape(latents)))
    with pytest.raises(FramesError, match=rf'latents have shape {shape}; this model takes '
                       r'\(N, 78\), N > 0'):
        q.decode(latents, BLOCKS)


@pytest.mark.parametrize('wrong', [float('nan'), float('inf'), -float('inf')])
def test_latents_that_are_no_numbers_are_refused(wrong, query):
    latents = q.encode(query, BLOCKS).mean
    latents[3, 7] = wrong
    with pytest.raises(FramesError, match='latents hold NaN or infinity; expected finite numbers'):
        q.decode(latents, BLOCKS, template=query)


@pytest.mark.parametrize('count', [9, 11])
def test_latents_for_another_number_of_windows_are_refused(count, query):
    with pytest.raises(FramesError, match=f'{count} latents were given for 10 windows of the '
                       'template; expected one each'):
        q.decode(np.zeros((count, 78)), BLOCKS, template=query)


def test_a_model_of_another_specification_samples_encodes_and_decodes(query):
    model = block_model(FrameSpec(step='1/2', pitch_low=36, pitch_high=90, window_frames=8))
    heard = q.encode(query, model)
    assert heard.mean.shape == (10, 54)
    for made in (q.sample(model, 3), q.decode(heard.mean, model, template=query)):
        table = q.extract_notes(made)
        assert 36 <= table.pitch.min() <= table.pitch.max() < 90
        assert np.all(table.onset_ql * 2 == np.round(table.onset_ql * 2))


def test_what_is_no_note_of_a_template_is_left_out():
    measure = stream.Measure([expressions.TextExpression('dolce'), note.Note(60, quarterLength=4)])
    with pytest.warns(SilenceWarning, match='the improvisation is silent'):
        made = q.decode(np.zeros((1, 78)), BLOCKS, template=stream.Score([stream.Part([measure])]))
    assert not list(made.recurse().getElementsByClass(expressions.TextExpression))
    assert len(measures_of(made)[0]) == 1
