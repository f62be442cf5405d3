"""Scores that are made of a score's own passages."""

from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from music21 import converter, stream
from musicxml_checks import block_model, fingerprint, schema_errors
from naive.twins import naive_sounding_notes

import qbdi_m21 as q
from qbdi_m21.errors import EmptyScoreError, ModelError, ParameterError
from qbdi_m21.notation.musicxml import to_musicxml

EIGHTH, SIXTEENTH = Fraction(1, 2), Fraction(1, 4)

#: A theme, something else, and the theme again; every pitch of its own, so that places are known.
TUNE = '4/4 c8 e g b d f a c# e-4 f# a- b-8 B c8 e g b d f a c# G4 A F# E'
OTHER = '3/4 c8 e g b d f a4 c#8 d c4 G4 A F# c8 e g b d f'


def parse(text):
    return stream.Score([converter.parse(f'tinyNotation: {text}')])


@pytest.fixture(scope='module')
def tune():
    return parse(TUNE)


@pytest.fixture(scope='module')
def choral():
    return q.load_score('corpus:bach/bwv66.6')


@pytest.fixture(scope='module')
def blocks():
    return block_model()


def cells(score):
    """Return sets of (sixteenth, pitch) that sound, and in which a note begins, by music21."""
    sounding, struck = set(), set()
    for _, onset, end, pitch in naive_sounding_notes(score):
        struck.add((onset / SIXTEENTH, pitch))
        sounding |= {(onset / SIXTEENTH + k, pitch) for k in range(int((end - onset) / SIXTEENTH))}
    return sounding, struck


def source_offset(made, start):
    """Return the offset in the source of the frame that starts at an offset of the result."""
    frame = made.grid.frame_at_offset(start)
    return made.source_grid.offset_at_frame(int(made.source_frames[frame]))


def assert_made_of(made, score):
    """Assert that each passage sounds as its source, with its onsets but for held beginnings."""
    ours, struck = cells(made.score)
    theirs, begun = cells(score)
    held = 0
    for start, end, *_ in made.passages():
        away = (source_offset(made, start) - start) / SIXTEENTH
        for place in range(int(start / SIXTEENTH), int(end / SIXTEENTH)):
            heard = {pitch for at, pitch in ours if at == place}
            assert heard == {pitch for at, pitch in theirs if at == place + away}
            onsets = {pitch for at, pitch in struck if at == place}
            if place == start / SIXTEENTH:
                assert onsets == heard          # what is held into a passage is struck
                held += len(heard)
            else:
                assert onsets == {pitch for at, pitch in begun if at == place + away}
    assert held > 0


def assert_passages_cover(made):
    passages = made.passages()
    assert passages[0][0] == 0
    assert passages[-1][1] == made.grid.bars[-1].end_ql
    assert all(before[1] == after[0] for before, after in pairwise(passages))
    for start, end, measure, beat in passages:
        assert start < end
        assert made.source_grid.beat_at_offset(source_offset(made, start)) == (measure, beat)


@pytest.mark.parametrize('seed', range(4))
def test_a_free_walk_is_made_of_the_material(tune, seed):
    made = q.resynthesise(tune, bars=9, continuity=0.5, min_lrs=1, seed=seed)
    assert len(made.grid.bars) == 9
    assert made.source_frames.shape == (72,)
    assert len(made.passages()) > 3
    assert_passages_cover(made)
    assert_made_of(made, tune)


@pytest.mark.parametrize('seed', range(2))
def test_a_choral_is_made_of_its_own_passages(choral, seed):
    made = q.resynthesise(choral, continuity=0.7, seed=seed)
    assert len(made.grid.bars) == 10
    assert [bar.meter for bar in made.grid.bars] == ['4/4'] * 10
    assert_passages_cover(made)
    assert_made_of(made, choral)
    assert schema_errors(to_musicxml(made.score)) == []


def test_with_full_continuity_the_music_is_itself(tune):
    made = q.resynthesise(tune, continuity=1.0)
    assert made.passages() == ((0, 16, 1, 1),)
    assert cells(made.score) == cells(tune)


def test_a_query_that_is_the_material_gives_it_back(tune, choral):
    assert cells(q.resynthesise(tune, tune).score) == cells(tune)
    made = q.resynthesise(choral, choral, search='grid')
    assert [passage[:2] for passage in made.passages()] == [(0, 36)]
    assert cells(made.score) == cells(choral)


def test_the_result_has_the_bars_of_the_query_and_the_notes_of_the_material(tune):
    query = parse(OTHER)
    made = q.resynthesise(tune, query, jump_cost=0.3)
    assert [(bar.meter, bar.length_ql) for bar in made.grid.bars] == [('3/4', 3)] * 4
    for part in made.score.parts:
        measures = part.getElementsByClass(stream.Measure)
        assert [m.offset for m in measures] == [0, 3, 6, 9]
    assert_passages_cover(made)
    assert_made_of(made, tune)
    # the theme is where the query has it
    assert made.source_frames[:6].tolist() in ([0, 1, 2, 3, 4, 5], [16, 17, 18, 19, 20, 21])
    assert schema_errors(to_musicxml(made.score)) == []


def test_the_more_a_jump_costs_the_fewer_passages_there_are(tune):
    query = parse(OTHER)
    counts = [len(q.resynthesise(tune, query, jump_cost=cost).passages()) for cost in (0, 1, 1000)]
    assert counts == sorted(counts, reverse=True)
    assert counts[0] > counts[2]


def test_the_result_knows_how_it_was_made(tune):
    query = parse(OTHER)
    made = q.resynthesise(tune, query, jump_cost=0.5, seed=3).score
    assert made.derivation.origin is tune
    assert made.derivation.method == 'resynthesise'
    recipe = made.derivation.recipe
    assert (recipe['operation'], recipe['seed'], recipe['jump_cost']) == ('resynthesise', 3, 0.5)
    assert len(recipe['query_notes_sha256']) == 2
    free = q.resynthesise(tune, bars=3).score.derivation.recipe
    assert len(free['query_notes_sha256']) == 1
    assert free['query_notes_sha256'][0] == recipe['query_notes_sha256'][0]
    assert free['bars'] == 3


def test_material_and_query_are_not_changed(tune, choral):
    before = fingerprint(tune), fingerprint(choral)
    q.resynthesise(tune, choral)
    q.resynthesise(choral, seed=2)
    assert (fingerprint(tune), fingerprint(choral)) == before


def test_the_seed_decides_the_bytes(tune):
    one, again, other = (to_musicxml(q.resynthesise(
        tune, bars=12, continuity=0.5, min_lrs=1, seed=seed).score) for seed in (1, 1, 2))
    assert one == again
    assert one != other


def test_titles_are_named_after_the_material(choral, tune):
    assert q.resynthesise(choral).score.metadata.title == 'Resynthesis of bwv66.6'
    assert q.resynthesise(tune).score.metadata.title == 'Resynthesis'


def test_marks_name_the_source_of_each_passage(tune):
    made = q.resynthesise(tune, bars=6, continuity=0.5, min_lrs=1, seed=0)
    marks = made.marks()
    assert [(m.start_ql, m.end_ql) for m in marks] == [p[:2] for p in made.passages()]
    for mark, (_, _, measure, beat) in zip(marks, made.passages(), strict=True):
        assert mark.text == f'm. {measure}, {float(beat):g}'
    drawn = to_musicxml(q.annotate(made.score, marks, legend=False))
    assert schema_errors(drawn) == []
    assert all(f'>{mark.text}</words>'.encode() in drawn for mark in marks)


@pytest.mark.parametrize(('step', 'frames'), [(1, 16), (Fraction(1, 4), 64), (2, 8), ('1/2', 32)])
def test_the_step_is_the_length_of_a_frame(tune, step, frames):
    made = q.resynthesise(tune, step=step, min_lrs=1, seed=1)
    assert len(made.source_frames) == frames
    assert_passages_cover(made)
    assert_made_of(made, tune)


@pytest.mark.parametrize('step', ['1/8', '1/6', '1/3', '3/8', '5/8', '3/2'])
def test_steps_that_are_not_of_sixteenths_keep_the_music_whole(tune, step):
    made = q.resynthesise(tune, step=step, continuity=1.0)
    assert made.passages() == ((0, 16, 1, 1),)
    assert cells(made.score) == cells(tune)
    walked = q.resynthesise(tune, step=step, continuity=0.6, min_lrs=1, seed=2)
    assert walked.grid.num_frames == made.grid.num_frames == len(walked.source_frames)
    assert_passages_cover(walked)
    assert schema_errors(to_musicxml(walked.score)) == []


def test_frames_that_bars_cut_short_are_filled_as_far_as_there_is_music():
    odd = parse('5/8 c8 e g b d f a c# e- f# c8 e g b d G A B F E')
    made = q.resynthesise(odd, parse(OTHER), step=1, jump_cost=0.1)
    assert len(made.source_frames) == 12
    assert_passages_cover(made)
    theirs = {pitch for *_, pitch in naive_sounding_notes(odd)}
    assert {pitch for *_, pitch in naive_sounding_notes(made.score)} <= theirs
    assert schema_errors(to_musicxml(made.score)) == []


def test_latents_of_the_material_itself_decode_as_it_does(choral, blocks):
    made = q.resynthesise(choral, choral, model=blocks)
    assert made.source_frames.tolist() == list(range(10))
    decoded = q.decode(q.encode(choral, blocks).mean, blocks, template=choral)
    assert cells(made.score) == cells(decoded)
    assert made.score.derivation.method == 'resynthesise'


def test_bars_of_latents_follow_a_query_and_walk_freely(choral, blocks):
    made = q.resynthesise(choral, parse(OTHER), model=blocks)
    assert len(made.source_frames) == len(made.grid.bars) == 4
    assert_passages_cover(made)
    free = q.resynthesise(choral, model=blocks, bars=14, min_lrs=1, continuity=0.2, seed=4)
    assert len(free.grid.bars) == 14
    assert_passages_cover(free)
    assert schema_errors(to_musicxml(free.score)) == []


def test_the_shipped_model_decodes_walks(choral):
    made = q.resynthesise(choral, model='chorales', bars=6, seed=1)
    assert made.score.derivation.recipe['model'] == 'chorales'
    assert len(made.score.recurse().notes) > 6
    assert made.threshold.oracle.distance == 'symmetric-kl'
    assert np.all(made.source_frames < 10)


@pytest.mark.parametrize(('options', 'message'), [
    ({'bars': 0}, 'bars is 0; expected a whole number from 1 to 10000'), ({'bars': -2}, 'bars'),
    ({'bars': 10_001}, 'bars is 10001'), ({'bars': 2.5}, r'bars is 2\.5'),
    ({'bars': True}, 'bars is True'), ({'seed': -1}, 'seed'), ({'seed': 0.5}, 'seed'),
    ({'step': 0}, 'step is 0; expected a positive length'), ({'step': -1}, 'step is -1'),
    ({'continuity': 2}, 'a chance from 0 to 1'), ({'min_lrs': 0}, 'min_lrs=0'),
    ({'search': 'best'}, "search is 'best'")])
def test_options_out_of_range_are_refused(tune, options, message):
    with pytest.raises(ParameterError, match=message):
        q.resynthesise(tune, **options)


def test_options_of_a_query_are_checked(tune):
    with pytest.raises(ParameterError, match='bars is 4, but the query says how many'):
        q.resynthesise(tune, tune, bars=4)
    with pytest.raises(ParameterError, match='jump_cost=-1'):
        q.resynthesise(tune, tune, jump_cost=-1)
    with pytest.raises(ParameterError, match='step is 0; expected a positive length'):
        q.resynthesise(tune, tune, step=0)


def test_what_has_no_notes_or_one_frame_is_refused(tune):
    with pytest.raises(EmptyScoreError, match='expected at least one'):
        q.resynthesise(stream.Score())
    with pytest.raises(EmptyScoreError, match='expected at least one'):
        q.resynthesise(tune, stream.Score())
    with pytest.raises(ParameterError, match='at least two frames'):
        q.resynthesise(parse('1/8 c8'))


def test_an_unknown_model_is_refused(tune):
    with pytest.raises(ModelError, match='no model'):
        q.resynthesise(tune, model='none')
