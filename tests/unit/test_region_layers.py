"""Improvisations whose parts have rates of their own: several layers, each on two staves."""

from itertools import pairwise

import numpy as np
import pytest
from music21 import layout, note, stream
from musicxml_checks import block_model, fingerprint, read_musicxml, schema_errors

import qbdi_m21 as q
from qbdi_m21.errors import PitchClippedWarning, SilenceWarning, SourceWarning
from qbdi_m21.frames.windows import frames_to_windows
from qbdi_m21.improvisation.operations import merge_frames
from qbdi_m21.notation.align import QUERY, side_parts
from qbdi_m21.notation.musicxml import to_musicxml

REGIONS = [('part:Tenor', 'full'), ('part:2', 64), ('3-4', 8)]
NAMES = ['Improvisation (Soprano, Bass)', 'Improvisation (Alto)', 'Improvisation (Tenor)']


@pytest.fixture(scope='module')
def query():
    return q.load_score('corpus:bach/bwv66.6')


@pytest.fixture(scope='module')
def made(query):
    return q.improvise(query, block_model(), rate=200, regions=REGIONS, seed=2)


@pytest.fixture(scope='module')
def sent(made):
    return made.derivation.transmissions


def table_of_part(query, part):
    table = q.extract_notes(query)
    return table.select(table.part == part)


def twins():
    """Return two parts of the same notes."""
    parts = []
    for name in ('One', 'Two'):
        part = stream.Part([stream.Measure([note.Note(60 + 2 * k, quarterLength=4)], number=k + 1)
                            for k in range(8)])
        part.partName = name
        parts.append(part)
    return stream.Score(parts)


def test_each_layer_has_the_parts_and_the_rates_of_its_own(sent):
    assert [one.parts for one in sent] == [('Soprano', 'Bass'), ('Alto',), ('Tenor',)]
    for one, rate in zip(sent, (200, 64, 'full'), strict=True):
        assert one.rates == (rate,) * 3 + (8, 8) + (rate,) * 5
    assert [one.to_json()['parts'] for one in sent] == [['Soprano', 'Bass'], ['Alto'], ['Tenor']]


def test_each_layer_is_encoded_from_its_own_notes(query, sent):
    model = block_model()
    for one, part in zip(sent[1:], (1, 2), strict=True):
        frames = q.to_frames(table_of_part(query, part))
        np.testing.assert_array_equal(one.encoding.windows, frames_to_windows(
            frames, one.encoding.layout, model.spec.window_frames))
        own = q.improvise(query.parts[part], model, rate=list(one.rates), seed=2)
        np.testing.assert_array_equal(own.derivation.transmissions[0].encoding.mean,
                                      one.encoding.mean)
        assert one.frames.grid == frames.grid


def test_each_layer_is_a_player_on_two_braced_staves(made):
    parts = list(made.parts)
    assert [part.partName for part in parts] == [name for name in NAMES for _ in range(2)]
    assert all(isinstance(part, stream.PartStaff) for part in parts)
    assert len({part.id for part in parts}) == 6
    groups = list(made.getElementsByClass(layout.StaffGroup))
    assert [(group.name, group.symbol) for group in groups] == [(name, 'brace') for name in NAMES]
    for k, group in enumerate(groups):
        assert [id(part) for part in group.getSpannedElements()] == [
            id(part) for part in parts[2 * k:2 * k + 2]]


def test_the_layers_are_the_frames_that_were_decoded(made, sent):
    table = q.extract_notes(made)
    for k, one in enumerate(sent):
        frames = q.to_frames(table.select(np.isin(table.part, (2 * k, 2 * k + 1))))
        np.testing.assert_array_equal(frames.sounding, one.frames.sounding)
    merged = merge_frames([one.frames for one in sent])
    np.testing.assert_array_equal(q.to_frames(made).sounding, merged.sounding)
    assert not np.any(merged.onset & ~merged.sounding)
    assert np.all(merged.onset == np.any([one.frames.onset for one in sent], axis=0))


def test_the_tenor_at_full_rate_is_what_this_model_hears_of_it(query, sent):
    frames = q.to_frames(table_of_part(query, 2))
    # after the measures 3-4, without the short last bar
    for start, stop in pairwise(frames.grid.bar_starts[5:-1]):
        share = frames.sounding[start:stop].mean(axis=0)
        expected = {24 + k + ((24 + k) % 12 <= 5) for k in np.flatnonzero(share > 0.24)}
        heard = sent[2].frames.sounding[start:stop].any(axis=0)
        assert {24 + int(k) for k in np.flatnonzero(heard)} == expected


def test_the_musicxml_is_valid_and_has_a_part_of_two_staves_for_each_layer(made):
    data = to_musicxml(made)
    assert schema_errors(data) == []
    root = read_musicxml(data)
    assert [name.text for name in root.findall('part-list/score-part/part-name')] == NAMES
    assert [part.findtext('measure/attributes/staves') for part in root.findall('part')] == [
        '2'] * 3
    assert [len(part.findall('measure')) for part in root.findall('part')] == [10] * 3


def test_bars_meters_and_title_are_those_of_the_query(query, made):
    theirs = list(query.parts[0].getElementsByClass(stream.Measure))
    for part in made.parts:
        ours = list(part.getElementsByClass(stream.Measure))
        assert [m.offset for m in ours] == [m.offset for m in theirs]
        assert [m.number for m in ours] == [m.number for m in theirs]
        assert ours[1].keySignature is None
        assert ours[0].keySignature.sharps == 3
    assert made.metadata.title == 'Improvisation on bwv66.6'
    assert made.derivation.origin is query


def test_it_is_aligned_with_its_query(query, made):
    both = q.align(query, made)
    assert len(side_parts(both, QUERY)) == 4
    assert len(both.parts) == 10
    assert len(both.getElementsByClass(layout.StaffGroup)) >= 3
    assert schema_errors(to_musicxml(both)) == []


def test_it_is_compared_and_annotated(query, made):
    before = fingerprint(query)
    found = q.compare(query, block_model(), rate=200, regions=REGIONS, seed=2)
    assert to_musicxml(found.improvisation) == to_musicxml(made)
    assert [one.parts for one in found.transmissions] == [('Soprano', 'Bass'), ('Alto',),
                                                          ('Tenor',)]
    assert found.num_notes['improvisation'] == len(q.extract_notes(made))
    assert schema_errors(to_musicxml(found.annotated(rates=True))) == []
    said = found.to_json()
    assert said['parts']['improvisation'] == [name for name in NAMES for _ in range(2)]
    assert [layer['parts'] for layer in said['channel']] == [['Soprano', 'Bass'], ['Alto'],
                                                             ['Tenor']]
    assert fingerprint(query) == before


def test_a_part_without_notes_changes_nothing():
    silent = stream.Part([stream.Measure([note.Rest(quarterLength=4)], number=k + 1)
                          for k in range(8)])
    silent.partName = 'Tacet'
    plain, more = twins(), twins()
    more.insert(0, silent)
    options = {'rate': 8, 'regions': {'part:Two': 'full'}, 'seed': 1}
    expected = q.improvise(plain, block_model(), **options)
    assert to_musicxml(q.improvise(more, block_model(), **options)) == to_musicxml(expected)
    quiet = q.improvise(more, block_model(), rate=8, regions={'part:Tacet': 0})
    whole = q.improvise(plain, block_model(), rate=8)
    np.testing.assert_array_equal(q.to_frames(quiet).onset, q.to_frames(whole).onset)
    assert [part.partName for part in quiet.parts] == ['Improvisation'] * 2


def test_a_part_out_of_the_models_range_is_left_out_and_that_is_told():
    score = twins()
    score.parts[1].transpose(48, inPlace=True)
    with pytest.warns(SourceWarning, match="Two has no note within the model's pitch range, and "
                      'was left out'), pytest.warns(PitchClippedWarning):
        made = q.improvise(score, block_model(), rate=8, regions={'part:Two': 'full'})
    assert [one.parts for one in made.derivation.transmissions] == [('One',)]
    assert [part.partName for part in made.parts] == ['Improvisation (One)'] * 2


def test_a_layer_may_be_silent():
    score = twins()
    made = q.improvise(score, block_model(), rate='full', channel='paper',
                       regions={'part:Two': 0})
    first, second = made.derivation.transmissions
    assert first.frames.sounding.any()
    assert not second.frames.sounding.any()
    assert schema_errors(to_musicxml(made)) == []
    assert len(made.parts) == 4
    with pytest.warns(SilenceWarning):
        q.compare(score, block_model(), rate=0, channel='paper')


def test_layers_have_noise_of_their_own():
    made = q.improvise(twins(), block_model(), rate=0, regions={'part:Two': 1}, seed=4)
    first, second = made.derivation.transmissions
    np.testing.assert_array_equal(first.encoding.mean, second.encoding.mean)
    assert not np.any(first.sent == second.sent)
    assert not np.any(first.received == second.received)
    noise = [(one.sent - one.encoding.mean).ravel() for one in (first, second)]
    assert abs(np.corrcoef(*noise)[0, 1]) < 5 / np.sqrt(len(noise[0]))


def test_the_same_seed_gives_the_same_layers_and_another_seed_others(query, made):
    again, other = (q.improvise(query, block_model(), rate=200, regions=REGIONS, seed=seed)
                    for seed in (2, 3))
    assert to_musicxml(again) == to_musicxml(made)
    assert to_musicxml(other) != to_musicxml(made)


def test_a_query_of_one_part_has_one_layer_whatever_its_name(query):
    part = query.parts['Alto']
    made = q.improvise(part, block_model(), rate=200, regions={'part:1': 64})
    assert [one.rates for one in made.derivation.transmissions] == [(64,) * 10]
    assert [one.partName for one in made.parts] == ['Improvisation'] * 2
    assert made.derivation.origin is part
