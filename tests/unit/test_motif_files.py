"""Motifs as files: JSON, CSV and MIREX text, read by what others wrote."""

import json
from fractions import Fraction
from pathlib import Path

import jsonschema
import numpy as np
import pandas as pd
import pytest
from melodies import FILLS, melody, piece
from mir_eval import io, pattern

import qbdi_m21 as q
from qbdi_m21.analysis.motifs.exchange import motif_points
from qbdi_m21.errors import ParameterError

SCHEMA = Path(__file__).resolve().parents[2] / 'docs/schema/motifs.schema.json'


@pytest.fixture(scope='module')
def motifs():
    return q.find_motifs(q.load_score('corpus:bach/bwv66.6'), null=3)


@pytest.mark.parametrize('level', ['motifs', 'themes'])
@pytest.mark.parametrize('work', ['bach/bwv66.6', 'ryansMammoth/AcaciaReel', 'bach/bwv846'])
@pytest.mark.filterwarnings('ignore::qbdi_m21.errors.QbdiWarning')
def test_json_is_read_back_as_it_was(work, level, corpus_score, tmp_path):
    found = q.find_motifs(corpus_score(work), level=level)
    q.write_motifs(found, tmp_path / 'm.json')
    held = json.loads((tmp_path / 'm.json').read_text())
    jsonschema.validate(held, json.loads(SCHEMA.read_text()))
    again = q.read_motifs(tmp_path / 'm.json')
    for one, other in zip(again, found, strict=True):
        assert [(o.start_ql, o.end_ql, o.beat, o.element_ids, o.notes, o.part, o.exact)
                for o in one.occurrences] == [
            (o.start_ql, o.end_ql, o.beat, o.element_ids, o.notes, o.part, o.exact)
            for o in other.occurrences]
        assert one.to_json() == other.to_json()


def test_the_schema_knows_what_is_wrong(motifs):
    held = {'schema': 'qbdi_m21/motifs/1', 'motifs': [motifs[0].to_json()]}
    schema = json.loads(SCHEMA.read_text())
    jsonschema.validate(held, schema)
    for name, value in (('label', 'a'), ('salience', 2), ('occurrences', [])):
        broken = {**held, 'motifs': [{**held['motifs'][0], name: value}]}
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(broken, schema)


def test_a_table_has_a_row_for_each_occurrence(motifs, tmp_path):
    table = q.motifs_table(motifs)
    assert len(table) == sum(len(m.occurrences) for m in motifs)
    assert str(table['part'].dtype) == 'Int64'
    assert table['exact'].dtype == bool
    assert table['p_value'].notna().all()
    q.write_motifs(motifs, tmp_path / 'm.csv')
    again = pd.read_csv(tmp_path / 'm.csv')
    assert again['label'].tolist() == table['label'].tolist()
    assert again['element_ids'].tolist() == table['element_ids'].tolist()
    assert b'\r' not in (tmp_path / 'm.csv').read_bytes()


def test_a_table_has_numbers_as_numbers(motifs):
    table = q.motifs_table(motifs)
    kinds = {'f': ['start_ql', 'end_ql', 'beat', 'end_beat', 'distance', 'coverage', 'compactness',
                   'compression', 'salience', 'p_value'],
             'i': ['occurrence', 'measure', 'end_measure', 'num_notes', 'transposition',
                   'gain_notes'], 'b': ['exact']}
    assert {name: table[name].dtype.kind for names in kinds.values() for name in names} == {
        name: kind for kind, names in kinds.items() for name in names}
    for motif in motifs:
        own = table[table['label'] == motif.label]
        assert own['occurrence'].tolist() == list(range(1, len(motif.occurrences) + 1))
        assert own['num_notes'].tolist() == [len(o.notes) for o in motif.occurrences]
        assert own['element_ids'].str.split().tolist() == [
            list(o.element_ids) for o in motif.occurrences]


def test_of_the_whole_texture_there_is_no_part(corpus_score):
    table = q.motifs_table(q.find_motifs(corpus_score('joplin/maple_leaf_rag'), level='sections'))
    assert len(table) == 2
    assert table['part'].isna().all()
    assert table['p_value'].isna().all()


def test_a_table_of_nothing_has_its_columns(motifs):
    assert list(q.motifs_table(()).columns) == list(q.motifs_table(motifs).columns)
    assert len(q.motifs_table(())) == 0


def test_mir_eval_reads_mirex_text_and_finds_them_equal(motifs, tmp_path):
    q.write_motifs(motifs, tmp_path / 'm.txt')
    theirs = io.load_patterns(str(tmp_path / 'm.txt'))
    assert theirs == q.read_mirex(tmp_path / 'm.txt') == motif_points(motifs)
    assert pattern.three_layer_FPR(theirs, motif_points(motifs))[0] == pytest.approx(1)


def test_times_of_thirds_are_told_in_five_places(tmp_path):
    third = Fraction(1, 3)
    theme = [(third, 60), (third, 64), (third, 62), (1, 67), (2 * third, 65), (third, 71)]
    motifs = q.find_motifs(piece(melody(theme, FILLS[0], FILLS[1], theme)))
    q.write_motifs(motifs, tmp_path / 'm.txt')
    read, known = q.read_mirex(tmp_path / 'm.txt'), motif_points(motifs)
    assert [[len(o) for o in p] for p in read] == [[len(o) for o in p] for p in known]
    assert np.ravel(read[0]) == pytest.approx(np.ravel(known[0]), abs=6e-6)
    assert pattern.establishment_FPR(io.load_patterns(str(tmp_path / 'm.txt')), read)[0] == 1


@pytest.mark.parametrize(('text', 'line'), [
    ('21.0, 52.0\n', 1), ('pattern1\noccurrence1\n1.0\n', 3),
    ('pattern1\n\noccurrence1\none, two\n', 4),
    ('pattern1\noccurrence1\n1.0, nan\n', 3), ('pattern1\noccurrence1\ninf, 60\n', 3),
    ('occurrence1\n1.0, 60\n', 1)])
def test_broken_mirex_text_is_told_with_its_line(text, line, tmp_path):
    (tmp_path / 'm.txt').write_text(text)
    with pytest.raises(ParameterError, match=rf'm\.txt, line {line}: '):
        q.read_mirex(tmp_path / 'm.txt')


def test_empty_patterns_are_left_out(tmp_path):
    (tmp_path / 'm.txt').write_text('pattern1\noccurrence1\npattern2\noccurrence1\n1, 60\n')
    assert q.read_mirex(tmp_path / 'm.txt') == [[[(1.0, 60.0)]]]


@pytest.mark.parametrize(('text', 'message'), [
    ('{', 'is no JSON'), ('[]', "has the schema None; expected 'qbdi_m21/motifs/1'"),
    ('{"schema": "qbdi_m21/motifs/2"}', "schema 'qbdi_m21/motifs/2'"),
    ('{"schema": "qbdi_m21/motifs/1", "motifs": [{"label": "A"}]}', 'does not hold motifs'),
    ('{"schema": "qbdi_m21/motifs/1"}', 'does not hold motifs')])
def test_broken_json_is_told(text, message, tmp_path):
    (tmp_path / 'm.json').write_text(text)
    with pytest.raises(ParameterError, match=message):
        q.read_motifs(tmp_path / 'm.json')


def test_the_same_motifs_give_the_same_bytes_and_other_suffixes_none(motifs, tmp_path):
    for suffix in ('json', 'csv', 'txt'):
        paths = [tmp_path / f'{name}.{suffix}' for name in 'ab']
        for path in paths:
            q.write_motifs(motifs, path)
        assert paths[0].read_bytes() == paths[1].read_bytes()
    with pytest.raises(ParameterError, match=r"ends in '\.xlsx'; expected \.json, \.csv, \.txt"):
        q.write_motifs(motifs, tmp_path / 'm.xlsx')


@pytest.mark.parametrize('suffix', ['json', 'csv', 'txt'])
def test_where_writing_fails_what_was_there_stays(motifs, suffix, tmp_path, monkeypatch):
    path = tmp_path / f'm.{suffix}'
    path.write_text('before')

    def full(self, text, **_):
        self.write_bytes(text[:20].encode())
        raise OSError(28, 'No space left on device')

    monkeypatch.setattr(Path, 'write_text', full)
    with pytest.raises(OSError, match='No space left'):
        q.write_motifs(motifs, path)
    assert path.read_bytes() == b'before'
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_is_not_there_is_told(motifs, tmp_path):
    with pytest.raises(ParameterError, match=r'no such folder: .*gone'):
        q.write_motifs(motifs, tmp_path / 'gone/m.json')


def test_motifs_of_bare_frames_have_no_notes_for_mirex(corpus_score, tmp_path):
    found = q.find_motifs(q.to_frames(corpus_score('bach/bwv66.6')))
    with pytest.raises(ParameterError, match=r'motif A.* has no notes'):
        q.write_motifs(found, tmp_path / 'm.txt')
    assert not list(tmp_path.iterdir())
