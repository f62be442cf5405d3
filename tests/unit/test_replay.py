"""Improvisations made again from their recipes: the same notes, or an error that says why not."""

import copy
import json
import re

import pytest
from music21 import expressions, note, stream
from musicxml_checks import block_model, fingerprint, write_model_file

import qbdi_m21 as q
from qbdi_m21.errors import ModelError, ParameterError, RecipeWarning, ScoreError
from qbdi_m21.improvisation.replay import load_queries, load_query
from qbdi_m21.notation.musicxml import to_musicxml

CHORALE = 'corpus:bach/bwv66.6'
TUNE = 'X:1\nT:Tune\nM:4/4\nL:1/4\nK:C\nGABc|GABc|GFED|C4|]\n'

#: What an improvisation may be asked for.
ASKED = {
    'nothing': {},
    'full rate': {'rate': 'full', 'seed': 3},
    'a share': {'rate': 'half'},
    'rates of bars': {'rate': ['full', 0, 8, 0.25, 'half']},
    'regions': {'rate': 16, 'regions': [('3-5', 'full'), ('1', 0), ('4', 'half')]},
    'parts': {'rate': 16, 'regions': {'part:Alto': 'full', 'part:4': 0, '2-3': 8}, 'seed': 7},
    "the paper's channel": {'channel': 'paper', 'rate': 200, 'variance': 'query'},
    "the notebooks' channel": {'channel': 'notebook', 'rate': 200},
    'the variance of the sample': {'variance': 'sample', 'rate': 40, 'seed': 5},
    'the posterior variance': {'variance': 'posterior', 'rate': 40},
    'continuous bits': {'allocation': 'continuous', 'rate': 40},
    'dynamic bits': {'allocation': 'dynamic', 'rate': 40},
    'drawn cells': {'decoding': 'sample', 'seed': 11},
    "the paper's threshold": {'threshold': 'paper'},
    'a calibrated threshold': {'threshold': 'calibrated', 'seed': 2},
    'all of a decoding': {'decoding': q.Decoding(
        threshold=0.3, min_length_frames=2, restrike='never', barline='strike',
        pitch_range=(40, 80), hand_span=12)}}

SAMPLED = [{}, {'bars': 3, 'seed': 4}, {'bars': 2, 'meter': '7/4', 'decoding': 'sample'},
           {'bars': 2, 'decoding': q.Decoding('density', barline='tie', hand_span=9)}]

BETWEEN = [{}, {'weight': (0, 1), 'rate': 64, 'seed': 4}, {'weight': 0.3, 'rate': 'half'},
           {'rate': ['full', 0, 8, 0.5], 'channel': 'paper', 'variance': 'query',
            'allocation': 'continuous', 'decoding': 'sample', 'weight': (0, 1, 0.5)}]


@pytest.fixture(scope='module')
def chorale():
    return q.load_score(CHORALE)


@pytest.fixture(scope='module')
def phrase(chorale):
    return chorale.measures(1, 5)


@pytest.fixture(scope='module')
def blocks(tmp_path_factory):
    """A model file."""
    return write_model_file(block_model(), tmp_path_factory.mktemp('model') / 'blocks.keras')


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Return a working folder with a tune."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'tune.abc').write_text(TUNE)
    return tmp_path


def written(recipe, path):
    """Write a recipe as the command line does."""
    path.write_text(json.dumps({'recipe': recipe}))
    return path


def named(recipe, *sources):
    """Return a recipe that names its queries, as the command line makes them."""
    return {**recipe, 'queries': list(sources)}


@pytest.mark.parametrize('options', ASKED.values(), ids=ASKED)
def test_an_improvisation_comes_out_again_byte_for_byte(options, phrase):
    made = q.improvise(phrase, block_model(), **options)
    again = q.replay(made, phrase, model=block_model())
    assert to_musicxml(again) == to_musicxml(made)
    assert again.derivation.recipe == made.derivation.recipe
    assert again.derivation.origin is phrase
    assert len(q.extract_notes(made)) > 10


def test_what_is_asked_for_makes_other_music_each_time(phrase):
    # a test of the test: none of these is left out of a recipe
    made = {q.to_frames(q.improvise(phrase, block_model(), **{'rate': 40, **options}))
            .sounding.tobytes() for options in ASKED.values()}
    assert len(made) > len(ASKED) - 4


def test_a_shipped_model_is_found_by_its_name(chorale):
    made = q.improvise(chorale, 'chorales', rate=[8] * 5 + ['full'] * 5)
    assert to_musicxml(q.replay(made.derivation.recipe, chorale)) == to_musicxml(made)


@pytest.mark.parametrize('options', SAMPLED)
def test_a_sample_comes_out_again_byte_for_byte(options, blocks):
    made = q.sample(blocks, **options)
    for source in (made, made.derivation.recipe, copy.deepcopy(made)):
        assert to_musicxml(q.replay(source)) == to_musicxml(made)


@pytest.mark.parametrize('options', BETWEEN)
def test_an_interpolation_comes_out_again_byte_for_byte(options, chorale):
    queries = chorale.measures(1, 4), chorale.measures(5, 8)
    made = q.interpolate(*queries, block_model(), **options)
    again = q.replay(made, queries, model=block_model())
    assert to_musicxml(again) == to_musicxml(made)
    assert again.derivation.recipe == made.derivation.recipe
    assert again.derivation.origin is queries[0]


def test_it_comes_out_of_every_form(phrase, blocks, tmp_path):
    made = q.improvise(phrase, blocks, rate=30, regions={'2': 'full'}, seed=3)
    forms = [made, copy.deepcopy(made), q.align(phrase, made), made.derivation.recipe,
             written(made.derivation.recipe, tmp_path / 'out.json')]
    for suffix in ('.musicxml', '.xml', '.mxl'):
        q.write_musicxml(made, tmp_path / f'out{suffix}')
        forms += [tmp_path / f'out{suffix}', str(tmp_path / f'out{suffix}')]
    expected = to_musicxml(made)
    for form in forms:
        assert to_musicxml(q.replay(form, phrase)) == expected


def test_what_was_made_again_can_be_made_again(phrase):
    made = again = q.improvise(phrase, block_model(), rate=30)
    for _ in range(2):
        again = q.replay(again, [phrase], model=block_model())
    assert to_musicxml(again) == to_musicxml(made)


def test_any_stream_is_a_query_as_it_was_one(chorale):
    for place in (chorale.parts[1], chorale.measures(2, 4), chorale.parts[0].measure(5)):
        before = fingerprint(place)
        made = q.improvise(place, block_model(), rate=30)
        again = q.replay(made, place, model=block_model())
        assert to_musicxml(again) == to_musicxml(made)
        assert again.derivation.origin is place
        assert fingerprint(place) == before


def test_sources_that_a_recipe_names_are_loaded(chorale, blocks):
    made = q.improvise(chorale, blocks, rate=30)
    assert to_musicxml(q.replay(named(made.derivation.recipe, {'source': CHORALE}))) == (
        to_musicxml(made))
    some = q.improvise(chorale.measures(3, 6), blocks, rate=30)
    recipe = named(some.derivation.recipe, {'source': CHORALE, 'measures': '3-6'})
    assert to_musicxml(q.replay(recipe)) == to_musicxml(some)
    both = q.interpolate(chorale, chorale.parts[0], blocks)
    with pytest.raises(ScoreError, match='the notes of the query are not those'):
        q.replay(named(both.derivation.recipe, {'source': CHORALE}, {'source': CHORALE}))
    assert to_musicxml(q.replay(both, [chorale, chorale.parts[0]])) == to_musicxml(both)


def test_a_file_is_found_where_it_was_or_beside_its_recipe(folder, blocks, monkeypatch):
    made = q.improvise(q.load_score('tune.abc'), blocks, rate=30)
    path = written(named(made.derivation.recipe, {'source': 'tune.abc'}), folder / 'out.json')
    assert to_musicxml(q.replay('out.json')) == to_musicxml(made)
    (folder / 'elsewhere').mkdir()
    monkeypatch.chdir(folder / 'elsewhere')
    assert to_musicxml(q.replay(path)) == to_musicxml(made)
    (folder / 'tune.abc').unlink()
    with pytest.raises(ScoreError, match=r'no such file: tune\.abc'):
        q.replay(path)


def test_a_recipe_that_names_no_query_needs_one(chorale, blocks):
    made = q.improvise(chorale, blocks)
    with pytest.raises(ParameterError, match='the recipe names 0 of its 1 queries; give the scores '
                       'that it was made with'):
        q.replay(made)
    mixed = q.interpolate(chorale, chorale, blocks)
    with pytest.raises(ParameterError, match='the recipe names 1 of its 2 queries'):
        q.replay(named(mixed.derivation.recipe, {'source': CHORALE}))
    assert load_queries(q.sample(blocks, 1).derivation.recipe) == []


def test_another_query_is_refused(chorale):
    made = q.improvise(chorale, block_model())
    other = copy.deepcopy(chorale)
    other.parts[0].recurse().notes[3].transpose(1, inPlace=True)
    for wrong in (other, chorale.parts[0], chorale.measures(1, 4), [chorale, chorale]):
        with pytest.raises(ScoreError, match='the notes of the query are not those that the '
                           'recipe was made with; give the score as it was'):
            q.replay(made, wrong, model=block_model())


def test_of_an_interpolation_both_queries_are_needed_in_their_order(chorale):
    queries = chorale.measures(1, 4), chorale.measures(5, 8)
    made = q.interpolate(*queries, block_model())
    for wrong in (queries[0], queries[::-1], (*queries, queries[0])):
        with pytest.raises(ScoreError, match='the notes of the query are not those'):
            q.replay(made, wrong, model=block_model())


def test_another_model_is_refused(chorale):
    made = q.improvise(chorale, block_model())
    other = block_model()
    other.variance[3] += 0.01
    with pytest.raises(ModelError, match=r"made with the model 'blocks' of weights .*; this model "
                       r'has .*: give the one it was made with'):
        q.replay(made, chorale, model=other)
    with pytest.raises(ModelError, match=r'decodes by .* now, and did by .* when'):
        q.replay(made, chorale, model=block_model(threshold=0.4))
    with pytest.raises(ModelError, match="no model 'blocks'"):
        q.replay(made, chorale)
    # what its card says makes no difference
    same = q.replay(made, chorale, model=block_model(card={'name': 'other'}))
    assert q.to_frames(same).sounding.any()


def test_a_model_file_that_was_trained_on_is_refused(chorale, tmp_path):
    path = write_model_file(block_model(), tmp_path / 'm.keras')
    made = q.improvise(chorale, path)
    assert made.derivation.recipe['model'] == str(path)
    changed = block_model()
    changed.weights['encoder_mean'][0][0, 0] += 1
    write_model_file(changed, path)
    with pytest.raises(ModelError, match='was made with the model'):
        q.replay(made, chorale)


def test_another_version_is_told_and_the_notes_are_the_same(chorale):
    made = q.improvise(chorale, block_model())
    recipe = {**made.derivation.recipe, 'qbdi_m21': '0.0.9'}
    with pytest.warns(RecipeWarning, match=re.escape('made with qbdi_m21 0.0.9')) as caught:
        again = q.replay(recipe, chorale, model=block_model())
    assert to_musicxml(again) == to_musicxml(made)
    assert [one.filename for one in caught] == [__file__]


def test_a_recipe_that_cannot_be_read_is_refused(chorale, tmp_path):
    recipe = q.improvise(chorale, block_model()).derivation.recipe
    for wrong, message in (({**recipe, 'format': 2}, 'the recipe of the recipe has format 2'),
                           ({**recipe, 'operation': 'dance'}, "the recipe is of 'dance'"),
                           ({}, 'holds no recipe'), (chorale, 'the score holds no recipe'),
                           (tmp_path / 'gone.json', 'no such file'),
                           ({**recipe, 'rate': 'fast'}, "rate is 'fast'"),
                           ({**recipe, 'decoding': {'loud': 1}}, 'no decoding option loud')):
        with pytest.raises(ParameterError, match=message):
            q.replay(wrong, chorale, model=block_model())


def test_a_query_is_loaded_whole_or_some_measures_of_it():
    assert len(q.extract_notes(load_query(CHORALE)).bars) == 10
    some = q.extract_notes(load_query(CHORALE, measures='3-5'))
    assert [bar.number for bar in some.bars] == [3, 4, 5]
    assert [bar.number for bar in q.extract_notes(load_query(CHORALE, measures='4')).bars] == [4]
    assert len(q.extract_notes(load_query(CHORALE, measures='0-99')).bars) == 10


def test_a_query_of_a_book_is_loaded_by_its_number(folder):
    other = TUNE.replace('X:1', 'X:2').replace('GABc', 'EFGA')
    (folder / 'book.abc').write_text(f'{TUNE}\n{other}')
    second = q.extract_notes(load_query('book.abc', number=2, measures='1'))
    assert second.pitch.tolist() == [64, 65, 67, 69]
    with pytest.raises(ScoreError, match='book'):
        load_query('book.abc')


@pytest.mark.parametrize('measures', ['', '-', '5-', '-5', '5-3', 'a', '1-b', '1-2-3', '1,2', '1.5',
                                      ' 1'])
def test_what_are_no_measures_is_refused(measures):
    with pytest.raises(ParameterError, match=re.escape(
            f"measures is {measures!r}; expected a range such as '5-12'")):
        load_query(CHORALE, measures=measures)


def test_measures_that_are_not_there_are_refused():
    with pytest.raises(ParameterError, match=f'no measure 50-60 in {CHORALE}; they run from 0 to '
                       '9'):
        load_query(CHORALE, measures='50-60')


def test_places_are_looked_up_again_in_the_query(blocks):
    part = stream.Part([stream.Measure([note.Note(60 + k, quarterLength=4)], number=k + 1)
                        for k in range(4)])
    part.partName = 'Viola'
    query = stream.Score([part])
    made = q.improvise(query, blocks, rate=30, regions={'part:Viola': 8, '2-3': 'full'})
    assert to_musicxml(q.replay(made, query)) == to_musicxml(made)
    part.partName = 'Alto'
    with pytest.raises(ParameterError, match="no part 'Viola' in the score; its parts are Alto"):
        q.replay(made, query)


def test_a_section_that_has_moved_is_refused():
    def score(bar):
        part = stream.Part([stream.Measure([note.Note(60 + k, quarterLength=4)], number=k + 1)
                            for k in range(4)])
        part.getElementsByClass(stream.Measure)[bar].insert(0, expressions.RehearsalMark('B'))
        return stream.Score([part])

    made = q.improvise(score(1), block_model(), regions={'B': 0}, rate='full')
    assert made.derivation.recipe['sections'] == {'B': [1, 2, 3]}
    with pytest.raises(ScoreError, match='the rehearsal marks of the query are not where they'):
        q.replay(made, score(3), model=block_model())


def test_a_sample_has_no_query_to_be_given():
    made = q.sample(block_model(), 2)
    with pytest.raises(ParameterError, match="is of 'sample', which has no query"):
        q.replay(made, made, model=block_model())
