"""The main job: query, improvisation, findings, one annotated score."""

import json

import numpy as np
import pytest
from music21 import expressions, spanner, stream
from musicxml_checks import block_model, fingerprint, schema_errors

import qbdi_m21 as q
from qbdi_m21.comparison import SIDES, STAGES, compare
from qbdi_m21.errors import EmptyScoreError, ParameterError, SilenceWarning
from qbdi_m21.improvisation.recipe import notes_sha256
from qbdi_m21.notation.align import side_parts
from qbdi_m21.notation.musicxml import to_musicxml
from qbdi_m21.report.summary import summarise


@pytest.fixture(scope='module')
def query():
    return q.load_score('corpus:bach/bwv66.6')


@pytest.fixture(scope='module')
def found(query):
    return compare(query, block_model(), rate=256, seed=4)


@pytest.fixture(scope='module')
def silent(query):
    with pytest.warns(SilenceWarning, match='the improvisation is silent'):
        return compare(query, block_model(), rate=0, channel='paper')


def test_it_holds_what_the_parts_of_it_give(found, query):
    assert found.query is query
    made = q.improvise(query, block_model(), rate=256, seed=4)
    assert to_musicxml(found.improvisation) == to_musicxml(made)
    assert found.num_notes == {'query': len(q.extract_notes(query)),
                               'improvisation': len(q.extract_notes(made))}
    for side, score in (('query', query), ('improvisation', made)):
        assert found.motifs[side] == q.find_motifs(
            score, level='themes', max_motifs=5,
            threshold=found.information_rate[side].selected)
    assert found.collisions == q.find_collisions(query, made)
    ir = q.information_rate(query)
    assert found.information_rate['query'].selected == ir.selected
    np.testing.assert_array_equal(found.information_rate['query'].curve, ir.curve)


def test_motifs_know_their_side(found):
    for side in SIDES:
        assert {m.side for m in found.motifs[side]} <= {side}
    assert found.motifs['query'] or found.motifs['improvisation']


def test_this_model_clashes_with_its_query(found):
    assert any(hit.kind == 'semitone' for hit in found.collisions)


def test_the_query_is_not_changed(query):
    before = fingerprint(query)
    compare(query, block_model(), rate=128).annotated()
    assert fingerprint(query) == before


def test_the_annotated_score_shows_every_finding(found):
    score = found.annotated()
    texts = [[e.content for p in side_parts(score, side) for e in
              p.recurse().getElementsByClass(expressions.TextExpression)] for side in SIDES]
    for printed, side in zip(texts, SIDES, strict=True):
        for motif in found.motifs[side]:
            assert sum(text.rstrip('\u2032') == motif.label for text in printed) == len(
                motif.occurrences)
    boxed = [t for t in texts[1] if '\u2260' in t or t.startswith('= ')]
    assert len(boxed) == len(found.collisions)
    assert list(score.recurse().getElementsByClass(spanner.Line))
    heads = [getattr(n, 'notehead', '') for n in score.recurse().notes]
    assert 'diamond' in heads
    assert schema_errors(to_musicxml(score)) == []


def test_both_sides_have_as_many_measures(found):
    score = found.annotated()
    assert {len(p.getElementsByClass(stream.Measure)) for p in score.parts} == {10}


def test_the_recipe_makes_the_same_again_and_stands_in_the_file(found, query):
    assert found.recipe == {
        'format': 1, 'operation': 'improvise', 'qbdi_m21': q.__version__, 'model': 'blocks',
        'model_weights_sha256': block_model().weights_sha256, 'rate': 256, 'regions': [],
        'model_decoding': {'rule': 'threshold', 'threshold': 0.5},
        'query_notes_sha256': [notes_sha256(q.extract_notes(query))], 'seed': 4,
        'channel': 'prior-preserving', 'variance': 'corpus', 'allocation': 'whole',
        'decoding': {}}
    assert json.dumps(found.recipe, sort_keys=True) in to_musicxml(found.annotated()).decode()


def test_everything_is_plain_json(found):
    plain = found.to_json()
    assert json.loads(json.dumps(plain, allow_nan=False)) == plain
    (channel,), (sent,) = plain['channel'], found.transmissions
    assert (channel['latents'], len(channel['windows'])) == (78, 10)
    assert channel['latents_with_bits'] == (sent.bits[0] > 0).sum()
    assert channel['windows'][3] == {
        'bar': 3, 'measure': 3, 'rate': 256, 'nominal_bits': 256,
        'delivered_bits': round(sent.delivered_bits[3], 6),
        'full_bits': round(sent.full_bits[3], 6)}
    assert len(plain['bars']) == 10
    assert plain['bars'][0]['lead_ql'] == '3'
    assert [m['label'] for m in plain['motifs']['query']] == [
        m.label for m in found.motifs['query']]
    assert len(plain['collisions']) == len(found.collisions)


def test_stages_are_told_in_order(query):
    told = []
    compare(query, block_model(), rate=64, progress=lambda *stage: told.append(stage))
    assert list(dict.fromkeys(name for name, _ in told)) == list(STAGES)
    done = [d for _, d in told]
    assert done == sorted(done)
    assert 0 <= done[0] <= done[-1] <= len(STAGES)
    for name, d in told:
        assert STAGES.index(name) <= d <= STAGES.index(name) + 1


def test_a_silent_improvisation_is_told_and_still_valid(silent):
    assert silent.num_notes['improvisation'] == 0
    assert silent.motifs['improvisation'] == ()
    assert silent.collisions == ()
    score = silent.annotated()
    assert schema_errors(to_musicxml(score)) == []
    assert json.dumps(silent.to_json(), allow_nan=False)


def test_full_rate_and_json(query):
    plain = compare(query, block_model(), rate='full').to_json()
    (channel,) = plain['channel']
    assert plain['recipe']['rate'] == channel['windows'][0]['rate'] == 'full'
    assert channel['windows'][0]['nominal_bits'] is None
    assert channel['delivered_bits'] == channel['full_bits'] > 0
    assert channel['latents_with_bits'] == 78


def test_the_summary_names_counts_rates_and_places(found, silent):
    lines = summarise(found)
    assert lines[0] == (f'10 bars; query {found.num_notes["query"]} notes, improvisation '
                        f'{found.num_notes["improvisation"]} notes')
    (sent,) = found.transmissions
    assert lines[1] == (
        f'channel (prior-preserving): rate 256 bits; {sent.delivered_bits.mean():.1f} bits a bar '
        f'delivered of {sent.full_bits.mean():.1f} at full rate, on 78 of 78 latents')
    assert any(line.startswith('information rate of the improvisation: ') for line in lines)
    clashes = sum(hit.kind != 'meeting' for hit in found.collisions)
    meetings = len(found.collisions) - clashes
    assert lines[-1].startswith(f'harmonic collisions: {clashes}, meetings: {meetings}; worst at')
    assert summarise(silent)[-1] == 'harmonic collisions: 0, meetings: 0'


@pytest.mark.parametrize('rate', [-1, float('nan'), 'fast'])
def test_wrong_rates_are_refused(rate, query):
    with pytest.raises(ParameterError, match='rate is'):
        compare(query, block_model(), rate=rate)


def test_a_score_without_notes_is_refused():
    with pytest.raises(EmptyScoreError, match='expected at least one'):
        compare(stream.Score(), block_model())


def test_the_shipped_model_is_not_silent_at_256_bits(query):
    assert compare(query, 'chorales', rate=256).num_notes['improvisation'] > 20
