"""Scores that real collections hold and that a simple reader would trip over."""

from fractions import Fraction

import numpy as np
import pytest
from lxml import etree
from music21 import bar, chord, converter, duration, meter, note, stream
from musicxml_checks import block_model

import qbdi_m21 as q
from qbdi_m21.analysis.information_rate import matched_share
from qbdi_m21.errors import EmptyScoreError, ScoreError
from qbdi_m21.notation.musicxml import to_musicxml
from qbdi_m21.notation.reading import exact_work


def measure(number, *lengths, ratio=None, pitch='C4'):
    made = stream.Measure(number=number)
    if ratio:
        made.append(meter.TimeSignature(ratio))
    for length in lengths:
        made.append(note.Note(pitch, quarterLength=length))
    return made


def part_of(*measures):
    part = stream.Part()
    part.append(list(measures))
    return part


def written(score):
    return etree.fromstring(to_musicxml(score))


def measure_counts(root):
    return {len(part.findall('measure')) for part in root.findall('part')}


def test_a_cadenza_longer_than_its_meter_is_improvised_on():
    cadenza = part_of(measure(1, *[0.5] * 8, ratio='4/4'), measure(2, *[0.5] * 22),
                      measure(3, *[0.5] * 8))
    found = q.compare(stream.Score([cadenza]), block_model())
    lengths = [b.length_ql for b in q.to_frames(found.improvisation).grid.bars]
    assert lengths == [4, 11, 4]
    assert measure_counts(written(found.annotated())) == {3}


def test_a_part_that_ends_early_is_filled_up_with_rests():
    short = part_of(measure(1, 4, ratio='4/4'))
    short.getElementsByClass(stream.Measure).last().rightBarline = bar.Barline('final')
    long = part_of(*[measure(k, 4, ratio='4/4' if k == 1 else None) for k in range(1, 5)])
    score = stream.Score([long, short])
    root = written(q.align(score, q.improvise(score, block_model())))
    assert measure_counts(root) == {4}
    finals = [[m.get('number') for m in part.findall('measure')
               if m.findtext("barline[@location='right']/bar-style") == 'light-heavy']
              for part in root.findall('part')]
    # the long part was made without one
    assert finals == [['4'], [], ['4']]


def test_parts_in_meters_of_different_lengths_are_refused():
    score = stream.Score([part_of(measure(1, 3, ratio='3/4')), part_of(measure(1, 2, ratio='2/4'))])
    with pytest.raises(ScoreError, match='meters of different lengths at once, first in measure 1'):
        q.extract_notes(score)


def test_the_second_half_of_a_bar_that_a_repeat_cuts_goes_on_counting():
    score = stream.Score([part_of(measure(1, 1, 1, 1, ratio='3/4'), measure(2, 1, 1),
                                  measure(0, 1), measure(3, 1, 1, 1))])
    bars = q.extract_notes(score).bars
    assert [b.lead_ql for b in bars] == [0, 0, 2, 0]
    grid = q.to_frames(score).grid
    assert grid.beat_at_offset(Fraction(5)) == (0, Fraction(3))


def test_no_direction_of_ours_stands_at_an_offset():
    # a half note: nothing of the top voice starts where the motifs and collisions do
    score = converter.parse('tinyNotation: 4/4 c2 e2 c4 d8 e8 f2 c2 e2 c4 d8 e8 f2 g1')
    found = q.compare(score, block_model())
    marks = [q.Mark('collision', 'here', 'improvisation', Fraction(k, 2), Fraction(k, 2) + 1,
                    boxed=True) for k in range(30)]
    root = written(q.annotate(q.align(found.query, found.improvisation), marks))
    assert not root.findall('.//direction/offset')
    places = []
    for one in root.find('part').findall('measure'):
        now, divisions = Fraction(0), Fraction(10080)
        for element in one:
            if element.tag in ('backup', 'forward'):
                step = Fraction(element.findtext('duration')) / divisions
                now += step if element.tag == 'forward' else -step
            elif element.tag == 'direction' and element.findtext('.//words') == 'here':
                places.append((one.get('number'), now))
            elif element.tag == 'note' and element.find('chord') is None:
                now += Fraction(element.findtext('duration', '0')) / divisions
    assert sorted(places) == sorted((str(1 + k // 8), Fraction(k % 8, 2)) for k in range(30))


def test_only_grace_notes_are_nothing_to_improvise_on():
    grace = note.Note('C4')
    grace.duration = duration.GraceDuration('eighth')
    made = stream.Measure(number=1)
    made.append([meter.TimeSignature('4/4'), grace, note.Rest(quarterLength=4)])
    with pytest.raises(EmptyScoreError, match='longer than a grace note'):
        q.improvise(stream.Score([part_of(made)]), block_model())


def test_thirty_voices_are_written_with_a_warning():
    crowd = stream.Measure(number=1)
    crowd.insert(0, meter.TimeSignature('4/4'))
    for k in range(30):
        voice = stream.Voice(id=str(k))
        voice.append([note.Rest(quarterLength=Fraction(k + 1, 16)),
                      chord.Chord([48 + k], quarterLength=4 - Fraction(k + 1, 16))])
        crowd.insert(0, voice)
    score = stream.Score([part_of(crowd)])
    with pytest.warns(q.QbdiWarning, match='1 measures have more than four voices'):
        to_musicxml(score)


@pytest.mark.parametrize(('name', 'path'), [
    ('bwv66.6', 'bach/bwv66.6.mxl'), ('bach/bwv66.6', 'bach/bwv66.6.mxl'),
    ('bach/bwv66.6.mxl', 'bach/bwv66.6.mxl'), ('AcaciaReel', 'ryansMammoth/AcaciaReel.abc'),
])
def test_a_corpus_name_means_one_work(name, path):
    assert exact_work(name).removesuffix('.mxl').removesuffix('.abc') == (
        path.removesuffix('.mxl').removesuffix('.abc'))


@pytest.mark.parametrize('name', ['bach', 'bwv66', '', 'acacia'])
def test_a_part_of_a_corpus_name_is_refused(name):
    with pytest.raises(ScoreError, match="in music21's corpus; expected a name such as"):
        exact_work(name)


def test_the_hint_names_works_that_are_near():
    with pytest.raises(ScoreError, match=r'near it: bach/bwv66\.6'):
        exact_work('bwv66')


def test_the_matched_share_counts_pairs_of_different_frames(rng):
    features = rng.integers(0, 4, (40, 3)).astype(float)
    pairs = [(a, b) for a in features for b in features if not np.array_equal(a, b)]
    expected = np.mean([np.linalg.norm(a - b) < 2.0 for a, b in pairs])
    assert matched_share(features, 2.0) == pytest.approx(expected)
    assert matched_share(np.ones((5, 2)), 1.0) == 0.0
