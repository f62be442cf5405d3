"""Declarations of studies in TOML and Python, and what is told of bad ones."""

import pytest
from corpus_studies import make_study, write_tunes

from corpus_tools.results import read_results
from corpus_tools.run import run_study
from corpus_tools.study import load_study
from qbdi_m21.errors import CorpusError, ParameterError

TOML = '''
title = "A trial"
works = ["tunes"]
seed = 4
columns = ["composer"]
measures = ["notes", {measure = "own.py:mine", options = {limit = 3}, prefix = "my_"}]

[parameters]
rate = ["full", 64]

[sample]
most = 2
by = "composer"
'''


def write_toml(folder, text=TOML):
    write_tunes(folder / 'tunes', 6)
    (folder / 'own.py').write_text('def mine(table, *, limit, rate):\n'
                                   '    return {"over": len(table) > limit}\n')
    path = folder / 'trial.toml'
    path.write_text(text)
    return path


def test_a_study_is_declared_in_toml(tmp_path, monkeypatch):
    path = write_toml(tmp_path)
    monkeypatch.chdir('/')      # paths count from the file
    study = load_study(path)
    assert (study.name, study.title, study.seed) == ('trial', 'A trial', 4)
    assert study.store == str(tmp_path / 'store')
    assert run_study(study).failed == {}
    table = read_results(study)
    assert len(table) == 2 * 2 * 2
    assert table.groupby('composer')['work'].nunique().tolist() == [2, 2]
    assert table['my_over'].all()
    assert list(table.columns[:3]) == ['work', 'composer', 'rate']


def test_a_declaration_is_the_same_however_its_path_is_spelled(tmp_path, monkeypatch):
    path = write_toml(tmp_path)
    (tmp_path / 'list.txt').write_text('tunes\n')
    path.write_text(TOML.replace('works = ["tunes"]', 'works = ["@list.txt", "corpus:bach/*"]'))
    here = load_study(path)
    monkeypatch.chdir(tmp_path)
    there = load_study('trial.toml')
    assert here.to_json() == there.to_json()
    assert here.to_json()['works'] == ['@list.txt', 'corpus:bach/*']
    assert here.cells() == there.cells()


def test_a_study_is_declared_in_python(tmp_path):
    write_tunes(tmp_path / 'tunes', 2)
    path = tmp_path / 'mine.py'
    path.write_text('from corpus_tools.study import MeasureSpec, Study\n'
                    f'study = Study(name="mine", works=({str(tmp_path / "tunes")!r},),\n'
                    '              measures=(MeasureSpec("notes"),))\n')
    assert load_study(path).name == 'mine'
    path.write_text('x = 1\n')
    with pytest.raises(CorpusError, match=r'has no `study = Study'):
        load_study(path)


@pytest.mark.parametrize(('text', 'kind', 'message'), [
    ('study = 1 / 0', CorpusError, 'mine.py ends with ZeroDivisionError: division by zero'),
    ('study = (', CorpusError, 'mine.py ends with SyntaxError'),
    ('from corpus_tools.study import Study\nstudy = Study("mine", (), ())', ParameterError,
     "mine.py: the study 'mine' has 0 sources of works")])
def test_what_a_study_in_python_raises_is_told(tmp_path, text, kind, message):
    path = tmp_path / 'mine.py'
    path.write_text(text)
    with pytest.raises(kind, match=message):
        load_study(path)


def test_what_the_file_of_a_measure_raises_is_told(tmp_path):
    path = write_toml(tmp_path, TOML)
    (tmp_path / 'own.py').write_text('limit = 1 / 0\n')
    with pytest.raises(ParameterError, match=r"own.py:mine' cannot be loaded \(ZeroDivisionError"):
        load_study(path)


@pytest.mark.parametrize(('change', 'message'), [
    (('seed = 4', 'sead = 4'), 'unknown keys sead; expected name, title, works'),
    (('works = ["tunes"]', ''), '0 sources of works'),
    (('"notes"', '"notez"'), "no measure 'notez'; expected notes, "),
    (('own.py:mine', 'own.py:yours'), "'own.py:yours' cannot be loaded"),
    (('own.py:mine', 'no.py:mine'), "'no.py:mine' cannot be loaded"),
    (('limit = 3', 'limet = 3'), 'takes no limet; it takes limit, rate'),
    (('limit = 3', ''), 'needs limit; give it as an option or a parameter'),
    (('rate = [', 'speed = ['), 'needs rate'),
    (('rate = ["full", 64]', 'rate = 64'), "'rate' is 64; expected a list"),
    (('rate = ["full", 64]', 'rate = ["full"]\nwrong = [1]'),
     'no measure takes the parameter wrong'),
    (('measure = "own', 'measures = "own'), 'a measure has the keys measures'),
    (('seed = 4', 'seed = -4'), 'seed is -4'),
    (('columns = ["composer"]', 'columns = "composer"'), "columns is 'composer'; expected a list"),
    (('measures = ["notes", ', 'measures = [3, '), 'a measure is 3'),
    (('seed = 4', 'seed = "x"'), 'value of another kind'),
    (('seed = 4', 'seed = '), 'cannot be read as TOML'),
])
def test_bad_declarations_are_told(tmp_path, change, message):
    path = write_toml(tmp_path, TOML.replace(*change))
    with pytest.raises((ParameterError, CorpusError), match=message):
        load_study(path)


def test_columns_that_are_not_there_are_told(tmp_path):
    path = write_toml(tmp_path, TOML.replace('by = "composer"', 'by = "age"'))
    with pytest.raises(CorpusError, match='no column age; expected one of work, title'):
        load_study(path).manifest()
    path = write_toml(tmp_path, TOML + '[where]\nage = "3"\n')
    with pytest.raises(CorpusError, match='no column age'):
        load_study(path).manifest()


def test_columns_that_results_should_carry_must_be_there(tmp_path):
    path = write_toml(tmp_path, TOML.replace('columns = ["composer"]', 'columns = ["composr"]'))
    with pytest.raises(CorpusError, match='no column composr'):
        run_study(load_study(path))
    path = write_toml(tmp_path, TOML.replace('[parameters]', '[parameters]\ncomposer = [1]')
                      .replace('limit, rate', 'limit, rate, composer'))
    (tmp_path / 'own.py').write_text('def mine(table, *, limit, rate, composer):\n    return {}\n')
    with pytest.raises(ParameterError, match='composer is a column of the works and a parameter'):
        run_study(load_study(path))


def test_a_parameter_called_model_may_be_the_users_own(tmp_path):
    study = make_study(tmp_path, ['corpus_work:with_model'], parameters={'model': ['x', 'y']})
    assert run_study(study).failed == {}


def test_a_number_that_a_file_does_not_hold_is_a_failure(tmp_path):
    one, = write_tunes(tmp_path / 'tunes', 1)
    (tmp_path / 'works.csv').write_text(f'work\n{one}#5\n{one}#1\n')
    study = make_study(tmp_path, works=(str(tmp_path / 'works.csv'),))
    assert run_study(study).failed == {'read: CorpusError': 1}
    assert read_results(study)['num_notes'].notna().tolist() == [False, True]
