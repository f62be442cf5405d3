"""Recipes: what makes an improvisation again, in every form that it takes."""

import copy
import json
import pickle
import re
import zipfile

import numpy as np
import pytest
from music21 import converter, freezeThaw, metadata, note, stream
from musicxml_checks import block_model, read_musicxml, schema_errors

import qbdi_m21 as q
from qbdi_m21.errors import ModelError, ParameterError, RecipeWarning, ScoreError
from qbdi_m21.improvisation.recipe import (
    FORMAT,
    RecipeDerivation,
    check_recipe,
    check_same,
    holds_recipe,
    notes_sha256,
    write_field,
)
from qbdi_m21.notation.align import RECIPE_FIELD
from qbdi_m21.notation.musicxml import to_musicxml

OPTIONS = {'rate': [8, 'full', 0.5, 0], 'regions': {'2': 0, 'part:1': 'half'}, 'seed': 5,
           'variance': 'query', 'allocation': 'dynamic',
           'decoding': q.Decoding(threshold=0.3, pitch_range=(36, 90), hand_span=14)}


def tune(pitches=(60, 62, 64, 65), quarters=(4, 4, 4, 4)):
    part = stream.Part()
    for k, (pitch, length) in enumerate(zip(pitches, quarters, strict=True)):
        part.append(stream.Measure([note.Note(pitch, quarterLength=length),
                                    *[note.Rest(quarterLength=4 - length)] * (length < 4)],
                                   number=k + 1))
    return stream.Score([part])


@pytest.fixture(scope='module')
def made():
    return q.improvise(tune(), block_model(), **OPTIONS)


@pytest.fixture
def recipe(made):
    return copy.deepcopy(made.derivation.recipe)


def improvised_json(folder, recipe, **changes):
    """Write a recipe as the command line does, and return where."""
    path = folder / 'out.json'
    path.write_text(json.dumps({'recipe': {**recipe, **changes}, 'motifs': {}}))
    return path


def test_a_recipe_holds_operation_versions_model_query_and_all_settings(recipe):
    model = block_model()
    assert recipe == {
        'format': FORMAT, 'operation': 'improvise', 'qbdi_m21': q.__version__, 'model': 'blocks',
        'model_weights_sha256': model.weights_sha256,
        'model_decoding': {'rule': 'threshold', 'threshold': 0.5},
        'query_notes_sha256': [notes_sha256(q.extract_notes(tune()))],
        'rate': [8, 'full', 0.5, 0], 'regions': [['2', 0], ['part:1', 0.5]], 'sections': {},
        'channel': 'prior-preserving', 'variance': 'query', 'allocation': 'dynamic', 'seed': 5,
        'decoding': {'threshold': 0.3, 'pitch_range': [36, 90], 'hand_span': 14}}
    assert json.loads(json.dumps(recipe)) == recipe


def test_recipes_of_samples_and_interpolations_hold_what_is_theirs():
    sampled = q.sample(block_model(), 3, meter='6/8', seed=2).derivation.recipe
    assert (sampled['bars'], sampled['meter'], sampled['seed']) == (3, '6/8', 2)
    assert 'query_notes_sha256' not in sampled
    mixed = q.interpolate(tune(), tune((70, 68, 66, 64)), block_model(),
                          weight=(0, 1)).derivation.recipe
    assert mixed['weight'] == [0.0, 1.0]
    assert mixed['query_notes_sha256'] == [
        notes_sha256(q.extract_notes(score)) for score in (tune(), tune((70, 68, 66, 64)))]


@pytest.mark.parametrize('weight', [0, 0.5, np.float32(0.5), np.int64(1), np.array([0, 1]),
                                    np.array([0, 0.5], np.float32), (0, 0.5, 1)])
def test_numbers_of_numpy_are_plain_in_a_recipe(weight):
    mixed = q.interpolate(tune(), tune(), block_model(), weight=weight).derivation.recipe
    assert mixed['weight'] == np.atleast_1d(weight).tolist()
    sampled = q.sample(block_model(), np.int64(2), seed=np.int64(3)).derivation.recipe
    for found in (mixed, sampled):
        assert json.loads(json.dumps(found)) == found


def test_a_model_that_was_named_is_named_as_it_was():
    assert q.improvise(tune(), 'chorales').derivation.recipe['model'] == 'chorales'


def test_the_derivation_holds_recipe_and_transmissions(made):
    assert isinstance(made.derivation, RecipeDerivation)
    assert made.derivation.client is made
    assert made.derivation.method == made.derivation.recipe['operation'] == 'improvise'
    (sent,) = made.derivation.transmissions
    assert sent.rates == (0.5,) * 4
    assert RecipeDerivation().recipe == {}


def test_the_metadata_holds_the_recipe(made, recipe):
    (held,) = made.metadata.getCustom(RECIPE_FIELD)
    assert json.loads(str(held)) == recipe


def test_of_recipes_that_are_written_one_after_the_other_the_last_stays(made, recipe):
    score = copy.deepcopy(made)
    write_field(score, {**recipe, 'seed': 6})
    (held,) = score.metadata.getCustom(RECIPE_FIELD)
    assert json.loads(str(held))['seed'] == q.read_recipe(score)['seed'] == 6
    plain = tune()
    write_field(plain, recipe)
    assert q.read_recipe(plain) == recipe


@pytest.mark.parametrize('suffix', ['.musicxml', '.xml', '.mxl'])
def test_a_file_holds_the_recipe_and_stays_valid(made, recipe, suffix, tmp_path):
    path = tmp_path / f'out{suffix}'
    q.write_musicxml(made, path)
    assert q.read_recipe(path) == q.read_recipe(str(path)) == recipe
    assert schema_errors(path) == []
    fields = read_musicxml(path).findall('identification/miscellaneous/miscellaneous-field')
    assert [field.get('name') for field in fields].count(RECIPE_FIELD) == 1


def test_a_file_that_was_read_and_written_again_still_holds_it(made, recipe, tmp_path):
    q.write_musicxml(made, tmp_path / 'out.mxl')
    again = converter.parse(tmp_path / 'out.mxl')
    assert q.read_recipe(again) == recipe
    q.write_musicxml(again, tmp_path / 'again.musicxml')
    assert q.read_recipe(tmp_path / 'again.musicxml') == recipe


def test_json_holds_it_by_itself_or_beside_findings(recipe, tmp_path):
    path = improvised_json(tmp_path, recipe)
    assert q.read_recipe(path) == recipe
    path.write_text(json.dumps(recipe))
    assert q.read_recipe(path) == recipe


def test_a_copy_and_the_aligned_score_hold_it(made, recipe):
    for score in (made, copy.deepcopy(made), copy.deepcopy(copy.deepcopy(made)),
                  q.align(tune(), made), copy.deepcopy(q.align(tune(), made))):
        assert q.read_recipe(score) == recipe
    assert copy.deepcopy(made).derivation.origin is made


def test_the_score_can_be_pickled_and_frozen(recipe, tmp_path):
    made = q.improvise(tune(), block_model(), **OPTIONS)
    before = to_musicxml(made)
    again = pickle.loads(pickle.dumps(made))
    freezeThaw.StreamFreezer(made).write(fp=tmp_path / 'frozen')
    thawed = freezeThaw.StreamThawer()
    thawed.open(tmp_path / 'frozen')
    for score in (again, thawed.stream):
        assert q.read_recipe(score) == recipe
        assert to_musicxml(score) == before
    assert made.derivation.recipe == recipe
    assert made.derivation.client is made


def test_an_improvisation_on_an_improvisation_holds_its_own(made, recipe):
    again = q.improvise(made, block_model(), rate='full')
    assert q.read_recipe(again)['rate'] == 'full'
    assert q.read_recipe(again)['query_notes_sha256'] == [notes_sha256(q.extract_notes(made))]
    assert len(again.metadata.getCustom(RECIPE_FIELD)) == 1
    assert q.read_recipe(made) == recipe
    decoded = q.decode(np.ones((4, 78)), block_model(), template=made)
    with pytest.raises(ParameterError, match='the score holds no recipe'):
        q.read_recipe(decoded)


def test_a_score_without_a_recipe_is_told():
    about = tune()
    about.metadata = metadata.Metadata(title='Tune')
    for score in (tune(), about, stream.Stream()):
        with pytest.raises(ParameterError, match='the score holds no recipe of an improvisation; '
                           r'expected a score that qbdi-m21 wrote, or the \.json beside it'):
            q.read_recipe(score)


def test_files_without_a_recipe_are_told(tmp_path):
    q.write_musicxml(tune(), tmp_path / 'tune.musicxml')
    q.write_musicxml(tune(), tmp_path / 'tune.mxl')
    (tmp_path / 'list.json').write_text('[1, 2]')
    (tmp_path / 'none.json').write_text('null')
    (tmp_path / 'other.json').write_text('{"recipe": {"eggs": 3}}')
    for path in sorted(tmp_path.iterdir()):
        with pytest.raises(ParameterError, match=re.escape(f'{path} holds no recipe of an')):
            q.read_recipe(path)


@pytest.mark.parametrize('name', ['gone.musicxml', 'gone.json', 'folder', ''])
def test_a_file_that_is_not_there_is_told(name, tmp_path):
    (tmp_path / 'folder').mkdir()
    with pytest.raises(ParameterError, match=r'no such file: .*; expected a score that qbdi-m21'):
        q.read_recipe(tmp_path / name)


@pytest.mark.parametrize(('name', 'content', 'error', 'message'), [
    ('a.musicxml', b'not XML', ParameterError, 'is no MusicXML that qbdi-m21 wrote'),
    ('a.xml', b'', ParameterError, 'is no MusicXML that qbdi-m21 wrote'),
    ('a.musicxml', b'<score-partwise>', ParameterError, 'is no MusicXML that qbdi-m21 wrote'),
    ('a.mid', b'MThd\0\0\0\6', ParameterError, 'is no MusicXML that qbdi-m21 wrote'),
    ('a.mxl', b'no archive', ScoreError, 'cannot be read'),
    ('a.json', b'{', ParameterError, 'holds no recipe that can be read'),
    ('a.json', b'\xff\xfe', ParameterError, 'holds no recipe that can be read'),
    ('a.json', b'[' * 100_000, ParameterError, 'holds no recipe that can be read'),
    ('a.json', b'{"recipes": []}', ParameterError, 'holds the recipes of a sweep'),
    ('a.xml', b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', ScoreError, 'defines XML entities')])
def test_files_that_cannot_be_read_are_told(name, content, error, message, tmp_path):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(error, match=message):
        q.read_recipe(tmp_path / name)


def test_an_archive_that_names_no_score_is_told(tmp_path):
    for place, members in enumerate([{'a.txt': 'hello'}, {'META-INF/container.xml': '<a/>'},
                                     {'META-INF/container.xml': '<a><rootfile full-path="b"/></a>'},
                                     {'META-INF/container.xml': 'hello'}]):
        path = tmp_path / f'{place}.mxl'
        with zipfile.ZipFile(path, 'w') as archive:
            for name, text in members.items():
                archive.writestr(name, text)
        with pytest.raises(ParameterError, match='is no MusicXML that qbdi-m21 wrote'):
            q.read_recipe(path)


def test_a_field_that_is_damaged_is_told(made, tmp_path):
    data = to_musicxml(made)
    for damage in (b'{', b'', b'[1]', b'nothing'):
        spoilt = re.sub(rb'(<miscellaneous-field name="qbdi_m21">)[^<]*', rb'\1' + damage, data)
        assert spoilt != data
        (tmp_path / 'out.musicxml').write_bytes(spoilt)
        with pytest.raises(ParameterError, match='holds no recipe'):
            q.read_recipe(tmp_path / 'out.musicxml')


@pytest.mark.parametrize('version', [FORMAT + 1, 0, '1', None])
def test_another_format_is_refused_wherever_it_stands(version, made, recipe, tmp_path):
    message = re.escape(f'has format {version}; this version reads {FORMAT}: install the qbdi_m21')
    score = copy.deepcopy(made)
    score.metadata.setCustom(RECIPE_FIELD, json.dumps({**recipe, 'format': version}))
    q.write_musicxml(score, tmp_path / 'out.mxl')
    for source in (improvised_json(tmp_path, recipe, format=version), score,
                   tmp_path / 'out.mxl'):
        with pytest.raises(ParameterError, match=message):
            q.read_recipe(source)


@pytest.mark.parametrize(('changes', 'message'), [
    ({'operation': 'dance'}, "the recipe is of 'dance'; expected improvise, sample or interpolate"),
    ({'operation': ['sample']}, 'expected improvise, sample or interpolate'),
    ({'operation': 'sample'}, 'is damaged'), ({'operation': 'interpolate'}, 'is damaged'),
    ({'model': 3}, r'is damaged \(model'), ({'query_notes_sha256': 'abc'}, 'is damaged'),
    ({'query_notes_sha256': []}, 'is damaged'), ({'queries': ['a.mxl']}, r'damaged \(queries'),
    ({'queries': [{'source': 3}]}, r'damaged \(queries'),
    ({'queries': [{'source': 'a', 'sauce': 'b'}]}, r'damaged \(queries'),
    ({'regions': {'9': 0}}, r'damaged \(regions'), ({'decoding': 'loud'}, r'damaged \(decoding')])
def test_a_damaged_recipe_is_told(changes, message, recipe):
    with pytest.raises(ParameterError, match=message):
        check_recipe({**recipe, **changes}, 'the file')
    assert check_recipe(recipe, 'the file') is recipe


def test_whether_a_json_file_is_ours_is_seen(recipe, tmp_path):
    assert holds_recipe(improvised_json(tmp_path, recipe))
    for text in ('{}', '[]', '{', '{"eggs": 3}'):
        (tmp_path / 'other.json').write_text(text)
        assert not holds_recipe(tmp_path / 'other.json')
    assert not holds_recipe(tmp_path / 'gone.json')


def test_the_hash_is_of_what_sounds_and_of_the_bars():
    own = notes_sha256(q.extract_notes(tune()))
    named = tune()
    named.metadata = metadata.Metadata(title='Tune', composer='Anon')
    named.parts[0].recurse().notes[0].lyric = 'la'
    assert notes_sha256(q.extract_notes(named)) == own
    assert re.fullmatch('[0-9a-f]{64}', own)
    others = [tune((60, 62, 64, 66)), tune(quarters=(4, 4, 4, 3)), tune((60, 62, 64), (4, 4, 4)),
              tune((62, 60, 64, 65))]
    longer = tune()     # a bar more, and no note
    longer.parts[0].append(stream.Measure([note.Rest(quarterLength=4)], number=5))
    others.append(longer)
    assert len({own, *(notes_sha256(q.extract_notes(score)) for score in others)}) == 6


def test_model_query_and_version_must_be_those_of_the_recipe(recipe):
    model, tables = block_model(), (q.extract_notes(tune()),)
    check_same(recipe, model, tables)
    with pytest.raises(ModelError, match=r"the recipe was made with the model 'blocks' of weights "
                       r'[0-9a-f]{12}\.\.\.; this model has [0-9a-f]{12}\.\.\.: give the one it'):
        check_same({**recipe, 'model_weights_sha256': 64 * '0'}, model, tables)
    with pytest.raises(ModelError, match=r"the model 'blocks' decodes by .*0\.4.* now, and did by "
                       r'.*0\.5.* when the recipe was made'):
        check_same(recipe, block_model(threshold=0.4), tables)
    for others in ((), (q.extract_notes(tune((60, 62, 64, 66))),), tables * 2):
        with pytest.raises(ScoreError, match='the notes of the query are not those that the recipe '
                           'was made with; give the score as it was'):
            check_same(recipe, model, others)
    with pytest.warns(RecipeWarning, match=re.escape(
            f'the recipe was made with qbdi_m21 0.0.9, this is {q.__version__}: the result may')):
        check_same({**recipe, 'qbdi_m21': '0.0.9'}, model, tables)
